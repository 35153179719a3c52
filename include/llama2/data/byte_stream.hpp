// The bytes of a file one after the other, decompressed if the file is compressed.
#pragma once

#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/os.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Reads a file from its beginning to its end. What begins like gzip is decompressed: also several
/// compressed files one behind the other, as parallel compressors write. Memory is a fixed buffer.
class ByteStream {
 public:
  /// Throws `io` with the system's reason.
  explicit ByteStream(std::string path) : path_(std::move(path)), file_(os::File::open(path_)) {
    if (!file_) fail_io("cannot open");
    const auto info = file_.info();
    if (!info) fail_io("cannot stat");
    if (!info->regular) throw Error(ErrorCode::io, "not a regular file", {.file = path_});
    size_ = info->size;
    fill();
    if (filled_ >= 2 && buffer_[0] == std::byte{0x1F} && buffer_[1] == std::byte{0x8B})
      inflater_ = std::make_unique<Inflater>();
  }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// Bytes of the file, and how many of them have been read: as they are on the disk.
  [[nodiscard]] std::uint64_t file_size() const noexcept { return size_; }
  [[nodiscard]] std::uint64_t file_position() const noexcept { return read_ - (filled_ - at_); }

  /// Reads up to out.size() bytes: how many, 0 at the end. Throws `io`, and `malformed_file` with
  /// the byte of the compressed file where it is damaged or cut off.
  std::size_t read(std::span<char> out) {
    if (inflater_) return inflate(out);
    if (at_ == filled_) fill();
    const std::size_t n = std::min(out.size(), filled_ - at_);
    std::copy_n(reinterpret_cast<const char*>(buffer_.data()) + at_, n, out.data());
    at_ += n;
    return n;
  }

 private:
  static constexpr std::size_t buffer_size = std::size_t{256} << 10;

  struct Inflater {
    Inflater() {
      constexpr int gzip_of_any_window = 15 + 16;
      if (::inflateInit2(&stream, gzip_of_any_window) != Z_OK)
        throw Error(ErrorCode::out_of_memory, "zlib cannot start to decompress");
    }
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;
    ~Inflater() { ::inflateEnd(&stream); }

    ::z_stream stream{};
    bool ended = false;  // between two compressed files
  };

  [[noreturn]] void fail_io(const char* what) const {
    throw Error(ErrorCode::io, std::string(what) + ": " + os::last_error(), {.file = path_});
  }
  [[noreturn]] void fail_gzip(const std::string& what) const {
    throw Error(ErrorCode::malformed_file, what, {.file = path_, .offset = file_position()});
  }

  void fill() {
    const std::ptrdiff_t n = file_.read(buffer_.data(), buffer_.size());
    if (n < 0) fail_io("cannot read");
    at_ = 0;
    filled_ = static_cast<std::size_t>(n);
    read_ += filled_;
  }

  std::size_t inflate(std::span<char> out) {
    ::z_stream& stream = inflater_->stream;
    stream.next_out = reinterpret_cast<::Bytef*>(out.data());
    const auto room = static_cast<::uInt>(std::min(out.size(), buffer_size));
    stream.avail_out = room;
    while (stream.avail_out == room) {
      if (at_ == filled_) fill();
      if (filled_ == 0) {
        if (inflater_->ended) return 0;
        fail_gzip("the compressed file is cut off");
      }
      if (inflater_->ended) {
        // Some programs pad a compressed file with zeros.
        while (at_ < filled_ && buffer_[at_] == std::byte{0}) ++at_;
        if (at_ == filled_) continue;
        ::inflateReset(&stream);
        inflater_->ended = false;
      }
      stream.next_in = reinterpret_cast<::Bytef*>(buffer_.data()) + at_;
      stream.avail_in = static_cast<::uInt>(filled_ - at_);
      const int result = ::inflate(&stream, Z_NO_FLUSH);
      at_ = filled_ - stream.avail_in;
      if (result == Z_STREAM_END)
        inflater_->ended = true;
      else if (result == Z_MEM_ERROR)
        throw Error(ErrorCode::out_of_memory, "zlib cannot decompress", {.file = path_});
      else if (result != Z_OK && result != Z_BUF_ERROR)
        fail_gzip(std::string("the compressed file is damaged: ") +
                  (stream.msg != nullptr ? stream.msg : "zlib cannot go on"));
    }
    return room - stream.avail_out;
  }

  std::string path_;
  os::File file_;
  std::uint64_t size_ = 0, read_ = 0;
  std::vector<std::byte> buffer_ = std::vector<std::byte>(buffer_size);
  std::size_t at_ = 0, filled_ = 0;
  std::unique_ptr<Inflater> inflater_;
};

}  // namespace llama2::inline LLAMA2_ABI
