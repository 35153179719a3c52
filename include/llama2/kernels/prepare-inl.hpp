// Activations on their way into a product.

#if defined(LLAMA2_KERNELS_PREPARE_INL_HPP_) == defined(LLAMA2_TARGET_TOGGLE)
#ifdef LLAMA2_KERNELS_PREPARE_INL_HPP_
#undef LLAMA2_KERNELS_PREPARE_INL_HPP_
#else
#define LLAMA2_KERNELS_PREPARE_INL_HPP_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "llama2/format/activation.hpp"
#include "llama2/simd/dots-inl.hpp"

LLAMA2_TARGET_BEGIN;
namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE {

/// 32 numbers: scale * q.
struct QuantisedBlock {
  float scale;
  std::int8_t q[32];
};

/// Quantises n <= 32 floats; zeros follow them. An infinity or NaN spoils the block's values.
inline void quantise(const float* x, std::size_t n, QuantisedBlock& out) noexcept {
  using namespace simd;
  constexpr Floats<(native_lanes < 16 ? native_lanes : 16)> d;
  alignas(64) float block[32];
  if (n < 32) {
    for (std::size_t i = 0; i < 32; ++i) block[i] = i < n ? x[i] : 0.0f;
    x = block;
  }
  auto largest = zero(d);  // as the bits of magnitudes, among which NaN is larger than any number
  for (std::size_t i = 0; i < 32; i += d.lanes)
    largest = max_key(d, largest, absolute(load(d, x + i)));
  const float magnitude = largest_key(d, largest);
  const bool finite = magnitude <= std::numeric_limits<float>::max();
  out.scale = finite ? magnitude / 127.0f : std::numeric_limits<float>::quiet_NaN();
  // Below 2^-120 the inverse could overflow; such values become zeros. Rounding may bring a product
  // beyond 127, but not half a unit.
  const auto inverse = set(d, finite && magnitude >= 0x1p-120f ? 127.0f / magnitude : 0.0f);
  for (std::size_t i = 0; i < 32; i += d.lanes)
    store_bytes(d, mul(load(d, x + i), inverse), out.q + i);
}

namespace detail {

/// The columns of one panel block for T tokens side by side.
template <ActivationForm Form, std::size_t T>
struct ActivationTile;
template <std::size_t T>
struct ActivationTile<ActivationForm::floats, T> {
  float x[T];
};
template <std::size_t T>
struct ActivationTile<ActivationForm::pairs, T> {
  simd::Pair x[T];
};
template <std::size_t T>
struct ActivationTile<ActivationForm::quads, T> : ActivationQuads<T> {};

template <std::size_t T>
LLAMA2_INLINE void prepare_row(const float* x, std::size_t cols, std::size_t t,
                               ActivationTile<ActivationForm::floats, T>* out) {
  for (std::size_t k = 0; k < cols; ++k) out[k].x[t] = x[k];
}

template <std::size_t T>
LLAMA2_INLINE void prepare_row(const float* x, std::size_t cols, std::size_t t,
                               ActivationTile<ActivationForm::pairs, T>* out) {
  constexpr std::size_t piece = 64;
  simd::Pair pairs[piece];
  std::size_t left = cols / 2;
  while (left != 0) {
    const std::size_t n = std::min(piece, left);
    simd::make_pairs(x, n, pairs);
    for (std::size_t i = 0; i < n; ++i) out[i].x[t] = pairs[i];
    x += 2 * n;
    out += n;
    left -= n;
  }
  if (cols % 2 != 0) {
    const float last[2] = {*x, 0.0f};
    simd::make_pairs(last, 1, &out->x[t]);
  }
}

template <std::size_t T>
LLAMA2_INLINE void prepare_row(const float* x, std::size_t cols, std::size_t t,
                               ActivationTile<ActivationForm::quads, T>* out) {
  for (std::size_t begin = 0; begin < cols; begin += 32, ++out) {
    QuantisedBlock block;
    quantise(x + begin, std::min<std::size_t>(32, cols - begin), block);
    for (std::size_t g = 0; g < 8; ++g) std::memcpy(out->q[g][t], block.q + 4 * g, 4);
    out->start[t] = simd::quad_start(block.q);
    out->scale[t] = block.scale;
  }
}

}  // namespace detail

/// Prepares `tokens` <= T rows of `cols` floats, one after the other, for products with weights
/// that take activations in `Form`: a tile of T tokens, those that are missing zeros.
template <ActivationForm Form, std::size_t T>
void prepare(const float* x, std::size_t cols, std::size_t tokens, std::byte* out) noexcept {
  auto* const tiles = reinterpret_cast<detail::ActivationTile<Form, T>*>(out);
  if (tokens < T) std::memset(out, 0, T * activation_bytes(Form, cols));
  for (std::size_t t = 0; t < tokens; ++t) detail::prepare_row(x + t * cols, cols, t, tiles);
}

}  // namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE
LLAMA2_TARGET_END;

#endif  // toggle guard
