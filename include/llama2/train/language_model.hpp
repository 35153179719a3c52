// The objective of pretraining: to predict the next token.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/token.hpp"
#include "llama2/kernels/kernels.hpp"
#include "llama2/kernels/log_sum_exp-inl.hpp"
#include "llama2/model/config.hpp"
#include "llama2/parallel/executor.hpp"
#include "llama2/shape/memory_plan.hpp"
#include "llama2/train/gradient_pass.hpp"
#include "llama2/train/live_model.hpp"
#include "llama2/train/objective.hpp"
#include "llama2/train/parameter_storage.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Texts, and what is to be predicted after each of their tokens.
struct TokenBatch {
  std::span<const std::span<const Token>> texts;
  std::span<const Token> targets;  ///< of all texts one after the other; may be `no_target`
};

/// A model of shape S in training: its weights, their gradients, and the loss
/// -log softmax(logits)[target] of every token that has a target.
template <ModelShape S, Recording R = Recording::everything>
class LanguageModel {
 public:
  using Model = typename LiveModel<S>::Model;

  /// `most_tokens` are taken through the model at once, and are the most that a text may have; more
  /// of them need more memory. Throws `invalid_argument` if `config` holds impossible values, and
  /// `out_of_memory`.
  LanguageModel(ParameterStorage<S> weights, const ModelConfig& config, std::size_t most_tokens,
                SharedExecutor executor = {})
      : weights_(std::move(weights)),
        live_(weights_, config, std::move(executor)),
        pass_(live_.model(), weights_, most_tokens),
        losses_(most_tokens) {
    auto weight_tensors = weights_.tensors();
    auto gradient_tensors = gradient_.tensors();
    for_each_tensor(
        [&]<class Tensor>(TensorId id, const Tensor& weight, const Tensor& gradient) {
          tensors_.push_back({.name = to_string(id),
                              .values = weight.values(),
                              .gradient = gradient.values(),
                              .decays = Tensor::rows > 1});
        },
        weight_tensors, gradient_tensors);
  }

  LanguageModel(const LanguageModel&) = delete;
  LanguageModel& operator=(const LanguageModel&) = delete;

  [[nodiscard]] const ParameterStorage<S>& weights() const noexcept { return weights_; }

  /// The model as it is now, for sessions, scores and files; see `LiveModel`.
  [[nodiscard]] const Model& model() const noexcept { return live_.model(); }

  // What an `Objective` has.
  [[nodiscard]] std::span<const TrainedTensor> tensors() const noexcept { return tensors_; }
  LossSum add_gradients(const TokenBatch& batch) { return run(batch, true); }
  LossSum loss(const TokenBatch& batch) { return run(batch, false); }
  void values_changed() noexcept { live_.refresh(weights_); }

  /// Three times those of the forward pass: the backward pass has two products for each of its.
  /// What is computed twice is counted once.
  [[nodiscard]] static double multiply_adds(const TokenBatch& batch) noexcept {
    constexpr std::size_t products = MemoryPlan<S, F32, F32>::parameters() -
                                     (tied_head<S> ? 0 : S::vocab * S::dim) -
                                     (2 * S::layers + 1) * S::dim;  // gains
    double sum = 0;
    for (const auto text : batch.texts) {
      const auto n = static_cast<double>(text.size());
      sum += n * products + n * (n + 1) / 2 * (2 * S::dim * S::layers);
    }
    return 3 * sum;
  }

 private:
  /// Takes as many texts at a time as there is room for.
  LossSum run(const TokenBatch& batch, bool backward) {
    LossSum losses;
    std::size_t row = 0;
    for (std::size_t first = 0, end; first < batch.texts.size(); first = end) {
      std::size_t rows = 0;
      for (end = first; end < batch.texts.size() &&
                        (end == first || rows + batch.texts[end].size() <= pass_.max_rows());
           ++end)
        rows += batch.texts[end].size();
      if (row + rows > batch.targets.size())
        throw Error(ErrorCode::invalid_argument, "not a target for each token",
                    {.expected = "at least " + std::to_string(row + rows),
                     .found = std::to_string(batch.targets.size())});
      losses +=
          run(batch.texts.subspan(first, end - first), batch.targets.subspan(row, rows), backward);
      row += rows;
    }
    return losses;
  }

  LossSum run(std::span<const std::span<const Token>> texts, std::span<const Token> targets,
              bool backward) {
    const auto note = [&](std::size_t row, std::span<const float> logits) {
      const auto target = static_cast<std::size_t>(targets[row]);
      losses_[row] = kernels::log_sum_exp(logits.data(), S::vocab) - logits[target];
      return 1.0f;
    };
    if (backward) {
      pass_.forward(texts);
      pass_.add_cross_entropy(targets, note, gradient_);
      pass_.backward(gradient_);
    } else {
      pass_.evaluate(texts);
      pass_.for_each_logits(targets, note);
    }
    LossSum sum;
    for (std::size_t row = 0; row < targets.size(); ++row)
      if (targets[row] != no_target) sum += {losses_[row], 1};
    return sum;
  }

  ParameterStorage<S> weights_;
  ParameterStorage<S> gradient_;
  LiveModel<S> live_;
  GradientPass<S, R> pass_;
  std::vector<double> losses_;  // of each row
  std::vector<TrainedTensor> tensors_;
};

}  // namespace llama2::inline LLAMA2_ABI
