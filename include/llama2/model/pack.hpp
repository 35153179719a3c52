// Weights on their way into a model's memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <type_traits>

#include "llama2/base/aligned_buffer.hpp"
#include "llama2/format/float_formats.hpp"
#include "llama2/format/panel.hpp"
#include "llama2/format/weight_format.hpp"
#include "llama2/model/linear.hpp"
#include "llama2/model/parameters.hpp"
#include "llama2/model/tensor.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Memory for tensors, given out piece by piece.
class WeightArena {
 public:
  /// Where pieces begin.
  static constexpr std::size_t alignment = panel_alignment;

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

/// Columns that are packed at a time: floats and blocks of them stay in the first-level cache.
inline constexpr std::size_t pack_columns = 1024;

/// What a weight costs on its way into memory, in multiply-adds of floats: some nanoseconds.
inline constexpr std::size_t pack_cost = 20;

/// Fills a matrix's memory, which must be zeros, in parallel. `source(kernels, row, col, n, out)`
/// must supply the blocks of n weights of a row from column `col`, a multiple of `pack_columns`; it
/// is called from several threads, with the target's `Kernels`, and must not throw.
template <WeightFormat F, std::size_t Rows, std::size_t Cols, class Source>
void pack_blocks(const Compute& compute, MatrixView<F, Rows, Cols>& tensor, PanelBlock<F>* memory,
                 Source&& source) noexcept {
  constexpr PanelLayout layout = MatrixView<F, Rows, Cols>::layout;
  static_assert(pack_columns % F::block_size == 0);
  parallel_ranges(compute.executor, layout.stripes(), 1, pack_cost * stripe_rows * Cols,
                  [&](std::size_t begin, std::size_t end) {
                    compute.target.call([&](auto kernels) {
                      typename F::Block blocks[row_blocks<F>(std::min(pack_columns, Cols))];
                      for (std::size_t s = begin; s < end; ++s)
                        for (std::size_t c = 0; c < Cols; c += pack_columns)
                          for (std::size_t r = s * stripe_rows;
                               r < s * stripe_rows + layout.rows_of(s); ++r) {
                            const std::size_t n = std::min(pack_columns, Cols - c);
                            source(kernels, r, c, n, blocks);
                            put_row(memory, layout, r, c / F::block_size, row_blocks<F>(n), blocks);
                          }
                    });
                  });
  tensor.data = memory;
}

/// The same from floats: `source(kernels, row, col, n, out)` must supply n of them.
template <WeightFormat F, std::size_t Rows, std::size_t Cols, class Source>
void pack(const Compute& compute, MatrixView<F, Rows, Cols>& tensor, PanelBlock<F>* memory,
          Source&& source) noexcept {
  pack_blocks(compute, tensor, memory,
              [&]<class Kernels>(Kernels kernels, std::size_t row, std::size_t col, std::size_t n,
                                 typename F::Block* out) {
                float floats[std::min(pack_columns, Cols)] = {};  // for gcc, which cannot see
                source(kernels, row, col, n, floats);
                Kernels::template encode<F>(floats, out, n);
              });
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
  using Element = PanelBlock<F>;
  static constexpr std::size_t count = MatrixView<F, Rows, Cols>::layout.blocks();
};
template <std::size_t N>
struct TensorMemory<VectorView<N>> {
  using Format = F32;
  using Element = float;
  static constexpr std::size_t count = N;
};

}  // namespace llama2::inline LLAMA2_ABI
