// Work of uneven size, shared out item by item, whose exceptions reach the caller.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>

#include "llama2/parallel/executor.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Calls `f(slot, i)` once for each i in [0, n), items in about ascending order, on as many threads
/// as the executor has. `slot`, below `executor.concurrency()`, is of one call at a time: for state
/// that is made once a thread. If calls throw, no further items are begun, and of those that threw
/// the exception of the least i is thrown again.
template <class F>
void dynamic_for(const SharedExecutor& executor, std::size_t n, F&& f) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::size_t thrown_at = n;
  std::exception_ptr thrown;
  executor.run(std::min(executor.concurrency(), n), [&](std::size_t slot) noexcept {
    for (std::size_t i = next.fetch_add(1); i < n; i = next.fetch_add(1)) {
      try {
        f(slot, i);
      } catch (...) {
        const std::scoped_lock lock(mutex);
        if (i < thrown_at) {
          thrown_at = i;
          thrown = std::current_exception();
        }
        next = n;
      }
    }
  });
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace llama2::inline LLAMA2_ABI
