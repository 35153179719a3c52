// Names, threads and context of the benchmarks.
#pragma once

#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "limits.hpp"
#include "llama2/kernels/target.hpp"
#include "llama2/model/linear.hpp"
#include "llama2/parallel/thread_pool.hpp"
#include "machine.hpp"

namespace bench {

/// Registers BM_<what>/<target>/<rest>/threads:<n>; f(state, compute) gets the threads.
template <class F>
void add(const std::string& what, llama2::Target target, const std::string& rest,
         std::size_t threads, F f) {
  const std::string name =
      "BM_" + what + "/" + target.name() + "/" + rest + "/threads:" + std::to_string(threads);
  benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
    llama2::Compute compute{{}, target};
    if (threads > 1) compute.executor = std::make_shared<llama2::ThreadPool>(threads);
    try {
      f(state, compute);
    } catch (const llama2::Error& error) {
      state.SkipWithError(error.what());
    }
  });
}

/// The same for a kernel, with the library that gives it its vectors before the rest.
template <class F>
void add_kernel(const std::string& what, llama2::Target target, const std::string& rest,
                std::size_t threads, F f) {
  add(what, target, std::string(llama2::simd_library) + "/" + rest, threads, f);
}

/// 1, 2, 4 and so on, and last as many as the machine has.
inline std::vector<std::size_t> thread_counts() {
  std::vector<std::size_t> counts;
  for (std::size_t n = 1; n < hardware_threads(); n *= 2) counts.push_back(n);
  counts.push_back(hardware_threads());
  return counts;
}

/// "rows x cols" as names have it.
inline std::string extents(std::size_t rows, std::size_t cols) {
  return std::to_string(rows) + "x" + std::to_string(cols);
}

/// A counter of what is done `per_call`, in a call's best time.
inline void set_rate(benchmark::State& state, const char* counter, double per_call,
                     const Samples& seconds) {
  state.counters[counter] = per_call / seconds.best;
}

/// Measures `f`, which reads and writes `touched` bytes, beside reading the `bytes` at `data`,
/// where all of that lies.
template <class F>
Samples measure_memory(benchmark::State& state, const llama2::Compute& compute, const void* data,
                       std::size_t bytes, std::size_t touched, F&& f) {
  const auto work = static_cast<double>(touched);
  const Samples seconds = measure(state, work, read_limit(compute, data, bytes), f);
  set_rate(state, "bytes_per_second", work, seconds);
  return seconds;
}

/// The value of --benchmark_min_time, such as 0.5 or 0.5s; 0 for what says no time. (Of "10x"
/// Google Benchmark makes iterations, which are not chosen here.)
inline double seconds_in(const char* text) {
  char* end = nullptr;
  const double seconds = std::strtod(text, &end);
  const std::string_view unit = end;
  const bool valid = end != text && (unit.empty() || unit == "s") && std::isfinite(seconds);
  return valid ? std::max(0.0, seconds) : 0;
}

/// Google Benchmark's main, with what the figures depend on in the context. `register_all(filter)`
/// is told the command line's --benchmark_filter.
template <class Register>
int run(int argc, char** argv, Register&& register_all) {
  // Each benchmark is a single pass of Google Benchmark's, which here takes the samples itself:
  // its own way would make a model anew for each guess at a number of repetitions.
  constexpr std::string_view min_time = "--benchmark_min_time=";
  std::vector<char*> arguments;
  for (char** argument = argv; argument != argv + argc; ++argument) {
    if (!std::string_view(*argument).starts_with(min_time)) {
      arguments.push_back(*argument);
      continue;
    }
    seconds_to_measure = seconds_in(*argument + min_time.size());
    if (seconds_to_measure <= 0) {
      std::cerr << *argument << ": not a number of seconds, such as 0.5 or 0.5s\n";
      return 1;
    }
  }
  std::string least = std::string(min_time) + "1e-9";
  arguments.push_back(least.data());
  int count = static_cast<int>(arguments.size());

  const auto version = [](auto... numbers) {
    std::string text;
    (..., (text += (text.empty() ? "" : ".") + std::to_string(numbers)));
    return text;
  };
  benchmark::AddCustomContext("cpu", cpu_name());
  benchmark::AddCustomContext("cache_l2_bytes", std::to_string(cache_bytes(2)));
  benchmark::AddCustomContext("cache_l3_bytes", std::to_string(cache_bytes(3)));
  benchmark::AddCustomContext("threads", std::to_string(hardware_threads()));
  benchmark::AddCustomContext("huge_pages", huge_pages());
#if defined(__clang__)
  benchmark::AddCustomContext("compiler", __VERSION__);
#else
  benchmark::AddCustomContext("compiler", "gcc " __VERSION__);
#endif
  benchmark::AddCustomContext("llama2", llama2::version_string);
  benchmark::AddCustomContext("abi", llama2::abi_tag);
#if defined(LLAMA2_SIMD_XSIMD)
  benchmark::AddCustomContext(
      "xsimd", version(XSIMD_VERSION_MAJOR, XSIMD_VERSION_MINOR, XSIMD_VERSION_PATCH));
#else
  benchmark::AddCustomContext("highway", version(HWY_MAJOR, HWY_MINOR, HWY_PATCH));
#endif
  benchmark::AddCustomContext("benchmark", LLAMA2_BENCHMARK_VERSION);

  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 1;
  register_all(benchmark::GetBenchmarkFilter());
  if (benchmark::RunSpecifiedBenchmarks() == 0) return 1;
  benchmark::Shutdown();
  return 0;
}

}  // namespace bench
