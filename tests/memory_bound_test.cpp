// Malformed files that are large: each costs at most twice its size and 16 MiB of memory. What is
// small costs less than that anyway; the fuzz targets check it of every input.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "error_of.hpp"
#include "fuzz/memory_use.hpp"
#include "gguf_bytes.hpp"
#include "llama2/io/load.hpp"
#include "llama2/io/load_tokenizer.hpp"
#include "temp_file.hpp"

using namespace llama2;
using namespace test;

namespace {

/// Checks that the file is refused, and at what cost where this build can tell. With a sanitizer
/// the file itself is in memory, too.
template <class Load>
void check_cost(const std::string& bytes, Load&& load) {
  const TempFile file(bytes);
  reset_memory_peak();
  const auto error = error_of([&] { load(file.path()); });
  const std::size_t cost = memory_peak();
  REQUIRE(error);
  INFO(bytes.size() << " bytes: " << error->what());
  CHECK(error->code() == ErrorCode::malformed_file);
  if (memory_is_counted()) CHECK(cost <= 2 * bytes.size() + (std::size_t{16} << 20));
}

const auto as_tokenizer = [](const std::string& path) { load_tokenizer(path); };
const auto as_checkpoint = [](const std::string& path) { open_checkpoint(path); };

std::string repeated(std::string_view text, std::size_t count) {
  std::string out;
  out.reserve(text.size() * count);
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

/// As wide as asked, all different.
std::string name(std::size_t number, std::size_t width) {
  const std::string digits = std::to_string(number);
  return digits.size() < width ? std::string(width - digits.size(), '0') + digits
                               : digits.substr(0, width);
}

/// Just beyond a power of two, where vectors grow, and around the largest vocabulary.
constexpr std::array<std::size_t, 3> counts = {max_pieces / 2 + 1, max_pieces, max_pieces + 1};

std::string varint(std::size_t value) {
  std::string out;
  for (; value >= 128; value >>= 7)
    out += static_cast<char>(static_cast<std::uint8_t>(value | 128));
  return out + static_cast<char>(static_cast<std::uint8_t>(value));
}

/// Field 1 of a protobuf message.
std::string field_1(std::string_view value) {
  return "\x0A" + varint(value.size()) + std::string(value);
}

const std::string model_settings = std::string("\x12\x05\x18\x02\x98\x02\x01", 7);

/// One piece of a tokenizer.bin.
std::string bin_piece(std::string_view text) {
  return bytes_of(0.0f) + bytes_of(static_cast<std::uint32_t>(text.size())) + std::string(text);
}

std::string bin_beginning() {
  std::string out = bytes_of(std::uint32_t{512});
  for (const char* special : {"<unk>", "\n<s>\n", "\n</s>\n"}) out += bin_piece(special);
  for (unsigned i = 0; i < 256; ++i) out += bin_piece(byte_piece(static_cast<std::uint8_t>(i)));
  return out;
}

}  // namespace

TEST_CASE("a sentencepiece model of many pieces") {
  for (const std::size_t count : counts) {
    check_cost(repeated(field_1(""), count) + model_settings, as_tokenizer);
    for (const std::size_t width : {15u, 16u}) {
      std::string model;
      for (std::size_t i = 0; i < count; ++i) model += field_1(field_1(name(i, width)));
      check_cost(model + model_settings, as_tokenizer);
    }
  }
}

TEST_CASE("a sentencepiece model of long texts") {
  const std::string longer(std::size_t{8} << 20, 'x');
  const std::string shorter = longer.substr(1);
  check_cost(field_1(field_1(shorter) + field_1(longer)) + model_settings, as_tokenizer);
  check_cost(repeated(field_1(field_1(longer.substr(0, 500))), 30000) + model_settings,
             as_tokenizer);
  const auto surface = [](std::string_view text) {  // field 44 of the settings
    const std::string field = "\xE2\x02" + varint(text.size()) + std::string(text);
    return "\x12" + varint(field.size()) + field;
  };
  check_cost(field_1("") + surface(shorter.substr(99)) + surface(shorter) + model_settings,
             as_tokenizer);
}

TEST_CASE("a tokenizer.bin of many pieces") {
  for (const std::size_t count : counts)
    for (const std::string_view text : {" ", "     ", "      ", "sixteen letters."})
      check_cost(bin_beginning() + repeated(bin_piece(text), count - 259), as_tokenizer);
}

TEST_CASE("a tokenizer.bin of spaces, which take three bytes each") {
  for (const std::size_t width : {11u, 170u, 512u})
    for (const std::size_t bytes : {std::size_t{4} << 20, std::size_t{15} << 20}) {
      const std::string piece = bin_piece(std::string(width, ' '));
      check_cost(bin_beginning() + repeated(piece, bytes / piece.size()), as_tokenizer);
    }
}

TEST_CASE("a tokenizer file that is far too large") {
  check_cost(field_1(std::string(std::size_t{17} << 20, 'x')), as_tokenizer);
}

TEST_CASE("a GGUF vocabulary of many pieces") {
  for (const std::size_t count : counts)
    for (const std::size_t width : {0u, 16u}) {
      std::string strings;
      for (std::size_t i = 0; i < count; ++i) strings += gguf_string(name(i, width));
      const auto array = [&](std::string key, std::uint32_t type, const std::string& elements) {
        return GgufEntry{std::move(key),
                         bytes_of(9u) + bytes_of(type) + bytes_of(std::uint64_t{count}) + elements};
      };
      GgufBytes file;
      file.entries = {gguf_entry("tokenizer.ggml.model", "llama"),
                      array("tokenizer.ggml.tokens", 8, strings),
                      array("tokenizer.ggml.scores", 6, repeated(bytes_of(0.0f), count)),
                      array("tokenizer.ggml.token_type", 5, repeated(bytes_of(1), count))};
      check_cost(file.bytes(), as_tokenizer);
    }
}

TEST_CASE("a GGUF of many keys and tensors") {
  const std::vector<GgufBytesTensor> kinds = {{"output_norm.weight", {4}, 0, {}, 0},
                                              {"output.weight", {4, 4}, 0, {}, 0},
                                              {"token_embd.weight", {4, 4}, 0, {}, 0}};
  for (const std::size_t count : {(std::size_t{1} << 15) + 1, std::size_t{max_gguf_entries}})
    for (const GgufBytesTensor& kind : kinds) {
      GgufBytes file;
      file.entries = {gguf_entry("general.architecture", "llama"),
                      gguf_entry("llama.context_length", 3u),
                      gguf_entry("llama.embedding_length", 4u),
                      gguf_entry("llama.block_count", 1u),
                      gguf_entry("llama.feed_forward_length", 3u),
                      gguf_entry("llama.attention.head_count", 2u)};
      while (file.entries.size() < count)
        file.entries.push_back(gguf_entry(std::to_string(file.entries.size()), true));
      file.tensors.assign(count - 1, kind);
      file.tensors.push_back(kinds.back());
      check_cost(file.bytes() + std::string(64, '\0'), as_checkpoint);
    }
}
