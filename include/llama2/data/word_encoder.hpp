// A tokenizer that remembers words: corpora are encoded many times as fast.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/hash.hpp"
#include "llama2/base/token.hpp"
#include "llama2/text/tokenizer.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Gives what `Tokenizer::encode` gives. The text is cut wherever that does not change its tokens,
/// and a short part that has been there is not encoded again. Up to 50 MB of memory; for one thread
/// at a time.
class WordEncoder {
 public:
  explicit WordEncoder(Tokenizer tokenizer) : tokenizer_(std::move(tokenizer)), slots_(slots) {}

  /// Appends the tokens of a text. Throws what `Tokenizer::encode` throws.
  void encode(std::string_view text, EncodeOptions options, std::vector<Token>& tokens) {
    if (options.bos) tokens.push_back(tokenizer_.bos());
    while (!text.empty()) {
      const std::size_t cut = tokenizer_.find_cut(text, 1);
      encode_part(text.substr(0, cut), tokens);
      text.remove_prefix(cut);
      // The space at the cut: the next part gets it back as its dummy prefix.
      if (!text.empty()) text.remove_prefix(1);
    }
    if (options.eos) tokens.push_back(tokenizer_.eos());
  }

 private:
  static constexpr std::size_t max_part = 64;  // bytes
  static constexpr std::size_t slots = std::size_t{1} << 19;

  /// A part that is known. (`std::unordered_map` takes several times as long.)
  struct Slot {
    std::uint64_t hash = 0;
    std::uint32_t text = 0, tokens = 0;  // where they begin in `texts_` and `tokens_`
    std::uint32_t text_size = 0;         // 0: none
    std::uint32_t token_count = 0;
  };

  void encode_part(std::string_view part, std::vector<Token>& tokens) {
    if (part.size() > max_part) return tokenizer_.encode(part, {}, tokens);
    const std::uint64_t hash = hash_bytes(part);
    std::size_t i = static_cast<std::size_t>(hash) % slots;
    for (; slots_[i].text_size != 0; i = (i + 1) % slots) {
      const Slot& slot = slots_[i];
      if (slot.hash != hash || text_of(slot) != part) continue;
      const auto begin = tokens_.begin() + slot.tokens;
      tokens.insert(tokens.end(), begin, begin + slot.token_count);
      return;
    }
    const std::size_t before = tokens.size();
    tokenizer_.encode(part, {}, tokens);
    const auto added = std::span(tokens).subspan(before);
    slots_[i] = {.hash = hash,
                 .text = static_cast<std::uint32_t>(texts_.size()),
                 .tokens = static_cast<std::uint32_t>(tokens_.size()),
                 .text_size = static_cast<std::uint32_t>(part.size()),
                 .token_count = static_cast<std::uint32_t>(added.size())};
    texts_ += part;
    tokens_.insert(tokens_.end(), added.begin(), added.end());
    if (++known_ < slots / 2) return;
    slots_.assign(slots, {});  // what is frequent will soon be there again
    texts_.clear();
    tokens_.clear();
    known_ = 0;
  }

  [[nodiscard]] std::string_view text_of(const Slot& slot) const noexcept {
    return std::string_view(texts_).substr(slot.text, slot.text_size);
  }

  Tokenizer tokenizer_;
  std::vector<Slot> slots_;
  std::string texts_;
  std::vector<Token> tokens_;
  std::size_t known_ = 0;
};

}  // namespace llama2::inline LLAMA2_ABI
