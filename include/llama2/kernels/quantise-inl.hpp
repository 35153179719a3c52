// Activations in 8 bits.

#if defined(LLAMA2_KERNELS_QUANTISE_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef LLAMA2_KERNELS_QUANTISE_INL_HPP_
#undef LLAMA2_KERNELS_QUANTISE_INL_HPP_
#else
#define LLAMA2_KERNELS_QUANTISE_INL_HPP_
#endif

#include <cstddef>
#include <cstdint>

#include "llama2/format/activation.hpp"
#include "llama2/simd/highway-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace llama2::inline LLAMA2_ABI::HWY_NAMESPACE {

/// Quantises n floats into ceil(n / 32) blocks. An infinity or NaN spoils its block's values.
inline void quantise(const float* x, std::size_t n, ActivationBlock* out) noexcept {
  using namespace simd;
  constexpr Floats<(native_lanes < 8 ? native_lanes : 8)> d;
  alignas(64) float block[32];
  for (std::size_t begin = 0; begin < n; begin += 32, ++out) {
    const std::size_t size = n - begin < 32 ? n - begin : 32;
    const float* values = x + begin;
    if (size < 32) {
      for (std::size_t i = 0; i < 32; ++i) block[i] = i < size ? values[i] : 0.0f;
      values = block;
    }
    auto largest = zero(d);
    auto damage = zero(d);  // what max forgets: NaN, if there is an infinity or NaN
    for (std::size_t i = 0; i < 32; i += d.lanes) {
      const auto v = load(d, values + i);
      largest = max(largest, absolute(v));
      damage = fma(v, zero(d), damage);
    }
    const float magnitude = reduce_max(d, largest);
    out->scale = magnitude / 127.0f + reduce_add(d, damage);
    // Below 2^-120 the inverse could overflow; such values become zeros.
    const auto inverse = set(d, magnitude >= 0x1p-120f ? 127.0f / magnitude : 0.0f);
    const auto limit = set(d, 127.0f);
    for (std::size_t i = 0; i < 32; i += d.lanes)
      store_bytes(d, max(min(mul(load(d, values + i), inverse), limit), negate(limit)), out->q + i);
    out->total = 0;
    for (const std::int8_t value : out->q) out->total += value;
  }
}

}  // namespace llama2::inline LLAMA2_ABI::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle guard
