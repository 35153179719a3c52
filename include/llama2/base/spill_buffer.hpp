// Bytes that may exceed memory: kept in it up to a limit, and beyond in a file without a name.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/os.hpp"

namespace llama2::inline LLAMA2_ABI {

/// An array of bytes that grows at its end and is read at any place. Its file disappears with the
/// object, or with the process, however that ends. One thread may append, or any number read.
class SpillBuffer {
 public:
  /// Up to `memory_limit` bytes stay in memory; a file, where one is needed, lies in `folder`.
  SpillBuffer(std::string folder, std::size_t memory_limit)
      : folder_(std::move(folder)), memory_limit_(memory_limit) {}

  [[nodiscard]] std::uint64_t size() const noexcept { return written_ + pending_.size(); }
  [[nodiscard]] bool spilled() const noexcept { return static_cast<bool>(file_); }

  /// Throws `io` when the file cannot be made or written: a full disk.
  void append(std::span<const std::byte> bytes) {
    const std::size_t limit = spilled() ? write_size : memory_limit_;
    if (bytes.size() > limit - pending_.size()) {
      if (!spilled()) open();
      write_out(pending_);
      pending_.clear();
      if (bytes.size() > write_size) return write_out(bytes);
    }
    pending_.insert(pending_.end(), bytes.begin(), bytes.end());
  }

  /// Copies out.size() bytes from `offset` on. Throws `io`, and `invalid_argument` if there are
  /// not so many.
  void read(std::uint64_t offset, std::span<std::byte> out) const {
    if (offset > size() || out.size() > size() - offset)
      throw Error(ErrorCode::invalid_argument, "a read beyond the end of a spilled buffer");
    while (!out.empty() && offset < written_) {
      const auto wanted =
          static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), written_ - offset));
      const std::ptrdiff_t n = file_.read_at(offset, out.data(), wanted);
      if (n <= 0) fail("cannot read a temporary file");
      out = out.subspan(static_cast<std::size_t>(n));
      offset += static_cast<std::uint64_t>(n);
    }
    if (!out.empty())
      std::memcpy(out.data(), pending_.data() + static_cast<std::size_t>(offset - written_),
                  out.size());
  }

 private:
  static constexpr std::size_t write_size = std::size_t{64} << 10;

  [[noreturn]] void fail(const char* what) const {
    throw Error(ErrorCode::io, std::string(what) + ": " + os::last_error(), {.file = folder_});
  }

  void open() {
    file_ = os::File::temporary(folder_);
    if (!file_) fail("cannot make a temporary file");
    const std::vector<std::byte> in_memory = std::exchange(pending_, {});
    pending_.reserve(write_size);
    write_out(in_memory);
  }

  void write_out(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const std::ptrdiff_t n = file_.write_at(written_, bytes.data(), bytes.size());
      if (n < 0) fail("cannot write a temporary file");
      bytes = bytes.subspan(static_cast<std::size_t>(n));
      written_ += static_cast<std::uint64_t>(n);
    }
  }

  std::string folder_;
  std::size_t memory_limit_;
  os::File file_;
  std::uint64_t written_ = 0;
  std::vector<std::byte> pending_;  // in memory: all of it, or what is not yet in the file
};

}  // namespace llama2::inline LLAMA2_ABI
