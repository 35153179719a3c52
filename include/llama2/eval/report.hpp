// An evaluation's results as a page for people: one HTML file, or Markdown with plots beside it.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/eval/html.hpp"
#include "llama2/eval/plots.hpp"

namespace llama2::inline LLAMA2_ABI {

struct ReportOptions {
  /// Most items of a task that the HTML page holds; the results have them all.
  std::size_t items_per_task = 200;
};

/// Markdown, and the plots that it refers to.
struct MarkdownReport {
  struct Plot {
    std::string name;  ///< of the file, in the folder of the report
    std::string svg;
  };
  std::string text;
  std::vector<Plot> plots;
};

namespace detail {

/// A part of the results, as docs/evaluation.md describes them, that knows where it is: what is
/// missing or of another type is an `Error` with its place. A file of results is input like others.
class ResultView {
 public:
  ResultView(const nlohmann::json& json, std::string place)
      : json_(&json), place_(std::move(place)) {}

  [[nodiscard]] ResultView operator[](const char* key) const {
    if (!json_->is_object()) fail("an object");
    const auto at = json_->find(key);
    if (at == json_->end())
      throw Error(ErrorCode::malformed_file, "missing in the results",
                  {.tensor = place_ + '.' + key});
    return {*at, place_ + '.' + key};
  }
  [[nodiscard]] bool has(const char* key) const {
    return json_->is_object() && json_->contains(key) && !(*json_)[key].is_null();
  }
  [[nodiscard]] std::vector<ResultView> list() const {
    if (!json_->is_array()) fail("a list");
    std::vector<ResultView> parts;
    for (std::size_t i = 0; i < json_->size(); ++i)
      parts.emplace_back((*json_)[i], place_ + '[' + std::to_string(i) + ']');
    return parts;
  }
  [[nodiscard]] const std::string& text() const {
    if (!json_->is_string()) fail("a text");
    return json_->get_ref<const std::string&>();
  }
  [[nodiscard]] double number() const {
    if (!json_->is_number()) fail("a number");
    return json_->get<double>();
  }
  [[nodiscard]] std::optional<double> maybe_number() const {
    if (json_->is_null()) return std::nullopt;
    return number();
  }
  [[nodiscard]] const nlohmann::json& json() const noexcept { return *json_; }
  [[noreturn]] void fail(const char* expected) const {
    throw Error(ErrorCode::malformed_file, "unexpected in the results",
                {.tensor = place_, .expected = expected, .found = json_->type_name()});
  }

 private:
  const nlohmann::json* json_;
  std::string place_;
};

struct ReportMetric {
  std::string name;
  std::optional<double> value, low, high, chance;
  std::string unit;
  double items = 0;

  [[nodiscard]] bool is_share() const { return unit == "fraction"; }
  [[nodiscard]] std::optional<PlotValue> plot_value() const {
    if (!value) return std::nullopt;
    return PlotValue{*value, low.value_or(*value), high.value_or(*value)};
  }
};

inline ReportMetric report_metric(const ResultView& view) {
  ReportMetric metric;
  metric.name = view["name"].text();
  metric.value = view["value"].maybe_number();
  metric.low = view["low"].maybe_number();
  metric.high = view["high"].maybe_number();
  metric.unit = view["unit"].text();
  metric.items = view["items"].number();
  if (view.has("chance")) metric.chance = view["chance"].number();
  return metric;
}

inline std::string shown_count(double count) {
  std::string digits = fixed(count, 0);
  for (std::size_t at = digits.size(); at > 3 && digits[at - 4] != '-'; at -= 3)
    digits.insert(at - 3, "\u202F");
  return digits;
}

/// "31.0 %", "12.34", "–".
inline std::string shown(const std::optional<double>& value, bool share) {
  if (!value) return "\u2013";
  if (share) return fixed(100 * *value) + " %";
  return std::abs(*value) >= 1000 && std::abs(*value) < 1e7 ? shown_count(*value)
                                                            : short_number(*value);
}
/// With its interval: "31.0 % [23.1, 41.2]".
inline std::string shown(const ReportMetric& metric) {
  std::string text = shown(metric.value, metric.is_share());
  if (!metric.value || !metric.low || !metric.high || *metric.low == *metric.high) return text;
  const auto end = [&](double value) {
    return metric.is_share() ? fixed(100 * value) : shown(value, false);
  };
  return text + " [" + end(*metric.low) + ", " + end(*metric.high) + "]";
}
inline std::string shown_bytes(double bytes) {
  return bytes >= 1e9   ? fixed(bytes / 1e9, 2) + " GB"
         : bytes >= 1e6 ? fixed(bytes / 1e6) + " MB"
                        : fixed(bytes / 1e3) + " kB";
}
/// A part of a report in words that are not escaped yet: each writer escapes for its own format.
struct ReportTable {
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;
  std::size_t texts = 1;  ///< columns from the left that hold texts; the others hold numbers
};
struct ReportSection {
  std::string title;
  int level = 2;
  std::vector<std::string> paragraphs{};
  std::vector<std::string> plots{};  ///< SVG
  std::vector<ReportTable> tables{};
  std::string folded{};  ///< where not empty, tables stand behind this line
};

/// What both formats say.
class ReportContent {
 public:
  explicit ReportContent(const nlohmann::json& results) : root_(results, "results") {
    if (root_["format"].text() != "llama2-evaluation-1")
      throw Error(ErrorCode::malformed_file, "not results of an evaluation",
                  {.tensor = "results.format",
                   .expected = "llama2-evaluation-1",
                   .found = root_["format"].text().substr(0, 60)});
    for (const ResultView& model : root_["models"].list()) labels_.push_back(model["label"].text());
    if (labels_.empty() || labels_.size() > Svg::most_series)
      throw Error(ErrorCode::malformed_file, "results of one model to five",
                  {.tensor = "results.models", .found = std::to_string(labels_.size())});
    title_ = "Evaluation of ";
    for (std::size_t m = 0; m < labels_.size(); ++m)
      title_ += (m == 0 ? "" : m + 1 == labels_.size() ? " and " : ", ") + labels_[m];
    tasks_ = root_["tasks"].list();
    for (const ResultView& task : tasks_)
      if (task["results"].list().size() != labels_.size())
        task["results"].fail("a result for each model");
    models();
    groups();
    tasks();
    differences();
    calibration();
    if (root_.has("safety")) {
      violations(root_["safety"]);
      false_refusals(root_["safety"]);
      rewards(root_["safety"]);
    }
    by_category();
    contamination();
    formats();
    skipped();
  }

  [[nodiscard]] const std::string& title() const noexcept { return title_; }
  [[nodiscard]] const std::vector<std::string>& labels() const noexcept { return labels_; }
  [[nodiscard]] const std::vector<ReportSection>& sections() const noexcept { return sections_; }
  [[nodiscard]] const std::vector<ResultView>& task_views() const noexcept { return tasks_; }

 private:
  static bool about_safety(const std::string& group) {
    return group.find("safety") != group.npos || group.find("bias") != group.npos;
  }

  void models() {
    ReportSection section{.title = "Models"};
    ReportTable table{
        .head = {"model", "weights", "parameters", "size", "target", "tokens", "tokens/s"},
        .rows = {},
        .texts = 2};
    for (const ResultView& model : root_["models"].list())
      table.rows.push_back({model["label"].text(), model["format"].text(),
                            shown_count(model["parameters"].number()),
                            shown_bytes(model["weights_bytes"].number()), model["target"].text(),
                            model.has("tokens") ? shown_count(model["tokens"].number()) : "\u2013",
                            shown(model["tokens_per_second"].maybe_number(), false)});
    section.tables.push_back(std::move(table));
    const double level = root_["level"].number();
    std::string note =
        "Intervals are at " + fixed(100 * level, 0) + " %; seed " + root_["seed"].json().dump();
    if (root_.has("limit"))
      note += "; at most " + fixed(root_["limit"].number(), 0) + " items of each task";
    section.paragraphs.push_back(note + ".");
    sections_.push_back(std::move(section));
  }

  void groups() {
    const std::vector<ResultView> groups = root_["groups"].list();
    if (groups.empty()) return;
    ReportSection section{.title = "Scores by group"};
    ReportTable table{.head = {"group", "tasks"}, .rows = {}, .texts = 2};
    table.head.insert(table.head.end(), labels_.begin(), labels_.end());
    std::vector<PlotRow> rows;
    for (const ResultView& group : groups) {
      PlotRow row{.label = group["group"].text(), .values = {}};
      std::string names;
      for (const ResultView& task : group["tasks"].list())
        names += (names.empty() ? "" : ", ") + task.text();
      std::vector<std::string> cells{row.label, names};
      for (const ResultView& result : group["results"].list()) {
        const ReportMetric metric{.name = {},
                                  .value = result["value"].maybe_number(),
                                  .low = result["low"].maybe_number(),
                                  .high = result["high"].maybe_number(),
                                  .chance = std::nullopt,
                                  .unit = "fraction"};
        row.values.push_back(metric.plot_value());
        cells.push_back(shown(metric));
      }
      rows.push_back(std::move(row));
      table.rows.push_back(std::move(cells));
    }
    add_plot(section, dot_plot("Mean over a group's tasks", labels_, rows, true));
    section.tables.push_back(std::move(table));
    sections_.push_back(std::move(section));
  }

  void tasks() {
    std::vector<std::string> groups;
    for (const ResultView& task : tasks_)
      if (std::ranges::find(groups, task["group"].text()) == groups.end())
        groups.push_back(task["group"].text());
    std::string note = "A dashed tick is what guessing reaches.";
    if (labels_.size() == 2)
      note += " A difference is the second model minus the first, on the same items.";
    if (!groups.empty()) sections_.push_back({.title = "Tasks", .level = 2, .paragraphs = {note}});
    for (const std::string& group : groups) {
      ReportSection section{.title = group, .level = 3};
      ReportTable table{.head = {"task", "metric", "items", "shots"}, .rows = {}, .texts = 2};
      table.head.insert(table.head.end(), labels_.begin(), labels_.end());
      table.head.emplace_back("chance");
      if (labels_.size() == 2) table.head.insert(table.head.end(), {"difference", "p"});
      std::vector<PlotRow> rows;
      for (const ResultView& task : tasks_)
        if (task["group"].text() == group) add_task(task, table, rows);
      add_plot(section, dot_plot(group + ": first metric of each task", labels_, rows, true));
      section.tables.push_back(std::move(table));
      sections_.push_back(std::move(section));
    }
  }

  void add_task(const ResultView& task, ReportTable& table, std::vector<PlotRow>& plotted) const {
    std::vector<std::vector<ReportMetric>> metrics;  // by model
    for (const ResultView& result : task["results"].list()) {
      metrics.emplace_back();
      for (const ResultView& metric : result["metrics"].list())
        metrics.back().push_back(report_metric(metric));
      if (metrics.back().empty() || metrics.back().size() != metrics.front().size())
        result["metrics"].fail("the same metrics for each model");
    }
    for (std::size_t m = 0; m < metrics.front().size(); ++m) {
      const ReportMetric& first = metrics.front()[m];
      std::vector<std::string> row{m == 0 ? task["title"].text() : "", first.name,
                                   fixed(first.items, 0), fixed(task["shots"].number(), 0)};
      PlotRow plot{.label = task["title"].text(), .values = {}, .chance = first.chance};
      for (const auto& of_model : metrics) {
        row.push_back(shown(of_model[m]));
        plot.values.push_back(of_model[m].plot_value());
      }
      row.push_back(shown(first.chance, first.is_share()));
      if (metrics.size() == 2) {
        const std::vector<ResultView> comparisons = task["comparisons"].list();
        if (!comparisons.empty() && comparisons.front()["metric"].text() == first.name) {
          row.push_back(shown_difference(comparisons.front(), first.unit));
          row.push_back(shown(comparisons.front()["p"].maybe_number(), false));
        } else {
          row.insert(row.end(), {"", ""});
        }
      }
      table.rows.push_back(std::move(row));
      if (m == 0 && first.is_share()) plotted.push_back(std::move(plot));
    }
  }

  static std::string shown_difference(const ResultView& comparison, const std::string& unit) {
    return shown(ReportMetric{.name = {},
                              .value = comparison["difference"].maybe_number(),
                              .low = comparison["low"].maybe_number(),
                              .high = comparison["high"].maybe_number(),
                              .chance = std::nullopt,
                              .unit = unit});
  }

  /// Of more than two models: each against the first.
  void differences() {
    if (labels_.size() < 3) return;
    ReportTable table{
        .head = {"task", "model", "metric", "difference", "p"}, .rows = {}, .texts = 3};
    for (const ResultView& task : tasks_) {
      const std::vector<ResultView> comparisons = task["comparisons"].list();
      for (std::size_t c = 0; c < comparisons.size() && c + 1 < labels_.size(); ++c) {
        const std::string& metric = comparisons[c]["metric"].text();
        std::string unit;
        for (const ResultView& each : task["results"].list().front()["metrics"].list())
          if (each["name"].text() == metric) unit = each["unit"].text();
        table.rows.push_back({c == 0 ? task["title"].text() : "", labels_[c + 1], metric,
                              shown_difference(comparisons[c], unit),
                              shown(comparisons[c]["p"].maybe_number(), false)});
      }
    }
    if (!table.rows.empty())
      sections_.push_back({.title = "Differences from " + labels_[0],
                           .paragraphs = {},
                           .plots = {},
                           .tables = {std::move(table)}});
  }

  static ReportMetric report_rate(const ResultView& view) {
    return {.name = view["name"].text(),
            .value = view["value"].maybe_number(),
            .low = view["low"].maybe_number(),
            .high = view["high"].maybe_number(),
            .chance = std::nullopt,
            .unit = "fraction",
            .items = view["trials"].number()};
  }

  /// A plot and a table of lists of rates, one for each model: those of a name in a row.
  void add_rates(ReportSection& section, const std::string& title,
                 const std::vector<std::vector<ReportMetric>>& rates, bool plotted) const {
    ReportTable table{.head = {title, "answers"}, .rows = {}};
    table.head.insert(table.head.end(), labels_.begin(), labels_.end());
    std::vector<PlotRow> plot;
    for (const ReportMetric& first : rates.front()) {
      std::vector<std::string> cells{first.name, shown_count(first.items)};
      plot.push_back({.label = first.name, .values = {}});
      for (const auto& of_model : rates) {
        const auto same = std::ranges::find(of_model, first.name, &ReportMetric::name);
        cells.push_back(same == of_model.end() ? "\u2013" : shown(*same));
        plot.back().values.push_back(same == of_model.end() ? std::nullopt : same->plot_value());
      }
      table.rows.push_back(std::move(cells));
    }
    if (table.rows.empty()) return;
    if (plotted) add_plot(section, dot_plot(title, labels_, plot, true));
    section.tables.push_back(std::move(table));
  }

  /// The rates of each model that `list` leads to in its results.
  static std::vector<std::vector<ReportMetric>> rates_of_models(
      const std::vector<ResultView>& models, const auto& list) {
    std::vector<std::vector<ReportMetric>> rates;
    for (const ResultView& model : models) {
      rates.emplace_back();
      for (const ResultView& rate : list(model)) rates.back().push_back(report_rate(rate));
    }
    return rates;
  }

  void violations(const ResultView& safety) {
    const std::vector<ResultView> models = safety["violations"].list();
    if (models.empty()) return;
    if (models.size() != labels_.size()) safety["violations"].fail("rates for each model");
    ReportSection section{
        .title = "Violations",
        .paragraphs = {"Answers to adversarial prompts that violate, over all tasks that measure "
                       "it; less is better."}};
    for (const auto& [key, title] :
         {std::pair("by_turns", "by turns"), std::pair("by_style", "by style of attack"),
          std::pair("by_category", "by category")})
      add_rates(section, std::string("Violations ") + title,
                rates_of_models(models, [&](const ResultView& m) { return m[key].list(); }), true);
    rounds(safety["rounds"].list(), section);
    sections_.push_back(std::move(section));
  }

  /// Versions are rows here: each has been attacked after the one above it.
  void rounds(const std::vector<ResultView>& rounds, ReportSection& section) const {
    if (rounds.size() < 2) return;
    ReportTable table{.head = {"red-team round", "prompts", "violations per prompt",
                               "withstands what broke the version before"},
                      .rows = {}};
    std::vector<PlotRow> plot;
    for (const ResultView& round : rounds) {
      const ReportMetric rate = report_rate(round["violations"]);
      table.rows.push_back({round["version"].text(), shown_count(rate.items), shown(rate),
                            round.has("mended") ? shown(report_rate(round["mended"])) : "\u2013"});
      plot.push_back({.label = round["version"].text(), .values = {rate.plot_value()}});
    }
    add_plot(section, dot_plot("Violations per prompt over versions", {}, plot, true));
    section.tables.push_back(std::move(table));
  }

  void false_refusals(const ResultView& safety) {
    const std::vector<ResultView> models = safety["false_refusals"].list();
    if (models.empty()) return;
    if (models.size() != labels_.size()) safety["false_refusals"].fail("rates for each model");
    ReportSection section{.title = "False refusals",
                          .paragraphs = {"Refusals of prompts that sound dangerous and deserve an "
                                         "answer; less is better."}};
    std::vector<std::vector<ReportMetric>> all;
    for (const ResultView& model : models) {
      all.push_back(
          {report_rate(model["full"]["all"]), report_rate(model["full_or_partial"]["all"])});
      all.back()[0].name = "refused in full";
      all.back()[1].name = "in full or in part";
    }
    add_rates(section, "False refusals", all, true);
    add_rates(section, "In full, by category",
              rates_of_models(models,
                              [](const ResultView& m) { return m["full"]["by_category"].list(); }),
              true);
    sections_.push_back(std::move(section));
  }

  /// How a reward model's scores are spread.
  void rewards(const ResultView& safety) {
    ReportSection section{
        .title = "Rewards",
        .paragraphs = {"A reward model's scores of answers, as logits: above 0 it "
                       "finds an answer rather good. Lines go from the lowest "
                       "twentieth to the highest."}};
    ReportTable table{
        .head = {"task", "model", "answers", "mean", "5 %", "25 %", "median", "75 %", "95 %"},
        .rows = {},
        .texts = 2};
    std::vector<PlotRow> plot;
    for (const ResultView& task : safety["rewards"].list()) {
      const std::vector<ResultView> results = task["results"].list();
      if (results.size() != labels_.size()) task["results"].fail("a result for each model");
      plot.push_back({.label = task["title"].text(), .values = {}});
      for (std::size_t m = 0; m < results.size(); ++m) {
        plot.back().values.emplace_back();
        if (results[m].json().is_null()) continue;
        std::vector<double> quantiles;
        for (const ResultView& each : results[m]["quantiles"].list())
          quantiles.push_back(each.number());
        if (quantiles.size() != 5) results[m]["quantiles"].fail("five numbers");
        std::vector<std::string> cells{m == 0 ? task["title"].text() : "", labels_[m],
                                       shown_count(results[m]["answers"].number()),
                                       shown(results[m]["mean"].number(), false)};
        for (const double quantile : quantiles) cells.push_back(shown(quantile, false));
        table.rows.push_back(std::move(cells));
        plot.back().values.back() = {quantiles[2], quantiles[0], quantiles[4]};
        if (labels_.size() == 1) section.plots.push_back(histogram_of(task, results[m]));
      }
    }
    if (table.rows.empty()) return;
    section.plots.insert(section.plots.begin(),
                         dot_plot("Rewards: median, and 5 to 95 %", labels_, plot, false));
    section.tables.push_back(std::move(table));
    sections_.push_back(std::move(section));
  }

  static std::string histogram_of(const ResultView& task, const ResultView& spread) {
    std::vector<double> counts;
    for (const ResultView& count : spread["histogram"].list()) counts.push_back(count.number());
    return histogram_plot(task["title"].text() + ": rewards", spread["low"].number(),
                          spread["high"].number(), counts);
  }

  void calibration() {
    ReportSection section{
        .title = "Calibration",
        .paragraphs = {"How often the model is right when it is this sure of a choice. On the "
                       "dashed line it knows what it knows; below it is too sure."}};
    ReportTable table{.head = {"task"}, .rows = {}};
    for (const std::string& label : labels_) table.head.push_back(label + ": mean error");
    for (const ResultView& task : tasks_) {
      std::vector<std::vector<PlotBin>> bins;
      std::vector<std::string> row{task["title"].text()};
      bool any = false;
      for (const ResultView& result : task["results"].list()) {
        bins.emplace_back();
        if (!result.has("calibration")) {
          row.emplace_back("\u2013");
          continue;
        }
        any = true;
        row.push_back(shown(result["calibration"]["expected_error"].maybe_number(), true));
        double items = 0;
        for (const ResultView& bin : result["calibration"]["bins"].list())
          items += bin["items"].number();
        for (const ResultView& bin : result["calibration"]["bins"].list()) {
          const auto confidence = bin["confidence"].maybe_number();
          const auto accuracy = bin["accuracy"].maybe_number();
          if (confidence && accuracy && items > 0)
            bins.back().push_back({*confidence, *accuracy, bin["items"].number() / items});
        }
      }
      if (!any) continue;
      section.plots.push_back(calibration_plot(task["title"].text(), labels_, bins));
      table.rows.push_back(std::move(row));
    }
    if (table.rows.empty()) return;
    section.tables.push_back(std::move(table));
    sections_.push_back(std::move(section));
  }

  /// Metrics by category: of safety and bias in plots, of other tasks in folded tables.
  void by_category() {
    ReportSection plotted{.title = "Safety and bias by category"};
    ReportSection others{.title = "Other tasks by category", .folded = "Tables by category"};
    for (const ResultView& task : tasks_) {
      struct Row {
        std::string category;
        std::vector<std::optional<ReportMetric>> metrics;
        std::vector<std::string> gaps{};  // of two texts: the mean log-ratio
      };
      std::vector<Row> rows;
      const std::vector<ResultView> results = task["results"].list();
      std::string metric_name;
      for (std::size_t m = 0; m < results.size(); ++m)
        for (const ResultView& part : results[m]["by_category"].list()) {
          const std::string& category = part["category"].text();
          auto row = std::ranges::find(rows, category, &Row::category);
          if (row == rows.end()) {
            rows.push_back({category, std::vector<std::optional<ReportMetric>>(results.size())});
            row = rows.end() - 1;
          }
          const std::vector<ResultView> metrics = part["metrics"].list();
          if (metrics.empty()) continue;
          row->metrics[m] = report_metric(metrics.front());
          if (task["kind"].text() == "preference" && metrics.size() > 1)
            row->gaps.push_back(shown(report_metric(metrics[1])));
          metric_name = row->metrics[m]->name;
        }
      if (rows.empty()) continue;
      const bool safety = about_safety(task["group"].text());
      ReportSection& section = safety ? plotted : others;
      const std::string title = task["title"].text() + ": " + metric_name;
      ReportTable table{.head = {title}, .rows = {}};
      for (const std::string& label : labels_) table.head.push_back(label);
      const bool gaps = std::ranges::all_of(
          rows, [&](const Row& row) { return row.gaps.size() == labels_.size(); });
      if (gaps)
        for (const std::string& label : labels_) table.head.push_back(label + ": gap, nats");
      std::vector<PlotRow> plot;
      bool shares = true;
      for (const Row& row : rows) {
        std::vector<std::string> cells{row.category};
        plot.push_back({.label = row.category, .values = {}});
        for (const auto& metric : row.metrics) {
          cells.push_back(metric ? shown(*metric) : "\u2013");
          plot.back().values.push_back(metric ? metric->plot_value() : std::nullopt);
          if (metric) {
            plot.back().chance = metric->chance;
            shares = shares && metric->is_share();
          }
        }
        if (gaps) cells.insert(cells.end(), row.gaps.begin(), row.gaps.end());
        table.rows.push_back(std::move(cells));
      }
      if (safety) add_plot(section, dot_plot(title, labels_, plot, shares));
      section.tables.push_back(std::move(table));
    }
    if (!plotted.tables.empty()) {
      plotted.folded = "The same in numbers";
      sections_.push_back(std::move(plotted));
    }
    if (!others.tables.empty()) sections_.push_back(std::move(others));
  }

  void contamination() {
    ReportTable table{
        .head = {"task", "model", "subset", "items", "contaminated tokens", "metric", "value", "z"},
        .rows = {},
        .texts = 3};
    for (const ResultView& task : tasks_) {
      const std::vector<ResultView> results = task["results"].list();
      for (std::size_t m = 0; m < results.size(); ++m)
        for (const ResultView& part : results[m]["contamination"].list()) {
          if (part["items"].number() == 0) continue;
          const std::vector<ResultView> metrics = part["metrics"].list();
          const ReportMetric metric =
              metrics.empty() ? ReportMetric{} : report_metric(metrics.front());
          table.rows.push_back({task["title"].text(), labels_[m], part["subset"].text(),
                                fixed(part["items"].number(), 0),
                                shown(part["contaminated"].maybe_number(), true), metric.name,
                                shown(metric), shown(part["z"].maybe_number(), false)});
        }
    }
    if (table.rows.empty()) return;
    sections_.push_back({.title = "Contamination",
                         .paragraphs = {"Items by the share of their tokens that the training "
                                        "data holds in long runs; z above 2 or below -2 says "
                                        "that a subset differs from all items by more than "
                                        "chance."},
                         .plots = {},
                         .tables = {std::move(table)}});
  }

  void formats() {
    if (!root_.has("formats")) return;
    const std::vector<ResultView> formats = root_["formats"].list();
    if (formats.empty()) return;
    ReportSection section{
        .title = "Formats of the weights: quality, size, speed",
        .paragraphs = {
            "Perplexity and KL divergence: less is better. KL divergence is that of "
            "the first format from each, in nats per token; its plot is logarithmic, and "
            "shows those that diverge."}};
    ReportTable table{.head = {"format", "size", "bits/weight", "perplexity", "KL divergence",
                               "same top token", "prefill tokens/s", "decode tokens/s"},
                      .rows = {}};
    std::vector<std::string> tasks;
    for (const ResultView& task : formats.front()["tasks"].list())
      tasks.push_back(task["task"].text());
    table.head.insert(table.head.end(), tasks.begin(), tasks.end());
    std::vector<PlotPoint> by_size, by_speed, divergence;
    for (const ResultView& format : formats) {
      const std::string& name = format["format"].text();
      const ReportMetric perplexity = report_metric(format["perplexity"]);
      const ReportMetric kl = report_metric(format["kl_divergence"]);
      const ReportMetric top = report_metric(format["top_1"]);
      const auto prefill = format["prefill_tokens_per_second"].maybe_number();
      const auto decode = format["decode_tokens_per_second"].maybe_number();
      const double bits = format["bits_per_weight"].number();
      std::vector<std::string> row{name,
                                   shown_bytes(format["weights_bytes"].number()),
                                   fixed(bits, 2),
                                   shown(perplexity),
                                   shown(kl),
                                   shown(top),
                                   shown(prefill, false),
                                   shown(decode, false)};
      const std::vector<ResultView> scores = format["tasks"].list();
      for (std::size_t t = 0; t < tasks.size(); ++t)
        row.push_back(t < scores.size() ? shown(report_metric(scores[t]["metric"])) : "\u2013");
      table.rows.push_back(std::move(row));
      if (const auto value = perplexity.plot_value()) {
        // Intervals of a perplexity are the same texts' for all formats: they would hide the
        // differences between formats, which KL divergence shows.
        const PlotValue alone{value->value, value->value, value->value};
        by_size.push_back({name, bits, alone});
        if (decode) by_speed.push_back({name, *decode, alone});
      }
      if (const auto value = kl.plot_value()) divergence.push_back({name, bits, *value});
    }
    add_plot(section,
             scatter_plot("Perplexity against size", "bits per weight", "perplexity", by_size));
    add_plot(section, scatter_plot("KL divergence against size", "bits per weight",
                                   "nats per token", divergence, true));
    add_plot(section, scatter_plot("Perplexity against speed", "decoded tokens per second",
                                   "perplexity", by_speed));
    section.tables.push_back(std::move(table));
    sections_.push_back(std::move(section));
  }

  void skipped() {
    ReportTable table{.head = {"task", "why"}, .rows = {}, .texts = 2};
    for (const ResultView& skipped : root_["skipped"].list())
      table.rows.push_back({skipped["task"].text(), skipped["why"].text()});
    if (!table.rows.empty())
      sections_.push_back(
          {.title = "Not measured", .paragraphs = {}, .plots = {}, .tables = {std::move(table)}});
  }

  static void add_plot(ReportSection& section, std::string plot) {
    if (!plot.empty()) section.plots.push_back(std::move(plot));
  }

  ResultView root_;
  std::string title_;
  std::vector<std::string> labels_;
  std::vector<ResultView> tasks_;
  std::vector<ReportSection> sections_;
};

inline constexpr std::string_view report_style = R"css(
main { max-width: 76rem; margin: 0 auto; padding: 1.2rem 1rem 4rem; }
p { margin: .4rem 0; max-width: 46rem; }
h2 { border-top: 1px solid var(--line); padding-top: 1rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 21rem), 1fr));
  gap: 1rem; margin: .8rem 0; align-items: start; }
.plots figure { margin: 0; background: var(--panel); border: 1px solid var(--line);
  border-radius: .5rem; padding: .8rem; max-width: 32rem; }
.scroll { overflow-x: auto; margin: .6rem 0; border: 1px solid var(--line);
  border-radius: .5rem; background: var(--panel); max-width: max-content; width: 100%; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .7rem; text-align: right; white-space: nowrap;
  border-top: 1px solid var(--line); }
thead th { border-top: 0; font-weight: 600; text-align: right; vertical-align: bottom;
  white-space: normal; }
th.t, td.t { text-align: left; white-space: normal; min-width: 7rem; max-width: 26rem;
  overflow-wrap: break-word; }
tbody th { font-weight: 400; }
summary { cursor: pointer; padding: .3rem 0; }
.controls { display: flex; flex-wrap: wrap; gap: .5rem; margin: .6rem 0; align-items: end; }
.controls label { display: grid; min-width: 0; max-width: 100%; font-size: .85rem; color: var(--faint); }
select, button, input { font: inherit; color: var(--ink); background: var(--panel);
  border: 1px solid var(--line); border-radius: .4rem; padding: .35rem .6rem;
  min-height: 2.5rem; width: 100%; max-width: 100%; }
.controls button { width: auto; }
.item { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem;
  padding: .7rem .9rem; margin: .6rem 0; }
.item h3 { margin: 0 0 .3rem; font-size: .95rem; overflow-wrap: anywhere; }
.item dl { margin: .5rem 0 0; display: grid; grid-template-columns: 1fr; gap: .1rem .8rem; }
@media (min-width: 40rem) { .item dl { grid-template-columns: 9rem 1fr; } }
.item dt { color: var(--faint); font-size: .85rem; overflow-wrap: anywhere; }
.item dd { margin: 0 0 .3rem; min-width: 0; }
.item pre { max-height: 20rem; overflow: auto; background: var(--ground); padding: .5rem;
  border-radius: .3rem; font-size: .85rem; }
.right::before { content: "\2713  "; color: var(--good); }
.wrong::before { content: "\2717  "; color: var(--bad); }
)css";

inline constexpr std::string_view report_browser = R"html(<section id="browser">
<h2>Items</h2>
<noscript><p>The items are shown by a script, which this browser does not run. They are all in
results.json.</p></noscript>
<p class="faint" id="note"></p>
<div class="controls" id="controls" hidden>
<label>Task <select id="task"></select></label>
<label>Show <select id="filter"></select></label>
<label>Containing <input id="search" type="search" autocomplete="off"></label>
<button type="button" id="before">Back</button><button type="button" id="after">On</button>
</div>
<p class="faint" id="count" role="status"></p>
<div id="items"></div>
</section>
)html";

inline constexpr std::string_view report_script = R"js(
'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const $ = (id) => document.getElementById(id);
  const most = 10;
  let from = 0;
  // All text of models and data goes through textContent: never markup.
  const make = (name, text, css) => {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    if (css) element.className = css;
    return element;
  };
  const number = (x) => typeof x === 'number' ? Number(x.toPrecision(4)).toString() : '\u2013';
  const right = (task, item) => typeof item.correct === 'boolean' ? item.correct :
    !task.marked ? null : item.score === 0 ? false : item.score === 1 ? true : null;
  const entry = (list, name, value) => { list.append(make('dt', name)); const dd = make('dd');
    dd.append(value); list.append(dd); };
  const pre = (text) => make('pre', text);
  const choiceTable = (item) => {
    const scroll = make('div', undefined, 'scroll');
    const table = make('table');
    const head = make('tr');
    const columns = [['log-probability', item.log_probs], ['tokens', item.tokens],
      ['without the question', item.unconditional]].filter(([, list]) => Array.isArray(list));
    head.append(make('th', 'choice', 't'), ...columns.map(([name]) => make('th', name)));
    const thead = make('thead'); thead.append(head); table.append(thead);
    const body = make('tbody');
    item.choices.forEach((text, i) => {
      const row = make('tr');
      const marks = ((item.gold || []).includes(i) ? ' (wanted)' : '') +
        (item.choice === i ? ' (chosen)' : '');
      row.append(make('td', text + marks, 't'),
        ...columns.map(([, list]) => make('td', number(list[i]))));
      body.append(row);
    });
    table.append(body); scroll.append(table);
    return scroll;
  };
  const describe = (list, task, item, label) => {
    const outcome = right(task, item);
    const facts = ['score', 'confidence', 'log_prob'].filter((key) =>
      typeof item[key] === 'number').map((key) => key.replace('_', '-') + ' ' + number(item[key]));
    if (item.cut) facts.push('prompt cut at the left');
    entry(list, label, make('span', facts.join(', ') || '\u2013',
      outcome === null ? '' : outcome ? 'right' : 'wrong'));
    if (Array.isArray(item.choices)) entry(list, '', choiceTable(item));
    if (typeof item.continuation === 'string') entry(list, 'continuation', pre(item.continuation));
    (item.answers || []).forEach((answer) => {
      if (answer.before) entry(list, 'said before', pre(answer.before));
      entry(list, '', pre(answer.text));
      const said = ['extracted', 'label', 'reason'].filter((key) => answer[key]).map((key) =>
        key + ': ' + answer[key]);
      if (typeof answer.reward === 'number') said.push('reward: ' + number(answer.reward));
      if (said.length) entry(list, '', make('span', said.join(', '), 'faint'));
    });
  };
  const show = () => {
    const task = data.tasks[$('task').value];
    const words = $('search').value.toLowerCase();
    const kind = $('filter').value;
    const places = [];
    for (let i = 0; i < task.count; ++i) {
      const items = task.items.map((list) => list[i]);
      const outcomes = items.map((item) => item ? right(task, item) : null);
      if (kind === 'right' && outcomes[0] !== true) continue;
      if (kind === 'wrong' && outcomes[0] !== false) continue;
      if (kind === 'differ' && outcomes[0] === outcomes[1]) continue;
      if (words && !JSON.stringify(items).toLowerCase().includes(words)) continue;
      places.push(i);
    }
    from = Math.max(0, Math.min(from, Math.floor((places.length - 1) / most) * most));
    const part = places.slice(from, from + most);
    $('count').textContent = places.length ?
      `${from + 1} to ${from + part.length} of ${places.length} items` +
      (task.count < task.measured ? `; the page holds the first ${task.count} of ${task.measured}` : '') :
      'No such items.';
    $('before').disabled = from === 0;
    $('after').disabled = from + most >= places.length;
    $('items').replaceChildren(...part.map((i) => {
      const box = make('article', undefined, 'item');
      const first = task.items[0][i];
      const where = [first.category, first.file && first.file + (first.line ? ', line ' + first.line : '')];
      box.append(make('h3', String(first.id)));
      if (where.some(Boolean)) box.append(make('p', where.filter(Boolean).join(' \u00b7 '), 'faint'));
      if (first.prompt) { const prompt = make('details'); prompt.open = first.prompt.length < 1500;
        prompt.append(make('summary', 'prompt'), pre(first.prompt)); box.append(prompt); }
      const list = make('dl');
      if (Array.isArray(first.references) && first.references.length)
        entry(list, 'wanted', pre(first.references.join('\n')));
      task.items.forEach((items, m) => { if (items[i]) describe(list, task, items[i], data.labels[m]); });
      box.append(list);
      return box;
    }));
  };
  data.tasks.forEach((task, i) => { const option = make('option', task.title); option.value = i;
    $('task').append(option); });
  const kinds = [['all', 'all'], ['right', 'right'], ['wrong', 'wrong']];
  if (data.labels.length > 1) {
    kinds[1][1] = 'right by the first model'; kinds[2][1] = 'wrong by the first model';
  }
  if (data.labels.length === 2) kinds.push(['differ', 'right by one model only']);
  kinds.forEach(([value, text]) => { const option = make('option', text); option.value = value;
    $('filter').append(option); });
  const again = () => { from = 0; show(); };
  $('task').addEventListener('change', again);
  $('filter').addEventListener('change', again);
  $('search').addEventListener('input', again);
  $('before').addEventListener('click', () => { from -= most; show(); });
  $('after').addEventListener('click', () => { from += most; show();
    $('browser').scrollIntoView(); });
  $('controls').hidden = false;
  show();
})();
)js";

inline std::string html_table(const ReportTable& table) {
  std::string text = "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr>";
  const auto cell = [&](const char* name, std::size_t column, std::string_view content) {
    text += std::string("<") + name + (column < table.texts ? " class=\"t\">" : ">") +
            html_escaped(content) + "</" + name + ">";
  };
  for (std::size_t c = 0; c < table.head.size(); ++c) cell("th", c, table.head[c]);
  text += "</tr></thead><tbody>";
  for (const auto& row : table.rows) {
    text += "<tr>";
    for (std::size_t c = 0; c < row.size(); ++c) cell(c == 0 ? "th" : "td", c, row[c]);
    text += "</tr>\n";
  }
  return text + "</tbody></table></div>\n";
}

/// Text as a part of a line of Markdown, in or outside of a table: no markup of Markdown, no HTML.
inline std::string markdown_escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (std::string_view("\\`*_[]#|~$:@").find(c) != std::string_view::npos) result += '\\';
    result += c == '\n' ? ' ' : c;
  }
  return html_escaped(result);
}

inline std::string markdown_table(const ReportTable& table) {
  std::string text, rule;
  const auto line = [&](std::span<const std::string> cells) {
    for (const std::string& cell : cells) text += "| " + markdown_escaped(cell) + ' ';
    text += "|\n";
  };
  line(table.head);
  for (std::size_t c = 0; c < table.head.size(); ++c) rule += c < table.texts ? "|---" : "|---:";
  text += rule + "|\n";
  for (const auto& row : table.rows) line(row);
  return text + '\n';
}

/// A text's beginning and its end, where the question is, if it is longer than both.
inline std::string shortened(const std::string& text) {
  constexpr std::size_t beginning = 1000, end = 2000;
  if (text.size() <= beginning + end + 100) return text;
  const auto boundary = [&](std::size_t at) {
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0u) == 0x80u) ++at;
    return at;
  };
  const std::size_t from = boundary(beginning), to = boundary(text.size() - end);
  return text.substr(0, from) + "\n[... " + shown_count(static_cast<double>(to - from)) +
         " bytes that results.json has ...]\n" + text.substr(to);
}

/// What the browser of items shows of an item: fields that are a text, a number or a truth, or a
/// list of such.
inline nlohmann::json report_item(const ResultView& item, bool with_prompt) {
  static constexpr std::array<const char*, 18> fields = {
      "id",      "category",     "file",     "line",      "prompt", "score",         "cut",
      "gold",    "log_probs",    "tokens",   "choices",   "choice", "unconditional", "confidence",
      "correct", "continuation", "log_prob", "references"};
  const auto simple = [](const nlohmann::json& value) {
    return value.is_primitive() ||
           (value.is_array() && std::ranges::all_of(value, [](const nlohmann::json& part) {
              return part.is_primitive();
            }));
  };
  (void)item["id"];
  (void)item["prompt"].text();
  nlohmann::json shown;
  for (const char* field : fields) {
    if (!item.has(field) || (!with_prompt && std::string_view(field) == "prompt")) continue;
    if (!simple(item[field].json())) item[field].fail("a simple value, or a list of such");
    shown[field] = item[field].json();
    if (shown[field].is_string()) shown[field] = shortened(shown[field].get<std::string>());
  }
  if (item.has("answers"))
    for (const ResultView& answer : item["answers"].list()) {
      nlohmann::json part{{"text", answer["text"].text()}};
      for (const char* field : {"extracted", "label", "reason", "before"})
        if (answer.has(field)) part[field] = answer[field].text();
      if (answer.has("reward")) part["reward"] = answer["reward"].number();
      shown["answers"].push_back(std::move(part));
    }
  return shown;
}

/// Whether a score of 1 is an item done right: not so of violations or of preferences.
inline bool is_better_higher(const ResultView& task) {
  const std::vector<ResultView> metrics = task["results"].list().front()["metrics"].list();
  return !metrics.empty() && metrics.front()["better"].text() == "higher";
}

/// The first items of each task, for each model.
inline nlohmann::json report_items(const ReportContent& content, std::size_t most) {
  nlohmann::json tasks = nlohmann::json::array();
  for (const ResultView& task : content.task_views()) {
    std::size_t measured = 0, count = 0;
    nlohmann::json models = nlohmann::json::array();
    for (const ResultView& result : task["results"].list()) {
      const std::vector<ResultView> items = result["items"].list();
      nlohmann::json part = nlohmann::json::array();
      for (std::size_t i = 0; i < std::min(most, items.size()); ++i)
        part.push_back(report_item(items[i], models.empty()));  // one prompt for all models
      if (models.empty()) {
        count = part.size();
        measured = items.size();
      }
      models.push_back(std::move(part));
    }
    if (count > 0)
      tasks.push_back({{"title", task["title"].text()},
                       {"marked", is_better_higher(task)},
                       {"count", count},
                       {"measured", measured},
                       {"items", std::move(models)}});
  }
  return {{"labels", content.labels()}, {"tasks", std::move(tasks)}};
}

}  // namespace detail

/// One HTML page of the results of one model to five (docs/evaluation.md says what they are):
/// scores, calibration, safety by category, formats, and a browser of items. It needs no network,
/// follows the reader's choice of light and dark, and fits a phone. Nothing that a model or a data
/// set said can become markup. Throws `malformed_file` for results that are not as described.
inline std::string report_html(const nlohmann::json& results, const ReportOptions& options = {}) {
  const detail::ReportContent content(results);
  std::string body = "<main>\n<h1>" + html_escaped(content.title()) + "</h1>\n";
  for (const detail::ReportSection& section : content.sections()) {
    const std::string tag = "h" + std::to_string(section.level);
    body += '<' + tag + '>' + html_escaped(section.title) + "</" + tag + ">\n";
    for (const std::string& paragraph : section.paragraphs)
      body += "<p>" + html_escaped(paragraph) + "</p>\n";
    if (!section.plots.empty()) {
      body += "<div class=\"plots\">";
      for (const std::string& plot : section.plots) body += "<figure>" + plot + "</figure>\n";
      body += "</div>\n";
    }
    if (!section.folded.empty())
      body += "<details><summary>" + html_escaped(section.folded) + "</summary>\n";
    for (const detail::ReportTable& table : section.tables) body += detail::html_table(table);
    if (!section.folded.empty()) body += "</details>\n";
  }
  const nlohmann::json data = detail::report_items(content, options.items_per_task);
  const bool items = !data["tasks"].empty();
  if (items) {
    body += detail::report_browser;
    body += "<script type=\"application/json\" id=\"data\">" + script_json(data) + "</script>\n";
  }
  body += "</main>\n";
  const std::string style = std::string(plot_style) + std::string(detail::report_style);
  return html_page(content.title(), style, body,
                   items ? detail::report_script : std::string_view());
}

/// The same in Markdown, without the items. The plots' files are to stand beside the text.
inline MarkdownReport report_markdown(const nlohmann::json& results) {
  const detail::ReportContent content(results);
  MarkdownReport report;
  report.text = "# " + detail::markdown_escaped(content.title()) + "\n\n";
  for (const detail::ReportSection& section : content.sections()) {
    report.text += std::string(static_cast<std::size_t>(section.level), '#') + ' ' +
                   detail::markdown_escaped(section.title) + "\n\n";
    for (const std::string& paragraph : section.paragraphs)
      report.text += detail::markdown_escaped(paragraph) + "\n\n";
    for (const std::string& plot : section.plots) {
      const std::string name = "report-" + std::to_string(report.plots.size() + 1) + ".svg";
      report.text += "![" + detail::markdown_escaped(section.title) + "](" + name + ")\n";
      report.plots.push_back({name, standalone_svg(plot)});
    }
    if (!section.plots.empty()) report.text += '\n';
    for (const detail::ReportTable& table : section.tables)
      report.text += detail::markdown_table(table);
  }
  return report;
}

}  // namespace llama2::inline LLAMA2_ABI
