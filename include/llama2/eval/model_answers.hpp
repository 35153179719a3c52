// Files of a model's answers, and two of them matched question by question.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/data/json_lines.hpp"
#include "llama2/eval/side_by_side.hpp"
#include "llama2/text/chat_format.hpp"

namespace llama2::inline LLAMA2_ABI {

/// What a model was asked and what it answered: a line
/// {"prompt": ... or "messages": [...], "answer": ..., "id": ...} of a file; the id may be missing.
struct ModelAnswer {
  std::vector<Message> messages{};
  std::string answer{};
  std::string id{};
};

/// Throws `io`, and `malformed_file` with file and line.
inline std::vector<ModelAnswer> read_answers(const std::string& path) {
  static constexpr std::array<std::string_view, 4> keys = {"prompt", "messages", "answer", "id"};
  std::vector<ModelAnswer> answers;
  for_each_json_line_of(path, [&](const JsonLine& line) {
    line.allow_only(keys);
    answers.push_back({line.dialogue(), line.text("answer"), line.optional_text("id")});
  });
  return answers;
}

/// A file of questions: the same lines; an answer in them is not read. Throws as `read_answers`.
inline std::vector<ModelAnswer> read_questions(const std::string& path) {
  std::vector<ModelAnswer> questions;
  for_each_json_line_of(path, [&](const JsonLine& line) {
    questions.push_back({line.dialogue(), {}, line.optional_text("id")});
  });
  return questions;
}

inline std::string answer_line(const ModelAnswer& answer) {
  nlohmann::ordered_json json;
  add_dialogue(json, answer.messages);
  json["answer"] = answer.answer;
  if (!answer.id.empty()) json["id"] = answer.id;
  return json_line(json);
}

/// Two models' answers to the same questions.
struct MatchedAnswers {
  std::vector<SideBySideItem> items;
  std::size_t same = 0;       ///< questions with equal answers: nothing to judge, left out
  std::size_t unmatched = 0;  ///< answers to what the other model was not asked
};

/// Matches answers by what was asked; questions asked several times in order. Items without an id
/// get their number among the first model's answers, from 1.
inline MatchedAnswers match_answers(std::span<const ModelAnswer> first,
                                    std::span<const ModelAnswer> second) {
  const auto key = [](const ModelAnswer& answer) {
    nlohmann::ordered_json json;
    add_dialogue(json, answer.messages);
    return json_line(json);
  };
  std::map<std::string, std::vector<const ModelAnswer*>> waiting;
  for (const ModelAnswer& answer : second) waiting[key(answer)].push_back(&answer);
  MatchedAnswers result;
  std::size_t matched = 0;
  std::set<std::string> ids;
  for (std::size_t i = 0; i < first.size(); ++i) {
    auto& others = waiting[key(first[i])];
    if (others.empty()) continue;
    const ModelAnswer& other = *others.front();
    others.erase(others.begin());
    ++matched;
    if (other.answer == first[i].answer) {
      ++result.same;
      continue;
    }
    std::string id = first[i].id.empty() ? std::to_string(i + 1) : first[i].id;
    while (!ids.insert(id).second) id += "'";
    result.items.push_back({std::move(id), first[i].messages, first[i].answer, other.answer});
  }
  result.unmatched = first.size() + second.size() - 2 * matched;
  return result;
}

}  // namespace llama2::inline LLAMA2_ABI
