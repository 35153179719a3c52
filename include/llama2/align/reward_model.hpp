// Reward models: the same trunk, one number for the last token.
#pragma once

#include <algorithm>
#include <array>
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
  /// Share of the ranking loss that is asked of every token from the first in which a pair's texts
  /// differ, the rest of the last tokens alone; 0 to 1. The paper has 0. (That a judge of answers
  /// may learn at each of their tokens is of Cobbe et al. 2021, arXiv:2110.14168, who do not rank.)
  double token_share = 0;
};

/// A model of shape S with a linear regression to one number in place of its output head, read at
/// the last token (the Llama 2 paper, section 3.2.2). An `Objective` of `PairBatch`: the loss of a
/// pair is `ranking_loss` with its margin, plus the mean of its texts' auxiliary losses.
/// With a `token_share`, that part of it is the mean of ranking losses of both texts' tokens that
/// lie as far behind their common beginning; the end of the shorter text counts for all that are
/// missing, and of a text that is the other's beginning the last token, though it is common to
/// both.
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
    require_option(options.token_share >= 0 && options.token_share <= 1, "token_share",
                   options.token_share, "0 to 1");
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
    losses_.assign(batch.margins.size(), 0);
    const std::size_t each = head_.dim() + 1;
    head_sums_.assign(batch.texts.size() * each, 0);
    sharded_.add(batch.texts, 2, gradient_,
                 [&](auto& pass, std::size_t first, std::size_t count, ParameterStorage<S>&) {
                   const float* hidden = pass.hidden().data();
                   float* d_hidden = pass.hidden_gradient().data();
                   for (std::size_t i = first; i < first + count; i += 2) {
                     const PairSlopes pair = loss_of_pair(batch, i, hidden);
                     for (std::size_t k = 0; k < 2; ++k) {
                       const std::size_t size = batch.texts[i + k].size();
                       const std::vector<double>& slopes = pair[k];
                       double* const sum = head_sums_.data() + (i + k) * each;
                       for (std::size_t t = size - slopes.size(); t < size; ++t) {
                         const double slope = slopes[t + slopes.size() - size];
                         head_.backward(slope, d_hidden + t * S::dim);
                         head_.add_to(slope, hidden + t * S::dim, sum);
                       }
                       hidden += size * S::dim;
                       d_hidden += size * S::dim;
                     }
                   }
                 });
    // The head's own, in the order of the texts.
    for (std::size_t i = 1; i < batch.texts.size(); ++i)
      for (std::size_t j = 0; j < each; ++j) head_sums_[j] += head_sums_[i * each + j];
    if (!batch.texts.empty()) head_.add_gradient(head_sums_.data());
    return added_up();
  }

  LossSum loss(const PairBatch& batch) {
    check(batch);
    losses_.assign(batch.margins.size(), 0);
    sharded_.evaluate(batch.texts, 2, [&](auto& pass, std::size_t first, std::size_t count) {
      const float* hidden = pass.hidden().data();
      for (std::size_t i = first; i < first + count; i += 2) {
        static_cast<void>(loss_of_pair(batch, i, hidden));
        hidden += (batch.texts[i].size() + batch.texts[i + 1].size()) * S::dim;
      }
    });
    return added_up();
  }

  void values_changed() noexcept { live_.refresh(weights_); }

 private:
  /// Derivatives of a pair's loss by the scores of each text's last tokens, of as many as there
  /// are.
  using PairSlopes = std::array<std::vector<double>, 2>;

  void check(const PairBatch& batch) const {
    if (batch.texts.size() != 2 * batch.margins.size() ||
        (!batch.safe.empty() && batch.safe.size() != batch.texts.size()))
      throw Error(
          ErrorCode::invalid_argument,
          "not two texts for each margin, or not a label for each text",
          {.expected = std::to_string(2 * batch.margins.size()),
           .found = std::to_string(batch.texts.size()) + ", " + std::to_string(batch.safe.size())});
  }

  /// Notes the loss of the pair that begins with text i, whose states lie at `hidden` one after the
  /// other.
  PairSlopes loss_of_pair(const PairBatch& batch, std::size_t i, const float* hidden) {
    const Text texts[2] = {batch.texts[i], batch.texts[i + 1]};
    const bool everywhere = options_.token_share > 0;
    const auto common = static_cast<std::size_t>(
        everywhere ? std::ranges::mismatch(texts[0], texts[1]).in1 - texts[0].begin() : 0);
    std::vector<double> scores[2];
    PairSlopes slopes;
    for (std::size_t k = 0; k < 2; ++k) {
      const std::size_t size = texts[k].size();
      for (std::size_t t = everywhere ? std::min(common, size - 1) : size - 1; t < size; ++t)
        scores[k].push_back(head_(hidden + t * S::dim));
      hidden += size * S::dim;
      slopes[k].assign(scores[k].size(), 0);
    }
    double& sum = losses_[i / 2];
    const auto rank = [&](double weight, std::size_t place) {
      const std::size_t at[2] = {std::min(place, scores[0].size() - 1),
                                 std::min(place, scores[1].size() - 1)};
      const PairLoss part = ranking_loss(scores[0][at[0]], scores[1][at[1]], batch.margins[i / 2]);
      sum += weight * part.value;
      slopes[0][at[0]] += weight * part.by_chosen;
      slopes[1][at[1]] += weight * part.by_rejected;
    };
    const std::size_t places = std::max(scores[0].size(), scores[1].size());
    rank(1 - options_.token_share, places - 1);
    for (std::size_t p = 0; everywhere && p < places; ++p)
      rank(options_.token_share / static_cast<double>(places), p);
    if (options_.safety_weight == 0 || batch.safe.empty()) return slopes;
    for (std::size_t k = 0; k < 2; ++k) {
      const std::int8_t safe = batch.safe[i + k];
      if (safe < 0) continue;
      const ScoreLoss part = safety_loss(scores[k].back(), safe == 1);
      sum += options_.safety_weight / 2 * part.value;
      slopes[k].back() += options_.safety_weight / 2 * part.by_score;
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
  std::vector<double> losses_;     // of each pair
  std::vector<double> head_sums_;  // of each text
};

}  // namespace llama2::inline LLAMA2_ABI
