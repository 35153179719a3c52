// Shapes small enough for a test to think through.
#pragma once

#include <cstddef>

/// Grouped-query attention, tied head, sizes that are no multiple of a vector.
struct TinyGrouped {
  static constexpr std::size_t dim = 24, hidden_dim = 44, layers = 3, heads = 4, kv_heads = 2,
                               vocab = 40, context = 256;
  static constexpr bool tied_head = true;
};

/// Multi-head attention, a head of its own, head_dim 10.
struct TinyPlain {
  static constexpr std::size_t dim = 20, hidden_dim = 36, layers = 2, heads = 2, kv_heads = 2,
                               vocab = 33, context = 128;
};

/// Rows of whole blocks in every quantised format. One layer: rounding activations to 8 bits makes
/// an error of 0.5 % at each product, which adds up in square: 1.5 % to the logits of one layer.
struct TinyBlocks {
  static constexpr std::size_t dim = 256, hidden_dim = 512, layers = 1, heads = 8, kv_heads = 2,
                               vocab = 64, context = 128;
};
