// The words of a text, as numbers: what filters count and near-duplicates are compared by.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "llama2/base/random.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Words in their order. Case, punctuation and white space are gone.
struct Words {
  std::vector<std::uint64_t> hashes{};
  std::vector<std::uint32_t> sizes{};  ///< in bytes
  std::uint64_t bytes = 0;             ///< the sum of the sizes

  [[nodiscard]] std::size_t size() const noexcept { return hashes.size(); }
};

/// Replaces `words` by those of a text: runs of ASCII letters, ASCII digits and characters outside
/// ASCII; but each Chinese, Japanese or Korean character is a word, as those run on without spaces.
inline void split_words(std::string_view text, Words& words) {
  words.hashes.clear();
  words.sizes.clear();
  words.bytes = 0;
  std::uint64_t hash = 0;
  std::uint32_t size = 0;
  const auto end_word = [&] {
    if (size == 0) return;
    words.hashes.push_back(mix_bits(hash ^ size));
    words.sizes.push_back(size);
    words.bytes += size;
    hash = size = 0;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto byte = static_cast<std::uint8_t>(text[i]);
    const bool upper = byte >= 'A' && byte <= 'Z';
    if (upper) byte = static_cast<std::uint8_t>(byte + ('a' - 'A'));
    const bool in_word =
        byte >= 0x80 || (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
    if (!in_word) {
      end_word();
      continue;
    }
    // U+3000 to U+DFFF, nearly, begin with these bytes.
    const bool alone = byte >= 0xE3 && byte <= 0xED && i + 2 < text.size();
    if (alone) end_word();
    hash = (hash + byte) * 0x9FB21C651E98DF25u;
    ++size;
    if (alone) {
      for (int more = 0; more < 2; ++more) {
        hash = (hash + static_cast<std::uint8_t>(text[++i])) * 0x9FB21C651E98DF25u;
        ++size;
      }
      end_word();
    }
  }
  end_word();
}

}  // namespace llama2::inline LLAMA2_ABI
