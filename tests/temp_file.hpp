// A file that lives as long as a test needs it.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

namespace test {

class TempFile {
 public:
  explicit TempFile(std::string_view contents) {
    path_ = (std::filesystem::temp_directory_path() / "llama2_test_XXXXXX").string();
    const int file = ::mkstemp(path_.data());
    if (file < 0) throw std::runtime_error("cannot make a temporary file");
    ::close(file);
    write(contents);
  }
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;
  ~TempFile() { std::remove(path_.c_str()); }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  /// Replaces the contents. Not by way of an empty file: some file systems then wait for the disk.
  void write(std::string_view contents) const {
    std::FILE* const file = std::fopen(path_.c_str(), "r+b");
    if (file == nullptr) throw std::runtime_error("cannot write " + path_);
    const bool whole = std::fwrite(contents.data(), 1, contents.size(), file) == contents.size() &&
                       std::fflush(file) == 0 &&
                       ::ftruncate(::fileno(file), static_cast<::off_t>(contents.size())) == 0;
    if ((std::fclose(file) != 0) || !whole) throw std::runtime_error("cannot write " + path_);
  }

 private:
  std::string path_;
};

}  // namespace test
