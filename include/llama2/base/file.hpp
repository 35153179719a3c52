// Read-only files, mapped into memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <utility>

#include "llama2/base/aligned_buffer.hpp"
#include "llama2/base/error.hpp"
#include "llama2/base/os.hpp"
#include "llama2/base/watch.hpp"

namespace llama2::inline LLAMA2_ABI {

/// How the bytes of a file come into memory.
enum class FileAccess {
  map,   ///< map it: nothing is copied; the file must not be truncated while it is in use
  read,  ///< copy it: safe against changes of the file underneath
};

/// No bound on a file's size but its own.
inline constexpr std::size_t unlimited_bytes = std::numeric_limits<std::size_t>::max();

/// The bytes of one regular file, held for the lifetime of the object.
class InputFile {
 public:
  /// Throws `io` with the system's reason, `malformed_file` for more than `max_bytes`, and
  /// `cancelled` if that is asked for while the file is copied.
  explicit InputFile(std::string path, FileAccess access = FileAccess::map,
                     std::size_t max_bytes = unlimited_bytes, const std::stop_token& cancel = {})
      : path_(std::move(path)) {
    const os::File file = os::File::open(path_);
    if (!file) fail("cannot open");
    const std::optional<os::FileInfo> info = file.info();
    if (!info) fail("cannot stat");
    if (!info->regular) throw Error(ErrorCode::io, "not a regular file", {.file = path_});
    const auto size = static_cast<std::size_t>(info->size);
    if (size > max_bytes)
      throw Error(ErrorCode::malformed_file, "the file is too large to be what it should be",
                  {.file = path_,
                   .expected = "at most " + std::to_string(max_bytes) + " bytes",
                   .found = std::to_string(size)});
    if (size == 0) return;
#if defined(LLAMA2_DETAIL_ASAN)
    access = FileAccess::read;  // into the heap, where reading beyond the end is seen
#endif
    if (access == FileAccess::map) {
      const std::byte* const p = file.map(size);
      if (p == nullptr) fail("cannot map");
      mapping_ = {p, size};
      bytes_ = mapping_;
    } else {
      copy_ = AlignedBuffer<std::byte>(size);
      constexpr std::size_t at_once = std::size_t{8} << 20;
      for (std::size_t done = 0; done < size;) {
        throw_if_cancelled(cancel);
        const std::ptrdiff_t n = file.read(copy_.data() + done, std::min(at_once, size - done));
        if (n < 0) fail("cannot read");
        if (n == 0)
          throw Error(ErrorCode::io, "file became shorter while it was read",
                      {.file = path_, .offset = done});
        done += static_cast<std::size_t>(n);
      }
      bytes_ = {copy_.data(), size};
    }
  }

  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile() {
    if (!mapping_.empty()) os::unmap(mapping_.data(), mapping_.size());
  }

  /// Of a mapped file: asks the system to have these bytes in memory soon.
  void will_need(std::size_t offset, std::size_t size) const noexcept {
    if (mapping_.empty() || size == 0) return;
    const std::size_t begin = offset / page * page;
    os::will_need(mapping_.data() + begin, offset + size - begin);
  }

  /// Of a mapped file whose bytes are to be read again and again: asks the system to have them in
  /// large pages. Some file systems can, for what is not yet in memory.
  void prefer_huge_pages() const noexcept {
    if (!mapping_.empty()) os::prefer_huge_pages(mapping_.data(), mapping_.size());
  }

  /// Of a mapped file: takes the whole pages among these bytes out of this process's memory until
  /// they are next read.
  void drop(std::size_t offset, std::size_t size) const noexcept {
    if (mapping_.empty()) return;
    const std::size_t begin = (offset + page - 1) / page * page;
    const std::size_t end = (offset + size) / page * page;
    if (begin < end) os::drop(mapping_.data() + begin, end - begin);
  }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }

 private:
  static constexpr std::size_t page = 4096;

  [[noreturn]] void fail(const char* what) const {
    throw Error(ErrorCode::io, std::string(what) + ": " + os::last_error(), {.file = path_});
  }

  std::string path_;
  std::span<const std::byte> mapping_;
  std::span<const std::byte> bytes_;
  AlignedBuffer<std::byte> copy_;
};

}  // namespace llama2::inline LLAMA2_ABI
