// Dialogues as files. Needs nlohmann-json, which nothing else of inference does.
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
#include "llama2/base/file.hpp"
#include "llama2/base/output_file.hpp"
#include "llama2/text/chat_format.hpp"
#include "llama2/text/utf8.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Messages as a JSON array of {"role": ..., "content": ...}, which other programs read, too; an
/// answer that replaces others has "replaced", their number. Each byte that is not UTF-8 becomes
/// U+FFFD, as it does where the model's text is shown.
inline std::string transcript_text(std::span<const Message> messages) {
  auto json = nlohmann::json::array();
  for (const Message& message : messages) {
    json.push_back({{"role", std::string(to_string(message.role))},
                    {"content", replace_invalid_utf8(message.text)}});
    if (message.replaced != 0) json.back()["replaced"] = message.replaced;
  }
  return json.dump(1, ' ') + "\n";
}

/// Writes `transcript_text` to a file. Throws `io`.
inline void save_transcript(const std::string& path, std::span<const Message> messages) {
  OutputFile file(path);
  file.write(transcript_text(messages));
  file.commit();
}

/// The most messages of a transcript that is read, and the most bytes.
inline constexpr std::size_t max_transcript_messages = std::size_t{1} << 16;
inline constexpr std::size_t max_transcript_bytes = std::size_t{4} << 20;

namespace detail {

/// Takes a transcript as it is parsed: its events, as nlohmann-json calls them. Members of other
/// names are passed over, whatever is in them.
class TranscriptReader {
 public:
  explicit TranscriptReader(const std::string& path) : path_(path) {}

  [[nodiscard]] std::vector<Message> take() { return std::move(messages_); }

  bool null() { return value("null"); }
  bool boolean(bool) { return value("a truth value"); }
  bool number_integer(std::int64_t) { return value("a number"); }
  bool number_unsigned(std::uint64_t number) {
    if (depth_ != in_message || member_ != Member::replaced) return value("a number");
    replaced_ = number;
    return true;
  }
  bool number_float(double, const std::string&) { return value("a number"); }
  bool binary(nlohmann::json::binary_t&) { return value("bytes"); }

  bool string(std::string& text) {
    if (depth_ != in_message || (member_ != Member::role && member_ != Member::content))
      return value("a string");
    if (member_ == Member::content) {
      content_ = std::move(text);
      return true;
    }
    for (const Role role : {Role::system, Role::user, Role::assistant})
      if (text == to_string(role)) {
        role_ = role;
        return true;
      }
    refuse("a message of nobody that is known", "system, user or assistant", text.substr(0, 40));
  }

  bool start_object(std::size_t) {
    if (depth_ != in_list) {
      value("an object");
    } else {
      if (messages_.size() == max_transcript_messages)
        refuse("too many messages", "at most " + std::to_string(max_transcript_messages), {});
      role_.reset();
      content_.reset();
      replaced_ = 0;
    }
    ++depth_;
    return true;
  }

  bool key(std::string& name) {
    if (depth_ != in_message) return true;
    member_ = name == "role"       ? Member::role
              : name == "content"  ? Member::content
              : name == "replaced" ? Member::replaced
                                   : Member::other;
    if ((member_ == Member::role && role_) || (member_ == Member::content && content_))
      refuse("a message says it twice", {}, name);
    return true;
  }

  bool end_object() {
    if (--depth_ != in_list) return true;
    if (!role_ || !content_)
      refuse("a message that is not whole", R"(strings "role" and "content")", {});
    messages_.push_back({*role_, std::move(*content_), replaced_});
    return true;
  }

  bool start_array(std::size_t) {
    if (depth_ != outside) value("an array");
    ++depth_;
    return true;
  }
  bool end_array() {
    --depth_;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::json::exception& error) {
    std::string_view why = error.what();  // "[json.exception.parse_error.101] parse error at ..."
    why.remove_prefix(std::min(why.size(), why.find("] ") + 2));
    throw Error(ErrorCode::malformed_file,
                "no transcript of a chat: " + std::string(why.substr(0, 200)),
                {.file = path_, .offset = position, .expected = "JSON"});
  }

 private:
  enum class Member { role, content, replaced, other };
  static constexpr std::size_t outside = 0, in_list = 1, in_message = 2;

  /// A value that is nothing of a message.
  bool value(const char* what) {
    if (depth_ == outside) refuse("no transcript of a chat", "an array of messages", what);
    if (depth_ == in_list) refuse("what is no message", "an object", what);
    if (depth_ == in_message && member_ == Member::replaced)
      refuse("how many answers one replaces is no number", "a whole number", what);
    if (depth_ == in_message && member_ != Member::other)
      refuse("a message whose role or content is no text", "a string", what);
    return true;
  }

  [[noreturn]] void refuse(const char* message, std::string expected, std::string found) const {
    throw Error(ErrorCode::malformed_file, message,
                {.file = path_,
                 .tensor = depth_ == outside ? std::string()
                                             : "message " + std::to_string(messages_.size() + 1),
                 .expected = std::move(expected),
                 .found = std::move(found)});
  }

  const std::string& path_;
  std::vector<Message> messages_;
  std::size_t depth_ = outside;
  Member member_ = Member::other;
  std::optional<Role> role_;  // of the message that is read
  std::optional<std::string> content_;
  std::uint64_t replaced_ = 0;
};

}  // namespace detail

/// Reads a transcript that is in memory; `path` is for messages of errors. Throws `malformed_file`
/// for what is no such array, names no known role, or is too much.
inline std::vector<Message> parse_transcript(std::string_view text, const std::string& path) {
  detail::TranscriptReader reader(path);
  nlohmann::json::sax_parse(text, &reader);
  return reader.take();
}

/// Reads what `save_transcript` writes. Throws `io`, and what `parse_transcript` throws.
inline std::vector<Message> load_transcript(const std::string& path) {
  const InputFile file(path, FileAccess::read, max_transcript_bytes);
  const auto bytes = file.bytes();
  return parse_transcript({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
}

}  // namespace llama2::inline LLAMA2_ABI
