// Items of data: fields by name, wherever in a file they lie.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Where a field lies: `name`, `outer.inner`, `list[2]`, and `list[]` for each element of a list.
class FieldPath {
 public:
  /// Throws `invalid_argument` for a path that is none of these.
  explicit FieldPath(std::string text) : text_(std::move(text)) {
    std::string_view rest = text_;
    while (true) {
      const std::size_t end = rest.find_first_of(".[");
      if (end == 0 || rest.empty()) refuse();
      steps_.push_back({Kind::key, std::string(rest.substr(0, end)), 0});
      rest = end == rest.npos ? std::string_view() : rest.substr(end);
      while (rest.starts_with('[')) {
        const std::size_t close = rest.find(']');
        if (close == rest.npos) refuse();
        const std::string_view number = rest.substr(1, close - 1);
        if (number.empty()) {
          steps_.push_back({Kind::each, {}, 0});
        } else {
          std::size_t index = 0;
          const auto result = std::from_chars(number.data(), number.data() + number.size(), index);
          if (result.ec != std::errc() || result.ptr != number.data() + number.size()) refuse();
          steps_.push_back({Kind::index, {}, index});
        }
        rest.remove_prefix(close + 1);
      }
      if (rest.empty()) return;
      if (!rest.starts_with('.')) refuse();
      rest.remove_prefix(1);
    }
  }

  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  /// Whether it may lead to several values.
  [[nodiscard]] bool is_list() const noexcept {
    return std::ranges::any_of(steps_, [](const Step& s) { return s.kind == Kind::each; });
  }
  /// The name that it begins with.
  [[nodiscard]] const std::string& root() const noexcept { return steps_.front().key; }

  /// Calls f(value) for every value that the path leads to. Returns whether it led on everywhere.
  template <class F>
  bool walk(const nlohmann::json& from, const F& f) const {
    return walk(from, 0, f);
  }

 private:
  enum class Kind { key, index, each };
  struct Step {
    Kind kind;
    std::string key;
    std::size_t index;
  };

  template <class F>
  bool walk(const nlohmann::json& at, std::size_t step, const F& f) const {
    if (step == steps_.size()) {
      f(at);
      return true;
    }
    const Step& s = steps_[step];
    if (s.kind == Kind::key) {
      if (!at.is_object()) return false;
      const auto found = at.find(s.key);
      return found != at.end() && walk(*found, step + 1, f);
    }
    if (!at.is_array()) return false;
    if (s.kind == Kind::index) return s.index < at.size() && walk(at[s.index], step + 1, f);
    bool whole = true;
    for (const auto& element : at) whole = walk(element, step + 1, f) && whole;
    return whole;
  }

  [[noreturn]] void refuse() const {
    throw Error(ErrorCode::invalid_argument, "not the name of a field",
                {.expected = "name, outer.inner, list[2] or list[]", .found = text_});
  }

  std::string text_;
  std::vector<Step> steps_;
};

/// An item of data: an object of a file, the objects around it, whose fields it inherits, and
/// fields that were added. Cheap to copy.
class Record {
 public:
  /// `scopes`, of `document`: the innermost object first. `line` 0: unknown, then `place` says
  /// which.
  Record(std::shared_ptr<const nlohmann::json> document, std::vector<const nlohmann::json*> scopes,
         std::string file, std::size_t line, std::string place)
      : document_(std::move(document)),
        scopes_(std::move(scopes)),
        file_(std::move(file)),
        line_(line),
        place_(std::move(place)) {}

  [[nodiscard]] const std::string& file() const noexcept { return file_; }
  [[nodiscard]] std::size_t line() const noexcept { return line_; }
  /// "data.jsonl, line 3".
  [[nodiscard]] std::string where() const { return file_ + ", " + place_; }

  void add(const std::string& name, nlohmann::json value) { added_[name] = std::move(value); }

  /// The values that a path leads to. Throws `malformed_file`, naming file and line, if there is no
  /// such field.
  [[nodiscard]] std::vector<const nlohmann::json*> values(const FieldPath& path) const {
    std::vector<const nlohmann::json*> found;
    const auto take = [&](const nlohmann::json& value) { found.push_back(&value); };
    if (const auto own = added_.find(path.root()); own != added_.end()) {
      if (path.walk(added_, take)) return found;
    } else {
      for (const nlohmann::json* scope : scopes_)
        if (scope->is_object() && scope->contains(path.root())) {
          if (path.walk(*scope, take)) return found;
          break;
        }
    }
    fail("there is no such field", path.text(), "a field of the item", "none");
  }

  /// The one value as text: strings as they are, numbers and truth values as JSON has them. Throws
  /// `malformed_file`.
  [[nodiscard]] std::string text(const FieldPath& path) const {
    const auto found = values(path);
    if (found.size() != 1)
      fail("a list where one value is wanted", path.text(), "one value",
           std::to_string(found.size()));
    return as_text(*found.front(), path.text());
  }
  [[nodiscard]] std::string text(const std::string& name) const { return text(FieldPath(name)); }

  /// All values as texts.
  [[nodiscard]] std::vector<std::string> texts(const FieldPath& path) const {
    std::vector<std::string> result;
    for (const nlohmann::json* value : values(path)) result.push_back(as_text(*value, path.text()));
    return result;
  }

  /// Throws `malformed_file` for this item.
  [[noreturn]] void fail(std::string_view message, const std::string& field, std::string expected,
                         std::string found) const {
    throw Error(ErrorCode::malformed_file, message,
                {.file = where(),
                 .tensor = field,
                 .expected = std::move(expected),
                 .found = std::move(found)});
  }

 private:
  [[nodiscard]] std::string as_text(const nlohmann::json& value, const std::string& field) const {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_number() || value.is_boolean()) return value.dump();
    fail("not a text", field, "a string, a number or a truth value", value.type_name());
  }

  std::shared_ptr<const nlohmann::json> document_;
  std::vector<const nlohmann::json*> scopes_;
  nlohmann::json added_ = nlohmann::json::object();
  std::string file_;
  std::size_t line_;
  std::string place_;
};

/// A text with fields of an item in it: "Question: {{question}}\nAnswer:".
class Template {
 public:
  Template() = default;
  /// Throws `invalid_argument` for braces that do not close or hold no path.
  explicit Template(std::string_view text) {
    while (true) {
      const std::size_t open = text.find("{{");
      texts_.emplace_back(text.substr(0, open));
      if (open == text.npos) return;
      const std::size_t close = text.find("}}", open);
      if (close == text.npos)
        throw Error(ErrorCode::invalid_argument, "{{ without }}",
                    {.expected = "{{field}}", .found = std::string(text.substr(open, 40))});
      paths_.emplace_back(std::string(text.substr(open + 2, close - open - 2)));
      text.remove_prefix(close + 2);
    }
  }

  [[nodiscard]] bool empty() const noexcept {
    return paths_.empty() && (texts_.empty() || texts_.front().empty());
  }
  [[nodiscard]] const std::vector<FieldPath>& paths() const noexcept { return paths_; }
  /// The texts before, between and after the fields: one more than there are paths.
  [[nodiscard]] const std::vector<std::string>& texts() const noexcept { return texts_; }

  /// Throws what `Record::text` throws.
  [[nodiscard]] std::string render(const Record& record) const {
    std::string result = texts_.empty() ? std::string() : texts_.front();
    for (std::size_t i = 0; i < paths_.size(); ++i)
      result += record.text(paths_[i]) + texts_[i + 1];
    return result;
  }

  /// One text, or where a field is a list (`list[]`) one for each of its elements. Throws what
  /// `Record::texts` throws, and `malformed_file` if several fields are lists.
  [[nodiscard]] std::vector<std::string> expand(const Record& record) const {
    std::vector<std::string> results{texts_.empty() ? std::string() : texts_.front()};
    bool expanded = false;
    for (std::size_t i = 0; i < paths_.size(); ++i) {
      if (!paths_[i].is_list()) {
        const std::string value = record.text(paths_[i]);
        for (std::string& result : results) result += value;
      } else {
        if (expanded)
          record.fail("two lists in one text", paths_[i].text(), "one list", "another before it");
        expanded = true;
        const std::vector<std::string> values = record.texts(paths_[i]);
        const std::string before = results.front();
        results.assign(values.size(), before);
        for (std::size_t v = 0; v < values.size(); ++v) results[v] += values[v];
      }
      for (std::string& result : results) result += texts_[i + 1];
    }
    return results;
  }

 private:
  std::vector<std::string> texts_;
  std::vector<FieldPath> paths_;
};

}  // namespace llama2::inline LLAMA2_ABI
