// The library's own executor: threads that spin briefly for the next job, then sleep.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <thread>
#include <vector>

#include "llama2/base/os.hpp"
#include "llama2/parallel/executor.hpp"

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

namespace llama2::inline LLAMA2_ABI {

/// A fixed set of threads that take tasks one by one, so that a stalled core delays only the task
/// it holds. The thread that calls `try_run` works too: `ThreadPool(4)` starts three threads.
///
/// An idle worker spins for some 50 microseconds, which is longer than the gaps inside one
/// forward pass, and then sleeps until the next job. Nothing is allocated or locked per job.
class ThreadPool {
 public:
  /// `threads` counts the caller's; 0 means as many as the machine has processors.
  explicit ThreadPool(std::size_t threads = 0) {
    if (threads == 0) threads = std::thread::hardware_concurrency();
    if (threads == 0) threads = 1;
    if (threads > max_threads)
      throw Error(
          ErrorCode::invalid_argument, "too many threads",
          {.expected = "at most " + std::to_string(max_threads), .found = std::to_string(threads)});
    try {
      workers_.reserve(threads - 1);
      for (std::size_t i = 1; i < threads; ++i) workers_.emplace_back([this] { work(); });
    } catch (...) {
      stop();
      throw Error(ErrorCode::out_of_memory, "the system refused to start a thread");
    }
  }

  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool() { stop(); }

  [[nodiscard]] std::size_t concurrency() const noexcept { return workers_.size() + 1; }

  bool try_run(std::size_t n, TaskRef task) noexcept {
    if (n == 0) return true;
    if (workers_.empty() || n > max_tasks) return false;
    if (busy_.exchange(true, std::memory_order_acquire)) return false;

    task_object_.store(task.object(), std::memory_order_relaxed);
    task_call_.store(task.call(), std::memory_order_relaxed);
    task_count_.store(static_cast<std::uint32_t>(n), std::memory_order_relaxed);
    finished_.store(0, std::memory_order_relaxed);
    const std::uint64_t epoch = (tickets_.load(std::memory_order_relaxed) >> 32) + 1;
    // seq_cst: either this store is seen by a worker about to sleep, or its count is seen here.
    tickets_.store((epoch << 32) | n, std::memory_order_seq_cst);
    if (sleepers_.load(std::memory_order_seq_cst) != 0) wake_workers();

    while (run_one()) {
    }
    wait_until_finished(static_cast<std::uint32_t>(n));
    busy_.store(false, std::memory_order_release);
    return true;
  }

 private:
  static constexpr std::size_t max_threads = 1024;
  static constexpr std::size_t max_tasks = std::numeric_limits<std::uint32_t>::max();
  static constexpr auto spin_time = std::chrono::microseconds(50);

  static void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    _mm_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  /// Spins until `ready()` or the spin time is over; returns whether it is ready.
  template <class Ready>
  static bool spin_until(Ready ready) noexcept {
    const auto deadline = std::chrono::steady_clock::now() + spin_time;
    do {
      for (int i = 0; i < 64; ++i) {
        if (ready()) return true;
        pause();
      }
    } while (std::chrono::steady_clock::now() < deadline);
    return ready();
  }

  /// Takes one task of the current job and runs it; false when none is left.
  ///
  /// A ticket holds the job's number and how many of its tasks are not yet taken. The job's task
  /// is read before the ticket is claimed; a successful claim proves that the job was current all
  /// the while, since the next one is published only after every task of this one has finished.
  bool run_one() noexcept {
    std::uint64_t ticket = tickets_.load(std::memory_order_acquire);
    while (static_cast<std::uint32_t>(ticket) != 0) {
      void* const object = task_object_.load(std::memory_order_relaxed);
      const auto call = task_call_.load(std::memory_order_relaxed);
      const std::uint32_t count = task_count_.load(std::memory_order_relaxed);
      if (tickets_.compare_exchange_weak(ticket, ticket - 1, std::memory_order_acq_rel,
                                         std::memory_order_acquire)) {
        TaskRef(object, call)(place(count - static_cast<std::uint32_t>(ticket), count));
        // The job's owner may sleep on the count; only the last task has to wake it.
        if (finished_.fetch_add(1, std::memory_order_acq_rel) + 1 == count) finished_.notify_one();
        return true;
      }
    }
    return false;
  }

  /// The task that is `taken`-th to be taken. As threads of one speed take turns, each gets
  /// neighbours one after the other: what these read is often one piece of memory.
  [[nodiscard]] std::uint32_t place(std::uint32_t taken, std::uint32_t count) const noexcept {
    const auto threads = static_cast<std::uint32_t>(concurrency());
    const std::uint32_t thread = taken % threads;
    return thread * (count / threads) + std::min(thread, count % threads) + taken / threads;
  }

  void wait_until_finished(std::uint32_t count) noexcept {
    const auto done = [&] { return finished_.load(std::memory_order_acquire) == count; };
    if (spin_until(done)) return;
    for (std::uint32_t seen = finished_.load(std::memory_order_acquire); seen != count;
         seen = finished_.load(std::memory_order_acquire))
      finished_.wait(seen, std::memory_order_acquire);
  }

  void work() noexcept {
    const auto has_work = [this] {
      return static_cast<std::uint32_t>(tickets_.load(std::memory_order_acquire)) != 0 ||
             stopping_.load(std::memory_order_acquire);
    };
    while (!stopping_.load(std::memory_order_acquire)) {
      if (run_one()) continue;
      if (spin_until(has_work)) continue;
      const std::uint32_t seen = wake_ups_.load(std::memory_order_acquire);
      sleepers_.fetch_add(1, std::memory_order_seq_cst);
      if (static_cast<std::uint32_t>(tickets_.load(std::memory_order_seq_cst)) == 0 &&
          !stopping_.load(std::memory_order_seq_cst))
        wake_ups_.wait(seen, std::memory_order_acquire);
      sleepers_.fetch_sub(1, std::memory_order_relaxed);
    }
  }

  void wake_workers() noexcept {
    wake_ups_.fetch_add(1, std::memory_order_release);
    wake_ups_.notify_all();
  }

  void stop() noexcept {
    stopping_.store(true, std::memory_order_seq_cst);
    wake_workers();
    for (auto& worker : workers_) worker.join();
  }

  alignas(64) std::atomic<std::uint64_t> tickets_{0};    // job number << 32 | tasks not yet taken
  alignas(64) os::WaitableCounter finished_{0};          // tasks of the job that have returned
  alignas(64) std::atomic<void*> task_object_{nullptr};  // the job; written while tickets are 0
  std::atomic<void (*)(void*, std::size_t) noexcept> task_call_{nullptr};
  std::atomic<std::uint32_t> task_count_{0};
  alignas(64) std::atomic<bool> busy_{false};
  std::atomic<std::uint32_t> sleepers_{0};
  os::WaitableCounter wake_ups_{0};
  std::atomic<bool> stopping_{false};
  std::vector<std::thread> workers_;
};

}  // namespace llama2::inline LLAMA2_ABI
