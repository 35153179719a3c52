// The vector vocabulary of the kernels, on Highway: see vocabulary-inl.hpp.

#if defined(LLAMA2_SIMD_HIGHWAY_INL_HPP_) == defined(LLAMA2_TARGET_TOGGLE)
#ifdef LLAMA2_SIMD_HIGHWAY_INL_HPP_
#undef LLAMA2_SIMD_HIGHWAY_INL_HPP_
#else
#define LLAMA2_SIMD_HIGHWAY_INL_HPP_
#endif

#include "llama2/base/config.hpp"

// -march=x86-64-v3 lacks AES, which Highway asks of its AVX2 target but nothing here uses.
#if defined(__AVX2__) && !(defined(__AES__) && defined(__PCLMUL__)) && \
    !defined(HWY_DISABLE_PCLMUL_AES)
#define HWY_DISABLE_PCLMUL_AES
#endif

// Highway 1.0.3 refuses to compile where the flags allow its AVX3_DL target (Ice Lake and newer),
// and that target's attributes name AVX-VNNI where they mean AVX512-VNNI: plain code compiled for
// it faults on processors that lack the former. AVX3 serves those processors. Vectors of SVE have
// no size that the compiler knows, and kernels ask for one: NEON serves those.
#if !defined(HWY_DISABLED_TARGETS)
#define HWY_DISABLED_TARGETS (HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#endif

#if defined(__AVX512VNNI__)
#define LLAMA2_DETAIL_FLAG_VNNI 1
#else
#define LLAMA2_DETAIL_FLAG_VNNI 0
#endif
#if defined(__AVX512BF16__)
#define LLAMA2_DETAIL_FLAG_BF16 1
#else
#define LLAMA2_DETAIL_FLAG_BF16 0
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "llama2/format/half.hpp"

// Whether this Highway knows sums of products of bytes.
#if !defined(LLAMA2_HIGHWAY_HAS_DOTS)
#define LLAMA2_HIGHWAY_HAS_DOTS (HWY_MAJOR * 1000 + HWY_MINOR >= 1002)
#endif

// AVX512-VNNI and AVX512-BF16. In static mode the compiler's flags decide. In dynamic mode Highway
// has targets with both; where it is too old for that, its one target for AVX-512 gets them here,
// and `Target` asks the processor.
#undef LLAMA2_SIMD_VNNI
#undef LLAMA2_SIMD_BF16
#if defined(HWY_AVX3_ZEN4) && HWY_TARGET <= HWY_AVX3_ZEN4
#define LLAMA2_SIMD_VNNI 1
#if defined(HWY_NATIVE_DOT_BF16)
#define LLAMA2_SIMD_BF16 HWY_NATIVE_DOT_BF16
#else  // before 1.2 the target does not allow it
#define LLAMA2_SIMD_BF16 LLAMA2_DETAIL_FLAG_BF16
#endif
#elif defined(LLAMA2_DYNAMIC) && !defined(HWY_AVX3_ZEN4) && HWY_TARGET == HWY_AVX3 && \
    HWY_STATIC_TARGET != HWY_AVX3
#undef HWY_TARGET_STR
#define HWY_TARGET_STR HWY_TARGET_STR_AVX3 ",avx512vnni,avx512bf16"
#define LLAMA2_SIMD_VNNI 1
#define LLAMA2_SIMD_BF16 1
#else
#define LLAMA2_SIMD_VNNI (HWY_TARGET <= HWY_AVX3 && LLAMA2_DETAIL_FLAG_VNNI)
#define LLAMA2_SIMD_BF16 (HWY_TARGET <= HWY_AVX3 && LLAMA2_DETAIL_FLAG_BF16)
#endif

#define LLAMA2_TARGET_NAMESPACE HWY_NAMESPACE
#define LLAMA2_TARGET_BEGIN HWY_BEFORE_NAMESPACE()
#define LLAMA2_TARGET_END HWY_AFTER_NAMESPACE()
#define LLAMA2_TARGET_ATTR HWY_ATTR
#define LLAMA2_INLINE HWY_INLINE
#define LLAMA2_NOINLINE HWY_NOINLINE

LLAMA2_TARGET_BEGIN;
namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE {
namespace simd {

namespace hn = hwy::HWY_NAMESPACE;

/// The processors that these kernels are for.
inline constexpr std::string_view target_name =
#if HWY_TARGET == HWY_AVX3 && LLAMA2_SIMD_BF16
    "AVX3_BF16";  // and with VNNI, as every processor that has it
#elif HWY_TARGET == HWY_AVX3 && LLAMA2_SIMD_VNNI
    "AVX3_VNNI";
#else
    std::string_view(LLAMA2_DETAIL_STRING(HWY_NAMESPACE)).substr(2);  // without "N_"
#endif

/// Floats in the widest vector of this target.
inline constexpr std::size_t native_lanes = HWY_LANES(float);

/// Tag of a vector of N floats; N is a power of two, at most `native_lanes`.
template <std::size_t N>
struct Floats {
  static_assert(N >= 1 && (N & (N - 1)) == 0 && N <= native_lanes);
  static constexpr std::size_t lanes = N;
  using Hwy = hn::Simd<float, N, 0>;
  using Vec = hn::Vec<Hwy>;
};

template <class D>
using Vec = typename D::Vec;

template <class D>
LLAMA2_INLINE Vec<D> zero(D) {
  return hn::Zero(typename D::Hwy());
}

/// x in every lane.
template <class D>
LLAMA2_INLINE Vec<D> set(D, float x) {
  return hn::Set(typename D::Hwy(), x);
}

/// `lanes` floats from any address.
template <class D>
LLAMA2_INLINE Vec<D> load(D, const float* p) {
  return hn::LoadU(typename D::Hwy(), p);
}

// Targets with instructions for binary16; Highway's emulation elsewhere is wrong for infinities,
// NaNs and subnormals.
#if HWY_TARGET <= HWY_AVX2 || HWY_TARGET == HWY_NEON
#define LLAMA2_SIMD_NATIVE_HALF 1
#else
#define LLAMA2_SIMD_NATIVE_HALF 0
#endif

template <class D>
LLAMA2_INLINE Vec<D> load(D, const Half* p) {
  const typename D::Hwy d;
#if LLAMA2_SIMD_NATIVE_HALF
  const hn::Rebind<hwy::float16_t, typename D::Hwy> halves;
  return hn::PromoteTo(d, hn::LoadU(halves, reinterpret_cast<const hwy::float16_t*>(p)));
#else
  const hn::RebindToUnsigned<typename D::Hwy> u32;
  const hn::Rebind<std::uint16_t, typename D::Hwy> u16;
  const auto bits = hn::PromoteTo(u32, hn::LoadU(u16, reinterpret_cast<const std::uint16_t*>(p)));
  const auto magnitude = hn::And(bits, hn::Set(u32, 0x7FFFu));
  // The exponent's bias changes by 112; a multiplication does that for subnormals, too.
  const auto finite =
      hn::BitCast(u32, hn::Mul(hn::BitCast(d, hn::ShiftLeft<13>(magnitude)), hn::Set(d, 0x1p112f)));
  const auto special = hn::Gt(hn::BitCast(hn::RebindToSigned<typename D::Hwy>(), magnitude),
                              hn::Set(hn::RebindToSigned<typename D::Hwy>(), 0x7BFF));
  const auto value =
      hn::Or(finite, hn::IfThenElseZero(hn::RebindMask(u32, special), hn::Set(u32, 0x7F800000u)));
  const auto sign = hn::ShiftLeft<16>(hn::Sub(bits, magnitude));
  return hn::BitCast(d, hn::Or(value, sign));
#endif
}

template <class D>
LLAMA2_INLINE Vec<D> load(D, const BFloat16* p) {
  const hn::Rebind<hwy::bfloat16_t, typename D::Hwy> halves;
  return hn::PromoteTo(typename D::Hwy(),
                       hn::LoadU(halves, reinterpret_cast<const hwy::bfloat16_t*>(p)));
}

/// The first of each of `lanes` pairs, and the second: by a mask, or by shifts that need no
/// register of their own.
template <class D>
LLAMA2_INLINE Vec<D> load_firsts(D d, const BFloat16 (*p)[2]) {
  const hn::RebindToUnsigned<typename D::Hwy> u32;
  const auto both = hn::BitCast(u32, load(d, reinterpret_cast<const float*>(p)));
  return hn::BitCast(typename D::Hwy(), hn::ShiftLeft<16>(both));
}
template <bool Shifts, class D>
LLAMA2_INLINE Vec<D> load_seconds(D d, const BFloat16 (*p)[2]) {
  const hn::RebindToUnsigned<typename D::Hwy> u32;
  const auto both = hn::BitCast(u32, load(d, reinterpret_cast<const float*>(p)));
  if constexpr (Shifts)
    return hn::BitCast(typename D::Hwy(), hn::ShiftLeft<16>(hn::ShiftRight<16>(both)));
  else
    return hn::BitCast(typename D::Hwy(), hn::And(both, hn::Set(u32, 0xFFFF0000u)));
}

template <class D>
LLAMA2_INLINE Vec<D> load(D, const std::int8_t* p) {
  const typename D::Hwy d;
  const hn::Rebind<std::int8_t, typename D::Hwy> bytes;
  const hn::RebindToSigned<typename D::Hwy> integers;
  return hn::ConvertTo(d, hn::PromoteTo(integers, hn::LoadU(bytes, p)));
}

/// The low four bits of `lanes` bytes, 0 .. 15, and their high four bits.
template <class D>
LLAMA2_INLINE Vec<D> load_low_nibbles(D, const std::uint8_t* p) {
  const hn::Rebind<std::uint8_t, typename D::Hwy> bytes;
  const hn::RebindToSigned<typename D::Hwy> integers;
  const auto both = hn::PromoteTo(integers, hn::LoadU(bytes, p));
  return hn::ConvertTo(typename D::Hwy(), hn::And(both, hn::Set(integers, 15)));
}
template <class D>
LLAMA2_INLINE Vec<D> load_high_nibbles(D, const std::uint8_t* p) {
  const hn::Rebind<std::uint8_t, typename D::Hwy> bytes;
  const hn::RebindToSigned<typename D::Hwy> integers;
  const auto both = hn::PromoteTo(integers, hn::LoadU(bytes, p));
  return hn::ConvertTo(typename D::Hwy(), hn::ShiftRight<4>(both));
}

/// The first n elements, 1 <= n < lanes, zeros after them; reads nothing beyond.
template <class D, class T>
LLAMA2_INLINE Vec<D> load_first(D d, const T* p, std::size_t n) {
#if HWY_TARGET <= HWY_AVX2
  if constexpr (std::is_same_v<T, float>) {
    const typename D::Hwy hd;
    return hn::MaskedLoad(hn::FirstN(hd, n), hd, p);
  }
#endif
  T whole[D::lanes] = {};
  std::memcpy(whole, p, n * sizeof(T));
  return load(d, whole);
}

/// `lanes` floats to any address.
template <class D>
LLAMA2_INLINE void store(D, Vec<D> v, float* p) {
  hn::StoreU(v, typename D::Hwy(), p);
}

/// Rounds to nearest, ties to even.
template <class D>
LLAMA2_INLINE void store(D, Vec<D> v, Half* p) {
#if LLAMA2_SIMD_NATIVE_HALF
  const hn::Rebind<hwy::float16_t, typename D::Hwy> halves;
  hn::StoreU(hn::DemoteTo(halves, v), halves, reinterpret_cast<hwy::float16_t*>(p));
#else
  float lanes[D::lanes];
  hn::StoreU(v, typename D::Hwy(), lanes);
  for (std::size_t i = 0; i < D::lanes; ++i) p[i] = to_half(lanes[i]);
#endif
}

template <class V>
LLAMA2_INLINE V add(V a, V b) {
  return hn::Add(a, b);
}
template <class V>
LLAMA2_INLINE V sub(V a, V b) {
  return hn::Sub(a, b);
}
template <class V>
LLAMA2_INLINE V mul(V a, V b) {
  return hn::Mul(a, b);
}
template <class V>
LLAMA2_INLINE V div(V a, V b) {
  return hn::Div(a, b);
}
template <class V>
LLAMA2_INLINE V sqrt(V a) {
  return hn::Sqrt(a);
}
template <class V>
LLAMA2_INLINE V min(V a, V b) {
  return hn::Min(a, b);
}
template <class V>
LLAMA2_INLINE V max(V a, V b) {
  return hn::Max(a, b);
}
template <class V>
LLAMA2_INLINE V negate(V a) {
  return hn::Neg(a);
}

/// a * b + c, rounded once where the processor can.
template <class V>
LLAMA2_INLINE V fma(V a, V b, V c) {
  return hn::MulAdd(a, b, c);
}

#if HWY_TARGET != HWY_SCALAR
/// Elements 2i and 2i + 1 exchanged; at least 4 lanes.
template <class V>
LLAMA2_INLINE V swap_pairs(V v) {
  return hn::Shuffle2301(v);
}
#endif

/// Sum of all lanes, in an order that is fixed for the target.
template <class D>
LLAMA2_INLINE float reduce_add(D, Vec<D> v) {
  return hn::GetLane(hn::SumOfLanes(typename D::Hwy(), v));
}

template <class D>
LLAMA2_INLINE float reduce_max(D, Vec<D> v) {
#if HWY_TARGET == HWY_EMU128
  // Highway's begins with the lowest finite number, and finds that in lanes that are all -inf.
  float lanes[D::lanes];
  hn::StoreU(v, typename D::Hwy(), lanes);
  return *std::max_element(lanes, lanes + D::lanes);
#else
  return hn::GetLane(hn::MaxOfLanes(typename D::Hwy(), v));
#endif
}

template <class D>
LLAMA2_INLINE float first_lane(D, Vec<D> v) {
  return hn::GetLane(v);
}

/// Lanes i < n from a, the others from b.
template <class D>
LLAMA2_INLINE Vec<D> select_first(D, std::size_t n, Vec<D> a, Vec<D> b) {
  return hn::IfThenElse(hn::FirstN(typename D::Hwy(), n), a, b);
}

/// Where x < bound: a, elsewhere b.
template <class V>
LLAMA2_INLINE V select_less(V x, V bound, V a, V b) {
  return hn::IfThenElse(hn::Lt(x, bound), a, b);
}

/// Where x is NaN: a, elsewhere b.
template <class V>
LLAMA2_INLINE V select_nan(V x, V a, V b) {
  return hn::IfThenElse(hn::IsNaN(x), a, b);
}

/// Where x and y are equal: a, elsewhere b.
template <class V>
LLAMA2_INLINE V select_equal(V x, V y, V a, V b) {
  return hn::IfThenElse(hn::Eq(x, y), a, b);
}

/// Of D's lanes elements of 32 bits at `from`, writes those whose x > bound to `to`, in their
/// order; up to as many elements there are overwritten. Returns how many are kept.
template <class D, class T>
LLAMA2_INLINE std::size_t pack_above(D, Vec<D> x, Vec<D> bound, const T* from, T* to) {
  constexpr hn::Rebind<T, typename D::Hwy> d;
  const auto kept = hn::RebindMask(d, hn::Gt(x, bound));
  // Not CompressStore: to memory, some processors do it a hundred times as slowly.
  hn::StoreU(hn::Compress(hn::LoadU(d, from), kept), d, to);
  return hn::CountTrue(d, kept);
}

/// The magnitude of v with the sign of `sign`.
template <class V>
LLAMA2_INLINE V copy_sign(V v, V sign) {
  return hn::CopySign(v, sign);
}

/// The nearest integer, ties to even, as a float.
template <class V>
LLAMA2_INLINE V round(V v) {
  return hn::Round(v);
}

/// v * 2^n for an integer-valued n, as an addition to the exponent: v and the result are normal.
template <class D>
LLAMA2_INLINE Vec<D> scale_by_power_of_2(D, Vec<D> v, Vec<D> n) {
  const typename D::Hwy d;
  const hn::RebindToSigned<typename D::Hwy> di;
  return hn::BitCast(d, hn::Add(hn::BitCast(di, v), hn::ShiftLeft<23>(hn::ConvertTo(di, n))));
}

/// Rounds `lanes` floats to the nearest integers, ties to even, and stores their lowest bytes; they
/// must lie in -2^22 .. 2^22 (else, and for NaN, it stores some byte).
template <class D>
LLAMA2_INLINE void store_bytes(D, Vec<D> v, std::uint8_t* p) {
  const hn::RebindToUnsigned<typename D::Hwy> u32;
  const hn::Rebind<std::uint8_t, typename D::Hwy> bytes;
  // The spacing of floats around 1.5 * 2^23 is 1: the sum's last bits are the integer.
  const auto sum = hn::BitCast(u32, hn::Add(v, hn::Set(typename D::Hwy(), 12582912.0f)));
  hn::StoreU(hn::U8FromU32(hn::And(sum, hn::Set(u32, 0xFF))), bytes, p);
}
/// |v|, lane by lane.
template <class V>
LLAMA2_INLINE V absolute(V v) {
  return hn::Abs(v);
}

/// Keys that order floats by magnitude, then the negative after the positive: the bits with the
/// sign moved to the end, to be compared as integers.
template <class D>
LLAMA2_INLINE Vec<D> magnitude_key(D, Vec<D> v) {
  const hn::RebindToUnsigned<typename D::Hwy> u32;
  const auto bits = hn::BitCast(u32, v);
  return hn::BitCast(typename D::Hwy(), hn::Or(hn::Add(bits, bits), hn::ShiftRight<31>(bits)));
}
template <class D>
LLAMA2_INLINE Vec<D> max_key(D, Vec<D> a, Vec<D> b) {
  const hn::RebindToUnsigned<typename D::Hwy> u32;
  return hn::BitCast(typename D::Hwy(), hn::Max(hn::BitCast(u32, a), hn::BitCast(u32, b)));
}

/// The largest of the keys itself.
template <class D>
LLAMA2_INLINE float largest_key(D, Vec<D> keys) {
  const hn::RebindToUnsigned<typename D::Hwy> u32;
  return std::bit_cast<float>(hn::GetLane(hn::MaxOfLanes(u32, hn::BitCast(u32, keys))));
}

/// Whether any lanes of a and b are equal.
template <class D>
LLAMA2_INLINE bool any_equal(D, Vec<D> a, Vec<D> b) {
  return !hn::AllFalse(typename D::Hwy(), hn::Eq(a, b));
}

#undef LLAMA2_SIMD_NATIVE_HALF

}  // namespace simd
}  // namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE
LLAMA2_TARGET_END;

#endif  // toggle guard
