// What an evaluation has finished, line by line, so that it can go on after it was killed.
#pragma once

#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/os.hpp"
#include "llama2/base/output_file.hpp"
#include "llama2/data/json_file.hpp"

namespace llama2::inline LLAMA2_ABI {

/// A file of items: a first line that says what they are of, then a line of JSON for each.
class ItemLog {
 public:
  using Json = nlohmann::ordered_json;

  /// Opens or makes a file. `header` says what is evaluated; a file with another header throws
  /// `mismatch`. A last line that was cut off is dropped. Throws `io`, and `malformed_file` with
  /// file and line for a line that is none of ours.
  ItemLog(std::string path, const Json& header) : path_(std::move(path)) {
    std::string whole;
    if (os::find(path_)) whole = detail::read_data(path_);
    const std::size_t end = whole.rfind('\n');
    const bool cut = !whole.empty() && end + 1 != whole.size();
    whole.resize(end == whole.npos ? 0 : end + 1);
    detail::for_each_line(whole, [&](std::string_view line, std::size_t number) {
      const auto json = detail::parse_json(line, path_, number);
      if (number == 1) {
        if (json != nlohmann::json(header)) differ(json, header);
        return;
      }
      if (!json.is_object() || !json.contains("key") || !json["key"].is_string() ||
          !json.contains("item") || !json["item"].is_object())
        detail::malformed_line(path_, number, "not a finished item", "its key and itself",
                               std::string(line.substr(0, 40)));
      items_[json["key"].get<std::string>()] = Json::parse(line).at("item");
    });
    if (whole.empty()) whole = line_of(header);
    if (cut || !os::find(path_) || items_.empty()) {
      OutputFile file(path_);
      file.write(whole);
      file.commit();
    }
    file_ = os::File::append(path_);
    if (!file_) fail("cannot open");
  }

  /// Items that an earlier run has finished, by their keys.
  [[nodiscard]] const std::map<std::string, Json>& items() const noexcept { return items_; }

  /// Adds items and brings them to the disk. Throws `io`.
  void append(std::span<const std::pair<std::string, Json>> items) {
    std::string text;
    for (const auto& [key, item] : items) text += line_of({{"key", key}, {"item", item}});
    auto bytes = std::as_bytes(std::span(text));
    while (!bytes.empty()) {
      const std::ptrdiff_t n = file_.write(bytes.data(), bytes.size());
      if (n < 0) fail("cannot write");
      bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    if (!file_.sync()) fail("cannot write to the disk");
    for (const auto& [key, item] : items) items_[key] = item;
  }

 private:
  [[noreturn]] void fail(const char* what) const {
    throw Error(ErrorCode::io, std::string(what) + ": " + os::last_error(), {.file = path_});
  }

  [[noreturn]] void differ(const nlohmann::json& found, const Json& expected) const {
    std::string which;
    for (const auto& [key, value] : expected.items())
      if (!found.contains(key) || found[key] != nlohmann::json(value))
        which += (which.empty() ? "" : ", ") + key;
    throw Error(ErrorCode::mismatch,
                "the file holds the items of another evaluation; remove it or name another folder",
                {.file = path_, .found = "another " + (which.empty() ? "content" : which)});
  }

  /// Bytes that are no UTF-8 become U+FFFD.
  static std::string line_of(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
  }

  std::string path_;
  std::map<std::string, Json> items_;
  os::File file_;
};

}  // namespace llama2::inline LLAMA2_ABI
