// The benchmarks of models in one format, LLAMA2_BENCH_FORMAT: each is a translation unit of its
// own, because together they would keep one compiler busy for minutes.
#include "model_benchmarks.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "limits.hpp"
#include "llama2/base/aligned_buffer.hpp"
#include "llama2/base/type_name.hpp"
#include "llama2/format/float_formats.hpp"
#include "llama2/format/quantised.hpp"
#include "llama2/model/random_model.hpp"
#include "llama2/parallel/thread_pool.hpp"
#include "llama2/shape/shapes.hpp"
#include "suite.hpp"

namespace {

using namespace llama2;
using bench::set_rate;

template <class M>
void require_memory(std::size_t bytes) {
  if (bytes > bench::available_memory())
    throw Error(ErrorCode::out_of_memory, "not enough memory for " + M::name());
}

/// The model of type M, to be used with a text of `context` tokens. Made when first asked for, and
/// forgotten when another is: there may not be memory for two.
template <class M>
std::shared_ptr<const M> generated_model(std::size_t context) {
  static std::shared_ptr<const M> model;
  static const auto forget = [] { model.reset(); };
  if (model == nullptr) {
    bench::forget_model();
    require_memory<M>(M::memory.total(context));
    model = std::make_shared<const M>(make_random_model<M>(1, std::make_shared<ThreadPool>()));
    bench::forget_model = forget;
  } else {
    require_memory<M>(M::memory.total(context) - M::memory.weights());
  }
  return model;
}

template <class M>
class Run {
 public:
  using S = typename M::Shape;

  /// The generated model with the threads and kernels of `compute`, and room for a text.
  Run(const Compute& compute, std::size_t context)
      : weights_(generated_model<M>(context)),
        model_(weights_->weights(), weights_, weights_->config(), compute.executor, compute.target),
        sequence_(std::make_shared<typename M::Pool>(context), context),
        logits_(S::vocab) {}

  /// Cuts the text to `begin` tokens and feeds more until it has `end`; logits of the last.
  void feed(std::size_t begin, std::size_t end) {
    sequence_.truncate(begin);
    rows_.clear();
    for (std::size_t i = begin; i < end; ++i)
      rows_.push_back({static_cast<Token>(i * 7 % S::vocab), i, &sequence_, i + 1 == end});
    model_.forward(rows_, workspace_, {logits_.data(), logits_.size()});
  }

  /// A past of `size` tokens whose keys and values are all zero: their values take no other time.
  void pretend(std::size_t size) {
    for (std::size_t p = 0; p < ceil_div(size, kv_page_positions); ++p)
      std::memset(static_cast<void*>(sequence_.pages()[p]), 0, M::memory.kv_page());
    sequence_.advance(size);
  }

  /// The bytes that a token or a prompt reads at least once: all matrices but the embedding.
  static constexpr std::size_t weights_read() {
    using F = typename M::Weights;
    constexpr std::size_t embedding =
        PanelLayout::of<F>(S::vocab, S::dim).blocks() * sizeof(PanelBlock<F>);
    return M::memory.weights() - (tied_head<S> ? 0 : embedding);
  }

  /// The multiply-adds of the matrices, the head's for the last token only. Attention comes on top.
  static constexpr double macs(std::size_t tokens) {
    constexpr std::size_t layers =
        S::layers * (2 * S::dim * S::dim + 2 * kv_dim<S> * S::dim + 3 * S::dim * S::hidden_dim);
    return static_cast<double>(layers * tokens + S::vocab * S::dim);
  }

  /// Where all weights lie, one tensor after the other, the embedding first.
  [[nodiscard]] const void* weights() const { return model_.weights().token_embedding.data; }

 private:
  std::shared_ptr<const M> weights_;
  M model_;
  typename M::Sequence sequence_;
  Workspace<S> workspace_;
  AlignedBuffer<float> logits_;
  std::vector<typename M::Row> rows_;
};

template <class M>
void prefill(benchmark::State& state, const Compute& compute, std::size_t tokens) {
  Run<M> run(compute, tokens);
  const double macs = run.macs(tokens);
  const auto seconds = bench::measure(
      state, macs, bench::product_limit(compute, bench::product_of<typename M::Weights>),
      [&] { run.feed(0, tokens); });
  set_rate(state, "tokens_per_second", static_cast<double>(tokens), seconds);
  set_rate(state, "items_per_second", macs, seconds);
  set_rate(state, "bytes_per_second", static_cast<double>(run.weights_read()), seconds);
}

template <class M>
void decode(benchmark::State& state, const Compute& compute, std::size_t context) {
  Run<M> run(compute, context + 1);
  run.pretend(context);
  const std::size_t touched = run.weights_read() + M::memory.kv_cache_per_token() * (context + 1);
  // The same pages, of very large models a part.
  const std::size_t pages = std::min(M::memory.weights(), bench::beyond_caches());
  const auto seconds = bench::measure_memory(state, compute, run.weights(), pages, touched,
                                             [&] { run.feed(context, context + 1); });
  set_rate(state, "tokens_per_second", 1, seconds);
  set_rate(state, "items_per_second", run.macs(1), seconds);
}

template <class M>
void register_model() {
  const std::string name = type_name<typename M::Shape>() + "/" + std::string(M::Weights::name);
  constexpr bool large = M::Shape::dim >= 1024;
  const auto prompts = large ? std::vector<std::size_t>{512, 2048}
                             : std::vector{std::min<std::size_t>(512, M::Shape::context)};
  const auto contexts = large ? std::vector<std::size_t>{128, 4096} : std::vector<std::size_t>{128};
  for (const Target target : Target::all())
    for (const std::size_t threads : bench::thread_counts()) {
      for (const std::size_t prompt : prompts)
        bench::add("Prefill", target, name + "/tokens:" + std::to_string(prompt), threads,
                   [=](benchmark::State& state, const Compute& compute) {
                     prefill<M>(state, compute, prompt);
                   });
      for (const std::size_t context : contexts)
        bench::add("Decode", target, name + "/context:" + std::to_string(context), threads,
                   [=](benchmark::State& state, const Compute& compute) {
                     decode<M>(state, compute, context);
                   });
    }
}

}  // namespace

template <class F>
void bench::register_models_in(bool large) {
  constexpr bool floats = std::is_same_v<F, F32>;
  register_model<Model<TinyLlama_1_1B, F>>();
  if constexpr (!floats)
    if (large) register_model<Model<Llama2_7B, F>>();
  if constexpr (floats) register_model<Model<Stories260K, F>>();
#if !defined(LLAMA2_DYNAMIC)  // each costs a compilation for every target
  if constexpr (!floats) register_model<Model<Stories260K, F>>();
  if constexpr (!std::is_same_v<F, F16> && !std::is_same_v<F, Q4_0>)
    register_model<Model<Stories15M, F>>();
  if constexpr (floats) register_model<Model<Stories110M, F>>();
#endif
}

template void bench::register_models_in<llama2::LLAMA2_BENCH_FORMAT>(bool);
