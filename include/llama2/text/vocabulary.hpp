// A byte-pair-encoding vocabulary as data, whatever file it came from, and the rules it must keep
// before sentencepiece may see it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/token.hpp"
#include "llama2/text/utf8.hpp"

namespace llama2::inline LLAMA2_ABI {

/// What a piece is for; the numbers are those of sentencepiece's model files and of GGUF.
enum class PieceType : std::uint8_t {
  normal = 1,        ///< text
  unknown = 2,       ///< stands for text that has no piece; exactly one
  control = 3,       ///< never produced by text: beginning and end of a sequence, padding
  user_defined = 4,  ///< text that is always one token: user text CAN produce it
  unused = 5,        ///< takes part in merges, but is cut up again in the result
  byte = 6,          ///< one byte, named `<0xNN>`, for characters that have no piece
};

/// One token of a vocabulary.
struct Piece {
  std::string text{};  ///< UTF-8; a space is written U+2581
  float score = 0;     ///< of two possible merges the one with the higher score comes first
  PieceType type = PieceType::normal;
};

/// The vocabulary of a Llama 2 tokenizer: byte-pair encoding with byte fallback and no
/// normalisation of the text. A token id is an index into `pieces`.
///
/// A reader of a format that marks chat or other markers as user-defined (GGUF files made from a
/// model with added tokens do) must turn them into `control`, or a user could type them.
struct Vocabulary {
  std::vector<Piece> pieces{};
  Token unk_id = 0;
  Token bos_id = 1;
  Token eos_id = 2;
  std::optional<Token> pad_id{};
  std::string unk_surface = " \xE2\x81\x87 ";  ///< what the unknown piece decodes to: " U+2047 "
  bool add_bos = true;                         ///< a model's texts begin with BOS
  bool add_dummy_prefix = true;                ///< encode a text as if a space stood before it
  bool remove_extra_whitespaces = false;       ///< drop leading, trailing and doubled spaces
  std::vector<std::uint64_t> offsets{};        ///< where each piece lay in its file, if it did
};

/// Pieces of a vocabulary; Llama 2's has 32,000. A piece takes 48 bytes of memory, but a file may
/// hold one in two: this keeps the memory for a hostile file's pieces to 12 MiB.
inline constexpr std::size_t max_pieces = std::size_t{1} << 18;

/// Bytes in one piece. The longest of Llama 2 has 48. The work to encode a text grows with the
/// longest piece, and sentencepiece cuts unused pieces up by recursion.
inline constexpr std::size_t max_piece_bytes = 512;

/// Bytes in one user-defined piece: sentencepiece finds them by a search that keeps one result per
/// prefix in an array of 64 on the stack and does not check for more.
inline constexpr std::size_t max_user_defined_bytes = 64;

/// U+2581, which stands for a space inside pieces.
inline constexpr std::string_view space_symbol = "\xE2\x96\x81";

/// The value of a byte piece's name: `<0x0A>` is 10. Two upper-case digits exactly, else nothing.
constexpr std::optional<std::uint8_t> parse_byte_piece(std::string_view text) noexcept {
  if (text.size() != 6 || !text.starts_with("<0x") || text.back() != '>') return std::nullopt;
  unsigned value = 0;
  for (const char c : text.substr(3, 2)) {
    if (c >= '0' && c <= '9')
      value = value * 16 + static_cast<unsigned>(c - '0');
    else if (c >= 'A' && c <= 'F')
      value = value * 16 + static_cast<unsigned>(c - 'A' + 10);
    else
      return std::nullopt;
  }
  return static_cast<std::uint8_t>(value);
}

/// The name of the piece for a byte: `<0x0A>` for 10.
inline std::string byte_piece(std::uint8_t value) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  return {'<', '0', 'x', digits[value >> 4], digits[value & 15], '>'};
}

namespace detail {

/// Text from an untrusted file, fit for a message: short, printable, in double quotes.
inline std::string printable(std::string_view text) {
  constexpr std::size_t limit = 40;
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out = "\"";
  for (const char c : text.substr(0, limit)) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte >= 0x20 && byte < 0x7F)
      out += c;
    else
      ((out += "\\x") += digits[byte >> 4]) += digits[byte & 15];
  }
  return out + (text.size() > limit ? "\"..." : "\"");
}

/// Checks one vocabulary; see `validate`.
class VocabularyCheck {
 public:
  VocabularyCheck(const Vocabulary& vocabulary, std::string_view file)
      : vocabulary_(vocabulary), file_(file) {}

  void run() const {
    const std::vector<Piece>& pieces = vocabulary_.pieces;
    if (pieces.empty()) fail("the vocabulary has no pieces");
    if (pieces.size() > max_pieces)
      fail("the vocabulary has too many pieces", "at most " + std::to_string(max_pieces),
           std::to_string(pieces.size()));
    for (std::size_t i = 0; i < pieces.size(); ++i) check_piece(i);
    check_duplicates();
    check_special_pieces();
    if (!is_valid_utf8(vocabulary_.unk_surface) || has_nul(vocabulary_.unk_surface) ||
        vocabulary_.unk_surface.size() > max_piece_bytes)
      fail("the surface of the unknown piece is not plain text", {},
           printable(vocabulary_.unk_surface));
  }

 private:
  [[noreturn]] void fail(std::string_view message, std::string expected = {},
                         std::string found = {}) const {
    throw Error(ErrorCode::malformed_file, message,
                {.file = file_,
                 .tensor = "vocabulary",
                 .expected = std::move(expected),
                 .found = std::move(found)});
  }

  [[noreturn]] void fail_piece(std::size_t index, std::string_view message,
                               std::string expected = {}, std::string found = {}) const {
    std::optional<std::uint64_t> offset;
    if (index < vocabulary_.offsets.size()) offset = vocabulary_.offsets[index];
    throw Error(ErrorCode::malformed_file, message,
                {.file = file_,
                 .offset = offset,
                 .tensor = "piece " + std::to_string(index),
                 .expected = std::move(expected),
                 .found = std::move(found)});
  }

  static bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

  void check_piece(std::size_t index) const {
    const Piece& piece = vocabulary_.pieces[index];
    const std::string_view text = piece.text;
    if (!std::isfinite(piece.score))
      fail_piece(index, "the score is not a finite number", {}, std::to_string(piece.score));
    if (text.empty()) fail_piece(index, "the piece is empty");
    if (has_nul(text)) fail_piece(index, "the piece holds a NUL byte", {}, printable(text));
    if (!is_valid_utf8(text))
      fail_piece(index, "the piece is not valid UTF-8", {}, printable(text));
    const std::size_t limit =
        piece.type == PieceType::user_defined ? max_user_defined_bytes : max_piece_bytes;
    if (text.size() > limit)
      fail_piece(index, "the piece is too long", "at most " + std::to_string(limit) + " bytes",
                 std::to_string(text.size()));
    switch (piece.type) {
      case PieceType::normal:
      case PieceType::user_defined:
      case PieceType::unused:
        return;
      case PieceType::unknown:
      case PieceType::control:
        // sentencepiece looks single characters up among these too, so text could produce it.
        if (first_utf8_character(text).length == text.size())
          fail_piece(index, "a control or unknown piece is one character, which text can contain",
                     {}, printable(text));
        return;
      case PieceType::byte:
        if (!parse_byte_piece(text))
          fail_piece(index, "the byte piece has no byte's name", "<0x00> to <0xFF>",
                     printable(text));
        return;
    }
    fail_piece(index, "unknown piece type", "1 to 6",
               std::to_string(static_cast<unsigned>(piece.type)));
  }

  // By sorting, not hashing: no file can make it slow.
  void check_duplicates() const {
    const std::vector<Piece>& pieces = vocabulary_.pieces;
    std::vector<std::size_t> order(pieces.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return std::pair<std::string_view, std::size_t>(pieces[a].text, a) <
             std::pair<std::string_view, std::size_t>(pieces[b].text, b);
    });
    for (std::size_t i = 1; i < order.size(); ++i)
      if (pieces[order[i - 1]].text == pieces[order[i]].text)
        fail_piece(
            order[i], "the piece is there twice", {},
            printable(pieces[order[i]].text) + ", also piece " + std::to_string(order[i - 1]));
  }

  void check_special_pieces() const {
    const auto count = [&](PieceType type) {
      return std::count_if(vocabulary_.pieces.begin(), vocabulary_.pieces.end(),
                           [type](const Piece& piece) { return piece.type == type; });
    };
    if (const auto unknown = count(PieceType::unknown); unknown != 1)
      fail("there must be exactly one unknown piece", "1", std::to_string(unknown));
    // Names are distinct and each is one of 256, so 256 of them are all of them.
    if (const auto bytes = count(PieceType::byte); bytes != 256)
      fail("there must be exactly 256 byte pieces", "256", std::to_string(bytes));
    check_id("unk_id", vocabulary_.unk_id, {PieceType::unknown});
    check_id("bos_id", vocabulary_.bos_id, {PieceType::control});
    check_id("eos_id", vocabulary_.eos_id, {PieceType::control});
    if (vocabulary_.pad_id)  // some fine-tuned models pad with the unknown piece
      check_id("pad_id", *vocabulary_.pad_id, {PieceType::control, PieceType::unknown});
  }

  void check_id(const char* name, Token id, std::initializer_list<PieceType> allowed) const {
    const auto size = static_cast<Token>(vocabulary_.pieces.size());
    if (id < 0 || id >= size)
      fail(std::string(name) + " is not a token of the vocabulary",
           "0 to " + std::to_string(size - 1), std::to_string(id));
    const PieceType type = vocabulary_.pieces[static_cast<std::size_t>(id)].type;
    if (std::find(allowed.begin(), allowed.end(), type) == allowed.end())
      fail_piece(static_cast<std::size_t>(id), std::string(name) + " has the wrong type",
                 std::to_string(static_cast<unsigned>(*allowed.begin())),
                 std::to_string(static_cast<unsigned>(type)));
  }

  const Vocabulary& vocabulary_;
  std::string file_;
};

}  // namespace detail

/// Throws `malformed_file`, naming the piece, unless the vocabulary is one that sentencepiece
/// handles soundly and whose control pieces no text can produce: finite scores, distinct non-empty
/// pieces of valid UTF-8 without NUL and within the bounds above, one unknown piece, the 256 byte
/// pieces, and ids of pieces of the right type. sentencepiece itself accepts most of the rest.
inline void validate(const Vocabulary& vocabulary, std::string_view file = {}) {
  detail::VocabularyCheck(vocabulary, file).run();
}

}  // namespace llama2::inline LLAMA2_ABI
