// Files that appear whole or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/os.hpp"

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
    const std::optional<os::FileInfo> old = os::find(path_);
    if (old) {
      if (!old->regular) throw Error(ErrorCode::io, "not a regular file", {.file = path_});
      refuse_inputs(inputs);
    }
    buffer_.reserve(buffer_size);
    create(old);
    try {
      if (old && !file_.take_permissions(*old)) fail("cannot set permissions");
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
    if (!file_.sync()) fail("cannot write to the disk");
    if (!file_.close()) fail("cannot close");
    if (!os::replace(temporary_, path_)) fail("cannot put in place");
    temporary_.clear();
    if (!os::sync_name(path_))
      fail("the new file is in place, but its folder cannot be written to the disk");
  }

 private:
  static constexpr std::size_t buffer_size = std::size_t{1} << 20;

  [[noreturn]] void fail(const char* what) const {
    throw Error(ErrorCode::io, std::string(what) + ": " + os::last_error(), {.file = path_});
  }

  void refuse_inputs(std::span<const std::string> inputs) const {
    for (const std::string& input : inputs)
      if (os::same_file(input, path_))
        throw Error(ErrorCode::invalid_argument, "the output would replace a file that is read",
                    {.file = path_, .expected = "another path than " + input});
  }

  /// Opens a new file beside the path.
  void create(const std::optional<os::FileInfo>& old) {
    constexpr int tries = 1000;  // a killed process of the same number may have left some
    bool exists = true;
    for (int i = 0; i < tries && exists; ++i) {
      temporary_ = path_ + ".tmp" + std::to_string(os::process_id()) + "-" + std::to_string(i);
      file_ = os::File::create(temporary_, old, exists);
    }
    if (!file_) {
      temporary_.clear();  // it is not ours to remove
      fail("cannot create");
    }
  }

  void flush() {
    write_out(buffer_);
    buffer_.clear();
  }

  void write_out(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const std::ptrdiff_t n = file_.write(bytes.data(), bytes.size());
      if (n < 0) fail("cannot write");
      bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
  }

  void discard() noexcept {
    file_.close();
    if (!temporary_.empty()) os::remove(temporary_);
    temporary_.clear();
  }

  std::string path_;
  std::string temporary_;
  os::File file_;
  std::vector<std::byte> buffer_;
};

}  // namespace llama2::inline LLAMA2_ABI
