// Weights in memory: typed by format and extents, owned elsewhere.
#pragma once

#include <cstddef>
#include <string_view>
#include <type_traits>
#include <variant>

#include "llama2/format/mixed.hpp"
#include "llama2/format/weight_format.hpp"

namespace llama2::inline LLAMA2_ABI {

/// A row-major matrix of weights in format F, its rows consecutive. Does not own its memory.
template <MatrixFormat F, std::size_t Rows, std::size_t Cols>
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
