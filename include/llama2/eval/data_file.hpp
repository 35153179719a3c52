// From files of data, in their published layouts, to items.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/data/json_file.hpp"
#include "llama2/eval/record.hpp"

namespace llama2::inline LLAMA2_ABI {

/// How a file holds its items.
enum class DataType {
  jsonl,  ///< an object in each line
  json,   ///< one document; `DataSource::at` says where in it the items are
  csv,    ///< RFC 4180: comma-separated, quoted fields may hold line breaks
  tsv,    ///< tab-separated, no quotes
  lines,  ///< a text in each line, the field `text`
  text,   ///< the whole file is the field `text`, or parts of it between separators
};

/// Files that hold items, and how.
struct DataSource {
  /// Paths. "{{name}}" in one stands for any characters but '/', as few as possible, which become
  /// the field `name`; or for that field of another item, where one is given.
  std::vector<std::string> files;
  DataType type = DataType::jsonl;
  /// Of `json`, and of each line of `jsonl`: steps to the items from the root, which is itself a
  /// list or an item where this is empty: `key`, `*` for every member of an object, either with
  /// `[]` for every element of the list there. An item has the fields of all objects on the way,
  /// the innermost first, what `*` stood for as `key1`, `key2`, and what is no object as `value`.
  std::string at = {};
  std::vector<std::string> columns = {};  ///< of `csv`, `tsv`: names, where no first line has them
  std::string separator = {};             ///< of `text`: what stands between items
  std::map<std::string, std::string> beside = {};  ///< fields that are lines of files of their own
  std::map<std::string, std::string> where = {};   ///< only items whose fields have these values
  std::size_t skip = 0;                            ///< items of all files left out at the beginning
  std::size_t take = 0;                            ///< then most items; 0: all
};

namespace detail {

/// Calls f(fields, line of the first) for the rows of a file of separated values.
template <class F>
void for_each_row(std::string_view text, char comma, bool quotes, const std::string& file,
                  const F& f) {
  std::size_t line = 1;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t first_line = line;
    std::vector<std::string> fields;
    for (bool more = true; more;) {
      std::string field;
      if (quotes && i < text.size() && text[i] == '"') {
        for (++i;; ++i) {
          if (i == text.size())
            malformed_line(file, first_line, "a quoted field has no end", "\"", "end of file");
          if (text[i] == '"') {
            if (i + 1 < text.size() && text[i + 1] == '"')
              ++i;
            else
              break;
          }
          line += text[i] == '\n';
          field += text[i];
        }
        ++i;
      } else {
        while (i < text.size() && text[i] != comma && text[i] != '\n') field += text[i++];
        if ((i == text.size() || text[i] == '\n') && field.ends_with('\r')) field.pop_back();
      }
      if (quotes && i + 1 < text.size() && text[i] == '\r' && text[i + 1] == '\n') ++i;
      if (i < text.size() && text[i] != comma && text[i] != '\n')
        malformed_line(file, line, "text after a quoted field", "a comma or the end of the line",
                       std::string(text.substr(i, 20)));
      fields.push_back(std::move(field));
      more = i < text.size() && text[i] == comma;
      ++i;
    }
    f(std::move(fields), first_line);
    ++line;
  }
}

/// Walks `steps` ("a.*[].b") down a document; see `DataSource::at`.
template <class F>
void for_each_item(const nlohmann::json& at, std::string_view steps,
                   std::vector<const nlohmann::json*>& scopes, std::vector<std::string>& keys,
                   const std::string& file, const F& f) {
  const auto expect = [&](bool ok, const char* what) {
    if (!ok)
      throw Error(
          ErrorCode::malformed_file, "the items are not where the task says",
          {.file = file, .tensor = std::string(steps), .expected = what, .found = at.type_name()});
  };
  if (steps.empty()) return f(at);
  if (steps.starts_with("[]")) {
    expect(at.is_array(), "a list");
    steps.remove_prefix(steps.starts_with("[].") ? 3 : 2);
    for (const auto& element : at) for_each_item(element, steps, scopes, keys, file, f);
    return;
  }
  const std::size_t end = std::min(steps.find_first_of(".["), steps.size());
  const std::string key(steps.substr(0, end));
  std::string_view rest = steps.substr(end);
  if (rest.starts_with('.')) rest.remove_prefix(1);
  expect(at.is_object(), "an object");
  scopes.push_back(&at);
  if (key == "*") {
    for (const auto& [name, member] : at.items()) {
      keys.push_back(name);
      for_each_item(member, rest, scopes, keys, file, f);
      keys.pop_back();
    }
  } else {
    expect(at.contains(key), "a member of this name");
    for_each_item(at.at(key), rest, scopes, keys, file, f);
  }
  scopes.pop_back();
}

/// The items of one file.
inline std::vector<Record> read_items(const DataSource& source, const std::string& path) {
  using Json = nlohmann::json;
  std::vector<Record> records;
  const std::string text = read_data(path);
  const auto add = [&](Json object, std::size_t line) {
    const auto document = std::make_shared<const Json>(std::move(object));
    records.emplace_back(document, std::vector<const Json*>{document.get()}, path, line,
                         "line " + std::to_string(line));
  };
  // The items of a document of JSON; `place` is where in the file it is.
  const auto add_document = [&](Json json, std::size_t line, const auto& place) {
    const auto document = std::make_shared<const Json>(std::move(json));
    const std::string_view at =
        source.at.empty() && document->is_array() ? std::string_view("[]") : source.at;
    std::vector<const Json*> scopes;
    std::vector<std::string> keys;
    for_each_item(*document, at, scopes, keys, path, [&](const Json& item) {
      std::vector<const Json*> inner_first(scopes.rbegin(), scopes.rend());
      if (item.is_object()) inner_first.insert(inner_first.begin(), &item);
      Record record(document, std::move(inner_first), path, line, place());
      if (!item.is_object()) record.add("value", item);
      for (std::size_t k = 0; k < keys.size(); ++k)
        record.add("key" + std::to_string(k + 1), keys[k]);
      records.push_back(std::move(record));
    });
  };
  switch (source.type) {
    case DataType::jsonl:
      for_each_line(text, [&](std::string_view line, std::size_t number) {
        Json object = parse_json(line, path, number);
        if (!object.is_object())
          malformed_line(path, number, "not an item", "an object", object.type_name());
        add_document(std::move(object), number, [&] { return "line " + std::to_string(number); });
      });
      break;
    case DataType::json:
      add_document(parse_json(text, path), 0,
                   [&] { return "item " + std::to_string(records.size() + 1); });
      break;
    case DataType::csv:
    case DataType::tsv: {
      std::vector<std::string> columns = source.columns;
      const bool csv = source.type == DataType::csv;
      for_each_row(text, csv ? ',' : '\t', csv, path,
                   [&](std::vector<std::string> fields, std::size_t line) {
                     if (columns.empty()) {
                       columns = std::move(fields);
                       return;
                     }
                     if (fields.size() != columns.size())
                       malformed_line(path, line, "a row with another number of fields",
                                      std::to_string(columns.size()),
                                      std::to_string(fields.size()));
                     Json object = Json::object();
                     for (std::size_t i = 0; i < fields.size(); ++i)
                       object[columns[i]] = std::move(fields[i]);
                     add(std::move(object), line);
                   });
      break;
    }
    case DataType::lines:
      for_each_line(text, [&](std::string_view line, std::size_t number) {
        add({{"text", std::string(line)}}, number);
      });
      break;
    case DataType::text:
      for (std::size_t begin = 0; begin <= text.size();) {
        std::size_t end = source.separator.empty() ? text.npos : text.find(source.separator, begin);
        end = std::min(end, text.size());
        const std::string_view part = std::string_view(text).substr(begin, end - begin);
        if (part.find_first_not_of(" \t\r\n") != part.npos)
          add({{"text", std::string(part)}}, line_at(text, begin));
        begin = end + std::max<std::size_t>(1, source.separator.size());
      }
      break;
  }
  return records;
}

/// Matches a name with a pattern of texts and holes; as few characters as possible for each hole.
inline bool match_name(std::string_view name, const std::vector<std::string>& texts,
                       std::size_t index, std::vector<std::string>& holes) {
  if (!name.starts_with(texts[index])) return false;
  name.remove_prefix(texts[index].size());
  if (index + 1 == texts.size()) return name.empty();
  for (std::size_t length = 1; length <= name.size(); ++length) {
    holes.emplace_back(name.substr(0, length));
    if (match_name(name.substr(length), texts, index + 1, holes)) return true;
    holes.pop_back();
  }
  return false;
}

struct FoundFile {
  std::string path;
  std::map<std::string, std::string> holes;
};

/// The files below `folder` that fit a pattern, by name. Without holes the path itself, whether it
/// is there or not.
inline std::vector<FoundFile> find_data_files(const std::filesystem::path& folder,
                                              const std::string& pattern) {
  std::vector<FoundFile> found{{folder.string(), {}}};
  for (std::string_view rest = pattern; !rest.empty();) {
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    const Template part(rest.substr(0, slash));
    rest.remove_prefix(std::min(slash + 1, rest.size()));
    std::vector<FoundFile> next;
    for (const FoundFile& at : found) {
      if (part.paths().empty()) {
        next.push_back(
            {(std::filesystem::path(at.path) / part.texts().front()).string(), at.holes});
        continue;
      }
      std::vector<std::string> names;
      std::error_code ignored;  // a folder that is not there holds nothing
      for (std::filesystem::directory_iterator i(at.path, ignored), end; i != end;
           i.increment(ignored))
        names.push_back(i->path().filename().string());
      std::ranges::sort(names);
      for (const std::string& name : names) {
        std::vector<std::string> holes;
        if (!match_name(name, part.texts(), 0, holes)) continue;
        FoundFile file{(std::filesystem::path(at.path) / name).string(), at.holes};
        for (std::size_t h = 0; h < holes.size(); ++h)
          file.holes[part.paths()[h].text()] = holes[h];
        next.push_back(std::move(file));
      }
    }
    found = std::move(next);
  }
  return found;
}

/// A pattern with an item's fields in it, none of which may lead into another folder.
inline std::string path_for(const std::string& pattern, const Record& record) {
  const Template parts(pattern);
  for (const FieldPath& hole : parts.paths())
    if (const std::string value = record.text(hole);
        value.find('/') != value.npos || value.find('\0') != value.npos || value.starts_with('.'))
      record.fail("a field that is no part of a file's name", hole.text(), "a name", value);
  return parts.render(record);
}

}  // namespace detail

/// The first path of a source below `folder` that is not there; none if all are.
inline std::optional<std::string> missing_data(const DataSource& source,
                                               const std::filesystem::path& folder) {
  std::vector<std::string> patterns = source.files;
  for (const auto& [name, file] : source.beside) patterns.push_back(file);
  for (const std::string& pattern : patterns) {
    const auto found = detail::find_data_files(folder, pattern);
    if (found.empty()) return pattern;
    for (const auto& file : found)
      if (!std::filesystem::exists(file.path)) return pattern;
  }
  return std::nullopt;
}

/// The paths of a source's files below `folder`, as far as they are there.
inline std::vector<std::string> data_paths(const DataSource& source,
                                           const std::filesystem::path& folder) {
  std::vector<std::string> patterns = source.files;
  for (const auto& [name, file] : source.beside) patterns.push_back(file);
  std::vector<std::string> paths;
  for (const std::string& pattern : patterns)
    for (auto& file : detail::find_data_files(folder, pattern))
      if (std::filesystem::exists(file.path)) paths.push_back(std::move(file.path));
  return paths;
}

/// All items of a source, in the order of its files and of each file. `outer` supplies the fields
/// that "{{name}}" in a path stands for. Throws `io`, and `malformed_file` with file and line.
inline std::vector<Record> read_records(const DataSource& source,
                                        const std::filesystem::path& folder,
                                        const Record* outer = nullptr) {
  std::vector<Record> records;
  for (const std::string& pattern : source.files) {
    const std::string path = outer != nullptr ? detail::path_for(pattern, *outer) : pattern;
    const auto files = detail::find_data_files(folder, path);
    if (files.empty())
      throw Error(ErrorCode::io, "no file fits the pattern", {.file = (folder / path).string()});
    std::map<std::string, std::string> inherited;
    if (outer != nullptr) {
      const Template parts(pattern);
      for (const FieldPath& hole : parts.paths()) inherited[hole.text()] = outer->text(hole);
    }
    for (detail::FoundFile file : files) {
      std::vector<Record> items = detail::read_items(source, file.path);
      file.holes.insert(inherited.begin(), inherited.end());
      for (Record& item : items)
        for (const auto& [name, value] : file.holes) item.add(name, value);
      for (const auto& [name, beside] : source.beside) {
        const std::string other = (folder / beside).string();
        std::size_t lines = 0;
        detail::for_each_line(detail::read_data(other), [&](std::string_view line, std::size_t) {
          if (lines < items.size()) items[lines].add(name, std::string(line));
          ++lines;
        });
        if (lines != items.size())
          throw Error(ErrorCode::malformed_file, "not as many lines as there are items",
                      {.file = other,
                       .tensor = name,
                       .expected = std::to_string(items.size()),
                       .found = std::to_string(lines)});
      }
      records.insert(records.end(), items.begin(), items.end());
    }
  }
  std::erase_if(records, [&](const Record& record) {
    return std::ranges::any_of(source.where, [&](const auto& condition) {
      return record.text(condition.first) != condition.second;
    });
  });
  const auto skip = static_cast<std::ptrdiff_t>(std::min(source.skip, records.size()));
  records.erase(records.begin(), records.begin() + skip);
  if (source.take != 0 && records.size() > source.take)
    records.erase(records.begin() + static_cast<std::ptrdiff_t>(source.take), records.end());
  return records;
}

}  // namespace llama2::inline LLAMA2_ABI
