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
#include "llama2/model/config.hpp"
#include "llama2/parallel/executor.hpp"
#include "llama2/train/live_model.hpp"
#include "llama2/train/objective.hpp"
#include "llama2/train/parameter_storage.hpp"
#include "llama2/train/sharded_gradients.hpp"
#include "llama2/train/token_losses.hpp"
#include "llama2/train/trained_tensors.hpp"

namespace llama2::inline LLAMA2_ABI {

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
    append_tensors(weights_, gradient_, tensors_);
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
    const LossSum counted = losses_.take(batch, S::vocab);
    sharded_.add(batch.texts, 1, gradient_,
                 [&](auto& pass, std::size_t first, std::size_t, ParameterStorage<S>& gradient) {
                   const std::size_t row = losses_.row_of(first);
                   pass.add_cross_entropy(
                       losses_.targets(row, pass.rows()),
                       [&](std::size_t t, std::span<const float> logits) {
                         return losses_.note(row + t, logits);
                       },
                       gradient);
                 });
    return losses_.added_up(counted);
  }
  LossSum loss(const TokenBatch& batch) {
    const LossSum counted = losses_.take(batch, S::vocab);
    sharded_.evaluate(batch.texts, 1, [&](auto& pass, std::size_t first, std::size_t) {
      const std::size_t row = losses_.row_of(first);
      pass.for_each_logits(
          losses_.targets(row, pass.rows()),
          [&](std::size_t t, std::span<const float> logits) { losses_.note(row + t, logits); });
    });
    return losses_.added_up(counted);
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
  ParameterStorage<S> weights_;
  ParameterStorage<S> gradient_;
  LiveModel<S> live_;
  ShardedGradients<S, R> sharded_;
  std::vector<TrainedTensor> tensors_;
  detail::TokenLosses losses_;
};

}  // namespace llama2::inline LLAMA2_ABI
