// The assistant's world as the driver of the versions sees it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assistant.hpp"
#include "llama2/align/versions.hpp"
#include "llama2/base/random.hpp"

namespace recipe {

/// What vendors would write for supervised fine-tuning. Some of them think of being helpful alone,
/// and few demonstrate safety, so that there is something left to learn from comparisons.
struct Demonstrations {
  std::size_t count = 6000;
  double careless_share = 0.06;   ///< adversarial prompts, answered as asked
  double safety_share = 0.02;     ///< adversarial prompts, answered safely
  double preprompt_share = 0.02;  ///< the same after a system message that asks for it
  double borderline_share = 0.08;
  /// Dialogues that end with a standing instruction, up to the seventh turn, and one answer that
  /// keeps to it: to keep to it in later turns is left to Ghost Attention.
  double standing_share = 0.1;
};

/// Prompts, demonstrations and annotators; all of them functions of the seed.
class AssistantWorld {
 public:
  struct Prompt : llama2::VersionPrompt {
    recipe::Prompt asked{};
  };

  AssistantWorld(std::uint64_t seed, const Demonstrations& demonstrations,
                 const Annotator& annotator = {})
      : seed_(seed), demonstrations_(demonstrations), annotator_(annotator) {}

  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }

  [[nodiscard]] nlohmann::ordered_json identity() const {
    return {{"seed", seed_},
            {"demonstrations", demonstrations_.count},
            {"careless_share", demonstrations_.careless_share},
            {"safety_share", demonstrations_.safety_share},
            {"preprompt_share", demonstrations_.preprompt_share},
            {"borderline_share", demonstrations_.borderline_share},
            {"standing_share", demonstrations_.standing_share},
            {"annotator_noise", annotator_.noise}};
  }

  [[nodiscard]] std::vector<std::vector<llama2::Message>> demonstrations() const {
    std::vector<std::vector<llama2::Message>> all;
    for (std::uint64_t i = 0; i < demonstrations_.count; ++i) {
      llama2::Random random(stream("demonstrations") ^ i);
      const double draw = random.uniform();
      const double careless = demonstrations_.careless_share;
      const double safety = careless + demonstrations_.safety_share;
      const double preprompt = safety + demonstrations_.preprompt_share;
      const double borderline = preprompt + demonstrations_.borderline_share;
      const Ask ask = draw < preprompt                                     ? Ask::adversarial
                      : draw < borderline                                  ? Ask::borderline
                      : draw < borderline + demonstrations_.standing_share ? Ask::standing
                                                                           : plain(random);
      const recipe::Prompt prompt = prompt_of(stream("demonstrations"), i, ask);
      std::vector<llama2::Message>& messages = all.emplace_back();
      if (ask == Ask::standing) messages = talk_before(i, (random() >> 32) % 3);
      messages.insert(messages.end(), prompt.messages.begin(), prompt.messages.end());
      if (draw >= safety && draw < preprompt)
        messages.insert(messages.begin(),
                        {llama2::Role::system, safety_preprompt(prompt.risk, random())});
      messages.push_back({llama2::Role::assistant,
                          draw < careless ? answer_of_quality(prompt, random(), Defect::complies)
                                          : demonstrate(prompt, random())});
    }
    return all;
  }

  /// Those about helpfulness are plain ones, a quarter borderline ones, or versions would learn to
  /// decline these, too, and first turns with a standing instruction. So that the model of safety
  /// learns what is no danger, some prompts of its comparisons are borderline, too.
  [[nodiscard]] Prompt prompt(llama2::RewardKind kind, llama2::PromptUse use,
                              std::uint64_t index) const {
    constexpr std::array<const char*, 5> names = {"compare", "sample", "distil", "policy", "watch"};
    const char* const name = names[static_cast<std::size_t>(use)];
    llama2::Random random(stream(name) ^ index);
    const double draw = random.uniform();
    Ask ask = Ask::adversarial;
    if (kind == llama2::RewardKind::safety) {
      if (use == llama2::PromptUse::compare && draw < 0.25) ask = Ask::borderline;
    } else {
      ask = draw < 0.25 ? Ask::borderline : draw < 0.35 ? Ask::standing : plain(random);
    }
    Prompt out;
    out.asked = prompt_of(stream(name), index, ask);
    out.name = std::string(name) + '-' + std::string(to_string(kind)) + '-' + std::to_string(index);
    out.messages = out.asked.messages;
    out.safety = ask == Ask::adversarial;
    return out;
  }

  [[nodiscard]] std::optional<llama2::PreferencePair> compare(llama2::RewardKind kind,
                                                              const Prompt& prompt,
                                                              const std::string& first,
                                                              const std::string& second,
                                                              std::uint64_t seed) const {
    const Annotation said =
        kind == llama2::RewardKind::helpfulness
            ? annotate_helpfulness(prompt.asked, first, second, seed, annotator_)
            : annotate_safety(prompt.asked, first, second, seed, annotator_);
    return as_pair(prompt.asked, first, second, said);
  }

  /// Dialogues of four to six turns.
  [[nodiscard]] llama2::StandingDialogue standing(std::uint64_t index) const {
    const recipe::Prompt prompt =
        make_standing_prompt(stream("standing"), index, Part::train, 4 + index % 3);
    return {prompt.instruction, user_messages(prompt)};
  }

  [[nodiscard]] std::string preprompt(const Prompt& prompt, std::uint64_t seed) const {
    return safety_preprompt(prompt.asked.risk, seed);
  }

  /// What the user says in a standing dialogue, without the instruction before the first message.
  [[nodiscard]] static std::vector<std::string> user_messages(const recipe::Prompt& prompt) {
    std::vector<std::string> messages;
    for (const llama2::Message& message : without_instruction(prompt))
      if (message.role == llama2::Role::user) messages.push_back(message.text);
    return messages;
  }

 private:
  [[nodiscard]] std::uint64_t stream(std::string_view name) const noexcept {
    return llama2::hash_bytes(name, seed_);
  }
  static recipe::Prompt prompt_of(std::uint64_t seed, std::uint64_t index, Ask ask) {
    return ask == Ask::standing ? make_standing_prompt(seed, index, Part::train, 1)
                                : make_prompt(seed, index, ask, Part::train);
  }
  /// What may have been said before a demonstration's own prompt: some dialogues.
  [[nodiscard]] std::vector<llama2::Message> talk_before(std::uint64_t index,
                                                         std::uint64_t count) const {
    std::vector<llama2::Message> messages;
    for (std::uint64_t k = 0; k < count; ++k) {
      const std::uint64_t own = 2 * index + k;
      const recipe::Prompt prompt = prompt_of(stream("before"), own, Ask::dialogue);
      messages.insert(messages.end(), prompt.messages.begin(), prompt.messages.end());
      messages.push_back({llama2::Role::assistant, demonstrate(prompt, own)});
    }
    return messages;
  }
  static Ask plain(llama2::Random& random) {
    constexpr std::array<Ask, 3> asks = {Ask::instruction, Ask::reading, Ask::dialogue};
    return asks[(random() >> 32) % asks.size()];
  }

  std::uint64_t seed_;
  Demonstrations demonstrations_;
  Annotator annotator_;
};

}  // namespace recipe
