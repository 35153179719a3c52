// Writes models and their vocabularies as GGUF files.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "llama2/base/aligned_buffer.hpp"
#include "llama2/base/error.hpp"
#include "llama2/base/output_file.hpp"
#include "llama2/base/watch.hpp"
#include "llama2/format/panel.hpp"
#include "llama2/io/checkpoint.hpp"
#include "llama2/io/gguf.hpp"
#include "llama2/io/gguf_file.hpp"
#include "llama2/io/gguf_vocabulary.hpp"
#include "llama2/kernels/target.hpp"
#include "llama2/model/config.hpp"
#include "llama2/model/linear.hpp"
#include "llama2/model/parameters.hpp"
#include "llama2/model/rope.hpp"
#include "llama2/model/tensor.hpp"
#include "llama2/parallel/executor.hpp"
#include "llama2/shape/shape_info.hpp"
#include "llama2/text/vocabulary.hpp"

namespace llama2::inline LLAMA2_ABI {

/// What a GGUF file says beside its tensors.
struct GgufMetadata {
  ShapeInfo shape;
  ModelConfig config;
  bool states_rope_theta = true;           ///< whether to write `config.rope_theta`
  const Vocabulary* vocabulary = nullptr;  ///< as many pieces as the shape has; may be missing
  /// Of a model that scores texts, `dim` weights and a bias: it has no output head of its own, so
  /// the shape must have a tied one.
  std::span<const float> score_head{};
  /// Further keys and texts, for people and programs: "general.name", "tokenizer.chat_template".
  std::vector<std::pair<std::string, std::string>> texts{};
};

/// A tensor to be written.
struct GgufTensor {
  TensorId id;
  std::uint64_t rows;
  std::uint64_t cols;
  Encoding encoding;
  /// Writes one row as the encoding has it, `gguf_row_bytes` of them, at an address aligned for
  /// the encoding. Called for every row once, from several threads; must not throw.
  std::function<void(std::uint64_t row, std::byte* out)> encode_row;
  /// Called when all rows have been; may be empty.
  std::function<void()> on_written = {};
};

/// How a file is written.
struct GgufWriteOptions {
  /// Files that are read meanwhile, and must not be replaced.
  std::vector<std::string> inputs = {};
  /// Whose threads encode.
  SharedExecutor executor = {};
  /// Whether matrices lie in panels, as in memory, which makes a packed file: this library maps it
  /// instead of converting it, on any processor; others do not read it. See docs/packed-files.md.
  bool pack = false;
  /// Told now and then how many bytes of tensors are done, and of how many. What it throws ends the
  /// writing, and no file appears.
  OnProgress on_progress = {};
  /// Ends the writing within milliseconds, by `cancelled`; no file appears.
  std::stop_token cancel = {};
};

/// Bytes of a row of `cols` elements, which must be whole blocks.
inline std::uint64_t gguf_row_bytes(Encoding encoding, std::uint64_t cols) {
  return with_format(encoding, [cols]<class F>(F) -> std::uint64_t {
    return row_bytes<F>(static_cast<std::size_t>(cols));
  });
}

/// The encoding in which a file holds a tensor when its matrices are wanted in `wanted`: vectors
/// are F32, and matrices whose rows are not whole blocks F16.
inline Encoding gguf_encoding(Encoding wanted, std::uint64_t rows, std::uint64_t cols) {
  if (wanted == Encoding::int8_grouped)
    throw Error(ErrorCode::unsupported, "GGUF files cannot hold llama2.c's 8-bit groups");
  if (rows == 1) return Encoding::f32;
  return with_format(
      wanted, [&]<class F>(F) { return cols % F::block_size == 0 ? wanted : Encoding::f16; });
}

/// A tensor made from floats: `source(row, col, n, out)` supplies n of them from column `col`,
/// which is a multiple of 1024. It is called from several threads and must not throw.
template <class Source>
GgufTensor make_gguf_tensor(TensorId id, std::uint64_t rows, std::uint64_t cols, Encoding wanted,
                            Source source, Target target = {}) {
  const Encoding encoding = gguf_encoding(wanted, rows, cols);
  const auto encode_row = [=](std::uint64_t row, std::byte* out) {
    with_format(encoding, [&]<class F>(F) {
      constexpr std::size_t piece = 1024;
      static_assert(piece % F::block_size == 0);
      auto* const blocks = reinterpret_cast<typename F::Block*>(out);
      float floats[piece];
      for (std::size_t c = 0; c < cols; c += piece) {
        const std::size_t n = std::min<std::size_t>(piece, static_cast<std::size_t>(cols) - c);
        source(row, c, n, floats);
        target.call([&]<class Kernels>(Kernels) {
          Kernels::template encode<F>(floats, blocks + c / F::block_size, n);
        });
      }
    });
  };
  return {.id = id, .rows = rows, .cols = cols, .encoding = encoding, .encode_row = encode_row};
}

/// A tensor whose rows lie at `data` one after the other, encoded as they are to be written.
inline GgufTensor copy_gguf_tensor(TensorId id, std::uint64_t rows, std::uint64_t cols,
                                   Encoding encoding, const std::byte* data) {
  const std::uint64_t bytes = gguf_row_bytes(encoding, cols);
  return {.id = id,
          .rows = rows,
          .cols = cols,
          .encoding = encoding,
          .encode_row = [=](std::uint64_t row, std::byte* out) {
            std::memcpy(out, data + row * bytes, static_cast<std::size_t>(bytes));
          }};
}

/// A tensor that lies at `data` in panels, encoded as it is to be written.
inline GgufTensor unpack_gguf_tensor(TensorId id, std::uint64_t rows, std::uint64_t cols,
                                     Encoding encoding, const std::byte* data) {
  const auto encode_row = [=](std::uint64_t row, std::byte* out) {
    with_format(encoding, [&]<class F>(F) {
      const auto n = static_cast<std::size_t>(cols);
      get_row(reinterpret_cast<const PanelBlock<F>*>(data),
              PanelLayout::of<F>(static_cast<std::size_t>(rows), n), static_cast<std::size_t>(row),
              0, row_blocks<F>(n), reinterpret_cast<typename F::Block*>(out));
    });
  };
  return {.id = id, .rows = rows, .cols = cols, .encoding = encoding, .encode_row = encode_row};
}

/// A tensor of an opened checkpoint, which must outlive the result. Encodings that stay the same
/// are copied, not decoded and encoded anew. The file's pages are dropped when they are read.
GgufTensor make_gguf_tensor(Checkpoint&& checkpoint, const StoredTensor&, Encoding,
                            Target = {}) = delete;
inline GgufTensor make_gguf_tensor(const Checkpoint& checkpoint, const StoredTensor& stored,
                                   Encoding wanted, Target target = {}) {
  const std::byte* const data = checkpoint.data(stored).data();
  const auto decoded = [&checkpoint, stored, target](std::uint64_t row, std::size_t col,
                                                     std::size_t n, float* out) {
    target.call(
        [&](auto kernels) { checkpoint.decode(stored, row * stored.cols + col, n, out, kernels); });
  };
  GgufTensor result =
      gguf_encoding(wanted, stored.rows, stored.cols) != stored.encoding
          ? make_gguf_tensor(stored.id, stored.rows, stored.cols, wanted, decoded, target)
      : stored.in_panels
          ? unpack_gguf_tensor(stored.id, stored.rows, stored.cols, stored.encoding, data)
          : copy_gguf_tensor(stored.id, stored.rows, stored.cols, stored.encoding, data);
  result.on_written = [&checkpoint, stored] { checkpoint.drop(stored); };
  return result;
}

/// A tensor of a model, which must outlive the result.
template <class Tensor>
GgufTensor make_gguf_tensor(TensorId id, const Tensor& tensor) {
  if constexpr (std::is_void_v<typename Tensor::Format>) {
    return copy_gguf_tensor(id, 1, Tensor::cols, Encoding::f32,
                            reinterpret_cast<const std::byte*>(tensor.data));
  } else {
    return visit_view(tensor, [id]<class View>(const View& view) {
      using F = typename View::Format;
      constexpr Encoding own = encoding_of<F>();
      if (gguf_encoding(own, View::rows, View::cols) == own)
        return unpack_gguf_tensor(id, View::rows, View::cols, own,
                                  reinterpret_cast<const std::byte*>(view.data));
      return make_gguf_tensor(
          id, View::rows, View::cols, own,
          [view](std::uint64_t row, std::size_t col, std::size_t n, float* out) {
            typename F::Block blocks[1024 / F::block_size];
            view.copy_row(static_cast<std::size_t>(row), col / F::block_size, row_blocks<F>(n),
                          blocks);
            F::decode(blocks, out, n);
          });
    });
  }
}

namespace detail {

/// The bytes of a GGUF header, entry by entry.
class GgufHeader {
 public:
  template <class T>
    requires std::is_arithmetic_v<T>
  void number(T value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    out_.append(bytes, sizeof value);
  }
  void string(std::string_view text) {
    number(std::uint64_t{text.size()});
    out_ += text;
  }

  void entry(std::string_view key, std::uint32_t value) { scalar(key, GgufType::u32, value); }
  void entry(std::string_view key, float value) { scalar(key, GgufType::f32, value); }
  void entry(std::string_view key, bool value) {
    scalar(key, GgufType::boolean, static_cast<std::uint8_t>(value));
  }
  void entry(std::string_view key, std::string_view value) {
    begin(key, GgufType::string);
    string(value);
  }
  void entry(std::string_view key, const char* value) { entry(key, std::string_view(value)); }

  /// An array; the caller then adds the elements.
  void array(std::string_view key, GgufType element, std::size_t count) {
    begin(key, GgufType::array);
    number(static_cast<std::uint32_t>(element));
    number(std::uint64_t{count});
  }

  [[nodiscard]] const std::string& bytes() const noexcept { return out_; }
  [[nodiscard]] std::uint64_t entries() const noexcept { return entries_; }

 private:
  void begin(std::string_view key, GgufType type) {
    ++entries_;
    string(key);
    number(static_cast<std::uint32_t>(type));
  }
  template <class T>
  void scalar(std::string_view key, GgufType type, T value) {
    begin(key, type);
    number(value);
  }

  std::string out_;
  std::uint64_t entries_ = 0;
};

/// Throws `mismatch` for a tensor that the shape does not have or that GGUF cannot hold, and unless
/// there are all tensors of the shape, each once, or none.
inline void check_tensors(const std::string& path, const ShapeInfo& shape,
                          std::span<const GgufTensor> tensors) {
  for (const GgufTensor& tensor : tensors) {
    const auto check = [&](bool ok, const char* message, std::string expected, std::string found) {
      if (!ok)
        throw Error(ErrorCode::mismatch, message,
                    {.file = path,
                     .tensor = gguf_name(tensor.id),
                     .expected = std::move(expected),
                     .found = std::move(found)});
    };
    const auto [rows, cols] = extents(shape, tensor.id.kind);
    check(tensor.id.layer < (is_layer_tensor(tensor.id.kind) ? shape.layers : 1),
          "the shape has no such layer", "a layer below " + std::to_string(shape.layers),
          std::to_string(tensor.id.layer));
    check(tensor.rows == rows && tensor.cols == cols, "wrong extents",
          std::to_string(rows) + " x " + std::to_string(cols),
          std::to_string(tensor.rows) + " x " + std::to_string(tensor.cols));
    const Encoding possible = gguf_encoding(tensor.encoding, rows, cols);
    check(tensor.encoding == possible, "the tensor cannot have this encoding",
          std::string(to_string(possible)), std::string(to_string(tensor.encoding)));
  }
  std::vector<TensorId> ids;
  for (const GgufTensor& tensor : tensors) ids.push_back(tensor.id);
  const auto key = [](TensorId id) { return std::pair(id.kind, id.layer); };
  std::ranges::sort(ids, {}, key);
  if (const auto twice = std::ranges::adjacent_find(ids); twice != ids.end())
    throw Error(ErrorCode::mismatch, "this tensor twice",
                {.file = path, .tensor = gguf_name(*twice)});
  std::uint64_t wanted = 0;
  for (const GgufName& name : gguf_names)
    if (name.kind != TensorKind::output || !shape.tied_head)
      wanted += is_layer_tensor(name.kind) ? shape.layers : 1;
  if (!ids.empty() && ids.size() != wanted)
    throw Error(ErrorCode::mismatch, "not all tensors of the shape",
                {.file = path,
                 .expected = std::to_string(wanted) + " tensors",
                 .found = std::to_string(ids.size())});
}

/// Keys that the writer sets itself.
constexpr bool is_reserved_key(std::string_view key) noexcept {
  return key == "general.architecture" || key == "general.alignment" ||
         key == "general.file_type" || key == "general.quantization_version" ||
         key == gguf_panels_key || key.starts_with("llama.") || key.starts_with("split.") ||
         key.starts_with("tokenizer.ggml.");
}

/// Throws `invalid_argument` for texts that would make a file which no reader takes.
inline void check_texts(const std::vector<std::pair<std::string, std::string>>& texts) {
  std::vector<std::string_view> keys;
  for (const auto& [key, text] : texts) {
    if (key.empty() || key.size() > max_gguf_key_bytes || is_reserved_key(key))
      throw Error(ErrorCode::invalid_argument, "no key of a further text",
                  {.tensor = key.substr(0, 80),
                   .expected = "1 to 65535 bytes, and none that the writer sets itself"});
    keys.push_back(key);
  }
  std::ranges::sort(keys);
  if (const auto twice = std::ranges::adjacent_find(keys); twice != keys.end())
    throw Error(ErrorCode::invalid_argument, "this key twice", {.tensor = std::string(*twice)});
}

/// Writes one file.
class GgufWriter {
 public:
  GgufWriter(const std::string& path, const GgufMetadata& metadata,
             std::span<const GgufTensor> tensors, const GgufWriteOptions& options)
      : metadata_(metadata), tensors_(tensors), options_(options), out_(path, options.inputs) {}

  void write() {
    write_header();
    std::uint64_t rows = 0, panels = 0;
    for (const GgufTensor& tensor : tensors_) {
      rows = std::max(rows, bytes_of(tensor, chunk_rows(tensor), false));
      if (in_panels(tensor)) panels = std::max(panels, bytes_of(tensor, chunk_rows(tensor), true));
    }
    rows_ = AlignedBuffer<std::byte>(static_cast<std::size_t>(rows));
    panels_ = AlignedBuffer<std::byte>(static_cast<std::size_t>(panels));
    for (const GgufTensor& tensor : tensors_) write_tensor(tensor);
    for (const auto& [name, values] : score_head()) {
      out_.write(std::as_bytes(values));
      pad(values.size_bytes());
    }
    out_.commit();
  }

 private:
  static constexpr std::uint64_t chunk_bytes = std::uint64_t{4} << 20;

  [[nodiscard]] std::uint64_t alignment() const noexcept {
    return options_.pack ? panel_alignment : gguf_default_alignment;
  }
  [[nodiscard]] bool in_panels(const GgufTensor& tensor) const noexcept {
    return options_.pack && tensor.rows > 1;
  }
  /// Bytes of some of the tensor's rows; in panels these must begin a stripe.
  static std::uint64_t bytes_of(const GgufTensor& tensor, std::uint64_t rows, bool in_panels) {
    return stored_bytes(tensor.encoding, in_panels, rows, tensor.cols);
  }
  [[nodiscard]] std::uint64_t tensor_bytes(const GgufTensor& tensor) const {
    return bytes_of(tensor, tensor.rows, in_panels(tensor));
  }
  [[nodiscard]] std::uint64_t padded(std::uint64_t bytes) const noexcept {
    return (bytes + alignment() - 1) / alignment() * alignment();
  }
  /// Rows that are encoded at a time; whole stripes of panels.
  [[nodiscard]] std::uint64_t chunk_rows(const GgufTensor& tensor) const {
    const std::uint64_t step = in_panels(tensor) ? stripe_rows : 1;
    const std::uint64_t steps = chunk_bytes / bytes_of(tensor, step, false);
    return std::min(tensor.rows, step * std::max<std::uint64_t>(1, steps));
  }

  struct NamedVector {
    std::string_view name;
    std::span<const float> values;
  };
  /// The vectors of a score head, if there is one.
  [[nodiscard]] std::vector<NamedVector> score_head() const {
    const std::span<const float> all = metadata_.score_head;
    if (all.empty()) return {};
    return {{gguf_score_weight, all.first(all.size() - 1)}, {gguf_score_bias, all.last(1)}};
  }

  void write_header() {
    GgufHeader metadata;
    add_model(metadata);
    if (metadata_.vocabulary != nullptr) add_vocabulary(metadata, *metadata_.vocabulary);
    GgufHeader tensors;
    for (const GgufTensor& tensor : tensors_) {
      tensors.string(gguf_name(tensor.id));
      const bool is_vector = tensor.rows == 1;
      tensors.number(std::uint32_t{is_vector ? 1u : 2u});
      tensors.number(tensor.cols);  // the fastest first
      if (!is_vector) tensors.number(tensor.rows);
      tensors.number(encoding(tensor.encoding).type + (in_panels(tensor) ? gguf_panels_type : 0));
      tensors.number(total_);
      total_ += padded(tensor_bytes(tensor));
    }
    std::uint64_t end = total_;
    for (const auto& [name, values] : score_head()) {
      tensors.string(name);
      tensors.number(std::uint32_t{1});
      tensors.number(std::uint64_t{values.size()});
      tensors.number(encoding(Encoding::f32).type);
      tensors.number(end);
      end += padded(values.size_bytes());
    }
    GgufHeader start;
    start.number(std::uint32_t{3});
    start.number(std::uint64_t{tensors_.size() + score_head().size()});
    start.number(metadata.entries());
    out_.write(gguf_magic);
    const std::uint64_t size =
        gguf_magic.size() + start.bytes().size() + metadata.bytes().size() + tensors.bytes().size();
    for (const GgufHeader* const part : {&start, &metadata, &tensors}) out_.write(part->bytes());
    pad(size);
  }

  static const GgufEncoding& encoding(Encoding encoding) {
    return *std::ranges::find(gguf_encodings, encoding, &GgufEncoding::encoding);
  }

  void add_model(GgufHeader& out) const {
    const ShapeInfo& shape = metadata_.shape;
    const ModelConfig& config = metadata_.config;
    const auto number = [](std::uint64_t n) { return static_cast<std::uint32_t>(n); };
    out.entry("general.architecture", "llama");
    for (const auto& [key, text] : metadata_.texts) out.entry(key, std::string_view(text));
    out.entry("general.alignment", number(alignment()));
    out.entry("general.file_type", encoding(main_encoding(tensors_)).file_type);
    out.entry("general.quantization_version", std::uint32_t{2});
    if (options_.pack) out.entry(gguf_panels_key, gguf_panels_version);
    out.entry("llama.vocab_size", number(shape.vocab));
    out.entry("llama.context_length", number(config.context));
    out.entry("llama.embedding_length", number(shape.dim));
    out.entry("llama.block_count", number(shape.layers));
    out.entry("llama.feed_forward_length", number(shape.hidden_dim));
    out.entry("llama.attention.head_count", number(shape.heads));
    out.entry("llama.attention.head_count_kv", number(shape.kv_heads));
    out.entry("llama.attention.layer_norm_rms_epsilon", config.norm_epsilon);
    out.entry("llama.rope.dimension_count", number(shape.head_dim()));
    const RopeScaling& scaling = config.rope_scaling;
    if (scaling.kind == RopeScalingKind::ntk)  // files have no word for it, but say it all the same
      out.entry("llama.rope.freq_base",
                rotary_base(config, static_cast<std::size_t>(shape.head_dim())));
    else if (metadata_.states_rope_theta)
      out.entry("llama.rope.freq_base", config.rope_theta);
    if (!metadata_.score_head.empty()) out.entry(gguf_pooling_key, gguf_pooling_rank);
    if (scaling.kind == RopeScalingKind::linear || scaling.kind == RopeScalingKind::yarn)
      add_scaling(out, scaling);
  }

  static void add_scaling(GgufHeader& out, const RopeScaling& scaling) {
    out.entry("llama.rope.scaling.type", to_string(scaling.kind));
    out.entry("llama.rope.scaling.factor", scaling.factor);
    if (scaling.original_context != 0)
      out.entry("llama.rope.scaling.original_context_length",
                static_cast<std::uint32_t>(scaling.original_context));
    out.entry("llama.rope.scaling.finetuned", scaling.finetuned);
    if (scaling.kind != RopeScalingKind::yarn) return;
    out.entry("llama.rope.scaling.attn_factor", scaling.attention_factor);
    out.entry("llama.rope.scaling.yarn_beta_fast", scaling.beta_fast);
    out.entry("llama.rope.scaling.yarn_beta_slow", scaling.beta_slow);
  }

  static void add_vocabulary(GgufHeader& out, const Vocabulary& vocabulary) {
    const std::vector<Piece>& pieces = vocabulary.pieces;
    const auto id = [](Token token) { return static_cast<std::uint32_t>(token); };
    out.entry("tokenizer.ggml.model", "llama");
    out.entry("tokenizer.ggml.pre", "default");
    out.array("tokenizer.ggml.tokens", GgufType::string, pieces.size());
    for (const Piece& piece : pieces) out.string(piece.text);
    out.array("tokenizer.ggml.scores", GgufType::f32, pieces.size());
    for (const Piece& piece : pieces) out.number(piece.score);
    out.array("tokenizer.ggml.token_type", GgufType::i32, pieces.size());
    for (const Piece& piece : pieces) out.number(static_cast<std::int32_t>(piece.type));
    out.entry("tokenizer.ggml.unknown_token_id", id(vocabulary.unk_id));
    out.entry("tokenizer.ggml.bos_token_id", id(vocabulary.bos_id));
    out.entry("tokenizer.ggml.eos_token_id", id(vocabulary.eos_id));
    if (vocabulary.pad_id) out.entry("tokenizer.ggml.padding_token_id", id(*vocabulary.pad_id));
    out.entry("tokenizer.ggml.add_bos_token", vocabulary.add_bos);
    out.entry("tokenizer.ggml.add_eos_token", false);
    out.entry("tokenizer.ggml.add_space_prefix", vocabulary.add_dummy_prefix);
    out.entry("tokenizer.ggml.remove_extra_whitespaces", vocabulary.remove_extra_whitespaces);
  }

  void write_tensor(const GgufTensor& tensor) {
    const std::uint64_t row_size = gguf_row_bytes(tensor.encoding, tensor.cols);
    const std::uint64_t step = chunk_rows(tensor);
    for (std::uint64_t first = 0; first < tensor.rows; first += step) {
      const std::uint64_t rows = std::min(step, tensor.rows - first);
      parallel_ranges(options_.executor, static_cast<std::size_t>(rows), 1,
                      static_cast<std::size_t>(tensor.cols),
                      [&](std::size_t begin, std::size_t end) {
                        for (std::size_t i = begin; i < end; ++i)
                          tensor.encode_row(first + i, rows_.data() + i * row_size);
                      });
      if (in_panels(tensor)) fill_panels(tensor, rows);
      const auto& chunk = in_panels(tensor) ? panels_ : rows_;
      const std::uint64_t bytes = bytes_of(tensor, rows, in_panels(tensor));
      out_.write({chunk.data(), static_cast<std::size_t>(bytes)});
      done_ += bytes;
      if (options_.on_progress) options_.on_progress(done_, total_);
      throw_if_cancelled(options_.cancel);
    }
    done_ += pad(tensor_bytes(tensor));
    if (tensor.on_written) tensor.on_written();
  }

  /// Puts rows of whole stripes, or a tensor's last ones, into panels.
  void fill_panels(const GgufTensor& tensor, std::uint64_t rows) {
    const auto cols = static_cast<std::size_t>(tensor.cols);
    with_format(tensor.encoding, [&]<class F>(F) {
      const auto layout = PanelLayout::of<F>(static_cast<std::size_t>(rows), cols);
      const auto* const in = reinterpret_cast<const typename F::Block*>(rows_.data());
      auto* const out = reinterpret_cast<PanelBlock<F>*>(panels_.data());
      const std::size_t blocks = row_blocks<F>(cols);
      parallel_ranges(options_.executor, layout.stripes(), 1, stripe_rows * cols,
                      [&](std::size_t begin, std::size_t end) {
                        const std::size_t first = layout.begin_of(begin);
                        const std::size_t last =
                            end < layout.stripes() ? layout.begin_of(end) : layout.blocks();
                        std::fill(out + first, out + last,
                                  PanelBlock<F>());  // what no row fills is zeros
                        for (std::size_t r = begin * stripe_rows;
                             r < std::min(layout.rows, end * stripe_rows); ++r)
                          put_row(out, layout, r, 0, blocks, in + r * blocks);
                      });
    });
  }

  /// Writes zeros up to the next multiple of the alignment; how many.
  std::uint64_t pad(std::uint64_t size) {
    constexpr std::byte zeros[panel_alignment] = {};
    const std::uint64_t missing = padded(size) - size;
    out_.write(std::span(zeros).first(static_cast<std::size_t>(missing)));
    return missing;
  }

  const GgufMetadata& metadata_;
  std::span<const GgufTensor> tensors_;
  const GgufWriteOptions& options_;
  OutputFile out_;
  AlignedBuffer<std::byte> rows_, panels_;  // of a part of a tensor
  std::uint64_t total_ = 0;
  std::uint64_t done_ = 0;
};

}  // namespace detail

/// Writes a GGUF file of the tensors, part after part, in memory of a few MiB. The file appears at
/// the path when it is complete; see `OutputFile`. What the format does not hold (what the unknown
/// piece of the vocabulary decodes to) is lost.
///
/// Throws `io` when the file cannot be written, `invalid_argument` when it would replace one of
/// `options.inputs`, the configuration is impossible or the vocabulary too large for a reader, and
/// `mismatch` when the vocabulary or a tensor is not the shape's.
inline void write_gguf(const std::string& path, const GgufMetadata& metadata,
                       std::span<const GgufTensor> tensors, const GgufWriteOptions& options = {}) {
  metadata.config.validate();
  metadata.shape.validate(path);
  require_option(metadata.config.context <= max_context, "context",
                 static_cast<double>(metadata.config.context), "at most 2^24");
  detail::check_tensors(path, metadata.shape, tensors);
  detail::check_texts(metadata.texts);
  if (const std::size_t size = metadata.score_head.size();
      size != 0 && (size != metadata.shape.dim + 1 || !metadata.shape.tied_head))
    throw Error(ErrorCode::mismatch, "the score head is not the shape's",
                {.file = path,
                 .expected = std::to_string(metadata.shape.dim + 1) + " numbers and a tied head",
                 .found = std::to_string(size)});
  if (const Vocabulary* const vocabulary = metadata.vocabulary;
      vocabulary != nullptr && vocabulary->pieces.size() != metadata.shape.vocab)
    throw Error(ErrorCode::mismatch, "the vocabulary is not the model's",
                {.file = path,
                 .tensor = "vocab",
                 .expected = std::to_string(metadata.shape.vocab),
                 .found = std::to_string(vocabulary->pieces.size())});
  if (metadata.vocabulary != nullptr) validate(*metadata.vocabulary, path);
  detail::GgufWriter(path, metadata, tensors, options).write();
}

/// What a GGUF file says of its model in words: name, author, licence, chat template; to be written
/// into a file made from it. Nothing for files of another format.
inline std::vector<std::pair<std::string, std::string>> gguf_texts(const Checkpoint& checkpoint) {
  std::vector<std::pair<std::string, std::string>> texts;
  if (!GgufFile::recognises(*checkpoint.file)) return texts;
  const GgufFile file(checkpoint.file);
  for (const GgufValue& value : file.values())
    if (value.type == GgufType::string && !value.is_array && !detail::is_reserved_key(value.key) &&
        (value.key.starts_with("general.") || value.key == "tokenizer.chat_template"))
      texts.emplace_back(value.key, *file.text(value.key));
  return texts;
}

/// Writes an opened checkpoint, its matrices in `wanted` where that can be; see `gguf_encoding`.
/// The files of the checkpoint are never replaced; what they say in words is kept.
inline void write_gguf(const std::string& path, const Checkpoint& checkpoint, Encoding wanted,
                       const Vocabulary* vocabulary = nullptr, GgufWriteOptions options = {}) {
  std::vector<GgufTensor> tensors;
  for (const StoredTensor& stored : checkpoint.tensors)
    tensors.push_back(make_gguf_tensor(checkpoint, stored, wanted));
  options.inputs.push_back(checkpoint.file->path());
  for (const auto& part : checkpoint.further_parts) options.inputs.push_back(part->path());
  write_gguf(path,
             {.shape = checkpoint.shape,
              .config = checkpoint.config,
              .states_rope_theta = checkpoint.states_rope_theta,
              .vocabulary = vocabulary,
              .texts = gguf_texts(checkpoint)},
             tensors, options);
}

/// Writes a model, its matrices in its own format where that can be; see `gguf_encoding`.
template <class M>
  requires requires { typename M::WeightTensors; }
void write_gguf(const std::string& path, const M& model, const Vocabulary* vocabulary = nullptr,
                const GgufWriteOptions& options = {}) {
  std::vector<GgufTensor> tensors;
  auto weights = model.weights();
  for_each_tensor(
      [&](TensorId id, const auto& tensor) { tensors.push_back(make_gguf_tensor(id, tensor)); },
      weights);
  write_gguf(path,
             {.shape = ShapeInfo::of<typename M::Shape>(),
              .config = model.config(),
              .vocabulary = vocabulary},
             tensors, options);
}

}  // namespace llama2::inline LLAMA2_ABI
