// A Llama 2 model as a type.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "llama2/base/error.hpp"
#include "llama2/base/token.hpp"
#include "llama2/base/type_name.hpp"
#include "llama2/base/watch.hpp"
#include "llama2/format/float_formats.hpp"
#include "llama2/model/attention.hpp"
#include "llama2/model/config.hpp"
#include "llama2/model/feed_forward.hpp"
#include "llama2/model/kv_cache.hpp"
#include "llama2/model/linear.hpp"
#include "llama2/model/parameters.hpp"
#include "llama2/model/rope.hpp"
#include "llama2/model/tape.hpp"
#include "llama2/model/tensor.hpp"
#include "llama2/model/workspace.hpp"
#include "llama2/parallel/executor.hpp"
#include "llama2/shape/memory_plan.hpp"
#include "llama2/shape/model_shape.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Keys and values are cached in 16 bits, except beside 32-bit weights: whoever asks for those
/// wants their accuracy.
template <MatrixFormat F>
using DefaultKvFormat = std::conditional_t<std::is_same_v<F, F32>, F32, F16>;

/// A transformer of shape S with its matrices stored in format F (or, `Mixed`, in several) and its
/// keys and values cached in K. A value that is cheap to copy: copies share the immutable weights,
/// and any number of threads may run forward passes on one model, each with sequences and a
/// workspace of its own.
template <ModelShape S, MatrixFormat F = F32, KvFormat K = DefaultKvFormat<F>>
class Model {
 public:
  using Shape = S;
  using Weights = F;
  using Kv = K;
  using WeightTensors = Parameters<S, WeightViews<F>>;
  using Pool = KvPool<S, K>;
  using Sequence = KvSequence<S, K>;
  using Row = SequenceRow<S, K>;
  using Scratch = Workspace<S>;

  /// Bytes of everything, as constant expressions.
  static constexpr MemoryPlan<S, F, K> memory{};

  /// Takes views of the weights and shares the ownership of what they point into (usually a buffer
  /// or a mapped file). Throws `invalid_argument` if `config` holds impossible values.
  Model(const WeightTensors& weights, std::shared_ptr<const void> owner, const ModelConfig& config,
        SharedExecutor executor = {}, Target target = {})
      : state_(std::make_shared<const State>(State{weights,
                                                   std::move(owner),
                                                   config,
                                                   {executor.cancelled_by({}), target},
                                                   RotaryTable<head_dim<S>>(config)})) {
    config.validate();
  }

  [[nodiscard]] const ModelConfig& config() const noexcept { return state_->config; }
  [[nodiscard]] const WeightTensors& weights() const noexcept { return state_->weights; }
  [[nodiscard]] const SharedExecutor& executor() const noexcept { return state_->compute.executor; }
  [[nodiscard]] const RotaryTable<head_dim<S>>& rotation() const noexcept {
    return state_->rotation;
  }

  /// Whose kernels compute.
  [[nodiscard]] Target target() const noexcept { return state_->compute.target; }

  /// Ids, of which there may be more than the tokenizer has.
  [[nodiscard]] static constexpr std::size_t vocab() noexcept { return S::vocab; }

  /// Pages for the keys and values of `positions` tokens, and scratch for `rows` at a time.
  [[nodiscard]] static std::shared_ptr<Pool> make_pool(std::size_t positions) {
    return std::make_shared<Pool>(positions);
  }
  [[nodiscard]] static Scratch make_scratch(std::size_t rows) { return Scratch(rows); }

  /// "Llama2_7B in BF16".
  [[nodiscard]] static std::string name() { return type_name<S>() + " in " + std::string(F::name); }

  /// One pass over any number of rows: prompts, single tokens and rows of several sequences alike.
  ///
  /// Appends each row's keys and values to its sequence. For the rows that want them, in order,
  /// writes `vocab` logits each to `logits`, which must have room for exactly those. Every row's
  /// logits have the same bits for any thread count, any cut of a text into passes, and any
  /// company of other sequences.
  ///
  /// Throws, before anything is changed: `invalid_argument` for a token outside the vocabulary, a
  /// missing sequence, a position that is not the sequence's next, or a `logits` span of the wrong
  /// size; `context_exhausted` for a position beyond the sequence's pages; `out_of_memory` if a
  /// page is shared with a fork and the pool has none for a copy.
  ///
  /// `watch` is looked at every few milliseconds' work of a thread, and told of rows after each
  /// layer, as if each had come through a part of the layers. If it ends the pass, by `cancelled`
  /// or by what it throws, the rows' positions are as if they had not been given.
  void forward(std::span<const Row> rows, Workspace<S>& workspace, std::span<float> logits,
               const Watch& watch = {}) const {
    NoTape tape;
    forward(rows, workspace, logits, tape, watch);
  }

  /// The same, showing a tape the intermediate results. What a tape throws comes out of here, and
  /// the rows' positions are as if they had not been given.
  template <ActivationTape Tape>
  void forward(std::span<const Row> rows, Workspace<S>& workspace, std::span<float> logits,
               Tape& tape, const Watch& watch = {}) const {
    if (workspace.rows() == 0)
      throw Error(ErrorCode::invalid_argument, "the workspace has been moved from");
    check(rows, logits.size());
    try {
      const Compute compute{state_->compute.executor.cancelled_by(watch.cancel), target()};
      float* next_logits = logits.data();
      for (std::size_t begin = 0; begin < rows.size(); begin += workspace.rows()) {
        const auto chunk = rows.subspan(begin, std::min(workspace.rows(), rows.size() - begin));
        run_blocks(compute, chunk, begin, workspace, tape, [&](std::size_t layers) {
          throw_if_cancelled(watch.cancel);
          if (watch.on_progress)
            watch.on_progress(begin + chunk.size() * layers / S::layers, rows.size());
        });
        next_logits = run_head(compute, chunk, workspace, next_logits);
        throw_if_cancelled(watch.cancel);
      }
    } catch (...) {  // only a watch or a tape throws
      take_back(rows);
      throw;
    }
  }

 private:
  struct State {
    WeightTensors weights;
    std::shared_ptr<const void> owner;
    ModelConfig config;
    Compute compute;
    RotaryTable<head_dim<S>> rotation;
  };

  /// Uncounts rows from their sequences.
  static void take_back(std::span<const Row> rows) noexcept {
    for (const Row& row : rows) row.sequence->truncate(row.sequence->size() - 1);
  }

  /// Validates all rows, then counts them into their sequences.
  static void check(std::span<const Row> rows, std::size_t logits_size) {
    std::size_t wanted = 0;
    std::size_t accepted = 0;
    const auto refuse = [&](ErrorCode code, const char* message, std::string expected,
                            std::string found) {
      take_back(rows.first(accepted));
      throw Error(code, "row " + std::to_string(accepted) + ": " + message,
                  {.expected = std::move(expected), .found = std::move(found)});
    };
    for (const Row& row : rows) {
      if (row.sequence == nullptr)
        refuse(ErrorCode::invalid_argument, "the row has no sequence", "a sequence", "null");
      if (!is_token(row.token, S::vocab))
        refuse(ErrorCode::invalid_argument, "token outside the vocabulary",
               "0 to " + std::to_string(S::vocab - 1), std::to_string(row.token));
      if (row.position != row.sequence->size())
        refuse(ErrorCode::invalid_argument, "not the next position of its sequence",
               std::to_string(row.sequence->size()), std::to_string(row.position));
      if (row.position >= row.sequence->capacity())
        refuse(ErrorCode::context_exhausted, "the sequence's key/value cache is full",
               "a position below " + std::to_string(row.sequence->capacity()),
               std::to_string(row.position));
      try {
        row.sequence->prepare_next();
      } catch (...) {
        take_back(rows.first(accepted));
        throw;
      }
      row.sequence->advance(1);
      ++accepted;
      wanted += row.wants_logits;
    }
    if (logits_size != wanted * S::vocab)
      refuse(ErrorCode::invalid_argument, "wrong size of the logits span",
             std::to_string(wanted * S::vocab), std::to_string(logits_size));
  }

  /// `after_layer(l)` is told when rows have come through l layers.
  template <class Tape, class AfterLayer>
  void run_blocks(const Compute& compute, std::span<const Row> rows, std::size_t first_row,
                  Workspace<S>& ws, Tape& tape, AfterLayer&& after_layer) const {
    const WeightTensors& weights = state_->weights;
    for (std::size_t t = 0; t < rows.size(); ++t) {
      visit_view(weights.token_embedding, [&](const auto& embedding) {
        embedding.decode_row(static_cast<std::size_t>(rows[t].token), ws.stream + t * S::dim);
      });
      state_->rotation.fill(rows[t].position, ws.cosines + t * head_dim<S>,
                            ws.sines + t * head_dim<S>);
    }
    const std::span<const float> stream(ws.stream, rows.size() * S::dim);
    for (std::size_t l = 0; l < S::layers; ++l) {
      tape.record(Activation::block_input, l, first_row, stream);
      attention_layer<S, F, K>(compute, config(), weights.layers[l], l, rows, first_row, ws, tape);
      feed_forward_layer<S, F>(compute, config(), weights.layers[l], l, rows.size(), first_row, ws,
                               tape);
      tape.record(Activation::block_output, l, first_row, stream);
      after_layer(l + 1);
    }
  }

  /// Logits of the rows that want them; returns where the next chunk's begin.
  float* run_head(const Compute& compute, std::span<const Row> rows, Workspace<S>& ws,
                  float* logits) const {
    const WeightTensors& weights = state_->weights;
    std::size_t wanted = 0;
    for (std::size_t t = 0; t < rows.size(); ++t)
      if (rows[t].wants_logits)
        std::copy_n(ws.stream + t * S::dim, S::dim, ws.normed + wanted++ * S::dim);
    if (wanted != 0)
      linear(compute,
             prepare_norm<F>(compute, weights.norm, config().norm_epsilon, ws.normed, wanted,
                             ws.normed, ws.prepared),
             wanted, Product{weights.head(), logits});
    return logits + wanted * S::vocab;
  }

  std::shared_ptr<const State> state_;
};

}  // namespace llama2::inline LLAMA2_ABI
