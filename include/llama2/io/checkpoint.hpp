// A checkpoint file: its shape, its properties, and where its tensors lie.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/file.hpp"
#include "llama2/format/float_formats.hpp"
#include "llama2/format/panel.hpp"
#include "llama2/format/quantised.hpp"
#include "llama2/model/config.hpp"
#include "llama2/model/parameters.hpp"
#include "llama2/shape/shape_info.hpp"

namespace llama2::inline LLAMA2_ABI {

static_assert(std::endian::native == std::endian::little,
              "llama2: checkpoint files are little-endian, and so must the machine be");

/// How a file stores a tensor's elements.
enum class Encoding {
  f32,           ///< as the weight format F32
  f16,           ///< F16
  bf16,          ///< BF16
  q8_0,          ///< Q8_0; rows are whole blocks, as with Q4_0
  q4_0,          ///< Q4_0
  int8_grouped,  ///< llama2.c version 2: 8-bit integers, then a float scale per group of them
};

/// Calls f with a value of the weight format that has the encoding; there is none for
/// `int8_grouped`, for which it calls nothing and returns the default of f's result.
template <class F>
constexpr auto with_format(Encoding encoding, F&& f) -> decltype(f(F32{})) {
  switch (encoding) {
    case Encoding::f32:
      return f(F32{});
    case Encoding::f16:
      return f(F16{});
    case Encoding::bf16:
      return f(BF16{});
    case Encoding::q8_0:
      return f(Q8_0{});
    case Encoding::q4_0:
      return f(Q4_0{});
    case Encoding::int8_grouped:
      break;
  }
  return decltype(f(F32{}))();
}

/// Whether weights were rounded to few bits, so that doing it again in another way loses more than
/// once from the original.
constexpr bool is_quantised(Encoding encoding) noexcept {
  return encoding == Encoding::int8_grouped ||
         with_format(encoding, []<class F>(F) { return F::block_size > 1; });
}

/// The name of the weight format with the encoding, or "INT8".
constexpr std::string_view to_string(Encoding encoding) noexcept {
  if (encoding == Encoding::int8_grouped) return "INT8";
  return with_format(encoding, []<class F>(F) { return F::name; });
}

/// The encoding of a weight format.
template <WeightFormat F>
consteval Encoding encoding_of() {
  using enum Encoding;
  for (const Encoding encoding : {f32, f16, bf16, q8_0, q4_0})
    if (to_string(encoding) == F::name) return encoding;
  throw "llama2: files have no encoding for this weight format";
}

/// Rows and columns of a tensor of a model of this shape; a vector has one row.
inline std::pair<std::uint64_t, std::uint64_t> extents(const ShapeInfo& shape, TensorKind kind) {
  switch (kind) {
    case TensorKind::token_embedding:
    case TensorKind::output:
      return {shape.vocab, shape.dim};
    case TensorKind::attention_norm:
    case TensorKind::ffn_norm:
    case TensorKind::norm:
      return {1, shape.dim};
    case TensorKind::wq:
    case TensorKind::wo:
      return {shape.dim, shape.dim};
    case TensorKind::wk:
    case TensorKind::wv:
      return {shape.kv_dim(), shape.dim};
    case TensorKind::w1:
    case TensorKind::w3:
      return {shape.hidden_dim, shape.dim};
    case TensorKind::w2:
      return {shape.dim, shape.hidden_dim};
  }
  return {0, 0};
}

/// Bytes of a tensor in a file. The rows of one that is not in panels must be whole blocks.
inline std::uint64_t stored_bytes(Encoding encoding, bool in_panels, std::uint64_t rows,
                                  std::uint64_t cols) noexcept {
  return with_format(encoding, [=]<class F>(F) -> std::uint64_t {
    const auto r = static_cast<std::size_t>(rows), c = static_cast<std::size_t>(cols);
    return in_panels ? PanelLayout::of<F>(r, c).blocks() * sizeof(PanelBlock<F>)
                     : r * row_bytes<F>(c);
  });
}

/// A tensor in a file. Vectors have one row.
struct StoredTensor {
  TensorId id;
  std::uint64_t rows;
  std::uint64_t cols;
  Encoding encoding;
  std::uint64_t offset;          ///< first byte in the file
  std::uint64_t bytes;           ///< bytes in the file, scales included
  std::uint64_t group_size = 0;  ///< elements per scale, for `int8_grouped`
  std::size_t part = 0;          ///< which part of a split file
  bool in_panels = false;        ///< not row after row, but as it lies in memory; see `PanelLayout`

  [[nodiscard]] std::uint64_t elements() const noexcept { return rows * cols; }
};

/// An opened checkpoint. Everything in it has been checked against the file's size; the contents
/// of tensors have not been looked at.
struct Checkpoint {
  std::shared_ptr<const InputFile> file;                        ///< of a split file the first part
  std::vector<std::shared_ptr<const InputFile>> further_parts;  ///< of a split file
  std::string format;  ///< for people: "llama2.c .bin version 0"
  ShapeInfo shape;
  ModelConfig config;                 ///< defaults where the file is silent
  bool states_rope_theta = false;     ///< whether `config.rope_theta` comes from the file
  Encoding encoding = Encoding::f32;  ///< of the matrices; where mixed, of most of their weights
  std::vector<StoredTensor> tensors;
  /// Of a model that scores texts: dim weights, then the bias; else nothing.
  std::vector<float> score_head;

  /// The tensor, or null if the file lacks it.
  [[nodiscard]] const StoredTensor* find(TensorId id) const noexcept {
    const auto found = std::ranges::lower_bound(tensors, key(id), {},
                                                [](const StoredTensor& t) { return key(t.id); });
    return found == tensors.end() || !(found->id == id) ? nullptr : &*found;
  }

  /// The tensor, or throws `malformed_file` if the file lacks it.
  [[nodiscard]] const StoredTensor& tensor(TensorId id) const {
    const StoredTensor* const found = find(id);
    if (found == nullptr)
      throw Error(ErrorCode::malformed_file, "tensor is missing",
                  {.file = file->path(), .tensor = to_string(id)});
    return *found;
  }

  /// Sorts the tensors as `find` expects them: by kind, then layer.
  void sort_tensors() {
    std::ranges::sort(tensors, {}, [](const StoredTensor& t) { return key(t.id); });
  }

  /// The file that holds the tensor.
  [[nodiscard]] const InputFile& file_of(const StoredTensor& tensor) const noexcept {
    return tensor.part == 0 ? *file : *further_parts[tensor.part - 1];
  }

  /// What keeps the bytes of all tensors where they are, for whoever outlives the checkpoint.
  [[nodiscard]] std::vector<std::shared_ptr<const InputFile>> files() const {
    auto all = further_parts;
    all.push_back(file);
    return all;
  }

  /// The tensor's bytes where they lie.
  [[nodiscard]] std::span<const std::byte> data(const StoredTensor& tensor) const noexcept {
    return file_of(tensor).bytes().subspan(static_cast<std::size_t>(tensor.offset),
                                           static_cast<std::size_t>(tensor.bytes));
  }

  /// `count` elements of a tensor from element `first`, as floats, converted by a target's
  /// `Kernels` or plainly. The range must lie inside.
  template <class Codec = ScalarCodec>
  void decode(const StoredTensor& tensor, std::uint64_t first, std::size_t count, float* out,
              Codec = {}) const noexcept {
    const std::byte* const bytes = data(tensor).data();
    if (tensor.encoding == Encoding::int8_grouped) {
      decode_groups(tensor, bytes, first, count, out);
      return;
    }
    with_format(tensor.encoding, [&]<class F>(F) {
      if (tensor.in_panels)
        decode_panels<F, Codec>(tensor, bytes, first, count, out);
      else
        decode_blocks<F, Codec>(reinterpret_cast<const typename F::Block*>(bytes), first, count,
                                out);
    });
  }

  /// Asks the system to have the tensor's bytes ready soon.
  void will_need(const StoredTensor& tensor) const noexcept {
    file_of(tensor).will_need(static_cast<std::size_t>(tensor.offset),
                              static_cast<std::size_t>(tensor.bytes));
  }

  /// Gives back the memory in which a mapped file's bytes of the tensor lie; they can still be
  /// read, and come from the file again.
  void drop(const StoredTensor& tensor) const noexcept {
    file_of(tensor).drop(static_cast<std::size_t>(tensor.offset),
                         static_cast<std::size_t>(tensor.bytes));
  }

 private:
  static constexpr std::pair<TensorKind, std::size_t> key(TensorId id) noexcept {
    return {id.kind, id.layer};
  }

  static void decode_groups(const StoredTensor& tensor, const std::byte* bytes, std::uint64_t first,
                            std::size_t count, float* out) noexcept {
    const std::byte* const scales = bytes + tensor.elements();
    for (std::size_t i = 0; i < count;) {
      const std::uint64_t group = (first + i) / tensor.group_size;
      float scale;
      std::memcpy(&scale, scales + group * sizeof scale, sizeof scale);
      const std::uint64_t left = (group + 1) * tensor.group_size - first;
      for (const auto end = std::min<std::uint64_t>(count, left); i < end; ++i)
        out[i] = static_cast<float>(static_cast<std::int8_t>(bytes[first + i])) * scale;
    }
  }

  /// Piece by piece of a row, out of the panels.
  template <WeightFormat F, class Codec>
  static void decode_panels(const StoredTensor& tensor, const std::byte* bytes, std::uint64_t first,
                            std::size_t count, float* out) noexcept {
    const auto cols = static_cast<std::size_t>(tensor.cols);
    const auto layout = PanelLayout::of<F>(static_cast<std::size_t>(tensor.rows), cols);
    constexpr std::size_t piece = 1024;
    typename F::Block blocks[piece / F::block_size];
    while (count != 0) {
      const auto row = static_cast<std::size_t>(first / cols);
      const auto col = static_cast<std::size_t>(first % cols);
      const std::size_t inside = col % F::block_size;
      const std::size_t n = std::min({count, cols - col, piece - inside});
      get_row(reinterpret_cast<const PanelBlock<F>*>(bytes), layout, row, col / F::block_size,
              row_blocks<F>(inside + n), blocks);
      decode_blocks<F, Codec>(blocks, inside, n, out);
      first += n;
      count -= n;
      out += n;
    }
  }

  /// Rows are whole blocks, so the tensor is one sequence of blocks.
  template <WeightFormat F, class Codec>
  static void decode_blocks(const typename F::Block* blocks, std::uint64_t first, std::size_t count,
                            float* out) noexcept {
    blocks += first / F::block_size;
    if constexpr (F::block_size > 1) {
      const auto inside = static_cast<std::size_t>(first % F::block_size);
      if (inside != 0) {  // begins in the middle of a block
        float whole[F::block_size];
        F::decode(blocks++, whole, F::block_size);
        const std::size_t n = std::min(count, F::block_size - inside);
        std::copy_n(whole + inside, n, out);
        out += n;
        count -= n;
      }
    }
    Codec::template decode<F>(blocks, out, count);
  }
};

}  // namespace llama2::inline LLAMA2_ABI
