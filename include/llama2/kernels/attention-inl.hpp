// Attention of one query over a paged cache of keys and values.

#if defined(LLAMA2_KERNELS_ATTENTION_INL_HPP_) == defined(LLAMA2_TARGET_TOGGLE)
#ifdef LLAMA2_KERNELS_ATTENTION_INL_HPP_
#undef LLAMA2_KERNELS_ATTENTION_INL_HPP_
#else
#define LLAMA2_KERNELS_ATTENTION_INL_HPP_
#endif

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "llama2/format/kv_format.hpp"
#include "llama2/kernels/prepare-inl.hpp"
#include "llama2/simd/math-inl.hpp"

LLAMA2_TARGET_BEGIN;
namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE {

/// Writes a key and a value, HeadDim floats each, to slot `slot` of a head's part of a page.
template <KvFormat K, std::size_t HeadDim, std::size_t P>
void store_key_value(const float* key, const float* value, KvHead<K, HeadDim, P>& head,
                     std::size_t slot) noexcept {
  constexpr simd::Floats<simd::lanes_dividing(HeadDim)> d;
  for (std::size_t i = 0; i < HeadDim; ++i) head.keys[i][slot] = K::from_float(key[i]);
  for (std::size_t i = 0; i < HeadDim; i += d.lanes)
    store(d, load(d, value + i), head.values[slot] + i);
}

template <std::size_t HeadDim, std::size_t P>
void store_key_value(const float* key, const float* value, KvHead<Q8_0, HeadDim, P>& head,
                     std::size_t slot) noexcept {
  constexpr std::size_t groups = KvHead<Q8_0, HeadDim, P>::groups;
  QuantisedBlock blocks[groups];
  const auto quantise_groups = [&](const float* x) {
    for (std::size_t g = 0; g < groups; ++g)
      quantise(x + 32 * g, std::min<std::size_t>(32, HeadDim - 32 * g), blocks[g]);
  };
  quantise_groups(key);
  for (std::size_t g = 0; g < groups; ++g) head.key_scales[g][slot] = to_half(blocks[g].scale);
  for (std::size_t i = 0; i < HeadDim; ++i) head.keys[i][slot] = blocks[i / 32].q[i % 32];
  quantise_groups(value);
  for (std::size_t g = 0; g < groups; ++g) head.value_scales[g][slot] = to_half(blocks[g].scale);
  for (std::size_t i = 0; i < HeadDim; ++i) head.values[slot][i] = blocks[i / 32].q[i % 32];
}

namespace detail {

/// scores[j] = q . key[j] for the first `count` keys of a page (a few more are computed).
template <KvFormat K, std::size_t HeadDim, std::size_t P>
LLAMA2_INLINE void page_scores(const float* q, const KvHead<K, HeadDim, P>& head, std::size_t count,
                               float* scores) {
  using namespace simd;
  constexpr NativeFloats d;
  constexpr std::size_t vectors = std::min<std::size_t>(8, P / d.lanes);
  constexpr std::size_t width = vectors * d.lanes;
  static_assert(P % width == 0);
  for (std::size_t j = 0; j < count; j += width) {
    Vec<NativeFloats> sums[vectors];
#pragma GCC unroll 8
    for (std::size_t i = 0; i < vectors; ++i) sums[i] = zero(d);
    for (std::size_t k = 0; k < HeadDim; ++k) {
      const auto element = set(d, q[k]);
#pragma GCC unroll 8
      for (std::size_t i = 0; i < vectors; ++i)
        sums[i] = fma(element, load(d, head.keys[k] + j + i * d.lanes), sums[i]);
    }
#pragma GCC unroll 8
    for (std::size_t i = 0; i < vectors; ++i) store(d, sums[i], scores + j + i * d.lanes);
  }
}

/// The same for keys in 8 bits: each group's product is scaled once.
template <std::size_t HeadDim, std::size_t P>
LLAMA2_INLINE void page_scores(const float* q, const KvHead<Q8_0, HeadDim, P>& head,
                               std::size_t count, float* scores) {
  using namespace simd;
  constexpr NativeFloats d;
  constexpr std::size_t vectors = std::min<std::size_t>(4, P / d.lanes);  // two sums for each
  constexpr std::size_t width = vectors * d.lanes;
  static_assert(P % width == 0);
  for (std::size_t j = 0; j < count; j += width) {
    Vec<NativeFloats> sums[vectors];
#pragma GCC unroll 8
    for (std::size_t i = 0; i < vectors; ++i) sums[i] = zero(d);
    for (std::size_t g = 0; g < HeadDim; g += 32) {
      Vec<NativeFloats> parts[vectors];
#pragma GCC unroll 8
      for (std::size_t i = 0; i < vectors; ++i) parts[i] = zero(d);
      for (std::size_t k = g; k < std::min(HeadDim, g + 32); ++k) {
        const auto element = set(d, q[k]);
#pragma GCC unroll 8
        for (std::size_t i = 0; i < vectors; ++i)
          parts[i] = fma(element, load(d, head.keys[k] + j + i * d.lanes), parts[i]);
      }
#pragma GCC unroll 8
      for (std::size_t i = 0; i < vectors; ++i)
        sums[i] = fma(parts[i], load(d, head.key_scales[g / 32] + j + i * d.lanes), sums[i]);
    }
#pragma GCC unroll 8
    for (std::size_t i = 0; i < vectors; ++i) store(d, sums[i], scores + j + i * d.lanes);
  }
}

/// out[i .. i + Vectors * Lanes) = out * decay + sum over j of weights[j] * values[j][i ...].
template <std::size_t HeadDim, std::size_t Lanes, std::size_t Vectors, class Element>
LLAMA2_INLINE void weigh_values(const float* weights, const Element* values, std::size_t count,
                                float decay, float* out) {
  using namespace simd;
  constexpr Floats<Lanes> d;
  Vec<Floats<Lanes>> sums[Vectors];
  const auto decays = set(d, decay);
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Vectors; ++i) sums[i] = mul(load(d, out + i * Lanes), decays);
  for (std::size_t j = 0; j < count; ++j, values += HeadDim) {
    const auto weight = set(d, weights[j]);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < Vectors; ++i)
      sums[i] = fma(weight, load(d, values + i * Lanes), sums[i]);
  }
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Vectors; ++i) store(d, sums[i], out + i * Lanes);
}

/// `weigh_values` for elements [Begin, Begin + Size) of the values, in as many vectors at a time
/// as there are registers for.
template <std::size_t Begin, std::size_t Size, KvFormat K, std::size_t HeadDim, std::size_t P>
LLAMA2_INLINE void weigh_range(const float* weights, const KvHead<K, HeadDim, P>& head,
                               std::size_t count, float decay, float* out) {
  constexpr std::size_t lanes = simd::lanes_dividing(Size);
  constexpr std::size_t chunk = 8 * lanes;
  constexpr std::size_t rest = Size % chunk / lanes;
  const auto* const values = head.values[0];
  std::size_t i = Begin;
  for (; i + chunk <= Begin + Size; i += chunk)
    weigh_values<HeadDim, lanes, 8>(weights, values + i, count, decay, out + i);
  if constexpr (rest != 0)
    weigh_values<HeadDim, lanes, rest>(weights, values + i, count, decay, out + i);
}

/// out = out * decay + sum over the first `count` values of a page, each times its weight.
template <KvFormat K, std::size_t HeadDim, std::size_t P>
LLAMA2_INLINE void weigh_page(const float* weights, const KvHead<K, HeadDim, P>& head,
                              std::size_t count, float decay, float* out) {
  weigh_range<0, HeadDim>(weights, head, count, decay, out);
}

/// The same for values in 8 bits: a group's scales go into its weights.
template <std::size_t HeadDim, std::size_t P, std::size_t Group = 0>
LLAMA2_INLINE void weigh_page(const float* weights, const KvHead<Q8_0, HeadDim, P>& head,
                              std::size_t count, float decay, float* out) {
  using namespace simd;
  constexpr NativeFloats d;
  constexpr std::size_t begin = 32 * Group;
  alignas(64) float scaled[P];
  for (std::size_t j = 0; j < count; j += d.lanes)
    store(d, mul(load(d, weights + j), load(d, head.value_scales[Group] + j)), scaled + j);
  weigh_range<begin, std::min<std::size_t>(32, HeadDim - begin)>(scaled, head, count, decay, out);
  if constexpr (begin + 32 < HeadDim)
    weigh_page<HeadDim, P, Group + 1>(weights, head, count, decay, out);
}

/// Scores become exp(score - max); returns their sum. Elements from `count` to the end of its
/// vector become zero.
template <std::size_t P>
LLAMA2_INLINE float exponentials(float* scores, std::size_t count, float max_score) {
  using namespace simd;
  constexpr NativeFloats d;
  const auto top = set(d, max_score);
  auto sum = zero(d);
  for (std::size_t j = 0; j < count; j += d.lanes) {
    auto e = exp(d, sub(load(d, scores + j), top));
    if (count - j < d.lanes) e = select_first(d, count - j, e, zero(d));
    store(d, e, scores + j);
    sum = add(sum, e);
  }
  return reduce_add(d, sum);
}

}  // namespace detail

/// out = softmax(q . keys / sqrt(HeadDim)) values over the first `count` >= 1 cached positions.
///
/// q and out hold HeadDim floats. `pages` holds the pages' addresses in order of position, and the
/// head's part is element `head` of each. The softmax runs online over the pages
/// (Milakov and Gimelshein 2018, arXiv:1805.02867), which begin at fixed absolute positions: the
/// bits depend on the position only, not on how the text was cut into batches.
template <KvFormat K, std::size_t HeadDim, std::size_t P>
void attend(const float* q, const KvHead<K, HeadDim, P>* const* pages, std::size_t head,
            std::size_t count, float* out) noexcept {
  using namespace simd;
  const float scale = 1.0f / std::sqrt(static_cast<float>(HeadDim));

  alignas(64) float scaled[HeadDim];
  for (std::size_t i = 0; i < HeadDim; ++i) scaled[i] = q[i] * scale;
  for (std::size_t i = 0; i < HeadDim; ++i) out[i] = 0.0f;

  alignas(64) float scores[P];
  float max_score = -std::numeric_limits<float>::infinity();
  float sum = 0.0f;
  for (std::size_t begin = 0; begin < count; begin += P) {
    const std::size_t n = std::min(P, count - begin);
    const KvHead<K, HeadDim, P>& cached = pages[begin / P][head];
    detail::page_scores(scaled, cached, n, scores);
    float new_max = max_score;
    for (std::size_t j = 0; j < n; ++j) new_max = std::max(new_max, scores[j]);
    constexpr Floats<1> one;
    const float decay = first_lane(one, exp(one, set(one, max_score - new_max)));
    sum = std::fma(sum, decay, detail::exponentials<P>(scores, n, new_max));
    max_score = new_max;
    detail::weigh_page(scores, cached, n, decay, out);
  }
  const float inverse = 1.0f / sum;
  for (std::size_t i = 0; i < HeadDim; ++i) out[i] *= inverse;
}

}  // namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE
LLAMA2_TARGET_END;

#endif  // toggle guard
