// What the machine can do at most, measured in the process that reports shares of it.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "llama2/base/aligned_buffer.hpp"
#include "llama2/kernels/kernels.hpp"
#include "llama2/parallel/executor.hpp"

namespace bench {

inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Seconds that one iteration of a benchmark's loop takes: the wall clock over all of them.
template <class Body>
double time_loop(benchmark::State& state, Body&& body) {
  const auto start = std::chrono::steady_clock::now();
  for (auto _ : state) {
    body();
    benchmark::ClobberMemory();
  }
  return seconds_since(start) / static_cast<double>(state.iterations());
}

/// The best of `rounds` calls of f() -> rate.
template <class F>
double best_of(int rounds, F&& f) {
  double best = 0;
  for (int i = 0; i < rounds; ++i) best = std::max(best, f());
  return best;
}

/// Keeps a value from being optimised away.
template <class T>
void keep(T& value) {
  asm volatile("" : "+m"(value) : : "memory");
}

/// Bytes per second at which `bytes` of memory are read in one ascending stream per thread.
inline double read_bandwidth(const llama2::SharedExecutor& executor, const float* data,
                             std::size_t bytes) {
  namespace simd = llama2::kernels::simd;
  constexpr simd::NativeFloats d;
  constexpr std::size_t step = 8 * d.lanes;
  const std::size_t threads = executor.concurrency();
  const std::size_t part = bytes / sizeof(float) / threads / step * step;
  return best_of(5, [&] {
    const auto start = std::chrono::steady_clock::now();
    executor.run(threads, [&](std::size_t t) noexcept {
      const float* const p = data + t * part;
      simd::Vec<simd::NativeFloats> sums[8];
      for (auto& sum : sums) sum = simd::zero(d);
      for (std::size_t i = 0; i < part; i += step)
#pragma GCC unroll 8
        for (std::size_t j = 0; j < 8; ++j)
          sums[j] = simd::add(sums[j], simd::load(d, p + i + j * d.lanes));
      float total = 0;
      for (const auto& sum : sums) total += simd::reduce_add(d, sum);
      keep(total);
    });
    return static_cast<double>(part * threads * sizeof(float)) / seconds_since(start);
  });
}

/// Multiply-adds per second of `executor`'s threads on registers.
inline double fma_peak(const llama2::SharedExecutor& executor) {
  namespace simd = llama2::kernels::simd;
  constexpr simd::NativeFloats d;
  constexpr std::size_t chains = 12, rounds = 200'000;
  const std::size_t threads = executor.concurrency();
  return best_of(5, [&] {
    const auto start = std::chrono::steady_clock::now();
    executor.run(threads, [&](std::size_t) noexcept {
      simd::Vec<simd::NativeFloats> sums[chains];
      for (auto& sum : sums) sum = simd::set(d, 1.0f);
      float factor = 0.999f;
      keep(factor);
      const auto a = simd::set(d, factor);
      for (std::size_t i = 0; i < rounds; ++i)
#pragma GCC unroll 12
        for (std::size_t j = 0; j < chains; ++j) sums[j] = simd::fma(sums[j], a, a);
      float total = 0;
      for (const auto& sum : sums) total += simd::reduce_add(d, sum);
      keep(total);
    });
    return static_cast<double>(chains * rounds * d.lanes * threads) / seconds_since(start);
  });
}

}  // namespace bench
