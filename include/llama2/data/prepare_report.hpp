// What became of a corpus: how much was kept, what was dropped and why; for programs and for
// people.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/data/filters.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Documents of one fate.
struct FateReport {
  static constexpr std::size_t max_examples = 5;

  std::uint64_t documents = 0;
  std::uint64_t bytes = 0;              ///< of their text
  std::vector<std::string> examples{};  ///< the first: file, line and detail; none of kept ones
};

struct SourceReport {
  std::string name{};
  double weight = 1;
  std::array<FateReport, fate_count> by_fate{};  ///< by the number of the fate
  std::uint64_t train_documents = 0;             ///< copies included
  std::uint64_t train_tokens = 0;
  std::uint64_t validation_documents = 0;
  std::uint64_t validation_tokens = 0;

  [[nodiscard]] const FateReport& of(Fate fate) const noexcept {
    return by_fate[static_cast<std::size_t>(fate)];
  }
  [[nodiscard]] FateReport& of(Fate fate) noexcept {
    return by_fate[static_cast<std::size_t>(fate)];
  }
};

/// What of an evaluation's samples the training part of the corpus holds.
struct EvaluationReport {
  std::string name{};
  std::uint64_t samples = 0;
  std::uint64_t too_short = 0;  ///< of 10 tokens or fewer, of which nothing can be said
  std::uint64_t clean = 0;      ///< of the others: less than 20 % of the tokens contaminated
  std::uint64_t dirty = 0;      ///< at least 80 %
  double mean_share = 0;        ///< of contaminated tokens, over the others
};

/// Depends only on the corpus and the options, never on threads or memory.
struct PrepareReport {
  std::vector<SourceReport> sources{};
  std::vector<EvaluationReport> evaluations{};
  std::uint64_t vocab_size = 0;

  [[nodiscard]] std::uint64_t documents(Fate fate) const noexcept {
    std::uint64_t sum = 0;
    for (const SourceReport& source : sources) sum += source.of(fate).documents;
    return sum;
  }
  [[nodiscard]] std::uint64_t documents() const noexcept {
    std::uint64_t sum = 0;
    for (std::size_t fate = 0; fate < fate_count; ++fate) sum += documents(static_cast<Fate>(fate));
    return sum;
  }
  [[nodiscard]] std::uint64_t train_tokens() const noexcept {
    std::uint64_t sum = 0;
    for (const SourceReport& source : sources) sum += source.train_tokens;
    return sum;
  }
  [[nodiscard]] std::uint64_t validation_tokens() const noexcept {
    std::uint64_t sum = 0;
    for (const SourceReport& source : sources) sum += source.validation_tokens;
    return sum;
  }
};

/// The report as JSON, indented. Bytes of file names that are not UTF-8 become U+FFFD.
inline std::string to_json(const PrepareReport& report) {
  using Json = nlohmann::ordered_json;
  Json sources = Json::array();
  for (const SourceReport& source : report.sources) {
    Json by_fate = Json::object();
    for (std::size_t i = 0; i < fate_count; ++i) {
      const FateReport& fate = source.by_fate[i];
      if (fate.documents == 0) continue;
      Json& entry = by_fate[std::string(to_string(static_cast<Fate>(i)))];
      entry = {{"documents", fate.documents}, {"bytes", fate.bytes}};
      if (!fate.examples.empty()) entry["examples"] = fate.examples;
    }
    sources.push_back({{"name", source.name},
                       {"weight", source.weight},
                       {"documents", std::move(by_fate)},
                       {"train_documents", source.train_documents},
                       {"train_tokens", source.train_tokens},
                       {"validation_documents", source.validation_documents},
                       {"validation_tokens", source.validation_tokens}});
  }
  Json evaluations = Json::array();
  for (const EvaluationReport& evaluation : report.evaluations)
    evaluations.push_back({{"name", evaluation.name},
                           {"samples", evaluation.samples},
                           {"too_short", evaluation.too_short},
                           {"clean", evaluation.clean},
                           {"dirty", evaluation.dirty},
                           {"mean_contaminated_share", evaluation.mean_share}});
  const Json all = {{"vocab_size", report.vocab_size},
                    {"train_tokens", report.train_tokens()},
                    {"validation_tokens", report.validation_tokens()},
                    {"sources", std::move(sources)},
                    {"evaluations", std::move(evaluations)}};
  return all.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

namespace detail {

/// Text from files, fit for a cell of a Markdown table.
inline std::string markdown_text(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20) {
      result += ' ';
      continue;
    }
    if (std::string_view("\\|`*_<>[]").find(c) != std::string_view::npos) result += '\\';
    result += c;
  }
  return result;
}

inline std::string markdown_row(const std::vector<std::string>& cells) {
  std::string row = "|";
  for (const std::string& cell : cells) row += " " + cell + " |";
  return row + "\n";
}

inline std::string percent_text(double part, double whole) {
  if (whole == 0) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * part / whole);
  return text;
}

}  // namespace detail

/// The report as Markdown: a table of what became of documents, one of sources, one of evaluations,
/// and examples of what was dropped.
inline std::string to_markdown(const PrepareReport& report) {
  using namespace detail;
  const auto number = [](std::uint64_t value) { return std::to_string(value); };
  const auto all = static_cast<double>(report.documents());
  std::string text = "# The corpus\n\n" + number(report.train_tokens()) + " tokens to train on, " +
                     number(report.validation_tokens()) + " held out; a vocabulary of " +
                     number(report.vocab_size) + ".\n\n";
  text += "| documents | number | share | bytes |\n|---|---:|---:|---:|\n";
  for (std::size_t i = 0; i < fate_count; ++i) {
    const Fate fate = static_cast<Fate>(i);
    std::uint64_t bytes = 0;
    for (const SourceReport& source : report.sources) bytes += source.of(fate).bytes;
    const std::uint64_t documents = report.documents(fate);
    if (documents != 0)
      text += markdown_row({std::string(to_string(fate)), number(documents),
                            percent_text(static_cast<double>(documents), all), number(bytes)});
  }
  text +=
      "\n| source | weight | kept documents | in training, copies included | tokens | held out | "
      "tokens |\n|---|---:|---:|---:|---:|---:|---:|\n";
  for (const SourceReport& source : report.sources)
    text += markdown_row({markdown_text(source.name), number_text(source.weight),
                          number(source.of(Fate::kept).documents), number(source.train_documents),
                          number(source.train_tokens), number(source.validation_documents),
                          number(source.validation_tokens)});
  if (!report.evaluations.empty()) {
    text +=
        "\nSamples of evaluations by the share of their tokens that the training part holds "
        "(Llama 2, A.6):\n\n"
        "| evaluation | samples | too short to tell | clean (< 20 %) | dirty (>= 80 %) | mean "
        "share "
        "|\n|---|---:|---:|---:|---:|---:|\n";
    for (const EvaluationReport& evaluation : report.evaluations)
      text += markdown_row({markdown_text(evaluation.name), number(evaluation.samples),
                            number(evaluation.too_short), number(evaluation.clean),
                            number(evaluation.dirty), percent_text(evaluation.mean_share, 1)});
  }
  std::string examples;
  for (const SourceReport& source : report.sources)
    for (std::size_t i = 0; i < fate_count; ++i)
      for (const std::string& example : source.by_fate[i].examples)
        examples += "- " + std::string(to_string(static_cast<Fate>(i))) + ": " +
                    markdown_text(example) + "\n";
  if (!examples.empty()) text += "\nThe first that were dropped of each kind:\n\n" + examples;
  return text;
}

}  // namespace llama2::inline LLAMA2_ABI
