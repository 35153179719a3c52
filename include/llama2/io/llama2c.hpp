// The .bin checkpoints of llama2.c: versions 0 and 1 in 32-bit floats, version 2 in 8-bit groups.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "llama2/base/checked.hpp"
#include "llama2/io/checkpoint.hpp"

namespace llama2::inline LLAMA2_ABI {

/// First four bytes of versions 1 and 2: "24ka" in the file.
inline constexpr std::uint32_t llama2c_magic = 0x616b3432;

namespace detail {

/// Reads the layout of one .bin file, front to back.
class Llama2cReader {
 public:
  explicit Llama2cReader(std::shared_ptr<const InputFile> file) { out_.file = std::move(file); }

  Checkpoint read() {
    if (bytes().size() < 8) too_short(8);
    if (number<std::uint32_t>(0) != llama2c_magic) {
      read_version_0();
    } else {
      const auto version = number<std::int32_t>(4);
      if (version != 1 && version != 2)
        throw Error(
            ErrorCode::unsupported, "unknown version of the llama2.c format",
            {.file = path(), .offset = 4, .expected = "1 or 2", .found = std::to_string(version)});
      version == 1 ? read_version_1() : read_version_2();
    }
    if (next_ != bytes().size())
      throw Error(ErrorCode::malformed_file, "the header's numbers do not fit the file's size",
                  {.file = path(),
                   .expected = std::to_string(next_) + " bytes",
                   .found = std::to_string(bytes().size())});
    out_.sort_tensors();
    return std::move(out_);
  }

 private:
  static constexpr std::size_t header_fields = 7;

  [[nodiscard]] std::span<const std::byte> bytes() const { return out_.file->bytes(); }
  [[nodiscard]] const std::string& path() const { return out_.file->path(); }

  [[noreturn]] void too_short(std::uint64_t expected) const {
    throw Error(ErrorCode::malformed_file, "the file is too short for its header",
                {.file = path(),
                 .expected = "at least " + std::to_string(expected) + " bytes",
                 .found = std::to_string(bytes().size())});
  }

  template <class T>
  [[nodiscard]] T number(std::size_t offset) const {
    T value;
    std::memcpy(&value, bytes().data() + offset, sizeof value);
    return value;
  }

  /// dim, hidden_dim, layers, heads, kv_heads, vocab, context as 32-bit integers.
  void read_shape(std::size_t offset, bool sign_says_untied) {
    std::array<std::int32_t, header_fields> fields;
    std::memcpy(fields.data(), bytes().data() + offset, sizeof fields);
    std::int64_t vocab = fields[5];
    if (sign_says_untied) {
      out_.shape.tied_head = vocab > 0;
      vocab = vocab < 0 ? -vocab : vocab;
    }
    const std::array<std::int64_t, header_fields> values = {
        fields[0], fields[1], fields[2], fields[3], fields[4], vocab, fields[6]};
    const std::array<std::uint64_t*, header_fields> targets = {
        &out_.shape.dim,      &out_.shape.hidden_dim, &out_.shape.layers, &out_.shape.heads,
        &out_.shape.kv_heads, &out_.shape.vocab,      &out_.shape.context};
    constexpr std::array<const char*, header_fields> names = {
        "dim", "hidden_dim", "layers", "heads", "kv_heads", "vocab", "context"};
    for (std::size_t i = 0; i < header_fields; ++i) {
      if (values[i] < 0)
        throw Error(ErrorCode::malformed_file, "negative size in the header",
                    {.file = path(),
                     .offset = offset + 4 * i,
                     .tensor = names[i],
                     .found = std::to_string(values[i])});
      *targets[i] = static_cast<std::uint64_t>(values[i]);
    }
    out_.shape.validate(path());
    out_.config.context = static_cast<std::size_t>(out_.shape.context);
  }

  /// Adds one tensor, which must lie inside the file.
  void add(TensorId id, std::uint64_t rows, std::uint64_t cols, Encoding encoding,
           std::uint64_t group_size = 0) {
    const std::string name = to_string(id);
    const std::uint64_t elements = checked_mul(rows, cols, name);
    std::uint64_t size;
    if (encoding == Encoding::f32) {
      size = checked_mul(elements, sizeof(float), name);
    } else {
      if (elements % group_size != 0)
        throw Error(ErrorCode::malformed_file, "the tensor is not whole quantisation groups",
                    {.file = path(),
                     .tensor = name,
                     .expected = "a multiple of " + std::to_string(group_size) + " elements",
                     .found = std::to_string(elements)});
      size = checked_add(elements, checked_mul(elements / group_size, sizeof(float), name), name);
    }
    skip(size, name);
    out_.tensors.push_back({.id = id,
                            .rows = rows,
                            .cols = cols,
                            .encoding = encoding,
                            .offset = next_ - size,
                            .bytes = size,
                            .group_size = group_size});
  }

  void skip(std::uint64_t size, const std::string& name) {
    if (size > bytes().size() - next_)
      throw Error(ErrorCode::malformed_file, "the file ends inside the tensor",
                  {.file = path(),
                   .offset = next_,
                   .tensor = name,
                   .expected = std::to_string(size) + " bytes",
                   .found = std::to_string(bytes().size() - next_)});
    next_ += size;
  }

  /// Adds a tensor for every layer.
  void add_layers(TensorKind kind, std::uint64_t rows, std::uint64_t cols, Encoding encoding,
                  std::uint64_t group_size = 0) {
    for (std::size_t layer = 0; layer < out_.shape.layers; ++layer)
      add({kind, layer}, rows, cols, encoding, group_size);
  }

  void read_version_0() {
    out_.format = "llama2.c .bin version 0";
    next_ = header_fields * sizeof(std::int32_t);
    if (bytes().size() < next_) too_short(next_);
    try {
      read_shape(0, true);
    } catch (const Error& error) {  // without a magic number anything may have come here
      ErrorDetails details = error.details();
      details.offset = details.offset.value_or(0);
      throw Error(ErrorCode::malformed_file,
                  "not a checkpoint: it has no known magic number, and as a header of llama2.c "
                  "version 0 it breaks a rule: " +
                      std::string(error.message()),
                  std::move(details));
    }
    const ShapeInfo& s = out_.shape;
    using enum TensorKind;
    constexpr Encoding f32 = Encoding::f32;
    add({token_embedding}, s.vocab, s.dim, f32);
    add_layers(attention_norm, 1, s.dim, f32);
    add_layers(wq, s.dim, s.dim, f32);
    add_layers(wk, s.kv_dim(), s.dim, f32);
    add_layers(wv, s.kv_dim(), s.dim, f32);
    add_layers(wo, s.dim, s.dim, f32);
    add_layers(ffn_norm, 1, s.dim, f32);
    add_layers(w1, s.hidden_dim, s.dim, f32);
    add_layers(w2, s.dim, s.hidden_dim, f32);
    add_layers(w3, s.hidden_dim, s.dim, f32);
    add({norm}, 1, s.dim, f32);
    // Tables of cosines and sines, which the model computes for itself.
    skip(s.context * s.head_dim() * sizeof(float), "rotary tables");
    if (!s.tied_head) add({output}, s.vocab, s.dim, f32);
  }

  /// The common header of versions 1 and 2.
  void read_tagged_header() {
    constexpr std::size_t header_size = 256;
    if (bytes().size() < header_size) too_short(header_size);
    read_shape(8, false);
    constexpr std::size_t flag = 8 + header_fields * sizeof(std::int32_t);
    const auto shared = number<std::uint8_t>(flag);
    if (shared > 1)
      throw Error(ErrorCode::malformed_file, "the shared-classifier flag is neither 0 nor 1",
                  {.file = path(), .offset = flag, .found = std::to_string(shared)});
    out_.shape.tied_head = shared == 1;
    next_ = header_size;
    add_layers(TensorKind::attention_norm, 1, out_.shape.dim, Encoding::f32);
    add_layers(TensorKind::ffn_norm, 1, out_.shape.dim, Encoding::f32);
    add({TensorKind::norm}, 1, out_.shape.dim, Encoding::f32);
  }

  void add_matrices(Encoding encoding, std::uint64_t group_size) {
    const ShapeInfo& s = out_.shape;
    using enum TensorKind;
    add({token_embedding}, s.vocab, s.dim, encoding, group_size);
    add_layers(wq, s.dim, s.dim, encoding, group_size);
    add_layers(wk, s.kv_dim(), s.dim, encoding, group_size);
    add_layers(wv, s.kv_dim(), s.dim, encoding, group_size);
    add_layers(wo, s.dim, s.dim, encoding, group_size);
    add_layers(w1, s.hidden_dim, s.dim, encoding, group_size);
    add_layers(w2, s.dim, s.hidden_dim, encoding, group_size);
    add_layers(w3, s.hidden_dim, s.dim, encoding, group_size);
    if (!s.tied_head) add({output}, s.vocab, s.dim, encoding, group_size);
  }

  void read_version_1() {
    out_.format = "llama2.c .bin version 1";
    read_tagged_header();
    add_matrices(Encoding::f32, 0);
  }

  void read_version_2() {
    out_.format = "llama2.c .bin version 2";
    out_.encoding = Encoding::int8_grouped;
    read_tagged_header();
    constexpr std::size_t group_offset = 8 + header_fields * sizeof(std::int32_t) + 1;
    const auto group_size = number<std::int32_t>(group_offset);
    if (group_size < 1)
      throw Error(ErrorCode::malformed_file, "the quantisation group size is not positive",
                  {.file = path(), .offset = group_offset, .found = std::to_string(group_size)});
    add_matrices(Encoding::int8_grouped, static_cast<std::uint64_t>(group_size));
  }

  Checkpoint out_;
  std::uint64_t next_ = 0;
};

}  // namespace detail

/// Reads the layout of a llama2.c checkpoint. Throws `malformed_file` or `unsupported`.
inline Checkpoint read_llama2c(std::shared_ptr<const InputFile> file) {
  return detail::Llama2cReader(std::move(file)).read();
}

}  // namespace llama2::inline LLAMA2_ABI
