// The scalar codecs, exhaustively.

#include "llama2/format/half.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "catch.hpp"
#include "llama2/format/kv_format.hpp"

using namespace llama2;

static_assert(WeightFormat<F32> && WeightFormat<F16> && WeightFormat<BF16>);
static_assert(KvFormat<F32> && KvFormat<F16> && KvFormat<Q8_0> && !KvFormat<BF16>);
static_assert(row_bytes<F16>(172) == 344 && row_blocks<F32>(7) == 7);
static_assert(to_half(1.0f).bits == 0x3C00 && to_half(-2.0f).bits == 0xC000);
static_assert(to_half(65504.0f).bits == 0x7BFF && to_half(65519.996f).bits == 0x7BFF);
static_assert(to_half(65520.0f).bits == 0x7C00);  // the tie goes to infinity
static_assert(to_half(0x1p-24f).bits == 1 && to_half(0x1p-25f).bits == 0);
static_assert(to_half(0x1.000002p-25f).bits == 1);    // just above the tie
static_assert(to_half(0x1p-14f).bits == 0x0400);      // smallest normal
static_assert(to_half(0x1.ff8p-15f).bits == 0x03FF);  // largest subnormal
static_assert(to_bfloat16(1.0f).bits == 0x3F80);
static_assert(to_bfloat16(0x1.01p0f).bits == 0x3F80);  // tie to even: down
static_assert(to_bfloat16(0x1.03p0f).bits == 0x3F82);  // tie to even: up

namespace {

/// The value of a binary16 by its definition.
double half_by_definition(std::uint16_t bits) {
  const double sign = bits & 0x8000 ? -1 : 1;
  const int exponent = (bits >> 10) & 31;
  const int mantissa = bits & 1023;
  if (exponent == 31) return mantissa ? NAN : sign * INFINITY;
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  return sign * std::ldexp(1024 + mantissa, exponent - 25);
}

}  // namespace

TEST_CASE("all 65,536 halves: value by definition, and there and back") {
  for (std::uint32_t i = 0; i < 65536; ++i) {
    const Half half{static_cast<std::uint16_t>(i)};
    const double expected = half_by_definition(half.bits);
    const float value = to_float(half);
    if (std::isnan(expected)) {
      if (!std::isnan(value) || !std::isnan(to_float(to_half(value)))) FAIL(i);
    } else if (value != expected || to_half(value) != half) {
      FAIL(i);
    }
    const BFloat16 bfloat{half.bits};
    const float wide = to_float(bfloat);
    if (std::bit_cast<std::uint32_t>(wide) != i << 16) FAIL(i);
    if (!std::isnan(wide) && to_bfloat16(wide) != bfloat) FAIL(i);
  }
}

TEST_CASE("rounding to half is to the nearest, ties to even") {
  // Between two neighbours: the midpoint, and one float on either side of it.
  for (std::uint32_t i = 0; i < 0x7BFF; ++i) {
    const Half low{static_cast<std::uint16_t>(i)}, high{static_cast<std::uint16_t>(i + 1)};
    const auto middle =
        static_cast<float>((half_by_definition(low.bits) + half_by_definition(high.bits)) / 2);
    const Half even = i % 2 == 0 ? low : high;
    if (to_half(middle) != even) FAIL(i);
    if (to_half(std::nextafter(middle, 0.0f)) != low) FAIL(i);
    if (to_half(std::nextafter(middle, 1e9f)) != high) FAIL(i);
    if (to_half(-middle).bits != (even.bits | 0x8000)) FAIL(i);
  }
}

TEST_CASE("rounding to bfloat16 is to the nearest, ties to even") {
  for (std::uint32_t i = 0; i < 0x7F7F; ++i) {
    const std::uint32_t middle = (i << 16) | 0x8000;
    const std::uint32_t even = i % 2 == 0 ? i : i + 1;
    if (to_bfloat16(std::bit_cast<float>(middle)).bits != even) FAIL(i);
    if (to_bfloat16(std::bit_cast<float>(middle - 1)).bits != i) FAIL(i);
    if (to_bfloat16(std::bit_cast<float>(middle + 1)).bits != i + 1) FAIL(i);
  }
  CHECK(std::isnan(to_float(to_bfloat16(std::bit_cast<float>(0x7F800001u)))));
  CHECK(std::isinf(to_float(to_bfloat16(std::numeric_limits<float>::max()))));
}
