// Random numbers that are the same on every platform and standard library.
#pragma once

#include <cstdint>

#include "llama2/base/config.hpp"

namespace llama2::inline LLAMA2_ABI {

/// A bijective mix of 64 bits (the finaliser of SplitMix64; Steele, Lea, Flood 2014).
constexpr std::uint64_t mix_bits(std::uint64_t x) noexcept {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

/// The SplitMix64 generator: 64 bits of state, period 2^64, every seed good.
/// Satisfies `std::uniform_random_bit_generator`.
class Random {
 public:
  using result_type = std::uint64_t;

  explicit constexpr Random(std::uint64_t seed) noexcept : state_(mix_bits(seed)) {}

  static constexpr result_type min() noexcept { return 0; }
  static constexpr result_type max() noexcept { return ~result_type{0}; }

  constexpr result_type operator()() noexcept {
    const result_type value = mix_bits(state_);
    state_ += 0x9E3779B97F4A7C15u;
    return value;
  }

  /// Uniform in [0, 1): the upper 53 bits.
  constexpr double uniform() noexcept { return static_cast<double>((*this)() >> 11) * 0x1.0p-53; }

 private:
  std::uint64_t state_;
};

/// A seed of its own for each of many streams that one seed is given for.
constexpr std::uint64_t seed_of(std::uint64_t seed, std::uint64_t stream) noexcept {
  return mix_bits(mix_bits(seed) ^ stream);
}

/// Element `index` of the stream `seed`, uniform in [-1, 1): addressable, so tensors can be
/// filled by any number of threads with the same result.
constexpr float uniform_at(std::uint64_t seed, std::uint64_t index) noexcept {
  const std::uint64_t bits = seed_of(seed, index) >> 40;  // 24 bits: exact in float
  return static_cast<float>(bits) * 0x1.0p-23f - 1.0f;
}

}  // namespace llama2::inline LLAMA2_ABI
