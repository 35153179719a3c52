// Files that appear whole or not at all.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Writes a file beside the one to be made or replaced, and puts it in its place when it is
/// complete and on the disk: at any moment there is the old file or the new one, each whole. If
/// `commit` is not reached, the unfinished file is removed again.
///
/// A symbolic link at the path is itself replaced; what it points to stays.
class OutputFile {
 public:
  /// `inputs` are files that are being read meanwhile: throws `invalid_argument` if the path is
  /// one of them under whatever name, and `io` with the system's reason.
  explicit OutputFile(std::string path, std::span<const std::string> inputs = {})
      : path_(std::move(path)) {
    if (path_.empty()) throw Error(ErrorCode::io, "the path of the output file is empty");
    struct stat old{};
    const bool exists = ::stat(path_.c_str(), &old) == 0;
    if (exists) {
      if (!S_ISREG(old.st_mode)) throw Error(ErrorCode::io, "not a regular file", {.file = path_});
      refuse_inputs(old, inputs);
    }
    buffer_.reserve(buffer_size);
    // A replaced file keeps its permissions; nobody may read the new one before it has them.
    create(exists ? old.st_mode & 0700 : 0666);
    try {
      if (exists && ::fchmod(fd_, old.st_mode & 0777) != 0) fail("cannot set permissions");
    } catch (...) {
      discard();
      throw;
    }
  }

  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile() { discard(); }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  /// Appends bytes. Throws `io`, also for what earlier calls left unwritten: a full disk is
  /// noticed here or in `commit`.
  void write(std::span<const std::byte> bytes) {
    if (bytes.size() > buffer_size - buffer_.size()) {
      flush();
      if (bytes.size() >= buffer_size) return write_out(bytes);
    }
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }

  /// Brings everything to the disk, then puts the file in its place. To be called once, last.
  /// Throws `io`; the file at the path is then the old one, except if the message says otherwise.
  void commit() {
    flush();
    if (::fsync(fd_) != 0) fail("cannot write to the disk");
    if (::close(std::exchange(fd_, -1)) != 0) fail("cannot close");
    if (std::rename(temporary_.c_str(), path_.c_str()) != 0) fail("cannot put in place");
    temporary_.clear();
    sync_folder();
  }

 private:
  static constexpr std::size_t buffer_size = std::size_t{1} << 20;

  [[noreturn]] void fail(const char* what) const {
    throw Error(ErrorCode::io, std::string(what) + ": " + std::generic_category().message(errno),
                {.file = path_});
  }

  void refuse_inputs(const struct stat& old, std::span<const std::string> inputs) const {
    for (const std::string& input : inputs) {
      struct stat other{};
      if (::stat(input.c_str(), &other) == 0 && other.st_dev == old.st_dev &&
          other.st_ino == old.st_ino)
        throw Error(ErrorCode::invalid_argument, "the output would replace a file that is read",
                    {.file = path_, .expected = "another path than " + input});
    }
  }

  /// Opens a new file beside the path, with the permissions that new files get of `mode`.
  void create(::mode_t mode) {
    constexpr int tries = 1000;  // a killed process of the same number may have left some
    for (int i = 0; i < tries && fd_ < 0; ++i) {
      temporary_ = path_ + ".tmp" + std::to_string(::getpid()) + "-" + std::to_string(i);
      fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
      if (fd_ < 0 && errno != EEXIST) break;
    }
    if (fd_ < 0) {
      temporary_.clear();  // it is not ours to remove
      fail("cannot create");
    }
  }

  void flush() {
    write_out(buffer_);
    buffer_.clear();
  }

  void write_out(std::span<const std::byte> bytes) {
    constexpr std::size_t most = std::size_t{1} << 30;  // the system's own limit is near 2^31
    while (!bytes.empty()) {
      const ::ssize_t n = ::write(fd_, bytes.data(), std::min(bytes.size(), most));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail("cannot write");
      bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
  }

  /// The new name is on the disk only when the folder is.
  void sync_folder() const {
    std::string folder = std::filesystem::path(path_).parent_path().string();
    if (folder.empty()) folder = ".";
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    // Some file systems cannot sync a folder, and a folder may be writable but not readable.
    const bool synced = fd >= 0 ? ::fsync(fd) == 0 || errno == EINVAL : errno == EACCES;
    const int reason = errno;
    if (fd >= 0) ::close(fd);
    errno = reason;
    if (!synced) fail("the new file is in place, but its folder cannot be written to the disk");
  }

  void discard() noexcept {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
    temporary_.clear();
  }

  std::string path_;
  std::string temporary_;
  int fd_ = -1;
  std::vector<std::byte> buffer_;
};

}  // namespace llama2::inline LLAMA2_ABI
