// The tokenizer: sentencepiece behind a small immutable handle.
#pragma once

#include <sentencepiece_processor.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/token.hpp"
#include "llama2/text/sentencepiece_model.hpp"
#include "llama2/text/vocabulary.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Which control tokens `Tokenizer::encode` puts around a text.
struct EncodeOptions {
  bool bos = false;  ///< the beginning-of-sequence token first
  bool eos = false;  ///< the end-of-sequence token last
};

/// Turns text into tokens and tokens into text. Copies share one immutable vocabulary, and all
/// member functions may be called from any number of threads at once.
class Tokenizer {
 public:
  /// From the contents of a sentencepiece `.model` file; `file` is for error messages. Throws
  /// what `parse_model_proto` and `validate` throw. sentencepiece never sees the bytes themselves,
  /// only a model written anew from the validated vocabulary.
  static Tokenizer from_model_proto(std::string_view bytes, const std::string& file = {}) {
    return from_vocabulary(parse_model_proto(bytes, file), file);
  }

  /// From a vocabulary of any origin. Throws what `validate` throws.
  static Tokenizer from_vocabulary(Vocabulary vocabulary, const std::string& file = {}) {
    return Tokenizer(std::make_shared<const Impl>(std::move(vocabulary), file));
  }

  [[nodiscard]] const Vocabulary& vocabulary() const noexcept { return impl_->vocabulary; }
  [[nodiscard]] std::size_t vocab_size() const noexcept { return vocabulary().pieces.size(); }
  [[nodiscard]] Token bos() const noexcept { return vocabulary().bos_id; }
  [[nodiscard]] Token eos() const noexcept { return vocabulary().eos_id; }
  [[nodiscard]] Token unk() const noexcept { return vocabulary().unk_id; }
  [[nodiscard]] std::optional<Token> pad() const noexcept { return vocabulary().pad_id; }

  /// The piece of a token as it is in the vocabulary, U+2581 for a space. Throws
  /// `invalid_argument` when there is no such token, as do the next functions.
  [[nodiscard]] const std::string& piece(Token token) const { return at(token).text; }
  [[nodiscard]] PieceType type(Token token) const { return at(token).type; }
  [[nodiscard]] bool is_control(Token token) const { return type(token) == PieceType::control; }
  [[nodiscard]] bool is_byte(Token token) const { return type(token) == PieceType::byte; }

  /// The tokens of a text. Text never becomes a control token or the unknown token: "<s>" is three
  /// characters like any others. Characters without a piece become their UTF-8 bytes, a NUL too.
  /// Each byte that is not part of valid UTF-8 becomes U+FFFD. U+2581 becomes a space. The time
  /// grows with the length of the text; only a stretch of megabytes without a space after an ASCII
  /// character takes longer. Throws `invalid_argument` when such a stretch exceeds 4 MiB.
  [[nodiscard]] std::vector<Token> encode(std::string_view text, EncodeOptions options = {}) const {
    std::vector<Token> tokens;
    encode(text, options, tokens);
    return tokens;
  }

  /// The same, appended to `tokens`.
  void encode(std::string_view text, EncodeOptions options, std::vector<Token>& tokens) const {
    if (options.bos) tokens.push_back(bos());
    std::vector<int> ids;  // sentencepiece overwrites its output
    while (!text.empty()) {
      const std::size_t cut = find_cut(text, usual_stretch);
      if (cut > max_stretch)
        throw Error(ErrorCode::invalid_argument, "the text is too long to encode in one stretch",
                    {.expected = "at most " + std::to_string(max_stretch) + " bytes",
                     .found = std::to_string(cut)});
      const auto status = impl_->processor.Encode({text.data(), cut}, &ids);
      if (!status.ok())
        throw Error(ErrorCode::invalid_argument,
                    "sentencepiece cannot encode the text: " + std::string(status.message()));
      tokens.insert(tokens.end(), ids.begin(), ids.end());
      text.remove_prefix(cut);
      // The space at the cut: the next stretch gets it back as its dummy prefix.
      if (!text.empty()) text.remove_prefix(1);
    }
    if (options.eos) tokens.push_back(eos());
  }

  /// Where a text can be cut in two, behind its first `from` > 0 bytes, without changing its
  /// tokens: at a space, which is then left out, so that each part is encoded as a text of its own.
  /// Returns the text's size if there is no such place.
  ///
  /// It is a space that follows a character which no piece holds in front of a space. No merge
  /// crosses such a place, whatever the order, so the two sides are encoded independently.
  [[nodiscard]] std::size_t find_cut(std::string_view text, std::size_t from) const noexcept {
    if (!impl_->cuttable) return text.size();
    for (std::size_t i = from; i + 1 < text.size(); ++i) {
      const auto before = static_cast<std::uint8_t>(text[i - 1]);
      // A byte of a longer character may be half of one that becomes U+FFFD: only ASCII is sure.
      if (text[i] == ' ' && before < 0x80 && !impl_->joins_space[before]) return i;
    }
    return text.size();
  }

  /// The text of tokens, as sentencepiece decodes them: control tokens are nothing, one space at
  /// the start is dropped if the vocabulary adds one, and each byte that is not part of valid
  /// UTF-8 becomes U+FFFD. Throws `invalid_argument` when one of them is not a token.
  [[nodiscard]] std::string decode(std::span<const Token> tokens) const {
    for (const Token token : tokens) static_cast<void>(at(token));
    std::string text;
    const auto status =
        impl_->processor.Decode(std::vector<int>(tokens.begin(), tokens.end()), &text);
    if (!status.ok())
      throw Error(ErrorCode::invalid_argument,
                  "sentencepiece cannot decode the tokens: " + std::string(status.message()));
    return text;
  }

 private:
  static_assert(std::is_same_v<Token, int>, "sentencepiece's ids are int");

  // sentencepiece takes some 230 bytes of memory for each byte: a stretch may cost 1 GB.
  static constexpr std::size_t max_stretch = std::size_t{4} << 20;

  // sentencepiece takes all of a text at once: a hundred bytes of memory for each byte, and so much
  // walking about in it that 32 MiB take five times as long as in stretches of a few KiB.
  static constexpr std::size_t usual_stretch = 4096;

  struct Impl {
    Impl(Vocabulary from, const std::string& file) : vocabulary(std::move(from)) {
      validate(vocabulary, file);
      const auto status = processor.LoadFromSerializedProto(encode_model_proto(vocabulary));
      if (!status.ok())
        throw Error(ErrorCode::malformed_file,
                    "sentencepiece refuses the vocabulary: " + std::string(status.message()),
                    {.file = file});
      // The dummy prefix stands in for the space at a cut, so there must be one.
      cuttable = vocabulary.add_dummy_prefix && !vocabulary.remove_extra_whitespaces;
      for (const Piece& piece : vocabulary.pieces) note_joins(piece.text);
    }

    // Marks the bytes that stand before a space inside a piece.
    void note_joins(std::string_view text) {
      for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] != ' ' && !text.substr(i).starts_with(space_symbol)) continue;
        const std::string_view before = text.substr(0, i);
        const char last = before.ends_with(space_symbol) ? ' ' : before.back();
        joins_space[static_cast<std::uint8_t>(last)] = true;
      }
    }

    Vocabulary vocabulary;
    sentencepiece::SentencePieceProcessor processor;
    bool cuttable = false;
    std::array<bool, 256> joins_space{};
  };

  explicit Tokenizer(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

  [[nodiscard]] const Piece& at(Token token) const {
    require_token(token, vocab_size());
    return vocabulary().pieces[static_cast<std::size_t>(token)];
  }

  std::shared_ptr<const Impl> impl_;
};

}  // namespace llama2::inline LLAMA2_ABI
