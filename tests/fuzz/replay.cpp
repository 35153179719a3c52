// Hands the files of a corpus to a fuzz target, one after the other, without libFuzzer:
// any compiler and any sanitizer can repeat what a fuzzer has found.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "hostile_bytes.hpp"

namespace {

std::vector<std::filesystem::path> files_in(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return {path};
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

/// Without spare capacity, so that AddressSanitizer sees a read beyond the end.
std::vector<std::uint8_t> bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string contents{std::istreambuf_iterator<char>(file), {}};
  return {contents.begin(), contents.end()};
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t replayed = 0;
  for (int i = 1; i < argc; ++i)
    for (const std::filesystem::path& path : files_in(argv[i])) {
      // Before the call, so that a crash has a name.
      std::printf("%s: ", path.filename().c_str());
      std::fflush(stdout);
      const std::vector<std::uint8_t> bytes = bytes_of(path);
      LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
      std::printf("%s\n", test::outcome.c_str());
      ++replayed;
    }
  std::printf("%zu files replayed\n", replayed);
  if (replayed == 0) std::fprintf(stderr, "usage: %s FILE_OR_FOLDER...\n", argv[0]);
  return replayed == 0 ? 1 : 0;
}
