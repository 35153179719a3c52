// What every fuzz target does around its parser: hands it the bytes, and judges what comes of them.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "llama2/base/error.hpp"
#include "llama2/base/file.hpp"
#include "memory_use.hpp"

namespace test {

/// Ends the program with a message. Not by an exception: parsers may throw, but not this.
[[noreturn]] inline void finding(std::string_view what) {
  std::fprintf(stderr, "finding: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

/// The path of a file with these bytes, in memory instead of on a disk. One at a time.
inline const std::string& path_of(std::span<const std::uint8_t> bytes) {
  static const int descriptor = ::memfd_create("hostile", MFD_CLOEXEC);
  static const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  const auto size = static_cast<::ssize_t>(bytes.size());
  if (::ftruncate(descriptor, size) != 0 ||
      ::pwrite(descriptor, bytes.data(), bytes.size(), 0) != size)
    finding("the harness cannot make its file");
  return path;
}

/// The bytes as a file of the library.
inline std::shared_ptr<const llama2::InputFile> file_of(std::span<const std::uint8_t> bytes) {
  return std::make_shared<const llama2::InputFile>(path_of(bytes));
}

/// What became of the last input: the error, or that it was accepted.
inline constexpr std::string_view accepted = "accepted";
inline std::string outcome;

/// Calls f, which may use the bytes or refuse them, in the way that the library promises: by an
/// `Error` that says they are malformed or unsupported, or has another of the `codes`, and within
/// 16 MiB of memory and twice their size.
template <class F>
void use_or_refuse(std::span<const std::uint8_t> bytes, F&& f,
                   std::initializer_list<llama2::ErrorCode> codes = {}) {
  reset_memory_peak();
  try {
    f();
    outcome = accepted;
  } catch (const llama2::Error& error) {
    if (error.code() != llama2::ErrorCode::malformed_file &&
        error.code() != llama2::ErrorCode::unsupported &&
        std::ranges::find(codes, error.code()) == codes.end())
      finding(std::string("an error that is not about the bytes: ") + error.what());
    if (error.message().empty()) finding("an error that says nothing");
    outcome = error.what();
  }
  const std::size_t most = 2 * bytes.size() + (std::size_t{16} << 20);
  if (memory_is_counted() && memory_peak() > most)
    finding(std::to_string(bytes.size()) + " bytes cost " + std::to_string(memory_peak()) +
            " bytes of memory; at most " + std::to_string(most) + " are allowed");
}

}  // namespace test

/// What libFuzzer, or the replay program, calls with each input.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
