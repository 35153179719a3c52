// Weights in blocks of 32 small integers with a common scale, laid out as in GGUF files.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "llama2/format/half.hpp"
#include "llama2/format/weight_format.hpp"

namespace llama2::inline LLAMA2_ABI {

/// 32 weights: scale * q, q in -127 .. 127.
struct BlockQ8_0 {
  Half scale;
  std::int8_t q[32];
};
static_assert(sizeof(BlockQ8_0) == 34);

/// 32 weights: scale * (q - 8), q in 0 .. 15. Byte i holds weight i in its low and weight i + 16
/// in its high four bits.
struct BlockQ4_0 {
  Half scale;
  std::uint8_t q[16];
};
static_assert(sizeof(BlockQ4_0) == 18);

/// Whether there is no infinity or NaN among n floats.
inline bool all_finite(const float* x, std::size_t n) noexcept {
  float sum = 0;  // of zeros; an infinity or NaN times zero is NaN
  for (std::size_t i = 0; i < n; ++i) sum += x[i] * 0.0f;
  return sum == 0;
}

/// 8-bit integers and a 16-bit scale for 32 of them: 8.5 bits per weight.
struct Q8_0 {
  using Block = BlockQ8_0;
  static constexpr std::size_t block_size = 32;
  static constexpr std::string_view name = "Q8_0";
  static constexpr std::size_t kv_bytes(std::size_t n) noexcept {
    return n + ceil_div(n, block_size) * sizeof(Half);
  }

  /// The largest magnitude of a block becomes 127. An infinity or NaN makes its scale NaN, so that
  /// damage shows.
  static void encode(const float* in, Block* out, std::size_t n) noexcept {
    for (std::size_t begin = 0; begin < n; begin += block_size, ++out) {
      const std::size_t size = std::min(block_size, n - begin);
      if (!all_finite(in + begin, size)) {
        *out = {.scale = half_nan, .q = {}};
        continue;
      }
      float largest = 0;
      for (std::size_t i = 0; i < size; ++i) largest = std::max(largest, std::abs(in[begin + i]));
      const float scale = largest / 127.0f;
      const float inverse = scale > 0 ? 1.0f / scale : 0.0f;
      *out = {.scale = to_half(scale), .q = {}};
      for (std::size_t i = 0; i < size; ++i)
        out->q[i] = static_cast<std::int8_t>(bounded(std::round(in[begin + i] * inverse), 127));
    }
  }

  static void decode(const Block* in, float* out, std::size_t n) noexcept {
    for (std::size_t i = 0; i < n; ++i)
      out[i] = to_float(in[i / block_size].scale) *
               static_cast<float>(in[i / block_size].q[i % block_size]);
  }

 private:
  /// x in [-limit, limit]; 0 for NaN, which no comparison holds for.
  static float bounded(float x, float limit) noexcept {
    return x >= -limit ? (x <= limit ? x : limit) : (x < 0 ? -limit : 0.0f);
  }
};

/// 4-bit integers and a 16-bit scale for 32 of them: 4.5 bits per weight.
struct Q4_0 {
  using Block = BlockQ4_0;
  static constexpr std::size_t block_size = 32;
  static constexpr std::string_view name = "Q4_0";

  /// The element of largest magnitude, the first of equals.
  static float extreme(const float* in, std::size_t n) noexcept {
    // The magnitude has its own variable because clang 19 forgets to take it of `result` where this
    // is unrolled: after a negative first element, a positive one as large counts as larger.
    float result = 0, largest = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const float magnitude = std::abs(in[i]);
      if (magnitude > largest) {
        largest = magnitude;
        result = in[i];
      }
    }
    return result;
  }

  /// The element of largest magnitude becomes q = 0, that is -8 times the scale, which therefore
  /// has the opposite sign. An infinity or NaN makes it NaN, so that damage shows.
  static void encode(const float* in, Block* out, std::size_t n) noexcept {
    for (std::size_t begin = 0; begin < n; begin += block_size, ++out) {
      const std::size_t size = std::min(block_size, n - begin);
      if (!all_finite(in + begin, size)) {
        *out = {.scale = half_nan, .q = {}};
        continue;
      }
      const float scale = extreme(in + begin, size) / -8.0f;
      const float inverse = scale != 0 ? 1.0f / scale : 0.0f;
      *out = {.scale = to_half(scale), .q = {}};
      for (std::size_t i = 0; i < block_size; ++i) {
        const float x = i < size ? 8.0f + round_half_up(in[begin + i] * inverse) : 8.0f;
        const auto q = static_cast<unsigned>(x >= 0 ? std::min(x, 15.0f) : (x < 0 ? 0.0f : 8.0f));
        out->q[i % 16] = static_cast<std::uint8_t>(out->q[i % 16] | (i < 16 ? q : q << 4));
      }
    }
  }

  /// The nearest integer, ties up. Nothing is added to x, which may be a product: a compiler is
  /// free to contract both or not, and files would differ between processors.
  static float round_half_up(float x) noexcept {
    const float even = std::nearbyint(x);
    return x == even + 0.5f ? even + 1.0f : even;
  }

  static void decode(const Block* in, float* out, std::size_t n) noexcept {
    for (std::size_t i = 0; i < n; ++i) {
      const Block& block = in[i / block_size];
      const std::size_t at = i % block_size;
      const int q = at < 16 ? block.q[at] & 15 : block.q[at - 16] >> 4;
      out[i] = to_float(block.scale) * static_cast<float>(q - 8);
    }
  }
};

}  // namespace llama2::inline LLAMA2_ABI
