// A person at a terminal, or a script at a pipe.
#pragma once

#include <editline/readline.h>
#include <unistd.h>

#include <clocale>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>

#include "common.hpp"
#include "interrupt.hpp"

namespace examples {

/// Ctrl-C from here on only sets `interrupted`, however often it comes, and ends a wait for input.
inline void interrupt_only() {
  struct sigaction action{};
  action.sa_handler = [](int) { interrupted = true; };
  ::sigaction(SIGINT, &action, nullptr);  // no SA_RESTART: reading returns
}

class Terminal {
 public:
  /// The history of earlier lines is read from and written to `history`, if that is not empty.
  explicit Terminal(std::filesystem::path history)
      : history_(std::move(history)),
        input_(::isatty(STDIN_FILENO) != 0),
        output_(::isatty(STDOUT_FILENO) != 0) {
    if (!input_) return;
    // What the line editor takes for characters; without it, for bytes below 128 alone.
    std::setlocale(LC_CTYPE, "");
    if (MB_CUR_MAX == 1) std::setlocale(LC_CTYPE, "C.UTF-8");
    ::using_history();
    ::stifle_history(1000);
    if (!history_.empty()) ::read_history(history_.c_str());
  }

  ~Terminal() {
    if (input_ && !history_.empty()) ::write_history(history_.c_str());
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  [[nodiscard]] bool is_interactive() const noexcept { return input_ && output_; }

  /// The escape sequence for a colour, such as "1;34"; nothing where that is not wanted.
  [[nodiscard]] std::string colour(std::string_view code) const {
    static const bool wanted = std::getenv("NO_COLOR") == nullptr;
    return output_ && wanted ? "\x1b[" + std::string(code) + "m" : std::string();
  }

  /// A text of another's making as it can be shown: on a terminal without what steers that.
  [[nodiscard]] std::string shown(std::string_view text) const {
    return output_ ? without_controls(text) : std::string(text);
  }

  /// A line, edited with the keys of Emacs or of ~/.editrc; none at the end of the input. One that
  /// ends with a backslash goes on in the next. After Ctrl-C the line is empty.
  std::optional<std::string> read(const char* prompt) {
    std::string text;
    for (;;) {
      interrupted = false;
      const auto line = read_line(text.empty() ? prompt : "... ");
      if (interrupted) {
        std::cout << '\n';
        return std::string();
      }
      if (!line) {
        if (input_) std::cout << '\n';  // after Ctrl-D
        return text.empty() ? std::nullopt : std::optional(text);
      }
      text += *line;
      if (!text.ends_with('\\')) break;
      text.back() = '\n';
    }
    if (input_ && text.find_first_not_of(" \n\t") != text.npos) ::add_history(text.c_str());
    return text;
  }

 private:
  std::optional<std::string> read_line(const char* prompt) const {
    if (!input_) {
      std::string line;
      if (!std::getline(std::cin, line)) return std::nullopt;
      if (line.ends_with('\r')) line.pop_back();
      return line;
    }
    char* const line = ::readline(prompt);
    if (line == nullptr) return std::nullopt;
    std::string text = line;
    std::free(line);
    return text;
  }

  std::filesystem::path history_;
  bool input_, output_;
};

}  // namespace examples
