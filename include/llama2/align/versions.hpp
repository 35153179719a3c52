// From a base model to its fifth chat version: the iterations of the Llama 2 paper (section 3.2.3),
// as stages over a world that asks, demonstrates and compares.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/align/best_of.hpp"
#include "llama2/align/context_distillation.hpp"
#include "llama2/align/ghost_attention.hpp"
#include "llama2/align/model_stages.hpp"
#include "llama2/align/rejection_sampling.hpp"
#include "llama2/base/hash.hpp"
#include "llama2/base/random.hpp"
#include "llama2/data/json_lines.hpp"
#include "llama2/data/preferences.hpp"

namespace llama2::inline LLAMA2_ABI {

/// What comparisons are about, and so what a reward model is for.
enum class RewardKind : std::uint8_t { helpfulness, safety };
constexpr std::string_view to_string(RewardKind kind) noexcept {
  return kind == RewardKind::helpfulness ? "helpfulness" : "safety";
}

/// What prompts are drawn for: prompts of one purpose are not those of another.
enum class PromptUse : std::uint8_t { compare, sample, distil, policy, watch };

/// What is asked of a model. A world's prompts derive from it and may know more.
struct VersionPrompt {
  std::string name{};               ///< no other prompt has it
  std::vector<Message> messages{};  ///< the last one is the user's
  bool safety = false;              ///< whether it may draw unsafe answers
};

/// What a user says in a dialogue, and the instruction that is to hold through it.
struct StandingDialogue {
  std::string instruction;
  std::vector<std::string> user_messages;
};

/// Who asks, demonstrates and compares. All that it says is a function of its arguments.
template <class W>
concept VersionsWorld = std::derived_from<typename W::Prompt, VersionPrompt> &&
                        requires(W& world, RewardKind kind, PromptUse use, std::uint64_t index,
                                 const typename W::Prompt& prompt, const std::string& answer) {
                          /// What tells it from other worlds, for stages' records.
                          { world.identity() } -> std::convertible_to<nlohmann::ordered_json>;
                          /// Dialogues with good answers, for supervised fine-tuning.
                          {
                            world.demonstrations()
                          } -> std::same_as<std::vector<std::vector<Message>>>;
                          /// A prompt about helpfulness, or one that may draw unsafe answers.
                          { world.prompt(kind, use, index) } -> std::same_as<typename W::Prompt>;
                          /// Somebody's comparison of two answers that differ; none where that is
                          /// not collected, such as of an unsafe answer that is preferred to a safe
                          /// one. `index` is a seed.
                          {
                            world.compare(kind, prompt, answer, answer, index)
                          } -> std::same_as<std::optional<PreferencePair>>;
                          { world.standing(index) } -> std::same_as<StandingDialogue>;
                          /// What is put in front of a prompt that may draw unsafe answers, to be
                          /// distilled.
                          { world.preprompt(prompt, index) } -> std::same_as<std::string>;
                        };

/// How the versions are made. The paper's values where it gives them; numbers of prompts are those
/// of a model of a few million weights.
struct VersionsPlan {
  std::uint64_t seed = 1;
  std::size_t rounds = 5;  ///< each gives a version; after the last one's tuning comes PPO
  TuningPlan tuning = {};  ///< of the supervised model and of each version
  RewardPlan helpfulness = {};
  RewardPlan safety = {.safety_weight = 1};

  /// Prompts whose answers are compared in the first round, in each later one.
  std::array<std::size_t, 2> helpfulness_comparisons = {3000, 1500};
  std::array<std::size_t, 2> safety_comparisons = {2000, 1000};
  /// Of the two answers to compare: of the latest version, and of the one before it.
  std::array<float, 2> helpfulness_temperatures = {0.8f, 1.1f};
  std::array<float, 2> safety_temperatures = {0.8f, 1.1f};
  /// The helpfulness model learns from its own pairs that are rated so or more clearly.
  PreferenceRating helpfulness_least = PreferenceRating::negligibly;
  /// Pairs about safety that the helpfulness model learns from, as a share of its own.
  double helpfulness_rest = 1;
  /// Share of helpfulness in the safety model's pairs.
  double safety_rest = 0.1;

  std::size_t prompts = 1500;  ///< of a round of rejection sampling
  std::size_t per_prompt = 8;  ///< answers to choose from
  double safety_share = 0.3;   ///< of those prompts, and of PPO's
  double prompts_again = 0.5;  ///< share of the prompts that the round before had, too
  std::array<float, 3> temperatures = {0.7f, 1.0f, 1.3f};
  std::size_t temperature_prompts = 48;  ///< on which the temperature is chosen
  std::size_t max_tokens = 96;           ///< of an answer

  std::size_t distil_from = 2;  ///< the first round with context distillation; 0: none
  std::size_t distil_prompts = 300;
  bool distil_targeted = true;

  std::size_t ghost_from = 4;  ///< the first round with Ghost Attention (after V3); 0: none
  std::size_t ghost_dialogues = 400;
  std::size_t ghost_answers = 4;  ///< to choose each turn's from

  std::uint64_t ppo_iterations = 60;
  std::size_t ppo_batch = 256;
  std::size_t ppo_minibatch = 64;
  std::size_t ppo_prompts = 4096;
  double ppo_beta = 0.01;
  double ppo_rate = 1e-6;
  double ppo_max_kl = 30;  ///< nats of an answer
  PpoWatch watch = {};
  std::size_t watch_prompts = 128;
};

/// The stages of the versions, each done once:
///
///   sft                          the supervised model, from the base
///   vN.compare.KIND              comparisons of the latest version's answers
///   vN.reward.KIND               both reward models, begun with the latest version
///   vN.temperature, vN.sample    the best of several answers
///   vN.distil, vN.ghost          what is learnt besides
///   vN                           from the base: demonstrations, the best answers of all rounds,
///   ... vN.start, vN                 of the last: the same, and PPO on top
template <ModelShape S, VersionsWorld World>
class Versions {
 public:
  using Stages = ModelStages<S>;
  using Json = StageLedger::Json;
  using Model = typename Stages::Model;
  using Prompt = typename World::Prompt;

  /// Refers to the stages and to the world. `base` is the file of the base model.
  Versions(Stages& stages, World& world, std::string base, const VersionsPlan& plan)
      : stages_(stages), world_(world), base_(std::move(base)), plan_(plan) {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx",
                  static_cast<unsigned long long>(hash_bytes(read_text_file(base_))));
    base_seal_ = text;
  }

  [[nodiscard]] const VersionsPlan& plan() const noexcept { return plan_; }
  /// The stage that makes a version's model; 0 is the supervised one.
  [[nodiscard]] static std::string stage_of(std::size_t version) {
    return version == 0 ? "sft" : "v" + std::to_string(version);
  }

  /// All stages.
  void run() {
    tune_supervised();
    for (std::size_t round = 1; round <= plan_.rounds; ++round) run_round(round);
  }

  void tune_supervised() {
    stages_.tune(
        "sft", base_, made_of({}),
        [&] {
          std::vector<TrainingText> texts;
          append_demonstrations(texts);
          return texts;
        },
        plan_.tuning, seed_of("sft"));
  }

  /// All stages of a version; those before it must be done.
  void run_round(std::size_t round) {
    compare(round, RewardKind::helpfulness);
    compare(round, RewardKind::safety);
    train_reward(round, RewardKind::helpfulness);
    train_reward(round, RewardKind::safety);
    choose_temperature(round);
    sample_best(round);
    if (has_distillation(round)) distil_preprompts(round);
    if (has_ghosts(round)) sample_ghosts(round);
    tune_version(round);
    if (round == plan_.rounds) improve_by_ppo(round);
  }

  /// The names of a round's stages, for what else is made of them.
  [[nodiscard]] static std::string compare_stage(std::size_t round, RewardKind kind) {
    return in_round(round, "compare." + std::string(to_string(kind)));
  }
  [[nodiscard]] static std::string reward_stage(std::size_t round, RewardKind kind) {
    return in_round(round, "reward." + std::string(to_string(kind)));
  }

  /// All comparisons until a round, encoded.
  [[nodiscard]] std::vector<EncodedPair> pairs_until(std::size_t round, RewardKind kind) const {
    std::vector<EncodedPair> pairs;
    for (std::size_t r = 1; r <= round; ++r)
      for (const PreferencePair& pair : read_preferences(file_of(compare_stage(r, kind))))
        pairs.push_back(encode_pair(stages_.tokenizer(), pair));
    return pairs;
  }

  /// What a round's reward model learns from: the paper's mixtures.
  [[nodiscard]] std::vector<EncodedPair> mixture_of(std::size_t round, RewardKind kind) const {
    std::vector<EncodedPair> helpful = pairs_until(round, RewardKind::helpfulness);
    const std::vector<EncodedPair> safe = pairs_until(round, RewardKind::safety);
    const std::uint64_t seed = seed_of(reward_stage(round, kind));
    if (kind == RewardKind::safety)
      return safety_mixture<EncodedPair>(safe, helpful, seed, plan_.safety_rest);
    std::erase_if(helpful, [&](const EncodedPair& pair) {
      return pair.rating && *pair.rating > plan_.helpfulness_least;
    });
    const auto rest = static_cast<std::size_t>(
        std::lround(plan_.helpfulness_rest * static_cast<double>(helpful.size())));
    return helpfulness_mixture<EncodedPair>(helpful, draw_items<EncodedPair>(safe, rest, seed),
                                            seed);
  }

  /// What a version is tuned on. Studies leave parts of it out.
  struct Parts {
    bool distilled = true;
    bool ghosts = true;
  };
  [[nodiscard]] std::vector<TrainingText> texts_of(std::size_t round, const Parts& parts) const {
    std::vector<TrainingText> texts;
    append_demonstrations(texts);
    for (const auto& [name, line] : best_until(round)) append_line(line, texts);
    for (std::size_t r = 1; r <= round; ++r) {
      if (parts.distilled && has_distillation(r))
        for (const Json& line : parse_lines(read_text_file(file_of(in_round(r, "distil")))))
          if (line.at("kept").get<bool>()) append_line(line, texts);
      if (parts.ghosts && has_ghosts(r))
        for (const Json& line : parse_lines(read_text_file(file_of(in_round(r, "ghost")))))
          append_line(line, texts);
    }
    return texts;
  }

  /// What rejection sampling chose until a round: of each prompt, by name, the latest line that has
  /// an answer.
  [[nodiscard]] std::map<std::string, Json> best_until(std::size_t round) const {
    std::map<std::string, Json> best;
    for (std::size_t r = 1; r <= round; ++r)
      for (Json& line : parse_lines(read_text_file(file_of(in_round(r, "sample")))))
        if (line.contains("answer")) {
          const auto name = line.at("name").get<std::string>();
          best[name] = std::move(line);
        }
    return best;
  }

  void append_demonstrations(std::vector<TrainingText>& texts) const {
    for (const std::vector<Message>& messages : world_.demonstrations())
      texts.push_back(encode_training_dialogue(stages_.tokenizer(), messages));
  }
  /// Of a line {"messages": [...], "answer": ...} of a stage: the answer is to be learnt.
  void append_line(const Json& line, std::vector<TrainingText>& texts) const {
    texts.push_back(
        encode_training_dialogue(stages_.tokenizer(), dialogue_of(line), LearntAnswers::last));
  }
  /// A round's reward models.
  [[nodiscard]] typename Stages::Scorers scorers(std::size_t round) const {
    return stages_.load_scorers(reward_stage(round, RewardKind::helpfulness),
                                reward_stage(round, RewardKind::safety));
  }

  /// Prompts [first, end) of both kinds; of any number the share about safety is the plan's.
  [[nodiscard]] std::vector<Prompt> draw_mixed(PromptUse use, std::size_t first,
                                               std::size_t end) const {
    std::vector<Prompt> prompts;
    for (std::size_t i = first; i < end; ++i) {
      const auto before = [&](std::size_t n) {
        return std::floor(static_cast<double>(n) * plan_.safety_share);
      };
      const bool safety = before(i + 1) > before(i);
      prompts.push_back(
          world_.prompt(safety ? RewardKind::safety : RewardKind::helpfulness, use, i));
    }
    return prompts;
  }
  [[nodiscard]] std::vector<std::vector<Token>> encoded(std::span<const Prompt> prompts) const {
    std::vector<std::vector<Token>> tokens;
    for (const Prompt& prompt : prompts)
      tokens.push_back(encode_dialogue(stages_.tokenizer(), prompt.messages));
    return tokens;
  }
  /// The scores of sampled answers, and what is to be maximised.
  [[nodiscard]] std::vector<double> rewards(std::span<const AnswerScores> scores,
                                            std::span<const Prompt> prompts,
                                            std::span<const SampledAnswer> answers) const {
    std::vector<double> out;
    for (std::size_t i = 0; i < answers.size(); ++i)
      out.push_back(combined_score(scores[i], prompts[answers[i].prompt].safety));
    return out;
  }

  /// How PPO goes in a stage.
  [[nodiscard]] PpoOptions ppo_options(const std::string& stage) const {
    PpoOptions options;
    options.iterations = plan_.ppo_iterations;
    options.batch = plan_.ppo_batch;
    options.minibatch = plan_.ppo_minibatch;
    options.beta = plan_.ppo_beta;
    options.learning_rate = plan_.ppo_rate;
    options.max_kl = plan_.ppo_max_kl;
    options.max_tokens = plan_.max_tokens;
    options.context = S::context;
    options.seed = seed_of(stage);
    return options;
  }

  /// What decides a stage beside its own parameters: the base, the world, and finished stages.
  [[nodiscard]] Json made_of(const std::vector<std::string>& inputs) const {
    Json json = {{"base", base_seal_}, {"world", world_.identity()}, {"inputs", Json::object()}};
    for (const std::string& stage : inputs) json["inputs"][stage] = stages_.ledger().seal(stage);
    return json;
  }

  [[nodiscard]] std::uint64_t seed_of(std::string_view stage) const noexcept {
    return hash_bytes(stage, plan_.seed);
  }

 private:
  static constexpr std::size_t part_prompts = 64;  // what an interruption may lose

  static std::string in_round(std::size_t round, const std::string& what) {
    return stage_of(round) + '.' + what;
  }
  [[nodiscard]] std::string file_of(const std::string& stage) const {
    return stages_.ledger().path(stage + ".jsonl");
  }
  [[nodiscard]] bool has_distillation(std::size_t round) const noexcept {
    return plan_.distil_from != 0 && round >= plan_.distil_from;
  }
  [[nodiscard]] bool has_ghosts(std::size_t round) const noexcept {
    return plan_.ghost_from != 0 && round >= plan_.ghost_from;
  }
  [[nodiscard]] AnswerOptions sampling(std::size_t count, float temperature,
                                       std::uint64_t seed) const {
    return {.per_prompt = count,
            .max_tokens = plan_.max_tokens,
            .temperature = temperature,
            .seed = seed};
  }

  /// A stage whose result is STAGE.jsonl, made in parts of some prompts.
  template <class Make, class Figures>
  void run_lines(const std::string& stage, const Json& made_of, std::size_t prompts, Make&& make,
                 Figures&& figures) {
    StageLedger& ledger = stages_.ledger();
    ledger.run(stage, made_of, [&] {
      auto lines_of = make();  // loads models
      const std::string text =
          ledger.in_parts(stage, (prompts + part_prompts - 1) / part_prompts, [&](std::size_t i) {
            stages_.progress(stage, i * part_prompts, prompts);
            return lines_of(i, i * part_prompts, std::min(prompts, (i + 1) * part_prompts));
          });
      write_text_file(file_of(stage), text);
      return figures(text);
    });
  }

  static std::vector<Message> dialogue_of(const Json& line) {
    std::vector<Message> messages = JsonLine(line.dump(), "a line of a stage", 1).dialogue();
    messages.push_back({Role::assistant, line.at("answer").get<std::string>()});
    return messages;
  }

  // ---- comparisons ----

  void compare(std::size_t round, RewardKind kind) {
    const std::string stage = compare_stage(round, kind);
    const std::string latest = stage_of(round - 1), before = stage_of(round < 2 ? 0 : round - 2);
    const auto& counts =
        kind == RewardKind::helpfulness ? plan_.helpfulness_comparisons : plan_.safety_comparisons;
    const auto& temperatures = kind == RewardKind::helpfulness ? plan_.helpfulness_temperatures
                                                               : plan_.safety_temperatures;
    std::size_t first = 0;  // prompts of earlier rounds
    for (std::size_t r = 1; r < round; ++r) first += counts[r == 1 ? 0 : 1];
    const std::size_t count = counts[round == 1 ? 0 : 1];
    Json made = made_of({latest, before});
    made["prompts"] = {first, count};
    made["temperatures"] = temperatures;
    made["max_tokens"] = plan_.max_tokens;
    made["seed"] = seed_of(stage);
    run_lines(
        stage, made, count,
        [&, stage, kind, first] {
          const std::array<Model, 2> models = {stages_.load_model(stages_.model_path(latest)),
                                               stages_.load_model(stages_.model_path(before))};
          return [&, models, stage, kind, first](std::size_t part, std::size_t begin,
                                                 std::size_t end) {
            const std::vector<Prompt> prompts =
                draw(kind, PromptUse::compare, first + begin, first + end);
            const auto tokens = encoded(prompts);
            std::array<std::vector<SampledAnswer>, 2> answers;
            for (std::size_t k = 0; k < 2; ++k)
              answers[k] = stages_.sample(
                  models[k], tokens, sampling(1, temperatures[k], seed_of(stage) + 2 * part + k));
            std::string lines;
            for (std::size_t i = 0; i < prompts.size(); ++i) {
              const std::string a(strip(answers[0][i].text)), b(strip(answers[1][i].text));
              if (!is_usable_answer(a) || !is_usable_answer(b) || a == b) continue;
              auto pair = world_.compare(kind, prompts[i], a, b, seed_of(stage) + begin + i);
              if (!pair) continue;
              pair->id = prompts[i].name;
              pair->chosen_model = pair->chosen == a ? latest : before;
              pair->rejected_model = pair->chosen == a ? before : latest;
              lines += preference_line(*pair);
            }
            return lines;
          };
        },
        [&](const std::string& text) {
          std::array<std::size_t, 4> ratings{};
          std::array<std::size_t, 3> bins{};
          std::size_t pairs = 0;
          for (const PreferencePair& pair : parse_preferences(text, stage)) {
            ++pairs;
            if (pair.rating) ++ratings[static_cast<std::size_t>(*pair.rating)];
            if (pair.safety) ++bins[static_cast<std::size_t>(*pair.safety)];
          }
          return Json{{"prompts", count}, {"pairs", pairs}, {"ratings", ratings}, {"bins", bins}};
        });
  }

  void train_reward(std::size_t round, RewardKind kind) {
    std::vector<std::string> inputs = {stage_of(round - 1)};
    for (std::size_t r = 1; r <= round; ++r)
      for (const RewardKind k : {RewardKind::helpfulness, RewardKind::safety})
        inputs.push_back(compare_stage(r, k));
    Json made = made_of(inputs);
    made["rest"] = kind == RewardKind::helpfulness ? plan_.helpfulness_rest : plan_.safety_rest;
    if (kind == RewardKind::helpfulness)
      made["least"] = preference_rating_names[static_cast<std::size_t>(plan_.helpfulness_least)];
    const std::string stage = reward_stage(round, kind);
    stages_.train_reward(
        stage, stages_.model_path(stage_of(round - 1)), made,
        [&] { return mixture_of(round, kind); },
        kind == RewardKind::helpfulness ? plan_.helpfulness : plan_.safety, seed_of(stage));
  }

  // ---- rejection sampling ----

  /// Prompts [first, end) of one kind.
  [[nodiscard]] std::vector<Prompt> draw(RewardKind kind, PromptUse use, std::size_t first,
                                         std::size_t end) const {
    std::vector<Prompt> prompts;
    for (std::size_t i = first; i < end; ++i) prompts.push_back(world_.prompt(kind, use, i));
    return prompts;
  }
  /// The first prompt of a round's: it shares some with the round before.
  [[nodiscard]] std::size_t first_prompt(std::size_t round) const noexcept {
    return static_cast<std::size_t>(
        std::lround(static_cast<double>((round - 1) * plan_.prompts) * (1 - plan_.prompts_again)));
  }
  [[nodiscard]] std::vector<std::string> sampling_inputs(std::size_t round) const {
    return {stage_of(round - 1), reward_stage(round, RewardKind::helpfulness),
            reward_stage(round, RewardKind::safety)};
  }

  void choose_temperature(std::size_t round) {
    const std::string stage = in_round(round, "temperature");
    Json made = made_of(sampling_inputs(round));
    made["temperatures"] = plan_.temperatures;
    made["prompts"] = plan_.temperature_prompts;
    made["per_prompt"] = plan_.per_prompt;
    made["safety_share"] = plan_.safety_share;
    made["max_tokens"] = plan_.max_tokens;
    made["seed"] = seed_of(stage);
    stages_.ledger().run(stage, made, [&] {
      const Model model = stages_.load_model(stages_.model_path(stage_of(round - 1)));
      const auto judges = scorers(round);
      const auto prompts = draw_mixed(PromptUse::watch, plan_.watch_prompts,
                                      plan_.watch_prompts + plan_.temperature_prompts);
      const auto tokens = encoded(prompts);
      std::size_t done = 0;
      const auto [best, curves] = best_temperature(
          std::span<const float>(plan_.temperatures), plan_.per_prompt, [&](float temperature) {
            stages_.progress(stage, done++, plan_.temperatures.size());
            const auto answers = stages_.sample(
                model, tokens, sampling(plan_.per_prompt, temperature, seed_of(stage)));
            return rewards(stages_.score(judges, tokens, answers), prompts, answers);
          });
      Json figures = {{"best", best}, {"curves", Json::array()}};
      for (std::size_t i = 0; i < curves.size(); ++i)
        figures["curves"].push_back({{"temperature", plan_.temperatures[i]},
                                     {"k", curves[i].k},
                                     {"max", curves[i].max},
                                     {"median", curves[i].median}});
      return figures;
    });
  }

  void sample_best(std::size_t round) {
    const std::string stage = in_round(round, "sample");
    std::vector<std::string> inputs = sampling_inputs(round);
    inputs.push_back(in_round(round, "temperature"));
    if (round > 1) inputs.push_back(in_round(round - 1, "sample"));
    Json made = made_of(inputs);
    made["prompts"] = {first_prompt(round), plan_.prompts};
    made["per_prompt"] = plan_.per_prompt;
    made["safety_share"] = plan_.safety_share;
    made["max_tokens"] = plan_.max_tokens;
    made["seed"] = seed_of(stage);
    run_lines(
        stage, made, plan_.prompts,
        [&, stage, round] {
          const auto temperature = stages_.ledger()
                                       .figures(in_round(round, "temperature"))
                                       .at("best")
                                       .template get<float>();
          auto model = stages_.load_model(stages_.model_path(stage_of(round - 1)));
          auto judges = std::make_shared<typename Stages::Scorers>(scorers(round));
          auto earlier = best_until(round - 1);
          return
              [&, stage, round, temperature, model = std::move(model), judges = std::move(judges),
               earlier = std::move(earlier)](std::size_t part, std::size_t begin, std::size_t end) {
                const std::size_t first = first_prompt(round);
                const auto prompts = draw_mixed(PromptUse::sample, first + begin, first + end);
                const auto tokens = encoded(prompts);
                const auto answers = stages_.sample(
                    model, tokens, sampling(plan_.per_prompt, temperature, seed_of(stage) + part));
                const auto scores = stages_.score(*judges, tokens, answers);
                const auto values = rewards(scores, prompts, answers);
                return best_lines(round, prompts, answers, scores, values, *judges, earlier);
              };
        },
        [&](const std::string& text) {
          std::vector<double> values;
          double reward = 0;
          std::size_t kept = 0, earlier = 0;
          for (const Json& line : parse_lines(text)) {
            for (const Json& value : line.at("rewards")) values.push_back(value.get<double>());
            if (!line.contains("answer")) continue;
            ++kept;
            reward += line.at("reward").get<double>();
            earlier += line.at("round") != round;
          }
          const BestOfCurve curve = best_of_curve(values, plan_.per_prompt);
          return Json{{"prompts", plan_.prompts},
                      {"kept", kept},
                      {"from_earlier_rounds", earlier},
                      {"reward", kept == 0 ? 0 : reward / static_cast<double>(kept)},
                      {"k", curve.k},
                      {"max", curve.max},
                      {"median", curve.median}};
        });
  }

  /// A line for each prompt: all rewards, and the best answer that can be learnt, which may be an
  /// earlier round's.
  [[nodiscard]] std::string best_lines(std::size_t round, std::span<const Prompt> prompts,
                                       std::span<const SampledAnswer> answers,
                                       std::span<const AnswerScores> scores,
                                       std::span<const double> values,
                                       const typename Stages::Scorers& judges,
                                       const std::map<std::string, Json>& earlier) const {
    BestAnswers best;
    for (const Prompt& prompt : prompts) {
      const auto old = earlier.find(prompt.name);
      if (old == earlier.end()) continue;
      const std::vector<Token> whole =
          encode_dialogue(stages_.tokenizer(), dialogue_of(old->second));
      const std::vector<std::span<const Token>> texts = {whole};
      best.offer(prompt.name,
                 {.reward = combined_score(judges(texts).front(), prompt.safety),
                  .iteration = old->second.at("round").template get<std::size_t>(),
                  .answer = {.text = old->second.at("answer").template get<std::string>(),
                             .finished = true}});
    }
    for (std::size_t i = 0; i < answers.size(); ++i) {
      SampledAnswer answer = answers[i];
      answer.text = std::string(strip(answer.text));
      if (is_usable_answer(answer.text))
        best.offer(prompts[answer.prompt].name,
                   {.reward = values[i], .iteration = round, .answer = std::move(answer)});
    }
    std::string lines;
    for (std::size_t p = 0; p < prompts.size(); ++p) {
      nlohmann::ordered_json line = {{"name", prompts[p].name}, {"safety", prompts[p].safety}};
      for (std::size_t k = 0; k < plan_.per_prompt; ++k) {
        const std::size_t i = p * plan_.per_prompt + k;
        line["rewards"].push_back(values[i]);
        line["helpfulness"].push_back(scores[i].helpfulness);
        line["safety_scores"].push_back(scores[i].safety);
      }
      if (const auto found = best.all().find(prompts[p].name); found != best.all().end()) {
        line["round"] = found->second.iteration;
        line["reward"] = found->second.reward;
        add_dialogue(line, prompts[p].messages);
        line["answer"] = found->second.answer.text;
      }
      lines += json_line(line);
    }
    return lines;
  }

  // ---- context distillation ----

  void distil_preprompts(std::size_t round) {
    const std::string stage = in_round(round, "distil");
    Json made = made_of(sampling_inputs(round));
    made["prompts"] = plan_.distil_prompts;
    made["targeted"] = plan_.distil_targeted;
    made["temperature"] = distil_temperature;
    made["max_tokens"] = plan_.max_tokens;
    made["seed"] = seed_of(stage);
    run_lines(
        stage, made, plan_.distil_prompts,
        [&, stage, round] {
          auto model = stages_.load_model(stages_.model_path(stage_of(round - 1)));
          auto judge = std::make_shared<typename Stages::Scorer>(
              stages_, reward_stage(round, RewardKind::safety));
          return [&, stage, round, model = std::move(model), judge = std::move(judge)](
                     std::size_t part, std::size_t begin, std::size_t end) {
            const std::size_t first = (round - 1) * plan_.distil_prompts;
            return distilled_lines(
                model, *judge,
                draw(RewardKind::safety, PromptUse::distil, first + begin, first + end),
                seed_of(stage) + 2 * part);
          };
        },
        [&](const std::string& text) {
          std::vector<double> before, after;
          std::size_t kept = 0;
          for (const Json& line : parse_lines(text)) {
            before.push_back(line.at("score_before").get<double>());
            after.push_back(line.at("score_after").get<double>());
            kept += line.at("kept").get<bool>();
          }
          return Json{{"prompts", before.size()},
                      {"kept", kept},
                      {"score_before", moments_of(before).mean},
                      {"score_after", moments_of(after).mean}};
        });
  }

  [[nodiscard]] std::string distilled_lines(const Model& model,
                                            const typename Stages::Scorer& judge,
                                            std::span<const Prompt> prompts,
                                            std::uint64_t seed) const {
    // All answers at once, plain ones first; `distil` then asks for them one by one.
    std::vector<std::string> preprompts;
    std::array<std::vector<std::vector<Message>>, 2> asked;
    for (const Prompt& prompt : prompts) {
      preprompts.push_back(world_.preprompt(prompt, seed + preprompts.size()));
      std::vector<Message> guided = prompt.messages;
      guided.insert(guided.begin(), {Role::system, preprompts.back()});
      asked[0].push_back(prompt.messages);
      asked[1].push_back(std::move(guided));
    }
    std::array<std::vector<SampledAnswer>, 2> answers;
    for (std::size_t k = 0; k < 2; ++k)
      answers[k] = stages_.sample(model, stages_.encode(asked[k]),
                                  sampling(1, distil_temperature, seed + k));
    std::string lines;
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      const auto good = [&](const SampledAnswer& answer) {
        return answer.finished && is_usable_answer(answer.text);
      };
      if (!good(answers[0][i]) || !good(answers[1][i])) continue;
      const Distilled result = distil(
          prompts[i].messages, preprompts[i],
          [&](std::span<const Message> messages) {
            const bool guided = messages.front().role == Role::system;
            return std::string(strip(answers[guided ? 1 : 0][i].text));
          },
          [&](std::span<const Message> messages, std::string_view answer) {
            std::vector<Message> whole(messages.begin(), messages.end());
            whole.push_back({Role::assistant, std::string(answer)});
            const std::vector<Token> tokens = encode_dialogue(stages_.tokenizer(), whole);
            const std::vector<std::span<const Token>> texts = {tokens};
            return judge(texts).front();
          },
          {.targeted = plan_.distil_targeted});
      nlohmann::ordered_json line = {{"name", prompts[i].name},
                                     {"score_before", result.score_before},
                                     {"score_after", result.score_after},
                                     {"kept", result.kept},
                                     {"guided", std::string(strip(answers[1][i].text))}};
      add_dialogue(line, prompts[i].messages);
      line["answer"] = result.dialogue.back().text;
      lines += json_line(line);
    }
    return lines;
  }

  // ---- Ghost Attention ----

  void sample_ghosts(std::size_t round) {
    const std::string stage = in_round(round, "ghost");
    Json made = made_of(sampling_inputs(round));
    made["dialogues"] = plan_.ghost_dialogues;
    made["answers"] = plan_.ghost_answers;
    made["temperature"] = ghost_temperature;
    made["max_tokens"] = plan_.max_tokens;
    made["seed"] = seed_of(stage);
    run_lines(
        stage, made, plan_.ghost_dialogues,
        [&, stage, round] {
          auto model = stages_.load_model(stages_.model_path(stage_of(round - 1)));
          auto judge = std::make_shared<typename Stages::Scorer>(
              stages_, reward_stage(round, RewardKind::helpfulness));
          return [&, stage, round, model = std::move(model), judge = std::move(judge)](
                     std::size_t part, std::size_t begin, std::size_t end) {
            const std::size_t first = (round - 1) * plan_.ghost_dialogues;
            return ghost_lines(model, *judge, first + begin, first + end,
                               seed_of(stage) + 1000 * part);
          };
        },
        [&](const std::string& text) { return Json{{"texts", std::ranges::count(text, '\n')}}; });
  }

  [[nodiscard]] std::string ghost_lines(const Model& model, const typename Stages::Scorer& judge,
                                        std::size_t first, std::size_t end,
                                        std::uint64_t seed) const {
    std::vector<StandingDialogue> plans;
    for (std::size_t i = first; i < end; ++i) plans.push_back(world_.standing(i));
    std::vector<std::vector<Message>> dialogues(plans.size());
    // Turn by turn, all dialogues together; one whose answers are of no use ends before.
    std::vector<std::size_t> open(plans.size());
    for (std::size_t i = 0; i < open.size(); ++i) open[i] = i;
    for (std::size_t turn = 0; !open.empty(); ++turn) {
      std::erase_if(open, [&](std::size_t i) { return turn >= plans[i].user_messages.size(); });
      std::vector<std::vector<Token>> prompts;
      std::erase_if(open, [&](std::size_t i) {
        auto asked = dialogues[i];
        asked.push_back({Role::user, plans[i].user_messages[turn]});
        std::vector<Token> tokens = encode_dialogue(
            stages_.tokenizer(), ghost_sampling_dialogue(asked, plans[i].instruction));
        const bool too_long = tokens.size() + plan_.max_tokens > S::context;
        if (!too_long) {
          dialogues[i] = std::move(asked);
          prompts.push_back(std::move(tokens));
        }
        return too_long;
      });
      if (open.empty()) break;
      const auto answers = stages_.sample(
          model, prompts, sampling(plan_.ghost_answers, ghost_temperature, seed + turn));
      const std::vector<double> scores = scores_of(judge, prompts, answers);
      std::vector<std::size_t> still;
      for (std::size_t at = 0; at < open.size(); ++at) {
        std::optional<std::size_t> best;
        for (std::size_t i = at * plan_.ghost_answers; i < (at + 1) * plan_.ghost_answers; ++i)
          if (answers[i].finished && is_usable_answer(answers[i].text) &&
              (!best || scores[i] > scores[*best]))
            best = i;
        auto& dialogue = dialogues[open[at]];
        if (best) {
          dialogue.push_back({Role::assistant, std::string(strip(answers[*best].text))});
          still.push_back(open[at]);
        } else {
          dialogue.pop_back();
        }
      }
      open = std::move(still);
    }
    // A dialogue is learnt from its second turn on, each turn as the last one of its beginning.
    std::string lines;
    for (std::size_t i = 0; i < plans.size(); ++i)
      for (std::size_t size = 4; size <= dialogues[i].size(); size += 2) {
        std::vector<Message> learnt = ghost_training_dialogue(
            std::span<const Message>(dialogues[i]).first(size), plans[i].instruction);
        const std::string answer = learnt.back().text;
        learnt.pop_back();
        nlohmann::ordered_json line = {{"instruction", plans[i].instruction}};
        add_dialogue(line, learnt);
        line["answer"] = answer;
        lines += json_line(line);
      }
    return lines;
  }

  [[nodiscard]] std::vector<double> scores_of(const typename Stages::Scorer& judge,
                                              std::span<const std::vector<Token>> prompts,
                                              std::span<const SampledAnswer> answers) const {
    std::vector<std::vector<Token>> whole;
    for (const SampledAnswer& answer : answers) {
      whole.push_back(prompts[answer.prompt]);
      whole.back().insert(whole.back().end(), answer.tokens.begin(), answer.tokens.end());
    }
    const std::vector<std::span<const Token>> texts(whole.begin(), whole.end());
    return judge(texts);
  }

  // ---- the versions ----

  void tune_version(std::size_t round) {
    const std::string stage = round == plan_.rounds ? in_round(round, "start") : stage_of(round);
    std::vector<std::string> inputs;
    for (std::size_t r = 1; r <= round; ++r) {
      inputs.push_back(in_round(r, "sample"));
      if (has_distillation(r)) inputs.push_back(in_round(r, "distil"));
      if (has_ghosts(r)) inputs.push_back(in_round(r, "ghost"));
    }
    stages_.tune(
        stage, base_, made_of(inputs), [&] { return texts_of(round, Parts()); }, plan_.tuning,
        seed_of(stage));
  }

  void improve_by_ppo(std::size_t round) {
    const std::string stage = stage_of(round), start = in_round(round, "start");
    Json made = made_of({start, reward_stage(round, RewardKind::helpfulness),
                         reward_stage(round, RewardKind::safety)});
    made["prompts"] = plan_.ppo_prompts;
    made["safety_share"] = plan_.safety_share;
    made["watch_prompts"] = plan_.watch_prompts;
    const PpoOptions options = ppo_options(stage);
    if (stages_.ledger().done(stage)) {  // nothing to load
      stages_.ppo(stage, {}, std::move(made), {}, {}, {}, options, plan_.watch);
      return;
    }
    const auto judges = scorers(round);
    const auto prompts = draw_mixed(PromptUse::policy, 0, plan_.ppo_prompts);
    const auto tokens = encoded(prompts);
    const auto watched = draw_mixed(PromptUse::watch, 0, plan_.watch_prompts);
    const auto watched_tokens = encoded(watched);
    stages_.ppo(
        stage, stages_.model_path(start), std::move(made), tokens,
        [&](std::span<const SampledAnswer> answers) {
          return rewards(stages_.score(judges, tokens, answers), prompts, answers);
        },
        [&](const Model& model) {
          const auto answers =
              stages_.sample(model, watched_tokens, sampling(1, 1, seed_of(stage + ".watch")));
          return moments_of(
                     rewards(stages_.score(judges, watched_tokens, answers), watched, answers))
              .mean;
        },
        options, plan_.watch);
  }

  static constexpr float distil_temperature = 0.7f, ghost_temperature = 0.4f;

  Stages& stages_;
  World& world_;
  std::string base_, base_seal_;
  VersionsPlan plan_;
};

}  // namespace llama2::inline LLAMA2_ABI
