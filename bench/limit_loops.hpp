// The loops that find the limits of a machine, for each processor target.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace bench {

/// One way of reading memory: a processor's prefetchers like some better than others.
struct ReadLoop {
  /// Reads `bytes`, a multiple of `step`, from an address aligned to a cache line, `passes` times.
  void (*run)(const std::byte* data, std::size_t bytes, std::size_t passes) noexcept;
  std::size_t step;
};

/// Products on registers, as fast as the target's instructions for them go.
struct ProductLoop {
  /// Does rounds * `macs` multiply-adds.
  void (*run)(std::size_t rounds) noexcept;
  std::size_t macs;
};

/// The loops of one target.
struct LimitLoops {
  std::span<const ReadLoop> reads;
  ProductLoop floats;   ///< fused multiply-adds
  ProductLoop pairs;    ///< pairs of bf16, where there are instructions for those, else as floats
  ProductLoop bytes;    ///< quads of 8-bit integers
  ProductLoop nibbles;  ///< the same where one factor has but 4 bits, which may be quicker
};

/// The loops of a target of this program, by the name that `llama2::Target` has for it.
const LimitLoops& limit_loops(std::string_view target);

}  // namespace bench
