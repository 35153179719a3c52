// Which documents are fit to train on, each by itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "llama2/base/error.hpp"
#include "llama2/data/personal_information.hpp"
#include "llama2/data/repetition.hpp"
#include "llama2/data/words.hpp"
#include "llama2/text/utf8.hpp"

namespace llama2::inline LLAMA2_ABI {

/// What becomes of a document.
enum class Fate : std::uint8_t {
  kept,
  damaged,               ///< it cannot be read
  not_utf8,              ///< its bytes are not UTF-8
  too_short,             ///< of words
  too_long,              ///< of words
  repetitive,            ///< see `RepetitionLimits`
  personal_information,  ///< rich in it
  exact_duplicate,       ///< of an earlier document
  near_duplicate,        ///< of an earlier document
  contaminated,          ///< holds a sample of an evaluation
};
inline constexpr std::size_t fate_count = 10;

/// The fate's name in reports.
constexpr std::string_view to_string(Fate fate) noexcept {
  switch (fate) {
    case Fate::kept:
      return "kept";
    case Fate::damaged:
      return "damaged";
    case Fate::not_utf8:
      return "not UTF-8";
    case Fate::too_short:
      return "too short";
    case Fate::too_long:
      return "too long";
    case Fate::repetitive:
      return "repetitive";
    case Fate::personal_information:
      return "personal information";
    case Fate::exact_duplicate:
      return "exact duplicate";
    case Fate::near_duplicate:
      return "near duplicate";
    case Fate::contaminated:
      return "contaminated";
  }
  return "unknown";
}

struct FilterOptions {
  std::size_t min_words = 10;
  std::size_t max_words = 100'000;
  std::optional<RepetitionLimits> repetition = RepetitionLimits();  ///< none: not judged
  /// A document is rich in personal information that holds at least so many items, and more than so
  /// many a thousand words. None: not judged.
  std::optional<std::size_t> min_personal = 3;
  double max_personal_per_1000_words = 10;
};

/// A fate and what it was for.
struct Judgement {
  Fate fate = Fate::kept;
  std::string detail{};  ///< for people; empty if kept
};

/// Judges documents one after the other. For one thread at a time.
class DocumentFilter {
 public:
  explicit DocumentFilter(const FilterOptions& options)
      : options_(options), repetition_(options.repetition.value_or(RepetitionLimits())) {}

  Judgement judge(std::string_view text) {
    if (!is_valid_utf8(text)) return {Fate::not_utf8, "bytes that are not UTF-8"};
    split_words(text, words_);
    const std::size_t words = words_.size();
    if (words < options_.min_words)
      return {Fate::too_short,
              std::to_string(words) + " words of at least " + std::to_string(options_.min_words)};
    if (words > options_.max_words)
      return {Fate::too_long,
              std::to_string(words) + " words of at most " + std::to_string(options_.max_words)};
    if (options_.repetition)
      if (auto found = repetition_.judge(text, words_))
        return {Fate::repetitive, std::move(*found)};
    if (options_.min_personal) {
      const std::size_t items = count_personal_information(text).total();
      if (items >= *options_.min_personal &&
          static_cast<double>(items) * 1000 >
              options_.max_personal_per_1000_words * static_cast<double>(words))
        return {Fate::personal_information,
                std::to_string(items) + " items in " + std::to_string(words) + " words"};
    }
    return {};
  }

  /// Of the text that was judged last and was UTF-8.
  [[nodiscard]] const Words& words() const noexcept { return words_; }

 private:
  FilterOptions options_;
  Words words_;
  RepetitionFilter repetition_;
};

}  // namespace llama2::inline LLAMA2_ABI
