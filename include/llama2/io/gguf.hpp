// Llama 2 checkpoints in GGUF files, in one part or several.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/file.hpp"
#include "llama2/io/checkpoint.hpp"
#include "llama2/io/gguf_file.hpp"
#include "llama2/model/parameters.hpp"

namespace llama2::inline LLAMA2_ABI {

/// How GGUF numbers an encoding.
struct GgufEncoding {
  std::uint32_t type;       ///< of a tensor
  std::uint32_t file_type;  ///< `general.file_type` of a file whose matrices mostly have it
  Encoding encoding;
};

/// The encodings that this library reads and writes.
inline constexpr std::array<GgufEncoding, 5> gguf_encodings = {{{0, 0, Encoding::f32},
                                                                {1, 1, Encoding::f16},
                                                                {30, 32, Encoding::bf16},
                                                                {8, 7, Encoding::q8_0},
                                                                {2, 2, Encoding::q4_0}}};

/// A packed file holds matrices in panels, byte for byte as they lie in memory, so that they can be
/// mapped; see docs/packed-files.md. Their types are those above and this number, far beyond all
/// that other readers know.
inline constexpr std::uint32_t gguf_panels_type = 0x4C320000;

/// How the panels are laid out; a file says it under the key, and any change has a new number.
inline constexpr std::string_view gguf_panels_key = "llama2.panels.version";
inline constexpr std::uint32_t gguf_panels_version = 1;

/// What a file's model is for.
enum class GgufKind {
  language_model,  ///< predicts tokens
  score_model,     ///< gives texts one number: a linear regression on the last token's state
};

/// A score model has these vectors and this pooling in place of an output head, as llama.cpp's
/// ranking models have them.
inline constexpr std::string_view gguf_score_weight = "cls.output.weight";
inline constexpr std::string_view gguf_score_bias = "cls.output.bias";
inline constexpr std::string_view gguf_pooling_key = "llama.pooling_type";
inline constexpr std::uint32_t gguf_pooling_rank = 4;

namespace detail {

/// The encoding of most weights of matrices; of equals the first in the list above.
template <class Tensors>
Encoding main_encoding(const Tensors& tensors) {
  Encoding best = Encoding::f32;
  std::uint64_t most = 0;
  for (const GgufEncoding& candidate : gguf_encodings) {
    std::uint64_t weights = 0;
    for (const auto& tensor : tensors)
      if (tensor.encoding == candidate.encoding && tensor.rows > 1)
        weights += tensor.rows * tensor.cols;
    if (weights > most) best = candidate.encoding;
    most = std::max(most, weights);
  }
  return best;
}

/// The names of ggml's types by number, for messages; null for those that were withdrawn.
inline constexpr std::array<const char*, 40> ggml_type_names = {
    "F32",     "F16",    "Q4_0",    "Q4_1",  nullptr,  nullptr, "Q5_0",  "Q5_1",
    "Q8_0",    "Q8_1",   "Q2_K",    "Q3_K",  "Q4_K",   "Q5_K",  "Q6_K",  "Q8_K",
    "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S", "IQ2_S", "IQ4_XS",
    "I8",      "I16",    "I32",     "I64",   "F64",    "IQ1_M", "BF16",  nullptr,
    nullptr,   nullptr,  "TQ1_0",   "TQ2_0", nullptr,  nullptr, nullptr, "MXFP4"};

/// A tensor's name in GGUF: after the layer for those that each layer has.
struct GgufName {
  TensorKind kind;
  std::string_view name;
};
inline constexpr std::array<GgufName, 12> gguf_names = {
    {{TensorKind::token_embedding, "token_embd.weight"},
     {TensorKind::attention_norm, "attn_norm.weight"},
     {TensorKind::wq, "attn_q.weight"},
     {TensorKind::wk, "attn_k.weight"},
     {TensorKind::wv, "attn_v.weight"},
     {TensorKind::wo, "attn_output.weight"},
     {TensorKind::ffn_norm, "ffn_norm.weight"},
     {TensorKind::w1, "ffn_gate.weight"},
     {TensorKind::w2, "ffn_down.weight"},
     {TensorKind::w3, "ffn_up.weight"},
     {TensorKind::norm, "output_norm.weight"},
     {TensorKind::output, "output.weight"}}};
inline constexpr std::string_view gguf_layer_prefix = "blk.";

}  // namespace detail

/// The tensor's name in GGUF: "blk.3.attn_q.weight".
inline std::string gguf_name(TensorId id) {
  const auto found = std::ranges::find(detail::gguf_names, id.kind, &detail::GgufName::kind);
  const std::string name(found->name);
  if (!is_layer_tensor(id.kind)) return name;
  return std::string(detail::gguf_layer_prefix) + std::to_string(id.layer) + "." + name;
}

/// The tensor that the name stands for; nothing if it is not one of a Llama 2 model, or is not
/// written just as `gguf_name` writes it.
inline std::optional<TensorId> parse_gguf_name(std::string_view name) {
  TensorId id{};
  std::string_view rest = name;
  const bool in_layer = name.starts_with(detail::gguf_layer_prefix);
  if (in_layer) {
    rest.remove_prefix(detail::gguf_layer_prefix.size());
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), id.layer);
    const auto digits = static_cast<std::size_t>(end - rest.data());
    if (error != std::errc{} || (digits > 1 && rest.front() == '0')) return std::nullopt;
    rest.remove_prefix(digits);
    if (!rest.starts_with('.')) return std::nullopt;
    rest.remove_prefix(1);
  }
  const auto found = std::ranges::find(detail::gguf_names, rest, &detail::GgufName::name);
  if (found == detail::gguf_names.end() || is_layer_tensor(found->kind) != in_layer)
    return std::nullopt;
  id.kind = found->kind;
  return id;
}

/// The name of part `part` (from 0) of `parts`: "m-00001-of-00003.gguf" for stem "m".
inline std::string gguf_part_path(std::string_view stem, std::uint64_t part, std::uint64_t parts) {
  const auto five = [](std::uint64_t n) {
    const std::string digits = std::to_string(n);
    return std::string(digits.size() < 5 ? 5 - digits.size() : 0, '0') + digits;
  };
  return std::string(stem) + "-" + five(part + 1) + "-of-" + five(parts) + ".gguf";
}

namespace detail {

/// Reads the layout of a checkpoint from one GGUF file and, if it is split, the others.
class GgufCheckpointReader {
 public:
  GgufCheckpointReader(std::shared_ptr<const InputFile> file, FileAccess access,
                       std::stop_token cancel, GgufKind kind)
      : kind_(kind), access_(access), cancel_(std::move(cancel)), first_(file) {
    out_.file = std::move(file);
  }

  Checkpoint read() {
    out_.format = "GGUF version " + std::to_string(first_.version());
    refuse_later_part();
    const std::string_view architecture = required_text("general.architecture");
    if (architecture != "llama")
      first_.fail(first_.require("general.architecture"), "a model of another architecture",
                  "\"llama\"", printable(architecture), ErrorCode::unsupported);
    read_shape();
    read_config();
    read_list(first_, 0);
    open_further_parts();
    finish_shape();
    for (const Listed& listed : listed_) add(listed);
    if (kind_ == GgufKind::score_model) read_score_head();
    check_overlaps();
    check_completeness();
    out_.encoding = main_encoding(out_.tensors);
    if (std::ranges::any_of(out_.tensors, &StoredTensor::in_panels))
      out_.format += ", packed in panels";
    return std::move(out_);
  }

 private:
  struct Listed {
    GgufTensorInfo info;
    TensorId id;
    std::size_t part;
  };

  [[nodiscard]] const std::string& path() const { return out_.file->path(); }

  [[nodiscard]] const std::string& path_of_part(std::size_t part) const {
    return part == 0 ? path() : out_.further_parts[part - 1]->path();
  }

  [[noreturn]] void fail(const Listed& listed, std::string_view message, std::string expected,
                         std::string found, ErrorCode code = ErrorCode::malformed_file) const {
    throw Error(code, message,
                {.file = path_of_part(listed.part),
                 .offset = listed.info.listed_at,
                 .tensor = std::string(listed.info.name),
                 .expected = std::move(expected),
                 .found = std::move(found)});
  }

  [[nodiscard]] std::string_view required_text(std::string_view key) const {
    first_.require(key);
    return *first_.text(key);
  }

  [[nodiscard]] std::uint64_t required_integer(std::string_view key) const {
    first_.require(key);
    return *first_.integer(key);
  }

  /// A number from the range, or the default if the file is silent.
  [[nodiscard]] float number(std::string_view key, double low, double high, float silent) const {
    const std::optional<double> found = first_.number(key);
    if (!found) return silent;
    if (!(*found >= low && *found <= high))
      first_.fail(first_.require(key), "out of range",
                  number_text(low) + " to " + number_text(high), number_text(*found));
    return static_cast<float>(*found);
  }

  /// Refuses a file that states a number which is not the one that this library assumes.
  void require_if_stated(std::string_view key, std::uint64_t assumed) const {
    const std::optional<std::uint64_t> found = first_.integer(key);
    if (found && *found != assumed)
      first_.fail(first_.require(key), "a Llama 2 model has another number here",
                  std::to_string(assumed), std::to_string(*found), ErrorCode::unsupported);
  }

  void read_shape() {
    ShapeInfo& shape = out_.shape;
    shape.dim = required_integer("llama.embedding_length");
    shape.layers = required_integer("llama.block_count");
    const auto of_layers = [&](std::string_view key) {
      return first_.integer_of_layers(key, shape.layers);
    };
    first_.require("llama.feed_forward_length");
    shape.hidden_dim = *of_layers("llama.feed_forward_length");
    first_.require("llama.attention.head_count");
    shape.heads = *of_layers("llama.attention.head_count");
    shape.kv_heads = of_layers("llama.attention.head_count_kv").value_or(shape.heads);
    shape.context = required_integer("llama.context_length");
  }

  void read_config() {
    constexpr double most = std::numeric_limits<float>::max();
    ModelConfig& config = out_.config;
    config.norm_epsilon =
        number("llama.attention.layer_norm_rms_epsilon", 0, 0.999f, config.norm_epsilon);
    out_.states_rope_theta = first_.find("llama.rope.freq_base") != nullptr;
    config.rope_theta = number("llama.rope.freq_base", 1, most, config.rope_theta);
    config.rope_scaling = read_scaling();
  }

  [[nodiscard]] RopeScaling read_scaling() const {
    constexpr const char* kind_key = "llama.rope.scaling.type";
    RopeScaling scaling;
    // A file that states a factor alone means the oldest kind.
    const std::string_view kind = first_.text(kind_key).value_or("linear");
    if (kind == "none") return {};
    if (kind == "linear")
      scaling.kind = RopeScalingKind::linear;
    else if (kind == "yarn")
      scaling.kind = RopeScalingKind::yarn;
    else
      first_.fail(first_.require(kind_key), "this way of scaling positions",
                  "\"none\", \"linear\" or \"yarn\"", printable(kind), ErrorCode::unsupported);

    // Older files have the one key, newer ones the other; 0 means that nothing is scaled.
    const char* const factor_key = first_.find("llama.rope.scaling.factor") != nullptr
                                       ? "llama.rope.scaling.factor"
                                       : "llama.rope.scale_linear";
    if (number(factor_key, 0, RopeScaling::most, 0) == 0) return {};
    scaling.factor =
        number(factor_key, RopeScaling::least_factor(scaling.kind), RopeScaling::most, 1);

    constexpr const char* original_key = "llama.rope.scaling.original_context_length";
    if (const std::optional<std::uint64_t> original = first_.integer(original_key)) {
      if (*original < 1 || *original > max_context)
        first_.fail(first_.require(original_key), "out of range",
                    "1 to " + std::to_string(max_context), std::to_string(*original));
      scaling.original_context = static_cast<std::size_t>(*original);
    }
    scaling.finetuned = first_.boolean("llama.rope.scaling.finetuned").value_or(false);
    if (scaling.kind == RopeScalingKind::yarn) {
      scaling.attention_factor =
          number("llama.rope.scaling.attn_factor", RopeScaling::least_attention_factor,
                 RopeScaling::most_attention_factor, scaling.attention_factor);
      scaling.beta_slow = number("llama.rope.scaling.yarn_beta_slow", RopeScaling::least_beta,
                                 RopeScaling::most_beta, scaling.beta_slow);
      constexpr const char* fast_key = "llama.rope.scaling.yarn_beta_fast";
      scaling.beta_fast =
          number(fast_key, RopeScaling::least_beta, RopeScaling::most_beta, scaling.beta_fast);
      if (!(scaling.beta_fast > scaling.beta_slow))
        first_.fail(
            first_.require(first_.find(fast_key) != nullptr ? fast_key
                                                            : "llama.rope.scaling.yarn_beta_slow"),
            "the ramp's ends are the wrong way round", "yarn_beta_fast above yarn_beta_slow",
            number_text(scaling.beta_fast) + " and " + number_text(scaling.beta_slow));
    }
    return scaling;
  }

  /// Takes up the tensors of one part.
  void read_list(const GgufFile& file, std::size_t part) {
    for (const GgufTensorInfo& info : file.read_tensors()) {
      Listed listed{.info = info, .id = {}, .part = part};
      if (info.name == gguf_score_weight || info.name == gguf_score_bias) {
        if (kind_ != GgufKind::score_model)
          fail(listed, "a model that scores texts", "a language model", "a score head",
               ErrorCode::mismatch);
        if (part != 0) fail(listed, "not in the first part of the file", "part 1", "another");
        if (head_.size() == 2) fail(listed, "the score head twice", "weight and bias", "more");
        head_.push_back(listed);
        continue;
      }
      const std::optional<TensorId> id = parse_gguf_name(info.name);
      if (!id) {
        const GgufCursor cursor(file.file(), info.listed_at);
        cursor.fail_at(info.listed_at,
                       info.name == "rope_freqs.weight"
                           ? "rotary frequencies of their own, as Llama 3.1 has"
                           : "not a tensor of a Llama 2 model",
                       info.name, {}, {}, ErrorCode::unsupported);
      }
      listed.id = *id;
      if (id->layer >= out_.shape.layers)
        fail(listed, "a tensor of a layer that the model does not have",
             "a layer below " + std::to_string(out_.shape.layers), std::to_string(id->layer));
      if (listed_.size() == max_gguf_entries)
        fail(listed, "too many tensors", "at most " + std::to_string(max_gguf_entries), "more");
      listed_.push_back(listed);
    }
  }

  /// Later parts of a split file have next to no metadata: nothing else would say what is wrong.
  void refuse_later_part() const {
    if (const std::uint64_t part = first_.integer("split.no").value_or(0); part != 0)
      first_.fail(first_.require("split.no"), "this is not the first part of a split file",
                  "the path of the first part", "part " + std::to_string(part + 1));
  }

  /// A split file says so in its first part; the names of the others follow from its name.
  void open_further_parts() {
    const std::uint64_t parts = first_.integer("split.count").value_or(0);
    if (parts <= 1) return;
    static_cast<void>(required_integer("split.no"));
    const std::string ending = gguf_part_path({}, 0, parts);
    if (!path().ends_with(ending))
      first_.fail(first_.require("split.count"),
                  "the file is split, but its name does not say where the other parts are",
                  "a name that ends in " + ending);
    const std::string stem = path().substr(0, path().size() - ending.size());
    for (std::uint64_t part = 1; part < parts; ++part) {
      auto file = std::make_shared<const InputFile>(gguf_part_path(stem, part, parts), access_,
                                                    unlimited_bytes, cancel_);
      out_.further_parts.push_back(file);
      const GgufFile further(std::move(file));
      const auto must_be = [&](std::string_view key, std::uint64_t expected) {
        const GgufValue& value = further.require(key);
        const std::uint64_t found = *further.integer(key);
        if (found != expected)
          further.fail(value, "not the part that its name says", std::to_string(expected),
                       std::to_string(found));
      };
      must_be("split.no", part);
      must_be("split.count", parts);
      // The list is kept in memory for all parts together, so the bound is one for all of them.
      read_list(further, static_cast<std::size_t>(part));
    }
    if (const std::uint64_t tensors = required_integer("split.tensors.count");
        tensors != listed_.size())
      first_.fail(first_.require("split.tensors.count"), "the parts have another number of tensors",
                  std::to_string(tensors), std::to_string(listed_.size()));
  }

  /// What only the list of tensors says: the vocabulary and whether the head is tied.
  void finish_shape() {
    ShapeInfo& shape = out_.shape;
    shape.tied_head = true;
    const GgufTensorInfo* embedding = nullptr;
    for (const Listed& listed : listed_) {
      if (listed.id.kind == TensorKind::token_embedding) embedding = &listed.info;
      if (listed.id.kind == TensorKind::output) shape.tied_head = false;
    }
    if (embedding == nullptr)
      throw Error(ErrorCode::malformed_file,
                  listed_.empty() ? "the file has no tensors, perhaps only a vocabulary"
                                  : "tensor is missing",
                  {.file = path(), .tensor = gguf_name({TensorKind::token_embedding})});
    shape.vocab = embedding->extents[1];
    shape.validate(path());
    out_.config.context = static_cast<std::size_t>(shape.context);
    require_if_stated("llama.vocab_size", shape.vocab);
    require_if_stated("llama.rope.dimension_count", shape.head_dim());
    require_if_stated("llama.attention.key_length", shape.head_dim());
    require_if_stated("llama.attention.value_length", shape.head_dim());
    require_if_stated("llama.expert_count", 0);
  }

  /// Sets the encoding, and whether it is in panels.
  void read_type(const Listed& listed, StoredTensor& tensor) const {
    const std::uint32_t type = listed.info.type;
    tensor.in_panels = type >= gguf_panels_type;
    const auto found = std::ranges::find(
        gguf_encodings, tensor.in_panels ? type - gguf_panels_type : type, &GgufEncoding::type);
    if (found == gguf_encodings.end()) {
      const char* const name = type < ggml_type_names.size() ? ggml_type_names[type] : nullptr;
      fail(listed, "weights of this type", "F32, F16, BF16, Q8_0 or Q4_0",
           name != nullptr ? name : "type " + std::to_string(type), ErrorCode::unsupported);
    }
    tensor.encoding = found->encoding;
    if (tensor.in_panels) check_panels(listed, tensor);
  }

  void check_panels(const Listed& listed, const StoredTensor& tensor) const {
    if (tensor.rows == 1) fail(listed, "a vector has no panels", "F32", "panels");
    if (const std::uint64_t version = required_integer(gguf_panels_key);
        version != gguf_panels_version)
      first_.fail(first_.require(gguf_panels_key),
                  "packed by another version of this library; take the original",
                  std::to_string(gguf_panels_version), std::to_string(version),
                  ErrorCode::unsupported);
    if (tensor.offset % panel_alignment != 0)
      fail(listed, "the panels are not aligned",
           "an offset that is a multiple of " + std::to_string(panel_alignment),
           std::to_string(tensor.offset));
  }

  /// Adds one tensor. The elements need no rearrangement: files of this architecture keep wq and
  /// wk in Meta's order, where the two elements that a rotary pair turns are neighbours. (It is
  /// Hugging Face's checkpoints that have them half a head apart; converters put them back.)
  void add(const Listed& listed) {
    const auto [rows, cols] = extents(out_.shape, listed.id.kind);
    const auto& found = listed.info.extents;
    if (found != std::array<std::uint64_t, 4>{cols, rows, 1, 1})
      fail(listed, "wrong extents", std::to_string(rows) + " x " + std::to_string(cols),
           std::to_string(found[1]) + " x " + std::to_string(found[0]) +
               (found[2] != 1 || found[3] != 1 ? " and more dimensions" : ""));
    StoredTensor tensor{.id = listed.id,
                        .rows = rows,
                        .cols = cols,
                        .encoding = {},
                        .offset = listed.info.offset,
                        .bytes = 0,
                        .part = listed.part};
    read_type(listed, tensor);
    with_format(tensor.encoding, [&]<class F>(F) {
      if (cols % F::block_size != 0)
        fail(listed, "the rows are not whole blocks of " + std::string(F::name),
             "a multiple of " + std::to_string(F::block_size) + " columns", std::to_string(cols));
      if (F::block_size > 1) require_if_stated("general.quantization_version", 2);
    });
    // The extents are those of a valid shape, at most 2^24 by 2^20: no product can wrap.
    tensor.bytes = stored_bytes(tensor.encoding, tensor.in_panels, rows, cols);
    const std::uint64_t size = out_.file_of(tensor).bytes().size();
    if (tensor.bytes > size - tensor.offset)
      fail(listed, "the file ends inside the tensor", std::to_string(tensor.bytes) + " bytes",
           std::to_string(size - tensor.offset));
    out_.tensors.push_back(tensor);
  }

  /// Takes the score head's numbers, which must be finite.
  void read_score_head() {
    if (first_.integer(gguf_pooling_key) != gguf_pooling_rank)
      throw Error(ErrorCode::mismatch, "not a model that scores texts",
                  {.file = path(),
                   .tensor = std::string(gguf_pooling_key),
                   .expected = std::to_string(gguf_pooling_rank)});
    std::ranges::sort(head_, std::ranges::greater(), [](const Listed& l) { return l.info.name; });
    const std::array<std::pair<std::string_view, std::uint64_t>, 2> wanted = {
        {{gguf_score_weight, out_.shape.dim}, {gguf_score_bias, 1}}};
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const auto& [name, count] = wanted[i];
      if (head_.size() <= i || head_[i].info.name != name)
        throw Error(ErrorCode::malformed_file, "tensor is missing",
                    {.file = path(), .tensor = std::string(name)});
      const GgufTensorInfo& info = head_[i].info;
      if (info.extents != std::array<std::uint64_t, 4>{count, 1, 1, 1})
        fail(head_[i], "wrong extents", std::to_string(count), std::to_string(info.extents[0]));
      if (info.type != 0) fail(head_[i], "a score head of this type", "F32", "another");
      const auto bytes = out_.file->bytes();
      if (count * sizeof(float) > bytes.size() - info.offset)
        fail(head_[i], "the file ends inside the tensor",
             std::to_string(count * sizeof(float)) + " bytes",
             std::to_string(bytes.size() - info.offset));
      for (std::uint64_t k = 0; k < count; ++k) {
        float value;
        std::memcpy(&value, bytes.data() + info.offset + k * sizeof value, sizeof value);
        if (!std::isfinite(value)) fail(head_[i], "not a finite number", "a number", "another");
        out_.score_head.push_back(value);
      }
    }
  }

  /// Two tensors in the same bytes are a damaged list, or an attempt to make a small file large.
  void check_overlaps() const {
    std::vector<const StoredTensor*> order;
    for (const StoredTensor& tensor : out_.tensors) order.push_back(&tensor);
    std::ranges::sort(order, {},
                      [](const StoredTensor* t) { return std::pair(t->part, t->offset); });
    for (std::size_t i = 1; i < order.size(); ++i) {
      const StoredTensor& a = *order[i - 1];
      const StoredTensor& b = *order[i];
      if (a.part == b.part && b.offset - a.offset < a.bytes)
        throw Error(ErrorCode::malformed_file, "two tensors overlap",
                    {.file = path_of_part(b.part),
                     .offset = b.offset,
                     .tensor = gguf_name(b.id),
                     .expected = "a tensor behind " + gguf_name(a.id)});
    }
  }

  void check_completeness() {
    out_.sort_tensors();
    const auto twice = std::ranges::adjacent_find(out_.tensors, {}, &StoredTensor::id);
    if (twice != out_.tensors.end())
      throw Error(ErrorCode::malformed_file, "the file has this tensor twice",
                  {.file = path_of_part(twice[1].part),
                   .offset = twice[1].offset,
                   .tensor = gguf_name(twice[1].id)});
    for (const GgufName& name : gguf_names) {
      if (name.kind == TensorKind::output && out_.shape.tied_head) continue;
      const std::uint64_t layers = is_layer_tensor(name.kind) ? out_.shape.layers : 1;
      for (std::uint64_t layer = 0; layer < layers; ++layer)
        if (const TensorId id{name.kind, static_cast<std::size_t>(layer)}; out_.find(id) == nullptr)
          throw Error(ErrorCode::malformed_file, "tensor is missing",
                      {.file = path(), .tensor = gguf_name(id)});
    }
  }

  Checkpoint out_;
  GgufKind kind_;
  FileAccess access_;
  std::stop_token cancel_;
  GgufFile first_;
  std::vector<Listed> listed_;
  std::vector<Listed> head_;  // of a score model
};

}  // namespace detail

/// Reads the layout of a Llama 2 checkpoint in GGUF; of a split one from its first part, whose
/// name then ends in "-00001-of-" and the number of parts. `access` and `cancel` are for the other
/// parts.
///
/// Throws `malformed_file` for what the format does not allow, `unsupported` for models of other
/// architectures, other encodings and ways of scaling positions, `mismatch` for a model of another
/// kind, and `io` where a part is missing.
inline Checkpoint read_gguf(std::shared_ptr<const InputFile> file,
                            FileAccess access = FileAccess::map, const std::stop_token& cancel = {},
                            GgufKind kind = GgufKind::language_model) {
  return detail::GgufCheckpointReader(std::move(file), access, cancel, kind).read();
}

}  // namespace llama2::inline LLAMA2_ABI
