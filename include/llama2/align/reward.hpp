// The reward that PPO maximises, from the scores of two reward models.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>

#include "llama2/align/policy_gradient.hpp"
#include "llama2/align/ranking.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Scores of an answer by the two reward models, as logits: `sigmoid` of them is in (0, 1).
struct AnswerScores {
  double helpfulness;
  double safety;
};

/// The safety score below which safety decides (the paper: precision 0.89, recall 0.55).
inline constexpr double safety_threshold = 0.15;

/// The paper's R_c, as a logit: the safety score where the prompt is tagged as one that may draw
/// unsafe answers, or where sigmoid(safety) < threshold; else the helpfulness score.
inline double combined_score(const AnswerScores& scores, bool safety_prompt,
                             double threshold = safety_threshold) noexcept {
  return safety_prompt || sigmoid(scores.safety) < threshold ? scores.safety : scores.helpfulness;
}

/// Whitens scores by statistics that follow all that have been seen: the paper does not say which.
/// A running mean and variance keep rewards of one iteration comparable with the next's, where
/// whitening each batch by itself would hide that answers improve.
class RunningWhitener {
 public:
  RunningWhitener() = default;
  /// What `count`, `mean` and `square` gave.
  RunningWhitener(double count, double mean, double square) noexcept
      : count_(count), mean_(mean), square_(square) {}

  /// Takes more scores into account (Chan, Golub and LeVeque 1979).
  void add(std::span<const double> scores) noexcept {
    if (scores.empty()) return;
    const auto n = static_cast<double>(scores.size());
    const Moments m = moments_of(scores);
    const double delta = m.mean - mean_, all = count_ + n;
    square_ += m.variance * n + delta * delta * count_ * n / all;
    mean_ += delta * n / all;
    count_ = all;
  }

  [[nodiscard]] double operator()(double score) const noexcept {
    return (score - mean_) / std::sqrt(variance() + 1e-8);
  }

  [[nodiscard]] double count() const noexcept { return count_; }
  [[nodiscard]] double mean() const noexcept { return mean_; }
  /// The sum of squared distances from the mean.
  [[nodiscard]] double square() const noexcept { return square_; }
  [[nodiscard]] double variance() const noexcept { return count_ == 0 ? 0 : square_ / count_; }

 private:
  double count_ = 0, mean_ = 0, square_ = 0;
};

/// The rewards of an answer's tokens: -beta (log_prob - reference) each, and the answer's score at
/// the last: the paper's R(g|p) = R_c - beta KL, shared out over the tokens.
inline void token_rewards(double score, std::span<const double> log_probs,
                          std::span<const double> reference, double beta,
                          std::span<double> rewards) {
  detail::require_equal_sizes(log_probs.size(), reference.size(), "reference log-probabilities");
  detail::require_equal_sizes(log_probs.size(), rewards.size(), "rewards");
  for (std::size_t t = 0; t < rewards.size(); ++t)
    rewards[t] = -beta * kl_of_token(log_probs[t], reference[t]);
  if (!rewards.empty()) rewards.back() += score;
}

}  // namespace llama2::inline LLAMA2_ABI
