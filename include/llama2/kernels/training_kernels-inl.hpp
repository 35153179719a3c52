// All kernels of training for one processor target, as static members of one type.

#include "llama2/simd/toggle-inl.hpp"

#if defined(LLAMA2_KERNELS_TRAINING_KERNELS_INL_HPP_) == defined(LLAMA2_TARGET_TOGGLE)
#ifdef LLAMA2_KERNELS_TRAINING_KERNELS_INL_HPP_
#undef LLAMA2_KERNELS_TRAINING_KERNELS_INL_HPP_
#else
#define LLAMA2_KERNELS_TRAINING_KERNELS_INL_HPP_
#endif

#include <cstddef>
#include <utility>

#include "llama2/base/token.hpp"
#include "llama2/format/panel.hpp"
#include "llama2/kernels/attention_backward-inl.hpp"
#include "llama2/kernels/backward-inl.hpp"
#include "llama2/kernels/cross_entropy-inl.hpp"
#include "llama2/kernels/kernels-inl.hpp"
#include "llama2/kernels/row_product-inl.hpp"

LLAMA2_TARGET_BEGIN;
namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE {

/// Inference's kernels and those of the backward pass, which backward_reference.hpp describes.
///
/// Some take scratch memory, any floats, of which a thread needs one piece of the largest size
/// that the functions ending in `_scratch` give.
struct TrainingKernels : Kernels {
  static void embedding_backward(const Token* tokens, std::size_t count, std::size_t dim,
                                 const float* dy, float* dtable) noexcept {
    LLAMA2_TARGET_NAMESPACE::embedding_backward(tokens, count, dim, dy, dtable);
  }

  /// Floats that the next two need.
  static constexpr std::size_t linear_backward_scratch = row_product::scratch_size;
  static void linear_backward_input(const float* dy, const float* w, std::size_t rows,
                                    std::size_t cols, std::size_t tokens, bool add, float* dx,
                                    float* scratch) noexcept {
    LLAMA2_TARGET_NAMESPACE::linear_backward_input(dy, w, rows, cols, tokens, add, dx, scratch);
  }
  static void linear_backward_weights(const float* dy, std::size_t dy_stride, const float* x,
                                      std::size_t rows, std::size_t cols, std::size_t tokens,
                                      float* dw, float* scratch) noexcept {
    LLAMA2_TARGET_NAMESPACE::linear_backward_weights(dy, dy_stride, x, rows, cols, tokens, dw,
                                                     scratch);
  }

  static void rms_norm_backward(const float* x, const float* gain, float epsilon, const float* dy,
                                std::size_t n, std::size_t tokens, float* dx,
                                float* dgain) noexcept {
    LLAMA2_TARGET_NAMESPACE::rms_norm_backward(x, gain, epsilon, dy, n, tokens, dx, dgain);
  }
  static void rotate_backward(float* dx, const float* cosines, const float* sines,
                              std::size_t heads, std::size_t head_dim) noexcept {
    LLAMA2_TARGET_NAMESPACE::rotate_backward(dx, cosines, sines, heads, head_dim);
  }

  /// Floats for `attention_backward` of as many tokens.
  static constexpr std::size_t attention_backward_scratch(std::size_t tokens,
                                                          std::size_t head_dim) noexcept {
    return LLAMA2_TARGET_NAMESPACE::attention_backward_scratch(tokens, head_dim);
  }
  static void attention_backward(const float* q, const float* k, const float* v, const float* out,
                                 const float* dout, std::size_t tokens, std::size_t group,
                                 std::size_t head_dim, std::size_t stride, std::size_t kv_stride,
                                 float* dq, float* dk, float* dv, float* scratch) noexcept {
    LLAMA2_TARGET_NAMESPACE::attention_backward(q, k, v, out, dout, tokens, group, head_dim, stride,
                                                kv_stride, dq, dk, dv, scratch);
  }

  static void swiglu_backward(float* gate, float* up, float* dy, std::size_t n) noexcept {
    LLAMA2_TARGET_NAMESPACE::swiglu_backward(gate, up, dy, n);
  }
  static void softmax_backward(float* logits, std::size_t vocab, Token target,
                               float weight) noexcept {
    LLAMA2_TARGET_NAMESPACE::softmax_backward(logits, vocab, target, weight);
  }

  /// Floats for `cross_entropy`.
  static constexpr std::size_t cross_entropy_scratch(std::size_t dim, std::size_t vocab) noexcept {
    return LLAMA2_TARGET_NAMESPACE::cross_entropy_scratch(dim, vocab);
  }
  /// `panels` is the head as products take it, (vocab, dim): the logits that `weigh` is shown have
  /// the very bits of a forward pass.
  template <class Weigh>
  static void cross_entropy(const float* hidden, const float* head, const PanelBlock<F32>* panels,
                            std::size_t tokens, std::size_t dim, std::size_t vocab,
                            const Token* targets, Weigh&& weigh, float* dhidden, float* dhead,
                            float* scratch) {
    LLAMA2_TARGET_NAMESPACE::cross_entropy(hidden, head, panels, tokens, dim, vocab, targets,
                                           std::forward<Weigh>(weigh), dhidden, dhead, scratch);
  }
};

}  // namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE
LLAMA2_TARGET_END;

#endif  // toggle guard
