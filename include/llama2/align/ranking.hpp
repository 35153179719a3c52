// What reward models learn from comparisons: the ranking loss with margin, and how it is measured.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "llama2/base/error.hpp"
#include "llama2/data/preferences.hpp"

namespace llama2::inline LLAMA2_ABI {

/// 1 / (1 + e^-x), without overflow.
inline double sigmoid(double x) noexcept {
  if (x >= 0) return 1 / (1 + std::exp(-x));
  const double e = std::exp(x);
  return e / (1 + e);
}

/// log sigmoid(x), without overflow or cancellation.
inline double log_sigmoid(double x) noexcept {
  return x >= 0 ? -std::log1p(std::exp(-x)) : x - std::log1p(std::exp(x));
}

/// log(p / (1 - p)): what `sigmoid` made of it.
inline double logit(double p) noexcept {
  return std::log(p) - std::log1p(-p);
}

/// By how much the chosen answer's score should exceed the other's: the Llama 2 paper, table 27.
enum class Margin : std::uint8_t {
  none,
  small,  ///< 1, 2/3, 1/3, 0 from "significantly better" down
  large,  ///< 3, 2, 1, 0
};

/// The margin of a pair with this rating.
constexpr double margin_of(Margin margin, PreferenceRating rating) noexcept {
  const int degree = 3 - static_cast<int>(rating);
  switch (margin) {
    case Margin::none:
      return 0;
    case Margin::small:
      return degree / 3.0;
    case Margin::large:
      return degree;
  }
  return 0;
}

/// A loss of two scores, and its derivatives by each.
struct PairLoss {
  double value;
  double by_chosen;
  double by_rejected;
};

/// -log sigmoid(chosen - rejected - margin): the paper's equation 2.
inline PairLoss ranking_loss(double chosen, double rejected, double margin = 0) noexcept {
  const double z = chosen - rejected - margin;
  const double slope = sigmoid(-z);
  return {-log_sigmoid(z), -slope, slope};
}

/// A loss of one score, and its derivative.
struct ScoreLoss {
  double value;
  double by_score;
};

/// The auxiliary loss of the safety model: cross-entropy of sigmoid(score), read as the probability
/// that the answer is safe. The paper says neither formula nor weight (table 29 shows its gain).
inline ScoreLoss safety_loss(double score, bool safe) noexcept {
  return safe ? ScoreLoss{-log_sigmoid(score), -sigmoid(-score)}
              : ScoreLoss{-log_sigmoid(-score), sigmoid(score)};
}

}  // namespace llama2::inline LLAMA2_ABI
