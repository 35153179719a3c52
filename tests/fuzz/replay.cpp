// Hands files, or all files of folders, to a fuzz target, one after the other, without libFuzzer:
// any compiler and any sanitizer can repeat what a fuzzer has found. With --corpus it also checks
// that files named seed* are accepted, and others refused but for those named found*.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
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

/// Whether a file of a corpus ended as its name says.
bool is_as_named(const std::string& name) {
  const bool accepted = test::outcome == test::accepted;
  return name.starts_with("found") || accepted == name.starts_with("seed");
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t replayed = 0;
  std::size_t wrong = 0;
  const bool is_corpus = argc > 1 && std::string_view(argv[1]) == "--corpus";
  for (int i = is_corpus ? 2 : 1; i < argc; ++i)
    for (const std::filesystem::path& path : files_in(argv[i])) {
      const std::string name = path.filename().string();
      // Before the call, so that a crash has a name.
      std::printf("%s: ", name.c_str());
      std::fflush(stdout);
      const std::vector<std::uint8_t> bytes = bytes_of(path);
      LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
      const bool is_right = !is_corpus || is_as_named(name);
      std::printf("%s%s\n", test::outcome.c_str(), is_right ? "" : " <- NOT AS THE NAME SAYS");
      if (!is_right) ++wrong;
      ++replayed;
    }
  std::printf("%zu files replayed\n", replayed);
  if (replayed == 0) std::fprintf(stderr, "usage: %s [--corpus] FILE_OR_FOLDER...\n", argv[0]);
  return replayed == 0 || wrong != 0 ? 1 : 0;
}
