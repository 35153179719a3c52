// Products of quantised weights with activations in 8 bits.

#if defined(LLAMA2_KERNELS_QUANTISED_MATMUL_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef LLAMA2_KERNELS_QUANTISED_MATMUL_INL_HPP_
#undef LLAMA2_KERNELS_QUANTISED_MATMUL_INL_HPP_
#else
#define LLAMA2_KERNELS_QUANTISED_MATMUL_INL_HPP_
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
  }
}

namespace detail {

HWY_INLINE simd::Group load_weights(const BlockQ8_0& block) {
  return simd::load_group(block.q);
}
HWY_INLINE simd::Group load_weights(const BlockQ4_0& block) {
  return simd::load_nibbles(block.q);
}

/// As `dot_tile` of floats: one accumulator per output, blocks in ascending order.
template <std::size_t R, std::size_t T, class Block>
HWY_INLINE void block_dot_tile(const Block* w, const ActivationBlock* x, std::size_t blocks,
                               float* y, std::size_t y_stride) {
  using namespace simd;
  constexpr GroupFloats d;
  Vec<GroupFloats> sums[R][T];
#pragma GCC unroll 8
  for (std::size_t r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (std::size_t t = 0; t < T; ++t) sums[r][t] = zero(d);
  }
  for (std::size_t b = 0; b < blocks; ++b) {
#pragma GCC unroll 8
    for (std::size_t r = 0; r < R; ++r) {
      const Block& block = w[r * blocks + b];
      const Group weights = load_weights(block);
      const float scale = to_float(block.scale);
#pragma GCC unroll 8
      for (std::size_t t = 0; t < T; ++t) {
        const ActivationBlock& activation = x[t * blocks + b];
        sums[r][t] = fma(dot(weights, load_group(activation.q)), set(d, scale * activation.scale),
                         sums[r][t]);
      }
    }
  }
#pragma GCC unroll 8
  for (std::size_t r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (std::size_t t = 0; t < T; ++t) y[t * y_stride + r] = reduce_add(d, sums[r][t]);
  }
}

template <class Block>
void block_matmul(const Block* w, std::size_t rows, std::size_t cols, const ActivationBlock* x,
                  std::size_t tokens, float* y, std::size_t y_stride) noexcept {
  const std::size_t blocks = (cols + 31) / 32;
  std::size_t r = 0;
  for (; r + 2 <= rows; r += 2) {
    const Block* const tile = w + r * blocks;
    std::size_t t = 0;
    for (; t + 4 <= tokens; t += 4)
      block_dot_tile<2, 4>(tile, x + t * blocks, blocks, y + t * y_stride + r, y_stride);
    for (; t < tokens; ++t)
      block_dot_tile<2, 1>(tile, x + t * blocks, blocks, y + t * y_stride + r, y_stride);
  }
  for (; r < rows; ++r)
    for (std::size_t t = 0; t < tokens; ++t)
      block_dot_tile<1, 1>(w + r * blocks, x + t * blocks, blocks, y + t * y_stride + r, y_stride);
}

}  // namespace detail

/// y[t][r] = sum over k of w[r][k] * x[t][k] for `rows` rows of `cols` weights in whole blocks and
/// `tokens` quantised vectors without gaps; y advances by its stride (in floats) from one token to
/// the next. Every y[t][r] has the same bits whatever the number of rows or tokens.
inline void matmul(const BlockQ8_0* w, std::size_t rows, std::size_t cols, const ActivationBlock* x,
                   std::size_t tokens, float* y, std::size_t y_stride) noexcept {
  detail::block_matmul(w, rows, cols, x, tokens, y, y_stride);
}
inline void matmul(const BlockQ4_0* w, std::size_t rows, std::size_t cols, const ActivationBlock* x,
                   std::size_t tokens, float* y, std::size_t y_stride) noexcept {
  detail::block_matmul(w, rows, cols, x, tokens, y, y_stride);
}

}  // namespace llama2::inline LLAMA2_ABI::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle guard
