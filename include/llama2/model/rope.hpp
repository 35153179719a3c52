// The angles of the rotary position embedding.
#pragma once

#include <cmath>
#include <cstddef>

#include "llama2/model/config.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Fills `cosines` and `sines` (HeadDim floats each, laid out as the kernel `rotate` reads them)
/// for one position: pair i turns by position / scale * theta^(-2i / HeadDim), computed in double.
template <std::size_t HeadDim>
void fill_rotation(const ModelConfig& config, std::size_t position, float* cosines,
                   float* sines) noexcept {
  const double scaled = static_cast<double>(position) / config.rope_linear_scale;
  for (std::size_t i = 0; i < HeadDim; i += 2) {
    const double frequency = std::pow(static_cast<double>(config.rope_theta),
                                      -static_cast<double>(i) / static_cast<double>(HeadDim));
    const double angle = scaled * frequency;
    cosines[i] = cosines[i + 1] = static_cast<float>(std::cos(angle));
    const auto sine = static_cast<float>(std::sin(angle));
    sines[i] = -sine;
    sines[i + 1] = sine;
  }
}

}  // namespace llama2::inline LLAMA2_ABI
