// How much a text repeats itself.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/hash.hpp"
#include "llama2/data/words.hpp"

namespace llama2::inline LLAMA2_ABI {

/// The most that a text may repeat itself, as shares of its whole (Rae et al., "Scaling Language
/// Models", 2021, table A1). 1 allows everything.
struct RepetitionLimits {
  double duplicate_lines = 0.30;       ///< lines that have been there before
  double duplicate_line_bytes = 0.20;  ///< the same by their bytes
  double duplicate_paragraphs = 0.30;  ///< between blank lines
  double duplicate_paragraph_bytes = 0.20;
  /// Bytes of words in the most frequent sequence of 2, 3 and 4 words, all its occurrences.
  std::array<double, 3> top_sequence = {0.20, 0.18, 0.16};
  /// Bytes of words in sequences of 5 to 10 words that have been there before.
  std::array<double, 6> duplicate_sequences = {0.15, 0.14, 0.13, 0.12, 0.11, 0.10};
};

namespace detail {

/// Counts numbers; emptied in no time.
class CountTable {
 public:
  /// Empties the table and makes room for `n` different numbers.
  void reset(std::size_t n) {
    const std::size_t capacity = std::bit_ceil(2 * n + 2);
    if (slots_.size() < capacity) slots_.assign(capacity, {});
    mask_ = capacity - 1;
    if (++generation_ == 0) {  // after 2^32 texts
      slots_.assign(slots_.size(), {});
      generation_ = 1;
    }
  }

  /// How often this number has now been added.
  std::uint32_t add(std::uint64_t key) noexcept {
    for (std::size_t i = static_cast<std::size_t>(key) & mask_;; i = (i + 1) & mask_) {
      Slot& slot = slots_[i];
      if (slot.generation != generation_) slot = {key, generation_, 0};
      if (slot.key == key) return ++slot.count;
    }
  }

 private:
  struct Slot {
    std::uint64_t key = 0;
    std::uint32_t generation = 0;
    std::uint32_t count = 0;
  };

  std::vector<Slot> slots_;
  std::size_t mask_ = 0;
  std::uint32_t generation_ = 0;
};

struct PartShares {
  double parts = 0, bytes = 0;
};

/// The share of a text's parts that have been there before. Parts end at `separator`; blank ones do
/// not count.
inline PartShares duplicate_parts(std::string_view text, std::string_view separator,
                                  CountTable& table) {
  constexpr std::string_view blank = " \t\r\n";
  table.reset(static_cast<std::size_t>(std::ranges::count(text, separator.back())) + 1);
  std::size_t parts = 0, again = 0, bytes = 0, bytes_again = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + separator.size(), text.size()));
    part.remove_prefix(std::min(part.find_first_not_of(blank), part.size()));
    part = part.substr(0, part.find_last_not_of(blank) + 1);
    if (part.empty()) continue;
    const bool seen = table.add(hash_bytes(part)) > 1;
    ++parts;
    bytes += part.size();
    again += seen ? 1 : 0;
    bytes_again += seen ? part.size() : 0;
  }
  if (parts == 0) return {};
  return {static_cast<double>(again) / static_cast<double>(parts),
          static_cast<double>(bytes_again) / static_cast<double>(bytes)};
}

}  // namespace detail

/// Measures texts; keeps its tables from one to the next. For one thread at a time.
class RepetitionFilter {
 public:
  explicit RepetitionFilter(const RepetitionLimits& limits = {}) : limits_(limits) {}

  /// The first limit that the text is beyond, in words: "duplicate lines: 0.5 of at most 0.3".
  /// `words` are the text's own.
  std::optional<std::string> judge(std::string_view text, const Words& words) {
    const detail::PartShares lines = detail::duplicate_parts(text, "\n", table_);
    if (lines.parts > limits_.duplicate_lines)
      return beyond("duplicate lines", lines.parts, limits_.duplicate_lines);
    if (lines.bytes > limits_.duplicate_line_bytes)
      return beyond("bytes of duplicate lines", lines.bytes, limits_.duplicate_line_bytes);
    const detail::PartShares paragraphs = detail::duplicate_parts(text, "\n\n", table_);
    if (paragraphs.parts > limits_.duplicate_paragraphs)
      return beyond("duplicate paragraphs", paragraphs.parts, limits_.duplicate_paragraphs);
    if (paragraphs.bytes > limits_.duplicate_paragraph_bytes)
      return beyond("bytes of duplicate paragraphs", paragraphs.bytes,
                    limits_.duplicate_paragraph_bytes);
    return judge_sequences(words);
  }

 private:
  /// Sequences that overlap can have more bytes than the text.
  static double share_of(std::uint64_t bytes, std::uint64_t all) {
    return std::min(1.0, static_cast<double>(bytes) / static_cast<double>(all));
  }

  static std::string beyond(const std::string& what, double share, double limit) {
    return what + ": " + number_text(share) + " of at most " + number_text(limit);
  }

  std::optional<std::string> judge_sequences(const Words& words) {
    sequences_.assign(words.hashes.begin(), words.hashes.end());
    lengths_.assign(words.sizes.begin(), words.sizes.end());
    for (std::size_t n = 2; n <= 10 && n <= words.size(); ++n) {
      const std::size_t count = words.size() - n + 1;
      table_.reset(count);
      for (std::size_t i = 0; i < count; ++i) {  // sequences of n from those of n - 1
        sequences_[i] = mix_bits(sequences_[i] ^ words.hashes[i + n - 1]);
        lengths_[i] += words.sizes[i + n - 1];
      }
      std::uint64_t bytes = 0;
      if (n <= 4) {
        for (std::size_t i = 0; i < count; ++i)
          if (const std::uint32_t times = table_.add(sequences_[i]); times > 1)
            bytes = std::max(bytes, times * lengths_[i]);
      } else {
        for (std::size_t i = 0; i < count; ++i)
          if (table_.add(sequences_[i]) > 1) {
            bytes += lengths_[i];
            i += n - 1;  // no word counts twice
          }
      }
      if (bytes == 0) return std::nullopt;  // nor does anything longer come again
      const double limit =
          n <= 4 ? limits_.top_sequence[n - 2] : limits_.duplicate_sequences[n - 5];
      if (const double share = share_of(bytes, words.bytes); share > limit)
        return beyond((n <= 4 ? "the most frequent sequence of " : "repeated sequences of ") +
                          std::to_string(n) + " words",
                      share, limit);
    }
    return std::nullopt;
  }

  RepetitionLimits limits_;
  detail::CountTable table_;
  std::vector<std::uint64_t> sequences_;
  std::vector<std::uint64_t> lengths_;
};

}  // namespace llama2::inline LLAMA2_ABI
