// Programs that a model wrote, run where they can do no harm: bubblewrap, no network, few
// resources.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/os_process.hpp"
#include "llama2/eval/sandbox_filter.hpp"

namespace llama2::inline LLAMA2_ABI {

/// What a program may use. It sees the system's /usr, read-only, an empty /tmp of its own in which
/// it starts, and nothing else of the file system; no network, no other process, no terminal.
struct SandboxOptions {
  /// Generated programs are run only where this is said: a sandbox is a wall, not a proof.
  bool allow_generated_code = false;
  double seconds = 10;  ///< on the wall; of a processor, too, rounded up
  /// Address space of each process: all together have `processes` times as much at most. There is
  /// no other memory to be had (`sandbox_filter`), but what the kernel keeps for a process and its
  /// open files.
  std::size_t memory_bytes = std::size_t{1} << 30;
  std::size_t processes = 16;                        ///< and threads, all together
  std::size_t file_bytes = std::size_t{16} << 20;    ///< all of /tmp
  std::size_t output_bytes = std::size_t{64} << 10;  ///< of standard output and error together
  std::string interpreter = "python3";               ///< a program in /usr/bin
};

/// What came of a program.
struct SandboxResult {
  enum class End { finished, failed, out_of_time, too_loud };
  End end;
  int status;          ///< what it returned; 128 + the number of the signal that ended it
  std::string output;  ///< standard output and error, cut at the bound
};

/// Runs programs one at a time; may be shared by threads.
///
/// The program's limits are those of `prlimit`, set inside of a user namespace of its own, so that
/// they count its processes only. Root runs nothing as root: it becomes nobody first.
class Sandbox {
 public:
  /// Throws `unsupported` unless generated code is allowed, and where a sandbox cannot be had: no
  /// bubblewrap (`bwrap`), no `prlimit`, no interpreter, or a system that forbids user namespaces
  /// or has no seccomp.
  explicit Sandbox(SandboxOptions options) : options_(std::move(options)) {
    if (!options_.allow_generated_code)
      throw Error(ErrorCode::unsupported,
                  "programs that a model wrote are not run unless that is asked for");
    require_option(options_.seconds > 0 && options_.seconds <= 3600, "seconds", options_.seconds,
                   "more than 0, at most 3600");
    require_option(options_.processes >= 1 && options_.processes <= 4096, "processes",
                   static_cast<double>(options_.processes), "1 to 4096");
    SandboxResult trial{SandboxResult::End::failed, 0, {}};
    std::string why;
    try {
      trial = run_text("print('ready')\n");
      why = trial.end == SandboxResult::End::out_of_time ? "it took too long" : trial.output;
    } catch (const Error& error) {
      why = error.message();
    }
    if (trial.end != SandboxResult::End::finished || trial.output != "ready\n")
      throw Error(ErrorCode::unsupported,
                  "no sandbox can be started here, and without one no generated program is run; it "
                  "takes bubblewrap (Debian: apt install bubblewrap), prlimit, " +
                      options_.interpreter + " in /usr/bin, and user namespaces",
                  {.found = why.substr(0, 400)});
  }

  [[nodiscard]] const SandboxOptions& options() const noexcept { return options_; }

  /// Runs the text of a program. Throws `io` if the sandbox does not start.
  [[nodiscard]] SandboxResult run(const std::string& program) const { return run_text(program); }

  /// Whether a program runs to its last line, tests of its own included, and returns 0: a line is
  /// added that says a word that the program cannot guess, so that one that leaves early, as with
  /// exit(0) before its tests, has not passed. (One that reads its own text can still cheat.)
  [[nodiscard]] bool passes(const std::string& program) const {
    std::random_device device;
    std::string word = "passed ";
    for (int i = 0; i < 4; ++i) word += std::to_string(device()) + ' ';
    const SandboxResult result = run_text(program + "\n\nprint()\nprint(\"" + word + "\")\n");
    return result.end == SandboxResult::End::finished && result.output.ends_with(word + "\n");
  }

 private:
  [[nodiscard]] SandboxResult run_text(const std::string& program) const {
    const auto cpu_seconds = static_cast<std::uint64_t>(options_.seconds) + 1;
    std::vector<std::string> arguments = {"bwrap",
                                          "--unshare-all",
                                          "--unshare-user",
                                          "--disable-userns",
                                          "--die-with-parent",
                                          "--new-session",
                                          "--sync-fd",
                                          "{alive}",
                                          "--info-fd",
                                          "{info}",
                                          "--hostname",
                                          "sandbox",
                                          "--clearenv",
                                          "--setenv",
                                          "PATH",
                                          "/usr/bin:/bin",
                                          "--setenv",
                                          "HOME",
                                          "/tmp",
                                          "--setenv",
                                          "LANG",
                                          "C.UTF-8",
                                          "--ro-bind",
                                          "/usr",
                                          "/usr"};
    const auto add = [&](std::initializer_list<std::string> more) {
      arguments.insert(arguments.end(), more);
    };
    // These are links into /usr on most systems, folders of their own on others.
    for (const char* folder : {"/bin", "/lib", "/lib32", "/lib64"})
      add({"--ro-bind-try", folder, folder});
    add({"--ro-bind-try",
         "/etc/ld.so.cache",
         "/etc/ld.so.cache",
         "--ro-bind-try",
         "/etc/alternatives",
         "/etc/alternatives",
         "--proc",
         "/proc",
         "--dev",
         "/dev",
         "--remount-ro",
         "/dev",
         "--size",
         std::to_string(options_.file_bytes),
         "--tmpfs",
         "/tmp",
         "--perms",
         "0444",
         "--ro-bind-data",
         "{0}",
         "/program",
         "--remount-ro",
         "/",
         "--seccomp",
         "{1}",
         "--chdir",
         "/tmp",
         "--",
         "/usr/bin/prlimit",
         "--core=0",
         "--nproc=" + std::to_string(options_.processes),
         "--as=" + std::to_string(options_.memory_bytes),
         "--fsize=" + std::to_string(options_.file_bytes),
         "--cpu=" + std::to_string(cpu_seconds),
         "--nofile=64",
         "--",
         "/usr/bin/" + options_.interpreter,
         "/program"});
    const os::ProcessResult result = os::run_process({.arguments = std::move(arguments),
                                                      .texts = {program, sandbox_filter()},
                                                      .seconds = options_.seconds,
                                                      .output_bytes = options_.output_bytes});
    using End = os::ProcessResult::End;
    switch (result.end) {
      case End::out_of_time:
        return {SandboxResult::End::out_of_time, 0, result.output};
      case End::too_loud:
        return {SandboxResult::End::too_loud, 0, result.output};
      case End::killed:
        return {SandboxResult::End::failed, 128 + result.status, result.output};
      case End::exited:
        break;
    }
    return {result.status == 0 ? SandboxResult::End::finished : SandboxResult::End::failed,
            result.status, result.output};
  }

  SandboxOptions options_;
};

}  // namespace llama2::inline LLAMA2_ABI
