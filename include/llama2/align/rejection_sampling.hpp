// Rejection sampling: the best of several answers becomes what is learnt (the Llama 2 paper,
// section 3.2.3).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "llama2/align/answers.hpp"
#include "llama2/align/best_of.hpp"
#include "llama2/align/policy_gradient.hpp"
#include "llama2/base/error.hpp"

namespace llama2::inline LLAMA2_ABI {

/// The best answer to a prompt so far.
struct BestAnswer {
  double reward = 0;
  std::size_t iteration = 0;  ///< that it was sampled in
  SampledAnswer answer{};
};

/// The best answers of all iterations: the paper found that learning from the last iteration's
/// alone forgets what earlier ones could do. Prompts are named by whoever samples.
class BestAnswers {
 public:
  /// Takes an answer into account; the first of equals stays. An unfinished one is no candidate:
  /// to learn it would be to learn not to end. Rewards are to be those of one reward model: when
  /// that changes, `rescore` first.
  void offer(const std::string& prompt, BestAnswer candidate) {
    if (!candidate.answer.finished) return;
    const auto [found, added] = best_.try_emplace(prompt, candidate);
    if (!added && candidate.reward > found->second.reward) found->second = std::move(candidate);
  }

  /// Sets every kept answer's reward anew: reward(prompt, answer).
  template <class Reward>
  void rescore(Reward&& reward) {
    for (auto& [prompt, best] : best_) best.reward = reward(prompt, best.answer);
  }

  /// In the order of the prompts' names.
  [[nodiscard]] const std::map<std::string, BestAnswer>& all() const noexcept { return best_; }

 private:
  std::map<std::string, BestAnswer> best_;
};

/// How rewards grow with the number of answers to choose from: the paper's figure 7.
struct BestOfCurve {
  std::vector<std::size_t> k;
  std::vector<double> max;     ///< the expected greatest reward of k answers, mean over prompts
  std::vector<double> median;  ///< the median of all answers' rewards: what one answer gets
};

/// The curve of some prompts' rewards, all of them for the same number of answers, at k = 1, 2, 4
/// ... up to that number. Throws `invalid_argument` for none.
inline BestOfCurve best_of_curve(std::span<const double> rewards, std::size_t per_prompt) {
  if (per_prompt == 0 || rewards.empty() || rewards.size() % per_prompt != 0)
    throw Error(ErrorCode::invalid_argument, "not as many rewards for each prompt");
  const std::size_t prompts = rewards.size() / per_prompt;
  BestOfCurve curve;
  for (std::size_t k = 1;; k = std::min(2 * k, per_prompt)) {
    double best = 0, middle = 0;
    for (std::size_t p = 0; p < prompts; ++p) {
      const auto own = rewards.subspan(p * per_prompt, per_prompt);
      best += expected_best_of(own, k);
      middle += median_of(own);
    }
    curve.k.push_back(k);
    curve.max.push_back(best / static_cast<double>(prompts));
    curve.median.push_back(middle / static_cast<double>(prompts));
    if (k == per_prompt) return curve;
  }
}

/// The temperature at which the best of k answers is best, by trial on some prompts: the paper
/// tunes it for each iteration. rewards_at(temperature) gives the rewards of `per_prompt` answers
/// for each prompt. Throws `invalid_argument` for no temperatures.
template <class RewardsAt>
std::pair<float, std::vector<BestOfCurve>> best_temperature(std::span<const float> temperatures,
                                                            std::size_t per_prompt,
                                                            RewardsAt&& rewards_at) {
  if (temperatures.empty())
    throw Error(ErrorCode::invalid_argument, "no temperatures to choose from");
  std::vector<BestOfCurve> curves;
  std::size_t best = 0;
  for (const float temperature : temperatures) {
    const std::vector<double> rewards = rewards_at(temperature);
    curves.push_back(best_of_curve(rewards, per_prompt));
    if (curves.back().max.back() > curves[best].max.back()) best = curves.size() - 1;
  }
  return {temperatures[best], std::move(curves)};
}

}  // namespace llama2::inline LLAMA2_ABI
