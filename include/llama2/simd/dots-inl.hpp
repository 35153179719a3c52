// Sums of products, a row of weights per lane: of pairs of 16-bit floats, and of quads of 8-bit
// integers, a weight without a sign times an activation with one.
//
// Processors differ: AVX512-VNNI and AVX512-BF16 have one instruction for each; before them, quads
// go by way of a sum of pairs in 16 bits that saturates, which 4-bit weights cannot reach and 8-bit
// ones must be kept from. NEON multiplies bytes that both have signs, with one instruction where it
// has dot products. Sums of integers are exact everywhere.

#if defined(LLAMA2_SIMD_DOTS_INL_HPP_) == defined(LLAMA2_TARGET_TOGGLE)
#ifdef LLAMA2_SIMD_DOTS_INL_HPP_
#undef LLAMA2_SIMD_DOTS_INL_HPP_
#else
#define LLAMA2_SIMD_DOTS_INL_HPP_
#endif

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(LLAMA2_SIMD_XSIMD)
#include "llama2/simd/xsimd_ops-inl.hpp"
#else
#include "llama2/simd/highway_ops-inl.hpp"
#endif

LLAMA2_TARGET_BEGIN;
namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE {
namespace simd {

/// The same float for every row.
LLAMA2_INLINE Vec<RowFloats> broadcast(const float* p) {
  return set(RowFloats(), *p);
}

#if LLAMA2_SIMD_QUADS

/// Four bytes of each row.
using Quads = ops::Quads;

/// Keeps a sum where it is computed. Compilers would rather put products aside and add them later,
/// and have no registers for them: up to half of the speed (gcc 12, clang 19).
template <class V>
LLAMA2_INLINE void pin([[maybe_unused]] V& sum) {
#if (defined(__x86_64__) || defined(__i386__)) && defined(__GNUC__)
  asm("" : "+v"(sum.raw));
#endif
}

/// The same four bytes for every row.
LLAMA2_INLINE ops::Integers broadcast_bits(const void* p) {
  std::int32_t bits;
  std::memcpy(&bits, p, sizeof bits);
  return ops::set<ops::Integers>(bits);
}

LLAMA2_INLINE Quads load_quads(const std::uint8_t* p) {
  return ops::load<Quads>(p);
}

/// The low four bits of each byte, and the high four.
LLAMA2_INLINE Quads low_nibbles(Quads q) {
  return ops::bit_and(q, ops::set<Quads>(15));
}
LLAMA2_INLINE Quads high_nibbles(Quads q) {
  return low_nibbles(ops::cast<Quads>(ops::shift_right<4>(ops::cast<ops::Integers>(q))));
}

/// The same four activations for every row.
LLAMA2_INLINE ops::Bytes broadcast_quad(const std::int8_t* p) {
  return ops::cast<ops::Bytes>(broadcast_bits(p));
}

/// Where sums with the activations q begin, for `NibbleDot` and `ByteDot` to read: these take
/// weights plus 8 and plus 128.
LLAMA2_INLINE std::int32_t quad_start(const std::int8_t* q) {
  const std::int32_t both = ops::minus_8_times_sums(q);
#if LLAMA2_SIMD_VNNI
  return static_cast<std::int16_t>(both) + (both >> 16);
#else
  return both;  // of 4-bit weights only, whose sums have 16 bits
#endif
}

/// Sums of products of 32 weights in 4 bits, each plus 8.
class NibbleDot {
 public:
  /// `start` is of the activations.
  LLAMA2_INLINE void begin(const std::int32_t* start) {
#if LLAMA2_SIMD_VNNI
    sums_ = broadcast_bits(start);
#else
    sums_ = ops::cast<ops::Words>(broadcast_bits(start));
#endif
  }
  LLAMA2_INLINE void add(Quads w, ops::Bytes x) {
#if LLAMA2_SIMD_VNNI
    sums_ = ops::add_quads(sums_, w, x);
#else
    // The sum of 16 products of at most 8 * 127 fits into 16 bits; on the way it may wrap around.
    sums_ = ops::add(sums_, ops::add_byte_pairs(w, x));
#endif
    pin(sums_);
  }
  [[nodiscard]] LLAMA2_INLINE Vec<RowFloats> sums() const {
#if LLAMA2_SIMD_VNNI
    return ops::to_floats(sums_);
#else
    return ops::to_floats(ops::add_word_pairs(sums_, ops::set<ops::Words>(1)));
#endif
  }

 private:
#if LLAMA2_SIMD_VNNI
  ops::Integers sums_;
#else
  ops::Words sums_;
#endif
};

/// Sums of products of weights in 8 bits, each plus 128.
class ByteDot {
 public:
  /// Weights as `add` takes them, prepared once for many activations.
  struct Weights {
#if LLAMA2_SIMD_VNNI
    Quads plus_128;
#else
    ops::Bytes values;
    Quads magnitudes;
#endif
  };
  static LLAMA2_INLINE Weights prepare(Quads q) {
#if LLAMA2_SIMD_VNNI
    return {q};
#else
    const auto values = ops::cast<ops::Bytes>(ops::bit_xor(q, ops::set<Quads>(128)));
    return {values, ops::magnitudes(values)};
#endif
  }

  LLAMA2_INLINE void begin([[maybe_unused]] const std::int32_t* start) {
#if LLAMA2_SIMD_VNNI
    sums_ = ops::shift_left<4>(broadcast_bits(start));
#else
    sums_ = ops::set<ops::Integers>(0);
#endif
  }
  LLAMA2_INLINE void add(const Weights& w, ops::Bytes x) {
#if LLAMA2_SIMD_VNNI
    sums_ = ops::add_quads(sums_, w.plus_128, x);
#else
    // 2 products of at most 128 * 127 stay below 2^15; more would not.
    const auto pairs = ops::add_byte_pairs(w.magnitudes, ops::with_sign(x, w.values));
    sums_ = ops::add(sums_, ops::add_word_pairs(pairs, ops::set<ops::Words>(1)));
#endif
    pin(sums_);
  }
  [[nodiscard]] LLAMA2_INLINE Vec<RowFloats> sums() const { return ops::to_floats(sums_); }

 private:
  ops::Integers sums_;
};

#elif !defined(LLAMA2_SIMD_XSIMD) && HWY_ARCH_ARM_A64 && HWY_TARGET == HWY_NEON

/// Four bytes of each of four rows.
using Quads = uint8x16_t;
static_assert(RowFloats::lanes == 4);

LLAMA2_INLINE Quads load_quads(const std::uint8_t* p) {
  return vld1q_u8(p);
}
LLAMA2_INLINE Quads low_nibbles(Quads q) {
  return vandq_u8(q, vdupq_n_u8(15));
}
LLAMA2_INLINE Quads high_nibbles(Quads q) {
  return vshrq_n_u8(q, 4);
}
LLAMA2_INLINE int8x16_t broadcast_quad(const std::int8_t* p) {
  std::int32_t bits;
  std::memcpy(&bits, p, sizeof bits);
  return vreinterpretq_s8_s32(vdupq_n_s32(bits));
}
LLAMA2_INLINE std::int32_t quad_start(const std::int8_t* q) {
  return -8 * (vaddlvq_s8(vld1q_s8(q)) + vaddlvq_s8(vld1q_s8(q + 16)));
}

/// Both factors have signs here: 4-bit weights plus 8 are none too large for that, 8-bit ones lose
/// their 128 again.
class SignedDot {
 public:
  LLAMA2_INLINE void add(int8x16_t w, int8x16_t x) {
#if defined(__ARM_FEATURE_DOTPROD)
    sums_ = vdotq_s32(sums_, w, x);
#else
    // 2 products of at most 128 * 127 stay below 2^15.
    const int16x8_t pairs =
        vpaddq_s16(vmull_s8(vget_low_s8(w), vget_low_s8(x)), vmull_high_s8(w, x));
    sums_ = vpadalq_s16(sums_, pairs);
#endif
  }
  [[nodiscard]] LLAMA2_INLINE Vec<RowFloats> sums() const {
    return Vec<RowFloats>{vcvtq_f32_s32(sums_)};
  }

 protected:
  LLAMA2_INLINE void begin(std::int32_t start) { sums_ = vdupq_n_s32(start); }

 private:
  int32x4_t sums_;
};

class NibbleDot : public SignedDot {
 public:
  LLAMA2_INLINE void begin(const std::int32_t* start) { SignedDot::begin(*start); }
  LLAMA2_INLINE void add(Quads w, int8x16_t x) { SignedDot::add(vreinterpretq_s8_u8(w), x); }
};

class ByteDot : public SignedDot {
 public:
  using Weights = int8x16_t;
  static LLAMA2_INLINE Weights prepare(Quads q) {
    return vreinterpretq_s8_u8(veorq_u8(q, vdupq_n_u8(128)));
  }
  LLAMA2_INLINE void begin(const std::int32_t*) { SignedDot::begin(0); }
};

#else  // any processor

struct Quads {
  std::uint8_t values[RowFloats::lanes][4];
};

LLAMA2_INLINE Quads load_quads(const std::uint8_t* p) {
  Quads q;
  std::memcpy(&q, p, sizeof q);
  return q;
}
LLAMA2_INLINE Quads low_nibbles(Quads q) {
  for (auto& row : q.values)
    for (auto& value : row) value &= 15;
  return q;
}
LLAMA2_INLINE Quads high_nibbles(Quads q) {
  for (auto& row : q.values)
    for (auto& value : row) value = static_cast<std::uint8_t>(value >> 4);
  return q;
}
LLAMA2_INLINE const std::int8_t* broadcast_quad(const std::int8_t* p) {
  return p;
}
LLAMA2_INLINE std::int32_t quad_start(const std::int8_t* q) {
  std::int32_t total = 0;
  for (std::size_t i = 0; i < 32; ++i) total += q[i];
  return -8 * total;
}

class NibbleDot {
 public:
  LLAMA2_INLINE void begin(const std::int32_t* start) { begin(*start); }
  LLAMA2_INLINE void add(const Quads& w, const std::int8_t* x) {
    for (std::size_t row = 0; row < RowFloats::lanes; ++row)
      for (std::size_t i = 0; i < 4; ++i) sums_[row] += w.values[row][i] * x[i];
  }
  [[nodiscard]] LLAMA2_INLINE Vec<RowFloats> sums() const {
    float floats[RowFloats::lanes];
    for (std::size_t row = 0; row < RowFloats::lanes; ++row)
      floats[row] = static_cast<float>(sums_[row]);
    return load(RowFloats(), floats);
  }

 protected:
  LLAMA2_INLINE void begin(std::int32_t start) {
    for (auto& sum : sums_) sum = start;
  }

 private:
  std::int32_t sums_[RowFloats::lanes];
};

class ByteDot : public NibbleDot {
 public:
  using Weights = Quads;
  static LLAMA2_INLINE Weights prepare(const Quads& q) { return q; }
  LLAMA2_INLINE void begin(const std::int32_t* start) { NibbleDot::begin(16 * *start); }
};

#endif

#if LLAMA2_SIMD_BF16

/// Two activations as `add_pair` takes them.
using Pair = std::uint32_t;

/// Makes pairs of 2n floats (nearest, ties to even).
LLAMA2_INLINE void make_pairs(const float* x, std::size_t n, Pair* out) {
  for (; n >= 8; n -= 8, x += 16, out += 8) {
    const __m256bh pairs = _mm512_cvtneps_pbh(_mm512_loadu_ps(x));
    std::memcpy(out, &pairs, sizeof pairs);
  }
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint16_t both[2] = {to_bfloat16(x[2 * i]).bits, to_bfloat16(x[2 * i + 1]).bits};
    std::memcpy(out + i, both, sizeof both);
  }
}

/// Two weights of each row; one step takes both.
using Pairs = __m512bh;
inline constexpr std::size_t pair_steps = 1;

template <bool /*Crowded*/>
LLAMA2_INLINE Pairs load_pairs(const BFloat16 (*p)[2], std::size_t) {
  Pairs pairs;
  std::memcpy(&pairs, p, sizeof pairs);
  return pairs;
}
LLAMA2_INLINE Pairs broadcast_pair(const Pair* p, std::size_t) {
  return (Pairs)_mm512_set1_epi32(std::bit_cast<std::int32_t>(*p));  // no call: it has no ABI
}

/// sums + w[0] * x[0] + w[1] * x[1]; the processor takes the pair's last product first.
LLAMA2_INLINE Vec<RowFloats> add_pairs(Pairs w, Pairs x, Vec<RowFloats> sums) {
  return Vec<RowFloats>{_mm512_dpbf16_ps(sums.raw, w, x)};
}

#else

struct Pair {
  float x[2];
};

LLAMA2_INLINE void make_pairs(const float* x, std::size_t n, Pair* out) {
  std::memcpy(out, x, n * sizeof(Pair));
}

/// The first of two weights of each row, and in a second step the last.
using Pairs = Vec<RowFloats>;
inline constexpr std::size_t pair_steps = 2;

/// `Crowded`: where the sums need every register. gcc would keep a mask in one, and spill sums.
template <bool Crowded>
LLAMA2_INLINE Pairs load_pairs(const BFloat16 (*p)[2], std::size_t step) {
  return step == 0 ? load_firsts(RowFloats(), p) : load_seconds<Crowded>(RowFloats(), p);
}
LLAMA2_INLINE Pairs broadcast_pair(const Pair* p, std::size_t step) {
  return broadcast(p->x + step);
}

LLAMA2_INLINE Vec<RowFloats> add_pairs(Pairs w, Pairs x, Vec<RowFloats> sums) {
  return fma(x, w, sums);
}

#endif

}  // namespace simd
}  // namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE
LLAMA2_TARGET_END;

#endif  // toggle guard
