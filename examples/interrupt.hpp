// Ctrl-C ends work cleanly.
#pragma once

#include <atomic>
#include <csignal>

namespace examples {

inline std::atomic<bool> interrupted{false};  // lock-free, so a signal handler may set it

/// From here on Ctrl-C sets `interrupted`; a second one ends the program.
inline void catch_interrupt() {
  std::signal(SIGINT, [](int) {
    interrupted = true;
    std::signal(SIGINT, SIG_DFL);
  });
}

}  // namespace examples
