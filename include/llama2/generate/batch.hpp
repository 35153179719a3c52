// Many texts of one model at once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/aligned_buffer.hpp"
#include "llama2/base/error.hpp"
#include "llama2/base/token.hpp"
#include "llama2/base/watch.hpp"
#include "llama2/generate/continuation.hpp"
#include "llama2/generate/sampler.hpp"
#include "llama2/model/context_shift.hpp"
#include "llama2/model/linear.hpp"
#include "llama2/model/model.hpp"
#include "llama2/text/tokenizer.hpp"

namespace llama2::inline LLAMA2_ABI {

/// What a text of a batch became.
struct BatchResult {
  StopReason reason;
  std::size_t tokens;  ///< produced
};

/// Texts of one model that advance together: each step is one pass over the weights for all of
/// them. Texts join and leave between any two steps; a long prompt is taken in pieces, beside the
/// others' single tokens. Each text has the tokens, to the bit of every logit, that it has alone.
/// For one thread at a time.
template <class M>
class Batch {
 public:
  using Pool = typename M::Pool;
  using Sequence = typename M::Sequence;
  /// Names a text; never given again.
  using Id = std::size_t;
  /// Sees the text piece by piece; returns whether to go on. May not call the batch.
  using OnText = std::function<bool(std::string_view)>;
  /// Learns how a text ended, after its last piece. May not call the batch.
  using OnEnd = std::function<void(Id, const BatchResult&)>;

  /// `rows` is the most tokens evaluated in a step. Throws `mismatch` if the tokenizer has more ids
  /// than the model.
  explicit Batch(M model, Tokenizer tokenizer, std::shared_ptr<Pool> pool,
                 std::size_t rows = max_batch_rows)
      : model_(std::move(model)),
        tokenizer_(std::move(tokenizer)),
        pool_(std::move(pool)),
        workspace_(model_.make_scratch(rows)) {
    if (tokenizer_.vocab_size() > model_.vocab())
      throw Error(ErrorCode::mismatch, "the tokenizer has ids that the model lacks",
                  {.expected = "at most " + std::to_string(model_.vocab()),
                   .found = std::to_string(tokenizer_.vocab_size())});
    rows_.reserve(rows);
  }

  /// Adds a text that begins with `prompt`, of at least one token, and has at most `context`
  /// tokens. Throws `invalid_argument` for options or tokens out of range or an empty `on_text`,
  /// `context_exhausted` if the prompt does not fit, `out_of_memory` if the pool has too few pages;
  /// then nothing is added.
  Id add(std::vector<Token> prompt, std::size_t context, const GenerateOptions& options,
         OnText on_text, OnEnd on_end = {}) {
    return add(Sequence(pool_, context), std::move(prompt), options, std::move(on_text),
               std::move(on_end));
  }

  /// The same with what has been evaluated already: the past of the first tokens of `prompt`, such
  /// as a fork, which is cut by a token if it holds them all. What it shares of the page that comes
  /// next is copied, into a page of the pool.
  Id add(Sequence past, std::vector<Token> prompt, const GenerateOptions& options, OnText on_text,
         OnEnd on_end = {}) {
    if (prompt.empty()) throw Error(ErrorCode::invalid_argument, "there is nothing to continue");
    if (!on_text)
      throw Error(ErrorCode::invalid_argument, "on_text is empty: nobody takes the text");
    for (const Token token : prompt) require_token(token, model_.vocab());
    if (prompt.size() > past.capacity())
      throw Error(ErrorCode::context_exhausted, "the prompt does not fit into the context",
                  {.expected = "at most " + std::to_string(past.capacity()) + " tokens",
                   .found = std::to_string(prompt.size())});
    past.truncate(prompt.size() - 1);
    past.prepare_next();  // what may take a page takes it here, not in the middle of a step
    const std::size_t known = past.size();
    const bool blank = prompt.size() == 1 && prompt.front() == tokenizer_.bos();
    prompt.reserve(past.capacity());
    Continuation continuation(tokenizer_, options, past.capacity(), blank);
    auto text = std::make_unique<Text>(
        Text{next_id_, std::move(past), std::move(prompt), std::move(continuation),
             Sampler(model_.vocab(), model_.target()), std::move(on_text), std::move(on_end),
             options.cancel, options.on_prompt, known});
    text->sampler.seed(options.seed);
    // What steps need, so that they allocate nothing.
    const std::size_t takers = std::min(texts_.size() + 1, workspace_.rows());
    if (logits_.size() < takers * model_.vocab())
      logits_ = AlignedBuffer<float>(std::min(2 * takers, workspace_.rows()) * model_.vocab());
    for (auto* const list : {&texts_, &order_}) list->reserve(texts_.size() + 1);
    takers_.reserve(texts_.size() + 1);
    texts_.push_back(std::move(text));
    return next_id_++;
  }

  /// Takes a text out, without another word to its callbacks; false if it has ended before.
  bool remove(Id id) {
    return std::erase_if(texts_, [&](const auto& text) { return text->id == id; }) != 0;
  }

  /// Texts that have not ended.
  [[nodiscard]] std::size_t size() const noexcept { return texts_.size(); }

  /// The tokens of a text so far; none once it has ended.
  [[nodiscard]] std::span<const Token> tokens(Id id) const noexcept {
    const Text* const text = find(id);
    return text == nullptr ? std::span<const Token>() : std::span<const Token>(text->tokens);
  }

  /// What has been evaluated of a text, to be added with all or the first of its tokens as another
  /// text, of at most `context` tokens. Throws `invalid_argument` for a text that has ended, and
  /// what `KvSequence::fork` throws.
  [[nodiscard]] Sequence fork(Id id, std::size_t context) const {
    const Text* const text = find(id);
    if (text == nullptr)
      throw Error(ErrorCode::invalid_argument, "there is no such text in the batch");
    return text->sequence.fork(context);
  }

  /// One pass: a token for each text that has been evaluated to its end, and of the prompts what
  /// there is room for beside them. Returns how many texts are left. A text's own `cancel` ends it
  /// before the step; `watch` is for the step as a whole, and learns how far it is.
  ///
  /// Throws `out_of_memory` if a shared page needs a copy and the pool has none, and what ends the
  /// watched work, with no text changed. What a text's callback or sampling throws, or forgetting
  /// its middle (`out_of_memory`), ends that text by `StopReason::failed`, and the first such comes
  /// out of here when the others have had their token.
  std::size_t step(const Watch& watch = {}) {
    rows_.clear();
    takers_.clear();
    std::exception_ptr failure;
    for (const auto& text : texts_)
      if (text->cancel.stop_requested())
        advance(*text, failure, [&] {
          text->continuation.cancel(text->on_text);
          return false;
        });
    forget_ended({});
    const auto left_of = [](const auto& text) {
      return text->tokens.size() - text->sequence.size();
    };
    // Those that wait for one token first; then prompts, to which an eighth of the rows belongs. A
    // single row belongs to whose turn it is.
    const auto is_prompt = [&](const auto& text) { return left_of(text) > 1; };
    const bool prompts = workspace_.rows() > 1 ? std::ranges::any_of(texts_, is_prompt)
                                               : !texts_.empty() && is_prompt(texts_.front());
    const std::size_t for_single = workspace_.rows() - (prompts ? (workspace_.rows() + 7) / 8 : 0);
    for (const bool single : {true, false})
      for (const auto& text : texts_) {
        const std::size_t begin = text->sequence.size(), left = left_of(text);
        if ((left == 1) != single) continue;
        const std::size_t room = (single ? for_single : workspace_.rows()) - rows_.size();
        const std::size_t n = std::min(left, room);
        for (std::size_t i = begin; i < begin + n; ++i)
          rows_.push_back({text->tokens[i], i, &text->sequence, i + 1 == text->tokens.size()});
        text->taken = n == left;
        if (text->taken) takers_.push_back(text.get());
      }
    if (rows_.empty()) return forget_ended(failure);
    const std::size_t vocab = model_.vocab();
    const std::span<float> logits(logits_.data(), takers_.size() * vocab);
    try {
      model_.forward(rows_, workspace_, logits, watch);
    } catch (...) {
      forget_ended(failure);  // which came first
      throw;
    }
    // Those that had no room for all they wait for come first the next time.
    if (takers_.size() < texts_.size()) {
      order_.clear();
      for (const bool taken : {false, true})
        for (auto& text : texts_)
          if (text != nullptr && text->taken == taken) order_.push_back(std::move(text));
      std::swap(texts_, order_);
    }

    for (const auto& text : texts_)
      if (text->on_prompt && text->continuation.count() == 0)
        advance(*text, failure, [&] {
          text->on_prompt(text->sequence.size() - text->known, text->tokens.size() - text->known);
          return true;
        });
    // The rows' order is that of the takers'.
    const auto logits_of = [&](std::size_t i) { return logits.subspan(i * vocab, vocab); };
    for (Text* const text : takers_)
      if (!text->ended)
        advance(*text, failure, [&] {
          return text->continuation.prepare(
              text->tokens, text->on_text, [&](std::size_t sinks) { forget_middle(*text, sinks); });
        });
    choose(logits_of);
    for (std::size_t i = 0; i < takers_.size(); ++i) {
      Text& text = *takers_[i];
      if (text.ended) continue;
      advance(text, failure, [&] {
        if (text.continuation.has_stages())
          text.next = text.continuation.choose(logits_of(i), text.tokens, text.sampler);
        else if (text.failure)
          std::rethrow_exception(text.failure);
        return text.continuation.take(text.next, logits_of(i), text.tokens, text.on_text);
      });
    }
    return forget_ended(failure);
  }

  /// Steps until every text has ended. `cancel` ends it before, by `cancelled`; what is left of the
  /// texts can be gone on with.
  void run(const std::stop_token& cancel = {}) {
    while (step({cancel, {}}) != 0) {
    }
  }

 private:
  struct Text {
    Id id;
    Sequence sequence;
    std::vector<Token> tokens;
    Continuation continuation;
    Sampler sampler;
    OnText on_text;
    OnEnd on_end;
    std::stop_token cancel;
    OnProgress on_prompt;
    std::size_t known;   // tokens that were evaluated before
    bool taken = false;  // whether the step gives its logits
    bool ended = false;
    Token next = 0;                   // chosen, not yet taken
    std::exception_ptr failure = {};  // of choosing
  };

  /// Chooses the next token of each taker, several at a time: all over the vocabulary takes as long
  /// as a part of the pass. The user's stages are not for other threads.
  template <class LogitsOf>
  void choose(LogitsOf&& logits_of) noexcept {
    constexpr std::size_t cost = 16;  // of a logit, in multiply-adds
    parallel_ranges(model_.executor(), takers_.size(), 1, cost * model_.vocab(),
                    [&](std::size_t begin, std::size_t end) {
                      for (std::size_t i = begin; i < end; ++i) {
                        Text& text = *takers_[i];
                        if (text.ended || text.continuation.has_stages()) continue;
                        try {
                          text.next =
                              text.continuation.choose(logits_of(i), text.tokens, text.sampler);
                        } catch (...) {
                          text.failure = std::current_exception();
                        }
                      }
                    });
  }

  [[nodiscard]] const Text* find(Id id) const noexcept {
    for (const auto& text : texts_)
      if (text->id == id) return text.get();
    return nullptr;
  }

  /// Takes a text further by `act`, which returns whether it goes on; otherwise it has ended, and
  /// also by what it throws, which goes to `failure` unless there is one already.
  template <class Act>
  static void advance(Text& text, std::exception_ptr& failure, Act&& act) {
    const auto attempt = [&](auto&& what) {
      try {
        what();
      } catch (...) {
        if (!failure) failure = std::current_exception();
      }
    };
    bool goes_on = false;
    StopReason reason = StopReason::failed;
    attempt([&] {
      goes_on = act();
      reason = text.continuation.reason();
    });
    if (goes_on) return;
    text.ended = true;
    attempt([&] {
      if (text.on_end) text.on_end(text.id, {reason, text.continuation.count()});
    });
  }

  /// Returns how many texts are left, or throws what has failed.
  std::size_t forget_ended(const std::exception_ptr& failure) {
    std::erase_if(texts_, [](const auto& text) { return text->ended; });
    if (failure) std::rethrow_exception(failure);
    return texts_.size();
  }

  /// See `Session::forget_middle`.
  void forget_middle(Text& text, std::size_t sinks) {
    const std::size_t count = shifted_positions(sinks, text.sequence.capacity());
    forget(model_, text.sequence, sinks, count);
    const auto first = text.tokens.begin() + static_cast<std::ptrdiff_t>(sinks);
    text.tokens.erase(first, first + static_cast<std::ptrdiff_t>(count));
  }

  M model_;
  Tokenizer tokenizer_;
  std::shared_ptr<Pool> pool_;
  typename M::Scratch workspace_;
  AlignedBuffer<float> logits_;
  std::vector<std::unique_ptr<Text>> texts_, order_;
  std::vector<typename M::Row> rows_;
  std::vector<Text*> takers_;  // texts whose logits a step gives, in the rows' order
  Id next_id_ = 0;
};

}  // namespace llama2::inline LLAMA2_ABI
