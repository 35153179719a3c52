// What to make of which corpus, as a JSON file says it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/file.hpp"
#include "llama2/data/prepare.hpp"
#include "llama2/io/load_tokenizer.hpp"

namespace llama2::inline LLAMA2_ABI {

/// The files at a path: the file itself, or all of a folder and the folders in it but hidden ones,
/// sorted by path. Throws `io` if there is nothing.
inline std::vector<std::string> files_at(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  std::vector<std::string> files;
  if (!fs::is_directory(path, error)) {
    if (!fs::exists(path, error))
      throw Error(ErrorCode::io, "there is no such file or folder", {.file = path});
    files.push_back(path);
    return files;
  }
  for (fs::recursive_directory_iterator at(path, error), end; !error && at != end;
       at.increment(error)) {
    const bool hidden = at->path().filename().string().starts_with('.');
    if (hidden && at->is_directory()) at.disable_recursion_pending();
    if (!hidden && at->is_regular_file()) files.push_back(at->path().string());
  }
  if (error)
    throw Error(ErrorCode::io, "cannot read the folder: " + error.message(), {.file = path});
  if (files.empty()) throw Error(ErrorCode::io, "the folder holds no files", {.file = path});
  std::ranges::sort(files);
  return files;
}

/// What a file's name says of its format: `jsonl` for .jsonl, .ndjson and .json, else `separated`;
/// a .gz behind it is not looked at.
inline DocumentFormat format_of_name(std::string_view path) {
  if (path.ends_with(".gz")) path.remove_suffix(3);
  const bool json =
      path.ends_with(".jsonl") || path.ends_with(".ndjson") || path.ends_with(".json");
  return json ? DocumentFormat::jsonl : DocumentFormat::separated;
}

namespace detail {

/// Takes the members of a JSON object one by one; what is never asked for is refused at the end.
class ConfigObject {
 public:
  using Json = nlohmann::json;

  /// `where` names the object in errors; `file` is the configuration's.
  ConfigObject(const Json& object, std::string where, const std::string& file)
      : object_(object), where_(std::move(where)), file_(file) {
    if (!object.is_object()) fail("not an object");
  }

  /// The member, null if there is none.
  const Json* find(const char* name) {
    asked_.emplace_back(name);
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }

  /// Sets `value` if there is such a member. Numbers must be in the range of their type.
  template <class T>
  void read(const char* name, T& value) {
    const Json* const found = find(name);
    if (found == nullptr) return;
    if constexpr (std::is_same_v<T, bool>) {
      if (!found->is_boolean()) fail("expected true or false", name);
    } else if constexpr (std::is_integral_v<T>) {
      if (!found->is_number_unsigned()) fail("expected a whole number", name);
    } else if constexpr (std::is_floating_point_v<T>) {
      if (!found->is_number()) fail("expected a number", name);
    } else if (!found->is_string()) {
      fail("expected a string", name);
    }
    value = found->get<T>();
  }

  void read(const char* name, std::vector<std::string>& value) {
    const Json* const found = find(name);
    if (found == nullptr) return;
    if (!found->is_array() || found->empty()) fail("expected a list of strings", name);
    value.clear();
    for (const Json& item : *found) {
      if (!item.is_string()) fail("expected a list of strings", name);
      value.push_back(item.get<std::string>());
    }
  }

  /// To be called last.
  void finish() const {
    for (const auto& [name, value] : object_.items())
      if (std::ranges::find(asked_, name) == asked_.end()) fail("there is no such option", name);
  }

  [[noreturn]] void fail(const std::string& message, const std::string& name = {}) const {
    throw Error(ErrorCode::invalid_argument, message,
                {.file = file_, .tensor = name.empty() ? where_ : where_ + "." + name});
  }

  [[nodiscard]] const std::string& file() const noexcept { return file_; }

 private:
  const Json& object_;
  std::string where_;
  const std::string& file_;
  std::vector<std::string> asked_;
};

inline std::vector<Source> read_sources(const nlohmann::json& list, const std::string& where,
                                        const std::string& config) {
  if (!list.is_array())
    throw Error(ErrorCode::invalid_argument, "expected a list", {.file = config, .tensor = where});
  const auto folder = std::filesystem::path(config).parent_path();
  std::vector<Source> sources;
  for (std::size_t i = 0; i < list.size(); ++i) {
    ConfigObject object(list[i], where + "[" + std::to_string(i) + "]", config);
    Source source;
    std::vector<std::string> paths;
    object.read("files", paths);
    if (paths.empty()) object.fail("no files are named", "files");
    for (const std::string& path : paths)
      for (std::string& file : files_at((folder / path).string()))
        source.files.push_back(std::move(file));
    source.name = paths.front();
    source.format = format_of_name(source.files.front());
    object.read("name", source.name);
    if (std::string format; object.find("format") != nullptr) {
      object.read("format", format);
      if (format == "separated")
        source.format = DocumentFormat::separated;
      else if (format == "blank_lines")
        source.format = DocumentFormat::blank_lines;
      else if (format == "whole_file")
        source.format = DocumentFormat::whole_file;
      else if (format == "jsonl")
        source.format = DocumentFormat::jsonl;
      else
        object.fail("expected separated, blank_lines, whole_file or jsonl", "format");
    }
    object.read("separator", source.separator);
    object.read("fields", source.fields);
    object.read("weight", source.weight);
    object.finish();
    sources.push_back(std::move(source));
  }
  return sources;
}

inline void read_filters(const nlohmann::json& json, FilterOptions& filters,
                         const std::string& config) {
  ConfigObject object(json, "filters", config);
  object.read("min_words", filters.min_words);
  object.read("max_words", filters.max_words);
  if (bool repetition = true; object.find("repetition") != nullptr) {
    object.read("repetition", repetition);
    if (!repetition) filters.repetition.reset();
  }
  if (bool personal = true; object.find("personal_information") != nullptr) {
    object.read("personal_information", personal);
    if (!personal) filters.min_personal.reset();
  }
  object.finish();
}

}  // namespace detail

/// Reads the options of `prepare` from a JSON file; docs/data.md lists its members. Paths in it are
/// relative to its folder. Where files are written and on which threads is left to the caller.
/// Throws `io`, `malformed_file` for what is not JSON, and `invalid_argument` naming the member
/// that is unknown or not what it should be.
inline PrepareOptions read_prepare_config(const std::string& path) {
  using Json = nlohmann::json;
  constexpr std::size_t max_bytes = std::size_t{1} << 20;
  const InputFile file(path, FileAccess::read, max_bytes);
  const Json json = Json::parse(detail::bytes_as_text(file.bytes()), nullptr, false);
  if (json.is_discarded()) throw Error(ErrorCode::malformed_file, "not JSON", {.file = path});

  PrepareOptions options;
  detail::ConfigObject object(json, "configuration", path);
  if (const Json* sources = object.find("sources"))
    options.sources = detail::read_sources(*sources, "sources", path);
  if (const Json* evaluations = object.find("evaluations"))
    options.evaluations = detail::read_sources(*evaluations, "evaluations", path);
  if (const Json* filters = object.find("filters"))
    detail::read_filters(*filters, options.filters, path);
  object.read("remove_duplicates", options.remove_duplicates);
  if (const Json* similarity = object.find("similarity"); similarity != nullptr) {
    if (similarity->is_null())
      options.similarity.reset();
    else
      object.read("similarity", options.similarity.emplace());
  }
  object.read("drop_contaminated", options.drop_contaminated);
  if (const Json* tokenizer = object.find("tokenizer")) {
    if (tokenizer->is_string()) {
      const auto folder = std::filesystem::path(path).parent_path();
      options.tokenizer = load_tokenizer((folder / tokenizer->get<std::string>()).string());
    } else {
      detail::ConfigObject training(*tokenizer, "tokenizer", path);
      training.read("vocab_size", options.new_tokenizer.vocab_size);
      training.read("character_coverage", options.new_tokenizer.character_coverage);
      training.read("max_piece_characters", options.new_tokenizer.max_piece_characters);
      training.read("sample_bytes", options.tokenizer_sample_bytes);
      training.finish();
    }
  }
  object.read("bos", options.encode.bos);
  object.read("eos", options.encode.eos);
  object.read("validation", options.validation);
  object.read("seed", options.seed);
  object.read("max_document_bytes", options.max_document_bytes);
  object.read("refuse_damage", options.refuse_damage);
  object.finish();
  return options;
}

}  // namespace llama2::inline LLAMA2_ABI
