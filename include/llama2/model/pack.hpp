// Weights on their way into a model's memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <type_traits>

#include "llama2/base/aligned_buffer.hpp"
#include "llama2/format/float_formats.hpp"
#include "llama2/format/weight_format.hpp"
#include "llama2/model/linear.hpp"
#include "llama2/model/parameters.hpp"
#include "llama2/model/tensor.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Memory for tensors, given out piece by piece.
class WeightArena {
 public:
  /// Where pieces begin: whole cache lines.
  static constexpr std::size_t alignment = 64;

  /// Bytes that `take<T>(count)` uses.
  template <class T>
  static constexpr std::size_t size_of(std::size_t count) noexcept {
    return round_up(count * sizeof(T), alignment);
  }

  /// Throws `out_of_memory`.
  explicit WeightArena(std::size_t bytes) : buffer_(bytes) {}

  /// The next `count` elements; the arena must have been made large enough.
  template <class T>
  T* take(std::size_t count) noexcept {
    static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= alignment);
    T* const p = reinterpret_cast<T*>(buffer_.data() + used_);
    used_ += size_of<T>(count);
    return p;
  }

 private:
  AlignedBuffer<std::byte> buffer_;
  std::size_t used_ = 0;
};

/// Fills a tensor's memory in parallel. `source(kernels, row, col, n, out)` must supply n floats of
/// a row from column `col`, a multiple of 1024; it is called from several threads, with the
/// target's `Kernels`, and must not throw.
template <WeightFormat F, std::size_t Rows, std::size_t Cols, class Source>
void pack(const Compute& compute, MatrixView<F, Rows, Cols>& tensor, typename F::Block* memory,
          Source&& source) noexcept {
  constexpr std::size_t piece = 1024;  // floats at a time: stays in the first-level cache
  static_assert(piece % F::block_size == 0);
  parallel_ranges(compute.executor, Rows, 1, Cols, [&](std::size_t begin, std::size_t end) {
    compute.target.call([&]<class Kernels>(Kernels kernels) {
      float floats[std::min(piece, Cols)];
      for (std::size_t r = begin; r < end; ++r) {
        auto* const row = memory + r * row_blocks<F>(Cols);
        for (std::size_t c = 0; c < Cols; c += piece) {
          const std::size_t n = std::min(piece, Cols - c);
          source(kernels, r, c, n, floats);
          Kernels::template encode<F>(floats, row + c / F::block_size, n);
        }
      }
    });
  });
  tensor.data = memory;
}

template <std::size_t N, class Source>
void pack(const Compute& compute, VectorView<N>& tensor, float* memory, Source&& source) noexcept {
  compute.target.call(
      [&](auto kernels) { source(kernels, std::size_t{0}, std::size_t{0}, N, memory); });
  tensor.data = memory;
}

/// Elements of memory that a view needs, their type, and the format that they are in.
template <class View>
struct TensorMemory;
template <WeightFormat F, std::size_t Rows, std::size_t Cols>
struct TensorMemory<MatrixView<F, Rows, Cols>> {
  using Format = F;
  using Element = typename F::Block;
  static constexpr std::size_t count = MatrixView<F, Rows, Cols>::blocks;
};
template <std::size_t N>
struct TensorMemory<VectorView<N>> {
  using Format = F32;
  using Element = float;
  static constexpr std::size_t count = N;
};

}  // namespace llama2::inline LLAMA2_ABI
