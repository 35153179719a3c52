// What a forward pass shows of its intermediate results.
#pragma once

#include <cstddef>
#include <span>

#include "llama2/base/config.hpp"

namespace llama2::inline LLAMA2_ABI {

/// The points of a block at which a tape sees the activations.
enum class Activation {
  block_input,       ///< (rows, dim): the residual stream before the block
  attention_input,   ///< (rows, dim): after the attention norm
  query,             ///< (rows, dim): rotated
  key,               ///< (rows, kv_dim): rotated
  value,             ///< (rows, kv_dim)
  attention_output,  ///< (rows, dim): before wo
  block_middle,      ///< (rows, dim): the residual stream between attention and feed-forward
  ffn_input,         ///< (rows, dim): after the feed-forward norm
  gate,              ///< (rows, hidden_dim): w1 x; only for a tape that `sees_gate`
  up,                ///< (rows, hidden_dim): w3 x; only for a tape that `sees_gate`
  gated,             ///< (rows, hidden_dim): silu(w1 x) * w3 x
  block_output,      ///< (rows, dim): the residual stream after the block
};

/// Records nothing and costs nothing: the tape of inference.
///
/// A tape is any type with `record(Activation, std::size_t layer, std::size_t first_row,
/// std::span<const float> values)`. It is called on the thread that called `forward`; long inputs
/// are processed in chunks, of which `first_row` is the first row's index among the input rows.
struct NoTape {
  static constexpr void record(Activation, std::size_t /*layer*/, std::size_t /*first_row*/,
                               std::span<const float> /*values*/) noexcept {}
};

/// Whether a tape asks for `gate` and `up` by a member `static constexpr bool sees_gate = true`.
/// They are then computed apart from what is made of them, with the same bits.
template <class Tape>
inline constexpr bool sees_gate = requires { requires Tape::sees_gate; };

}  // namespace llama2::inline LLAMA2_ABI
