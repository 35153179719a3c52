// A model type that one translation unit compiles and another uses.
#pragma once

#include <cstddef>

#include "llama2/generate/instantiate.hpp"
#include "synthetic_tokenizer.hpp"

struct SharedShape {
  static constexpr std::size_t dim = 16, hidden_dim = 24, layers = 2, heads = 4, kv_heads = 2,
                               vocab = test::synthetic_vocab, context = 32;
};
