// Several continuations of a text, of which the likeliest is wanted.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "llama2/base/aligned_buffer.hpp"
#include "llama2/base/error.hpp"
#include "llama2/base/random.hpp"
#include "llama2/base/token.hpp"
#include "llama2/generate/batch.hpp"
#include "llama2/generate/score.hpp"
#include "llama2/model/model.hpp"
#include "llama2/text/tokenizer.hpp"

namespace llama2::inline LLAMA2_ABI {

/// The most continuations that the functions here consider at a time.
inline constexpr std::size_t most_alternatives = 1024;

/// A token and its log-probability in nats.
struct TokenLogProbability {
  Token token;
  double log_probability;
};

/// The n likeliest tokens, the likeliest first; of equals the lower id. Throws `malformed_file` if
/// the logits are not numbers, which only damaged weights bring about.
inline std::vector<TokenLogProbability> likeliest(std::span<const float> logits, std::size_t n) {
  std::vector<Token> order(logits.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<Token>(i);
  n = std::min(n, order.size());
  const double log_sum = detail::require_number(log_sum_exp(logits));
  const auto logit = [&](Token token) { return logits[static_cast<std::size_t>(token)]; };
  std::ranges::partial_sort(
      order, order.begin() + static_cast<std::ptrdiff_t>(n),
      [&](Token a, Token b) { return logit(a) > logit(b) || (logit(a) == logit(b) && a < b); });
  std::vector<TokenLogProbability> result(n);
  for (std::size_t i = 0; i < n; ++i)
    result[i] = {order[i], static_cast<double>(logit(order[i])) - log_sum};
  return result;
}

namespace detail {

/// Puts `item` into a list whose keys descend, behind equals. (A stable sort in gcc 12's library
/// uses what it has itself declared deprecated.)
template <class T, class Key>
void insert_ranked(std::vector<T>& list, T item, Key key) {
  const auto at =
      std::ranges::upper_bound(list, std::invoke(key, item), std::ranges::greater{}, key);
  list.insert(at, std::move(item));
}

}  // namespace detail

/// A continuation and how likely the model finds it.
struct ScoredText {
  std::vector<Token> tokens;  ///< without the prompt, with an end token if there is one
  std::string text;           ///< as `on_text` would see it
  double log_probability;     ///< of all its tokens, in nats
  StopReason reason;

  /// Per token, so that long ones are not worse for being long.
  [[nodiscard]] double mean() const noexcept {
    return tokens.empty() ? 0 : log_probability / static_cast<double>(tokens.size());
  }
};

/// `n` continuations of a prompt, drawn with seeds of their own and all at once, the one with the
/// best mean log-probability first. `options.cancel` ends the work by `cancelled`. Throws what
/// `Batch` does.
template <class M>
std::vector<ScoredText> best_of(const M& model, const Tokenizer& tokenizer,
                                std::span<const Token> prompt, std::size_t n,
                                const GenerateOptions& options, std::size_t context) {
  if (n > most_alternatives)
    throw Error(
        ErrorCode::invalid_argument, "too many alternatives",
        {.expected = "at most " + std::to_string(most_alternatives), .found = std::to_string(n)});
  if (prompt.size() > context)
    throw Error(ErrorCode::context_exhausted, "the prompt does not fit into the context",
                {.expected = "at most " + std::to_string(context) + " tokens",
                 .found = std::to_string(prompt.size())});
  std::vector<ScoredText> results(n);
  if (!options.sinks)  // what they can need
    context = std::min(context, prompt.size() + std::min(options.max_tokens, max_context));
  // All share the prompt's whole pages; where texts lose their middle, these may be lost, too.
  const std::size_t shared =
      options.sinks || prompt.empty() ? 0 : (prompt.size() - 1) / kv_page_positions;
  const std::size_t pages = ceil_div(context, kv_page_positions);
  auto pool = std::make_shared<typename M::Pool>((pages + n * (pages - std::min(pages, shared))) *
                                                 kv_page_positions);
  typename M::Sequence past(pool, context);
  if (prompt.size() > 1) {  // evaluated once for all
    Workspace<typename M::Shape> workspace(std::min(prompt.size(), max_batch_rows));
    std::vector<typename M::Row> rows;
    for (std::size_t i = 0; i + 1 < prompt.size(); ++i) rows.push_back({prompt[i], i, &past});
    model.forward(rows, workspace, {}, {options.cancel, options.on_prompt});
  }
  Batch<M> batch(model, tokenizer, pool);
  for (std::size_t i = 0; i < n; ++i) {
    ScoredText& result = results[i];
    GenerateOptions own = options;
    own.seed = seed_of(options.seed, i);
    own.cancel = {};  // for all together, not for each
    own.on_prompt = {};
    own.on_token = [&result, &options](Token token, std::span<const float> logits) {
      result.tokens.push_back(token);
      result.log_probability += detail::require_number(log_probability(logits, token));
      if (options.on_token) options.on_token(token, logits);
    };
    batch.add(
        past.fork(context), {prompt.begin(), prompt.end()}, own,
        [&result](std::string_view text) {
          result.text += text;
          return true;
        },
        [&result](auto, const BatchResult& end) { result.reason = end.reason; });
  }
  batch.run(options.cancel);
  std::vector<ScoredText> ranked;
  for (ScoredText& result : results)
    detail::insert_ranked(ranked, std::move(result), &ScoredText::mean);
  return ranked;
}

/// A continuation that a beam search has found.
struct Beam {
  std::vector<Token> tokens;  ///< without the prompt, with an end token if there is one
  double log_probability;     ///< of all its tokens, in nats
  bool ended;                 ///< by the end token
};

/// Beam search: of all continuations of the `width` best so far the `width` best go on, by the sum
/// of their log-probabilities; until as many have ended with `eos` and none that goes on is better,
/// or after `max_tokens`. Returns up to `width`, the best first. With a width of 1 that is greedy.
/// Throws `invalid_argument` for an empty prompt or a width that is not 1 to `most_alternatives`,
/// `malformed_file` if logits are not numbers, and `cancelled`.
template <class M>
std::vector<Beam> beam_search(const M& model, std::span<const Token> prompt, std::size_t width,
                              std::size_t max_tokens, Token eos,
                              const std::stop_token& cancel = {}) {
  using Sequence = typename M::Sequence;
  constexpr std::size_t vocab = M::Shape::vocab;
  if (prompt.empty()) throw Error(ErrorCode::invalid_argument, "there is nothing to continue");
  if (width < 1 || width > most_alternatives)
    throw Error(
        ErrorCode::invalid_argument, "width of a beam search",
        {.expected = "1 to " + std::to_string(most_alternatives), .found = std::to_string(width)});
  max_tokens = std::min(max_tokens, max_context);  // so that the sum is one
  const std::size_t context = prompt.size() + max_tokens;
  // Each beam that goes on may be forked before its parent is gone; all share the prompt.
  const std::size_t pages = ceil_div(context, kv_page_positions);
  const std::size_t own = pages - prompt.size() / kv_page_positions;
  auto pool = std::make_shared<typename M::Pool>((pages + 2 * width * own) * kv_page_positions);
  struct Alive {
    Sequence sequence;
    Beam beam;
  };
  std::vector<Alive> alive;
  alive.push_back({Sequence(pool, context), {{}, 0, false}});
  std::vector<Beam> ended;
  Workspace<typename M::Shape> workspace(std::min(std::max(prompt.size(), width), max_batch_rows));
  AlignedBuffer<float> logits(width * vocab);
  std::vector<typename M::Row> rows;
  for (std::size_t i = 0; i < prompt.size(); ++i)
    rows.push_back({prompt[i], i, &alive[0].sequence, i + 1 == prompt.size()});

  for (std::size_t step = 0; step < max_tokens && !alive.empty(); ++step) {
    model.forward(rows, workspace, {logits.data(), alive.size() * vocab}, {cancel, {}});
    struct Next {
      std::size_t parent;
      Token token;
      double log_probability;
    };
    std::vector<Next> next;
    for (std::size_t a = 0; a < alive.size(); ++a)
      for (const auto& [token, value] : likeliest({logits.data() + a * vocab, vocab}, width + 1))
        next.push_back({a, token, alive[a].beam.log_probability + value});
    std::ranges::sort(next, [](const Next& a, const Next& b) {
      return std::tuple(-a.log_probability, a.parent, a.token) <
             std::tuple(-b.log_probability, b.parent, b.token);
    });
    std::vector<Alive> chosen;
    for (const Next& n : next) {
      if (chosen.size() == width) break;
      Beam beam = alive[n.parent].beam;
      beam.tokens.push_back(n.token);
      beam.log_probability = n.log_probability;
      beam.ended = n.token == eos;
      if (beam.ended)
        detail::insert_ranked(ended, std::move(beam), &Beam::log_probability);
      else
        chosen.push_back({alive[n.parent].sequence.fork(context), std::move(beam)});
    }
    if (ended.size() > width) ended.resize(width);
    alive = std::move(chosen);
    // A longer text is never likelier than its beginning.
    if (ended.size() == width && !alive.empty() &&
        alive.front().beam.log_probability <= ended.back().log_probability)
      break;
    rows.clear();
    for (Alive& a : alive)
      rows.push_back({a.beam.tokens.back(), a.sequence.size(), &a.sequence, true});
  }
  for (Alive& a : alive) detail::insert_ranked(ended, std::move(a.beam), &Beam::log_probability);
  if (ended.size() > width) ended.resize(width);
  return ended;
}

}  // namespace llama2::inline LLAMA2_ABI
