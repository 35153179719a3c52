// Forward and backward through a whole model, for some texts at a time.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "llama2/base/aligned_buffer.hpp"
#include "llama2/base/error.hpp"
#include "llama2/base/token.hpp"
#include "llama2/kernels/training_kernels.hpp"
#include "llama2/model/attention.hpp"
#include "llama2/model/feed_forward.hpp"
#include "llama2/model/linear.hpp"
#include "llama2/model/model.hpp"
#include "llama2/train/activations.hpp"
#include "llama2/train/parameter_storage.hpp"

namespace llama2::inline LLAMA2_ABI {

/// In place of a target: nothing is to be predicted there.
inline constexpr Token no_target = -1;

/// Weights that are in memory a block at a time. A model's layers may then share their memory.
struct BlockHooks {
  /// Called before block l is computed, forward or backward: makes its weights ready.
  std::function<void(std::size_t l)> prepare = {};
  /// Called when the gradients of block l's weights are complete.
  std::function<void(std::size_t l)> finish = {};
};

namespace detail {

/// A tape that has each block made ready before it is computed.
template <class Tape>
struct PreparingTape {
  static constexpr bool sees_gate = llama2::sees_gate<Tape>;

  Tape& tape;
  const BlockHooks& hooks;

  void record(Activation what, std::size_t layer, std::size_t first_row,
              std::span<const float> values) {
    if (what == Activation::block_input && hooks.prepare) hooks.prepare(layer);
    tape.record(what, layer, first_row, values);
  }
};

}  // namespace detail

/// Gradients of one model's weights.
///
/// `forward` takes texts through the model, the very forward pass of inference, and keeps what the
/// way back needs. Then a loss says how it changes with what came out: `add_cross_entropy` for a
/// language model, or the caller by adding to `hidden_gradient()` (a reward model's scalar head);
/// both may be used on the same pass. `backward` carries that through all blocks.
///
/// All memory is allocated at the start, but for key/value pages that many short texts may need.
/// For one thread at a time; the work is shared out to the model's executor, with the same bits for
/// any number of threads.
template <ModelShape S, Recording R = Recording::everything>
class GradientPass {
 public:
  using Model = llama2::Model<S, F32>;
  using Gradient = ParameterStorage<S>;
  using Weights = typename ParameterStorage<S>::ConstTensors;
  /// Where gradients go; those of tensors without memory are not computed.
  using GradientTensors = typename ParameterStorage<S>::Tensors;

  /// `model` must be the packed copy of `parameters` (`LiveModel`), which must outlive this; texts
  /// of one pass may have `max_rows` tokens together. Throws `invalid_argument` or `out_of_memory`.
  GradientPass(const Model& model, const ParameterStorage<S>& parameters, std::size_t max_rows)
      : GradientPass(model, parameters.tensors(), max_rows, {}) {}

  /// The same for weights that lie anywhere, or that are there a block at a time.
  GradientPass(const Model& model, const Weights& weights, std::size_t max_rows, BlockHooks hooks)
      : model_(model),
        weights_(weights),
        hooks_(std::move(hooks)),
        workspace_(max_rows),
        activations_(max_rows),
        scratch_size_(std::max(Kernels::linear_backward_scratch,
                               Kernels::attention_backward_scratch(max_rows, head_dim<S>))),
        scratch_(scratch_size_ * model.executor().concurrency()),
        buffer_(max_rows * (5 * S::dim + 2 * kv_dim<S> + S::hidden_dim) +
                ceil_div(max_rows, norm_rows) * S::dim +
                std::min(max_rows, head_rows) * (2 * S::dim + S::vocab)) {
    float* next = buffer_.data();
    const auto take = [&](std::size_t count) {
      float* const begin = next;
      next += count;
      return begin;
    };
    hidden_ = take(max_rows * S::dim);
    d_hidden_ = take(max_rows * S::dim);
    normed_ = d_hidden_;  // which is done with before the first block needs this
    d_stream_ = take(max_rows * S::dim);
    d_normed_ = take(max_rows * S::dim);
    d_query_ = take(max_rows * S::dim);
    d_key_ = take(max_rows * kv_dim<S>);
    d_value_ = take(max_rows * kv_dim<S>);
    d_gated_ = take(max_rows * S::hidden_dim);
    d_gains_ = take(ceil_div(max_rows, norm_rows) * S::dim);
    const std::size_t head = std::min(max_rows, head_rows);
    head_in_ = take(head * S::dim);
    d_head_in_ = take(head * S::dim);
    logits_ = take(head * S::vocab);
    rows_.reserve(max_rows);
    picked_.reserve(head);
  }

  GradientPass(const GradientPass&) = delete;
  GradientPass& operator=(const GradientPass&) = delete;

  [[nodiscard]] std::size_t max_rows() const noexcept { return workspace_.rows(); }

  /// Takes texts through the model, each from its first position and blind to the others. Rows are
  /// the tokens of all, one text after the other.
  ///
  /// Throws `invalid_argument` for an empty text, a token outside the vocabulary, or more tokens
  /// than fit.
  void forward(std::span<const std::span<const Token>> texts) {
    begin(texts);
    typename ActivationStore<S, R>::ForwardTape tape{activations_};
    run(tape);
    std::fill_n(d_hidden_, rows_.size() * S::dim, 0.0f);
  }

  /// The same without the way back: `backward` may not follow.
  void evaluate(std::span<const std::span<const Token>> texts) {
    begin(texts);
    NoTape tape;
    run(tape);
  }

  /// Rows of the pass.
  [[nodiscard]] std::size_t rows() const noexcept { return rows_.size(); }

  /// (rows, dim): the states after the final norm, what the output head reads.
  [[nodiscard]] std::span<const float> hidden() const noexcept {
    return {hidden_, rows() * S::dim};
  }

  /// (rows, dim): the gradient of the loss by `hidden()`; zeros after `forward`, to be added to.
  [[nodiscard]] std::span<float> hidden_gradient() noexcept { return {d_hidden_, rows() * S::dim}; }

  /// Calls see(row, logits) for each row that has a target, in any order, from several threads; it
  /// must not throw. The `vocab` logits are those of inference, bit for bit.
  template <class See>
  void for_each_logits(std::span<const Token> targets, See&& see) {
    over_head_rows(targets, [&](std::size_t n) {
      share(n, 1, S::vocab * exp_cost, [&](std::size_t begin, std::size_t end, float*) {
        for (std::size_t i = begin; i < end; ++i)
          see(picked_[i], std::span<const float>(logits_ + i * S::vocab, S::vocab));
      });
    });
  }

  /// Adds the gradient of a sum over rows of -weight * log softmax(logits)[target]: by the output
  /// head to `gradient`, by the hidden states to `hidden_gradient()`. There is a target for each
  /// row, or `no_target`. The logits of all rows are never there at once.
  ///
  /// weigh(row, logits) returns the row's weight: a constant for a language model; for a loss that
  /// is another function of the log-probability, minus its derivative. It is called in any order,
  /// from several threads, with the `vocab` logits of inference, and must not throw.
  template <class Weigh>
  void add_cross_entropy(std::span<const Token> targets, Weigh&& weigh, Gradient& gradient) {
    add_cross_entropy(targets, weigh, gradient.tensors());
  }
  template <class Weigh>
  void add_cross_entropy(std::span<const Token> targets, Weigh&& weigh,
                         const GradientTensors& tensors) {
    over_head_rows(targets, [&](std::size_t n) {
      share(n, 1, S::vocab * exp_cost, [&](std::size_t begin, std::size_t end, float*) {
        for (std::size_t i = begin; i < end; ++i) {
          float* const logits = logits_ + i * S::vocab;
          const float weight = weigh(picked_[i], std::span<const float>(logits, S::vocab));
          Kernels::softmax_backward(logits, S::vocab, targets[picked_[i]], weight);
        }
      });
      add_weights(logits_, head_in_, n, tensors.head());
      share(n, token_grain, S::vocab * S::dim,
            [&](std::size_t begin, std::size_t end, float* scratch) {
              backward_input(logits_, weights_.head(), begin, end, false, d_head_in_, scratch);
              for (std::size_t i = begin; i < end; ++i)
                Kernels::add_to(d_hidden_ + picked_[i] * S::dim, d_head_in_ + i * S::dim, S::dim);
            });
    });
  }

  /// Adds the gradients of all weights but those that `add_cross_entropy` has added, for the
  /// gradient that `hidden_gradient()` holds, which is used up. Once after each `forward`.
  void backward(Gradient& gradient) { backward(gradient.tensors()); }
  void backward(const GradientTensors& tensors) {
    if (rows() == 0) return;
    std::fill_n(d_stream_, rows() * S::dim, 0.0f);
    norm_backward(workspace_.stream, weights_.norm, d_hidden_, tensors.norm);
    for (std::size_t l = S::layers; l-- > 0;) {
      if (hooks_.prepare) hooks_.prepare(l);
      if constexpr (R == Recording::block_inputs) compute_again(l);
      block_backward(l, tensors.layers[l]);
      if (hooks_.finish) hooks_.finish(l);
    }
    if (tensors.token_embedding.data == nullptr) return;
    for (std::size_t t = 0; t < rows(); ++t)
      Kernels::embedding_backward(&rows_[t].token, 1, S::dim, d_stream_ + t * S::dim,
                                  tensors.token_embedding.data);
  }

 private:
  using Kernels = TrainingKernels;
  using Layer = typename ParameterStorage<S>::Tensors::Layer;
  using Pool = typename Model::Pool;

  /// Rows whose logits are there at once: a MiB of them, and for large vocabularies as many rows as
  /// make up for reading the head.
  static constexpr std::size_t head_rows =
      std::clamp<std::size_t>((std::size_t{1} << 18) / S::vocab, 48, 240) / tile_tokens *
      tile_tokens;
  /// Rows after which the gradient of a norm's gain begins a new sum, for any number of threads.
  static constexpr std::size_t norm_rows = 64;
  /// Threads take tokens and rows of weights in multiples of these, for whole tiles.
  static constexpr std::size_t token_grain = 12;
  static constexpr std::size_t weight_grain = 16;
  /// Multiply-adds that take as long as an exponential and what goes with it.
  static constexpr std::size_t exp_cost = 16;

  [[nodiscard]] const SharedExecutor& executor() const noexcept { return model_.executor(); }

  /// Calls body(begin, end, scratch) for ranges that cut [0, count) at multiples of `grain`, in
  /// parallel if count * cost_each multiply-adds are worth it; every thread has scratch memory of
  /// its own.
  template <class Body>
  void share(std::size_t count, std::size_t grain, std::size_t cost_each, Body&& body) noexcept {
    const std::size_t threads = executor().concurrency();
    if (threads <= 1 || count * cost_each < executor().min_parallel_work()) {
      body(std::size_t{0}, count, scratch_.data());
      return;
    }
    const std::size_t size = round_up(ceil_div(count, 2 * threads), grain);
    const std::size_t ranges = ceil_div(count, size);
    std::atomic<std::size_t> next = 0;
    executor().run(std::min(threads, ranges), [&](std::size_t thread) noexcept {
      for (std::size_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < ranges;)
        body(i * size, std::min(count, (i + 1) * size), scratch_.data() + thread * scratch_size_);
    });
  }

  /// Makes rows of the texts, each a sequence of its own.
  void begin(std::span<const std::span<const Token>> texts) {
    rows_.clear();
    texts_.clear();
    std::size_t count = 0, pages = 0;
    bool fit = texts.size() <= sequences_.size();  // into the sequences of passes before
    for (std::size_t i = 0; i < texts.size(); ++i) {
      if (texts[i].empty()) throw Error(ErrorCode::invalid_argument, "an empty text");
      count += texts[i].size();
      pages += ceil_div(texts[i].size(), kv_page_positions);
      fit = fit && texts[i].size() <= sequences_[i].capacity();
    }
    if (count > max_rows())
      throw Error(
          ErrorCode::invalid_argument, "more tokens than a gradient pass has room for",
          {.expected = "at most " + std::to_string(max_rows()), .found = std::to_string(count)});
    if (!fit) {
      sequences_.clear();
      if (pool_ == nullptr || pool_->pages() < pages) {
        pool_ = nullptr;
        const std::size_t enough = ceil_div(max_rows(), kv_page_positions);
        pool_ = std::make_shared<Pool>(std::max(pages, enough) * kv_page_positions);
      }
      for (const auto text : texts) sequences_.emplace_back(pool_, text.size());
    }
    for (std::size_t s = 0; s < texts.size(); ++s) {
      sequences_[s].truncate(0);
      texts_.push_back({rows_.size(), texts[s].size()});
      for (std::size_t i = 0; i < texts[s].size(); ++i)
        rows_.push_back({texts[s][i], i, &sequences_[s]});
    }
  }

  template <class Tape>
  void run(Tape& tape) {
    detail::PreparingTape<Tape> preparing{tape, hooks_};
    model_.forward(rows_, workspace_, {}, preparing);
    share(rows(), 1, S::dim, [&](std::size_t begin, std::size_t end, float*) {
      normalise(workspace_.stream, weights_.norm, begin, end, hidden_);
    });
  }

  /// Gathers the rows that have a target, some at a time, computes their logits and calls f(their
  /// number).
  template <class F>
  void over_head_rows(std::span<const Token> targets, F&& f) {
    if (targets.size() != rows())
      throw Error(ErrorCode::invalid_argument, "not a target for each row",
                  {.expected = std::to_string(rows()), .found = std::to_string(targets.size())});
    for (const Token target : targets)
      if (target != no_target) require_token(target, S::vocab);
    const std::size_t most = std::min(max_rows(), head_rows);
    for (std::size_t t = 0; t < rows();) {
      picked_.clear();
      for (; t < rows() && picked_.size() < most; ++t)
        if (targets[t] != no_target) {
          std::copy_n(hidden_ + t * S::dim, S::dim, head_in_ + picked_.size() * S::dim);
          picked_.push_back(t);
        }
      if (picked_.empty()) return;
      const Compute compute{executor(), {}};
      const std::size_t n = picked_.size();
      linear(compute, prepare<F32>(compute, head_in_, S::dim, n, workspace_.prepared), n,
             Product{model_.weights().head(), logits_});
      f(n);
    }
  }

  /// out = norm(x) for rows [begin, end), with the bits of the forward pass.
  void normalise(const float* x, const FloatTensor<const float, 1, S::dim>& gain, std::size_t begin,
                 std::size_t end, float* out) const noexcept {
    for (std::size_t t = begin; t < end; ++t)
      Kernels::rms_norm(x + t * S::dim, gain.data, model_.config().norm_epsilon, S::dim,
                        out + t * S::dim);
  }

  /// dx = dy W, or dx += dy W, for rows [begin, end).
  template <std::size_t Rows, std::size_t Cols>
  static void backward_input(const float* dy, const FloatTensor<const float, Rows, Cols>& w,
                             std::size_t begin, std::size_t end, bool add, float* dx,
                             float* scratch) noexcept {
    Kernels::linear_backward_input(dy + begin * Rows, w.data, Rows, Cols, end - begin, add,
                                   dx + begin * Cols, scratch);
  }

  /// dW += dy^T x for `tokens` rows.
  template <std::size_t Rows, std::size_t Cols>
  void add_weights(const float* dy, const float* x, std::size_t tokens,
                   const FloatTensor<float, Rows, Cols>& dw) noexcept {
    if (dw.data == nullptr) return;
    share(Rows, weight_grain, Cols * tokens,
          [&](std::size_t begin, std::size_t end, float* scratch) {
            Kernels::linear_backward_weights(dy + begin, Rows, x, end - begin, Cols, tokens,
                                             dw.row(begin), scratch);
          });
  }

  /// d_stream += what flows through norm(x) of d_normed; d_gain += its part.
  void norm_backward(const float* x, const FloatTensor<const float, 1, S::dim>& gain,
                     const float* d_normed, const FloatTensor<float, 1, S::dim>& d_gain) noexcept {
    const std::size_t parts = ceil_div(rows(), norm_rows);
    std::fill_n(d_gains_, parts * S::dim, 0.0f);
    share(parts, 1, norm_rows * S::dim * 4, [&](std::size_t begin, std::size_t end, float*) {
      for (std::size_t i = begin; i < end; ++i) {
        const std::size_t first = i * norm_rows * S::dim;
        Kernels::rms_norm_backward(
            x + first, gain.data, model_.config().norm_epsilon, d_normed + first, S::dim,
            std::min(norm_rows, rows() - i * norm_rows), d_stream_ + first, d_gains_ + i * S::dim);
      }
    });
    for (std::size_t i = 0; i < parts; ++i)
      Kernels::add_to(d_gain.data, d_gains_ + i * S::dim, S::dim);
  }

  /// Block l's activations from its input, by the layers of the forward pass.
  void compute_again(std::size_t l) noexcept {
    const Compute compute{executor(), {}};
    typename ActivationStore<S, R>::BlockTape tape{activations_};
    std::copy_n(activations_.input(l), rows() * S::dim, workspace_.stream);
    const auto& layer = model_.weights().layers[l];
    const std::span<const typename Model::Row> rows(rows_);
    attention_layer<S, F32, typename Model::Kv>(compute, model_.config(), layer, l, rows, 0,
                                                workspace_, tape);
    feed_forward_layer<S, F32>(compute, model_.config(), layer, l, rows.size(), 0, workspace_,
                               tape);
  }

  /// d_stream, the gradient by the block's output, becomes that by its input.
  void block_backward(std::size_t l, const Layer& d) noexcept {
    const auto& w = weights_.layers[l];
    const float* const input = activations_.input(l);
    const BlockActivations<S> a = activations_.block(l);
    const std::size_t n = rows();

    // Feed-forward: gate and up become their gradients, and d_gated the product's input.
    share(n, token_grain, 3 * S::hidden_dim * S::dim,
          [&](std::size_t begin, std::size_t end, float* scratch) {
            backward_input(d_stream_, w.w2, begin, end, false, d_gated_, scratch);
            const std::size_t first = begin * S::hidden_dim;
            Kernels::swiglu_backward(a.gate + first, a.up + first, d_gated_ + first,
                                     (end - begin) * S::hidden_dim);
            backward_input(a.gate, w.w1, begin, end, false, d_normed_, scratch);
            backward_input(a.up, w.w3, begin, end, true, d_normed_, scratch);
            normalise(a.middle, w.ffn_norm, begin, end, normed_);
          });
    add_weights(d_stream_, d_gated_, n, d.w2);
    add_weights(a.gate, normed_, n, d.w1);
    add_weights(a.up, normed_, n, d.w3);
    norm_backward(a.middle, w.ffn_norm, d_normed_, d.ffn_norm);

    // Attention.
    share(n, token_grain, S::dim * S::dim, [&](std::size_t begin, std::size_t end, float* scratch) {
      backward_input(d_stream_, w.wo, begin, end, false, d_normed_, scratch);
    });
    add_weights(d_stream_, a.attended, n, d.wo);
    attention_backward(a);
    share(n, token_grain, (S::dim + 2 * kv_dim<S>)*S::dim,
          [&](std::size_t begin, std::size_t end, float* scratch) {
            for (std::size_t t = begin; t < end; ++t) {
              const float* const cosines = workspace_.cosines + t * head_dim<S>;
              const float* const sines = workspace_.sines + t * head_dim<S>;
              Kernels::rotate_backward(d_query_ + t * S::dim, cosines, sines, S::heads,
                                       head_dim<S>);
              Kernels::rotate_backward(d_key_ + t * kv_dim<S>, cosines, sines, S::kv_heads,
                                       head_dim<S>);
            }
            backward_input(d_query_, w.wq, begin, end, false, d_normed_, scratch);
            backward_input(d_key_, w.wk, begin, end, true, d_normed_, scratch);
            backward_input(d_value_, w.wv, begin, end, true, d_normed_, scratch);
            normalise(input, w.attention_norm, begin, end, normed_);
          });
    add_weights(d_query_, normed_, n, d.wq);
    add_weights(d_key_, normed_, n, d.wk);
    add_weights(d_value_, normed_, n, d.wv);
    norm_backward(input, w.attention_norm, d_normed_, d.attention_norm);
  }

  /// From d_normed, the gradient by the heads' outputs, to those by queries, keys and values. The
  /// threads share out key/value heads of texts.
  void attention_backward(const BlockActivations<S>& a) noexcept {
    constexpr std::size_t size = head_dim<S>;
    constexpr std::size_t group = S::heads / S::kv_heads;
    std::size_t pairs = 0;  // of a query and a key, in all
    for (const Text& text : texts_) pairs += text.rows * (text.rows + 1) / 2;
    const std::size_t tasks = texts_.size() * S::kv_heads;
    share(tasks, 1, 5 * pairs * S::dim / tasks,
          [&](std::size_t begin, std::size_t end, float* scratch) {
            for (std::size_t i = begin; i < end; ++i) {
              const Text& text = texts_[i / S::kv_heads];
              const std::size_t head = i % S::kv_heads;
              const std::size_t q = text.first * S::dim + head * group * size;
              const std::size_t kv = text.first * kv_dim<S> + head * size;
              Kernels::attention_backward(a.query + q, a.key + kv, a.value + kv, a.attended + q,
                                          d_normed_ + q, text.rows, group, size, S::dim, kv_dim<S>,
                                          d_query_ + q, d_key_ + kv, d_value_ + kv, scratch);
            }
          });
  }

  struct Text {
    std::size_t first;  // row
    std::size_t rows;
  };

  Model model_;
  Weights weights_;
  BlockHooks hooks_;
  Workspace<S> workspace_;
  ActivationStore<S, R> activations_;
  std::size_t scratch_size_;
  AlignedBuffer<float> scratch_;     // a piece for each thread
  AlignedBuffer<float> buffer_;      // what follows
  float* hidden_;                    // (rows, dim)
  float* d_hidden_;                  // (rows, dim)
  float* normed_;                    // (rows, dim): a layer's input
  float* d_stream_;                  // (rows, dim): the gradient by the residual stream
  float* d_normed_;                  // (rows, dim): by a layer's input, or by the heads' outputs
  float* d_query_;                   // (rows, dim)
  float* d_key_;                     // (rows, kv_dim)
  float* d_value_;                   // (rows, kv_dim)
  float* d_gated_;                   // (rows, hidden_dim)
  float* d_gains_;                   // (parts of norm_rows rows, dim)
  float* head_in_;                   // (head_rows, dim): gathered
  float* d_head_in_;                 // (head_rows, dim)
  float* logits_;                    // (head_rows, vocab), then their gradients
  std::vector<std::size_t> picked_;  // rows that are gathered
  std::shared_ptr<Pool> pool_;
  std::vector<typename Model::Sequence> sequences_;
  std::vector<typename Model::Row> rows_;
  std::vector<Text> texts_;
};

}  // namespace llama2::inline LLAMA2_ABI
