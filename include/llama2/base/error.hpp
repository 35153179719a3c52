// The one exception type of the library.
#pragma once

#include <cstdint>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "llama2/base/config.hpp"

namespace llama2::inline LLAMA2_ABI {

/// What kind of thing went wrong, for programs; `Error::what()` is for people.
enum class ErrorCode {
  invalid_argument,   ///< a caller's value is out of its documented range
  io,                 ///< the operating system refused to open, read, map or write
  malformed_file,     ///< the bytes are not what the format allows
  unsupported,        ///< well-formed, but not something this build can use
  mismatch,           ///< file and model type (or model and tokenizer) disagree
  out_of_memory,      ///< an allocation or a pool could not supply what was asked
  context_exhausted,  ///< a sequence would grow beyond its reserved KV cache
  cancelled,          ///< the caller asked for an end before the end
};

/// The code's name, as printed in messages.
constexpr std::string_view to_string(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument:
      return "invalid argument";
    case ErrorCode::io:
      return "i/o error";
    case ErrorCode::malformed_file:
      return "malformed file";
    case ErrorCode::unsupported:
      return "unsupported";
    case ErrorCode::mismatch:
      return "mismatch";
    case ErrorCode::out_of_memory:
      return "out of memory";
    case ErrorCode::context_exhausted:
      return "context exhausted";
    case ErrorCode::cancelled:
      return "cancelled";
  }
  return "error";
}

/// Where an error happened and what disagreed. Every field is optional.
struct ErrorDetails {
  std::string file{};                     ///< path of the file being read or written
  std::optional<std::uint64_t> offset{};  ///< byte offset in that file
  std::string tensor{};                   ///< tensor or field name
  std::string expected{};                 ///< what the type or format asks for
  std::string found{};                    ///< what was there
};

/// Every failure of the library is thrown as an `Error`; nothing aborts.
class Error : public std::exception {
 public:
  Error(ErrorCode code, std::string_view message, ErrorDetails details = {})
      : code_(code),
        message_(message),
        details_(std::move(details)),
        what_(compose(code, message, details_)) {}

  [[nodiscard]] ErrorCode code() const noexcept { return code_; }
  /// The sentence alone, without the details.
  [[nodiscard]] std::string_view message() const noexcept { return message_; }
  [[nodiscard]] const ErrorDetails& details() const noexcept { return details_; }
  [[nodiscard]] const char* what() const noexcept override { return what_.c_str(); }

 private:
  static std::string compose(ErrorCode code, std::string_view message,
                             const ErrorDetails& details) {
    std::string text;
    if (!details.file.empty()) text += details.file + ": ";
    text += std::string(to_string(code)) + ": ";
    if (!details.tensor.empty()) text += details.tensor + ": ";
    text += message;
    if (!details.expected.empty()) text += "; expected " + details.expected;
    if (!details.found.empty()) text += "; found " + details.found;
    if (details.offset) text += " (at byte " + std::to_string(*details.offset) + ")";
    return text;
  }

  ErrorCode code_;
  std::string message_;
  ErrorDetails details_;
  std::string what_;
};

/// A number as messages show it: what tells two 32-bit floats apart, and no more digits.
inline std::string number_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

/// Throws `invalid_argument` for the option `field` unless `ok`.
inline void require_option(bool ok, const char* field, double value, const char* expected) {
  if (ok) return;
  throw Error(ErrorCode::invalid_argument, "out of range",
              {.tensor = field, .expected = expected, .found = number_text(value)});
}

}  // namespace llama2::inline LLAMA2_ABI
