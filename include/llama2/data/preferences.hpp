// Preference pairs: which of two answers a person preferred, how clearly, and how safe they were.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/file.hpp"
#include "llama2/text/chat_format.hpp"

namespace llama2::inline LLAMA2_ABI {

/// How much better the chosen answer is: the four degrees of the Llama 2 paper, section 3.2.1.
enum class PreferenceRating : std::uint8_t { significantly, better, slightly, negligibly };
inline constexpr std::array<std::string_view, 4> preference_rating_names = {
    "significantly better", "better", "slightly better", "negligibly better / unsure"};

/// The paper's safety bins. The fourth combination, the chosen answer unsafe and the other safe, is
/// not in its data, nor in this format.
enum class SafetyBin : std::uint8_t { chosen_safe, both_safe, both_unsafe };
inline constexpr std::array<std::string_view, 3> safety_bin_names = {"chosen safe", "both safe",
                                                                     "both unsafe"};

/// One judgement, as a line of a file has it; the format is described in docs/preferences.md.
struct PreferencePair {
  std::vector<Message> messages{};  ///< the dialogue so far; the last message is the user's
  std::string chosen{};
  std::string rejected{};
  std::optional<PreferenceRating> rating{};
  std::optional<SafetyBin> safety{};
  std::string id{};              ///< of the prompt, the same for all judges; may be empty
  std::string judge{};           ///< who judged; may be empty
  std::string chosen_model{};    ///< who wrote the chosen answer; may be empty
  std::string rejected_model{};  ///< who wrote the other; may be empty

  friend bool operator==(const PreferencePair&, const PreferencePair&) = default;
};

namespace detail {

/// Reads one object; `where` is the file and the line.
class PreferenceLine {
 public:
  PreferenceLine(std::string_view text, std::string where) : where_(std::move(where)) {
    try {
      json_ = nlohmann::json::parse(text);
    } catch (const nlohmann::json::parse_error& error) {
      std::string reason = error.what();
      if (const auto at = reason.find(": "); at != reason.npos) reason.erase(0, at + 2);
      fail("", "not JSON", "an object", reason);
    }
    if (!json_.is_object()) fail("", "not an object", "an object", json_.type_name());
  }

  PreferencePair pair() const {
    for (const auto& [key, value] : json_.items())
      if (std::ranges::find(keys, key) == keys.end())
        fail(key, "unknown key",
             "one of prompt, messages, chosen, rejected, rating, safety, id, "
             "judge, chosen_model, rejected_model",
             key);
    PreferencePair pair;
    pair.messages = messages();
    pair.chosen = required("chosen");
    pair.rejected = required("rejected");
    if (pair.chosen == pair.rejected)
      fail("rejected", "the two answers are the same", "another text than chosen", "the same");
    pair.rating = named<PreferenceRating>("rating", preference_rating_names);
    pair.safety = named<SafetyBin>("safety", safety_bin_names);
    pair.id = optional("id");
    pair.judge = optional("judge");
    pair.chosen_model = optional("chosen_model");
    pair.rejected_model = optional("rejected_model");
    return pair;
  }

 private:
  static constexpr std::array<std::string_view, 10> keys = {
      "prompt", "messages", "chosen", "rejected",     "rating",
      "safety", "id",       "judge",  "chosen_model", "rejected_model"};

  [[noreturn]] void fail(std::string_view key, std::string_view message, std::string expected,
                         std::string found) const {
    throw Error(ErrorCode::malformed_file, message,
                {.file = where_,
                 .tensor = std::string(key.substr(0, 60)),
                 .expected = std::move(expected),
                 .found = found.substr(0, 200)});
  }

  const std::string& text_of(const nlohmann::json& value, std::string_view key) const {
    if (!value.is_string()) fail(key, "not a text", "a string", value.type_name());
    return value.get_ref<const std::string&>();
  }
  std::string required(std::string_view key) const {
    const auto at = json_.find(key);
    if (at == json_.end()) fail(key, "missing", "a string", "nothing");
    return text_of(*at, key);
  }
  std::string optional(std::string_view key) const {
    const auto at = json_.find(key);
    return at == json_.end() ? std::string() : text_of(*at, key);
  }

  template <class Enum, std::size_t N>
  std::optional<Enum> named(std::string_view key,
                            const std::array<std::string_view, N>& names) const {
    const auto at = json_.find(key);
    if (at == json_.end() || at->is_null()) return std::nullopt;
    const auto name = std::ranges::find(names, std::string_view(text_of(*at, key)));
    if (name == names.end()) {
      std::string all;
      for (const std::string_view n : names) all += (all.empty() ? "" : ", ") + std::string(n);
      fail(key, "unknown value", "one of " + all, at->get<std::string>());
    }
    return static_cast<Enum>(name - names.begin());
  }

  std::vector<Message> messages() const {
    const auto list = json_.find("messages");
    if (json_.contains("prompt") == (list != json_.end()))
      fail("prompt", "what was asked must be given once", "either prompt or messages",
           list == json_.end() ? "neither" : "both");
    if (list == json_.end()) return {{Role::user, required("prompt")}};
    if (!list->is_array() || list->empty())
      fail("messages", "not a dialogue", "a list of messages", list->type_name());
    std::vector<Message> result;
    for (const nlohmann::json& message : *list) {
      if (!message.is_object() || message.size() != 2 || !message.contains("role") ||
          !message.contains("content"))
        fail("messages", "not a message", "an object of role and content", "another");
      const std::string& role = text_of(message["role"], "role");
      const std::string& content = text_of(message["content"], "content");
      const bool first = result.empty();
      const bool users_turn = first || result.back().role != Role::user;
      if (role == "system" && first)
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

  nlohmann::json json_;
  std::string where_;
};

}  // namespace detail

/// Reads the pairs of a text of JSON lines; empty lines are skipped. `name` stands for the file in
/// errors. Throws `malformed_file` with the line's number.
inline std::vector<PreferencePair> parse_preferences(std::string_view text,
                                                     const std::string& name) {
  std::vector<PreferencePair> pairs;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (line.find_first_not_of(" \t\r") != line.npos)
      pairs.push_back(
          detail::PreferenceLine(line, name + ", line " + std::to_string(number)).pair());
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return pairs;
}

/// Reads a file of pairs, 1 GiB at most. Throws `io`, and `malformed_file` with file and line.
inline std::vector<PreferencePair> read_preferences(const std::string& path) {
  const InputFile file(path, FileAccess::map, std::size_t{1} << 30);
  const auto bytes = file.bytes();
  return parse_preferences({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
}

/// A pair as one line of a file, with its end.
inline std::string preference_line(const PreferencePair& pair) {
  nlohmann::ordered_json json;
  if (pair.messages.size() == 1 && pair.messages.front().role == Role::user) {
    json["prompt"] = pair.messages.front().text;
  } else {
    json["messages"] = nlohmann::ordered_json::array();
    for (const Message& message : pair.messages)
      json["messages"].push_back({{"role", to_string(message.role)}, {"content", message.text}});
  }
  json["chosen"] = pair.chosen;
  json["rejected"] = pair.rejected;
  if (pair.rating) json["rating"] = preference_rating_names[static_cast<std::size_t>(*pair.rating)];
  if (pair.safety) json["safety"] = safety_bin_names[static_cast<std::size_t>(*pair.safety)];
  const std::pair<const char*, const std::string*> texts[] = {
      {"id", &pair.id},
      {"judge", &pair.judge},
      {"chosen_model", &pair.chosen_model},
      {"rejected_model", &pair.rejected_model}};
  for (const auto& [key, text] : texts)
    if (!text->empty()) json[key] = *text;
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace llama2::inline LLAMA2_ABI
