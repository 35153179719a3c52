// Tokenizers from files: sentencepiece's `.model`, llama2.c's `tokenizer.bin`, and GGUF.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "llama2/base/error.hpp"
#include "llama2/base/file.hpp"
#include "llama2/base/token.hpp"
#include "llama2/io/gguf_file.hpp"
#include "llama2/io/gguf_vocabulary.hpp"
#include "llama2/text/sentencepiece_model.hpp"
#include "llama2/text/tokenizer.hpp"
#include "llama2/text/vocabulary.hpp"

namespace llama2::inline LLAMA2_ABI {

namespace detail {

inline std::string_view as_text(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Of tokenizer.bin: a header of the longest piece's length, then for each piece a score, a length,
// and so many bytes.
inline constexpr std::size_t tokenizer_bin_header_bytes = 4;
inline constexpr std::size_t tokenizer_bin_piece_bytes = 8;
inline constexpr std::string_view tokenizer_bin_unknown = "<unk>";

// Bytes in all pieces together; Llama 2's have 0.3 million. A space takes three bytes for the one
// in the file: this keeps the memory for a hostile file's spaces to a few MiB.
inline constexpr std::size_t max_tokenizer_bin_text = std::size_t{4} << 20;

/// Whether the bytes begin as every tokenizer.bin does: the first piece is `<unk>`.
inline bool looks_like_tokenizer_bin(std::string_view bytes) noexcept {
  constexpr std::size_t first = tokenizer_bin_header_bytes + tokenizer_bin_piece_bytes;
  return bytes.size() >= first + tokenizer_bin_unknown.size() &&
         little_endian_u32(bytes.substr(first - 4)) == tokenizer_bin_unknown.size() &&
         bytes.substr(first).starts_with(tokenizer_bin_unknown);
}

/// The piece with the given id from its text in tokenizer.bin, where the types are not stored:
/// they follow from the id. Throws `malformed_file` when the text is not what the id demands.
inline Piece tokenizer_bin_piece(std::size_t id, std::string_view text, float score,
                                 std::uint64_t offset, const std::string& file) {
  const auto named = [&](std::string_view stored, std::string name, PieceType type) -> Piece {
    if (text != stored)
      throw Error(ErrorCode::malformed_file, "a special piece has another name",
                  {.file = file,
                   .offset = offset,
                   .tensor = "piece " + std::to_string(id),
                   .expected = printable(stored),
                   .found = printable(text)});
    return {.text = std::move(name), .score = score, .type = type};
  };
  if (id == 0) return named(tokenizer_bin_unknown, "<unk>", PieceType::unknown);
  if (id == 1) return named("\n<s>\n", "<s>", PieceType::control);
  if (id == 2) return named("\n</s>\n", "</s>", PieceType::control);
  if (id < 259) {
    std::string name = byte_piece(static_cast<std::uint8_t>(id - 3));
    return named(name, name, PieceType::byte);
  }
  Piece piece{.score = score};
  const auto spaces = static_cast<std::size_t>(std::ranges::count(text, ' '));
  piece.text.reserve(text.size() + spaces * (space_symbol.size() - 1));
  for (const char c : text) {
    if (c == ' ')
      piece.text += space_symbol;
    else
      piece.text += c;
  }
  return piece;
}

}  // namespace detail

/// Reads llama2.c's tokenizer.bin; `file` is for error messages. Throws `malformed_file` with the
/// byte offset of what is wrong. The result is not yet validated.
inline Vocabulary parse_tokenizer_bin(std::span<const std::byte> bytes,
                                      const std::string& file = {}) {
  const std::string_view text = detail::as_text(bytes);
  std::size_t at = 0;
  const auto fail = [&](std::string_view message, std::string expected = {},
                        std::string found = {}) {
    throw Error(
        ErrorCode::malformed_file, message,
        {.file = file, .offset = at, .expected = std::move(expected), .found = std::move(found)});
  };
  const auto need = [&](std::size_t size, std::string_view what) {
    if (size > text.size() - at)
      fail("the file ends within " + std::string(what), std::to_string(size) + " bytes",
           std::to_string(text.size() - at));
  };

  need(detail::tokenizer_bin_header_bytes, "its header");
  const std::uint32_t longest = detail::little_endian_u32(text);

  // Calls f(offset, score, text) for each piece.
  const auto for_each_piece = [&](auto&& f) {
    for (at = detail::tokenizer_bin_header_bytes; at < text.size();) {
      need(detail::tokenizer_bin_piece_bytes, "a piece's score and length");
      const auto score = std::bit_cast<float>(detail::little_endian_u32(text.substr(at)));
      // A negative length, read as unsigned, is beyond any longest piece worth reading.
      const std::uint32_t length = detail::little_endian_u32(text.substr(at + 4));
      if (length == 0 || length > longest || length > max_piece_bytes)
        fail("a piece has an impossible length",
             "1 to " + std::to_string(std::min<std::size_t>(longest, max_piece_bytes)),
             std::to_string(static_cast<std::int32_t>(length)));
      const std::size_t start = at;
      at += detail::tokenizer_bin_piece_bytes;
      need(length, "a piece");
      f(start, score, text.substr(at, length));
      at += length;
    }
  };

  // Counted first: a vector that grows holds more than twice what it needs while it moves.
  std::size_t count = 0;
  for_each_piece([&](std::size_t, float, std::string_view) {
    if (++count > max_pieces)
      fail("the vocabulary has too many pieces", "at most " + std::to_string(max_pieces));
  });
  Vocabulary vocabulary;
  vocabulary.pieces.reserve(count);
  vocabulary.offsets.reserve(count);
  std::size_t text_bytes = 0;
  for_each_piece([&](std::size_t start, float score, std::string_view piece) {
    vocabulary.pieces.push_back(
        detail::tokenizer_bin_piece(vocabulary.pieces.size(), piece, score, start, file));
    vocabulary.offsets.push_back(start);
    text_bytes += vocabulary.pieces.back().text.size();
    if (text_bytes > detail::max_tokenizer_bin_text)
      fail("the vocabulary has too much text",
           "at most " + std::to_string(detail::max_tokenizer_bin_text) + " bytes");
  });
  return vocabulary;
}

/// Loads a tokenizer from a sentencepiece `.model`, a llama2.c `tokenizer.bin` or a GGUF file with
/// a vocabulary, told apart by their contents. Throws `io` when the file cannot be read,
/// `malformed_file` with the byte offset when it is damaged or none of them, and `unsupported` when
/// it is a model of another kind.
///
/// `access` is for GGUF files, which usually hold a whole model; the others are small, and always
/// read, so that they cannot change while they are parsed.
inline Tokenizer load_tokenizer(const std::string& path, FileAccess access = FileAccess::map) {
  if (GgufFile::recognises(InputFile(path)))
    return Tokenizer::from_vocabulary(
        read_gguf_vocabulary(GgufFile(std::make_shared<const InputFile>(path, access))), path);
  constexpr std::size_t max_bytes = std::size_t{16} << 20;  // Llama 2's has half a megabyte
  const InputFile file(path, FileAccess::read, max_bytes);
  const std::string_view text = detail::as_text(file.bytes());
  if (detail::looks_like_tokenizer_bin(text))
    return Tokenizer::from_vocabulary(parse_tokenizer_bin(file.bytes(), path), path);
  // A serialized ModelProto begins with the tag of its first piece.
  if (text.starts_with('\x0A')) return Tokenizer::from_model_proto(text, path);
  throw Error(ErrorCode::malformed_file, "not a tokenizer that this library can read",
              {.file = path,
               .offset = 0,
               .expected = "a sentencepiece .model, a llama2.c tokenizer.bin or a GGUF file",
               .found = text.empty() ? "an empty file" : detail::printable(text.substr(0, 8))});
}

}  // namespace llama2::inline LLAMA2_ABI
