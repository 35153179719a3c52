// Signals end work cleanly.
#pragma once

#include <atomic>
#include <csignal>

namespace examples {

inline std::atomic<bool> interrupted{false};  // lock-free, so a signal handler may set it

/// From here on Ctrl-C, and what else asks a program to end, sets `interrupted`; a second time it
/// ends the program. A file that grows beyond a limit is an error of writing, no end.
inline void catch_interrupt() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP})
    std::signal(signal, [](int caught) {
      interrupted = true;
      std::signal(caught, SIG_DFL);
    });
  std::signal(SIGXFSZ, SIG_IGN);
}

}  // namespace examples
