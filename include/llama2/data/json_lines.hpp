// Lines of JSON that hold dialogues: strict reading, errors with file and line.
#pragma once

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/data/json_file.hpp"
#include "llama2/text/chat_format.hpp"

namespace llama2::inline LLAMA2_ABI {

/// One line that is an object of texts, as files of dialogues have them. All functions throw
/// `malformed_file` that names file, line and key.
class JsonLine {
 public:
  /// A line of a file.
  JsonLine(std::string_view text, const std::string& file, std::size_t number)
      : json_(detail::parse_json(text, file, number)), where_(detail::place_of(file, number)) {
    if (!json_.is_object()) fail("", "not an object", "an object", json_.type_name());
  }

  /// Refuses keys that are none of these: a misspelt one would be lost.
  void allow_only(std::span<const std::string_view> keys) const {
    for (const auto& [key, value] : json_.items()) {
      if (std::ranges::find(keys, key) != keys.end()) continue;
      std::string all;
      for (const std::string_view k : keys) all += (all.empty() ? "" : ", ") + std::string(k);
      fail(key, "unknown key", "one of " + all, key);
    }
  }

  [[nodiscard]] bool has(std::string_view key) const { return json_.contains(key); }

  [[nodiscard]] std::string text(std::string_view key) const {
    const auto at = json_.find(key);
    if (at == json_.end()) fail(key, "missing", "a string", "nothing");
    return text_of(*at, key);
  }
  /// Empty where the key is missing.
  [[nodiscard]] std::string optional_text(std::string_view key) const {
    return has(key) ? text(key) : std::string();
  }

  /// Which of the names a text is: an index; the number of names where the key is missing or null.
  [[nodiscard]] std::size_t index_of(std::string_view key,
                                     std::span<const std::string_view> names) const {
    const auto at = json_.find(key);
    if (at == json_.end() || at->is_null()) return names.size();
    const std::string& value = text_of(*at, key);
    const auto name = std::ranges::find(names, std::string_view(value));
    if (name == names.end()) {
      std::string all;
      for (const std::string_view n : names) all += (all.empty() ? "" : ", ") + std::string(n);
      fail(key, "unknown value", "one of " + all, value);
    }
    return static_cast<std::size_t>(name - names.begin());
  }

  /// What was asked: `prompt`, one message of the user's, or `messages`, a dialogue
  /// [{"role": ..., "content": ...}, ...] whose turns alternate and whose last message is the
  /// user's.
  [[nodiscard]] std::vector<Message> dialogue() const {
    const auto list = json_.find("messages");
    if (has("prompt") == (list != json_.end()))
      fail("prompt", "what was asked must be given once", "either prompt or messages",
           list == json_.end() ? "neither" : "both");
    if (list == json_.end()) return {{Role::user, text("prompt")}};
    if (!list->is_array() || list->empty())
      fail("messages", "not a dialogue", "a list of messages", list->type_name());
    std::vector<Message> result;
    for (const nlohmann::json& message : *list) {
      if (!message.is_object() || message.size() != 2 || !message.contains("role") ||
          !message.contains("content"))
        fail("messages", "not a message", "an object of role and content", "another");
      const std::string& role = text_of(message["role"], "role");
      const std::string& content = text_of(message["content"], "content");
      const bool users_turn = result.empty() || result.back().role != Role::user;
      if (role == "system" && result.empty())
        result.push_back({Role::system, content});
      else if (role == "user" && users_turn)
        result.push_back({Role::user, content});
      else if (role == "assistant" && !users_turn)
        result.push_back({Role::assistant, content});
      else
        fail("role", "out of turn", users_turn ? "user" : "assistant", role);
    }
    if (result.back().role != Role::user)
      fail("messages", "the dialogue does not end with a question", "a last message of the user's",
           "another");
    return result;
  }

  /// Throws for this line.
  [[noreturn]] void fail(std::string_view key, std::string_view message, std::string expected,
                         const std::string& found) const {
    throw Error(ErrorCode::malformed_file, message,
                {.file = where_,
                 .tensor = std::string(key.substr(0, 60)),
                 .expected = std::move(expected),
                 .found = found.substr(0, 200)});
  }

 private:
  const std::string& text_of(const nlohmann::json& value, std::string_view key) const {
    if (!value.is_string()) fail(key, "not a text", "a string", value.type_name());
    return value.get_ref<const std::string&>();
  }

  nlohmann::json json_;
  std::string where_;
};

/// Calls f(JsonLine) for each line of a text that is not empty. `name` stands for the file.
template <class F>
void for_each_json_line(std::string_view text, const std::string& name, const F& f) {
  if (text.starts_with(detail::byte_order_mark)) text.remove_prefix(detail::byte_order_mark.size());
  detail::for_each_line(text, [&](std::string_view line, std::size_t number) {
    if (!detail::is_blank(line)) f(JsonLine(line, name, number));
  });
}

/// The same for a file of 1 GiB at most. Throws `io`, too.
template <class F>
void for_each_json_line_of(const std::string& path, const F& f) {
  for_each_json_line(detail::read_data(path), path, f);
}

/// Adds what `JsonLine::dialogue` reads.
inline void add_dialogue(nlohmann::ordered_json& json, std::span<const Message> messages) {
  if (messages.size() == 1 && messages.front().role == Role::user) {
    json["prompt"] = messages.front().text;
    return;
  }
  auto& list = json["messages"] = nlohmann::ordered_json::array();
  for (const Message& message : messages)
    list.push_back({{"role", to_string(message.role)}, {"content", message.text}});
}

/// A line with its end. Bytes that are not UTF-8 become U+FFFD.
inline std::string json_line(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace llama2::inline LLAMA2_ABI
