// The GGUF container: typed metadata and a list of tensors, whatever model they are of.
// https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/file.hpp"
#include "llama2/text/vocabulary.hpp"

namespace llama2::inline LLAMA2_ABI {

inline constexpr std::string_view gguf_magic = "GGUF";

/// The type of a metadata value; the numbers are those in files.
enum class GgufType : std::uint32_t {
  u8 = 0,
  i8 = 1,
  u16 = 2,
  i16 = 3,
  u32 = 4,
  i32 = 5,
  f32 = 6,
  boolean = 7,
  string = 8,
  array = 9,
  u64 = 10,
  i64 = 11,
  f64 = 12,
};

/// Alignment of tensors where a file does not state it.
inline constexpr std::uint64_t gguf_default_alignment = 32;

/// Keys and tensors that one file may have: hundreds of times what real ones have. It keeps the
/// memory for the lists of a hostile file to a few MiB.
inline constexpr std::uint64_t max_gguf_entries = std::uint64_t{1} << 16;

/// Bytes in a key and in a tensor's name, as the format has it.
inline constexpr std::uint64_t max_gguf_key_bytes = (std::uint64_t{1} << 16) - 1;
inline constexpr std::uint64_t max_gguf_name_bytes = 64;

/// One entry of the metadata. The value stays in the file.
struct GgufValue {
  std::string_view key;
  GgufType type;  ///< of the value, or of each element of an array
  bool is_array;
  std::uint64_t count;   ///< elements of an array, else 1
  std::uint64_t offset;  ///< of the first element in the file
};

/// One entry of the list of tensors.
struct GgufTensorInfo {
  std::string_view name;
  std::array<std::uint64_t, 4> extents;  ///< the fastest first; 1 where there is none
  std::uint32_t type;                    ///< ggml's number of the encoding
  std::uint64_t offset;                  ///< of the data in the file
  std::uint64_t listed_at;               ///< offset of this entry
};

namespace detail {

/// Bytes of a value of the type; 0 for strings, which differ, and for what is no value's type.
constexpr std::size_t fixed_bytes(GgufType type) noexcept {
  switch (type) {
    case GgufType::u8:
    case GgufType::i8:
    case GgufType::boolean:
      return 1;
    case GgufType::u16:
    case GgufType::i16:
      return 2;
    case GgufType::u32:
    case GgufType::i32:
    case GgufType::f32:
      return 4;
    case GgufType::u64:
    case GgufType::i64:
    case GgufType::f64:
      return 8;
    case GgufType::string:
    case GgufType::array:
      break;
  }
  return 0;
}

/// "32-bit float", "string": the type in words.
inline std::string type_name(GgufType type) {
  switch (type) {
    case GgufType::boolean:
      return "boolean";
    case GgufType::string:
      return "string";
    case GgufType::array:
      return "array";
    case GgufType::f32:
    case GgufType::f64:
      return std::to_string(8 * fixed_bytes(type)) + "-bit float";
    default:
      return std::to_string(8 * fixed_bytes(type)) + "-bit integer";
  }
}

/// Goes through the bytes of a file in order and never beyond them.
class GgufCursor {
 public:
  GgufCursor(const InputFile& file, std::uint64_t at) : file_(&file), at_(at) {}

  [[nodiscard]] std::uint64_t at() const noexcept { return at_; }
  [[nodiscard]] std::uint64_t remaining() const noexcept { return file_->bytes().size() - at_; }

  /// The next number; `owner` is the key or tensor it belongs to, for messages.
  template <class T>
  T number(std::string_view owner) {
    T value;
    std::memcpy(&value, take(sizeof value, owner), sizeof value);
    return value;
  }

  /// The next string: 64 bits of length, then so many bytes.
  std::string_view string(std::string_view owner) {
    const std::uint64_t start = at_;
    const auto size = number<std::uint64_t>(owner);
    if (size > remaining())
      fail_at(start, "a string ends beyond the file", owner,
              "at most " + std::to_string(remaining()) + " bytes", std::to_string(size));
    return {reinterpret_cast<const char*>(take(size, owner)), static_cast<std::size_t>(size)};
  }

  void skip(std::uint64_t size, std::string_view owner) { take(size, owner); }

  /// Throws `malformed_file` at the given byte.
  [[noreturn]] void fail_at(std::uint64_t offset, std::string_view message, std::string_view owner,
                            std::string expected = {}, std::string found = {},
                            ErrorCode code = ErrorCode::malformed_file) const {
    throw Error(code, message,
                {.file = file_->path(),
                 .offset = offset,
                 .tensor = plain(owner),
                 .expected = std::move(expected),
                 .found = std::move(found)});
  }

 private:
  /// A name from an untrusted file as it may stand in a message: short and printable.
  static std::string plain(std::string_view name) {
    std::string out(name.substr(0, 80));
    std::ranges::replace_if(out, [](char c) { return c < ' ' || c > '~'; }, '?');
    return out;
  }

  const std::byte* take(std::uint64_t size, std::string_view owner) {
    if (size > remaining())
      fail_at(at_, "the file ends too early", owner, std::to_string(size) + " more bytes",
              std::to_string(remaining()));
    const std::byte* const taken = file_->bytes().data() + at_;
    at_ += size;
    return taken;
  }

  const InputFile* file_;
  std::uint64_t at_;
};

}  // namespace detail

/// The metadata of one GGUF file, version 2 or 3. Strings are views into the file's bytes, which
/// the object keeps.
class GgufFile {
 public:
  /// Whether the bytes begin as a GGUF file does.
  static bool recognises(const InputFile& file) noexcept {
    return file.bytes().size() >= gguf_magic.size() &&
           std::memcmp(file.bytes().data(), gguf_magic.data(), gguf_magic.size()) == 0;
  }

  /// Reads all metadata. Throws `malformed_file`, or `unsupported` for version 1 (whose lengths
  /// have 32 bits), big-endian files and arrays of arrays.
  explicit GgufFile(std::shared_ptr<const InputFile> file) : file_(std::move(file)) {
    detail::GgufCursor cursor(*file_, 0);
    if (!recognises(*file_)) cursor.fail_at(0, "not a GGUF file", {}, "the bytes \"GGUF\"");
    cursor.skip(gguf_magic.size(), "magic");
    read_version(cursor);
    tensor_count_ = read_count(cursor, "number of tensors", smallest_tensor_bytes);
    const std::uint64_t count = read_count(cursor, "number of keys", smallest_entry_bytes);
    values_.reserve(static_cast<std::size_t>(count));
    for (std::uint64_t i = 0; i < count; ++i) values_.push_back(read_value(cursor));
    metadata_end_ = cursor.at();
    sort_values();
  }

  [[nodiscard]] const InputFile& file() const noexcept { return *file_; }
  [[nodiscard]] std::uint32_t version() const noexcept { return version_; }

  /// All entries, by key.
  [[nodiscard]] std::span<const GgufValue> values() const noexcept { return values_; }

  /// The entry with the key, or null.
  [[nodiscard]] const GgufValue* find(std::string_view key) const noexcept {
    const auto found = std::ranges::lower_bound(values_, key, {}, &GgufValue::key);
    return found != values_.end() && found->key == key ? &*found : nullptr;
  }

  /// The single value of a key, of any width that the file chose; nothing if there is no such key.
  /// Each throws `malformed_file` for a value of another kind, `integer` for a negative one, and
  /// `number` for one that is not finite.
  [[nodiscard]] std::optional<std::uint64_t> integer(std::string_view key) const {
    const GgufValue* const value = find_single(key);
    if (value == nullptr) return std::nullopt;
    return integer_at(*value, 0);
  }
  [[nodiscard]] std::optional<double> number(std::string_view key) const {
    const GgufValue* const value = find_single(key);
    if (value == nullptr) return std::nullopt;
    if (value->type != GgufType::f32 && value->type != GgufType::f64)
      fail(*value, "the value has the wrong type", "a floating-point number");
    const double result =
        value->type == GgufType::f32 ? double{load<float>(*value, 0)} : load<double>(*value, 0);
    if (!std::isfinite(result)) fail(*value, "the value is not a finite number");
    return result;
  }
  [[nodiscard]] std::optional<bool> boolean(std::string_view key) const {
    const GgufValue* const value = find_single(key);
    if (value == nullptr) return std::nullopt;
    if (value->type != GgufType::boolean)
      fail(*value, "the value has the wrong type", "a truth value");
    return load<std::uint8_t>(*value, 0) != 0;
  }
  [[nodiscard]] std::optional<std::string_view> text(std::string_view key) const {
    const GgufValue* const value = find_single(key);
    if (value == nullptr) return std::nullopt;
    if (value->type != GgufType::string) fail(*value, "the value has the wrong type", "a string");
    return strings(*value).string(key);
  }

  /// An integer that older files state once and newer ones may state for each layer. Throws
  /// `unsupported` where layers differ.
  [[nodiscard]] std::optional<std::uint64_t> integer_of_layers(std::string_view key,
                                                               std::uint64_t layers) const {
    const GgufValue* const value = find(key);
    if (value == nullptr) return std::nullopt;
    if (value->is_array && value->count != layers)
      fail(*value, "the array has not one number for each layer", std::to_string(layers),
           std::to_string(value->count));
    if (value->count == 0) fail(*value, "the array is empty");
    const std::uint64_t first = integer_at(*value, 0);
    for (std::uint64_t i = 1; i < value->count; ++i)
      if (const std::uint64_t other = integer_at(*value, i); other != first)
        fail(*value, "the layers differ", std::to_string(first) + " for each layer",
             std::to_string(other) + " for layer " + std::to_string(i), ErrorCode::unsupported);
    return first;
  }

  /// The array of a key, whose elements must have the type. Throws `malformed_file` if it has
  /// another, or if there is none.
  [[nodiscard]] const GgufValue& array(std::string_view key, GgufType element) const {
    const GgufValue& value = require(key);
    if (!value.is_array || value.type != element)
      fail(value, "the value has the wrong type", "an array of " + detail::type_name(element) + "s",
           (value.is_array ? "an array of " + detail::type_name(value.type) + "s"
                           : detail::type_name(value.type)));
    return value;
  }

  /// Element i of an array of numbers of this very type; i < count.
  template <class T>
  [[nodiscard]] T load(const GgufValue& value, std::uint64_t i) const noexcept {
    T result;
    std::memcpy(&result, file_->bytes().data() + value.offset + i * sizeof(T), sizeof(T));
    return result;
  }

  /// Goes through the strings of a value that holds them.
  [[nodiscard]] detail::GgufCursor strings(const GgufValue& value) const {
    return {*file_, value.offset};
  }

  /// The entry with the key; throws `malformed_file` if there is none.
  const GgufValue& require(std::string_view key) const {
    if (const GgufValue* const value = find(key)) return *value;
    throw Error(ErrorCode::malformed_file, "the metadata lack this key",
                {.file = file_->path(), .tensor = std::string(key)});
  }

  /// Throws an error about the value.
  [[noreturn]] void fail(const GgufValue& value, std::string_view message,
                         std::string expected = {}, std::string found = {},
                         ErrorCode code = ErrorCode::malformed_file) const {
    detail::GgufCursor(*file_, value.offset)
        .fail_at(value.offset, message, value.key, std::move(expected), std::move(found), code);
  }

  /// Reads the list of tensors, each of which begins inside the file at a multiple of the file's
  /// alignment. Their encodings and ends have not been looked at.
  [[nodiscard]] std::vector<GgufTensorInfo> read_tensors() const {
    const std::uint64_t alignment = read_alignment();
    detail::GgufCursor cursor(*file_, metadata_end_);
    std::vector<GgufTensorInfo> tensors;
    tensors.reserve(static_cast<std::size_t>(tensor_count_));
    for (std::uint64_t i = 0; i < tensor_count_; ++i) tensors.push_back(read_tensor(cursor));
    // The data begin at the next multiple; the sum cannot wrap, both are far below 2^63.
    const std::uint64_t data = (cursor.at() + alignment - 1) / alignment * alignment;
    const std::uint64_t size = file_->bytes().size();
    for (GgufTensorInfo& tensor : tensors) {
      if (tensor.offset % alignment != 0)
        cursor.fail_at(tensor.listed_at, "the tensor's data are not aligned", tensor.name,
                       "a multiple of " + std::to_string(alignment), std::to_string(tensor.offset));
      if (data > size || tensor.offset > size - data)
        cursor.fail_at(tensor.listed_at, "the tensor's data begin beyond the file", tensor.name,
                       "at most " + std::to_string(data > size ? 0 : size - data),
                       std::to_string(tensor.offset));
      tensor.offset += data;
    }
    return tensors;
  }

 private:
  // The least that an entry takes in the file: lengths, types and the shortest contents.
  static constexpr std::uint64_t smallest_entry_bytes = 8 + 4 + 1;
  static constexpr std::uint64_t smallest_tensor_bytes = 8 + 4 + 8 + 4 + 8;

  void read_version(detail::GgufCursor& cursor) {
    const std::uint64_t at = cursor.at();
    version_ = cursor.number<std::uint32_t>("version");
    if (version_ == 2 || version_ == 3) return;
    const bool swapped = version_ == 0x02000000 || version_ == 0x03000000;
    cursor.fail_at(at, swapped ? "the file is big-endian" : "unknown version of the GGUF format",
                   "version", swapped ? "a little-endian file" : "2 or 3", std::to_string(version_),
                   ErrorCode::unsupported);
  }

  /// A count of things that take at least `smallest` bytes each, bounded by the bytes there are.
  static std::uint64_t read_count(detail::GgufCursor& cursor, std::string_view what,
                                  std::uint64_t smallest) {
    const std::uint64_t at = cursor.at();
    const auto count = cursor.number<std::uint64_t>(what);
    const std::uint64_t most = std::min(max_gguf_entries, cursor.remaining() / smallest);
    if (count > most)
      cursor.fail_at(at, "too many for the file's size or for any model", what,
                     "at most " + std::to_string(most), std::to_string(count));
    return count;
  }

  static GgufType read_type(detail::GgufCursor& cursor, std::string_view key) {
    const std::uint64_t at = cursor.at();
    const auto type = cursor.number<std::uint32_t>(key);
    if (type > static_cast<std::uint32_t>(GgufType::f64))
      cursor.fail_at(at, "unknown type of a value", key, "0 to 12", std::to_string(type));
    return static_cast<GgufType>(type);
  }

  static GgufValue read_value(detail::GgufCursor& cursor) {
    const std::uint64_t start = cursor.at();
    const std::string_view key = cursor.string("a metadata key");
    if (key.empty() || key.size() > max_gguf_key_bytes)
      cursor.fail_at(start, "a metadata key has an impossible length", {},
                     "1 to " + std::to_string(max_gguf_key_bytes) + " bytes",
                     std::to_string(key.size()));
    GgufValue value{
        .key = key, .type = read_type(cursor, key), .is_array = false, .count = 1, .offset = 0};
    if (value.type == GgufType::array) {
      const std::uint64_t at = cursor.at();
      value.is_array = true;
      value.type = read_type(cursor, key);
      // Nothing of a Llama 2 model is nested, and so nothing here has to recurse.
      if (value.type == GgufType::array)
        cursor.fail_at(at, "an array of arrays", key, "an array of single values", {},
                       ErrorCode::unsupported);
      value.count = cursor.number<std::uint64_t>(key);
    }
    value.offset = cursor.at();
    skip_elements(cursor, value);
    return value;
  }

  static void skip_elements(detail::GgufCursor& cursor, const GgufValue& value) {
    const std::uint64_t size = detail::fixed_bytes(value.type);
    const std::uint64_t most = cursor.remaining() / (size != 0 ? size : sizeof(std::uint64_t));
    if (value.count > most)
      cursor.fail_at(value.offset, "the value ends beyond the file", value.key,
                     "at most " + std::to_string(most) + " elements", std::to_string(value.count));
    if (value.type == GgufType::boolean)
      for (std::uint64_t i = 0; i < value.count; ++i)
        if (const auto b = cursor.number<std::uint8_t>(value.key); b > 1)
          cursor.fail_at(cursor.at() - 1, "a truth value is neither 0 nor 1", value.key, {},
                         std::to_string(b));
    if (value.type == GgufType::string)
      for (std::uint64_t i = 0; i < value.count; ++i) cursor.string(value.key);
    if (value.type != GgufType::boolean) cursor.skip(value.count * size, value.key);
  }

  /// By sorting, not comparing each with each: a file with many keys takes no longer.
  void sort_values() {
    std::ranges::sort(values_, [](const GgufValue& a, const GgufValue& b) {
      return std::pair(a.key, a.offset) < std::pair(b.key, b.offset);
    });
    const auto twice = std::ranges::adjacent_find(values_, {}, &GgufValue::key);
    if (twice != values_.end()) fail(twice[1], "the metadata have this key twice");
  }

  [[nodiscard]] const GgufValue* find_single(std::string_view key) const {
    const GgufValue* const value = find(key);
    if (value != nullptr && value->is_array)
      fail(*value, "the value has the wrong type", "a single value", "an array");
    return value;
  }

  [[nodiscard]] std::uint64_t integer_at(const GgufValue& value, std::uint64_t i) const {
    const auto natural = [&](std::int64_t n) {
      if (n < 0) fail(value, "the number is negative", "at least 0", std::to_string(n));
      return static_cast<std::uint64_t>(n);
    };
    switch (value.type) {
      case GgufType::u8:
        return load<std::uint8_t>(value, i);
      case GgufType::u16:
        return load<std::uint16_t>(value, i);
      case GgufType::u32:
        return load<std::uint32_t>(value, i);
      case GgufType::u64:
        return load<std::uint64_t>(value, i);
      case GgufType::i8:
        return natural(load<std::int8_t>(value, i));
      case GgufType::i16:
        return natural(load<std::int16_t>(value, i));
      case GgufType::i32:
        return natural(load<std::int32_t>(value, i));
      case GgufType::i64:
        return natural(load<std::int64_t>(value, i));
      case GgufType::f32:
      case GgufType::f64:
      case GgufType::boolean:
      case GgufType::string:
      case GgufType::array:
        break;
    }
    fail(value, "the value has the wrong type", "an integer");
  }

  [[nodiscard]] std::uint64_t read_alignment() const {
    constexpr std::string_view key = "general.alignment";
    const std::uint64_t alignment = integer(key).value_or(gguf_default_alignment);
    if (alignment < 8 || alignment > 65536 || !std::has_single_bit(alignment))
      fail(require(key), "impossible alignment", "a power of two, 8 to 65536",
           std::to_string(alignment));
    return alignment;
  }

  static GgufTensorInfo read_tensor(detail::GgufCursor& cursor) {
    GgufTensorInfo tensor{
        .name = {}, .extents = {1, 1, 1, 1}, .type = 0, .offset = 0, .listed_at = cursor.at()};
    tensor.name = cursor.string("a tensor's name");
    if (tensor.name.empty() || tensor.name.size() > max_gguf_name_bytes)
      cursor.fail_at(tensor.listed_at, "a tensor's name has an impossible length", tensor.name,
                     "1 to " + std::to_string(max_gguf_name_bytes) + " bytes",
                     std::to_string(tensor.name.size()));
    const std::uint64_t at = cursor.at();
    const auto dimensions = cursor.number<std::uint32_t>(tensor.name);
    if (dimensions < 1 || dimensions > tensor.extents.size())
      cursor.fail_at(at, "impossible number of dimensions", tensor.name, "1 to 4",
                     std::to_string(dimensions));
    for (std::uint32_t i = 0; i < dimensions; ++i)
      tensor.extents[i] = cursor.number<std::uint64_t>(tensor.name);
    tensor.type = cursor.number<std::uint32_t>(tensor.name);
    tensor.offset = cursor.number<std::uint64_t>(tensor.name);
    return tensor;
  }

  std::shared_ptr<const InputFile> file_;
  std::uint32_t version_ = 0;
  std::uint64_t tensor_count_ = 0;
  std::uint64_t metadata_end_ = 0;
  std::vector<GgufValue> values_;  // by key
};

}  // namespace llama2::inline LLAMA2_ABI
