// The vector vocabulary of the kernels, on Highway or on xsimd.
//
// Kernels are written in these functions only, so that either library can stand under them: the one
// that is not the default is chosen by LLAMA2_SIMD_XSIMD (CMake: LLAMA2_SIMD), for static mode. A
// tag `Floats<N>` (zero size, passed first) says how many floats a vector holds.
//
// Multiplication that feeds an addition is always written as `fma`: a compiler is free to contract
// a separate pair or not, and the bits of a result would depend on its mood.
//
// Macros that the chosen library's header defines, for what C++ has no other means for:
//   LLAMA2_TARGET_NAMESPACE  the namespace of one target's code, inside LLAMA2_ABI
//   LLAMA2_TARGET_BEGIN      before that namespace is opened: compile for the target from here on
//   LLAMA2_TARGET_END        after it is closed
//   LLAMA2_TARGET_ATTR       after a lambda's parameters: it is compiled for the target, too
//   LLAMA2_TARGET_TOGGLE     for include guards: headers are included once per compiled target, as
//                            Highway's own -inl.h headers are (toggle-inl.hpp)
//   LLAMA2_INLINE            always inlined; functions that take or return vectors must be
//   LLAMA2_NOINLINE          never inlined
//   LLAMA2_SIMD_VNNI         1 if the target sums products of bytes in one instruction, else 0
//   LLAMA2_SIMD_BF16         1 if it sums products of 16-bit floats (BF16) in one, else 0
//   LLAMA2_SIMD_QUADS        1 if it sums products of bytes in any way (simd/dots-inl.hpp), else 0

#if defined(LLAMA2_SIMD_VOCABULARY_INL_HPP_) == defined(LLAMA2_TARGET_TOGGLE)
#ifdef LLAMA2_SIMD_VOCABULARY_INL_HPP_
#undef LLAMA2_SIMD_VOCABULARY_INL_HPP_
#else
#define LLAMA2_SIMD_VOCABULARY_INL_HPP_
#endif

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "llama2/base/config.hpp"

#if defined(LLAMA2_SIMD_XSIMD)
#include "llama2/simd/xsimd-inl.hpp"
#else
#include "llama2/simd/highway-inl.hpp"
#endif

LLAMA2_TARGET_BEGIN;
namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE {
namespace simd {

/// Tag of the widest vector.
using NativeFloats = Floats<native_lanes>;

/// Tag of a vector of one float for each of some rows of a panel of 16.
using RowFloats = Floats<(native_lanes < 16 ? native_lanes : 16)>;

/// Lanes of the widest vector that cuts `count` elements into whole vectors.
constexpr std::size_t lanes_dividing(std::size_t count) noexcept {
  std::size_t lanes = 1;
  while (lanes < native_lanes && count % (2 * lanes) == 0) lanes *= 2;
  return lanes;
}

/// The first n elements, 1 <= n < lanes; writes nothing beyond.
template <class D>
LLAMA2_INLINE void store_first(D d, Vec<D> v, float* p, std::size_t n) {
  float lanes[D::lanes];
  store(d, v, lanes);
  std::memcpy(p, lanes, n * sizeof(float));
}

template <class D>
LLAMA2_INLINE void store_bytes(D d, Vec<D> v, std::int8_t* p) {
  store_bytes(d, v, reinterpret_cast<std::uint8_t*>(p));
}

/// The nearest integer, ties away from zero, as a float.
template <class D>
LLAMA2_INLINE Vec<D> round_half_away(D d, Vec<D> v) {
  const auto even = round(v);
  const auto half = copy_sign(set(d, 0.5f), v);
  // A tie that went to zero's side: the difference, which is exact, has the sign of v.
  return select_equal(sub(v, even), half, add(even, add(half, half)), even);
}

/// The nearest integer, ties up, as a float.
template <class D>
LLAMA2_INLINE Vec<D> round_half_up(D d, Vec<D> v) {
  const auto even = round(v);
  return select_equal(v, add(even, set(d, 0.5f)), add(even, set(d, 1.0f)), even);
}

/// The float of the largest of the keys.
template <class D>
LLAMA2_INLINE float extreme_of_keys(D d, Vec<D> keys) {
  return std::bit_cast<float>(std::rotr(std::bit_cast<std::uint32_t>(largest_key(d, keys)), 1));
}

}  // namespace simd
}  // namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE
LLAMA2_TARGET_END;

#endif  // toggle guard
