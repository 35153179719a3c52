// What choosing a token asks of all logits.

#if defined(LLAMA2_KERNELS_SAMPLING_INL_HPP_) == defined(LLAMA2_TARGET_TOGGLE)
#ifdef LLAMA2_KERNELS_SAMPLING_INL_HPP_
#undef LLAMA2_KERNELS_SAMPLING_INL_HPP_
#else
#define LLAMA2_KERNELS_SAMPLING_INL_HPP_
#endif

#include <algorithm>
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
  std::size_t i = 0;
  for (; i + 2 * d.lanes <= n; i += 2 * d.lanes) {
    even = take(even, i);
    odd = take(odd, i + d.lanes);
  }
  float top = reduce_max(d, max(even, odd));
  for (; i < n; ++i)
    if (x[i] > top) top = x[i];
  return top;
}

/// The sum of n values that `value` gives of vectors and of single elements from a place on: of 512
/// at a time in floats, of these in double.
template <class Value>
LLAMA2_INLINE double sum_in_blocks(std::size_t n, Value&& value) noexcept {
  using namespace simd;
  constexpr NativeFloats d;
  constexpr std::size_t block = 512;
  double total = 0;
  std::size_t i = 0;
  for (; i + block <= n; i += block) {
    auto even = zero(d), odd = even;
    for (std::size_t j = i; j < i + block; j += 2 * d.lanes) {
      even = add(even, value(d, j));
      odd = add(odd, value(d, j + d.lanes));
    }
    total += static_cast<double>(reduce_add(d, add(even, odd)));
  }
  constexpr Floats<1> single;
  for (; i < n; ++i) total += static_cast<double>(first_lane(single, value(single, i)));
  return total;
}

/// The sum of n floats.
inline double sum_of(const float* x, std::size_t n) noexcept {
  return sum_in_blocks(
      n, [&](auto d, std::size_t i) LLAMA2_TARGET_ATTR { return simd::load(d, x + i); });
}

/// How many of n ranks are above a bound.
inline double count_above(const float* ranks, float bound, std::size_t n) noexcept {
  return sum_in_blocks(n, [&](auto d, std::size_t i) LLAMA2_TARGET_ATTR {
    using namespace simd;
    return select_less(set(d, bound), load(d, ranks + i), set(d, 1.0f), zero(d));
  });
}

/// The sum of those of n weights whose rank is above a bound.
inline double sum_above(const float* ranks, float bound, const float* weights,
                        std::size_t n) noexcept {
  return sum_in_blocks(n, [&](auto d, std::size_t i) LLAMA2_TARGET_ATTR {
    using namespace simd;
    return select_less(set(d, bound), load(d, ranks + i), load(d, weights + i), zero(d));
  });
}

/// out[i] = e^((x[i] - top) / temperature), and 1 where x[i] is top, which may be infinite.
inline void softmax_weights(const float* x, std::size_t n, float top, float temperature,
                            float* out) noexcept {
  using namespace simd;
  constexpr NativeFloats d;
  const auto tops = set(d, top), temperatures = set(d, temperature);
  const auto weight = [&](auto v) LLAMA2_TARGET_ATTR {
    return exp(d, select_equal(v, tops, zero(d), div(sub(v, tops), temperatures)));
  };
  const std::size_t whole = n - n % d.lanes;
  for (std::size_t i = 0; i < whole; i += d.lanes) store(d, weight(load(d, x + i)), out + i);
  if (const std::size_t rest = n - whole; rest != 0)
    store_first(d, weight(load_first(d, x + whole, rest)), out + whole, rest);
}

}  // namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE
LLAMA2_TARGET_END;

#endif  // toggle guard
