// Losses of tokens: what is to be predicted in a batch, and what that cost.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/token.hpp"
#include "llama2/kernels/kernels.hpp"
#include "llama2/kernels/log_sum_exp-inl.hpp"
#include "llama2/train/gradient_pass.hpp"
#include "llama2/train/objective.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Texts, and what is to be predicted after each of their tokens.
struct TokenBatch {
  std::span<const std::span<const Token>> texts;
  std::span<const Token> targets;       ///< of all texts one after the other; may be `no_target`
  std::span<const float> weights = {};  ///< of the targets' losses; empty: 1 each
};

namespace detail {

/// The losses -weight * log softmax(logits)[target] of one batch's rows.
class TokenLosses {
 public:
  /// Checks a batch and counts its losses: those of targets with a weight other than 0.
  LossSum take(const TokenBatch& batch, std::size_t vocab) {
    batch_ = batch;
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
      require_token(targets_[t], vocab);
      if (!batch.weights.empty() && batch.weights[t] == 0)
        targets_[t] = no_target;
      else
        ++counted.count;
    }
    return counted;
  }

  /// The first row of a text.
  [[nodiscard]] std::size_t row_of(std::size_t text) const noexcept { return rows_[text]; }
  [[nodiscard]] std::span<const Token> targets(std::size_t row, std::size_t count) const noexcept {
    return std::span(targets_).subspan(row, count);
  }

  /// Keeps a row's loss; returns its weight. May be called from several threads.
  float note(std::size_t row, std::span<const float> logits) noexcept {
    const float weight = batch_.weights.empty() ? 1.0f : batch_.weights[row];
    const float logit = logits[static_cast<std::size_t>(targets_[row])];
    losses_[row] =
        static_cast<double>(weight) *
        (kernels::log_sum_exp(logits.data(), logits.size()) - static_cast<double>(logit));
    return weight;
  }

  /// In the order of the rows.
  [[nodiscard]] LossSum added_up(LossSum counted) const noexcept {
    for (const double loss : losses_) counted.sum += loss;
    return counted;
  }

 private:
  TokenBatch batch_;
  std::vector<std::size_t> rows_;  // the first of each text
  std::vector<Token> targets_;     // of each row, as what follows
  std::vector<double> losses_;
};

}  // namespace detail

}  // namespace llama2::inline LLAMA2_ABI
