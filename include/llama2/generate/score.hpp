// How likely a model finds a text.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "llama2/base/aligned_buffer.hpp"
#include "llama2/base/error.hpp"
#include "llama2/base/token.hpp"
#include "llama2/base/watch.hpp"
#include "llama2/model/model.hpp"

namespace llama2::inline LLAMA2_ABI {

/// The natural logarithm of the sum of exponentials, in double.
inline double log_sum_exp(std::span<const float> logits) noexcept {
  const double highest = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - highest);
  return highest + std::log(sum);
}

/// The natural logarithm of softmax(logits)[token], in double. `token` must be in range.
inline double log_probability(std::span<const float> logits, Token token) noexcept {
  return static_cast<double>(logits[static_cast<std::size_t>(token)]) - log_sum_exp(logits);
}

namespace detail {

/// What only damaged weights bring about; throws `malformed_file`.
inline double require_number(double log_probability) {
  if (std::isnan(log_probability))
    throw Error(ErrorCode::malformed_file,
                "the model's logits are not numbers: its weights are damaged");
  return log_probability;
}

/// Rows of several sequences on their way through a model, and what becomes of their logits.
template <class M>
class Scorer {
 public:
  using Sequence = typename M::Sequence;
  static constexpr std::size_t vocab = M::Shape::vocab;
  /// Bounds the logits held: 8 MB for Llama 2.
  static constexpr std::size_t rows_at_a_time = 60;

  /// `total`: how many rows `watch` is told that there will be.
  Scorer(const M& model, std::size_t total, const Watch& watch)
      : model_(model), workspace_(rows_at_a_time), logits_(rows_at_a_time * vocab) {
    rows_.reserve(rows_at_a_time);
    targets_.reserve(rows_at_a_time);
    part_.cancel = watch.cancel;
    if (watch.on_progress)
      part_.on_progress = [this, total, &watch](std::uint64_t done, std::uint64_t) {
        watch.on_progress(done_ + done, total);
      };
  }
  Scorer(const Scorer&) = delete;
  Scorer& operator=(const Scorer&) = delete;

  /// Feeds a token at the next position of a sequence; `next` is to follow it, and its
  /// log-probability goes to *result before `flush` returns.
  void feed(Sequence& sequence, std::size_t position, Token token, Token next, double* result) {
    require_token(next, vocab);
    if (rows_.size() == rows_at_a_time) flush();
    rows_.push_back({token, position, &sequence, true});
    targets_.push_back({next, result});
  }

  void flush() {
    if (rows_.empty()) return;
    const std::span<float> logits = std::span(logits_.data(), rows_.size() * vocab);
    forward(logits);
    for (std::size_t i = 0; i < rows_.size(); ++i)
      *targets_[i].result =
          require_number(log_probability(logits.subspan(i * vocab, vocab), targets_[i].token));
    rows_.clear();
    targets_.clear();
  }

  /// Feeds tokens that nothing is asked of, and returns the logits after the last.
  std::span<const float> prefill(Sequence& sequence, std::span<const Token> tokens) {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (rows_.size() == rows_at_a_time) {
        forward({});
        rows_.clear();
      }
      rows_.push_back({tokens[i], i, &sequence, i + 1 == tokens.size()});
    }
    const std::span<float> logits(logits_.data(), vocab);
    forward(logits);
    rows_.clear();
    return logits;
  }

 private:
  struct Target {
    Token token;
    double* result;
  };

  void forward(std::span<float> logits) {
    model_.forward(rows_, workspace_, logits, part_);
    done_ += rows_.size();
  }

  const M& model_;
  Workspace<typename M::Shape> workspace_;
  AlignedBuffer<float> logits_;
  std::vector<typename M::Row> rows_;
  std::vector<Target> targets_;
  Watch part_;  // of a pass
  std::size_t done_ = 0;
};

}  // namespace detail

/// Log-probabilities in nats of tokens[1], tokens[2], ... each given all before it; one element
/// fewer than `tokens`. The text may be longer than the context that the model was trained on.
/// Throws `invalid_argument` for a token outside the vocabulary and `malformed_file` if a result is
/// not a number, which only damaged weights bring about. `watch` learns of tokens.
template <class M>
std::vector<double> log_probabilities(const M& model, std::span<const Token> tokens,
                                      const Watch& watch = {}) {
  std::vector<double> result(tokens.empty() ? 0 : tokens.size() - 1);
  if (result.empty()) return result;
  typename M::Sequence sequence(std::make_shared<typename M::Pool>(tokens.size()), tokens.size());
  detail::Scorer<M> scorer(model, result.size(), watch);
  for (std::size_t i = 0; i < result.size(); ++i)
    scorer.feed(sequence, i, tokens[i], tokens[i + 1], &result[i]);
  scorer.flush();
  return result;
}

/// Log-probabilities in nats of the tokens of each continuation, given the `prefix`, of at least
/// one token, and its own tokens before. The prefix is evaluated once, and the continuations
/// together, as many as there is room for in a pass; the results have the bits of
/// `log_probabilities` of prefix and continuation.
template <class M>
std::vector<std::vector<double>> log_probabilities(
    const M& model, std::span<const Token> prefix,
    std::span<const std::vector<Token>> continuations, const Watch& watch = {}) {
  using Scorer = detail::Scorer<M>;
  using Sequence = typename M::Sequence;
  constexpr std::size_t most_forks = 16;  // each takes a page at least, of which large models' are
  if (prefix.empty())
    throw Error(ErrorCode::invalid_argument, "nothing to continue: the prefix is empty");
  std::size_t longest = 0, total = prefix.size();
  for (const auto& continuation : continuations) {
    longest = std::max(longest, continuation.size());
    total += continuation.size() - std::min<std::size_t>(1, continuation.size());
  }
  const std::size_t most = prefix.size() + longest;
  const std::size_t shared = prefix.size() / kv_page_positions;
  const std::size_t forks = std::min(most_forks, continuations.size());
  const std::size_t pages = ceil_div(prefix.size(), kv_page_positions) +
                            forks * (ceil_div(most, kv_page_positions) - shared);

  auto pool = std::make_shared<typename M::Pool>(pages * kv_page_positions);
  Sequence before(pool, prefix.size());
  Scorer scorer(model, total, watch);
  const auto logits = scorer.prefill(before, prefix);
  std::vector<std::vector<double>> results;
  for (const auto& continuation : continuations) {
    results.emplace_back(continuation.size());
    if (continuation.empty()) continue;
    require_token(continuation.front(), M::Shape::vocab);
    results.back().front() = detail::require_number(log_probability(logits, continuation.front()));
  }
  std::vector<Sequence> alive;  // until their rows have been evaluated
  alive.reserve(forks);
  const auto finish = [&] {
    scorer.flush();
    alive.clear();
  };
  for (std::size_t c = 0; c < continuations.size(); ++c) {
    const auto& continuation = continuations[c];
    if (continuation.size() < 2) continue;  // the prefix has told all
    if (alive.size() == forks) finish();
    alive.push_back(before.fork(prefix.size() + continuation.size() - 1));
    for (std::size_t i = 1; i < continuation.size(); ++i)
      scorer.feed(alive.back(), prefix.size() + i - 1, continuation[i - 1], continuation[i],
                  &results[c][i]);
  }
  finish();
  return results;
}

}  // namespace llama2::inline LLAMA2_ABI
