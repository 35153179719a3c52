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
#include "llama2/model/config.hpp"
#include "llama2/model/parameters.hpp"
#include "llama2/shape/shape_info.hpp"

namespace llama2::inline LLAMA2_ABI {

static_assert(std::endian::native == std::endian::little,
              "llama2: checkpoint files are little-endian, and so must the machine be");

/// How a file stores a tensor's elements.
enum class Encoding {
  f32,           ///< 32-bit floats
  int8_grouped,  ///< llama2.c version 2: 8-bit integers, then a float scale per group of them
};

constexpr std::string_view to_string(Encoding encoding) noexcept {
  return encoding == Encoding::f32 ? "F32" : "INT8";
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

  [[nodiscard]] std::uint64_t elements() const noexcept { return rows * cols; }
};

/// An opened checkpoint. Everything in it has been checked against the file's size; the contents
/// of tensors have not been looked at.
struct Checkpoint {
  std::shared_ptr<const InputFile> file;
  std::string format;  ///< for people: "llama2.c .bin version 0"
  ShapeInfo shape;
  ModelConfig config;                 ///< defaults where the file is silent
  bool states_rope_theta = false;     ///< whether `config.rope_theta` comes from the file
  Encoding encoding = Encoding::f32;  ///< of the matrices
  std::vector<StoredTensor> tensors;

  /// The tensor, or throws `malformed_file` if the file lacks it.
  [[nodiscard]] const StoredTensor& tensor(TensorId id) const {
    // Each format lists its tensors by kind, then layer: the position is computed, not searched.
    const auto found = std::ranges::lower_bound(tensors, key(id), {},
                                                [](const StoredTensor& t) { return key(t.id); });
    if (found == tensors.end() || !(found->id == id))
      throw Error(ErrorCode::malformed_file, "tensor is missing",
                  {.file = file->path(), .tensor = to_string(id)});
    return *found;
  }

  /// Sorts the tensors as `tensor` expects them.
  void sort_tensors() {
    std::ranges::sort(tensors, {}, [](const StoredTensor& t) { return key(t.id); });
  }

  /// `count` elements of a tensor from element `first`, as floats. The range must lie inside.
  void decode(const StoredTensor& tensor, std::uint64_t first, std::size_t count,
              float* out) const noexcept {
    const std::byte* const data = file->bytes().data() + tensor.offset;
    if (tensor.encoding == Encoding::f32) {
      std::memcpy(out, data + first * sizeof(float), count * sizeof(float));
      return;
    }
    const std::byte* const scales = data + tensor.elements();
    for (std::size_t i = 0; i < count; ++i) {
      float scale;
      std::memcpy(&scale, scales + (first + i) / tensor.group_size * sizeof(float), sizeof scale);
      out[i] = static_cast<float>(static_cast<std::int8_t>(data[first + i])) * scale;
    }
  }

 private:
  static constexpr std::pair<TensorKind, std::size_t> key(TensorId id) noexcept {
    return {id.kind, id.layer};
  }
};

}  // namespace llama2::inline LLAMA2_ABI
