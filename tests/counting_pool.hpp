// A pool that says whether it was really used.
#pragma once

#include <atomic>
#include <cstddef>

#include "llama2/parallel/thread_pool.hpp"

namespace test {

class CountingPool {
 public:
  explicit CountingPool(std::size_t threads = 2) : pool_(threads) {}
  [[nodiscard]] std::size_t concurrency() const noexcept { return pool_.concurrency(); }
  bool try_run(std::size_t n, llama2::TaskRef task) noexcept {
    const bool ran = pool_.try_run(n, task);
    runs += ran;
    return ran;
  }
  std::atomic<std::size_t> runs = 0;

 private:
  llama2::ThreadPool pool_;
};

}  // namespace test
