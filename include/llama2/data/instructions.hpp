// Dialogues to learn from, in the layouts that instruction data is published in.
#pragma once

#include <array>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/data/public_rows.hpp"
#include "llama2/text/chat_format.hpp"

namespace llama2::inline LLAMA2_ABI {

namespace detail {

/// Who speaks, by any of the names in use.
inline Role role_of(const std::string& name) {
  struct Name {
    std::string_view name;
    Role role;
  };
  static constexpr std::array<Name, 7> names = {{{"system", Role::system},
                                                 {"user", Role::user},
                                                 {"human", Role::user},
                                                 {"assistant", Role::assistant},
                                                 {"gpt", Role::assistant},
                                                 {"chatgpt", Role::assistant},
                                                 {"model", Role::assistant}}};
  for (const Name& known : names)
    if (known.name == name) return known.role;
  refuse_row("a speaker of an unknown name: " + name.substr(0, 60));
}

/// [{speaker: ..., text: ...}, ...] by the names of the two members.
inline std::vector<Message> message_list(const nlohmann::json& list, const char* speaker,
                                         const char* text) {
  if (!list.is_array() || list.empty()) refuse_row("no list of messages");
  std::vector<Message> messages;
  for (const nlohmann::json& message : list) {
    if (!message.is_object()) refuse_row("no message");
    messages.push_back({role_of(text_member(message, speaker)), text_member(message, text)});
  }
  return messages;
}

/// The first of these that a row has; null if it has none.
inline const char* member_of(const nlohmann::json& row, std::span<const char* const> keys) {
  for (const char* const key : keys)
    if (row.contains(key)) return key;
  return nullptr;
}

/// An instruction, with what it is to be applied to, and an answer.
inline std::vector<Message> instruction_dialogue(const nlohmann::json& row,
                                                 const std::string& instruction,
                                                 std::span<const char* const> answers) {
  static constexpr std::array inputs = {"input", "context"};
  std::string asked = instruction;
  if (const char* const input = member_of(row, inputs))
    if (const std::string& text = text_member(row, input); !strip(text).empty())
      asked += "\n" + text;
  const char* const answer = member_of(row, answers);
  if (answer == nullptr) refuse_row("there is no answer");
  return {{Role::user, std::move(asked)}, {Role::assistant, text_member(row, answer)}};
}

/// The dialogues of a row, whose layout its members tell.
inline std::vector<std::vector<Message>> dialogues_of(const nlohmann::json& row) {
  static constexpr std::array layouts = {"messages", "conversations", "instruction", "prompt"};
  static constexpr std::array answers = {"output", "response"};
  static constexpr std::array completions = {"response", "completion"};
  static constexpr std::array unread = {"history", "rejected"};
  const char* const layout = member_of(row, layouts);
  if (layout == nullptr)
    refuse_row("none of the members messages, conversations, instruction and prompt");
  for (const char* const other : layouts)
    if (other != layout && row.contains(other))
      refuse_row(std::string("two layouts in one row: ") + layout + " and " + other);
  for (const char* const key : unread)
    if (row.contains(key) && !row[key].empty())
      refuse_row(std::string("what this reader does not know: ") + key);
  if (row.contains("label") && row["label"] == false)
    refuse_row("people found this dialogue bad (its label is false)");

  const std::string_view kind = layout;
  if (kind == "messages") return {message_list(row["messages"], "role", "content")};
  if (kind == "conversations") return {message_list(row["conversations"], "from", "value")};
  if (kind == "prompt") return {instruction_dialogue(row, text_member(row, "prompt"), completions)};
  const std::string& instruction = text_member(row, "instruction");
  std::vector<std::vector<Message>> dialogues;
  if (row.contains("instances")) {
    const nlohmann::json& instances = row["instances"];
    if (!instances.is_array()) refuse_row("the instances are no list");
    for (const nlohmann::json& instance : instances) {
      if (!instance.is_object()) refuse_row("no instance");
      dialogues.push_back(instruction_dialogue(instance, instruction, answers));
    }
  } else {
    dialogues.push_back(instruction_dialogue(row, instruction, answers));
  }
  if (row.contains("system"))
    if (const std::string& system = text_member(row, "system"); !strip(system).empty())
      for (auto& dialogue : dialogues) dialogue.insert(dialogue.begin(), {Role::system, system});
  return dialogues;
}

}  // namespace detail

/// Reads dialogues for fine-tuning, each row in any of these layouts:
///
///   - `messages`: [{`role`, `content`}, ...] (OpenAI)
///   - `conversations`: [{`from`, `value`}, ...] (ShareGPT)
///   - `instruction`, `input` or `context`, `output` or `response`, `system` (Alpaca, Dolly), or
///     `instances` of input and output (Self-Instruct): input follows instruction in a new line
///   - `prompt`, `response` or `completion`
///
/// Other members are ignored, but for those that would change the meaning: a `history`, a
/// `rejected` answer and a `label` of false make a row a bad one. So do turns that do not
/// alternate, empty messages, no answer, and texts that `require_clean_text` refuses. Throws like
/// `read_public_rows`.
inline PublicRows<std::vector<Message>> read_dialogues(const std::string& path,
                                                       BadRows bad_rows = BadRows::report) {
  return read_public_rows<std::vector<Message>>(path, bad_rows,
                                                [](const nlohmann::json& row, auto& result) {
                                                  for (auto& dialogue : detail::dialogues_of(row)) {
                                                    detail::require_clean_dialogue(dialogue);
                                                    result.items.push_back(std::move(dialogue));
                                                  }
                                                });
}

}  // namespace llama2::inline LLAMA2_ABI
