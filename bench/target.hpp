// Names and context of the benchmarks.
#pragma once

#include <benchmark/benchmark.h>

#include <string>
#include <utility>

#include "llama2/kernels/target.hpp"

namespace bench {

/// Registers BM_<what>/<target>/<rest>, for example BM_MatVec/AVX2/F16/172x64.
template <class F>
benchmark::internal::Benchmark* add(const std::string& what, llama2::Target target,
                                    const std::string& rest, F&& f) {
  return benchmark::RegisterBenchmark(("BM_" + what + "/" + target.name() + "/" + rest).c_str(),
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
