// Gradients of what happens to activations between the matrix products.
// backward_reference.hpp says what each kernel computes.

#if defined(LLAMA2_KERNELS_BACKWARD_INL_HPP_) == defined(LLAMA2_TARGET_TOGGLE)
#ifdef LLAMA2_KERNELS_BACKWARD_INL_HPP_
#undef LLAMA2_KERNELS_BACKWARD_INL_HPP_
#else
#define LLAMA2_KERNELS_BACKWARD_INL_HPP_
#endif

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "llama2/base/token.hpp"
#include "llama2/kernels/elementwise-inl.hpp"
#include "llama2/simd/math-inl.hpp"

LLAMA2_TARGET_BEGIN;
namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE {
namespace detail {

/// Calls f(d, i, n) for vectors that cover n elements: d.lanes of them from i on, or single ones.
template <class F>
LLAMA2_INLINE void for_vectors(std::size_t n, F&& f) {
  constexpr simd::NativeFloats d;
  constexpr simd::Floats<1> single;
  const std::size_t whole = n - n % d.lanes;
  for (std::size_t i = 0; i < whole; i += d.lanes) f(d, i);
  for (std::size_t i = whole; i < n; ++i) f(single, i);
}

/// The sum of n elements, by sum = f(d, i, sum) for vectors that cover them, as above.
template <class F>
LLAMA2_INLINE float sum_of(std::size_t n, F&& f) {
  using namespace simd;
  constexpr NativeFloats d;
  constexpr Floats<1> single;
  const std::size_t whole = n - n % d.lanes;
  auto sums = zero(d);
  for (std::size_t i = 0; i < whole; i += d.lanes) sums = f(d, i, sums);
  auto rest = zero(single);
  for (std::size_t i = whole; i < n; ++i) rest = f(single, i, rest);
  return reduce_add(d, sums) + first_lane(single, rest);
}

/// Heads of a whole number of vectors by those, of `Lanes` floats or of four; others by pairs.
template <std::size_t Lanes>
void rotate_backward(float* dx, const float* cosines, const float* sines, std::size_t heads,
                     std::size_t head_dim) noexcept {
  using namespace simd;
  if constexpr (Lanes >= 4) {
    constexpr Floats<Lanes> d;
    if (head_dim % Lanes == 0) {
      for (std::size_t h = 0; h < heads; ++h, dx += head_dim)
        for (std::size_t i = 0; i < head_dim; i += Lanes) {
          const auto v = load(d, dx + i);
          const auto turned = mul(negate(load(d, sines + i)), swap_pairs(v));
          store(d, fma(v, load(d, cosines + i), turned), dx + i);
        }
      return;
    }
    if constexpr (Lanes > 4) return rotate_backward<4>(dx, cosines, sines, heads, head_dim);
  }
  for (std::size_t h = 0; h < heads; ++h, dx += head_dim)
    for (std::size_t i = 0; i < head_dim; i += 2) {
      const float a = dx[i], b = dx[i + 1];
      dx[i] = std::fma(a, cosines[i], -sines[i] * b);
      dx[i + 1] = std::fma(b, cosines[i + 1], -sines[i + 1] * a);
    }
}

}  // namespace detail

inline void embedding_backward(const Token* tokens, std::size_t count, std::size_t dim,
                               const float* dy, float* dtable) noexcept {
  for (std::size_t t = 0; t < count; ++t)
    add_to(dtable + static_cast<std::size_t>(tokens[t]) * dim, dy + t * dim, dim);
}

inline void rms_norm_backward(const float* x, const float* gain, float epsilon, const float* dy,
                              std::size_t n, std::size_t tokens, float* dx, float* dgain) noexcept {
  using namespace simd;
  const auto count = static_cast<float>(n);
  for (std::size_t t = 0; t < tokens; ++t, x += n, dy += n, dx += n) {
    const float squares =
        detail::sum_of(n, [&](auto d, std::size_t i, auto sum) LLAMA2_TARGET_ATTR {
          const auto v = load(d, x + i);
          return fma(v, v, sum);
        });
    const float products =
        detail::sum_of(n, [&](auto d, std::size_t i, auto sum) LLAMA2_TARGET_ATTR {
          return fma(mul(load(d, gain + i), load(d, dy + i)), load(d, x + i), sum);
        });
    const float scale = 1.0f / std::sqrt(squares / count + epsilon);
    const float along = -scale * scale * scale / count * products;
    detail::for_vectors(n, [&](auto d, std::size_t i) LLAMA2_TARGET_ATTR {
      const auto value = load(d, x + i);
      const auto scaled = mul(load(d, dy + i), set(d, scale));
      store(d, fma(set(d, along), value, fma(load(d, gain + i), scaled, load(d, dx + i))), dx + i);
      store(d, fma(value, scaled, load(d, dgain + i)), dgain + i);
    });
  }
}

inline void rotate_backward(float* dx, const float* cosines, const float* sines, std::size_t heads,
                            std::size_t head_dim) noexcept {
  detail::rotate_backward<simd::native_lanes>(dx, cosines, sines, heads, head_dim);
}

inline void swiglu_backward(float* gate, float* up, float* dy, std::size_t n) noexcept {
  using namespace simd;
  const auto some = [&](auto d, auto g, auto u, auto dv, auto&& put) LLAMA2_TARGET_ATTR {
    const auto one = set(d, 1.0f);
    const auto sigmoid = div(one, add(one, exp(d, negate(g))));
    const auto silu_g = mul(g, sigmoid);
    // The derivative of silu: sigmoid + silu (1 - sigmoid).
    const auto slope = fma(silu_g, sub(one, sigmoid), sigmoid);
    put(mul(mul(dv, u), slope), mul(dv, silu_g), mul(silu_g, u));
  };
  constexpr NativeFloats d;
  const std::size_t whole = n - n % d.lanes;
  for (std::size_t i = 0; i < whole; i += d.lanes)
    some(d, load(d, gate + i), load(d, up + i), load(d, dy + i),
         [&](auto dgate, auto dup, auto y) LLAMA2_TARGET_ATTR {
           store(d, dgate, gate + i);
           store(d, dup, up + i);
           store(d, y, dy + i);
         });
  if (const std::size_t rest = n - whole; rest != 0)
    some(d, load_first(d, gate + whole, rest), load_first(d, up + whole, rest),
         load_first(d, dy + whole, rest), [&](auto dgate, auto dup, auto y) LLAMA2_TARGET_ATTR {
           store_first(d, dgate, gate + whole, rest);
           store_first(d, dup, up + whole, rest);
           store_first(d, y, dy + whole, rest);
         });
}

inline void softmax_backward(float* logits, std::size_t vocab, Token target,
                             float weight) noexcept {
  using namespace simd;
  constexpr NativeFloats d;
  const std::size_t whole = vocab - vocab % d.lanes, rest = vocab - whole;
  float top = -std::numeric_limits<float>::infinity();
  if (whole != 0) {
    auto tops = load(d, logits);
    for (std::size_t i = d.lanes; i < whole; i += d.lanes) tops = max(tops, load(d, logits + i));
    top = reduce_max(d, tops);
  }
  for (std::size_t i = whole; i < vocab; ++i) top = std::max(top, logits[i]);
  const auto highest = set(d, top);
  auto sums = zero(d);
  for (std::size_t i = 0; i < whole; i += d.lanes) {
    const auto e = exp(d, sub(load(d, logits + i), highest));
    store(d, e, logits + i);
    sums = add(sums, e);
  }
  if (rest != 0) {
    const auto e =
        select_first(d, rest, exp(d, sub(load_first(d, logits + whole, rest), highest)), zero(d));
    store_first(d, e, logits + whole, rest);
    sums = add(sums, e);
  }
  const float factor = weight / reduce_add(d, sums);
  detail::for_vectors(vocab, [&](auto tag, std::size_t i) LLAMA2_TARGET_ATTR {
    store(tag, mul(load(tag, logits + i), set(tag, factor)), logits + i);
  });
  logits[target] -= weight;
}

}  // namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE
LLAMA2_TARGET_END;

#endif  // toggle guard
