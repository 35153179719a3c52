// Whole models with generated weights, on every processor target that the program holds and this
// processor can run: a prompt, and a token after 128 others. `roofline_pct` is
// the share of the multiply-add peak (prefill) or of the read bandwidth (decode), measured next to
// the benchmark with the same threads.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "limits.hpp"
#include "llama2/base/aligned_buffer.hpp"
#include "llama2/base/type_name.hpp"
#include "llama2/model/random_model.hpp"
#include "llama2/parallel/thread_pool.hpp"
#include "llama2/shape/shapes.hpp"
#include "target.hpp"

namespace {

using namespace llama2;

template <class M>
struct Run {
  using S = typename M::Shape;

  Run(Target target, std::size_t threads, std::size_t context)
      : compute{std::make_shared<ThreadPool>(threads), target},
        model(make_random_model<M>(1, compute.executor, ModelConfig::of<S>(), target)),
        sequence(std::make_shared<typename M::Pool>(context), context),
        logits(S::vocab) {}

  /// Feeds tokens until the text has `size` of them; logits of the last.
  void extend_to(std::size_t size) {
    std::vector<typename M::Row> rows;
    for (std::size_t i = sequence.size(); i < size; ++i)
      rows.push_back({static_cast<Token>(i * 7 % S::vocab), i, &sequence, i + 1 == size});
    model.forward(rows, workspace, {logits.data(), logits.size()});
  }

  Compute compute;
  M model;
  typename M::Sequence sequence;
  Workspace<S> workspace;
  AlignedBuffer<float> logits;
};

/// Multiply-adds of the matrices for one token; the head only for the last of a prompt.
template <class S>
constexpr double macs_per_token = static_cast<double>(
    S::layers * (2 * S::dim * S::dim + 2 * kv_dim<S> * S::dim + 3 * S::dim * S::hidden_dim));

template <class M>
void prefill(benchmark::State& state, Target target, std::size_t threads, std::size_t tokens) {
  Run<M> run(target, threads, tokens);
  const double seconds = bench::time_loop(state, [&] {
    run.sequence.truncate(0);
    run.extend_to(tokens);
  });
  const double macs = macs_per_token<typename M::Shape> * static_cast<double>(tokens);
  state.counters["tokens_per_second"] = static_cast<double>(tokens) / seconds;
  state.counters["roofline_pct"] = 100 * macs / seconds / bench::fma_peak(run.compute);
}

template <class M>
void decode(benchmark::State& state, Target target, std::size_t threads) {
  constexpr std::size_t context = 128;
  Run<M> run(target, threads, context + 1);
  run.extend_to(context);
  const double seconds = bench::time_loop(state, [&] {
    run.sequence.truncate(context);
    run.extend_to(context + 1);
  });
  // What a token reads: all matrices but the embedding, and the cache.
  using S = typename M::Shape;
  const double bytes =
      static_cast<double>(M::memory.weights() + M::memory.kv_cache(context)) -
      (tied_head<S> ? 0.0 : static_cast<double>(S::vocab * row_bytes<typename M::Weights>(S::dim)));
  state.counters["tokens_per_second"] = 1 / seconds;
  state.counters["bytes_per_second"] = bytes / seconds;
  // As large as the model, so that the caches help the limit as much as they help the model.
  AlignedBuffer<float> memory(std::min<std::size_t>(static_cast<std::size_t>(bytes) / sizeof(float),
                                                    (std::size_t{1} << 30) / sizeof(float)));
  for (std::size_t i = 0; i < memory.size(); i += 1024) memory[i] = 1;  // commit the pages
  state.counters["roofline_pct"] =
      100 * bytes / seconds /
      bench::read_bandwidth(run.compute, memory.data(), memory.size() * sizeof(float));
}

template <class M>
void register_model(Target target, std::size_t prompt) {
  const std::string name = type_name<typename M::Shape>() + "/" + std::string(M::Weights::name);
  const std::size_t most = std::max(1u, std::thread::hardware_concurrency());
  for (std::size_t threads = 1; threads <= most; threads *= 2) {
    const std::string suffix = "/threads:" + std::to_string(threads);
    bench::add("Prefill", target, name + "/tokens:" + std::to_string(prompt) + suffix,
               [=](benchmark::State& state) { prefill<M>(state, target, threads, prompt); })
        ->UseRealTime();
    bench::add("Decode", target, name + suffix, [=](benchmark::State& state) {
      decode<M>(state, target, threads);
    })->UseRealTime();
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (const Target target : Target::all()) {
    register_model<Model<Stories260K, F32>>(target, 512);
    register_model<Model<Stories15M, F32>>(target, 256);
    register_model<Model<Stories15M, BF16>>(target, 256);
    register_model<Model<Stories110M, F32>>(target, 512);
    register_model<Model<TinyLlama_1_1B, F16>>(target, 512);
    register_model<Model<TinyLlama_1_1B, Q8_0>>(target, 512);
    register_model<Model<TinyLlama_1_1B, Q4_0>>(target, 512);
    register_model<Model<TinyLlama_1_1B, BF16>>(target, 512);
    if (std::getenv("LLAMA2_BENCH_7B") != nullptr)  // 13.5 GB of memory, and its time
      register_model<Model<Llama2_7B, BF16>>(target, 512);
  }
  return bench::run(argc, argv);
}
