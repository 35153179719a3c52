// Small models beside plain loops: the first tokens of a text, greedy.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "baseline/baseline.hpp"
#include "limits.hpp"
#include "llama2/base/aligned_buffer.hpp"
#include "llama2/base/type_name.hpp"
#include "llama2/format/float_formats.hpp"
#include "llama2/format/quantised.hpp"
#include "llama2/model/random_model.hpp"
#include "llama2/shape/shapes.hpp"
#include "suite.hpp"

namespace {

using namespace llama2;

constexpr std::size_t context = 64;

/// Feeds the likeliest token again and again: `next(token, position)` returns it.
template <class Next>
void tell(Next&& next) {
  std::size_t token = 1;
  for (std::size_t i = 0; i < context; ++i) token = next(token, i);
}

template <class Logits>
std::size_t likeliest(const Logits* logits, std::size_t vocab) {
  return static_cast<std::size_t>(std::max_element(logits, logits + vocab) - logits);
}

template <class M>
void small(benchmark::State& state, const Compute& compute) {
  using S = typename M::Shape;
  const auto made = make_random_model<M>(1);
  const auto owner = std::make_shared<const M>(made);
  const M model(made.weights(), owner, made.config(), compute.executor, compute.target);
  typename M::Sequence sequence(std::make_shared<typename M::Pool>(context), context);
  Workspace<S> workspace(1);
  AlignedBuffer<float> logits(S::vocab);
  const auto ours = [&] {
    sequence.truncate(0);
    tell([&](std::size_t token, std::size_t position) {
      const typename M::Row row{static_cast<Token>(token), position, &sequence, true};
      model.forward({&row, 1}, workspace, {logits.data(), logits.size()});
      return likeliest(logits.data(), S::vocab);
    });
  };

  bench::Baseline baseline(bench::BaselineShape{S::dim, S::hidden_dim, S::layers, S::heads,
                                                S::kv_heads, S::vocab, context, tied_head<S>});
  bench::Baseline::set_threads(compute.executor.concurrency());
  const auto theirs = [&] {
    tell([&](std::size_t token, std::size_t position) {
      return likeliest(baseline.forward(token, position), S::vocab);
    });
  };

  // Where all weights lie; an embedding that is not the head as well is hardly read.
  const std::size_t embedding =
      tied_head<S> ? 0
                   : PanelLayout::of<typename M::Weights>(S::vocab, S::dim).blocks() *
                         sizeof(PanelBlock<typename M::Weights>);
  const std::size_t read = M::memory.weights() - embedding;
  const auto* const weights =
      reinterpret_cast<const std::byte*>(model.weights().token_embedding.data) + embedding;
  const bench::Limit read_limit = bench::read_limit(compute, weights, read);
  double limit = 0, baseline_seconds = 1e9;
  std::size_t turn = 0;
  const bench::Samples seconds = bench::measure_in_turns(state, ours, [&](double sample_seconds) {
    limit = std::max(limit, read_limit(sample_seconds));
    const std::size_t calls =
        ++turn == 1 ? 1 : 1 + static_cast<std::size_t>(sample_seconds / baseline_seconds);
    baseline_seconds = std::min(
        baseline_seconds, bench::seconds_of_calls(calls, theirs) / static_cast<double>(calls));
  });
  const double bytes = static_cast<double>(context * read);
  state.counters["tokens_per_second"] = context / seconds.best;
  state.counters["baseline_tokens_per_second"] = context / baseline_seconds;
  state.counters["times_baseline"] = baseline_seconds / seconds.best;
  state.counters["bytes_per_second"] = bytes / seconds.best;
  state.counters["limit"] = limit;
  state.counters["roofline_pct"] = 100 * bytes / seconds.best / limit;
}

template <class S>
void register_shape(Target target, std::size_t threads) {
  const auto add = [&]<class F>(F) {
    const std::string name = type_name<S>() + "/" + std::string(F::name) + "/context:64";
    bench::add("Small", target, name, threads, small<Model<S, F>>);
  };
  add(F32());
  add(Q8_0());
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run(argc, argv, [](const std::string&) {
    for (const std::size_t threads : bench::thread_counts()) {
      register_shape<Stories260K>(Target(), threads);
      register_shape<Stories15M>(Target(), threads);
    }
  });
}
