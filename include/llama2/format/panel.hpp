// How weights lie in memory: 16 rows side by side, so that a product has one output per lane.
// Packed files hold the same bytes: whoever changes them changes `gguf_panels_version`, too.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "llama2/base/checked.hpp"
#include "llama2/format/float_formats.hpp"
#include "llama2/format/quantised.hpp"
#include "llama2/format/weight_format.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Rows of a panel, on every processor.
inline constexpr std::size_t panel_rows = 16;

/// Panels of a stripe: their blocks alternate, so that a product with one vector reads one
/// ascending stream and has enough independent sums to hide the latency of an addition. The last
/// stripe of a matrix may have fewer.
inline constexpr std::size_t stripe_panels = 4;
inline constexpr std::size_t stripe_rows = stripe_panels * panel_rows;

/// Where a matrix should begin in memory, and does in a packed file: at a cache line.
inline constexpr std::size_t panel_alignment = 64;

/// The same few columns of 16 rows. `put` and `get` exchange a row's `F::Block`s with it, of which
/// it holds `row_blocks`; those beyond the matrix must be zeros.
template <WeightFormat F>
struct PanelBlock {
  static_assert(F::block_size == 1);
  static constexpr std::size_t row_blocks = 1;
  static constexpr std::size_t cols = 1;

  typename F::Block w[panel_rows];

  void put(std::size_t row, std::size_t, const typename F::Block& block) noexcept {
    w[row] = block;
  }
  void get(std::size_t row, std::size_t, typename F::Block& block) const noexcept {
    block = w[row];
  }
};

/// Pairs of consecutive weights, for instructions that sum two products.
template <>
struct PanelBlock<BF16> {
  static constexpr std::size_t row_blocks = BF16::panel_cols;
  static constexpr std::size_t cols = BF16::panel_cols;

  BFloat16 w[panel_rows][BF16::panel_cols];

  void put(std::size_t row, std::size_t i, const BFloat16& block) noexcept { w[row][i] = block; }
  void get(std::size_t row, std::size_t i, BFloat16& block) const noexcept { block = w[row][i]; }
};

/// Quads of consecutive weights, for instructions that sum four products; each weight plus 128,
/// because those instructions take one operand without a sign.
template <>
struct PanelBlock<Q8_0> {
  static constexpr std::size_t row_blocks = 1;
  static constexpr std::size_t cols = 32;

  std::uint8_t q[8][panel_rows][4];
  Half scale[panel_rows];

  void put(std::size_t row, std::size_t, const BlockQ8_0& block) noexcept {
    for (std::size_t g = 0; g < 8; ++g) copy_quad(block.q + 4 * g, q[g][row]);
    scale[row] = block.scale;
  }
  void get(std::size_t row, std::size_t, BlockQ8_0& block) const noexcept {
    for (std::size_t g = 0; g < 8; ++g) copy_quad(q[g][row], block.q + 4 * g);
    block.scale = scale[row];
  }

 private:
  /// Adds or subtracts 128, which is the same; four times as fast as a byte at a time.
  static void copy_quad(const void* in, void* out) noexcept {
    std::uint32_t quad;
    std::memcpy(&quad, in, sizeof quad);
    quad ^= 0x80808080;
    std::memcpy(out, &quad, sizeof quad);
  }
};

/// As in the row's block: a byte has weight i in its low and weight i + 16 in its high four bits.
template <>
struct PanelBlock<Q4_0> {
  static constexpr std::size_t row_blocks = 1;
  static constexpr std::size_t cols = 32;

  std::uint8_t q[4][panel_rows][4];
  Half scale[panel_rows];

  void put(std::size_t row, std::size_t, const BlockQ4_0& block) noexcept {
    for (std::size_t g = 0; g < 4; ++g) std::memcpy(q[g][row], block.q + 4 * g, 4);
    scale[row] = block.scale;
  }
  void get(std::size_t row, std::size_t, BlockQ4_0& block) const noexcept {
    for (std::size_t g = 0; g < 4; ++g) std::memcpy(block.q + 4 * g, q[g][row], 4);
    block.scale = scale[row];
  }
};

/// Where the `PanelBlock`s of a matrix lie.
struct PanelLayout {
  std::size_t rows;
  std::size_t depth;  ///< panel blocks side by side that hold a row

  template <WeightFormat F>
  static constexpr PanelLayout of(std::size_t rows, std::size_t cols) noexcept {
    return {rows, ceil_div(cols, PanelBlock<F>::cols)};
  }

  [[nodiscard]] constexpr std::size_t panels() const noexcept { return ceil_div(rows, panel_rows); }
  [[nodiscard]] constexpr std::size_t stripes() const noexcept {
    return ceil_div(rows, stripe_rows);
  }
  /// All blocks; rows that fill the last panel up are zeros.
  [[nodiscard]] constexpr std::size_t blocks() const noexcept { return panels() * depth; }

  [[nodiscard]] constexpr std::size_t panels_of(std::size_t stripe) const noexcept {
    return std::min(stripe_panels, panels() - stripe * stripe_panels);
  }
  [[nodiscard]] constexpr std::size_t rows_of(std::size_t stripe) const noexcept {
    return std::min(stripe_rows, rows - stripe * stripe_rows);
  }
  /// Index of a stripe's first block.
  [[nodiscard]] constexpr std::size_t begin_of(std::size_t stripe) const noexcept {
    return stripe * stripe_panels * depth;
  }
  /// Index of the block `at` of the `depth` that hold a row.
  [[nodiscard]] constexpr std::size_t index(std::size_t row, std::size_t at) const noexcept {
    const std::size_t stripe = row / stripe_rows;
    return begin_of(stripe) + at * panels_of(stripe) + row % stripe_rows / panel_rows;
  }
};

/// Puts `count` blocks of a row into a matrix, from block `begin` on.
template <WeightFormat F>
void put_row(PanelBlock<F>* panels, const PanelLayout& layout, std::size_t row, std::size_t begin,
             std::size_t count, const typename F::Block* in) noexcept {
  constexpr std::size_t each = PanelBlock<F>::row_blocks;
  const std::size_t step = layout.panels_of(row / stripe_rows);
  PanelBlock<F>* out = panels + layout.index(row, begin / each);
  for (std::size_t b = begin; b < begin + count; ++b) {
    out->put(row % panel_rows, b % each, *in++);
    if ((b + 1) % each == 0) out += step;
  }
}

/// Copies `count` blocks of a row out of a matrix, from block `begin` on.
template <WeightFormat F>
void get_row(const PanelBlock<F>* panels, const PanelLayout& layout, std::size_t row,
             std::size_t begin, std::size_t count, typename F::Block* out) noexcept {
  constexpr std::size_t each = PanelBlock<F>::row_blocks;
  const std::size_t step = layout.panels_of(row / stripe_rows);
  const PanelBlock<F>* in = panels + layout.index(row, begin / each);
  for (std::size_t b = begin; b < begin + count; ++b) {
    in->get(row % panel_rows, b % each, *out++);
    if ((b + 1) % each == 0) in += step;
  }
}

}  // namespace llama2::inline LLAMA2_ABI
