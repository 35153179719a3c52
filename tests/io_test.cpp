// Checkpoint files: what each version of the format means, and what becomes of damaged ones.

#include <array>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "allocation_count.hpp"
#include "bin_writer.hpp"
#include "catch.hpp"
#include "error_of.hpp"
#include "llama2/io/load.hpp"
#include "logits.hpp"
#include "temp_file.hpp"

using namespace llama2;
using namespace test;

namespace {

// Grouped-query attention; rows of 12 and of 10 elements, so that groups of 8 and of 24 begin in
// the middle of rows.
struct Untied {
  static constexpr std::size_t dim = 12, hidden_dim = 10, layers = 2, heads = 2, kv_heads = 1,
                               vocab = 8, context = 6;
};
struct Tied : Untied {
  static constexpr bool tied_head = true;
};

const std::array<Token, 5> text = {1, 7, 0, 3, 3};
const LoadOptions one_thread{.threads = 1};

/// The error on opening a file with these bytes.
std::optional<Error> error_on_opening(std::string_view bytes) {
  const TempFile file(bytes);
  return error_of([&] { open_checkpoint(file.path()); });
}

/// The bytes of `original` with `value` at `offset`.
template <class T>
std::string with(std::string original, std::size_t offset, T value) {
  std::memcpy(original.data() + offset, &value, sizeof value);
  return original;
}

template <class M>
std::vector<float> logits_of_file(const std::string& bytes, const LoadOptions& options = {}) {
  const TempFile file(bytes);
  return logits_of(load<M>(file.path(), options), text);
}

template <class Shape, class Format>
std::vector<float> expected_logits(std::uint64_t seed) {
  return logits_of(make_random_model<Model<Shape, Format>>(seed), text);
}

/// Logits of a model whose matrices are first written down as they are.
template <class Shape, class Format>
void check_versions_0_and_1() {
  const FloatModel numbers = random_float_model<Shape>(11);
  const auto expected = expected_logits<Shape, Format>(11);
  using M = Model<Shape, Format>;
  CHECK(same_bits(logits_of_file<M>(write_version_0(numbers)), expected));
  CHECK(same_bits(logits_of_file<M>(write_version_1(numbers)), expected));
  LoadOptions read = one_thread;
  read.access = FileAccess::read;
  CHECK(same_bits(logits_of_file<M>(write_version_0(numbers), read), expected));
  CHECK(same_bits(logits_of_file<M>(write_version_1(numbers), read), expected));
}

template <class Shape, class Format>
void check_version_2(std::size_t group_size) {
  const FloatModel numbers = random_float_model<Shape>(12);
  const auto expected =
      logits_of_file<Model<Shape, Format>>(write_version_1(through_8_bits(numbers, group_size)));
  const std::string file = write_version_2(numbers, group_size);
  CHECK(same_bits(logits_of_file<Model<Shape, Format>>(file), expected));
  CHECK(same_bits(
      logits_of_file<Model<Shape, Format>>(file, {.threads = 1, .access = FileAccess::read}),
      expected));
  if (group_size > 1)  // 8 bits do lose something
    CHECK_FALSE(same_bits(expected, expected_logits<Shape, Format>(12)));
}

/// Every file format, tied and untied.
struct SmallFile {
  std::string name;
  std::string bytes;
  std::size_t header;  // bytes worth changing
};

std::vector<SmallFile> small_files() {
  const FloatModel untied = random_float_model<Untied>(5);
  const FloatModel tied = random_float_model<Tied>(5);
  return {{"version 0, untied", write_version_0(untied), 28},
          {"version 0, tied", write_version_0(tied), 28},
          {"version 1, untied", write_version_1(untied), 64},
          {"version 1, tied", write_version_1(tied), 64},
          {"version 2, untied", write_version_2(untied, 8), 64},
          {"version 2, tied", write_version_2(tied, 8), 64}};
}

/// Uses everything that a checkpoint claims to hold.
void read_all(const Checkpoint& checkpoint) {
  std::vector<float> floats;
  for (const StoredTensor& tensor : checkpoint.tensors) {
    floats.resize(tensor.elements());
    checkpoint.decode(tensor, 0, floats.size(), floats.data());
  }
}

/// Whether the file is a model of the type; if so, it has run.
template <class Shape>
bool runs_as(const Checkpoint& checkpoint) {
  try {
    const auto model = load<Model<Shape>>(checkpoint, one_thread);
    return logits_of(model, text).size() == text.size() * Shape::vocab;
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::mismatch);
    return false;
  }
}

constexpr std::int32_t int_max = std::numeric_limits<std::int32_t>::max();
constexpr std::int32_t int_min = std::numeric_limits<std::int32_t>::min();

}  // namespace

TEST_CASE("versions 0 and 1 hold a model's very numbers") {
  check_versions_0_and_1<Untied, F32>();
  check_versions_0_and_1<Tied, F32>();
}

TEST_CASE("versions 0 and 1 are converted to the model's format") {
  check_versions_0_and_1<Untied, F16>();
  check_versions_0_and_1<Untied, BF16>();
  check_versions_0_and_1<Tied, F16>();
  check_versions_0_and_1<Tied, BF16>();
}

TEST_CASE("version 2 is decoded, also where groups begin inside rows") {
  for (const std::size_t group_size : {1u, 4u, 8u, 24u}) {
    CAPTURE(group_size);
    check_version_2<Untied, F32>(group_size);
    check_version_2<Tied, F32>(group_size);
    check_version_2<Untied, F16>(group_size);
    check_version_2<Tied, BF16>(group_size);
  }
}

TEST_CASE("the sign of version 0's vocabulary says whether the head is tied") {
  const TempFile untied(write_version_0(random_float_model<Untied>(1)));
  const TempFile tied(write_version_0(random_float_model<Tied>(1)));
  std::int32_t vocab = 0;
  std::memcpy(&vocab, write_version_0(random_float_model<Untied>(1)).data() + 20, sizeof vocab);
  CHECK(vocab == -8);

  CHECK_FALSE(open_checkpoint(untied.path()).shape.tied_head);
  CHECK(open_checkpoint(untied.path()).shape.vocab == 8);
  CHECK(open_checkpoint(tied.path()).shape.tied_head);
  CHECK(open_checkpoint(tied.path()).shape.vocab == 8);
}

TEST_CASE("a checkpoint says its format, shape and tensors") {
  for (const auto& [name, bytes, header] : small_files()) {
    CAPTURE(name);
    const TempFile file(bytes);
    const Checkpoint checkpoint = open_checkpoint(file.path());
    const bool tied = name.ends_with(" tied");
    CHECK(checkpoint.format == "llama2.c .bin " + name.substr(0, 9));
    CHECK(checkpoint.file->path() == file.path());
    CHECK(checkpoint.shape.same_tensors(tied ? ShapeInfo::of<Tied>() : ShapeInfo::of<Untied>()));
    CHECK(checkpoint.shape.context == 6);
    CHECK(checkpoint.encoding ==
          (name.starts_with("version 2") ? Encoding::int8_grouped : Encoding::f32));
    CHECK(checkpoint.tensors.size() == 2 + 9 * Untied::layers + (tied ? 0 : 1));

    const StoredTensor& w2 = checkpoint.tensor({TensorKind::w2, 1});
    CHECK(w2.rows == 12);
    CHECK(w2.cols == 10);
    const auto error = error_of([&] { static_cast<void>(checkpoint.tensor({TensorKind::w2, 2})); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::malformed_file);
    CHECK(error->details().tensor == "layers.2.feed_forward.w2.weight");
  }
}

TEST_CASE("8-bit groups, worked out by hand") {
  FloatModel numbers = random_float_model<Untied>(3);
  auto& wk = numbers[TensorKind::wk];
  std::fill(wk.begin(), wk.end(), 0.0f);
  // Of the second layer's matrix, 6 rows of 12, the groups 0, 1 and 17.
  float* const second = wk.data() + 72;
  const std::array<float, 4> group_0 = {63.5f, -63.5f, 0.5f, 0.0f};        // scale 1/2
  const std::array<float, 4> group_1 = {0.25f, -0.5f, 31.75f, 0.25f};      // scale 1/4
  const std::array<float, 4> group_17 = {-254.0f, 2.0f, 100.0f, -254.0f};  // scale 2
  std::ranges::copy(group_0, second);
  std::ranges::copy(group_1, second + 4);
  std::ranges::copy(group_17, second + 68);
  std::string bytes = write_version_2(numbers, 4);

  const TempFile file(bytes);
  Checkpoint checkpoint = open_checkpoint(file.path());
  const StoredTensor stored = checkpoint.tensor({TensorKind::wk, 1});
  CHECK(stored.group_size == 4);
  CHECK(stored.bytes == 72 + 18 * sizeof(float));
  std::array<float, 72> decoded{};
  checkpoint.decode(stored, 0, decoded.size(), decoded.data());
  CHECK(std::equal(decoded.begin(), decoded.end(), second));

  // Any part, and the one integer that a writer never makes: -128.
  bytes[stored.offset + 6] = '\x80';
  file.write(bytes);
  checkpoint = open_checkpoint(file.path());
  std::array<float, 4> part{};
  checkpoint.decode(stored, 3, part.size(), part.data());
  CHECK(part == std::array{0.0f, 0.25f, -0.5f, -32.0f});
}

TEST_CASE("a model keeps its file") {
  auto file = std::make_unique<TempFile>(write_version_0(random_float_model<Untied>(6)));
  auto checkpoint = std::make_unique<Checkpoint>(open_checkpoint(file->path()));
  const auto model = load<Model<Untied>>(*checkpoint);
  checkpoint.reset();
  file.reset();
  CHECK(same_bits(logits_of(model, text), expected_logits<Untied, F32>(6)));
}

TEST_CASE("the executor of a model is the one asked for") {
  const TempFile file(write_version_1(random_float_model<Untied>(4)));
  using M = Model<Untied>;
  CHECK(load<M>(file.path(), {.threads = 1}).executor().concurrency() == 1);
  CHECK(load<M>(file.path(), {.threads = 3}).executor().concurrency() == 3);
  CHECK(load<M>(file.path(), {.threads = 2}).executor().min_parallel_work() ==
        default_min_parallel_work);
  CHECK(load<M>(file.path(), {.threads = 2, .min_parallel_work = 77})
            .executor()
            .min_parallel_work() == 77);
  const LoadOptions own{.threads = 3, .executor = std::make_shared<ThreadPool>(2)};
  CHECK(load<M>(file.path(), own).executor().concurrency() == 2);
}

namespace {
struct LongRange : Untied {
  static constexpr std::size_t context = 99;
  static constexpr float rope_theta = 5e5f;
};
}  // namespace

TEST_CASE(
    "the context comes from the file, the rotary base from the shape, unless told otherwise") {
  const TempFile file(write_version_1(random_float_model<Untied>(4)));
  const ModelConfig plain = load<Model<Untied>>(file.path()).config();
  CHECK(plain.context == 6);
  CHECK(plain.rope_theta == 10000.0f);
  CHECK(plain.norm_epsilon == 1e-5f);
  CHECK(plain.rope_scaling == RopeScaling{});

  const ModelConfig of_shape = load<Model<LongRange>>(file.path()).config();
  CHECK(of_shape.context == 6);
  CHECK(of_shape.rope_theta == 5e5f);

  const LoadOptions options{
      .threads = 1,
      .norm_epsilon = 1e-6f,
      .rope_theta = 1e6f,
      .rope_scaling = RopeScaling{.kind = RopeScalingKind::linear, .factor = 2.0f}};
  const auto changed = load<Model<LongRange>>(file.path(), options);
  CHECK(changed.config().norm_epsilon == 1e-6f);
  CHECK(changed.config().rope_theta == 1e6f);
  CHECK(changed.config().rope_scaling.factor == 2.0f);
  CHECK(changed.config().rope_scaling.original_context == 6);
  CHECK(changed.config().context == 12);
  CHECK_FALSE(same_bits(logits_of(changed, text), expected_logits<Untied, F32>(4)));

  for (const LoadOptions& bad :
       {LoadOptions{.norm_epsilon = -1.0f}, LoadOptions{.rope_theta = 0.0f},
        LoadOptions{.rope_scaling =
                        RopeScaling{.factor = std::numeric_limits<float>::quiet_NaN()}}}) {
    const auto error = error_of([&] { load<Model<Untied>>(file.path(), bad); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::invalid_argument);
  }
}

namespace {
struct OtherDim : Untied {
  static constexpr std::size_t dim = 16;
};
struct OtherHiddenDim : Untied {
  static constexpr std::size_t hidden_dim = 11;
};
struct OtherLayers : Untied {
  static constexpr std::size_t layers = 3;
};
struct OtherHeads : Untied {
  static constexpr std::size_t heads = 3;
};
struct OtherKvHeads : Untied {
  static constexpr std::size_t kv_heads = 2;
};
struct OtherVocab : Untied {
  static constexpr std::size_t vocab = 9;
};

template <class Shape>
void check_mismatch(const std::string& path, const std::string& field, const std::string& expected,
                    const std::string& found) {
  CAPTURE(field);
  const auto error = error_of([&] { load<Model<Shape>>(path); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::mismatch);
  CHECK(error->details().file == path);
  CHECK(error->details().tensor == field);
  CHECK(error->details().expected == expected);
  CHECK(error->details().found == found);
  const std::string what = error->what();
  for (const std::string& part : {path, field, "expected " + expected, "found " + found})
    CHECK(what.find(part) != std::string::npos);
}
}  // namespace

TEST_CASE("a file that is not of the model's type is refused by the field that differs") {
  for (const std::string& bytes : {write_version_0(random_float_model<Untied>(4)),
                                   write_version_1(random_float_model<Untied>(4)),
                                   write_version_2(random_float_model<Untied>(4), 8)}) {
    const TempFile file(bytes);
    check_mismatch<OtherDim>(file.path(), "dim", "16", "12");
    check_mismatch<OtherHiddenDim>(file.path(), "hidden_dim", "11", "10");
    check_mismatch<OtherLayers>(file.path(), "layers", "3", "2");
    check_mismatch<OtherHeads>(file.path(), "heads", "3", "2");
    check_mismatch<OtherKvHeads>(file.path(), "kv_heads", "2", "1");
    check_mismatch<OtherVocab>(file.path(), "vocab", "9", "8");
    check_mismatch<Tied>(file.path(), "tied_head", "1", "0");
  }
}

TEST_CASE("every truncated file is refused") {
  for (const auto& [name, bytes, header] : small_files()) {
    std::size_t accepted = 0;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const auto error = error_on_opening(std::string_view(bytes).substr(0, size));
      if (!error || error->code() != ErrorCode::malformed_file) ++accepted;
    }
    CAPTURE(name);
    CHECK(accepted == 0);
  }
}

TEST_CASE("a file with something behind its end is refused") {
  for (const auto& [name, bytes, header] : small_files()) {
    CAPTURE(name);
    const auto error = error_on_opening(bytes + '\0');
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::malformed_file);
    CHECK(error->details().expected == std::to_string(bytes.size()) + " bytes");
    CHECK(error->details().found == std::to_string(bytes.size() + 1));
  }
}

TEST_CASE("every change of one byte of a header gives an error or a model that runs") {
  for (const auto& [name, bytes, header] : small_files()) {
    CAPTURE(name);
    std::size_t refused = 0;
    std::size_t run = 0;
    const TempFile file("");
    for (std::size_t at = 0; at < header; ++at) {
      for (int value = 0; value < 256; ++value) {
        file.write(with(bytes, at, static_cast<std::uint8_t>(value)));
        try {
          const Checkpoint checkpoint = open_checkpoint(file.path());
          read_all(checkpoint);
          run += runs_as<Untied>(checkpoint) || runs_as<Tied>(checkpoint);
        } catch (const Error& error) {
          const bool says_why =
              error.code() == ErrorCode::malformed_file || error.code() == ErrorCode::unsupported;
          if (!says_why) FAIL("byte " << at << " = " << value << ": " << error.what());
          ++refused;
        }
      }
    }
    CHECK(run >= header);  // each byte once has the value that it had before
    CHECK(refused > run / 2);
  }
}

TEST_CASE("absurd headers are refused without taking memory") {
  const std::array<std::int32_t, 9> absurd = {
      int_max, int_min, -1, 0, 1 << 30, (1 << 24) + 1, -(1 << 30), 3 << 20, int_min + 1};
  for (const auto& [name, bytes, header] : small_files()) {
    const std::size_t first = name.starts_with("version 0") ? 0 : 8;
    for (std::size_t field = 0; field < 7; ++field) {
      for (const std::int32_t value : absurd) {
        // A longer context is a true one where the file has no tables to contradict it.
        if (field == 6 && value == 3 << 20 && first != 0) continue;
        CAPTURE(name, field, value);
        const TempFile file(with(bytes, first + 4 * field, value));
        reset_largest_allocation();
        const auto error = error_of([&] { open_checkpoint(file.path()); });
        CHECK(largest_allocation() < std::size_t{64} << 10);
        REQUIRE(error);
        CHECK(error->code() == ErrorCode::malformed_file);
        CHECK(error->details().file == file.path());
      }
    }
    std::string all = bytes;
    for (std::size_t field = 0; field < 7; ++field) all = with(all, first + 4 * field, int_max);
    CHECK(error_on_opening(all));
    // The largest sizes that are allowed at all.
    const std::array<std::int32_t, 7> limits = {1 << 20, 1 << 20, 1024,   1 << 19,
                                                1 << 19, 1 << 24, 1 << 24};
    for (std::size_t field = 0; field < 7; ++field)
      all = with(all, first + 4 * field, limits[field]);
    reset_largest_allocation();
    CHECK(error_on_opening(all));
    CHECK(largest_allocation() < std::size_t{64} << 10);
  }
}

TEST_CASE("a long context that the file only claims takes no memory by itself") {
  const std::string bytes = write_version_1(random_float_model<Untied>(5));
  const TempFile file(with(bytes, 32, std::int32_t{1} << 24));
  reset_largest_allocation();
  const auto model = load<Model<Untied>>(file.path(), one_thread);
  CHECK(largest_allocation() < std::size_t{64} << 10);
  CHECK(model.config().context == std::size_t{1} << 24);
  CHECK(same_bits(logits_of(model, text), expected_logits<Untied, F32>(5)));
}

TEST_CASE("quantisation groups that do not fit are refused") {
  const std::string bytes = write_version_2(random_float_model<Untied>(5), 8);
  constexpr std::size_t group_offset = 37;
  for (const std::int32_t size : {0, -1, int_min}) {
    const auto error = error_on_opening(with(bytes, group_offset, size));
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::malformed_file);
    CHECK(error->details().offset == group_offset);
    CHECK(error->details().found == std::to_string(size));
  }
  for (const std::int32_t size : {7, 97, 1 << 30, int_max}) {
    const auto error = error_on_opening(with(bytes, group_offset, size));
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::malformed_file);
    CHECK(error->details().tensor == "tok_embeddings.weight");
    CHECK(error->details().expected == "a multiple of " + std::to_string(size) + " elements");
    CHECK(error->details().found == "96");
  }
  // A group size that divides every tensor, but not the one that the file was written with.
  const auto error = error_on_opening(with(bytes, group_offset, std::int32_t{4}));
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::malformed_file);
}

TEST_CASE("errors say where a file is wrong") {
  const std::string version_1 = write_version_1(random_float_model<Untied>(5));

  auto error = error_on_opening(with(version_1, 4, std::int32_t{3}));
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::unsupported);
  CHECK(error->details().offset == 4u);
  CHECK(error->details().expected == "1 or 2");
  CHECK(error->details().found == "3");

  error = error_on_opening(with(version_1, 12, std::int32_t{-10}));  // hidden_dim
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::malformed_file);
  CHECK(error->details().offset == 12u);
  CHECK(error->details().found == "-10");

  error = error_on_opening(with(version_1, 36, std::uint8_t{2}));
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::malformed_file);
  CHECK(error->details().offset == 36u);
  CHECK(error->details().found == "2");

  error = error_on_opening(with(version_1, 20, std::int32_t{5}));  // heads
  REQUIRE(error);
  CHECK(error->details().tensor == "dim");
  CHECK(error->details().expected == "a multiple of 5");
  CHECK(error->details().found == "12");

  error = error_on_opening(with(version_1, 16, std::int32_t{0}));
  REQUIRE(error);
  CHECK(error->details().tensor == "layers");
  CHECK(error->details().expected == "1 to 1024");
  CHECK(error->details().found == "0");

  // The norms, 5 x 12 floats, come first; then the embedding, 8 x 12 floats.
  constexpr std::size_t embedding = 256 + 5 * 12 * 4;
  error = error_on_opening(version_1.substr(0, embedding + 383));
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::malformed_file);
  CHECK(error->details().tensor == "tok_embeddings.weight");
  CHECK(error->details().offset == embedding);
  CHECK(error->details().expected == "384 bytes");
  CHECK(error->details().found == "383");

  error = error_on_opening(version_1.substr(0, 255));
  REQUIRE(error);
  CHECK(error->details().expected == "at least 256 bytes");
  CHECK(error->details().found == "255");

  // Without a magic number the message must say that this may be no checkpoint at all.
  error = error_on_opening("It is a truth universally acknowledged, that a single man");
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::malformed_file);
  CHECK(std::string(error->what()).find("not a checkpoint") != std::string::npos);
}

TEST_CASE("what is no checkpoint is refused") {
  for (const std::size_t size : {0u, 1u, 4u, 7u, 8u, 27u}) {
    CAPTURE(size);
    for (const char fill : {'\0', '\xFF', 'x'}) {
      const auto error = error_on_opening(std::string(size, fill));
      REQUIRE(error);
      CHECK(error->code() == ErrorCode::malformed_file);
    }
    // The beginning of a tagged file.
    CHECK(error_on_opening(std::string("24ka\1\0\0\0", 8).substr(0, size)));
  }
  for (const std::string_view magic : {"GGUF", "PK\x03\x04"}) {
    const auto error = error_on_opening(std::string(magic) + std::string(100, '\1'));
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::unsupported);
  }
}

TEST_CASE("what cannot be opened is an i/o error with the path") {
  const std::string folder = std::filesystem::temp_directory_path().string();
  for (const std::string& path : {folder, folder + "/llama2 no such file", std::string()}) {
    CAPTURE(path);
    for (const FileAccess access : {FileAccess::map, FileAccess::read}) {
      const auto error = error_of([&] { open_checkpoint(path, access); });
      REQUIRE(error);
      CHECK(error->code() == ErrorCode::io);
      CHECK(error->details().file == path);
    }
  }
}
