// Conversion of weights between floats and the blocks of a format, many at a time.

#if defined(LLAMA2_KERNELS_CODEC_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef LLAMA2_KERNELS_CODEC_INL_HPP_
#undef LLAMA2_KERNELS_CODEC_INL_HPP_
#else
#define LLAMA2_KERNELS_CODEC_INL_HPP_
#endif

#include <cstddef>
#include <cstdint>

#include "llama2/format/float_formats.hpp"
#include "llama2/format/quantised.hpp"
#include "llama2/simd/highway-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace llama2::inline LLAMA2_ABI::HWY_NAMESPACE {
namespace detail {

/// Vectors in which both 8 and 32 bits per element can be handled.
using CodecFloats = simd::Floats<(simd::native_lanes < 8 ? simd::native_lanes : 8)>;

/// The element of largest magnitude among 32, the first of equals.
HWY_INLINE float extreme_of(const float* x) {
  using namespace simd;
  constexpr CodecFloats d;
  auto top = zero(d), bottom = zero(d);
  for (std::size_t i = 0; i < 32; i += d.lanes) {
    const auto v = load(d, x + i);
    top = max(top, v);
    bottom = max(bottom, negate(v));
  }
  const float highest = reduce_max(d, top), lowest = reduce_max(d, bottom);
  if (highest > lowest) return highest;
  if (lowest > highest) return -lowest;
  return Q4_0::extreme(x, 32);
}

HWY_INLINE void encode_block(const float* x, BlockQ8_0& out) {
  using namespace simd;
  constexpr CodecFloats d;
  auto largest = zero(d);
  for (std::size_t i = 0; i < 32; i += d.lanes) largest = max(largest, absolute(load(d, x + i)));
  const float scale = reduce_max(d, largest) / 127.0f;
  const auto inverse = set(d, scale > 0 ? 1.0f / scale : 0.0f);
  const auto limit = set(d, 127.0f);
  out.scale = to_half(scale);
  for (std::size_t i = 0; i < 32; i += d.lanes) {
    const auto v = mul(load(d, x + i), inverse);
    const auto q = round_half_away(d, max(min(v, limit), negate(limit)));
    store_bytes(d, select_nan(v, zero(d), q), out.q + i);  // 0 times an overflowing inverse
  }
}

HWY_INLINE void encode_block(const float* x, BlockQ4_0& out) {
  using namespace simd;
  constexpr CodecFloats d;
  const float scale = extreme_of(x) / -8.0f;
  const auto inverse = set(d, scale != 0 ? 1.0f / scale : 0.0f);
  out.scale = to_half(scale);
  std::int8_t q[32];
  for (std::size_t i = 0; i < 32; i += d.lanes) {
    const auto v = mul(load(d, x + i), inverse);
    const auto bounded = max(min(round_half_up(d, v), set(d, 7.0f)), set(d, -8.0f));
    store_bytes(d, add(select_nan(v, zero(d), bounded), set(d, 8.0f)), q + i);
  }
  for (std::size_t i = 0; i < 16; ++i) out.q[i] = static_cast<std::uint8_t>(q[i] | q[i + 16] << 4);
}

template <class F>
HWY_INLINE void encode_blocks(const float* in, typename F::Block* out, std::size_t n) {
  using namespace simd;
  constexpr CodecFloats d;
  for (; n >= 32; n -= 32, in += 32, ++out) {
    auto damage = zero(d);  // an infinity or NaN times zero is NaN
    for (std::size_t i = 0; i < 32; i += d.lanes) damage = fma(load(d, in + i), zero(d), damage);
    if (reduce_add(d, damage) == 0)
      encode_block(in, *out);
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

}  // namespace llama2::inline LLAMA2_ABI::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle guard
