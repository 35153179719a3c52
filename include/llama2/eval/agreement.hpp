// How far judges agree, and how often one of two models wins.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/random.hpp"
#include "llama2/eval/statistics.hpp"

namespace llama2::inline LLAMA2_ABI {

/// The ratings of one item, one for each judge: a category from 0, or `not_rated`.
using ItemRatings = std::vector<int>;
inline constexpr int not_rated = -1;

/// How near two categories count as agreeing: 1 for the same, between the ends of the scale 0.
enum class AgreementWeights {
  identity,   ///< categories without an order
  linear,     ///< 1 - |k - l| / (q - 1)
  quadratic,  ///< 1 - ((k - l) / (q - 1))^2
};

inline double agreement_weight(AgreementWeights weights, std::size_t k, std::size_t l,
                               std::size_t categories) noexcept {
  if (k == l) return 1;
  if (weights == AgreementWeights::identity) return 0;
  const double distance = std::abs(static_cast<double>(k) - static_cast<double>(l)) /
                          static_cast<double>(categories - 1);
  return weights == AgreementWeights::linear ? 1 - distance : 1 - distance * distance;
}

/// Agreement beyond chance: (observed - chance) / (1 - chance). NaN where nothing was rated twice,
/// or where chance alone agrees on all.
struct Agreement {
  double observed;
  double chance;
  double coefficient;
  std::size_t items;  ///< with two ratings or more
};

namespace detail {

inline void check_ratings(std::span<const ItemRatings> items, std::size_t categories) {
  require_option(categories >= 2 && categories <= 1000, "categories",
                 static_cast<double>(categories), "2 to 1000");
  for (const ItemRatings& item : items) {
    if (item.size() != items.front().size())
      throw Error(
          ErrorCode::invalid_argument, "items with different numbers of judges",
          {.expected = std::to_string(items.front().size()), .found = std::to_string(item.size())});
    for (const int rating : item)
      if (rating < not_rated || rating >= static_cast<int>(categories))
        throw Error(ErrorCode::invalid_argument, "a rating that is no category",
                    {.expected = "-1 to " + std::to_string(categories - 1),
                     .found = std::to_string(rating)});
  }
}

/// Observed agreement, and the mean share of each category over rated items.
struct Observed {
  double agreement = 0;
  std::vector<double> shares;
  std::size_t items = 0;
};

inline Observed observe(std::span<const ItemRatings> items, std::size_t categories,
                        AgreementWeights weights) {
  check_ratings(items, categories);
  Observed result{0, std::vector<double>(categories), 0};
  std::size_t rated = 0;
  for (const ItemRatings& item : items) {
    std::vector<double> counts(categories);
    double judges = 0;
    for (const int rating : item)
      if (rating != not_rated) {
        ++counts[static_cast<std::size_t>(rating)];
        ++judges;
      }
    if (judges == 0) continue;
    ++rated;
    double agreeing = 0;
    for (std::size_t k = 0; k < categories; ++k) {
      result.shares[k] += counts[k] / judges;
      double weighted = 0;
      for (std::size_t l = 0; l < categories; ++l)
        weighted += agreement_weight(weights, k, l, categories) * counts[l];
      agreeing += counts[k] * (weighted - 1);
    }
    if (judges < 2) continue;
    ++result.items;
    result.agreement += agreeing / (judges * (judges - 1));
  }
  for (double& share : result.shares) share /= static_cast<double>(rated);
  result.agreement /= static_cast<double>(result.items);
  return result;
}

inline Agreement beyond_chance(const Observed& observed, double chance) noexcept {
  return {observed.agreement, chance,
          chance < 1 ? (observed.agreement - chance) / (1 - chance)
                     : std::numeric_limits<double>::quiet_NaN(),
          observed.items};
}

}  // namespace detail

/// Gwet's AC2 for any number of judges, some of whose ratings may be missing; with identity weights
/// it is AC1. Unlike kappa it does not fall where nearly all items are of one category, which is
/// why the Llama 2 paper reports it. (K. Gwet, Handbook of Inter-Rater Reliability, 4th edition,
/// 2014, chapters 4 and 5.) Throws `invalid_argument` for ratings out of range.
inline Agreement gwet_ac2(std::span<const ItemRatings> items, std::size_t categories,
                          AgreementWeights weights) {
  const detail::Observed observed = detail::observe(items, categories, weights);
  double all_weights = 0, spread = 0;
  for (std::size_t k = 0; k < categories; ++k) {
    spread += observed.shares[k] * (1 - observed.shares[k]);
    for (std::size_t l = 0; l < categories; ++l)
      all_weights += agreement_weight(weights, k, l, categories);
  }
  const double q = static_cast<double>(categories);
  return detail::beyond_chance(observed, all_weights * spread / (q * (q - 1)));
}

/// Fleiss' kappa (1971), with weights, and with missing ratings as in Gwet's book.
inline Agreement fleiss_kappa(std::span<const ItemRatings> items, std::size_t categories,
                              AgreementWeights weights = AgreementWeights::identity) {
  const detail::Observed observed = detail::observe(items, categories, weights);
  double chance = 0;
  for (std::size_t k = 0; k < categories; ++k)
    for (std::size_t l = 0; l < categories; ++l)
      chance +=
          agreement_weight(weights, k, l, categories) * observed.shares[k] * observed.shares[l];
  return detail::beyond_chance(observed, chance);
}

/// Cohen's kappa (1960; weighted 1968) of two judges: chance is by each judge's own habits. Items
/// that either left out do not count. Throws `invalid_argument` unless there are two judges.
inline Agreement cohen_kappa(std::span<const ItemRatings> items, std::size_t categories,
                             AgreementWeights weights = AgreementWeights::identity) {
  std::vector<ItemRatings> both;
  for (const ItemRatings& item : items) {
    if (item.size() != 2)
      throw Error(ErrorCode::invalid_argument, "Cohen's kappa is of two judges",
                  {.found = std::to_string(item.size())});
    if (item[0] != not_rated && item[1] != not_rated) both.push_back(item);
  }
  const detail::Observed observed = detail::observe(both, categories, weights);
  std::vector<double> first(categories), second(categories);
  for (const ItemRatings& item : both) {
    first[static_cast<std::size_t>(item[0])] += 1 / static_cast<double>(both.size());
    second[static_cast<std::size_t>(item[1])] += 1 / static_cast<double>(both.size());
  }
  double chance = 0;
  for (std::size_t k = 0; k < categories; ++k)
    for (std::size_t l = 0; l < categories; ++l)
      chance += agreement_weight(weights, k, l, categories) * first[k] * second[l];
  return detail::beyond_chance(observed, chance);
}

/// The bootstrap interval of a coefficient: items are drawn again, with all their ratings. Draws
/// without a value (all of one category) are left out.
inline Interval agreement_interval(
    std::span<const ItemRatings> items,
    const std::function<Agreement(std::span<const ItemRatings>)>& coefficient, std::uint64_t seed,
    double level = 0.95, std::size_t resamples = 1000) {
  require_option(level > 0 && level < 1, "level", level, "between 0 and 1");
  Random random(seed);
  std::vector<double> values;
  std::vector<ItemRatings> drawn(items.size());
  for (std::size_t r = 0; r < resamples; ++r) {
    for (ItemRatings& item : drawn)
      item = items[static_cast<std::size_t>(random.uniform() * static_cast<double>(items.size()))];
    const double value = coefficient(drawn).coefficient;
    if (std::isfinite(value)) values.push_back(value);
  }
  if (values.empty())
    return {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::quiet_NaN()};
  std::ranges::sort(values);
  const auto low =
      static_cast<std::size_t>((1 - level) / 2 * static_cast<double>(values.size() - 1));
  return {values[low], values[values.size() - 1 - low]};
}

/// How comparisons of two models went, each share with Wilson's interval.
struct WinRates {
  std::size_t wins, ties, losses;  ///< of the first model
  double win_rate, tie_rate, loss_rate;
  Interval win_interval, tie_interval, loss_interval;
};

/// Shares of all comparisons, ties included, as the Llama 2 paper has them; 0 without comparisons.
inline WinRates win_rates(std::size_t wins, std::size_t ties, std::size_t losses,
                          double level = 0.95) {
  const std::size_t all = wins + ties + losses;
  const auto share = [&](std::size_t count) {
    return all == 0 ? 0.0 : static_cast<double>(count) / static_cast<double>(all);
  };
  return {wins,
          ties,
          losses,
          share(wins),
          share(ties),
          share(losses),
          wilson_interval(wins, all, level),
          wilson_interval(ties, all, level),
          wilson_interval(losses, all, level)};
}

}  // namespace llama2::inline LLAMA2_ABI
