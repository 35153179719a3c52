// How likely a model finds a text.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "llama2/base/token.hpp"
#include "llama2/model/model.hpp"

namespace llama2::inline LLAMA2_ABI {

/// The natural logarithm of softmax(logits)[token], in double. `token` must be in range.
inline double log_probability(std::span<const float> logits, Token token) noexcept {
  const double highest = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - highest);
  return static_cast<double>(logits[static_cast<std::size_t>(token)]) - highest - std::log(sum);
}

/// Log-probabilities in nats of tokens[1], tokens[2], ... each given all before it; one element
/// fewer than `tokens`. The text may be longer than the context that the model was trained on.
/// Throws `invalid_argument` for a token outside the vocabulary and `malformed_file` if a result is
/// not a number, which only damaged weights bring about.
template <class M>
std::vector<double> log_probabilities(const M& model, std::span<const Token> tokens) {
  constexpr std::size_t vocab = M::Shape::vocab;
  constexpr std::size_t rows_at_a_time = 32;  // bounds the logits held: 4 MB for Llama 2
  std::vector<double> result;
  if (tokens.size() < 2) return result;
  result.reserve(tokens.size() - 1);

  typename M::Sequence sequence(std::make_shared<typename M::Pool>(tokens.size()), tokens.size());
  Workspace<typename M::Shape> workspace(rows_at_a_time);
  std::vector<float> logits(rows_at_a_time * vocab);
  std::vector<typename M::Row> rows;
  rows.reserve(rows_at_a_time);
  const std::size_t predictors = tokens.size() - 1;
  for (std::size_t begin = 0; begin < predictors; begin += rows_at_a_time) {
    const std::size_t n = std::min(rows_at_a_time, predictors - begin);
    rows.clear();
    for (std::size_t i = begin; i < begin + n; ++i) rows.push_back({tokens[i], i, &sequence, true});
    require_token(tokens[begin + n], vocab);
    model.forward(rows, workspace, std::span(logits).first(n * vocab));
    for (std::size_t i = 0; i < n; ++i) {
      result.push_back(
          log_probability(std::span(logits).subspan(i * vocab, vocab), tokens[begin + i + 1]));
      if (std::isnan(result.back()))
        throw Error(ErrorCode::malformed_file,
                    "the model's logits are not numbers: its weights are damaged");
    }
  }
  return result;
}

}  // namespace llama2::inline LLAMA2_ABI
