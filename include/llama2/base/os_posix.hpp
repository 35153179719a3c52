// Memory and files of Linux and its like; see base/os.hpp.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "llama2/base/config.hpp"

namespace llama2::inline LLAMA2_ABI::os {

/// Why the last of the calls below failed.
inline std::string last_error() {
  return std::generic_category().message(errno);
}

inline std::uint64_t process_id() noexcept {
  return static_cast<std::uint64_t>(::getpid());
}

/// A number that threads can sleep on until it changes.
using WaitableCounter = std::atomic<std::uint32_t>;

/// Zeroed pages, which the system provides when they are first touched; null if it refuses.
inline void* allocate(std::size_t bytes) noexcept {
  [[maybe_unused]] constexpr std::size_t huge_page = std::size_t{2} << 20;
  void* const p =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return nullptr;
#if defined(MADV_HUGEPAGE)
  if (bytes >= huge_page) ::madvise(p, bytes, MADV_HUGEPAGE);  // a wish; refusal is harmless
#endif
  return p;
}
inline void release(void* p, std::size_t bytes) noexcept {
  ::munmap(p, bytes);
}

/// What there is at a path.
struct FileInfo {
  bool regular;
  std::uint64_t size;
  ::mode_t permissions;
};

/// Of what the path leads to, links followed; nothing if there is nothing.
inline std::optional<FileInfo> find(const std::string& path) noexcept {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return FileInfo{S_ISREG(status.st_mode), static_cast<std::uint64_t>(status.st_size),
                  status.st_mode & 0777};
}

/// An open file, or none.
class File {
 public:
  File() noexcept = default;
  File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  File& operator=(File&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~File() { close(); }

  /// To read. Never waits: of a pipe not for its other end.
  static File open(const std::string& path) noexcept {
    return File(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  }

  /// A new one, to write. One that takes the place of `old` gets its permissions, and nobody may
  /// read it before it has them. None, and `exists` set, if there is something of that name.
  static File create(const std::string& path, const std::optional<FileInfo>& old, bool& exists) {
    const ::mode_t mode = old ? old->permissions & 0700 : 0666;
    File file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    exists = !file && errno == EEXIST;
    return file;
  }
  /// A new one without a name in a folder, to write and read at any place: whatever becomes of the
  /// process, nothing of it stays.
  static File temporary(const std::string& folder) {
    std::string path = folder + "/.llama2-XXXXXX";
    const int fd = ::mkstemp(path.data());
    if (fd >= 0) {
      ::fcntl(fd, F_SETFD, FD_CLOEXEC);
      ::unlink(path.c_str());
    }
    return File(fd);
  }

  [[nodiscard]] bool take_permissions(const FileInfo& old) const noexcept {
    return ::fchmod(fd_, old.permissions) == 0;
  }

  explicit operator bool() const noexcept { return fd_ >= 0; }

  [[nodiscard]] std::optional<FileInfo> info() const noexcept {
    struct stat status{};
    if (::fstat(fd_, &status) != 0) return std::nullopt;
    return FileInfo{S_ISREG(status.st_mode), static_cast<std::uint64_t>(status.st_size),
                    status.st_mode & 0777};
  }

  /// Reads up to `size` bytes: how many, 0 at the end, negative if it failed.
  std::ptrdiff_t read(std::byte* out, std::size_t size) const noexcept {
    return retried([&] { return ::read(fd_, out, size); });
  }

  /// Writes up to `size` bytes: how many, negative if it failed.
  std::ptrdiff_t write(const std::byte* bytes, std::size_t size) const noexcept {
    constexpr std::size_t most = std::size_t{1} << 30;  // the system's own limit is near 2^31
    return retried([&] { return ::write(fd_, bytes, std::min(size, most)); });
  }

  /// The same at a place of the file, wherever reading and writing have come to.
  std::ptrdiff_t read_at(std::uint64_t offset, std::byte* out, std::size_t size) const noexcept {
    return retried([&] { return ::pread(fd_, out, size, static_cast<::off_t>(offset)); });
  }
  std::ptrdiff_t write_at(std::uint64_t offset, const std::byte* bytes,
                          std::size_t size) const noexcept {
    return retried([&] { return ::pwrite(fd_, bytes, size, static_cast<::off_t>(offset)); });
  }

  /// Brings what was written to the disk.
  [[nodiscard]] bool sync() const noexcept { return ::fsync(fd_) == 0; }

  bool close() noexcept { return fd_ < 0 || ::close(std::exchange(fd_, -1)) == 0; }

  /// All of its bytes, to read; null if the system refuses.
  [[nodiscard]] const std::byte* map(std::size_t size) const noexcept {
    void* const p = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd_, 0);
    return p == MAP_FAILED ? nullptr : static_cast<const std::byte*>(p);
  }

 private:
  explicit File(int fd) noexcept : fd_(fd) {}

  template <class Call>
  static std::ptrdiff_t retried(Call call) noexcept {
    std::ptrdiff_t n;
    do {
      n = call();
    } while (n < 0 && errno == EINTR);
    return n;
  }

  int fd_ = -1;
};

inline void unmap(const std::byte* p, std::size_t size) noexcept {
  // munmap takes a non-const pointer, but only ends the mapping.
  ::munmap(const_cast<std::byte*>(p), size);
}

namespace detail {

/// A wish; refusal (where pages are larger) is harmless.
inline void advise(const std::byte* p, std::size_t size, int advice) noexcept {
  // madvise takes a non-const pointer, but changes no byte of a mapping that is only read.
  ::madvise(const_cast<std::byte*>(p), size, advice);
}

}  // namespace detail

/// Of mapped bytes that begin and end with a page: to have them in memory soon, to have them in
/// large pages (some file systems can), and not to have them in memory until they are next read.
inline void will_need(const std::byte* p, std::size_t size) noexcept {
  detail::advise(p, size, MADV_WILLNEED);
}
inline void prefer_huge_pages([[maybe_unused]] const std::byte* p,
                              [[maybe_unused]] std::size_t size) noexcept {
#if defined(MADV_HUGEPAGE)
  detail::advise(p, size, MADV_HUGEPAGE);
#endif
}
inline void drop(const std::byte* p, std::size_t size) noexcept {
  detail::advise(p, size, MADV_DONTNEED);
}

/// Gives a file another name, at once and in place of what has that name.
inline bool replace(const std::string& from, const std::string& to) noexcept {
  return std::rename(from.c_str(), to.c_str()) == 0;
}

/// Brings a file's name to the disk, which is there only when its folder is.
inline bool sync_name(const std::string& path) {
  std::string folder = std::filesystem::path(path).parent_path().string();
  if (folder.empty()) folder = ".";
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // Some file systems cannot sync a folder, and a folder may be writable but not readable.
  const bool synced = fd >= 0 ? ::fsync(fd) == 0 || errno == EINVAL : errno == EACCES;
  const int reason = errno;
  if (fd >= 0) ::close(fd);
  errno = reason;
  return synced;
}

inline void remove(const std::string& path) noexcept {
  ::unlink(path.c_str());
}

/// Whether two paths lead to one file.
inline bool same_file(const std::string& a, const std::string& b) noexcept {
  struct stat one{}, other{};
  return ::stat(a.c_str(), &one) == 0 && ::stat(b.c_str(), &other) == 0 &&
         one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

}  // namespace llama2::inline LLAMA2_ABI::os
