// Long work as stages whose results are kept: what is done is not done again, and what was cut off
// goes on where it was.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "llama2/base/error.hpp"
#include "llama2/base/file.hpp"
#include "llama2/base/hash.hpp"
#include "llama2/base/os.hpp"
#include "llama2/base/output_file.hpp"
#include "llama2/base/unfinished_files.hpp"

namespace llama2::inline LLAMA2_ABI {

/// The bytes of a file of 1 GiB at most. Throws `io`.
inline std::string read_text_file(const std::string& path) {
  const InputFile file(path, FileAccess::read, std::size_t{1} << 30);
  const auto bytes = file.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Makes a file appear whole. Throws `io`.
inline void write_text_file(const std::string& path, std::string_view text) {
  OutputFile file(path);
  file.write(text);
  file.commit();
}

/// A folder of stages. Of each there is a record NAME.json, which says what the stage was made of
/// and, once it is done, its figures; a stage is done when its record has figures. What else a
/// stage makes it names itself, by `path`; what it needs only until it is done, such as the states
/// of a training, belongs in `scratch`. One program at a time may use a folder.
class StageLedger {
 public:
  using Json = nlohmann::ordered_json;

  /// Makes the folder if there is none, and removes what a killed program was still writing there
  /// and in stages' own folders. Throws `io`.
  explicit StageLedger(std::string folder) : folder_(std::move(folder)) {
    make_folder(folder_);
    remove_unfinished_files(folder_);
    std::error_code error;
    std::filesystem::directory_iterator entry(folder_, error);
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
      if (entry->is_directory(error)) remove_unfinished_files(entry->path());
  }

  [[nodiscard]] const std::string& folder() const noexcept { return folder_; }
  /// Where a file of the folder is.
  [[nodiscard]] std::string path(const std::string& name) const {
    return (std::filesystem::path(folder_) / name).string();
  }
  /// A folder of the stage's own, there while the stage is not done.
  [[nodiscard]] std::string scratch(const std::string& stage) const {
    return path(stage + ".scratch");
  }

  [[nodiscard]] bool done(const std::string& stage) const {
    const auto record = find(stage);
    return record && record->contains("figures");
  }

  /// The figures of a stage. Throws `invalid_argument` if it is not done.
  [[nodiscard]] Json figures(const std::string& stage) const { return finished(stage)["figures"]; }

  /// How long a stage took, all sittings together, in seconds; not how long what was killed took.
  [[nodiscard]] double seconds(const std::string& stage) const {
    return finished(stage)["seconds"].get<double>();
  }

  /// What tells a finished stage from one that was made of something else, for what later stages
  /// are made of.
  [[nodiscard]] std::string seal(const std::string& stage) const {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx",
                  static_cast<unsigned long long>(hash_bytes(finished(stage)["made_of"].dump())));
    return text;
  }

  /// Does a stage, unless it is done, and returns its figures. `made_of` is all that decides its
  /// result: parameters, and the seals of earlier stages. body() returns the figures when all that
  /// the stage makes is on the disk; if it throws, the stage is not done, and goes on from what
  /// body() left in `scratch` the next time. Throws `mismatch` for a stage that was begun with
  /// something else.
  template <class Body>
  Json run(const std::string& stage, const Json& made_of, Body&& body) {
    double before = 0;
    if (const auto record = find(stage)) {
      if ((*record)["made_of"] != made_of) differ(stage, (*record)["made_of"], made_of);
      if (record->contains("figures")) return (*record)["figures"];
      before = record->value("seconds", 0.0);
    }
    Json record = {{"stage", stage}, {"made_of", made_of}, {"seconds", before}};
    write_text_file(record_path(stage), record.dump(1) + '\n');
    make_folder(scratch(stage));
    const auto start = Clock::now();
    const auto note_time = [&] {
      record["seconds"] = before + std::chrono::duration<double>(Clock::now() - start).count();
    };
    try {
      record["figures"] = body();
    } catch (...) {
      note_time();
      write_text_file(record_path(stage), record.dump(1) + '\n');
      throw;
    }
    note_time();
    write_text_file(record_path(stage), record.dump(1) + '\n');
    std::error_code error;
    std::filesystem::remove_all(scratch(stage), error);  // what cannot go does no harm
    return record["figures"];
  }

  /// Within a stage: its text made in parts, of which those that are there are not made again.
  /// make(i) is part i, a function of i and of what the stage is made of. Returns all of them, one
  /// after the other.
  template <class Make>
  std::string in_parts(const std::string& stage, std::size_t count, Make&& make) {
    std::string all;
    for (std::size_t i = 0; i < count; ++i) {
      char name[32];
      std::snprintf(name, sizeof name, "part-%06zu", i);
      const std::string part = (std::filesystem::path(scratch(stage)) / name).string();
      if (!os::find(part)) write_text_file(part, make(i));
      all += read_text_file(part);
    }
    return all;
  }

 private:
  using Clock = std::chrono::steady_clock;

  static void make_folder(const std::string& folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error)
      throw Error(ErrorCode::io, "cannot make the folder: " + error.message(), {.file = folder});
  }

  [[nodiscard]] std::string record_path(const std::string& stage) const {
    return path(stage + ".json");
  }

  [[nodiscard]] std::optional<Json> find(const std::string& stage) const {
    const std::string path = record_path(stage);
    if (!os::find(path)) return std::nullopt;
    Json record = Json::parse(read_text_file(path), nullptr, false);
    if (!record.is_object() || record.value("stage", Json()) != stage ||
        !record.contains("made_of") || !record.value("seconds", Json()).is_number())
      throw Error(ErrorCode::malformed_file, "not the record of this stage", {.file = path});
    return record;
  }

  [[nodiscard]] Json finished(const std::string& stage) const {
    auto record = find(stage);
    if (!record || !record->contains("figures"))
      throw Error(ErrorCode::invalid_argument, "an earlier stage is missing",
                  {.file = folder_, .expected = stage});
    return *std::move(record);
  }

  [[noreturn]] void differ(const std::string& stage, const Json& found,
                           const Json& expected) const {
    std::string which;
    for (const auto& [key, value] : expected.items())
      if (!found.is_object() || !found.contains(key) || found[key] != value)
        which += (which.empty() ? "" : ", ") + key;
    throw Error(ErrorCode::mismatch,
                "the stage was made of something else; remove the folder or name another",
                {.file = record_path(stage), .found = "another " + which});
  }

  std::string folder_;
};

}  // namespace llama2::inline LLAMA2_ABI
