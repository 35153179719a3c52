// A linear regression on hidden states: what a reward model and a value function have in place of
// the output head.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "llama2/base/aligned_buffer.hpp"
#include "llama2/train/objective.hpp"

namespace llama2::inline LLAMA2_ABI {

/// weight . hidden + bias, with its gradient: one number for each state of `dim` floats. All zeros
/// at first, so that it begins by saying nothing.
class ScoreHead {
 public:
  explicit ScoreHead(std::size_t dim) : values_(dim + 1), gradient_(dim + 1) {}

  [[nodiscard]] std::size_t dim() const noexcept { return values_.size() - 1; }
  [[nodiscard]] std::span<float> weight() noexcept { return {values_.data(), dim()}; }
  [[nodiscard]] std::span<const float> weight() const noexcept { return {values_.data(), dim()}; }
  [[nodiscard]] float& bias() noexcept { return values_.data()[dim()]; }
  [[nodiscard]] float bias() const noexcept { return values_.data()[dim()]; }

  /// Summed in double, in ascending order.
  [[nodiscard]] double operator()(const float* hidden) const noexcept {
    double sum = bias();
    for (std::size_t i = 0; i < dim(); ++i)
      sum += static_cast<double>(values_.data()[i]) * static_cast<double>(hidden[i]);
    return sum;
  }

  /// d_hidden += slope * weight.
  void backward(double slope, float* d_hidden) const noexcept {
    for (std::size_t i = 0; i < dim(); ++i)
      d_hidden[i] += static_cast<float>(slope * static_cast<double>(values_.data()[i]));
  }

  /// sum += slope * (hidden, 1); `sum` has dim + 1 numbers.
  void add_to(double slope, const float* hidden, double* sum) const noexcept {
    for (std::size_t i = 0; i < dim(); ++i) sum[i] += slope * static_cast<double>(hidden[i]);
    sum[dim()] += slope;
  }

  /// Adds dim + 1 numbers to the gradient.
  void add_gradient(const double* sum) noexcept {
    for (std::size_t i = 0; i <= dim(); ++i) gradient_.data()[i] += static_cast<float>(sum[i]);
  }

  /// Its two tensors, for an objective's list; the bias does not decay.
  void append_tensors(const std::string& name, std::vector<TrainedTensor>& tensors) {
    const std::span<float> values(values_.data(), values_.size());
    const std::span<float> gradient(gradient_.data(), gradient_.size());
    tensors.push_back({.name = name + ".weight",
                       .values = values.first(dim()),
                       .gradient = gradient.first(dim()),
                       .decays = true});
    tensors.push_back({.name = name + ".bias",
                       .values = values.last(1),
                       .gradient = gradient.last(1),
                       .decays = false});
  }

 private:
  AlignedBuffer<float> values_;    // the weights, then the bias
  AlignedBuffer<float> gradient_;  // of the same
};

}  // namespace llama2::inline LLAMA2_ABI
