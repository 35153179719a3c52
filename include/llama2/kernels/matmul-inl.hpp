// Matrix products: rows of weights times one or many vectors.

#if defined(LLAMA2_KERNELS_MATMUL_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef LLAMA2_KERNELS_MATMUL_INL_HPP_
#undef LLAMA2_KERNELS_MATMUL_INL_HPP_
#else
#define LLAMA2_KERNELS_MATMUL_INL_HPP_
#endif

#include <cstddef>

#include "llama2/simd/highway-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace llama2::inline LLAMA2_ABI::HWY_NAMESPACE {

namespace detail {

/// Dot products of R weight rows with T vectors. Each output has one vector accumulator, filled
/// in ascending k and summed over its lanes at the end, whatever R and T: so an output has the
/// same bits in every tile.
template <std::size_t R, std::size_t T, class Block>
HWY_INLINE void dot_tile(const Block* w, const float* x, std::size_t cols, float* y,
                         std::size_t y_stride) {
  using namespace simd;
  constexpr NativeFloats d;
  Vec<NativeFloats> sums[R][T];
#pragma GCC unroll 16
  for (std::size_t r = 0; r < R; ++r) {
#pragma GCC unroll 16
    for (std::size_t t = 0; t < T; ++t) sums[r][t] = zero(d);
  }
  const std::size_t whole = cols - cols % d.lanes;
  for (std::size_t k = 0; k < whole; k += d.lanes) {
    Vec<NativeFloats> xs[T];
#pragma GCC unroll 16
    for (std::size_t t = 0; t < T; ++t) xs[t] = load(d, x + t * cols + k);
#pragma GCC unroll 16
    for (std::size_t r = 0; r < R; ++r) {
      const auto weights = load(d, w + r * cols + k);
#pragma GCC unroll 16
      for (std::size_t t = 0; t < T; ++t) sums[r][t] = fma(weights, xs[t], sums[r][t]);
    }
  }
  if (const std::size_t rest = cols - whole; rest != 0) {
    Vec<NativeFloats> xs[T];
#pragma GCC unroll 16
    for (std::size_t t = 0; t < T; ++t) xs[t] = load_first(d, x + t * cols + whole, rest);
#pragma GCC unroll 16
    for (std::size_t r = 0; r < R; ++r) {
      const auto weights = load_first(d, w + r * cols + whole, rest);
#pragma GCC unroll 16
      for (std::size_t t = 0; t < T; ++t) sums[r][t] = fma(weights, xs[t], sums[r][t]);
    }
  }
#pragma GCC unroll 16
  for (std::size_t r = 0; r < R; ++r) {
#pragma GCC unroll 16
    for (std::size_t t = 0; t < T; ++t) y[t * y_stride + r] = reduce_add(d, sums[r][t]);
  }
}

}  // namespace detail

/// y[t][r] = sum over k of w[r][k] * x[t][k] for `rows` rows of `cols` weights and `tokens`
/// vectors. w and x are row-major without gaps; y advances by its stride (in floats) from one
/// token to the next. Every y[t][r] has the same bits whatever the number of rows or tokens.
template <class Block>
void matmul(const Block* w, std::size_t rows, std::size_t cols, const float* x, std::size_t tokens,
            float* y, std::size_t y_stride) {
  using detail::dot_tile;
  std::size_t r = 0;
  if (tokens == 1)  // eight accumulators hide the latency of fma
    for (; r + 8 <= rows; r += 8) dot_tile<8, 1>(w + r * cols, x, cols, y + r, y_stride);
  for (; r + 4 <= rows; r += 4) {
    std::size_t t = 0;
    for (; t + 3 <= tokens; t += 3)  // 12 accumulators, 3 vectors and a weight: 16 registers
      dot_tile<4, 3>(w + r * cols, x + t * cols, cols, y + t * y_stride + r, y_stride);
    for (; t < tokens; ++t)
      dot_tile<4, 1>(w + r * cols, x + t * cols, cols, y + t * y_stride + r, y_stride);
  }
  for (; r < rows; ++r)
    for (std::size_t t = 0; t < tokens; ++t)
      dot_tile<1, 1>(w + r * cols, x + t * cols, cols, y + t * y_stride + r, y_stride);
}

}  // namespace llama2::inline LLAMA2_ABI::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle guard
