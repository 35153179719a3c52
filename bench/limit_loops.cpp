// Compiles limit_loops-inl.hpp for every target of the program: in dynamic mode for those of
// `llama2::Target`, which compiles only the library's kernels so.
#include "limit_loops.hpp"

#include <stdexcept>
#include <string>

#include "llama2/base/config.hpp"

#if defined(LLAMA2_DYNAMIC)
#if !defined(HWY_DISABLED_TARGETS)  // as in llama2/kernels/target.hpp
#define HWY_DISABLED_TARGETS (HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#endif
#define HWY_TARGET_INCLUDE "limit_loops-inl.hpp"
#include <hwy/foreach_target.h>
#endif

#include "limit_loops-inl.hpp"

const bench::LimitLoops& bench::limit_loops(std::string_view target) {
#if defined(LLAMA2_DYNAMIC)
#if defined(HWY_AVX3_SPR) && HWY_TARGETS & HWY_AVX3_SPR
  if (target == N_AVX3_SPR::name) return N_AVX3_SPR::loops;
#endif
#if defined(HWY_AVX3_ZEN4) && HWY_TARGETS & HWY_AVX3_ZEN4
  if (target == N_AVX3_ZEN4::name) return N_AVX3_ZEN4::loops;
#endif
#if HWY_TARGETS & HWY_AVX3
  if (target == N_AVX3::name) return N_AVX3::loops;
#endif
#if HWY_TARGETS & HWY_AVX2
  if (target == N_AVX2::name) return N_AVX2::loops;
#endif
#if HWY_TARGETS & HWY_SSE4
  if (target == N_SSE4::name) return N_SSE4::loops;
#endif
#if HWY_TARGETS & HWY_SSSE3
  if (target == N_SSSE3::name) return N_SSSE3::loops;
#endif
#endif
  if (target == LLAMA2_TARGET_NAMESPACE::name) return LLAMA2_TARGET_NAMESPACE::loops;
  throw std::logic_error("no limits for target " + std::string(target));
}
