// The kernels of training for the compiler's processor target.
#pragma once

#include "llama2/base/config.hpp"

#if defined(LLAMA2_DYNAMIC)
#error \
    "llama2: training is compiled for one processor target: link llama2::native or llama2::llama2 instead of llama2::dynamic."
#endif

#include "llama2/kernels/training_kernels-inl.hpp"

namespace llama2::inline LLAMA2_ABI {

using TrainingKernels = LLAMA2_TARGET_NAMESPACE::TrainingKernels;

}  // namespace llama2::inline LLAMA2_ABI
