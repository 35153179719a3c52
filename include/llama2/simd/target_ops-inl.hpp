// What the kernels need beyond Highway 1.0.3: sums of products of small integers.
//
// Highway has these operations since 1.2, and they are used where it does; for older ones the
// compiler's intrinsics are here, and nowhere else. LLAMA2_OWN_TARGET_OPS asks for those in any
// case. Processors other than x86 need the newer Highway, or take plain loops.

#if defined(LLAMA2_SIMD_TARGET_OPS_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef LLAMA2_SIMD_TARGET_OPS_INL_HPP_
#undef LLAMA2_SIMD_TARGET_OPS_INL_HPP_
#else
#define LLAMA2_SIMD_TARGET_OPS_INL_HPP_
#endif

#include <cstdint>

#include "llama2/simd/highway-inl.hpp"

#undef LLAMA2_SIMD_QUADS
#if HWY_TARGET != HWY_SCALAR && (HWY_ARCH_X86 ? HWY_TARGET <= HWY_SSSE3 : LLAMA2_HIGHWAY_HAS_DOTS)
#define LLAMA2_SIMD_QUADS 1
#else
#define LLAMA2_SIMD_QUADS 0
#endif

HWY_BEFORE_NAMESPACE();
namespace llama2::inline LLAMA2_ABI::HWY_NAMESPACE {
namespace simd::ops {

#if LLAMA2_SIMD_QUADS

#if LLAMA2_HIGHWAY_HAS_DOTS && !defined(LLAMA2_OWN_TARGET_OPS)

/// u[2i] * s[2i] + u[2i + 1] * s[2i + 1], saturated to 16 bits.
template <class U, class S, class D = hn::DFromV<U>>
HWY_INLINE auto add_byte_pairs(U u, S s) {
  return hn::SatWidenMulPairwiseAdd(hn::RepartitionToWide<hn::RebindToSigned<D>>(), u, s);
}

/// a[2i] * b[2i] + a[2i + 1] * b[2i + 1] in 32 bits.
template <class V, class D = hn::DFromV<V>>
HWY_INLINE auto add_word_pairs(V a, V b) {
  return hn::WidenMulPairwiseAdd(hn::RepartitionToWide<D>(), a, b);
}

/// x where the sign is not negative, else -x; any value where the sign is 0.
template <class V>
HWY_INLINE V with_sign(V x, V sign) {
  return hn::IfNegativeThenNegOrUndefIfZero(sign, x);
}

#else

HWY_INLINE auto add_byte_pairs(hn::Vec128<std::uint8_t> u, hn::Vec128<std::int8_t> s) {
  return hn::Vec128<std::int16_t>{_mm_maddubs_epi16(u.raw, s.raw)};
}
HWY_INLINE auto add_word_pairs(hn::Vec128<std::int16_t> a, hn::Vec128<std::int16_t> b) {
  return hn::Vec128<std::int32_t>{_mm_madd_epi16(a.raw, b.raw)};
}
HWY_INLINE auto with_sign(hn::Vec128<std::int8_t> x, hn::Vec128<std::int8_t> sign) {
  return hn::Vec128<std::int8_t>{_mm_sign_epi8(x.raw, sign.raw)};
}
#if HWY_TARGET <= HWY_AVX2
HWY_INLINE auto add_byte_pairs(hn::Vec256<std::uint8_t> u, hn::Vec256<std::int8_t> s) {
  return hn::Vec256<std::int16_t>{_mm256_maddubs_epi16(u.raw, s.raw)};
}
HWY_INLINE auto add_word_pairs(hn::Vec256<std::int16_t> a, hn::Vec256<std::int16_t> b) {
  return hn::Vec256<std::int32_t>{_mm256_madd_epi16(a.raw, b.raw)};
}
HWY_INLINE auto with_sign(hn::Vec256<std::int8_t> x, hn::Vec256<std::int8_t> sign) {
  return hn::Vec256<std::int8_t>{_mm256_sign_epi8(x.raw, sign.raw)};
}
#endif
#if HWY_TARGET <= HWY_AVX3
HWY_INLINE auto add_byte_pairs(hn::Vec512<std::uint8_t> u, hn::Vec512<std::int8_t> s) {
  return hn::Vec512<std::int16_t>{_mm512_maddubs_epi16(u.raw, s.raw)};
}
HWY_INLINE auto add_word_pairs(hn::Vec512<std::int16_t> a, hn::Vec512<std::int16_t> b) {
  return hn::Vec512<std::int32_t>{_mm512_madd_epi16(a.raw, b.raw)};
}
HWY_INLINE auto with_sign(hn::Vec512<std::int8_t> x, hn::Vec512<std::int8_t> sign) {
  return hn::Vec512<std::int8_t>{
      _mm512_mask_sub_epi8(x.raw, _mm512_movepi8_mask(sign.raw), _mm512_setzero_si512(), x.raw)};
}
#endif

#endif

#if LLAMA2_SIMD_VNNI
/// sums[i] + the products of quad i.
HWY_INLINE auto add_quads(hn::Vec512<std::int32_t> sums, hn::Vec512<std::uint8_t> u,
                          hn::Vec512<std::int8_t> s) {
#if LLAMA2_HIGHWAY_HAS_DOTS && HWY_TARGET < HWY_AVX3 && !defined(LLAMA2_OWN_TARGET_OPS)
  return hn::SumOfMulQuadAccumulate(hn::DFromV<decltype(sums)>(), u, s, sums);
#else
  return hn::Vec512<std::int32_t>{_mm512_dpbusd_epi32(sums.raw, u.raw, s.raw)};
#endif
}
#endif

#endif  // LLAMA2_SIMD_QUADS

}  // namespace simd::ops
}  // namespace llama2::inline LLAMA2_ABI::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle guard
