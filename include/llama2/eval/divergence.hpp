// How far a model's predictions are from another's: what a format of the weights costs.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "llama2/base/aligned_buffer.hpp"
#include "llama2/base/error.hpp"
#include "llama2/base/token.hpp"
#include "llama2/generate/score.hpp"
#include "llama2/shape/memory_plan.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Sums over the predictions of a text's tokens but the first.
struct Divergence {
  double log_prob = 0;  ///< of the tokens, by the second model, in nats
  double kl = 0;        ///< of the first model's predictions from the second's, in nats
  double top_1 = 0;     ///< predictions whose likeliest token is the same
  double tokens = 0;
};

/// The sum over tokens of p * log(p / q), where p and q are the softmax of the logits, in nats.
inline double kl_divergence(std::span<const float> p, std::span<const float> q) {
  const double log_sum_p = log_sum_exp(p), log_sum_q = log_sum_exp(q);
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double log_p = static_cast<double>(p[i]) - log_sum_p;
    sum += std::exp(log_p) * (log_p - (static_cast<double>(q[i]) - log_sum_q));
  }
  return sum;
}

/// Runs a text through two models of the same vocabulary. Throws `mismatch` for different ones, and
/// `malformed_file` if a result is not a number.
template <class First, class Second>
Divergence divergence(const First& first, const Second& second, std::span<const Token> tokens) {
  if (first.vocab() != second.vocab())
    throw Error(
        ErrorCode::mismatch, "models of different vocabularies",
        {.expected = std::to_string(first.vocab()), .found = std::to_string(second.vocab())});
  constexpr std::size_t rows_at_a_time = 60;
  const std::size_t vocab = first.vocab();
  const auto runner = [&](const auto& model) {
    using M = std::remove_cvref_t<decltype(model)>;
    return [&model, vocab,
            sequence = typename M::Sequence(model.make_pool(tokens.size()), tokens.size()),
            scratch = model.make_scratch(rows_at_a_time),
            logits = AlignedBuffer<float>(rows_at_a_time * vocab),
            rows = std::vector<typename M::Row>()](std::size_t begin,
                                                   std::span<const Token> part) mutable {
      rows.clear();
      for (std::size_t i = 0; i < part.size(); ++i)
        rows.push_back({part[i], begin + i, &sequence, true});
      const std::span<float> result(logits.data(), part.size() * vocab);
      model.forward(rows, scratch, result);
      return std::span<const float>(result);
    };
  };
  auto run_first = runner(first);
  auto run_second = runner(second);
  Divergence sum;
  for (std::size_t begin = 0; begin + 1 < tokens.size(); begin += rows_at_a_time) {
    const auto part = tokens.subspan(begin, std::min(rows_at_a_time, tokens.size() - 1 - begin));
    const auto p = run_first(begin, part), q = run_second(begin, part);
    for (std::size_t i = 0; i < part.size(); ++i) {
      const auto a = p.subspan(i * vocab, vocab), b = q.subspan(i * vocab, vocab);
      sum.log_prob += log_probability(b, tokens[begin + i + 1]);
      sum.kl += kl_divergence(a, b);
      sum.top_1 +=
          std::ranges::max_element(a) - a.begin() == std::ranges::max_element(b) - b.begin();
      ++sum.tokens;
    }
  }
  if (std::isnan(sum.log_prob) || std::isnan(sum.kl))
    throw Error(ErrorCode::malformed_file,
                "the model's logits are not numbers: its weights are damaged");
  return sum;
}

}  // namespace llama2::inline LLAMA2_ABI
