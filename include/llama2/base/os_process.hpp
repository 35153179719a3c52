// Another program, run within bounds: what it may read, how long, how much it may say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "llama2/base/config.hpp"
#include "llama2/base/error.hpp"

#if defined(__linux__)
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>
#endif

namespace llama2::inline LLAMA2_ABI::os {

struct ProcessRequest {
  /// The program, looked for in PATH, and its arguments. In an argument "{n}", alone, stands the
  /// number of the descriptor from which texts[n] can be read; "{alive}" that of one to be kept
  /// open by whoever must have ended when `run_process` returns; "{info}" that of one to which the
  /// program may write, as bubblewrap's --info-fd, the "child-pid" of a process that is to be
  /// killed with it, should that process have left its parent. Of the environment it has PATH
  /// alone.
  std::vector<std::string> arguments{};
  std::vector<std::string> texts{};
  double seconds = 10;                               ///< on the wall
  std::size_t output_bytes = std::size_t{64} << 10;  ///< of standard output and error together
  bool as_nobody = true;  ///< root gives its rights away first: limits do not bind root
};

struct ProcessResult {
  enum class End {
    exited,       ///< `status` is what it returned
    killed,       ///< `status` is the signal
    out_of_time,  ///< and was killed
    too_loud,     ///< said more than it might, and was killed
  };
  End end = End::exited;
  int status = 0;
  std::string output{};  ///< what it said, cut at the bound
};

#if defined(__linux__)

namespace detail {

/// A descriptor, closed with its owner.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { close(); }
  void close() noexcept {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

[[noreturn]] inline void process_error(const char* what) {
  throw Error(ErrorCode::io, std::string(what) + ": " + std::generic_category().message(errno));
}

inline std::pair<Descriptor, Descriptor> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) process_error("cannot make a pipe");
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

/// A nameless file in memory that holds a text, to be read from its beginning.
inline Descriptor text_file(const std::string& text) {
  Descriptor file(::memfd_create("text", MFD_CLOEXEC));
  if (file.get() < 0) process_error("cannot make a file in memory");
  for (std::size_t done = 0; done < text.size();) {
    const ::ssize_t n = ::write(file.get(), text.data() + done, text.size() - done);
    if (n < 0) process_error("cannot write to memory");
    done += static_cast<std::size_t>(n);
  }
  if (::lseek(file.get(), 0, SEEK_SET) != 0) process_error("cannot rewind");
  return file;
}

/// What the child does between fork and exec: system calls only, since other threads' locks may be
/// held. Reports failure through `report` and ends.
[[noreturn]] inline void become(char* const* arguments, char* const* environment,
                                std::span<const int> inherited, int output, int nothing, int report,
                                bool as_nobody) {
  constexpr ::uid_t nobody = 65534;
  const auto fail = [&] {
    const int reason = errno;
    [[maybe_unused]] const ::ssize_t n = ::write(report, &reason, sizeof reason);
    ::_exit(127);
  };
  ::setpgid(0, 0);
  ::sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGXFSZ, SIGCHLD})
    ::signal(signal, SIG_DFL);
  if (::dup2(nothing, 0) < 0 || ::dup2(output, 1) < 0 || ::dup2(output, 2) < 0) fail();
  // Nothing that this program has open is for the other one.
#if defined(SYS_close_range)
  constexpr unsigned close_on_exec = 4;  // CLOSE_RANGE_CLOEXEC
  if (::syscall(SYS_close_range, 3u, ~0u, close_on_exec) != 0)
#endif
    for (int fd = 3; fd < 65536; ++fd) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  for (const int fd : inherited)
    if (::fcntl(fd, F_SETFD, 0) != 0) fail();
  if (as_nobody && ::geteuid() == 0 &&
      (::setgroups(0, nullptr) != 0 || ::setresgid(nobody, nobody, nobody) != 0 ||
       ::setresuid(nobody, nobody, nobody) != 0))
    fail();
  ::execvpe(arguments[0], arguments, environment);
  fail();
  ::_exit(127);
}

/// A handle of the process whose "child-pid" an object of JSON tells; none if none is told.
inline Descriptor told_process(int info, std::chrono::steady_clock::time_point deadline) {
  std::string text;
  for (bool more = true; more && text.size() < 4096 && text.find('}') == text.npos;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    ::pollfd ready{info, POLLIN, 0};
    const int n = left.count() <= 0 ? 0 : ::poll(&ready, 1, static_cast<int>(left.count()));
    if (n < 0 && errno == EINTR) continue;
    char part[512];
    const ::ssize_t got = n > 0 ? ::read(info, part, sizeof part) : 0;
    more = got > 0;
    if (more) text.append(part, static_cast<std::size_t>(got));
  }
  constexpr std::string_view key = "\"child-pid\":";
  const std::size_t at = text.find(key);
  if (at == text.npos) return Descriptor();
  const long pid = std::strtol(text.c_str() + at + key.size(), nullptr, 10);
  constexpr long pidfd_open = 434;  // on every architecture
  return Descriptor(pid > 1 ? static_cast<int>(::syscall(pidfd_open, pid, 0)) : -1);
}

inline void kill_process(const Descriptor& process) noexcept {
  constexpr long pidfd_send_signal = 424;
  if (process.get() >= 0) ::syscall(pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
}

}  // namespace detail

/// Runs a program to its end, or kills it. Its standard input is empty. Throws `io` if it cannot be
/// started, with the system's reason. The calling program must not ignore SIGCHLD.
inline ProcessResult run_process(const ProcessRequest& request) {
  using detail::Descriptor;
  if (request.arguments.empty()) throw Error(ErrorCode::invalid_argument, "no program to be run");
  require_option(request.seconds > 0 && request.seconds <= 1e6, "seconds", request.seconds,
                 "more than 0, at most 1000000");
  std::vector<Descriptor> files;
  for (const std::string& text : request.texts) files.push_back(detail::text_file(text));
  auto [output, output_end] = detail::make_pipe();
  auto [alive, alive_end] = detail::make_pipe();
  auto [report, report_end] = detail::make_pipe();
  auto [info, info_end] = detail::make_pipe();
  const Descriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (nothing.get() < 0) detail::process_error("cannot open /dev/null");

  std::vector<std::string> texts = request.arguments;
  std::vector<int> inherited;
  for (std::string& text : texts) {
    int fd = -1;
    if (text == "{alive}") fd = alive_end.get();
    if (text == "{info}") fd = info_end.get();
    for (std::size_t n = 0; n < files.size() && fd < 0; ++n)
      if (text == '{' + std::to_string(n) + '}') fd = files[n].get();
    if (fd < 0) continue;
    text = std::to_string(fd);
    inherited.push_back(fd);
  }
  std::vector<char*> arguments;
  for (std::string& text : texts) arguments.push_back(text.data());
  arguments.push_back(nullptr);
  const char* const path = std::getenv("PATH");
  std::string search = std::string("PATH=") + (path == nullptr ? "/usr/bin:/bin" : path);
  char* const environment[] = {search.data(), nullptr};

  const ::pid_t child = ::fork();
  if (child < 0) detail::process_error("cannot start a process");
  if (child == 0)
    detail::become(arguments.data(), environment, inherited, output_end.get(), nothing.get(),
                   report_end.get(), request.as_nobody);
  output_end.close();
  alive_end.close();
  info_end.close();
  report_end.close();

  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                           std::chrono::duration<double>(request.seconds));
  ProcessResult result;
  int status = 0;
  bool waited = false;
  const auto reap = [&] {
    while (!waited && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    waited = true;
  };
  const auto kill_all = [&](ProcessResult::End end) {
    result.end = end;
    ::kill(-child, SIGKILL);
    ::kill(child, SIGKILL);  // should it not yet lead its group
    reap();
  };

  int reason = 0;
  while (::read(report.get(), &reason, sizeof reason) < 0 && errno == EINTR) {
  }
  if (reason != 0) {
    reap();
    throw Error(ErrorCode::io, "cannot start " + request.arguments[0] + ": " +
                                   std::generic_category().message(reason));
  }
  const bool tells = std::ranges::find(request.arguments, "{info}") != request.arguments.end();
  const Descriptor told = tells ? detail::told_process(info.get(), deadline) : Descriptor();
  // Until all who could write have gone, or one of the bounds is reached.
  bool bounded = false;
  for (bool more = true; more && !bounded;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) {
      kill_all(ProcessResult::End::out_of_time);
      bounded = true;
      break;
    }
    ::pollfd ready{output.get(), POLLIN, 0};
    const int n = ::poll(&ready, 1, static_cast<int>(std::min<std::int64_t>(left, 1000)));
    if (n < 0 && errno != EINTR) {
      kill_all(ProcessResult::End::killed);
      detail::process_error("cannot wait for a process");
    }
    if (n <= 0) continue;
    char part[4096];
    const ::ssize_t got = ::read(output.get(), part, sizeof part);
    if (got == 0) more = false;
    if (got <= 0) continue;
    const std::size_t room = request.output_bytes - result.output.size();
    result.output.append(part, std::min(room, static_cast<std::size_t>(got)));
    if (static_cast<std::size_t>(got) > room) {
      kill_all(ProcessResult::End::too_loud);
      bounded = true;
    }
  }
  // Its output may be closed while it goes on.
  while (!bounded && !waited) {
    const ::pid_t got = ::waitpid(child, &status, WNOHANG);
    if (got == child || (got < 0 && errno != EINTR)) {
      waited = true;
    } else if (Clock::now() >= deadline) {
      kill_all(ProcessResult::End::out_of_time);
      bounded = true;
    } else {
      ::poll(nullptr, 0, 2);
    }
  }
  detail::kill_process(told);
  // Those that were to be gone: ends when nobody holds the other end any more.
  char nobody_writes = 0;
  ::pollfd gone{alive.get(), POLLIN, 0};
  const int end = ::poll(&gone, 1, 5000);
  if (end <= 0 || ::read(alive.get(), &nobody_writes, 1) != 0)
    throw Error(ErrorCode::io, "a killed process does not end");
  if (bounded) return result;
  const bool exited = WIFEXITED(status);
  result.end = exited ? ProcessResult::End::exited : ProcessResult::End::killed;
  result.status = exited ? WEXITSTATUS(status) : WTERMSIG(status);
  return result;
}

#else

/// Throws `unsupported`: elsewhere than on Linux there is nothing that could keep the bounds.
inline ProcessResult run_process(const ProcessRequest&) {
  throw Error(ErrorCode::unsupported, "programs are run within bounds on Linux only");
}

#endif

}  // namespace llama2::inline LLAMA2_ABI::os
