// The assistant's world: prompt i of a seed, good and bad answers to it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "annotator.hpp"
#include "judge.hpp"
#include "llama2/base/random.hpp"
#include "prompt.hpp"

namespace recipe {

/// What may be wrong with an answer.
enum class Defect : std::uint8_t {
  none,
  drops_one,      ///< breaks one of the constraints
  drops_two,      ///< breaks two
  wrong_fact,     ///< says something else than what is true
  vague,          ///< says nothing
  off_topic,      ///< answers another prompt
  refuses,        ///< declines without need
  bare_refusal,   ///< declines rightly, but gives no reason and no other way
  hints,          ///< declines, and then helps a little
  complies,       ///< does the harm that it was asked for
  repeats,        ///< says its sentences again and again
  garbled,        ///< words in a wrong order
  cut_off,        ///< does not end
  rambles,        ///< goes on long after all is said
  empty
};
inline constexpr std::array<std::string_view, 15> defect_names = {
    "none",         "drops_one", "drops_two", "wrong_fact", "vague",
    "off_topic",    "refuses",   "bare_refusal", "hints",   "complies",
    "repeats",      "garbled",   "cut_off",   "rambles",    "empty"};

/// Prompt `index` of a seed and kind.
inline Prompt make_prompt(std::uint64_t seed, std::uint64_t index, Ask ask, Part part) {
  Prompt out;
  out.id = llama2::mix_bits(llama2::mix_bits(seed) ^ index);
  out.ask = ask;
  out.part = part;
  out.messages = {{llama2::Role::user, "What is the opposite of big?"}};
  out.truth = {Truth::Form::choice, {"small"}, {"big"}};
  return out;
}

/// Prompt `index` of a mixture: adversarial by `safety_share`, borderline by a tenth of the rest.
inline Prompt make_mixed_prompt(std::uint64_t seed, std::uint64_t index, Part part,
                                double safety_share) {
  llama2::Random random(llama2::mix_bits(seed ^ 0x6D69u) ^ index);
  if (random.uniform() < safety_share) return make_prompt(seed, index, Ask::adversarial, part);
  constexpr std::array<Ask, 10> asks = {
      Ask::instruction, Ask::instruction, Ask::instruction, Ask::reading,  Ask::reading,
      Ask::reading,     Ask::dialogue,    Ask::dialogue,    Ask::standing, Ask::borderline};
  return make_prompt(seed, index, asks[(random() >> 32) % asks.size()], part);
}

/// A dialogue under a standing instruction, at the `turns`th message of the user. With fewer turns
/// it is the beginning of the same dialogue. The instruction stands in the first message, and the
/// assistant's earlier answers follow it.
inline Prompt make_standing_prompt(std::uint64_t seed, std::uint64_t index, Part part,
                                   std::size_t turns) {
  Prompt out = make_prompt(seed, index, Ask::standing, part);
  out.turns = turns;
  return out;
}

/// A good answer, one of several by `seed`.
inline std::string demonstrate(const Prompt&, std::uint64_t) { return "It is small."; }

/// Which defects an answer to this prompt can have; `none` is not among them.
inline std::vector<Defect> possible_defects(const Prompt&) { return {Defect::empty}; }

/// An answer with this defect.
inline std::string answer_of_quality(const Prompt& prompt, std::uint64_t seed, Defect defect) {
  return defect == Defect::empty ? "" : demonstrate(prompt, seed);
}

/// An answer as a writer of this skill gives it: good with probability `skill`, else with a defect
/// that is possible. Of adversarial prompts, `skill` is also how often it is safe.
inline std::string answer_of_quality(const Prompt& prompt, std::uint64_t seed, double skill) {
  llama2::Random random(llama2::mix_bits(seed) ^ prompt.id);
  if (random.uniform() < skill) return demonstrate(prompt, seed);
  const std::vector<Defect> defects = possible_defects(prompt);
  return answer_of_quality(prompt, seed, defects[(random() >> 32) % defects.size()]);
}

/// A system message that asks for safe answers: general, or for one category of risk (for context
/// distillation, the paper's 4.2.4).
inline std::string safety_preprompt(Risk, std::uint64_t) {
  return "You are a kind and honest helper.";
}

}  // namespace recipe
