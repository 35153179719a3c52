// Batches of packed rows, in an order that goes on exactly where it was left, and their trainer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/token.hpp"
#include "llama2/data/packing.hpp"
#include "llama2/data/row_stream.hpp"
#include "llama2/train/language_model.hpp"
#include "llama2/train/objective.hpp"
#include "llama2/train/train_state.hpp"
#include "llama2/train/trainer.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Memory for a batch of rows of one length.
class RowBatch {
 public:
  RowBatch(std::size_t rows, std::size_t length)
      : length_(length), tokens_(rows * (length + 1)), targets_(rows * length), texts_(rows) {}

  /// Where the length + 1 tokens of row i go.
  [[nodiscard]] std::span<Token> row(std::size_t i) noexcept {
    return std::span(tokens_).subspan(i * (length_ + 1), length_ + 1);
  }

  /// The first rows as a batch; valid until they are written anew.
  [[nodiscard]] TokenBatch first(std::size_t rows) noexcept {
    for (std::size_t i = 0; i < rows; ++i) {
      texts_[i] = row(i).first(length_);
      std::ranges::copy(row(i).subspan(1),
                        targets_.begin() + static_cast<std::ptrdiff_t>(i * length_));
    }
    return {std::span(texts_).first(rows), std::span(targets_).first(rows * length_)};
  }

 private:
  std::size_t length_;
  std::vector<Token> tokens_;   // (rows, length + 1)
  std::vector<Token> targets_;  // (rows, length)
  std::vector<std::span<const Token>> texts_;
};

/// Batches of packed rows without end, shuffled anew for each epoch; a `BatchSource`.
class TokenBatches {
 public:
  using Batch = TokenBatch;

  /// Throws `invalid_argument` if there is not one row, or a batch is to have none.
  TokenBatches(PackedRows rows, std::size_t batch_rows, std::uint64_t seed)
      : stream_(std::move(rows), seed),
        seed_(seed),
        batch_rows_(batch_rows),
        memory_(batch_rows, stream_.rows().length()) {
    require_option(batch_rows > 0, "rows of a batch", static_cast<double>(batch_rows),
                   "at least 1");
  }

  const Batch& next() {
    for (std::size_t i = 0; i < batch_rows_; ++i) stream_.next(memory_.row(i));
    return batch_ = memory_.first(batch_rows_);
  }

  /// Epochs that have been given out, whole and begun.
  [[nodiscard]] double epochs() const noexcept {
    return static_cast<double>(stream_.position().epoch) +
           static_cast<double>(stream_.position().row) / static_cast<double>(stream_.rows().size());
  }

  void save(StateFields& fields) const {
    put_identity(fields);
    fields.set("data.epoch", stream_.position().epoch);
    fields.set("data.row", stream_.position().row);
  }

  /// Throws `mismatch` for other tokens, rows or another seed, `malformed_file` for a position that
  /// there is not.
  void load(const StateFields& fields) {
    StateFields identity;
    put_identity(identity);
    fields.require(identity);
    const StreamPosition position{fields.number("data.epoch"), fields.number("data.row")};
    if (position.row >= stream_.rows().size())
      throw Error(ErrorCode::malformed_file, "an epoch has not so many rows",
                  {.file = fields.file(),
                   .tensor = "data.row",
                   .expected = "fewer than " + std::to_string(stream_.rows().size()),
                   .found = std::to_string(position.row)});
    stream_.seek(position);
  }

 private:
  void put_identity(StateFields& fields) const {
    const TokenFile& file = stream_.rows().file();
    fields.set("data.tokens", std::uint64_t{file.tokens()});
    fields.set("data.documents", std::uint64_t{file.documents()});
    fields.set("data.tokenizer", std::to_string(file.info().tokenizer.low) + "-" +
                                     std::to_string(file.info().tokenizer.high));
    fields.set("data.length", std::uint64_t{stream_.rows().length()});
    fields.set("data.batch_rows", std::uint64_t{batch_rows_});
    fields.set("data.seed", seed_);
  }

  RowStream stream_;
  std::uint64_t seed_;
  std::size_t batch_rows_;
  RowBatch memory_;
  TokenBatch batch_;
};

/// Trains a language model of shape S on a token file.
template <ModelShape S, Recording R = Recording::everything>
using Trainer = BasicTrainer<LanguageModel<S, R>, TokenBatches>;

/// The loss over the first rows, at most `most`, in their order and `batch_rows` at a time.
template <class O>
  requires Objective<O, TokenBatch>
LossSum loss_over_rows(O& objective, const PackedRows& rows, std::size_t most, RowBatch& memory,
                       std::size_t batch_rows) {
  LossSum losses;
  most = std::min(most, rows.size());
  for (std::size_t begin = 0; begin < most; begin += batch_rows) {
    const std::size_t n = std::min(batch_rows, most - begin);
    for (std::size_t i = 0; i < n; ++i) rows.copy(begin + i, memory.row(i));
    losses += objective.loss(memory.first(n));
  }
  return losses;
}

}  // namespace llama2::inline LLAMA2_ABI
