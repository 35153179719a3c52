// What a killed program was still writing.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "llama2/base/config.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Whether a file has the name of one that an `OutputFile` has not finished: "model.bin.tmp123-0".
inline bool is_unfinished_name(std::string_view name) noexcept {
  constexpr std::string_view digits = "0123456789";
  const auto at = name.rfind(".tmp");
  if (at == name.npos) return false;
  const std::string_view ending = name.substr(at + 4);
  const auto dash = ending.find('-');
  return dash != ending.npos && dash > 0 && dash + 1 < ending.size() &&
         ending.substr(0, dash).find_first_not_of(digits) == ending.npos &&
         ending.substr(dash + 1).find_first_not_of(digits) == ending.npos;
}

/// Removes such files from a folder, but not from folders in it. No other program may be writing
/// there. What cannot be removed does no harm and stays.
inline void remove_unfinished_files(const std::filesystem::path& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> unfinished;
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
    if (is_unfinished_name(entry->path().filename().string())) unfinished.push_back(entry->path());
  for (const auto& path : unfinished) std::filesystem::remove(path, error);
}

}  // namespace llama2::inline LLAMA2_ABI
