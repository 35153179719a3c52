// The backward kernels by themselves, and whole steps, beside what the processor multiplies at
// most.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "limits.hpp"
#include "llama2/base/aligned_buffer.hpp"
#include "llama2/base/random.hpp"
#include "llama2/format/panel.hpp"
#include "llama2/kernels/training_kernels.hpp"
#include "suite.hpp"
#include "training_steps.hpp"

namespace {

using namespace llama2;
using bench::extents;
using benchmark::State;

/// n floats in [-1, 1).
AlignedBuffer<float> random_floats(std::size_t n) {
  AlignedBuffer<float> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = uniform_at(7, i);
  return values;
}

/// Measures f, which does so many multiply-adds, beside multiply-adds on registers.
template <class F>
void measure_products(State& state, const Compute& compute, double macs, F&& f) {
  const auto limit = bench::product_limit(compute, &bench::LimitLoops::floats);
  bench::set_rate(state, "items_per_second", macs, bench::measure(state, macs, limit, f));
}

/// Measures f, which takes n elements, beside nothing: exponentials and divisions are its work.
template <class F>
void measure_elements(State& state, std::size_t n, F&& f) {
  bench::set_rate(state, "items_per_second", static_cast<double>(n), bench::measure(state, f));
}

void linear_input(State& state, const Compute& compute, std::size_t rows, std::size_t cols,
                  std::size_t tokens) {
  const auto dy = random_floats(tokens * rows), w = random_floats(rows * cols);
  AlignedBuffer<float> dx(tokens * cols), scratch(TrainingKernels::linear_backward_scratch);
  measure_products(state, compute, static_cast<double>(rows * cols * tokens), [&] {
    TrainingKernels::linear_backward_input(dy.data(), w.data(), rows, cols, tokens, false,
                                           dx.data(), scratch.data());
  });
}

void linear_weights(State& state, const Compute& compute, std::size_t rows, std::size_t cols,
                    std::size_t tokens) {
  auto dy = random_floats(tokens * rows);
  for (float& value : dy) value *= 1e-6f;  // thousands of calls add to the same gradient
  const auto x = random_floats(tokens * cols);
  AlignedBuffer<float> dw(rows * cols), scratch(TrainingKernels::linear_backward_scratch);
  measure_products(state, compute, static_cast<double>(rows * cols * tokens), [&] {
    TrainingKernels::linear_backward_weights(dy.data(), rows, x.data(), rows, cols, tokens,
                                             dw.data(), scratch.data());
  });
}

/// One key/value head and its `group` query heads; five products for each pair of a query and a key
/// that it sees.
void attention(State& state, const Compute& compute, std::size_t tokens, std::size_t size,
               std::size_t group) {
  const std::size_t stride = group * size;
  const auto q = random_floats(tokens * stride), k = random_floats(tokens * size);
  const auto v = random_floats(tokens * size), out = random_floats(tokens * stride);
  const auto dout = random_floats(tokens * stride);
  AlignedBuffer<float> dq(tokens * stride), dk(tokens * size), dv(tokens * size);
  AlignedBuffer<float> scratch(TrainingKernels::attention_backward_scratch(tokens, size));
  const double pairs = static_cast<double>(tokens * (tokens + 1)) / 2;
  measure_products(state, compute, 5 * pairs * static_cast<double>(stride), [&] {
    TrainingKernels::attention_backward(q.data(), k.data(), v.data(), out.data(), dout.data(),
                                        tokens, group, size, stride, size, dq.data(), dk.data(),
                                        dv.data(), scratch.data());
  });
}

/// Logits, their softmax, and both gradients: three products.
void cross_entropy(State& state, const Compute& compute, std::size_t vocab, std::size_t dim,
                   std::size_t tokens) {
  const auto hidden = random_floats(tokens * dim), head = random_floats(vocab * dim);
  const PanelLayout layout = PanelLayout::of<F32>(vocab, dim);
  AlignedBuffer<PanelBlock<F32>> panels(layout.blocks());
  for (std::size_t r = 0; r < vocab; ++r)
    put_row<F32>(panels.data(), layout, r, 0, dim, head.data() + r * dim);
  std::vector<Token> targets;
  for (std::size_t t = 0; t < tokens; ++t) targets.push_back(static_cast<Token>(t % vocab));
  AlignedBuffer<float> dhidden(tokens * dim), dhead(vocab * dim);
  AlignedBuffer<float> scratch(TrainingKernels::cross_entropy_scratch(dim, vocab));
  measure_products(state, compute, 3 * static_cast<double>(vocab * dim * tokens), [&] {
    TrainingKernels::cross_entropy(
        hidden.data(), head.data(), panels.data(), tokens, dim, vocab, targets.data(),
        [](std::size_t, const float*) { return 1e-6f; }, dhidden.data(), dhead.data(),
        scratch.data());
  });
}

void rms_norm(State& state, std::size_t n, std::size_t tokens) {
  const auto x = random_floats(tokens * n), gain = random_floats(n);
  AlignedBuffer<float> dy(tokens * n), dx(tokens * n), dgain(n);  // zeros: the sums stay
  measure_elements(state, tokens * n, [&] {
    TrainingKernels::rms_norm_backward(x.data(), gain.data(), 1e-5f, dy.data(), n, tokens,
                                       dx.data(), dgain.data());
  });
}

void swiglu(State& state, std::size_t n) {
  auto gate = random_floats(n), up = random_floats(n);
  AlignedBuffer<float> dy(n);  // zeros, as are then the gradients: no value is subnormal
  measure_elements(state, n,
                   [&] { TrainingKernels::swiglu_backward(gate.data(), up.data(), dy.data(), n); });
}

void register_all(Target target) {
  const auto add = [&](const std::string& what, const std::string& rest, auto f) {
    bench::add_kernel("Backward" + what, target, rest, 1, f);
  };
  // The layers of a tiny model, then of larger ones, and a head.
  struct Product {
    std::size_t rows, cols, tokens;
  };
  for (const auto& [rows, cols, tokens] : {Product{64, 64, 512},
                                           {32, 64, 512},
                                           {172, 64, 512},
                                           {64, 172, 512},
                                           {768, 288, 512},
                                           {512, 512, 512},
                                           {1408, 512, 512},
                                           {512, 1408, 512},
                                           {2048, 2048, 512}}) {
    const std::string name = extents(rows, cols) + "/tokens:" + std::to_string(tokens);
    add("LinearInput", name, [=](State& state, const Compute& compute) {
      linear_input(state, compute, rows, cols, tokens);
    });
    add("LinearWeights", name, [=](State& state, const Compute& compute) {
      linear_weights(state, compute, rows, cols, tokens);
    });
  }
  for (const std::size_t size : {8u, 48u, 64u, 128u})
    for (const std::size_t tokens : {128u, 512u, 2048u})
      add("Attention", extents(tokens, size) + "/group:2",
          [=](State& state, const Compute& compute) {
            attention(state, compute, tokens, size, 2);
          });
  for (const auto& [vocab, dim, tokens] :
       {Product{512, 64, 512}, {4096, 256, 512}, {32000, 512, 256}})
    add("CrossEntropy", extents(vocab, dim) + "/tokens:" + std::to_string(tokens),
        [=](State& state, const Compute& compute) {
          cross_entropy(state, compute, vocab, dim, tokens);
        });
  for (const std::size_t n : {64u, 512u})
    add("RmsNorm", extents(512, n), [=](State& state, const Compute&) { rms_norm(state, n, 512); });
  for (const std::size_t n : {172u, 1408u})
    add("SwiGlu", extents(512, n), [=](State& state, const Compute&) { swiglu(state, 512 * n); });
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run(argc, argv, [](const std::string&) {
    register_all(Target());
    bench::register_training_steps(Target());
  });
}
