// Decoding of tokens one by one, as a model produces them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "llama2/base/token.hpp"
#include "llama2/text/tokenizer.hpp"
#include "llama2/text/utf8.hpp"
#include "llama2/text/vocabulary.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Turns tokens into text as they come. What `push` and `flush` return, put together, is what
/// `Tokenizer::decode` gives for the whole sequence, and every part of it is valid UTF-8: bytes
/// are kept until they make a whole character, and become U+FFFD as soon as they cannot.
///
/// Nothing is allocated after construction. Not for several threads at once.
class StreamDecoder {
 public:
  /// `at_start`: the tokens begin a text, so the dummy space in front of it is dropped. Say false
  /// when they continue one, as an answer continues a prompt.
  explicit StreamDecoder(Tokenizer tokenizer, bool at_start = true)
      : tokenizer_(std::move(tokenizer)) {
    out_.reserve(max_piece_bytes + pending_.size() * replacement.size());
    reset(at_start);
  }

  /// Forgets everything and begins anew.
  void reset(bool at_start = true) noexcept {
    at_start_ = at_start;
    pending_size_ = 0;
    out_.clear();
  }

  /// Takes the next token and returns the text that it completes, often none. The view holds until
  /// the next call. Throws `invalid_argument` when it is not a token of the vocabulary.
  std::string_view push(Token token) {
    const PieceType type = tokenizer_.type(token);
    const std::string_view piece = tokenizer_.piece(token);
    out_.clear();
    if (type == PieceType::byte) {
      append_byte(*parse_byte_piece(piece));
    } else {
      replace_pending();
      if (type == PieceType::unknown)
        append_text(tokenizer_.vocabulary().unk_surface);
      else if (type != PieceType::control)
        append_piece(piece);
    }
    return out_;
  }

  /// Ends the text: returns what is left of an unfinished character, as U+FFFD.
  std::string_view flush() {
    out_.clear();
    replace_pending();
    return out_;
  }

 private:
  static constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

  void append_text(std::string_view text) {
    if (text.empty()) return;
    out_ += text;
    at_start_ = false;
  }

  void append_byte(std::uint8_t byte) {
    pending_[pending_size_++] = static_cast<char>(byte);
    while (pending_size_ > 0) {
      const std::string_view pending(pending_.data(), pending_size_);
      const Utf8Character character = first_utf8_character(pending);
      if (character.status == Utf8Status::incomplete) return;
      const bool valid = character.status == Utf8Status::complete;
      append_text(valid ? pending.substr(0, character.length) : replacement);
      drop_pending(valid ? character.length : 1);
    }
  }

  // Bytes that no later byte can complete become one U+FFFD each, as in sentencepiece.
  void replace_pending() {
    for (; pending_size_ > 0; drop_pending(1)) append_text(replacement);
  }

  void drop_pending(std::size_t count) noexcept {
    pending_size_ -= count;
    for (std::size_t i = 0; i < pending_size_; ++i) pending_[i] = pending_[i + count];
  }

  void append_piece(std::string_view piece) {
    const Vocabulary& vocabulary = tokenizer_.vocabulary();
    if (at_start_ && (vocabulary.add_dummy_prefix || vocabulary.remove_extra_whitespaces) &&
        piece.starts_with(space_symbol)) {
      piece.remove_prefix(space_symbol.size());
      // The dummy is one space; where extra spaces are removed, all of them go.
      if (!vocabulary.remove_extra_whitespaces) at_start_ = false;
    }
    for (;;) {
      const std::size_t space = piece.find(space_symbol);
      append_text(piece.substr(0, space));
      if (space == std::string_view::npos) return;
      append_text(" ");
      piece.remove_prefix(space + space_symbol.size());
    }
  }

  Tokenizer tokenizer_;
  std::string out_;
  std::array<char, 4> pending_{};  // the beginning of a character, not yet complete
  std::size_t pending_size_ = 0;
  bool at_start_ = true;
};

}  // namespace llama2::inline LLAMA2_ABI
