#include "memory_use.hpp"

#include <atomic>
#include <cstdint>
#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LLAMA2_TEST_SANITIZER_ALLOCATOR 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LLAMA2_TEST_SANITIZER_ALLOCATOR 1
#endif
#endif

namespace {

// Signed: memory from before the hooks were installed may be given back. Constant-initialised: the
// first allocations come before any constructor has run.
constinit std::atomic<std::int64_t> held{0};
constinit std::atomic<std::int64_t> held_at_reset{0};
constinit std::atomic<std::int64_t> most_held{0};

}  // namespace

#if defined(LLAMA2_TEST_SANITIZER_ALLOCATOR)

// From <sanitizer/allocator_interface.h>, which gcc does not bring along.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void*,
                                                                           std::size_t),
                                                         void (*on_free)(const volatile void*));
extern "C" std::size_t __sanitizer_get_allocated_size(const volatile void* p);

namespace {

void on_malloc(const volatile void*, std::size_t size) {
  const auto added = static_cast<std::int64_t>(size);
  const std::int64_t now = held.fetch_add(added) + added;
  std::int64_t seen = most_held.load();
  while (now > seen && !most_held.compare_exchange_weak(seen, now)) {
  }
}

// Called while the block is still alive.
void on_free(const volatile void* p) {
  if (p != nullptr) held.fetch_sub(static_cast<std::int64_t>(__sanitizer_get_allocated_size(p)));
}

const bool installed = [] {
  // There is room for a few hooks. Without ours no input would be judged: better to say so.
  if (__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free) == 0) std::abort();
  return true;
}();

}  // namespace

#else

namespace {

constexpr bool installed = false;

}  // namespace

#endif

namespace test {

bool memory_is_counted() noexcept {
  return installed;
}

void reset_memory_peak() noexcept {
  held_at_reset = held.load();
  most_held = held.load();
}

std::size_t memory_peak() noexcept {
  return static_cast<std::size_t>(most_held.load() - held_at_reset.load());
}

}  // namespace test
