// Attention of queries over a paged cache of keys and values.

#if defined(LLAMA2_KERNELS_ATTENTION_INL_HPP_) == defined(LLAMA2_TARGET_TOGGLE)
#ifdef LLAMA2_KERNELS_ATTENTION_INL_HPP_
#undef LLAMA2_KERNELS_ATTENTION_INL_HPP_
#else
#define LLAMA2_KERNELS_ATTENTION_INL_HPP_
#endif

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <type_traits>

#include "llama2/format/kv_format.hpp"
#include "llama2/kernels/elementwise-inl.hpp"
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

/// The key alone, in 8 bits.
template <std::size_t HeadDim, std::size_t P>
void store_key(const float* key, KvHead<Q8_0, HeadDim, P>& head, std::size_t slot) noexcept {
  for (std::size_t k = 0; k < HeadDim; k += 32) {
    const std::size_t n = std::min<std::size_t>(32, HeadDim - k);
    QuantisedBlock block;
    quantise(key + k, n, block);
    head.key_scales[k / 32][slot] = to_half(block.scale);
    for (std::size_t i = 0; i < n; ++i) head.keys[k + i][slot] = block.q[i];
  }
}

template <std::size_t HeadDim, std::size_t P>
void store_key_value(const float* key, const float* value, KvHead<Q8_0, HeadDim, P>& head,
                     std::size_t slot) noexcept {
  store_key(key, head, slot);
  for (std::size_t k = 0; k < HeadDim; k += 32) {
    const std::size_t n = std::min<std::size_t>(32, HeadDim - k);
    QuantisedBlock block;
    quantise(value + k, n, block);
    head.value_scales[k / 32][slot] = to_half(block.scale);
    std::memcpy(head.values[slot] + k, block.q, n);
  }
}

/// Rotates all keys of a head's part of a page; see `rotate`.
template <KvFormat K, std::size_t HeadDim, std::size_t P>
void rotate_keys(KvHead<K, HeadDim, P>& head, const float* cosines, const float* sines) noexcept {
  using namespace simd;
  constexpr NativeFloats d;
  static_assert(P % d.lanes == 0);
  for (std::size_t i = 0; i < HeadDim; i += 2) {
    const auto cosine = set(d, cosines[i]), sine = set(d, sines[i + 1]),
               minus_sine = set(d, sines[i]);
    for (std::size_t p = 0; p < P; p += d.lanes) {
      const auto a = load(d, head.keys[i] + p), b = load(d, head.keys[i + 1] + p);
      store(d, fma(b, minus_sine, mul(a, cosine)), head.keys[i] + p);
      store(d, fma(a, sine, mul(b, cosine)), head.keys[i + 1] + p);
    }
  }
}

template <std::size_t HeadDim, std::size_t P>
void rotate_keys(KvHead<Q8_0, HeadDim, P>& head, const float* cosines,
                 const float* sines) noexcept {
  for (std::size_t p = 0; p < P; ++p) {
    float key[HeadDim];
    for (std::size_t i = 0; i < HeadDim; ++i)
      key[i] = static_cast<float>(head.keys[i][p]) * to_float(head.key_scales[i / 32][p]);
    rotate<HeadDim>(key, cosines, sines, 1);
    store_key(key, head, p);
  }
}

namespace detail {

/// Whether there are registers for tiles of eight queries.
inline constexpr bool attends_by_eight = simd::native_lanes == 16;

/// Vectors of a tile of `Queries` queries: as many sums as there are registers beside the operands,
/// and for few queries enough to hide the latency of an addition.
template <std::size_t Queries>
inline constexpr std::size_t attention_vectors = Queries == 8   ? 2
                                                 : Queries == 6 ? (attends_by_eight ? 4 : 2)
                                                                : 8 / Queries;

/// sums[i][v] += a[i][k] * b[k][v] for k in 0 .. n - 1, ascending; rows of a and b are `AStride`
/// and `BStride` elements apart.
template <std::size_t AStride, std::size_t BStride, std::size_t Queries, std::size_t Vectors,
          class D, class Element>
LLAMA2_INLINE void add_products(D d, const float* a, const Element* b, std::size_t n,
                                simd::Vec<D> (&sums)[Queries][Vectors]) {
  using namespace simd;
  for (std::size_t k = 0; k < n; ++k, ++a, b += BStride) {
    Vec<D> row[Vectors];
#pragma GCC unroll 8
    for (std::size_t v = 0; v < Vectors; ++v) row[v] = load(d, b + v * d.lanes);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < Queries; ++i) {
      const auto factor = set(d, a[i * AStride]);
#pragma GCC unroll 8
      for (std::size_t v = 0; v < Vectors; ++v) sums[i][v] = fma(factor, row[v], sums[i][v]);
    }
  }
}

/// scores[i][j] = q[i] . key[j] for the first `count` keys of a page (a few more are computed).
template <std::size_t Queries, KvFormat K, std::size_t HeadDim, std::size_t P>
LLAMA2_INLINE void page_scores(const float* q, const KvHead<K, HeadDim, P>& head, std::size_t count,
                               float* scores) {
  using namespace simd;
  constexpr NativeFloats d;
  // A single query over integers has few positions for so many vectors, and converts each.
  constexpr std::size_t most =
      std::is_same_v<K, Q8_0> && Queries == 1 ? 4 : attention_vectors<Queries>;
  constexpr std::size_t vectors = std::min(most, P / d.lanes);
  static_assert(P % (vectors * d.lanes) == 0);
  const auto sum_of = [&](std::size_t j, std::size_t begin, std::size_t n, auto&& take)
                          LLAMA2_TARGET_ATTR {
                            Vec<NativeFloats> sums[Queries][vectors];
#pragma GCC unroll 8
                            for (std::size_t i = 0; i < Queries; ++i) {
#pragma GCC unroll 8
                              for (std::size_t v = 0; v < vectors; ++v) sums[i][v] = zero(d);
                            }
                            add_products<HeadDim, P>(d, q + begin, head.keys[begin] + j, n, sums);
#pragma GCC unroll 8
                            for (std::size_t v = 0; v < vectors; ++v) {
#pragma GCC unroll 8
                              for (std::size_t i = 0; i < Queries; ++i)
                                take(sums[i][v], j + v * d.lanes, scores + i * P + j + v * d.lanes);
                            }
                          };
  for (std::size_t j = 0; j < count; j += vectors * d.lanes) {
    if constexpr (std::is_same_v<K, Q8_0>) {  // each group's product is scaled once
      for (std::size_t k = 0; k < HeadDim; k += 32)
        sum_of(j, k, std::min<std::size_t>(32, HeadDim - k),
               [&](auto sum, std::size_t at, float* score) LLAMA2_TARGET_ATTR {
                 const auto before = k == 0 ? zero(d) : load(d, score);
                 store(d, fma(sum, load(d, head.key_scales[k / 32] + at), before), score);
               });
    } else {
      sum_of(j, 0, HeadDim,
             [&](auto sum, std::size_t, float* score) LLAMA2_TARGET_ATTR { store(d, sum, score); });
    }
  }
}

/// out[i] = out[i] * decays[i] + sum over j in begin .. end - 1 of weights[i][j] * values[j], of
/// elements [first, first + Size) of the values. Rows of `weights` are P elements apart.
template <std::size_t Queries, std::size_t Size, KvFormat K, std::size_t HeadDim, std::size_t P>
LLAMA2_INLINE void weigh_range(const float* weights, const KvHead<K, HeadDim, P>& head,
                               std::size_t first, std::size_t begin, std::size_t end,
                               const float* decays, float* out) {
  using namespace simd;
  constexpr Floats<lanes_dividing(Size)> d;
  constexpr std::size_t all = Size / d.lanes;
  constexpr std::size_t most = std::min(attention_vectors<Queries>, all);
  const auto chunk = [&]<std::size_t Count>(std::integral_constant<std::size_t, Count>,
                                            std::size_t at) LLAMA2_TARGET_ATTR {
    Vec<Floats<d.lanes>> sums[Queries][Count];
#pragma GCC unroll 8
    for (std::size_t i = 0; i < Queries; ++i) {
      const auto decay = set(d, decays[i]);
#pragma GCC unroll 8
      for (std::size_t v = 0; v < Count; ++v)
        sums[i][v] = mul(load(d, out + i * HeadDim + at + v * d.lanes), decay);
    }
    add_products<P, HeadDim>(d, weights + begin, head.values[begin] + at, end - begin, sums);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < Queries; ++i) {
#pragma GCC unroll 8
      for (std::size_t v = 0; v < Count; ++v)
        store(d, sums[i][v], out + i * HeadDim + at + v * d.lanes);
    }
  };
  std::size_t v = 0;
  for (; v + most <= all; v += most)
    chunk(std::integral_constant<std::size_t, most>(), first + v * d.lanes);
  if constexpr (all % most != 0)
    chunk(std::integral_constant<std::size_t, all % most>(), first + v * d.lanes);
}

/// out[i] = out[i] * decays[i] + the values begin .. end - 1 of a page, each times its weight.
template <std::size_t Queries, KvFormat K, std::size_t HeadDim, std::size_t P>
LLAMA2_INLINE void weigh_page(const float* weights, const KvHead<K, HeadDim, P>& head,
                              std::size_t begin, std::size_t end, const float* decays, float* out) {
  if constexpr (!std::is_same_v<K, Q8_0>) {
    weigh_range<Queries, HeadDim>(weights, head, 0, begin, end, decays, out);
  } else {  // a group's scales go into its weights
    using namespace simd;
    constexpr NativeFloats d;
    alignas(64) float scaled[Queries * P];
    const auto scale = [&](std::size_t group) LLAMA2_TARGET_ATTR {
      for (std::size_t j = begin - begin % d.lanes; j < end; j += d.lanes) {
        const auto scales = load(d, head.value_scales[group] + j);
        for (std::size_t i = 0; i < Queries * P; i += P)
          store(d, mul(load(d, weights + i + j), scales), scaled + i + j);
      }
    };
    constexpr std::size_t whole = HeadDim / 32, rest = HeadDim % 32;
    for (std::size_t g = 0; g < whole; ++g) {
      scale(g);
      weigh_range<Queries, 32>(scaled, head, 32 * g, begin, end, decays, out);
    }
    if constexpr (rest != 0) {
      scale(whole);
      weigh_range<Queries, rest>(scaled, head, 32 * whole, begin, end, decays, out);
    }
  }
}

/// The largest of `top` and n floats.
LLAMA2_INLINE float largest(const float* x, std::size_t n, float top) {
  using namespace simd;
  constexpr NativeFloats d;
  const std::size_t whole = n - n % d.lanes;
  if (whole != 0) {
    auto tops = load(d, x);
    for (std::size_t j = d.lanes; j < whole; j += d.lanes) tops = max(tops, load(d, x + j));
    top = std::max(top, reduce_max(d, tops));
  }
  for (std::size_t j = whole; j < n; ++j) top = std::max(top, x[j]);
  return top;
}

/// Scores become exp(score - max); returns their sum. Elements from `count` to the end of its
/// vector become zero.
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

/// What some queries have found on the pages so far: the softmax goes online over them (Milakov
/// and Gimelshein 2018, arXiv:1805.02867).
template <std::size_t HeadDim>
struct AttentionState {
  static constexpr std::size_t batch = attention_batch<HeadDim>;
  alignas(64) float q[batch][HeadDim];    ///< divided by sqrt(HeadDim)
  alignas(64) float out[batch][HeadDim];  ///< sums of exp(score - top) * value
  float top[batch];                       ///< the largest score
  float sum[batch];                       ///< of exp(score - top)
};

/// Queries m .. m + Queries - 1 look at the first counts[i] > 0 positions of a page.
template <std::size_t Queries, KvFormat K, std::size_t HeadDim, std::size_t P>
LLAMA2_INLINE void attend_page(const KvHead<K, HeadDim, P>& page,
                               const std::size_t (&counts)[Queries], AttentionState<HeadDim>& state,
                               std::size_t m) {
  using namespace simd;
  constexpr Floats<(native_lanes < 8 ? native_lanes : 8)> d;
  alignas(64) float weights[Queries][P];
  alignas(64) float decays[8] = {};
  float sums[Queries];
  page_scores<Queries>(state.q[m], page, counts[Queries - 1], weights[0]);
  for (std::size_t i = 0; i < Queries; ++i) {
    const float top = largest(weights[i], counts[i], state.top[m + i]);
    decays[i] = state.top[m + i] - top;
    state.top[m + i] = top;
    sums[i] = exponentials(weights[i], counts[i], top);
  }
  for (std::size_t i = 0; i < Queries; i += d.lanes)
    store(d, exp(d, load(d, decays + i)), decays + i);
  for (std::size_t i = 0; i < Queries; ++i)
    state.sum[m + i] = std::fma(state.sum[m + i], decays[i], sums[i]);
  // What all see, then what only later ones do.
  weigh_page<Queries>(weights[0], page, 0, counts[0], decays, state.out[m]);
  constexpr float keep = 1.0f;
  for (std::size_t i = 1; i < Queries; ++i)
    if (counts[i] != counts[0])
      weigh_page<1>(weights[i], page, counts[0], counts[i], &keep, state.out[m + i]);
}

}  // namespace detail

/// out = softmax(q . keys / sqrt(HeadDim)) values for `heads` queries of each of `tokens`
/// consecutive tokens, which share one key/value head. The first token sees the first `count` >= 1
/// cached positions, each other one more.
///
/// q and out hold HeadDim floats for each head of a token, and the next token's `stride` floats on.
/// `pages` holds the pages' addresses in order of position, and the key/value head's part is
/// element `head` of each. Pages begin at fixed absolute positions, and each query adds up by
/// itself in ascending order: the bits depend on the position only, not on the company or on how
/// the text was cut into batches.
template <KvFormat K, std::size_t HeadDim, std::size_t P>
void attend(const float* q, const KvHead<K, HeadDim, P>* const* pages, std::size_t head,
            std::size_t count, std::size_t tokens, std::size_t heads, std::size_t stride,
            float* out) noexcept {
  const float scale = 1.0f / std::sqrt(static_cast<float>(HeadDim));
  detail::AttentionState<HeadDim> state;
  const std::size_t queries = tokens * heads;
  for (std::size_t first = 0; first < queries; first += state.batch) {
    const std::size_t n = std::min(state.batch, queries - first);
    const auto count_of = [&](std::size_t m) { return count + (first + m) / heads; };
    const auto row_of = [&](std::size_t m) {
      return (first + m) / heads * stride + (first + m) % heads * HeadDim;
    };
    for (std::size_t m = 0; m < n; ++m) {
      const float* const row = q + row_of(m);
      for (std::size_t i = 0; i < HeadDim; ++i) state.q[m][i] = row[i] * scale;
      std::memset(state.out[m], 0, sizeof state.out[m]);
      state.top[m] = -std::numeric_limits<float>::infinity();
      state.sum[m] = 0.0f;
    }
    const std::size_t last_count = count_of(n - 1);
    for (std::size_t begin = 0; begin < last_count; begin += P) {
      const KvHead<K, HeadDim, P>& page = pages[begin / P][head];
      const auto tile = [&](auto size, std::size_t m) LLAMA2_TARGET_ATTR {
        std::size_t counts[size()];
        for (std::size_t i = 0; i < size(); ++i) counts[i] = std::min(P, count_of(m + i) - begin);
        detail::attend_page(page, counts, state, m);
      };
      std::size_t m = 0;
      while (count_of(m) <= begin) ++m;
      // Eights where they leave nothing over and sixes would, as with a token's heads of a group.
      if constexpr (detail::attends_by_eight && state.batch >= 8)
        for (; n != m && (n - m) % 8 == 0 && (n - m) % 6 != 0; m += 8)
          tile(std::integral_constant<std::size_t, 8>(), m);
      if constexpr (state.batch >= 6)
        for (; n - m >= 6; m += 6) tile(std::integral_constant<std::size_t, 6>(), m);
      if constexpr (state.batch >= 2)
        for (; n - m >= 2; m += 2) tile(std::integral_constant<std::size_t, 2>(), m);
      if (n != m) tile(std::integral_constant<std::size_t, 1>(), m);
    }
    for (std::size_t m = 0; m < n; ++m) {
      const float inverse = 1.0f / state.sum[m];
      float* const row = out + row_of(m);
      for (std::size_t i = 0; i < HeadDim; ++i) row[i] = state.out[m][i] * inverse;
    }
  }
}

}  // namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE
LLAMA2_TARGET_END;

#endif  // toggle guard
