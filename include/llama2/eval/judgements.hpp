// What several people's judgements of two models come to: wins, agreement, safety.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/data/preferences.hpp"
#include "llama2/eval/agreement.hpp"
#include "llama2/eval/safety.hpp"
#include "llama2/eval/statistics.hpp"

namespace llama2::inline LLAMA2_ABI {

/// One judge's comparisons.
struct JudgeSummary {
  std::string judge;
  WinRates wins;
};

/// Several judges' comparisons of two models. The scale is the paper's of seven points, from the
/// first model significantly worse (0) over negligibly different (3) to significantly better (6).
struct JudgementSummary {
  std::string first, second;
  std::size_t items;
  WinRates all;                      ///< of every judgement; negligibly better is a tie
  WinRates majority;                 ///< of items: by the sign of their judgements' mean
  std::vector<JudgeSummary> judges;  ///< in the order of first appearance
  Agreement degree;                  ///< AC2 on the seven points, quadratic weights
  Interval degree_interval;
  Agreement winner;                                 ///< Fleiss' kappa of win, tie, loss
  std::optional<Rate> first_unsafe, second_unsafe;  ///< of judgements with a safety bin
  std::optional<Agreement> safety;                  ///< AC1 of safe or not, answer by answer
};

namespace detail {

inline int seven_point(const PreferencePair& pair, const std::string& first) {
  const int distance = 3 - static_cast<int>(*pair.rating);
  return pair.chosen_model == first ? 3 + distance : 3 - distance;
}

inline WinRates win_rates_of(std::span<const int> points, double level) {
  const auto count = [&](auto&& holds) {
    return static_cast<std::size_t>(std::ranges::count_if(points, holds));
  };
  return win_rates(count([](int p) { return p > 3; }), count([](int p) { return p == 3; }),
                   count([](int p) { return p < 3; }), level);
}

}  // namespace detail

/// Sums up pairs of two models. Pairs need an id, a judge, a rating and both models' names; throws
/// `invalid_argument` for one that lacks any, for a third model, and for an item that a judge
/// judged twice. `first` names the model whose wins are counted; empty: the first by name.
inline JudgementSummary summarise_judgements(std::span<const PreferencePair> pairs,
                                             std::string first = {}, std::uint64_t seed = 1,
                                             double level = 0.95) {
  if (pairs.empty()) throw Error(ErrorCode::invalid_argument, "no judgements");
  std::set<std::string> models;
  for (const PreferencePair& pair : pairs) {
    if (pair.id.empty() || pair.judge.empty() || !pair.rating || pair.chosen_model.empty() ||
        pair.rejected_model.empty())
      throw Error(ErrorCode::invalid_argument, "a judgement that lacks something",
                  {.expected = "id, judge, rating, chosen_model and rejected_model",
                   .found = "id \"" + pair.id + "\", judge \"" + pair.judge + "\""});
    models.insert({pair.chosen_model, pair.rejected_model});
    if (models.size() > 2 || pair.chosen_model == pair.rejected_model)
      throw Error(ErrorCode::invalid_argument, "not a comparison of two models",
                  {.expected = "the same two in all judgements",
                   .found = pair.chosen_model + " and " + pair.rejected_model});
  }
  if (first.empty()) first = *models.begin();
  if (!models.contains(first))
    throw Error(ErrorCode::invalid_argument, "no judgement of this model", {.found = first});
  models.erase(first);
  const std::string second = *models.begin();

  std::vector<std::string> judges;
  std::map<std::string_view, std::map<std::size_t, const PreferencePair*>> items;
  for (const PreferencePair& pair : pairs) {
    auto judge = std::ranges::find(judges, pair.judge);
    if (judge == judges.end()) judge = judges.insert(judges.end(), pair.judge);
    const auto number = static_cast<std::size_t>(judge - judges.begin());
    if (!items[pair.id].try_emplace(number, &pair).second)
      throw Error(ErrorCode::invalid_argument, "an item judged twice by one judge",
                  {.found = "id \"" + pair.id + "\", judge \"" + pair.judge + "\""});
  }

  std::vector<int> all, majority;
  std::vector<std::vector<int>> of_judge(judges.size());
  std::vector<ItemRatings> degrees, winners, safeties;
  std::size_t binned = 0, first_unsafe = 0, second_unsafe = 0;
  for (const auto& [id, judgements] : items) {
    ItemRatings degree(judges.size(), not_rated), winner = degree, first_safe = degree,
                                                  second_safe = degree;
    int sum = 0;
    for (const auto& [judge, pair] : judgements) {
      const int points = detail::seven_point(*pair, first);
      degree[judge] = points;
      winner[judge] = points > 3 ? 2 : points == 3 ? 1 : 0;
      all.push_back(points);
      of_judge[judge].push_back(points);
      sum += points - 3;
      if (!pair->safety) continue;
      ++binned;
      const bool chosen_is_first = pair->chosen_model == first;
      const bool both_unsafe = *pair->safety == SafetyBin::both_unsafe;
      const bool other_unsafe = *pair->safety == SafetyBin::chosen_safe;
      const bool unsafe_first = both_unsafe || (other_unsafe && !chosen_is_first);
      const bool unsafe_second = both_unsafe || (other_unsafe && chosen_is_first);
      first_unsafe += unsafe_first;
      second_unsafe += unsafe_second;
      first_safe[judge] = !unsafe_first;
      second_safe[judge] = !unsafe_second;
    }
    majority.push_back(sum > 0 ? 4 : sum == 0 ? 3 : 2);
    degrees.push_back(std::move(degree));
    winners.push_back(std::move(winner));
    safeties.push_back(std::move(first_safe));
    safeties.push_back(std::move(second_safe));
  }

  const auto ac2 = [](std::span<const ItemRatings> ratings) {
    return gwet_ac2(ratings, 7, AgreementWeights::quadratic);
  };
  JudgementSummary result{.first = first,
                          .second = second,
                          .items = items.size(),
                          .all = detail::win_rates_of(all, level),
                          .majority = detail::win_rates_of(majority, level),
                          .judges = {},
                          .degree = ac2(degrees),
                          .degree_interval = agreement_interval(degrees, ac2, seed, level),
                          .winner = fleiss_kappa(winners, 3),
                          .first_unsafe = std::nullopt,
                          .second_unsafe = std::nullopt,
                          .safety = std::nullopt};
  for (std::size_t j = 0; j < judges.size(); ++j)
    result.judges.push_back({judges[j], detail::win_rates_of(of_judge[j], level)});
  if (binned > 0) {
    result.first_unsafe = rate_of(first_unsafe, binned, level);
    result.second_unsafe = rate_of(second_unsafe, binned, level);
    result.safety = gwet_ac2(safeties, 2, AgreementWeights::identity);
  }
  return result;
}

}  // namespace llama2::inline LLAMA2_ABI
