// Dialogues as tokens to learn from: which of them have a loss.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/token.hpp"
#include "llama2/text/chat_format.hpp"
#include "llama2/text/tokenizer.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Tokens, and for each whether it is to be predicted from those before it.
struct TrainingText {
  std::vector<Token> tokens{};
  std::vector<std::uint8_t> learn{};  ///< 1 or 0 for each token

  /// Tokens to be predicted; the first of a text never is.
  [[nodiscard]] std::size_t targets() const noexcept {
    return learn.empty() ? 0
                         : static_cast<std::size_t>(std::count(learn.begin() + 1, learn.end(), 1));
  }
  friend bool operator==(const TrainingText&, const TrainingText&) = default;
};

/// Which answers of a dialogue are learnt: all, or only the last (Ghost Attention, and answers that
/// were sampled for a given past).
enum class LearntAnswers { all, last };

/// The tokens of a dialogue in Llama 2's format, exactly those of `encode_dialogue`; answers are to
/// be predicted, with their EOS, and prompts are not. A dialogue that ends with the user has the
/// beginning of a turn last. Throws what `encode_dialogue` does, and `invalid_argument` for a
/// dialogue without an answer or with an empty one.
inline TrainingText encode_training_dialogue(const Tokenizer& tokenizer,
                                             std::span<const Message> messages,
                                             LearntAnswers learnt = LearntAnswers::all) {
  validate_dialogue(messages);
  const std::size_t first = messages[0].role == Role::system ? 1 : 0;
  std::size_t last_answer = 0;
  for (std::size_t i = first + 1; i < messages.size(); i += 2) {
    last_answer = i;
    if (strip(messages[i].text).empty())
      throw Error(ErrorCode::invalid_argument,
                  "message " + std::to_string(i + 1) + ": an empty answer teaches nothing");
  }
  if (last_answer == 0)
    throw Error(ErrorCode::invalid_argument, "a dialogue without an answer teaches nothing");

  // Every turn is encoded by itself, so what is known of a turn's prompt alone is how its tokens
  // begin; where the answer's first letters join the prompt's last piece, that piece is learnt.
  TrainingText text;
  for (std::size_t i = first; i < messages.size(); i += 2) {
    const bool finished = i + 1 < messages.size();
    std::vector<Message> turn;
    if (i == first && first == 1) turn.push_back(messages[0]);
    turn.push_back(messages[i]);
    const std::vector<Token> prompt = encode_dialogue(tokenizer, turn);
    if (finished) turn.push_back(messages[i + 1]);
    const std::vector<Token> whole = finished ? encode_dialogue(tokenizer, turn) : prompt;
    const auto begin = std::ranges::mismatch(prompt, whole).in1 - prompt.begin();
    const bool learn = finished && (learnt == LearntAnswers::all || i + 1 == last_answer);
    text.tokens.insert(text.tokens.end(), whole.begin(), whole.end());
    text.learn.insert(text.learn.end(), static_cast<std::size_t>(begin), 0);
    text.learn.insert(text.learn.end(), whole.size() - static_cast<std::size_t>(begin),
                      learn ? 1 : 0);
  }
  return text;
}

/// The tokens of a dialogue that ends with the user, then those of an answer that was sampled, as
/// they were sampled: what roll-outs are. The answer is to be predicted.
inline TrainingText prompt_and_answer(std::vector<Token> prompt, std::span<const Token> answer) {
  TrainingText text{std::move(prompt), {}};
  text.learn.assign(text.tokens.size(), 0);
  text.tokens.insert(text.tokens.end(), answer.begin(), answer.end());
  text.learn.resize(text.tokens.size(), 1);
  return text;
}

}  // namespace llama2::inline LLAMA2_ABI
