// To be preloaded into a program: makes one of its calls of the system fail.
//
// FAIL_CALL="write 3 28" lets the third call of write fail with errno 28. Calls are counted that
// concern files which the program opened for writing.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

/// Whether this call is the one to fail; sets errno.
bool fails(const char* call) {
  static char name[16];
  static int number = -1, reason = 0, seen = 0;
  if (number < 0) {
    const char* const wanted = std::getenv("FAIL_CALL");
    if (wanted == nullptr || std::sscanf(wanted, "%15s %d %d", name, &number, &reason) != 3)
      number = 0;
  }
  if (std::strcmp(call, name) != 0 || ++seen != number) return false;
  errno = reason;
  return true;
}

/// The program's output, not its terminal.
bool is_file(int fd) {
  struct stat status{};
  return fd > 2 && ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

template <class F>
F* next(const char* name) {
  return reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

ssize_t write(int fd, const void* data, std::size_t size) {
  static auto* const real = next<ssize_t(int, const void*, std::size_t)>("write");
  return is_file(fd) && fails("write") ? -1 : real(fd, data, size);
}
int fsync(int fd) {
  static auto* const real = next<int(int)>("fsync");
  return fails("fsync") ? -1 : real(fd);
}
int close(int fd) {
  static auto* const real = next<int(int)>("close");
  const bool failing =
      is_file(fd) && (::fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY && fails("close");
  const int result = real(fd);
  return failing ? (errno = EIO, -1) : result;
}
int rename(const char* from, const char* to) noexcept {
  static auto* const real = next<int(const char*, const char*)>("rename");
  return fails("rename") ? -1 : real(from, to);
}
int fchmod(int fd, mode_t mode) noexcept {
  static auto* const real = next<int(int, mode_t)>("fchmod");
  return fails("fchmod") ? -1 : real(fd, mode);
}

}  // extern "C"
