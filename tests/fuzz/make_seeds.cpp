// Writes the corpora: for each fuzz target some good files, from which a fuzzer starts, and one
// damaged file per class of bug that readers of these formats have had, named after it.
//
//   make_seeds FOLDER    writes FOLDER/<target>/<name>

#include <bit>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bin_writer.hpp"
#include "gguf_bytes.hpp"
#include "llama2/base/checksum.hpp"
#include "llama2/base/hash.hpp"
#include "llama2/format/quantised.hpp"
#include "llama2/io/gguf_file.hpp"
#include "llama2/model/cache_file.hpp"
#include "llama2/model/random_model.hpp"
#include "llama2/text/vocabulary.hpp"
#include "seed_shapes.hpp"
#include "temp_file.hpp"

using namespace test;

namespace {

constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();

/// Writes files of one target.
class Corpus {
 public:
  Corpus(const std::filesystem::path& folder, const char* target) : folder_(folder / target) {
    std::filesystem::create_directories(folder_);
  }

  void add(const std::string& name, std::string_view bytes) const {
    std::ofstream file(folder_ / name, std::ios::binary);
    file << bytes;
    file.close();
    if (!file) throw std::runtime_error("cannot write " + (folder_ / name).string());
  }

 private:
  std::filesystem::path folder_;
};

// GGUF.

GgufBytes least_gguf() {
  return gguf_bytes(random_float_model<SeedLeast>(1));
}

/// The file of SeedBlocks with its matrices in Q4_0, one of them in Q8_0.
GgufBytes blocks_gguf() {
  GgufBytes file = gguf_bytes(random_float_model<SeedBlocks>(1));
  for (GgufBytesTensor& tensor : file.tensors)
    if (tensor.extents.size() == 2) {
      const bool wide = tensor.name == "blk.0.attn_k.weight";
      tensor.type = wide ? 8 : 2;
      tensor.data.assign(tensor.extents[0] / 32 * tensor.extents[1] * (wide ? 34u : 18u), '\x2A');
    }
  return file;
}

void write_gguf(const Corpus& corpus) {
  const auto changed = [&](const char* name, const std::function<void(GgufBytes&)>& change) {
    GgufBytes file = least_gguf();
    change(file);
    corpus.add(name, file.bytes());
  };
  /// For damage that is found before the tensors: without them the file is as bad, and smaller.
  const auto headless = [&](const char* name, const std::function<void(GgufBytes&)>& change) {
    changed(name, [&](GgufBytes& file) {
      file.tensors.clear();
      change(file);
    });
  };
  const auto metadata = [&](const char* name, const GgufEntry& value) {
    headless(name, [&](GgufBytes& file) { file.set(value); });
  };
  constexpr const char* wq = "blk.0.attn_q.weight";

  changed("seed_version_3", [](GgufBytes&) {});
  changed("seed_version_2", [](GgufBytes& file) {
    file.version = 2;
    file.erase("llama.attention.layer_norm_rms_epsilon");
    file.erase_tensor("output.weight");
  });
  changed("seed_all_keys", [](GgufBytes& file) {
    file.set(gguf_entry("general.name", "a name"));
    file.set(gguf_entry("general.alignment", 8u));
    file.alignment = 8;
    file.set(gguf_array<std::string>("general.tags", {"one", "two"}));
    file.set(gguf_array<std::uint32_t>("llama.feed_forward_length", {3}));
    file.set(gguf_array<std::int32_t>("llama.attention.head_count", {2}));
    file.set(gguf_entry("llama.attention.key_length", std::uint16_t{2}));
    file.set(gguf_entry("llama.rope.freq_base", 20000.0));
    file.set(gguf_entry("llama.rope.scaling.type", "linear"));
    file.set(gguf_entry("llama.rope.scaling.factor", 2.0f));
    file.set(gguf_entry("llama.rope.dimension_count", std::int64_t{2}));
    file.set(gguf_entry("llama.vocab_size", std::uint8_t{4}));
    file.set(gguf_entry("split.count", std::uint16_t{1}));
    file.set(gguf_entry("a.truth", true));
  });
  changed("seed_yarn", [](GgufBytes& file) {
    file.set(gguf_entry("llama.rope.scaling.type", "yarn"));
    file.set(gguf_entry("llama.rope.scaling.factor", 4.0f));
    file.set(gguf_entry("llama.rope.scaling.original_context_length", 2u));
    file.set(gguf_entry("llama.rope.scaling.finetuned", true));
    file.set(gguf_entry("llama.rope.scaling.attn_factor", 0.5f));
    file.set(gguf_entry("llama.rope.scaling.yarn_beta_fast", 16.0f));
    file.set(gguf_entry("llama.rope.scaling.yarn_beta_slow", 2.0f));
  });
  changed("seed_half_and_bfloat", [](GgufBytes& file) {
    bool half = false;
    for (GgufBytesTensor& tensor : file.tensors)
      if (tensor.extents.size() == 2) {
        tensor.type = (half = !half) ? 1 : 30;
        tensor.data.resize(tensor.data.size() / 2);
      }
  });
  corpus.add("seed_blocks", blocks_gguf().bytes());
  corpus.add("seed_panels", packed(least_gguf()).bytes());

  /// For what is wrong with all panels: one tensor has them, and is enough.
  const auto panels = [&](const char* name, const std::function<void(GgufBytes&)>& change) {
    GgufBytes file = packed(least_gguf());
    file.tensors = {file.tensor("token_embd.weight")};
    change(file);
    corpus.add(name, file.bytes());
  };
  constexpr const char* panels_version = "llama2.panels.version";
  panels("panels_without_a_version", [&](GgufBytes& file) { file.erase(panels_version); });
  panels("panels_of_another_version",
         [&](GgufBytes& file) { file.set(gguf_entry(panels_version, 2u)); });
  panels("misaligned_panels", [](GgufBytes& file) {
    file.alignment = 32;
    file.set(gguf_entry("general.alignment", 32u));
    file.tensors[0].offset = file.header().size() % 64 == 0 ? 32 : 0;
    file.tensors[0].data.append(32, '\0');
  });
  panels("truncated_in_panels", [](GgufBytes& file) { file.tensors[0].data.resize(4 * 4 * 4); });
  panels("unknown_type_in_panels", [](GgufBytes& file) { file.tensors[0].type = packed_type + 3; });

  corpus.add("empty", "");
  corpus.add("four_bytes", "GGUF");
  corpus.add("version_1", "GGUF" + bytes_of(1u) + std::string(16, '\0'));
  corpus.add("big_endian", "GGUF" + bytes_of(0x03000000u) + std::string(16, '\0'));

  // Counts and lengths beyond the file, as they are and times the size of what they count.
  headless("huge_tensor_count", [](GgufBytes& file) { file.tensor_count = most; });
  headless("tensor_count_times_size_wraps",
           [](GgufBytes& file) { file.tensor_count = most / sizeof(llama2::GgufTensorInfo) + 2; });
  headless("huge_key_count", [](GgufBytes& file) { file.entry_count = most; });
  headless("key_count_times_size_wraps",
           [](GgufBytes& file) { file.entry_count = most / sizeof(llama2::GgufValue) + 2; });
  headless("one_key_too_many", [](GgufBytes& file) { file.entry_count = file.entries.size() + 1; });
  headless("one_tensor_too_many", [](GgufBytes& file) { file.tensor_count = 1; });
  metadata("string_length_past_end", {"general.name", bytes_of(8u) + bytes_of(most) + "text"});
  metadata("string_length_wraps", {"general.name", bytes_of(8u) + bytes_of(most - 7) + "text"});
  metadata("array_count_wraps",
           {"a", bytes_of(9u) + bytes_of(10u) + bytes_of(most / 8 + 2) + "12345678"});
  metadata("huge_string_array", {"a", bytes_of(9u) + bytes_of(8u) + bytes_of(most)});
  metadata("string_in_array_past_end",
           {"a", bytes_of(9u) + bytes_of(8u) + bytes_of(std::uint64_t{1}) + bytes_of(most)});
  metadata("empty_key", gguf_entry("", 1u));
  GgufBytes one_key = least_gguf();
  one_key.tensors.clear();
  one_key.entries.resize(1);
  // The key's length: the sum wraps to before itself.
  corpus.add("key_length_wraps", one_key.bytes().replace(24, 8, bytes_of(most - 23)));

  // Types.
  std::string nested = bytes_of(9u);
  for (int i = 0; i < 64; ++i) nested += bytes_of(9u) + bytes_of(std::uint64_t{1});
  metadata("nested_array", {"a", nested});
  metadata("unknown_value_type", {"a", bytes_of(13u) + bytes_of(most)});
  metadata("unknown_element_type",
           {"a", bytes_of(9u) + bytes_of(0x80000000u) + bytes_of(std::uint64_t{0})});
  metadata("truth_value_of_two", {"a", bytes_of(7u) + "\x02"});
  metadata("array_for_single_value", gguf_array<std::uint32_t>("llama.block_count", {1, 1}));
  metadata("string_for_number", gguf_entry("llama.block_count", "1"));
  metadata("number_for_string", gguf_entry("general.architecture", most));
  metadata("strings_for_numbers_of_layers",
           gguf_array<std::string>("llama.attention.head_count", {"2"}));
  metadata("no_numbers_of_layers", gguf_array<std::uint32_t>("llama.feed_forward_length", {}));
  headless("layers_differ", [](GgufBytes& file) {
    file.set(gguf_entry("llama.block_count", 2u));
    file.set(gguf_array<std::uint32_t>("llama.attention.head_count", {2, 1}));
  });
  headless("duplicate_key", [](GgufBytes& file) { file.entries.push_back(file.entries[2]); });
  metadata("epsilon_is_not_a_number", gguf_entry("llama.attention.layer_norm_rms_epsilon",
                                                 std::numeric_limits<float>::quiet_NaN()));
  metadata("infinite_theta",
           gguf_entry("llama.rope.freq_base", std::numeric_limits<double>::infinity()));
  metadata("theta_beyond_float", gguf_entry("llama.rope.freq_base", 1e300));
  metadata("negative_count", gguf_entry("llama.embedding_length", std::int32_t{-4}));
  metadata("alignment_zero", gguf_entry("general.alignment", 0u));
  metadata("misaligned_alignment", gguf_entry("general.alignment", 24u));
  metadata("alignment_wraps", gguf_entry("general.alignment", std::uint64_t{1} << 63));
  metadata("negative_alignment", gguf_entry("general.alignment", std::int32_t{-32}));
  headless("alignment_that_is_not_kept", [](GgufBytes& file) {  // the data would begin far beyond
    file.set(gguf_entry("general.alignment", 65536u));
    file.tensors.push_back({"output_norm.weight", {4}, 0, std::string(16, '\0')});
  });

  // Shapes.
  const auto shape = [&](const char* name, const char* key, std::uint64_t value) {
    changed(name, [&](GgufBytes& file) { file.set(gguf_entry(key, value)); });
  };
  shape("zero_heads", "llama.attention.head_count", 0);
  shape("zero_kv_heads", "llama.attention.head_count_kv", 0);
  shape("huge_block_count", "llama.block_count", most);
  shape("block_count_of_missing_tensors", "llama.block_count", 1024);
  shape("huge_context", "llama.context_length", most);
  changed("split_without_a_name", [](GgufBytes& file) {
    file.set(gguf_entry("split.no", 0u));
    file.set(gguf_entry("split.count", most));
  });

  // Tensors.
  const auto tensor = [&](const char* name, const std::function<void(GgufBytesTensor&)>& change) {
    changed(name, [&](GgufBytes& file) { change(file.tensor(wq)); });
  };
  const auto extents = [&](const char* name, const std::vector<std::uint64_t>& values) {
    tensor(name, [&](GgufBytesTensor& t) { t.extents = values; });
  };
  extents("overflowing_dimensions",  // the product is 16 in 64 bits
          {std::uint64_t{1} << 60, (std::uint64_t{1} << 60) | 16});
  extents("overflowing_four_dimensions", {4, 4, std::uint64_t{1} << 32, std::uint64_t{1} << 32});
  extents("zero_dimension", {4, 0});
  extents("five_dimensions", {4, 4, 1, 1, 1});
  extents("no_dimensions", {});
  changed("overflowing_vocabulary",
          [&](GgufBytes& file) { file.tensor("token_embd.weight").extents = {4, most / 4 + 2}; });
  GgufBytes blocks = blocks_gguf();
  blocks.tensor(wq).extents = {32, std::uint64_t{1} << 63};  // times 18 bytes wraps to none
  corpus.add("overflowing_quantised_size", blocks.bytes());
  tensor("half_a_block", [](GgufBytesTensor& t) { t.type = 8; });
  tensor("unknown_tensor_type", [](GgufBytesTensor& t) { t.type = 0xFFFFFFFF; });
  tensor("withdrawn_tensor_type", [](GgufBytesTensor& t) { t.type = 31; });
  tensor("layer_number_wraps",
         [](GgufBytesTensor& t) { t.name = "blk.18446744073709551616.attn_q.weight"; });
  tensor("negative_layer", [](GgufBytesTensor& t) { t.name = "blk.-1.attn_q.weight"; });
  tensor("long_tensor_name", [](GgufBytesTensor& t) { t.name.assign(65, 'n'); });
  changed("duplicate_tensor", [](GgufBytes& file) { file.tensors.push_back(file.tensors[1]); });
  changed("missing_tensor", [&](GgufBytes& file) { file.erase_tensor(wq); });

  // Where they lie.
  const auto offset = [&](const char* name, std::uint64_t value) {
    tensor(name, [&](GgufBytesTensor& t) { t.offset = value; });
  };
  offset("offset_overlap", 32);
  offset("misaligned_offset", 4);
  offset("offset_past_end", std::uint64_t{1} << 40);
  offset("offset_plus_size_wraps", most - 31);
  offset("offset_plus_base_wraps", most - least_gguf().header().size() + 1);

  const std::string good = least_gguf().bytes();
  const std::size_t header = least_gguf().header().size();
  corpus.add("truncated_in_metadata", std::string_view(good).substr(0, 200));
  corpus.add("truncated_in_tensor_list", std::string_view(good).substr(0, header - 64));
  corpus.add("truncated_before_data", std::string_view(good).substr(0, header));
  corpus.add("truncated_in_data", std::string_view(good).substr(0, good.size() - 32));
}

// llama2.c checkpoints.

void write_llama2c(const Corpus& corpus) {
  const FloatModel model = random_float_model<SeedLeast>(1);
  const std::string v0 = write_version_0(model);
  const std::string v1 = write_version_1(model);
  const std::string v2 = write_version_2(model, 4);
  corpus.add("seed_version_0", v0);
  corpus.add("seed_version_0_tied", write_version_0([&] {
               FloatModel tied = model;
               tied.tied_head = true;
               tied[llama2::TensorKind::output].clear();
               return tied;
             }()));
  corpus.add("seed_version_1", v1);
  corpus.add("seed_version_2", v2);
  corpus.add("seed_version_2_blocks", write_version_2(random_float_model<SeedBlocks>(1), 32));

  // Fields of the header in order; version 0 has it at byte 0, the others at byte 8.
  enum Field { dim, hidden_dim, layers, heads, kv_heads, vocab, context };
  const auto with = [](std::string bytes, std::size_t at, std::int32_t value) {
    return bytes.replace(at, 4, bytes_of(value));
  };
  const auto field = [&](const std::string& name, Field which, std::int32_t value) {
    corpus.add("version_0_" + name, with(v0, 4u * which, value));
    corpus.add("version_1_" + name, with(v1, 8 + 4u * which, value).substr(0, 256));
  };
  constexpr std::int32_t largest = std::numeric_limits<std::int32_t>::max();
  constexpr std::int32_t smallest = std::numeric_limits<std::int32_t>::min();
  field("zero_heads", heads, 0);
  field("zero_kv_heads", kv_heads, 0);
  field("zero_layers", layers, 0);
  field("huge_layers", layers, largest);
  field("negative_count", hidden_dim, -3);
  field("vocabulary_without_positive", vocab, smallest);
  field("heads_do_not_divide", heads, 3);

  // The largest sizes that are allowed at all.
  std::string sizes;
  for (const std::int32_t size : {1 << 20, 1 << 20, 1024, 1 << 19, 1 << 19, -(1 << 24), 1 << 24})
    sizes += bytes_of(size);
  corpus.add("huge_dimensions", sizes + std::string(64, '\0'));
  sizes.clear();
  // In 32 bits 65536 x 65536 elements are none at all.
  for (const std::int32_t size : {65536, 65536, 1, 32, 32, 65536, 65536}) sizes += bytes_of(size);
  corpus.add("dimensions_that_wrap_32_bits", sizes + std::string(64, '\0'));

  corpus.add("empty", "");
  corpus.add("four_bytes", std::string_view(v1).substr(0, 4));
  corpus.add("seven_bytes", std::string_view(v1).substr(0, 7));
  corpus.add("truncated_header", std::string_view(v1).substr(0, 255));
  corpus.add("truncated_data", std::string_view(v0).substr(0, v0.size() - 1));
  corpus.add("truncated_scales", std::string_view(v2).substr(0, v2.size() - 4));
  corpus.add("trailing_bytes", v1 + "more");
  corpus.add("unknown_version", with(v1, 4, 3));
  corpus.add("negative_version", with(v1, 4, -1));
  corpus.add("zero_group", with(v2, 37, 0));
  corpus.add("negative_group", with(v2, 37, -4));
  corpus.add("huge_group", with(v2, 37, largest));
  corpus.add("group_does_not_divide", with(v2, 37, 5));
  std::string flag = v1;
  flag[36] = 2;
  corpus.add("flag_of_two", flag);
}

// Vocabularies, the same for three formats.

struct SeedPiece {
  std::string text;
  float score = 0;
  std::int32_t type = 1;
};

enum : std::int32_t { normal = 1, unknown, control, user_defined, unused, byte };

const std::string space = "\xE2\x96\x81";

std::vector<SeedPiece> seed_pieces() {
  std::vector<SeedPiece> pieces = {
      {"<unk>", 0, unknown}, {"<s>", 0, control}, {"</s>", 0, control}};
  for (unsigned i = 0; i < 256; ++i)
    pieces.push_back({llama2::byte_piece(static_cast<std::uint8_t>(i)), 0, byte});
  for (const std::string& text : {space, std::string("a"), std::string("b"), std::string("ab"),
                                  space + "ab", std::string("\xC3\xA9")})
    pieces.push_back({text, -static_cast<float>(pieces.size()), normal});
  return pieces;
}

/// The same pieces without the bytes and what follows: for damage that is found early.
std::vector<SeedPiece> few_pieces() {
  std::vector<SeedPiece> pieces = seed_pieces();
  pieces.resize(5);
  return pieces;
}

using Pieces = std::vector<SeedPiece>;

/// A vocabulary that breaks one rule, which holds for all formats.
struct Damage {
  const char* name;
  Pieces pieces;
};

/// What sentencepiece must not see is in whole vocabularies, which it would take.
std::vector<Damage> damages() {
  const auto with = [](Pieces pieces, SeedPiece last) {
    pieces.back() = std::move(last);
    return pieces;
  };
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  constexpr float infinity = std::numeric_limits<float>::infinity();
  Pieces prefixes = seed_pieces();
  for (std::size_t n = 1; n <= 66; ++n) prefixes.push_back({std::string(n, 'x'), -1, user_defined});
  Pieces minus_one = seed_pieces();
  minus_one[3].text = "<0x-1>";
  return {
      {"byte_token_minus_one", minus_one},
      {"nul_in_piece", with(seed_pieces(), {std::string("a\0b", 3), -1, normal})},
      {"long_piece", with(seed_pieces(), {std::string(513, 'x'), -1, unused})},
      {"long_user_defined_piece", prefixes},  // more than the 64 results on its stack
      {"control_piece_of_one_character", with(seed_pieces(), {"x", 0, control})},
      {"one_token_vocabulary", {{"<unk>", 0, unknown}}},
      {"duplicate_piece", with(few_pieces(), {"<unk>", -1, normal})},
      {"empty_piece", with(few_pieces(), {"", -1, normal})},
      {"half_a_character", with(few_pieces(), {"a\xE2\x96", -1, normal})},
      {"two_unknown_pieces", with(few_pieces(), {"unknown", 0, unknown})},
      {"score_is_not_a_number", with(few_pieces(), {"x", nan, normal})},
      {"score_is_infinite", with(few_pieces(), {"x", infinity, normal})},
      {"piece_type_seven", with(few_pieces(), {"x", 0, 7})},
      {"piece_type_negative", with(few_pieces(), {"x", 0, -1})},
  };
}

/// Good, but hard on sentencepiece: 64 user-defined pieces that begin alike, and unused pieces that
/// are cut up by recursion.
Pieces deep_pieces() {
  Pieces pieces = seed_pieces();
  for (std::size_t n = 4; n <= 64; n += 4) pieces.push_back({std::string(n, 'u'), 0, user_defined});
  for (std::size_t n = 2; n <= 512; n *= 2)
    pieces.push_back({std::string(n, 'a'), static_cast<float>(n), unused});
  return pieces;
}

// GGUF.

GgufBytes gguf_of(const Pieces& pieces) {
  std::vector<std::string> texts;
  std::vector<float> scores;
  std::vector<std::int32_t> types;
  for (const SeedPiece& piece : pieces) {
    texts.push_back(piece.text);
    scores.push_back(piece.score);
    types.push_back(piece.type);
  }
  GgufBytes file;
  file.entries = {
      gguf_entry("tokenizer.ggml.model", "llama"), gguf_array("tokenizer.ggml.tokens", texts),
      gguf_array("tokenizer.ggml.scores", scores), gguf_array("tokenizer.ggml.token_type", types)};
  return file;
}

void write_gguf_vocabulary(const Corpus& corpus) {
  const auto changed = [&](const char* name, const Pieces& pieces,
                           const std::function<void(GgufBytes&)>& change) {
    GgufBytes file = gguf_of(pieces);
    change(file);
    corpus.add(name, file.bytes());
  };
  const auto entry = [&](const char* name, const GgufEntry& value) {
    changed(name, few_pieces(), [&](GgufBytes& file) { file.set(value); });
  };

  changed("seed", seed_pieces(), [](GgufBytes&) {});
  changed("seed_all_keys", seed_pieces(), [](GgufBytes& file) {
    file.set(gguf_entry("tokenizer.ggml.unknown_token_id", 0u));
    file.set(gguf_entry("tokenizer.ggml.bos_token_id", 1u));
    file.set(gguf_entry("tokenizer.ggml.eos_token_id", 2u));
    file.set(gguf_entry("tokenizer.ggml.padding_token_id", 0u));
    file.set(gguf_entry("tokenizer.ggml.add_space_prefix", false));
    file.set(gguf_entry("tokenizer.ggml.remove_extra_whitespaces", true));
  });
  Pieces markers = seed_pieces();
  markers.push_back({"<|im_end|>", 0, user_defined});
  markers.push_back({space + space, 0, user_defined});
  changed("seed_markers", markers,
          [](GgufBytes& file) { file.set(gguf_entry("tokenizer.ggml.eos_token_id", 265u)); });
  for (const Damage& damage : damages())
    if (damage.pieces.size() < seed_pieces().size())  // the others are among the model files
      changed(damage.name, damage.pieces, [](GgufBytes&) {});
  entry("empty_vocabulary", gguf_array<std::string>("tokenizer.ggml.tokens", {}));
  entry("array_wrong_type", gguf_array<std::uint32_t>("tokenizer.ggml.tokens", {1, 2, 3, 4, 5}));
  entry("scores_wrong_type", gguf_array<double>("tokenizer.ggml.scores", {0, 0, 0, 0, 0}));
  entry("types_wrong_type", gguf_array<std::uint8_t>("tokenizer.ggml.token_type", {2, 3, 3, 6, 6}));
  entry("too_few_scores", gguf_array<float>("tokenizer.ggml.scores", {0}));
  entry("too_few_types", gguf_array<std::int32_t>("tokenizer.ggml.token_type", {2}));
  entry("scores_are_no_array", gguf_entry("tokenizer.ggml.scores", 0.0f));
  entry("negative_token_id", gguf_entry("tokenizer.ggml.bos_token_id", std::int32_t{-1}));
  entry("token_id_wraps_to_int",
        gguf_entry("tokenizer.ggml.eos_token_id", (std::uint64_t{1} << 32) + 2));
  entry("token_id_past_end", gguf_entry("tokenizer.ggml.padding_token_id", 5u));
  entry("huge_token_count",
        {"tokenizer.ggml.tokens", bytes_of(9u) + bytes_of(8u) + bytes_of(most)});
  entry("another_tokenizer", gguf_entry("tokenizer.ggml.model", "gpt2"));
}

// llama2.c's tokenizer.bin: the longest piece's length, then scores, lengths and texts.

std::string tokenizer_bin(const Pieces& pieces, std::uint32_t longest = 512) {
  std::string out = bytes_of(longest);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    std::string text = pieces[i].text;
    for (std::size_t at; (at = text.find(space)) != std::string::npos;)
      text.replace(at, space.size(), " ");
    if (i == 1 || i == 2) text = "\n" + text + "\n";
    out += bytes_of(pieces[i].score) + bytes_of(static_cast<std::uint32_t>(text.size())) + text;
  }
  return out;
}

void write_tokenizer_bin(const Corpus& corpus) {
  const std::string good = tokenizer_bin(seed_pieces());
  const std::string few = tokenizer_bin(few_pieces());
  corpus.add("seed", good);
  Pieces spaces = seed_pieces();
  for (std::size_t n = 2; n <= 16; n *= 2) {
    std::string text;
    for (std::size_t i = 0; i < n; ++i) text += space;
    spaces.push_back({text, -1, normal});
  }
  corpus.add("seed_spaces", tokenizer_bin(spaces));
  Pieces pieces = seed_pieces();
  pieces.erase(pieces.begin() + 200);
  pieces.resize(202);
  corpus.add("missing_byte", tokenizer_bin(pieces));
  pieces = seed_pieces();
  pieces.back().score = std::numeric_limits<float>::quiet_NaN();
  corpus.add("score_is_not_a_number", tokenizer_bin(pieces));
  pieces.back().score = -1;
  pieces.back().text.assign(512, ' ');  // takes three times as many bytes in the vocabulary
  corpus.add("piece_grows_beyond_the_limit", tokenizer_bin(pieces));
  pieces = few_pieces();
  pieces[3].text = "<0x-1>";
  corpus.add("byte_token_minus_one", tokenizer_bin(pieces));
  corpus.add("one_token_vocabulary", tokenizer_bin({{"<unk>", 0, unknown}}));
  const auto with = [&](std::size_t at, std::uint32_t value) {
    return std::string(few).replace(at, 4, bytes_of(value));
  };
  corpus.add("empty", "");
  corpus.add("three_bytes", "\x01\x02\x03");
  corpus.add("four_bytes", std::string_view(few).substr(0, 4));
  corpus.add("negative_longest", with(0, 0xFFFFFFFF));
  corpus.add("longest_is_zero", with(0, 0));
  corpus.add("negative_length", with(8, 0xFFFFFFFF));
  corpus.add("string_length_past_end", with(8, 500));
  corpus.add("truncated_in_a_score", std::string_view(few).substr(0, 4 + 8 + 5 + 2));
  corpus.add("truncated_in_a_piece", std::string_view(few).substr(0, few.size() - 1));
  corpus.add("special_piece_has_another_name", std::string(few).replace(12, 5, "<bos>"));
}

// sentencepiece's model file, a protobuf message.

std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 128; value >>= 7)
    out += static_cast<char>(static_cast<std::uint8_t>(value | 128));
  return out + static_cast<char>(static_cast<std::uint8_t>(value));
}
std::string proto_number(unsigned field, std::uint64_t value) {
  return varint(field << 3) + varint(value);
}
std::string proto_bytes(unsigned field, const std::string& value) {
  return varint(field << 3 | 2) + varint(value.size()) + value;
}
std::string proto_float(unsigned field, float value) {
  return varint(field << 3 | 5) + bytes_of(value);
}

std::string piece_messages(const Pieces& pieces) {
  std::string out;
  for (const SeedPiece& piece : pieces) {
    std::string message = proto_bytes(1, piece.text);
    if (piece.score != 0) message += proto_float(2, piece.score);
    if (piece.type != normal)
      message += proto_number(3, static_cast<std::uint64_t>(std::int64_t{piece.type}));
    out += proto_bytes(1, message);
  }
  return out;
}

/// BPE with byte fallback; `more` are further fields of the trainer's message.
std::string trainer_message(const std::string& more = {}) {
  return proto_bytes(2, proto_number(3, 2) + proto_number(35, 1) + more);
}

std::string normaliser_message(const std::string& more = {}) {
  return proto_bytes(3, proto_number(3, 1) + proto_number(4, 0) + more);
}

void write_sentencepiece_model(const Corpus& corpus) {
  const std::string settings = trainer_message() + normaliser_message();
  const std::string good = piece_messages(seed_pieces()) + settings;
  const std::string few = piece_messages(few_pieces());
  corpus.add("seed", good);
  corpus.add(
      "seed_all_fields",
      piece_messages(seed_pieces()) +
          trainer_message(proto_number(4, 265) + proto_number(24, 0) + proto_number(40, 0) +
                          proto_number(41, 1) + proto_number(42, 2) + proto_number(43, most) +
                          proto_bytes(44, " ? ")) +
          normaliser_message(proto_bytes(1, "identity") + proto_bytes(2, "") + proto_number(5, 1)) +
          proto_bytes(4, "self test") + proto_bytes(5, ""));
  corpus.add("seed_deep_pieces", piece_messages(deep_pieces()) + settings);
  for (const Damage& damage : damages())
    corpus.add(damage.name, piece_messages(damage.pieces) + settings);
  corpus.add("empty", "");
  corpus.add("field_number_zero", few + proto_number(0, 1));
  corpus.add("field_number_too_large", few + varint(std::uint64_t{1} << 32) + varint(0));
  corpus.add("group_wire_type", few + varint(7 << 3 | 3));  // groups nest, and end with type 4
  corpus.add("number_of_eleven_bytes", few + varint(4 << 3) + std::string(11, '\x80') + '\0');
  corpus.add("truncated_number", few + varint(4 << 3) + "\x80");
  corpus.add("string_length_past_end", few + varint(1 << 3 | 2) + varint(100));
  corpus.add("string_length_wraps", few + varint(1 << 3 | 2) + varint(most));
  corpus.add("message_past_its_parent",
             proto_bytes(1, varint(1 << 3 | 2) + varint(9) + "x") + good);
  corpus.add("truncated", std::string_view(few).substr(0, few.size() - 1));
  corpus.add("pieces_of_another_wire_type", proto_number(1, 1) + settings);
  corpus.add("score_of_another_wire_type",
             proto_bytes(1, proto_bytes(1, "x") + proto_number(2, 1)) + settings);
  corpus.add("negative_token_id",
             piece_messages(seed_pieces()) + trainer_message(proto_number(41, most)));
  corpus.add("bos_is_a_normal_piece",
             piece_messages(seed_pieces()) + trainer_message(proto_number(41, 260)));
  corpus.add("unigram_model", few + proto_bytes(2, proto_number(3, 1)));
  corpus.add("normalisation_rules",
             few + trainer_message() + normaliser_message(proto_bytes(2, std::string(64, '\xFF'))));
}

// Saved caches.

void write_cache_file(const Corpus& corpus) {
  using Model = llama2::Model<SeedLeast, llama2::F32, llama2::F16>;
  const Model model = llama2::make_random_model<Model>(1);
  const auto saved = [&](std::size_t positions, std::size_t tokens) {
    Model::Sequence sequence(std::make_shared<Model::Pool>(100), 100);
    llama2::Workspace<SeedLeast> workspace;
    std::vector<llama2::Token> text;
    std::vector<Model::Row> rows;
    for (std::size_t i = 0; i < tokens; ++i) text.push_back(static_cast<llama2::Token>(i % 4));
    for (std::size_t i = 0; i < positions; ++i) rows.push_back({text[i], i, &sequence});
    model.forward(rows, workspace, {});
    const TempFile file("");
    llama2::save_cache(file.path(), model, sequence, text);
    std::ifstream in(file.path(), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const auto summed = [](std::string bytes) {
    constexpr std::size_t size = sizeof(std::uint64_t);
    const std::uint64_t sum =
        llama2::checksum(std::as_bytes(std::span(bytes)).first(bytes.size() - size));
    return bytes.replace(bytes.size() - size, size, bytes_of(sum));
  };
  const std::string good = saved(3, 5);
  corpus.add("seed_empty", saved(0, 0));
  corpus.add("seed_unevaluated", saved(0, 9));
  corpus.add("seed", good);
  corpus.add("seed_two_pages", saved(70, 70));
  corpus.add("empty", "");
  corpus.add("magic_alone", good.substr(0, 8));
  corpus.add("truncated", std::string_view(good).substr(0, good.size() - 1));
  corpus.add("wrong_checksum", good.substr(0, good.size() - 1) + '\x5A');
  const auto changed = [&](const char* name, std::size_t at, const std::string& bytes) {
    corpus.add(name, summed(std::string(good).replace(at, bytes.size(), bytes)));
  };
  changed("another_version", 8, bytes_of(2u));
  changed("another_page_size", 12, bytes_of(128u));
  changed("unknown_format", 16, std::string(8, '\xFF'));
  changed("another_dim", 24, bytes_of(8.0));
  changed("a_number_that_is_none", 24, std::string(8, '\xFF'));
  changed("too_many_tokens", 136, bytes_of(most));
  changed("size_of_tokens_wraps", 136, bytes_of(std::uint64_t{1} << 62));
  changed("more_positions_than_tokens", 144, bytes_of(std::uint64_t{6}));
  changed("too_many_positions", 144, bytes_of(most));
  changed("another_fingerprint", 152, bytes_of(most));
  changed("negative_token", 160, bytes_of(-1));
  changed("token_outside_the_vocabulary", 160, bytes_of(4));
}

// Transcripts.

void write_transcript(const Corpus& corpus) {
  const auto message = [](const std::string& role, const std::string& content) {
    return R"({"role":")" + role + R"(","content":")" + content + R"("})";
  };
  corpus.add("seed", "[" + message("system", "s") + "," + message("user", "u\\n\\u00e9") + "," +
                         message("assistant", "") + "]");
  corpus.add("seed_empty", " [ ] ");
  corpus.add(
      "seed_other_members",
      R"([{"name":"n","tags":[1,{"role":2},[null,true,1.5e9]],"role":"user","content":"c"}])");
  corpus.add("seed_tags", "[" + message("user", "[INST] <<SYS>>") + "]");
  corpus.add("empty", "");
  corpus.add("object", message("user", "c"));
  corpus.add("list_of_lists", "[[]]");
  corpus.add("no_content", R"([{"role":"user"}])");
  corpus.add("no_role", R"([{"content":"c"}])");
  corpus.add("role_is_a_number", R"([{"role":1,"content":"c"}])");
  corpus.add("content_is_a_list", R"([{"role":"user","content":["c"]}])");
  corpus.add("content_is_an_object", R"([{"role":"user","content":{"role":"user"}}])");
  corpus.add("unknown_role", "[" + message("tool", "c") + "]");
  corpus.add("role_twice", R"([{"role":"user","role":"system","content":"c"}])");
  corpus.add("two_lists", "[][]");
  corpus.add("truncated", R"([{"role":"user","content":"c)");
  corpus.add("not_utf8", "[" + message("user", "\xFF") + "]");
  corpus.add("half_a_surrogate", "[" + message("user", R"(\ud800)") + "]");
  corpus.add("deep", std::string(5000, '['));
  corpus.add("deep_inside", R"([{"x":)" + std::string(5000, '['));
  corpus.add("number_too_large", R"([{"x":1e999}])");
}

// Token files.

/// A file of a vocabulary of `vocab` ids as data/token_file.hpp describes it.
struct TokenFileBytes {
  std::uint32_t version = 1, token_bytes = 2;
  std::uint64_t vocab = 300;
  std::string tokens = bytes_of<std::uint16_t>(1) + bytes_of<std::uint16_t>(299) +
                       bytes_of<std::uint16_t>(2) + bytes_of<std::uint16_t>(7) +
                       bytes_of<std::uint16_t>(7) + bytes_of<std::uint16_t>(0);
  std::vector<std::uint64_t> ends = {2, 2, 6};
  std::uint64_t token_count = 6;
  std::optional<std::uint64_t> document_count{};

  [[nodiscard]] std::string bytes() const {
    std::string body = tokens;
    body.resize((body.size() + 7) / 8 * 8);
    for (const std::uint64_t end : ends) body += bytes_of(end);
    return "LL2TOKEN" + bytes_of(version) + bytes_of(token_bytes) + bytes_of(vocab) +
           std::string(16, '\x11') + body + bytes_of(token_count) +
           bytes_of(document_count.value_or(ends.size())) + bytes_of(llama2::hash_bytes(body)) +
           "LL2TOKEN";
  }
};

void write_token_file(const Corpus& corpus) {
  const std::string good = TokenFileBytes().bytes();
  corpus.add("seed", good);
  corpus.add("seed_wide", TokenFileBytes{.token_bytes = 4,
                                         .vocab = 70'000,
                                         .tokens = bytes_of(1u) + bytes_of(69'999u) + bytes_of(0u),
                                         .ends = {3},
                                         .token_count = 3}
                              .bytes());
  corpus.add("seed_of_nothing", TokenFileBytes{.tokens = {}, .ends = {}, .token_count = 0}.bytes());
  corpus.add("empty", "");
  corpus.add("header_only", good.substr(0, 40));
  corpus.add("truncated", good.substr(0, good.size() - 1));
  corpus.add("another_format", "GGUF" + good.substr(4));
  corpus.add("unknown_version", TokenFileBytes{.version = 2}.bytes());
  corpus.add("tokens_of_another_size", TokenFileBytes{.token_bytes = 4}.bytes());
  corpus.add("no_vocabulary", TokenFileBytes{.vocab = 0}.bytes());
  corpus.add("vocabulary_beyond_32_bits",
             TokenFileBytes{.token_bytes = 4, .vocab = std::uint64_t{1} << 32}.bytes());
  corpus.add("token_outside_the_vocabulary", TokenFileBytes{.vocab = 299}.bytes());
  corpus.add(
      "negative_token",
      TokenFileBytes{
          .token_bytes = 4, .vocab = 70'000, .tokens = bytes_of(~0u), .ends = {1}, .token_count = 1}
          .bytes());
  corpus.add("token_count_wraps",
             TokenFileBytes{.token_count = (std::uint64_t{1} << 63) + 6}.bytes());
  corpus.add("document_count_wraps",
             TokenFileBytes{.document_count = (std::uint64_t{1} << 61) + 3}.bytes());
  corpus.add("huge_document_count", TokenFileBytes{.document_count = most}.bytes());
  corpus.add("documents_go_back", TokenFileBytes{.ends = {4, 2, 6}}.bytes());
  corpus.add("document_past_end", TokenFileBytes{.ends = {2, most, 6}}.bytes());
  corpus.add("tokens_of_no_document", TokenFileBytes{.ends = {2, 2, 5}}.bytes());
  corpus.add("wrong_hash", std::string(good).replace(40, 1, "\x02"));
}

// Documents. A reader leaves out what is damaged, so none of these is refused as a whole.

void write_jsonl(const Corpus& corpus) {
  const std::string lines =
      "{\"text\": \"one\\ntwo \\u00e9\"}\n{\"id\": [1, {\"text\": 2}], \"text\": \"three\"}\r\n";
  corpus.add("seed_jsonl", lines);
  corpus.add("seed_damaged_lines",
             lines +
                 "{\"text\": \"cut\n{\"text\": 5}\n[]\n\n{\"text\": \"a\", \"text\": \"b\"}\n"
                 "{\"text\": \"\xFF\"}\n{\"text\": 1e999}\n{\"text\": \"\\ud800\"}");
  corpus.add("seed_deep", "{\"x\": " + std::string(2000, '[') + "\n" + lines);
  corpus.add("seed_long_line", "{\"text\": \"" + std::string(5000, 'x') + "\"}\n" + lines);
  corpus.add("seed_text",
             "\xEF\xBB\xBFone\r\ntwo\n<|endoftext|>\n\n\nthree a@b.org 8.8.8.8\n \nfour");
  // As gzip, stored: whole, cut off, and followed by another and by zeros.
  const std::string text = "one\n";
  const std::string packed = std::string("\x1F\x8B\x08\0\0\0\0\0\0\x03", 10) +
                             std::string("\x01\x04\0\xFB\xFF", 5) + text + bytes_of(0xF817A89Fu) +
                             bytes_of(4u);
  corpus.add("seed_gzip", packed);
  corpus.add("seed_gzip_twice", packed + packed + std::string(20, '\0'));
  corpus.add("seed_gzip_cut_off", packed.substr(0, packed.size() - 5));
  corpus.add("seed_gzip_wrong_sum", std::string(packed).replace(19, 1, "\x01"));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  try {
    write_gguf({argv[1], "gguf"});
    write_llama2c({argv[1], "llama2c"});
    write_gguf_vocabulary({argv[1], "gguf_vocabulary"});
    write_tokenizer_bin({argv[1], "tokenizer_bin"});
    write_sentencepiece_model({argv[1], "sentencepiece_model"});
    write_cache_file({argv[1], "cache_file"});
    write_transcript({argv[1], "transcript"});
    write_token_file({argv[1], "token_file"});
    write_jsonl({argv[1], "jsonl"});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
