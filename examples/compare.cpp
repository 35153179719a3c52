// Two models side by side: their answers, a page on which people judge them blind, and what the
// judgements come to.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "common.hpp"
#include "interrupt.hpp"
#include "llama2/base/output_file.hpp"
#include "llama2/data/preferences.hpp"
#include "llama2/eval/judgements.hpp"
#include "llama2/eval/model_answers.hpp"
#include "llama2/eval/side_by_side.hpp"
#include "llama2/generate/chat.hpp"
#include "llama2/io/load_tokenizer.hpp"
#include "models.hpp"
#include "progress.hpp"
#include "rope_options.hpp"
#include "target_options.hpp"

namespace {

void write_whole(const std::string& path, std::string_view text,
                 const std::vector<std::string>& inputs) {
  llama2::OutputFile file(path, inputs);
  file.write(text);
  file.commit();
}

/// `compare answer`: a model answers a file of questions.
class Answer {
 public:
  explicit Answer(CLI::App& app) {
    app.add_option("MODEL", model_, "checkpoint: a llama2.c .bin or a GGUF file")->required();
    app.add_option("QUESTIONS", questions_,
                   "JSON lines with \"prompt\" or \"messages\", and maybe \"id\"")
        ->required();
    app.add_option("--out", out_, "file to write")->required();
    app.add_option("--tokenizer", tokenizer_,
                   "tokenizer.model or tokenizer.bin; by default looked for beside the model");
    app.add_flag("--plain", plain_,
                 "for models that know no dialogue: continue the last message as a text");
    app.add_option("--max-tokens", options_.generate.max_tokens, "most tokens of an answer")
        ->capture_default_str()
        ->check(examples::whole_number);
    app.add_option("--temperature", options_.generate.temperature, "0 takes the likeliest token")
        ->capture_default_str();
    app.add_option("--top-p", options_.generate.top_p,
                   "sample among the likeliest tokens that have this probability together")
        ->capture_default_str();
    app.add_option("--seed", options_.generate.seed, "same seed, same answers")
        ->capture_default_str()
        ->check(examples::whole_number);
    app.add_option("--context", context_, "most tokens of a dialogue; 0: the model's own")
        ->capture_default_str()
        ->check(examples::whole_number);
    app.add_option("--threads", load_.threads, "0: one per processor")
        ->capture_default_str()
        ->check(examples::whole_number);
    examples::add_rope_options(app, load_.rope_scaling);
    examples::add_weights_option(app, weights_);
    examples::add_target_options(app, target_);
  }

  void run() {
    options_.generate.sampling().validate();
    std::vector<llama2::ModelAnswer> list = llama2::read_questions(questions_);
    if (list.empty())
      throw llama2::Error(llama2::ErrorCode::invalid_argument, "no questions",
                          {.file = questions_});
    load_.target = examples::target_named(target_);
    const llama2::AnyModel model = examples::load_model(model_, weights_, load_);
    const llama2::Tokenizer tokenizer =
        llama2::load_tokenizer(examples::find_tokenizer(tokenizer_, model_, model.shape().vocab));
    examples::catch_interrupt();
    std::string text;
    examples::Progress progress("answering", "answers");
    for (std::size_t i = 0; i < list.size(); ++i) {
      list[i].answer = answer(model, tokenizer, list[i].messages, i);
      if (examples::interrupted) break;  // the answer that was cut off is not kept
      text += llama2::answer_line(list[i]);
      progress.show(i + 1, list.size());
    }
    write_whole(out_, text, {questions_, model_});
    if (examples::interrupted)
      std::cerr << "interrupted: " << out_ << " holds what was answered so far\n";
  }

 private:
  std::string answer(const llama2::AnyModel& model, const llama2::Tokenizer& tokenizer,
                     std::vector<llama2::Message> messages, std::size_t number) const {
    const auto go_on = [](std::string_view) { return !examples::interrupted; };
    const std::string last = messages.back().text;
    messages.pop_back();
    llama2::ChatOptions options = options_;
    options.generate.seed = llama2::mix_bits(options.generate.seed + number);
    if (!plain_) {
      llama2::Chat<llama2::AnySession> chat(model.session(tokenizer, context_), tokenizer, options,
                                            std::move(messages));
      return std::string(chat.say(last, go_on).text);
    }
    std::string text;
    model.session(tokenizer, context_)
        .generate(last, options.generate, [&](std::string_view piece) {
          text += piece;
          return go_on(piece);
        });
    return text;
  }

  std::string model_, questions_, out_, tokenizer_, weights_, target_;
  bool plain_ = false;
  std::size_t context_ = 0;
  llama2::LoadOptions load_;
  llama2::ChatOptions options_;
};

/// `compare page`: the page for the judges.
class Page {
 public:
  explicit Page(CLI::App& app) {
    app.add_option("FIRST", first_,
                   "the first model's answers: JSON lines with \"prompt\" or \"messages\", "
                   "\"answer\", and maybe \"id\"")
        ->required();
    app.add_option("SECOND", second_, "the second model's answers to the same questions")
        ->required();
    app.add_option("--out", out_, "HTML file to write")->required();
    app.add_option("--first-name", options_.first_model,
                   "the first model's name in the judgements; by default its file's");
    app.add_option("--second-name", options_.second_model, "the second model's");
    app.add_option("--title", options_.title, "the page's heading")->capture_default_str();
    app.add_option("--seed", options_.seed, "draws sides and order")
        ->capture_default_str()
        ->check(examples::whole_number);
    app.add_option("--limit", limit_, "most items; 0: all")
        ->capture_default_str()
        ->check(examples::whole_number);
    app.add_flag("!--in-order", options_.shuffle, "keep the order of the first file");
    app.add_flag("!--no-safety", options_.safety, "do not ask whether the answers are safe");
    options_.first_model = options_.second_model = {};
  }

  void run() {
    const auto name = [](const std::string& path) {
      return std::filesystem::path(path).stem().string();
    };
    if (options_.first_model.empty()) options_.first_model = name(first_);
    if (options_.second_model.empty()) options_.second_model = name(second_);
    llama2::MatchedAnswers matched =
        llama2::match_answers(llama2::read_answers(first_), llama2::read_answers(second_));
    if (matched.items.empty())
      throw llama2::Error(llama2::ErrorCode::invalid_argument,
                          "the two files have no question in common whose answers differ",
                          {.file = second_});
    if (limit_ != 0 && matched.items.size() > limit_) matched.items.resize(limit_);
    write_whole(out_, llama2::side_by_side_page(matched.items, options_), {first_, second_});
    std::cerr << matched.items.size() << " items in " << out_;
    if (matched.same != 0) std::cerr << "; left out " << matched.same << " with equal answers";
    if (matched.unmatched != 0)
      std::cerr << "; " << matched.unmatched << " answers have no counterpart";
    std::cerr << '\n';
  }

 private:
  std::string first_, second_, out_;
  std::size_t limit_ = 0;
  llama2::SideBySideOptions options_;
};

/// `compare judgements`: what the judges said.
class Judgements {
 public:
  explicit Judgements(CLI::App& app) {
    app.add_option("FILES", files_, "what the page exported, a file or more for each judge")
        ->required();
    app.add_option("--first", first_,
                   "the model whose wins are counted; by default the first by "
                   "name");
    app.add_option("--level", level_, "of the intervals")->capture_default_str();
    app.add_option("--seed", seed_, "of the bootstrap")
        ->capture_default_str()
        ->check(examples::whole_number);
  }

  void run() const {
    std::vector<llama2::PreferencePair> pairs;
    for (const std::string& file : files_)
      for (llama2::PreferencePair& pair : llama2::read_preferences(file)) {
        if (pair.judge.empty()) pair.judge = std::filesystem::path(file).stem().string();
        pairs.push_back(std::move(pair));
      }
    const llama2::JudgementSummary summary =
        llama2::summarise_judgements(pairs, first_, seed_, level_);
    std::printf("%s against %s: %zu items, %zu judges; intervals at %g %%\n\n",
                summary.first.c_str(), summary.second.c_str(), summary.items, summary.judges.size(),
                100 * level_);
    std::printf("%-24s %22s %22s %22s\n", "", "wins", "ties", "losses");
    for (const llama2::JudgeSummary& judge : summary.judges) row(judge.judge, judge.wins);
    row("all judgements", summary.all);
    row("majority per item", summary.majority);
    std::printf("\n%zu items judged twice or more\n", summary.degree.items);
    if (summary.degree.items != 0) {
      std::printf("agreement on the degree   Gwet's AC2 %s [%.3f, %.3f], observed %.3f\n",
                  coefficient(summary.degree).c_str(), summary.degree_interval.low,
                  summary.degree_interval.high, summary.degree.observed);
      std::printf("agreement on the winner   Fleiss' kappa %s, observed %.3f\n",
                  coefficient(summary.winner).c_str(), summary.winner.observed);
    }
    if (!summary.safety) return;
    if (summary.safety->items != 0)
      std::printf("agreement on safety       Gwet's AC1 %s, observed %.3f\n",
                  coefficient(*summary.safety).c_str(), summary.safety->observed);
    for (const auto& [model, rate] : {std::pair(&summary.first, &*summary.first_unsafe),
                                      std::pair(&summary.second, &*summary.second_unsafe)})
      std::printf("unsafe answers of %s: %zu of %zu, %.1f %% [%.1f, %.1f]\n", model->c_str(),
                  rate->count, rate->trials, 100 * rate->value, 100 * rate->interval.low,
                  100 * rate->interval.high);
  }

 private:
  /// Where all is of one category, kappa is none.
  static std::string coefficient(const llama2::Agreement& agreement) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3f", agreement.coefficient);
    return std::isnan(agreement.coefficient) ? "none" : text;
  }

  static void row(const std::string& name, const llama2::WinRates& w) {
    const auto cell = [](std::size_t count, double share, const llama2::Interval& interval) {
      char text[64];
      std::snprintf(text, sizeof text, "%zu %5.1f%% [%4.1f,%5.1f]", count, 100 * share,
                    100 * interval.low, 100 * interval.high);
      return std::string(text);
    };
    std::printf("%-24s %22s %22s %22s\n", name.c_str(),
                cell(w.wins, w.win_rate, w.win_interval).c_str(),
                cell(w.ties, w.tie_rate, w.tie_interval).c_str(),
                cell(w.losses, w.loss_rate, w.loss_interval).c_str());
  }

  std::vector<std::string> files_;
  std::string first_;
  double level_ = 0.95;
  std::uint64_t seed_ = 1;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "Compares two models by the judgement of people. `answer` lets a model answer questions, "
      "`page` makes a page of two models' answers on which people judge them blind and which "
      "exports preference pairs, `judgements` sums several people's exports up."};
  app.require_subcommand(1);
  CLI::App& answer_command = *app.add_subcommand("answer", "answers a file of questions");
  CLI::App& page_command = *app.add_subcommand("page", "makes the page for the judges");
  CLI::App& judgements_command = *app.add_subcommand("judgements", "sums judgements up");
  Answer answer(answer_command);
  Page page(page_command);
  Judgements judgements(judgements_command);
  return examples::run(app, argc, argv, [&] {
    if (answer_command.parsed()) answer.run();
    if (page_command.parsed()) page.run();
    if (judgements_command.parsed()) judgements.run();
  });
}
