// A shuffle that is a function: which element comes at which place is computed, never stored.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "llama2/base/random.hpp"

namespace llama2::inline LLAMA2_ABI {

/// A pseudo-random permutation of 0 ... size - 1. Any place can be asked for at once and in any
/// order, so to resume a shuffle one needs its seed and how far one came, and nothing else.
///
/// A balanced Feistel network of 8 rounds over the least power of four that is not below `size`;
/// results outside are permuted again until one is inside, fewer than four times on average (Black,
/// Rogaway, "Ciphers with arbitrary finite domains", 2002). Each element is as likely at each
/// place, but of a handful of elements not every order of all is quite as likely (within some 10
/// %).
class Permutation {
 public:
  /// Of equal sizes, different seeds give unrelated permutations.
  constexpr Permutation(std::uint64_t size, std::uint64_t seed) noexcept
      : size_(size), key_(mix_bits(seed)) {
    const int bits = size < 2 ? 0 : static_cast<int>(std::bit_width(size - 1));
    half_bits_ = bits < 2 ? 1 : (bits + 1) / 2;
  }

  [[nodiscard]] constexpr std::uint64_t size() const noexcept { return size_; }

  /// The element at a place; `place` < size().
  constexpr std::uint64_t operator()(std::uint64_t place) const noexcept {
    do {
      place = encrypt(place);
    } while (place >= size_);
    return place;
  }

 private:
  static constexpr std::uint64_t rounds = 8;

  [[nodiscard]] constexpr std::uint64_t encrypt(std::uint64_t x) const noexcept {
    const std::uint64_t mask = (std::uint64_t{1} << half_bits_) - 1;
    std::uint64_t left = x >> half_bits_;
    std::uint64_t right = x & mask;
    for (std::uint64_t round = 0; round < rounds; ++round) {
      const std::uint64_t mixed = mix_bits(mix_bits(key_ + round) ^ right) & mask;
      const std::uint64_t next = left ^ mixed;
      left = right;
      right = next;
    }
    return left << half_bits_ | right;
  }

  std::uint64_t size_;
  std::uint64_t key_;
  int half_bits_;
};

}  // namespace llama2::inline LLAMA2_ABI
