// Rows in a new order each epoch, without end, from any place on.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "llama2/base/error.hpp"
#include "llama2/base/hash.hpp"
#include "llama2/base/token.hpp"
#include "llama2/data/packing.hpp"
#include "llama2/data/permutation.hpp"

namespace llama2::inline LLAMA2_ABI {

/// How far a stream has come: all that must be kept, with its seed, to go on exactly from there.
struct StreamPosition {
  std::uint64_t epoch = 0;
  std::uint64_t row = 0;  ///< rows of this epoch that have been given out

  friend bool operator==(const StreamPosition&, const StreamPosition&) = default;
};

/// Gives out packed rows, each once per epoch, in an order that the seed and the epoch decide.
class RowStream {
 public:
  /// Throws `invalid_argument` if there are no rows, or no such position.
  RowStream(PackedRows rows, std::uint64_t seed, StreamPosition position = {})
      : rows_(std::move(rows)), seed_(seed), order_(order_of(0)) {
    if (rows_.size() == 0)
      throw Error(ErrorCode::invalid_argument, "the file holds less than one row",
                  {.file = rows_.file().path(),
                   .expected = "at least " + std::to_string(rows_.length() + 1) + " tokens",
                   .found = std::to_string(rows_.file().tokens())});
    seek(position);
  }

  [[nodiscard]] const PackedRows& rows() const noexcept { return rows_; }
  [[nodiscard]] StreamPosition position() const noexcept { return position_; }

  void seek(StreamPosition position) {
    if (position.row >= rows_.size())
      throw Error(ErrorCode::invalid_argument, "an epoch has not so many rows",
                  {.file = rows_.file().path(),
                   .expected = "fewer than " + std::to_string(rows_.size()),
                   .found = std::to_string(position.row)});
    position_ = position;
    order_ = order_of(position.epoch);
  }

  /// Copies the next row to `out`, rows().length() + 1 tokens, and moves on. Throws what
  /// `PackedRows::copy` throws, and then has not moved.
  void next(std::span<Token> out) {
    rows_.copy(static_cast<std::size_t>(order_(position_.row)), out);
    if (++position_.row < rows_.size()) return;
    position_ = {.epoch = position_.epoch + 1, .row = 0};
    order_ = order_of(position_.epoch);
  }

 private:
  [[nodiscard]] Permutation order_of(std::uint64_t epoch) const noexcept {
    return {rows_.size(), mix_bits(seed_) ^ epoch};
  }

  PackedRows rows_;
  std::uint64_t seed_;
  Permutation order_;
  StreamPosition position_;
};

}  // namespace llama2::inline LLAMA2_ABI
