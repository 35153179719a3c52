// Ghost Attention: instructions that hold through a dialogue (the Llama 2 paper, sections 3.3 and
// A.3.5).
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/text/chat_format.hpp"

namespace llama2::inline LLAMA2_ABI {

/// How an instruction is put before a message of the user. The paper says "concatenate".
struct GhostOptions {
  std::string separator = "\n";
};

namespace detail {
inline std::vector<Message> with_instruction(std::span<const Message> messages,
                                             std::string_view instruction,
                                             const GhostOptions& options, bool first_only) {
  validate_dialogue(messages);
  if (strip(instruction).empty()) throw Error(ErrorCode::invalid_argument, "an empty instruction");
  std::vector<Message> out(messages.begin(), messages.end());
  for (Message& message : out) {
    if (message.role != Role::user) continue;
    message.text = std::string(instruction) + options.separator + message.text;
    if (first_only) break;
  }
  validate_dialogue(out);
  return out;
}
}  // namespace detail

/// The dialogue as answers are sampled for it: the instruction stands before every message of the
/// user. Throws `invalid_argument` for an empty instruction or one with a tag of the format.
inline std::vector<Message> ghost_sampling_dialogue(std::span<const Message> messages,
                                                    std::string_view instruction,
                                                    const GhostOptions& options = {}) {
  return detail::with_instruction(messages, instruction, options, false);
}

/// The same dialogue as it is learnt: the instruction stands before the first message alone. To be
/// encoded with `LearntAnswers::last`: all tokens of earlier turns, the answers' included, have no
/// loss, so that the answers sampled under a repeated instruction do not contradict what is seen.
inline std::vector<Message> ghost_training_dialogue(std::span<const Message> messages,
                                                    std::string_view instruction,
                                                    const GhostOptions& options = {}) {
  return detail::with_instruction(messages, instruction, options, true);
}

/// Samples a whole dialogue under a standing instruction, turn by turn: answer(messages) is the
/// model's answer to a dialogue that ends with the user. Returns the messages without the
/// instruction: the user's as given, and the answers.
template <class Answer>
std::vector<Message> sample_ghost_dialogue(std::span<const std::string> user_messages,
                                           std::string_view instruction, Answer&& answer,
                                           const GhostOptions& options = {}) {
  std::vector<Message> dialogue;
  for (const std::string& text : user_messages) {
    dialogue.push_back({Role::user, text});
    dialogue.push_back(
        {Role::assistant, answer(ghost_sampling_dialogue(dialogue, instruction, options))});
  }
  return dialogue;
}

}  // namespace llama2::inline LLAMA2_ABI
