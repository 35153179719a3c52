// Elementary functions, written once in the vector vocabulary.

#if defined(LLAMA2_SIMD_MATH_INL_HPP_) == defined(LLAMA2_TARGET_TOGGLE)
#ifdef LLAMA2_SIMD_MATH_INL_HPP_
#undef LLAMA2_SIMD_MATH_INL_HPP_
#else
#define LLAMA2_SIMD_MATH_INL_HPP_
#endif

#include "llama2/simd/vocabulary-inl.hpp"

LLAMA2_TARGET_BEGIN;
namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE {
namespace simd {

/// e^x to about 1 unit in the last place; exactly 0 below -87.33 (also for minus infinity), and
/// saturates at e^88.72, just below the largest float. NaN gives NaN.
///
/// x = n ln 2 + r with |r| <= ln(2)/2; e^r by its Taylor polynomial of degree 7, whose remainder
/// is below 6e-9 of the result; the factor 2^n is an addition to the exponent.
template <class D>
LLAMA2_INLINE Vec<D> exp(D d, Vec<D> x) {
  const auto lowest = set(d, -87.33f);
  const auto clamped = min(max(x, lowest), set(d, 88.72f));
  const auto n = round(mul(clamped, set(d, 1.44269504f)));
  auto r = fma(n, set(d, -0.693359375f), clamped);  // ln 2 in two parts: the first is exact in
  r = fma(n, set(d, 2.12194440e-4f), r);            // 10 bits, so its product with n is, too
  auto p = set(d, 1.0f / 5040);
  p = fma(p, r, set(d, 1.0f / 720));
  p = fma(p, r, set(d, 1.0f / 120));
  p = fma(p, r, set(d, 1.0f / 24));
  p = fma(p, r, set(d, 1.0f / 6));
  p = fma(p, r, set(d, 0.5f));
  p = fma(p, r, set(d, 1.0f));
  p = fma(p, r, set(d, 1.0f));
  // Targets differ in what min and max make of NaN; weights that are damaged must show.
  return select_nan(x, x, select_less(x, lowest, zero(d), scale_by_power_of_2(d, p, n)));
}

/// x * sigmoid(x), the gate of SwiGLU (Shazeer 2020, arXiv:2002.05202).
template <class D>
LLAMA2_INLINE Vec<D> silu(D d, Vec<D> x) {
  return div(x, add(set(d, 1.0f), exp(d, negate(x))));
}

}  // namespace simd
}  // namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE
LLAMA2_TARGET_END;

#endif  // toggle guard
