// Whether a corpus holds the samples that models are evaluated on, by the paper's method (A.6).
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/random.hpp"
#include "llama2/base/token.hpp"

namespace llama2::inline LLAMA2_ABI {

struct ContaminationOptions {
  /// Tokens at the beginning of a match that must be equal; a match is longer than that.
  std::size_t exact_tokens = 10;
  /// Positions behind them at which a match may differ, but not at its end.
  std::size_t skip_budget = 4;
};

/// Tokens of an evaluation sample that a text of the corpus holds, too.
struct ContaminationMatch {
  std::size_t sample, begin, length;
};

/// How much of a sample the corpus holds: the paper calls samples with less than 20 % of
/// contaminated tokens clean, with at least 80 % dirty, and looks at what is not the one or not the
/// other, too.
struct SampleContamination {
  std::size_t tokens = 0, contaminated = 0;

  /// Shorter samples can have no match.
  [[nodiscard]] bool can_be_told(const ContaminationOptions& options) const noexcept {
    return tokens > options.exact_tokens;
  }
  [[nodiscard]] double share() const noexcept {
    return tokens == 0 ? 0 : static_cast<double>(contaminated) / static_cast<double>(tokens);
  }
  static constexpr double clean_below = 0.2, dirty_from = 0.8;
  [[nodiscard]] bool is_clean() const noexcept { return share() < clean_below; }
  [[nodiscard]] bool is_dirty() const noexcept { return share() >= dirty_from; }
};

/// Samples of evaluations, and what of them has been found in a corpus.
///
/// "A token is contaminated if it appears in any token n-gram longer than 10 tokens in both the
/// evaluation sample and the training set", where matched spans may differ in at most four
/// positions, none of them among the first ten or the last. The n-gram being what appears in both,
/// all tokens of a matched span count as contaminated, those at which it differs, too.
class ContaminationCheck {
 public:
  explicit ContaminationCheck(const ContaminationOptions& options = {}) : options_(options) {
    require_option(options.exact_tokens > 0, "exact_tokens",
                   static_cast<double>(options.exact_tokens), "at least 1");
  }

  /// Adds a sample, encoded by the corpus's tokenizer without BOS and EOS; its number is the count
  /// of those before it. To be called before anything is looked up.
  void add_sample(std::span<const Token> tokens) {
    const std::size_t sample = samples_.size();
    samples_.push_back({.begin = tokens_.size(), .size = tokens.size()});
    tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
    for_each_window(tokens, [&](std::size_t at, std::uint64_t hash) {
      windows_.push_back({hash, sample, at});
    });
    marked_.resize(tokens_.size());
    indexed_ = false;
  }

  /// To be called once, between the last `add_sample` and the first `find`.
  void index() {
    std::ranges::sort(windows_);
    const auto buckets = std::bit_ceil(windows_.size() + 1);
    shift_ = 64 - static_cast<int>(std::bit_width(buckets - 1));
    buckets_.assign(buckets + 1, 0);
    for (const Window& window : windows_) ++buckets_[bucket_of(window.hash) + 1];
    for (std::size_t i = 0; i < buckets; ++i) buckets_[i + 1] += buckets_[i];
    indexed_ = true;
  }

  [[nodiscard]] std::size_t samples() const noexcept { return samples_.size(); }

  /// All matches of a text of the corpus with samples. Any number of threads may look up at once.
  [[nodiscard]] std::vector<ContaminationMatch> find(std::span<const Token> text) const {
    if (!indexed_) throw Error(ErrorCode::invalid_argument, "the samples have not been indexed");
    std::vector<ContaminationMatch> matches;
    if (windows_.empty()) return matches;
    for_each_window(text, [&](std::size_t at, std::uint64_t hash) {
      const std::size_t bucket = bucket_of(hash);
      for (std::size_t i = buckets_[bucket]; i < buckets_[bucket + 1]; ++i) {
        const Window& window = windows_[i];
        if (window.hash != hash) continue;
        const std::span<const Token> sample = tokens_of(window.sample);
        // From one place earlier the same match would have been found, and longer.
        if (at > 0 && window.begin > 0 && text[at - 1] == sample[window.begin - 1]) continue;
        const std::size_t length = match(text.subspan(at), sample.subspan(window.begin));
        if (length > options_.exact_tokens)
          matches.push_back({.sample = window.sample, .begin = window.begin, .length = length});
      }
    });
    return matches;
  }

  /// Counts the matches of a text that is in the corpus.
  void mark(std::span<const ContaminationMatch> matches) {
    for (const ContaminationMatch& found : matches)
      std::fill_n(
          marked_.begin() + static_cast<std::ptrdiff_t>(samples_[found.sample].begin + found.begin),
          found.length, true);
  }

  /// Whether these matches, which are all of one text, make a sample dirty by themselves.
  [[nodiscard]] bool makes_dirty(std::vector<ContaminationMatch> matches) const {
    std::ranges::sort(matches, {}, [](const ContaminationMatch& found) {
      return std::pair(found.sample, found.begin);
    });
    SampleContamination sum;
    std::size_t end = 0;
    for (std::size_t i = 0; i < matches.size(); ++i) {
      const ContaminationMatch& found = matches[i];
      if (i == 0 || found.sample != matches[i - 1].sample) {
        sum = {.tokens = samples_[found.sample].size};
        end = 0;
      }
      const std::size_t begin = std::max(found.begin, end);
      end = std::max(end, found.begin + found.length);
      sum.contaminated += end - std::min(begin, end);
      if (sum.is_dirty()) return true;
    }
    return false;
  }

  /// What `mark` has been told of.
  [[nodiscard]] SampleContamination sample(std::size_t index) const {
    const auto begin = marked_.begin() + static_cast<std::ptrdiff_t>(samples_.at(index).begin);
    const std::size_t size = samples_[index].size;
    return {.tokens = size,
            .contaminated = static_cast<std::size_t>(
                std::count(begin, begin + static_cast<std::ptrdiff_t>(size), true))};
  }

 private:
  struct Sample {
    std::size_t begin, size;
  };
  struct Window {
    std::uint64_t hash;
    std::size_t sample, begin;
    friend auto operator<=>(const Window&, const Window&) = default;
  };

  /// Calls f(begin, hash) for each `exact_tokens` tokens in a row.
  template <class F>
  void for_each_window(std::span<const Token> tokens, F&& f) const {
    constexpr std::uint64_t base = 0x9E3779B97F4A7C15u;
    const std::size_t n = options_.exact_tokens;
    std::uint64_t leaving = 1;  // base^n: the weight of the token that is no longer in the window
    for (std::size_t i = 0; i < n; ++i) leaving *= base;
    const auto number = [&](std::size_t i) { return static_cast<std::uint64_t>(tokens[i]) + 1; };
    std::uint64_t rolling = 0;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      rolling = rolling * base + number(i);
      if (i >= n) rolling -= leaving * number(i - n);
      if (i + 1 >= n) f(i + 1 - n, mix_bits(rolling));
    }
  }

  [[nodiscard]] std::size_t bucket_of(std::uint64_t hash) const noexcept {
    return shift_ == 64 ? 0 : static_cast<std::size_t>(hash >> shift_);
  }

  [[nodiscard]] std::span<const Token> tokens_of(std::size_t sample) const noexcept {
    return std::span(tokens_).subspan(samples_[sample].begin, samples_[sample].size);
  }

  /// The length of the longest match of the beginnings of two texts; 0 if there is none.
  [[nodiscard]] std::size_t match(std::span<const Token> a,
                                  std::span<const Token> b) const noexcept {
    const std::size_t size = std::min(a.size(), b.size());
    std::size_t length = 0, differing = 0;
    for (std::size_t i = 0; i < size; ++i) {
      if (a[i] == b[i])
        length = i + 1;
      else if (i < options_.exact_tokens || ++differing > options_.skip_budget)
        break;
    }
    return length;
  }

  ContaminationOptions options_;
  std::vector<Token> tokens_;  // of all samples
  std::vector<Sample> samples_;
  std::vector<bool> marked_;     // for each of the tokens
  std::vector<Window> windows_;  // ascending by hash
  std::vector<std::size_t> buckets_;
  int shift_ = 64;
  bool indexed_ = false;
};

}  // namespace llama2::inline LLAMA2_ABI
