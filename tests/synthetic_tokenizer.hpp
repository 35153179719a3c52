// A tokenizer small enough for tiny models: the special and byte pieces, letters and a few merges.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "llama2/text/tokenizer.hpp"

namespace test {

inline llama2::Vocabulary synthetic_vocabulary() {
  using llama2::PieceType;
  llama2::Vocabulary vocabulary;
  auto& pieces = vocabulary.pieces;
  pieces.push_back({.text = "<unk>", .type = PieceType::unknown});
  pieces.push_back({.text = "<s>", .type = PieceType::control});
  pieces.push_back({.text = "</s>", .type = PieceType::control});
  for (int byte = 0; byte < 256; ++byte)
    pieces.push_back(
        {.text = llama2::byte_piece(static_cast<std::uint8_t>(byte)), .type = PieceType::byte});
  const auto add = [&](std::string text) {
    pieces.push_back({.text = std::move(text), .score = -static_cast<float>(pieces.size())});
  };
  for (const char* merge : {"th", "he", "in"}) add(merge);
  add(std::string(llama2::space_symbol) + "t");
  add(std::string(llama2::space_symbol) + "the");
  add(std::string(llama2::space_symbol));
  for (char letter = 'a'; letter <= 'z'; ++letter) add(std::string(1, letter));
  for (const char* character : {".", "\xC3\xA9", "\xE6\x97\xA5"}) add(character);
  return vocabulary;
}

/// Pieces of the vocabulary.
inline constexpr std::size_t synthetic_vocab = 3 + 256 + 3 + 3 + 26 + 3;

inline llama2::Tokenizer synthetic_tokenizer() {
  return llama2::Tokenizer::from_vocabulary(synthetic_vocabulary());
}

}  // namespace test
