// Layers that work on every row by itself, shared out to the threads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <type_traits>

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

/// Multiply-adds below which a second thread costs more than it brings: a few microseconds' work.
inline constexpr std::size_t parallel_threshold = std::size_t{1} << 16;

/// Calls body(begin, end) for ranges that cut [0, count) at multiples of `grain`, in parallel if
/// count * cost_each multiply-adds are worth it. The ranges are taken as threads become free.
template <class Body>
void parallel_ranges(const SharedExecutor& executor, std::size_t count, std::size_t grain,
                     std::size_t cost_each, Body&& body) noexcept {
  const std::size_t threads = executor.concurrency();
  if (threads <= 1 || count * cost_each < parallel_threshold) {
    body(std::size_t{0}, count);
    return;
  }
  // Four ranges a thread: a slow core leaves at most a quarter of its share to wait for.
  const std::size_t size = round_up(ceil_div(count, 4 * threads), grain);
  executor.run(ceil_div(count, size),
               [&](std::size_t i) noexcept { body(i * size, std::min(count, (i + 1) * size)); });
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
template <MatrixFormat F>
LinearInput prepare(const Compute& compute, const float* x, std::size_t cols, std::size_t tokens,
                    const PreparedMemory& memory) noexcept {
  const auto takes = [](ActivationForm form) {
    return with_formats_of<F>([&]<class... Fs> { return ((activation_form<Fs> == form) || ...); });
  };
  const auto make = [&]<ActivationForm Form>(std::byte* out) {
    if (!takes(Form)) return;
    if (tokens == 1) {
      compute.target.call(
          [&]<class Kernels>(Kernels) { Kernels::template prepare<Form, 1>(x, cols, 1, out); });
      return;
    }
    parallel_ranges(compute.executor, ceil_div(tokens, tile_tokens), 1, tile_tokens * cols,
                    [&](std::size_t begin, std::size_t end) {
                      compute.target.call([&]<class Kernels>(Kernels) {
                        for (std::size_t t = begin * tile_tokens;
                             t < std::min(tokens, end * tile_tokens); t += tile_tokens)
                          Kernels::template prepare<Form, tile_tokens>(
                              x + t * cols, cols, std::min(tile_tokens, tokens - t),
                              out + t * activation_bytes(Form, cols));
                      });
                    });
  };
  LinearInput input{memory.floats, memory.pairs, memory.quads};
  if (tokens == 1)
    input.floats = reinterpret_cast<const std::byte*>(x);
  else
    make.template operator()<ActivationForm::floats>(memory.floats);
  make.template operator()<ActivationForm::pairs>(memory.pairs);
  make.template operator()<ActivationForm::quads>(memory.quads);
  return input;
}

/// y = x W^T for `tokens` rows: x is what `prepare` gave for (tokens, Cols), y is (tokens, Rows)
/// without gaps.
template <MatrixFormat F, std::size_t Rows, std::size_t Cols>
void linear(const Compute& compute, const MatrixView<F, Rows, Cols>& matrix, const LinearInput& x,
            std::size_t tokens, float* y) noexcept {
  visit_view(matrix, [&]<class View>(const View& w) {
    using Format = typename View::Format;
    const std::byte* const input = x.in(activation_form<Format>);
    constexpr PanelLayout layout = View::layout;
    parallel_ranges(compute.executor, layout.stripes(), 1, stripe_rows * Cols * tokens,
                    [&](std::size_t begin, std::size_t end) {
                      compute.target.call([&]<class Kernels>(Kernels) {
                        for (std::size_t s = begin; s < end; ++s)
                          Kernels::template matmul<Format>(
                              w.data + layout.begin_of(s), layout.panels_of(s), layout.depth,
                              layout.rows_of(s), input, tokens, y + s * stripe_rows, Rows);
                      });
                    });
  });
}

/// out = RMSNorm(x) * gain for `tokens` rows of N elements.
template <std::size_t N>
void rms_norm(const Compute& compute, const VectorView<N>& gain, float epsilon, const float* x,
              std::size_t tokens, float* out) noexcept {
  parallel_ranges(compute.executor, tokens, 1, N, [&](std::size_t begin, std::size_t end) {
    compute.target.call([&](auto kernels) {
      for (std::size_t t = begin; t < end; ++t)
        kernels.rms_norm(x + t * N, gain.data, epsilon, N, out + t * N);
    });
  });
}

/// x += y, n elements: what a layer adds to the residual stream.
inline void add_to(const Compute& compute, float* x, const float* y, std::size_t n) noexcept {
  compute.target.call([&](auto kernels) { kernels.add_to(x, y, n); });
}

}  // namespace llama2::inline LLAMA2_ABI
