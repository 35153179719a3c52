// A shape of 1.3 million weights.
#pragma once

#include <cstddef>

namespace examples {

/// Grammar, in some minutes of training.
struct Mini {
  static constexpr std::size_t dim = 128, hidden_dim = 352, layers = 6, heads = 8, kv_heads = 4,
                               vocab = 2048, context = 256;
  static constexpr bool tied_head = true;
};

}  // namespace examples
