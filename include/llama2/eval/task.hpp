// A task: what is asked of a model, and what counts as right, as a JSON file declares it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/eval/answers.hpp"
#include "llama2/eval/data_file.hpp"
#include "llama2/eval/pattern.hpp"
#include "llama2/eval/record.hpp"

namespace llama2::inline LLAMA2_ABI {

enum class TaskKind {
  multiple_choice,  ///< which of several continuations (or contexts) is likeliest
  cloze,       ///< whether the continuation is what the model would write, and how likely it is
  perplexity,  ///< how likely whole texts are
  generation,  ///< what the model writes
  preference,  ///< which of two texts is likelier
};

inline constexpr std::array<std::string_view, 5> task_kind_names = {
    "multiple_choice", "cloze", "perplexity", "generation", "preference"};

constexpr std::string_view to_string(TaskKind kind) noexcept {
  return task_kind_names[static_cast<std::size_t>(kind)];
}

/// By which number choices are ranked.
enum class Rank {
  sum,            ///< the log-probability of all tokens
  token,          ///< the same per token
  byte,           ///< the same per byte of text
  unconditional,  ///< the same less the choice's log-probability after a prompt without the
                  ///< question
};

/// What a generated answer is compared by.
enum class AnswerMetric {
  exact_match,  ///< equal to a reference, both in normal form
  f1,           ///< overlap of words with the best reference
  numeric,      ///< the same number as a reference
  judge,        ///< what a judge says
  pass_at,      ///< the share of samples that a judge lets pass, for several numbers of samples
};

/// In which form texts are compared.
enum class NormalForm {
  none,        ///< stripped of white space at both ends
  answer,      ///< `normal_answer`
  lower_case,  ///< stripped, in lower case
  math,        ///< `normal_math`
};

/// Which part of a generated text is the answer.
struct Extraction {
  enum class Kind { whole, first_match, last_match, last_number, boxed } kind = Kind::whole;
  Pattern pattern = {};

  /// None where the text has no such part.
  [[nodiscard]] std::optional<std::string> apply(const std::string& text) const {
    switch (kind) {
      case Kind::first_match:
        return pattern.first(text);
      case Kind::last_match:
        return pattern.last(text);
      case Kind::last_number:
        return llama2::last_number(text);
      case Kind::boxed:
        return last_boxed(text);
      case Kind::whole:
        break;
    }
    return text;
  }
};

/// One change of a derived field's texts.
using FieldStep = std::function<void(const Record&, std::vector<std::string>&, bool& is_list)>;

/// A field made of others.
struct DerivedField {
  std::string name;
  Template from;
  std::vector<FieldStep> steps;
};

/// Worked examples before the question.
struct Shots {
  std::size_t count = 0;
  std::optional<DataSource> data = {};  ///< where they come from; none: the task's own data
  bool random = false;                  ///< drawn for each item; else the first ones for all
  std::string separator = "\n\n";       ///< between examples, and before the question
  Template preamble = {};               ///< before the first of them
  std::string file = {};                ///< their text ready-made, instead of `data`
  std::string after = {};               ///< of that text, what follows this
};

/// How texts are drawn.
struct GenerationSettings {
  std::size_t max_tokens = 256;
  std::vector<std::string> stop = {};
  float temperature = 0;
  float top_p = 1;
  std::size_t samples = 1;  ///< for each item
};

/// A task as its file declares it.
struct Task {
  std::string file;
  std::string name, title, group, source;
  std::string variant_of;  ///< the task of the same items, which counts for both in a group's mean
  TaskKind kind = TaskKind::multiple_choice;
  DataSource data;
  std::vector<DerivedField> fields;
  Template category;
  Template style;  ///< of an attack
  Shots shots;
  std::uint64_t seed = 0;

  Template prompt;

  // multiple_choice, preference
  std::vector<Template> choices;        ///< what may follow the prompt; of preference, the texts
  std::vector<Template> contexts;       ///< or what may stand in the prompt's place,
  Template continuation;                ///< before this; of cloze, what follows the prompt
  std::vector<Template> true_choices;   ///< or, for MC2, the right ones
  std::vector<Template> false_choices;  ///< and the wrong ones
  Template gold;                        ///< which is right: an index from 0, or one of `labels`
  std::vector<Template> labels;
  Rank rank = Rank::sum;
  Template unconditional;  ///< the prompt without the question

  // perplexity
  std::size_t stride = 0;  ///< tokens that a sliding window moves on; 0: windows side by side

  // generation
  Template answer;                   ///< of a worked example
  std::vector<Template> references;  ///< right answers
  AnswerMetric metric = AnswerMetric::exact_match;
  NormalForm normal = NormalForm::none;
  Extraction extract;
  Extraction extract_reference;
  std::string judge;
  bool higher_is_better = false;  ///< of the judge's score
  std::vector<std::size_t> pass_at;
  GenerationSettings generation;
  bool chat = false;  ///< the prompt is what a user says: a chat model gets it in its format
  std::vector<Template> turns;  ///< what the user says before, each of which the model answers
};

namespace detail {

/// The lines of a JSON document's members, by path ("/data/files"); refuses what occurs twice.
class JsonLines {
 public:
  JsonLines(std::string_view text, const std::string& file) {
    Handler handler{*this, file, {{""}}, 1, {}};
    Iterator begin{text.data(), &handler.line}, end{text.data() + text.size(), &handler.line};
    nlohmann::json::sax_parse(begin, end, &handler);
  }

  [[nodiscard]] std::size_t line(const std::string& path) const {
    const auto found = lines_.find(path);
    return found == lines_.end() ? 1 : found->second;
  }

 private:
  /// Counts the lines that the parser has read.
  struct Iterator {
    using iterator_category = std::input_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = char;
    char operator*() const noexcept { return *at; }
    Iterator& operator++() noexcept {
      *line += *at == '\n';
      ++at;
      return *this;
    }
    Iterator operator++(int) noexcept {
      Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator& other) const noexcept { return at == other.at; }
    bool operator!=(const Iterator& other) const noexcept { return at != other.at; }
    const char* at;
    std::size_t* line;
  };

  struct Handler {
    JsonLines& owner;
    const std::string& file;
    std::vector<std::string> path;
    std::size_t line;
    std::vector<std::pair<bool, std::size_t>> open;  // whether a list, and its elements so far

    std::string here() const {
      std::string text;
      for (const std::string& part : path)
        if (!part.empty()) text += "/" + part;
      return text;
    }
    void value() {
      if (open.empty() || !open.back().first) return;
      path.back() = std::to_string(open.back().second++);
      owner.lines_.emplace(here(), line);
    }
    bool begin(bool list) {
      value();
      open.emplace_back(list, 0);
      path.emplace_back();
      return true;
    }
    bool end() {
      open.pop_back();
      path.pop_back();
      return true;
    }
    bool scalar() {
      value();
      return true;
    }
    bool null() { return scalar(); }
    bool boolean(bool) { return scalar(); }
    bool number_integer(std::int64_t) { return scalar(); }
    bool number_unsigned(std::uint64_t) { return scalar(); }
    bool number_float(double, const std::string&) { return scalar(); }
    bool string(std::string&) { return scalar(); }
    bool binary(nlohmann::json::binary_t&) { return scalar(); }
    bool start_object(std::size_t) { return begin(false); }
    bool end_object() { return end(); }
    bool start_array(std::size_t) { return begin(true); }
    bool end_array() { return end(); }
    bool key(std::string& name) {
      path.back() = name;
      if (!owner.lines_.emplace(here(), line).second)
        malformed_line(file, line, "a key that occurs twice", "each key once", name);
      return true;
    }
    bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) {
      return false;  // the document's parser says it
    }
  };

  std::map<std::string, std::size_t> lines_;
};

/// Reads members of a JSON object, names file and line where they are wrong, and refuses those that
/// nobody asks for.
class StrictObject {
 public:
  using Json = nlohmann::ordered_json;

  StrictObject(const Json& object, std::string path, const JsonLines& lines,
               const std::string& file)
      : object_(object), path_(std::move(path)), lines_(lines), file_(file) {
    if (!object_.is_object()) fail("", "an object", object_.type_name());
  }

  [[nodiscard]] bool has(const std::string& key) {
    known_.insert(key);
    return object_.contains(key);
  }

  [[nodiscard]] const Json& at(const std::string& key) {
    if (!has(key)) fail("", "a member \"" + key + "\"", "none");
    return object_.at(key);
  }

  [[nodiscard]] std::string string(const std::string& key) {
    const Json& value = at(key);
    if (!value.is_string()) fail(key, "a text", value.type_name());
    return value.get<std::string>();
  }
  [[nodiscard]] std::string string(const std::string& key, std::string otherwise) {
    return has(key) ? string(key) : std::move(otherwise);
  }
  [[nodiscard]] bool boolean(const std::string& key, bool otherwise) {
    if (!has(key)) return otherwise;
    if (!at(key).is_boolean()) fail(key, "true or false", at(key).type_name());
    return at(key).get<bool>();
  }
  [[nodiscard]] std::uint64_t number(const std::string& key, std::uint64_t otherwise,
                                     std::uint64_t most) {
    if (!has(key)) return otherwise;
    const Json& value = at(key);
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > most)
      fail(key, "a whole number up to " + std::to_string(most), value.dump());
    return value.get<std::uint64_t>();
  }
  [[nodiscard]] float real(const std::string& key, float otherwise, float low, float high) {
    if (!has(key)) return otherwise;
    const Json& value = at(key);
    if (!value.is_number() || value.get<float>() < low || value.get<float>() > high)
      fail(key, "a number from " + number_text(low) + " to " + number_text(high), value.dump());
    return value.get<float>();
  }
  /// A list of texts; one text is a list, too.
  [[nodiscard]] std::vector<std::string> strings(const std::string& key) {
    if (!has(key)) return {};
    const Json& value = at(key);
    if (value.is_string()) return {value.get<std::string>()};
    if (!value.is_array()) fail(key, "a list of texts", value.type_name());
    std::vector<std::string> result;
    for (const Json& element : value) {
      if (!element.is_string()) fail(key, "a list of texts", element.type_name());
      result.push_back(element.get<std::string>());
    }
    return result;
  }
  [[nodiscard]] Template template_of(const std::string& key) {
    Template result;
    if (has(key)) explain(key, [&] { result = Template(string(key)); });
    return result;
  }
  [[nodiscard]] std::vector<Template> templates(const std::string& key) {
    std::vector<Template> result;
    explain(key, [&] {
      for (const std::string& text : strings(key)) result.emplace_back(text);
    });
    return result;
  }
  /// The place of a member's text among names; 0 where there is none.
  template <class Enum, std::size_t N>
  [[nodiscard]] Enum one_of(const std::string& key, const std::array<std::string_view, N>& names,
                            Enum otherwise = Enum{}) {
    if (!has(key)) return otherwise;
    const std::string name = string(key);
    std::string all;
    for (std::size_t i = 0; i < N; ++i) {
      if (names[i] == name) return static_cast<Enum>(i);
      all += (i == 0 ? "" : ", ") + std::string(names[i]);
    }
    fail(key, "one of " + all, name);
  }
  [[nodiscard]] StrictObject object(const std::string& key) {
    return {at(key), path_ + "/" + key, lines_, file_};
  }
  [[nodiscard]] StrictObject element(const std::string& key, std::size_t i) {
    return {at(key).at(i), path_ + "/" + key + "/" + std::to_string(i), lines_, file_};
  }
  [[nodiscard]] const Json& json() const noexcept { return object_; }

  /// Throws `malformed_file` if there are members that nobody asked for.
  void finish() const {
    for (const auto& [key, value] : object_.items())
      if (!known_.contains(key)) {
        std::string known;
        for (const std::string& name : known_) known += (known.empty() ? "" : ", ") + name;
        fail(key, "one of " + known, key, "a key that is not known here");
      }
  }

  [[noreturn]] void fail(const std::string& key, std::string expected, std::string found,
                         std::string_view message = "not what the task format has here") const {
    const std::string path = key.empty() ? path_ : path_ + "/" + key;
    throw Error(ErrorCode::malformed_file, message,
                {.file = file_ + ", line " + std::to_string(lines_.line(path)),
                 .tensor = path.empty() ? "" : path.substr(1),
                 .expected = std::move(expected),
                 .found = std::move(found)});
  }

  /// Calls f; of an error of its arguments says where they stand.
  template <class F>
  void explain(const std::string& key, const F& f) const {
    try {
      f();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::invalid_argument) throw;
      fail(key, error.details().expected, error.details().found, error.message());
    }
  }

 private:
  const Json& object_;
  std::string path_;
  const JsonLines& lines_;
  const std::string& file_;
  std::set<std::string> known_;
};

inline DataSource parse_source(StrictObject object) {
  DataSource source;
  source.files = object.strings("files");
  if (source.files.empty()) object.fail("files", "one file at least", "none");
  static constexpr std::array<std::string_view, 6> types = {"jsonl", "json",  "csv",
                                                            "tsv",   "lines", "text"};
  source.type = object.one_of<DataType>("type", types);
  source.at = object.string("at", "");
  source.columns = object.strings("columns");
  source.separator = object.string("separator", "");
  if (object.has("beside")) {
    StrictObject beside = object.object("beside");
    for (const auto& [name, value] : beside.json().items())
      source.beside[name] = beside.string(name);
  }
  if (object.has("where")) {
    StrictObject where = object.object("where");
    for (const auto& [name, value] : where.json().items()) source.where[name] = where.string(name);
  }
  source.skip = object.number("skip", 0, std::size_t{1} << 40);
  source.take = object.number("take", 0, std::size_t{1} << 40);
  object.finish();
  return source;
}

/// A change of each text by itself.
template <class F>
FieldStep each_text(F change) {
  return [change](const Record& record, std::vector<std::string>& texts, bool&) {
    for (std::string& text : texts) text = change(record, std::move(text));
  };
}

/// The white space that Python's `str.split` splits at, as positions where words begin and end.
inline std::string star_word(std::string text, std::string_view word, std::size_t index) {
  std::size_t at = 0;
  for (std::size_t w = 0;; ++w) {
    while (at < text.size() && is_ascii_space(text[at])) ++at;
    if (w == index || at == text.size()) break;
    while (at < text.size() && !is_ascii_space(text[at])) ++at;
  }
  if (text.compare(at, word.size(), word) != 0) return text;
  text.insert(at + word.size(), "*");
  text.insert(at, "*");
  return text;
}

/// Bytes of the first `characters` characters of UTF-8.
inline std::size_t prefix_bytes(std::string_view text, std::size_t characters) {
  std::size_t at = 0;
  for (; characters > 0 && at < text.size(); --characters) {
    ++at;
    while (at < text.size() && (text[at] & 0xC0) == 0x80) ++at;
  }
  return at;
}

inline std::size_t index_from(const Record& record, const FieldPath& path) {
  const std::string text = record.text(path);
  std::size_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size())
    record.fail("not an index", path.text(), "a whole number", text);
  return value;
}

/// One member of a list of steps, such as {"split": ";"}.
inline FieldStep parse_step(StrictObject object) {
  if (object.json().size() != 1) object.fail("", "an object of one member", object.json().dump());
  const std::string op = object.json().begin().key();
  const auto flag = [&] {
    if (!object.boolean(op, false)) object.fail(op, "true", "false");
  };
  const auto pair = [&] {
    std::vector<std::string> strings = object.strings(op);
    if (strings.size() != 2) object.fail(op, "two texts", std::to_string(strings.size()));
    return strings;
  };
  FieldStep step;
  object.explain(op, [&] {
    if (op == "strip") {
      flag();
      step = each_text([](const Record&, std::string text) { return std::string(strip(text)); });
    } else if (op == "case") {
      static constexpr std::array<std::string_view, 4> names = {"lower", "upper", "capitalised",
                                                                "lower first"};
      const auto which = object.one_of<int>(op, names);
      step = each_text([which](const Record&, std::string text) {
        for (std::size_t i = 0; i < text.size(); ++i) {
          const bool up = which == 1 || (which == 2 && i == 0);
          if (which == 3 && i > 0) break;
          if (up && text[i] >= 'a' && text[i] <= 'z')
            text[i] = static_cast<char>(text[i] - 'a' + 'A');
          if (!up) text[i] = ascii_lower(text[i]);
        }
        return text;
      });
    } else if (op == "drop_last") {
      flag();
      step = each_text([](const Record&, std::string text) {
        while (!text.empty() && (text.back() & 0xC0) == 0x80) text.pop_back();
        if (!text.empty()) text.pop_back();
        return text;
      });
    } else if (op == "end_with") {
      const std::string end = object.string(op);
      step = each_text([end](const Record&, std::string text) {
        return text.empty() || text.ends_with(end) ? text : text + end;
      });
    } else if (op == "replace") {
      const auto texts = pair();
      if (texts[0].empty()) object.fail(op, "a text to look for", "an empty one");
      step = each_text([texts](const Record&, std::string text) {
        replace_all(text, texts[0], texts[1]);
        return text;
      });
    } else if (op == "rewrite") {
      const auto texts = pair();
      step = each_text(
          [pattern = Pattern(texts[0]), to = texts[1], op](const Record& record, std::string text) {
            if (text.size() > Pattern::most_bytes)
              record.fail("the text is too long for a regular expression", op,
                          "at most " + std::to_string(Pattern::most_bytes) + " bytes",
                          std::to_string(text.size()));
            return pattern.replace(text, to);
          });
    } else if (op == "match") {
      step = each_text(
          [pattern = Pattern(object.string(op)), op](const Record& record, std::string text) {
            const auto found = pattern.last(text);
            if (!found) record.fail("the text does not match", op, pattern.text(), text);
            return *found;
          });
    } else if (op == "boxed") {
      flag();
      step = each_text([op](const Record& record, std::string text) {
        const auto found = last_boxed(text);
        if (!found) record.fail("the text has no box", op, "\\boxed{...}", text);
        return *found;
      });
    } else if (op == "slice") {  // characters from one field's number to another's
      const auto ends = pair();
      step = each_text([from = FieldPath(ends[0]), to = FieldPath(ends[1])](const Record& record,
                                                                            std::string text) {
        const std::size_t begin = prefix_bytes(text, index_from(record, from));
        const std::size_t end = prefix_bytes(text, index_from(record, to));
        return text.substr(begin, end - std::min(begin, end));
      });
    } else if (op == "star_word") {  // the word of a field, at the place that another counts
      const auto texts = pair();
      step = each_text([word = FieldPath(texts[0]), index = FieldPath(texts[1])](
                           const Record& record, std::string text) {
        return star_word(std::move(text), record.text(word), index_from(record, index));
      });
    } else if (op == "map") {
      StrictObject map = object.object(op);
      std::map<std::string, std::string> values;
      for (const auto& [from, to] : map.json().items()) values[from] = map.string(from);
      step = each_text([values, op](const Record& record, std::string text) {
        const auto found = values.find(text);
        if (found == values.end()) record.fail("a value that the map lacks", op, "another", text);
        return found->second;
      });
    } else if (op == "lettered") {  // "\n{letter}. {text}"
      const std::string form = object.string(op);
      step = [form](const Record& record, std::vector<std::string>& texts, bool&) {
        if (texts.size() > 26) record.fail("too many for letters", "lettered", "26", "more");
        for (std::size_t i = 0; i < texts.size(); ++i) {
          std::string text = form;
          replace_all(text, "{letter}", std::string(1, static_cast<char>('A' + i)));
          const std::size_t at = text.find("{text}");
          texts[i] = at == std::string::npos ? text : text.replace(at, 6, texts[i]);
        }
      };
    } else if (op == "split") {
      const std::string separator = object.string(op);
      if (separator.empty()) object.fail(op, "a separator", "an empty text");
      step = [separator](const Record&, std::vector<std::string>& texts, bool& is_list) {
        std::vector<std::string> parts;
        for (const std::string& text : texts)
          for (std::size_t begin = 0; begin <= text.size();) {
            const std::size_t end = std::min(text.find(separator, begin), text.size());
            if (end > begin) parts.push_back(text.substr(begin, end - begin));
            begin = end + separator.size();
          }
        texts = std::move(parts);
        is_list = true;
      };
    } else if (op == "join") {
      const std::string between = object.string(op);
      step = [between](const Record&, std::vector<std::string>& texts, bool& is_list) {
        std::string all;
        for (std::size_t i = 0; i < texts.size(); ++i) all += (i == 0 ? "" : between) + texts[i];
        texts = {all};
        is_list = false;
      };
    } else {
      object.fail(op,
                  "one of boxed, case, drop_last, end_with, join, lettered, map, match, replace, "
                  "rewrite, slice, split, star_word, strip",
                  op);
    }
  });
  return step;
}

inline Extraction parse_extraction(StrictObject object) {
  Extraction extraction;
  static constexpr std::array<std::string_view, 5> kinds = {"whole", "first_match", "last_match",
                                                            "last_number", "boxed"};
  extraction.kind = object.one_of<Extraction::Kind>("kind", kinds);
  const bool matches = extraction.kind == Extraction::Kind::first_match ||
                       extraction.kind == Extraction::Kind::last_match;
  if (matches)
    object.explain("pattern", [&] { extraction.pattern = Pattern(object.string("pattern")); });
  object.finish();
  return extraction;
}

}  // namespace detail

/// A task from the text of its file. Throws `malformed_file` with file and line for what is no such
/// text, an unknown key included.
inline Task parse_task(const std::string& text, const std::string& file) {
  static_cast<void>(detail::parse_json(text, file));  // says where it is no JSON
  const detail::JsonLines lines(text, file);
  const auto json = nlohmann::ordered_json::parse(text);
  detail::StrictObject object(json, "", lines, file);
  if (const std::string format = object.string("format"); format != "llama2-task-1")
    object.fail("format", "llama2-task-1", format);

  Task task;
  task.file = file;
  task.name = object.string("name");
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || detail::is_ascii_digit(c) || c == '_' || c == '-';
  };
  if (task.name.empty() || !std::ranges::all_of(task.name, plain))
    object.fail("name", "small letters, digits, _ and -", task.name);
  task.title = object.string("title", task.name);
  task.group = object.string("group");
  task.source = object.string("source");
  static_cast<void>(object.at("kind"));
  task.kind = object.one_of<TaskKind>("kind", task_kind_names);
  task.seed = object.number("seed", 0, ~std::uint64_t{0});
  static_cast<void>(object.at("data"));
  task.data = detail::parse_source(object.object("data"));
  task.category = object.template_of("category");
  task.style = object.template_of("style");
  task.variant_of = object.string("variant_of", "");
  if (task.variant_of == task.name) object.fail("variant_of", "another task", task.name);

  if (object.has("fields")) {
    detail::StrictObject fields = object.object("fields");
    for (const auto& [name, value] : fields.json().items()) {
      detail::StrictObject field = fields.object(name);
      DerivedField derived{name, field.template_of("from"), {}};
      if (derived.from.empty()) field.fail("from", "a text with fields", "none");
      if (field.has("steps")) {
        if (!field.at("steps").is_array())
          field.fail("steps", "a list", field.at("steps").type_name());
        for (std::size_t i = 0; i < field.at("steps").size(); ++i)
          derived.steps.push_back(detail::parse_step(field.element("steps", i)));
      }
      field.finish();
      task.fields.push_back(std::move(derived));
    }
  }

  if (object.has("shots")) {
    detail::StrictObject shots = object.object("shots");
    task.shots.count = shots.number("count", 0, 1000);
    task.shots.separator = shots.string("separator", "\n\n");
    task.shots.preamble = shots.template_of("preamble");
    task.shots.file = shots.string("file", "");
    task.shots.after = shots.string("after", "");
    enum class Select { first, random };
    static constexpr std::array<std::string_view, 2> selects = {"first", "random"};
    task.shots.random = shots.one_of<Select>("select", selects) == Select::random;
    if (shots.has("data")) task.shots.data = detail::parse_source(shots.object("data"));
    if (task.shots.data && !task.shots.file.empty())
      shots.fail("file", "either data or a file", "both");
    shots.finish();
  }

  const bool choices = task.kind == TaskKind::multiple_choice;
  if (task.kind != TaskKind::preference) task.prompt = object.template_of("prompt");
  if (choices) {
    task.choices = object.templates("choices");
    task.contexts = object.templates("contexts");
    task.true_choices = object.templates("true_choices");
    task.false_choices = object.templates("false_choices");
    const int forms = !task.choices.empty() + !task.contexts.empty() + !task.true_choices.empty();
    if (forms != 1)
      object.fail("", "one of choices, contexts, true_choices", std::to_string(forms));
    if (!task.contexts.empty()) task.continuation = object.template_of("continuation");
    if (!task.contexts.empty() && task.continuation.empty())
      object.fail("", "a continuation of the contexts", "none");
    if (task.true_choices.empty()) {
      if (!object.has("gold")) object.fail("", "a member \"gold\"", "none");
      task.gold = object.template_of("gold");
      task.labels = object.templates("labels");
    }
    static constexpr std::array<std::string_view, 4> ranks = {"sum", "token", "byte",
                                                              "unconditional"};
    task.rank = object.one_of<Rank>("rank", ranks);
    if (task.rank == Rank::unconditional) {
      static_cast<void>(object.at("unconditional"));
      task.unconditional = object.template_of("unconditional");
    }
  } else if (task.kind == TaskKind::preference) {
    task.choices = object.templates("texts");
    if (task.choices.size() != 2)
      object.fail("texts", "two texts", std::to_string(task.choices.size()));
  } else if (task.kind == TaskKind::cloze) {
    static_cast<void>(object.at("continuation"));
    task.continuation = object.template_of("continuation");
  } else if (task.kind == TaskKind::perplexity) {
    task.stride = object.number("stride", 0, 1 << 20);
  } else {
    task.answer = object.template_of("answer");
    task.references = object.templates("references");
    static constexpr std::array<std::string_view, 5> metrics = {"exact_match", "f1", "numeric",
                                                                "judge", "pass_at"};
    task.metric = object.one_of<AnswerMetric>("metric", metrics);
    static constexpr std::array<std::string_view, 4> forms = {"none", "answer", "lower_case",
                                                              "math"};
    task.normal = object.one_of<NormalForm>("normal_form", forms);
    if (object.has("extract")) task.extract = detail::parse_extraction(object.object("extract"));
    if (object.has("extract_reference"))
      task.extract_reference = detail::parse_extraction(object.object("extract_reference"));
    const bool judged = task.metric == AnswerMetric::judge || task.metric == AnswerMetric::pass_at;
    if (judged) task.judge = object.string("judge");
    if (task.metric == AnswerMetric::judge) {
      static constexpr std::array<std::string_view, 2> ways = {"lower", "higher"};
      enum class Better { lower, higher };
      task.higher_is_better = object.one_of<Better>("better", ways) == Better::higher;
    }
    if (!judged && task.references.empty()) object.fail("", "a member \"references\"", "none");
    task.chat = object.boolean("chat", false);
    task.turns = object.templates("turns");
    if (!task.turns.empty() && (!task.chat || task.shots.count > 0 || !task.shots.file.empty()))
      object.fail("turns", "\"chat\": true, and no worked examples", "another");
    if (object.has("generation")) {
      detail::StrictObject settings = object.object("generation");
      auto& generation = task.generation;
      generation.max_tokens = settings.number("max_tokens", generation.max_tokens, 1 << 20);
      generation.stop = settings.strings("stop");
      if (std::ranges::find(generation.stop, "") != generation.stop.end())
        settings.fail("stop", "texts", "an empty one");
      generation.temperature = settings.real("temperature", 0, 0, 100);
      generation.top_p = settings.real("top_p", 1, 0, 1);
      generation.samples = settings.number("samples", 1, 1000);
      if (generation.max_tokens == 0 || generation.samples == 0)
        settings.fail("", "a sample of a token at least", "none");
      settings.finish();
    }
    if (task.metric == AnswerMetric::pass_at) {
      static_cast<void>(object.at("pass_at"));
      if (!object.at("pass_at").is_array() || object.at("pass_at").empty())
        object.fail("pass_at", "a list of numbers of samples", object.at("pass_at").dump());
      for (const auto& k : object.at("pass_at")) {
        if (!k.is_number_unsigned() || k.get<std::size_t>() < 1 ||
            k.get<std::size_t>() > task.generation.samples)
          object.fail("pass_at",
                      "numbers from 1 to the samples, " + std::to_string(task.generation.samples),
                      k.dump());
        task.pass_at.push_back(k.get<std::size_t>());
      }
    }
  }
  object.finish();
  return task;
}

/// A task from its file. Throws `io` and what `parse_task` throws.
inline Task load_task(const std::string& path) {
  return parse_task(detail::read_data(path), path);
}

}  // namespace llama2::inline LLAMA2_ABI
