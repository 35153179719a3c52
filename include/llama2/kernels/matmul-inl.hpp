// Products of weights in panels with activations: one output per lane, its terms in ascending
// order.

#if defined(LLAMA2_KERNELS_MATMUL_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef LLAMA2_KERNELS_MATMUL_INL_HPP_
#undef LLAMA2_KERNELS_MATMUL_INL_HPP_
#else
#define LLAMA2_KERNELS_MATMUL_INL_HPP_
#endif

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <type_traits>

#include "llama2/format/activation.hpp"
#include "llama2/format/panel.hpp"
#include "llama2/simd/quads-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace llama2::inline LLAMA2_ABI::HWY_NAMESPACE {
namespace detail {

using simd::RowFloats;

/// Vectors that hold one number for each row of a panel.
inline constexpr std::size_t row_vectors = panel_rows / RowFloats::lanes;

/// How many vectors of rows and how many tokens a tile has: as many sums as there are registers
/// beside the operands. AVX-512 has 32, other processors 16.
template <class Activation>
struct Tile;
template <>
struct Tile<float> {
  static constexpr std::size_t vectors = row_vectors == 1 ? 4 : 2;
  static constexpr std::size_t tokens = 6;
};
template <>
struct Tile<ActivationBlock> {
  static constexpr std::size_t vectors = row_vectors == 1 ? 2 : 1;
  static constexpr std::size_t tokens = row_vectors == 1 ? 6 : 4;
};

/// One sum for each row of some vectors and each token.
template <std::size_t Vectors, std::size_t Tokens>
struct Sums {
  simd::Vec<RowFloats> of[Tokens][Vectors];
};

/// Adds one column of float weights times each token's activation. The vectors begin at row `row`
/// of the first panel.
template <std::size_t Vectors, std::size_t Tokens, WeightFormat F>
HWY_INLINE void add_block(const PanelBlock<F>* w, std::size_t row, const float* x,
                          std::size_t x_stride, Sums<Vectors, Tokens>& sums) {
  using namespace simd;
  constexpr RowFloats d;
  Vec<RowFloats> weights[Vectors];
#pragma GCC unroll 16
  for (std::size_t i = 0; i < Vectors; ++i)
    weights[i] = load(d, w[i / row_vectors].w + row + i % row_vectors * d.lanes);
#pragma GCC unroll 8
  for (std::size_t t = 0; t < Tokens; ++t) {
    const auto activation = set(d, x[t * x_stride]);
#pragma GCC unroll 16
    for (std::size_t i = 0; i < Vectors; ++i)
      sums.of[t][i] = fma(activation, weights[i], sums.of[t][i]);
  }
}

/// Adds 32 columns of weights in 8 bits.
template <std::size_t Vectors, std::size_t Tokens>
HWY_INLINE void add_block(const PanelBlock<Q8_0>* w, std::size_t row, const ActivationBlock* x,
                          std::size_t x_stride, Sums<Vectors, Tokens>& sums) {
  using namespace simd;
  constexpr RowFloats d;
#pragma GCC unroll 16
  for (std::size_t i = 0; i < Vectors; ++i) {
    const PanelBlock<Q8_0>& panel = w[i / row_vectors];
    const std::size_t r = row + i % row_vectors * d.lanes;
    ByteDot dots[Tokens];
#pragma GCC unroll 8
    for (std::size_t t = 0; t < Tokens; ++t) dots[t].begin(x[t * x_stride].total);
#pragma GCC unroll 8
    for (std::size_t g = 0; g < 8; ++g) {
      const auto weights = ByteDot::prepare(load_quads(panel.q[g][r]));
#pragma GCC unroll 8
      for (std::size_t t = 0; t < Tokens; ++t)
        dots[t].add(weights, broadcast_quad(x[t * x_stride].q + 4 * g));
    }
    const auto scales = load(d, panel.scale + r);
#pragma GCC unroll 8
    for (std::size_t t = 0; t < Tokens; ++t)
      sums.of[t][i] =
          fma(dots[t].sums(), mul(scales, set(d, x[t * x_stride].scale)), sums.of[t][i]);
  }
}

/// Adds 32 columns of weights in 4 bits.
template <std::size_t Vectors, std::size_t Tokens>
HWY_INLINE void add_block(const PanelBlock<Q4_0>* w, std::size_t row, const ActivationBlock* x,
                          std::size_t x_stride, Sums<Vectors, Tokens>& sums) {
  using namespace simd;
  constexpr RowFloats d;
#pragma GCC unroll 16
  for (std::size_t i = 0; i < Vectors; ++i) {
    const PanelBlock<Q4_0>& panel = w[i / row_vectors];
    const std::size_t r = row + i % row_vectors * d.lanes;
    NibbleDot dots[Tokens];
#pragma GCC unroll 8
    for (std::size_t t = 0; t < Tokens; ++t) dots[t].begin(-8 * x[t * x_stride].total);
#pragma GCC unroll 4
    for (std::size_t g = 0; g < 4; ++g) {
      const auto both = load_quads(panel.q[g][r]);
      const auto low = low_nibbles(both), high = high_nibbles(both);
#pragma GCC unroll 8
      for (std::size_t t = 0; t < Tokens; ++t) {
        dots[t].add(low, broadcast_quad(x[t * x_stride].q + 4 * g));
        dots[t].add(high, broadcast_quad(x[t * x_stride].q + 4 * g + 16));
      }
    }
    const auto scales = load(d, panel.scale + r);
#pragma GCC unroll 8
    for (std::size_t t = 0; t < Tokens; ++t)
      sums.of[t][i] =
          fma(dots[t].sums(), mul(scales, set(d, x[t * x_stride].scale)), sums.of[t][i]);
  }
}

/// y[t][0 .. rows) for the rows of `Vectors` vectors, the blocks of whose panels are `step` apart.
template <std::size_t Vectors, std::size_t Tokens, WeightFormat F>
HWY_INLINE void tile(const PanelBlock<F>* w, std::size_t row, std::size_t step, std::size_t blocks,
                     const ActivationOf<F>* x, std::size_t rows, float* y, std::size_t y_stride) {
  using namespace simd;
  constexpr RowFloats d;
  Sums<Vectors, Tokens> sums;
#pragma GCC unroll 8
  for (std::size_t t = 0; t < Tokens; ++t) {
#pragma GCC unroll 16
    for (std::size_t i = 0; i < Vectors; ++i) sums.of[t][i] = zero(d);
  }
  for (std::size_t b = 0; b < blocks; ++b, w += step) add_block(w, row, x + b, blocks, sums);
#pragma GCC unroll 8
  for (std::size_t t = 0; t < Tokens; ++t) {
    if (rows >= Vectors * d.lanes) {
#pragma GCC unroll 16
      for (std::size_t i = 0; i < Vectors; ++i)
        store(d, sums.of[t][i], y + t * y_stride + i * d.lanes);
    } else {
      float whole[Vectors * d.lanes];
#pragma GCC unroll 16
      for (std::size_t i = 0; i < Vectors; ++i) store(d, sums.of[t][i], whole + i * d.lanes);
      std::memcpy(y + t * y_stride, whole, rows * sizeof(float));
    }
  }
}

/// All tokens for the rows of `Vectors` vectors.
template <std::size_t Vectors, WeightFormat F>
HWY_INLINE void all_tokens(const PanelBlock<F>* w, std::size_t row, std::size_t step,
                           std::size_t blocks, const ActivationOf<F>* x, std::size_t tokens,
                           std::size_t rows, float* y, std::size_t y_stride) {
  constexpr std::size_t most = Tile<ActivationOf<F>>::tokens;
  constexpr std::size_t half = most / 2;
  std::size_t t = 0;
  for (; t + most <= tokens; t += most)
    tile<Vectors, most>(w, row, step, blocks, x + t * blocks, rows, y + t * y_stride, y_stride);
  for (; t + half <= tokens; t += half)
    tile<Vectors, half>(w, row, step, blocks, x + t * blocks, rows, y + t * y_stride, y_stride);
  for (; t < tokens; ++t)
    tile<Vectors, 1>(w, row, step, blocks, x + t * blocks, rows, y + t * y_stride, y_stride);
}

/// Calls f(integral_constant) for n in 1 .. Most.
template <std::size_t Most, class F>
HWY_INLINE void with_constant(std::size_t n, F&& f) {
  if constexpr (Most == 1)
    f(std::integral_constant<std::size_t, 1>());
  else if (n == Most)
    f(std::integral_constant<std::size_t, Most>());
  else
    with_constant<Most - 1>(n, f);
}

}  // namespace detail

/// y[t][r] = sum over k of w[r][k] * x[t][k] for the first `rows` rows of a stripe of `panels`
/// panels and `tokens` vectors of activations without gaps, `cols` numbers (in whole blocks) each;
/// y advances by its stride (in floats) from one token to the next. Every y[t][r] has the same bits
/// whatever the number of tokens.
template <WeightFormat F>
void matmul(const PanelBlock<F>* stripe, std::size_t panels, std::size_t rows, std::size_t cols,
            const ActivationOf<F>* x, std::size_t tokens, float* y, std::size_t y_stride) noexcept {
  using namespace detail;
  const std::size_t blocks = row_blocks<F>(cols);
  if (tokens == 1) {  // one ascending stream
    with_constant<stripe_panels>(panels, [&](auto count) HWY_ATTR {
      tile<count() * row_vectors, 1>(stripe, 0, panels, blocks, x, rows, y, y_stride);
    });
    return;
  }
  constexpr std::size_t most = Tile<ActivationOf<F>>::vectors;
  const std::size_t vectors = ceil_div(rows, RowFloats::lanes);
  for (std::size_t v = 0; v < vectors; v += most) {
    const std::size_t first = v * RowFloats::lanes;
    with_constant<most>(std::min(most, vectors - v), [&](auto count) HWY_ATTR {
      all_tokens<count()>(stripe + first / panel_rows, first % panel_rows, panels, blocks, x,
                          tokens, rows - first, y + first, y_stride);
    });
  }
}

}  // namespace llama2::inline LLAMA2_ABI::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle guard
