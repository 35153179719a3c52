// xsimd's registers: which there are for the compiler's flags, and what xsimd 8.1 cannot do with
// them, in the compiler's intrinsics.

#if defined(LLAMA2_SIMD_XSIMD_REGISTERS_INL_HPP_) == defined(LLAMA2_TARGET_TOGGLE)
#ifdef LLAMA2_SIMD_XSIMD_REGISTERS_INL_HPP_
#undef LLAMA2_SIMD_XSIMD_REGISTERS_INL_HPP_
#else
#define LLAMA2_SIMD_XSIMD_REGISTERS_INL_HPP_
#endif

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

// gcc 12 warns of its own intrinsics of AVX-512, of which some begin with any value (its bug
// 105593).
#if defined(__AVX512F__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#endif

#include <xsimd/xsimd.hpp>

#include "llama2/base/config.hpp"
#include "llama2/format/half.hpp"

// The namespace is named, as Highway's are, after the processors that the code is for.
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512CD__) && \
    defined(__AVX512DQ__) && defined(__AVX512VL__)
#define LLAMA2_DETAIL_XSIMD_LANES 16
#define LLAMA2_TARGET_NAMESPACE N_AVX3
#elif defined(__AVX2__)
#define LLAMA2_DETAIL_XSIMD_LANES 8
#define LLAMA2_TARGET_NAMESPACE N_AVX2
#elif defined(__SSE4_1__)
#define LLAMA2_DETAIL_XSIMD_LANES 4
#define LLAMA2_TARGET_NAMESPACE N_SSE4
#elif defined(__SSSE3__)
#define LLAMA2_DETAIL_XSIMD_LANES 4
#define LLAMA2_TARGET_NAMESPACE N_SSSE3
#elif defined(__SSE2__)
#define LLAMA2_DETAIL_XSIMD_LANES 4
#define LLAMA2_TARGET_NAMESPACE N_SSE2
#elif defined(__aarch64__) && defined(__ARM_NEON)
#define LLAMA2_DETAIL_XSIMD_LANES 4
#define LLAMA2_DETAIL_XSIMD_NEON 1
#define LLAMA2_TARGET_NAMESPACE N_NEON
#else
#define LLAMA2_DETAIL_XSIMD_LANES 1
#define LLAMA2_TARGET_NAMESPACE N_SCALAR
#endif

#define LLAMA2_TARGET_BEGIN static_assert(true)  // the flags have said it
#define LLAMA2_TARGET_END static_assert(true)
#define LLAMA2_TARGET_ATTR
#if defined(__GNUC__)
#define LLAMA2_INLINE inline __attribute__((always_inline))
#define LLAMA2_NOINLINE __attribute__((noinline))
#else
#define LLAMA2_INLINE inline
#define LLAMA2_NOINLINE
#endif

#if LLAMA2_DETAIL_XSIMD_LANES == 16 && defined(__AVX512VNNI__)
#define LLAMA2_SIMD_VNNI 1
#else
#define LLAMA2_SIMD_VNNI 0
#endif
#if LLAMA2_DETAIL_XSIMD_LANES == 16 && defined(__AVX512BF16__)
#define LLAMA2_SIMD_BF16 1
#else
#define LLAMA2_SIMD_BF16 0
#endif

LLAMA2_TARGET_BEGIN;
namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE {
namespace simd {

inline constexpr std::string_view target_name =
#if LLAMA2_SIMD_BF16
    "AVX3_BF16";
#elif LLAMA2_SIMD_VNNI
    "AVX3_VNNI";
#else
    std::string_view(LLAMA2_DETAIL_STRING(LLAMA2_TARGET_NAMESPACE)).substr(2);  // without "N_"
#endif

inline constexpr std::size_t native_lanes = LLAMA2_DETAIL_XSIMD_LANES;

/// Operations on xsimd's vectors and, where few floats have no register, on single ones.
namespace reg {

LLAMA2_INLINE float fma(float a, float b, float c) {
#if defined(__FMA__) || defined(LLAMA2_DETAIL_XSIMD_NEON)
  return std::fma(a, b, c);
#else
  return a * b + c;
#endif
}
LLAMA2_INLINE float select(bool condition, float a, float b) {
  return condition ? a : b;
}
LLAMA2_INLINE bool any(bool condition) {
  return condition;
}
/// The same bits as another type.
template <class To, class From>
LLAMA2_INLINE To cast(From v) {
  return std::bit_cast<To>(v);
}
LLAMA2_INLINE std::int32_t to_integer(float v) {
  return static_cast<std::int32_t>(v);
}
LLAMA2_INLINE float to_float(std::int32_t v) {
  return static_cast<float>(v);
}

#if LLAMA2_DETAIL_XSIMD_LANES > 1

template <class A>
LLAMA2_INLINE xsimd::batch<float, A> select(xsimd::batch_bool<float, A> condition,
                                            xsimd::batch<float, A> a, xsimd::batch<float, A> b) {
  return xsimd::select(condition, a, b);
}
template <class A>
LLAMA2_INLINE bool any(xsimd::batch_bool<float, A> condition) {
  return xsimd::any(condition);
}
template <class To, class From, class A>
LLAMA2_INLINE xsimd::batch<To, A> cast(xsimd::batch<From, A> v) {
#if XSIMD_VERSION_MAJOR >= 11
  return xsimd::bitwise_cast<To>(v);
#else
  return xsimd::bitwise_cast<xsimd::batch<To, A>>(v);
#endif
}
template <class A>
LLAMA2_INLINE xsimd::batch<std::int32_t, A> to_integer(xsimd::batch<float, A> v) {
  return xsimd::to_int(v);
}
template <class A>
LLAMA2_INLINE xsimd::batch<float, A> to_float(xsimd::batch<std::int32_t, A> v) {
  return xsimd::to_float(v);
}

/// xsimd's architecture with N floats in a register.
template <std::size_t N>
struct Architecture;
#if LLAMA2_DETAIL_XSIMD_LANES == 16
template <>
struct Architecture<16> : std::type_identity<xsimd::avx512bw> {};
#endif
#if LLAMA2_DETAIL_XSIMD_LANES >= 8
#if defined(__FMA__)
template <>
struct Architecture<8> : std::type_identity<xsimd::fma3<xsimd::avx2>> {};
#else
template <>
struct Architecture<8> : std::type_identity<xsimd::avx2> {};
#endif
#endif
#if defined(LLAMA2_DETAIL_XSIMD_NEON)
template <>
struct Architecture<4> : std::type_identity<xsimd::neon64> {};
#elif defined(__SSE4_2__)
template <>
struct Architecture<4> : std::type_identity<xsimd::sse4_2> {};
#elif defined(__SSE4_1__)
template <>
struct Architecture<4> : std::type_identity<xsimd::sse4_1> {};
#elif defined(__SSSE3__)
template <>
struct Architecture<4> : std::type_identity<xsimd::ssse3> {};
#else
template <>
struct Architecture<4> : std::type_identity<xsimd::sse2> {};
#endif

/// Elements T in a register of N floats.
template <class T, std::size_t N>
using Batch = xsimd::batch<T, typename Architecture<N>::type>;

/// What can be done with N floats in a register, or as many integers.
template <std::size_t N>
struct Register;

/// The same, as far as xsimd and plain loops can do it.
template <std::size_t N>
struct AnyRegister {
  using Floats = Batch<float, N>;
  using Integers = Batch<std::int32_t, N>;

  static LLAMA2_INLINE Floats fma(Floats a, Floats b, Floats c) { return xsimd::fma(a, b, c); }

  /// Small integers as 32-bit ones.
  template <class T>
  static LLAMA2_INLINE Integers widen(const T* p) {
    std::int32_t wide[N];
    for (std::size_t i = 0; i < N; ++i) wide[i] = p[i];
    return Integers::load_unaligned(wide);
  }

  static LLAMA2_INLINE Floats load(const Half* p) {
    const Integers bits = Register<N>::widen(reinterpret_cast<const std::uint16_t*>(p));
    const Integers magnitude = bits & Integers(0x7FFF);
    // The exponent's bias changes by 112; a multiplication does that for subnormals, too.
    const Integers finite = cast<std::int32_t>(cast<float>(magnitude << 13) * Floats(0x1p112f));
    const Integers special =
        xsimd::select(magnitude > Integers(0x7BFF), Integers(0x7F800000), Integers(0));
    return cast<float>(finite | special | ((bits - magnitude) << 16));
  }
  static LLAMA2_INLINE void store(Floats v, Half* p) {
    float lanes[N];
    v.store_unaligned(lanes);
    for (std::size_t i = 0; i < N; ++i) p[i] = to_half(lanes[i]);
  }

  /// The first n floats, 1 <= n < N, zeros after them.
  static LLAMA2_INLINE Floats load_first(const float* p, std::size_t n) {
    float whole[N] = {};
    std::memcpy(whole, p, n * sizeof(float));
    return Floats::load_unaligned(whole);
  }

  /// Stores integers below 256 as bytes.
  static LLAMA2_INLINE void store_bytes(Integers v, std::uint8_t* p) {
    std::int32_t lanes[N];
    v.store_unaligned(lanes);
    for (std::size_t i = 0; i < N; ++i) p[i] = static_cast<std::uint8_t>(lanes[i]);
  }
};

#if defined(LLAMA2_DETAIL_XSIMD_NEON)

template <>
struct Register<4> : AnyRegister<4> {
  static LLAMA2_INLINE Floats load(const Half* p) {
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(reinterpret_cast<const std::uint16_t*>(p))));
  }
  static LLAMA2_INLINE void store(Floats v, Half* p) {
    vst1_u16(reinterpret_cast<std::uint16_t*>(p), vreinterpret_u16_f16(vcvt_f16_f32(v.data)));
  }
  static LLAMA2_INLINE float first(Floats v) { return vgetq_lane_f32(v.data, 0); }
  static LLAMA2_INLINE Floats swap_pairs(Floats v) { return vrev64q_f32(v.data); }
  static LLAMA2_INLINE Floats swap_halves(Floats v) { return vextq_f32(v.data, v.data, 2); }
};

#else  // x86

LLAMA2_INLINE __m128i load_4_bytes(const void* p) {
  std::int32_t bytes;
  std::memcpy(&bytes, p, sizeof bytes);
  return _mm_cvtsi32_si128(bytes);
}
LLAMA2_INLINE __m128i load_8_bytes(const void* p) {
  return _mm_loadl_epi64(static_cast<const __m128i*>(p));
}
LLAMA2_INLINE __m128i load_16_bytes(const void* p) {
  return _mm_loadu_si128(static_cast<const __m128i*>(p));
}

template <>
struct Register<4> : AnyRegister<4> {
  static LLAMA2_INLINE float first(Floats v) { return _mm_cvtss_f32(v.data); }
  static LLAMA2_INLINE Floats swap_pairs(Floats v) { return _mm_shuffle_ps(v.data, v.data, 0xB1); }
  static LLAMA2_INLINE Floats swap_halves(Floats v) { return _mm_shuffle_ps(v.data, v.data, 0x4E); }
  static LLAMA2_INLINE void store_bytes(Integers v, std::uint8_t* p) {
    const __m128i words = _mm_packs_epi32(v.data, v.data);
    const std::int32_t bytes = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
    std::memcpy(p, &bytes, sizeof bytes);
  }
#if defined(__SSE4_1__)
  static LLAMA2_INLINE Integers widen(const std::int8_t* p) {
    return _mm_cvtepi8_epi32(load_4_bytes(p));
  }
  static LLAMA2_INLINE Integers widen(const std::uint8_t* p) {
    return _mm_cvtepu8_epi32(load_4_bytes(p));
  }
  static LLAMA2_INLINE Integers widen(const std::uint16_t* p) {
    return _mm_cvtepu16_epi32(load_8_bytes(p));
  }
#endif
#if defined(__FMA__)
  static LLAMA2_INLINE Floats fma(Floats a, Floats b, Floats c) {
    return _mm_fmadd_ps(a.data, b.data, c.data);
  }
#endif
#if defined(__F16C__)
  static LLAMA2_INLINE Floats load(const Half* p) { return _mm_cvtph_ps(load_8_bytes(p)); }
  static LLAMA2_INLINE void store(Floats v, Half* p) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p),
                     _mm_cvtps_ph(v.data, _MM_FROUND_TO_NEAREST_INT));
  }
#endif
};

#if LLAMA2_DETAIL_XSIMD_LANES >= 8
template <>
struct Register<8> : AnyRegister<8> {
  using Half4 = Register<4>::Floats;
  static LLAMA2_INLINE Half4 low_half(Floats v) { return _mm256_castps256_ps128(v.data); }
  static LLAMA2_INLINE Half4 high_half(Floats v) { return _mm256_extractf128_ps(v.data, 1); }
  static LLAMA2_INLINE float first(Floats v) { return _mm256_cvtss_f32(v.data); }
  static LLAMA2_INLINE Floats swap_pairs(Floats v) { return _mm256_permute_ps(v.data, 0xB1); }
  static LLAMA2_INLINE Integers widen(const std::int8_t* p) {
    return _mm256_cvtepi8_epi32(load_8_bytes(p));
  }
  static LLAMA2_INLINE Integers widen(const std::uint8_t* p) {
    return _mm256_cvtepu8_epi32(load_8_bytes(p));
  }
  static LLAMA2_INLINE Integers widen(const std::uint16_t* p) {
    return _mm256_cvtepu16_epi32(load_16_bytes(p));
  }
  static LLAMA2_INLINE Floats load_first(const float* p, std::size_t n) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_maskload_ps(p, _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), lane));
  }
  static LLAMA2_INLINE void store_bytes(Integers v, std::uint8_t* p) {
    const __m128i words =
        _mm_packs_epi32(_mm256_castsi256_si128(v.data), _mm256_extracti128_si256(v.data, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(words, words));
  }
#if defined(__F16C__)
  static LLAMA2_INLINE Floats load(const Half* p) { return _mm256_cvtph_ps(load_16_bytes(p)); }
  static LLAMA2_INLINE void store(Floats v, Half* p) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                     _mm256_cvtps_ph(v.data, _MM_FROUND_TO_NEAREST_INT));
  }
#endif
};
#endif

#if LLAMA2_DETAIL_XSIMD_LANES == 16
LLAMA2_INLINE __m256i load_32_bytes(const void* p) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(p));
}

template <>
struct Register<16> : AnyRegister<16> {
  using Half8 = Register<8>::Floats;
  static LLAMA2_INLINE Half8 low_half(Floats v) { return _mm512_castps512_ps256(v.data); }
  static LLAMA2_INLINE Half8 high_half(Floats v) { return _mm512_extractf32x8_ps(v.data, 1); }
  static LLAMA2_INLINE float first(Floats v) { return _mm512_cvtss_f32(v.data); }
  static LLAMA2_INLINE Floats swap_pairs(Floats v) { return _mm512_permute_ps(v.data, 0xB1); }
  static LLAMA2_INLINE Floats fma(Floats a, Floats b, Floats c) {
    return _mm512_fmadd_ps(a.data, b.data, c.data);
  }
  static LLAMA2_INLINE Integers widen(const std::int8_t* p) {
    return _mm512_cvtepi8_epi32(load_16_bytes(p));
  }
  static LLAMA2_INLINE Integers widen(const std::uint8_t* p) {
    return _mm512_cvtepu8_epi32(load_16_bytes(p));
  }
  static LLAMA2_INLINE Integers widen(const std::uint16_t* p) {
    return _mm512_cvtepu16_epi32(load_32_bytes(p));
  }
  static LLAMA2_INLINE Floats load_first(const float* p, std::size_t n) {
    return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), p);
  }
  static LLAMA2_INLINE void store_bytes(Integers v, std::uint8_t* p) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(v.data));
  }
  static LLAMA2_INLINE Floats load(const Half* p) { return _mm512_cvtph_ps(load_32_bytes(p)); }
  static LLAMA2_INLINE void store(Floats v, Half* p) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                        _mm512_cvtps_ph(v.data, _MM_FROUND_TO_NEAREST_INT));
  }
};
#endif

#endif  // x86

template <class A>
LLAMA2_INLINE xsimd::batch<float, A> fma(xsimd::batch<float, A> a, xsimd::batch<float, A> b,
                                         xsimd::batch<float, A> c) {
  return Register<xsimd::batch<float, A>::size>::fma(a, b, c);
}

#endif  // registers

}  // namespace reg

/// N floats; one or two have no register.
template <std::size_t N>
struct Vector {
  static constexpr std::size_t lanes = N;
  static constexpr bool has_register = false;
  float raw[N];
};
#if LLAMA2_DETAIL_XSIMD_LANES > 1
template <std::size_t N>
  requires(N >= 4)
struct Vector<N> {
  static constexpr std::size_t lanes = N;
  static constexpr bool has_register = true;
  using Register = reg::Register<N>;
  using Batch = typename Register::Floats;
  typename Batch::register_type raw;
};
#endif

}  // namespace simd
}  // namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE
LLAMA2_TARGET_END;

#endif  // toggle guard
