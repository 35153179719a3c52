// A model's weights as the list that optimisers and checkpoints know.
#pragma once

#include <vector>

#include "llama2/model/parameters.hpp"
#include "llama2/train/objective.hpp"
#include "llama2/train/parameter_storage.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Appends every tensor of the weights with its gradient, in the order of `for_each_tensor`, the
/// output head only if wanted. Matrices decay, gains of norms do not.
template <ModelShape S>
void append_tensors(ParameterStorage<S>& weights, ParameterStorage<S>& gradient,
                    std::vector<TrainedTensor>& tensors, bool with_output = true) {
  auto weight_tensors = weights.tensors();
  auto gradient_tensors = gradient.tensors();
  for_each_tensor(
      [&]<class Tensor>(TensorId id, const Tensor& weight, const Tensor& by_weight) {
        if (id.kind == TensorKind::output && !with_output) return;
        tensors.push_back({.name = to_string(id),
                           .values = weight.values(),
                           .gradient = by_weight.values(),
                           .decays = Tensor::rows > 1});
      },
      weight_tensors, gradient_tensors);
}

}  // namespace llama2::inline LLAMA2_ABI
