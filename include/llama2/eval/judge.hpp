// What is said of a generated answer, by whoever can: a rule, a model, a program's tests.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "llama2/eval/record.hpp"
#include "llama2/text/chat_format.hpp"

namespace llama2::inline LLAMA2_ABI {

struct JudgeInput {
  std::string_view prompt;  ///< without worked examples
  std::string_view answer;
  const Record& record;  ///< the item's data, such as `record.text("test")`
  /// All that was said before the answer, the prompt as the last of it.
  std::span<const Message> dialogue = {};
};

struct Judgement {
  double score;                       ///< in [0, 1] or [-1, 1]; where it says yes or no, 1 or 0
  std::string label = {};             ///< the same in words; none where the score is a measure
  std::optional<double> reward = {};  ///< a reward model's score of the answer, where there is one
};

using Judge = std::function<Judgement(const JudgeInput&)>;

/// By the names that tasks call them.
using Judges = std::map<std::string, Judge>;

}  // namespace llama2::inline LLAMA2_ABI
