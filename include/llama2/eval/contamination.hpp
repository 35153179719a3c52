// How much of a test was in the training data.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/random.hpp"
#include "llama2/base/token.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Finds contaminated tokens as Llama 2's authors do (arXiv:2307.09288, A.6): a token is
/// contaminated if it lies in a stretch of more than 10 tokens that the training data has, too,
/// where up to 4 of a stretch's tokens may differ, but none of its first 10. Differing tokens are
/// themselves not contaminated.
///
/// Memory: 12 bytes per token of training data and some 40 per distinct stretch of 10.
class ContaminationIndex {
 public:
  static constexpr std::size_t exact = 10;  ///< tokens of a stretch that must agree, from its first
  static constexpr std::size_t budget = 4;  ///< tokens that may differ after those
  static constexpr std::size_t most_places = 64;  ///< looked at for a stretch that is everywhere

  /// Adds a text of the training data. Throws `invalid_argument` beyond 2^32 tokens.
  void add(std::span<const Token> text) {
    if (tokens_.size() + text.size() + 1 > std::numeric_limits<std::uint32_t>::max())
      throw Error(ErrorCode::invalid_argument, "too much training data for this index",
                  {.expected = "at most 2^32 tokens"});
    const std::size_t begin = tokens_.size();
    tokens_.insert(tokens_.end(), text.begin(), text.end());
    tokens_.push_back(-1);  // no stretch crosses the end of a text
    previous_.resize(tokens_.size(), 0);
    for (std::size_t i = begin; i + exact < tokens_.size(); ++i) {
      auto& last = last_[hash(std::span(tokens_).subspan(i, exact))];
      previous_[i] = last;
      last = static_cast<std::uint32_t>(i + 1);
    }
  }

  /// The share of a text's tokens that are contaminated; 0 of an empty text.
  [[nodiscard]] double share(std::span<const Token> text) const {
    std::vector<bool> contaminated(text.size());
    for (std::size_t i = 0; i + exact < text.size(); ++i) {
      const auto found = last_.find(hash(text.subspan(i, exact)));
      if (found == last_.end()) continue;
      std::size_t looked_at = 0;
      for (std::uint32_t place = found->second; place != 0 && looked_at < most_places;
           place = previous_[place - 1], ++looked_at)
        mark(text, i, place - 1, contaminated);
    }
    const auto count = std::ranges::count(contaminated, true);
    return text.empty() ? 0 : static_cast<double>(count) / static_cast<double>(text.size());
  }

 private:
  static std::uint64_t hash(std::span<const Token> stretch) noexcept {
    std::uint64_t value = 0;
    for (const Token token : stretch) value = mix_bits(value ^ static_cast<std::uint64_t>(token));
    return value;
  }

  void mark(std::span<const Token> text, std::size_t at, std::size_t place,
            std::vector<bool>& contaminated) const {
    std::size_t length = 0, end = 0, differing = 0;
    for (; at + length < text.size() && tokens_[place + length] >= 0; ++length) {
      const bool same = text[at + length] == tokens_[place + length];
      if (!same && (length < exact || ++differing > budget)) break;
      if (same) end = length + 1;
    }
    if (end <= exact) return;  // more than 10, the last of which agrees
    for (std::size_t i = 0; i < end; ++i)
      if (text[at + i] == tokens_[place + i]) contaminated[at + i] = true;
  }

  std::vector<Token> tokens_;
  std::vector<std::uint32_t> previous_;  // place + 1 of the same stretch before, 0: none
  std::unordered_map<std::uint64_t, std::uint32_t> last_;  // place + 1 of a stretch
};

/// Subsets of a test by how contaminated its items are.
struct ContaminationSubset {
  std::string_view name;
  double low, high;  ///< shares, low inclusive, high exclusive
};
inline constexpr std::array<ContaminationSubset, 4> contamination_subsets = {
    {{"clean", 0, 0.2}, {"not clean", 0.2, 1.01}, {"not dirty", 0, 0.8}, {"dirty", 0.8, 1.01}}};

}  // namespace llama2::inline LLAMA2_ABI
