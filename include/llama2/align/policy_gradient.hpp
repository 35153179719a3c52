// The arithmetic of PPO: pure functions over spans.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>

#include "llama2/base/error.hpp"

namespace llama2::inline LLAMA2_ABI {

namespace detail {
inline void require_equal_sizes(std::size_t expected, std::size_t found, const char* what) {
  if (expected != found)
    throw Error(ErrorCode::invalid_argument, std::string("not one of the ") + what + " per token",
                {.expected = std::to_string(expected), .found = std::to_string(found)});
}
}  // namespace detail

/// How far returns look ahead.
struct AdvantageOptions {
  double discount = 1.0;  ///< gamma
  double trace = 0.95;    ///< lambda: 1 takes whole returns, 0 the next value only
};

/// Generalised advantage estimation (Schulman et al. 2015, arXiv:1506.02438, equation 16) over the
/// tokens of one answer, after whose last token nothing follows:
///   delta_t = reward_t + gamma value_{t+1} - value_t,  advantage_t = sum_l (gamma lambda)^l
///   delta_{t+l}.
/// `returns`, what the values are to become, are advantage + value. Throws `invalid_argument` for
/// spans of different sizes.
inline void estimate_advantages(std::span<const double> rewards, std::span<const double> values,
                                const AdvantageOptions& options, std::span<double> advantages,
                                std::span<double> returns) {
  detail::require_equal_sizes(rewards.size(), values.size(), "values");
  detail::require_equal_sizes(rewards.size(), advantages.size(), "advantages");
  detail::require_equal_sizes(rewards.size(), returns.size(), "returns");
  double next_value = 0, next_advantage = 0;
  for (std::size_t t = rewards.size(); t-- > 0;) {
    const double delta = rewards[t] + options.discount * next_value - values[t];
    advantages[t] = next_advantage = delta + options.discount * options.trace * next_advantage;
    returns[t] = advantages[t] + values[t];
    next_value = values[t];
  }
}

/// Mean and variance, of a whole population.
struct Moments {
  double mean = 0;
  double variance = 0;
};

inline Moments moments_of(std::span<const double> x) noexcept {
  Moments m;
  if (x.empty()) return m;
  for (const double v : x) m.mean += v;
  m.mean /= static_cast<double>(x.size());
  for (const double v : x) m.variance += (v - m.mean) * (v - m.mean);
  m.variance /= static_cast<double>(x.size());
  return m;
}

/// x becomes (x - mean) / sqrt(variance + 1e-8); with `keep_mean`, the mean is added again. Of one
/// number, or equal ones, nothing but zeros (or the mean) remains.
inline void whiten(std::span<double> x, bool keep_mean = false) noexcept {
  const Moments m = moments_of(x);
  const double scale = 1 / std::sqrt(m.variance + 1e-8);
  for (double& v : x) v = (v - m.mean) * scale + (keep_mean ? m.mean : 0);
}

/// A loss of a token's log-probability, and its derivative.
struct PolicyLoss {
  double value;
  double by_log_prob;
  bool clipped;  ///< the derivative is zero because the ratio is out of bounds
};

/// PPO's clipped objective (Schulman et al. 2017, arXiv:1707.06347, equation 7), negated:
///   -min(r A, clip(r, 1 - clip, 1 + clip) A),  r = exp(log_prob - old_log_prob).
inline PolicyLoss clipped_policy_loss(double log_prob, double old_log_prob, double advantage,
                                      double clip) noexcept {
  const double ratio = std::exp(log_prob - old_log_prob);
  const double bounded = std::clamp(ratio, 1 - clip, 1 + clip);
  const double free = -ratio * advantage, held = -bounded * advantage;
  if (held > free) return {held, 0, true};
  return {free, free, false};  // d/dlog_prob of -r A is -r A
}

/// A loss of a value, and its derivative.
struct ValueLoss {
  double value;
  double by_value;
  bool clipped;
};

/// Half the squared distance of a value from its return, as PPO's authors' program has it: the
/// larger of that of the value and that of the value held within `clip` of what it was at roll-out.
/// No clipping where `clip` is infinite.
inline ValueLoss clipped_value_loss(double value, double old_value, double target,
                                    double clip) noexcept {
  const double bounded = std::clamp(value, old_value - clip, old_value + clip);
  const double free = (value - target) * (value - target) / 2;
  const double held = (bounded - target) * (bounded - target) / 2;
  if (held > free) return {held, 0, true};
  return {free, value - target, false};
}

/// Estimates of KL(policy || reference) from a token that the policy drew (Schulman 2020,
/// "Approximating KL divergence").
enum class KlEstimate {
  difference,  ///< log p/q: unbiased, may be negative; what a penalty per token takes
  square,      ///< (log p/q)^2 / 2: biased, low variance
  unbiased,    ///< q/p - 1 - log q/p: unbiased and never negative
};

inline double kl_of_token(double log_prob, double reference_log_prob,
                          KlEstimate estimate = KlEstimate::difference) noexcept {
  const double d = log_prob - reference_log_prob;
  switch (estimate) {
    case KlEstimate::difference:
      return d;
    case KlEstimate::square:
      return d * d / 2;
    case KlEstimate::unbiased:
      return std::expm1(-d) + d;
  }
  return d;
}

/// 1 - var(returns - values) / var(returns): 1 for values that foretell all, 0 for those that say
/// no more than a constant, below for worse; 0 where all returns are equal.
inline double explained_variance(std::span<const double> values, std::span<const double> returns) {
  detail::require_equal_sizes(values.size(), returns.size(), "returns");
  const Moments of_returns = moments_of(returns);
  if (of_returns.variance == 0) return 0;
  double mean = 0, square = 0;
  for (std::size_t i = 0; i < values.size(); ++i) mean += returns[i] - values[i];
  mean /= static_cast<double>(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double d = returns[i] - values[i] - mean;
    square += d * d;
  }
  return 1 - square / static_cast<double>(values.size()) / of_returns.variance;
}

}  // namespace llama2::inline LLAMA2_ABI
