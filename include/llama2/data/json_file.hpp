// Files of JSON, whole or line by line: errors say the line.
#pragma once

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "llama2/base/error.hpp"
#include "llama2/base/file.hpp"

namespace llama2::inline LLAMA2_ABI {

namespace detail {

/// The mark that some programs put before UTF-8.
inline constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

/// Text of a file, at most 1 GiB of it, without a byte order mark. Throws `io`.
inline std::string read_data(const std::string& path) {
  const InputFile file(path, FileAccess::map, std::size_t{1} << 30);
  const auto bytes = file.bytes();
  std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with(byte_order_mark)) text.erase(0, byte_order_mark.size());
  return text;
}

/// The line of a text that a byte is in; the first is 1.
inline std::size_t line_at(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  return 1 + static_cast<std::size_t>(std::ranges::count(before, '\n'));
}

/// How messages name a line.
inline std::string place_of(const std::string& file, std::size_t line) {
  return file + ", line " + std::to_string(line);
}

[[noreturn]] inline void malformed_line(const std::string& file, std::size_t line,
                                        std::string_view message, std::string expected,
                                        std::string found) {
  throw Error(
      ErrorCode::malformed_file, message,
      {.file = place_of(file, line), .expected = std::move(expected), .found = std::move(found)});
}

/// Copies, comparisons and writing of JSON recurse, so what is nested deeper than this is refused.
inline constexpr int most_json_depth = 256;

/// Parses JSON that begins at a line of a file. Throws `malformed_file`, also for what is not
/// UTF-8.
inline nlohmann::json parse_json(std::string_view text, const std::string& file,
                                 std::size_t first_line = 1) {
  try {
    bool deep = false;
    const auto bound = [&](int depth, nlohmann::json::parse_event_t, const nlohmann::json&) {
      deep = deep || depth > most_json_depth;
      return !deep;
    };
    auto json = nlohmann::json::parse(text, bound);
    if (deep)
      malformed_line(file, first_line, "JSON that is nested too deeply",
                     "at most " + std::to_string(most_json_depth) + " levels", "more");
    return json;
  } catch (const nlohmann::json::parse_error& error) {
    std::string reason = error.what();  // "[json.exception...] parse error at ...: syntax error..."
    if (const auto at = reason.find(": "); at != reason.npos) reason.erase(0, at + 2);
    malformed_line(file, first_line + line_at(text, error.byte == 0 ? 0 : error.byte - 1) - 1,
                   "not JSON", "JSON", reason.substr(0, 200));
  }
}

/// Calls f(line without its end, number) for the lines of a text; the last may lack its end.
template <class F>
void for_each_line(std::string_view text, const F& f) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    f(line, number);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

/// Whether there is nothing but spaces in a line.
inline bool is_blank(std::string_view line) noexcept {
  return line.find_first_not_of(" \t\r") == line.npos;
}

}  // namespace detail

}  // namespace llama2::inline LLAMA2_ABI
