// The text of one line of JSONL.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"

namespace llama2::inline LLAMA2_ABI {

namespace detail {

/// Takes the strings of some members of the outermost object, and checks the rest without keeping
/// it: memory does not grow with what a line nests.
class JsonFields final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit JsonFields(std::span<const std::string> names) : names_(names), found_(names.size()) {}

  [[nodiscard]] std::vector<std::optional<std::string>>& found() noexcept { return found_; }
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }

  bool null() override { return value(); }
  bool boolean(bool) override { return value(); }
  bool number_integer(number_integer_t) override { return value(); }
  bool number_unsigned(number_unsigned_t) override { return value(); }
  bool number_float(number_float_t, const string_t&) override { return value(); }
  bool binary(binary_t&) override { return value(); }
  bool string(string_t& text) override {
    if (depth_ == 1 && wanted_ < names_.size()) {
      if (found_[wanted_]) return refuse("the member is there twice: ");
      found_[wanted_] = std::move(text);
      return true;
    }
    return value();
  }
  bool start_object(std::size_t) override { return value() && ++depth_ != 0; }
  bool start_array(std::size_t) override { return value() && ++depth_ != 0; }
  bool end_object() override { return end(); }
  bool end_array() override { return end(); }
  bool key(string_t& name) override {
    if (depth_ != 1) return true;
    wanted_ = 0;
    while (wanted_ < names_.size() && names_[wanted_] != name) ++wanted_;
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    reason_ = "not JSON from its byte " + std::to_string(position) + " on";
    return false;
  }

 private:
  bool refuse(const char* what) {
    reason_ = what + names_[wanted_];
    return false;
  }
  bool end() {
    --depth_;
    wanted_ = names_.size();
    return true;
  }
  /// Any value but a string: none that is asked for may be one.
  bool value() {
    if (depth_ == 1 && wanted_ < names_.size()) return refuse("the member is not a string: ");
    return true;
  }

  std::span<const std::string> names_;
  std::vector<std::optional<std::string>> found_;
  std::size_t wanted_ = std::size_t(-1);  // names_.size() or more: none
  std::size_t depth_ = 0;
  std::string reason_;
};

}  // namespace detail

/// The strings of the members `fields` of a JSON object, joined by line feeds. Throws
/// `malformed_file` with what is wrong: not JSON (which includes invalid UTF-8), not an object, or
/// a member that is missing, there twice, or no string.
inline std::string json_text(std::string_view line, std::span<const std::string> fields) {
  const auto fail = [](const std::string& reason) {
    throw Error(ErrorCode::malformed_file, reason);
  };
  detail::JsonFields handler(fields);
  if (!nlohmann::json::sax_parse(line, &handler)) fail(handler.reason());
  std::string text;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    std::optional<std::string>& value = handler.found()[i];
    if (!value) fail("there is no member " + fields[i]);
    if (i == 0)
      text = std::move(*value);
    else
      text += '\n' + *value;
  }
  return text;
}

}  // namespace llama2::inline LLAMA2_ABI
