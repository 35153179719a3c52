// The feed-forward half of a transformer block.
#pragma once

#include <cstddef>

#include "llama2/model/config.hpp"
#include "llama2/model/linear.hpp"
#include "llama2/model/parameters.hpp"
#include "llama2/model/tape.hpp"
#include "llama2/model/workspace.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Multiply-adds that take as long as an element of SwiGLU.
inline constexpr std::size_t swiglu_cost = 16;

/// stream += w2 (silu(w1 h) * w3 h) with h = norm(stream), for `tokens` rows.
template <ModelShape S, MatrixFormat F, class Tape>
void feed_forward_layer(const Compute& compute, const ModelConfig& config,
                        const typename Parameters<S, WeightViews<F>>::Layer& weights,
                        std::size_t layer, std::size_t tokens, std::size_t first_row,
                        Workspace<S>& ws, Tape& tape) {
  tape.record(Activation::block_middle, layer, first_row, {ws.stream, tokens * S::dim});
  const LinearInput input = prepare_norm<F>(compute, weights.ffn_norm, config.norm_epsilon,
                                            ws.stream, tokens, ws.normed, ws.prepared);
  tape.record(Activation::ffn_input, layer, first_row, {ws.normed, tokens * S::dim});
  if constexpr (sees_gate<Tape>) {
    linear(compute, input, tokens, Product{weights.w1, ws.gate}, Product{weights.w3, ws.up});
    tape.record(Activation::gate, layer, first_row, {ws.gate, tokens * S::hidden_dim});
    tape.record(Activation::up, layer, first_row, {ws.up, tokens * S::hidden_dim});
    parallel_for(compute, tokens, swiglu_cost * S::hidden_dim, [&](auto kernels, std::size_t t) {
      kernels.swiglu(ws.gate + t * S::hidden_dim, ws.up + t * S::hidden_dim, S::hidden_dim);
    });
  } else {
    linear_swiglu(compute, weights.w1, weights.w3, input, tokens, ws.gate, ws.up);
  }
  tape.record(Activation::gated, layer, first_row, {ws.gate, tokens * S::hidden_dim});
  linear_residual(compute, weights.w2,
                  prepare<F>(compute, ws.gate, S::hidden_dim, tokens, ws.prepared), tokens,
                  ws.normed, ws.stream);
}

}  // namespace llama2::inline LLAMA2_ABI
