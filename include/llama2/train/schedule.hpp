// How the learning rate goes up and down: a pure function of the step.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string_view>

#include "llama2/base/error.hpp"

namespace llama2::inline LLAMA2_ABI {

/// The way from the peak to the end.
enum class Decay {
  constant,  ///< stays
  linear,    ///< straight
  cosine,    ///< half a wave of a cosine (Loshchilov and Hutter 2016, arXiv:1608.03983)
};

/// The decay's name, as on command lines and in checkpoints.
constexpr std::string_view to_string(Decay decay) noexcept {
  switch (decay) {
    case Decay::constant:
      return "constant";
    case Decay::linear:
      return "linear";
    case Decay::cosine:
      return "cosine";
  }
  return "";
}

/// Linear warm-up to the peak, then a decay to a share of it. The defaults are Llama 2's
/// pretraining (arXiv:2307.09288, section 2.2) at 7B, but for the number of steps.
struct Schedule {
  Decay decay = Decay::cosine;
  double peak = 3e-4;                 ///< the highest learning rate
  double final_share = 0.1;           ///< of the peak at the last step; of no effect when constant
  std::uint64_t warmup_steps = 2000;  ///< the last of them has the peak; 0: begin with it
  std::uint64_t steps = 0;            ///< all of them; later ones keep the last one's rate

  /// The learning rate of a step; the first is 1.
  [[nodiscard]] double at(std::uint64_t step) const noexcept {
    if (step < warmup_steps)
      return peak * static_cast<double>(step) / static_cast<double>(warmup_steps);
    if (decay == Decay::constant || steps <= warmup_steps) return peak;
    const double done = std::min(
        1.0, static_cast<double>(step - warmup_steps) / static_cast<double>(steps - warmup_steps));
    const double above =
        decay == Decay::linear ? 1 - done : 0.5 * (1 + std::cos(std::numbers::pi * done));
    return peak * (final_share + (1 - final_share) * above);
  }

  /// Throws `invalid_argument` for values that no training can use.
  void validate() const {
    require_option(std::isfinite(peak) && peak > 0, "learning rate", peak, "a number above 0");
    require_option(final_share >= 0 && final_share <= 1, "final share of the learning rate",
                   final_share, "0 to 1");
  }
};

}  // namespace llama2::inline LLAMA2_ABI
