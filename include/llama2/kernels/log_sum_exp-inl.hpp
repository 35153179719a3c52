// What a loss asks of logits.

#include "llama2/simd/toggle-inl.hpp"

#if defined(LLAMA2_KERNELS_LOG_SUM_EXP_INL_HPP_) == defined(LLAMA2_TARGET_TOGGLE)
#ifdef LLAMA2_KERNELS_LOG_SUM_EXP_INL_HPP_
#undef LLAMA2_KERNELS_LOG_SUM_EXP_INL_HPP_
#else
#define LLAMA2_KERNELS_LOG_SUM_EXP_INL_HPP_
#endif

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "llama2/simd/math-inl.hpp"

LLAMA2_TARGET_BEGIN;
namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE {

/// The natural logarithm of the sum of exponentials of n floats, n > 0, as good as floats are; the
/// `log_sum_exp` of generate/score.hpp takes double and eight times as long. Not a number if one of
/// the floats is none.
inline double log_sum_exp(const float* x, std::size_t n) noexcept {
  using namespace simd;
  constexpr NativeFloats d;
  constexpr float lowest = -std::numeric_limits<float>::infinity();
  const std::size_t whole = n - n % d.lanes;
  auto highest = set(d, lowest);
  for (std::size_t i = 0; i < whole; i += d.lanes) highest = max(highest, load(d, x + i));
  float top = reduce_max(d, highest);
  for (std::size_t i = whole; i < n; ++i) top = std::max(top, x[i]);
  const auto tops = set(d, top);
  auto sums = zero(d);
  for (std::size_t i = 0; i < whole; i += d.lanes)
    sums = add(sums, exp(d, sub(load(d, x + i), tops)));
  if (const std::size_t rest = n - whole; rest != 0)
    sums = add(sums,
               select_first(d, rest, exp(d, sub(load_first(d, x + whole, rest), tops)), zero(d)));
  return top + std::log(static_cast<double>(reduce_add(d, sums)));
}

}  // namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE
LLAMA2_TARGET_END;

#endif  // toggle guard
