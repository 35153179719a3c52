// Activations as the products with weights take them: tiles of a few tokens side by side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "llama2/base/checked.hpp"
#include "llama2/format/panel.hpp"
#include "llama2/format/weight_format.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Tokens of a tile. Six of them times two vectors of rows leave room for operands in the sixteen
/// registers that most processors have.
inline constexpr std::size_t tile_tokens = 6;

/// How activations are prepared: a float for each column, pairs of 16-bit floats (for processors
/// that multiply those; elsewhere floats), or 8-bit integers with a scale for each 32.
enum class ActivationForm { floats, pairs, quads };

/// What a product with weights in format F takes.
template <WeightFormat F>
inline constexpr ActivationForm activation_form =
    F::block_size == 32
        ? ActivationForm::quads
        : (PanelBlock<F>::cols == 2 ? ActivationForm::pairs : ActivationForm::floats);

/// 32 activations of each of T tokens: scale * q, q in -127 .. 127, the scale the largest magnitude
/// over 127. The rest of a last block is zeros. What `start` holds depends on the processor.
template <std::size_t T>
struct ActivationQuads {
  std::int8_t q[8][T][4];
  std::int32_t start[T];
  float scale[T];
};

/// Bytes of one row of `cols` prepared activations, at most.
constexpr std::size_t activation_bytes(ActivationForm form, std::size_t cols) noexcept {
  return form == ActivationForm::quads ? ceil_div(cols, 32) * sizeof(ActivationQuads<1>)
                                       : round_up(cols, 2) * sizeof(float);
}

/// Rows of prepared activations that `tokens` take: whole tiles, except a single one.
constexpr std::size_t activation_rows(std::size_t tokens) noexcept {
  return tokens == 1 ? 1 : round_up(tokens, tile_tokens);
}

}  // namespace llama2::inline LLAMA2_ABI
