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

  rms_norm(compute, weights.attention_norm, config.norm_epsilon, ws.stream, tokens, ws.normed);
  tape.record(Activation::attention_input, layer, first_row, {ws.normed, tokens * S::dim});
  const LinearInput input = prepare<F>(compute, ws.normed, S::dim, tokens, ws.prepared);
  linear(compute, weights.wq, input, tokens, ws.query);
  linear(compute, weights.wk, input, tokens, ws.key);
  linear(compute, weights.wv, input, tokens, ws.value);

  const auto rotate_and_cache = [&](auto kernels, std::size_t t) {
    const float* const cosines = ws.cosines + t * size;
    const float* const sines = ws.sines + t * size;
    float* const key = ws.key + t * kv_dim<S>;
    const float* const value = ws.value + t * kv_dim<S>;
    kernels.template rotate<size>(ws.query + t * S::dim, cosines, sines, S::heads);
    kernels.template rotate<size>(key, cosines, sines, S::kv_heads);
    auto* const cached = rows[t].sequence->pages()[rows[t].position / page] + first_head;
    for (std::size_t h = 0; h < S::kv_heads; ++h)
      kernels.store_key_value(key + h * size, value + h * size, cached[h], rows[t].position % page);
  };
  parallel_ranges(compute.executor, tokens, 1, S::dim + 2 * kv_dim<S>,
                  [&](std::size_t begin, std::size_t end) {
                    compute.target.call([&](auto kernels) {
                      for (std::size_t t = begin; t < end; ++t) rotate_and_cache(kernels, t);
                    });
                  });
  tape.record(Activation::query, layer, first_row, {ws.query, tokens * S::dim});
  tape.record(Activation::key, layer, first_row, {ws.key, tokens * kv_dim<S>});
  tape.record(Activation::value, layer, first_row, {ws.value, tokens * kv_dim<S>});

  // A task is a few consecutive rows and a key/value head, whose queries share what they load; where
  // that gives the threads too few tasks, each takes fewer of the group's heads.
  constexpr std::size_t block = std::max<std::size_t>(1, attention_batch<size> / group);
  const std::size_t blocks = ceil_div(tokens, block);
  const std::size_t wanted = ceil_div(2 * compute.executor.concurrency(), blocks * S::kv_heads);
  const std::size_t part = ceil_div(group, std::min(group, wanted));  // heads
  const std::size_t parts = ceil_div(group, part);
  const auto attend = [&](auto kernels, std::size_t b, std::size_t kv_head, std::size_t first) {
    const std::size_t heads = std::min(part, group - first);
    const std::size_t end = std::min(tokens, (b + 1) * block);
    for (std::size_t t = b * block, next; t < end; t = next) {
      for (next = t + 1; next < end && rows[next].sequence == rows[t].sequence; ++next) {
      }
      const std::size_t at = t * S::dim + (kv_head * group + first) * size;
      const KvHead<K, size, page>* const* const pages = rows[t].sequence->pages();
      kernels.attend(ws.query + at, pages, first_head + kv_head, rows[t].position + 1, next - t,
                     heads, S::dim, ws.attended + at);
    }
  };
  // The last row looks back furthest; its cost stands for all.
  const std::size_t cost = 2 * size * (rows.back().position + 1) * std::min(block, tokens) * part;
  parallel_ranges(compute.executor, S::kv_heads * parts * blocks, 1, cost,
                  [&](std::size_t begin, std::size_t end) {
                    compute.target.call([&](auto kernels) {
                      for (std::size_t i = begin; i < end; ++i) {
                        const std::size_t heads = i / blocks;
                        attend(kernels, i % blocks, heads / parts, heads % parts * part);
                      }
                    });
                  });
  tape.record(Activation::attention_output, layer, first_row, {ws.attended, tokens * S::dim});

  linear(compute, weights.wo, prepare<F>(compute, ws.attended, S::dim, tokens, ws.prepared), tokens,
         ws.normed);
  add_to(compute, ws.stream, ws.normed, tokens * S::dim);
}

}  // namespace llama2::inline LLAMA2_ABI
