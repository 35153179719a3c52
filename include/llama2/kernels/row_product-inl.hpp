// Products of plain row-major floats, as gradients are: one output per lane, its terms in ascending
// order.

#if defined(LLAMA2_KERNELS_ROW_PRODUCT_INL_HPP_) == defined(LLAMA2_TARGET_TOGGLE)
#ifdef LLAMA2_KERNELS_ROW_PRODUCT_INL_HPP_
#undef LLAMA2_KERNELS_ROW_PRODUCT_INL_HPP_
#else
#define LLAMA2_KERNELS_ROW_PRODUCT_INL_HPP_
#endif

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <type_traits>

#include "llama2/base/checked.hpp"
#include "llama2/simd/vocabulary-inl.hpp"

LLAMA2_TARGET_BEGIN;
namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE {
namespace row_product {

using simd::NativeFloats;

/// Vectors of columns of a tile, whose six rows times those are as many sums as there are registers
/// beside the operands. AVX-512 has 32.
inline constexpr std::size_t tile_vectors = simd::native_lanes == 16 ? 4 : 2;
inline constexpr std::size_t tile_rows = 6;

/// Columns of a panel of the second factor: for each k, so many of its columns side by side.
inline constexpr std::size_t panel_cols = tile_vectors * simd::native_lanes;

/// Floats of panels that hold `depth` x `cols`.
constexpr std::size_t panels_size(std::size_t depth, std::size_t cols) noexcept {
  return depth * round_up(cols, panel_cols);
}

/// A stride that the compiler knows.
template <std::size_t N>
using Constant = std::integral_constant<std::size_t, N>;

/// Asks for n floats, which will be read soon: processors do not foresee rows that lie far apart.
LLAMA2_INLINE void prefetch(const float* p, std::size_t n) {
  constexpr std::size_t line = 64 / sizeof(float);
  for (std::size_t i = 0; i < n; i += line) __builtin_prefetch(p + i);
}

/// How many rows ahead.
inline constexpr std::size_t rows_ahead = 8;

/// Puts b, `depth` rows of `cols` columns that begin `stride` apart, times `scale` into panels;
/// zeros fill the last one up.
inline void pack(const float* b, std::size_t stride, std::size_t depth, std::size_t cols,
                 float scale, float* panels) noexcept {
  using namespace simd;
  constexpr NativeFloats d;
  const auto factor = set(d, scale);
  const std::size_t whole = cols - cols % panel_cols, rest = cols - whole;
  for (std::size_t k = 0; k < depth; ++k, b += stride) {
    float* out = panels + k * panel_cols;
    if (k + rows_ahead < depth) prefetch(b + rows_ahead * stride, cols);
    for (std::size_t j = 0; j < whole; j += panel_cols, out += depth * panel_cols) {
#pragma GCC unroll 4
      for (std::size_t i = 0; i < panel_cols; i += d.lanes)
        store(d, mul(load(d, b + j + i), factor), out + i);
    }
    if (rest == 0) continue;
    for (std::size_t j = 0; j < rest; ++j) out[j] = b[whole + j] * scale;
    for (std::size_t j = rest; j < panel_cols; ++j) out[j] = 0.0f;
  }
}

/// The same of b's transpose: b has `cols` rows of `depth` elements.
inline void pack_transposed(const float* b, std::size_t stride, std::size_t depth, std::size_t cols,
                            float scale, float* panels) noexcept {
  for (std::size_t j = 0; j < cols; j += panel_cols, panels += depth * panel_cols) {
    const std::size_t n = std::min(panel_cols, cols - j);
    if (n < panel_cols) std::memset(panels, 0, depth * panel_cols * sizeof(float));
    for (std::size_t i = 0; i < n; ++i) {
      const float* const row = b + (j + i) * stride;
      for (std::size_t k = 0; k < depth; ++k) panels[k * panel_cols + i] = row[k] * scale;
    }
  }
}

template <std::size_t Rows, std::size_t Vectors>
using Sums = simd::Vec<NativeFloats>[Rows][Vectors];

/// sums[i] += a(i, k) * panel[k] for k in 0 .. depth - 1, ascending; a(i, k) is
/// a[i * row + k * step].
template <std::size_t Rows, std::size_t Vectors, class Row, class Step>
LLAMA2_INLINE void add_products(const float* a, Row row, Step step, const float* panel,
                                std::size_t depth, Sums<Rows, Vectors>& sums) {
  using namespace simd;
  constexpr NativeFloats d;
  // Three rows to an address: a processor's addresses have a base and a multiple.
  constexpr std::size_t bases = ceil_div(Rows, 3);
  const float* base[bases];
#pragma GCC unroll 8
  for (std::size_t i = 0; i < bases; ++i) base[i] = a + 3 * i * row;
  for (std::size_t k = 0; k < depth; ++k, panel += panel_cols) {
    Vec<NativeFloats> columns[Vectors];
#pragma GCC unroll 8
    for (std::size_t v = 0; v < Vectors; ++v) columns[v] = load(d, panel + v * d.lanes);
#pragma GCC unroll 16
    for (std::size_t i = 0; i < Rows; ++i) {
      const auto factor = set(d, base[i / 3][i % 3 * row]);
#pragma GCC unroll 8
      for (std::size_t v = 0; v < Vectors; ++v) sums[i][v] = fma(factor, columns[v], sums[i][v]);
    }
#pragma GCC unroll 8
    for (std::size_t i = 0; i < bases; ++i) base[i] += step;
  }
}

/// Calls f(Constant<Rows>, i) for tiles of rows that cover [begin, end), `Most` rows and fewer.
template <std::size_t Most, class F>
LLAMA2_INLINE void for_tiles(std::size_t begin, std::size_t end, F&& f) {
  for (; end - begin >= Most; begin += Most) f(Constant<Most>(), begin);
  if constexpr (Most == 2 * tile_rows)
    for_tiles<tile_rows>(begin, end, f);
  else if constexpr (Most > 1)
    for_tiles<Most - 1>(begin, end, f);
}

/// Calls f(Constant<Vectors>) with the vectors that `cols` columns of a panel take.
template <std::size_t Most = tile_vectors, class F>
LLAMA2_INLINE void with_vectors(std::size_t cols, F&& f) {
  if constexpr (Most == 1)
    f(Constant<1>());
  else if (cols > (Most - 1) * simd::native_lanes)
    f(Constant<Most>());
  else
    with_vectors<Most - 1>(cols, f);
}

/// A tile's rows: a single vector of columns needs more of them to hide the latency of an addition.
template <std::size_t Vectors>
inline constexpr std::size_t rows_of = Vectors == 1 ? 2 * tile_rows : tile_rows;

/// The first n columns, at most a vector of them.
LLAMA2_INLINE simd::Vec<NativeFloats> load_columns(const float* p, std::size_t n) {
  constexpr NativeFloats d;
  return n >= d.lanes ? load(d, p) : load_first(d, p, n);
}
LLAMA2_INLINE void store_columns(simd::Vec<NativeFloats> v, float* p, std::size_t n) {
  constexpr NativeFloats d;
  if (n >= d.lanes)
    store(d, v, p);
  else
    store_first(d, v, p, n);
}

/// A first factor as it lies in memory.
template <class Row, class Step>
struct Strided {
  const float* a;
  Row row;
  Step step;

  static constexpr std::size_t most_rows = 2 * tile_rows;
  [[nodiscard]] const float* at(std::size_t i) const noexcept { return a + i * row; }
};
template <class Row, class Step>
Strided(const float*, Row, Step) -> Strided<Row, Step>;

/// A first factor in tiles of `tile_rows` rows side by side.
struct Tiles {
  const float* a;
  std::size_t depth;

  static constexpr Constant<1> row{};
  static constexpr Constant<tile_rows> step{};
  static constexpr std::size_t most_rows = tile_rows;
  [[nodiscard]] const float* at(std::size_t i) const noexcept { return a + i * depth; }
};

/// A tile of the product below, of `cols` columns, the last vector's perhaps not all.
template <std::size_t Rows, std::size_t Vectors, class Row, class Step>
LLAMA2_INLINE void multiply_tile(const float* a, Row row, Step step, const float* panel,
                                 std::size_t depth, std::size_t cols, bool add, float* c,
                                 std::size_t stride) {
  using namespace simd;
  constexpr NativeFloats d;
  constexpr std::size_t last = (Vectors - 1) * d.lanes;
  Sums<Rows, Vectors> sums;
#pragma GCC unroll 16
  for (std::size_t r = 0; r < Rows; ++r) {
    const float* const old = c + r * stride;
#pragma GCC unroll 8
    for (std::size_t v = 0; v + 1 < Vectors; ++v)
      sums[r][v] = add ? load(d, old + v * d.lanes) : zero(d);
    sums[r][Vectors - 1] = add ? load_columns(old + last, cols - last) : zero(d);
  }
  add_products<Rows, Vectors>(a, row, step, panel, depth, sums);
#pragma GCC unroll 16
  for (std::size_t r = 0; r < Rows; ++r) {
    float* const now = c + r * stride;
#pragma GCC unroll 8
    for (std::size_t v = 0; v + 1 < Vectors; ++v) store(d, sums[r][v], now + v * d.lanes);
    store_columns(sums[r][Vectors - 1], now + last, cols - last);
  }
}

/// c[i][j] = sum over k of a(i, k) * b[k][j], or c[i][j] += that if `add`, for `rows` rows and
/// `cols` columns, by panels of b of `depth` rows.
template <class A>
void multiply(const A& a, const float* panels, std::size_t depth, std::size_t rows,
              std::size_t cols, bool add, float* c, std::size_t stride) noexcept {
  for (std::size_t j = 0; j < cols; j += panel_cols, panels += depth * panel_cols) {
    const std::size_t n = std::min(panel_cols, cols - j);
    with_vectors(n, [&](auto vectors) LLAMA2_TARGET_ATTR {
      constexpr std::size_t most = std::min(A::most_rows, rows_of<vectors()>);
      for_tiles<most>(0, rows, [&](auto count, std::size_t i) LLAMA2_TARGET_ATTR {
        if (add)  // the next tile's sums
          for (std::size_t r = i + count(); r < std::min(rows, i + 2 * count()); ++r)
            prefetch(c + r * stride + j, n);
        multiply_tile<count(), vectors()>(a.at(i), a.row, a.step, panels, depth, n, add,
                                          c + i * stride + j, stride);
      });
    });
  }
}

/// What is taken at a time, so that a panel stays in the first-level cache and all else in the
/// second: terms of a sum, rows and columns of the result.
inline constexpr std::size_t depth_step = 256, row_step = 192, col_step = 64;

/// Floats between copied rows, such that they do not fall on the same lines of a cache.
inline constexpr std::size_t row_stride = depth_step + 16;

/// Floats of memory that the products below need.
inline constexpr std::size_t scratch_size = depth_step * col_step + row_step * row_stride;

/// The transpose of a, of which rows 0 .. depth - 1 have `rows` elements, in tiles of `tile_rows`
/// rows side by side.
inline void pack_tiles(const float* a, std::size_t stride, std::size_t depth, std::size_t rows,
                       float* tiles) noexcept {
  constexpr std::size_t piece = 8;  // rows of a in the cache
  for (std::size_t k = 0; k < depth; k += piece) {
    const std::size_t n = std::min(piece, depth - k);
    for (std::size_t i = 0; i < rows; i += tile_rows) {
      const float* in = a + k * stride + i;
      float* out = tiles + i * depth + k * tile_rows;
      const std::size_t width = std::min(tile_rows, rows - i);
      for (std::size_t m = 0; m < n; ++m, in += stride, out += tile_rows) {
        if (width == tile_rows)
          std::memcpy(out, in, tile_rows * sizeof(float));
        else
          std::memcpy(out, in, width * sizeof(float));
      }
    }
  }
}

}  // namespace row_product

/// See `reference::linear_backward_input`; the scratch memory holds `row_product::scratch_size`.
inline void linear_backward_input(const float* dy, const float* w, std::size_t rows,
                                  std::size_t cols, std::size_t tokens, bool add, float* dx,
                                  float* scratch) noexcept {
  using namespace row_product;
  const bool copied = rows > 2 * depth_step;  // near each other, rows are well where they are
  float* const copy = scratch + depth_step * col_step;
  for (std::size_t k = 0; k < rows; k += depth_step) {
    const std::size_t depth = std::min(depth_step, rows - k);
    for (std::size_t i = 0; i < tokens; i += row_step) {
      const std::size_t height = std::min(row_step, tokens - i);
      const float* const block = dy + i * rows + k;
      for (std::size_t t = 0; copied && t < height; ++t)
        std::memcpy(copy + t * row_stride, block + t * rows, depth * sizeof(float));
      for (std::size_t j = 0; j < cols; j += col_step) {
        const std::size_t width = std::min(col_step, cols - j);
        pack(w + k * cols + j, cols, depth, width, 1.0f, scratch);
        const auto product = [&](const auto& a) LLAMA2_TARGET_ATTR {
          multiply(a, scratch, depth, height, width, add || k != 0, dx + i * cols + j, cols);
        };
        if (copied)
          product(Strided(copy, Constant<row_stride>(), Constant<1>()));
        else
          product(Strided(block, rows, Constant<1>()));
      }
    }
  }
}

/// See `reference::linear_backward_weights`; the scratch memory holds `row_product::scratch_size`.
inline void linear_backward_weights(const float* dy, std::size_t dy_stride, const float* x,
                                    std::size_t rows, std::size_t cols, std::size_t tokens,
                                    float* dw, float* scratch) noexcept {
  using namespace row_product;
  const bool copied = dy_stride > depth_step;
  float* const tiles = scratch + depth_step * col_step;
  for (std::size_t k = 0; k < tokens; k += depth_step) {
    const std::size_t depth = std::min(depth_step, tokens - k);
    for (std::size_t i = 0; i < rows; i += row_step) {
      const std::size_t height = std::min(row_step, rows - i);
      const float* const block = dy + k * dy_stride + i;
      if (copied) pack_tiles(block, dy_stride, depth, height, tiles);
      for (std::size_t j = 0; j < cols; j += col_step) {
        const std::size_t width = std::min(col_step, cols - j);
        pack(x + k * cols + j, cols, depth, width, 1.0f, scratch);
        const auto product = [&](const auto& a) LLAMA2_TARGET_ATTR {
          multiply(a, scratch, depth, height, width, true, dw + i * cols + j, cols);
        };
        if (copied)
          product(Tiles{tiles, depth});
        else
          product(Strided(block, Constant<1>(), dy_stride));
      }
    }
  }
}

}  // namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE
LLAMA2_TARGET_END;

#endif  // toggle guard
