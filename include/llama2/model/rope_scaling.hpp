// How a model is taken beyond the context that it was trained on: its rotary frequencies, changed.
#pragma once

#include <cmath>
#include <cstddef>
#include <string_view>

#include "llama2/base/error.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Ways of changing the frequencies; `RotaryTable` has the equations.
enum class RopeScalingKind {
  none,    ///< as the model was trained
  linear,  ///< position interpolation: positions are divided by the factor
  ntk,     ///< NTK-aware: a larger theta, so that slow pairs slow down and fast ones hardly do
  yarn,    ///< YaRN: slow pairs interpolated, fast ones left alone, attention a little sharper
};

/// The kind's name, as files and command lines have it.
constexpr std::string_view to_string(RopeScalingKind kind) noexcept {
  switch (kind) {
    case RopeScalingKind::none:
      return "none";
    case RopeScalingKind::linear:
      return "linear";
    case RopeScalingKind::ntk:
      return "ntk";
    case RopeScalingKind::yarn:
      return "yarn";
  }
  return "";
}

/// A way of scaling and its numbers. A factor of 1 changes nothing, whatever the kind.
struct RopeScaling {
  RopeScalingKind kind = RopeScalingKind::none;
  float factor = 1.0f;               ///< by how much the context grows
  std::size_t original_context = 0;  ///< what it grows from; 0: the model's context
  float attention_factor = 1.0f;     ///< YaRN: on top of its own 0.1 ln(factor) + 1
  float beta_fast = 32.0f;  ///< YaRN: pairs that turn this often in the original context are left
  float beta_slow = 1.0f;   ///< YaRN: pairs that turn less often are wholly interpolated
  bool finetuned = false;   ///< whether the model was trained with it; for people

  // What is allowed, for whoever reads untrusted numbers.
  static constexpr double least_linear_factor = 1e-3, most = 0x1p24, least_attention_factor = 1e-3,
                          most_attention_factor = 1e3, least_beta = 1e-3, most_beta = 1e6;

  /// The least factor: only position interpolation has a use below 1.
  static constexpr double least_factor(RopeScalingKind kind) noexcept {
    return kind == RopeScalingKind::linear ? least_linear_factor : 1;
  }

  /// Throws `invalid_argument` for values that make no frequencies.
  void validate() const {
    // Written so that NaN is refused.
    require_option(factor >= least_factor(kind) && factor <= most, "rope_scaling.factor", factor,
                   kind == RopeScalingKind::linear ? "0.001 to 2^24" : "1 to 2^24");
    require_option(static_cast<double>(original_context) <= most, "rope_scaling.original_context",
                   static_cast<double>(original_context), "at most 2^24");
    require_option(
        attention_factor >= least_attention_factor && attention_factor <= most_attention_factor,
        "rope_scaling.attention_factor", attention_factor, "0.001 to 1000");
    require_option(beta_slow >= least_beta && beta_slow <= most_beta, "rope_scaling.beta_slow",
                   beta_slow, "0.001 to 1000000");
    require_option(beta_fast > beta_slow && beta_fast <= most_beta, "rope_scaling.beta_fast",
                   beta_fast, "more than beta_slow, at most 1000000");
  }

  friend bool operator==(const RopeScaling&, const RopeScaling&) = default;
};

}  // namespace llama2::inline LLAMA2_ABI
