// The attention half of a transformer block.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include "llama2/model/config.hpp"
#include "llama2/model/kv_cache.hpp"
#include "llama2/model/linear.hpp"
#include "llama2/model/parameters.hpp"
#include "llama2/model/tape.hpp"
#include "llama2/model/workspace.hpp"

namespace llama2::inline LLAMA2_ABI {

/// stream += wo attention(norm(stream)) for the rows of one chunk. Rows of a sequence see each
/// other causally: all their keys and values are cached before any row attends.
///
/// Queries, keys and values are multi-head (Vaswani et al. 2017) or grouped-query (Ainslie et al.
/// 2023, arXiv:2305.13245): query head h reads key/value head h / (heads / kv_heads).
template <ModelShape S, MatrixFormat F, KvFormat K, class Tape>
void attention_layer(const Compute& compute, const ModelConfig& config,
                     const typename Parameters<S, WeightViews<F>>::Layer& weights,
                     std::size_t layer, std::span<const SequenceRow<S, K>> rows,
                     std::size_t first_row, Workspace<S>& ws, Tape& tape) {
  constexpr std::size_t size = head_dim<S>;
  constexpr std::size_t page = kv_page_positions;
  constexpr std::size_t group = S::heads / S::kv_heads;
  const std::size_t tokens = rows.size();
  const std::size_t first_head = layer * S::kv_heads;  // of this layer in a page

  const LinearInput input = prepare_norm<F>(compute, weights.attention_norm, config.norm_epsilon,
                                            ws.stream, tokens, ws.normed, ws.prepared);
  tape.record(Activation::attention_input, layer, first_row, {ws.normed, tokens * S::dim});
  linear(compute, input, tokens, Product{weights.wq, ws.query}, Product{weights.wk, ws.key},
         Product{weights.wv, ws.value});

  parallel_for(compute, tokens, S::dim + 2 * kv_dim<S>, [&](auto kernels, std::size_t t) {
    const float* const cosines = ws.cosines + t * size;
    const float* const sines = ws.sines + t * size;
    float* const key = ws.key + t * kv_dim<S>;
    const float* const value = ws.value + t * kv_dim<S>;
    kernels.template rotate<size>(ws.query + t * S::dim, cosines, sines, S::heads);
    kernels.template rotate<size>(key, cosines, sines, S::kv_heads);
    auto* const cached = rows[t].sequence->pages()[rows[t].position / page] + first_head;
    for (std::size_t h = 0; h < S::kv_heads; ++h)
      kernels.store_key_value(key + h * size, value + h * size, cached[h], rows[t].position % page);
  });
  tape.record(Activation::query, layer, first_row, {ws.query, tokens * S::dim});
  tape.record(Activation::key, layer, first_row, {ws.key, tokens * kv_dim<S>});
  tape.record(Activation::value, layer, first_row, {ws.value, tokens * kv_dim<S>});

  // A task is a few consecutive rows and a key/value head, whose queries share what they load;
  // where that gives the threads too few tasks, each takes fewer of the group's heads.
  constexpr std::size_t block = std::max<std::size_t>(1, attention_batch<size> / group);
  const std::size_t blocks = ceil_div(tokens, block);
  const std::size_t wanted = ceil_div(2 * compute.executor.concurrency(), blocks * S::kv_heads);
  const std::size_t part = ceil_div(group, std::min(group, wanted));  // heads
  const std::size_t parts = ceil_div(group, part);
  // The last row looks back furthest; its cost stands for all.
  const std::size_t cost = 2 * size * (rows.back().position + 1) * std::min(block, tokens) * part;
  parallel_for(compute, S::kv_heads * parts * blocks, cost, [&](auto kernels, std::size_t i) {
    const std::size_t kv_head = i / blocks / parts;
    const std::size_t first = i / blocks % parts * part;  // of the group's heads
    const std::size_t begin = i % blocks * block, end = std::min(tokens, begin + block);
    for (std::size_t t = begin, next; t < end; t = next) {
      for (next = t + 1; next < end && rows[next].sequence == rows[t].sequence; ++next) {
      }
      const std::size_t at = t * S::dim + (kv_head * group + first) * size;
      const KvHead<K, size, page>* const* const pages = rows[t].sequence->pages();
      kernels.attend(ws.query + at, pages, first_head + kv_head, rows[t].position + 1, next - t,
                     std::min(part, group - first), S::dim, ws.attended + at);
    }
  });
  tape.record(Activation::attention_output, layer, first_row, {ws.attended, tokens * S::dim});

  linear_residual(compute, weights.wo,
                  prepare<F>(compute, ws.attended, S::dim, tokens, ws.prepared), tokens, ws.normed,
                  ws.stream);
}

}  // namespace llama2::inline LLAMA2_ABI
