// The vocabulary inside a GGUF file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "llama2/base/error.hpp"
#include "llama2/base/token.hpp"
#include "llama2/io/gguf_file.hpp"
#include "llama2/text/vocabulary.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Whether a piece reads like a marker: `<|im_start|>`, `[INST]`, also after spaces.
constexpr bool looks_like_marker(std::string_view text) noexcept {
  while (text.starts_with(space_symbol)) text.remove_prefix(space_symbol.size());
  while (text.ends_with(space_symbol)) text.remove_suffix(space_symbol.size());
  return text.size() > 2 && ((text.front() == '<' && text.back() == '>') ||
                             (text.front() == '[' && text.back() == ']'));
}

namespace detail {

/// Reads the vocabulary of one file.
class GgufVocabularyReader {
 public:
  explicit GgufVocabularyReader(const GgufFile& file) : file_(file) {}

  Vocabulary read() {
    check_kind();
    read_pieces();
    Vocabulary& v = out_;
    v.unk_id = id("tokenizer.ggml.unknown_token_id").value_or(v.unk_id);
    v.bos_id = id("tokenizer.ggml.bos_token_id").value_or(v.bos_id);
    v.eos_id = id("tokenizer.ggml.eos_token_id").value_or(v.eos_id);
    v.pad_id = id("tokenizer.ggml.padding_token_id");
    v.add_bos = file_.boolean("tokenizer.ggml.add_bos_token").value_or(v.add_bos);
    v.add_dummy_prefix =
        file_.boolean("tokenizer.ggml.add_space_prefix").value_or(v.add_dummy_prefix);
    v.remove_extra_whitespaces = file_.boolean("tokenizer.ggml.remove_extra_whitespaces")
                                     .value_or(v.remove_extra_whitespaces);
    restrict_markers();
    return std::move(out_);
  }

 private:
  void check_kind() const {
    constexpr std::string_view key = "tokenizer.ggml.model";
    const GgufValue& value = file_.require(key);
    if (const std::string_view kind = *file_.text(key); kind != "llama")
      file_.fail(value, "a tokenizer of another kind", "\"llama\"", printable(kind),
                 ErrorCode::unsupported);
  }

  void read_pieces() {
    const GgufValue& tokens = file_.array("tokenizer.ggml.tokens", GgufType::string);
    const GgufValue& scores = file_.array("tokenizer.ggml.scores", GgufType::f32);
    const GgufValue& types = file_.array("tokenizer.ggml.token_type", GgufType::i32);
    if (tokens.count > max_pieces)
      file_.fail(tokens, "the vocabulary has too many pieces",
                 "at most " + std::to_string(max_pieces), std::to_string(tokens.count));
    for (const GgufValue* const other : {&scores, &types})
      if (other->count != tokens.count)
        file_.fail(*other, "not one element for each piece", std::to_string(tokens.count),
                   std::to_string(other->count));
    out_.pieces.reserve(static_cast<std::size_t>(tokens.count));
    out_.offsets.reserve(static_cast<std::size_t>(tokens.count));
    GgufCursor cursor = file_.strings(tokens);
    for (std::uint64_t i = 0; i < tokens.count; ++i) {
      const auto type = file_.load<std::int32_t>(types, i);
      if (type < 1 || type > 6)
        file_.fail(types, "unknown type of piece " + std::to_string(i), "1 to 6",
                   std::to_string(type));
      const std::uint64_t offset = cursor.at();
      const std::string_view text = cursor.string(tokens.key);
      if (text.size() > max_piece_bytes)
        cursor.fail_at(offset, "a piece is too long", "piece " + std::to_string(i),
                       "at most " + std::to_string(max_piece_bytes) + " bytes",
                       std::to_string(text.size()));
      out_.offsets.push_back(offset);
      out_.pieces.push_back({.text = std::string(text),
                             .score = file_.load<float>(scores, i),
                             .type = static_cast<PieceType>(type)});
    }
  }

  [[nodiscard]] std::optional<Token> id(std::string_view key) const {
    const std::optional<std::uint64_t> found = file_.integer(key);
    if (!found) return std::nullopt;
    if (*found >= out_.pieces.size())
      file_.fail(file_.require(key), "not a token of the vocabulary",
                 "below " + std::to_string(out_.pieces.size()), std::to_string(*found));
    return static_cast<Token>(*found);
  }

  /// Files say "user-defined" of all tokens that were added to a model, whether they are text or
  /// chat markers. User-defined pieces can be typed: sentencepiece finds them in any text. A user
  /// must not be able to type the end of a turn, so those that read like markers, and those that
  /// begin, end or pad a sequence, become control pieces. Their text then has ordinary tokens, and
  /// programs put the marker by its id. Others, such as runs of spaces, stay as they are.
  void restrict_markers() {
    const auto is_special = [&](std::size_t index) {
      const auto token = static_cast<Token>(index);
      return token == out_.bos_id || token == out_.eos_id || token == out_.pad_id;
    };
    for (std::size_t i = 0; i < out_.pieces.size(); ++i) {
      Piece& piece = out_.pieces[i];
      if (piece.type == PieceType::user_defined && (looks_like_marker(piece.text) || is_special(i)))
        piece.type = PieceType::control;
    }
  }

  const GgufFile& file_;
  Vocabulary out_;
};

}  // namespace detail

/// Reads the vocabulary from a GGUF file's metadata. User-defined pieces that are markers, such as
/// `<|im_end|>`, become control pieces, which no text can produce. What the format does not hold
/// (what the unknown piece decodes to) is as in Llama 2. Throws `malformed_file` with the byte
/// offset, or `unsupported` for a tokenizer of another kind. The result is not yet validated.
inline Vocabulary read_gguf_vocabulary(const GgufFile& file) {
  return detail::GgufVocabularyReader(file).read();
}

}  // namespace llama2::inline LLAMA2_ABI
