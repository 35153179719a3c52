// IEEE 754 binary16 and bfloat16, converted in plain integer arithmetic.
#pragma once

#include <bit>
#include <cstdint>

#include "llama2/base/config.hpp"

namespace llama2::inline LLAMA2_ABI {

/// IEEE 754 binary16.
struct Half {
  std::uint16_t bits = 0;
  friend constexpr bool operator==(Half, Half) noexcept = default;
};

inline constexpr Half half_nan{0x7E00};

/// bfloat16: the upper half of an IEEE 754 binary32.
struct BFloat16 {
  std::uint16_t bits = 0;
  friend constexpr bool operator==(BFloat16, BFloat16) noexcept = default;
};

/// Exact. A signalling NaN becomes quiet, as the processors' instructions have it.
constexpr float to_float(Half h) noexcept {
  const std::uint32_t sign = static_cast<std::uint32_t>(h.bits & 0x8000u) << 16;
  const std::uint32_t exponent = (h.bits >> 10) & 0x1Fu;
  const std::uint32_t mantissa = h.bits & 0x3FFu;
  if (exponent == 0x1F) {
    const std::uint32_t quiet = mantissa != 0 ? 0x400000u : 0u;
    return std::bit_cast<float>(sign | 0x7F800000u | (mantissa << 13) | quiet);
  }
  if (exponent != 0)
    return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
  // Zero or subnormal: mantissa * 2^-24, exact in binary32.
  const float magnitude = static_cast<float>(mantissa) * 0x1.0p-24f;
  return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
}

/// Exact.
constexpr float to_float(BFloat16 b) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(b.bits) << 16);
}

/// Rounds to nearest, ties to even; overflow gives infinity, NaN stays NaN (quiet).
constexpr Half to_half(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000u);
  const std::uint32_t magnitude = bits & 0x7FFFFFFFu;
  const auto with_sign = [sign](std::uint32_t m) {
    return Half{static_cast<std::uint16_t>(sign | m)};
  };
  if (magnitude > 0x7F800000u) return with_sign(0x7E00u | ((magnitude >> 13) & 0x3FFu));
  if (magnitude >= 0x47800000u) return with_sign(0x7C00u);  // >= 65536: infinity
  std::uint32_t mantissa;
  unsigned dropped;
  std::uint32_t result;
  if (magnitude >= 0x38800000u) {  // normal in binary16: 2^-14 and more
    mantissa = magnitude - 0x38000000u;
    dropped = 13;
  } else {  // subnormal: shift the full significand to units of 2^-24
    const std::uint32_t exponent = magnitude >> 23;
    if (exponent < 102) return with_sign(0);  // < 2^-25: rounds to zero
    mantissa = (magnitude & 0x7FFFFFu) | 0x800000u;
    dropped = 126 - exponent;
  }
  result = mantissa >> dropped;
  const std::uint32_t rest = mantissa & ((1u << dropped) - 1);
  const std::uint32_t half = 1u << (dropped - 1);
  // The carry of rounding up runs into the exponent, which is what it should do.
  if (rest > half || (rest == half && (result & 1u) != 0)) ++result;
  return with_sign(result);
}

/// Rounds to nearest, ties to even; NaN stays NaN (quiet).
constexpr BFloat16 to_bfloat16(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return {static_cast<std::uint16_t>((bits >> 16) | 0x40u)};
  return {static_cast<std::uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16)};
}

/// The identity, so that code over storage types can say `to_float` of any.
constexpr float to_float(float value) noexcept {
  return value;
}

}  // namespace llama2::inline LLAMA2_ABI
