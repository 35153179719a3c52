// The items of a data set that is in memory, in a new order each epoch, without end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "llama2/base/error.hpp"
#include "llama2/base/random.hpp"
#include "llama2/data/permutation.hpp"
#include "llama2/train/train_state.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Gives out the numbers 0 .. size - 1, each once per epoch, in an order that seed and epoch
/// decide; goes on exactly where a saved state was.
class Shuffled {
 public:
  /// `digest` says which data it is, so that a saved state is not resumed with other data. Throws
  /// `invalid_argument` for no items.
  Shuffled(std::size_t size, std::uint64_t seed, std::uint64_t digest)
      : size_(size), seed_(seed), digest_(digest), order_(size, order_seed(0)) {
    if (size == 0) throw Error(ErrorCode::invalid_argument, "there is nothing to learn from");
  }

  std::size_t next() noexcept {
    const auto item = static_cast<std::size_t>(order_(place_));
    if (++place_ == size_) {
      place_ = 0;
      order_ = Permutation(size_, order_seed(++epoch_));
    }
    return item;
  }

  /// Epochs that have been given out, whole and begun.
  [[nodiscard]] double epochs() const noexcept {
    return static_cast<double>(epoch_) + static_cast<double>(place_) / static_cast<double>(size_);
  }

  void save(StateFields& fields) const {
    put_identity(fields);
    fields.set("data.epoch", epoch_);
    fields.set("data.place", place_);
  }

  /// Throws `mismatch` for other data or another seed, `malformed_file` for a place that there is
  /// not.
  void load(const StateFields& fields) {
    StateFields identity;
    put_identity(identity);
    fields.require(identity);
    const std::uint64_t place = fields.number("data.place");
    if (place >= size_)
      throw Error(ErrorCode::malformed_file, "an epoch has not so many items",
                  {.file = fields.file(),
                   .tensor = "data.place",
                   .expected = "fewer than " + std::to_string(size_),
                   .found = std::to_string(place)});
    epoch_ = fields.number("data.epoch");
    place_ = place;
    order_ = Permutation(size_, order_seed(epoch_));
  }

 private:
  [[nodiscard]] std::uint64_t order_seed(std::uint64_t epoch) const noexcept {
    return mix_bits(seed_) ^ epoch;
  }
  void put_identity(StateFields& fields) const {
    fields.set("data.items", std::uint64_t{size_});
    fields.set("data.digest", digest_);
    fields.set("data.seed", seed_);
  }

  std::uint64_t size_, seed_, digest_;
  Permutation order_;
  std::uint64_t epoch_ = 0, place_ = 0;
};

}  // namespace llama2::inline LLAMA2_ABI
