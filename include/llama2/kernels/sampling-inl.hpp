// What choosing a token asks of all logits.

#if defined(LLAMA2_KERNELS_SAMPLING_INL_HPP_) == defined(LLAMA2_TARGET_TOGGLE)
#ifdef LLAMA2_KERNELS_SAMPLING_INL_HPP_
#undef LLAMA2_KERNELS_SAMPLING_INL_HPP_
#else
#define LLAMA2_KERNELS_SAMPLING_INL_HPP_
#endif

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>

#include "llama2/simd/math-inl.hpp"

LLAMA2_TARGET_BEGIN;
namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE {

/// The largest of n floats; minus infinity if there is none, and in place of each NaN.
inline float largest(const float* x, std::size_t n) noexcept {
  using namespace simd;
  constexpr NativeFloats d;
  constexpr float lowest = -std::numeric_limits<float>::infinity();
  // Two of them, for the time that one takes.
  auto even = set(d, lowest), odd = even;
  const auto take = [&](auto so_far, std::size_t i) LLAMA2_TARGET_ATTR {
    const auto v = load(d, x + i);
    return max(so_far, select_nan(v, set(d, lowest), v));
  };
  const std::size_t whole = n - n % (2 * d.lanes);
  for (std::size_t i = 0; i < whole; i += 2 * d.lanes) {
    even = take(even, i);
    odd = take(odd, i + d.lanes);
  }
  float top = reduce_max(d, max(even, odd));
  for (std::size_t i = whole; i < n; ++i)
    if (x[i] > top) top = x[i];
  return top;
}

/// N sums of n values each, which `add_to` adds to its last argument, vectors and single elements
/// from a place on: of 512 at a time in floats, of these in double.
template <std::size_t N, class AddTo>
LLAMA2_INLINE std::array<double, N> sums_in_blocks(std::size_t n, AddTo&& add_to) noexcept {
  using namespace simd;
  constexpr NativeFloats d;
  constexpr std::size_t block = 512;
  std::array<double, N> totals{};
  const std::size_t whole = n - n % block;
  for (std::size_t i = 0; i < whole; i += block) {
    Vec<NativeFloats> even[N], odd[N];
    for (std::size_t k = 0; k < N; ++k) even[k] = odd[k] = zero(d);
    for (std::size_t j = i; j < i + block; j += 2 * d.lanes) {
      add_to(d, j, even);
      add_to(d, j + d.lanes, odd);
    }
    for (std::size_t k = 0; k < N; ++k)
      totals[k] += static_cast<double>(reduce_add(d, add(even[k], odd[k])));
  }
  constexpr Floats<1> single;
  for (std::size_t i = whole; i < n; ++i) {
    Vec<Floats<1>> values[N];
    for (std::size_t k = 0; k < N; ++k) values[k] = zero(single);
    add_to(single, i, values);
    for (std::size_t k = 0; k < N; ++k)
      totals[k] += static_cast<double>(first_lane(single, values[k]));
  }
  return totals;
}

/// The sum of n floats.
inline double sum_of(const float* x, std::size_t n) noexcept {
  return sums_in_blocks<1>(n, [&](auto d, std::size_t i, auto& sums) LLAMA2_TARGET_ATTR {
    sums[0] = simd::add(sums[0], simd::load(d, x + i));
  })[0];
}

/// How many of n ranks are above each of some bounds.
template <std::size_t N>
std::array<double, N> count_above(const float* ranks, const std::array<float, N>& bounds,
                                  std::size_t n) noexcept {
  return sums_in_blocks<N>(n, [&](auto d, std::size_t i, auto& sums) LLAMA2_TARGET_ATTR {
    using namespace simd;
    const auto rank = load(d, ranks + i);
    for (std::size_t k = 0; k < N; ++k)
      sums[k] = add(sums[k], select_less(set(d, bounds[k]), rank, set(d, 1.0f), zero(d)));
  });
}

/// The sum of those of n weights whose rank is above each of some bounds.
template <std::size_t N>
std::array<double, N> sum_above(const float* ranks, const std::array<float, N>& bounds,
                                const float* weights, std::size_t n) noexcept {
  return sums_in_blocks<N>(n, [&](auto d, std::size_t i, auto& sums) LLAMA2_TARGET_ATTR {
    using namespace simd;
    const auto rank = load(d, ranks + i), weight = load(d, weights + i);
    for (std::size_t k = 0; k < N; ++k)
      sums[k] = add(sums[k], select_less(set(d, bounds[k]), rank, weight, zero(d)));
  });
}

/// Moves those of n elements of some arrays whose rank is above a bound to the front, in their
/// order, and returns how many they are. The ranks may be one of the arrays.
template <class... T>
std::size_t keep_above(const float* ranks, float bound, std::size_t n, T*... arrays) noexcept {
  using namespace simd;
  constexpr NativeFloats d;
  const auto bounds = set(d, bound);
  const std::size_t whole = n - n % d.lanes;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < whole; i += d.lanes) {
    const auto rank = load(d, ranks + i);
    std::size_t count = 0;
    (..., void(count = pack_above(d, rank, bounds, arrays + i, arrays + kept)));
    kept += count;
  }
  for (std::size_t i = whole; i < n; ++i) {
    const bool own = ranks[i] > bound;
    (..., void(arrays[kept] = arrays[i]));
    kept += own;
  }
  return kept;
}

namespace detail {

/// The logarithm of a token's probability over that of the likeliest, whose logit is `top`: 0 for
/// that itself, which may be infinite.
template <class D>
LLAMA2_INLINE simd::Vec<D> log_weight(D d, simd::Vec<D> logit, float top, float temperature) {
  using namespace simd;
  const auto tops = set(d, top);
  return select_equal(logit, tops, zero(d), div(sub(logit, tops), set(d, temperature)));
}

/// out[i] = f(x[i]) for vectors of x.
template <class F>
LLAMA2_INLINE void map(const float* x, std::size_t n, float* out, F&& f) noexcept {
  using namespace simd;
  constexpr NativeFloats d;
  const std::size_t whole = n - n % d.lanes;
  for (std::size_t i = 0; i < whole; i += d.lanes) store(d, f(d, load(d, x + i)), out + i);
  if (const std::size_t rest = n - whole; rest != 0)
    store_first(d, f(d, load_first(d, x + whole, rest)), out + whole, rest);
}

}  // namespace detail

/// out[i] = e^((x[i] - top) / temperature), and 1 where x[i] is top, which may be infinite.
inline void softmax_weights(const float* x, std::size_t n, float top, float temperature,
                            float* out) noexcept {
  detail::map(x, n, out, [&](auto d, auto v) LLAMA2_TARGET_ATTR {
    return simd::exp(d, detail::log_weight(d, v, top, temperature));
  });
}

/// The sum of what `softmax_weights` has made of x, each times its logarithm.
inline double sum_of_logs(const float* x, const float* weights, std::size_t n, float top,
                          float temperature) noexcept {
  return sums_in_blocks<1>(n, [&](auto d, std::size_t i, auto& sums) LLAMA2_TARGET_ATTR {
    using namespace simd;
    const auto log = detail::log_weight(d, load(d, x + i), top, temperature);
    sums[0] = add(sums[0], mul(load(d, weights + i), log));
  })[0];
}

/// out[i] = minus the distance of the logarithm of what `softmax_weights` makes of x[i] from
/// `mean`.
inline void closeness(const float* x, std::size_t n, float top, float temperature, float mean,
                      float* out) noexcept {
  detail::map(x, n, out, [&](auto d, auto v) LLAMA2_TARGET_ATTR {
    using namespace simd;
    return copy_sign(sub(detail::log_weight(d, v, top, temperature), set(d, mean)), set(d, -1.0f));
  });
}

}  // namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE
LLAMA2_TARGET_END;

#endif  // toggle guard
