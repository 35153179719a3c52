// A dialogue with a chat model.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/random.hpp"
#include "llama2/generate/session.hpp"
#include "llama2/text/chat_format.hpp"
#include "llama2/text/tokenizer.hpp"

namespace llama2::inline LLAMA2_ABI {

/// How a chat answers. The defaults are those of Meta's chat models.
struct ChatOptions {
  /// Of each answer. `seed` is that of the whole chat: each answer draws from a stream of its own,
  /// that of its place in the dialogue and of how many answers it replaces.
  GenerateOptions generate{.max_tokens = 1024, .temperature = 0.6f, .top_p = 0.9f};
};

/// An answer, also the last message of the chat.
struct ChatAnswer {
  std::string_view text;  ///< stripped; valid until the chat is next used
  GenerateResult result;  ///< its prompt is what the session had not yet seen of the dialogue
};

/// A dialogue in Llama 2's format over a session, which may be a `Session` or an `AnySession`.
///
/// All that a chat is lies in its messages and options: what the model sees is encoded anew for
/// each answer, and what the session has already evaluated of it is kept. So a chat made again from
/// its messages goes on with the same tokens as one that was never left. For one thread at a time.
template <class SessionType>
class Chat {
 public:
  /// The session's text, if any, is replaced. `messages` are a transcript: empty, or a dialogue
  /// that ends with an answer, with or without a system prompt in front, or a system prompt alone.
  /// Throws `invalid_argument` for others, and for a text with a tag of the format.
  Chat(SessionType session, Tokenizer tokenizer, ChatOptions options = {},
       std::vector<Message> messages = {})
      : session_(std::move(session)),
        tokenizer_(std::move(tokenizer)),
        options_(std::move(options)),
        messages_(std::move(messages)) {
    if (has_system() && messages_.size() == 1) {
      check_system(messages_[0].text);
    } else if (!messages_.empty()) {
      validate_dialogue(messages_);
      if (messages_.back().role == Role::user)
        throw Error(ErrorCode::invalid_argument, "the transcript ends with a message of the user",
                    {.expected = "an answer last"});
    }
  }

  /// The dialogue so far, the system prompt first if there is one.
  [[nodiscard]] std::span<const Message> messages() const noexcept { return messages_; }

  [[nodiscard]] const SessionType& session() const noexcept { return session_; }

  /// Sets the system prompt; an empty one is none. It counts from the beginning of the dialogue.
  /// Throws `invalid_argument` for a text with a tag of the format.
  void set_system(std::string text) {
    check_system(text);
    if (has_system()) messages_.erase(messages_.begin());
    if (!text.empty()) messages_.insert(messages_.begin(), {Role::system, std::move(text)});
  }

  /// Says `text` and returns the answer, which `on_text` sees piece by piece as in
  /// `Session::generate`; what it stops counts as the answer. Throws `invalid_argument` for a text
  /// with a tag of the format, `context_exhausted` if the dialogue leaves no room for an answer,
  /// `cancelled` if that comes before the answer begins; then, and when `on_text` throws, the
  /// dialogue is as before.
  template <std::invocable<std::string_view> OnText>
  ChatAnswer say(std::string text, OnText&& on_text) {
    messages_.push_back({Role::user, std::move(text)});
    try {
      return answer(on_text, 0);
    } catch (...) {
      messages_.pop_back();
      throw;
    }
  }

  /// Another answer in place of the last, from another stream of random numbers: that of how many
  /// it replaces, which its message tells. Throws `invalid_argument` if there is none, and what
  /// `say` does; then the old answer is back.
  template <std::invocable<std::string_view> OnText>
  ChatAnswer regenerate(OnText&& on_text) {
    if (answers() == 0)
      throw Error(ErrorCode::invalid_argument, "there is no answer yet to be replaced");
    Message old = std::move(messages_.back());
    messages_.pop_back();
    try {
      return answer(on_text, old.replaced + 1);
    } catch (...) {
      messages_.push_back(std::move(old));
      throw;
    }
  }

  /// Takes back the last message of the user and its answer, and returns that message, to be
  /// edited. Throws `invalid_argument` if there is none.
  std::string undo() {
    if (answers() == 0) throw Error(ErrorCode::invalid_argument, "there is nothing to take back");
    messages_.pop_back();
    std::string said = std::move(messages_.back().text);
    messages_.pop_back();
    return said;
  }

  /// Answers given.
  [[nodiscard]] std::size_t answers() const noexcept {
    return (messages_.size() - (has_system() ? 1 : 0)) / 2;
  }

  /// For the next answers. An answer ends before a tag of the format whatever `stop` has, and
  /// `sinks` has no effect: a dialogue is encoded as a whole.
  [[nodiscard]] GenerateOptions& generate_options() noexcept { return options_.generate; }

 private:
  [[nodiscard]] bool has_system() const noexcept {
    return !messages_.empty() && messages_[0].role == Role::system;
  }

  static void check_system(const std::string& text) {
    const Message alone[] = {{Role::system, text}, {Role::user, ""}};
    validate_dialogue(alone);
  }

  /// `replaced`: how many answers this one replaces.
  template <class OnText>
  ChatAnswer answer(OnText& on_text, std::uint64_t replaced) {
    const std::vector<Token> tokens = encode_dialogue(tokenizer_, messages_);
    if (tokens.size() >= session_.context())
      throw Error(ErrorCode::context_exhausted, "the dialogue leaves no room for an answer",
                  {.expected = "fewer than " + std::to_string(session_.context()) + " tokens",
                   .found = std::to_string(tokens.size())});
    const auto known = session_.tokens();
    const std::size_t same =
        static_cast<std::size_t>(std::ranges::mismatch(known, tokens).in1 - known.begin());
    session_.truncate(same);
    session_.append(std::span(tokens).subspan(same));

    GenerateOptions options = options_.generate;
    for (const std::string_view tag : chat_tags) options.stop.emplace_back(tag);
    options.sinks.reset();
    options.seed = mix_bits(mix_bits(options.seed) + 1'000'003 * messages_.size() + replaced);
    text_.clear();
    // For nearly every answer, so that its tokens allocate nothing.
    const std::size_t most = std::min(options.max_tokens, session_.context());
    text_.reserve(std::min(most * max_piece_bytes, std::size_t{1} << 20));
    GenerateResult result = session_.generate("", options, [&](std::string_view piece) {
      if (text_.empty()) piece = strip_front(piece);  // what stands before an answer is format
      if (piece.empty()) return true;
      text_ += piece;
      return static_cast<bool>(on_text(piece));
    });
    if (result.reason == StopReason::cancelled && result.tokens == 0)
      throw Error(ErrorCode::cancelled,
                  "cancelled before the answer began: the message is taken back");
    result.prompt_tokens = tokens.size() - same;
    messages_.push_back({Role::assistant, std::string(strip(text_)), replaced});
    return {messages_.back().text, result};
  }

  SessionType session_;
  Tokenizer tokenizer_;
  ChatOptions options_;
  std::vector<Message> messages_;
  std::string text_;  // of the answer in the making; most of its memory is taken before
};

}  // namespace llama2::inline LLAMA2_ABI
