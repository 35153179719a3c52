// The model that is being trained, as everything else sees one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include "llama2/format/float_formats.hpp"
#include "llama2/model/model.hpp"
#include "llama2/model/pack.hpp"
#include "llama2/train/parameter_storage.hpp"

namespace llama2::inline LLAMA2_ABI {

/// A `Model<S, F32>` whose weights follow those of a `ParameterStorage`: each `refresh` puts them
/// into the same panels again, without allocating.
///
/// The model and its copies serve sessions, scoring and writing files like any other. They share
/// the panels: none may be computing during a `refresh`, and what a sequence has cached before is
/// the older weights'.
template <ModelShape S>
class LiveModel {
 public:
  using Model = llama2::Model<S, F32>;

  /// Throws `invalid_argument` if `config` holds impossible values, and `out_of_memory`.
  LiveModel(const ParameterStorage<S>& parameters, const ModelConfig& config,
            SharedExecutor executor = {})
      : LiveModel(Packed(parameters, {executor, {}}), config, std::move(executor)) {}

  [[nodiscard]] const Model& model() const noexcept { return model_; }

  /// The same model, computed by the calling thread alone; for tasks that are themselves parallel.
  [[nodiscard]] const Model& single_threaded() const noexcept { return single_threaded_; }

  /// Takes over the weights.
  void refresh(const ParameterStorage<S>& parameters) noexcept {
    packed_.fill(parameters, {model_.executor(), model_.target()});
  }

 private:
  using Weights = typename Model::WeightTensors;

  /// The panels, and views of them that may write.
  struct Packed {
    Packed(const ParameterStorage<S>& parameters, const Compute& compute) {
      std::size_t bytes = 0;
      for_each_tensor(
          [&]<class View>(TensorId, View&) {
            using Memory = TensorMemory<View>;
            bytes += WeightArena::size_of<typename Memory::Element>(Memory::count);
          },
          weights);
      arena = std::make_shared<WeightArena>(bytes);
      for_each_tensor(
          [&]<class View>(TensorId, View& view) {
            using Memory = TensorMemory<View>;
            view.data = arena->template take<typename Memory::Element>(Memory::count);
          },
          weights);
      fill(parameters, compute);
    }

    void fill(const ParameterStorage<S>& parameters, const Compute& compute) noexcept {
      auto tensors = parameters.tensors();
      for_each_tensor(
          [&]<class View>(TensorId, View& view, const auto& tensor) {
            using Element = typename TensorMemory<View>::Element;
            pack(compute, view, const_cast<Element*>(view.data),  // the arena's, which is ours
                 [&](auto, std::size_t row, std::size_t col, std::size_t n, float* out) {
                   std::copy_n(tensor.row(row) + col, n, out);
                 });
          },
          weights, tensors);
    }

    Weights weights;
    std::shared_ptr<WeightArena> arena;
  };

  LiveModel(Packed packed, const ModelConfig& config, SharedExecutor executor)
      : packed_(std::move(packed)),
        model_(packed_.weights, packed_.arena, config, std::move(executor)),
        single_threaded_(packed_.weights, packed_.arena, config) {}

  Packed packed_;
  Model model_;
  Model single_threaded_;
};

}  // namespace llama2::inline LLAMA2_ABI
