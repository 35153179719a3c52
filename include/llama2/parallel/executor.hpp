// What the library asks of whoever supplies its threads.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <stop_token>
#include <type_traits>
#include <utility>

#include "llama2/base/error.hpp"

namespace llama2::inline LLAMA2_ABI {

/// A reference to a `void(std::size_t index) noexcept` callable that outlives the call it is
/// passed to. Two words; never allocates.
class TaskRef {
 public:
  template <class F>
    requires(!std::same_as<std::remove_cvref_t<F>, TaskRef> && std::invocable<F&, std::size_t>)
  TaskRef(F& f) noexcept  // implicit: a lambda is a task
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
        call_([](void* object, std::size_t i) noexcept { (*static_cast<F*>(object))(i); }) {}

  /// From its two words; for executors that keep them in atomics.
  TaskRef(void* object, void (*function)(void*, std::size_t) noexcept) noexcept
      : object_(object), call_(function) {}

  void operator()(std::size_t i) const noexcept { call_(object_, i); }

  [[nodiscard]] void* object() const noexcept { return object_; }
  [[nodiscard]] auto call() const noexcept { return call_; }

 private:
  void* object_;
  void (*call_)(void*, std::size_t) noexcept;
};

/// An executor runs independent tasks.
///
/// `concurrency()` is the number of tasks that may run at once, at least 1.
/// `try_run(n, task)` calls `task(i)` once for each i in [0, n), in any order, on any threads,
/// and returns true when all calls have returned. If it is busy with somebody else's tasks it
/// returns false at once and has called nothing; the library then runs the tasks itself. It must
/// be callable from several threads, and must not throw.
///
/// Which thread runs a task never changes a result of the library.
template <class E>
concept Executor = requires(E& executor, std::size_t n, TaskRef task) {
  { executor.concurrency() } noexcept -> std::convertible_to<std::size_t>;
  { executor.try_run(n, task) } noexcept -> std::same_as<bool>;
};

/// Runs every task on the calling thread.
class InlineExecutor {
 public:
  [[nodiscard]] static constexpr std::size_t concurrency() noexcept { return 1; }
  static bool try_run(std::size_t n, TaskRef task) noexcept {
    for (std::size_t i = 0; i < n; ++i) task(i);
    return true;
  }
};

/// Multiply-adds of floats below which a second thread costs more than it brings: some 7
/// microseconds' work, where a fork and a join cost half a microsecond and a thread may be late.
inline constexpr std::size_t default_min_parallel_work = std::size_t{1} << 17;

/// Shared ownership of any executor, its type erased. The default is inline execution.
class SharedExecutor {
 public:
  SharedExecutor() noexcept = default;

  template <Executor E>
  SharedExecutor(std::shared_ptr<E> executor,  // implicit: pass your pool where one is asked for
                 std::size_t min_parallel_work = default_min_parallel_work)
      : object_(std::move(executor)),
        min_parallel_work_(min_parallel_work),
        concurrency_(
            [](void* e) noexcept -> std::size_t { return static_cast<E*>(e)->concurrency(); }),
        try_run_([](void* e, std::size_t n, TaskRef task) noexcept {
          return static_cast<E*>(e)->try_run(n, task);
        }) {
    if (object_ == nullptr) throw Error(ErrorCode::invalid_argument, "the executor is null");
  }

  [[nodiscard]] std::size_t concurrency() const noexcept {
    return object_ == nullptr ? 1 : concurrency_(object_.get());
  }

  /// Multiply-adds from which on work is worth sharing out.
  [[nodiscard]] std::size_t min_parallel_work() const noexcept { return min_parallel_work_; }

  /// The same executor for work that may be cancelled: once `cancel` asks for that, tasks that have
  /// not begun are left out. Whoever gives it away looks afterwards, and throws away the results.
  [[nodiscard]] SharedExecutor cancelled_by(std::stop_token cancel) const {
    SharedExecutor copy = *this;
    copy.cancel_ = std::move(cancel);
    return copy;
  }

  /// What may cancel the work.
  [[nodiscard]] const std::stop_token& cancel() const noexcept { return cancel_; }

  /// Calls `task(i)` for each i in [0, n), but for what is cancelled, and returns when all have
  /// returned: on the executor, or inline where that is busy.
  template <class F>
  void run(std::size_t n, F&& task) const noexcept {
    auto unless_cancelled = [&](std::size_t i) noexcept {
      if (!cancel_.stop_requested()) task(i);
    };
    if (n > 1 && object_ != nullptr && try_run_(object_.get(), n, TaskRef(unless_cancelled)))
      return;
    for (std::size_t i = 0; i < n; ++i) unless_cancelled(i);
  }

 private:
  std::shared_ptr<void> object_;
  std::stop_token cancel_;
  std::size_t min_parallel_work_ = default_min_parallel_work;
  std::size_t (*concurrency_)(void*) noexcept = nullptr;
  bool (*try_run_)(void*, std::size_t, TaskRef) noexcept = nullptr;
};

}  // namespace llama2::inline LLAMA2_ABI
