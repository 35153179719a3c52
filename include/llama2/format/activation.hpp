// Activations as the products with quantised weights take them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "llama2/format/quantised.hpp"

namespace llama2::inline LLAMA2_ABI {

/// 32 activations: scale * q, q in -127 .. 127, the scale the largest magnitude over 127. The rest
/// of a last block is zeros.
struct ActivationBlock {
  float scale;
  std::int32_t total;  ///< the sum of q
  std::int8_t q[32];
};

/// What a product with weights in format F takes: floats, or blocks of 32 where F's are.
template <WeightFormat F>
using ActivationOf = std::conditional_t<F::block_size == 1, float, ActivationBlock>;

}  // namespace llama2::inline LLAMA2_ABI
