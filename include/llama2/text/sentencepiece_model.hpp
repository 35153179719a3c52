// sentencepiece's model file: the few fields of its protobuf message `ModelProto` that decide how
// Llama 2 text is encoded, read and written by hand so that nothing here depends on protobuf.
// https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "llama2/base/error.hpp"
#include "llama2/base/token.hpp"
#include "llama2/text/vocabulary.hpp"

namespace llama2::inline LLAMA2_ABI {

namespace detail {

/// The little-endian number in the first four bytes.
constexpr std::uint32_t little_endian_u32(std::string_view bytes) noexcept {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i)
    value |= std::uint32_t{static_cast<std::uint8_t>(bytes[i])} << (8 * i);
  return value;
}

/// How protobuf writes a field's value.
enum class WireType : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

/// Goes through the fields of one protobuf message in order. Every read stays inside the message;
/// fields that nobody asks for are skipped.
class ProtoReader {
 public:
  /// `offset` is where the message lies in `file`; both are for error messages, and `file` must
  /// outlive the reader.
  ProtoReader(std::string_view message, std::uint64_t offset, const std::string& file)
      : rest_(message), offset_(offset), file_(&file) {}

  /// Moves to the next field; false at the end of the message.
  bool next() {
    if (rest_.empty()) return false;
    field_offset_ = offset_;
    const std::uint64_t tag = read_varint();
    field_ = tag >> 3;
    if (field_ == 0 || field_ >= (std::uint64_t{1} << 29)) fail("a protobuf field number is wrong");
    switch (tag & 7) {
      case 0:
        wire_ = WireType::varint;
        value_ = read_varint();
        return true;
      case 1:
        wire_ = WireType::fixed64;
        payload_ = take(8);
        return true;
      case 2:
        wire_ = WireType::bytes;
        value_ = read_varint();
        payload_offset_ = offset_;
        payload_ = take(value_);
        return true;
      case 5:
        wire_ = WireType::fixed32;
        payload_ = take(4);
        return true;
      default:
        fail("a protobuf wire type is wrong", "0, 1, 2 or 5", std::to_string(tag & 7));
    }
  }

  [[nodiscard]] std::uint64_t field() const noexcept { return field_; }
  [[nodiscard]] std::uint64_t field_offset() const noexcept { return field_offset_; }

  [[nodiscard]] std::string_view bytes() const {
    expect(WireType::bytes);
    return payload_;
  }
  [[nodiscard]] ProtoReader message() const { return {bytes(), payload_offset_, *file_}; }
  [[nodiscard]] bool boolean() const {
    expect(WireType::varint);
    return value_ != 0;
  }
  /// An int32 or an enumerator: protobuf keeps the low 32 bits of the number.
  [[nodiscard]] std::int32_t int32() const {
    expect(WireType::varint);
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(value_));
  }
  [[nodiscard]] float float32() const {
    expect(WireType::fixed32);
    return std::bit_cast<float>(little_endian_u32(payload_));
  }

  /// Throws `malformed_file` at the field that is being looked at.
  [[noreturn]] void fail(std::string_view message, std::string expected = {},
                         std::string found = {}) const {
    throw Error(ErrorCode::malformed_file, message,
                {.file = *file_,
                 .offset = field_offset_,
                 .expected = std::move(expected),
                 .found = std::move(found)});
  }

 private:
  void expect(WireType wire) const {
    if (wire_ == wire) return;
    fail("protobuf field " + std::to_string(field_) + " has the wrong wire type",
         std::to_string(static_cast<unsigned>(wire)), std::to_string(static_cast<unsigned>(wire_)));
  }

  std::string_view take(std::uint64_t size) {
    if (size > rest_.size())
      fail("a protobuf field ends beyond its message", "at most " + std::to_string(rest_.size()),
           std::to_string(size) + " bytes");
    const std::string_view taken = rest_.substr(0, static_cast<std::size_t>(size));
    rest_.remove_prefix(taken.size());
    offset_ += taken.size();
    return taken;
  }

  std::uint64_t read_varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<std::uint8_t>(take(1).front());
      value |= std::uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
    fail("a protobuf number is longer than ten bytes");
  }

  std::string_view rest_;
  std::uint64_t offset_;
  const std::string* file_;
  std::uint64_t field_offset_ = 0;
  std::uint64_t field_ = 0;
  WireType wire_ = WireType::varint;
  std::uint64_t value_ = 0;
  std::string_view payload_{};
  std::uint64_t payload_offset_ = 0;
};

/// Writes the fields of one protobuf message.
class ProtoWriter {
 public:
  void number(std::uint32_t field, std::int64_t value) {
    tag(field, WireType::varint);
    varint(static_cast<std::uint64_t>(value));
  }
  void bytes(std::uint32_t field, std::string_view value) {
    tag(field, WireType::bytes);
    varint(value.size());
    out_ += value;
  }
  void float32(std::uint32_t field, float value) {
    tag(field, WireType::fixed32);
    const auto bits = std::bit_cast<std::uint32_t>(value);
    for (unsigned shift = 0; shift < 32; shift += 8)
      out_ += static_cast<char>(static_cast<std::uint8_t>(bits >> shift));
  }
  [[nodiscard]] const std::string& message() const noexcept { return out_; }

 private:
  void tag(std::uint32_t field, WireType wire) {
    varint(std::uint64_t{field} << 3 | static_cast<std::uint64_t>(wire));
  }
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7)
      out_ += static_cast<char>(static_cast<std::uint8_t>(value | 0x80));
    out_ += static_cast<char>(static_cast<std::uint8_t>(value));
  }

  std::string out_;
};

// Field numbers of ModelProto and of the messages in it.
namespace model_proto {
enum : std::uint32_t { pieces = 1, trainer_spec = 2, normalizer_spec = 3, denormalizer_spec = 5 };
}
namespace piece_proto {
enum : std::uint32_t { piece = 1, score = 2, type = 3 };
}
namespace trainer_proto {
enum : std::uint32_t {
  model_type = 3,
  vocab_size = 4,
  treat_whitespace_as_suffix = 24,
  byte_fallback = 35,
  unk_id = 40,
  bos_id = 41,
  eos_id = 42,
  pad_id = 43,
  unk_surface = 44
};
}
namespace normalizer_proto {
enum : std::uint32_t {
  precompiled_charsmap = 2,
  add_dummy_prefix = 3,
  remove_extra_whitespaces = 4,
  escape_whitespaces = 5
};
}

inline constexpr std::int32_t bpe_model_type = 2;

inline Piece parse_piece(ProtoReader reader) {
  Piece piece;
  while (reader.next()) {
    switch (reader.field()) {
      case piece_proto::piece:
        piece.text = std::string(reader.bytes());  // assignment would reserve more
        break;
      case piece_proto::score:
        piece.score = reader.float32();
        break;
      case piece_proto::type: {
        const std::int32_t type = reader.int32();
        if (type < 1 || type > 6) reader.fail("unknown piece type", "1 to 6", std::to_string(type));
        piece.type = static_cast<PieceType>(type);
        break;
      }
      default:
        break;
    }
  }
  return piece;
}

/// What a model file says beyond its vocabulary; the values are protobuf's defaults for the fields
/// that are not in the file.
struct ModelSettings {
  std::int32_t model_type = 1;
  bool byte_fallback = false;
  bool whitespace_as_suffix = false;
  bool escape_whitespaces = true;
  bool normalizes = false;
};

inline void parse_trainer_spec(ProtoReader reader, Vocabulary& vocabulary,
                               ModelSettings& settings) {
  while (reader.next()) {
    switch (reader.field()) {
      case trainer_proto::model_type:
        settings.model_type = reader.int32();
        break;
      case trainer_proto::treat_whitespace_as_suffix:
        settings.whitespace_as_suffix = reader.boolean();
        break;
      case trainer_proto::byte_fallback:
        settings.byte_fallback = reader.boolean();
        break;
      case trainer_proto::unk_id:
        vocabulary.unk_id = reader.int32();
        break;
      case trainer_proto::bos_id:
        vocabulary.bos_id = reader.int32();
        break;
      case trainer_proto::eos_id:
        vocabulary.eos_id = reader.int32();
        break;
      case trainer_proto::pad_id:
        vocabulary.pad_id.reset();
        if (reader.int32() != -1) vocabulary.pad_id = reader.int32();
        break;
      case trainer_proto::unk_surface:
        vocabulary.unk_surface = reader.bytes();
        break;
      default:
        break;
    }
  }
}

inline void parse_normalizer_spec(ProtoReader reader, Vocabulary& vocabulary,
                                  ModelSettings& settings) {
  while (reader.next()) {
    switch (reader.field()) {
      case normalizer_proto::precompiled_charsmap:
        settings.normalizes = !reader.bytes().empty();
        break;
      case normalizer_proto::add_dummy_prefix:
        vocabulary.add_dummy_prefix = reader.boolean();
        break;
      case normalizer_proto::remove_extra_whitespaces:
        vocabulary.remove_extra_whitespaces = reader.boolean();
        break;
      case normalizer_proto::escape_whitespaces:
        settings.escape_whitespaces = reader.boolean();
        break;
      default:
        break;
    }
  }
}

/// Refuses models that a `Vocabulary` cannot express, so that none is read as something else.
inline void check_settings(const ModelSettings& settings, const std::string& file) {
  const auto refuse = [&](std::string_view message, std::string found = {}) {
    throw Error(ErrorCode::unsupported, message, {.file = file, .found = std::move(found)});
  };
  switch (settings.model_type) {
    case bpe_model_type:
      break;
    case 1:
      return refuse("Llama 2's tokenizer is BPE; this is a unigram model");
    case 3:
      return refuse("Llama 2's tokenizer is BPE; this is a word model");
    case 4:
      return refuse("Llama 2's tokenizer is BPE; this is a character model");
    default:
      return refuse("Llama 2's tokenizer is BPE; this is a model of an unknown type",
                    std::to_string(settings.model_type));
  }
  if (!settings.byte_fallback)
    refuse("Llama 2's tokenizer falls back to bytes; this model has byte_fallback off");
  if (settings.normalizes)
    refuse("Llama 2's tokenizer does not normalise text; this model has normalisation rules");
  if (settings.whitespace_as_suffix)
    refuse("this model puts spaces at the end of words (treat_whitespace_as_suffix)");
  if (!settings.escape_whitespaces)
    refuse("this model does not write spaces as U+2581 (escape_whitespaces is off)");
}

}  // namespace detail

/// Reads the vocabulary of a serialized `ModelProto`, the contents of a sentencepiece `.model`
/// file. `file` is for error messages. Throws `malformed_file` with the byte offset when the bytes
/// are not such a message, and `unsupported` when the model is of a kind that Llama 2 does not use
/// (not BPE, no byte fallback, normalisation rules). The result is not yet validated.
inline Vocabulary parse_model_proto(std::string_view bytes, const std::string& file = {}) {
  Vocabulary vocabulary;
  vocabulary.remove_extra_whitespaces = true;  // protobuf's default for a field that is not there
  detail::ModelSettings settings;
  // Counted first: a vector that grows holds more than twice what it needs while it moves.
  std::size_t count = 0;
  for (detail::ProtoReader reader(bytes, 0, file); reader.next();)
    if (reader.field() == detail::model_proto::pieces && ++count > max_pieces)
      reader.fail("the vocabulary has too many pieces", "at most " + std::to_string(max_pieces));
  vocabulary.pieces.reserve(count);
  vocabulary.offsets.reserve(count);
  detail::ProtoReader reader(bytes, 0, file);
  while (reader.next()) {
    switch (reader.field()) {
      case detail::model_proto::pieces:
        vocabulary.offsets.push_back(reader.field_offset());
        vocabulary.pieces.push_back(detail::parse_piece(reader.message()));
        break;
      case detail::model_proto::trainer_spec:
        detail::parse_trainer_spec(reader.message(), vocabulary, settings);
        break;
      case detail::model_proto::normalizer_spec:
        detail::parse_normalizer_spec(reader.message(), vocabulary, settings);
        break;
      case detail::model_proto::denormalizer_spec: {
        // The same message as the normaliser's, applied to decoded text; only rules matter.
        Vocabulary ignored;
        detail::ModelSettings denormalizer;
        detail::parse_normalizer_spec(reader.message(), ignored, denormalizer);
        settings.normalizes = settings.normalizes || denormalizer.normalizes;
        break;
      }
      default:
        break;
    }
  }
  detail::check_settings(settings, file);
  return vocabulary;
}

/// Writes a vocabulary as a serialized `ModelProto`, which sentencepiece loads; what
/// `parse_model_proto` reads back is the same vocabulary, without file offsets.
inline std::string encode_model_proto(const Vocabulary& vocabulary) {
  detail::ProtoWriter model;
  for (const Piece& piece : vocabulary.pieces) {
    detail::ProtoWriter out;
    out.bytes(detail::piece_proto::piece, piece.text);
    out.float32(detail::piece_proto::score, piece.score);
    out.number(detail::piece_proto::type, static_cast<std::int64_t>(piece.type));
    model.bytes(detail::model_proto::pieces, out.message());
  }
  detail::ProtoWriter trainer;
  trainer.number(detail::trainer_proto::model_type, detail::bpe_model_type);
  trainer.number(detail::trainer_proto::vocab_size,
                 static_cast<std::int64_t>(vocabulary.pieces.size()));
  trainer.number(detail::trainer_proto::byte_fallback, 1);
  trainer.number(detail::trainer_proto::unk_id, vocabulary.unk_id);
  trainer.number(detail::trainer_proto::bos_id, vocabulary.bos_id);
  trainer.number(detail::trainer_proto::eos_id, vocabulary.eos_id);
  trainer.number(detail::trainer_proto::pad_id, vocabulary.pad_id.value_or(-1));
  trainer.bytes(detail::trainer_proto::unk_surface, vocabulary.unk_surface);
  model.bytes(detail::model_proto::trainer_spec, trainer.message());
  detail::ProtoWriter normalizer;
  normalizer.number(detail::normalizer_proto::add_dummy_prefix, vocabulary.add_dummy_prefix);
  normalizer.number(detail::normalizer_proto::remove_extra_whitespaces,
                    vocabulary.remove_extra_whitespaces);
  normalizer.number(detail::normalizer_proto::escape_whitespaces, 1);
  model.bytes(detail::model_proto::normalizer_spec, normalizer.message());
  return model.message();
}

}  // namespace llama2::inline LLAMA2_ABI
