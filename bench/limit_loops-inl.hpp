// The loops that find the limits of a machine, once per compiled target.

#if defined(LLAMA2_BENCH_LIMIT_LOOPS_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef LLAMA2_BENCH_LIMIT_LOOPS_INL_HPP_
#undef LLAMA2_BENCH_LIMIT_LOOPS_INL_HPP_
#else
#define LLAMA2_BENCH_LIMIT_LOOPS_INL_HPP_
#endif

#include <cstddef>

#include "limit_loops.hpp"
#include "llama2/simd/highway-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace bench::HWY_NAMESPACE {

namespace simd = llama2::HWY_NAMESPACE::simd;

inline constexpr simd::NativeFloats floats;
inline constexpr std::size_t chains = 12;  // as many as hide the latency of a multiply-add

inline float read(const float* p, std::size_t n) noexcept {
  simd::Vec<simd::NativeFloats> sums[8];
  for (auto& sum : sums) sum = simd::zero(floats);
  for (std::size_t i = 0; i < n; i += 8 * floats.lanes)
#pragma GCC unroll 8
    for (std::size_t j = 0; j < 8; ++j)
      sums[j] = simd::add(sums[j], simd::load(floats, p + i + j * floats.lanes));
  float total = 0;
  for (const auto& sum : sums) total += simd::reduce_add(floats, sum);
  return total;
}

inline float multiply_add(float factor, std::size_t rounds) noexcept {
  simd::Vec<simd::NativeFloats> sums[chains];
  for (auto& sum : sums) sum = simd::set(floats, 1.0f);
  const auto a = simd::set(floats, factor);
  for (std::size_t i = 0; i < rounds; ++i)
#pragma GCC unroll 12
    for (std::size_t j = 0; j < chains; ++j) sums[j] = simd::fma(sums[j], a, a);
  float total = 0;
  for (const auto& sum : sums) total += simd::reduce_add(floats, sum);
  return total;
}

inline constexpr LimitLoops loops{.read = read,
                                  .read_step = 8 * floats.lanes,
                                  .multiply_add = multiply_add,
                                  .multiply_adds = chains * floats.lanes};

}  // namespace bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle guard
