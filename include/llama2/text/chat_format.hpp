// Llama 2's dialogue format: what the chat models were trained on, to the last space.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/token.hpp"
#include "llama2/text/tokenizer.hpp"
#include "llama2/text/utf8.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Who speaks.
enum class Role { system, user, assistant };

constexpr std::string_view to_string(Role role) noexcept {
  switch (role) {
    case Role::system:
      return "system";
    case Role::user:
      return "user";
    case Role::assistant:
      return "assistant";
  }
  return "";
}

/// One turn of a dialogue.
struct Message {
  Role role;
  std::string text;
  std::uint64_t replaced = 0;  ///< of an answer: how many were given before it in its place

  friend bool operator==(const Message&, const Message&) = default;
};

/// The tags of the format. They are plain text to the tokenizer, so a message must not hold one.
inline constexpr std::array<std::string_view, 4> chat_tags = {"[INST]", "[/INST]", "<<SYS>>",
                                                              "<</SYS>>"};

namespace detail {

/// What Python's `str.strip` takes away, which Meta's code calls.
constexpr bool is_space(std::uint32_t c) noexcept {
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
         c == 0x205F || c == 0x3000;
}

/// The code point of a whole, valid UTF-8 character.
constexpr std::uint32_t code_point(std::string_view character) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(character[i]); };
  if (character.size() == 1) return byte(0);
  std::uint32_t value = byte(0) & (0x7Fu >> character.size());
  for (std::size_t i = 1; i < character.size(); ++i) value = value << 6 | (byte(i) & 0x3Fu);
  return value;
}

}  // namespace detail

/// The text without the white space, Unicode's included, at its beginning.
inline std::string_view strip_front(std::string_view text) noexcept {
  while (!text.empty()) {
    const Utf8Character first = first_utf8_character(text);
    if (first.status != Utf8Status::complete ||
        !detail::is_space(detail::code_point(text.substr(0, first.length))))
      break;
    text.remove_prefix(first.length);
  }
  return text;
}

/// The same at both ends.
inline std::string_view strip(std::string_view text) noexcept {
  text = strip_front(text);
  while (!text.empty()) {
    std::size_t begin = text.size() - 1;
    while (begin > 0 && text.size() - begin < 4 && (text[begin] & 0xC0) == 0x80) --begin;
    const Utf8Character last = first_utf8_character(text.substr(begin));
    if (last.status != Utf8Status::complete || last.length != text.size() - begin ||
        !detail::is_space(detail::code_point(text.substr(begin))))
      break;
    text.remove_suffix(last.length);
  }
  return text;
}

/// Throws `invalid_argument` unless the messages are an optional system prompt and then, in turns
/// and beginning with the user, what user and assistant say, and none holds a tag.
inline void validate_dialogue(std::span<const Message> messages) {
  const auto refuse = [&](std::size_t i, const char* why, std::string expected, std::string found) {
    throw Error(ErrorCode::invalid_argument, "message " + std::to_string(i + 1) + ": " + why,
                {.expected = std::move(expected), .found = std::move(found)});
  };
  const std::size_t first = !messages.empty() && messages[0].role == Role::system ? 1 : 0;
  if (messages.size() == first)
    throw Error(ErrorCode::invalid_argument, "a dialogue without a message of the user");
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const Role expected =
        i < first ? Role::system : ((i - first) % 2 == 0 ? Role::user : Role::assistant);
    if (messages[i].role != expected)
      refuse(i, "not whose turn it is", std::string(to_string(expected)),
             std::string(to_string(messages[i].role)));
    for (const std::string_view tag : chat_tags)
      if (messages[i].text.find(tag) != std::string::npos)
        refuse(i, "the text holds a tag of the dialogue format",
               "none of [INST] [/INST] <<SYS>> <</SYS>>", std::string(tag));
  }
}

/// The tokens of a dialogue: a BOS and an EOS around each finished turn, and for a last message of
/// the user the beginning of a turn, which an answer continues. As in Meta's `chat_completion`
/// (github.com/meta-llama/llama): each turn is encoded by itself, texts are stripped, and a space
/// stands before the EOS. Throws what `validate_dialogue` and `Tokenizer::encode` throw.
inline std::vector<Token> encode_dialogue(const Tokenizer& tokenizer,
                                          std::span<const Message> messages) {
  validate_dialogue(messages);
  std::string system;
  if (messages[0].role == Role::system) {
    system = "<<SYS>>\n" + messages[0].text + "\n<</SYS>>\n\n";
    messages = messages.subspan(1);
  }
  std::vector<Token> tokens;
  for (std::size_t i = 0; i < messages.size(); i += 2) {
    const std::string asked = (i == 0 ? system : std::string()) + messages[i].text;
    std::string turn = "[INST] " + std::string(strip(asked)) + " [/INST]";
    const bool finished = i + 1 < messages.size();
    if (finished) turn += " " + std::string(strip(messages[i + 1].text)) + " ";
    tokenizer.encode(turn, {.bos = true, .eos = finished}, tokens);
  }
  return tokens;
}

}  // namespace llama2::inline LLAMA2_ABI
