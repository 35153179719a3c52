// Sums of products of 8-bit integers: a weight without a sign times an activation with one, four
// neighbours of a row together, a row per lane.
//
// Processors differ: AVX512-VNNI has one instruction for it; before, there is a sum of pairs in 16
// bits that saturates, which 4-bit weights cannot reach and 8-bit ones must be kept from. The sums
// themselves are exact everywhere.

#if defined(LLAMA2_SIMD_QUADS_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef LLAMA2_SIMD_QUADS_INL_HPP_
#undef LLAMA2_SIMD_QUADS_INL_HPP_
#else
#define LLAMA2_SIMD_QUADS_INL_HPP_
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "llama2/simd/highway-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace llama2::inline LLAMA2_ABI::HWY_NAMESPACE {
namespace simd {

/// Tag of a vector of one float for each of some rows of a panel of 16.
using RowFloats = Floats<(native_lanes < 16 ? native_lanes : 16)>;

// Static mode may use AVX512-VNNI wherever the compiler's flags allow it; whether the target's own
// attributes do is Highway's business, and of version 1.0.3 not to be trusted.
#if HWY_TARGET <= HWY_AVX3 && defined(__AVX512VNNI__) && !defined(LLAMA2_DYNAMIC)
#define LLAMA2_SIMD_VNNI 1
#else
#define LLAMA2_SIMD_VNNI 0
#endif

namespace detail {

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
using Raw = __m512i;
HWY_INLINE Raw load_raw(const void* p) {
  return _mm512_loadu_si512(p);
}
HWY_INLINE Raw set_bytes(int x) {
  return _mm512_set1_epi8(static_cast<char>(x));
}
HWY_INLINE Raw set_words(short x) {
  return _mm512_set1_epi16(x);
}
HWY_INLINE Raw set_ints(std::int32_t x) {
  return _mm512_set1_epi32(x);
}
HWY_INLINE Raw bit_and(Raw a, Raw b) {
  return _mm512_and_si512(a, b);
}
HWY_INLINE Raw bit_xor(Raw a, Raw b) {
  return _mm512_xor_si512(a, b);
}
HWY_INLINE Raw shift_right_4(Raw a) {
  return _mm512_srli_epi16(a, 4);
}
HWY_INLINE Raw add_words(Raw a, Raw b) {
  return _mm512_add_epi16(a, b);
}
HWY_INLINE Raw add_ints(Raw a, Raw b) {
  return _mm512_add_epi32(a, b);
}
HWY_INLINE Raw pairs_of_bytes(Raw u, Raw s) {
  return _mm512_maddubs_epi16(u, s);
}
HWY_INLINE Raw pairs_of_words(Raw a, Raw b) {
  return _mm512_madd_epi16(a, b);
}
HWY_INLINE Raw magnitude_of_bytes(Raw a) {
  return _mm512_abs_epi8(a);
}
/// x where `sign` is not negative, else -x.
HWY_INLINE Raw with_sign(Raw x, Raw sign) {
  return _mm512_mask_sub_epi8(x, _mm512_movepi8_mask(sign), _mm512_setzero_si512(), x);
}
HWY_INLINE Vec<RowFloats> floats_of(Raw a) {
  return Vec<RowFloats>{_mm512_cvtepi32_ps(a)};
}
#elif HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
using Raw = __m256i;
HWY_INLINE Raw load_raw(const void* p) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(p));
}
HWY_INLINE Raw set_bytes(int x) {
  return _mm256_set1_epi8(static_cast<char>(x));
}
HWY_INLINE Raw set_words(short x) {
  return _mm256_set1_epi16(x);
}
HWY_INLINE Raw set_ints(std::int32_t x) {
  return _mm256_set1_epi32(x);
}
HWY_INLINE Raw bit_and(Raw a, Raw b) {
  return _mm256_and_si256(a, b);
}
HWY_INLINE Raw bit_xor(Raw a, Raw b) {
  return _mm256_xor_si256(a, b);
}
HWY_INLINE Raw shift_right_4(Raw a) {
  return _mm256_srli_epi16(a, 4);
}
HWY_INLINE Raw add_words(Raw a, Raw b) {
  return _mm256_add_epi16(a, b);
}
HWY_INLINE Raw add_ints(Raw a, Raw b) {
  return _mm256_add_epi32(a, b);
}
HWY_INLINE Raw pairs_of_bytes(Raw u, Raw s) {
  return _mm256_maddubs_epi16(u, s);
}
HWY_INLINE Raw pairs_of_words(Raw a, Raw b) {
  return _mm256_madd_epi16(a, b);
}
HWY_INLINE Raw magnitude_of_bytes(Raw a) {
  return _mm256_abs_epi8(a);
}
HWY_INLINE Raw with_sign(Raw x, Raw sign) {
  return _mm256_sign_epi8(x, sign);
}
HWY_INLINE Vec<RowFloats> floats_of(Raw a) {
  return Vec<RowFloats>{_mm256_cvtepi32_ps(a)};
}
#elif HWY_ARCH_X86 && HWY_TARGET <= HWY_SSSE3
using Raw = __m128i;
HWY_INLINE Raw load_raw(const void* p) {
  return _mm_loadu_si128(static_cast<const __m128i*>(p));
}
HWY_INLINE Raw set_bytes(int x) {
  return _mm_set1_epi8(static_cast<char>(x));
}
HWY_INLINE Raw set_words(short x) {
  return _mm_set1_epi16(x);
}
HWY_INLINE Raw set_ints(std::int32_t x) {
  return _mm_set1_epi32(x);
}
HWY_INLINE Raw bit_and(Raw a, Raw b) {
  return _mm_and_si128(a, b);
}
HWY_INLINE Raw bit_xor(Raw a, Raw b) {
  return _mm_xor_si128(a, b);
}
HWY_INLINE Raw shift_right_4(Raw a) {
  return _mm_srli_epi16(a, 4);
}
HWY_INLINE Raw add_words(Raw a, Raw b) {
  return _mm_add_epi16(a, b);
}
HWY_INLINE Raw add_ints(Raw a, Raw b) {
  return _mm_add_epi32(a, b);
}
HWY_INLINE Raw pairs_of_bytes(Raw u, Raw s) {
  return _mm_maddubs_epi16(u, s);
}
HWY_INLINE Raw pairs_of_words(Raw a, Raw b) {
  return _mm_madd_epi16(a, b);
}
HWY_INLINE Raw magnitude_of_bytes(Raw a) {
  return _mm_abs_epi8(a);
}
HWY_INLINE Raw with_sign(Raw x, Raw sign) {
  return _mm_sign_epi8(x, sign);
}
HWY_INLINE Vec<RowFloats> floats_of(Raw a) {
  return Vec<RowFloats>{_mm_cvtepi32_ps(a)};
}
#else
#define LLAMA2_SIMD_PLAIN_QUADS 1
#endif

}  // namespace detail

#if !defined(LLAMA2_SIMD_PLAIN_QUADS)

namespace detail {

/// Keeps a sum where it is computed. gcc would rather put all products aside and add them last, and
/// has no registers for them: half the speed.
HWY_INLINE void pin([[maybe_unused]] Raw& sum) {
#if defined(__GNUC__) && !defined(__clang__)
  asm("" : "+v"(sum));
#endif
}

}  // namespace detail

/// Four bytes of each of `RowFloats::lanes` rows.
using Quads = detail::Raw;

HWY_INLINE Quads load_quads(const std::uint8_t* p) {
  return detail::load_raw(p);
}

/// The low four bits of each byte, and the high four.
HWY_INLINE Quads low_nibbles(Quads q) {
  return detail::bit_and(q, detail::set_bytes(15));
}
HWY_INLINE Quads high_nibbles(Quads q) {
  return detail::bit_and(detail::shift_right_4(q), detail::set_bytes(15));
}

/// The same four bytes for every row.
HWY_INLINE Quads broadcast_quad(const std::int8_t* p) {
  std::int32_t four;
  std::memcpy(&four, p, sizeof four);
  return detail::set_ints(four);
}

/// Sums of products of weights in 0 .. 15, at most 8 quads.
class NibbleDot {
 public:
  /// Begins the sums at `start`, in every row.
  HWY_INLINE void begin(std::int32_t start) {
#if LLAMA2_SIMD_VNNI
    sums_ = detail::set_ints(start);
#else
    start_ = start;
    sums_ = detail::set_words(0);
#endif
  }
  HWY_INLINE void add(Quads w, Quads x) {
#if LLAMA2_SIMD_VNNI
    sums_ = _mm512_dpbusd_epi32(sums_, w, x);
#else
    // 8 times 2 products of at most 15 * 127 stay below 2^15.
    sums_ = detail::add_words(sums_, detail::pairs_of_bytes(w, x));
    detail::pin(sums_);
#endif
  }
  [[nodiscard]] HWY_INLINE Vec<RowFloats> sums() const {
#if LLAMA2_SIMD_VNNI
    return detail::floats_of(sums_);
#else
    return detail::floats_of(detail::add_ints(detail::pairs_of_words(sums_, detail::set_words(1)),
                                              detail::set_ints(start_)));
#endif
  }

 private:
#if !LLAMA2_SIMD_VNNI
  std::int32_t start_;
#endif
  detail::Raw sums_;
};

/// Sums of products of weights that are stored plus 128.
class ByteDot {
 public:
  /// Weights as `add` takes them, prepared once for many activations.
  struct Weights {
#if LLAMA2_SIMD_VNNI
    Quads plus_128;
#else
    Quads signs, magnitudes;
#endif
  };
  static HWY_INLINE Weights prepare(Quads q) {
#if LLAMA2_SIMD_VNNI
    return {q};
#else
    const Quads with_signs = detail::bit_xor(q, detail::set_bytes(-128));
    return {with_signs, detail::magnitude_of_bytes(with_signs)};
#endif
  }

  /// Begins sums of products with activations whose sum is `total`.
  HWY_INLINE void begin([[maybe_unused]] std::int32_t total) {
#if LLAMA2_SIMD_VNNI
    sums_ = detail::set_ints(-128 * total);
#else
    sums_ = detail::set_ints(0);
#endif
  }
  HWY_INLINE void add(const Weights& w, Quads x) {
#if LLAMA2_SIMD_VNNI
    sums_ = _mm512_dpbusd_epi32(sums_, w.plus_128, x);
#else
    // 2 products of at most 128 * 127 stay below 2^15; more would not.
    const auto pairs = detail::pairs_of_bytes(w.magnitudes, detail::with_sign(x, w.signs));
    sums_ = detail::add_ints(sums_, detail::pairs_of_words(pairs, detail::set_words(1)));
    detail::pin(sums_);
#endif
  }
  [[nodiscard]] HWY_INLINE Vec<RowFloats> sums() const { return detail::floats_of(sums_); }

 private:
  detail::Raw sums_;
};

#else  // any processor

struct Quads {
  std::int16_t values[RowFloats::lanes][4];
};

HWY_INLINE Quads load_quads(const std::uint8_t* p) {
  Quads q;
  for (std::size_t i = 0; i < RowFloats::lanes * 4; ++i) q.values[i / 4][i % 4] = p[i];
  return q;
}
HWY_INLINE Quads low_nibbles(Quads q) {
  for (auto& row : q.values)
    for (auto& value : row) value = static_cast<std::int16_t>(value & 15);
  return q;
}
HWY_INLINE Quads high_nibbles(Quads q) {
  for (auto& row : q.values)
    for (auto& value : row) value = static_cast<std::int16_t>(value >> 4);
  return q;
}
HWY_INLINE Quads broadcast_quad(const std::int8_t* p) {
  Quads q;
  for (auto& row : q.values)
    for (std::size_t i = 0; i < 4; ++i) row[i] = p[i];
  return q;
}

class NibbleDot {
 public:
  HWY_INLINE void begin(std::int32_t start) {
    for (auto& sum : sums_) sum = start;
  }
  HWY_INLINE void add(const Quads& w, const Quads& x) {
    for (std::size_t row = 0; row < RowFloats::lanes; ++row)
      for (std::size_t i = 0; i < 4; ++i) sums_[row] += w.values[row][i] * x.values[row][i];
  }
  [[nodiscard]] HWY_INLINE Vec<RowFloats> sums() const {
    float floats[RowFloats::lanes];
    for (std::size_t row = 0; row < RowFloats::lanes; ++row)
      floats[row] = static_cast<float>(sums_[row]);
    return load(RowFloats(), floats);
  }

 private:
  std::int32_t sums_[RowFloats::lanes];
};

class ByteDot : public NibbleDot {
 public:
  using Weights = Quads;
  static HWY_INLINE Weights prepare(const Quads& q) { return q; }
  HWY_INLINE void begin(std::int32_t total) { NibbleDot::begin(-128 * total); }
};

#endif

}  // namespace simd
}  // namespace llama2::inline LLAMA2_ABI::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#undef LLAMA2_SIMD_PLAIN_QUADS
#undef LLAMA2_SIMD_VNNI

#endif  // toggle guard
