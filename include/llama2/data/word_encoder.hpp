// A tokenizer that remembers words: corpora are encoded many times as fast.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
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
  explicit WordEncoder(Tokenizer tokenizer) : tokenizer_(std::move(tokenizer)) {}

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
  static constexpr std::size_t max_parts = std::size_t{1} << 18;

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return static_cast<std::size_t>(hash_bytes(text));
    }
  };
  struct Range {
    std::uint32_t begin, size;  // in `tokens_`
  };

  void encode_part(std::string_view part, std::vector<Token>& tokens) {
    if (part.size() > max_part) return tokenizer_.encode(part, {}, tokens);
    const auto known = parts_.find(part);
    if (known != parts_.end()) {
      const auto begin = tokens_.begin() + known->second.begin;
      tokens.insert(tokens.end(), begin, begin + known->second.size);
      return;
    }
    if (parts_.size() == max_parts) {  // what is frequent will soon be there again
      parts_.clear();
      tokens_.clear();
    }
    const std::size_t before = tokens.size();
    tokenizer_.encode(part, {}, tokens);
    parts_.emplace(part, Range{static_cast<std::uint32_t>(tokens_.size()),
                               static_cast<std::uint32_t>(tokens.size() - before)});
    tokens_.insert(tokens_.end(), tokens.begin() + static_cast<std::ptrdiff_t>(before),
                   tokens.end());
  }

  Tokenizer tokenizer_;
  std::unordered_map<std::string, Range, Hash, std::equal_to<>> parts_;
  std::vector<Token> tokens_;  // of all parts
};

}  // namespace llama2::inline LLAMA2_ABI
