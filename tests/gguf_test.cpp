// GGUF files, read and written: what they mean, and what becomes of damaged ones.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "allocation_count.hpp"
#include "bin_writer.hpp"
#include "block_shapes.hpp"
#include "catch.hpp"
#include "error_of.hpp"
#include "gguf_bytes.hpp"
#include "llama2/io/gguf.hpp"
#include "llama2/io/gguf_file.hpp"
#include "llama2/io/load.hpp"
#include "logits.hpp"
#include "synthetic_tokenizer.hpp"
#include "temp_file.hpp"
#include "temp_folder.hpp"

using namespace llama2;
using namespace test;

namespace {

// So small that every byte of a file can be changed.
struct Least {
  static constexpr std::size_t dim = 4, hidden_dim = 3, layers = 1, heads = 2, kv_heads = 1,
                               vocab = 4, context = 3;
};
struct ManyHeads : Least {
  static constexpr std::size_t kv_heads = 2;
};

const std::array<Token, 5> text = {1, 3, 0, 2, 2};
const LoadOptions one_thread{.threads = 1};

std::optional<Error> error_on_opening(std::string_view bytes) {
  const TempFile file(bytes);
  return error_of([&] { open_checkpoint(file.path()); });
}

/// Checks what opening a file of these bytes says.
void check_error(const std::string& bytes, ErrorCode code, const std::string& name,
                 const std::string& message) {
  CAPTURE(name, message);
  const TempFile file(bytes);
  reset_largest_allocation();
  const auto error = error_of([&] { open_checkpoint(file.path()); });
  // Where a sanitizer is on, the file itself is read into memory.
  CHECK(largest_allocation() <= bytes.size() + (std::size_t{8} << 20));
  REQUIRE(error);
  INFO(error->what());
  CHECK(error->code() == code);
  CHECK(error->details().file == file.path());
  CHECK(error->details().tensor == name);
  CHECK(std::string(error->what()).find(message) != std::string::npos);
}

void check_malformed(const GgufBytes& file, const std::string& name, const std::string& message) {
  check_error(file.bytes(), ErrorCode::malformed_file, name, message);
}

void check_unsupported(const GgufBytes& file, const std::string& name, const std::string& message) {
  check_error(file.bytes(), ErrorCode::unsupported, name, message);
}

template <class Shape>
GgufBytes random_gguf(std::uint64_t seed = 1) {
  return gguf_bytes(random_float_model<Shape>(seed));
}

Checkpoint open_bytes(const GgufBytes& bytes) {
  const TempFile file(bytes.bytes());
  return open_checkpoint(file.path());
}

std::vector<float> decode_all(const Checkpoint& checkpoint, const StoredTensor& tensor) {
  std::vector<float> out(tensor.elements());
  checkpoint.decode(tensor, 0, out.size(), out.data());
  return out;
}

/// The n-th number of a tensor's bytes.
template <class T>
T number_at(const std::string& bytes, std::size_t n) {
  T value;
  std::memcpy(&value, bytes.data() + n * sizeof value, sizeof value);
  return value;
}

}  // namespace

TEST_CASE("a file in 32-bit floats is the model that a .bin with the same numbers is") {
  for (const std::uint32_t version : {2u, 3u}) {
    GgufBytes bytes = random_gguf<Blocks>(7);
    bytes.version = version;
    const TempFile gguf(bytes.bytes());
    const TempFile bin(write_version_1(random_float_model<Blocks>(7)));
    const Checkpoint checkpoint = open_checkpoint(gguf.path());
    CHECK(checkpoint.format == "GGUF version " + std::to_string(version));
    CHECK(checkpoint.shape.same_tensors(ShapeInfo::of<Blocks>()));
    CHECK(checkpoint.shape.context == 16);
    CHECK(checkpoint.encoding == Encoding::f32);
    CHECK_FALSE(checkpoint.states_rope_theta);
    for (const FileAccess access : {FileAccess::map, FileAccess::read}) {
      const LoadOptions options{.threads = 1, .access = access};
      CHECK(same_bits(logits_of(load<Model<Blocks>>(gguf.path(), options), text),
                      logits_of(load<Model<Blocks>>(bin.path(), options), text)));
    }
  }
}

TEST_CASE("without an output matrix the head is tied") {
  const TempFile gguf(random_gguf<Ragged>(7).bytes());
  const TempFile bin(write_version_1(random_float_model<Ragged>(7)));
  CHECK(open_checkpoint(gguf.path()).shape.tied_head);
  CHECK(same_bits(logits_of(load<Model<Ragged>>(gguf.path(), one_thread), text),
                  logits_of(load<Model<Ragged>>(bin.path(), one_thread), text)));
}

TEST_CASE("the model's properties come from the metadata") {
  GgufBytes file = random_gguf<Least>();
  file.set(gguf_entry("llama.attention.layer_norm_rms_epsilon", 1e-6f));
  file.set(gguf_entry("llama.rope.freq_base", 20000.0f));
  file.set(gguf_entry("llama.rope.scaling.type", "linear"));
  file.set(gguf_entry("llama.rope.scaling.factor", 4.0f));
  file.set(gguf_entry("llama.rope.dimension_count", 2u));
  file.set(gguf_entry("llama.vocab_size", 4u));
  const Checkpoint checkpoint = open_bytes(file);
  CHECK(checkpoint.config.norm_epsilon == 1e-6f);
  CHECK(checkpoint.config.rope_theta == 20000.0f);
  CHECK(checkpoint.states_rope_theta);
  const RopeScaling scaling{.kind = RopeScalingKind::linear, .factor = 4.0f};
  CHECK(checkpoint.config.rope_scaling == scaling);
  CHECK(checkpoint.config.context == 3);
  const TempFile bytes(file.bytes());
  const ModelConfig config = load<Model<Least>>(bytes.path(), one_thread).config();
  CHECK(config.norm_epsilon == 1e-6f);
  CHECK(config.rope_theta == 20000.0f);
  CHECK(config.rope_scaling == scaling);
}

TEST_CASE("a silent file has the usual properties") {
  GgufBytes file = random_gguf<ManyHeads>();
  file.erase("llama.attention.head_count_kv");
  file.erase("llama.attention.layer_norm_rms_epsilon");
  const Checkpoint checkpoint = open_bytes(file);
  CHECK(checkpoint.shape.kv_heads == 2);
  CHECK(checkpoint.config.norm_epsilon == 1e-5f);
  CHECK(checkpoint.config.rope_theta == 10000.0f);
  CHECK_FALSE(checkpoint.states_rope_theta);
  CHECK(checkpoint.config.rope_scaling == RopeScaling{});
}

TEST_CASE("numbers may be of any width, and the same for each layer") {
  GgufBytes file = random_gguf<Blocks>();
  file.set(gguf_entry("llama.context_length", std::uint64_t{16}));
  file.set(gguf_entry("llama.embedding_length", std::int32_t{64}));
  file.set(gguf_entry("llama.block_count", std::uint8_t{2}));
  file.set(gguf_array<std::int32_t>("llama.feed_forward_length", {96, 96}));
  file.set(gguf_array<std::uint32_t>("llama.attention.head_count", {4, 4}));
  file.set(gguf_array<std::int64_t>("llama.attention.head_count_kv", {2, 2}));
  file.set(gguf_entry("llama.attention.layer_norm_rms_epsilon", 1e-6));
  CHECK(open_bytes(file).shape.same_tensors(ShapeInfo::of<Blocks>()));
  CHECK(open_bytes(file).config.norm_epsilon == 1e-6f);

  constexpr const char* key = "llama.attention.head_count_kv";
  file.set(gguf_array<std::uint32_t>(key, {2, 4}));
  check_unsupported(file, key, "the layers differ; expected 2 for each layer; found 4 for layer 1");
  file.set(gguf_array<std::uint32_t>(key, {2, 2, 2}));
  check_malformed(file, key, "one number for each layer");
  file.set(gguf_array<std::uint32_t>(key, {}));
  check_malformed(file, key, "one number for each layer");
  file.set(gguf_entry("llama.block_count", 0u));
  check_malformed(file, "llama.feed_forward_length", "one number for each layer; expected 0");
  file.set(gguf_array<std::uint32_t>("llama.feed_forward_length", {}));
  check_malformed(file, "llama.feed_forward_length", "empty");
}

TEST_CASE("ways of scaling positions") {
  const auto scale = [](const std::vector<GgufEntry>& entries) {
    GgufBytes file = random_gguf<Least>();
    for (const GgufEntry& entry : entries) file.set(entry);
    return open_bytes(file).config.rope_scaling;
  };
  using enum RopeScalingKind;
  const auto by = [](float f) { return RopeScaling{.kind = linear, .factor = f}; };
  const auto type = [](const char* kind) { return gguf_entry("llama.rope.scaling.type", kind); };
  const auto factor = [](float f) { return gguf_entry("llama.rope.scaling.factor", f); };
  const auto original = [](std::uint32_t n) {
    return gguf_entry("llama.rope.scaling.original_context_length", n);
  };
  CHECK(scale({type("linear"), factor(2)}) == by(2));
  CHECK(scale({factor(2)}) == by(2));  // linear where the file does not say
  CHECK(scale({type("none"), factor(2)}) == RopeScaling{});
  CHECK(scale({type("linear")}) == RopeScaling{});
  CHECK(scale({type("yarn"), factor(0)}) == RopeScaling{});
  CHECK(scale({gguf_entry("llama.rope.scale_linear", 8.0f)}) == by(8));
  CHECK(scale({gguf_entry("llama.rope.scale_linear", 8.0f), factor(2)}) == by(2));
  CHECK(scale({type("yarn"), factor(16)}) == RopeScaling{.kind = yarn, .factor = 16});
  CHECK(scale({type("yarn"), factor(16), original(4096),
               gguf_entry("llama.rope.scaling.finetuned", true),
               gguf_entry("llama.rope.scaling.attn_factor", 0.5f),
               gguf_entry("llama.rope.scaling.yarn_beta_fast", 16.0f),
               gguf_entry("llama.rope.scaling.yarn_beta_slow", 2.0f)}) ==
        RopeScaling{yarn, 16, 4096, 0.5f, 16, 2, true});

  GgufBytes file;
  const auto set = [&](const std::string& key, auto value) {
    file = random_gguf<Least>();
    file.set(type("yarn"));
    file.set(factor(4));
    file.set(gguf_entry("llama.rope.scaling." + key, value));
    return "llama.rope.scaling." + key;
  };
  const auto refused = [&](const std::string& key, auto value, const std::string& message) {
    const std::string name = set(key, value);
    check_malformed(file, name, message);
  };
  for (const float bad : {-1.0f, 0.5f, 1e30f}) refused("factor", bad, "out of range");
  for (const char* const key : {"attn_factor", "yarn_beta_fast", "yarn_beta_slow"}) {
    for (const float bad : {-1.0f, 0.0f, 1e30f}) refused(key, bad, "out of range");
    for (const float bad : {NAN, INFINITY}) refused(key, bad, "not a finite number");
  }
  refused("yarn_beta_slow", 32.0f, "the ramp's ends are the wrong way round");
  refused("yarn_beta_fast", 1.0f, "expected yarn_beta_fast above yarn_beta_slow; found 1 and 1");
  refused("original_context_length", 0u, "expected 1 to 16777216; found 0");
  refused("original_context_length", std::uint64_t{1} << 40, "out of range");
  refused("original_context_length", -1, "");
  refused("finetuned", 1u, "a truth value");
  refused("factor", "4", "wrong type");
  check_unsupported((set("type", "longrope"), file), "llama.rope.scaling.type",
                    "expected \"none\", \"linear\" or \"yarn\"; found \"longrope\"");
  file = random_gguf<Least>();
  file.tensors.push_back({"rope_freqs.weight", {1}, 0, bytes_of(1.0f)});
  check_unsupported(file, "rope_freqs.weight", "rotary frequencies of their own");
}

TEST_CASE("every encoding, worked out by hand, from any element on") {
  GgufBytes file = random_gguf<Blocks>();
  // 64 columns. F16: 1, 2, -0.5, then zeros; BF16: 1, -3, 0.
  std::string half(64 * 64 * 2, '\0');
  half.replace(0, 6, std::string("\x00\x3C\x00\x40\x00\xB8", 6));
  std::string bfloat(32 * 64 * 2, '\0');
  bfloat.replace(0, 4, std::string("\x80\x3F\x40\xC0", 4));
  // Q8_0: scale 0.5 and 32 integers for each of 2 x 32 blocks; block b has the integers i - b.
  std::string q8;
  for (int b = 0; b < 64; ++b) {
    q8 += std::string("\x00\x38", 2);
    for (int i = 0; i < 32; ++i) q8 += static_cast<char>(static_cast<std::int8_t>(i - b));
  }
  // Q4_0: scale 2 and 16 bytes for each of 2 x 96 blocks; low half 3, high half the byte's number.
  std::string q4;
  for (int b = 0; b < 192; ++b) {
    q4 += std::string("\x00\x40", 2);
    for (int i = 0; i < 16; ++i) q4 += static_cast<char>(static_cast<std::uint8_t>(i << 4 | 3));
  }
  const auto set = [&](const char* name, std::uint32_t type, const std::string& data) {
    file.tensor(name).type = type;
    file.tensor(name).data = data;
  };
  set("blk.0.attn_q.weight", 1, half);
  set("blk.1.attn_k.weight", 30, bfloat);
  set("blk.0.attn_v.weight", 8, q8);
  set("blk.1.ffn_gate.weight", 2, q4);
  const Checkpoint checkpoint = open_bytes(file);

  const auto values = [&](TensorKind kind, std::size_t layer, Encoding encoding) {
    const StoredTensor& tensor = checkpoint.tensor({kind, layer});
    CHECK(tensor.encoding == encoding);
    const std::vector<float> all = decode_all(checkpoint, tensor);
    for (const std::size_t first : {1u, 31u, 32u, 33u, 63u, 64u, 100u})
      for (const std::size_t count : {0u, 1u, 5u, 32u, 64u, 97u}) {
        std::vector<float> part(count, -1.0f);
        checkpoint.decode(tensor, first, count, part.data());
        if (!std::equal(part.begin(), part.end(), all.begin() + static_cast<std::ptrdiff_t>(first)))
          FAIL(count << " elements from " << first << " in " << to_string(encoding));
      }
    return all;
  };
  const std::vector<float> f16 = values(TensorKind::wq, 0, Encoding::f16);
  CHECK(std::vector(f16.begin(), f16.begin() + 4) == std::vector{1.0f, 2.0f, -0.5f, 0.0f});
  const std::vector<float> bf16 = values(TensorKind::wk, 1, Encoding::bf16);
  CHECK(std::vector(bf16.begin(), bf16.begin() + 3) == std::vector{1.0f, -3.0f, 0.0f});
  const std::vector<float> q8_0 = values(TensorKind::wv, 0, Encoding::q8_0);
  for (int e = 0; e < 32 * 64; ++e) {
    const float expected = 0.5f * static_cast<float>(e % 32 - e / 32);
    if (q8_0[static_cast<std::size_t>(e)] != expected) FAIL("Q8_0 element " << e);
  }
  const std::vector<float> q4_0 = values(TensorKind::w1, 1, Encoding::q4_0);
  for (int e = 0; e < 96 * 64; ++e) {
    const float expected = e % 32 < 16 ? -10.0f : static_cast<float>(2 * (e % 16 - 8));
    if (q4_0[static_cast<std::size_t>(e)] != expected) FAIL("Q4_0 element " << e);
  }
  CHECK(checkpoint.encoding == Encoding::f32);  // still most of the bytes
}

TEST_CASE("encodings have the names of the model's formats, by which its type is chosen") {
  CHECK(to_string(Encoding::f32) == F32::name);
  CHECK(to_string(Encoding::f16) == F16::name);
  CHECK(to_string(Encoding::bf16) == BF16::name);
  CHECK(to_string(Encoding::q8_0) == Q8_0::name);
  CHECK(to_string(Encoding::q4_0) == Q4_0::name);
  CHECK(to_string(Encoding::int8_grouped) == "INT8");
  GgufBytes file = random_gguf<Blocks>();
  std::size_t changed = 0;
  for (GgufBytesTensor& tensor : file.tensors)  // more bytes in 8 bits, more weights in 4
    if (tensor.extents == std::vector<std::uint64_t>{64, synthetic_vocab}) {
      tensor.type = 8;
      tensor.data.resize(synthetic_vocab * 2 * sizeof(BlockQ8_0));
      ++changed;
    } else if (tensor.extents.size() == 2) {
      tensor.type = 2;
      tensor.data.resize(tensor.extents[0] / 32 * tensor.extents[1] * sizeof(BlockQ4_0));
    }
  CHECK(changed == 2);
  CHECK(open_bytes(file).encoding == Encoding::q4_0);
}

TEST_CASE("what is no GGUF file of version 2 or 3 is refused") {
  check_error("GGUF", ErrorCode::malformed_file, "version", "4 more bytes; found 0");
  check_error(std::string("GGUF\x03\0\0", 7), ErrorCode::malformed_file, "version", "found 3");
  GgufBytes file = random_gguf<Least>();
  file.version = 1;
  check_unsupported(file, "version", "unknown version of the GGUF format; expected 2 or 3");
  file.version = 4;
  check_unsupported(file, "version", "unknown version");
  file.version = 0x03000000;
  check_unsupported(file, "version", "big-endian");
}

TEST_CASE("counts beyond the file or beyond reason are refused before memory is taken") {
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  for (const std::uint64_t count :
       {most, most / 2, most / 32, std::uint64_t{1} << 32, std::uint64_t{1000}}) {
    GgufBytes file = random_gguf<Least>();
    file.entry_count = count;
    check_malformed(file, "number of keys", "found " + std::to_string(count));
    file = random_gguf<Least>();
    file.tensor_count = count;
    check_malformed(file, "number of tensors", "found " + std::to_string(count));
  }
  for (const std::uint64_t count : {most, most / 4, most / 8 + 1, std::uint64_t{1} << 61}) {
    for (const std::uint32_t type : {0u, 4u, 7u, 8u, 10u}) {  // bytes, integers, flags, strings
      GgufBytes file = random_gguf<Least>();
      file.entries.push_back({"a", bytes_of(9u) + bytes_of(type) + bytes_of(count)});
      check_malformed(file, "a", "the value ends beyond the file");
    }
    GgufBytes file = random_gguf<Least>();
    file.entries.push_back({"a", bytes_of(8u) + bytes_of(count) + "text"});
    check_malformed(file, "a", "a string ends beyond the file");
    file.entries.back() = {
        "a", bytes_of(9u) + bytes_of(8u) + bytes_of(std::uint64_t{1}) + bytes_of(count)};
    check_malformed(file, "a", "a string ends beyond the file");
  }
  // A key's and a name's own lengths.
  GgufBytes file = random_gguf<Least>();
  file.entries.push_back(gguf_entry(std::string(65536, 'k'), 1u));
  check_malformed(file, "", "a metadata key has an impossible length");
  file.entries.back() = gguf_entry("", 1u);
  check_malformed(file, "", "a metadata key has an impossible length");
  file = random_gguf<Least>();
  file.tensors.push_back({std::string(65, 'n'), {4}, 0, std::string(16, '\0')});
  check_malformed(file, std::string(65, 'n'), "a tensor's name has an impossible length");
}

TEST_CASE("a million keys are refused at once, and as many as are allowed read quickly") {
  const auto many = [](std::size_t count, bool twice) {
    GgufBytes file = random_gguf<Least>();
    const std::size_t before = file.entries.size();
    // A long common beginning makes every comparison long.
    for (std::size_t i = before; i < count; ++i)
      file.entries.push_back(
          gguf_entry("a.very.long.common.beginning.of.every.key." + std::to_string(i),
                     static_cast<std::uint32_t>(i)));
    if (twice) file.entries.back().key = file.entries[before].key;
    return file.bytes();
  };
  const std::string million = many(1000000, false);
  const std::string allowed = many(max_gguf_entries, false);
  const std::string twice = many(max_gguf_entries, true);
  const auto start = std::chrono::steady_clock::now();
  check_error(million, ErrorCode::malformed_file, "number of keys", "at most 65536; found 1000000");
  CHECK_FALSE(error_on_opening(allowed));
  const auto error = error_on_opening(twice);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));  // with sanitizers
  REQUIRE(error);
  CHECK(std::string(error->what()).find("this key twice") != std::string::npos);
}

TEST_CASE("metadata of the wrong kind are refused by key and byte") {
  const auto with = [](const GgufEntry& entry) {
    GgufBytes file = random_gguf<Least>();
    file.set(entry);
    return file;
  };
  using std::vector;
  check_unsupported(with(gguf_entry("general.architecture", "mpt")), "general.architecture",
                    "expected \"llama\"; found \"mpt\"");
  check_malformed(with(gguf_entry("general.architecture", 1u)), "general.architecture",
                  "wrong type; expected a string");
  check_malformed(with(gguf_entry("llama.block_count", 1.0f)), "llama.block_count",
                  "expected an integer");
  check_malformed(with(gguf_entry("llama.block_count", true)), "llama.block_count",
                  "expected an integer");
  check_malformed(with(gguf_entry("llama.block_count", std::int32_t{-1})), "llama.block_count",
                  "negative; expected at least 0; found -1");
  check_malformed(with(gguf_array<std::uint32_t>("llama.block_count", {1})), "llama.block_count",
                  "expected a single value; found an array");
  check_malformed(with(gguf_array<std::string>("llama.attention.head_count", {"2"})),
                  "llama.attention.head_count", "expected an integer");
  constexpr const char* epsilon = "llama.attention.layer_norm_rms_epsilon";
  check_malformed(with(gguf_entry(epsilon, 1u)), epsilon, "expected a floating-point number");
  check_malformed(with(gguf_entry(epsilon, std::numeric_limits<float>::quiet_NaN())), epsilon,
                  "not a finite number");
  check_malformed(with(gguf_entry(epsilon, -1.0f)), epsilon, "out of range");
  check_malformed(with(gguf_entry("llama.rope.freq_base", 0.5f)), "llama.rope.freq_base",
                  "out of range");
  check_malformed(with(gguf_entry("llama.rope.freq_base", 1e300)), "llama.rope.freq_base",
                  "out of range");
  check_malformed(with(gguf_entry("llama.rope.scaling.factor", -2.0f)), "llama.rope.scaling.factor",
                  "out of range");
  check_malformed(with(gguf_entry("llama.rope.scaling.factor", 1e-9f)), "llama.rope.scaling.factor",
                  "out of range");
  check_unsupported(with(gguf_entry("llama.rope.dimension_count", 4u)),
                    "llama.rope.dimension_count", "expected 2; found 4");
  check_unsupported(with(gguf_entry("llama.attention.key_length", 4u)),
                    "llama.attention.key_length", "expected 2; found 4");
  check_unsupported(with(gguf_entry("llama.vocab_size", 5u)), "llama.vocab_size",
                    "expected 4; found 5");
  check_unsupported(with(gguf_entry("llama.expert_count", 8u)), "llama.expert_count", "found 8");
  check_malformed(with({"flag", bytes_of(7u) + "\x02"}), "flag", "neither 0 nor 1; found 2");
  check_malformed(with({"a", bytes_of(13u)}), "a", "unknown type of a value");
  check_malformed(with({"a", bytes_of(9u) + bytes_of(77u) + bytes_of(std::uint64_t{0})}), "a",
                  "unknown type of a value");
  std::string nested = bytes_of(9u);
  for (int i = 0; i < 100000; ++i) nested += bytes_of(9u) + bytes_of(std::uint64_t{1});
  check_unsupported(with({"a", nested}), "a", "an array of arrays");

  for (const char* key :
       {"general.architecture", "llama.block_count", "llama.embedding_length",
        "llama.feed_forward_length", "llama.attention.head_count", "llama.context_length"}) {
    GgufBytes file = random_gguf<Least>();
    file.erase(key);
    check_malformed(file, key, "lack this key");
  }

  GgufBytes twice = random_gguf<Least>();
  twice.entries.push_back(twice.entries[2]);
  check_malformed(twice, twice.entries[2].key, "this key twice");
  const auto error = error_on_opening(twice.bytes());
  REQUIRE(error);
  GgufBytes cut = twice;  // ends right behind the second value, of four bytes
  cut.tensors.clear();
  cut.alignment = 1;
  CHECK(error->details().offset == cut.bytes().size() - 4);
}

TEST_CASE("impossible shapes are refused") {
  const auto with = [](const char* key, std::uint64_t value) {
    GgufBytes file = random_gguf<Least>();
    file.set(gguf_entry(key, value));
    return file;
  };
  check_malformed(with("llama.attention.head_count", 0), "heads", "expected 1 to 4; found 0");
  check_malformed(with("llama.attention.head_count_kv", 0), "kv_heads", "found 0");
  check_malformed(with("llama.attention.head_count", 3), "dim", "a multiple of 3; found 4");
  check_malformed(with("llama.embedding_length", 0), "dim", "found 0");
  check_malformed(with("llama.context_length", 0), "context", "found 0");
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  for (const std::uint64_t value : {most, most / 4, std::uint64_t{1} << 32}) {
    check_malformed(with("llama.block_count", value), "layers", "found " + std::to_string(value));
    check_malformed(with("llama.embedding_length", value), "dim", "found " + std::to_string(value));
    check_malformed(with("llama.feed_forward_length", value), "hidden_dim",
                    "found " + std::to_string(value));
    check_malformed(with("llama.context_length", value), "context",
                    "found " + std::to_string(value));
    GgufBytes file = random_gguf<Least>();
    file.tensor("token_embd.weight").extents = {4, value};
    check_malformed(file, "vocab", "found " + std::to_string(value));
    file = random_gguf<Least>();
    file.tensor("blk.0.attn_q.weight").extents = {value, value};
    check_malformed(file, "blk.0.attn_q.weight", "wrong extents; expected 4 x 4");
  }
  // The largest sizes that are allowed at all, in a small file.
  GgufBytes file = random_gguf<Least>();
  file.set(gguf_entry("llama.embedding_length", 1u << 20));
  file.set(gguf_entry("llama.feed_forward_length", 1u << 20));
  file.set(gguf_entry("llama.attention.head_count", 1u << 19));
  file.set(gguf_entry("llama.attention.head_count_kv", 1u << 19));
  for (GgufBytesTensor& tensor : file.tensors) {
    for (std::uint64_t& extent : tensor.extents) extent = 1u << 20;
    if (tensor.name == "token_embd.weight" || tensor.name == "output.weight")
      tensor.extents[1] = 1u << 24;
  }
  check_malformed(file, "output.weight", "the file ends inside the tensor");
}

TEST_CASE("alignment") {
  for (const std::size_t alignment : {8u, 64u, 4096u, 65536u}) {
    CAPTURE(alignment);
    GgufBytes file = random_gguf<Least>(3);
    file.alignment = alignment;
    file.set(gguf_entry("general.alignment", static_cast<std::uint32_t>(alignment)));
    const Checkpoint checkpoint = open_bytes(file);
    const FloatModel numbers = random_float_model<Least>(3);
    CHECK(decode_all(checkpoint, checkpoint.tensor({TensorKind::w3})) == numbers[TensorKind::w3]);
  }
  for (const std::uint64_t alignment :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{4}, std::uint64_t{24},
        std::uint64_t{131072}, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    GgufBytes file = random_gguf<Least>();
    file.set(gguf_entry("general.alignment", alignment));
    check_malformed(file, "general.alignment",
                    "a power of two, 8 to 65536; found " + std::to_string(alignment));
  }
}

TEST_CASE("tensors that do not lie where they can are refused") {
  constexpr const char* wq = "blk.0.attn_q.weight";
  const auto at = [&](std::uint64_t offset) {
    GgufBytes file = random_gguf<Least>();
    file.tensor(wq).offset = offset;
    return file;
  };
  check_malformed(at(1), wq, "not aligned; expected a multiple of 32; found 1");
  check_malformed(at(~std::uint64_t{31}), wq, "begin beyond the file");
  check_malformed(at(std::uint64_t{1} << 40), wq, "begin beyond the file");
  check_malformed(at(0), wq, "two tensors overlap");  // found from the later one in the file
  const GgufBytes good = random_gguf<Least>();
  const std::size_t size = good.bytes().size() - good.header().size();
  check_malformed(at(size - 32), wq,
                  "the file ends inside the tensor; expected 64 bytes; found 32");
  check_malformed(at(size), wq, "the file ends inside the tensor; expected 64 bytes; found 0");

  // An overlap by one block only.
  GgufBytes overlap = random_gguf<Least>();
  overlap.tensors[1].offset = 32;  // the first has 64 bytes
  check_malformed(overlap, overlap.tensors[1].name,
                  "two tensors overlap; expected a tensor behind " + overlap.tensors[0].name);
  // A gap is no overlap.
  GgufBytes gap = random_gguf<Least>(3);
  std::uint64_t offset = 0;
  for (GgufBytesTensor& tensor : gap.tensors) {
    tensor.offset = offset + 64;
    tensor.data.insert(0, 64, '\xFF');
    tensor.data.resize((tensor.data.size() + 31) / 32 * 32);
    offset += tensor.data.size();
  }
  const Checkpoint checkpoint = open_bytes(gap);
  CHECK(decode_all(checkpoint, checkpoint.tensor({TensorKind::wq})) ==
        random_float_model<Least>(3)[TensorKind::wq]);
}

TEST_CASE("tensors that a Llama 2 model does not have, or not so, are refused by name") {
  const auto added = [](const std::string& name) {
    GgufBytes file = random_gguf<Least>();
    file.tensors.push_back({name, {4}, 0, std::string(16, '\0')});
    return file;
  };
  for (const char* name :
       {"blk.0.attn_q.bias", "blk.0.ffn_gate_inp.weight", "x", "blk.", "blk.0", "blk.0.",
        "blk.00.attn_norm.weight", "blk.-1.attn_norm.weight", "blk.+0.attn_norm.weight",
        "blk. 0.attn_norm.weight", "blk.0x0.attn_norm.weight", "blk.0.output.weight",
        "attn_norm.weight", "blk.18446744073709551616.attn_norm.weight"})
    check_unsupported(added(name), name, "not a tensor of a Llama 2 model");
  check_malformed(added("blk.1.attn_norm.weight"), "blk.1.attn_norm.weight",
                  "a layer that the model does not have; expected a layer below 1; found 1");
  check_malformed(added("output_norm.weight"), "output_norm.weight", "this tensor twice");

  for (const char* name : {"blk.0.attn_v.weight", "output_norm.weight"}) {
    GgufBytes file = random_gguf<Least>();
    file.erase_tensor(name);
    check_malformed(file, name, "tensor is missing");
  }
  GgufBytes file = random_gguf<Least>();
  file.erase_tensor("token_embd.weight");
  check_malformed(file, "token_embd.weight", "tensor is missing");
  file.tensors.clear();
  check_malformed(file, "token_embd.weight", "perhaps only a vocabulary");

  constexpr const char* wk = "blk.0.attn_k.weight";
  const auto extents = [&](std::vector<std::uint64_t> values) {
    GgufBytes changed = random_gguf<Least>();
    changed.tensor(wk).extents = std::move(values);
    return changed;
  };
  CHECK_NOTHROW(open_bytes(extents({4, 2, 1, 1})));
  check_malformed(extents({2, 4}), wk, "wrong extents; expected 2 x 4; found 4 x 2");
  check_malformed(extents({8}), wk, "wrong extents");
  check_malformed(extents({4, 2, 2}), wk, "and more dimensions");
  check_malformed(extents({4, 0}), wk, "wrong extents");
  check_malformed(extents({}), wk, "impossible number of dimensions; expected 1 to 4; found 0");
  check_malformed(extents({4, 2, 1, 1, 1}), wk, "impossible number of dimensions");
}

TEST_CASE("other types of weights are refused by name") {
  const auto typed = [](std::uint32_t type) {
    GgufBytes file = random_gguf<Least>();
    file.tensor("blk.0.ffn_up.weight").type = type;
    return file;
  };
  constexpr const char* w3 = "blk.0.ffn_up.weight";
  check_unsupported(typed(3), w3, "found Q4_1");
  check_unsupported(typed(12), w3, "found Q4_K");
  check_unsupported(typed(14), w3, "found Q6_K");
  check_unsupported(typed(28), w3, "found F64");
  check_unsupported(typed(4), w3, "found type 4");
  check_unsupported(typed(0xFFFFFFFF), w3, "found type 4294967295");
  check_malformed(typed(8), w3, "not whole blocks of Q8_0; expected a multiple of 32 columns");
  check_malformed(typed(2), w3, "not whole blocks of Q4_0");

  GgufBytes file = random_gguf<Blocks>();
  file.tensor("blk.0.attn_q.weight").type = 8;
  file.set(gguf_entry("general.quantization_version", 2u));
  CHECK_NOTHROW(open_bytes(file));
  file.set(gguf_entry("general.quantization_version", 1u));
  check_unsupported(file, "general.quantization_version", "expected 2; found 1");
}

TEST_CASE("a packed file is the same model, and stays where it is") {
  const GgufBytes rows = random_gguf<Blocks>(4);
  const TempFile plain(rows.bytes());
  auto file = std::make_unique<TempFile>(packed(rows).bytes());
  const auto expected = logits_of(load<Model<Blocks>>(plain.path(), one_thread), text);
  for (const FileAccess access : {FileAccess::map, FileAccess::read}) {
    const Checkpoint checkpoint = open_checkpoint(file->path(), access);
    CHECK(checkpoint.format == "GGUF version 3, packed in panels");
    CHECK(checkpoint.encoding == Encoding::f32);
    const Checkpoint original = open_checkpoint(plain.path());
    for (const StoredTensor& tensor : checkpoint.tensors) {
      CHECK(tensor.in_panels == (tensor.rows > 1));
      CHECK(decode_all(checkpoint, tensor) == decode_all(original, original.tensor(tensor.id)));
    }
    const auto model = load<Model<Blocks>>(checkpoint, one_thread);
    CHECK(same_bits(logits_of(model, text), expected));
    const auto begins_at = [&](TensorId id) {
      return static_cast<const void*>(checkpoint.data(checkpoint.tensor(id)).data());
    };
    CHECK(model.weights().token_embedding.data == begins_at({TensorKind::token_embedding}));
    CHECK(model.weights().layers[1].w2.data == begins_at({TensorKind::w2, 1}));
    CHECK(model.weights().norm.data != begins_at({TensorKind::norm}));
    // Other formats are converted, as from rows.
    CHECK(same_bits(logits_of(load<Model<Blocks, BF16>>(checkpoint, one_thread), text),
                    logits_of(load<Model<Blocks, BF16>>(original, one_thread), text)));
  }
  const auto model = load<Model<Blocks>>(file->path(), one_thread);
  file.reset();  // has no name any more, but is there
  CHECK(same_bits(logits_of(model, text), expected));
}

TEST_CASE("packed files that are wrong are refused") {
  constexpr const char* wq = "blk.0.attn_q.weight";
  constexpr const char* key = "llama2.panels.version";
  const GgufBytes good = packed(random_gguf<Least>());
  CHECK_NOTHROW(open_bytes(good));
  const auto changed = [&](const std::function<void(GgufBytes&)>& change) {
    GgufBytes file = good;
    change(file);
    return file;
  };
  const auto typed = [&](std::uint32_t type) {
    return changed([&](GgufBytes& file) { file.tensor(wq).type = packed_type + type; });
  };
  check_unsupported(changed([&](GgufBytes& f) { f.set(gguf_entry(key, 2u)); }), key,
                    "packed by another version of this library; take the original; expected 1; "
                    "found 2");
  check_malformed(changed([&](GgufBytes& f) { f.erase(key); }), key, "lack this key");
  check_malformed(changed([&](GgufBytes& f) { f.set(gguf_entry(key, "1")); }), key, "an integer");
  check_malformed(changed([](GgufBytes& f) {
                    // Too short a header, or too long a one, by half a panel's alignment.
                    f.alignment = 32;
                    f.set(gguf_entry("general.alignment", 32u));
                    if (f.header().size() % 64 == 0) f.set(gguf_entry("general.name", "32 more"));
                  }),
                  "output.weight",
                  "the panels are not aligned; expected an offset that is a multiple of 64");
  check_unsupported(typed(3), wq, "found type " + std::to_string(packed_type + 3));
  check_malformed(typed(2), wq, "not whole blocks of Q4_0");
  // Panels have the size that the extents and the type say, whatever follows.
  check_malformed(changed([&](GgufBytes& f) { f.tensor(wq).data.resize(4 * 4 * 4); }),
                  "blk.0.attn_v.weight",
                  "two tensors overlap; expected a tensor behind " + std::string(wq));
  check_malformed(changed([&](GgufBytes& f) {
                    std::swap(f.tensor(wq), f.tensors.back());
                    f.tensor(wq).data.resize(4 * 4 * 4);
                  }),
                  wq, "the file ends inside the tensor; expected 256 bytes; found 64");
  check_malformed(
      changed([&](GgufBytes& f) { f.tensor(wq).extents = {4, std::uint64_t{1} << 62}; }), wq,
      "wrong extents");
}

TEST_CASE("names of tensors are read as they are written") {
  for (const detail::GgufName& name : detail::gguf_names)
    for (const std::size_t layer : {std::size_t{0}, std::size_t{10}, std::size_t{1023}}) {
      const TensorId id{name.kind, is_layer_tensor(name.kind) ? layer : 0};
      CHECK(parse_gguf_name(gguf_name(id)) == id);
    }
  CHECK(gguf_name({TensorKind::w2, 31}) == "blk.31.ffn_down.weight");
  CHECK(gguf_name({TensorKind::output}) == "output.weight");
}

TEST_CASE("every truncated file is refused") {
  const std::string bytes = random_gguf<Least>().bytes();
  const std::size_t padding = 20;  // output_norm has 16 of its 32 bytes, of which 4 are needed
  std::size_t accepted = 0;
  for (std::size_t size = 0; size + padding < bytes.size(); ++size) {
    const auto error = error_on_opening(std::string_view(bytes).substr(0, size));
    if (!error || error->code() != ErrorCode::malformed_file) ++accepted;
  }
  CHECK(accepted == 0);
  CHECK_FALSE(error_on_opening(bytes.substr(0, bytes.size() - 16)));  // only padding is missing
}

TEST_CASE("every change of one byte of a header gives an error or a model that runs") {
  const bool pack = GENERATE(false, true);
  GgufBytes good = random_gguf<Least>();
  good.set(gguf_entry("general.name", "a name"));
  good.set(gguf_entry("general.alignment", 32u));
  if (pack) good = packed(good);
  good.set(gguf_array<std::string>("general.tags", {"one", "two"}));
  good.set(gguf_entry("llama.rope.freq_base", 20000.0f));
  good.set(gguf_entry("llama.rope.scaling.type", "linear"));
  good.set(gguf_entry("llama.rope.scaling.factor", 2.0f));
  good.set(gguf_entry("llama.rope.dimension_count", 2u));
  const std::string bytes = good.bytes();
  const std::size_t header = good.header().size();
  const TempFile file(bytes);
  std::size_t refused = 0;
  std::size_t run = 0;
  for (std::size_t at = 0; at < header; ++at) {
    const auto byte = static_cast<std::uint8_t>(bytes[at]);
    std::vector<unsigned> values = {0, 255, byte, byte + 1u, byte - 1u};
    for (unsigned bit = 1; bit < 256; bit *= 2) values.push_back(byte ^ bit);
    for (const unsigned value : values) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(static_cast<std::uint8_t>(value));
      file.write(changed);
      try {
        const Checkpoint checkpoint = open_checkpoint(file.path());
        for (const StoredTensor& tensor : checkpoint.tensors) decode_all(checkpoint, tensor);
        if (!checkpoint.shape.same_tensors(ShapeInfo::of<Least>())) continue;
        run += logits_of(load<Model<Least>>(checkpoint, one_thread), std::array<Token, 2>{1, 2})
                   .size() == 8;
      } catch (const Error& error) {
        if (error.code() != ErrorCode::malformed_file && error.code() != ErrorCode::unsupported)
          FAIL("byte " << at << " = " << value << ": " << error.what());
        ++refused;
      }
    }
  }
  CHECK(run >= header);  // each byte once has the value that it had before
  CHECK(refused > run);
}

// Split files.

namespace {

/// Writes the tensors of a file in `parts` parts "m-0000i-of-0000n.gguf"; `change` may damage
/// part i.
void write_split(const TempFolder& folder, const GgufBytes& whole, std::size_t parts,
                 const std::function<void(std::size_t, GgufBytes&)>& change = {}) {
  for (std::size_t i = 0; i < parts; ++i) {
    GgufBytes part;
    if (i == 0) part.entries = whole.entries;
    part.set(gguf_entry("split.no", static_cast<std::uint16_t>(i)));
    part.set(gguf_entry("split.count", static_cast<std::uint16_t>(parts)));
    part.set(gguf_entry("split.tensors.count", static_cast<std::int32_t>(whole.tensors.size())));
    const std::size_t begin = whole.tensors.size() * i / parts;
    const std::size_t end = whole.tensors.size() * (i + 1) / parts;
    part.tensors.assign(whole.tensors.begin() + static_cast<std::ptrdiff_t>(begin),
                        whole.tensors.begin() + static_cast<std::ptrdiff_t>(end));
    if (change) change(i, part);
    write_file(folder.file(gguf_part_path("m", i, parts)), part.bytes());
  }
}

}  // namespace

TEST_CASE("a split file is opened from its first part") {
  CHECK(gguf_part_path("a/b", 0, 3) == "a/b-00001-of-00003.gguf");
  CHECK(gguf_part_path("m", 11, 123456) == "m-00012-of-123456.gguf");
  const GgufBytes whole = random_gguf<Blocks>(9);
  const TempFile one(whole.bytes());
  const auto expected = logits_of(load<Model<Blocks>>(one.path(), one_thread), text);
  for (const std::size_t parts : {1u, 2u, 3u, 7u}) {
    CAPTURE(parts);
    const TempFolder folder;
    write_split(folder, whole, parts);
    const std::string first = folder.file(gguf_part_path("m", 0, parts));
    for (const FileAccess access : {FileAccess::map, FileAccess::read}) {
      const LoadOptions options{.threads = 1, .access = access};
      CHECK(same_bits(logits_of(load<Model<Blocks>>(first, options), text), expected));
      CHECK(same_bits(logits_of(load<Model<Blocks, F16>>(first, options), text),
                      logits_of(load<Model<Blocks, F16>>(one.path(), options), text)));
    }
    CHECK(open_checkpoint(first).further_parts.size() == parts - 1);
  }
}

TEST_CASE("split files whose parts do not belong together are refused") {
  const GgufBytes whole = random_gguf<Least>(9);
  const auto error = [&](const std::function<void(std::size_t, GgufBytes&)>& change,
                         std::size_t open = 0) {
    const TempFolder folder;
    write_split(folder, whole, 3, change);
    return error_of([&] { open_checkpoint(folder.file(gguf_part_path("m", open, 3))); });
  };
  const auto check = [&](const std::optional<Error>& found, ErrorCode code, std::string_view name,
                         std::string_view message, std::string_view file) {
    REQUIRE(found);
    INFO(found->what());
    CHECK(found->code() == code);
    CHECK(found->details().tensor == name);
    CHECK(found->details().file.ends_with(file));
    CHECK(std::string(found->what()).find(message) != std::string::npos);
  };
  constexpr auto malformed = ErrorCode::malformed_file;
  CHECK_FALSE(error({}));
  // The other parts have no metadata of a model.
  check(error({}, 1), malformed, "split.no", "not the first part", "00002-of-00003.gguf");
  check(error([](std::size_t i, GgufBytes& part) {
          if (i == 0) part.set(gguf_entry("split.no", 1u));
        }),
        malformed, "split.no", "not the first part", "00001-of-00003.gguf");
  check(error([](std::size_t i, GgufBytes& part) {
          if (i == 2) part.set(gguf_entry("split.no", 1u));
        }),
        malformed, "split.no", "expected 2; found 1", "00003-of-00003.gguf");
  check(error([](std::size_t i, GgufBytes& part) {
          if (i == 1) part.erase("split.count");
        }),
        malformed, "split.count", "lack this key", "00002-of-00003.gguf");
  check(error([](std::size_t i, GgufBytes& part) {
          if (i == 0) part.set(gguf_entry("split.tensors.count", 13u));
        }),
        malformed, "split.tensors.count", "expected 13; found 12", "00001-of-00003.gguf");
  check(error([](std::size_t i, GgufBytes& part) {
          if (i == 0) part.set(gguf_entry("split.count", ~std::uint64_t{0}));
        }),
        malformed, "split.count", "does not say where", "00001-of-00003.gguf");
  check(error([&](std::size_t i, GgufBytes& part) {
          if (i == 2) part.tensors.back() = whole.tensors.front();
        }),
        malformed, "output.weight", "this tensor twice", "00003-of-00003.gguf");
  check(error([](std::size_t i, GgufBytes& part) {
          if (i == 1) part.tensors[0].data.clear();
        }),
        malformed, "blk.0.ffn_up.weight", "two tensors overlap", "00002-of-00003.gguf");

  const TempFolder folder;
  write_split(folder, whole, 3);
  std::filesystem::remove(folder.file("m-00002-of-00003.gguf"));
  check(error_of([&] { open_checkpoint(folder.file("m-00001-of-00003.gguf")); }), ErrorCode::io, "",
        "cannot open", "m-00002-of-00003.gguf");
  std::filesystem::rename(folder.file("m-00001-of-00003.gguf"), folder.file("other.gguf"));
  check(error_of([&] { open_checkpoint(folder.file("other.gguf")); }), malformed, "split.count",
        "a name that ends in -00001-of-00003.gguf", "other.gguf");
}
