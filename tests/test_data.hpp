// Files that tests use but the project does not hold: looked for only in the folder that the
// environment variable LLAMA2_TEST_DATA names.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

/// The path of a test file; none, with a line that nobody overlooks, when LLAMA2_TEST_DATA is not
/// set: the caller then returns. A folder that is named but lacks the file is a failure.
inline std::optional<std::filesystem::path> test_data(std::string_view relative) {
  const char* folder = std::getenv("LLAMA2_TEST_DATA");
  if (folder == nullptr || *folder == '\0') {
    std::cerr << "*** SKIPPED: LLAMA2_TEST_DATA is not set; not tested with " << relative << '\n';
    return std::nullopt;
  }
  std::filesystem::path path = std::filesystem::path(folder) / relative;
  if (!std::filesystem::exists(path))
    throw std::runtime_error("LLAMA2_TEST_DATA has no " + std::string(relative));
  return path;
}
