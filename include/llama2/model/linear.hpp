// Products of weights with activations and what lies between two of them, shared out to the
// threads.
#pragma once

#include <algorithm>
#include <cstddef>

#include "llama2/format/activation.hpp"
#include "llama2/kernels/target.hpp"
#include "llama2/model/tensor.hpp"
#include "llama2/model/workspace.hpp"
#include "llama2/parallel/executor.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Who computes, and with which kernels.
struct Compute {
  SharedExecutor executor;
  Target target;
};

/// Multiply-adds of floats, a millisecond's, after which work that may be cancelled looks whether
/// it is.
inline constexpr std::size_t uncancelled_work = std::size_t{1} << 24;

/// Calls body(begin, end) for ranges that cut [0, count) at multiples of `grain`, in parallel if
/// count * cost_each multiply-adds are worth it. The ranges are taken as threads become free.
template <class Body>
void parallel_ranges(const SharedExecutor& executor, std::size_t count, std::size_t grain,
                     std::size_t cost_each, Body&& body) noexcept {
  const std::size_t threads = executor.concurrency();
  const bool shared = threads > 1 && count * cost_each >= executor.min_parallel_work();
  // Four ranges a thread: a slow core leaves at most a quarter of its share to wait for.
  std::size_t size = shared ? ceil_div(count, 4 * threads) : count;
  if (executor.cancel().stop_possible())
    size = std::min(size, uncancelled_work / std::max<std::size_t>(1, cost_each));
  size = round_up(std::max<std::size_t>(1, size), grain);
  if (!shared && size >= count) {
    body(std::size_t{0}, count);
    return;
  }
  executor.run(ceil_div(count, size),
               [&](std::size_t i) noexcept { body(i * size, std::min(count, (i + 1) * size)); });
}

/// Calls body(kernels, i) with the target's `Kernels` for each i in [0, count), in parallel if
/// count * cost_each multiply-adds are worth it.
template <class Body>
void parallel_for(const Compute& compute, std::size_t count, std::size_t cost_each,
                  Body&& body) noexcept {
  parallel_ranges(compute.executor, count, 1, cost_each, [&](std::size_t begin, std::size_t end) {
    compute.target.call([&](auto kernels) {
      for (std::size_t i = begin; i < end; ++i) body(kernels, i);
    });
  });
}

/// The input of products: `tokens` rows, in every form that the weights' formats take.
struct LinearInput {
  const std::byte* floats;
  const std::byte* pairs;
  const std::byte* quads;

  [[nodiscard]] const std::byte* in(ActivationForm form) const noexcept {
    switch (form) {
      case ActivationForm::floats:
        return floats;
      case ActivationForm::pairs:
        return pairs;
      default:
        return quads;
    }
  }
};

/// Prepares x, (tokens, cols), for products with weights in format F, in memory for
/// `activation_rows(tokens)` rows in each form. For a single token x itself may serve.
///
/// `fill(kernels, t)`, at `fill_cost` multiply-adds a column, is to write row t of x first: what
/// comes between two products is done while a tile of rows is in the cache.
template <MatrixFormat F, class Fill>
LinearInput prepare(const Compute& compute, const float* x, std::size_t cols, std::size_t tokens,
                    const PreparedMemory& memory, std::size_t fill_cost, Fill&& fill) noexcept {
  const auto make = [&]<std::size_t T, class Kernels>(Kernels, std::size_t begin) {
    const std::size_t n = std::min(T, tokens - begin);
    const auto in = [&]<ActivationForm Form>(std::byte* out) {
      constexpr bool taken =
          with_formats_of<F>([]<class... Fs> { return ((activation_form<Fs> == Form) || ...); });
      if constexpr (taken && (T != 1 || Form != ActivationForm::floats))
        Kernels::template prepare<Form, T>(x + begin * cols, cols, n,
                                           out + begin * activation_bytes(Form, cols));
    };
    in.template operator()<ActivationForm::floats>(memory.floats);
    in.template operator()<ActivationForm::pairs>(memory.pairs);
    in.template operator()<ActivationForm::quads>(memory.quads);
  };
  LinearInput input{memory.floats, memory.pairs, memory.quads};
  if (tokens == 1) {
    input.floats = reinterpret_cast<const std::byte*>(x);
    compute.target.call([&](auto kernels) {
      fill(kernels, std::size_t{0});
      make.template operator()<1>(kernels, 0);
    });
    return input;
  }
  parallel_for(compute, ceil_div(tokens, tile_tokens), tile_tokens * cols * (1 + fill_cost),
               [&](auto kernels, std::size_t tile) {
                 const std::size_t begin = tile * tile_tokens;
                 for (std::size_t t = begin; t < std::min(tokens, begin + tile_tokens); ++t)
                   fill(kernels, t);
                 make.template operator()<tile_tokens>(kernels, begin);
               });
  return input;
}

/// Prepares x as it is.
template <MatrixFormat F>
LinearInput prepare(const Compute& compute, const float* x, std::size_t cols, std::size_t tokens,
                    const PreparedMemory& memory) noexcept {
  return prepare<F>(compute, x, cols, tokens, memory, 0, [](auto, std::size_t) {});
}

/// Writes RMSNorm(x) * gain to `out`, `tokens` rows of N elements, and prepares that.
template <MatrixFormat F, std::size_t N>
LinearInput prepare_norm(const Compute& compute, const VectorView<N>& gain, float epsilon,
                         const float* x, std::size_t tokens, float* out,
                         const PreparedMemory& memory) noexcept {
  return prepare<F>(compute, out, N, tokens, memory, 1, [&](auto kernels, std::size_t t) {
    kernels.rms_norm(x + t * N, gain.data, epsilon, N, out + t * N);
  });
}

namespace detail {

/// Stripe s of y = x W^T.
template <class Kernels, MatrixFormat F, std::size_t Rows, std::size_t Cols>
void multiply_stripe(Kernels, const MatrixView<F, Rows, Cols>& matrix, std::size_t s,
                     const LinearInput& x, std::size_t tokens, float* y) noexcept {
  visit_view(matrix, [&]<class View>(const View& w) {
    using Format = typename View::Format;
    constexpr PanelLayout layout = View::layout;
    Kernels::template matmul<Format>(w.data + layout.begin_of(s), layout.panels_of(s), layout.depth,
                                     layout.rows_of(s), x.in(activation_form<Format>), tokens,
                                     y + s * stripe_rows, Rows);
  });
}

}  // namespace detail

/// What a weight's product with a token costs, in multiply-adds of floats: shorter weights come
/// from memory and caches in less time (measured from the caches: 18 Gmac/s in F32, 31 in BF16, 48
/// in Q8_0, 75 in Q4_0).
template <MatrixFormat F>
inline constexpr double product_cost = with_formats_of<F>([]<class... Fs> {
  return std::max({(Fs::block_size == 1 ? sizeof(typename Fs::Block) / 4.0 : 0.25)...});
});

/// A matrix and where its product goes, (tokens, Rows) without gaps.
template <MatrixFormat F, std::size_t Rows, std::size_t Cols>
struct Product {
  static constexpr std::size_t stripes = ceil_div(Rows, stripe_rows);

  const MatrixView<F, Rows, Cols>& matrix;
  float* y;
};

/// The same for a stripe and `tokens` tokens.
template <MatrixFormat F, std::size_t Cols>
constexpr std::size_t stripe_cost(std::size_t tokens) noexcept {
  return static_cast<std::size_t>(product_cost<F> * stripe_rows * Cols) * tokens;
}

/// y = x W^T of several matrices for `tokens` rows of one input, which `prepare` gave: the threads
/// share all of them at once.
template <MatrixFormat F, std::size_t Cols, std::size_t... Rows>
void linear(const Compute& compute, const LinearInput& x, std::size_t tokens,
            const Product<F, Rows, Cols>&... products) noexcept {
  parallel_for(compute, (... + ceil_div(Rows, stripe_rows)), stripe_cost<F, Cols>(tokens),
               [&](auto kernels, std::size_t s) {
                 const auto take = [&](const auto& product) {
                   const bool here = s < product.stripes;
                   if (here)
                     detail::multiply_stripe(kernels, product.matrix, s, x, tokens, product.y);
                   else
                     s -= product.stripes;
                   return here;
                 };
                 (... || take(products));
               });
}

/// stream += x W^T for `tokens` rows of Rows elements; `y` is memory for the product.
template <MatrixFormat F, std::size_t Rows, std::size_t Cols>
void linear_residual(const Compute& compute, const MatrixView<F, Rows, Cols>& matrix,
                     const LinearInput& x, std::size_t tokens, float* y, float* stream) noexcept {
  parallel_for(compute, Product<F, Rows, Cols>::stripes, stripe_cost<F, Cols>(tokens),
               [&](auto kernels, std::size_t s) {
                 detail::multiply_stripe(kernels, matrix, s, x, tokens, y);
                 const std::size_t n = std::min(stripe_rows, Rows - s * stripe_rows);
                 for (std::size_t at = s * stripe_rows; at < tokens * Rows; at += Rows)
                   kernels.add_to(stream + at, y + at, n);
               });
}

/// gate = silu(x W1^T) * (x W3^T) for `tokens` rows; `up` is memory for the second product.
template <MatrixFormat F, std::size_t Rows, std::size_t Cols>
void linear_swiglu(const Compute& compute, const MatrixView<F, Rows, Cols>& w1,
                   const MatrixView<F, Rows, Cols>& w3, const LinearInput& x, std::size_t tokens,
                   float* gate, float* up) noexcept {
  parallel_for(compute, Product<F, Rows, Cols>::stripes, 2 * stripe_cost<F, Cols>(tokens),
               [&](auto kernels, std::size_t s) {
                 detail::multiply_stripe(kernels, w1, s, x, tokens, gate);
                 detail::multiply_stripe(kernels, w3, s, x, tokens, up);
                 const std::size_t n = std::min(stripe_rows, Rows - s * stripe_rows);
                 for (std::size_t at = s * stripe_rows; at < tokens * Rows; at += Rows)
                   kernels.swiglu(gate + at, up + at, n);
               });
}

}  // namespace llama2::inline LLAMA2_ABI
