// Whole models, on every processor target that the program holds and this processor can run.
#include <cstdlib>
#include <string>

#include "llama2/format/float_formats.hpp"
#include "llama2/format/quantised.hpp"
#include "model_benchmarks.hpp"
#include "suite.hpp"

int main(int argc, char** argv) {
  return bench::run(argc, argv, [](const std::string& filter) {
    const bool large =
        std::getenv("LLAMA2_BENCH_7B") != nullptr || filter.find("7B") != filter.npos;
#ifdef LLAMA2_BENCH_F32
    bench::register_models_in<llama2::F32>(large);
#endif
#ifdef LLAMA2_BENCH_F16
    bench::register_models_in<llama2::F16>(large);
#endif
#ifdef LLAMA2_BENCH_BF16
    bench::register_models_in<llama2::BF16>(large);
#endif
#ifdef LLAMA2_BENCH_Q8_0
    bench::register_models_in<llama2::Q8_0>(large);
#endif
#ifdef LLAMA2_BENCH_Q4_0
    bench::register_models_in<llama2::Q4_0>(large);
#endif
  });
}
