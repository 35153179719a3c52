// The vector vocabulary of the kernels, on xsimd (8.1 and newer): see vocabulary-inl.hpp; what each
// function does is said in highway-inl.hpp.
//
// There is one target, that of the compiler's flags. Vectors are of a type of our own around
// xsimd's registers: xsimd's own would bring its functions of the same names into the kernels'
// calls, among them a `round` and an `fma` that round otherwise.

#if defined(LLAMA2_SIMD_XSIMD_INL_HPP_) == defined(LLAMA2_TARGET_TOGGLE)
#ifdef LLAMA2_SIMD_XSIMD_INL_HPP_
#undef LLAMA2_SIMD_XSIMD_INL_HPP_
#else
#define LLAMA2_SIMD_XSIMD_INL_HPP_
#endif

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "llama2/simd/xsimd_registers-inl.hpp"

LLAMA2_TARGET_BEGIN;
namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE {
namespace simd {

template <std::size_t N>
struct Floats {
  static_assert(N >= 1 && (N & (N - 1)) == 0 && N <= native_lanes);
  static constexpr std::size_t lanes = N;
  using Vec = Vector<N>;
};

template <class D>
using Vec = typename D::Vec;

/// f of the vectors as xsimd has them or, where it has none, of one element after the other.
template <class F, class V, class... Vs>
LLAMA2_INLINE V each(F f, V v, Vs... more) {
  if constexpr (V::has_register) {
    using B = typename V::Batch;
    return {f(B(v.raw), B(more.raw)...).data};
  } else {
    V result{};
    for (std::size_t i = 0; i < V::lanes; ++i) result.raw[i] = f(v.raw[i], more.raw[i]...);
    return result;
  }
}

/// The vector of f(i) for each lane i.
template <class D, class F>
LLAMA2_INLINE Vec<D> generate(D, F f) {
  Vec<D> result{};
  for (std::size_t i = 0; i < D::lanes; ++i) result.raw[i] = f(i);
  return result;
}

template <class D>
LLAMA2_INLINE Vec<D> set(D d, float x) {
  if constexpr (Vec<D>::has_register)
    return {typename Vec<D>::Batch(x).data};
  else
    return generate(d, [x](std::size_t) { return x; });
}
template <class D>
LLAMA2_INLINE Vec<D> zero(D d) {
  return set(d, 0.0f);
}

template <class D>
LLAMA2_INLINE Vec<D> load(D d, const float* p) {
  if constexpr (Vec<D>::has_register)
    return {Vec<D>::Batch::load_unaligned(p).data};
  else
    return generate(d, [p](std::size_t i) { return p[i]; });
}

template <class D>
LLAMA2_INLINE Vec<D> load(D d, const Half* p) {
  if constexpr (Vec<D>::has_register)
    return {Vec<D>::Register::load(p).data};
  else
    return generate(d, [p](std::size_t i) { return to_float(p[i]); });
}

template <class D>
LLAMA2_INLINE Vec<D> load(D d, const BFloat16* p) {
  if constexpr (Vec<D>::has_register) {
    const auto halves = Vec<D>::Register::widen(reinterpret_cast<const std::uint16_t*>(p));
    return {reg::cast<float>(halves << 16).data};
  } else {
    return generate(d, [p](std::size_t i) { return to_float(p[i]); });
  }
}

template <class D>
LLAMA2_INLINE Vec<D> load_firsts(D d, const BFloat16 (*p)[2]) {
  return each([](auto both) { return reg::cast<float>(reg::cast<std::uint32_t>(both) << 16); },
              load(d, reinterpret_cast<const float*>(p)));
}
template <bool Shifts, class D>
LLAMA2_INLINE Vec<D> load_seconds(D d, const BFloat16 (*p)[2]) {
  return each(
      [](auto both) {
        const auto bits = reg::cast<std::uint32_t>(both);
        if constexpr (Shifts)
          return reg::cast<float>((bits >> 16) << 16);
        else
          return reg::cast<float>(bits & decltype(bits)(0xFFFF0000u));
      },
      load(d, reinterpret_cast<const float*>(p)));
}

template <class D>
LLAMA2_INLINE Vec<D> load(D d, const std::int8_t* p) {
  if constexpr (Vec<D>::has_register)
    return {reg::to_float(Vec<D>::Register::widen(p)).data};
  else
    return generate(d, [p](std::size_t i) { return static_cast<float>(p[i]); });
}

template <class D>
LLAMA2_INLINE Vec<D> load_low_nibbles(D d, const std::uint8_t* p) {
  if constexpr (Vec<D>::has_register) {
    const auto both = Vec<D>::Register::widen(p);
    return {reg::to_float(both & decltype(both)(15)).data};
  } else {
    return generate(d, [p](std::size_t i) { return static_cast<float>(p[i] & 15); });
  }
}
template <class D>
LLAMA2_INLINE Vec<D> load_high_nibbles(D d, const std::uint8_t* p) {
  if constexpr (Vec<D>::has_register)
    return {reg::to_float(Vec<D>::Register::widen(p) >> 4).data};
  else
    return generate(d, [p](std::size_t i) { return static_cast<float>(p[i] >> 4); });
}

template <class D, class T>
LLAMA2_INLINE Vec<D> load_first(D d, const T* p, std::size_t n) {
  if constexpr (Vec<D>::has_register && std::is_same_v<T, float>) {
    return {Vec<D>::Register::load_first(p, n).data};
  } else {
    T whole[D::lanes] = {};
    for (std::size_t i = 0; i < n; ++i) whole[i] = p[i];
    return load(d, whole);
  }
}

template <class D>
LLAMA2_INLINE void store(D, Vec<D> v, float* p) {
  if constexpr (Vec<D>::has_register)
    typename Vec<D>::Batch(v.raw).store_unaligned(p);
  else
    for (std::size_t i = 0; i < D::lanes; ++i) p[i] = v.raw[i];
}

template <class D>
LLAMA2_INLINE void store(D, Vec<D> v, Half* p) {
  if constexpr (Vec<D>::has_register)
    Vec<D>::Register::store(typename Vec<D>::Batch(v.raw), p);
  else
    for (std::size_t i = 0; i < D::lanes; ++i) p[i] = to_half(v.raw[i]);
}

template <class V>
LLAMA2_INLINE V add(V a, V b) {
  return each([](auto x, auto y) { return x + y; }, a, b);
}
template <class V>
LLAMA2_INLINE V sub(V a, V b) {
  return each([](auto x, auto y) { return x - y; }, a, b);
}
template <class V>
LLAMA2_INLINE V mul(V a, V b) {
  return each([](auto x, auto y) { return x * y; }, a, b);
}
template <class V>
LLAMA2_INLINE V div(V a, V b) {
  return each([](auto x, auto y) { return x / y; }, a, b);
}
template <class V>
LLAMA2_INLINE V sqrt(V a) {
  return each([](auto x) { return xsimd::sqrt(x); }, a);
}
template <class V>
LLAMA2_INLINE V min(V a, V b) {
  return each([](auto x, auto y) { return xsimd::min(x, y); }, a, b);
}
template <class V>
LLAMA2_INLINE V max(V a, V b) {
  return each([](auto x, auto y) { return xsimd::max(x, y); }, a, b);
}
/// By the sign's bit: xsimd 8.1 subtracts from 0, which makes zeros positive.
template <class V>
LLAMA2_INLINE V negate(V v) {
  return each(
      [](auto x) {
        const auto bits = reg::cast<std::uint32_t>(x);
        return reg::cast<float>(bits ^ decltype(bits)(0x80000000u));
      },
      v);
}

template <class V>
LLAMA2_INLINE V fma(V a, V b, V c) {
  return each([](auto x, auto y, auto z) { return reg::fma(x, y, z); }, a, b, c);
}

template <class V>
LLAMA2_INLINE V swap_pairs(V v) {
  return {V::Register::swap_pairs(typename V::Batch(v.raw)).data};
}

template <class D>
LLAMA2_INLINE float first_lane(D, Vec<D> v) {
  if constexpr (Vec<D>::has_register)
    return Vec<D>::Register::first(typename Vec<D>::Batch(v.raw));
  else
    return v.raw[0];
}

/// f of all lanes, two vectors at a time.
template <class D, class F>
LLAMA2_INLINE float fold(D, Vec<D> v, F f) {
  constexpr Floats<1> one;
  if constexpr (D::lanes > 4) {
    constexpr Floats<D::lanes / 2> half;
    const typename Vec<D>::Batch whole(v.raw);
    return fold(half,
                f(Vec<Floats<half.lanes>>{Vec<D>::Register::low_half(whole).data},
                  Vec<Floats<half.lanes>>{Vec<D>::Register::high_half(whole).data}),
                f);
  } else if constexpr (D::lanes == 4) {
    v = f(v, Vec<D>{Vec<D>::Register::swap_halves(typename Vec<D>::Batch(v.raw)).data});
    return first_lane(D(), f(v, swap_pairs(v)));
  } else {
    auto result = set(one, v.raw[0]);
    for (std::size_t i = 1; i < D::lanes; ++i) result = f(result, set(one, v.raw[i]));
    return first_lane(one, result);
  }
}

template <class D>
LLAMA2_INLINE float reduce_add(D d, Vec<D> v) {
  return fold(d, v, [](auto a, auto b) { return add(a, b); });
}
template <class D>
LLAMA2_INLINE float reduce_max(D d, Vec<D> v) {
  return fold(d, v, [](auto a, auto b) { return max(a, b); });
}

template <class D>
LLAMA2_INLINE Vec<D> select_first(D d, std::size_t n, Vec<D> a, Vec<D> b) {
  float lane[D::lanes];
  for (std::size_t i = 0; i < D::lanes; ++i) lane[i] = static_cast<float>(i);
  return select_less(load(d, lane), set(d, static_cast<float>(n)), a, b);
}

template <class V>
LLAMA2_INLINE V select_less(V x, V bound, V a, V b) {
  return each([](auto v, auto w, auto yes, auto no) { return reg::select(v < w, yes, no); }, x,
              bound, a, b);
}
template <class V>
LLAMA2_INLINE V select_equal(V x, V y, V a, V b) {
  return each([](auto v, auto w, auto yes, auto no) { return reg::select(v == w, yes, no); }, x, y,
              a, b);
}
template <class V>
LLAMA2_INLINE V select_nan(V x, V a, V b) {
  return each([](auto v, auto yes, auto no) { return reg::select(xsimd::isnan(v), yes, no); }, x, a,
              b);
}

template <class D, class T>
LLAMA2_INLINE std::size_t pack_above(D d, Vec<D> x, Vec<D> bound, const T* from, T* to) {
  float ranks[D::lanes], bounds[D::lanes];
  store(d, x, ranks);
  store(d, bound, bounds);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < D::lanes; ++i) {
    to[kept] = from[i];
    kept += ranks[i] > bounds[i];
  }
  return kept;
}

template <class V>
LLAMA2_INLINE V copy_sign(V v, V sign) {
  return each([](auto x, auto s) { return xsimd::copysign(x, s); }, v, sign);
}

template <class V>
LLAMA2_INLINE V round(V v) {
  return each([](auto x) { return xsimd::nearbyint(x); }, v);
}

template <class D>
LLAMA2_INLINE Vec<D> scale_by_power_of_2(D, Vec<D> v, Vec<D> n) {
  return each(
      [](auto x, auto power) {
        return reg::cast<float>(reg::cast<std::uint32_t>(x) +
                                reg::cast<std::uint32_t>(reg::to_integer(power) << 23));
      },
      v, n);
}

template <class D>
LLAMA2_INLINE void store_bytes(D d, Vec<D> v, std::uint8_t* p) {
  // The spacing of floats around 1.5 * 2^23 is 1: the sum's last bits are the integer.
  const Vec<D> sum = add(v, set(d, 12582912.0f));
  if constexpr (Vec<D>::has_register) {
    const auto bits = reg::cast<std::int32_t>(typename Vec<D>::Batch(sum.raw));
    Vec<D>::Register::store_bytes(bits & decltype(bits)(0xFF), p);
  } else {
    for (std::size_t i = 0; i < D::lanes; ++i)
      p[i] = static_cast<std::uint8_t>(reg::cast<std::uint32_t>(sum.raw[i]));
  }
}

template <class V>
LLAMA2_INLINE V absolute(V v) {
  return each([](auto x) { return xsimd::abs(x); }, v);
}

template <class D>
LLAMA2_INLINE Vec<D> magnitude_key(D, Vec<D> v) {
  return each(
      [](auto x) {
        const auto bits = reg::cast<std::uint32_t>(x);
        return reg::cast<float>((bits + bits) | (bits >> 31));
      },
      v);
}
template <class D>
LLAMA2_INLINE Vec<D> max_key(D, Vec<D> a, Vec<D> b) {
  return each(
      [](auto x, auto y) {
        return reg::cast<float>(
            xsimd::max(reg::cast<std::uint32_t>(x), reg::cast<std::uint32_t>(y)));
      },
      a, b);
}
template <class D>
LLAMA2_INLINE float largest_key(D d, Vec<D> keys) {
  return fold(d, keys, [](auto a, auto b) { return max_key(Floats<decltype(a)::lanes>(), a, b); });
}

template <class D>
LLAMA2_INLINE bool any_equal(D, Vec<D> a, Vec<D> b) {
  if constexpr (Vec<D>::has_register) {
    using B = typename Vec<D>::Batch;
    return reg::any(B(a.raw) == B(b.raw));
  } else {
    for (std::size_t i = 0; i < D::lanes; ++i)
      if (a.raw[i] == b.raw[i]) return true;
    return false;
  }
}

}  // namespace simd
}  // namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE
LLAMA2_TARGET_END;

#endif  // toggle guard
