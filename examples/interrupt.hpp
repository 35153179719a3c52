// Signals end work cleanly.
#pragma once

#include <atomic>
#include <chrono>
#include <csignal>
#include <stop_token>
#include <thread>

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

/// While it lives, `interrupted` asks a stop source for an end, which a signal's handler may not.
class OnInterrupt {
 public:
  explicit OnInterrupt(std::stop_source cancel)
      : thread_([cancel](const std::stop_token& done) {
          while (!done.stop_requested() && !interrupted)
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
          if (interrupted) cancel.request_stop();
        }) {}

 private:
  std::jthread thread_;
};

}  // namespace examples
