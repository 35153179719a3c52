// Names and context of the benchmarks.
#pragma once

#include <benchmark/benchmark.h>

#include <string>
#include <utility>

#include "llama2/kernels/kernels.hpp"

namespace bench {

/// The processor target compiled for, in Highway's words: "AVX2".
inline std::string target() {
  return hwy::TargetName(HWY_STATIC_TARGET);
}

/// Registers BM_<what>/<target>/<rest>.
template <class F>
benchmark::internal::Benchmark* add(const std::string& what, const std::string& rest, F&& f) {
  return benchmark::RegisterBenchmark(("BM_" + what + "/" + target() + "/" + rest).c_str(),
                                      std::forward<F>(f));
}

/// Google Benchmark's main, with what the figures depend on in the context.
inline int run(int argc, char** argv) {
  benchmark::AddCustomContext("llama2", llama2::version_string);
  benchmark::AddCustomContext("abi", llama2::abi_tag);
  benchmark::AddCustomContext("compiler", __VERSION__);
  benchmark::AddCustomContext("highway", std::to_string(HWY_MAJOR) + "." +
                                             std::to_string(HWY_MINOR) + "." +
                                             std::to_string(HWY_PATCH));
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace bench
