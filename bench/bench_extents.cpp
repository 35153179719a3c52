// What it would bring to have a matrix's extents in its type: kernels as they are, with run-time
// extents, beside themselves compiled for constant ones. `runtime_over_static` is the quotient of
// the best times, sampled in turns; above 1 constants pay.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "limits.hpp"
#include "llama2/base/aligned_buffer.hpp"
#include "llama2/format/float_formats.hpp"
#include "llama2/format/quantised.hpp"
#include "llama2/kernels/kernels.hpp"
#include "suite.hpp"

namespace {

using namespace llama2;

/// Everything in the body of such a function is inlined into it, and knows its constants.
#define BENCH_FLAT [[gnu::noinline, gnu::flatten]]

/// All rows of a product of a matrix with `tokens` rows of activations.
template <class F>
[[gnu::always_inline]] inline void product(const PanelBlock<F>* w, std::size_t rows,
                                           std::size_t cols, const std::byte* x, std::size_t tokens,
                                           float* y) {
  const PanelLayout layout = PanelLayout::of<F>(rows, cols);
  for (std::size_t s = 0; s < layout.stripes(); ++s)
    kernels::matmul<F>(w + layout.begin_of(s), layout.panels_of(s), layout.depth, layout.rows_of(s),
                       x, tokens, y + s * stripe_rows, rows);
}
template <class F>
[[gnu::noinline]] void runtime_product(const PanelBlock<F>* w, std::size_t n, const std::byte* x,
                                       std::size_t tokens, float* y) {
  product<F>(w, n, n, x, tokens, y);
}
template <class F, std::size_t N>
BENCH_FLAT void static_product(const PanelBlock<F>* w, const std::byte* x, std::size_t tokens,
                               float* y) {
  product<F>(w, N, N, x, tokens, y);
}

template <std::size_t N>
BENCH_FLAT void static_rms_norm(const float* x, const float* gain, float* out) {
  kernels::rms_norm(x, gain, 1e-5f, N, out);
}
template <std::size_t N>
BENCH_FLAT void static_swiglu(float* gate, const float* up) {
  kernels::swiglu(gate, up, N);
}

/// A number of which the compiler does not know the value.
std::size_t at_run_time(std::size_t n) {
  benchmark::DoNotOptimize(n);
  return n;
}

template <class Runtime, class Static>
void compare(benchmark::State& state, Runtime&& with_runtime, Static&& with_static) {
  std::vector<double> others;
  std::size_t calls = 1;
  const auto seconds = bench::measure_in_turns(state, with_runtime, [&](double wanted) {
    double taken = bench::seconds_of_calls(calls, with_static);
    while (taken < wanted) taken = bench::seconds_of_calls(calls *= 2, with_static);
    others.push_back(taken / static_cast<double>(calls));
  });
  state.counters["runtime_over_static"] = seconds.best / std::ranges::min(others);
  state.counters["runtime_over_static_median"] = seconds.median / bench::median_of(others);
}

template <class F, std::size_t N>
void compare_products(benchmark::State& state, std::size_t tokens) {
  constexpr PanelLayout layout = PanelLayout::of<F>(N, N);
  AlignedBuffer<PanelBlock<F>> w(layout.blocks());
  // Small positive numbers in every format.
  std::memset(static_cast<void*>(w.data()), 0x11, w.size() * sizeof w[0]);
  // Zeros are as quick as other activations.
  AlignedBuffer<std::byte> x(activation_rows(tokens) * activation_bytes(activation_form<F>, N));
  std::memset(x.data(), 0, x.size());
  AlignedBuffer<float> y(tokens * N);
  const std::size_t n = at_run_time(N);
  compare(
      state, [&] { runtime_product<F>(w.data(), n, x.data(), tokens, y.data()); },
      [&] { static_product<F, N>(w.data(), x.data(), tokens, y.data()); });
}

template <std::size_t N>
void register_size(Target target) {
  const auto add = [&](const char* what, const std::string& rest, auto f) {
    bench::add_kernel(what, target, rest, 1,
                      [f](benchmark::State& state, const Compute&) { f(state); });
  };
  const auto add_products = [&]<class F>(F) {
    const std::string name = std::string(F::name) + "/" + bench::extents(N, N);
    add("StaticMatVec", name,
        [](benchmark::State& state) { compare_products<F, N>(state, at_run_time(1)); });
    add("StaticMatMul", name + "/tokens:24",
        [](benchmark::State& state) { compare_products<F, N>(state, at_run_time(24)); });
  };
  add_products(F32());
  add_products(Q8_0());
  add_products(Q4_0());
  add("StaticRmsNorm", std::to_string(N), [](benchmark::State& state) {
    const std::size_t n = at_run_time(N);
    std::vector<float> x(n, 1.0f), gain(n, 1.0f), out(n);
    compare(
        state, [&] { kernels::rms_norm(x.data(), gain.data(), 1e-5f, n, out.data()); },
        [&] { static_rms_norm<N>(x.data(), gain.data(), out.data()); });
  });
  add("StaticSwiGlu", std::to_string(N), [](benchmark::State& state) {
    const std::size_t n = at_run_time(N);
    std::vector<float> gate(n), up(n, 1.0f);
    compare(
        state, [&] { kernels::swiglu(gate.data(), up.data(), n); },
        [&] { static_swiglu<N>(gate.data(), up.data()); });
  });
}

template <std::size_t... Ns>
void register_sizes() {
  (..., register_size<Ns>(Target()));
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run(argc, argv, [](const std::string&) {
    register_sizes<64, 128, 288, 512, 1024, 2048, 4096>();
  });
}
