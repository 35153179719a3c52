// The kernels, as the layers call them: `kernels::matmul(...)`.
#pragma once

#include "llama2/kernels/attention-inl.hpp"
#include "llama2/kernels/elementwise-inl.hpp"
#include "llama2/kernels/matmul-inl.hpp"
#include "llama2/kernels/quantised_matmul-inl.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Static mode: the one target that the compiler's flags allow.
namespace kernels = HWY_NAMESPACE;

}  // namespace llama2::inline LLAMA2_ABI
