// Reward models: the same trunk, one number for the last token.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "llama2/align/ranking.hpp"
#include "llama2/align/score_head.hpp"
#include "llama2/base/error.hpp"
#include "llama2/base/token.hpp"
#include "llama2/model/config.hpp"
#include "llama2/parallel/executor.hpp"
#include "llama2/train/live_model.hpp"
#include "llama2/train/objective.hpp"
#include "llama2/train/parameter_storage.hpp"
#include "llama2/train/sharded_gradients.hpp"
#include "llama2/train/trained_tensors.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Pairs of whole texts, prompt and answer, to be compared.
struct PairBatch {
  std::span<const std::span<const Token>> texts;  ///< chosen, rejected, chosen, rejected, ...
  std::span<const double> margins;                ///< one for each pair
  /// For each text 1 if it is known to be safe, 0 if unsafe, -1 if nobody said; empty: nobody did.
  std::span<const std::int8_t> safe = {};
};

/// How reward models learn.
struct RewardModelOptions {
  /// Weight of the safety model's auxiliary loss (`safety_loss`), which the paper does not say.
  double safety_weight = 0;
};

/// A model of shape S with a linear regression to one number in place of its output head, read at
/// the last token (the Llama 2 paper, section 3.2.2). An `Objective` of `PairBatch`: the loss of a
/// pair is `ranking_loss` with its margin, plus the mean of its texts' auxiliary losses.
///
/// Scores and gradients have the same bits for any number of threads.
template <ModelShape S, Recording R = Recording::everything>
class RewardModel {
 public:
  using Text = std::span<const Token>;

  /// Begins with the trunk of a (chat) model. `most_tokens` is the length of the longest pair, both
  /// texts together. Throws like `LanguageModel`.
  RewardModel(ParameterStorage<S> weights, const ModelConfig& config, std::size_t most_tokens,
              const RewardModelOptions& options = {}, SharedExecutor executor = {},
              std::size_t shards = 0)
      : options_(options),
        weights_(std::move(weights)),
        head_(S::dim),
        live_(weights_, config, std::move(executor)),
        sharded_(live_, weights_, {.shards = shards, .pass_rows = most_tokens}) {
    append_tensors(weights_, gradient_, tensors_, false);  // nothing reads the output head
    head_.append_tensors("score", tensors_);
  }

  RewardModel(const RewardModel&) = delete;
  RewardModel& operator=(const RewardModel&) = delete;

  [[nodiscard]] const ParameterStorage<S>& weights() const noexcept { return weights_; }
  [[nodiscard]] const ScoreHead& head() const noexcept { return head_; }
  [[nodiscard]] const ModelConfig& config() const noexcept { return live_.model().config(); }

  /// The scores of whole texts, as logits: `sigmoid` of them is in (0, 1). Throws for texts that no
  /// pass takes.
  [[nodiscard]] std::vector<double> scores(std::span<const Text> texts) {
    std::vector<double> result(texts.size());
    sharded_.evaluate(texts, 1, [&](auto& pass, std::size_t first, std::size_t count) {
      const float* hidden = pass.hidden().data();
      for (std::size_t i = 0; i < count; ++i) {
        hidden += texts[first + i].size() * S::dim;
        result[first + i] = head_(hidden - S::dim);
      }
    });
    return result;
  }

  // What an `Objective` has.
  [[nodiscard]] std::span<const TrainedTensor> tensors() const noexcept { return tensors_; }

  LossSum add_gradients(const PairBatch& batch) {
    check(batch);
    const std::size_t pairs = batch.margins.size();
    losses_.assign(pairs, 0);
    states_.resize(batch.texts.size() * S::dim);
    slopes_.assign(batch.texts.size(), 0);
    sharded_.add(batch.texts, 2, gradient_,
                 [&](auto& pass, std::size_t first, std::size_t count, ParameterStorage<S>&) {
                   const float* hidden = pass.hidden().data();
                   float* d_hidden = pass.hidden_gradient().data();
                   for (std::size_t i = first; i < first + count; i += 2) {
                     float* d_last[2];
                     double score[2];
                     for (std::size_t k = 0; k < 2; ++k) {
                       const std::size_t size = batch.texts[i + k].size() * S::dim;
                       hidden += size;
                       d_hidden += size;
                       d_last[k] = d_hidden - S::dim;
                       std::copy_n(hidden - S::dim, S::dim, states_.data() + (i + k) * S::dim);
                       score[k] = head_(hidden - S::dim);
                     }
                     const Slopes slopes = loss_of_pair(batch, i / 2, score[0], score[1]);
                     for (std::size_t k = 0; k < 2; ++k)
                       head_.backward(slopes_[i + k] = slopes.by_score[k], d_last[k]);
                   }
                 });
    // The head's own, in the order of the texts.
    head_sum_.assign(S::dim + 1, 0);
    for (std::size_t i = 0; i < batch.texts.size(); ++i)
      head_.add_to(slopes_[i], states_.data() + i * S::dim, head_sum_.data());
    head_.add_gradient(head_sum_.data());
    return added_up();
  }

  LossSum loss(const PairBatch& batch) {
    check(batch);
    losses_.assign(batch.margins.size(), 0);
    const std::vector<double> s = scores(batch.texts);
    for (std::size_t i = 0; i < s.size(); i += 2) loss_of_pair(batch, i / 2, s[i], s[i + 1]);
    return added_up();
  }

  void values_changed() noexcept { live_.refresh(weights_); }

 private:
  struct Slopes {
    double by_score[2];
  };

  void check(const PairBatch& batch) const {
    if (batch.texts.size() != 2 * batch.margins.size() ||
        (!batch.safe.empty() && batch.safe.size() != batch.texts.size()))
      throw Error(
          ErrorCode::invalid_argument,
          "not two texts for each margin, or not a label for each text",
          {.expected = std::to_string(2 * batch.margins.size()),
           .found = std::to_string(batch.texts.size()) + ", " + std::to_string(batch.safe.size())});
  }

  Slopes loss_of_pair(const PairBatch& batch, std::size_t pair, double chosen,
                      double rejected) noexcept {
    const PairLoss ranking = ranking_loss(chosen, rejected, batch.margins[pair]);
    Slopes slopes{{ranking.by_chosen, ranking.by_rejected}};
    losses_[pair] = ranking.value;
    if (options_.safety_weight == 0 || batch.safe.empty()) return slopes;
    for (std::size_t k = 0; k < 2; ++k) {
      const std::int8_t safe = batch.safe[2 * pair + k];
      if (safe < 0) continue;
      const ScoreLoss loss = safety_loss(k == 0 ? chosen : rejected, safe == 1);
      losses_[pair] += options_.safety_weight / 2 * loss.value;
      slopes.by_score[k] += options_.safety_weight / 2 * loss.by_score;
    }
    return slopes;
  }

  [[nodiscard]] LossSum added_up() const noexcept {
    LossSum sum{.sum = 0, .count = losses_.size()};
    for (const double loss : losses_) sum.sum += loss;
    return sum;
  }

  RewardModelOptions options_;
  ParameterStorage<S> weights_;
  ParameterStorage<S> gradient_;
  ScoreHead head_;
  LiveModel<S> live_;
  ShardedGradients<S, R> sharded_;
  std::vector<TrainedTensor> tensors_;
  // Of a batch:
  std::vector<double> losses_;  // of each pair
  std::vector<float> states_;   // (texts, dim): of the last token
  std::vector<double> slopes_;  // of each text
  std::vector<double> head_sum_;
};

}  // namespace llama2::inline LLAMA2_ABI
