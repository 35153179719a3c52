// Products of weights in panels with activations: one output per lane, its terms in ascending
// order.

#if defined(LLAMA2_KERNELS_MATMUL_INL_HPP_) == defined(LLAMA2_TARGET_TOGGLE)
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
#include "llama2/format/quantised.hpp"
#include "llama2/kernels/prepare-inl.hpp"
#include "llama2/kernels/read_ahead.hpp"
#include "llama2/simd/dots-inl.hpp"

LLAMA2_TARGET_BEGIN;
namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE {
namespace detail {

using simd::RowFloats;

/// Vectors that hold one number for each row of a panel.
inline constexpr std::size_t row_vectors = panel_rows / RowFloats::lanes;

/// Vectors of rows of a tile: with `tile_tokens` as many sums as there are registers beside the
/// operands. AVX-512 has 32; there, sums of integers need as many again.
template <ActivationForm Form>
inline constexpr std::size_t tile_vectors =
    row_vectors == 1 && Form != ActivationForm::quads ? 4 : 2;

/// Blocks of a row after which the next rows come: what a tile of tokens needs of them should stay
/// in the first-level cache, and a stripe in the second.
template <WeightFormat F>
inline constexpr std::size_t depth_step =
    (activation_form<F> == ActivationForm::quads ? 4096 : 512) / PanelBlock<F>::cols;

/// One sum for each row of some vectors and each token.
template <std::size_t Vectors, std::size_t Tokens>
using Sums = simd::Vec<RowFloats>[Tokens][Vectors];

/// Adds one column of float weights times the tokens' activations from `t` on. The vectors begin at
/// row `row` of the first panel.
template <std::size_t Vectors, std::size_t Tokens, WeightFormat F, std::size_t T>
LLAMA2_INLINE void add_block(const PanelBlock<F>* w, std::size_t row,
                             const ActivationTile<ActivationForm::floats, T>& x, std::size_t t0,
                             Sums<Vectors, Tokens>& sums) {
  using namespace simd;
  constexpr RowFloats d;
  Vec<RowFloats> weights[Vectors];
#pragma GCC unroll 16
  for (std::size_t i = 0; i < Vectors; ++i)
    weights[i] = load(d, w[i / row_vectors].w + row + i % row_vectors * d.lanes);
#pragma GCC unroll 8
  for (std::size_t t = 0; t < Tokens; ++t) {
    const auto activation = broadcast(x.x + t0 + t);
#pragma GCC unroll 16
    for (std::size_t i = 0; i < Vectors; ++i) sums[t][i] = fma(activation, weights[i], sums[t][i]);
  }
}

/// Adds two columns of 16-bit float weights.
template <std::size_t Vectors, std::size_t Tokens, WeightFormat F, std::size_t T>
LLAMA2_INLINE void add_block(const PanelBlock<F>* w, std::size_t row,
                             const ActivationTile<ActivationForm::pairs, T>& x, std::size_t t0,
                             Sums<Vectors, Tokens>& sums) {
  using namespace simd;
#pragma GCC unroll 2
  for (std::size_t step = 0; step < pair_steps; ++step) {
    Pairs weights[Vectors];
#pragma GCC unroll 16
    for (std::size_t i = 0; i < Vectors; ++i)
      weights[i] = load_pairs<(Tokens > 1)>(
          w[i / row_vectors].w + row + i % row_vectors * RowFloats::lanes, step);
#pragma GCC unroll 8
    for (std::size_t t = 0; t < Tokens; ++t) {
      const auto activation = broadcast_pair(x.x + t0 + t, step);
#pragma GCC unroll 16
      for (std::size_t i = 0; i < Vectors; ++i)
        sums[t][i] = add_pairs(weights[i], activation, sums[t][i]);
    }
  }
}

/// How a quantised format's quads are summed: `add` takes group g, 0 .. 7, of 4 columns.
template <class F>
struct QuadProduct;
template <>
struct QuadProduct<Q8_0> {
  using Dot = simd::ByteDot;
  static constexpr std::size_t loads = 8;  ///< of quads
  using Weights = simd::ByteDot::Weights[1];
  static LLAMA2_INLINE void load(const std::uint8_t* q, Weights& w) {
    w[0] = Dot::prepare(simd::load_quads(q));
  }
};
template <>
struct QuadProduct<Q4_0> {
  using Dot = simd::NibbleDot;
  static constexpr std::size_t loads = 4;
  using Weights = simd::Quads[2];  ///< of groups g and g + 4
  static LLAMA2_INLINE void load(const std::uint8_t* q, Weights& w) {
    const auto both = simd::load_quads(q);
    w[0] = simd::low_nibbles(both);
    w[1] = simd::high_nibbles(both);
  }
};

/// Adds 32 columns of quantised weights.
template <std::size_t Vectors, std::size_t Tokens, WeightFormat F, std::size_t T>
LLAMA2_INLINE void add_block(const PanelBlock<F>* w, std::size_t row,
                             const ActivationTile<ActivationForm::quads, T>& x, std::size_t t0,
                             Sums<Vectors, Tokens>& sums) {
  using namespace simd;
  using Product = QuadProduct<F>;
  constexpr RowFloats d;
  constexpr std::size_t parts = 8 / Product::loads;
  const auto row_of = [&](std::size_t i) { return row + i % row_vectors * d.lanes; };
  typename Product::Dot dots[Tokens][Vectors];
#pragma GCC unroll 8
  for (std::size_t t = 0; t < Tokens; ++t) {
#pragma GCC unroll 16
    for (std::size_t i = 0; i < Vectors; ++i) dots[t][i].begin(x.start + t0 + t);
  }
#pragma GCC unroll 8
  for (std::size_t g = 0; g < Product::loads; ++g) {
    typename Product::Weights weights[Vectors];
#pragma GCC unroll 16
    for (std::size_t i = 0; i < Vectors; ++i)
      Product::load(w[i / row_vectors].q[g][row_of(i)], weights[i]);
#pragma GCC unroll 2
    for (std::size_t part = 0; part < parts; ++part) {
#pragma GCC unroll 8
      for (std::size_t t = 0; t < Tokens; ++t) {
        const auto activations = broadcast_quad(x.q[g + part * Product::loads][t0 + t]);
#pragma GCC unroll 16
        for (std::size_t i = 0; i < Vectors; ++i) dots[t][i].add(weights[i][part], activations);
      }
    }
  }
#pragma GCC unroll 16
  for (std::size_t i = 0; i < Vectors; ++i) {
    const auto scales = load(d, w[i / row_vectors].scale + row_of(i));
#pragma GCC unroll 8
    for (std::size_t t = 0; t < Tokens; ++t)
      sums[t][i] = fma(dots[t][i].sums(), mul(scales, broadcast(x.scale + t0 + t)), sums[t][i]);
  }
}

/// Up to how many tokens' sums of all panels of a stripe fit into registers.
inline constexpr std::size_t stream_tokens = row_vectors == 1 ? 5 : 1;

/// From the first token of a tile on.
using FromFirst = std::integral_constant<std::size_t, 0>;

/// to[t][0 .. rows) = from[t][0 .. rows). Rare, and kept out of the loops' registers.
LLAMA2_NOINLINE inline void copy_rows(const float* from, std::size_t from_stride, float* to,
                                      std::size_t to_stride, std::size_t tokens, std::size_t rows) {
  for (std::size_t t = 0; t < tokens; ++t)
    std::memcpy(to + t * to_stride, from + t * from_stride, rows * sizeof(float));
}

/// Asks for `bytes` bytes that will be read soon; they need not exist.
LLAMA2_INLINE void fetch(const void* from, std::size_t bytes) {
  constexpr std::size_t line = 64;
  for (std::size_t at = 0; at < bytes; at += line)
    __builtin_prefetch(static_cast<const std::byte*>(from) + at);
}

/// Adds `depth` blocks, which lie `step` apart, to y[t][0 .. rows) for the rows of `Vectors`
/// vectors and `Tokens` tokens from `t0` of a tile on; the first blocks of a row set y instead.
/// Unless `ahead` is 0, asks for what lies so many bytes beyond each block that it reads: of the
/// weights where all panels of a stripe are read at once, of 8-bit activations where there are all
/// tokens of a tile. `scout` is that of `ReadAhead`.
template <std::size_t Vectors, std::size_t Tokens, class T0, WeightFormat F, std::size_t T>
LLAMA2_INLINE void tile(const PanelBlock<F>* w, std::size_t row, std::size_t step,
                        std::size_t depth, const ActivationTile<activation_form<F>, T>* x, T0 t0,
                        bool first, std::size_t rows, float* y, std::size_t y_stride,
                        std::size_t ahead = 0, std::size_t scout = 0) {
  using namespace simd;
  constexpr RowFloats d;
  constexpr std::size_t all = Vectors * d.lanes;
  Sums<Vectors, Tokens> sums;
  float part[Tokens * all];  // of a panel whose last rows are not the matrix's
  float* at = y;
  std::size_t stride = y_stride;
  if (rows < all) {
    at = part;
    stride = all;
    std::memset(part, 0, sizeof part);
    if (!first) copy_rows(y, y_stride, part, all, Tokens, rows);
  }
#pragma GCC unroll 8
  for (std::size_t t = 0; t < Tokens; ++t) {
#pragma GCC unroll 16
    for (std::size_t i = 0; i < Vectors; ++i)
      sums[t][i] = first ? zero(d) : load(d, at + t * stride + i * d.lanes);
  }
  // Lines of y would keep others waiting while they come from far.
  if constexpr (Tokens == tile_tokens) {
    if (first) {
      for (std::size_t t = 0; t < Tokens; ++t)
        for (std::size_t i = 0; i < all; i += 16) __builtin_prefetch(at + t * stride + i, 1);
    }
  }
  constexpr std::size_t bytes = std::max(row_vectors, Vectors) / row_vectors * sizeof *w;
  constexpr std::size_t scout_blocks =
      std::max<std::size_t>(1, llama2::detail::scout_step<Tokens> / bytes);
  for (std::size_t b = 0; b < depth; ++b, w += step) {
    if (scout != 0 && b % scout_blocks == 0)
      __builtin_prefetch(reinterpret_cast<const std::byte*>(w) + scout);
    if constexpr (activation_form<F> != ActivationForm::floats &&
                  (Tokens == 1 || Vectors > tile_vectors<activation_form<F>>)) {
      if (ahead != 0) fetch(reinterpret_cast<const std::byte*>(w) + ahead, bytes);
      // One vector after the other: there are many, and what they are unpacked to needs registers.
#pragma GCC unroll 16
      for (std::size_t i = 0; i < Vectors; ++i) {
        Sums<1, Tokens> sum;
#pragma GCC unroll 8
        for (std::size_t t = 0; t < Tokens; ++t) sum[t][0] = sums[t][i];
        add_block<1, Tokens>(w + i / row_vectors, row + i % row_vectors * d.lanes, x[b], t0, sum);
#pragma GCC unroll 8
        for (std::size_t t = 0; t < Tokens; ++t) sums[t][i] = sum[t][0];
      }
    } else {
      if constexpr (Tokens == tile_tokens && activation_form<F> == ActivationForm::quads) {
        if (ahead != 0) fetch(reinterpret_cast<const std::byte*>(x + b) + ahead, sizeof *x);
      }
      add_block<Vectors, Tokens>(w, row, x[b], t0, sums);
    }
  }
#pragma GCC unroll 8
  for (std::size_t t = 0; t < Tokens; ++t) {
#pragma GCC unroll 16
    for (std::size_t i = 0; i < Vectors; ++i) store(d, sums[t][i], at + t * stride + i * d.lanes);
  }
  if (rows < all) copy_rows(part, all, y, y_stride, Tokens, rows);
}

/// Calls f(integral_constant) for n in 1 .. Most.
template <std::size_t Most, class F>
LLAMA2_INLINE void with_constant(std::size_t n, F&& f) {
  if constexpr (Most == 1)
    f(std::integral_constant<std::size_t, 1>());
  else if (n == Most)
    f(std::integral_constant<std::size_t, Most>());
  else
    with_constant<Most - 1>(n, f);
}

/// Calls tile for `Tokens` tokens and all rows of a stripe; for the last of them with `ahead`.
template <std::size_t Tokens, class T0, WeightFormat F, std::size_t T>
void all_rows(const PanelBlock<F>* stripe, std::size_t panels, std::size_t depth,
              const ActivationTile<activation_form<F>, T>* x, T0 t0, bool first, std::size_t rows,
              float* y, std::size_t y_stride, std::size_t scout, std::size_t ahead = 0) noexcept {
  constexpr std::size_t most = tile_vectors<activation_form<F>>;
  const std::size_t vectors = panels * row_vectors;
  for (std::size_t v = 0; v < vectors; v += most) {
    const std::size_t at = v * RowFloats::lanes;
    if (at >= rows) break;
    with_constant<most>(std::min(most, vectors - v), [&](auto count) LLAMA2_TARGET_ATTR {
      tile<count(), Tokens, T0>(stripe + at / panel_rows, at % panel_rows, panels, depth, x, t0,
                                first, rows - at, y + at, y_stride, v + most < vectors ? 0 : ahead,
                                scout);
    });
  }
}

/// Calls tile for few tokens, which wait for the weights: these are read as one ascending stream. A
/// function of its own, since its sums need all registers.
template <std::size_t Panels, std::size_t Tokens, WeightFormat F>
LLAMA2_NOINLINE void whole_stripe(const PanelBlock<F>* stripe, std::size_t depth,
                                  const std::byte* x, std::size_t rows, float* y,
                                  std::size_t y_stride, std::size_t ahead,
                                  std::size_t scout) noexcept {
  constexpr std::size_t in_tile = Tokens == 1 ? 1 : tile_tokens;
  tile<Panels * row_vectors, Tokens, FromFirst>(
      stripe, 0, Panels, depth,
      reinterpret_cast<const ActivationTile<activation_form<F>, in_tile>*>(x), {}, true, rows, y,
      y_stride, ahead, scout);
}

}  // namespace detail

/// y[t][r] = sum over k of w[r][k] * x[t][k] for the first `rows` rows of a stripe of `panels`
/// panels of `depth` blocks, and `tokens` rows of activations as `prepare` makes them: in tiles of
/// `tile_tokens`, or a single one. y advances by its stride (in floats) from one token to the next.
/// Every y[t][r] has the same bits whatever the number of tokens.
template <WeightFormat F>
void matmul(const PanelBlock<F>* stripe, std::size_t panels, std::size_t depth, std::size_t rows,
            const std::byte* x, std::size_t tokens, float* y, std::size_t y_stride) noexcept {
  using namespace detail;
  constexpr ActivationForm form = activation_form<F>;
  const bool large = panels * depth * sizeof *stripe >= llama2::detail::read_ahead_from;
  const std::size_t scout = large ? llama2::detail::read_ahead.scout : 0;
  if (tokens == 1 || (tokens <= stream_tokens && panels == stripe_panels)) {
    const std::size_t ahead = large ? llama2::detail::read_ahead_bytes<F>() : 0;
    const auto stream = [&]<std::size_t Tokens, std::size_t Panels>() LLAMA2_TARGET_ATTR {
      whole_stripe<Panels, Tokens>(stripe, depth, x, rows, y, y_stride, ahead, scout);
    };
    if (tokens == 1)
      with_constant<stripe_panels>(
          panels, [&](auto count) LLAMA2_TARGET_ATTR { stream.template operator()<1, count()>(); });
    else
      with_constant<stream_tokens>(tokens, [&](auto n) LLAMA2_TARGET_ATTR {
        stream.template operator()<n(), stripe_panels>();
      });
    return;
  }
  const std::size_t tile_bytes = tile_tokens * activation_bytes(form, depth * PanelBlock<F>::cols);
  for (std::size_t k = 0; k < depth; k += depth_step<F>) {
    const std::size_t n = std::min(depth_step<F>, depth - k);
    const PanelBlock<F>* const w = stripe + k * panels;
    for (std::size_t t = 0; t < tokens; t += tile_tokens) {
      const auto* const columns = reinterpret_cast<const ActivationTile<form, tile_tokens>*>(
                                      x + t / tile_tokens * tile_bytes) +
                                  k;
      float* const out = y + t * y_stride;
      std::size_t left = std::min(tile_tokens, tokens - t);
      // The first tile is the one that waits for the weights.
      std::size_t first_scout = t == 0 ? scout : 0;
      if (left == tile_tokens) {
        all_rows<tile_tokens, FromFirst>(w, panels, n, columns, {}, k == 0, rows, out, y_stride,
                                         first_scout, tile_bytes);
        continue;
      }
      std::size_t at = 0;
      const auto take = [&]<std::size_t Tokens>() LLAMA2_TARGET_ATTR {
        for (; left - at >= Tokens; at += Tokens, first_scout = 0)
          all_rows<Tokens, std::size_t>(w, panels, n, columns, at, k == 0, rows,
                                        out + at * y_stride, y_stride, first_scout);
      };
      take.template operator()<4>();
      take.template operator()<2>();
      take.template operator()<1>();
    }
  }
}

}  // namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE
LLAMA2_TARGET_END;

#endif  // toggle guard
