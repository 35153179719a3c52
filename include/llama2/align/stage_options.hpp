// How the paper's stages of alignment train: schedules for a set of any size.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "llama2/base/error.hpp"
#include "llama2/train/adamw.hpp"
#include "llama2/train/schedule.hpp"
#include "llama2/train/trainer.hpp"

namespace llama2::inline LLAMA2_ABI {

/// A stage's hyper-parameters. Small models want higher rates, small sets smaller batches: change
/// these, and the schedule follows.
struct StageOptions {
  double epochs = 1;
  std::size_t batch = 64;  ///< items of a step: texts, or pairs
  Decay decay = Decay::cosine;
  double peak = 2e-5;  ///< the highest learning rate
  double final_share = 0.1;
  double warmup_share = 0;         ///< of all steps
  std::uint64_t least_warmup = 0;  ///< steps, if there are more than these
  AdamWOptions optimiser = {};

  /// Steps for a set of so many items, at least 1.
  [[nodiscard]] std::uint64_t steps(std::size_t items) const {
    require_option(std::isfinite(epochs) && epochs > 0, "epochs", epochs, "a number above 0");
    require_option(batch != 0, "batch", 0, "at least 1");
    return std::max<std::uint64_t>(
        1, static_cast<std::uint64_t>(
               std::ceil(epochs * static_cast<double>(items) / static_cast<double>(batch))));
  }

  /// The schedule for a set of so many items. Throws `invalid_argument` for no epochs or batch, and
  /// for a share out of range.
  [[nodiscard]] Schedule schedule(std::size_t items) const {
    require_option(warmup_share >= 0 && warmup_share <= 1, "warm-up", warmup_share, "0 to 1");
    const std::uint64_t all = steps(items);
    const auto share =
        static_cast<std::uint64_t>(std::ceil(warmup_share * static_cast<double>(all)));
    return {.decay = decay,
            .peak = peak,
            .final_share = final_share,
            .warmup_steps = std::min(all, std::max(share, least_warmup)),
            .steps = all};
  }

  /// A trainer's options for a set of so many items; the data make batches of `batch`.
  [[nodiscard]] TrainerOptions trainer(std::size_t items) const {
    TrainerOptions options;
    options.optimiser = optimiser;
    options.schedule = schedule(items);
    return options;
  }
};

/// Supervised fine-tuning: the Llama 2 paper, section 3.1: two epochs, batches of 64 sequences of
/// 4096 tokens that texts are packed into, a cosine from 2e-5 on, weight decay 0.1. It mentions no
/// warm-up, hence none, and not where the cosine ends: here at a tenth, as in its other stages.
inline StageOptions fine_tuning_options() {
  return {.epochs = 2, .batch = 64, .peak = 2e-5};
}
inline constexpr std::size_t fine_tuning_sequence = 4096;

/// Reward models: section 3.2.2: one epoch, since more over-fits, 512 pairs a batch, a cosine from
/// 1e-5 to a tenth of it, 5e-6 for the 70B model, a warm-up of 3 % of the steps and at least 5, and
/// the optimiser of pretraining.
inline StageOptions reward_model_options(bool is_70b = false) {
  return {.epochs = 1,
          .batch = 512,
          .peak = is_70b ? 5e-6 : 1e-5,
          .warmup_share = 0.03,
          .least_warmup = 5};
}

}  // namespace llama2::inline LLAMA2_ABI
