// How the recipe is followed: every number of it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "assistant_world.hpp"
#include "llama2/align/versions.hpp"

namespace recipe {

/// How much is looked at to say how good a version is.
struct Examination {
  std::size_t plain = 450;
  std::size_t borderline = 150;
  std::size_t adversarial = 600;
  std::size_t standing = 60;        ///< dialogues
  std::size_t standing_turns = 10;  ///< of each; training has six at most
  std::size_t pairs = 2000;         ///< prompts of held-out comparisons, of each kind
  float temperature = 0.1f;         ///< the paper's, for its safety evaluation
  float top_p = 0.9f;
};

struct RecipePlan {
  Demonstrations lessons;  ///< what the base model reads
  llama2::TuningPlan schooling;
  llama2::VersionsPlan versions;
  Demonstrations demonstrations;
  Examination examination;
};

/// What tells the base model's seed from the chain's.
constexpr std::uint64_t school_seed = 1000;

/// The main chain, for a model of 2.5 million weights; meant to take less than 90 minutes on two
/// cores. Where it departs from the paper: the base reads dialogues first; learning rates are those
/// of a small model, some fifty times the paper's, and batches are smaller, as there is less data;
/// reward models are asked at every token, too, and read their pairs twice, that of helpfulness
/// those of its own alone that are clearly rated.
/// `scale` takes a share of all data but the base's.
constexpr RecipePlan main_plan(std::uint64_t seed, double scale = 1) {
  const auto scaled = [scale](std::size_t count) {
    return static_cast<std::size_t>(static_cast<double>(count) * scale);
  };
  RecipePlan plan;
  plan.lessons = {.count = 64000,
                  .careless_share = 0,
                  .safety_share = 0,
                  .preprompt_share = 0,
                  .borderline_share = 0.05,
                  .standing_share = 0.25};
  plan.schooling = {.rate = 1.5e-3, .epochs = 1, .batch = 16};
  plan.demonstrations = {.count = scaled(3000),
                         .careless_share = 0.25,
                         .safety_share = 0.04,
                         .preprompt_share = 0.03,
                         .borderline_share = 0.18,
                         .standing_share = 0.2};
  llama2::VersionsPlan& v = plan.versions;
  v.seed = seed;
  v.tuning = {.rate = 1e-3, .epochs = 2, .batch = 8};
  v.helpfulness = {.rate = 6e-4, .epochs = 2, .batch = 16, .token_share = 0.5};
  v.safety = {.rate = 5e-4, .epochs = 2, .batch = 8, .safety_weight = 1, .token_share = 0.5};
  v.helpfulness_comparisons = {scaled(7000), scaled(1000)};
  v.safety_comparisons = {scaled(1600), scaled(300)};
  v.helpfulness_temperatures = {0.7f, 1.2f};
  v.helpfulness_least = llama2::PreferenceRating::better;  // of others, most are chance
  v.helpfulness_rest = 0;  // of pairs about safety a small model learns that refusals are good
  v.prompts = scaled(800);
  v.per_prompt = 8;
  v.temperatures = {0.4f, 0.7f, 1.0f};
  v.safety_share = 0.25;
  v.prompts_again = 0.25;
  v.distil_prompts = scaled(200);
  v.ghost_dialogues = scaled(300);
  v.ppo_iterations = std::max<std::uint64_t>(1, scaled(25));
  v.ppo_minibatch = 32;
  v.ppo_rate = 5e-5;
  v.ppo_beta = 0.05;
  return plan;
}

/// Every step on very little data: to see that all works, not to learn much.
constexpr RecipePlan quick_plan(std::uint64_t seed) {
  RecipePlan plan = main_plan(seed, 0.01);
  plan.lessons.count = 160;
  llama2::VersionsPlan& v = plan.versions;
  v.tuning = {.rate = 1e-3, .epochs = 1, .batch = 8};
  v.helpfulness_comparisons = v.safety_comparisons = {16, 8};
  v.helpfulness_least = llama2::PreferenceRating::negligibly;  // there might be no others
  v.prompts = 24;
  v.per_prompt = 4;
  v.temperature_prompts = 8;
  v.max_tokens = 48;
  v.distil_prompts = 8;
  v.ghost_dialogues = 8;
  v.ghost_answers = 2;
  v.ppo_iterations = 4;
  v.ppo_batch = 32;
  v.ppo_minibatch = 16;
  v.ppo_prompts = 128;
  v.watch = {.every = 2, .patience = 3};
  v.watch_prompts = 16;
  plan.demonstrations.count = 120;
  plan.examination = {.plain = 30,
                      .borderline = 10,
                      .adversarial = 30,
                      .standing = 4,
                      .standing_turns = 4,
                      .pairs = 40};
  return plan;
}

}  // namespace recipe
