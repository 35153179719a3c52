// A tokenizer that remembers words: corpora are encoded many times as fast.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/hash.hpp"
#include "llama2/base/token.hpp"
#include "llama2/text/tokenizer.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Gives what `Tokenizer::encode` gives. The text is cut wherever that does not change its tokens,
/// and a short part that has been there lately is not encoded again. 4 MiB of memory; for one
/// thread at a time.
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
  static constexpr std::size_t slots = std::size_t{1} << 16;

  /// A part and its tokens, in a line of the processor's cache.
  struct alignas(64) Slot {
    std::uint8_t size = 0;  // 0: nothing yet
    std::uint8_t count = 0;
    std::array<char, 22> text{};
    std::array<Token, 10> tokens{};
  };
  static_assert(sizeof(Slot) == 64);

  void encode_part(std::string_view part, std::vector<Token>& tokens) {
    if (part.size() > Slot().text.size()) return tokenizer_.encode(part, {}, tokens);
    Slot& slot = slots_[static_cast<std::size_t>(hash_bytes(part)) % slots];
    if (std::string_view(slot.text.data(), slot.size) != part) {
      const std::size_t before = tokens.size();
      tokenizer_.encode(part, {}, tokens);
      const std::size_t count = tokens.size() - before;
      if (count > slot.tokens.size()) return;
      slot.size = static_cast<std::uint8_t>(part.size());
      slot.count = static_cast<std::uint8_t>(count);
      std::memcpy(slot.text.data(), part.data(), part.size());
      std::copy_n(tokens.end() - static_cast<std::ptrdiff_t>(count), count, slot.tokens.begin());
      return;
    }
    tokens.insert(tokens.end(), slot.tokens.begin(), slot.tokens.begin() + slot.count);
  }

  Tokenizer tokenizer_;
  std::vector<Slot> slots_;
};

}  // namespace llama2::inline LLAMA2_ABI
