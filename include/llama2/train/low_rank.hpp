// Low-rank adapters: a few numbers learn, the weights stay (Hu et al. 2021, arXiv:2106.09685).
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "llama2/model/parameters.hpp"
#include "llama2/shape/model_shape.hpp"
#include "llama2/train/low_rank_pair.hpp"
#include "llama2/train/objective.hpp"
#include "llama2/train/parameter_storage.hpp"

namespace llama2::inline LLAMA2_ABI {

/// An objective whose matrices learn through adapters alone: W = W_0 + alpha / rank * B A, with A
/// (rank, cols) and B (rows, rank). `O` is any objective that names tensors as a model of shape S
/// does: a language model, a reward model, a policy. Its matrices always hold the merged weights,
/// so that its sessions, files and scores are those of the adapted model. What it has beside a
/// model's tensors (a reward model's head) learns in full.
///
/// Gradients of the adapters are those of the merged weights, projected: memory for the optimiser
/// is saved, not that for gradients. `LowRankLanguageModel` saves that, too.
template <ModelShape S, class O>
class LowRankAdapters {
 public:
  /// Refers to the objective, and changes its weights. Throws `invalid_argument` for a rank of zero
  /// or above the smallest matrix's sizes, and for adapters of nothing.
  explicit LowRankAdapters(O& objective, const LowRankOptions& options = {})
      : objective_(objective) {
    options.validate(std::min(kv_dim<S>, S::hidden_dim));
    std::vector<Kind> kinds;
    Parameters<S, FloatViews<const float>> shapes;
    for_each_tensor(
        [&]<class Tensor>(TensorId id, const Tensor&) {
          kinds.push_back({to_string(id), Tensor::rows, Tensor::cols, id.kind});
        },
        shapes);
    for (const TrainedTensor& tensor : objective_.tensors()) {
      const auto kind = std::ranges::find(kinds, tensor.name, &Kind::name);
      if (kind == kinds.end()) {
        tensors_.push_back(tensor);
      } else if (options.adapts(kind->kind)) {
        adapters_.push_back({tensor,
                             {tensor.values.begin(), tensor.values.end()},
                             {tensor.name, kind->rows, kind->cols, options, adapters_.size() + 1}});
        adapters_.back().pair.append_tensors(tensors_);
        scratch_.reserve(kind->rows, kind->cols, options.rank);
      }
    }
  }

  LowRankAdapters(const LowRankAdapters&) = delete;
  LowRankAdapters& operator=(const LowRankAdapters&) = delete;

  /// Numbers that learn.
  [[nodiscard]] std::size_t size() const noexcept {
    std::size_t sum = 0;
    for (const TrainedTensor& tensor : tensors_) sum += tensor.values.size();
    return sum;
  }

  // What an `Objective` has.
  [[nodiscard]] std::span<const TrainedTensor> tensors() const noexcept { return tensors_; }

  template <class Batch>
  LossSum add_gradients(const Batch& batch) {
    // Before and not after: a batch that fails leaves a part of its gradients.
    for (const TrainedTensor& tensor : objective_.tensors())
      if (!is_own(tensor)) std::ranges::fill(tensor.gradient, 0.0f);
    const LossSum sum = objective_.add_gradients(batch);
    for (Adapter& adapter : adapters_)
      adapter.pair.add_gradients(adapter.merged.gradient.data(), scratch_);
    return sum;
  }

  template <class Batch>
  LossSum loss(const Batch& batch) {
    return objective_.loss(batch);
  }

  template <class Batch>
    requires CountsWork<O, Batch>
  [[nodiscard]] double multiply_adds(const Batch& batch) const {
    return objective_.multiply_adds(batch);
  }

  /// Merges the adapters into the objective's weights.
  void values_changed() {
    for (Adapter& adapter : adapters_) {
      std::ranges::copy(adapter.base, adapter.merged.values.begin());
      adapter.pair.add_to(adapter.merged.values.data(), scratch_);
    }
    objective_.values_changed();
  }

 private:
  struct Kind {
    std::string name;
    std::size_t rows, cols;
    TensorKind kind;
  };
  struct Adapter {
    TrainedTensor merged;     // the objective's
    std::vector<float> base;  // W_0
    detail::LowRankPair pair;
  };

  /// Whether the objective's tensor is one that learns as it is.
  [[nodiscard]] bool is_own(const TrainedTensor& tensor) const noexcept {
    return std::ranges::any_of(tensors_, [&](const TrainedTensor& own) {
      return own.gradient.data() == tensor.gradient.data();
    });
  }

  O& objective_;
  std::vector<Adapter> adapters_;
  std::vector<TrainedTensor> tensors_;
  detail::LowRankScratch scratch_;
};

}  // namespace llama2::inline LLAMA2_ABI
