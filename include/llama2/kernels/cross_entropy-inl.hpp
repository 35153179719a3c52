// The loss's end of a model: logits, their softmax's gradient, and what flows back, a few tokens at
// a time.

#if defined(LLAMA2_KERNELS_CROSS_ENTROPY_INL_HPP_) == defined(LLAMA2_TARGET_TOGGLE)
#ifdef LLAMA2_KERNELS_CROSS_ENTROPY_INL_HPP_
#undef LLAMA2_KERNELS_CROSS_ENTROPY_INL_HPP_
#else
#define LLAMA2_KERNELS_CROSS_ENTROPY_INL_HPP_
#endif

#include <algorithm>
#include <cstddef>

#include "llama2/base/token.hpp"
#include "llama2/format/float_formats.hpp"
#include "llama2/format/panel.hpp"
#include "llama2/kernels/backward-inl.hpp"
#include "llama2/kernels/matmul-inl.hpp"
#include "llama2/kernels/row_product-inl.hpp"

LLAMA2_TARGET_BEGIN;
namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE {
namespace detail {

/// Tokens whose logits are held: many, since each block of them adds to the whole gradient of the
/// head, which is memory's work.
inline constexpr std::size_t cross_entropy_tokens = 21 * tile_tokens;

}  // namespace detail

/// Floats of memory that `cross_entropy` needs.
constexpr std::size_t cross_entropy_scratch(std::size_t dim, std::size_t vocab) noexcept {
  return detail::cross_entropy_tokens * (round_up(dim, 2) + vocab) + row_product::scratch_size;
}

/// See `reference::cross_entropy`. `panels` is the head as products take it, (vocab, dim): the
/// logits that `weigh` is shown have the bits of a forward pass. scratch holds as many floats as
/// the function above says.
template <class Weigh>
void cross_entropy(const float* hidden, const float* head, const PanelBlock<F32>* panels,
                   std::size_t tokens, std::size_t dim, std::size_t vocab, const Token* targets,
                   Weigh&& weigh, float* dhidden, float* dhead, float* scratch) {
  const PanelLayout layout = PanelLayout::of<F32>(vocab, dim);
  float* const prepared = scratch;
  float* const logits = prepared + detail::cross_entropy_tokens * round_up(dim, 2);
  float* const more = logits + detail::cross_entropy_tokens * vocab;
  for (std::size_t first = 0; first < tokens; first += detail::cross_entropy_tokens) {
    const std::size_t count = std::min(detail::cross_entropy_tokens, tokens - first);
    const float* const x = hidden + first * dim;
    auto* const input = reinterpret_cast<std::byte*>(prepared);
    if (count == 1)
      prepare<ActivationForm::floats, 1>(x, dim, 1, input);
    else
      for (std::size_t t = 0; t < count; t += tile_tokens)
        prepare<ActivationForm::floats, tile_tokens>(
            x + t * dim, dim, std::min(tile_tokens, count - t),
            input + t * activation_bytes(ActivationForm::floats, dim));
    for (std::size_t s = 0; s < layout.stripes(); ++s)
      matmul<F32>(panels + layout.begin_of(s), layout.panels_of(s), layout.depth, layout.rows_of(s),
                  input, count, logits + s * stripe_rows, vocab);
    for (std::size_t t = 0; t < count; ++t) {
      float* const row = logits + t * vocab;
      const auto weight = static_cast<float>(weigh(first + t, static_cast<const float*>(row)));
      softmax_backward(row, vocab, targets[first + t], weight);
    }
    linear_backward_input(logits, head, vocab, dim, count, false, dhidden + first * dim, more);
    linear_backward_weights(logits, vocab, x, vocab, dim, count, dhead, more);
  }
}

}  // namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE
LLAMA2_TARGET_END;

#endif  // toggle guard
