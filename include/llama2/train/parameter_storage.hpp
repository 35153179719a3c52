// Weights as training has them: row-major floats, all tensors one after the other.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <type_traits>

#include "llama2/base/aligned_buffer.hpp"
#include "llama2/format/float_formats.hpp"
#include "llama2/model/linear.hpp"
#include "llama2/model/model.hpp"
#include "llama2/model/parameters.hpp"
#include "llama2/shape/memory_plan.hpp"

namespace llama2::inline LLAMA2_ABI {

/// A row-major tensor of floats (T is `float` or `const float`), owned elsewhere. A vector has one
/// row.
template <class T, std::size_t Rows, std::size_t Cols>
struct FloatTensor {
  static constexpr std::size_t rows = Rows;
  static constexpr std::size_t cols = Cols;
  static constexpr std::size_t size = Rows * Cols;

  T* data = nullptr;

  [[nodiscard]] std::span<T> values() const noexcept { return {data, size}; }
  [[nodiscard]] T* row(std::size_t r) const noexcept { return data + r * Cols; }
};

/// Storage of tensors as floats; T is `float` or `const float`.
template <class T>
struct FloatViews {
  template <std::size_t Rows, std::size_t Cols>
  using Matrix = FloatTensor<T, Rows, Cols>;
  template <std::size_t N>
  using Vector = FloatTensor<T, 1, N>;
};

/// A float for every weight of a model of shape S: weights, gradients, Adam's moments. They lie in
/// the order of `for_each_tensor` without gaps, so that what treats all alike needs no tensors.
template <ModelShape S>
class ParameterStorage {
 public:
  using Tensors = Parameters<S, FloatViews<float>>;
  using ConstTensors = Parameters<S, FloatViews<const float>>;

  static constexpr std::size_t size = MemoryPlan<S, F32, F32>::parameters();

  /// Zeros. Throws `out_of_memory`.
  ParameterStorage() : buffer_(size) {}

  /// All of them.
  [[nodiscard]] std::span<float> flat() noexcept { return {buffer_.data(), buffer_.size()}; }
  [[nodiscard]] std::span<const float> flat() const noexcept {
    return {buffer_.data(), buffer_.size()};
  }

  /// Where each tensor lies.
  [[nodiscard]] Tensors tensors() noexcept { return cut<float>(buffer_.data()); }
  [[nodiscard]] ConstTensors tensors() const noexcept { return cut<const float>(buffer_.data()); }

 private:
  template <class T>
  static Parameters<S, FloatViews<T>> cut(T* next) noexcept {
    Parameters<S, FloatViews<T>> tensors;
    for_each_tensor(
        [&](TensorId, auto& tensor) {
          tensor.data = next;
          next += std::remove_cvref_t<decltype(tensor)>::size;
        },
        tensors);
    return tensors;
  }

  AlignedBuffer<float> buffer_;
};

/// The weights of a model in any format, as floats. To train what a file holds, load it as a model
/// in F32 first: that decodes it from whatever the file has.
template <class M>
ParameterStorage<typename M::Shape> copy_parameters(const M& model) {
  ParameterStorage<typename M::Shape> parameters;
  auto out = parameters.tensors();
  auto in = model.weights();
  for_each_tensor(
      [&](TensorId, const auto& to, const auto& from) {
        using To = std::remove_cvref_t<decltype(to)>;
        if constexpr (To::rows == 1)
          std::copy_n(from.data, To::cols, to.data);
        else
          visit_view(from, [&](const auto& view) {
            parallel_ranges(model.executor(), To::rows, 1, To::cols,
                            [&](std::size_t begin, std::size_t end) {
                              for (std::size_t r = begin; r < end; ++r)
                                view.decode_row(r, to.row(r));
                            });
          });
      },
      out, in);
  return parameters;
}

}  // namespace llama2::inline LLAMA2_ABI
