// The shape of the project's own model.
#pragma once

#include <cstddef>

namespace recipe {

/// 2.5 million weights, two heads of keys and values for eight of queries. All rows are multiples
/// of 256, the longest block of any weight format, so that every format can be measured on it.
struct Storyteller {
  static constexpr std::size_t dim = 256, hidden_dim = 512, layers = 4, heads = 8, kv_heads = 2,
                               vocab = 1024, context = 512;
  static constexpr bool tied_head = true;
};

}  // namespace recipe
