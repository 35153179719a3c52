// Shapes for files with quantised tensors.
#pragma once

#include <cstddef>

#include "synthetic_tokenizer.hpp"

namespace test {

/// Rows of whole blocks everywhere; grouped-query attention.
struct Blocks {
  static constexpr std::size_t dim = 64, hidden_dim = 96, layers = 2, heads = 4, kv_heads = 2,
                               vocab = synthetic_vocab, context = 16;
};

/// The rows of w2 are not whole blocks.
struct Ragged : Blocks {
  static constexpr std::size_t hidden_dim = 44;
  static constexpr bool tied_head = true;
};

/// Odd numbers of rows and columns.
struct Odd : Blocks {
  static constexpr std::size_t hidden_dim = 45;
};

}  // namespace test
