// The sizes in which Llama 2 exists. Derive from one and change a number to make your own.
#pragma once

#include <cstddef>

#include "llama2/shape/model_shape.hpp"

namespace llama2::inline LLAMA2_ABI {

// Llama 2 (Touvron et al. 2023, arXiv:2307.09288). 34B and 70B use grouped-query attention with
// 8 key/value heads. Feed-forward widths: round_up(multiplier * 8/3 * dim, multiple_of).

struct Llama2_7B {
  static constexpr std::size_t dim = 4096, hidden_dim = 11008, layers = 32, heads = 32,
                               kv_heads = 32, vocab = 32000, context = 4096;
};
struct Llama2_13B {
  static constexpr std::size_t dim = 5120, hidden_dim = 13824, layers = 40, heads = 40,
                               kv_heads = 40, vocab = 32000, context = 4096;
};
struct Llama2_34B {
  static constexpr std::size_t dim = 8192, hidden_dim = 22016, layers = 48, heads = 64,
                               kv_heads = 8, vocab = 32000, context = 4096;
};
struct Llama2_70B {
  static constexpr std::size_t dim = 8192, hidden_dim = 28672, layers = 80, heads = 64,
                               kv_heads = 8, vocab = 32000, context = 4096;
};

// Code Llama (Roziere et al. 2023, arXiv:2308.12950): rotary base 10^6, trained on 16k tokens;
// 7B and 13B have 16 more ids, for infilling.

struct CodeLlama_7B : Llama2_7B {
  static constexpr std::size_t vocab = 32016, context = 16384;
  static constexpr float rope_theta = 1e6f;
};
struct CodeLlama_13B : Llama2_13B {
  static constexpr std::size_t vocab = 32016, context = 16384;
  static constexpr float rope_theta = 1e6f;
};
struct CodeLlama_34B : Llama2_34B {
  static constexpr std::size_t context = 16384;
  static constexpr float rope_theta = 1e6f;
};

// TinyLlama (Zhang et al. 2024, arXiv:2401.02385).

struct TinyLlama_1_1B {
  static constexpr std::size_t dim = 2048, hidden_dim = 5632, layers = 22, heads = 32, kv_heads = 4,
                               vocab = 32000, context = 2048;
};

// The TinyStories models of llama2.c; their output head is the embedding.

struct Stories260K {
  static constexpr std::size_t dim = 64, hidden_dim = 172, layers = 5, heads = 8, kv_heads = 4,
                               vocab = 512, context = 512;
  static constexpr bool tied_head = true;
};
struct Stories15M {
  static constexpr std::size_t dim = 288, hidden_dim = 768, layers = 6, heads = 6, kv_heads = 6,
                               vocab = 32000, context = 256;
  static constexpr bool tied_head = true;
};
struct Stories42M {
  static constexpr std::size_t dim = 512, hidden_dim = 1376, layers = 8, heads = 8, kv_heads = 8,
                               vocab = 32000, context = 1024;
  static constexpr bool tied_head = true;
};
struct Stories110M {
  static constexpr std::size_t dim = 768, hidden_dim = 2048, layers = 12, heads = 12, kv_heads = 12,
                               vocab = 32000, context = 1024;
  static constexpr bool tied_head = true;
};

}  // namespace llama2::inline LLAMA2_ABI
