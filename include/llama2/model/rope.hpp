// The angles of the rotary position embedding.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>

#include "llama2/model/config.hpp"

namespace llama2::inline LLAMA2_ABI {

/// The base whose powers the frequencies are. NTK-aware scaling (u/bloc97 2023, "NTK-Aware Scaled
/// RoPE"; Peng et al. 2023, section 3.1) is nothing but another base, theta s^(d / (d - 2)), with
/// which the slowest pair is interpolated by s and the fastest is as it was. It is rounded to 32
/// bits, so that a file which states it as the model's theta has the same bits.
inline float rotary_base(const ModelConfig& config, std::size_t head_dim) noexcept {
  if (config.rope_scaling.kind != RopeScalingKind::ntk || head_dim <= 2) return config.rope_theta;
  const auto d = static_cast<double>(head_dim);
  const double base = config.rope_theta * std::pow(config.rope_scaling.factor, d / (d - 2));
  return static_cast<float>(std::min<double>(base, std::numeric_limits<float>::max()));
}

/// How far each pair of a head turns from one position to the next: computed once for a model, in
/// double, so that a position costs a sine and a cosine for each pair.
template <std::size_t HeadDim>
class RotaryTable {
 public:
  explicit RotaryTable(const ModelConfig& config) noexcept {
    const RopeScaling& scaling = config.rope_scaling;
    const double base = rotary_base(config, HeadDim);
    for (std::size_t i = 0; i < pairs; ++i)
      frequencies_[i] = std::pow(base, -static_cast<double>(2 * i) / static_cast<double>(HeadDim));
    switch (scaling.kind) {
      case RopeScalingKind::none:
      case RopeScalingKind::ntk:  // in the base
        break;
      case RopeScalingKind::linear:  // Chen et al. 2023, arXiv:2306.15595, equation 4
        for (double& frequency : frequencies_) frequency /= scaling.factor;
        break;
      case RopeScalingKind::yarn:
        interpolate_by_parts(config, base);
        break;
    }
  }

  /// Fills `cosines` and `sines` (HeadDim floats each, laid out as the kernel `rotate` reads them)
  /// for one position.
  void fill(std::size_t position, float* cosines, float* sines) const noexcept {
    fill(static_cast<double>(position), attention_, cosines, sines);
  }

  /// The same for what has been rotated already, to bring it that many positions back.
  void fill_back(std::size_t positions, float* cosines, float* sines) const noexcept {
    fill(-static_cast<double>(positions), 1, cosines, sines);
  }

  /// Radians a position, for each pair.
  [[nodiscard]] const std::array<double, HeadDim / 2>& frequencies() const noexcept {
    return frequencies_;
  }

  /// What cosines and sines are multiplied by; queries and keys both are, so scores twice.
  [[nodiscard]] double attention() const noexcept { return attention_; }

 private:
  static constexpr std::size_t pairs = HeadDim / 2;

  void fill(double position, double factor, float* cosines, float* sines) const noexcept {
    for (std::size_t i = 0; i < pairs; ++i) {
      const double angle = position * frequencies_[i];
      cosines[2 * i] = cosines[2 * i + 1] = static_cast<float>(factor * std::cos(angle));
      const auto sine = static_cast<float>(factor * std::sin(angle));
      sines[2 * i] = -sine;
      sines[2 * i + 1] = sine;
    }
  }

  /// YaRN (Peng et al. 2023, arXiv:2309.00071). Section 3.2: pairs that turn more than beta_fast
  /// times in the original context stay, those that turn less than beta_slow times are divided by
  /// the factor, and between the two a ramp mixes both. The paper's ramp is linear in the number of
  /// turns; its authors' program, with which the published models were trained, has it linear in
  /// the pair's number instead, between whole numbers, and what files call "yarn" is that. Section
  /// 3.4: scores are multiplied by (0.1 ln s + 1)^2.
  void interpolate_by_parts(const ModelConfig& config, double base) noexcept {
    const RopeScaling& scaling = config.rope_scaling;
    const auto context = static_cast<double>(
        scaling.original_context != 0 ? scaling.original_context : config.context);
    // The pair, as a fraction, that turns so many times: base^(-2i / d) context = 2 pi turns.
    const auto pair_that_turns = [&](double turns) {
      return static_cast<double>(HeadDim) / 2 * std::log(context / (2 * std::numbers::pi * turns)) /
             std::log(base);
    };
    const double first = std::max(0.0, std::floor(pair_that_turns(scaling.beta_fast)));
    const double last =
        std::min(static_cast<double>(HeadDim) - 1, std::ceil(pair_that_turns(scaling.beta_slow)));
    for (std::size_t i = 0; i < pairs; ++i) {
      const double along = (static_cast<double>(i) - first) / std::max(0.001, last - first);
      const double interpolated = std::clamp(along, 0.0, 1.0);
      frequencies_[i] *= (1 - interpolated) + interpolated / scaling.factor;
    }
    attention_ =
        scaling.attention_factor * (0.1 * std::log(static_cast<double>(scaling.factor)) + 1);
  }

  std::array<double, pairs> frequencies_{};
  double attention_ = 1;
};

}  // namespace llama2::inline LLAMA2_ABI
