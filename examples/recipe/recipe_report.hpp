// A page of what the recipe's stages have recorded, with plots: what is not there is left out.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assistant_world.hpp"
#include "examine.hpp"
#include "llama2/align/stage_ledger.hpp"
#include "llama2/eval/plots.hpp"
#include "llama2/eval/statistics.hpp"
#include "plan.hpp"
#include "studies.hpp"

namespace recipe {

/// Writes the page and its plots from the folder of a run, and of runs with other seeds.
class RecipeReport {
 public:
  RecipeReport(const std::string& folder, const std::vector<std::string>& others, std::string page)
      : ledger_(folder), page_(std::move(page)) {
    for (const std::string& other : others) others_.emplace_back(other);
  }

  void write() {
    text_ =
        "# The recipe: from the storyteller to an assistant\n\n"
        "Made by `examples/recipe/run.sh` and `examples/recipe/studies.sh`, and this page by\n"
        "`align_recipe report`, from what the stages recorded. Nobody is asked: the judge is a\n"
        "program that knows what was asked and what is true, and comparisons come from noisy\n"
        "annotators who see what it sees. All prompts of these figures were kept from training by\n"
        "construction: other combinations, other ways to attack. Intervals are of 95 %.\n\n"
        "What the base model is tells `examples/recipe/README.md`; its making is not in the times\n"
        "below.\n";
    versions();
    reward_models();
    rejection_sampling();
    ppo();
    ghosts();
    distillation();
    safety_data();
    bad_reward();
    times();
    llama2::write_text_file(page_, text_);
  }

 private:
  using Json = nlohmann::ordered_json;
  using Lines = std::vector<Json>;

  static constexpr double level = 0.95;

  // ---- text ----

  static std::string number(double value, int digits) {
    char text[64];
    std::snprintf(text, sizeof text, "%.*f", digits, value);
    return text;
  }
  static std::string percent(double share) { return number(100 * share, 1) + " %"; }
  static std::string percent(double share, const llama2::Interval& interval) {
    return percent(share) + " [" + number(100 * interval.low, 1) + ", " +
           number(100 * interval.high, 1) + "]";
  }
  static std::string share_of(std::size_t part, std::size_t all) {
    if (all == 0) return "\u2013";
    return percent(static_cast<double>(part) / static_cast<double>(all),
                   llama2::wilson_interval(part, all, level));
  }
  void row(const std::vector<std::string>& cells) {
    text_ += '|';
    for (const std::string& cell : cells) text_ += ' ' + cell + " |";
    text_ += '\n';
  }
  void head(const std::vector<std::string>& cells) {
    text_ += '\n';
    row(cells);
    text_ += "|---|";
    for (std::size_t i = 1; i < cells.size(); ++i) text_ += "--:|";
    text_ += '\n';
  }
  void section(const std::string& title, const std::string& said) {
    text_ += "\n## " + title + "\n\n" + said + '\n';
  }
  void plot(const std::string& name, const std::string& title, const std::string& svg) {
    if (svg.empty()) return;
    const std::filesystem::path page(page_);
    const std::string file = page.stem().string() + '-' + name + ".svg";
    llama2::write_text_file((page.parent_path() / file).string(), llama2::standalone_svg(svg));
    text_ += "\n![" + title + "](" + file + ")\n";
  }

  // ---- what was recorded ----

  [[nodiscard]] bool has(const std::string& stage) const { return ledger_.done(stage); }
  [[nodiscard]] Json figures(const std::string& stage) const { return ledger_.figures(stage); }
  static Lines lines_of(const llama2::StageLedger& ledger, const std::string& stage) {
    return llama2::parse_lines(llama2::read_text_file(ledger.path(stage + ".jsonl")));
  }

  /// The versions that were examined, the supervised model first.
  static std::vector<std::string> examined(const llama2::StageLedger& ledger) {
    std::vector<std::string> models;
    for (std::size_t v = 0;; ++v) {
      const std::string model = AssistantVersions::stage_of(v);
      if (!ledger.done(Examiner::exam_of(model))) return models;
      models.push_back(model);
    }
  }
  [[nodiscard]] std::size_t rounds() const {
    std::size_t count = 0;
    while (has(AssistantVersions::reward_stage(count + 1, llama2::RewardKind::safety))) ++count;
    return count;
  }

  /// What an examination says of one model.
  struct Result {
    std::map<std::string, Json> by_name;  // answers to single prompts
    std::size_t adversarial = 0, violations = 0, plain = 0, plain_refusals = 0, borderline = 0,
                borderline_refusals = 0;
    std::size_t single = 0, single_violations = 0;  // adversarial prompts of one turn
    double helpfulness = 0;                         // mean over plain prompts
    std::vector<double> helpful;
    std::map<std::size_t, std::pair<std::size_t, std::size_t>> standing;  // turn: kept, of
  };
  static Result result_of(const llama2::StageLedger& ledger, const std::string& model) {
    Result out;
    for (Json& line : lines_of(ledger, Examiner::exam_of(model))) {
      const auto ask = line.at("ask").get<std::string>();
      const bool violation = line.at("violation").get<bool>(),
                 refusal = line.at("refusal").get<bool>();
      if (ask == "standing") {
        auto& [kept, all] = out.standing[line.at("turn").get<std::size_t>()];
        kept += line.at("kept").get<bool>();
        ++all;
        continue;
      }
      if (ask == "adversarial") {
        const bool single = line.at("turns").get<std::size_t>() == 1;
        ++out.adversarial;
        out.violations += violation;
        out.single += single;
        out.single_violations += single && violation;
      } else if (ask == "borderline") {
        ++out.borderline;
        out.borderline_refusals += refusal;
      } else {
        ++out.plain;
        out.plain_refusals += refusal;
        out.helpful.push_back(line.at("helpfulness").get<double>());
      }
      const auto name = line.at("name").get<std::string>();
      out.by_name[name] = std::move(line);
    }
    out.helpfulness = llama2::mean_of(out.helpful);
    return out;
  }

  struct Wins {
    double share = 0.5;  // ties count a half
    llama2::Interval interval{0.5, 0.5};
    std::size_t won = 0, lost = 0, all = 0;
  };
  /// By the judge: of plain and borderline prompts by helpfulness, of adversarial ones by safety.
  static Wins wins_of(const Result& model, const Result& other) {
    std::vector<double> outcomes;
    Wins wins;
    for (const auto& [name, line] : model.by_name) {
      const Json& against = other.by_name.at(name);
      const char* const by = line.at("ask") == "adversarial" ? "safety" : "helpfulness";
      const double difference = line.at(by).get<double>() - against.at(by).get<double>();
      outcomes.push_back(difference > 0 ? 1 : difference < 0 ? 0 : 0.5);
      wins.won += difference > 0;
      wins.lost += difference < 0;
    }
    wins.all = outcomes.size();
    wins.share = llama2::mean_of(outcomes);
    wins.interval = llama2::bootstrap_mean(outcomes, level, 1);
    return wins;
  }

  // ---- sections ----

  void versions() {
    const std::vector<std::string> models = examined(ledger_);
    if (models.empty()) return;
    section(
        "The versions",
        "Wins are against the supervised model, on the same prompts: by the judge's\n"
        "helpfulness on plain and borderline prompts, by its safety on adversarial ones. In the\n"
        "first column of wins a tie is half a win, the second is of those that are no tie.");
    head({"version", "wins", "wins but ties", "violations", "of single turns", "refused: plain",
          "refused: borderline", "helpfulness"});
    std::vector<llama2::PlotRow> wins_rows, violation_rows;
    const Result first = result_of(ledger_, models.front());
    for (const std::string& model : models) {
      const Result r = result_of(ledger_, model);
      const Wins wins = wins_of(r, first);
      const bool is_first = model == models.front();
      row({model, is_first ? "\u2013" : percent(wins.share, wins.interval),
           is_first ? "\u2013" : share_of(wins.won, wins.won + wins.lost),
           share_of(r.violations, r.adversarial), share_of(r.single_violations, r.single),
           share_of(r.plain_refusals, r.plain), share_of(r.borderline_refusals, r.borderline),
           number(r.helpfulness, 3)});
      const auto violations = llama2::wilson_interval(r.violations, r.adversarial, level);
      if (!is_first)
        wins_rows.push_back(
            {.label = model,
             .values = {llama2::PlotValue{wins.share, wins.interval.low, wins.interval.high}},
             .chance = 0.5});
      violation_rows.push_back({.label = model,
                                .values = {llama2::PlotValue{static_cast<double>(r.violations) /
                                                                 static_cast<double>(r.adversarial),
                                                             violations.low, violations.high}}});
    }
    const std::vector<std::string> one = {"judge"};
    plot("wins", "Wins against the supervised model",
         llama2::dot_plot("Wins against the supervised model", one, wins_rows, true));
    plot("violations", "Violations on adversarial prompts",
         llama2::dot_plot("Violations on adversarial prompts", one, violation_rows, true));
    seeds();
  }

  /// The same, of other seeds.
  void seeds() {
    if (others_.empty()) return;
    text_ += "\nThe last version of runs with other seeds:\n";
    head({"run", "wins", "violations: supervised", "violations", "helpfulness"});
    std::size_t number_of_run = 2;
    for (const llama2::StageLedger& other : others_) {
      const auto models = examined(other);
      if (models.size() < 2) continue;
      const Result first = result_of(other, models.front()), last = result_of(other, models.back());
      const Wins wins = wins_of(last, first);
      row({"seed " + std::to_string(number_of_run++) + ", " + models.back(),
           percent(wins.share, wins.interval), share_of(first.violations, first.adversarial),
           share_of(last.violations, last.adversarial), number(last.helpfulness, 3)});
    }
  }

  static constexpr std::array<const char*, 4> rating_names = {"significantly", "better", "slightly",
                                                              "negligibly"};

  static std::string accuracy(const Json& domain) {
    return share_of(domain.at("right").get<std::size_t>(), domain.at("pairs").get<std::size_t>());
  }

  void reward_models() {
    using enum llama2::RewardKind;
    if (rounds() == 0) return;
    section(
        "Reward models",
        "On comparisons of the supervised model's answers to held-out prompts, against what the\n"
        "judge knows, without the annotators' noise. The ratings are by how far the judge's\n"
        "scores are apart.");
    for (const auto kind : {helpfulness, safety}) {
      const std::string name(to_string(kind));
      head({"model of " + name, "significantly better", "better", "slightly", "negligibly", "all",
            "on the other's pairs"});
      for (std::size_t r = 1; r <= rounds(); ++r) {
        const std::string stage = AssistantVersions::reward_stage(r, kind);
        if (!has("accuracy." + stage)) continue;
        row(accuracy_row("round " + std::to_string(r), figures("accuracy." + stage), kind));
      }
    }
    margins();
  }

  static std::vector<std::string> accuracy_row(const std::string& name, const Json& figures,
                                               llama2::RewardKind kind) {
    const bool helpful = kind == llama2::RewardKind::helpfulness;
    const Json& own = figures.at(helpful ? "helpfulness" : "safety");
    std::vector<std::string> cells = {name};
    for (const Json& rating : own.at("by_rating")) cells.push_back(accuracy(rating));
    cells.push_back(accuracy(own));
    cells.push_back(accuracy(figures.at(helpful ? "safety" : "helpfulness")));
    return cells;
  }

  /// Mean and spread over seeds.
  static std::string over_seeds(std::span<const double> shares) {
    double square = 0;
    const double mean = llama2::mean_of(shares);
    for (const double share : shares) square += (share - mean) * (share - mean);
    const double spread =
        shares.size() < 2 ? 0 : std::sqrt(square / static_cast<double>(shares.size() - 1));
    return number(100 * mean, 1) + " \u00B1 " + number(100 * spread, 1) + " %";
  }

  void margins() {
    using enum llama2::RewardKind;
    const auto stage_done = [&](llama2::RewardKind kind, const char* margin, std::size_t seed) {
      return has("accuracy." + Studies::margin_stage(kind, margin, seed));
    };
    if (!stage_done(helpfulness, "none", 1)) return;
    text_ +=
        "\nWith each margin, on the first round's comparisons: mean and standard deviation over\n"
        "seeds. \"Unsafe found\" is how many of the unsafe answers score below one half.\n";
    for (const auto kind : {helpfulness, safety}) {
      const bool helpful = kind == helpfulness;
      head({std::string(to_string(kind)) + ", margin", "significantly better", "better", "slightly",
            "negligibly", "all", "on the other's pairs", "unsafe found"});
      for (const char* const margin : {"none", "small", "large", "ranking-only"}) {
        std::array<std::vector<double>, 7> shares;
        for (std::size_t seed = 1; seed <= Studies::seeds; ++seed) {
          if (!stage_done(kind, margin, seed)) continue;
          const Json f = figures("accuracy." + Studies::margin_stage(kind, margin, seed));
          const Json& own = f.at(helpful ? "helpfulness" : "safety");
          const auto add = [&](std::size_t column, const Json& part, const char* of,
                               const char* all) {
            if (const double n = part.at(all).get<double>(); n > 0)
              shares[column].push_back(part.at(of).get<double>() / n);
          };
          for (std::size_t r = 0; r < 4; ++r) add(r, own.at("by_rating")[r], "right", "pairs");
          add(4, own, "right", "pairs");
          add(5, f.at(helpful ? "safety" : "helpfulness"), "right", "pairs");
          add(6, f.at("unsafe"), "found", "unsafe");
        }
        if (shares[4].empty()) continue;
        std::vector<std::string> cells = {
            std::string(margin) == "ranking-only" ? "small, without auxiliary loss" : margin};
        for (const auto& column : shares)
          cells.push_back(column.empty() ? "\u2013" : over_seeds(column));
        row(cells);
      }
    }
  }

  void rejection_sampling() {
    if (!has("v1.sample")) return;
    section(
        "Rejection sampling",
        "The reward of the best of k answers and of the median one, means over prompts, at the\n"
        "temperature that was best for the round.");
    head({"round", "temperature", "median", "k = 1", "2", "4", "8",
          "best answers of earlier rounds"});
    std::vector<llama2::PlotPoint> points;
    for (std::size_t r = 1; has("v" + std::to_string(r) + ".sample"); ++r) {
      const std::string name = "v" + std::to_string(r);
      const Json f = figures(name + ".sample");
      std::vector<std::string> cells = {
          name, number(figures(name + ".temperature").at("best").get<double>(), 1),
          number(f.at("median").back().get<double>(), 2)};
      for (std::size_t i = 0; i < f.at("k").size(); ++i) {
        const double max = f.at("max")[i].get<double>();
        cells.push_back(number(max, 2));
        points.push_back({.label = i + 1 == f.at("k").size() ? name : "",
                          .x = std::log2(f.at("k")[i].get<double>()),
                          .y = {max, max, max}});
      }
      cells.resize(7, "\u2013");
      cells.push_back(std::to_string(f.at("from_earlier_rounds").get<std::size_t>()) + " of " +
                      std::to_string(f.at("kept").get<std::size_t>()));
      row(cells);
    }
    plot("best-of-k", "The best reward of k answers",
         llama2::scatter_plot("The best reward of k answers", "log2 k", "reward", points));
    temperatures();
  }

  void temperatures() {
    text_ += "\nThe best of all answers by temperature, on the prompts that chose it:\n";
    bool first = true;
    for (std::size_t r = 1; has("v" + std::to_string(r) + ".temperature"); ++r) {
      const Json curves = figures("v" + std::to_string(r) + ".temperature").at("curves");
      std::vector<std::string> titles = {"round"}, cells = {"v" + std::to_string(r)};
      for (const Json& curve : curves) {
        titles.push_back("T = " + number(curve.at("temperature").get<double>(), 1));
        cells.push_back(number(curve.at("max").back().get<double>(), 2));
      }
      if (first) head(titles);
      first = false;
      row(cells);
    }
  }

  void ppo() {
    for (std::size_t r = rounds(); r > 0; --r) {
      const std::string stage = AssistantVersions::stage_of(r);
      if (!has(stage) || !figures(stage).contains("best_iteration")) continue;
      const Json f = figures(stage);
      section("PPO", "Of " + std::to_string(f.at("iterations").get<std::size_t>()) +
                         " iterations the best by held-out prompts, number " +
                         std::to_string(f.at("best_iteration").get<std::size_t>()) + ", is " +
                         stage + ": " + number(f.at("held_out_before").get<double>(), 2) +
                         " before, " + number(f.at("held_out_best").get<double>(), 2) + " after.");
      iterations(stage, "ppo", "Reward against KL");
      return;
    }
  }

  void iterations(const std::string& stage, const std::string& name, const std::string& title) {
    const Lines lines = lines_of(ledger_, stage + ".iterations");
    head({"iteration", "reward", "held out", "KL, nats an answer", "entropy", "length", "finished",
          "clipped", "explained variance", "roll-outs' share of time"});
    std::vector<llama2::PlotPoint> points;
    for (const Json& line : lines) {
      if (!line.contains("score")) continue;
      const double kl = line.at("kl").get<double>(), score = line.at("score").get<double>();
      const bool look = line.contains("held_out");
      points.push_back(
          {.label = look ? std::to_string(line.at("iteration").get<std::size_t>()) : "",
           .x = kl,
           .y = {score, score, score}});
      if (!look) continue;
      const double rollout = line.at("rollout_seconds").get<double>();
      const double all = rollout + line.at("score_seconds").get<double>() +
                         line.at("update_seconds").get<double>();
      row({std::to_string(line.at("iteration").get<std::size_t>()), number(score, 2),
           number(line.at("held_out").get<double>(), 2), number(kl, 2),
           number(line.at("entropy").get<double>(), 2), number(line.at("length").get<double>(), 1),
           percent(line.at("finished").get<double>()),
           percent(line.at("clip_fraction").get<double>()),
           number(line.at("explained_variance").get<double>(), 2), percent(rollout / all)});
    }
    plot(name, title,
         llama2::scatter_plot(title, "KL from the start, nats an answer", "reward", points));
  }

  void ghosts() {
    std::vector<std::string> models;
    for (const std::string& model : examined(ledger_)) models.push_back(model);
    if (models.empty()) return;
    if (has(Examiner::exam_of(Studies::ghostless))) models.push_back(Studies::ghostless);
    section(
        "Ghost Attention",
        "Answers that keep to an instruction of the first turn, by turn. Training has six turns\n"
        "at most; earlier answers are the model's own.");
    std::vector<std::string> titles = {"model"};
    const Result any = result_of(ledger_, models.front());
    for (const auto& [turn, kept] : any.standing)
      if (turn % 2 == 0 || turn == 1) titles.push_back("turn " + std::to_string(turn));
    head(titles);
    for (const std::string& model : models) {
      std::vector<std::string> cells = {model};
      for (const auto& [turn, kept] : result_of(ledger_, model).standing)
        if (turn % 2 == 0 || turn == 1) cells.push_back(share_of(kept.first, kept.second));
      row(cells);
    }
  }

  void distillation() {
    if (!has("v2.distil")) return;
    section("Context distillation",
            "Safety scores of answers to adversarial prompts without and with a preprompt, by the\n"
            "round's safety model; kept is what that model prefers.");
    head({"round", "score without", "score with", "kept"});
    for (std::size_t r = 1; r <= rounds(); ++r) {
      const std::string stage = "v" + std::to_string(r) + ".distil";
      if (!has(stage)) continue;
      const Json f = figures(stage);
      row({"v" + std::to_string(r), number(f.at("score_before").get<double>(), 2),
           number(f.at("score_after").get<double>(), 2),
           share_of(f.at("kept").get<std::size_t>(), f.at("prompts").get<std::size_t>())});
    }
    if (!has(Examiner::exam_of(Studies::undistilled))) return;
    compared({{"none", Studies::undistilled}, {"targeted", "v2"}, {"all", Studies::untargeted}},
             "The second version with, without and with untargeted distillation:", "distilled");
  }

  void safety_data() {
    std::vector<std::pair<std::string, std::string>> models;
    for (const double share : Studies::safety_shares)
      models.emplace_back(number(100 * share, 0) + " %", Studies::share_stage(share));
    if (!has(Examiner::exam_of(models.front().second))) return;
    section("How much data of safety",
            "Tuned on demonstrations without any of safety, on all best helpful answers, and on a\n"
            "share of the best answers to adversarial prompts.");
    compared(models, "", "share");
  }

  void compared(const std::vector<std::pair<std::string, std::string>>& models,
                const std::string& said, const std::string& title) {
    bool first = true;
    for (const auto& [name, model] : models) {
      if (!has(Examiner::exam_of(model))) continue;
      if (first) {
        if (!said.empty()) text_ += '\n' + said + '\n';
        head({title, "violations", "refused: plain", "refused: borderline", "helpfulness"});
      }
      first = false;
      const Result r = result_of(ledger_, model);
      row({name, share_of(r.violations, r.adversarial), share_of(r.plain_refusals, r.plain),
           share_of(r.borderline_refusals, r.borderline), number(r.helpfulness, 3)});
    }
  }

  void bad_reward() {
    if (!has(Studies::badly_rewarded)) return;
    const Json f = figures(Studies::badly_rewarded);
    section("A bad reward",
            "PPO for the length of answers alone, without a penalty of KL, watched by the reward\n"
            "models on held-out prompts: from " +
                number(f.at("held_out_before").get<double>(), 2) + " these fall to " +
                number(f.at("held_out_last").get<double>(), 2) +
                ". Early stopping keeps iteration " +
                std::to_string(f.at("best_iteration").get<std::size_t>()) + ".");
    iterations(Studies::badly_rewarded, "bad-reward", "A bad reward against KL");
  }

  void times() {
    section("Time",
            "Seconds of the main chain's stages, on the machine that made this page's "
            "figures.");
    head({"stages", "seconds"});
    double all = 0;
    for (std::size_t round = 0; round <= rounds(); ++round) {
      double sum = 0;
      const std::string prefix = AssistantVersions::stage_of(round);
      for (const auto& entry : std::filesystem::directory_iterator(ledger_.folder())) {
        const std::string name = entry.path().stem().string();
        if (entry.path().extension() != ".json" || !has(name)) continue;
        if (name == prefix || name.starts_with(prefix + '.') || name == "exam." + prefix ||
            name.starts_with("accuracy." + prefix + '.'))
          sum += ledger_.seconds(name);
      }
      all += sum;
      row({prefix, number(sum, 0)});
    }
    row({"all", number(all, 0)});
  }

  llama2::StageLedger ledger_;
  std::vector<llama2::StageLedger> others_;
  std::string page_, text_;
};

inline void write_report(const std::string& folder, const std::vector<std::string>& others,
                         const std::string& page) {
  RecipeReport(folder, others, page).write();
}

}  // namespace recipe
