// The kernels by themselves, on one thread, of every processor target that the program holds and
// this processor can run. `roofline_pct` is the share of the read bandwidth (for
// one vector) or of the multiply-add peak (for many), measured next to the benchmark.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <string>
#include <vector>

#include "limits.hpp"
#include "llama2/base/aligned_buffer.hpp"
#include "llama2/base/random.hpp"
#include "llama2/format/float_formats.hpp"
#include "llama2/kernels/target.hpp"
#include "llama2/model/linear.hpp"
#include "llama2/shape/memory_plan.hpp"
#include "target.hpp"

namespace {

using namespace llama2;

Compute one_thread(Target target) {
  return {SharedExecutor(), target};
}

/// A matrix of generated weights.
template <class F>
AlignedBuffer<PanelBlock<F>> make_matrix(const PanelLayout& layout, std::size_t cols) {
  AlignedBuffer<PanelBlock<F>> w(layout.blocks());
  std::vector<float> row(cols);
  std::vector<typename F::Block> blocks(layout.row_blocks);
  for (std::size_t r = 0; r < layout.rows; ++r) {
    for (std::size_t c = 0; c < cols; ++c) row[c] = uniform_at(r, c);
    F::encode(row.data(), blocks.data(), cols);
    for (std::size_t b = 0; b < layout.row_blocks; ++b)
      w[layout.index(r, b)].put(r % panel_rows, blocks[b]);
  }
  return w;
}

template <class F>
void matmul(benchmark::State& state, Target target, std::size_t rows, std::size_t cols,
            std::size_t tokens) {
  const PanelLayout layout{rows, row_blocks<F>(cols)};
  const auto w = make_matrix<F>(layout, cols);
  const AlignedBuffer<ActivationOf<F>> x(tokens * row_blocks<F>(cols));
  AlignedBuffer<float> y(tokens * rows);
  const double seconds = bench::time_loop(state, [&] {
    target.call([&]<class Kernels>(Kernels) {
      for (std::size_t s = 0; s < layout.stripes(); ++s)
        Kernels::template matmul<F>(w.data() + layout.begin_of(s), layout.panels_of(s),
                                    layout.rows_of(s), cols, x.data(), tokens,
                                    y.data() + s * stripe_rows, rows);
    });
  });
  const std::size_t bytes = w.size() * sizeof(PanelBlock<F>);
  const double macs = static_cast<double>(rows * cols * tokens);
  state.counters["bytes_per_second"] = static_cast<double>(bytes) / seconds;
  state.counters["items_per_second"] = macs / seconds;
  // The limit is taken right after: a virtual machine's speed drifts.
  const double share =
      tokens == 1 ? static_cast<double>(bytes) / seconds /
                        bench::read_bandwidth(one_thread(target),
                                              reinterpret_cast<const float*>(w.data()), bytes)
                  : macs / seconds / bench::fma_peak(one_thread(target));
  state.counters["roofline_pct"] = 100 * share;
}

template <class K>
void attend(benchmark::State& state, Target target, std::size_t positions) {
  constexpr std::size_t size = 128;
  using Page = KvHead<K, size, kv_page_positions>;  // one head's
  const AlignedBuffer<Page> cache(ceil_div(positions, kv_page_positions));
  std::vector<const Page*> pages;
  for (std::size_t p = 0; p < cache.size(); ++p) pages.push_back(cache.data() + p);
  std::vector<float> q(size, 0.1f), out(size);
  const double seconds = bench::time_loop(state, [&] {
    target.call([&](auto kernels) {
      kernels.template attend<K>(q.data(), pages.data(), 0, positions, out.data());
    });
  });
  const std::size_t bytes = cache.size() * sizeof(Page);
  const double rate = static_cast<double>(bytes) / seconds;
  state.counters["bytes_per_second"] = rate;
  state.counters["roofline_pct"] =
      100 * rate /
      bench::read_bandwidth(one_thread(target), reinterpret_cast<const float*>(cache.data()),
                            bytes);
}

void rms_norm(benchmark::State& state, Target target, std::size_t n) {
  std::vector<float> x(n, 1.0f), gain(n, 1.0f), out(n);
  const double seconds = bench::time_loop(state, [&] {
    target.call(
        [&](auto kernels) { kernels.rms_norm(x.data(), gain.data(), 1e-5f, n, out.data()); });
  });
  state.counters["items_per_second"] = static_cast<double>(n) / seconds;
}

void swiglu(benchmark::State& state, Target target, std::size_t n) {
  std::vector<float> gate(n, 0.5f), up(n, 1.0f);
  const double seconds = bench::time_loop(state, [&] {
    target.call([&](auto kernels) { kernels.swiglu(gate.data(), up.data(), n); });
  });
  state.counters["items_per_second"] = static_cast<double>(n) / seconds;
}

template <class F>
void register_products(Target target) {
  const std::string format{F::name};
  for (const auto& [rows, cols] :
       {std::pair<std::size_t, std::size_t>{172, 64}, {768, 288}, {2048, 2048}, {11008, 4096}}) {
    const std::string size = std::to_string(rows) + "x" + std::to_string(cols);
    bench::add("MatVec", target, format + "/" + size,
               [=](benchmark::State& state) { matmul<F>(state, target, rows, cols, 1); });
    bench::add("MatMul", target, format + "/" + size + "/tokens:64",
               [=](benchmark::State& state) { matmul<F>(state, target, rows, cols, 64); });
  }
}

void register_all(Target target) {
  register_products<F32>(target);
  register_products<F16>(target);
  register_products<BF16>(target);
  register_products<Q8_0>(target);
  register_products<Q4_0>(target);
  for (const std::size_t positions : {64u, 1024u, 4096u}) {
    const std::string shape = "128x" + std::to_string(positions);
    bench::add("Attend", target, "F32/" + shape,
               [=](benchmark::State& state) { attend<F32>(state, target, positions); });
    bench::add("Attend", target, "F16/" + shape,
               [=](benchmark::State& state) { attend<F16>(state, target, positions); });
    bench::add("Attend", target, "Q8_0/" + shape,
               [=](benchmark::State& state) { attend<Q8_0>(state, target, positions); });
  }
  for (const std::size_t n : {64u, 4096u})
    bench::add("RmsNorm", target, std::to_string(n),
               [=](benchmark::State& state) { rms_norm(state, target, n); });
  bench::add("SwiGlu", target, "11008",
             [=](benchmark::State& state) { swiglu(state, target, 11008); });
}

}  // namespace

int main(int argc, char** argv) {
  for (const Target target : Target::all()) register_all(target);
  return bench::run(argc, argv);
}
