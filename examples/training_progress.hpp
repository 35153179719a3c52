// How far training is, for people.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>

#include "llama2/train/trainer.hpp"

namespace examples {

/// Shows on standard error a line of loss, learning rate, speed and time left: rewritten on a
/// terminal, elsewhere a plain line every 10 seconds. Figures are those since the last line.
class TrainingProgress {
 public:
  /// `peak` is the processor's rate of multiply-adds.
  TrainingProgress(std::uint64_t steps, double peak) : steps_(steps), peak_(peak) {}
  TrainingProgress(const TrainingProgress&) = delete;
  TrainingProgress& operator=(const TrainingProgress&) = delete;
  ~TrainingProgress() { end_line(); }

  void show(const llama2::StepReport& report) {
    ++count_;
    loss_ += report.loss;
    seconds_ += report.seconds;
    targets_ += report.targets;
    multiply_adds_ += report.multiply_adds;
    // The time left is by the speed of the last minute or two: one that stood still goes on as
    // before.
    const double kept = std::exp2(-report.seconds / 60);
    recent_seconds_ = kept * recent_seconds_ + report.seconds;
    recent_count_ = kept * recent_count_ + 1;
    const auto now = Clock::now();
    if (now < next_ && report.step != steps_) return;
    next_ = now + (terminal_ ? std::chrono::milliseconds(500) : std::chrono::seconds(10));
    const auto left = static_cast<unsigned long long>(static_cast<double>(steps_ - report.step) *
                                                      recent_seconds_ / recent_count_);
    std::fprintf(stderr,
                 "%sstep %llu of %llu: loss %.4f, rate %.2e, %.0f tokens/s, %.0f %% of the peak, "
                 "%llu:%02llu:%02llu left%s",
                 terminal_ ? "\r" : "", static_cast<unsigned long long>(report.step),
                 static_cast<unsigned long long>(steps_), loss_ / count_, report.learning_rate,
                 static_cast<double>(targets_) / seconds_, 100 * multiply_adds_ / seconds_ / peak_,
                 left / 3600, left / 60 % 60, left % 60, terminal_ ? "  " : "\n");
    shown_ = true;
    count_ = loss_ = seconds_ = multiply_adds_ = 0;
    targets_ = 0;
  }

  /// To be called before something else is printed.
  void end_line() {
    if (shown_ && terminal_) std::fputc('\n', stderr);
    shown_ = false;
  }

 private:
  using Clock = std::chrono::steady_clock;

  std::uint64_t steps_;
  double peak_;
  bool terminal_ = ::isatty(STDERR_FILENO) != 0;
  bool shown_ = false;
  Clock::time_point next_ = Clock::now() + std::chrono::seconds(1);
  double count_ = 0, loss_ = 0, seconds_ = 0, multiply_adds_ = 0;
  std::uint64_t targets_ = 0;
  double recent_seconds_ = 0, recent_count_ = 0;
};

}  // namespace examples
