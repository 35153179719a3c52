// What a checkpoint may say about a model beyond its shape.
#pragma once

#include <cmath>
#include <cstddef>

#include "llama2/base/error.hpp"
#include "llama2/shape/model_shape.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Run-time properties of a model, read from its file.
struct ModelConfig {
  float norm_epsilon = 1e-5f;      ///< added to the mean square in RMSNorm
  float rope_theta = 10000.0f;     ///< base of the rotary embedding
  float rope_linear_scale = 1.0f;  ///< positions are divided by this (position interpolation)
  std::size_t context = 0;         ///< tokens the model was trained on; default of a session

  /// The defaults of shape S.
  template <ModelShape S>
  static ModelConfig of() noexcept {
    ModelConfig config;
    config.rope_theta = default_rope_theta<S>;
    config.context = S::context;
    return config;
  }

  /// Throws `invalid_argument` for values no model can have.
  void validate() const {
    require_option(std::isfinite(norm_epsilon) && norm_epsilon >= 0 && norm_epsilon <= 0.999f,
                   "norm_epsilon", norm_epsilon, "0 to 0.999");
    require_option(std::isfinite(rope_theta) && rope_theta >= 1, "rope_theta", rope_theta,
                   "a finite number >= 1");
    require_option(std::isfinite(rope_linear_scale) && rope_linear_scale >= 1e-3f,
                   "rope_linear_scale", rope_linear_scale, "a finite number >= 0.001");
    require_option(context >= 1, "context", static_cast<double>(context), "at least 1");
  }
};

}  // namespace llama2::inline LLAMA2_ABI
