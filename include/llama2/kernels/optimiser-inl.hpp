// What an optimiser does to each weight, and the sum that gradients are clipped by.

#include "llama2/simd/toggle-inl.hpp"

#if defined(LLAMA2_KERNELS_OPTIMISER_INL_HPP_) == defined(LLAMA2_TARGET_TOGGLE)
#ifdef LLAMA2_KERNELS_OPTIMISER_INL_HPP_
#undef LLAMA2_KERNELS_OPTIMISER_INL_HPP_
#else
#define LLAMA2_KERNELS_OPTIMISER_INL_HPP_
#endif

#include <cmath>
#include <cstddef>

#include "llama2/kernels/optimiser.hpp"
#include "llama2/simd/vocabulary-inl.hpp"

LLAMA2_TARGET_BEGIN;
namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE {
namespace detail {

template <class V>
struct AdamWVectors {
  V scale, beta1, rest1, beta2, rest2, keep, rate, root_scale, epsilon;
};

/// One vector of weights and its two moments.
template <class D, class V>
LLAMA2_INLINE void adamw_vector(D, const AdamWVectors<V>& c, V gradient, V& value, V& first,
                                V& second) {
  using namespace simd;
  const V g = mul(gradient, c.scale);
  first = fma(c.beta1, first, mul(c.rest1, g));
  second = fma(c.beta2, second, mul(mul(c.rest2, g), g));
  const V step = div(mul(c.rate, first), fma(sqrt(second), c.root_scale, c.epsilon));
  value = fma(c.keep, value, negate(step));
}

}  // namespace detail

/// One step of AdamW on n weights; see `reference::adamw`, of which it has the bits wherever a
/// target has `fma`.
inline void adamw(const AdamWStep& s, const float* gradient, std::size_t n, float* value,
                  float* first, float* second) noexcept {
  using namespace simd;
  constexpr NativeFloats d;
  using V = Vec<NativeFloats>;
  const detail::AdamWVectors<V> c{
      set(d, s.gradient_scale), set(d, s.beta1),      set(d, s.rest1),
      set(d, s.beta2),          set(d, s.rest2),      set(d, s.keep),
      set(d, s.rate),           set(d, s.root_scale), set(d, s.epsilon)};
  const std::size_t whole = n - n % d.lanes;
  for (std::size_t i = 0; i < whole; i += d.lanes) {
    V v = load(d, value + i), m = load(d, first + i), r = load(d, second + i);
    detail::adamw_vector(d, c, load(d, gradient + i), v, m, r);
    store(d, v, value + i);
    store(d, m, first + i);
    store(d, r, second + i);
  }
  if (const std::size_t rest = n - whole; rest != 0) {
    V v = load_first(d, value + whole, rest), m = load_first(d, first + whole, rest),
      r = load_first(d, second + whole, rest);
    detail::adamw_vector(d, c, load_first(d, gradient + whole, rest), v, m, r);
    store_first(d, v, value + whole, rest);
    store_first(d, m, first + whole, rest);
    store_first(d, r, second + whole, rest);
  }
}

/// The sum of x[i]^2, n elements, in an order that is fixed for the target. In floats: for a few
/// thousand at a time.
inline float sum_of_squares(const float* x, std::size_t n) noexcept {
  using namespace simd;
  constexpr NativeFloats d;
  const std::size_t whole = n - n % (2 * d.lanes);
  auto even = zero(d), odd = zero(d);
  for (std::size_t i = 0; i < whole; i += 2 * d.lanes) {
    const auto a = load(d, x + i), b = load(d, x + i + d.lanes);
    even = fma(a, a, even);
    odd = fma(b, b, odd);
  }
  float sum = reduce_add(d, add(even, odd));
  for (std::size_t i = whole; i < n; ++i) sum = std::fma(x[i], x[i], sum);
  return sum;
}

/// Multiply-adds of a round of `run_multiply_adds`.
inline constexpr std::size_t round_multiply_adds = 12 * simd::native_lanes;

/// Does so many rounds of multiply-adds on registers, as fast as the processor can, and returns
/// what depends on all of them: the peak that work is compared to.
inline float run_multiply_adds(std::size_t rounds) noexcept {
  using namespace simd;
  constexpr NativeFloats d;
  using V = Vec<NativeFloats>;
  const V factor = set(d, 0.999f), term = set(d, 1e-3f);
  // Twelve chains keep two units of latency 4 busy; they differ, or a compiler would see but one.
  V a = set(d, 1), b = set(d, 2), c = set(d, 3), e = set(d, 4), f = set(d, 5), g = set(d, 6);
  V h = set(d, 7), i = set(d, 8), j = set(d, 9), k = set(d, 10), l = set(d, 11), m = set(d, 12);
  for (std::size_t round = 0; round < rounds; ++round) {
    a = fma(a, factor, term), b = fma(b, factor, term), c = fma(c, factor, term);
    e = fma(e, factor, term), f = fma(f, factor, term), g = fma(g, factor, term);
    h = fma(h, factor, term), i = fma(i, factor, term), j = fma(j, factor, term);
    k = fma(k, factor, term), l = fma(l, factor, term), m = fma(m, factor, term);
  }
  const V sums = add(add(add(a, b), add(c, e)), add(add(f, g), add(h, i)));
  return reduce_add(d, add(sums, add(add(j, k), add(l, m))));
}

}  // namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE
LLAMA2_TARGET_END;

#endif  // toggle guard
