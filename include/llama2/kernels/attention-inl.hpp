// Attention of one query over a paged cache of keys and values.

#if defined(LLAMA2_KERNELS_ATTENTION_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef LLAMA2_KERNELS_ATTENTION_INL_HPP_
#undef LLAMA2_KERNELS_ATTENTION_INL_HPP_
#else
#define LLAMA2_KERNELS_ATTENTION_INL_HPP_
#endif

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "llama2/format/float_formats.hpp"
#include "llama2/simd/math-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace llama2::inline LLAMA2_ABI::HWY_NAMESPACE {

// In a page of P positions one key/value head has first its keys, transposed, (HeadDim, P), then
// its values, (P, HeadDim). Both products then run along memory with a vector of outputs, and
// need no sums across lanes.

/// Writes a key, HeadDim floats, to column `slot` of a head's part of a page.
template <KvFormat K, std::size_t HeadDim, std::size_t P>
void store_key(const float* key, typename K::Block* head, std::size_t slot) noexcept {
  for (std::size_t i = 0; i < HeadDim; ++i) head[i * P + slot] = K::from_float(key[i]);
}

/// Writes a value, HeadDim floats, to row `slot` of a head's part of a page.
template <KvFormat K, std::size_t HeadDim, std::size_t P>
void store_value(const float* value, typename K::Block* head, std::size_t slot) noexcept {
  constexpr simd::Floats<simd::lanes_dividing(HeadDim)> d;
  typename K::Block* const row = head + HeadDim * P + slot * HeadDim;
  for (std::size_t i = 0; i < HeadDim; i += d.lanes) store(d, load(d, value + i), row + i);
}

namespace detail {

/// scores[j] = q . key[j] for the first `count` keys of a page (a few more are computed).
template <std::size_t HeadDim, std::size_t P, class Block>
HWY_INLINE void page_scores(const float* q, const Block* keys, std::size_t count, float* scores) {
  using namespace simd;
  constexpr NativeFloats d;
  constexpr std::size_t vectors = std::min<std::size_t>(8, P / d.lanes);
  constexpr std::size_t group = vectors * d.lanes;
  static_assert(P % group == 0);
  for (std::size_t j = 0; j < count; j += group) {
    Vec<NativeFloats> sums[vectors];
#pragma GCC unroll 8
    for (std::size_t i = 0; i < vectors; ++i) sums[i] = zero(d);
    const Block* row = keys + j;
    for (std::size_t k = 0; k < HeadDim; ++k, row += P) {
      const auto element = set(d, q[k]);
#pragma GCC unroll 8
      for (std::size_t i = 0; i < vectors; ++i)
        sums[i] = fma(element, load(d, row + i * d.lanes), sums[i]);
    }
#pragma GCC unroll 8
    for (std::size_t i = 0; i < vectors; ++i) store(d, sums[i], scores + j + i * d.lanes);
  }
}

/// out[i .. i + Vectors * Lanes) = out * decay + sum over j of weights[j] * values[j][i ...].
template <std::size_t HeadDim, std::size_t Lanes, std::size_t Vectors, class Block>
HWY_INLINE void weigh_values(const float* weights, const Block* values, std::size_t count,
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

/// Scores become exp(score - max); returns their sum. Elements from `count` to the end of the
/// page become zero.
template <std::size_t P>
HWY_INLINE float exponentials(float* scores, std::size_t count, float max_score) {
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
/// head's part starts `offset` elements into each. The softmax runs online over the pages
/// (Milakov and Gimelshein 2018, arXiv:1805.02867), which begin at fixed absolute positions: the
/// bits depend on the position only, not on how the text was cut into batches.
template <KvFormat K, std::size_t HeadDim, std::size_t P>
void attend(const float* q, const typename K::Block* const* pages, std::size_t offset,
            std::size_t count, float* out) noexcept {
  using namespace simd;
  constexpr std::size_t lanes = lanes_dividing(HeadDim);
  constexpr std::size_t chunk = 8 * lanes;
  constexpr std::size_t whole_chunks = HeadDim / chunk;
  constexpr std::size_t rest = HeadDim % chunk / lanes;
  const float scale = 1.0f / std::sqrt(static_cast<float>(HeadDim));

  alignas(64) float scaled[HeadDim];
  for (std::size_t i = 0; i < HeadDim; ++i) scaled[i] = q[i] * scale;
  for (std::size_t i = 0; i < HeadDim; ++i) out[i] = 0.0f;

  alignas(64) float scores[P];
  float max_score = -std::numeric_limits<float>::infinity();
  float sum = 0.0f;
  for (std::size_t begin = 0; begin < count; begin += P) {
    const std::size_t n = std::min(P, count - begin);
    const typename K::Block* keys = pages[begin / P] + offset;
    const typename K::Block* values = keys + HeadDim * P;
    detail::page_scores<HeadDim, P>(scaled, keys, n, scores);
    float new_max = max_score;
    for (std::size_t j = 0; j < n; ++j) new_max = std::max(new_max, scores[j]);
    constexpr Floats<1> one;
    const float decay = first_lane(one, exp(one, set(one, max_score - new_max)));
    sum = std::fma(sum, decay, detail::exponentials<P>(scores, n, new_max));
    max_score = new_max;
    for (std::size_t c = 0; c < whole_chunks; ++c)
      detail::weigh_values<HeadDim, lanes, 8>(scores, values + c * chunk, n, decay,
                                              out + c * chunk);
    if constexpr (rest != 0)
      detail::weigh_values<HeadDim, lanes, rest>(scores, values + whole_chunks * chunk, n, decay,
                                                 out + whole_chunks * chunk);
  }
  const float inverse = 1.0f / sum;
  for (std::size_t i = 0; i < HeadDim; ++i) out[i] *= inverse;
}

}  // namespace llama2::inline LLAMA2_ABI::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle guard
