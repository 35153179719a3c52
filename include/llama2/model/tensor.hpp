// Weights in memory: typed by format and extents, owned elsewhere.
#pragma once

#include <cstddef>
#include <span>

#include "llama2/format/weight_format.hpp"

namespace llama2::inline LLAMA2_ABI {

/// A row-major matrix of weights in format F, its rows consecutive. Does not own its memory.
template <WeightFormat F, std::size_t Rows, std::size_t Cols>
struct MatrixView {
  using Format = F;
  using Block = typename F::Block;
  static constexpr std::size_t rows = Rows;
  static constexpr std::size_t cols = Cols;
  static constexpr std::size_t blocks = Rows * row_blocks<F>(Cols);

  const Block* data = nullptr;

  [[nodiscard]] const Block* row(std::size_t r) const noexcept {
    return data + r * row_blocks<F>(Cols);
  }
};

/// A vector of 32-bit floats. Does not own its memory.
template <std::size_t N>
struct VectorView {
  using Format = void;
  static constexpr std::size_t rows = 1;
  static constexpr std::size_t cols = N;

  const float* data = nullptr;
};

/// Storage of the weights that inference reads: matrices in format F, vectors in floats.
template <WeightFormat F>
struct WeightViews {
  template <std::size_t Rows, std::size_t Cols>
  using Matrix = MatrixView<F, Rows, Cols>;
  template <std::size_t N>
  using Vector = VectorView<N>;
};

}  // namespace llama2::inline LLAMA2_ABI
