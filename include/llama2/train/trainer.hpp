// The loop of training: batches, gradients, steps, checkpoints.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include "llama2/base/error.hpp"
#include "llama2/parallel/executor.hpp"
#include "llama2/train/adamw.hpp"
#include "llama2/train/checkpoint_folder.hpp"
#include "llama2/train/objective.hpp"
#include "llama2/train/schedule.hpp"
#include "llama2/train/train_state.hpp"

namespace llama2::inline LLAMA2_ABI {

/// How a training goes.
struct TrainerOptions {
  AdamWOptions optimiser = {};
  /// Its number of steps is how many the training has.
  Schedule schedule = {};
  /// Batches whose gradients are added up for one step.
  std::size_t accumulation = 1;
  /// Steps between two validations, and between two saves; 0: none but at the end.
  std::uint64_t validate_every = 0;
  std::uint64_t save_every = 0;
  /// Where states are saved, and how many of them are kept; no folder: nowhere.
  std::string folder = {};
  std::size_t keep = 3;
  /// Whose threads take the optimiser's part of a step.
  SharedExecutor executor = {};
  /// What else a saved training must have in common with this one to be resumed: the shape, ....
  StateFields identity = StateFields();
};

/// What a step did.
struct StepReport {
  std::uint64_t step = 0;  ///< the first is 1
  double loss = 0;         ///< mean of the step's losses, before the step
  double learning_rate = 0;
  double gradient_norm = 0;       ///< before clipping
  std::uint64_t targets = 0;      ///< losses of this step: for a language model, tokens predicted
  std::uint64_t all_targets = 0;  ///< of all steps until now
  double seconds = 0;             ///< that the step took
  double multiply_adds = 0;       ///< of the gradients, where the objective counts them
};

/// A validation's mean loss after a step.
struct ValidationReport {
  std::uint64_t step = 0;
  double loss = 0;
  std::uint64_t targets = 0;
};

/// What a trainer tells, and asks; all may be empty. What they throw comes out of `run`.
struct TrainerCallbacks {
  std::function<void(const StepReport&)> on_step = {};
  /// Computes the validation's loss.
  std::function<LossSum()> validate = {};
  std::function<void(const ValidationReport&)> on_validation = {};
  /// A state has been saved, on the disk, at this path.
  std::function<void(std::uint64_t step, const std::string& path)> on_save = {};
  /// A save in the midst of training has failed: what was saved before is still there, and the next
  /// save may succeed. If this is empty, the failure ends the training.
  std::function<void(const Error&)> on_save_failure = {};
};

/// Trains an objective on a source's batches. Refers to both, and changes the objective's tensors.
///
/// The same options, objective and source give the same weights, to the bit, however often the
/// training was interrupted and resumed from what it saved. A step allocates nothing of its own.
template <class O, BatchSource Source>
  requires Objective<O, typename Source::Batch>
class BasicTrainer {
 public:
  /// Throws `invalid_argument` for options that make no sense, and `io` if there can be no folder.
  BasicTrainer(O& objective, Source& source, TrainerOptions options)
      : objective_(objective),
        source_(source),
        options_(std::move(options)),
        optimiser_(objective.tensors(), options_.optimiser, options_.executor) {
    options_.schedule.validate();
    require_option(options_.schedule.steps >= 1, "steps",
                   static_cast<double>(options_.schedule.steps), "at least 1");
    require_option(options_.accumulation >= 1, "accumulation",
                   static_cast<double>(options_.accumulation), "at least 1");
    if (!options_.folder.empty()) folder_.emplace(options_.folder);
  }

  BasicTrainer(const BasicTrainer&) = delete;
  BasicTrainer& operator=(const BasicTrainer&) = delete;

  TrainerCallbacks callbacks;

  /// Steps taken, and losses that they had.
  [[nodiscard]] std::uint64_t step() const noexcept { return optimiser_.steps(); }
  [[nodiscard]] std::uint64_t targets() const noexcept { return targets_; }
  [[nodiscard]] bool finished() const noexcept { return step() >= options_.schedule.steps; }
  [[nodiscard]] const TrainerOptions& options() const noexcept { return options_; }

  /// Goes on where the newest saved state of the folder is; false if there is none. Throws
  /// `mismatch` for the state of another training and `malformed_file` for a damaged one; the
  /// objective's tensors are then as they were.
  bool resume() {
    const std::optional<std::string> newest = folder_ ? folder_->newest() : std::nullopt;
    if (newest) restore(*newest);
    return newest.has_value();
  }

  /// Goes on where a saved state is; throws like `resume`.
  void restore(const std::string& path) {
    const TrainState state(path);
    state.fields().require(hyper_parameters());
    const std::uint64_t step = state.fields().number("step");
    const std::uint64_t targets = state.fields().number("targets");
    source_.load(state.fields());
    state.copy_to(objective_.tensors(), optimiser_.moments());
    objective_.values_changed();
    optimiser_.clear_gradients();
    optimiser_.set_steps(step);
    targets_ = targets;
    saved_step_ = step;
  }

  /// Saves the state in the folder, then removes the oldest if there are too many; returns the
  /// path. Throws `io`: then all that was saved before is still there.
  std::string save() {
    if (!folder_) throw Error(ErrorCode::invalid_argument, "the training has no folder to save in");
    StateFields fields = hyper_parameters();
    fields.set("step", step());
    fields.set("targets", targets_);
    source_.save(fields);
    std::string path = folder_->path_of(step());
    write_train_state(path, fields, objective_.tensors(), optimiser_.moments());
    saved_step_ = step();
    folder_->keep_newest(options_.keep);
    if (callbacks.on_save) callbacks.on_save(step(), path);
    return path;
  }

  /// One step. Throws what the source and the objective throw, and `invalid_argument` if the loss
  /// or the gradients are no finite numbers; the tensors' values are then as they were.
  StepReport take_step() {
    const auto start = Clock::now();
    StepReport report{.step = step() + 1};
    report.learning_rate = options_.schedule.at(report.step);
    LossSum losses;
    try {
      for (std::size_t i = 0; i < options_.accumulation; ++i) {
        const auto& batch = source_.next();
        losses += objective_.add_gradients(batch);
        if constexpr (CountsWork<O, typename Source::Batch>)
          report.multiply_adds += objective_.multiply_adds(batch);
      }
      report.loss = losses.mean();
      report.targets = losses.count;
      // Of no losses there are no gradients either.
      const double scale = 1 / static_cast<double>(std::max<std::uint64_t>(losses.count, 1));
      report.gradient_norm =
          std::isfinite(losses.sum) ? optimiser_.step(report.learning_rate, scale) : losses.sum;
      if (!std::isfinite(report.gradient_norm))
        throw Error(ErrorCode::invalid_argument,
                    "step " + std::to_string(report.step) +
                        ": the loss or its gradient is no finite number; a lower learning rate or "
                        "a longer warm-up may help",
                    {.found = "a loss of " + number_text(report.loss)});
    } catch (...) {
      optimiser_.clear_gradients();
      throw;
    }
    objective_.values_changed();
    report.all_targets = targets_ += losses.count;
    report.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    return report;
  }

  /// Trains until the last step, or until a stop is requested; then validates (not after a stop)
  /// and saves. Returns whether the last step was reached.
  bool run(const std::stop_token& stop = {}) {
    while (!finished() && !stop.stop_requested()) {
      const StepReport report = take_step();
      if (callbacks.on_step) callbacks.on_step(report);
      if (finished() || due(options_.validate_every)) validate();
      if (!finished() && due(options_.save_every)) try_to_save();
    }
    if (folder_ && saved_step_ != step()) save();
    return finished();
  }

 private:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] bool due(std::uint64_t every) const noexcept {
    return every != 0 && step() % every == 0;
  }

  void validate() {
    if (!callbacks.validate) return;
    const LossSum losses = callbacks.validate();
    if (callbacks.on_validation)
      callbacks.on_validation({.step = step(), .loss = losses.mean(), .targets = losses.count});
  }

  void try_to_save() {
    if (!folder_) return;
    try {
      save();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::io || !callbacks.on_save_failure) throw;
      callbacks.on_save_failure(error);
    }
  }

  /// All that a saved state must share with this training.
  [[nodiscard]] StateFields hyper_parameters() const {
    StateFields fields = options_.identity;
    const AdamWOptions& optimiser = options_.optimiser;
    const Schedule& schedule = options_.schedule;
    fields.set("beta1", optimiser.beta1);
    fields.set("beta2", optimiser.beta2);
    fields.set("epsilon", optimiser.epsilon);
    fields.set("weight_decay", optimiser.weight_decay);
    fields.set("clip_norm", optimiser.clip_norm);
    fields.set("decay", std::string(to_string(schedule.decay)));
    fields.set("peak_rate", schedule.peak);
    fields.set("final_share", schedule.final_share);
    fields.set("warmup_steps", schedule.warmup_steps);
    fields.set("steps", schedule.steps);
    fields.set("accumulation", std::uint64_t{options_.accumulation});
    return fields;
  }

  O& objective_;
  Source& source_;
  TrainerOptions options_;
  AdamW optimiser_;
  std::optional<CheckpointFolder> folder_;
  std::uint64_t targets_ = 0;
  std::optional<std::uint64_t> saved_step_;
};

}  // namespace llama2::inline LLAMA2_ABI
