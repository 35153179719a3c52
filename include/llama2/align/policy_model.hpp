// A policy in training: a language model with a value head, and PPO's loss of both.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "llama2/align/policy_gradient.hpp"
#include "llama2/align/score_head.hpp"
#include "llama2/base/error.hpp"
#include "llama2/base/token.hpp"
#include "llama2/kernels/kernels.hpp"
#include "llama2/kernels/log_sum_exp-inl.hpp"
#include "llama2/model/config.hpp"
#include "llama2/parallel/executor.hpp"
#include "llama2/train/live_model.hpp"
#include "llama2/train/objective.hpp"
#include "llama2/train/parameter_storage.hpp"
#include "llama2/train/sharded_gradients.hpp"
#include "llama2/train/trained_tensors.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Roll-outs to learn from. The spans but `texts` have one element for each token of all texts, one
/// after the other; where `targets` is `no_target` they do not count.
struct RolloutBatch {
  std::span<const std::span<const Token>> texts;  ///< prompts with their answers
  std::span<const Token> targets;      ///< after each token of what leads to an answer's token: it
  std::span<const double> log_probs;   ///< of the targets, when they were sampled
  std::span<const double> values;      ///< of the states, then
  std::span<const double> advantages;  ///< of having chosen the targets
  std::span<const double> returns;     ///< what the values are to become
};

/// The paper gives `clip`; value functions it does not mention. Ours is a head on the policy's own
/// trunk, as most open implementations have it.
struct PolicyLossOptions {
  double clip = 0.2;
  double value_clip = 0.2;
  double value_weight = 0.1;
  /// Whether the value's gradient goes on into the trunk.
  bool value_trains_trunk = true;
};

/// What a batch's loss was made of: means over its targets.
struct PolicyLossParts {
  double policy = 0;
  double value = 0;
  double clip_fraction = 0;  ///< of targets whose gradient the clip held back
  double kl = 0;             ///< KL(roll-out || now), never negative
};

/// A model of shape S that is improved by PPO; an `Objective` of `RolloutBatch`. The loss of a
/// target is `clipped_policy_loss` + value_weight * `clipped_value_loss`.
///
/// The same bits for any number of threads. Before the first step, a target's log-probability is
/// that of the roll-out by `model()`, to the bit.
template <ModelShape S, Recording R = Recording::everything>
class PolicyModel {
 public:
  using Model = typename LiveModel<S>::Model;
  using Text = std::span<const Token>;

  /// Begins with a (chat) model. Throws like `LanguageModel`.
  PolicyModel(ParameterStorage<S> weights, const ModelConfig& config, std::size_t most_tokens,
              const PolicyLossOptions& options = {}, SharedExecutor executor = {},
              std::size_t shards = 0)
      : options_(options),
        weights_(std::move(weights)),
        head_(S::dim),
        live_(weights_, config, std::move(executor)),
        sharded_(live_, weights_, {.shards = shards, .pass_rows = most_tokens}) {
    append_tensors(weights_, gradient_, tensors_);
    head_.append_tensors("value", tensors_);
  }

  PolicyModel(const PolicyModel&) = delete;
  PolicyModel& operator=(const PolicyModel&) = delete;

  [[nodiscard]] const ParameterStorage<S>& weights() const noexcept { return weights_; }
  [[nodiscard]] const Model& model() const noexcept { return live_.model(); }
  [[nodiscard]] const ScoreHead& value_head() const noexcept { return head_; }

  /// Log-probabilities of the targets and values of their states, as they are now; 0 where there is
  /// no target. `log_probs` and `values` have one element for each token of the texts.
  void evaluate(std::span<const Text> texts, std::span<const Token> targets,
                std::span<double> log_probs, std::span<double> values) {
    begin_rows(texts);
    detail::require_equal_sizes(row_count_, targets.size(), "targets");
    detail::require_equal_sizes(row_count_, log_probs.size(), "log-probabilities");
    detail::require_equal_sizes(row_count_, values.size(), "values");
    std::ranges::fill(log_probs, 0.0);
    std::ranges::fill(values, 0.0);
    sharded_.evaluate(texts, 1, [&](auto& pass, std::size_t first, std::size_t) {
      const std::size_t row = rows_[first];
      const auto own = targets.subspan(row, pass.rows());
      pass.for_each_logits(own, [&](std::size_t t, std::span<const float> logits) {
        log_probs[row + t] = log_prob(logits, own[t]);
      });
      for (std::size_t t = 0; t < pass.rows(); ++t)
        if (own[t] != no_target) values[row + t] = head_(pass.hidden().data() + t * S::dim);
    });
  }

  // What an `Objective` has.
  [[nodiscard]] std::span<const TrainedTensor> tensors() const noexcept { return tensors_; }

  LossSum add_gradients(const RolloutBatch& batch) {
    check(batch);
    terms_.assign(row_count_, Term());
    head_sums_.assign(batch.texts.size() * (S::dim + 1), 0);
    sharded_.add(
        batch.texts, 1, gradient_,
        [&](auto& pass, std::size_t first, std::size_t count, ParameterStorage<S>& gradient) {
          const std::size_t row = rows_[first];
          pass.add_cross_entropy(
              batch.targets.subspan(row, pass.rows()),
              [&](std::size_t t, std::span<const float> logits) {
                return static_cast<float>(-policy_term(batch, row + t, logits));
              },
              gradient);
          const float* const hidden = pass.hidden().data();
          float* const d_hidden = pass.hidden_gradient().data();
          for (std::size_t i = first; i < first + count; ++i)
            for (std::size_t t = rows_[i]; t < rows_[i] + batch.texts[i].size(); ++t) {
              if (batch.targets[t] == no_target) continue;
              const std::size_t at = (t - row) * S::dim;
              const double slope = value_term(batch, t, hidden + at);
              head_.add_to(slope, hidden + at, head_sums_.data() + i * (S::dim + 1));
              if (options_.value_trains_trunk) head_.backward(slope, d_hidden + at);
            }
        });
    for (std::size_t i = 0; i < batch.texts.size(); ++i)
      head_.add_gradient(head_sums_.data() + i * (S::dim + 1));
    return added_up(batch);
  }

  LossSum loss(const RolloutBatch& batch) {
    check(batch);
    terms_.assign(row_count_, Term());
    sharded_.evaluate(batch.texts, 1, [&](auto& pass, std::size_t first, std::size_t) {
      const std::size_t row = rows_[first];
      pass.for_each_logits(batch.targets.subspan(row, pass.rows()),
                           [&](std::size_t t, std::span<const float> logits) {
                             policy_term(batch, row + t, logits);
                           });
      for (std::size_t t = 0; t < pass.rows(); ++t)
        if (batch.targets[row + t] != no_target)
          value_term(batch, row + t, pass.hidden().data() + t * S::dim);
    });
    return added_up(batch);
  }

  void values_changed() noexcept { live_.refresh(weights_); }

  /// Of the last batch.
  [[nodiscard]] const PolicyLossParts& parts() const noexcept { return parts_; }

 private:
  struct Term {
    double policy = 0, value = 0, kl = 0;
    bool clipped = false;
  };

  static double log_prob(std::span<const float> logits, Token target) noexcept {
    return static_cast<double>(logits[static_cast<std::size_t>(target)]) -
           kernels::log_sum_exp(logits.data(), S::vocab);
  }

  void begin_rows(std::span<const Text> texts) {
    rows_.clear();
    row_count_ = 0;
    for (const Text text : texts) {
      rows_.push_back(row_count_);
      row_count_ += text.size();
    }
  }

  void check(const RolloutBatch& batch) {
    begin_rows(batch.texts);
    detail::require_equal_sizes(row_count_, batch.targets.size(), "targets");
    detail::require_equal_sizes(row_count_, batch.log_probs.size(), "log-probabilities");
    detail::require_equal_sizes(row_count_, batch.values.size(), "values");
    detail::require_equal_sizes(row_count_, batch.advantages.size(), "advantages");
    detail::require_equal_sizes(row_count_, batch.returns.size(), "returns");
  }

  /// Notes a target's loss; returns its derivative by the log-probability.
  double policy_term(const RolloutBatch& batch, std::size_t t,
                     std::span<const float> logits) noexcept {
    const double now = log_prob(logits, batch.targets[t]);
    const PolicyLoss loss =
        clipped_policy_loss(now, batch.log_probs[t], batch.advantages[t], options_.clip);
    terms_[t].policy = loss.value;
    terms_[t].clipped = loss.clipped;
    terms_[t].kl = kl_of_token(batch.log_probs[t], now, KlEstimate::unbiased);
    return loss.by_log_prob;
  }

  /// The same by the state's value, weighted.
  double value_term(const RolloutBatch& batch, std::size_t t, const float* hidden) noexcept {
    const ValueLoss loss =
        clipped_value_loss(head_(hidden), batch.values[t], batch.returns[t], options_.value_clip);
    terms_[t].value = loss.value;
    return options_.value_weight * loss.by_value;
  }

  LossSum added_up(const RolloutBatch& batch) noexcept {
    LossSum sum;
    parts_ = {};
    for (std::size_t t = 0; t < row_count_; ++t) {
      if (batch.targets[t] == no_target) continue;
      ++sum.count;
      parts_.policy += terms_[t].policy;
      parts_.value += terms_[t].value;
      parts_.clip_fraction += terms_[t].clipped;
      parts_.kl += terms_[t].kl;
    }
    sum.sum = parts_.policy + options_.value_weight * parts_.value;
    if (sum.count == 0) return sum;
    for (double* const part : {&parts_.policy, &parts_.value, &parts_.clip_fraction, &parts_.kl})
      *part /= static_cast<double>(sum.count);
    return sum;
  }

  PolicyLossOptions options_;
  ParameterStorage<S> weights_;
  ParameterStorage<S> gradient_;
  ScoreHead head_;
  LiveModel<S> live_;
  ShardedGradients<S, R> sharded_;
  std::vector<TrainedTensor> tensors_;
  PolicyLossParts parts_;
  // Of a batch:
  std::vector<std::size_t> rows_;  // the first of each text
  std::size_t row_count_ = 0;
  std::vector<Term> terms_;        // of each row
  std::vector<double> head_sums_;  // (texts, dim + 1)
};

}  // namespace llama2::inline LLAMA2_ABI
