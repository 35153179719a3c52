// MinHash: a few bytes of a document, from which one sees how much of it two documents share.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>

#include "llama2/base/random.hpp"
#include "llama2/data/words.hpp"

namespace llama2::inline LLAMA2_ABI {

/// What is kept of a document to find its near-duplicates: documents are compared as the sets of
/// their sequences of five words, and `similarity` estimates the share of two sets' union that is
/// in both (Broder, "On the resemblance and containment of documents", 1997).
///
/// The lowest byte of each minimum is enough to estimate (Li, Koenig, "b-bit minwise hashing",
/// 2010), with a standard deviation of 0.037 where the share is 0.8. Two documents that share s of
/// their sequences have a key of `keys` in common with probability 1 - (1 - s^6)^20: 99.8 % at 0.8,
/// 27 % at 0.5, 1 % at 0.3.
struct MinHash {
  static constexpr std::size_t sequence = 5;  ///< words that are compared together
  static constexpr std::size_t bands = 20, rows = 6, hashes = bands * rows;

  std::array<std::uint64_t, bands> keys;    ///< documents with a common key are to be compared
  std::array<std::uint8_t, hashes> sketch;  ///< what they are compared by

  /// Of a text's words. Fewer than five are one sequence.
  static MinHash of(const Words& words) noexcept {
    std::array<std::uint32_t, hashes> least;
    least.fill(std::numeric_limits<std::uint32_t>::max());
    const std::size_t length = std::min(sequence, words.size());
    for (std::size_t i = 0; i + length <= words.size(); ++i) {
      std::uint64_t mixed = 0;
      for (std::size_t k = 0; k < length; ++k) mixed = mix_bits(mixed ^ words.hashes[i + k]);
      const auto x = static_cast<std::uint32_t>(mixed >> 32);
      // Another order of all 32-bit numbers for each k.
      for (std::size_t k = 0; k < hashes; ++k)
        least[k] = std::min(least[k], multipliers[k] * x + offsets[k]);
    }
    MinHash result;
    for (std::size_t k = 0; k < hashes; ++k) result.sketch[k] = static_cast<std::uint8_t>(least[k]);
    for (std::size_t band = 0; band < bands; ++band) {
      std::uint64_t key = band;
      for (std::size_t k = 0; k < rows; ++k) key = mix_bits(key ^ least[band * rows + k]);
      result.keys[band] = key;
    }
    return result;
  }

  /// An estimate of the share, between 0 and 1, from two sketches.
  static double similarity(std::span<const std::uint8_t, hashes> a,
                           std::span<const std::uint8_t, hashes> b) noexcept {
    std::size_t same = 0;
    for (std::size_t k = 0; k < hashes; ++k) same += a[k] == b[k] ? 1 : 0;
    constexpr double by_chance = 1.0 / 256;
    const double share = static_cast<double>(same) / hashes;
    return std::max(0.0, (share - by_chance) / (1 - by_chance));
  }

 private:
  static constexpr std::array<std::uint32_t, hashes> numbers(std::uint64_t seed,
                                                             std::uint32_t low) {
    std::array<std::uint32_t, hashes> result{};
    Random random(seed);
    for (std::uint32_t& number : result) number = static_cast<std::uint32_t>(random() >> 32) | low;
    return result;
  }
  static const std::array<std::uint32_t, hashes> multipliers, offsets;
};

inline constexpr std::array<std::uint32_t, MinHash::hashes> MinHash::multipliers = numbers(1, 1);
inline constexpr std::array<std::uint32_t, MinHash::hashes> MinHash::offsets = numbers(2, 0);

}  // namespace llama2::inline LLAMA2_ABI
