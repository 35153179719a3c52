// GGUF files that this library writes, vocabularies in GGUF files, and output files in general.

#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "bin_writer.hpp"
#include "block_shapes.hpp"
#include "catch.hpp"
#include "error_of.hpp"
#include "gguf_bytes.hpp"
#include "golden.hpp"
#include "llama2/base/output_file.hpp"
#include "llama2/generate/score.hpp"
#include "llama2/io/gguf_writer.hpp"
#include "llama2/io/load.hpp"
#include "llama2/io/load_tokenizer.hpp"
#include "llama2/shape/shapes.hpp"
#include "logits.hpp"
#include "synthetic_tokenizer.hpp"
#include "temp_file.hpp"
#include "temp_folder.hpp"
#include "test_data.hpp"

using namespace llama2;
using namespace test;

namespace {

const std::array<Token, 5> text = {1, 3, 0, 2, 2};
const LoadOptions one_thread{.threads = 1};

void check_error(const std::optional<Error>& error, ErrorCode code, std::string_view name,
                 std::string_view message) {
  CAPTURE(name, message);
  REQUIRE(error);
  INFO(error->what());
  CHECK(error->code() == code);
  CHECK(error->details().tensor == name);
  CHECK(std::string_view(error->what()).find(message) != std::string_view::npos);
}

std::vector<float> decode_all(const Checkpoint& checkpoint, const StoredTensor& tensor) {
  std::vector<float> out(tensor.elements());
  checkpoint.decode(tensor, 0, out.size(), out.data());
  return out;
}

/// The floats, row by row, as what the encoding makes of them.
std::vector<float> through(Encoding encoding, std::size_t cols, std::vector<float> floats) {
  with_format(encoding, [&]<class F>(F) {
    std::vector<typename F::Block> blocks(row_blocks<F>(cols));
    for (std::size_t i = 0; i < floats.size(); i += cols) {
      F::encode(floats.data() + i, blocks.data(), cols);
      F::decode(blocks.data(), floats.data() + i, cols);
    }
  });
  return floats;
}

/// Whether `written` is `source` in the encoding, or in F16 where rows are not whole blocks.
void check_written(const Checkpoint& source, const Checkpoint& written, Encoding encoding,
                   bool packed = false) {
  REQUIRE(written.tensors.size() == source.tensors.size());
  for (const StoredTensor& original : source.tensors) {
    CAPTURE(to_string(original.id));
    const StoredTensor& stored = written.tensor(original.id);
    CHECK(stored.rows == original.rows);
    CHECK(stored.cols == original.cols);
    const bool is_block = encoding == Encoding::q8_0 || encoding == Encoding::q4_0;
    const Encoding expected = original.rows == 1                    ? Encoding::f32
                              : is_block && original.cols % 32 != 0 ? Encoding::f16
                                                                    : encoding;
    CHECK(stored.encoding == expected);
    CHECK(stored.in_panels == (packed && original.rows > 1));
    CHECK(stored.offset % (packed ? 64 : 32) == 0);
    CHECK((decode_all(written, stored) == through(expected, static_cast<std::size_t>(original.cols),
                                                  decode_all(source, original))));
  }
}

constexpr std::array encodings = {Encoding::f32, Encoding::f16, Encoding::bf16, Encoding::q8_0,
                                  Encoding::q4_0};

template <class Shape>
void check_round_trips() {
  const TempFile bin(write_version_1(random_float_model<Shape>(3)));
  const Checkpoint source = open_checkpoint(bin.path());
  const Vocabulary vocabulary = synthetic_vocabulary();
  const TempFile out("");
  for (const Encoding encoding : encodings) {
    CAPTURE(to_string(encoding));
    write_gguf(out.path(), source, encoding, &vocabulary);
    const Checkpoint written = open_checkpoint(out.path());
    CHECK(written.encoding == encoding);
    CHECK(written.shape.same_tensors(ShapeInfo::of<Shape>()));
    CHECK(written.shape.context == Shape::context);
    CHECK_FALSE(written.states_rope_theta);  // the source does not either
    check_written(source, written, encoding);
    CHECK(load_tokenizer(out.path()).vocab_size() == synthetic_vocab);

    const TempFile packed(""), again("");
    write_gguf(packed.path(), source, encoding, &vocabulary, {.pack = true});
    const Checkpoint panels = open_checkpoint(packed.path());
    CHECK(panels.encoding == encoding);
    check_written(source, panels, encoding, true);
    CHECK(load_tokenizer(packed.path()).vocab_size() == synthetic_vocab);
    // The same bytes from rows or panels, with any number of threads; and back again.
    const SharedExecutor two = std::make_shared<ThreadPool>(2);
    for (const Checkpoint& from : {std::cref(written), std::cref(panels)}) {
      write_gguf(again.path(), from, encoding, &vocabulary, {.executor = two, .pack = true});
      CHECK((read_file(again.path()) == read_file(packed.path())));
    }
    write_gguf(again.path(), panels, encoding, &vocabulary);
    CHECK((read_file(again.path()) == read_file(out.path())));

    // The model is the same to the last bit, in place or converted.
    with_format(encoding, [&]<class F>(F) {
      const auto check = [&]<class M>(std::type_identity<M>, const Checkpoint& file) {
        CHECK(same_bits(logits_of(load<M>(file, one_thread), text),
                        logits_of(load<M>(written, one_thread), text)));
      };
      using Uniform = Model<Shape, F>;
      check(std::type_identity<Uniform>(), panels);
      check(std::type_identity<Uniform>(), open_checkpoint(packed.path(), FileAccess::read));
      check(std::type_identity<
                Model<Shape, Mixed<F, std::conditional_t<std::is_same_v<F, F16>, F32, F16>>>>(),
            panels);
      check(std::type_identity<Model<Shape, F32>>(), panels);
    });
  }
}

bool same_vocabulary(const Vocabulary& a, const Vocabulary& b) {
  return std::ranges::equal(a.pieces, b.pieces,
                            [](const Piece& x, const Piece& y) {
                              return x.text == y.text && x.score == y.score && x.type == y.type;
                            }) &&
         a.unk_id == b.unk_id && a.bos_id == b.bos_id && a.eos_id == b.eos_id &&
         a.pad_id == b.pad_id && a.add_dummy_prefix == b.add_dummy_prefix &&
         a.remove_extra_whitespaces == b.remove_extra_whitespaces;
}

/// A vocabulary in a file without tensors.
GgufBytes vocabulary_bytes(const Vocabulary& vocabulary) {
  std::vector<std::string> texts;
  std::vector<float> scores;
  std::vector<std::int32_t> types;
  for (const Piece& piece : vocabulary.pieces) {
    texts.push_back(piece.text);
    scores.push_back(piece.score);
    types.push_back(static_cast<std::int32_t>(piece.type));
  }
  GgufBytes file;
  file.entries = {
      gguf_entry("general.architecture", "llama"), gguf_entry("tokenizer.ggml.model", "llama"),
      gguf_array("tokenizer.ggml.tokens", texts), gguf_array("tokenizer.ggml.scores", scores),
      gguf_array("tokenizer.ggml.token_type", types)};
  return file;
}

Vocabulary read_vocabulary(const GgufBytes& bytes) {
  const TempFile file(bytes.bytes());
  return read_gguf_vocabulary(GgufFile(std::make_shared<const InputFile>(file.path())));
}

std::optional<Error> error_on_loading(const GgufBytes& bytes) {
  const TempFile file(bytes.bytes());
  return error_of([&] { static_cast<void>(load_tokenizer(file.path())); });
}

/// Runs f while no file can grow beyond so many bytes.
void with_file_size_limit(std::size_t bytes, const std::function<void()>& f) {
  struct rlimit old{};
  ::getrlimit(RLIMIT_FSIZE, &old);
  struct rlimit low = old;
  low.rlim_cur = bytes;
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);  // an error code instead
  ::setrlimit(RLIMIT_FSIZE, &low);
  f();
  ::setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, old_handler);
}

}  // namespace

TEST_CASE("what is written in any encoding is read back as it was encoded") {
  check_round_trips<Blocks>();
  check_round_trips<Ragged>();
  check_round_trips<Odd>();
}

TEST_CASE("weights in a packed file are used where they lie") {
  const TempFile bin(write_version_1(random_float_model<Odd>(3)));
  const TempFile out(""), again("");
  using M = Model<Odd, Mixed<Q8_0, F16>>;
  write_gguf(out.path(), open_checkpoint(bin.path()), Encoding::q8_0, nullptr, {.pack = true});
  const Checkpoint checkpoint = open_checkpoint(out.path());
  const auto model = load<M>(checkpoint, one_thread);
  auto weights = model.weights();
  for_each_tensor(
      [&](TensorId id, const auto& tensor) {
        visit_view(tensor, [&](const auto& view) {
          const void* const lies_at = checkpoint.data(checkpoint.tensor(id)).data();
          CHECK((view.data == lies_at) == (tensor.rows > 1));
        });
      },
      weights);
  write_gguf(again.path(), model, nullptr, {.pack = true});
  const Checkpoint copy = open_checkpoint(again.path());
  for (const StoredTensor& stored : checkpoint.tensors)
    CHECK(std::ranges::equal(copy.data(copy.tensor(stored.id)), checkpoint.data(stored)));
  check_error(error_of([&] { load<Model<Odd, Q4_0>>(checkpoint, one_thread); }),
              ErrorCode::mismatch, "tok_embeddings.weight", "quantised already");
}

namespace {
struct Three {
  static constexpr std::size_t dim = 4, hidden_dim = 3, layers = 1, heads = 2, kv_heads = 2,
                               vocab = 67, context = 4;
  static constexpr bool tied_head = true;
};
}  // namespace

TEST_CASE("the panels of a packed file, worked out by hand") {
  static_assert(sizeof(PanelBlock<F32>) == 64 && sizeof(PanelBlock<F16>) == 32);
  static_assert(sizeof(PanelBlock<BF16>) == 64);
  static_assert(sizeof(PanelBlock<Q8_0>) == 544 && sizeof(PanelBlock<Q4_0>) == 288);
  // 67 rows: a stripe of 64, and one of 3. The number in row r and column c is r + c / 2.
  const GgufMetadata metadata{.shape = ShapeInfo::of<Three>(), .config = {.context = 4}};
  std::vector<GgufTensor> tensors;
  for (const auto& name : llama2::detail::gguf_names) {
    if (name.kind == TensorKind::output) continue;
    const auto [rows, cols] = extents(metadata.shape, name.kind);
    tensors.push_back(
        make_gguf_tensor({name.kind}, rows, cols, Encoding::bf16,
                         [](std::uint64_t row, std::size_t col, std::size_t n, float* out) {
                           for (std::size_t i = 0; i < n; ++i)
                             out[i] = static_cast<float>(row) + static_cast<float>(col + i) / 2;
                         }));
  }
  const TempFile out("");
  write_gguf(out.path(), metadata, tensors, {.pack = true});
  const Checkpoint file = open_checkpoint(out.path());
  const auto number = [&](TensorKind kind, std::size_t i) {
    BFloat16 value;
    std::memcpy(&value, file.data(file.tensor({kind})).data() + i * sizeof value, sizeof value);
    return to_float(value);
  };
  // (vocab, dim): blocks of 16 rows x 2 columns; of the four panels of the first stripe in turns,
  // then of the one of the second.
  constexpr TensorKind embedding = TensorKind::token_embedding;
  CHECK(file.tensor({embedding}).bytes == (4 + 1) * 2 * 16 * 2 * 2);
  CHECK(number(embedding, 0) == 0);
  CHECK(number(embedding, 1) == 0.5f);
  CHECK(number(embedding, 2) == 1);       // the next row
  CHECK(number(embedding, 32) == 16);     // the next panel
  CHECK(number(embedding, 4 * 32) == 1);  // the next columns
  CHECK(number(embedding, 8 * 32 + 2 * 2 + 1) == 66.5f);
  CHECK(number(embedding, 8 * 32 + 3 * 2) == 0);  // beyond the last row
  CHECK(number(embedding, 9 * 32) == 65);
  CHECK(number(embedding, 586 / 2) == 67.5f);  // row 66, column 3
  // (dim, hidden_dim): the last column has no neighbour.
  CHECK(file.tensor({TensorKind::w2}).bytes == 2 * 16 * 2 * 2);
  CHECK(number(TensorKind::w2, 32 + 3 * 2) == 4);
  CHECK(number(TensorKind::w2, 32 + 3 * 2 + 1) == 0);
  // A reader that does not know the type refuses it: it is no number of ggml's.
  const auto infos = GgufFile(file.file).read_tensors();
  CHECK(std::ranges::count(infos, packed_type + 30, &GgufTensorInfo::type) == 8);
}

TEST_CASE("a model writes itself") {
  const auto check = []<class M>(std::type_identity<M>) {
    ModelConfig config = ModelConfig::of<typename M::Shape>();
    config.norm_epsilon = 1e-6f;
    config.rope_theta = 20000;
    config.rope_scaling = {.kind = RopeScalingKind::linear, .factor = 2.5f};
    config.context = 11;
    const M model = make_random_model<M>(5, {}, config);
    const TempFile out("");
    write_gguf(out.path(), model);
    const M again = load<M>(out.path(), one_thread);
    CHECK(again.config().norm_epsilon == 1e-6f);
    CHECK(again.config().rope_theta == 20000);
    CHECK(again.config().rope_scaling == config.rope_scaling);
    CHECK(again.config().context == 11);
    CHECK(same_bits(logits_of(model, text), logits_of(again, text)));
  };
  check(std::type_identity<Model<Blocks, F32>>());
  check(std::type_identity<Model<Blocks, F16>>());
  check(std::type_identity<Model<Ragged, BF16>>());
}

TEST_CASE("a file keeps how positions are scaled") {
  using M = Model<Blocks>;
  using enum RopeScalingKind;
  for (const RopeScaling& scaling :
       {RopeScaling{}, RopeScaling{yarn, 4.0f, 4, 0.75f, 24.0f, 1.5f, true},
        RopeScaling{.kind = yarn, .factor = 3.0f}, RopeScaling{linear, 0.5f, 100, 1, 32, 1, true},
        RopeScaling{.kind = ntk, .factor = 5.0f}}) {
    ModelConfig config = ModelConfig::of<Blocks>();
    config.rope_scaling = scaling;
    const M model = make_random_model<M>(5, {}, config);
    const TempFile out(""), copy("");
    write_gguf(out.path(), model);
    write_gguf(copy.path(), open_checkpoint(out.path()), Encoding::f32);
    const M again = load<M>(copy.path(), one_thread);
    if (scaling.kind == ntk)  // as the theta that it amounts to
      CHECK(again.config().rope_theta == rotary_base(config, head_dim<Blocks>));
    else
      CHECK(again.config().rope_scaling == scaling);
    CHECK(same_bits(logits_of(model, text), logits_of(again, text)));
  }
}

TEST_CASE("encodings that stay the same are copied, others become exactly the new ones") {
  const TempFile bin(write_version_2(random_float_model<Blocks>(3), 32));
  const TempFile first("");
  const TempFile second("");
  for (const Encoding encoding : encodings) {
    CAPTURE(to_string(encoding));
    write_gguf(first.path(), open_checkpoint(bin.path()), encoding);
    write_gguf(second.path(), open_checkpoint(first.path()), encoding);
    CHECK((read_file(first.path()) == read_file(second.path())));
  }
  // From Q4_0, the last of them, to Q8_0.
  write_gguf(second.path(), open_checkpoint(first.path()), Encoding::q8_0);
  check_written(open_checkpoint(first.path()), open_checkpoint(second.path()), Encoding::q8_0);
}

TEST_CASE("a file has the same bytes for any number of threads, and says how far it is") {
  // The embedding is written in more than one piece of memory.
  const std::uint64_t rows = 3000;
  const std::uint64_t cols = 512;
  const auto source = [](std::uint64_t row, std::size_t col, std::size_t n, float* out) {
    for (std::size_t i = 0; i < n; ++i) out[i] = uniform_at(row, col + i);
  };
  const GgufMetadata metadata{.shape = {.dim = 512,
                                        .hidden_dim = 8,
                                        .layers = 1,
                                        .heads = 8,
                                        .kv_heads = 8,
                                        .vocab = rows,
                                        .context = 8,
                                        .tied_head = true},
                              .config = {.context = 8}};
  std::vector<GgufTensor> tensors;
  std::uint64_t elements = 0;
  for (const auto& name : llama2::detail::gguf_names) {
    if (name.kind == TensorKind::output) continue;
    const auto [r, c] = extents(metadata.shape, name.kind);
    tensors.push_back(make_gguf_tensor({name.kind}, r, c, Encoding::f32, source));
    elements += r * c;
  }
  const TempFile one("");
  const TempFile two("");
  std::vector<std::uint64_t> progress;
  std::uint64_t total = 0;
  write_gguf(one.path(), metadata, tensors,
             {.on_progress = [&](std::uint64_t done, std::uint64_t all) {
               progress.push_back(done);
               total = all;
             }});
  CHECK(progress.size() == tensors.size() + 1);
  CHECK(std::ranges::is_sorted(progress));
  CHECK(progress.back() == elements * sizeof(float));
  CHECK(total == progress.back());
  write_gguf(two.path(), metadata, tensors, {.executor = std::make_shared<ThreadPool>(2)});
  CHECK((read_file(one.path()) == read_file(two.path())));

  const GgufFile file(std::make_shared<const InputFile>(one.path()));
  const auto infos = file.read_tensors();
  REQUIRE(infos.size() == tensors.size());
  CHECK(infos[0].name == "token_embd.weight");
  CHECK(infos[0].extents == std::array<std::uint64_t, 4>{cols, rows, 1, 1});
  const std::string bytes = read_file(one.path());
  float last;
  std::memcpy(&last, bytes.data() + infos[0].offset + (rows * cols - 1) * sizeof(float),
              sizeof last);
  CHECK(last == uniform_at(rows - 1, cols - 1));
}

TEST_CASE("what a file says of its model in words is kept") {
  GgufBytes source = gguf_bytes(random_float_model<Blocks>(1));
  source.set(gguf_entry("general.name", "a name"));
  source.set(gguf_entry("general.file_type", "of the wrong type"));
  source.set(gguf_entry("tokenizer.chat_template", "{{ bos_token }}"));
  source.set(gguf_entry("other.key", "not copied"));
  const TempFile in(source.bytes()), out("");
  write_gguf(out.path(), open_checkpoint(in.path()), Encoding::f16);
  const GgufFile file(std::make_shared<const InputFile>(out.path()));
  CHECK(file.text("general.name") == "a name");
  CHECK(file.text("tokenizer.chat_template") == "{{ bos_token }}");
  CHECK(file.text("general.architecture") == "llama");
  CHECK(file.find("other.key") == nullptr);
}

TEST_CASE("what cannot be written is refused before a file is made") {
  const TempFolder folder;
  const std::string path = folder.file("m.gguf");
  const TempFile bin(write_version_1(random_float_model<Blocks>(3)));
  const Checkpoint source = open_checkpoint(bin.path());
  check_error(error_of([&] { write_gguf(path, source, Encoding::int8_grouped); }),
              ErrorCode::unsupported, "", "8-bit groups");
  Vocabulary vocabulary = synthetic_vocabulary();
  vocabulary.pieces.pop_back();
  check_error(error_of([&] { write_gguf(path, source, Encoding::f32, &vocabulary); }),
              ErrorCode::mismatch, "vocab", "not the model's");
  vocabulary = synthetic_vocabulary();
  vocabulary.pieces[10].text = vocabulary.pieces[11].text;
  check_error(error_of([&] { write_gguf(path, source, Encoding::f32, &vocabulary); }),
              ErrorCode::malformed_file, "piece 11", "piece");
  const auto with = [&](const std::function<void(GgufTensor&)>& change) {
    GgufTensor tensor = make_gguf_tensor(source, source.tensor({TensorKind::w2, 1}), Encoding::f32);
    change(tensor);
    return error_of(
        [&] { write_gguf(path, {.shape = source.shape, .config = source.config}, {&tensor, 1}); });
  };
  check_error(with([](GgufTensor& t) { t.id.layer = 99; }), ErrorCode::mismatch,
              "blk.99.ffn_down.weight", "no such layer");
  check_error(with([](GgufTensor& t) { t.cols = 0; }), ErrorCode::mismatch, "blk.1.ffn_down.weight",
              "wrong extents");
  check_error(with([](GgufTensor& t) { t.encoding = Encoding::int8_grouped; }),
              ErrorCode::unsupported, "", "8-bit groups");
  check_error(with([](GgufTensor&) {}), ErrorCode::mismatch, "", "not all tensors of the shape");
  const GgufTensor w2 = make_gguf_tensor(source, source.tensor({TensorKind::w2, 1}), Encoding::f32);
  const auto whole = [&](const std::function<void(GgufMetadata&)>& change) {
    GgufMetadata metadata{.shape = source.shape, .config = source.config};
    change(metadata);
    const std::array twice = {w2, w2};
    return error_of([&] {
      write_gguf(path, metadata,
                 metadata.texts.empty() && metadata.config.context == source.config.context
                     ? std::span<const GgufTensor>(twice)
                     : std::span<const GgufTensor>());
    });
  };
  check_error(whole([](GgufMetadata&) {}), ErrorCode::mismatch, "blk.1.ffn_down.weight",
              "this tensor twice");
  constexpr auto invalid = ErrorCode::invalid_argument;
  check_error(whole([](GgufMetadata& m) { m.config.context = std::size_t{1} << 40; }), invalid,
              "context", "at most 2^24");
  check_error(whole([](GgufMetadata& m) { m.texts = {{"general.alignment", "x"}}; }), invalid,
              "general.alignment", "none that the writer sets");
  check_error(whole([](GgufMetadata& m) { m.texts = {{"a", "x"}, {"b", "x"}, {"a", "y"}}; }),
              invalid, "a", "this key twice");
  CHECK(whole([](GgufMetadata& m) { m.texts = {{std::string(70'000, 'k'), "x"}}; }));
  CHECK(folder.names().empty());
}

TEST_CASE("a file that is read is never replaced, whatever its name") {
  const TempFolder folder;
  const std::string bytes = write_version_1(random_float_model<Blocks>(3));
  const std::string input = folder.file("in.bin");
  write_file(input, bytes);
  std::filesystem::create_symlink(input, folder.file("symbolic"));
  std::filesystem::create_hard_link(input, folder.file("hard"));
  const Checkpoint source = open_checkpoint(input);
  const auto names = folder.names();
  for (const std::string& output :
       {input, folder.file("symbolic"), folder.file("hard"), folder.file("./in.bin")}) {
    const auto error = error_of([&] { write_gguf(output, source, Encoding::f16); });
    check_error(error, ErrorCode::invalid_argument, "", "would replace a file that is read");
    CHECK(error->details().file == output);
    CHECK((read_file(input) == bytes));
    CHECK(folder.names() == names);
  }
}

TEST_CASE("quantised weights are rounded to another format only when that is asked for") {
  const TempFile bin(write_version_1(random_float_model<Ragged>(3)));
  const TempFile q8("");
  write_gguf(q8.path(), open_checkpoint(bin.path()), Encoding::q8_0);
  // w2, whose rows are not whole blocks, is F16 in the file and quantised unasked.
  CHECK_NOTHROW(load<Model<Ragged, Q8_0>>(q8.path(), one_thread));
  CHECK_NOTHROW(load<Model<Ragged, F16>>(q8.path(), one_thread));
  const auto error = error_of([&] { load<Model<Ragged, Q4_0>>(q8.path(), one_thread); });
  check_error(error, ErrorCode::mismatch, "tok_embeddings.weight", "quantised already");
  CHECK(error->details().expected == "Q4_0");
  CHECK(error->details().found == "Q8_0");
  LoadOptions options = one_thread;
  options.requantize = true;
  const auto model = load<Model<Ragged, Q4_0>>(q8.path(), options);
  const auto twice = load<Model<Ragged, F32>>(q8.path(), one_thread);
  BlockQ4_0 expected, found;
  std::vector<float> row(Ragged::dim);
  twice.weights().layers[1].wq.decode_row(5, row.data());
  Q4_0::encode(row.data(), &expected, 32);
  model.weights().layers[1].wq.copy_row(5, 0, 1, &found);
  CHECK(std::memcmp(&found, &expected, sizeof expected) == 0);
}

TEST_CASE("a mixed model holds each matrix as the file does, else in its first format") {
  const TempFile bin(write_version_1(random_float_model<Ragged>(3)));
  const TempFile out("");
  using M = Model<Ragged, Mixed<Q8_0, F16>>;
  const auto formats = [&](Encoding encoding) {
    write_gguf(out.path(), open_checkpoint(bin.path()), encoding);
    const auto model = load<M>(out.path(), one_thread);
    const auto name = [](const auto& tensor) {
      return visit_view(tensor,
                        []<class View>(const View&) { return std::string(View::Format::name); });
    };
    return name(model.weights().layers[0].wq) + " " + name(model.weights().layers[0].w2);
  };
  CHECK(M::name().ends_with(" in Mixed<Q8_0, F16>"));
  CHECK(formats(Encoding::q8_0) == "Q8_0 F16");
  CHECK(formats(Encoding::f16) == "F16 F16");
  CHECK(formats(Encoding::f32) == "Q8_0 Q8_0");
  check_error(error_of([&] { formats(Encoding::q4_0); }), ErrorCode::mismatch,
              "tok_embeddings.weight", "quantised already");

  // Written again, it has the same tensors.
  write_gguf(out.path(), open_checkpoint(bin.path()), Encoding::q8_0);
  const auto mixed = load<M>(out.path(), one_thread);
  const TempFile again("");
  write_gguf(again.path(), mixed);
  const Checkpoint copy = open_checkpoint(again.path()), original = open_checkpoint(out.path());
  for (const StoredTensor& stored : original.tensors) {
    CHECK(copy.tensor(stored.id).encoding == stored.encoding);
    CHECK(std::ranges::equal(copy.data(copy.tensor(stored.id)), original.data(stored)));
  }
  // The logits are those of the uniform model but for w2, and those of F16 where all is F16.
  const auto uniform = load<Model<Ragged, Q8_0>>(out.path(), one_thread);
  const std::vector<Token> tokens = {1, 5, 9, 2};
  const auto a = test::logits_of(mixed, tokens), b = test::logits_of(uniform, tokens);
  CHECK(test::relative_error(a, std::vector<double>(b.begin(), b.end())) < 0.1);
  CHECK_FALSE(test::same_bits(a, b));
  CHECK(M::memory.weights() == Model<Ragged, F16>::memory.weights());  // an upper bound
}

TEST_CASE("damaged weights show, in every format") {
  auto damaged = random_float_model<Blocks>(3);
  damaged[TensorKind::wq][7] = std::numeric_limits<float>::quiet_NaN();
  const TempFile bin(write_version_1(damaged));
  const TempFile out("");
  for (const Encoding encoding : encodings) {
    CAPTURE(to_string(encoding));
    write_gguf(out.path(), open_checkpoint(bin.path()), encoding);
    with_format(encoding, [&]<class F>(F) {
      const auto model = load<Model<Blocks, F>>(out.path(), one_thread);
      check_error(error_of([&] { log_probabilities(model, std::vector<Token>{1, 2, 3}); }),
                  ErrorCode::malformed_file, "", "weights are damaged");
      return 0;
    });
  }
}

TEST_CASE("loading tells how far it is, and can be ended") {
  const TempFile bin(write_version_1(random_float_model<Ragged>(3)));
  LoadOptions options = one_thread;
  std::vector<std::uint64_t> seen;
  std::uint64_t all = 0;
  options.on_progress = [&](std::uint64_t done, std::uint64_t total) {
    seen.push_back(done);
    all = total;
  };
  const auto floats = load<Model<Ragged, F32>>(bin.path(), options);
  CHECK(seen.size() == 1 + 2 * 9 + 1 + (Ragged::tied_head ? 0 : 1));
  CHECK(std::ranges::is_sorted(seen));
  CHECK(seen.back() == all);
  options.on_progress = [](std::uint64_t, std::uint64_t) { throw 7; };
  CHECK_THROWS_AS((load<Model<Ragged, F16>>(bin.path(), options)), int);
}

TEST_CASE("a model that was converted needs its file no longer") {
  auto bin = std::make_unique<TempFile>(write_version_1(random_float_model<Ragged>(3)));
  const auto model = load<Model<Ragged, Q4_0>>(bin->path(), one_thread);
  const std::vector<Token> tokens = {1, 5, 9};
  const auto expected = test::logits_of(model, tokens);
  std::filesystem::resize_file(bin->path(), 0);  // whoever still read from a mapping would die
  CHECK(test::same_bits(test::logits_of(model, tokens), expected));
}

// Output files.

TEST_CASE("an output file appears when it is complete") {
  const TempFolder folder;
  const std::string path = folder.file("out");
  std::string expected;
  {
    OutputFile out(path);
    for (int i = 0; i < 1000; ++i) {
      const std::string piece(static_cast<std::size_t>(i * 7 % 5000),
                              static_cast<char>('a' + i % 26));
      out.write(piece);
      expected += piece;
    }
    const std::string large((std::size_t{3} << 20) + 1, 'L');  // more than is collected
    out.write(large);
    out.write("end");
    expected += large + "end";
    CHECK_FALSE(std::filesystem::exists(path));
    CHECK(folder.names().size() == 1);  // beside it
    out.commit();
    CHECK((read_file(path) == expected));
  }
  CHECK(folder.names() == std::vector<std::string>{"out"});
  {
    OutputFile abandoned(path);
    abandoned.write("something else");
  }
  CHECK((read_file(path) == expected));
  CHECK(folder.names() == std::vector<std::string>{"out"});

  ::chmod(path.c_str(), 0640);
  OutputFile replacement(path);
  replacement.write("new");
  replacement.commit();
  CHECK(read_file(path) == "new");
  struct stat status{};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0640);
}

TEST_CASE("an output file that cannot be made is an i/o error with the path") {
  const TempFolder folder;
  for (const std::string& path :
       {folder.file("no/such/folder"), folder.file(""), folder.file(std::string(300, 'x')),
        std::string("/dev/null"), std::string()}) {
    CAPTURE(path);
    const auto error = error_of([&] { OutputFile out(path); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::io);
    CHECK(error->details().file == path);
  }
  CHECK(folder.names().empty());
}

TEST_CASE("wherever the disk is full, the old file stays and nothing else") {
  const TempFolder folder;
  const std::string path = folder.file("m.gguf");
  const TempFile bin(write_version_1(random_float_model<Blocks>(3)));
  const Checkpoint source = open_checkpoint(bin.path());
  const Vocabulary vocabulary = synthetic_vocabulary();
  write_gguf(path, source, Encoding::f32, &vocabulary);
  const std::size_t size = std::filesystem::file_size(path);
  for (const bool replaces : {false, true}) {
    if (replaces)
      write_file(path, "old");
    else
      std::filesystem::remove(path);
    for (std::size_t limit = 0; limit < size; limit += size / 23) {
      CAPTURE(limit);
      std::optional<Error> error;
      with_file_size_limit(limit, [&] {
        error = error_of([&] { write_gguf(path, source, Encoding::f32, &vocabulary); });
      });
      check_error(error, ErrorCode::io, "", "cannot write");
      CHECK(error->details().file == path);
      CHECK(folder.names() ==
            (replaces ? std::vector<std::string>{"m.gguf"} : std::vector<std::string>{}));
      if (replaces) CHECK(read_file(path) == "old");
    }
  }
}

// Vocabularies.

TEST_CASE("a vocabulary survives in a file") {
  Vocabulary vocabulary = synthetic_vocabulary();
  const TempFile bin(write_version_1(random_float_model<Blocks>(3)));
  const Checkpoint source = open_checkpoint(bin.path());
  const TempFile out("");
  const auto again = [&] {
    write_gguf(out.path(), source, Encoding::f32, &vocabulary);
    return read_gguf_vocabulary(GgufFile(std::make_shared<const InputFile>(out.path())));
  };
  CHECK(same_vocabulary(again(), vocabulary));
  vocabulary.pad_id = 0;
  vocabulary.bos_id = 2;
  vocabulary.eos_id = 1;
  vocabulary.add_dummy_prefix = false;
  vocabulary.remove_extra_whitespaces = true;
  CHECK(same_vocabulary(again(), vocabulary));

  const Tokenizer tokenizer = load_tokenizer(out.path());
  CHECK(tokenizer.encode("the thin", {.bos = true}) ==
        Tokenizer::from_vocabulary(vocabulary).encode("the thin", {.bos = true}));
  CHECK(load_tokenizer(out.path(), FileAccess::read).vocab_size() == synthetic_vocab);
}

TEST_CASE("a silent file has the usual special tokens") {
  const Vocabulary vocabulary = read_vocabulary(vocabulary_bytes(synthetic_vocabulary()));
  CHECK(same_vocabulary(vocabulary, synthetic_vocabulary()));
  CHECK(vocabulary.add_dummy_prefix);
  CHECK_FALSE(vocabulary.pad_id);
  REQUIRE(vocabulary.offsets.size() == synthetic_vocab);
  // Each offset is that of the piece's length.
  const std::string bytes = vocabulary_bytes(synthetic_vocabulary()).bytes();
  for (std::size_t i = 0; i < synthetic_vocab; ++i)
    if (!std::string_view(bytes)
             .substr(vocabulary.offsets[i])
             .starts_with(gguf_string(vocabulary.pieces[i].text)))
      FAIL("piece " << i << " is not at byte " << vocabulary.offsets[i]);
}

TEST_CASE("added tokens that are markers cannot be typed") {
  for (const char* marker :
       {"<|im_start|>", "[INST]", "<pad>", "\u2581<|x|>", "<x>\u2581", "<<SYS>>"})
    CHECK(looks_like_marker(marker));
  for (const char* plain :
       {"<>", "[]", "<", "", "\u2581\u2581", "a<b>", "<b", "[1", "\n\n", "\u2581"})
    CHECK_FALSE(looks_like_marker(plain));

  Vocabulary vocabulary = synthetic_vocabulary();
  const auto add = [&](std::string piece) {
    vocabulary.pieces.push_back({.text = std::move(piece), .type = PieceType::user_defined});
    return static_cast<Token>(vocabulary.pieces.size() - 1);
  };
  const Token marker = add("<|im_end|>");
  const Token spaces = add("\u2581\u2581\u2581");
  const Token padding = add("endoftext");
  GgufBytes bytes = vocabulary_bytes(vocabulary);
  bytes.set(gguf_entry("tokenizer.ggml.eos_token_id", static_cast<std::uint32_t>(marker)));
  bytes.set(gguf_entry("tokenizer.ggml.padding_token_id", static_cast<std::uint32_t>(padding)));
  const TempFile file(bytes.bytes());
  const Tokenizer tokenizer = load_tokenizer(file.path());
  CHECK(tokenizer.eos() == marker);
  CHECK(tokenizer.type(marker) == PieceType::control);
  CHECK(tokenizer.type(padding) == PieceType::control);
  CHECK(tokenizer.type(spaces) == PieceType::user_defined);
  const auto typed = tokenizer.encode("a<|im_end|>   endoftext");
  CHECK(std::ranges::count(typed, marker) == 0);
  CHECK(std::ranges::count(typed, padding) == 0);
  CHECK(std::ranges::count(typed, spaces) == 1);
  CHECK(tokenizer.decode(typed) == "a<|im_end|>   endoftext");
}

TEST_CASE("damaged vocabularies are refused") {
  const auto with = [](const GgufEntry& entry) {
    GgufBytes file = vocabulary_bytes(synthetic_vocabulary());
    file.set(entry);
    return error_on_loading(file);
  };
  constexpr auto malformed = ErrorCode::malformed_file;
  check_error(with(gguf_entry("tokenizer.ggml.model", "gpt2")), ErrorCode::unsupported,
              "tokenizer.ggml.model", "expected \"llama\"; found \"gpt2\"");
  for (const char* key : {"tokenizer.ggml.model", "tokenizer.ggml.tokens", "tokenizer.ggml.scores",
                          "tokenizer.ggml.token_type"}) {
    check_error(with(gguf_entry(key, 1u)), malformed, key, "wrong type");
    check_error(with(gguf_array<double>(key, {1, 2})), malformed, key, "wrong type");
    GgufBytes file = vocabulary_bytes(synthetic_vocabulary());
    file.erase(key);
    check_error(error_on_loading(file), malformed, key, "lack this key");
  }
  const std::vector<float> short_scores(synthetic_vocab - 1, 0.0f);
  check_error(with(gguf_array("tokenizer.ggml.scores", short_scores)), malformed,
              "tokenizer.ggml.scores", "not one element for each piece; expected 294; found 293");
  std::vector<std::int32_t> types(synthetic_vocab + 1, 1);
  check_error(with(gguf_array("tokenizer.ggml.token_type", types)), malformed,
              "tokenizer.ggml.token_type", "found 295");
  types.pop_back();
  for (const std::int32_t type : {0, 7, -1, std::numeric_limits<std::int32_t>::min()}) {
    types[5] = type;
    check_error(with(gguf_array("tokenizer.ggml.token_type", types)), malformed,
                "tokenizer.ggml.token_type",
                "unknown type of piece 5; expected 1 to 6; found " + std::to_string(type));
  }
  for (const char* key : {"tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id",
                          "tokenizer.ggml.unknown_token_id", "tokenizer.ggml.padding_token_id"}) {
    check_error(with(gguf_entry(key, 294u)), malformed, key, "not a token of the vocabulary");
    check_error(with(gguf_entry(key, ~std::uint64_t{0})), malformed, key, "not a token");
    check_error(with(gguf_entry(key, std::int32_t{-1})), malformed, key, "negative");
    check_error(with(gguf_entry(key, "1")), malformed, key, "an integer");
  }
  check_error(with(gguf_entry("tokenizer.ggml.add_space_prefix", 1u)), malformed,
              "tokenizer.ggml.add_space_prefix", "a truth value");

  const auto piece = [](const std::function<void(Vocabulary&)>& change) {
    Vocabulary vocabulary = synthetic_vocabulary();
    change(vocabulary);
    return error_on_loading(vocabulary_bytes(vocabulary));
  };
  check_error(piece([](Vocabulary& v) { v.pieces[3].text = "<0x-1>"; }), malformed, "piece 3",
              "no byte's name");
  check_error(piece([](Vocabulary& v) { v.pieces[270].text.assign(513, 'x'); }), malformed,
              "piece 270", "too long; expected at most 512 bytes; found 513");
  check_error(piece([](Vocabulary& v) { v.pieces[270].text = "\xFF"; }), malformed, "piece 270",
              "not valid UTF-8");
  check_error(piece([](Vocabulary& v) { v.pieces[270].text = v.pieces[271].text; }), malformed,
              "piece 271", "twice");
  check_error(
      piece([](Vocabulary& v) { v.pieces[270].score = std::numeric_limits<float>::quiet_NaN(); }),
      malformed, "piece 270", "not a finite number");
  for (const std::size_t count : {0u, 1u, 2u, 3u, 100u}) {  // too few for what every one has
    CAPTURE(count);
    const auto error = piece([&](Vocabulary& v) { v.pieces.resize(count); });
    REQUIRE(error);
    CHECK(error->code() == malformed);
  }
  const std::size_t many = max_pieces + 1;
  GgufBytes file = vocabulary_bytes({});
  file.set(gguf_array("tokenizer.ggml.tokens", std::vector<std::string>(many)));
  file.set(gguf_array("tokenizer.ggml.scores", std::vector<float>(many)));
  file.set(gguf_array("tokenizer.ggml.token_type", std::vector<std::int32_t>(many)));
  check_error(error_on_loading(file), malformed, "tokenizer.ggml.tokens", "too many pieces");
}

TEST_CASE("every cut and every changed byte of a vocabulary is refused or harmless") {
  const std::string good = vocabulary_bytes(synthetic_vocabulary()).bytes();
  const TempFile file(good);
  const auto loads = [&](const std::string& bytes) {
    file.write(bytes);
    try {
      const Tokenizer tokenizer = load_tokenizer(file.path());
      for (const Token token : tokenizer.encode("the <s> </s> <unk> \u65E5"))
        if (tokenizer.is_control(token)) FAIL("text became a control token");
      return true;
    } catch (const Error&) {
      return false;
    }
  };
  CHECK(loads(good));
  std::size_t loaded = 0;
  for (std::size_t size = 0; size < good.size() - 31; size += 3)
    loaded += loads(good.substr(0, size)) ? 1 : 0;
  CHECK(loaded == 0);
  std::size_t refused = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string changed = good;
    changed[i] = static_cast<char>(changed[i] ^ (i % 2 == 0 ? 0x01 : 0x80));
    refused += loads(changed) ? 0 : 1;
  }
  CHECK(refused > good.size() / 4);
}

// Real files.

TEST_CASE("stories260K in every encoding is what encoding and decoding make of it") {
  const auto bin = test_data("model-stories260K/stories260K.bin");
  if (!bin) return;
  const Tokenizer tokenizer = load_tokenizer(test_data("model-stories260K/tok512.bin")->string());
  Checkpoint source = open_checkpoint(bin->string());
  source.config.norm_epsilon = 1e-6f;
  source.config.rope_theta = 20000;
  source.states_rope_theta = true;
  const TempFile out("");
  for (const Encoding encoding : encodings) {
    CAPTURE(to_string(encoding));
    write_gguf(out.path(), source, encoding, &tokenizer.vocabulary());
    const Checkpoint written = open_checkpoint(out.path());
    CHECK(written.encoding == encoding);
    CHECK(written.config.norm_epsilon == 1e-6f);
    CHECK(written.config.rope_theta == 20000);
    CHECK(written.config.context == 512);
    check_written(source, written, encoding);
    const Tokenizer again = load_tokenizer(out.path());
    CHECK(same_vocabulary(again.vocabulary(), tokenizer.vocabulary()));
    const std::string story = "Once upon a time, there was a little girl named Lily. <s>\u65E5";
    CHECK(again.encode(story) == tokenizer.encode(story));
  }
}

TEST_CASE("stories260K in 32-bit floats gives the same logits from a GGUF") {
  const auto bin = test_data("model-stories260K/stories260K.bin");
  if (!bin) return;
  const TempFile out("");
  write_gguf(out.path(), open_checkpoint(bin->string()), Encoding::f32);
  using M = Model<Stories260K>;
  const auto expected = logits_of(load<M>(bin->string(), one_thread), text);
  CHECK(same_bits(logits_of(load<M>(out.path(), one_thread), text), expected));
  const M model = load<M>(bin->string(), one_thread);
  write_gguf(out.path(), model);
  CHECK(same_bits(logits_of(load<M>(out.path(), one_thread), text), expected));
}

TEST_CASE("the Llama 2 vocabulary in a GGUF gives the known tokens") {
  const auto path = test_data("tokenizer-llama2/ggml-vocab-llama-spm.gguf");
  if (!path) return;
  const Tokenizer original =
      load_tokenizer(test_data("tokenizer-llama2/tokenizer.model")->string());
  // A file of ours with the same vocabulary, and no tensors.
  const TempFile ours("");
  ShapeInfo shape = ShapeInfo::of<Blocks>();
  shape.vocab = original.vocab_size();
  write_gguf(
      ours.path(),
      {.shape = shape, .config = ModelConfig::of<Blocks>(), .vocabulary = &original.vocabulary()},
      {});
  for (const std::string& file : {path->string(), ours.path()}) {
    CAPTURE(file);
    const Tokenizer tokenizer = load_tokenizer(file);
    CHECK(same_vocabulary(tokenizer.vocabulary(), original.vocabulary()));
    std::size_t texts = 0;
    std::size_t wrong = 0;
    for (const char* name : {"llama-tokenizer-js-vectors.json", "llama2c-vectors.json"}) {
      const auto vectors = nlohmann::json::parse(
          read_file(test_data(std::string("tokenizer-llama2/") + name)->string()));
      for (const auto& entry : vectors.at("encode")) {
        ++texts;
        wrong += tokenizer.encode(entry.at("text").get<std::string>(), {.bos = true}) !=
                 entry.at("ids").get<std::vector<Token>>();
      }
    }
    std::ifstream golden(*test_data("tokenizer-llama2/spm-golden.jsonl"));
    for (std::string line; std::getline(golden, line); ++texts) {
      const auto entry = nlohmann::json::parse(line);
      wrong += tokenizer.encode(entry.at("text").get<std::string>()) !=
               entry.at("ids").get<std::vector<Token>>();
    }
    CHECK(texts == 12 + 5 + 289);
    CHECK(wrong == 0);
  }
}
