// What happens to a vector of activations between the matrix products.

#if defined(LLAMA2_KERNELS_ELEMENTWISE_INL_HPP_) == defined(LLAMA2_TARGET_TOGGLE)
#ifdef LLAMA2_KERNELS_ELEMENTWISE_INL_HPP_
#undef LLAMA2_KERNELS_ELEMENTWISE_INL_HPP_
#else
#define LLAMA2_KERNELS_ELEMENTWISE_INL_HPP_
#endif

#include <cmath>
#include <cstddef>

#include "llama2/simd/math-inl.hpp"

LLAMA2_TARGET_BEGIN;
namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE {

/// out[i] = x[i] * gain[i] / sqrt(mean of x^2 + epsilon), n elements; out may be x.
/// (RMSNorm, Zhang and Sennrich 2019, arXiv:1910.07467.)
inline void rms_norm(const float* x, const float* gain, float epsilon, std::size_t n,
                     float* out) noexcept {
  using namespace simd;
  constexpr NativeFloats d;
  const std::size_t whole = n - n % d.lanes;
  auto squares = zero(d);
  for (std::size_t i = 0; i < whole; i += d.lanes) {
    const auto v = load(d, x + i);
    squares = fma(v, v, squares);
  }
  if (whole != n) {
    const auto v = load_first(d, x + whole, n - whole);
    squares = fma(v, v, squares);
  }
  const float mean = reduce_add(d, squares) / static_cast<float>(n);
  const float scale = 1.0f / std::sqrt(mean + epsilon);
  const auto scales = set(d, scale);
  for (std::size_t i = 0; i < whole; i += d.lanes)
    store(d, mul(mul(load(d, x + i), scales), load(d, gain + i)), out + i);
  for (std::size_t i = whole; i < n; ++i) out[i] = x[i] * scale * gain[i];
}

/// x[i] += y[i], n elements.
inline void add_to(float* x, const float* y, std::size_t n) noexcept {
  using namespace simd;
  constexpr NativeFloats d;
  const std::size_t whole = n - n % d.lanes;
  for (std::size_t i = 0; i < whole; i += d.lanes)
    store(d, add(load(d, x + i), load(d, y + i)), x + i);
  for (std::size_t i = whole; i < n; ++i) x[i] += y[i];
}

/// gate[i] = silu(gate[i]) * up[i], n elements: the SwiGLU feed-forward's non-linearity.
inline void swiglu(float* gate, const float* up, std::size_t n) noexcept {
  using namespace simd;
  constexpr NativeFloats d;
  const std::size_t whole = n - n % d.lanes;
  for (std::size_t i = 0; i < whole; i += d.lanes)
    store(d, mul(silu(d, load(d, gate + i)), load(d, up + i)), gate + i);
  if (const std::size_t rest = n - whole; rest != 0)
    store_first(d, mul(silu(d, load_first(d, gate + whole, rest)), load_first(d, up + whole, rest)),
                gate + whole, rest);
}

/// Rotary position embedding (Su et al. 2021, arXiv:2104.09864) in place on `heads` consecutive
/// vectors of HeadDim elements, on interleaved pairs as in Meta's checkpoints:
/// (a, b) becomes (a cos - b sin, a sin + b cos).
/// `cosines` holds each pair's cosine twice, `sines` its sine as (-sin, sin); HeadDim each.
template <std::size_t HeadDim>
void rotate(float* x, const float* cosines, const float* sines, std::size_t heads) noexcept {
  using namespace simd;
  constexpr std::size_t lanes = lanes_dividing(HeadDim);
  if constexpr (lanes >= 4) {
    constexpr Floats<lanes> d;
    for (std::size_t h = 0; h < heads; ++h, x += HeadDim) {
      for (std::size_t i = 0; i < HeadDim; i += lanes) {
        const auto v = load(d, x + i);
        store(d, fma(swap_pairs(v), load(d, sines + i), mul(v, load(d, cosines + i))), x + i);
      }
    }
  } else {
    for (std::size_t h = 0; h < heads; ++h, x += HeadDim) {
      for (std::size_t i = 0; i < HeadDim; i += 2) {
        const float a = x[i], b = x[i + 1];
        x[i] = std::fma(b, sines[i], a * cosines[i]);
        x[i + 1] = std::fma(a, sines[i + 1], b * cosines[i + 1]);
      }
    }
  }
}

}  // namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE
LLAMA2_TARGET_END;

#endif  // toggle guard
