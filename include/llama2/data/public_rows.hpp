// Rows of published data sets: what is not as it should be is reported and left out, or refused.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/data/byte_stream.hpp"
#include "llama2/data/json_file.hpp"
#include "llama2/text/chat_format.hpp"

namespace llama2::inline LLAMA2_ABI {

/// What is done about a row that cannot be used.
enum class BadRows {
  report,  ///< it is left out and listed
  refuse,  ///< the first ends the reading, by `malformed_file`
};

/// A row that was left out.
struct BadRow {
  std::string place;   ///< the file and the row's line, or its number in the file's list
  std::string reason;  ///< one sentence
};

/// What a file of other people's data held.
template <class T>
struct PublicRows {
  std::vector<T> items{};
  std::uint64_t rows = 0;     ///< all of the file's, blank lines apart
  std::uint64_t neutral = 0;  ///< of them, rows as they should be that teach nothing: ties
  std::vector<BadRow> bad{};  ///< of them, rows that were left out
};

namespace detail {

/// Text of a file, decompressed if it is compressed; at most 1 GiB of it.
inline std::string read_compressed_data(const std::string& path) {
  constexpr std::size_t most = std::size_t{1} << 30, piece = std::size_t{1} << 20;
  ByteStream stream(path);
  std::string text;
  for (std::size_t size = 0;;) {
    text.resize(size + piece);
    const std::size_t n = stream.read(std::span(text).subspan(size));
    text.resize(size += n);
    if (n == 0) break;
    if (size > most)
      throw Error(ErrorCode::unsupported, "too large for this reader",
                  {.file = path, .expected = "at most 1 GiB of text", .found = "more"});
  }
  if (text.starts_with(byte_order_mark)) text.erase(0, byte_order_mark.size());
  return text;
}

/// Throws what makes a row a bad one.
[[noreturn]] inline void refuse_row(const std::string& reason) {
  throw Error(ErrorCode::malformed_file, reason);
}

/// A member of a row that must be a text.
inline const std::string& text_member(const nlohmann::json& row, const char* key) {
  const auto at = row.find(key);
  if (at == row.end()) refuse_row(std::string("there is no member ") + key);
  if (!at->is_string()) refuse_row(std::string("no text: ") + key);
  return at->template get_ref<const std::string&>();
}

/// Refuses a text that has come through a wrong decoder, or that cannot be part of a dialogue.
/// `what` names it.
inline void require_clean_text(const std::string& text, const std::string& what) {
  if (strip(text).empty()) refuse_row(what + " is empty");
  for (const std::string_view tag : chat_tags)
    if (text.find(tag) != text.npos)
      refuse_row(what + " holds a tag of the dialogue format: " + std::string(tag));
  if (text.find("\xEF\xBF\xBD") != text.npos)
    refuse_row(what + " has lost characters in another encoding (U+FFFD)");
  // UTF-8 that was read as Windows-1252 or Latin-1 and written as UTF-8: a curly apostrophe begins
  // with one of the first two, accented letters with the third.
  for (const std::string_view damage : {"\xC3\xA2\xE2\x82\xAC", "\xC3\xA2\xC2\x80", "\xC3\x83\xC2"})
    if (text.find(damage) != text.npos) refuse_row(what + " has been encoded twice");
  const auto is_control = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == 0x7F || (byte < 0x20 && c != '\n' && c != '\r' && c != '\t');
  };
  if (std::ranges::any_of(text, is_control)) refuse_row(what + " holds a control character");
}

/// Refuses messages that are no dialogue of clean texts with an answer in it.
inline void require_clean_dialogue(std::span<const Message> messages) {
  const std::size_t first = !messages.empty() && messages[0].role == Role::system ? 1 : 0;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const std::string name = "message " + std::to_string(i + 1);
    if (i >= first && (messages[i].role == Role::user) != ((i - first) % 2 == 0))
      refuse_row(name + " is out of turn: the " + std::string(to_string(messages[i].role)) + "'s");
    if (i >= first && messages[i].role == Role::system)
      refuse_row(name + " is a system prompt within the dialogue");
    require_clean_text(messages[i].text, name);
  }
  if (messages.size() < first + 2) refuse_row("there is no answer");
}

}  // namespace detail

/// Reads a file of rows: a JSON object a line, or one list of them; compressed by gzip or not.
/// make(row, result) adds what a row holds to `result.items`, or counts it as neutral; what it
/// throws makes the row a bad one. Rows that are not JSON in UTF-8 are bad, too. Throws `io`, and
/// `malformed_file` for a list that is not JSON, for a damaged compressed file, and where bad rows
/// are refused.
template <class T, class Make>
PublicRows<T> read_public_rows(const std::string& path, BadRows bad_rows, Make&& make) {
  const std::string text = detail::read_compressed_data(path);
  PublicRows<T> result;
  const auto take = [&](const std::string& place, auto&& row) {
    ++result.rows;
    const std::size_t items = result.items.size();
    try {
      make(row(), result);
    } catch (const Error& error) {
      result.items.erase(result.items.begin() + static_cast<std::ptrdiff_t>(items),
                         result.items.end());
      std::string reason(error.message());
      if (!error.details().found.empty()) reason += ": " + error.details().found.substr(0, 200);
      if (bad_rows == BadRows::refuse)
        throw Error(ErrorCode::malformed_file, reason, {.file = place});
      result.bad.push_back({place, std::move(reason)});
    }
  };
  const auto require_object = [](const nlohmann::json& row) -> const nlohmann::json& {
    if (!row.is_object()) detail::refuse_row("not an object");
    return row;
  };
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin != text.npos && text[begin] == '[') {
    const nlohmann::json list = detail::parse_json(text, path);
    for (std::size_t i = 0; i < list.size(); ++i)
      take(path + ", item " + std::to_string(i + 1), [&] { return require_object(list[i]); });
  } else {
    detail::for_each_line(text, [&](std::string_view line, std::size_t number) {
      if (detail::is_blank(line)) return;
      take(detail::place_of(path, number),
           [&] { return require_object(detail::parse_json(line, path, number)); });
    });
  }
  return result;
}

}  // namespace llama2::inline LLAMA2_ABI
