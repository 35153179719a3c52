// All kernels of one processor target, as static members of one type.

#include "llama2/simd/toggle-inl.hpp"

#if defined(LLAMA2_KERNELS_KERNELS_INL_HPP_) == defined(LLAMA2_TARGET_TOGGLE)
#ifdef LLAMA2_KERNELS_KERNELS_INL_HPP_
#undef LLAMA2_KERNELS_KERNELS_INL_HPP_
#else
#define LLAMA2_KERNELS_KERNELS_INL_HPP_
#endif

#include <array>
#include <cstddef>
#include <string_view>

#include "llama2/kernels/attention-inl.hpp"
#include "llama2/kernels/codec-inl.hpp"
#include "llama2/kernels/elementwise-inl.hpp"
#include "llama2/kernels/matmul-inl.hpp"
#include "llama2/kernels/prepare-inl.hpp"
#include "llama2/kernels/sampling-inl.hpp"

LLAMA2_TARGET_BEGIN;
namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE {

/// What `Target` chooses among. Each member is the function of its name in this namespace.
struct Kernels {
  static constexpr std::string_view name = simd::target_name;

  template <WeightFormat F>
  static void matmul(const PanelBlock<F>* stripe, std::size_t panels, std::size_t depth,
                     std::size_t rows, const std::byte* x, std::size_t tokens, float* y,
                     std::size_t y_stride) noexcept {
    LLAMA2_TARGET_NAMESPACE::matmul<F>(stripe, panels, depth, rows, x, tokens, y, y_stride);
  }
  template <ActivationForm Form, std::size_t T>
  static void prepare(const float* x, std::size_t cols, std::size_t tokens,
                      std::byte* out) noexcept {
    LLAMA2_TARGET_NAMESPACE::prepare<Form, T>(x, cols, tokens, out);
  }
  template <WeightFormat F>
  static void decode(const typename F::Block* in, float* out, std::size_t n) noexcept {
    LLAMA2_TARGET_NAMESPACE::decode<F>(in, out, n);
  }
  template <WeightFormat F>
  static void encode(const float* in, typename F::Block* out, std::size_t n) noexcept {
    LLAMA2_TARGET_NAMESPACE::encode<F>(in, out, n);
  }
  static void rms_norm(const float* x, const float* gain, float epsilon, std::size_t n,
                       float* out) noexcept {
    LLAMA2_TARGET_NAMESPACE::rms_norm(x, gain, epsilon, n, out);
  }
  static void add_to(float* x, const float* y, std::size_t n) noexcept {
    LLAMA2_TARGET_NAMESPACE::add_to(x, y, n);
  }
  static void swiglu(float* gate, const float* up, std::size_t n) noexcept {
    LLAMA2_TARGET_NAMESPACE::swiglu(gate, up, n);
  }
  template <std::size_t HeadDim>
  static void rotate(float* x, const float* cosines, const float* sines,
                     std::size_t heads) noexcept {
    LLAMA2_TARGET_NAMESPACE::rotate<HeadDim>(x, cosines, sines, heads);
  }
  template <KvFormat K, std::size_t HeadDim, std::size_t P>
  static void store_key_value(const float* key, const float* value, KvHead<K, HeadDim, P>& head,
                              std::size_t slot) noexcept {
    LLAMA2_TARGET_NAMESPACE::store_key_value(key, value, head, slot);
  }
  template <KvFormat K, std::size_t HeadDim, std::size_t P>
  static void rotate_keys(KvHead<K, HeadDim, P>& head, const float* cosines,
                          const float* sines) noexcept {
    LLAMA2_TARGET_NAMESPACE::rotate_keys(head, cosines, sines);
  }
  template <KvFormat K, std::size_t HeadDim, std::size_t P>
  static void attend(const float* q, const KvHead<K, HeadDim, P>* const* pages, std::size_t head,
                     std::size_t count, std::size_t tokens, std::size_t heads, std::size_t stride,
                     float* out) noexcept {
    LLAMA2_TARGET_NAMESPACE::attend(q, pages, head, count, tokens, heads, stride, out);
  }
  static float largest(const float* x, std::size_t n) noexcept {
    return LLAMA2_TARGET_NAMESPACE::largest(x, n);
  }
  static double sum_of(const float* x, std::size_t n) noexcept {
    return LLAMA2_TARGET_NAMESPACE::sum_of(x, n);
  }
  template <std::size_t N>
  static std::array<double, N> count_above(const float* ranks, const std::array<float, N>& bounds,
                                           std::size_t n) noexcept {
    return LLAMA2_TARGET_NAMESPACE::count_above(ranks, bounds, n);
  }
  template <std::size_t N>
  static std::array<double, N> sum_above(const float* ranks, const std::array<float, N>& bounds,
                                         const float* weights, std::size_t n) noexcept {
    return LLAMA2_TARGET_NAMESPACE::sum_above(ranks, bounds, weights, n);
  }
  static double sum_of_logs(const float* x, const float* weights, std::size_t n, float top,
                            float temperature) noexcept {
    return LLAMA2_TARGET_NAMESPACE::sum_of_logs(x, weights, n, top, temperature);
  }
  static void closeness(const float* x, std::size_t n, float top, float temperature, float mean,
                        float* out) noexcept {
    LLAMA2_TARGET_NAMESPACE::closeness(x, n, top, temperature, mean, out);
  }
  template <class... T>
  static std::size_t keep_above(const float* ranks, float bound, std::size_t n,
                                T*... arrays) noexcept {
    return LLAMA2_TARGET_NAMESPACE::keep_above(ranks, bound, n, arrays...);
  }
  static void softmax_weights(const float* x, std::size_t n, float top, float temperature,
                              float* out) noexcept {
    LLAMA2_TARGET_NAMESPACE::softmax_weights(x, n, top, temperature, out);
  }
};

}  // namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE
LLAMA2_TARGET_END;

#endif  // toggle guard
