// From a task and its data to what a model is asked: prompts, choices, right answers.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/random.hpp"
#include "llama2/base/token.hpp"
#include "llama2/eval/task.hpp"
#include "llama2/text/tokenizer.hpp"

namespace llama2::inline LLAMA2_ABI {

/// One item of a task, its templates filled in.
struct Item {
  std::string id;
  std::optional<std::string> category;
  std::optional<std::string> style;  ///< of an attack
  Record record;
  std::string preamble;                                   ///< before worked examples
  std::shared_ptr<const std::vector<std::string>> shots;  ///< worked examples
  std::string separator;                                  ///< after each of them
  std::string question;                                   ///< what the prompt ends with
  std::vector<std::string> turns;                         ///< what the user says before
  std::vector<std::string> choices;                       ///< what may follow; of cloze one
  std::vector<std::string> contexts;    ///< what may stand in the question's place
  std::vector<std::size_t> gold;        ///< indices of right choices
  std::vector<std::string> references;  ///< right answers of a generation

  /// The prompt with the first `count` of its worked examples.
  [[nodiscard]] std::string prompt(std::size_t count, const std::string& end) const {
    std::string text = preamble;
    for (std::size_t i = 0; i < count; ++i) text += (*shots)[i] + separator;
    return text + end;
  }

  /// All that is this item's own, worked examples apart: what training text may hold.
  [[nodiscard]] std::string text() const {
    std::string text = question;
    for (const auto* parts : {&turns, &contexts, &choices, &references})
      for (const std::string& part : *parts) text += (text.empty() ? "" : "\n") + part;
    return text;
  }
};

/// A task with its data: items by number, filled in when they are asked for.
class TaskData {
 public:
  /// Reads the task's files below `folder`. Throws `io`, and `malformed_file` with file and line.
  TaskData(const Task& task, std::filesystem::path folder)
      : task_(&task), folder_(std::move(folder)), records_(read_records(task.data, folder_)) {
    for (Record& record : records_) derive(record);
    // Examples that all items have are not asked.
    if (!task.shots.data && task.shots.file.empty() && !task.shots.random)
      first_ = std::min(task.shots.count, records_.size());
    if (records_.size() == first_)
      throw Error(ErrorCode::malformed_file, "the task's data has no items",
                  {.file = task.file, .found = task.data.files.front()});
  }

  /// The first path that the task needs and `folder` lacks; none if all are there.
  static std::optional<std::string> missing(const Task& task, const std::filesystem::path& folder) {
    if (auto path = missing_data(task.data, folder)) return path;
    if (task.shots.data) return missing_data(*task.shots.data, folder);
    if (!task.shots.file.empty()) return missing_data({.files = {task.shots.file}}, folder);
    return std::nullopt;
  }

  /// The paths of all files that items and worked examples may come from.
  static std::vector<std::string> paths(const Task& task, const std::filesystem::path& folder) {
    std::vector<std::string> paths = data_paths(task.data, folder);
    DataSource shots = task.shots.data.value_or(DataSource{});
    if (!task.shots.file.empty()) shots.files.push_back(task.shots.file);
    for (std::string& path : data_paths(shots, folder)) paths.push_back(std::move(path));
    return paths;
  }

  [[nodiscard]] const Task& task() const noexcept { return *task_; }
  [[nodiscard]] std::size_t size() const noexcept { return records_.size() - first_; }

  /// Numbers of `count` items at equal distances, so that they are of all files and categories.
  [[nodiscard]] std::vector<std::size_t> sample(std::size_t count) const {
    count = std::min(count, size());
    std::vector<std::size_t> numbers(count);
    for (std::size_t i = 0; i < count; ++i) numbers[i] = i * size() / count;
    return numbers;
  }

  /// Throws `malformed_file` with file and line for data that the task does not fit.
  [[nodiscard]] Item item(std::size_t number) {
    const std::size_t index = first_ + number;
    const Record& record = records_[index];
    Item item{.id = std::to_string(number),
              .category = {},
              .style = {},
              .record = record,
              .preamble = task_->shots.preamble.render(record),
              .shots = shots_of(record, index),
              .separator = task_->shots.separator,
              .question = {},
              .turns = {},
              .choices = {},
              .contexts = {},
              .gold = {},
              .references = {}};
    if (!task_->category.empty()) item.category = task_->category.render(record);
    if (!task_->style.empty()) item.style = task_->style.render(record);
    fill(record, item);
    return item;
  }

 private:
  static std::vector<std::string> expand_all(const std::vector<Template>& templates,
                                             const Record& record) {
    std::vector<std::string> texts;
    for (const Template& each : templates)
      for (std::string& text : each.expand(record)) texts.push_back(std::move(text));
    return texts;
  }

  void derive(Record& record) const {
    for (const DerivedField& field : task_->fields) {
      bool is_list = std::ranges::any_of(field.from.paths(), &FieldPath::is_list);
      std::vector<std::string> texts = field.from.expand(record);
      for (const FieldStep& step : field.steps) step(record, texts, is_list);
      record.add(field.name, is_list ? nlohmann::json(texts) : nlohmann::json(texts.front()));
    }
  }

  void fill(const Record& record, Item& item) const {
    item.question = task_->prompt.render(record);
    switch (task_->kind) {
      case TaskKind::multiple_choice:
        if (!task_->true_choices.empty()) {
          item.choices = expand_all(task_->true_choices, record);
          for (std::size_t i = 0; i < item.choices.size(); ++i) item.gold.push_back(i);
          for (std::string& text : expand_all(task_->false_choices, record))
            item.choices.push_back(std::move(text));
        } else if (!task_->contexts.empty()) {
          item.contexts = expand_all(task_->contexts, record);
          item.choices.assign(item.contexts.size(), task_->continuation.render(record));
          item.gold = {gold_of(record, item.choices.size())};
        } else {
          item.choices = expand_all(task_->choices, record);
          item.gold = {gold_of(record, item.choices.size())};
        }
        if (item.choices.size() < 2)
          record.fail("too few choices", "choices", "two at least",
                      std::to_string(item.choices.size()));
        require_texts(record, item.choices, "choices");
        break;
      case TaskKind::cloze:
        item.choices = {task_->continuation.render(record)};
        require_texts(record, item.choices, "continuation");
        break;
      case TaskKind::preference:
        item.choices = {task_->choices[0].render(record), task_->choices[1].render(record)};
        require_texts(record, item.choices, "texts");
        break;
      case TaskKind::perplexity:
        require_texts(record, {item.question}, "prompt");
        break;
      case TaskKind::generation:
        for (const Template& turn : task_->turns) item.turns.push_back(turn.render(record));
        item.references = expand_all(task_->references, record);
        for (std::string& reference : item.references) {
          auto part = task_->extract_reference.apply(reference);
          if (!part)
            record.fail("the reference has no answer in it", "references", "an answer", reference);
          reference = std::move(*part);
        }
        if (item.references.empty() && !task_->references.empty())
          record.fail("no reference", "references", "one at least", "none");
        break;
    }
  }

  static void require_texts(const Record& record, const std::vector<std::string>& texts,
                            const char* field) {
    for (const std::string& text : texts)
      if (text.empty()) record.fail("an empty text", field, "some text", "none");
  }

  [[nodiscard]] std::size_t gold_of(const Record& record, std::size_t choices) const {
    const std::string gold = task_->gold.render(record);
    if (!task_->labels.empty()) {
      const auto labels = expand_all(task_->labels, record);
      const auto found = std::ranges::find(labels, gold);
      if (found == labels.end()) record.fail("not one of the labels", "gold", "a label", gold);
      const auto index = static_cast<std::size_t>(found - labels.begin());
      if (index < choices) return index;
      record.fail("a label without a choice", "gold", std::to_string(choices) + " choices", gold);
    }
    std::size_t index = 0;
    const auto result = std::from_chars(gold.data(), gold.data() + gold.size(), index);
    if (result.ec != std::errc() || result.ptr != gold.data() + gold.size() || index >= choices)
      record.fail("not the index of a choice", "gold", "0 to " + std::to_string(choices - 1), gold);
    return index;
  }

  /// A worked example: the question and its answer.
  [[nodiscard]] std::string example(const Record& record) const {
    Item item{.id = {},
              .category = {},
              .style = {},
              .record = record,
              .preamble = {},
              .shots = {},
              .separator = {},
              .question = {},
              .turns = {},
              .choices = {},
              .contexts = {},
              .gold = {},
              .references = {}};
    if (task_->kind == TaskKind::generation)
      return task_->prompt.render(record) + task_->answer.render(record);
    fill(record, item);
    const std::size_t right = item.gold.empty() ? 0 : item.gold.front();
    return (item.contexts.empty() ? item.question : item.contexts[right]) + item.choices[right];
  }

  std::shared_ptr<const std::vector<std::string>> shots_of(const Record& record,
                                                           std::size_t index) {
    const Shots& shots = task_->shots;
    if (!shots.file.empty()) {
      const std::string path = (folder_ / detail::path_for(shots.file, record)).string();
      auto& cached = ready_made_[path];
      if (cached == nullptr) {
        std::string text = detail::read_data(path);
        const std::size_t at = text.find(shots.after);
        if (at == text.npos)
          throw Error(ErrorCode::malformed_file, "the examples do not begin where they should",
                      {.file = path, .expected = shots.after});
        text.erase(0, at + shots.after.size());
        while (text.ends_with('\n')) text.pop_back();
        cached = std::make_shared<const std::vector<std::string>>(1, std::move(text));
      }
      return cached;
    }
    if (shots.count == 0) return no_shots_;
    // Which file the examples come from may depend on the item.
    const std::vector<Record>* from = &records_;
    std::string key;
    if (shots.data) {
      for (const std::string& file : shots.data->files) key += Template(file).render(record) + '\n';
      auto& cached = sources_[key];
      if (cached.empty()) {
        cached = read_records(*shots.data, folder_, &record);
        for (Record& each : cached) derive(each);
      }
      from = &cached;
    }
    if (shots.random) {
      const std::size_t own = shots.data ? from->size() : index;
      return std::make_shared<const std::vector<std::string>>(draw(*from, own, index));
    }
    auto& cached = ready_made_[key];
    if (cached == nullptr) {
      require_examples(*from, shots.count);
      std::vector<std::string> texts;
      for (std::size_t i = 0; i < shots.count; ++i) texts.push_back(example((*from)[i]));
      cached = std::make_shared<const std::vector<std::string>>(std::move(texts));
    }
    return cached;
  }

  /// Examples drawn for an item, which is itself none of them.
  [[nodiscard]] std::vector<std::string> draw(const std::vector<Record>& from, std::size_t own,
                                              std::size_t index) const {
    require_examples(from, task_->shots.count + (own < from.size() ? 1 : 0));
    Random random(mix_bits(task_->seed) ^ mix_bits(index));
    std::vector<std::size_t> drawn;
    std::vector<std::string> texts;
    while (texts.size() < task_->shots.count) {
      const auto pick =
          static_cast<std::size_t>(random.uniform() * static_cast<double>(from.size()));
      if (pick == own || std::ranges::find(drawn, pick) != drawn.end()) continue;
      drawn.push_back(pick);
      texts.push_back(example(from[pick]));
    }
    return texts;
  }

  void require_examples(const std::vector<Record>& from, std::size_t count) const {
    if (from.size() < count)
      throw Error(ErrorCode::malformed_file, "too few worked examples in the data",
                  {.file = task_->file,
                   .expected = std::to_string(count),
                   .found = std::to_string(from.size())});
  }

  const Task* task_;
  std::filesystem::path folder_;
  std::vector<Record> records_;
  std::size_t first_ = 0;
  std::map<std::string, std::vector<Record>> sources_;
  std::map<std::string, std::shared_ptr<const std::vector<std::string>>> ready_made_;
  std::shared_ptr<const std::vector<std::string>> no_shots_ =
      std::make_shared<const std::vector<std::string>>();
};

/// Encodes texts that have many lines in common: to the token what `Tokenizer::encode` gives, each
/// line encoded once. Where a vocabulary has pieces with a line break in them, no line stands for
/// itself, and the whole text is encoded.
class LineEncoder {
 public:
  explicit LineEncoder(Tokenizer tokenizer) : tokenizer_(std::move(tokenizer)) {
    by_line_ = !tokenizer_.vocabulary().remove_extra_whitespaces;
    for (const Piece& piece : tokenizer_.vocabulary().pieces)
      by_line_ = by_line_ && (piece.text.find('\n') == std::string::npos || piece.text == "\n");
    // What stands before a line break at the beginning of a text: the space that is put there.
    before_ = tokenizer_.encode("\n").size() - 1;
  }

  [[nodiscard]] const Tokenizer& tokenizer() const noexcept { return tokenizer_; }

  /// The text's tokens, after BOS.
  [[nodiscard]] std::vector<Token> encode(std::string_view text) {
    if (!by_line_) return tokenizer_.encode(text, {.bos = true});
    const std::size_t first = std::min(text.find('\n'), text.size());
    std::vector<Token> tokens = tokenizer_.encode(text.substr(0, first), {.bos = true});
    if (first == 0 && !text.empty()) {  // the first line is empty, but the text is not
      const auto start = tokenizer_.encode("\n");
      tokens.insert(tokens.end(), start.begin(),
                    start.begin() + static_cast<std::ptrdiff_t>(before_));
    }
    for (text.remove_prefix(first); !text.empty();) {
      const std::size_t end = std::min(text.find('\n', 1), text.size());
      const std::vector<Token>& line = line_tokens(text.substr(0, end));
      tokens.insert(tokens.end(), line.begin(), line.end());
      text.remove_prefix(end);
    }
    return tokens;
  }

 private:
  /// Tokens of a line break and the line after it.
  const std::vector<Token>& line_tokens(std::string_view line) {
    constexpr std::size_t most_lines = 16384;
    if (lines_.size() >= most_lines) lines_.clear();
    const auto [at, is_new] = lines_.try_emplace(std::string(line));
    if (is_new) {
      at->second = tokenizer_.encode(line);
      at->second.erase(at->second.begin(),
                       at->second.begin() + static_cast<std::ptrdiff_t>(before_));
    }
    return at->second;
  }

  Tokenizer tokenizer_;
  bool by_line_ = true;
  std::size_t before_ = 0;
  std::unordered_map<std::string, std::vector<Token>> lines_;
};

}  // namespace llama2::inline LLAMA2_ABI
