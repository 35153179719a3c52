// Integers, on Highway, as sums of products of bytes (dots-inl.hpp) need them. Vectors of them have
// four bytes, two words or one integer for each float of `RowFloats`.
//
// Products of small integers are beyond Highway 1.0.3. It has these operations since 1.2, and they
// are used where it does; for older ones the compiler's intrinsics are here, and nowhere else.
// LLAMA2_OWN_TARGET_OPS asks for those in any case. Processors other than x86 need the newer
// Highway, or take plain loops.

#if defined(LLAMA2_SIMD_HIGHWAY_OPS_INL_HPP_) == defined(LLAMA2_TARGET_TOGGLE)
#ifdef LLAMA2_SIMD_HIGHWAY_OPS_INL_HPP_
#undef LLAMA2_SIMD_HIGHWAY_OPS_INL_HPP_
#else
#define LLAMA2_SIMD_HIGHWAY_OPS_INL_HPP_
#endif

#include <cstddef>
#include <cstdint>

#include "llama2/simd/vocabulary-inl.hpp"

#undef LLAMA2_SIMD_QUADS
#if HWY_TARGET != HWY_SCALAR && (HWY_ARCH_X86 ? HWY_TARGET <= HWY_SSSE3 : LLAMA2_HIGHWAY_HAS_DOTS)
#define LLAMA2_SIMD_QUADS 1
#else
#define LLAMA2_SIMD_QUADS 0
#endif

LLAMA2_TARGET_BEGIN;
namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE {
namespace simd::ops {

#if LLAMA2_SIMD_QUADS

template <class T>
using VectorOf = hn::Vec<hn::Simd<T, sizeof(float) / sizeof(T) * RowFloats::lanes, 0>>;

using Quads = VectorOf<std::uint8_t>;
using Bytes = VectorOf<std::int8_t>;
using Words = VectorOf<std::int16_t>;
using Integers = VectorOf<std::int32_t>;

/// x in every lane.
template <class V>
LLAMA2_INLINE V set(hn::TFromV<V> x) {
  return hn::Set(hn::DFromV<V>(), x);
}
template <class V>
LLAMA2_INLINE V load(const hn::TFromV<V>* p) {
  return hn::LoadU(hn::DFromV<V>(), p);
}

/// The same bits as another vector.
template <class To, class From>
LLAMA2_INLINE To cast(From v) {
  return hn::BitCast(hn::DFromV<To>(), v);
}
LLAMA2_INLINE Vec<RowFloats> to_floats(Integers v) {
  return hn::ConvertTo(typename RowFloats::Hwy(), v);
}

template <class V>
LLAMA2_INLINE V add(V a, V b) {
  return hn::Add(a, b);
}
template <class V>
LLAMA2_INLINE V bit_and(V a, V b) {
  return hn::And(a, b);
}
template <class V>
LLAMA2_INLINE V bit_xor(V a, V b) {
  return hn::Xor(a, b);
}
template <int Bits>
LLAMA2_INLINE Integers shift_left(Integers v) {
  return hn::ShiftLeft<Bits>(v);
}
/// Copies of the sign come in.
template <int Bits>
LLAMA2_INLINE Integers shift_right(Integers v) {
  return hn::ShiftRight<Bits>(v);
}

/// |v|, also of -128.
LLAMA2_INLINE Quads magnitudes(Bytes v) {
  return cast<Quads>(hn::Abs(v));
}

#if LLAMA2_HIGHWAY_HAS_DOTS && !defined(LLAMA2_OWN_TARGET_OPS)

/// u[2i] * s[2i] + u[2i + 1] * s[2i + 1], saturated to 16 bits.
template <class U, class S, class D = hn::DFromV<U>>
LLAMA2_INLINE auto add_byte_pairs(U u, S s) {
  return hn::SatWidenMulPairwiseAdd(hn::RepartitionToWide<hn::RebindToSigned<D>>(), u, s);
}

/// a[2i] * b[2i] + a[2i + 1] * b[2i + 1] in 32 bits.
template <class V, class D = hn::DFromV<V>>
LLAMA2_INLINE auto add_word_pairs(V a, V b) {
  return hn::WidenMulPairwiseAdd(hn::RepartitionToWide<D>(), a, b);
}

/// x where the sign is not negative, else -x; any value where the sign is 0.
template <class V>
LLAMA2_INLINE V with_sign(V x, V sign) {
  return hn::IfNegativeThenNegOrUndefIfZero(sign, x);
}

#else

LLAMA2_INLINE auto add_byte_pairs(hn::Vec128<std::uint8_t> u, hn::Vec128<std::int8_t> s) {
  return hn::Vec128<std::int16_t>{_mm_maddubs_epi16(u.raw, s.raw)};
}
LLAMA2_INLINE auto add_word_pairs(hn::Vec128<std::int16_t> a, hn::Vec128<std::int16_t> b) {
  return hn::Vec128<std::int32_t>{_mm_madd_epi16(a.raw, b.raw)};
}
LLAMA2_INLINE auto with_sign(hn::Vec128<std::int8_t> x, hn::Vec128<std::int8_t> sign) {
  return hn::Vec128<std::int8_t>{_mm_sign_epi8(x.raw, sign.raw)};
}
#if HWY_TARGET <= HWY_AVX2
LLAMA2_INLINE auto add_byte_pairs(hn::Vec256<std::uint8_t> u, hn::Vec256<std::int8_t> s) {
  return hn::Vec256<std::int16_t>{_mm256_maddubs_epi16(u.raw, s.raw)};
}
LLAMA2_INLINE auto add_word_pairs(hn::Vec256<std::int16_t> a, hn::Vec256<std::int16_t> b) {
  return hn::Vec256<std::int32_t>{_mm256_madd_epi16(a.raw, b.raw)};
}
LLAMA2_INLINE auto with_sign(hn::Vec256<std::int8_t> x, hn::Vec256<std::int8_t> sign) {
  return hn::Vec256<std::int8_t>{_mm256_sign_epi8(x.raw, sign.raw)};
}
#endif
#if HWY_TARGET <= HWY_AVX3
LLAMA2_INLINE auto add_byte_pairs(hn::Vec512<std::uint8_t> u, hn::Vec512<std::int8_t> s) {
  return hn::Vec512<std::int16_t>{_mm512_maddubs_epi16(u.raw, s.raw)};
}
LLAMA2_INLINE auto add_word_pairs(hn::Vec512<std::int16_t> a, hn::Vec512<std::int16_t> b) {
  return hn::Vec512<std::int32_t>{_mm512_madd_epi16(a.raw, b.raw)};
}
LLAMA2_INLINE auto with_sign(hn::Vec512<std::int8_t> x, hn::Vec512<std::int8_t> sign) {
  return hn::Vec512<std::int8_t>{
      _mm512_mask_sub_epi8(x.raw, _mm512_movepi8_mask(sign.raw), _mm512_setzero_si512(), x.raw)};
}
#endif

#endif

#if LLAMA2_SIMD_VNNI
/// sums[i] + the products of quad i.
LLAMA2_INLINE auto add_quads(hn::Vec512<std::int32_t> sums, hn::Vec512<std::uint8_t> u,
                             hn::Vec512<std::int8_t> s) {
#if LLAMA2_HIGHWAY_HAS_DOTS && HWY_TARGET < HWY_AVX3 && !defined(LLAMA2_OWN_TARGET_OPS)
  return hn::SumOfMulQuadAccumulate(hn::DFromV<decltype(sums)>(), u, s, sums);
#else
  return hn::Vec512<std::int32_t>{_mm512_dpbusd_epi32(sums.raw, u.raw, s.raw)};
#endif
}
#endif

/// Of 32 bytes in fours, minus 8 times two sums: of the first two of each four in the low 16 bits,
/// of the last two in the high ones.
LLAMA2_INLINE std::int32_t minus_8_times_sums(const std::int8_t* q) {
  constexpr hn::Simd<std::int8_t, 16, 0> i8;
  constexpr hn::Simd<std::int16_t, 8, 0> i16;
  constexpr hn::Simd<std::int32_t, 4, 0> i32;
  const auto ones = hn::Set(hn::Simd<std::uint8_t, 16, 0>(), 1);
  auto sums =
      hn::Add(add_byte_pairs(ones, hn::LoadU(i8, q)), add_byte_pairs(ones, hn::LoadU(i8, q + 16)));
  sums = hn::Add(sums, hn::BitCast(i16, hn::Shuffle1032(hn::BitCast(i32, sums))));
  sums = hn::Add(sums, hn::BitCast(i16, hn::Shuffle2301(hn::BitCast(i32, sums))));
  sums = hn::Neg(hn::ShiftLeft<3>(sums));
  return hn::GetLane(hn::BitCast(i32, sums));
}

#endif  // LLAMA2_SIMD_QUADS

}  // namespace simd::ops
}  // namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE
LLAMA2_TARGET_END;

#endif  // toggle guard
