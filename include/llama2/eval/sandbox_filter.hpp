// System calls that a sandboxed program is refused: those that get memory that no limit counts.
#pragma once

#include <string>

#include "llama2/base/error.hpp"

#if defined(__linux__)
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <vector>
#endif

namespace llama2::inline LLAMA2_ABI {

#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))

/// A seccomp filter as bubblewrap's --seccomp reads it. Memory of System V and of POSIX queues,
/// nameless files in memory and io_uring's buffers live on when they are no longer in an address
/// space, and are in no file system that has a size: asking for them is "not permitted". A program
/// of another architecture's calls (32 bits, x32) is killed or refused, since there the numbers
/// mean something else.
inline std::string sandbox_filter() {
#if defined(__x86_64__)
  constexpr std::uint32_t architecture = AUDIT_ARCH_X86_64;
#else
  constexpr std::uint32_t architecture = AUDIT_ARCH_AARCH64;
#endif
  constexpr std::uint32_t first_of_x32 = 0x40000000, memfd_secret = 447, io_uring_setup = 425;
  constexpr std::array<std::uint32_t, 7> refused = {SYS_shmget,    SYS_msgget,       SYS_semget,
                                                    SYS_mq_open,   SYS_memfd_create, memfd_secret,
                                                    io_uring_setup};
  const auto load = [](std::size_t offset) {
    return ::sock_filter{BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<std::uint32_t>(offset)};
  };
  const auto answer = [](std::uint32_t what) { return ::sock_filter{BPF_RET | BPF_K, 0, 0, what}; };
  // Jumps count the instructions that they leave out.
  const auto skip_if = [](std::uint16_t comparison, std::uint32_t value, std::uint8_t count) {
    return ::sock_filter{static_cast<std::uint16_t>(BPF_JMP | comparison | BPF_K), count, 0, value};
  };
  constexpr std::uint32_t not_permitted = SECCOMP_RET_ERRNO | EPERM;
  std::vector<::sock_filter> program = {
      load(offsetof(::seccomp_data, arch)), skip_if(BPF_JEQ, architecture, 1),
      answer(SECCOMP_RET_KILL_PROCESS), load(offsetof(::seccomp_data, nr)),
      skip_if(BPF_JGE, first_of_x32, static_cast<std::uint8_t>(refused.size() + 1))};
  for (std::size_t i = 0; i < refused.size(); ++i)
    program.push_back(skip_if(BPF_JEQ, refused[i], static_cast<std::uint8_t>(refused.size() - i)));
  program.push_back(answer(SECCOMP_RET_ALLOW));
  program.push_back(answer(not_permitted));
  return {reinterpret_cast<const char*>(program.data()), program.size() * sizeof(::sock_filter)};
}

#else

/// Throws `unsupported`: the numbers of system calls are known for 64-bit x86 and ARM only.
inline std::string sandbox_filter() {
  throw Error(ErrorCode::unsupported,
              "generated programs are run on Linux on 64-bit x86 and ARM only");
}

#endif

}  // namespace llama2::inline LLAMA2_ABI
