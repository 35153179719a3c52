// Low-rank adapters: a few numbers learn, the weights stay (Hu et al. 2021, arXiv:2106.09685).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "llama2/base/aligned_buffer.hpp"
#include "llama2/base/error.hpp"
#include "llama2/base/random.hpp"
#include "llama2/kernels/training_kernels.hpp"
#include "llama2/model/parameters.hpp"
#include "llama2/train/objective.hpp"
#include "llama2/train/parameter_storage.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Which matrices have adapters, and how large.
struct LowRankOptions {
  std::size_t rank = 8;
  double alpha = 16;  ///< the update is alpha / rank * B A
  bool attention = true;
  bool feed_forward = true;
  std::uint64_t seed = 0;  ///< of A; B begins with zeros
};

/// An objective whose matrices learn through adapters alone: W = W_0 + alpha / rank * B A, with A
/// (rank, cols) and B (rows, rank). `O` is any objective that names tensors as a model of shape S
/// does: a language model, a reward model, a policy. Its matrices always hold the merged weights,
/// so that its sessions, files and scores are those of the adapted model. What it has beside a
/// model's tensors (a reward model's head) learns in full.
///
/// Gradients of the adapters are those of the merged weights, projected: memory for the optimiser
/// is saved, not that for gradients. The base may come from a quantised file: `copy_parameters`.
template <ModelShape S, class O>
class LowRankAdapters {
 public:
  /// Refers to the objective, and changes its weights. Throws `invalid_argument` for a rank of zero
  /// or above the smallest matrix's sizes, and for adapters of nothing.
  explicit LowRankAdapters(O& objective, const LowRankOptions& options = {})
      : objective_(objective),
        scale_(static_cast<float>(options.alpha / static_cast<double>(options.rank))),
        rank_(options.rank) {
    if (rank_ == 0 || rank_ > std::min(kv_dim<S>, S::hidden_dim))
      throw Error(ErrorCode::invalid_argument, "the rank of adapters",
                  {.expected = "1 to " + std::to_string(std::min(kv_dim<S>, S::hidden_dim)),
                   .found = std::to_string(rank_)});
    std::vector<Kind> kinds;
    Parameters<S, FloatViews<const float>> shapes;
    for_each_tensor(
        [&]<class Tensor>(TensorId id, const Tensor&) {
          kinds.push_back({to_string(id), Tensor::rows, Tensor::cols, id.kind});
        },
        shapes);
    for (const TrainedTensor& tensor : objective_.tensors()) {
      const auto kind = std::ranges::find(kinds, tensor.name, &Kind::name);
      if (kind == kinds.end())
        tensors_.push_back(tensor);
      else if (is_adapted(kind->kind, options))
        add(tensor, kind->rows, kind->cols, options.seed);
    }
    if (adapters_.empty())
      throw Error(ErrorCode::invalid_argument, "adapters of neither attention nor feed-forward");
    std::size_t largest = 0;
    for (const Adapter& adapter : adapters_)
      largest = std::max(largest, std::max(adapter.rows, adapter.cols) * rank_);
    scaled_ = AlignedBuffer<float>(largest);
    transposed_ = AlignedBuffer<float>(largest);
    scratch_ = AlignedBuffer<float>(TrainingKernels::linear_backward_scratch);
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
    for (Adapter& adapter : adapters_) {
      const std::size_t rows = adapter.rows, cols = adapter.cols;
      const float* const d = adapter.merged.gradient.data();
      // A is kept transposed, (cols, rank): both gradients are then products that training has.
      scale(adapter.b.data(), rows * rank_);
      TrainingKernels::linear_backward_weights(d, cols, scaled_.data(), cols, rank_, rows,
                                               adapter.d_a.data(), scratch_.data());
      scale(adapter.a.data(), cols * rank_);
      TrainingKernels::linear_backward_input(d, scaled_.data(), cols, rank_, rows, true,
                                             adapter.d_b.data(), scratch_.data());
    }
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
      const std::size_t cols = adapter.cols;
      for (std::size_t c = 0; c < cols; ++c)
        for (std::size_t r = 0; r < rank_; ++r)
          transposed_.data()[r * cols + c] = scale_ * adapter.a.data()[c * rank_ + r];
      std::ranges::copy(adapter.base, adapter.merged.values.begin());
      TrainingKernels::linear_backward_input(adapter.b.data(), transposed_.data(), rank_, cols,
                                             adapter.rows, true, adapter.merged.values.data(),
                                             scratch_.data());
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
    TrainedTensor merged;  // the objective's
    std::size_t rows, cols;
    std::vector<float> base;      // W_0
    AlignedBuffer<float> a, d_a;  // (cols, rank)
    AlignedBuffer<float> b, d_b;  // (rows, rank)
  };

  static bool is_adapted(TensorKind kind, const LowRankOptions& options) noexcept {
    switch (kind) {
      case TensorKind::wq:
      case TensorKind::wk:
      case TensorKind::wv:
      case TensorKind::wo:
        return options.attention;
      case TensorKind::w1:
      case TensorKind::w2:
      case TensorKind::w3:
        return options.feed_forward;
      default:
        return false;
    }
  }

  void add(const TrainedTensor& tensor, std::size_t rows, std::size_t cols, std::uint64_t seed) {
    Adapter& adapter = adapters_.emplace_back(Adapter{tensor,
                                                      rows,
                                                      cols,
                                                      {tensor.values.begin(), tensor.values.end()},
                                                      AlignedBuffer<float>(cols * rank_),
                                                      AlignedBuffer<float>(cols * rank_),
                                                      AlignedBuffer<float>(rows * rank_),
                                                      AlignedBuffer<float>(rows * rank_)});
    // Uniform with variance 1 / (3 cols), as the authors' program initialises.
    const float bound = 1 / std::sqrt(static_cast<float>(cols));
    for (std::size_t i = 0; i < cols * rank_; ++i)
      adapter.a.data()[i] = bound * uniform_at(mix_bits(seed) ^ adapters_.size(), i);
    const auto values = [](AlignedBuffer<float>& buffer) {
      return std::span<float>(buffer.data(), buffer.size());
    };
    tensors_.push_back({.name = tensor.name + ".lora_a",
                        .values = values(adapter.a),
                        .gradient = values(adapter.d_a),
                        .decays = true});
    tensors_.push_back({.name = tensor.name + ".lora_b",
                        .values = values(adapter.b),
                        .gradient = values(adapter.d_b),
                        .decays = true});
  }

  /// Whether the objective's tensor is one that learns as it is.
  [[nodiscard]] bool is_own(const TrainedTensor& tensor) const noexcept {
    return std::ranges::any_of(tensors_, [&](const TrainedTensor& own) {
      return own.gradient.data() == tensor.gradient.data();
    });
  }

  /// scaled_ = x * alpha / rank.
  void scale(const float* x, std::size_t n) noexcept {
    for (std::size_t i = 0; i < n; ++i) scaled_.data()[i] = scale_ * x[i];
  }

  O& objective_;
  float scale_;
  std::size_t rank_;
  std::vector<Adapter> adapters_;
  std::vector<TrainedTensor> tensors_;
  AlignedBuffer<float> scaled_, transposed_, scratch_;
};

}  // namespace llama2::inline LLAMA2_ABI
