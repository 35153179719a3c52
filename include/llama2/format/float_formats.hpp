// Weights stored one by one as floating-point numbers: F32, F16, BF16.
#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>

#include "llama2/format/half.hpp"
#include "llama2/format/weight_format.hpp"

namespace llama2::inline LLAMA2_ABI {

/// IEEE 754 binary32.
struct F32 {
  using Block = float;
  static constexpr std::size_t block_size = 1;
  static constexpr std::string_view name = "F32";
  static constexpr Block from_float(float value) noexcept { return value; }
  static constexpr std::size_t kv_bytes(std::size_t n) noexcept { return n * sizeof(Block); }
  static void encode(const float* in, Block* out, std::size_t n) noexcept {
    std::memcpy(out, in, n * sizeof(float));
  }
  static void decode(const Block* in, float* out, std::size_t n) noexcept {
    std::memcpy(out, in, n * sizeof(float));
  }
};

/// IEEE 754 binary16.
struct F16 {
  using Block = Half;
  static constexpr std::size_t block_size = 1;
  static constexpr std::string_view name = "F16";
  static constexpr Block from_float(float value) noexcept { return to_half(value); }
  static constexpr std::size_t kv_bytes(std::size_t n) noexcept { return n * sizeof(Block); }
  static void encode(const float* in, Block* out, std::size_t n) noexcept {
    for (std::size_t i = 0; i < n; ++i) out[i] = to_half(in[i]);
  }
  static void decode(const Block* in, float* out, std::size_t n) noexcept {
    for (std::size_t i = 0; i < n; ++i) out[i] = to_float(in[i]);
  }
};

/// bfloat16.
struct BF16 {
  using Block = BFloat16;
  static constexpr std::size_t block_size = 1;
  static constexpr std::size_t panel_cols = 2;  ///< in memory columns come in pairs
  static constexpr std::string_view name = "BF16";
  static void encode(const float* in, Block* out, std::size_t n) noexcept {
    for (std::size_t i = 0; i < n; ++i) out[i] = to_bfloat16(in[i]);
  }
  static void decode(const Block* in, float* out, std::size_t n) noexcept {
    for (std::size_t i = 0; i < n; ++i) out[i] = to_float(in[i]);
  }
};

}  // namespace llama2::inline LLAMA2_ABI
