// Answers sampled from a model for many prompts at once: roll-outs, and candidates to choose from.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/checked.hpp"
#include "llama2/base/error.hpp"
#include "llama2/base/random.hpp"
#include "llama2/base/token.hpp"
#include "llama2/generate/batch.hpp"
#include "llama2/kernels/kernels.hpp"
#include "llama2/kernels/log_sum_exp-inl.hpp"
#include "llama2/text/tokenizer.hpp"

namespace llama2::inline LLAMA2_ABI {

/// An answer as it was sampled.
struct SampledAnswer {
  std::size_t prompt = 0;           ///< which of the prompts it answers
  std::vector<Token> tokens{};      ///< without the prompt; the EOS last, if it came
  std::vector<double> log_probs{};  ///< of each token, by the model's own distribution
  std::string text{};               ///< decoded
  bool finished = false;            ///< whether it ended by itself, with the EOS
};

/// How answers are sampled.
struct AnswerOptions {
  std::size_t per_prompt = 1;
  std::size_t max_tokens = 256;
  float temperature = 1;  ///< 1 and top_p 1: from the model's own distribution
  float top_p = 1;
  std::uint64_t seed = 0;
  std::size_t at_once = 64;  ///< answers that advance together
  std::stop_token stop = {};
  /// Told after each step: answers that are done, and how many there will be.
  std::function<void(std::size_t done, std::size_t all)> on_progress = {};
};

/// Samples answers to prompts, `per_prompt` for each, in the order of the prompts. A prompt is
/// evaluated once, whatever the number of its answers; they advance together with those of other
/// prompts, one pass over the weights for each step. An answer depends on its prompt, the seed, the
/// prompt's number and its own, and on nothing that runs beside it.
///
/// Throws `invalid_argument` for an empty prompt, `context_exhausted` for one that leaves no room
/// for an answer within `context` tokens, and `cancelled` if a stop is requested.
template <class M>
std::vector<SampledAnswer> sample_answers(const M& model, const Tokenizer& tokenizer,
                                          std::span<const std::vector<Token>> prompts,
                                          std::size_t context, const AnswerOptions& options) {
  using Pool = typename M::Pool;
  using Sequence = typename M::Sequence;
  for (const auto& prompt : prompts) {
    if (prompt.empty()) throw Error(ErrorCode::invalid_argument, "an empty prompt");
    if (prompt.size() >= context)
      throw Error(ErrorCode::context_exhausted, "the prompt leaves no room for an answer",
                  {.expected = "fewer than " + std::to_string(context) + " tokens",
                   .found = std::to_string(prompt.size())});
  }
  const std::size_t each = options.per_prompt;
  const std::size_t width = std::max(options.at_once, each);
  std::vector<SampledAnswer> answers(prompts.size() * each);
  if (answers.empty()) return answers;
  const auto pool = std::make_shared<Pool>((width + 1) * round_up(context, kv_page_positions));
  Batch<M> batch(model, tokenizer, pool);
  std::vector<typename M::Row> rows;
  Workspace<typename M::Shape> workspace(std::min(context, max_batch_rows));

  std::size_t done = 0;
  const auto add_prompt = [&](std::size_t p) {
    const std::vector<Token>& prompt = prompts[p];
    Sequence past(pool, prompt.size());
    rows.clear();
    for (std::size_t i = 0; i + 1 < prompt.size(); ++i)
      rows.push_back({prompt[i], i, &past, false});
    if (!rows.empty()) model.forward(rows, workspace, {});
    for (std::size_t k = 0; k < each; ++k) {
      SampledAnswer& answer = answers[p * each + k];
      answer.prompt = p;
      GenerateOptions generate{.max_tokens = options.max_tokens,
                               .temperature = options.temperature,
                               .top_p = options.top_p,
                               .seed = seed_of(options.seed, p * each + k)};
      generate.on_token = [&answer](Token token, std::span<const float> logits) {
        answer.tokens.push_back(token);
        answer.log_probs.push_back(static_cast<double>(logits[static_cast<std::size_t>(token)]) -
                                   kernels::log_sum_exp(logits.data(), logits.size()));
      };
      batch.add(
          past.fork(std::min(context, prompt.size() + options.max_tokens)), prompt, generate,
          [&answer](std::string_view piece) {
            answer.text += piece;
            return true;
          },
          [&](std::size_t, const BatchResult& result) {
            answer.finished =
                result.reason == StopReason::end_of_text && answer.tokens.back() == tokenizer.eos();
            ++done;
          });
    }
  };

  for (std::size_t next = 0; next < prompts.size() || batch.size() != 0;) {
    if (options.stop.stop_requested())
      throw Error(ErrorCode::cancelled, "sampling of answers was cancelled");
    while (next < prompts.size() && batch.size() + each <= width) add_prompt(next++);
    batch.step();
    if (options.on_progress) options.on_progress(done, answers.size());
  }
  return answers;
}

}  // namespace llama2::inline LLAMA2_ABI
