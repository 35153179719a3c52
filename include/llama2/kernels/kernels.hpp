// The kernels of the one target that the compiler's flags allow, for tests and benchmarks:
// `kernels::matmul(...)`. Models go through `Target`.
#pragma once

#include "llama2/kernels/kernels-inl.hpp"

namespace llama2::inline LLAMA2_ABI {

namespace kernels = LLAMA2_TARGET_NAMESPACE;

}  // namespace llama2::inline LLAMA2_ABI
