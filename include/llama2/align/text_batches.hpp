// Supervised fine-tuning's batches: dialogues, packed into rows or each by itself.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "llama2/align/shuffled.hpp"
#include "llama2/align/training_text.hpp"
#include "llama2/base/error.hpp"
#include "llama2/base/random.hpp"
#include "llama2/base/token.hpp"
#include "llama2/train/language_model.hpp"
#include "llama2/train/train_state.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Concatenates texts, in their order, and cuts the result into rows of `length` tokens, as the
/// paper does: nothing is padded or lost, and attention reaches across texts. The last row may be
/// shorter. A row's first token is never predicted.
inline std::vector<TrainingText> pack_texts(std::span<const TrainingText> texts,
                                            std::size_t length) {
  if (length < 2)
    throw Error(ErrorCode::invalid_argument, "rows too short to predict anything",
                {.expected = "at least 2 tokens", .found = std::to_string(length)});
  std::vector<TrainingText> rows;
  for (const TrainingText& text : texts)
    for (std::size_t i = 0; i < text.tokens.size(); ++i) {
      if (rows.empty() || rows.back().tokens.size() == length) rows.emplace_back();
      rows.back().tokens.push_back(text.tokens[i]);
      rows.back().learn.push_back(text.learn[i]);
    }
  std::erase_if(rows, [](const TrainingText& row) { return row.targets() == 0; });
  return rows;
}

/// What tells one set of texts from another.
inline std::uint64_t digest_of(std::span<const TrainingText> texts) noexcept {
  std::uint64_t digest = texts.size();
  for (const TrainingText& text : texts) {
    digest = mix_bits(digest ^ text.tokens.size());
    for (std::size_t i = 0; i < text.tokens.size(); ++i)
      digest = mix_bits(digest ^ (static_cast<std::uint64_t>(text.tokens[i]) << 1 | text.learn[i]));
  }
  return digest;
}

/// Batches of whole texts without end, shuffled anew for each epoch; a `BatchSource` for
/// `LanguageModel`. Texts of a batch are blind to each other.
class TextBatches {
 public:
  using Batch = TokenBatch;

  /// Each batch has `batch_texts` texts. A text of more than `longest` tokens is refused: cutting
  /// answers short would teach to end them so. Throws `invalid_argument` for such texts, naming the
  /// first, for one without a target, and for none at all.
  TextBatches(std::vector<TrainingText> texts, std::size_t batch_texts, std::size_t longest,
              std::uint64_t seed)
      : texts_(std::move(texts)),
        order_(texts_.size(), seed, digest_of(texts_)),
        chosen_(batch_texts) {
    if (batch_texts == 0) throw Error(ErrorCode::invalid_argument, "batches of no texts");
    std::size_t most = 0;
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      const TrainingText& text = texts_[i];
      most = std::max(most, text.tokens.size());
      if (text.targets() == 0 || text.tokens.size() > longest ||
          text.learn.size() != text.tokens.size())
        throw Error(ErrorCode::invalid_argument,
                    "text " + std::to_string(i + 1) + " cannot be learnt from",
                    {.expected = "at most " + std::to_string(longest) +
                                 " tokens, at least one of them to be predicted",
                     .found = std::to_string(text.tokens.size()) + " tokens, " +
                              std::to_string(text.targets()) + " to be predicted"});
    }
    targets_.reserve(most * batch_texts);
  }

  [[nodiscard]] std::span<const TrainingText> texts() const noexcept { return texts_; }
  [[nodiscard]] double epochs() const noexcept { return order_.epochs(); }

  const Batch& next() {
    targets_.clear();
    for (auto& text : chosen_) text = append(texts_[order_.next()]);
    return batch_ = {chosen_, targets_};
  }

  void save(StateFields& fields) const {
    order_.save(fields);
    fields.set("data.batch_texts", std::uint64_t{chosen_.size()});
  }
  void load(const StateFields& fields) {
    fields.require("data.batch_texts", std::to_string(chosen_.size()));
    order_.load(fields);
  }

  /// The mean loss of a model over texts [first, first + count) in their order, a batch at a time.
  template <class O>
  LossSum loss_of(O& objective, std::size_t first, std::size_t count) {
    LossSum sum;
    for (const std::size_t end = std::min(first + count, texts_.size()); first < end;) {
      targets_.clear();
      const std::size_t n = std::min(chosen_.size(), end - first);
      for (std::size_t i = 0; i < n; ++i) chosen_[i] = append(texts_[first++]);
      sum += objective.loss(TokenBatch{std::span(chosen_).first(n), targets_});
    }
    return sum;
  }

 private:
  /// Appends a text's targets.
  std::span<const Token> append(const TrainingText& text) {
    const std::size_t n = text.tokens.size();
    for (std::size_t i = 0; i < n; ++i)
      targets_.push_back(i + 1 < n && text.learn[i + 1] != 0 ? text.tokens[i + 1] : no_target);
    return text.tokens;
  }

  std::vector<TrainingText> texts_;
  Shuffled order_;
  std::vector<std::span<const Token>> chosen_;
  std::vector<Token> targets_;
  TokenBatch batch_;
};

}  // namespace llama2::inline LLAMA2_ABI
