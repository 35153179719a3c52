// expect: dynamic mode needs Highway.*LLAMA2_SIMD=xsimd
// flags: -DLLAMA2_DYNAMIC=1 -DLLAMA2_SIMD_XSIMD=1
#include "llama2/base/config.hpp"
