// How far an evaluation is, for people.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <utility>

namespace examples {

/// Shows on standard error how many items are done, how fast, and how long the rest will take: a
/// line that is rewritten on a terminal, elsewhere a plain line every 10 seconds.
class ItemProgress {
 public:
  explicit ItemProgress(std::size_t total) : total_(total) {}
  ItemProgress(const ItemProgress&) = delete;
  ItemProgress& operator=(const ItemProgress&) = delete;
  ~ItemProgress() {
    if (shown_ && terminal_) std::fputc('\n', stderr);
  }

  /// What is being done.
  void name(std::string name) { name_ = std::move(name); }

  /// Items that were done before.
  void skip(std::size_t count) { done_ += count; }

  void advance(std::size_t count) {
    done_ += count;
    fresh_ += count;
    const auto now = Clock::now();
    if (now < next_) return;
    next_ = now + (terminal_ ? std::chrono::milliseconds(200) : std::chrono::seconds(10));
    const double rate =
        static_cast<double>(fresh_) / std::chrono::duration<double>(now - start_).count();
    std::fprintf(stderr, "%s%zu of %zu items, %.1f per second, %.0f s left: %s%s",
                 terminal_ ? "\r" : "", done_, total_, rate,
                 static_cast<double>(total_ - done_) / rate, name_.c_str(),
                 terminal_ ? "\033[K" : "\n");
    shown_ = true;
  }

 private:
  using Clock = std::chrono::steady_clock;

  std::size_t total_;
  std::size_t done_ = 0, fresh_ = 0;
  std::string name_;
  bool terminal_ = ::isatty(STDERR_FILENO) != 0;
  bool shown_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point next_ = start_ + std::chrono::seconds(1);
};

}  // namespace examples
