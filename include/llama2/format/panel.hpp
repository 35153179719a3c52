// How weights lie in memory: 16 rows side by side, so that a product has one output per lane.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "llama2/base/checked.hpp"
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

/// The same block of 16 rows. `put` and `get` exchange a row's `F::Block` with it. Of a float
/// format a block is one column.
template <WeightFormat F>
struct PanelBlock {
  static_assert(F::block_size == 1);

  typename F::Block w[panel_rows];

  void put(std::size_t row, const typename F::Block& block) noexcept { w[row] = block; }
  void get(std::size_t row, typename F::Block& block) const noexcept { block = w[row]; }
};

/// Quads of consecutive weights, for instructions that sum four products; each weight plus 128,
/// because those instructions take one operand without a sign.
template <>
struct PanelBlock<Q8_0> {
  std::uint8_t q[8][panel_rows][4];
  Half scale[panel_rows];

  void put(std::size_t row, const BlockQ8_0& block) noexcept {
    for (std::size_t i = 0; i < 32; ++i)
      q[i / 4][row][i % 4] = static_cast<std::uint8_t>(block.q[i] + 128);
    scale[row] = block.scale;
  }
  void get(std::size_t row, BlockQ8_0& block) const noexcept {
    for (std::size_t i = 0; i < 32; ++i)
      block.q[i] = static_cast<std::int8_t>(q[i / 4][row][i % 4] - 128);
    block.scale = scale[row];
  }
};

/// As in the row's block: a byte has weight i in its low and weight i + 16 in its high four bits.
template <>
struct PanelBlock<Q4_0> {
  std::uint8_t q[4][panel_rows][4];
  Half scale[panel_rows];

  void put(std::size_t row, const BlockQ4_0& block) noexcept {
    for (std::size_t g = 0; g < 4; ++g) std::memcpy(q[g][row], block.q + 4 * g, 4);
    scale[row] = block.scale;
  }
  void get(std::size_t row, BlockQ4_0& block) const noexcept {
    for (std::size_t g = 0; g < 4; ++g) std::memcpy(block.q + 4 * g, q[g][row], 4);
    block.scale = scale[row];
  }
};

/// Where the blocks of a matrix lie.
struct PanelLayout {
  std::size_t rows;
  std::size_t row_blocks;  ///< blocks of a row

  [[nodiscard]] constexpr std::size_t panels() const noexcept { return ceil_div(rows, panel_rows); }
  [[nodiscard]] constexpr std::size_t stripes() const noexcept {
    return ceil_div(rows, stripe_rows);
  }
  /// All blocks; rows that fill the last panel up are zeros.
  [[nodiscard]] constexpr std::size_t blocks() const noexcept { return panels() * row_blocks; }

  [[nodiscard]] constexpr std::size_t panels_of(std::size_t stripe) const noexcept {
    return std::min(stripe_panels, panels() - stripe * stripe_panels);
  }
  [[nodiscard]] constexpr std::size_t rows_of(std::size_t stripe) const noexcept {
    return std::min(stripe_rows, rows - stripe * stripe_rows);
  }
  /// Index of a stripe's first block.
  [[nodiscard]] constexpr std::size_t begin_of(std::size_t stripe) const noexcept {
    return stripe * stripe_panels * row_blocks;
  }
  /// Index of the block that holds a row's block.
  [[nodiscard]] constexpr std::size_t index(std::size_t row, std::size_t block) const noexcept {
    const std::size_t stripe = row / stripe_rows;
    return begin_of(stripe) + block * panels_of(stripe) + row % stripe_rows / panel_rows;
  }
};

}  // namespace llama2::inline LLAMA2_ABI
