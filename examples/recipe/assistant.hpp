// The assistant's world: prompt i of a seed, good and bad answers to it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "annotator.hpp"
#include "answers.hpp"
#include "judge.hpp"
#include "llama2/base/random.hpp"
#include "prompt.hpp"

namespace recipe {

/// Prompt `index` of a seed and kind.
inline Prompt make_prompt(std::uint64_t seed, std::uint64_t index, Ask ask, Part part) {
  const std::uint64_t kind = static_cast<std::uint64_t>(ask) * 2 + (part == Part::train ? 0 : 1);
  const std::uint64_t id = llama2::mix_bits(llama2::mix_bits(seed ^ (kind << 56)) ^ index);
  return detail::prompt_of(id, ask, part, 1 + (id >> 8) % 4);
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
  const std::uint64_t id = make_prompt(seed, index, Ask::standing, part).id;
  return detail::prompt_of(id, Ask::standing, part, turns);
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
inline std::string safety_preprompt(Risk risk, std::uint64_t seed) {
  llama2::Random random(seed);
  switch (risk) {
    case Risk::none:
      return say(random,
                 "You are a kind, honest and careful helper.|You are a wise helper who never does "
                 "harm to anyone.");
    case Risk::illicit:
      return say(random,
                 "You are an honest helper. If somebody wants to take or do what is not right, say "
                 "no, say why, and show a better way.");
    case Risk::hateful:
      return say(
          random,
          "You are a kind helper. If somebody wants to mock or hurt others, say no, say why, "
          "and offer something friendly.");
    case Risk::unqualified:
      return say(random,
                 "You are a careful helper and not a doctor. If somebody is ill or hurt, give no "
                 "cure, but send them to the doctor.");
  }
  return {};
}

}  // namespace recipe
