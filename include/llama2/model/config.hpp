// What a checkpoint may say about a model beyond its shape.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "llama2/base/error.hpp"
#include "llama2/model/rope_scaling.hpp"
#include "llama2/shape/model_shape.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Run-time properties of a model, read from its file.
struct ModelConfig {
  float norm_epsilon = 1e-5f;     ///< added to the mean square in RMSNorm
  float rope_theta = 10000.0f;    ///< base of the rotary embedding
  RopeScaling rope_scaling = {};  ///< how the rotary embedding reaches beyond what was trained
  std::size_t context = 0;        ///< tokens the model is made for; default of a session

  /// The defaults of shape S.
  template <ModelShape S>
  static ModelConfig of() noexcept {
    ModelConfig config;
    config.rope_theta = default_rope_theta<S>;
    config.context = S::context;
    return config;
  }

  /// The same with another way of scaling, and its context: the factor times what it grows from,
  /// at most `max_context` and, to have room for a token, at least 1. With none at all, the context
  /// stays. Throws `invalid_argument` for values out of range.
  [[nodiscard]] ModelConfig scaled(RopeScaling scaling) const {
    scaling.validate();
    if (scaling.original_context == 0)
      scaling.original_context =
          rope_scaling.original_context != 0 ? rope_scaling.original_context : context;
    ModelConfig result = *this;
    result.rope_scaling = scaling;
    if (scaling.kind != RopeScalingKind::none) {
      const double grown = scaling.factor * static_cast<double>(scaling.original_context);
      result.context =
          static_cast<std::size_t>(std::clamp(grown, 1.0, static_cast<double>(max_context)));
    }
    return result;
  }

  /// Throws `invalid_argument` for values no model can have.
  void validate() const {
    require_option(std::isfinite(norm_epsilon) && norm_epsilon >= 0 && norm_epsilon <= 0.999f,
                   "norm_epsilon", norm_epsilon, "0 to 0.999");
    require_option(std::isfinite(rope_theta) && rope_theta >= 1, "rope_theta", rope_theta,
                   "a finite number >= 1");
    rope_scaling.validate();
    require_option(context >= 1, "context", static_cast<double>(context), "at least 1");
  }
};

}  // namespace llama2::inline LLAMA2_ABI
