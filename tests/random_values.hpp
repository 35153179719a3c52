// Seeded test values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "llama2/base/random.hpp"

/// n floats, uniform in [-scale, scale).
inline std::vector<float> random_values(std::uint64_t seed, std::size_t n, float scale = 1.0f) {
  std::vector<float> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = scale * llama2::uniform_at(seed, i);
  return values;
}

/// The same numbers in double.
template <class Values>
std::vector<double> widen(const Values& values) {
  return {values.begin(), values.end()};
}
