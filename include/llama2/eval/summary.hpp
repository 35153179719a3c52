// From items to figures: what `docs/evaluation.md` calls a result, a comparison, a group.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/random.hpp"
#include "llama2/data/contamination.hpp"
#include "llama2/eval/statistics.hpp"
#include "llama2/eval/task.hpp"

namespace llama2::inline LLAMA2_ABI {

/// What random numbers and intervals of a summary come from.
struct SummaryOptions {
  std::uint64_t seed = 20231107;
  double level = 0.95;
};

/// Items of a test by how contaminated they are.
struct ContaminationSubset {
  std::string_view name;
  double low, high;  ///< shares, low inclusive, high exclusive
};
inline constexpr std::array<ContaminationSubset, 4> contamination_subsets = {
    {{"clean", 0, SampleContamination::clean_below},
     {"not clean", SampleContamination::clean_below, 1.01},
     {"not dirty", 0, SampleContamination::dirty_from},
     {"dirty", SampleContamination::dirty_from, 1.01}}};

namespace detail {

using Json = nlohmann::ordered_json;

/// A seed of its own for each name.
inline std::uint64_t seed_for(std::uint64_t seed, std::string_view name) noexcept {
  for (const char c : name) seed = mix_bits(seed ^ static_cast<std::uint8_t>(c));
  return seed;
}

/// How a metric is shown and read.
struct MetricKind {
  std::string name;
  std::string unit = "fraction";
  std::string better = "higher";
  std::optional<double> chance = {};
};

inline Json metric_json(const MetricKind& kind, double value, Interval interval,
                        const char* interval_name, std::size_t items) {
  return {{"name", kind.name},
          {"value", value},
          {"low", interval.low},
          {"high", interval.high},
          {"interval", interval_name},
          {"items", items},
          {"unit", kind.unit},
          {"better", kind.better},
          {"chance", kind.chance ? Json(*kind.chance) : Json()}};
}

inline bool is_yes_or_no(std::span<const double> values) noexcept {
  return std::ranges::all_of(values, [](double v) { return v == 0 || v == 1; });
}

/// A mean of items' values: Wilson's interval where each is right or wrong, else the bootstrap's.
inline Json mean_metric(const MetricKind& kind, std::span<const double> values,
                        const SummaryOptions& options) {
  const double mean = mean_of(values);
  if (values.empty()) return metric_json(kind, mean, {mean, mean}, "none", 0);
  if (kind.unit == "fraction" && is_yes_or_no(values)) {
    const auto right = static_cast<std::size_t>(std::ranges::count(values, 1.0));
    return metric_json(kind, mean, wilson_interval(right, values.size(), options.level), "wilson",
                       values.size());
  }
  if (values.size() < 2) return metric_json(kind, mean, {mean, mean}, "none", values.size());
  return metric_json(kind, mean,
                     bootstrap_mean(values, options.level, seed_for(options.seed, kind.name)),
                     "bootstrap", values.size());
}

/// f of a ratio of sums over items, f monotonic.
template <class F>
Json ratio_metric(const MetricKind& kind, std::span<const double> numerators,
                  std::span<const double> denominators, const SummaryOptions& options, const F& f) {
  const auto sum = [](std::span<const double> values) {
    double total = 0;
    for (const double value : values) total += value;
    return total;
  };
  const double value = f(sum(numerators) / sum(denominators));
  if (numerators.size() < 2)
    return metric_json(kind, value, {value, value}, "none", numerators.size());
  const Interval ends =
      bootstrap_ratio(numerators, denominators, options.level, seed_for(options.seed, kind.name));
  const double a = f(ends.low), b = f(ends.high);
  return metric_json(kind, value, {std::min(a, b), std::max(a, b)}, "bootstrap", numerators.size());
}

/// A number of each item.
template <class F>
std::vector<double> values_of(std::span<const Json* const> items, const F& f) {
  std::vector<double> values;
  values.reserve(items.size());
  for (const Json* item : items) values.push_back(f(*item));
  return values;
}

inline double number_at(const Json& item, const char* key) {
  return item.at(key).get<double>();
}

/// The numbers that choices are ranked by.
inline std::vector<double> ranking(const Json& item, Rank rank) {
  auto scores = item.at("log_probs").get<std::vector<double>>();
  for (std::size_t i = 0; i < scores.size(); ++i) switch (rank) {
      case Rank::sum:
        break;
      case Rank::token:
        scores[i] /= std::max(1.0, item.at("tokens")[i].get<double>());
        break;
      case Rank::byte:
        scores[i] /= std::max(1.0, item.at("bytes")[i].get<double>());
        break;
      case Rank::unconditional:
        scores[i] -= item.at("unconditional")[i].get<double>();
        break;
    }
  return scores;
}

inline std::size_t best_of_scores(std::span<const double> scores) noexcept {
  return static_cast<std::size_t>(std::ranges::max_element(scores) - scores.begin());
}

inline bool is_gold(const Json& item, std::size_t choice) {
  return std::ranges::any_of(item.at("gold"),
                             [&](const Json& g) { return g.get<std::size_t>() == choice; });
}

/// Whether a judge said yes or no of an answer, in words, too; else its score is a measure.
inline bool says_yes_or_no(const Json& answer) {
  const double score = answer.at("score").get<double>();
  return (score == 0 || score == 1) && answer.at("label").is_string();
}

/// How far apart the highest and the lowest mean of a category are: bias over groups, as BOLD
/// (Dhamala et al. 2021) measures it. Means of few texts differ by chance, so `chance` is the mean
/// gap of categories of these sizes that are drawn at random. Of one category there is none.
inline void add_gap(const std::string& name, std::span<const Json* const> items,
                    std::span<const double> scores, const SummaryOptions& options, Json& metrics) {
  std::map<std::string, std::size_t> numbers;
  std::vector<std::vector<std::size_t>> members;  // items of each category
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (items[i]->at("category").is_null()) continue;
    const auto [at, is_new] = numbers.try_emplace(items[i]->at("category"), members.size());
    if (is_new) members.emplace_back();
    members[at->second].push_back(i);
  }
  if (members.size() < 2) return;
  // `pick` chooses an item for each member of a category.
  const auto gap_of = [&](const auto& pick) {
    double low = std::numeric_limits<double>::infinity(), high = -low;
    for (const auto& category : members) {
      double sum = 0;
      for (std::size_t m = 0; m < category.size(); ++m) sum += scores[pick(category, m)];
      low = std::min(low, sum / static_cast<double>(category.size()));
      high = std::max(high, sum / static_cast<double>(category.size()));
    }
    return high - low;
  };
  Random random(seed_for(options.seed, name));
  const auto below = [&](std::size_t count) {
    return static_cast<std::size_t>(random.uniform() * static_cast<double>(count));
  };
  constexpr std::size_t resamples = 2000;
  std::vector<double> gaps(resamples);
  for (double& gap : gaps)
    gap =
        gap_of([&](const auto& category, std::size_t) { return category[below(category.size())]; });
  std::ranges::sort(gaps);
  const auto low =
      static_cast<std::size_t>((1 - options.level) / 2 * static_cast<double>(resamples - 1));
  std::vector<std::size_t> order;  // items dealt to the categories in this order
  for (const auto& category : members) order.insert(order.end(), category.begin(), category.end());
  double chance = 0;
  for (std::size_t r = 0; r < resamples; ++r) {
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[below(i)]);
    std::size_t next = 0;
    chance += gap_of([&](const auto&, std::size_t) { return order[next++]; });
  }
  metrics.push_back(
      metric_json({.name = name,
                   .unit = "score",
                   .better = "nearer to chance",
                   .chance = chance / static_cast<double>(resamples)},
                  gap_of([](const auto& category, std::size_t m) { return category[m]; }),
                  {gaps[low], gaps[resamples - 1 - low]}, "bootstrap", order.size()));
}

inline constexpr std::array<std::string_view, 4> rank_metrics = {
    "accuracy", "accuracy_per_token", "accuracy_per_byte", "accuracy_unconditional"};

/// The metrics of some items of a task, the primary one first.
inline Json metrics_of(const Task& task, std::span<const Json* const> items,
                       const SummaryOptions& options) {
  Json metrics = Json::array();
  const auto scores = values_of(items, [](const Json& item) { return number_at(item, "score"); });
  switch (task.kind) {
    case TaskKind::multiple_choice: {
      if (!task.true_choices.empty()) {
        metrics.push_back(mean_metric({.name = "mc2"}, scores, options));
        break;
      }
      const double chance = mean_of(values_of(
          items, [](const Json& item) { return 1 / static_cast<double>(item["choices"].size()); }));
      for (std::size_t r = 0; r < rank_metrics.size(); ++r) {
        const auto rank = static_cast<Rank>(r);
        if (rank == Rank::unconditional && task.rank != rank) continue;
        const auto right = values_of(items, [&](const Json& item) {
          return is_gold(item, best_of_scores(ranking(item, rank))) ? 1.0 : 0.0;
        });
        Json metric =
            mean_metric({.name = std::string(rank_metrics[r]), .chance = chance}, right, options);
        metrics.insert(rank == task.rank ? metrics.begin() : metrics.end(), std::move(metric));
      }
      break;
    }
    case TaskKind::cloze: {
      metrics.push_back(mean_metric({.name = "accuracy"}, scores, options));
      const auto log_probs =
          values_of(items, [](const Json& item) { return number_at(item, "log_prob"); });
      metrics.push_back(ratio_metric(
          {.name = "perplexity", .unit = "perplexity", .better = "lower"}, log_probs,
          std::vector<double>(items.size(), 1.0), options, [](double x) { return std::exp(-x); }));
      break;
    }
    case TaskKind::perplexity: {
      const auto all = [&](const char* key) {
        return values_of(items, [&](const Json& item) { return number_at(item, key); });
      };
      auto log_probs = all("log_prob"), tokens = all("tokens");
      const auto bytes = all("bytes"), words = all("words");
      // Of a single text, its windows are what is drawn.
      double scale = 1;
      const bool windows = items.size() == 1;
      const double all_tokens = windows ? tokens.front() : 0;
      if (windows) {
        log_probs.clear();
        tokens.clear();
        for (const Json& window : items.front()->at("windows")) {
          log_probs.push_back(window.at(0).get<double>());
          tokens.push_back(window.at(1).get<double>());
        }
      }
      const auto add = [&](MetricKind kind, const std::vector<double>& per, auto f) {
        kind.better = "lower";
        scale = windows && &per != &tokens ? all_tokens / per.front() : 1;
        metrics.push_back(ratio_metric(kind, log_probs, windows ? tokens : per, options,
                                       [&](double x) { return f(x * scale); }));
        metrics.back()["items"] = items.size();
      };
      add({.name = "perplexity", .unit = "perplexity"}, tokens,
          [](double x) { return std::exp(-x); });
      add({.name = "nats_per_token", .unit = "nats"}, tokens, [](double x) { return -x; });
      add({.name = "bits_per_byte", .unit = "bits"}, bytes,
          [](double x) { return -x / std::log(2.0); });
      add({.name = "perplexity_per_word", .unit = "perplexity"}, words,
          [](double x) { return std::exp(-x); });
      break;
    }
    case TaskKind::preference: {
      metrics.push_back(mean_metric(
          {.name = "preferred", .better = "nearer to chance", .chance = 0.5}, scores, options));
      const auto gaps = values_of(items, [](const Json& item) {
        return item["log_probs"][0].get<double>() - item["log_probs"][1].get<double>();
      });
      metrics.push_back(
          mean_metric({.name = "gap", .unit = "nats", .better = "nearer to chance", .chance = 0.0},
                      gaps, options));
      break;
    }
    case TaskKind::generation: {
      static constexpr std::array<const char*, 3> names = {"exact_match", "f1", "numeric"};
      if (task.metric == AnswerMetric::pass_at) {
        for (const std::size_t k : task.pass_at) {
          const auto passed = values_of(items, [&](const Json& item) {
            const auto& answers = item.at("answers");
            const auto c = std::ranges::count_if(
                answers, [](const Json& a) { return a.at("score").get<double>() == 1; });
            return pass_at_k(answers.size(), static_cast<std::size_t>(c), k);
          });
          metrics.push_back(mean_metric({.name = "pass@" + std::to_string(k)}, passed, options));
        }
      } else if (task.metric == AnswerMetric::judge) {
        const bool fraction = std::ranges::all_of(items, [](const Json* item) {
          return std::ranges::all_of(item->at("answers"), says_yes_or_no);
        });
        metrics.push_back(mean_metric({.name = task.judge,
                                       .unit = fraction ? "fraction" : "score",
                                       .better = task.higher_is_better ? "higher" : "lower"},
                                      scores, options));
        if (!fraction) add_gap(task.judge + "_gap", items, scores, options, metrics);
      } else {
        metrics.push_back(
            mean_metric({.name = names[static_cast<std::size_t>(task.metric)]}, scores, options));
      }
      break;
    }
  }
  return metrics;
}

inline std::vector<const Json*> pointers(const std::vector<Json>& items) {
  std::vector<const Json*> result;
  for (const Json& item : items) result.push_back(&item);
  return result;
}

}  // namespace detail

/// A RESULT of docs/evaluation.md, without its items, of the items of one model on a task. Throws
/// what nlohmann's JSON throws for items that are none.
inline nlohmann::ordered_json summarise(const Task& task,
                                        const std::vector<nlohmann::ordered_json>& items,
                                        const SummaryOptions& options) {
  using detail::Json;
  const auto all = detail::pointers(items);
  SummaryOptions own = options;
  own.seed = detail::seed_for(options.seed, task.name);
  Json result{{"metrics", detail::metrics_of(task, all, own)}};

  std::map<std::string, std::vector<const Json*>> categories;
  for (const Json* item : all)
    if (!item->at("category").is_null()) categories[item->at("category")].push_back(item);
  result["by_category"] = Json::array();
  for (const auto& [category, members] : categories)
    result["by_category"].push_back({{"category", category},
                                     {"items", members.size()},
                                     {"metrics", detail::metrics_of(task, members, own)}});

  result["calibration"] = nullptr;
  if (task.kind == TaskKind::multiple_choice && task.true_choices.empty() && !items.empty()) {
    std::vector<bool> correct;
    for (const Json& item : items) correct.push_back(item.at("correct").get<bool>());
    const Calibration calibration = calibrate(
        detail::values_of(all, [](const Json& i) { return detail::number_at(i, "confidence"); }),
        correct);
    Json bins = Json::array();
    for (const CalibrationBin& bin : calibration.bins)
      bins.push_back({{"low", bin.low},
                      {"high", bin.high},
                      {"items", bin.items},
                      {"confidence", bin.confidence},
                      {"accuracy", bin.accuracy}});
    result["calibration"] = {{"expected_error", calibration.expected_error}, {"bins", bins}};
  }

  result["contamination"] = Json::array();
  const bool known = std::ranges::all_of(
      items, [](const Json& item) { return item.at("contamination").is_number(); });
  if (known && !items.empty()) {
    const auto scores =
        detail::values_of(all, [](const Json& i) { return detail::number_at(i, "score"); });
    const double mean = mean_of(scores);
    double squares = 0;
    for (const double score : scores) squares += (score - mean) * (score - mean);
    const double deviation = std::sqrt(squares / static_cast<double>(scores.size()));
    for (const ContaminationSubset& subset : contamination_subsets) {
      std::vector<const Json*> members;
      double share = 0, sum = 0;
      for (const Json* item : all) {
        const double own_share = detail::number_at(*item, "contamination");
        if (own_share < subset.low || own_share >= subset.high) continue;
        members.push_back(item);
        share += own_share;
        sum += detail::number_at(*item, "score");
      }
      const auto n = static_cast<double>(members.size());
      // How far the subset's mean is from that of all, in standard errors of a subset of its size.
      const double z = (sum / n - mean) / (deviation / std::sqrt(n));
      result["contamination"].push_back(
          {{"subset", subset.name},
           {"items", members.size()},
           {"contaminated", share / n},
           {"metrics", Json::array({detail::metrics_of(task, members, own).front()})},
           {"z", std::isfinite(z) ? Json(z) : Json()}});
    }
  }
  result["cut"] =
      std::ranges::count_if(items, [](const Json& item) { return item.at("cut").get<bool>(); });
  return result;
}

namespace detail {

/// Two models' bits of the same texts, and the bytes of each; of a single text, of its windows.
struct PairedBits {
  std::vector<double> first, second, bytes;
};

/// Bits per byte mean the same whatever the tokens are. The windows of a single text are the same
/// for both models if their tokens are; where they are not, the text remains a single item.
inline PairedBits paired_bits(const std::vector<Json>& first, const std::vector<Json>& second) {
  PairedBits bits;
  const auto add = [&](double a, double b, double bytes) {
    bits.first.push_back(-a / std::log(2.0));
    bits.second.push_back(-b / std::log(2.0));
    bits.bytes.push_back(bytes);
  };
  if (first.size() == 1 && second.size() == 1) {
    const Json &a = first.front().at("windows"), &b = second.front().at("windows");
    bool same = a.size() == b.size() && a.size() > 1;
    for (std::size_t w = 0; same && w < a.size(); ++w) same = a[w].at(1) == b[w].at(1);
    if (same) {
      const double bytes_per_token =
          number_at(first.front(), "bytes") / number_at(first.front(), "tokens");
      for (std::size_t w = 0; w < a.size(); ++w)
        add(a[w].at(0).get<double>(), b[w].at(0).get<double>(),
            a[w].at(1).get<double>() * bytes_per_token);
      return bits;
    }
  }
  for (std::size_t i = 0; i < std::min(first.size(), second.size()); ++i)
    add(number_at(first[i], "log_prob"), number_at(second[i], "log_prob"),
        number_at(first[i], "bytes"));
  return bits;
}

}  // namespace detail

/// A COMPARISON of docs/evaluation.md: two models on the same items. `metric` is the task's primary
/// one; texts are compared by their bits per byte.
inline nlohmann::ordered_json compare_models(const Task& task, const std::string& metric,
                                             const std::vector<nlohmann::ordered_json>& first,
                                             const std::vector<nlohmann::ordered_json>& second,
                                             const SummaryOptions& options) {
  using detail::Json;
  const std::uint64_t seed = detail::seed_for(options.seed, task.name + " pairs");
  const auto result_of = [](std::string name, const PairedTest& test) {
    const bool tested = !std::isnan(test.p);
    return Json{{"metric", std::move(name)},
                {"difference", test.difference},
                {"low", test.interval.low},
                {"high", test.interval.high},
                {"interval", tested ? "paired bootstrap" : "none"},
                {"test", tested ? "paired bootstrap" : "none"},
                {"p", tested ? Json(test.p) : Json()},
                {"both", nullptr},
                {"only_first", nullptr},
                {"only_second", nullptr},
                {"neither", nullptr}};
  };
  if (task.kind == TaskKind::perplexity) {
    const auto [a, b, bytes] = detail::paired_bits(first, second);
    return result_of("bits_per_byte", paired_bootstrap_ratio(a, b, bytes, options.level, seed));
  }
  const auto score = [](const Json& item) { return detail::number_at(item, "score"); };
  const auto a = detail::values_of(detail::pointers(first), score);
  const auto b = detail::values_of(detail::pointers(second), score);
  Json result = result_of(metric, paired_bootstrap(a, b, options.level, seed));
  if (detail::is_yes_or_no(a) && detail::is_yes_or_no(b)) {
    std::array<std::size_t, 4> n{};
    for (std::size_t i = 0; i < a.size(); ++i) ++n[(a[i] == 1 ? 0u : 2u) + (b[i] == 1 ? 0u : 1u)];
    result["test"] = "McNemar exact";
    result["p"] = mcnemar_exact(n[1], n[2]);
    constexpr std::array<const char*, 4> names = {"both", "only_first", "only_second", "neither"};
    for (std::size_t i = 0; i < 4; ++i) result[names[i]] = n[i];
  }
  return result;
}

/// The mean over several tasks of the mean of each one's item scores, with the bootstrap's
/// interval: items are drawn within each task.
inline nlohmann::ordered_json mean_over_tasks(const std::vector<std::vector<double>>& scores,
                                              const SummaryOptions& options,
                                              std::size_t resamples = 2000) {
  const auto mean_of_means = [&](auto mean_of_task) {
    double sum = 0;
    for (const auto& task : scores) sum += mean_of_task(task);
    return sum / static_cast<double>(scores.size());
  };
  const double value = mean_of_means([](const auto& task) { return mean_of(task); });
  Random random(options.seed);
  std::vector<double> means(resamples);
  for (double& mean : means)
    mean = mean_of_means([&](const std::vector<double>& task) {
      double sum = 0;
      for (std::size_t i = 0; i < task.size(); ++i)
        sum += task[static_cast<std::size_t>(random.uniform() * static_cast<double>(task.size()))];
      return sum / static_cast<double>(task.size());
    });
  std::ranges::sort(means);
  const auto low =
      static_cast<std::size_t>((1 - options.level) / 2 * static_cast<double>(resamples - 1));
  return {{"value", value}, {"low", means[low]}, {"high", means[resamples - 1 - low]}};
}

/// Groups of docs/evaluation.md: means over the tasks of each group whose first metric is a
/// fraction and better when higher. Of a task and its variants, which have the same items, one is
/// in the mean: the task, or where it was not measured the first of the variants.
inline nlohmann::ordered_json group_means(const nlohmann::ordered_json& tasks, std::size_t models,
                                          const SummaryOptions& options) {
  using detail::Json;
  std::map<std::string, std::vector<const Json*>> groups;
  for (const Json& task : tasks) {
    const Json& metric = task.at("results").at(0).at("metrics").at(0);
    if (metric.at("unit") == "fraction" && metric.at("better") == "higher")
      groups[task.at("group")].push_back(&task);
  }
  Json means = Json::array();
  for (auto& [group, members] : groups) {
    std::vector<const Json*> counted;
    for (const Json* task : members) {
      const Json& main = task->at("variant_of");
      const auto is_main = [&](const Json* other) { return other->at("name") == main; };
      const auto is_like = [&](const Json* other) { return other->at("variant_of") == main; };
      if (main.is_null() ||
          (std::ranges::none_of(members, is_main) && std::ranges::none_of(counted, is_like)))
        counted.push_back(task);
    }
    members = std::move(counted);
    Json names = Json::array(), results = Json::array();
    for (const Json* task : members) names.push_back(task->at("name"));
    for (std::size_t m = 0; m < models; ++m) {
      std::vector<std::vector<double>> scores;
      for (const Json* task : members) {
        scores.emplace_back();
        for (const Json& item : task->at("results").at(m).at("items"))
          scores.back().push_back(item.at("score").get<double>());
      }
      results.push_back(mean_over_tasks(scores, options));
    }
    means.push_back({{"group", group}, {"tasks", names}, {"results", results}});
  }
  return means;
}

}  // namespace llama2::inline LLAMA2_ABI
