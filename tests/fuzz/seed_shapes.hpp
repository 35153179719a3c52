// Shapes of the seeds: so small that a fuzzer reaches every byte of their files.
#pragma once

#include <cstddef>

namespace test {

struct SeedLeast {
  static constexpr std::size_t dim = 4, hidden_dim = 3, layers = 1, heads = 2, kv_heads = 1,
                               vocab = 4, context = 3;
};

/// Rows of whole blocks, so that it can be quantised; its head is tied.
struct SeedBlocks {
  static constexpr std::size_t dim = 32, hidden_dim = 32, layers = 1, heads = 2, kv_heads = 1,
                               vocab = 4, context = 4;
  static constexpr bool tied_head = true;
};

}  // namespace test
