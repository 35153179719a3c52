// UTF-8 looked at one character at a time (RFC 3629), so that bytes which arrive in pieces can be
// told apart: a whole character, the beginning of one, or neither.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "llama2/base/config.hpp"

namespace llama2::inline LLAMA2_ABI {

/// What the first bytes of a text are.
enum class Utf8Status {
  complete,    ///< a whole character
  incomplete,  ///< the beginning of a character; more bytes can complete it
  invalid,     ///< no further bytes can make a character of it
};

/// The first character of a text; `length` is its size in bytes when `status` is `complete`.
struct Utf8Character {
  Utf8Status status;
  std::size_t length;
};

/// Looks at the character at the beginning of `text`, which must not be empty. Overlong forms,
/// surrogates and code points above U+10FFFF are invalid from the byte that gives them away.
constexpr Utf8Character first_utf8_character(std::string_view text) noexcept {
  const auto byte = [text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return {Utf8Status::complete, 1};
  if (lead < 0xC2 || lead > 0xF4) return {Utf8Status::invalid, 0};
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  for (std::size_t i = 1; i < length; ++i) {
    if (i == text.size()) return {Utf8Status::incomplete, 0};
    std::uint8_t low = 0x80;
    std::uint8_t high = 0xBF;
    if (i == 1) {  // where overlong forms, surrogates and too large code points show
      if (lead == 0xE0) low = 0xA0;
      if (lead == 0xED) high = 0x9F;
      if (lead == 0xF0) low = 0x90;
      if (lead == 0xF4) high = 0x8F;
    }
    if (byte(i) < low || byte(i) > high) return {Utf8Status::invalid, 0};
  }
  return {Utf8Status::complete, length};
}

/// Whether all of `text` is valid UTF-8.
constexpr bool is_valid_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const Utf8Character character = first_utf8_character(text);
    if (character.status != Utf8Status::complete) return false;
    text.remove_prefix(character.length);
  }
  return true;
}

/// The text with U+FFFD in place of each byte that belongs to no character.
inline std::string replace_invalid_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const Utf8Character character = first_utf8_character(text);
    const bool complete = character.status == Utf8Status::complete;
    const std::size_t length = complete ? character.length : 1;
    result += complete ? text.substr(0, length) : "\xEF\xBF\xBD";
    text.remove_prefix(length);
  }
  return result;
}

}  // namespace llama2::inline LLAMA2_ABI
