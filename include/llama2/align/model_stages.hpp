// The steps of alignment as stages of a ledger: tuning, training of reward models, sampling, PPO;
// from files to files, each resumable to the bit.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <sstream>
#include <stop_token>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "llama2/align/answers.hpp"
#include "llama2/align/pair_batches.hpp"
#include "llama2/align/policy_model.hpp"
#include "llama2/align/ppo.hpp"
#include "llama2/align/reward.hpp"
#include "llama2/align/reward_model.hpp"
#include "llama2/align/stage_ledger.hpp"
#include "llama2/align/text_batches.hpp"
#include "llama2/align/training_text.hpp"
#include "llama2/base/error.hpp"
#include "llama2/base/hash.hpp"
#include "llama2/base/watch.hpp"
#include "llama2/io/gguf_writer.hpp"
#include "llama2/io/load.hpp"
#include "llama2/text/chat_format.hpp"
#include "llama2/text/tokenizer.hpp"
#include "llama2/text/utf8.hpp"
#include "llama2/train/language_model.hpp"
#include "llama2/train/metrics.hpp"
#include "llama2/train/trainer.hpp"

namespace llama2::inline LLAMA2_ABI {

/// How a model is tuned; the values are the paper's (section 3.1), but for the warm-up, which it
/// does not say.
struct TuningPlan {
  double rate = 2e-5;  ///< the highest; a cosine leads to a tenth of it
  std::size_t epochs = 2;
  std::size_t batch = 64;  ///< texts of a step
  double warmup_share = 0.03;
  double weight_decay = 0.1;
};

/// How a reward model is trained; the values are the paper's (section 3.2.2), but for the margin
/// and the weight of the auxiliary loss, which it does not say, and `token_share`, which it has
/// not.
struct RewardPlan {
  double rate = 1e-5;
  std::size_t epochs = 1;
  std::size_t batch = 512;  ///< pairs of a step
  double warmup_share = 0.03;
  std::uint64_t least_warmup = 5;  ///< steps
  double weight_decay = 0.1;
  Margin margin = Margin::small;
  double safety_weight = 0;  ///< of `RewardModelOptions`
  double token_share = 0;    ///< of `RewardModelOptions`
};

/// How PPO is watched: the paper stops early on held-out prompts.
struct PpoWatch {
  std::uint64_t every = 10;    ///< iterations between two looks
  std::uint64_t patience = 3;  ///< looks without a new best one after which it ends; 0: it goes on
};

inline nlohmann::ordered_json as_json(const TuningPlan& p) {
  return {{"rate", p.rate},
          {"epochs", p.epochs},
          {"batch", p.batch},
          {"warmup_share", p.warmup_share},
          {"weight_decay", p.weight_decay}};
}
inline nlohmann::ordered_json as_json(const RewardPlan& p) {
  constexpr const char* margins[] = {"none", "small", "large"};
  return {{"rate", p.rate},
          {"epochs", p.epochs},
          {"batch", p.batch},
          {"warmup_share", p.warmup_share},
          {"least_warmup", p.least_warmup},
          {"weight_decay", p.weight_decay},
          {"margin", margins[static_cast<std::size_t>(p.margin)]},
          {"safety_weight", p.safety_weight},
          {"token_share", p.token_share}};
}
/// What of the options decides a result.
inline nlohmann::ordered_json as_json(const PpoOptions& o) {
  nlohmann::ordered_json json = {{"iterations", o.iterations},
                                 {"batch", o.batch},
                                 {"minibatch", o.minibatch},
                                 {"beta", o.beta},
                                 {"learning_rate", o.learning_rate},
                                 {"weight_decay", o.optimiser.weight_decay},
                                 {"discount", o.advantages.discount},
                                 {"trace", o.advantages.trace},
                                 {"whiten_scores", o.whiten_scores},
                                 {"whiten_advantages", o.whiten_advantages},
                                 {"unfinished_penalty", o.unfinished_penalty},
                                 {"max_tokens", o.max_tokens},
                                 {"context", o.context},
                                 {"seed", o.seed}};
  if (std::isfinite(o.max_kl)) json["max_kl"] = o.max_kl;  // JSON has no other numbers
  return json;
}
inline nlohmann::ordered_json as_json(const PpoWatch& w) {
  return {{"every", w.every}, {"patience", w.patience}};
}
/// An iteration's figures; what is in seconds differs from run to run.
inline nlohmann::ordered_json as_json(const PpoReport& r) {
  return {{"iteration", r.iteration},
          {"score", r.score},
          {"kl", r.kl},
          {"entropy", r.entropy},
          {"length", r.length},
          {"finished", r.finished},
          {"policy_loss", r.loss.policy},
          {"value_loss", r.loss.value},
          {"clip_fraction", r.loss.clip_fraction},
          {"step_kl", r.loss.kl},
          {"gradient_norm", r.gradient_norm},
          {"explained_variance", r.explained_variance},
          {"answer_tokens", r.answer_tokens},
          {"rollout_seconds", r.rollout_seconds},
          {"score_seconds", r.score_seconds},
          {"update_seconds", r.update_seconds}};
}

/// Whether an answer can be learnt, and shown to others: a text in UTF-8 that is not empty and
/// holds no tag of the dialogue format.
inline bool is_usable_answer(std::string_view text) {
  if (strip(text).empty() || replace_invalid_utf8(text) != text) return false;
  return std::ranges::none_of(
      chat_tags, [&](std::string_view tag) { return text.find(tag) != std::string_view::npos; });
}

/// The objects of a text of JSON lines.
inline std::vector<nlohmann::ordered_json> parse_lines(const std::string& text) {
  std::vector<nlohmann::ordered_json> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    lines.push_back(nlohmann::ordered_json::parse(line));
  return lines;
}

/// What stages on models of shape S have in common, and each of them. A stage STAGE leaves
/// STAGE.json, and a model STAGE.gguf or a reward model STAGE.reward; what trains also leaves the
/// folder STAGE.steps with the numbers of each step.
template <ModelShape S>
class ModelStages {
 public:
  using Model = llama2::Model<S, F32>;
  using Json = StageLedger::Json;
  using Text = std::span<const Token>;

  struct Options {
    SharedExecutor executor = {};
    /// Asks the stage at work to save and to throw `cancelled`.
    std::stop_token stop = {};
    /// Told how far a stage is, in units of its own. May be empty.
    std::function<void(const std::string& stage, std::uint64_t done, std::uint64_t all)>
        on_progress = {};
    std::uint64_t save_every = 100;  ///< steps of a training
    std::size_t answers_at_once = 64;
  };

  /// Refers to the ledger.
  ModelStages(StageLedger& ledger, Tokenizer tokenizer, Options options)
      : ledger_(ledger), tokenizer_(std::move(tokenizer)), options_(std::move(options)) {}

  [[nodiscard]] StageLedger& ledger() noexcept { return ledger_; }
  [[nodiscard]] const Tokenizer& tokenizer() const noexcept { return tokenizer_; }
  [[nodiscard]] const Options& options() const noexcept { return options_; }

  [[nodiscard]] std::string model_path(const std::string& stage) const {
    return ledger_.path(stage + ".gguf");
  }
  [[nodiscard]] Model load_model(const std::string& path) const {
    return load<Model>(path, {.executor = options_.executor});
  }
  void progress(const std::string& stage, std::uint64_t done, std::uint64_t all) const {
    if (options_.on_progress) options_.on_progress(stage, done, all);
  }

  /// Tunes the model of a file on texts() and writes STAGE.gguf. Texts longer than the context are
  /// left out and counted.
  template <class Texts>
  Json tune(const std::string& stage, const std::string& start, Json made_of, Texts&& texts,
            const TuningPlan& plan, std::uint64_t seed) {
    made_of["plan"] = as_json(plan);
    made_of["seed"] = seed;
    return ledger_.run(stage, made_of, [&] {
      std::vector<TrainingText> all = texts();
      const std::size_t count = all.size();
      std::erase_if(all, [](const TrainingText& t) { return t.tokens.size() > S::context; });
      std::uint64_t tokens = 0;
      for (const TrainingText& text : all) tokens += text.tokens.size();
      Json figures = {{"texts", all.size()}, {"too_long", count - all.size()}, {"tokens", tokens}};

      const Model base = load_model(start);
      LanguageModel<S> model(copy_parameters(base), base.config(), S::context, options_.executor);
      TrainerOptions options;
      options.optimiser.weight_decay = plan.weight_decay;
      options.schedule = schedule_of(plan, all.size(), 0);
      TextBatches batches(std::move(all), plan.batch, S::context, seed);
      fit(stage, model, batches, std::move(options), figures);
      write_model(stage, model.model());
      return figures;
    });
  }

  /// Trains a reward model on pairs(), its trunk begun with the model of a file. Pairs whose texts
  /// are longer than the context are left out and counted.
  template <class Pairs>
  Json train_reward(const std::string& stage, const std::string& start, Json made_of, Pairs&& pairs,
                    const RewardPlan& plan, std::uint64_t seed) {
    made_of["plan"] = as_json(plan);
    made_of["seed"] = seed;
    return ledger_.run(stage, made_of, [&] {
      std::vector<EncodedPair> all = pairs();
      const std::size_t count = all.size();
      std::erase_if(all, [](const EncodedPair& pair) {
        return std::max(pair.chosen.size(), pair.rejected.size()) > S::context;
      });
      std::uint64_t tokens = 0;
      for (const EncodedPair& pair : all) tokens += pair.size();
      Json figures = {{"pairs", all.size()}, {"too_long", count - all.size()}, {"tokens", tokens}};

      const Model base = load_model(start);
      RewardModel<S> model(copy_parameters(base), base.config(), 2 * S::context,
                           {.safety_weight = plan.safety_weight, .token_share = plan.token_share},
                           options_.executor);
      TrainerOptions options;
      options.optimiser.weight_decay = plan.weight_decay;
      options.schedule = schedule_of(plan, all.size(), plan.least_warmup);
      PairBatches batches(std::move(all), plan.batch, 2 * S::context, plan.margin, seed);
      fit(stage, model, batches, std::move(options), figures);
      write_reward(stage, model);
      return figures;
    });
  }

  /// Scores whole texts by the reward model that a stage has trained.
  class Scorer {
   public:
    Scorer(const ModelStages& stages, const std::string& stage)
        : model_(std::make_unique<RewardModel<S>>(ParameterStorage<S>(), ModelConfig::of<S>(),
                                                  S::context, RewardModelOptions(),
                                                  stages.options_.executor)) {
      AdamW moments(model_->tensors(), {}, {});
      TrainState(stages.reward_path(stage)).copy_to(model_->tensors(), moments.moments());
      model_->values_changed();
    }
    [[nodiscard]] std::vector<double> operator()(std::span<const Text> texts) const {
      return model_->scores(texts);
    }

   private:
    std::unique_ptr<RewardModel<S>> model_;
  };

  /// The two reward models of alignment.
  struct Scorers {
    Scorer helpfulness, safety;

    [[nodiscard]] std::vector<AnswerScores> operator()(std::span<const Text> texts) const {
      const std::vector<double> h = helpfulness(texts), s = safety(texts);
      std::vector<AnswerScores> scores;
      for (std::size_t i = 0; i < texts.size(); ++i) scores.push_back({h[i], s[i]});
      return scores;
    }
  };
  [[nodiscard]] Scorers load_scorers(const std::string& helpfulness,
                                     const std::string& safety) const {
    return {Scorer(*this, helpfulness), Scorer(*this, safety)};
  }

  /// The scores of sampled answers to prompts, as they were sampled; the end is added to answers
  /// that have none.
  [[nodiscard]] std::vector<AnswerScores> score(const Scorers& scorers,
                                                std::span<const std::vector<Token>> prompts,
                                                std::span<const SampledAnswer> answers) const {
    std::vector<std::vector<Token>> whole;
    for (const SampledAnswer& answer : answers) {
      std::vector<Token>& text = whole.emplace_back(prompts[answer.prompt]);
      text.insert(text.end(), answer.tokens.begin(), answer.tokens.end());
      if (!answer.finished) text.push_back(tokenizer_.eos());
      if (text.size() > S::context) text.erase(text.begin() + S::context - 1, text.end() - 1);
    }
    const std::vector<Text> texts(whole.begin(), whole.end());
    return scorers(texts);
  }

  /// Dialogues that end with the user, as tokens.
  template <class Dialogues>
  [[nodiscard]] std::vector<std::vector<Token>> encode(const Dialogues& dialogues) const {
    std::vector<std::vector<Token>> prompts;
    for (const auto& messages : dialogues)
      prompts.push_back(encode_dialogue(tokenizer_, std::span<const Message>(messages)));
    return prompts;
  }

  /// Samples answers by a model; see `sample_answers`.
  [[nodiscard]] std::vector<SampledAnswer> sample(const Model& model,
                                                  std::span<const std::vector<Token>> prompts,
                                                  AnswerOptions options) const {
    options.at_once = options_.answers_at_once;
    options.stop = options_.stop;
    return sample_answers(model, tokenizer_, prompts, S::context, options);
  }

  /// Improves the model of a file by PPO on prompts. `held_out` says how good a policy is: it is
  /// asked before the first iteration and at each look, and the best policy seen becomes
  /// STAGE.gguf. STAGE.iterations.jsonl has a line for each iteration.
  Json ppo(const std::string& stage, const std::string& start, Json made_of,
           const std::vector<std::vector<Token>>& prompts, const AnswerScorer& scorer,
           const std::function<double(const Model&)>& held_out, PpoOptions ppo_options,
           const PpoWatch& watch) {
    made_of["plan"] = as_json(ppo_options);
    made_of["watch"] = as_json(watch);
    return ledger_.run(stage, made_of, [&] {
      const Model base = load_model(start);
      PolicyModel<S> policy(copy_parameters(base), base.config(), S::context, {},
                            options_.executor);
      FrozenModel<S> reference(policy.weights(), base.config(), S::context, options_.executor);
      ppo_options.executor = options_.executor;
      ppo_options.folder = ledger_.scratch(stage);
      ppo_options.save_every = watch.every;
      ppo_options.keep = 1;
      ppo_options.answers_at_once = options_.answers_at_once;
      Ppo<S> ppo(policy, std::ref(reference), scorer, tokenizer_, prompts, ppo_options);
      ppo.resume();

      Looks looks(ledger_.path(stage + ".iterations.jsonl"), ppo.iteration());
      const auto look = [&](Json line) {
        line["held_out"] = held_out(policy.model());
        if (looks.add(std::move(line))) write_model(stage, policy.model());
      };
      if (ppo.iteration() == 0) look({{"iteration", 0}});
      const auto ended = [&] {
        return watch.patience != 0 && looks.since_best() >= watch.patience;
      };
      ppo.on_iteration = [&](const PpoReport& report) {
        if (report.iteration % watch.every == 0 || ppo.finished())
          look(as_json(report));
        else
          looks.add(as_json(report));
        progress(stage, report.iteration, ppo_options.iterations);
        return !ended();
      };
      const bool finished = ended() || ppo.run(options_.stop);
      if (!finished && !ended() && options_.stop.stop_requested())
        throw_if_cancelled(options_.stop);
      return Json{{"iterations", ppo.iteration()},
                  {"ended_early", !finished},
                  {"best_iteration", looks.best_iteration()},
                  {"held_out_before", looks.first()},
                  {"held_out_best", looks.best()},
                  {"held_out_last", looks.last()}};
    });
  }

  void write_model(const std::string& stage, const Model& model) const {
    write_gguf(model_path(stage), model, &tokenizer_.vocabulary());
  }

 private:
  /// The lines of a PPO's log, and what was best of what was held out.
  class Looks {
   public:
    /// Keeps of a file what was written up to an iteration; after none, nothing.
    Looks(std::string path, std::uint64_t iteration) : path_(std::move(path)) {
      if (iteration == 0 || !os::find(path_)) return;
      for (Json& line : parse_lines(read_text_file(path_)))
        if (line.at("iteration").get<std::uint64_t>() <= iteration) take(line);
    }
    /// Writes a line; whether it is the best look so far.
    bool add(const Json& line) {
      const bool best = take(line);
      write_text_file(path_, text_);
      return best;
    }
    [[nodiscard]] std::uint64_t since_best() const noexcept { return since_best_; }
    [[nodiscard]] std::uint64_t best_iteration() const noexcept { return best_iteration_; }
    [[nodiscard]] double first() const noexcept { return first_; }
    [[nodiscard]] double best() const noexcept { return best_; }
    [[nodiscard]] double last() const noexcept { return last_; }

   private:
    bool take(const Json& line) {
      text_ += line.dump() + '\n';
      if (!line.contains("held_out")) return false;
      last_ = line["held_out"].get<double>();
      if (looks_++ == 0) first_ = last_;
      ++since_best_;
      if (looks_ != 1 && last_ <= best_) return false;
      best_ = last_;
      best_iteration_ = line["iteration"].get<std::uint64_t>();
      since_best_ = 0;
      return true;
    }

    std::string path_, text_;
    std::uint64_t looks_ = 0, since_best_ = 0, best_iteration_ = 0;
    double first_ = 0, best_ = 0, last_ = 0;
  };

  template <class Plan>
  static Schedule schedule_of(const Plan& plan, std::size_t items, std::uint64_t least_warmup) {
    Schedule schedule{.peak = plan.rate};
    schedule.steps = std::max<std::uint64_t>(
        1, (std::uint64_t{items} * plan.epochs + plan.batch - 1) / plan.batch);
    schedule.warmup_steps = std::max(
        least_warmup, static_cast<std::uint64_t>(
                          std::lround(plan.warmup_share * static_cast<double>(schedule.steps))));
    return schedule;
  }

  /// Trains to the end, or throws `cancelled` with the state saved.
  template <class O, class Source>
  void fit(const std::string& stage, O& objective, Source& source, TrainerOptions options,
           Json& figures) {
    options.executor = options_.executor;
    options.folder = ledger_.scratch(stage);
    options.save_every = options_.save_every;
    options.keep = 1;
    const std::uint64_t steps = options.schedule.steps;
    BasicTrainer<O, Source> trainer(objective, source, std::move(options));
    trainer.resume();
    const std::string numbers = ledger_.path(stage + ".steps");
    std::error_code error;
    std::filesystem::create_directories(numbers, error);  // the log says if there is none
    MetricsLog log(numbers, trainer.step());
    trainer.callbacks.on_step = [&](const StepReport& report) {
      log.write(report);
      log.flush();
      progress(stage, report.step, steps);
    };
    if (!trainer.run(options_.stop)) throw_if_cancelled(options_.stop);
    figures["steps"] = steps;
    // Means over the first and the last tenth of the steps.
    const auto lines =
        parse_lines(read_text_file((std::filesystem::path(numbers) / "metrics.jsonl").string()));
    const std::size_t tenth = std::max<std::size_t>(1, lines.size() / 10);
    double first = 0, last = 0;
    for (std::size_t i = 0; i < tenth && i < lines.size(); ++i) {
      first += lines[i].at("loss").template get<double>();
      last += lines[lines.size() - 1 - i].at("loss").template get<double>();
    }
    figures["first_loss"] = first / static_cast<double>(tenth);
    figures["last_loss"] = last / static_cast<double>(tenth);
  }

  [[nodiscard]] std::string reward_path(const std::string& stage) const {
    return ledger_.path(stage + ".reward");
  }
  void write_reward(const std::string& stage, RewardModel<S>& model) const {
    AdamW moments(model.tensors(), {}, {});
    write_train_state(reward_path(stage), StateFields(), model.tensors(), moments.moments());
  }

  StageLedger& ledger_;
  Tokenizer tokenizer_;
  Options options_;
};

}  // namespace llama2::inline LLAMA2_ABI
