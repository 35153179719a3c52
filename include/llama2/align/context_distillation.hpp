// Context distillation: what a prompt in front teaches, learnt so that it need not stand there (the
// Llama 2 paper, section 4.2.4).
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/text/chat_format.hpp"

namespace llama2::inline LLAMA2_ABI {

/// A prompt in front for each risk category, and one for those that have none of their own. The
/// paper found answer templates by category better than a general prompt.
struct Preprompts {
  std::string general;
  std::vector<std::pair<std::string, std::string>> by_category{};  ///< category, prompt

  [[nodiscard]] const std::string& of(std::string_view category) const noexcept {
    for (const auto& [name, text] : by_category)
      if (name == category) return text;
    return general;
  }
};

/// What distillation made of an adversarial prompt.
struct Distilled {
  std::vector<Message> dialogue{};  ///< without the prompt in front, the answer to learn last
  double score_before = 0;          ///< the safety score of the answer without the prompt in front
  double score_after = 0;           ///< of the answer with it
  bool kept = false;  ///< whether the learnt answer is the one with the prompt in front
};

/// How distillation goes.
struct DistillationOptions {
  /// Keep an answer only where the safety model prefers it to the one without a prompt in front.
  bool targeted = true;
};

/// Distils one dialogue that ends with the user and has no system prompt: answers it with the
/// prompt in front, as system prompt, and without. answer(messages) is the model's answer;
/// score(messages, answer) the safety model's score. Throws `invalid_argument` for other dialogues.
template <class Answer, class Score>
Distilled distil(std::span<const Message> messages, const std::string& preprompt, Answer&& answer,
                 Score&& score, const DistillationOptions& options = {}) {
  validate_dialogue(messages);
  if (messages[0].role == Role::system || messages.back().role != Role::user)
    throw Error(ErrorCode::invalid_argument,
                "distillation begins with a dialogue that ends with the user and has no system "
                "prompt");
  std::vector<Message> prompted(messages.begin(), messages.end());
  prompted.insert(prompted.begin(), {Role::system, preprompt});

  Distilled result;
  result.dialogue.assign(messages.begin(), messages.end());
  std::string plain = answer(std::span<const Message>(messages));
  std::string guided = answer(std::span<const Message>(prompted));
  result.score_before = score(messages, std::string_view(plain));
  result.score_after = score(messages, std::string_view(guided));
  result.kept = !options.targeted || result.score_after > result.score_before;
  result.dialogue.push_back({Role::assistant, std::move(result.kept ? guided : plain)});
  return result;
}

}  // namespace llama2::inline LLAMA2_ABI
