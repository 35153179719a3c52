// The objective of language models: to predict the next token.
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
#include "llama2/train/live_model.hpp"
#include "llama2/train/objective.hpp"
#include "llama2/train/parameter_storage.hpp"
#include "llama2/train/sharded_gradients.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Texts, and what is to be predicted after each of their tokens.
struct TokenBatch {
  std::span<const std::span<const Token>> texts;
  std::span<const Token> targets;       ///< of all texts one after the other; may be `no_target`
  std::span<const float> weights = {};  ///< of the targets' losses; empty: 1 each
};

/// Appends the documents of a packed row to `texts`, each as a text of its own: blind to the
/// others, and positions begin at 0. `begins` are the places where documents begin, ascending; what
/// comes before the first is the rest of one. `targets` are the row's; what would be predicted
/// across the end of a document becomes `no_target`.
inline void keep_documents_apart(std::span<const Token> row, std::span<const std::size_t> begins,
                                 std::vector<std::span<const Token>>& texts,
                                 std::span<Token> targets) {
  if (targets.size() != row.size())
    throw Error(ErrorCode::invalid_argument, "not a target for each token",
                {.expected = std::to_string(row.size()), .found = std::to_string(targets.size())});
  std::size_t first = 0;
  for (const std::size_t begin : begins) {
    if (begin < first || begin > row.size())
      throw Error(ErrorCode::invalid_argument, "documents begin outside of the row or backwards",
                  {.expected = std::to_string(first) + " to " + std::to_string(row.size()),
                   .found = std::to_string(begin)});
    if (begin == first) continue;
    texts.push_back(row.subspan(first, begin - first));
    targets[begin - 1] = no_target;
    first = begin;
  }
  if (first != row.size()) texts.push_back(row.subspan(first));
}

/// A model of shape S in training: its weights, their gradients, and the loss
/// -weight * log softmax(logits)[target] of every token that has a target.
///
/// The gradients have the same bits for any number of threads.
template <ModelShape S, Recording R = Recording::everything>
class LanguageModel {
 public:
  using Model = typename LiveModel<S>::Model;

  /// `most_tokens` are taken through the model at once, and are the most that a text may have; more
  /// of them need more memory. `shards` is that of `ShardOptions`. Throws `invalid_argument` if
  /// `config` holds impossible values, and `out_of_memory`.
  LanguageModel(ParameterStorage<S> weights, const ModelConfig& config, std::size_t most_tokens,
                SharedExecutor executor = {}, std::size_t shards = 0)
      : weights_(std::move(weights)),
        live_(weights_, config, std::move(executor)),
        sharded_(live_, weights_, {.shards = shards, .pass_rows = most_tokens}) {
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

  // What an `Objective` has. A loss counts if it has a target and a weight other than 0; others are
  // not computed.
  [[nodiscard]] std::span<const TrainedTensor> tensors() const noexcept { return tensors_; }
  LossSum add_gradients(const TokenBatch& batch) {
    const LossSum counted = take(batch);
    sharded_.add(batch.texts, 1, gradient_,
                 [&](auto& pass, std::size_t first, std::size_t, ParameterStorage<S>& gradient) {
                   const std::size_t row = rows_[first];
                   pass.add_cross_entropy(
                       std::span(targets_).subspan(row, pass.rows()),
                       [&](std::size_t t, std::span<const float> logits) {
                         return note_loss(batch, row + t, logits);
                       },
                       gradient);
                 });
    return added_up(counted);
  }
  LossSum loss(const TokenBatch& batch) {
    const LossSum counted = take(batch);
    sharded_.evaluate(batch.texts, 1, [&](auto& pass, std::size_t first, std::size_t) {
      const std::size_t row = rows_[first];
      pass.for_each_logits(
          std::span(targets_).subspan(row, pass.rows()),
          [&](std::size_t t, std::span<const float> logits) { note_loss(batch, row + t, logits); });
    });
    return added_up(counted);
  }
  void values_changed() noexcept { live_.refresh(weights_); }

  /// Three times those of the forward pass: the backward pass has two products for each of its.
  /// What is computed twice is counted once.
  [[nodiscard]] static double multiply_adds(const TokenBatch& batch) noexcept {
    constexpr std::size_t products = ParameterStorage<S>::size -
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
  /// Checks a batch and counts its losses.
  LossSum take(const TokenBatch& batch) {
    rows_.clear();
    std::size_t rows = 0;
    for (const auto text : batch.texts) {
      rows_.push_back(rows);
      rows += text.size();
    }
    const auto require = [rows](std::size_t size, const char* message) {
      if (size != rows)
        throw Error(ErrorCode::invalid_argument, message,
                    {.expected = std::to_string(rows), .found = std::to_string(size)});
    };
    require(batch.targets.size(), "not a target for each token");
    if (!batch.weights.empty()) require(batch.weights.size(), "not a weight for each token");
    targets_.assign(batch.targets.begin(), batch.targets.end());
    losses_.assign(rows, 0.0);
    LossSum counted;
    for (std::size_t t = 0; t < rows; ++t) {
      if (targets_[t] == no_target) continue;
      require_token(targets_[t], S::vocab);
      if (!batch.weights.empty() && batch.weights[t] == 0)
        targets_[t] = no_target;
      else
        ++counted.count;
    }
    return counted;
  }

  /// Keeps a row's loss; returns its weight.
  float note_loss(const TokenBatch& batch, std::size_t row,
                  std::span<const float> logits) noexcept {
    const float weight = batch.weights.empty() ? 1.0f : batch.weights[row];
    const float logit = logits[static_cast<std::size_t>(targets_[row])];
    losses_[row] = static_cast<double>(weight) *
                   (kernels::log_sum_exp(logits.data(), S::vocab) - static_cast<double>(logit));
    return weight;
  }

  [[nodiscard]] LossSum added_up(LossSum counted) const noexcept {
    for (const double loss : losses_) counted.sum += loss;
    return counted;
  }

  ParameterStorage<S> weights_;
  ParameterStorage<S> gradient_;
  LiveModel<S> live_;
  ShardedGradients<S, R> sharded_;
  std::vector<TrainedTensor> tensors_;
  // Of a batch:
  std::vector<std::size_t> rows_;  // the first of each text
  std::vector<Token> targets_;     // of each row, as what follows
  std::vector<double> losses_;
};

}  // namespace llama2::inline LLAMA2_ABI
