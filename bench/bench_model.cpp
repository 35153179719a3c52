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
    bench::register_models_in<llama2::F32>(large);
    bench::register_models_in<llama2::F16>(large);
    bench::register_models_in<llama2::BF16>(large);
    bench::register_models_in<llama2::Q8_0>(large);
    bench::register_models_in<llama2::Q4_0>(large);
  });
}
