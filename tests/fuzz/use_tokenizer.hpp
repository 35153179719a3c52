// What a fuzz target does with a vocabulary that was read.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "hostile_bytes.hpp"
#include "llama2/text/sentencepiece_model.hpp"
#include "llama2/text/stream_decoder.hpp"
#include "llama2/text/tokenizer.hpp"
#include "llama2/text/utf8.hpp"

namespace test {

/// A text with all that is awkward, and with pieces of the vocabulary from its beginning, where
/// the control pieces are, and its end, where a fuzzer adds some.
inline std::string awkward_text(const llama2::Vocabulary& vocabulary) {
  std::string text = "The  cat\t<s> </s> <0x41> \xE2\x96\x81 \xC3\xA9\xE6\x97\xA5\xF0\x9F\x98\x80 ";
  text += std::string("\0 \xFF\xC3 \xE2\x96", 7);
  const auto& pieces = vocabulary.pieces;
  const std::size_t n = std::min<std::size_t>(8, pieces.size());
  for (std::size_t i = 0; i < n; ++i) text += pieces[i].text + pieces[pieces.size() - 1 - i].text;
  return text + "  ";
}

/// Makes a tokenizer of the vocabulary and checks what the library promises of it. Throws what
/// `Tokenizer::from_vocabulary` throws.
inline void use(llama2::Vocabulary vocabulary) {
  using namespace llama2;
  const Tokenizer tokenizer = Tokenizer::from_vocabulary(std::move(vocabulary));
  const Vocabulary& read = tokenizer.vocabulary();

  const std::string text = awkward_text(read);
  std::vector<Token> tokens = tokenizer.encode(text);
  for (const Token token : tokens)
    if (tokenizer.is_control(token) || token == tokenizer.unk())
      finding("text became token " + std::to_string(token));

  for (Token token = 0; token < std::min(8, static_cast<Token>(read.pieces.size())); ++token) {
    tokens.push_back(token);
    tokens.push_back(static_cast<Token>(read.pieces.size()) - 1 - token);
  }
  const std::string whole = tokenizer.decode(tokens);
  StreamDecoder decoder(tokenizer);
  std::string streamed;
  for (const Token token : tokens) {
    const std::string_view part = decoder.push(token);
    if (!is_valid_utf8(part)) finding("a part of a character was streamed");
    streamed += part;
  }
  streamed += decoder.flush();
  if (streamed != whole) finding("the two decoders disagree");

  const Vocabulary again = parse_model_proto(encode_model_proto(read));
  const auto same = [](const Piece& a, const Piece& b) {
    return a.text == b.text && a.score == b.score && a.type == b.type;
  };
  if (!std::ranges::equal(again.pieces, read.pieces, same) || again.unk_id != read.unk_id ||
      again.bos_id != read.bos_id || again.eos_id != read.eos_id || again.pad_id != read.pad_id ||
      again.unk_surface != read.unk_surface || again.add_dummy_prefix != read.add_dummy_prefix ||
      again.remove_extra_whitespaces != read.remove_extra_whitespaces)
    finding("a vocabulary written as a model file is read as another");
}

}  // namespace test
