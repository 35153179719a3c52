// A folder of saved trainings, of which the newest few are kept.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/unfinished_files.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Names and removes the files "step-000000120.state" of one training. Files of other names are
/// none of its business. One program at a time may use a folder.
class CheckpointFolder {
 public:
  /// Makes the folder if there is none, and removes what killed programs left half written. Throws
  /// `io`.
  explicit CheckpointFolder(std::string path) : path_(std::move(path)) {
    std::error_code error;
    std::filesystem::create_directories(path_, error);
    if (error) fail("cannot make the folder", error);
    for (const std::string& name : names())
      if (is_unfinished_name(name) && step_of(name.substr(0, name.rfind(".tmp"))))
        std::filesystem::remove(file(name), error);  // what cannot go does no harm
  }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  /// Where the state after a step belongs.
  [[nodiscard]] std::string path_of(std::uint64_t step) const {
    char name[40];
    std::snprintf(name, sizeof name, "step-%09llu.state", static_cast<unsigned long long>(step));
    return file(name);
  }

  /// The steps that are saved, ascending. Throws `io`.
  [[nodiscard]] std::vector<std::uint64_t> steps() const {
    std::vector<std::uint64_t> steps;
    for (const std::string& name : names())
      if (const auto step = step_of(name)) steps.push_back(*step);
    std::ranges::sort(steps);
    return steps;
  }

  /// The newest file, if there is any. Throws `io`.
  [[nodiscard]] std::optional<std::string> newest() const {
    const auto steps = this->steps();
    if (steps.empty()) return std::nullopt;
    return path_of(steps.back());
  }

  /// Removes the files of later steps. What cannot be removed stays. Throws `io`.
  void remove_after(std::uint64_t step) const {
    for (const std::uint64_t later : steps()) {
      std::error_code error;
      if (later > step) std::filesystem::remove(path_of(later), error);
    }
  }

  /// Of the files up to a step, removes all but the newest `keep`, at least one. What cannot be
  /// removed stays. Throws `io`.
  void keep_newest(std::size_t keep, std::uint64_t last) const {
    auto steps = this->steps();
    std::erase_if(steps, [&](std::uint64_t step) { return step > last; });
    const std::size_t kept = std::max<std::size_t>(keep, 1);
    for (std::size_t i = 0; i + kept < steps.size(); ++i) {
      std::error_code error;
      std::filesystem::remove(path_of(steps[i]), error);
    }
  }

 private:
  [[noreturn]] void fail(const char* what, const std::error_code& error) const {
    throw Error(ErrorCode::io, std::string(what) + ": " + error.message(), {.file = path_});
  }

  [[nodiscard]] std::string file(const std::string& name) const {
    return (std::filesystem::path(path_) / name).string();
  }

  [[nodiscard]] std::vector<std::string> names() const {
    std::error_code error;
    std::vector<std::string> names;
    std::filesystem::directory_iterator entry(path_, error);
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
      names.push_back(entry->path().filename().string());
    if (error) fail("cannot read the folder", error);
    return names;
  }

  static std::optional<std::uint64_t> step_of(std::string_view name) {
    constexpr std::string_view before = "step-", after = ".state";
    if (!name.starts_with(before) || !name.ends_with(after) ||
        name.size() < before.size() + 9 + after.size())
      return std::nullopt;
    const std::string_view digits =
        name.substr(before.size(), name.size() - before.size() - after.size());
    std::uint64_t step = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), step);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return step;
  }

  std::string path_;
};

}  // namespace llama2::inline LLAMA2_ABI
