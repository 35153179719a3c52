// How far long work is, for people.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

namespace examples {

/// Shows on standard error how much of some bytes, or of other units, is done, how fast, and how
/// long the rest will take: a line that is rewritten on a terminal, elsewhere a plain line every 10
/// seconds. Says nothing of work that takes less than a second.
class Progress {
 public:
  explicit Progress(std::string what) : what_(std::move(what)) {}
  /// Counts `unit`, a plural, instead of bytes.
  Progress(std::string what, std::string unit) : what_(std::move(what)), unit_(std::move(unit)) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() {
    if (shown_ && terminal_) std::fputc('\n', stderr);
  }

  void show(std::uint64_t done, std::uint64_t total) {
    const auto now = Clock::now();
    const bool finished = done == total;
    if (now < next_ && !(finished && shown_)) return;
    next_ = now + (terminal_ ? std::chrono::milliseconds(200) : std::chrono::seconds(10));
    const double seconds = std::chrono::duration<double>(now - start_).count();
    const double rate = static_cast<double>(done) / seconds;
    const double left = rate > 0 ? static_cast<double>(total - done) / rate : 0;
    const char* const begin = terminal_ ? "\r" : "";
    const char* const end = terminal_ ? "   " : "\n";
    const double percent = 100 * static_cast<double>(done) / static_cast<double>(total);
    if (unit_.empty())
      std::fprintf(stderr, "%s%s: %3.0f %% of %.2f GB, %.2f GB/s, %.0f s left%s", begin,
                   what_.c_str(), percent, static_cast<double>(total) / 1e9, rate / 1e9, left, end);
    else
      std::fprintf(stderr, "%s%s: %3.0f %% of %.0f %s, %.3g/s, %.0f s left%s", begin, what_.c_str(),
                   percent, static_cast<double>(total), unit_.c_str(), rate, left, end);
    shown_ = true;
  }

 private:
  using Clock = std::chrono::steady_clock;

  std::string what_, unit_;
  bool terminal_ = ::isatty(STDERR_FILENO) != 0;
  bool shown_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point next_ = start_ + std::chrono::seconds(1);
};

}  // namespace examples
