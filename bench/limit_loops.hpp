// The loops that find the limits of a machine, for each processor target.
#pragma once

#include <cstddef>
#include <string_view>

namespace bench {

/// The loops of one target.
struct LimitLoops {
  /// Reads n floats, a multiple of `read_step`; returns something that depends on all of them.
  float (*read)(const float* data, std::size_t n) noexcept;
  std::size_t read_step;
  /// Does rounds * `multiply_adds` multiply-adds on registers; returns something made of all.
  float (*multiply_add)(float factor, std::size_t rounds) noexcept;
  std::size_t multiply_adds;
};

/// The loops of a target of this program, by its name.
const LimitLoops& limit_loops(std::string_view target);

}  // namespace bench
