// Preference pairs: which of two answers a person preferred, how clearly, and how safe they were.
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

#include "llama2/data/json_lines.hpp"
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

inline PreferencePair preference_pair(const JsonLine& line) {
  static constexpr std::array<std::string_view, 10> keys = {
      "prompt", "messages", "chosen", "rejected",     "rating",
      "safety", "id",       "judge",  "chosen_model", "rejected_model"};
  line.allow_only(keys);
  PreferencePair pair{.messages = line.dialogue(),
                      .chosen = line.text("chosen"),
                      .rejected = line.text("rejected"),
                      .id = line.optional_text("id"),
                      .judge = line.optional_text("judge"),
                      .chosen_model = line.optional_text("chosen_model"),
                      .rejected_model = line.optional_text("rejected_model")};
  if (strip(pair.chosen).empty())
    line.fail("chosen", "an empty answer was preferred", "a text", "white space alone");
  for (const auto& [key, answer] :
       {std::pair<const char*, const std::string&>{"chosen", pair.chosen},
        {"rejected", pair.rejected}}) {
    for (const std::string_view tag : chat_tags)
      if (answer.find(tag) != std::string::npos)
        line.fail(key, "the answer holds a tag of the dialogue format", "none of them",
                  std::string(tag));
  }
  if (pair.chosen == pair.rejected)
    line.fail("rejected", "the two answers are the same", "another text than chosen", "the same");
  if (const auto rating = line.index_of("rating", preference_rating_names);
      rating < preference_rating_names.size())
    pair.rating = static_cast<PreferenceRating>(rating);
  if (const auto bin = line.index_of("safety", safety_bin_names); bin < safety_bin_names.size())
    pair.safety = static_cast<SafetyBin>(bin);
  return pair;
}

}  // namespace detail

/// Reads the pairs of a text of JSON lines; empty lines are skipped. `name` stands for the file in
/// errors. Throws `malformed_file` with the line's number.
inline std::vector<PreferencePair> parse_preferences(std::string_view text,
                                                     const std::string& name) {
  std::vector<PreferencePair> pairs;
  for_each_json_line(text, name,
                     [&](const JsonLine& line) { pairs.push_back(detail::preference_pair(line)); });
  return pairs;
}

/// Reads a file of pairs, 1 GiB at most. Throws `io`, and `malformed_file` with file and line.
inline std::vector<PreferencePair> read_preferences(const std::string& path) {
  std::vector<PreferencePair> pairs;
  for_each_json_line_of(
      path, [&](const JsonLine& line) { pairs.push_back(detail::preference_pair(line)); });
  return pairs;
}

/// A pair as one line of a file, with its end.
inline std::string preference_line(const PreferencePair& pair) {
  nlohmann::ordered_json json;
  add_dialogue(json, pair.messages);
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
  return json_line(json);
}

}  // namespace llama2::inline LLAMA2_ABI
