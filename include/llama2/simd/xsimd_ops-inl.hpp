// Integers, on xsimd, as sums of products of bytes (dots-inl.hpp) need them. Vectors of them have
// four bytes, two words or one integer for each float of `RowFloats`.
//
// xsimd has no products of small integers; the compiler's intrinsics are here. Processors other
// than x86 take plain loops.

#if defined(LLAMA2_SIMD_XSIMD_OPS_INL_HPP_) == defined(LLAMA2_TARGET_TOGGLE)
#ifdef LLAMA2_SIMD_XSIMD_OPS_INL_HPP_
#undef LLAMA2_SIMD_XSIMD_OPS_INL_HPP_
#else
#define LLAMA2_SIMD_XSIMD_OPS_INL_HPP_
#endif

#include <cstddef>
#include <cstdint>

#include "llama2/simd/vocabulary-inl.hpp"

#if defined(__SSSE3__)
#define LLAMA2_SIMD_QUADS 1
#else
#define LLAMA2_SIMD_QUADS 0
#endif

LLAMA2_TARGET_BEGIN;
namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE {
namespace simd::ops {

#if LLAMA2_SIMD_QUADS

/// Elements T in a register of N floats.
template <class T, std::size_t N>
struct IntegerVector {
  using Element = T;
  using Batch = reg::Batch<T, N>;
  typename Batch::register_type raw;
};

using Quads = IntegerVector<std::uint8_t, RowFloats::lanes>;
using Bytes = IntegerVector<std::int8_t, RowFloats::lanes>;
using Words = IntegerVector<std::int16_t, RowFloats::lanes>;
using Integers = IntegerVector<std::int32_t, RowFloats::lanes>;

/// x in every lane.
template <class V>
LLAMA2_INLINE V set(typename V::Element x) {
  return {typename V::Batch(x).data};
}
template <class V>
LLAMA2_INLINE V load(const typename V::Element* p) {
  return {V::Batch::load_unaligned(p).data};
}

/// The same bits as another vector.
template <class To, class From>
LLAMA2_INLINE To cast(From v) {
  return {v.raw};
}
LLAMA2_INLINE Vec<RowFloats> to_floats(Integers v) {
  return {xsimd::to_float(Integers::Batch(v.raw)).data};
}

template <class V>
LLAMA2_INLINE V add(V a, V b) {
  using B = typename V::Batch;
  return {(B(a.raw) + B(b.raw)).data};
}
template <class V>
LLAMA2_INLINE V bit_and(V a, V b) {
  using B = typename V::Batch;
  return {(B(a.raw) & B(b.raw)).data};
}
template <class V>
LLAMA2_INLINE V bit_xor(V a, V b) {
  using B = typename V::Batch;
  return {(B(a.raw) ^ B(b.raw)).data};
}
template <int Bits>
LLAMA2_INLINE Integers shift_left(Integers v) {
  return {(Integers::Batch(v.raw) << Bits).data};
}
/// Copies of the sign come in.
template <int Bits>
LLAMA2_INLINE Integers shift_right(Integers v) {
  return {(Integers::Batch(v.raw) >> Bits).data};
}

/// |v|, also of -128.
LLAMA2_INLINE Quads magnitudes(Bytes v) {
  return {xsimd::abs(Bytes::Batch(v.raw)).data};
}

/// u[2i] * s[2i] + u[2i + 1] * s[2i + 1], saturated to 16 bits.
LLAMA2_INLINE Words add_byte_pairs(Quads u, Bytes s) {
#if LLAMA2_DETAIL_XSIMD_LANES == 16
  return {_mm512_maddubs_epi16(u.raw, s.raw)};
#elif LLAMA2_DETAIL_XSIMD_LANES == 8
  return {_mm256_maddubs_epi16(u.raw, s.raw)};
#else
  return {_mm_maddubs_epi16(u.raw, s.raw)};
#endif
}

/// a[2i] * b[2i] + a[2i + 1] * b[2i + 1] in 32 bits.
LLAMA2_INLINE Integers add_word_pairs(Words a, Words b) {
#if LLAMA2_DETAIL_XSIMD_LANES == 16
  return {_mm512_madd_epi16(a.raw, b.raw)};
#elif LLAMA2_DETAIL_XSIMD_LANES == 8
  return {_mm256_madd_epi16(a.raw, b.raw)};
#else
  return {_mm_madd_epi16(a.raw, b.raw)};
#endif
}

/// x where the sign is not negative, else -x; any value where the sign is 0.
LLAMA2_INLINE Bytes with_sign(Bytes x, Bytes sign) {
#if LLAMA2_DETAIL_XSIMD_LANES == 16
  return {
      _mm512_mask_sub_epi8(x.raw, _mm512_movepi8_mask(sign.raw), _mm512_setzero_si512(), x.raw)};
#elif LLAMA2_DETAIL_XSIMD_LANES == 8
  return {_mm256_sign_epi8(x.raw, sign.raw)};
#else
  return {_mm_sign_epi8(x.raw, sign.raw)};
#endif
}

#if LLAMA2_SIMD_VNNI
/// sums[i] + the products of quad i.
LLAMA2_INLINE Integers add_quads(Integers sums, Quads u, Bytes s) {
  return {_mm512_dpbusd_epi32(sums.raw, u.raw, s.raw)};
}
#endif

/// Of 32 bytes in fours, minus 8 times two sums: of the first two of each four in the low 16 bits,
/// of the last two in the high ones.
LLAMA2_INLINE std::int32_t minus_8_times_sums(const std::int8_t* q) {
  const auto pairs = [q](std::size_t at) {
    const auto* const p = reinterpret_cast<const __m128i*>(q + at);
    return reg::Batch<std::int16_t, 4>(_mm_maddubs_epi16(_mm_set1_epi8(1), _mm_loadu_si128(p)));
  };
  auto sums = pairs(0) + pairs(16);
  sums += _mm_shuffle_epi32(sums.data, 0x4E);
  sums += _mm_shuffle_epi32(sums.data, 0xB1);
  return _mm_cvtsi128_si32(_mm_sub_epi16(_mm_setzero_si128(), _mm_slli_epi16(sums.data, 3)));
}

#endif  // LLAMA2_SIMD_QUADS

}  // namespace simd::ops
}  // namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE
LLAMA2_TARGET_END;

#endif  // toggle guard
