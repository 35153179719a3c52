// The same library with kernels for every processor target in one program; the best is chosen at
// run time. Link `llama2::dynamic`, which defines LLAMA2_DYNAMIC for the whole program.
#pragma once

#if !defined(LLAMA2_DYNAMIC)
#if defined(LLAMA2_ABI)
#error "Include llama2/dynamic.hpp before any other header of llama2, or link llama2::dynamic."
#endif
#define LLAMA2_DYNAMIC 1
#endif

#include "llama2/llama2.hpp"
