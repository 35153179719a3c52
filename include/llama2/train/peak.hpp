// How fast the processor can multiply and add at most, which training is compared to.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>

#include "llama2/kernels/kernels.hpp"
#include "llama2/kernels/optimiser-inl.hpp"
#include "llama2/parallel/executor.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Multiply-adds of floats a second, by all threads of an executor: the best of a few trials on
/// registers, 0.1 s in all.
inline double peak_multiply_adds(const SharedExecutor& executor) noexcept {
  using Clock = std::chrono::steady_clock;
  const std::size_t threads = executor.concurrency();
  std::atomic<float> result{0};  // so that nobody can leave the work out
  const auto seconds_of = [&](std::size_t rounds) {
    const auto start = Clock::now();
    executor.run(threads, [&](std::size_t) noexcept {
      result.store(kernels::run_multiply_adds(rounds), std::memory_order_relaxed);
    });
    return std::max(1e-9, std::chrono::duration<double>(Clock::now() - start).count());
  };
  std::size_t rounds = 1 << 14;
  rounds = static_cast<std::size_t>(static_cast<double>(rounds) * 0.01 / seconds_of(rounds)) + 1;
  double best = 0;
  for (int trial = 0; trial < 10; ++trial)
    best = std::max(best, static_cast<double>(rounds * kernels::round_multiply_adds * threads) /
                              seconds_of(rounds));
  return best;
}

}  // namespace llama2::inline LLAMA2_ABI
