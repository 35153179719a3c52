// Weights in memory: typed by format and extents, owned elsewhere.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <variant>

#include "llama2/format/mixed.hpp"
#include "llama2/format/panel.hpp"

namespace llama2::inline LLAMA2_ABI {

/// A matrix of weights in format F, in panels: stripes of up to four, whose blocks alternate. Does
/// not own its memory.
template <MatrixFormat F, std::size_t Rows, std::size_t Cols>
struct MatrixView {
  using Format = F;
  using Block = typename F::Block;
  static constexpr std::size_t rows = Rows;
  static constexpr std::size_t cols = Cols;
  static constexpr PanelLayout layout = PanelLayout::of<F>(Rows, Cols);

  const PanelBlock<F>* data = nullptr;

  /// Copies blocks [begin, begin + count) of a row.
  void copy_row(std::size_t row, std::size_t begin, std::size_t count, Block* out) const noexcept {
    get_row(data, layout, row, begin, count, out);
  }

  /// A row as Cols floats.
  void decode_row(std::size_t row, float* out) const noexcept {
    constexpr std::size_t piece = std::max<std::size_t>(1, 512 / F::block_size);  // blocks
    constexpr std::size_t all = row_blocks<F>(Cols);
    Block blocks[std::min(piece, all)];
    for (std::size_t b = 0; b < all; b += piece) {
      const std::size_t count = std::min(piece, all - b);
      copy_row(row, b, count, blocks);
      const std::size_t first = b * F::block_size;
      F::decode(blocks, out + first, std::min(count * F::block_size, Cols - first));
    }
  }
};

/// A matrix whose format was chosen from a list.
template <WeightFormat... Fs, std::size_t Rows, std::size_t Cols>
struct MatrixView<Mixed<Fs...>, Rows, Cols> {
  using Format = Mixed<Fs...>;
  static constexpr std::size_t rows = Rows;
  static constexpr std::size_t cols = Cols;

  std::variant<MatrixView<Fs, Rows, Cols>...> choice;

  /// Makes this an empty view in the format of that name, or in the first if none has it.
  void choose(std::string_view name) noexcept {
    choice = {};
    (..., (Fs::name == name ? void(choice = MatrixView<Fs, Rows, Cols>()) : void()));
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

/// Calls f with the view that a tensor is, or that it has chosen.
template <class Tensor, class F>
decltype(auto) visit_view(Tensor& tensor, F&& f) {
  if constexpr (requires { tensor.choice; })
    return std::visit(f, tensor.choice);
  else
    return f(tensor);
}

/// Storage of the weights that inference reads: matrices in format F, vectors in floats.
template <MatrixFormat F>
struct WeightViews {
  template <std::size_t Rows, std::size_t Cols>
  using Matrix = MatrixView<F, Rows, Cols>;
  template <std::size_t N>
  using Vector = VectorView<N>;
};

}  // namespace llama2::inline LLAMA2_ABI
