// What a small reward model learns of people's preferences, beside baselines that read no order of
// words: five splits by prompt, each domain apart and across, and margins by agreement of judges.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bag_of_words.hpp"
#include "common.hpp"
#include "interrupt.hpp"
#include "llama2/align/pair_batches.hpp"
#include "llama2/align/reward_model.hpp"
#include "llama2/align/reward_scorer.hpp"
#include "llama2/align/reward_writer.hpp"
#include "llama2/align/stage_options.hpp"
#include "llama2/align/text_batches.hpp"
#include "llama2/base/hash.hpp"
#include "llama2/base/output_file.hpp"
#include "llama2/data/public_preferences.hpp"
#include "llama2/eval/item_log.hpp"
#include "llama2/eval/statistics.hpp"
#include "llama2/io/gguf_writer.hpp"
#include "llama2/io/load.hpp"
#include "llama2/io/load_tokenizer.hpp"
#include "llama2/parallel/thread_pool.hpp"
#include "llama2/shape/shapes.hpp"
#include "llama2/train/language_model.hpp"
#include "llama2/train/peak.hpp"
#include "llama2/train/trainer.hpp"
#include "mini.hpp"
#include "training_progress.hpp"

namespace {

namespace fs = std::filesystem;
using llama2::EncodedPair;
using llama2::PreferencePair;

constexpr std::size_t splits = 5;

struct Options {
  std::string base, hh, pandalm, out;
  std::size_t longest = 256, threads = 0;
  llama2::StageOptions chat{.epochs = 1, .batch = 32, .peak = 5e-4, .warmup_share = 0.03};
  llama2::StageOptions reward{
      .epochs = 2, .batch = 32, .peak = 3e-4, .warmup_share = 0.03, .least_warmup = 5};

  [[nodiscard]] std::string file(const std::string& name) const {
    return (fs::path(out) / name).string();
  }
};

/// Pairs of one domain, and the split that each is tested in.
struct Domain {
  std::vector<PreferencePair> pairs;
  std::vector<EncodedPair> encoded;
  std::vector<std::size_t> split;

  /// Numbers of the pairs that a split tests, or trains on.
  [[nodiscard]] std::vector<std::size_t> part(std::size_t number, bool test) const {
    std::vector<std::size_t> result;
    for (std::size_t i = 0; i < pairs.size(); ++i)
      if ((split[i] == number) == test) result.push_back(i);
    return result;
  }
};

/// BOS and the end of a text that is too long: what is judged comes last.
void keep_end(std::vector<llama2::Token>& tokens, std::size_t most) {
  if (tokens.size() <= most) return;
  tokens.erase(tokens.begin() + 1, tokens.end() - static_cast<std::ptrdiff_t>(most) + 1);
}

template <class Shape>
class Study {
 public:
  explicit Study(Options options)
      : o_(std::move(options)),
        executor_(std::make_shared<llama2::ThreadPool>(o_.threads)),
        tokenizer_(llama2::load_tokenizer(o_.base)) {
    fs::create_directories(o_.out);
    log_.emplace(o_.file("results.jsonl"), llama2::ItemLog::Json{{"base", o_.base},
                                                                 {"longest", o_.longest},
                                                                 {"chat_epochs", o_.chat.epochs},
                                                                 {"chat_peak", o_.chat.peak},
                                                                 {"epochs", o_.reward.epochs},
                                                                 {"peak", o_.reward.peak},
                                                                 {"batch", o_.reward.batch}});
  }

  void run() {
    for (const char* file : {"helpful-base", "helpful-online", "helpful-rejection-sampled"})
      read("helpful", file);
    read("harmless", "harmless-base");
    if (!o_.pandalm.empty()) take("pandalm", llama2::read_pandalm(o_.pandalm), o_.pandalm);
    for (std::size_t split = 0; split < splits; ++split)
      for (const auto& [domain, data] : domains_) baselines(split, domain);
    try {
      for (std::size_t split = 0; split < splits; ++split) {
        reward(split, "helpful", llama2::Margin::none);
        reward(split, "harmless", llama2::Margin::none);
        if (!domains_.contains("pandalm")) continue;
        for (const auto margin :
             {llama2::Margin::none, llama2::Margin::small, llama2::Margin::large})
          reward(split, "pandalm", margin);
      }
    } catch (const llama2::Error& error) {
      if (error.code() == llama2::ErrorCode::cancelled) report();
      throw;
    }
    report();
  }

 private:
  static void say(const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); }

  void read(const char* domain, const std::string& name) {
    const std::string path = (fs::path(o_.hh) / (name + ".test.jsonl.gz")).string();
    take(domain, llama2::read_hh(path), name);
  }

  void take(const char* domain, llama2::PublicRows<PreferencePair> read, const std::string& name) {
    std::map<std::string, std::size_t> reasons;
    for (const llama2::BadRow& row : read.bad) ++reasons[row.reason];
    data_ += "| " + fs::path(name).filename().string() + " | " + std::to_string(read.rows) + " | " +
             std::to_string(read.items.size()) + " | " + std::to_string(read.neutral) + " | " +
             std::to_string(read.bad.size()) + " |\n";
    say(name + ": " + std::to_string(read.items.size()) + " pairs of " + std::to_string(read.rows) +
        " rows");
    for (const auto& [reason, count] : reasons) say("  " + std::to_string(count) + ": " + reason);
    Domain& into = domains_[domain];
    for (PreferencePair& pair : read.items) {
      into.split.push_back(
          static_cast<std::size_t>(llama2::hash_bytes(pair.messages[0].text, 1) % splits));
      EncodedPair encoded = llama2::encode_pair(tokenizer_, pair);
      keep_end(encoded.chosen, o_.longest);
      keep_end(encoded.rejected, o_.longest);
      into.encoded.push_back(std::move(encoded));
      into.pairs.push_back(std::move(pair));
    }
  }

  static std::string key_of(std::size_t split, const std::string& model, const std::string& test) {
    return "split " + std::to_string(split) + ", " + model + ", on " + test;
  }

  /// What models of a domain are tested on.
  static std::vector<std::string> tests_of(const std::string& domain) {
    if (domain == "pandalm") return {domain};
    return {domain, domain == "helpful" ? "harmless" : "helpful"};
  }

  void keep(const std::string& key, const std::vector<double>& differences) {
    const std::pair<std::string, llama2::ItemLog::Json> item{key, {{"differences", differences}}};
    log_->append(std::span(&item, 1));
    const auto right = std::ranges::count_if(differences, [](double d) { return d > 0; });
    char text[160];
    std::snprintf(text, sizeof text, "%s: %.1f %% of %zu", key.c_str(),
                  100.0 * static_cast<double>(right) / static_cast<double>(differences.size()),
                  differences.size());
    say(text);
  }

  void baselines(std::size_t split, const std::string& domain) {
    const Domain& d = domains_.at(domain);
    std::vector<examples::AnswerPair> train;
    for (const std::size_t i : d.part(split, false))
      train.push_back({d.pairs[i].chosen, d.pairs[i].rejected});
    const std::vector<std::string> tests = tests_of(domain);
    if (log_->items().contains(key_of(split, domain + " words", tests.back()))) return;
    const examples::BagOfWords words(train);
    const auto longer = [](const examples::AnswerPair& pair) {
      return static_cast<double>(pair.chosen.size()) - static_cast<double>(pair.rejected.size());
    };
    const auto chosen_longer =
        std::ranges::count_if(train, [&](const auto& pair) { return longer(pair) > 0; });
    const double sign = 2 * chosen_longer >= static_cast<std::ptrdiff_t>(train.size()) ? 1 : -1;
    for (const std::string& test : tests) {
      const Domain& t = domains_.at(test);
      std::vector<double> by_words, by_length;
      for (const std::size_t i : t.part(split, true)) {
        const examples::AnswerPair pair{t.pairs[i].chosen, t.pairs[i].rejected};
        by_words.push_back(words.difference(pair));
        by_length.push_back(sign * longer(pair));
      }
      keep(key_of(split, domain + " length", test), by_length);
      keep(key_of(split, domain + " words", test), by_words);
    }
  }

  /// Trains until the end of the schedule, or throws `cancelled` when interrupted; what was saved
  /// is gone on from.
  template <class O, class Source>
  void train(O& objective, Source& source, const llama2::StageOptions& stage, std::size_t items,
             const std::string& name) {
    llama2::TrainerOptions options = stage.trainer(items);
    options.folder = o_.file(name + ".training");
    options.save_every = 100;
    options.keep = 1;
    options.executor = executor_;
    say(name);
    {
      llama2::BasicTrainer<O, Source> trainer(objective, source, options);
      trainer.resume();
      std::stop_source stop;
      examples::TrainingProgress progress(options.schedule.steps, 1e12);
      trainer.callbacks.on_step = [&](const llama2::StepReport& report) {
        progress.show(report);
        if (examples::interrupted) stop.request_stop();
      };
      if (!trainer.run(stop.get_token()))
        throw llama2::Error(llama2::ErrorCode::cancelled,
                            "interrupted and saved; the same command goes on");
    }
    fs::remove_all(options.folder);
  }

  using Base = llama2::Model<Shape, llama2::F32>;

  /// The model that a split's reward models begin with: the base, taught the chosen answers of the
  /// pairs that the split trains on.
  Base chat(std::size_t split) {
    if (o_.chat.epochs == 0) return llama2::load<Base>(o_.base, {.executor = executor_});
    const std::string name = "chat-" + std::to_string(split);
    const std::string path = o_.file(name + ".gguf");
    if (!fs::exists(path)) {
      const Base base = llama2::load<Base>(o_.base, {.executor = executor_});
      std::vector<llama2::TrainingText> texts;
      for (const char* domain : {"helpful", "harmless"}) {
        const Domain& d = domains_.at(domain);
        for (const std::size_t i : d.part(split, false)) {
          std::vector<llama2::Message> messages = d.pairs[i].messages;
          messages.push_back({llama2::Role::assistant, d.pairs[i].chosen});
          llama2::TrainingText text = encode_training_dialogue(tokenizer_, messages);
          if (const std::size_t size = text.tokens.size(); size > o_.longest) {
            keep_end(text.tokens, o_.longest);
            text.learn.erase(text.learn.begin() + 1,
                             text.learn.end() - static_cast<std::ptrdiff_t>(o_.longest) + 1);
          }
          if (text.targets() != 0) texts.push_back(std::move(text));
        }
      }
      const std::size_t count = texts.size();
      llama2::LanguageModel<Shape> model(copy_parameters(base), base.config(), 2 * o_.longest,
                                         executor_);
      llama2::TextBatches batches(std::move(texts), o_.chat.batch, o_.longest, split);
      train(model, batches, o_.chat, count, name);
      write_gguf(path, model.model(), &tokenizer_.vocabulary());
    }
    return llama2::load<Base>(path, {.executor = executor_});
  }

  void reward(std::size_t split, const std::string& domain, llama2::Margin margin) {
    static constexpr std::array<const char*, 3> margins = {"", " small margin", " large margin"};
    const std::string model_name = domain + margins[static_cast<std::size_t>(margin)];
    const std::vector<std::string> tests = tests_of(domain);
    if (log_->items().contains(key_of(split, model_name, tests.back()))) return;

    const Domain& d = domains_.at(domain);
    std::vector<EncodedPair> pairs;
    for (const std::size_t i : d.part(split, false)) pairs.push_back(d.encoded[i]);
    const Base begin = chat(split);
    llama2::RewardModel<Shape> model(copy_parameters(begin), begin.config(), 2 * o_.longest, {},
                                     executor_);
    const std::size_t count = pairs.size();
    llama2::PairBatches batches(std::move(pairs), o_.reward.batch, 2 * o_.longest, margin, split);
    std::string name = "reward-" + model_name + "-" + std::to_string(split);
    std::ranges::replace(name, ' ', '-');
    train(model, batches, o_.reward, count, name);
    write_reward_model(o_.file(name + ".gguf"), model, &tokenizer_.vocabulary());
    for (const std::string& test : tests) {
      const Domain& t = domains_.at(test);
      std::vector<EncodedPair> held_out;
      for (const std::size_t i : t.part(split, true)) held_out.push_back(t.encoded[i]);
      const llama2::RatedAccuracy measured =
          pair_accuracy(std::span<const EncodedPair>(held_out),
                        [&](std::span<const std::span<const llama2::Token>> texts) {
                          return model.scores(texts);
                        });
      keep(key_of(split, model_name, test), measured.differences);
    }
  }

  /// The splits that all of these models have been tested in.
  [[nodiscard]] std::vector<std::size_t> tested(const std::vector<std::string>& models,
                                                const std::string& test) const {
    std::vector<std::size_t> result;
    for (std::size_t split = 0; split < splits; ++split)
      if (std::ranges::all_of(models, [&](const std::string& model) {
            return log_->items().contains(key_of(split, model, test));
          }))
        result.push_back(split);
    return result;
  }

  /// 1 or 0 for each pair that some splits test, in their order.
  [[nodiscard]] std::vector<double> right(std::span<const std::size_t> in, const std::string& model,
                                          const std::string& test) const {
    std::vector<double> result;
    for (const std::size_t split : in)
      for (const double d : log_->items()
                                .at(key_of(split, model, test))
                                .at("differences")
                                .template get<std::vector<double>>())
        result.push_back(d > 0 ? 1 : 0);
    return result;
  }

  /// "57.1 (55.9 to 58.3)".
  static std::string percent(std::span<const double> values) {
    if (values.empty()) return "";
    const auto count = static_cast<std::size_t>(std::ranges::count(values, 1.0));
    const llama2::Interval interval = llama2::wilson_interval(count, values.size(), 0.95);
    char text[80];
    std::snprintf(text, sizeof text, "%.1f (%.1f to %.1f)", 100 * llama2::mean_of(values),
                  100 * interval.low, 100 * interval.high);
    return text;
  }

  void report() {
    std::string text = "| file | rows | pairs | ties | left out |\n|---|---|---|---|---|\n" + data_;
    text +=
        "\n| trained on | tested on | splits | reward model | words | length |\n"
        "|---|---|---|---|---|---|\n";
    std::string paired = "\n| domain | reward model - words, points |\n|---|---|\n";
    for (const std::string domain : {"helpful", "harmless"})
      for (const std::string test : {"helpful", "harmless"}) {
        const auto in = tested({domain, domain + " words"}, test);
        const auto model = right(in, domain, test), words = right(in, domain + " words", test);
        text += "| " + domain + " | " + test + " | " + std::to_string(in.size()) + " | " +
                percent(model) + " | " + percent(words) + " | " +
                percent(right(in, domain + " length", test)) + " |\n";
        if (domain == test && !model.empty()) paired += paired_row(domain, words, model);
      }
    if (domains_.contains("pandalm")) {
      const std::vector<std::string> models = {"pandalm", "pandalm small margin",
                                               "pandalm large margin", "pandalm words",
                                               "pandalm length"};
      const auto in = tested(models, "pandalm");
      text += "\n| PandaLM, " + std::to_string(in.size()) +
              " splits | all | significantly | better | slightly | negligibly |\n"
              "|---|---|---|---|---|---|\n";
      for (const std::string& model : models) text += rated_row(in, model);
      if (!in.empty())
        paired += paired_row("pandalm", right(in, "pandalm words", "pandalm"),
                             right(in, "pandalm", "pandalm"));
    }
    text += paired;
    std::fputs(text.c_str(), stdout);
    llama2::OutputFile file(o_.file("report.md"));
    file.write(text);
    file.commit();
  }

  static std::string paired_row(const std::string& domain, std::span<const double> words,
                                std::span<const double> model) {
    const llama2::PairedTest test = llama2::paired_bootstrap(words, model, 0.95, 1);
    char text[120];
    std::snprintf(text, sizeof text, "| %s | %+.1f (%+.1f to %+.1f) |\n", domain.c_str(),
                  100 * test.difference, 100 * test.interval.low, 100 * test.interval.high);
    return text;
  }

  /// A model's accuracy on PandaLM's pairs, by how far the judges agreed.
  [[nodiscard]] std::string rated_row(std::span<const std::size_t> in,
                                      const std::string& model) const {
    const std::vector<double> all = right(in, model, "pandalm");
    const Domain& d = domains_.at("pandalm");
    std::array<std::vector<double>, 4> by_rating;
    std::size_t next = 0;
    for (const std::size_t split : in)
      for (const std::size_t i : d.part(split, true))
        by_rating[static_cast<std::size_t>(*d.pairs[i].rating)].push_back(all[next++]);
    std::string row = "| " + model + " | " + percent(all);
    for (const auto& values : by_rating) row += " | " + percent(values);
    return row + " |\n";
  }

  Options o_;
  llama2::SharedExecutor executor_;
  llama2::Tokenizer tokenizer_;
  std::optional<llama2::ItemLog> log_;
  std::map<std::string, Domain> domains_;
  std::string data_;
};

}  // namespace

int main(int argc, char** argv) {
  Options o;
  CLI::App app("Trains reward models on Anthropic's preference pairs, and measures them");
  app.add_option("base", o.base,
                 "A language model of pretrain --shape stories260k or mini, with its tokenizer")
      ->required()
      ->check(CLI::ExistingFile);
  app.add_option("hh", o.hh, "The folder of helpful-base.test.jsonl.gz and the others")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_option("out", o.out, "A folder for what is made; the same command goes on there")
      ->required();
  app.add_option("--pandalm", o.pandalm, "PandaLM's testset-v1.json: margins by agreement")
      ->check(CLI::ExistingFile);
  app.add_option("--longest", o.longest, "Tokens of a text; of longer ones the last")
      ->check(CLI::Range(16, 512))
      ->capture_default_str();
  app.add_option("--chat-epochs", o.chat.epochs,
                 "Of fine-tuning on chosen answers before; 0: begin with the base")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  app.add_option("--chat-rate", o.chat.peak, "Its highest learning rate")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--epochs", o.reward.epochs, "Of a reward model")
      ->check(CLI::Range(0.01, 100.0))
      ->capture_default_str();
  app.add_option("--rate", o.reward.peak, "Its highest learning rate")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--batch", o.reward.batch, "Pairs of a step")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app.add_option("--threads", o.threads, "0: one per processor")->check(examples::whole_number);
  return examples::run(app, argc, argv, [&] {
    examples::catch_interrupt();
    if (llama2::open_checkpoint(o.base).shape.dim == examples::Mini::dim)
      Study<examples::Mini>(o).run();
    else
      Study<llama2::Stories260K>(o).run();
  });
}
