// What the machine is, as far as figures depend on it.
#pragma once

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <thread>

namespace bench {

/// The value of a line "key : value" of a file, or nothing.
inline std::string value_in(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    const std::size_t at = line.find_first_not_of(" \t", line.find(':') + 1);
    return at == line.npos ? "" : line.substr(at);
  }
  return {};
}

inline std::size_t hardware_threads() {
  return std::max(1u, std::thread::hardware_concurrency());
}

/// Bytes of a data cache of that level, as the system describes it; a usual size if it does not.
inline std::size_t cache_bytes(int level) {
  std::size_t bytes = 0;
  for (const auto& cache : benchmark::CPUInfo::Get().caches)
    if (cache.level == level && cache.type != "Instruction")
      bytes = std::max(bytes, static_cast<std::size_t>(cache.size));
  if (bytes != 0) return bytes;
  return level == 2 ? std::size_t{1} << 20 : std::size_t{32} << 20;
}

/// Bytes far beyond what caches hold.
inline std::size_t beyond_caches() {
  return std::max(std::size_t{1} << 30, 4 * cache_bytes(3));
}

/// Bytes of memory that can be had without driving anything else out.
inline std::size_t available_memory() {
  std::size_t kib = 0;
  if (std::istringstream(value_in("/proc/meminfo", "MemAvailable")) >> kib) return kib << 10;
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  return pages > 0 ? static_cast<std::size_t>(pages / 2) * 4096
                   : std::numeric_limits<std::size_t>::max();
}

inline std::string cpu_name() {
  const std::string name = value_in("/proc/cpuinfo", "model name");
  return name.empty() ? "unknown" : name;
}

/// The system's setting, such as "always [madvise] never".
inline std::string huge_pages() {
  std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string setting;
  std::getline(file, setting);
  return setting.empty() ? "unknown" : setting;
}

}  // namespace bench
