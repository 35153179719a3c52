// What the machine can do at most, measured in the process that reports shares of it.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "limit_loops.hpp"
#include "llama2/model/linear.hpp"

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
inline double read_bandwidth(const llama2::Compute& compute, const float* data, std::size_t bytes) {
  const LimitLoops& loops = limit_loops(compute.target.name());
  const std::size_t threads = compute.executor.concurrency();
  const std::size_t part = bytes / sizeof(float) / threads / loops.read_step * loops.read_step;
  return best_of(5, [&] {
    const auto start = std::chrono::steady_clock::now();
    compute.executor.run(threads, [&](std::size_t t) noexcept {
      float total = loops.read(data + t * part, part);
      keep(total);
    });
    return static_cast<double>(part * threads * sizeof(float)) / seconds_since(start);
  });
}

/// Multiply-adds per second on registers.
inline double fma_peak(const llama2::Compute& compute) {
  const LimitLoops& loops = limit_loops(compute.target.name());
  constexpr std::size_t rounds = 200'000;
  const std::size_t threads = compute.executor.concurrency();
  return best_of(5, [&] {
    const auto start = std::chrono::steady_clock::now();
    compute.executor.run(threads, [&](std::size_t) noexcept {
      float total = loops.multiply_add(0.999f, rounds);
      keep(total);
    });
    return static_cast<double>(loops.multiply_adds * rounds * threads) / seconds_since(start);
  });
}

}  // namespace bench
