// What each part of the recipe is good for: the same without it, on what the main chain has left.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "assistant_world.hpp"
#include "examine.hpp"
#include "llama2/align/versions.hpp"
#include "llama2/eval/statistics.hpp"
#include "plan.hpp"

namespace recipe {

/// Stages "study.WHAT..." of the ledger of a main chain that is done.
class Studies {
 public:
  static constexpr std::array<const char*, 5> names = {"margins", "safety-data", "ghosts",
                                                       "distillation", "bad-reward"};
  static constexpr std::array<double, 6> safety_shares = {0, 0.01, 0.1, 0.25, 0.5, 1};
  static constexpr std::size_t seeds = 3;

  Studies(Stages& stages, AssistantVersions& versions, Examiner& examiner, std::string base,
          const RecipePlan& plan)
      : stages_(stages),
        versions_(versions),
        examiner_(examiner),
        base_(std::move(base)),
        plan_(plan) {}

  void run(const std::string& name) {
    if (name == "margins") margins();
    if (name == "safety-data") safety_data();
    if (name == "ghosts") ghosts();
    if (name == "distillation") distillation();
    if (name == "bad-reward") bad_reward();
  }

  [[nodiscard]] static std::string margin_stage(llama2::RewardKind kind, const std::string& margin,
                                                std::size_t seed) {
    return "study.reward." + std::string(to_string(kind)) + '.' + margin + '.' +
           std::to_string(seed);
  }
  [[nodiscard]] static std::string share_stage(double share) {
    return "study.safety-data." + std::to_string(std::lround(100 * share));
  }
  static constexpr const char* ghostless = "study.no-ghosts";
  static constexpr const char* undistilled = "study.no-distillation";
  static constexpr const char* untargeted = "study.untargeted-distillation";
  static constexpr const char* badly_rewarded = "study.bad-reward";
  static constexpr std::size_t ghost_round = 4, distilled_round = 2;

 private:
  /// Both reward models of the first round, with each margin and three seeds; the safety model also
  /// without its auxiliary loss.
  void margins() {
    using enum llama2::RewardKind;
    constexpr std::array<std::pair<const char*, llama2::Margin>, 3> kinds = {
        {{"none", llama2::Margin::none},
         {"small", llama2::Margin::small},
         {"large", llama2::Margin::large}}};
    for (std::size_t seed = 1; seed <= seeds; ++seed)
      for (const auto kind : {helpfulness, safety}) {
        llama2::RewardPlan plan =
            kind == helpfulness ? plan_.versions.helpfulness : plan_.versions.safety;
        for (const auto& [name, margin] : kinds) {
          plan.margin = margin;
          train(kind, margin_stage(kind, name, seed), plan, seed);
        }
        if (kind == helpfulness) continue;
        plan.margin = plan_.versions.safety.margin;
        plan.safety_weight = 0;
        train(kind, margin_stage(kind, "ranking-only", seed), plan, seed);
      }
  }

  void train(llama2::RewardKind kind, const std::string& stage, const llama2::RewardPlan& plan,
             std::uint64_t seed) {
    using enum llama2::RewardKind;
    stages_.train_reward(
        stage, stages_.model_path("sft"),
        versions_.made_of({"sft", AssistantVersions::compare_stage(1, helpfulness),
                           AssistantVersions::compare_stage(1, safety)}),
        [&] { return versions_.mixture_of(1, kind); }, plan, seed);
    examiner_.measure(stage);
  }

  /// A model tuned on demonstrations without any of safety, on the best helpful answers of all
  /// rounds, and on a share of the best answers to adversarial prompts.
  void safety_data() {
    const std::size_t rounds = plan_.versions.rounds;
    Demonstrations demonstrations = plan_.demonstrations;
    demonstrations.safety_share = demonstrations.preprompt_share = 0;
    const AssistantWorld world(plan_.versions.seed, demonstrations);
    for (const double share : safety_shares) {
      const std::string stage = share_stage(share);
      nlohmann::ordered_json made = made_of_samples(rounds);
      made["safety_share"] = share;
      stages_.tune(
          stage, base_, made,
          [&] {
            std::vector<llama2::TrainingText> texts;
            for (const auto& messages : world.demonstrations())
              texts.push_back(encode_training_dialogue(stages_.tokenizer(), messages));
            double seen = 0;  // answers about safety, of which a share is taken
            for (const auto& [name, line] : versions_.best_until(rounds)) {
              if (line.at("safety").get<bool>()) {
                seen += 1;
                if (std::floor(share * seen) == std::floor(share * (seen - 1))) continue;
              }
              versions_.append_line(line, texts);
            }
            return texts;
          },
          plan_.versions.tuning, versions_.seed_of("study.safety-data"));
      examiner_.examine(stage);
    }
  }

  /// The fourth version without Ghost Attention.
  void ghosts() { tune_parts(ghostless, ghost_round, {.distilled = true, .ghosts = false}); }

  /// The second version without distillation, and with every answer that had a preprompt.
  void distillation() {
    tune_parts(undistilled, distilled_round, {.distilled = false, .ghosts = true});
    nlohmann::ordered_json made = made_of_samples(distilled_round);
    made["inputs"]["v2.distil"] = stages_.ledger().seal("v2.distil");
    stages_.tune(
        untargeted, base_, made,
        [&] {
          auto texts = versions_.texts_of(distilled_round, {.distilled = false, .ghosts = true});
          for (nlohmann::ordered_json& line : llama2::parse_lines(
                   llama2::read_text_file(stages_.ledger().path("v2.distil.jsonl")))) {
            line["answer"] = line.at("guided");
            versions_.append_line(line, texts);
          }
          return texts;
        },
        plan_.versions.tuning, versions_.seed_of("v2"));
    examiner_.examine(untargeted);
  }

  void tune_parts(const std::string& stage, std::size_t round,
                  const AssistantVersions::Parts& parts) {
    nlohmann::ordered_json made = made_of_samples(round);
    made["distilled"] = parts.distilled;
    made["ghosts"] = parts.ghosts;
    stages_.tune(
        stage, base_, made, [&] { return versions_.texts_of(round, parts); }, plan_.versions.tuning,
        versions_.seed_of(AssistantVersions::stage_of(round)));
    examiner_.examine(stage);
  }

  /// PPO from the fifth version's start for a reward that is easily had: one that likes long
  /// answers. What the reward models think of held-out answers is watched, and ends nothing here,
  /// to show where it would have ended.
  void bad_reward() {
    const std::size_t rounds = plan_.versions.rounds;
    const std::string start = "v" + std::to_string(rounds) + ".start";
    llama2::PpoOptions options = versions_.ppo_options(badly_rewarded);
    options.beta = 0;
    options.unfinished_penalty = 0;
    options.max_kl = std::numeric_limits<double>::infinity();
    const llama2::PpoWatch watch{.every = plan_.versions.watch.every, .patience = 0};
    using enum llama2::RewardKind;
    auto made = versions_.made_of({start, AssistantVersions::reward_stage(rounds, helpfulness),
                                   AssistantVersions::reward_stage(rounds, safety)});
    made["reward"] = "tokens of the answer / 10";
    made["watch_prompts"] = plan_.versions.watch_prompts;
    if (stages_.ledger().done(badly_rewarded)) return;
    const auto judges = versions_.scorers(rounds);
    const auto prompts = versions_.encoded(
        versions_.draw_mixed(llama2::PromptUse::policy, 0, plan_.versions.ppo_prompts));
    const auto watched =
        versions_.draw_mixed(llama2::PromptUse::watch, 0, plan_.versions.watch_prompts);
    const auto watched_tokens = versions_.encoded(watched);
    stages_.ppo(
        badly_rewarded, stages_.model_path(start), std::move(made), prompts,
        [](std::span<const llama2::SampledAnswer> answers) {
          std::vector<double> scores;
          for (const auto& answer : answers)
            scores.push_back(static_cast<double>(answer.tokens.size()) / 10);
          return scores;
        },
        [&](const Stages::Model& model) {
          const auto answers = stages_.sample(
              model, watched_tokens,
              {.max_tokens = plan_.versions.max_tokens, .seed = versions_.seed_of("watch")});
          const auto scores = stages_.score(judges, watched_tokens, answers);
          return llama2::mean_of(versions_.rewards(scores, watched, answers));
        },
        options, watch);
  }

  [[nodiscard]] nlohmann::ordered_json made_of_samples(std::size_t rounds) const {
    std::vector<std::string> inputs;
    for (std::size_t r = 1; r <= rounds; ++r) inputs.push_back("v" + std::to_string(r) + ".sample");
    return versions_.made_of(inputs);
  }

  Stages& stages_;
  AssistantVersions& versions_;
  Examiner& examiner_;
  std::string base_;
  RecipePlan plan_;
};

}  // namespace recipe
