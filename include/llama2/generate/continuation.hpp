// How a text goes on: from logits to tokens, from tokens to text, and when to end.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/token.hpp"
#include "llama2/base/watch.hpp"
#include "llama2/generate/sampler.hpp"
#include "llama2/model/context_shift.hpp"
#include "llama2/text/stop_strings.hpp"
#include "llama2/text/stream_decoder.hpp"
#include "llama2/text/tokenizer.hpp"

namespace llama2::inline LLAMA2_ABI {

/// What one call of `generate` does: how tokens are chosen, and how many.
struct GenerateOptions {
  std::size_t max_tokens = 256;  ///< most tokens to produce
  float temperature = 1.0f;      ///< from here to `stages`: see `SamplingOptions`
  std::size_t top_k = 0;
  float top_p = 1.0f;
  float min_p = 0.0f;
  float typical_p = 1.0f;
  float mirostat_tau = 0.0f;
  float mirostat_eta = 0.1f;
  float repetition_penalty = 1.0f;
  float presence_penalty = 0.0f;
  float frequency_penalty = 0.0f;
  std::size_t repetition_window = 64;
  std::vector<LogitBias> logit_bias = {};
  std::vector<SamplingStage> stages = {};
  std::uint64_t seed = 0;  ///< same seed, options, build and target: same text
  /// Strings before which the text ends. They are looked for in what this call produces: one that
  /// an earlier call's text or the prompt begins is not found.
  std::vector<std::string> stop = {};
  /// Sees each token with the model's logits that it was chosen from, before its text is shown.
  std::function<void(Token, std::span<const float> logits)> on_token = {};
  /// Where the text fills the context: forgets the older half of what follows so many first tokens
  /// and goes on, see `Session::forget_middle`. Without it the text ends there, `context_full`.
  std::optional<std::size_t> sinks = {};
  /// Ends the work as `cancelled`: within milliseconds, in a batch before its next step.
  std::stop_token cancel = {};
  /// Told how many of the tokens that are not evaluated when the work begins have been.
  OnProgress on_prompt = {};

  [[nodiscard]] SamplingOptions sampling() const {
    return {.temperature = temperature,
            .top_k = top_k,
            .top_p = top_p,
            .min_p = min_p,
            .typical_p = typical_p,
            .mirostat_tau = mirostat_tau,
            .mirostat_eta = mirostat_eta,
            .repetition_penalty = repetition_penalty,
            .presence_penalty = presence_penalty,
            .frequency_penalty = frequency_penalty,
            .repetition_window = repetition_window,
            .logit_bias = logit_bias,
            .stages = stages};
  }
};

/// Why generation stopped.
enum class StopReason {
  end_of_text,   ///< the model produced its end token (or, as llama2.c's models do, a new begin)
  max_tokens,    ///< as many tokens as asked for
  context_full,  ///< the text fills the session's context
  stop_string,   ///< one of the stop strings came
  stopped,       ///< the callback returned false
  cancelled,     ///< `GenerateOptions::cancel`
  failed,        ///< something was thrown; of texts in a `Batch` only
};

constexpr std::string_view to_string(StopReason reason) noexcept {
  switch (reason) {
    case StopReason::end_of_text:
      return "end of text";
    case StopReason::max_tokens:
      return "token limit";
    case StopReason::context_full:
      return "context full";
    case StopReason::stop_string:
      return "stop string";
    case StopReason::stopped:
      return "stopped by caller";
    case StopReason::cancelled:
      return "cancelled";
    case StopReason::failed:
      return "failed";
  }
  return "";
}

/// What `generate` did.
struct GenerateResult {
  StopReason reason;
  std::size_t prompt_tokens;  ///< tokens of the prompt, BOS included
  std::size_t tokens;         ///< tokens produced, an end token included
  double prompt_seconds;      ///< time to the first logits
  double seconds;             ///< time from there to the end
};

/// One continuation of a text, token by token. Nothing is allocated after construction.
class Continuation {
 public:
  /// `context`: the most tokens that the text can have. `at_start`: what comes begins a text; see
  /// `StreamDecoder`. Throws `invalid_argument` for options out of range or stop
  /// strings that `StopStrings` refuses.
  Continuation(Tokenizer tokenizer, const GenerateOptions& options, std::size_t context,
               bool at_start)
      : sampling_(options.sampling()),
        context_(context),
        sinks_(options.sinks),
        max_tokens_(options.max_tokens),
        tokenizer_(std::move(tokenizer)),
        decoder_(tokenizer_, at_start),
        stops_(options.stop, max_piece_bytes + 16),
        on_token_(options.on_token) {
    sampling_.validate();
    if (sinks_) (void)shifted_positions(*sinks_, context);
  }

  /// Unless the text is at its end, chooses the token that follows `tokens` from their logits and
  /// takes it: the next three in one. Throws what they throw.
  template <class OnText, class MakeRoom>
  bool next(std::span<const float> logits, std::vector<Token>& tokens, Sampler& sampler,
            OnText& on_text, MakeRoom&& make_room) {
    return prepare(tokens, on_text, make_room) &&
           take(choose(logits, tokens, sampler), logits, tokens, on_text);
  }

  /// Whether the text goes on. Where the context is full, `make_room(sinks)` is called if it does;
  /// if not, `on_text` sees what was kept back. Throws what these throw.
  template <class OnText, class MakeRoom>
  bool prepare(const std::vector<Token>& tokens, OnText& on_text, MakeRoom&& make_room) {
    if (at_limit(tokens.size())) return finish(on_text);
    if (tokens.size() == context_) make_room(*sinks_);
    return true;
  }

  /// The token that follows. Other texts' may be chosen at the same time, unless the user has
  /// stages of sampling. Throws what `Sampler::sample` throws.
  [[nodiscard]] Token choose(std::span<const float> logits, std::span<const Token> tokens,
                             Sampler& sampler) const {
    return sampler.sample(logits, tokens, sampling_);
  }
  [[nodiscard]] bool has_stages() const noexcept { return !sampling_.stages.empty(); }

  /// Appends the token and shows `on_text` what text that completes. Returns whether the text goes
  /// on. Throws what `on_text` throws.
  template <class OnText>
  bool take(Token token, std::span<const float> logits, std::vector<Token>& tokens,
            OnText& on_text) {
    tokens.push_back(token);
    ++count_;
    if (on_token_) on_token_(token, logits);
    if (token == tokenizer_.eos() || token == tokenizer_.bos()) {
      reason_ = StopReason::end_of_text;
      return finish(on_text);
    }
    // A model may have more ids than its tokenizer; the surplus has no text.
    if (static_cast<std::size_t>(token) < tokenizer_.vocab_size() &&
        !filter(decoder_.push(token), on_text))
      return false;
    return at_limit(tokens.size()) ? finish(on_text) : true;
  }

  /// Ends the text before its end.
  template <class OnText>
  void cancel(OnText& on_text) {
    finish(on_text);
    reason_ = StopReason::cancelled;
  }

  /// Once the text is at its end: why.
  [[nodiscard]] StopReason reason() const noexcept { return reason_; }

  /// Tokens so far.
  [[nodiscard]] std::size_t count() const noexcept { return count_; }

 private:
  bool at_limit(std::size_t size) noexcept {
    if (count_ == max_tokens_)
      reason_ = StopReason::max_tokens;
    else if (size == context_ && !sinks_)
      reason_ = StopReason::context_full;
    else
      return false;
    return true;
  }

  template <class OnText>
  bool show(std::string_view text, OnText& on_text) {
    if (text.empty() || static_cast<bool>(on_text(text))) return true;
    reason_ = StopReason::stopped;
    return false;
  }

  /// Shows text up to a stop string; whether to go on.
  template <class OnText>
  bool filter(std::string_view text, OnText& on_text) {
    if (!show(stops_.push(text), on_text)) return false;
    if (stops_.stopped()) reason_ = StopReason::stop_string;
    return !stops_.stopped();
  }

  /// Shows what was kept back; returns false.
  template <class OnText>
  bool finish(OnText& on_text) {
    if (filter(decoder_.flush(), on_text)) show(stops_.flush(), on_text);
    return false;
  }

  SamplingOptions sampling_;
  std::size_t context_;
  std::optional<std::size_t> sinks_;
  std::size_t max_tokens_;
  Tokenizer tokenizer_;
  StreamDecoder decoder_;
  StopStrings stops_;
  std::function<void(Token, std::span<const float>)> on_token_;
  StopReason reason_ = StopReason::max_tokens;
  std::size_t count_ = 0;
};

}  // namespace llama2::inline LLAMA2_ABI
