// Conversion of weights between floats and the blocks of a format, many at a time.

#if defined(LLAMA2_KERNELS_CODEC_INL_HPP_) == defined(LLAMA2_TARGET_TOGGLE)
#ifdef LLAMA2_KERNELS_CODEC_INL_HPP_
#undef LLAMA2_KERNELS_CODEC_INL_HPP_
#else
#define LLAMA2_KERNELS_CODEC_INL_HPP_
#endif

#include <cmath>
#include <cstddef>
#include <limits>
#include <type_traits>

#include "llama2/format/float_formats.hpp"
#include "llama2/format/quantised.hpp"
#include "llama2/simd/vocabulary-inl.hpp"

LLAMA2_TARGET_BEGIN;
namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE {
namespace detail {

/// Vectors in which both 8 and 32 bits per element can be handled.
using CodecFloats = simd::Floats<(simd::native_lanes < 8 ? simd::native_lanes : 8)>;

/// The element of largest magnitude among 32, the negative one of equals; an infinity is larger
/// than any number, and NaN larger still.
LLAMA2_INLINE float extreme_of(const float* x) {
  using namespace simd;
  constexpr CodecFloats d;
  auto extreme = magnitude_key(d, load(d, x));
  for (std::size_t i = d.lanes; i < 32; i += d.lanes)
    extreme = max_key(d, extreme, magnitude_key(d, load(d, x + i)));
  return extreme_of_keys(d, extreme);
}

LLAMA2_INLINE void encode_block(const float* x, float extreme, BlockQ8_0& out) {
  using namespace simd;
  constexpr CodecFloats d;
  const float scale = std::abs(extreme) / 127.0f;
  const auto inverse = set(d, scale > 0 ? 1.0f / scale : 0.0f);
  const auto limit = set(d, 127.0f);
  store(Floats<1>(), set(Floats<1>(), scale), &out.scale);
  for (std::size_t i = 0; i < 32; i += d.lanes) {
    const auto v = mul(load(d, x + i), inverse);
    const auto q = round_half_away(d, max(min(v, limit), negate(limit)));
    store_bytes(d, select_nan(v, zero(d), q), out.q + i);  // 0 times an overflowing inverse
  }
}

LLAMA2_INLINE void encode_block(const float* x, float extreme, BlockQ4_0& out) {
  using namespace simd;
  constexpr CodecFloats d;
  // Where both signs have the largest magnitude, the first counts.
  auto nearest = set(d, 1.0f);
  for (std::size_t i = 0; i < 32; i += d.lanes)
    nearest = min(nearest, absolute(add(load(d, x + i), set(d, extreme))));
  if (any_equal(d, nearest, zero(d))) extreme = Q4_0::extreme(x, 32);
  const float scale = extreme / -8.0f;
  const auto inverse = set(d, scale != 0 ? 1.0f / scale : 0.0f);
  store(Floats<1>(), set(Floats<1>(), scale), &out.scale);
  const auto rounded = [&](std::size_t i) LLAMA2_TARGET_ATTR {
    const auto v = mul(load(d, x + i), inverse);
    const auto bounded = max(min(round_half_up(d, v), set(d, 7.0f)), set(d, -8.0f));
    return add(select_nan(v, zero(d), bounded), set(d, 8.0f));
  };
  for (std::size_t i = 0; i < 16; i += d.lanes)
    store_bytes(d, fma(rounded(i + 16), set(d, 16.0f), rounded(i)), out.q + i);
}

template <class F>
LLAMA2_INLINE void encode_blocks(const float* in, typename F::Block* out, std::size_t n) {
  for (; n >= 32; n -= 32, in += 32, ++out) {
    const float extreme = extreme_of(in);
    if (std::abs(extreme) <= std::numeric_limits<float>::max())
      encode_block(in, extreme, *out);
    else
      F::encode(in, out, 32);
  }
  if (n != 0) F::encode(in, out, n);
}

}  // namespace detail

/// n weights from blocks of format F to floats; the same bits as `F::decode`.
template <WeightFormat F>
void decode(const typename F::Block* in, float* out, std::size_t n) noexcept {
  using namespace simd;
  if constexpr (std::is_same_v<F, F16> || std::is_same_v<F, BF16>) {
    constexpr NativeFloats d;
    const std::size_t whole = n - n % d.lanes;
    for (std::size_t i = 0; i < whole; i += d.lanes) store(d, load(d, in + i), out + i);
    F::decode(in + whole, out + whole, n - whole);
  } else if constexpr (std::is_same_v<F, Q8_0>) {
    constexpr detail::CodecFloats d;
    for (; n >= 32; n -= 32, ++in, out += 32) {
      const auto scale = set(d, to_float(in->scale));
      for (std::size_t i = 0; i < 32; i += d.lanes)
        store(d, mul(load(d, in->q + i), scale), out + i);
    }
    F::decode(in, out, n);
  } else if constexpr (std::is_same_v<F, Q4_0>) {
    constexpr detail::CodecFloats d;
    const auto eight = set(d, 8.0f);
    for (; n >= 32; n -= 32, ++in, out += 32) {
      const auto scale = set(d, to_float(in->scale));
      for (std::size_t i = 0; i < 16; i += d.lanes) {
        store(d, mul(sub(load_low_nibbles(d, in->q + i), eight), scale), out + i);
        store(d, mul(sub(load_high_nibbles(d, in->q + i), eight), scale), out + i + 16);
      }
    }
    F::decode(in, out, n);
  } else {
    F::decode(in, out, n);
  }
}

/// n floats to blocks of format F; the same bits as `F::encode`.
template <WeightFormat F>
void encode(const float* in, typename F::Block* out, std::size_t n) noexcept {
  using namespace simd;
  if constexpr (std::is_same_v<F, F16>) {
    constexpr NativeFloats d;
    const std::size_t whole = n - n % d.lanes;
    for (std::size_t i = 0; i < whole; i += d.lanes) store(d, load(d, in + i), out + i);
    F::encode(in + whole, out + whole, n - whole);
  } else if constexpr (std::is_same_v<F, Q8_0> || std::is_same_v<F, Q4_0>) {
    detail::encode_blocks<F>(in, out, n);
  } else {
    F::encode(in, out, n);
  }
}

}  // namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE
LLAMA2_TARGET_END;

#endif  // toggle guard
