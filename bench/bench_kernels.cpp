// The kernels by themselves, on every processor target that the program holds and this processor
// can run, and the limits that they are compared to.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "limits.hpp"
#include "llama2/base/aligned_buffer.hpp"
#include "llama2/base/random.hpp"
#include "llama2/format/float_formats.hpp"
#include "llama2/format/quantised.hpp"
#include "llama2/model/linear.hpp"
#include "llama2/shape/memory_plan.hpp"
#include "suite.hpp"

namespace {

using namespace llama2;
using bench::measure_memory;
using bench::set_rate;

void fill_randomly(float* x, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) x[i] = uniform_at(7, i);
}

/// What a kernel reads and writes, in one piece, so that one limit is that of reading all of it.
class Arrays {
 public:
  /// Arrays of so many bytes, zeroed.
  Arrays(std::initializer_list<std::size_t> sizes) {
    for (const std::size_t size : sizes) begins_.push_back(begins_.back() + round_up(size, 64));
    memory_ = AlignedBuffer<std::byte>(bytes());
    std::memset(memory_.data(), 0, bytes());  // gives it pages of its own
  }

  template <class T = float>
  [[nodiscard]] T* get(std::size_t i) noexcept {
    return reinterpret_cast<T*>(memory_.data() + begins_[i]);
  }
  [[nodiscard]] const void* data() const noexcept { return memory_.data(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return begins_.back(); }

 private:
  std::vector<std::size_t> begins_ = {0};
  AlignedBuffer<std::byte> memory_;
};

/// Bytes that are there for weights.
std::size_t weight_bytes() {
  static const std::size_t bytes = std::min(bench::beyond_caches(), bench::available_memory() / 2);
  return bytes;
}

/// Where all benchmarks have their weights: memory that has been used before is quicker to fill.
std::byte* weight_memory() {
  static AlignedBuffer<std::byte> memory(weight_bytes() + (std::size_t{1} << 21));
  return memory.data();
}

/// Equal matrices of weights, one after the other. There is one such set at a time.
template <class F>
class Matrices {
 public:
  Matrices(std::size_t rows, std::size_t cols, std::size_t count)
      : layout_(PanelLayout::of<F>(rows, cols)),
        cols_(cols),
        count_(count),
        data_(reinterpret_cast<PanelBlock<F>*>(weight_memory())) {
    fill(0);
    // Speed does not depend on the values: the first full stripe serves for the others.
    for (std::size_t s = 1; s < layout_.stripes(); ++s) {
      if (layout_.panels_of(s) == stripe_panels)
        std::memcpy(data_ + layout_.begin_of(s), data_,
                    stripe_panels * layout_.depth * sizeof *data_);
      else
        fill(s);
    }
    for (std::size_t i = 1; i < count; ++i)
      std::memcpy(data_ + i * layout_.blocks(), data_, layout_.blocks() * sizeof *data_);
  }

  [[nodiscard]] const PanelBlock<F>* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return count_ * layout_.blocks() * sizeof *data_;
  }
  static std::size_t bytes_of_one(std::size_t rows, std::size_t cols) noexcept {
    return PanelLayout::of<F>(rows, cols).blocks() * sizeof(PanelBlock<F>);
  }

  /// y = x W^T for `tokens` rows of prepared activations and each of the matrices. As
  /// `llama2::linear`, which has the extents in its type.
  void multiply(const Compute& compute, const std::byte* x, std::size_t tokens, float* y) const {
    for (std::size_t i = 0; i < count_; ++i)
      parallel_ranges(compute.executor, layout_.stripes(), 1, stripe_rows * cols_ * tokens,
                      [&](std::size_t begin, std::size_t end) {
                        compute.target.call([&]<class Kernels>(Kernels) {
                          for (std::size_t s = begin; s < end; ++s)
                            Kernels::template matmul<F>(
                                data_ + i * layout_.blocks() + layout_.begin_of(s),
                                layout_.panels_of(s), layout_.depth, layout_.rows_of(s), x, tokens,
                                y + s * stripe_rows, layout_.rows);
                        });
                      });
  }

 private:
  void fill(std::size_t stripe) {
    std::vector<float> row(cols_);
    std::vector<typename F::Block> blocks(row_blocks<F>(cols_));
    std::memset(static_cast<void*>(data_ + layout_.begin_of(stripe)), 0,
                layout_.panels_of(stripe) * layout_.depth * sizeof *data_);
    for (std::size_t r = stripe * stripe_rows; r < stripe * stripe_rows + layout_.rows_of(stripe);
         ++r) {
      for (std::size_t c = 0; c < cols_; ++c) row[c] = uniform_at(r, c);
      F::encode(row.data(), blocks.data(), cols_);
      put_row(data_, layout_, r, 0, blocks.size(), blocks.data());
    }
  }

  PanelLayout layout_;
  std::size_t cols_, count_;
  PanelBlock<F>* data_;
};

/// A layer's input and what it is made from.
template <class F>
struct Activations {
  Activations(std::size_t tokens_, std::size_t cols_)
      : tokens(tokens_),
        cols(cols_),
        arrays{tokens * cols * sizeof(float),
               activation_rows(tokens) * activation_bytes(activation_form<F>, cols)} {
    fill_randomly(arrays.get(0), tokens * cols);
  }

  /// In the one form that F takes.
  const std::byte* prepare(const Compute& compute) {
    auto* const out = arrays.get<std::byte>(1);
    return llama2::prepare<F>(compute, arrays.get(0), cols, tokens, {out, out, out})
        .in(activation_form<F>);
  }

  std::size_t tokens, cols;
  Arrays arrays;  ///< floats, and what they are prepared into
};

/// Products of matrices with one vector or a few, for which all weights are read once.
template <class F>
void mat_vec(benchmark::State& state, const Compute& compute, std::size_t rows, std::size_t cols,
             std::size_t count, std::size_t tokens = 1) {
  const Matrices<F> w(rows, cols, count);
  Activations<F> x(tokens, cols);
  const std::byte* const input = x.prepare(compute);
  AlignedBuffer<float> y(tokens * rows);
  const auto seconds = measure_memory(state, compute, w.data(), w.bytes(), w.bytes(),
                                      [&] { w.multiply(compute, input, tokens, y.data()); });
  set_rate(state, "items_per_second", static_cast<double>(rows * cols * count * tokens), seconds);
  set_rate(state, "tokens_per_second", static_cast<double>(count * tokens), seconds);
}

/// The product of a matrix with many vectors, their preparation included.
template <class F>
void mat_mul(benchmark::State& state, const Compute& compute, std::size_t rows, std::size_t cols,
             std::size_t tokens) {
  const Matrices<F> w(rows, cols, 1);
  Activations<F> x(tokens, cols);
  AlignedBuffer<float> y(tokens * rows);
  const auto macs = static_cast<double>(rows * cols * tokens);
  const auto seconds =
      bench::measure(state, macs, bench::product_limit(compute, bench::product_of<F>),
                     [&] { w.multiply(compute, x.prepare(compute), tokens, y.data()); });
  set_rate(state, "items_per_second", macs, seconds);
  set_rate(state, "bytes_per_second", static_cast<double>(w.bytes()), seconds);
  set_rate(state, "tokens_per_second", static_cast<double>(tokens), seconds);
}

/// Activations on their way into a product with weights in format F.
template <class F>
void prepare_activations(benchmark::State& state, const Compute& compute, std::size_t tokens,
                         std::size_t cols) {
  Activations<F> x(tokens, cols);
  const auto seconds = measure_memory(state, compute, x.arrays.data(), x.arrays.bytes(),
                                      x.arrays.bytes(), [&] { x.prepare(compute); });
  set_rate(state, "items_per_second", static_cast<double>(tokens * cols), seconds);
}

/// Weights on their way into format F.
template <class F>
void quantise_weights(benchmark::State& state, const Compute& compute, std::size_t n) {
  using Block = typename F::Block;
  const std::size_t floats = n * sizeof(float), blocks = row_blocks<F>(n) * sizeof(Block);
  Arrays arrays{floats, blocks};
  float* const x = arrays.get(0);
  auto* const out = arrays.get<Block>(1);
  fill_randomly(x, n);
  const auto seconds =
      measure_memory(state, compute, arrays.data(), arrays.bytes(), floats + blocks, [&] {
        compute.target.call(
            [&]<class Kernels>(Kernels) { Kernels::template encode<F>(x, out, n); });
      });
  set_rate(state, "items_per_second", static_cast<double>(n), seconds);
}

/// Attention of a key/value head over a cache in format K, the softmax included.
template <class K, std::size_t HeadDim>
struct Attention {
  using Page = KvHead<K, HeadDim, kv_page_positions>;

  Attention(std::size_t positions, std::size_t queries)
      : cache(ceil_div(positions, kv_page_positions)),
        q(queries * HeadDim),
        out(queries * HeadDim) {
    std::memset(static_cast<void*>(cache.data()), 0, bytes());  // gives it pages of its own
    for (std::size_t p = 0; p < cache.size(); ++p) pages.push_back(cache.data() + p);
    fill_randomly(q.data(), q.size());
  }

  [[nodiscard]] std::size_t bytes() const { return cache.size() * sizeof(Page); }

  void run(const Compute& compute, std::size_t count, std::size_t tokens, std::size_t heads) {
    compute.target.call([&](auto kernels) {
      kernels.template attend<K>(q.data(), pages.data(), 0, count, tokens, heads, heads * HeadDim,
                                 out.data());
    });
  }

  AlignedBuffer<Page> cache;
  AlignedBuffer<float> q, out;
  std::vector<const Page*> pages;
};

/// One query, as when a token is produced.
template <class K, std::size_t HeadDim>
void attend(benchmark::State& state, const Compute& compute, std::size_t positions) {
  Attention<K, HeadDim> attention(positions, 1);
  const std::size_t bytes = attention.bytes();
  const auto seconds = measure_memory(state, compute, attention.cache.data(), bytes, bytes,
                                      [&] { attention.run(compute, positions, 1, 1); });
  set_rate(state, "items_per_second", static_cast<double>(positions), seconds);
}

/// The last tokens of a prompt.
template <class K, std::size_t HeadDim>
void attend_prompt(benchmark::State& state, const Compute& compute, std::size_t positions,
                   std::size_t tokens, std::size_t heads) {
  Attention<K, HeadDim> attention(positions, tokens * heads);
  const std::size_t first = positions - tokens + 1;  // that the first token sees
  const double seen =
      static_cast<double>(tokens * heads) * static_cast<double>(first + positions) / 2;
  const double macs = 2 * static_cast<double>(HeadDim) * seen;
  const auto seconds =
      bench::measure(state, macs, bench::product_limit(compute, &bench::LimitLoops::floats),
                     [&] { attention.run(compute, first, tokens, heads); });
  set_rate(state, "items_per_second", macs, seconds);
}

void rms_norm_row(benchmark::State& state, const Compute& compute, std::size_t n) {
  const std::size_t bytes = n * sizeof(float);
  Arrays arrays{bytes, bytes, bytes};
  float *const x = arrays.get(0), *const gain = arrays.get(1), *const out = arrays.get(2);
  fill_randomly(x, n);
  fill_randomly(gain, n);
  const auto seconds =
      measure_memory(state, compute, arrays.data(), arrays.bytes(), 3 * bytes, [&] {
        compute.target.call([&](auto kernels) { kernels.rms_norm(x, gain, 1e-5f, n, out); });
      });
  set_rate(state, "items_per_second", static_cast<double>(n), seconds);
}

void swiglu(benchmark::State& state, const Compute& compute, std::size_t n) {
  const std::size_t bytes = n * sizeof(float);
  Arrays arrays{bytes, bytes};
  float* const gate = arrays.get(0);
  const float* const up = arrays.get(1);  // zeros: the gate soon is, too; no value is subnormal
  fill_randomly(gate, n);
  const auto seconds = measure_memory(
      state, compute, arrays.data(), arrays.bytes(), 3 * bytes,
      [&] { compute.target.call([&](auto kernels) { kernels.swiglu(gate, up, n); }); });
  set_rate(state, "items_per_second", static_cast<double>(n), seconds);
}

template <std::size_t HeadDim>
void rope(benchmark::State& state, const Compute& compute) {
  constexpr std::size_t heads = 32;
  constexpr std::size_t n = heads * HeadDim, bytes = n * sizeof(float), row = bytes / heads;
  Arrays arrays{bytes, row, row};
  float *const x = arrays.get(0), *const cosines = arrays.get(1), *const sines = arrays.get(2);
  fill_randomly(x, n);
  for (std::size_t i = 0; i < HeadDim; ++i) {
    cosines[i] = std::cos(static_cast<float>(i / 2));
    sines[i] = std::sin(static_cast<float>(i / 2)) * (i % 2 == 0 ? -1.0f : 1.0f);
  }
  const auto seconds =
      measure_memory(state, compute, arrays.data(), arrays.bytes(), 2 * (bytes + row), [&] {
        compute.target.call(
            [&](auto kernels) { kernels.template rotate<HeadDim>(x, cosines, sines, heads); });
      });
  set_rate(state, "items_per_second", static_cast<double>(n), seconds);
}

/// The limits by themselves.
void register_limits(Target target, std::size_t threads) {
  // Half of a cache, so that what else runs leaves it there; memory far beyond the last cache.
  for (const auto& [level, bytes] :
       {std::pair<const char*, std::size_t>{"L2", threads * bench::cache_bytes(2) / 2},
        {"L3", bench::cache_bytes(3) / 2},
        {"memory", 4 * bench::cache_bytes(3)}})
    bench::add_kernel(
        "Read", target, level, threads, [=](benchmark::State& state, const Compute& compute) {
          const std::size_t most = std::min(bytes, weight_bytes());
          std::memset(weight_memory(), 1, most);
          state.counters["bytes_per_second"] =
              bench::measure_limit(state, bench::read_limit(compute, weight_memory(), most));
        });
  using bench::LimitLoops;
  for (const auto& [name, loop] : {std::pair("float", &LimitLoops::floats),
                                   {"pairs", &LimitLoops::pairs},
                                   {"8bit", &LimitLoops::bytes},
                                   {"4bit", &LimitLoops::nibbles}})
    bench::add_kernel("Product", target, name, threads,
                      [=](benchmark::State& state, const Compute& compute) {
                        state.counters["items_per_second"] =
                            bench::measure_limit(state, bench::product_limit(compute, loop));
                      });
}

template <class F>
void register_products(Target target, std::size_t threads) {
  const std::string format = std::string(F::name) + "/";
  // Small ones, then the layers of TinyLlama_1_1B and Llama2_7B.
  for (const auto& [rows, cols] : {std::pair<std::size_t, std::size_t>{64, 64},
                                   {172, 64},
                                   {768, 288},
                                   {256, 2048},
                                   {2048, 2048},
                                   {5632, 2048},
                                   {2048, 5632},
                                   {4096, 4096},
                                   {11008, 4096},
                                   {4096, 11008}}) {
    const std::string name = format + bench::extents(rows, cols);
    bench::add_kernel("MatVec", target, name, threads,
                      [=](benchmark::State& state, const Compute& compute) {
                        mat_vec<F>(state, compute, rows, cols, 1);
                      });
    bench::add_kernel("MatMul", target, name + "/tokens:512", threads,
                      [=](benchmark::State& state, const Compute& compute) {
                        mat_mul<F>(state, compute, rows, cols, 512);
                      });
  }
}

/// Products over far more weights than caches hold: the layers of a model.
template <class F>
void register_large_product(Target target, std::size_t threads) {
  constexpr std::size_t rows = 11008, cols = 4096;  // of Llama2_7B
  const std::string name = std::string(F::name) + "/" + bench::extents(rows, cols) + "/1GiB";
  const auto add = [&](const char* what, const std::string& rest, std::size_t tokens) {
    bench::add_kernel(
        what, target, name + rest, threads, [=](benchmark::State& state, const Compute& compute) {
          const std::size_t one = Matrices<F>::bytes_of_one(rows, cols);
          const std::size_t all = std::min(std::size_t{1} << 30, weight_bytes());
          mat_vec<F>(state, compute, rows, cols, std::max<std::size_t>(1, all / one), tokens);
        });
  };
  add("MatVec", "", 1);
  for (const std::size_t tokens : {2u, 4u, 16u})
    add("MatVecs", "/tokens:" + std::to_string(tokens), tokens);
}

/// What one thread does between the products. (There is no kernel of softmax: `attend` holds it.)
void register_others(Target target) {
  const auto add = [&](const char* what, const std::string& rest, auto f) {
    bench::add_kernel(what, target, rest, 1, f);
  };
  using benchmark::State;
  for (const std::size_t cols : {64u, 2048u, 4096u, 11008u}) {
    const std::string name = bench::extents(6, cols);
    add("Prepare", "floats/" + name, [=](State& state, const Compute& compute) {
      prepare_activations<F32>(state, compute, 6, cols);
    });
    add("Prepare", "pairs/" + name, [=](State& state, const Compute& compute) {
      prepare_activations<BF16>(state, compute, 6, cols);
    });
    add("Prepare", "quads/" + name, [=](State& state, const Compute& compute) {
      prepare_activations<Q8_0>(state, compute, 6, cols);
    });
    const std::string n = std::to_string(cols);
    add("Quantise", "Q8_0/" + n, [=](State& state, const Compute& compute) {
      quantise_weights<Q8_0>(state, compute, cols);
    });
    add("Quantise", "Q4_0/" + n, [=](State& state, const Compute& compute) {
      quantise_weights<Q4_0>(state, compute, cols);
    });
    add("RmsNorm", n,
        [=](State& state, const Compute& compute) { rms_norm_row(state, compute, cols); });
    add("SwiGlu", n, [=](State& state, const Compute& compute) { swiglu(state, compute, cols); });
  }
  add("Rope", "32x64", rope<64>);
  add("Rope", "32x128", rope<128>);
  const auto add_attention = [&]<class K, std::size_t HeadDim>(
                                 K, std::integral_constant<std::size_t, HeadDim>) {
    for (const std::size_t positions : {64u, 1024u, 4096u}) {
      const std::string name = std::string(K::name) + "/" + bench::extents(positions, HeadDim);
      add("Attend", name, [=](State& state, const Compute& compute) {
        attend<K, HeadDim>(state, compute, positions);
      });
      for (const auto& [tokens, heads] :
           {std::pair<std::size_t, std::size_t>{48, 1}, {6, 8}, {1, 8}})
        add("AttendPrompt", name + "/" + bench::extents(tokens, heads),
            [=](State& state, const Compute& compute) {
              attend_prompt<K, HeadDim>(state, compute, positions, tokens, heads);
            });
    }
  };
  const auto add_cache = [&](auto format) {
    add_attention(format, std::integral_constant<std::size_t, 64>());
    add_attention(format, std::integral_constant<std::size_t, 128>());
  };
  add_cache(F32());
  add_cache(F16());
  add_cache(Q8_0());
}

template <class... Fs>
void register_formats(Target target, std::size_t threads) {
  (..., register_products<Fs>(target, threads));
  (..., register_large_product<Fs>(target, threads));
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run(argc, argv, [](const std::string&) {
    for (const Target target : Target::all()) {
      for (const std::size_t threads : bench::thread_counts()) {
        register_limits(target, threads);
        register_formats<F32, F16, BF16, Q8_0, Q4_0>(target, threads);
      }
      register_others(target);
    }
  });
}
