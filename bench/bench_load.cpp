// From a GGUF file to a model: opening, which reads what the file says of itself, and loading,
// which brings the weights into panels. The file is the one that LLAMA2_BENCH_GGUF names, or files
// with generated weights, written to the folder for temporary files. What is read has just been
// written or read: it lies in the system's memory, not on the disk.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <type_traits>

#include "limits.hpp"
#include "llama2/base/type_name.hpp"
#include "llama2/format/float_formats.hpp"
#include "llama2/format/quantised.hpp"
#include "llama2/io/gguf_writer.hpp"
#include "llama2/io/load.hpp"
#include "llama2/model/random_model.hpp"
#include "llama2/registry/model_list.hpp"
#include "llama2/shape/shapes.hpp"
#include "suite.hpp"

namespace {

using namespace llama2;

/// A file of a generated model, written when first asked for and removed when the program ends.
template <class M>
const std::string& generated_file() {
  struct File {
    File() {
      const SharedExecutor threads = std::make_shared<ThreadPool>();
      write_gguf(path, make_random_model<M>(1, threads), nullptr, {.executor = threads});
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() { std::filesystem::remove(path); }

    std::string path =
        (std::filesystem::temp_directory_path() /
         ("llama2_bench_" + std::to_string(::getpid()) + "_" + type_name<typename M::Shape>() +
          "." + std::string(M::Weights::name) + ".gguf"))
            .string();
  };
  static const File file;
  return file.path;
}

void open(benchmark::State& state, const std::string& path) {
  bench::measure(state, [&] { benchmark::DoNotOptimize(open_checkpoint(path)); });
}

template <class M>
void load_model(benchmark::State& state, const Compute& compute, const std::string& path) {
  const auto bytes = static_cast<double>(std::filesystem::file_size(path));
  const auto seconds = bench::measure(state, [&] {
    benchmark::DoNotOptimize(
        load<M>(path, {.executor = compute.executor, .target = compute.target}));
  });
  bench::set_rate(state, "bytes_per_second", bytes, seconds);
}

/// `path()` is asked for when a benchmark runs.
template <class M, class Path>
void register_loads(Path path) {
  const std::string name = type_name<typename M::Shape>() + "/" + std::string(M::Weights::name);
  for (const Target target : Target::all()) {
    bench::add("Open", target, name, 1,
               [=](benchmark::State& state, const Compute&) { open(state, path()); });
    for (const std::size_t threads : bench::thread_counts())
      bench::add("Load", target, name, threads,
                 [=](benchmark::State& state, const Compute& compute) {
                   load_model<M>(state, compute, path());
                 });
  }
}

/// What a file of one's own may hold.
using Models = ModelList<Model<Stories260K, F32>, Model<TinyLlama_1_1B, F16>,
                         Model<TinyLlama_1_1B, Q8_0>, Model<TinyLlama_1_1B, Q4_0>,
                         Model<Llama2_7B, F16>, Model<Llama2_7B, Q8_0>, Model<Llama2_7B, Q4_0>>;

template <class... Ms>
void register_generated() {
  (..., register_loads<Ms>([]() -> const std::string& { return generated_file<Ms>(); }));
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run(argc, argv, [](const std::string&) {
    if (const char* const path = std::getenv("LLAMA2_BENCH_GGUF"))
      visit_model_type<Models>(open_checkpoint(path), [&]<class M>(std::type_identity<M>) {
        register_loads<M>([path = std::string(path)]() -> const std::string& { return path; });
      });
    else
      register_generated<Model<Stories260K, F32>, Model<TinyLlama_1_1B, F16>,
                         Model<TinyLlama_1_1B, Q8_0>, Model<TinyLlama_1_1B, Q4_0>>();
  });
}
