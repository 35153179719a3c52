// One text in the making: a model, a tokenizer, a cached past.
#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/watch.hpp"
#include "llama2/generate/continuation.hpp"
#include "llama2/generate/sampler.hpp"
#include "llama2/model/cache_file.hpp"
#include "llama2/model/context_shift.hpp"
#include "llama2/model/model.hpp"
#include "llama2/text/tokenizer.hpp"

namespace llama2::inline LLAMA2_ABI {

/// What a session reserves.
template <class M>
struct SessionOptions {
  std::size_t context = 0;                      ///< most tokens of the text; 0: the model's context
  std::shared_ptr<typename M::Pool> pool = {};  ///< whose pages to take; by default its own
  std::size_t batch_rows = max_batch_rows;      ///< tokens of a prompt taken at a time
};

/// A text, the model that continues it and the keys and values of its past. For one thread at a
/// time; any number of sessions share a model. All memory is taken when it is made: producing a
/// token neither allocates nor locks.
template <class M>
class Session {
 public:
  using Options = SessionOptions<M>;
  using Sequence = typename M::Sequence;
  using Row = typename M::Row;

  /// Throws `mismatch` if the tokenizer has more ids than the model, `invalid_argument` for a
  /// context out of range, `out_of_memory` if the pool has too few pages.
  Session(M model, Tokenizer tokenizer, const Options& options = {})
      : model_(std::move(model)),
        tokenizer_(std::move(tokenizer)),
        sequence_(make_sequence(model_, options)),
        workspace_(std::min(options.batch_rows, std::max<std::size_t>(1, sequence_.capacity()))),
        logits_(M::Shape::vocab),
        sampler_(M::Shape::vocab, model_.target()) {
    if (tokenizer_.vocab_size() > M::Shape::vocab)
      throw Error(ErrorCode::mismatch, "the tokenizer has ids that the model lacks",
                  {.expected = "at most " + std::to_string(M::Shape::vocab),
                   .found = std::to_string(tokenizer_.vocab_size())});
    tokens_.reserve(sequence_.capacity());
    rows_.reserve(workspace_.rows());
  }

  [[nodiscard]] const M& model() const noexcept { return model_; }
  [[nodiscard]] const Tokenizer& tokenizer() const noexcept { return tokenizer_; }

  /// The text so far, BOS and an end token included.
  [[nodiscard]] std::span<const Token> tokens() const noexcept { return tokens_; }

  /// What has been evaluated of it, for instance to be forked into a `Batch`.
  [[nodiscard]] const Sequence& past() const noexcept { return sequence_; }

  /// The most tokens the text can have.
  [[nodiscard]] std::size_t context() const noexcept { return sequence_.capacity(); }

  /// Begins a new text.
  void reset() noexcept { truncate(0); }

  /// Forgets all tokens from the one at `size` on; no effect if there are fewer.
  void truncate(std::size_t size) noexcept {
    if (size >= tokens_.size()) return;
    tokens_.resize(size);
    sequence_.truncate(size);
    logits_of_ = 0;
  }

  /// A session with the same text, to be continued by itself: what has been evaluated is shared, in
  /// whole pages of the key/value cache. `context` 0 is this session's. Throws `out_of_memory` if
  /// the pool, which for this must be larger than one session's, has too few pages for the rest,
  /// and `context_exhausted` if the text does not fit.
  [[nodiscard]] Session fork(std::size_t context = 0) const {
    if (context == 0) context = this->context();
    if (context < tokens_.size())
      throw Error(ErrorCode::context_exhausted, "the text does not fit into the fork's context",
                  {.expected = "at least " + std::to_string(tokens_.size()) + " tokens",
                   .found = std::to_string(context)});
    return Session(*this, context);
  }

  /// Makes room in a text that fills the context: forgets the older half (in whole pages) of what
  /// follows the first `sinks` tokens, in the text and in the cache, as `forget` in
  /// model/context_shift.hpp does it. What stays is not evaluated again. No effect on a text that
  /// has room left. Throws what `shifted_positions` and `forget` throw.
  void forget_middle(std::size_t sinks) { make_room(sinks, 1); }

  /// Writes the text and what has been evaluated of it to a file; see `save_cache`.
  void save(const std::string& path, const Watch& watch = {}) const {
    save_cache(path, model_, sequence_, tokens_, watch);
  }

  /// Makes a saved text this session's, which then need not be evaluated again. Throws what
  /// `load_cache` throws; then the text is as before, unless that says otherwise.
  void load(const std::string& path, FileAccess access = FileAccess::map, const Watch& watch = {}) {
    const std::vector<Token> tokens = load_cache(path, model_, sequence_, access, watch);
    tokens_.assign(tokens.begin(), tokens.end());
    logits_of_ = 0;
  }

  /// Appends tokens to the text without evaluating them yet. Throws `context_exhausted` if they do
  /// not fit and `invalid_argument` for an id outside the vocabulary; then nothing is appended.
  void append(std::span<const Token> tokens) {
    if (tokens.size() > context() - tokens_.size())
      throw Error(ErrorCode::context_exhausted, "the text does not fit into the context",
                  {.expected = "at most " + std::to_string(context()) + " tokens",
                   .found = std::to_string(tokens_.size() + tokens.size())});
    for (const Token token : tokens) require_token(token, M::Shape::vocab);
    tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
  }

  /// Evaluates what has been appended and returns the logits after the last token, `vocab` floats,
  /// valid until the session is next used. Throws `invalid_argument` if the text is empty.
  ///
  /// `watch` learns how many of the tokens to be evaluated have been. If it ends the work, nothing
  /// is lost: the next call goes on where this one was, at most `batch_rows` tokens back.
  std::span<const float> logits(const Watch& watch = {}) {
    if (tokens_.empty())
      throw Error(ErrorCode::invalid_argument, "there are no logits for an empty text");
    if (logits_of_ != tokens_.size())  // after the text was cut, its last token is evaluated again
      sequence_.truncate(tokens_.size() - 1);
    const std::size_t first = sequence_.size();
    Watch part{watch.cancel, {}};
    if (watch.on_progress)
      part.on_progress = [&](std::uint64_t done, std::uint64_t total) {
        // The part's tokens are counted into the sequence already.
        watch.on_progress(sequence_.size() - total + done - first, tokens_.size() - first);
      };
    for (std::size_t begin = first; begin < tokens_.size(); begin = sequence_.size()) {
      const std::size_t n = std::min(tokens_.size() - begin, workspace_.rows());
      const bool last = begin + n == tokens_.size();
      rows_.clear();
      for (std::size_t i = begin; i < begin + n; ++i)
        rows_.push_back({tokens_[i], i, &sequence_, last && i + 1 == begin + n});
      model_.forward(rows_, workspace_,
                     last ? std::span<float>(logits_.data(), logits_.size()) : std::span<float>(),
                     part);
    }
    logits_of_ = tokens_.size();
    return {logits_.data(), logits_.size()};
  }

  /// Appends `prompt` to the text (after BOS if the text is empty) and continues it.
  ///
  /// `on_text` is called with each new piece of text, whole UTF-8 characters only, and returns
  /// whether to go on. The prompt itself is not repeated. Calling again continues the same text.
  ///
  /// Throws `invalid_argument` for options out of range and `context_exhausted` for a prompt that
  /// does not fit, both before anything happens (with `options.sinks`, only one that would not even
  /// fit without all that may be forgotten); `malformed_file` if the model's logits are not
  /// numbers. A character of which `max_tokens` cuts off the last bytes is shown as U+FFFD. What
  /// `options.cancel` ends has the prompt and its tokens in the text, and can be gone on with.
  template <std::invocable<std::string_view> OnText>
    requires std::convertible_to<std::invoke_result_t<OnText&, std::string_view>, bool>
  GenerateResult generate(std::string_view prompt, const GenerateOptions& options,
                          OnText&& on_text) {
    using Clock = std::chrono::steady_clock;
    const auto seconds_since = [](Clock::time_point start) {
      return std::chrono::duration<double>(Clock::now() - start).count();
    };
    const auto start = Clock::now();
    // Every token stands for at most `max_piece_bytes` of text, so this cannot fit; encoding it
    // first would take time and memory that the context's size does not bound.
    if (prompt.size() / max_piece_bytes > context())
      throw Error(ErrorCode::context_exhausted, "the prompt does not fit into the context",
                  {.expected = "at most " + std::to_string(context()) + " tokens",
                   .found = std::to_string(prompt.size()) + " bytes of text"});
    // There must be something to continue, if it is but BOS.
    const bool bos = tokens_.empty() && (tokenizer_.vocabulary().add_bos || prompt.empty());
    const auto prompt_tokens = tokenizer_.encode(prompt, {.bos = bos});
    // The text's first piece loses the space that sentencepiece puts before every text.
    const bool blank =
        tokens_.empty() ? is_blank(prompt_tokens) : prompt_tokens.empty() && is_blank(tokens_);
    Continuation continuation(tokenizer_, options, context(), blank);
    if (options.sinks) make_room(*options.sinks, prompt_tokens.size());
    append(prompt_tokens);
    sampler_.seed(options.seed);

    std::span<const float> logits;
    const auto evaluate = [&](const Watch& watch) {
      try {
        logits = this->logits(watch);
        return true;
      } catch (const Error& error) {
        if (error.code() != ErrorCode::cancelled) throw;
        continuation.cancel(on_text);
        return false;
      }
    };
    const Watch watch{options.cancel, {}};
    bool goes_on = evaluate({options.cancel, options.on_prompt});
    const double prompt_seconds = seconds_since(start);
    const auto first_logits = Clock::now();
    while (goes_on)
      goes_on = continuation.next(logits, tokens_, sampler_, on_text, [&](std::size_t sinks) {
        forget_middle(sinks);
      }) && evaluate(watch);
    return {.reason = continuation.reason(),
            .prompt_tokens = prompt_tokens.size(),
            .tokens = continuation.count(),
            .prompt_seconds = prompt_seconds,
            .seconds = seconds_since(first_logits)};
  }

 private:
  Session(const Session& other, std::size_t context)
      : model_(other.model_),
        tokenizer_(other.tokenizer_),
        sequence_(other.sequence_.fork(context)),
        workspace_(other.workspace_.rows()),
        logits_(M::Shape::vocab),
        sampler_(M::Shape::vocab, model_.target()) {
    tokens_.reserve(context);
    rows_.reserve(workspace_.rows());
    append(other.tokens_);
    std::ranges::copy(other.logits_, logits_.data());
    logits_of_ = other.logits_of_;
  }

  static Sequence make_sequence(const M& model, const Options& options) {
    const std::size_t context = options.context != 0 ? options.context : model.config().context;
    require_option(context <= max_context, "context", static_cast<double>(context),
                   "at most 2^24 tokens");
    auto pool =
        options.pool != nullptr ? options.pool : std::make_shared<typename M::Pool>(context);
    return Sequence(std::move(pool), context);
  }

  /// Forgets the middle as often as `tokens` more tokens need it; not at all if that is not enough.
  void make_room(std::size_t sinks, std::size_t tokens) {
    const std::size_t room = context() - tokens_.size();
    if (tokens <= room) return;
    const std::size_t count = shifted_positions(sinks, context());
    const std::size_t times = ceil_div(tokens - room, count);
    if (times > (tokens_.size() - std::min(tokens_.size(), sinks)) / count) return;
    for (std::size_t i = 0; i < times; ++i) {
      if (sequence_.size() >= sinks + count)
        forget(model_, sequence_, sinks, count);
      else  // not evaluated yet
        sequence_.truncate(sinks);
      const auto first = tokens_.begin() + static_cast<std::ptrdiff_t>(sinks);
      tokens_.erase(first, first + static_cast<std::ptrdiff_t>(count));
      logits_of_ = 0;
    }
  }

  /// Whether a text is nothing but BOS.
  [[nodiscard]] bool is_blank(std::span<const Token> tokens) const noexcept {
    return tokens.size() == 1 && tokens.front() == tokenizer_.bos();
  }

  M model_;
  Tokenizer tokenizer_;
  Sequence sequence_;
  Workspace<typename M::Shape> workspace_;
  AlignedBuffer<float> logits_;
  std::size_t logits_of_ = 0;  // how many tokens the logits follow; 0: none
  Sampler sampler_;
  std::vector<Token> tokens_;
  std::vector<Row> rows_;
};

}  // namespace llama2::inline LLAMA2_ABI
