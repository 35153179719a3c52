// What it takes to be a way of storing weights.
#pragma once

#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>

#include "llama2/base/checked.hpp"

namespace llama2::inline LLAMA2_ABI {

/// A weight format stores a row of a matrix as consecutive `Block`s of `block_size` weights each;
/// a last block that is not full is padded with zeros.
///
///   encode(in, out, n)  n floats into ceil(n / block_size) blocks
///   decode(in, out, n)  the first n weights of the blocks into floats
template <class F>
concept WeightFormat = requires(const float* floats, float* out, const typename F::Block* blocks,
                                typename F::Block* out_blocks, std::size_t n) {
  requires std::is_trivially_copyable_v<typename F::Block>;
  { F::block_size } -> std::convertible_to<std::size_t>;
  { F::name } -> std::convertible_to<std::string_view>;
  { F::encode(floats, out_blocks, n) } noexcept;
  { F::decode(blocks, out, n) } noexcept;
};

/// The formats' own plain conversions, under the names that a processor target's kernels have.
struct ScalarCodec {
  template <WeightFormat F>
  static void decode(const typename F::Block* in, float* out, std::size_t n) noexcept {
    F::decode(in, out, n);
  }
  template <WeightFormat F>
  static void encode(const float* in, typename F::Block* out, std::size_t n) noexcept {
    F::encode(in, out, n);
  }
};

/// Blocks of one row of `cols` weights.
template <WeightFormat F>
constexpr std::size_t row_blocks(std::size_t cols) noexcept {
  return ceil_div(cols, F::block_size);
}

/// Bytes of one row of `cols` weights.
template <WeightFormat F>
constexpr std::size_t row_bytes(std::size_t cols) noexcept {
  return row_blocks<F>(cols) * sizeof(typename F::Block);
}

/// The same in memory, where a format may have columns in groups of `F::panel_cols`.
template <WeightFormat F>
constexpr std::size_t memory_row_bytes(std::size_t cols) noexcept {
  if constexpr (requires { F::panel_cols; }) cols = round_up(cols, F::panel_cols);
  return row_bytes<F>(cols);
}

}  // namespace llama2::inline LLAMA2_ABI
