// The model that is being trained, as everything else sees one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include "llama2/format/float_formats.hpp"
#include "llama2/format/panel.hpp"
#include "llama2/model/model.hpp"
#include "llama2/model/pack.hpp"
#include "llama2/train/parameter_storage.hpp"

namespace llama2::inline LLAMA2_ABI {

namespace detail {

/// Puts a matrix's floats, row after row, into panels of the same, whose memory is `panels`: a few
/// columns of a stripe at a time, which stay in the first-level cache. What fills the last panel up
/// must be zeros.
template <std::size_t Rows, std::size_t Cols>
void fill_panels(const SharedExecutor& executor, const float* rows,
                 PanelBlock<F32>* panels) noexcept {
  constexpr std::size_t piece = 32;
  constexpr PanelLayout layout = PanelLayout::of<F32>(Rows, Cols);
  parallel_ranges(
      executor, layout.stripes(), 1, stripe_rows * Cols, [&](std::size_t begin, std::size_t end) {
        for (std::size_t s = begin; s < end; ++s)
          for (std::size_t c = 0; c < Cols; c += piece)
            for (std::size_t r = s * stripe_rows; r < s * stripe_rows + layout.rows_of(s); ++r)
              put_row(panels, layout, r, c, std::min(piece, Cols - c), rows + r * Cols + c);
      });
}

}  // namespace detail

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
      : LiveModel(Packed(parameters, executor), config, std::move(executor)) {}

  [[nodiscard]] const Model& model() const noexcept { return model_; }

  /// The same model, computed by the calling thread alone; for tasks that are themselves parallel.
  [[nodiscard]] const Model& single_threaded() const noexcept { return single_threaded_; }

  /// Takes over the weights.
  void refresh(const ParameterStorage<S>& parameters) noexcept {
    packed_.fill(parameters, model_.executor());
  }

 private:
  using Weights = typename Model::WeightTensors;

  /// The panels, and views of them that may write.
  struct Packed {
    Packed(const ParameterStorage<S>& parameters, const SharedExecutor& executor) {
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
      fill(parameters, executor);
    }

    /// What fills the last panel up is zeros since the arena was made.
    void fill(const ParameterStorage<S>& parameters, const SharedExecutor& executor) noexcept {
      auto tensors = parameters.tensors();
      for_each_tensor(
          [&]<class View>(TensorId, const View& view, const auto& tensor) {
            using Element = typename TensorMemory<View>::Element;
            auto* const memory = const_cast<Element*>(view.data);  // the arena's, which is ours
            if constexpr (View::rows == 1) {
              std::ranges::copy(tensor.values(), memory);
            } else {
              detail::fill_panels<View::rows, View::cols>(executor, tensor.data, memory);
            }
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
