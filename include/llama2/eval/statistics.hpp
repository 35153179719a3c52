// What a measured figure is worth: intervals, paired tests, calibration.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/random.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Where a quantity lies, at some level of confidence.
struct Interval {
  double low;
  double high;
};

/// A difference between two models on the same items, and how surprising it would be if there were
/// none.
struct PairedTest {
  double difference;  ///< mean of the second minus mean of the first
  Interval interval;
  double p;  ///< two-sided; NaN where there is no test
};

inline double mean_of(std::span<const double> values) noexcept {
  return values.empty() ? std::numeric_limits<double>::quiet_NaN()
                        : std::accumulate(values.begin(), values.end(), 0.0) /
                              static_cast<double>(values.size());
}

/// The x below which a standard normal variable lies with probability p, 0 < p < 1.
inline double normal_quantile(double p) {
  require_option(p > 0 && p < 1, "probability", p, "between 0 and 1");
  double low = -40, high = 40;  // beyond which a double has no probability left
  for (int i = 0; i < 80; ++i) {
    const double middle = 0.5 * (low + high);
    (0.5 * std::erfc(-middle / std::sqrt(2.0)) < p ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

/// Wilson's score interval of a probability of which `successes` of `trials` were seen (Wilson
/// 1927): it keeps within [0, 1] and is right for few trials, too. Without trials, all of [0, 1].
inline Interval wilson_interval(std::size_t successes, std::size_t trials, double level) {
  require_option(level > 0 && level < 1, "level", level, "between 0 and 1");
  if (successes > trials)
    throw Error(
        ErrorCode::invalid_argument, "more successes than trials",
        {.expected = "at most " + std::to_string(trials), .found = std::to_string(successes)});
  if (trials == 0) return {0, 1};
  const double z = normal_quantile(0.5 + level / 2);
  const double n = static_cast<double>(trials), share = static_cast<double>(successes) / n;
  const double centre = (share + z * z / (2 * n)) / (1 + z * z / n);
  const double half =
      z / (1 + z * z / n) * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  return {successes == 0 ? 0.0 : centre - half, successes == trials ? 1.0 : centre + half};
}

/// The percentile bootstrap (Efron 1979) of sum(numerators) / sum(denominators) over items:
/// resamples the items `resamples` times, with a generator of its own. Of one item or none there is
/// no interval: both ends are the value. Draws whose denominators are all 0 are left out.
inline Interval bootstrap_ratio(std::span<const double> numerators,
                                std::span<const double> denominators, double level,
                                std::uint64_t seed, std::size_t resamples = 2000) {
  require_option(level > 0 && level < 1, "level", level, "between 0 and 1");
  require_option(resamples >= 100 && resamples <= 1'000'000, "resamples",
                 static_cast<double>(resamples), "100 to 1000000");
  if (numerators.size() != denominators.size())
    throw Error(ErrorCode::invalid_argument, "numerators and denominators differ in number");
  const std::size_t n = numerators.size();
  if (n < 2) {
    const double value = n == 0 ? std::numeric_limits<double>::quiet_NaN()
                                : numerators.front() / denominators.front();
    return {value, value};
  }
  Random random(seed);
  std::vector<double> ratios;
  for (std::size_t r = 0; r < resamples; ++r) {
    double numerator = 0, denominator = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const auto pick = static_cast<std::size_t>(random.uniform() * static_cast<double>(n));
      numerator += numerators[pick];
      denominator += denominators[pick];
    }
    if (const double ratio = numerator / denominator; !std::isnan(ratio)) ratios.push_back(ratio);
  }
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  if (ratios.empty()) return {none, none};
  std::ranges::sort(ratios);
  const double tail = (1 - level) / 2 * static_cast<double>(ratios.size() - 1);
  const auto low = static_cast<std::size_t>(std::floor(tail));
  return {ratios[low], ratios[ratios.size() - 1 - low]};
}

/// The same of a mean.
inline Interval bootstrap_mean(std::span<const double> values, double level, std::uint64_t seed,
                               std::size_t resamples = 2000) {
  const std::vector<double> ones(values.size(), 1.0);
  return bootstrap_ratio(values, ones, level, seed, resamples);
}

/// McNemar's test, exact: p of two models that are equally good disagreeing this unevenly, where
/// `only_first` items were right by the first alone and `only_second` by the second alone.
inline double mcnemar_exact(std::size_t only_first, std::size_t only_second) {
  const std::size_t n = only_first + only_second, fewer = std::min(only_first, only_second);
  double tail = 0;
  for (std::size_t i = 0; i <= fewer; ++i) {
    const auto real = [](std::size_t k) { return static_cast<double>(k); };
    tail += std::exp(std::lgamma(real(n) + 1) - std::lgamma(real(i) + 1) -
                     std::lgamma(real(n - i) + 1) - real(n) * std::log(2.0));
  }
  return std::min(1.0, 2 * tail);
}

/// The paired bootstrap of sum(second - first) / sum(denominators) over items, which are drawn
/// together for both models. Of one item or none there is no test: p is NaN. Throws
/// `invalid_argument` if the models have not the same number of items.
inline PairedTest paired_bootstrap_ratio(std::span<const double> first,
                                         std::span<const double> second,
                                         std::span<const double> denominators, double level,
                                         std::uint64_t seed, std::size_t resamples = 2000) {
  const std::size_t n = first.size();
  if (n != second.size())
    throw Error(ErrorCode::invalid_argument, "a paired test of different items",
                {.expected = std::to_string(n), .found = std::to_string(second.size())});
  std::vector<double> differences(n);
  for (std::size_t i = 0; i < n; ++i) differences[i] = second[i] - first[i];
  const Interval interval = bootstrap_ratio(differences, denominators, level, seed, resamples);
  const auto total = [](std::span<const double> values) {
    return std::accumulate(values.begin(), values.end(), 0.0);
  };
  const double difference = total(differences) / total(denominators);
  if (n < 2) return {difference, interval, std::numeric_limits<double>::quiet_NaN()};
  // How often a world without a difference, the centred differences, shows one as large.
  Random random(mix_bits(seed));
  std::size_t as_large = 0;
  for (std::size_t r = 0; r < resamples; ++r) {
    double numerator = 0, denominator = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const auto pick = static_cast<std::size_t>(random.uniform() * static_cast<double>(n));
      numerator += differences[pick] - difference * denominators[pick];
      denominator += denominators[pick];
    }
    // Sums of the same numbers in another order differ in their last bits.
    as_large += std::abs(numerator / denominator) >= std::abs(difference) * (1 - 1e-9);
  }
  return {difference, interval,
          static_cast<double>(as_large + 1) / static_cast<double>(resamples + 1)};
}

/// The same of the mean difference.
inline PairedTest paired_bootstrap(std::span<const double> first, std::span<const double> second,
                                   double level, std::uint64_t seed, std::size_t resamples = 2000) {
  const std::vector<double> ones(first.size(), 1.0);
  return paired_bootstrap_ratio(first, second, ones, level, seed, resamples);
}

/// The probability that of k samples one at least passes, estimated without bias from n samples of
/// which c passed (Chen et al. 2021, arXiv:2107.03374, eq. 1). Throws `invalid_argument` unless
/// c <= n and 1 <= k <= n.
inline double pass_at_k(std::size_t n, std::size_t c, std::size_t k) {
  if (c > n || k < 1 || k > n)
    throw Error(ErrorCode::invalid_argument, "pass@k of n samples of which c passed",
                {.expected = "c <= n, 1 <= k <= n",
                 .found = "n " + std::to_string(n) + ", c " + std::to_string(c) + ", k " +
                          std::to_string(k)});
  if (n - c < k) return 1;
  double none = 1;
  for (std::size_t i = n - c + 1; i <= n; ++i)
    none *= 1 - static_cast<double>(k) / static_cast<double>(i);
  return 1 - none;
}

/// softmax of log-probabilities: how sure a model is among choices.
inline std::vector<double> shares_of(std::span<const double> log_probabilities) {
  std::vector<double> shares(log_probabilities.begin(), log_probabilities.end());
  if (shares.empty()) return shares;
  const double highest = *std::ranges::max_element(shares);
  double sum = 0;
  for (double& share : shares) sum += share = std::exp(share - highest);
  for (double& share : shares) share /= sum;
  return shares;
}

/// MC2 of TruthfulQA (Lin et al. 2022, arXiv:2109.07958): the share of probability that the true
/// answers have among all.
inline double mc2(std::span<const double> log_probabilities, std::span<const std::size_t> truths) {
  const std::vector<double> shares = shares_of(log_probabilities);
  double sum = 0;
  for (const std::size_t truth : truths) {
    if (truth >= shares.size())
      throw Error(ErrorCode::invalid_argument, "a true answer that is not among the choices");
    sum += shares[truth];
  }
  return sum;
}

/// Predictions of about the same confidence.
struct CalibrationBin {
  double low, high;   ///< of confidence; the last bin includes its upper end
  std::size_t items;  ///< the means below are NaN where there are none
  double confidence;
  double accuracy;
};

struct Calibration {
  std::vector<CalibrationBin> bins;
  double expected_error;  ///< ECE (Guo et al. 2017): mean |confidence - accuracy| over items
};

/// Bins of equal width over [0, 1].
inline Calibration calibrate(std::span<const double> confidence, const std::vector<bool>& correct,
                             std::size_t bins = 10) {
  if (confidence.size() != correct.size() || bins == 0)
    throw Error(ErrorCode::invalid_argument, "calibration of unequal numbers, or in no bins");
  Calibration result{std::vector<CalibrationBin>(bins), 0};
  const double width = 1 / static_cast<double>(bins);
  for (std::size_t b = 0; b < bins; ++b)
    result.bins[b] = {static_cast<double>(b) * width, static_cast<double>(b + 1) * width, 0, 0, 0};
  for (std::size_t i = 0; i < confidence.size(); ++i) {
    const double place = std::clamp(confidence[i], 0.0, 1.0) * static_cast<double>(bins);
    CalibrationBin& bin = result.bins[std::min(bins - 1, static_cast<std::size_t>(place))];
    ++bin.items;
    bin.confidence += confidence[i];
    bin.accuracy += correct[i];
  }
  for (CalibrationBin& bin : result.bins) {
    result.expected_error += std::abs(bin.confidence - bin.accuracy);
    const double items = static_cast<double>(bin.items);
    bin.confidence /= items;
    bin.accuracy /= items;
  }
  result.expected_error /= static_cast<double>(confidence.size());
  return result;
}

}  // namespace llama2::inline LLAMA2_ABI
