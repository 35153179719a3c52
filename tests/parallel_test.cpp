// The executor's promises: every task once, all finished on return, busy means no.

#include <atomic>
#include <chrono>
#include <memory>
#include <numeric>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "llama2/parallel/executor.hpp"
#include "llama2/parallel/thread_pool.hpp"

using namespace llama2;

static_assert(Executor<InlineExecutor> && Executor<ThreadPool>);
static_assert(!Executor<int>);

TEST_CASE("every task runs exactly once and before the call returns") {
  for (const std::size_t threads : {1u, 2u, 3u, 8u}) {
    const SharedExecutor executor = std::make_shared<ThreadPool>(threads);
    CHECK(executor.concurrency() == threads);
    for (const std::size_t n : {0u, 1u, 2u, 7u, 100u, 1000u}) {
      std::vector<int> counts(n);  // not atomic: a task is one thread's alone
      executor.run(n, [&](std::size_t i) noexcept { ++counts[i]; });
      REQUIRE(std::ranges::count(counts, 1) == static_cast<std::ptrdiff_t>(n));
    }
  }
}

TEST_CASE("many short jobs one after the other, with and without pauses") {
  ThreadPool pool(4);
  std::uint64_t total = 0;
  for (std::uint64_t job = 0; job < 20'000; ++job) {
    std::atomic<std::uint64_t> sum{0};
    auto task = [&](std::size_t i) noexcept { sum += i + job; };
    REQUIRE(pool.try_run(5, task));
    REQUIRE(sum == 10 + 5 * job);
    total += sum;
    if (job % 4000 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));  // all asleep
  }
  CHECK(total == 20'000ull * 10 + 5ull * (20'000ull * 19'999 / 2));
}

TEST_CASE("work really goes to other threads") {
  ThreadPool pool(2);
  // Each task waits for the other, so both must run at once.
  std::atomic<int> arrived{0};
  auto task = [&](std::size_t) noexcept {
    ++arrived;
    while (arrived < 2) std::this_thread::yield();
  };
  REQUIRE(pool.try_run(2, task));
  CHECK(arrived == 2);
}

TEST_CASE("a busy pool says no at once, and the shared executor then runs inline") {
  auto pool = std::make_shared<ThreadPool>(2);
  const SharedExecutor executor = pool;
  bool outer_refused_inner = false;
  int inline_runs = 0;
  auto inner = [&](std::size_t) noexcept { ++inline_runs; };
  auto task = [&](std::size_t i) noexcept {
    if (i != 0) return;
    outer_refused_inner = !pool->try_run(3, inner);
    executor.run(3, inner);
  };
  REQUIRE(pool->try_run(2, task));
  CHECK(outer_refused_inner);
  CHECK(inline_runs == 3);
}

TEST_CASE("several threads share one pool") {
  const SharedExecutor executor = std::make_shared<ThreadPool>(3);
  std::vector<std::jthread> users;
  std::atomic<std::uint64_t> sum{0};
  for (int u = 0; u < 4; ++u)
    users.emplace_back([&] {
      for (int round = 0; round < 500; ++round)
        executor.run(10, [&](std::size_t i) noexcept { sum += i; });
    });
  users.clear();
  CHECK(sum == 4u * 500u * 45u);
}

TEST_CASE("pools come and go") {
  for (int round = 0; round < 50; ++round) {
    ThreadPool pool(4);
    if (round % 2 == 0) {
      std::atomic<int> count{0};
      auto task = [&](std::size_t) noexcept { ++count; };
      REQUIRE(pool.try_run(9, task));
      REQUIRE(count == 9);
    }
  }
  CHECK(ThreadPool(0).concurrency() == std::max(1u, std::thread::hardware_concurrency()));
  CHECK_THROWS_AS(ThreadPool(1'000'000), Error);
}

namespace {

/// A caller's own executor.
struct Counting {
  std::size_t calls = 0;
  static std::size_t concurrency() noexcept { return 2; }
  bool try_run(std::size_t n, TaskRef task) noexcept {
    ++calls;
    for (std::size_t i = n; i-- > 0;) task(i);  // any order is allowed
    return true;
  }
};
static_assert(Executor<Counting>);

}  // namespace

TEST_CASE("people can bring their own") {
  auto mine = std::make_shared<Counting>();
  const SharedExecutor executor = mine;
  std::size_t sum = 0;
  executor.run(4, [&](std::size_t i) noexcept { sum += i; });
  CHECK(sum == 6);
  CHECK(mine->calls == 1);
  CHECK_THROWS_AS(SharedExecutor(std::shared_ptr<Counting>()), Error);
  CHECK(SharedExecutor().concurrency() == 1);
}
