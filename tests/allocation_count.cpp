#include "allocation_count.hpp"

#include <cstdlib>
#include <new>

// A sanitizer brings an allocator of its own, which tells what it is asked for.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LLAMA2_TEST_SANITIZER_ALLOCATOR 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LLAMA2_TEST_SANITIZER_ALLOCATOR 1
#endif
#endif

#if defined(LLAMA2_TEST_SANITIZER_ALLOCATOR)
// From <sanitizer/allocator_interface.h>, which gcc does not bring along.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void*,
                                                                           std::size_t),
                                                         void (*on_free)(const volatile void*));
#elif defined(__GLIBC__) && defined(__linux__)
#define LLAMA2_TEST_INTERPOSE_MALLOC 1
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#endif

#include <atomic>

namespace {

// Constant-initialised: the first allocations come before any constructor has run.
constinit std::atomic<std::uint64_t> new_calls{0};
constinit std::atomic<std::uint64_t> malloc_calls{0};
constinit std::atomic<std::uint64_t> mmap_calls{0};
constinit std::atomic<std::size_t> largest{0};

void note(std::atomic<std::uint64_t>& counter, std::size_t size) noexcept {
  counter.fetch_add(1, std::memory_order_relaxed);
  std::size_t seen = largest.load(std::memory_order_relaxed);
  while (size > seen && !largest.compare_exchange_weak(seen, size, std::memory_order_relaxed)) {
  }
}

}  // namespace

namespace test {

Allocations allocations() noexcept {
  return {new_calls, malloc_calls, mmap_calls};
}
std::size_t largest_allocation() noexcept {
  return largest;
}
void reset_largest_allocation() noexcept {
  largest = 0;
}

Counted counted() noexcept {
#if defined(LLAMA2_TEST_SANITIZER_ALLOCATOR)
  return {.operator_new = false, .malloc = true, .mmap = false};
#elif defined(LLAMA2_TEST_INTERPOSE_MALLOC)
  return {.operator_new = true, .malloc = true, .mmap = true};
#else
  return {.operator_new = true, .malloc = false, .mmap = false};
#endif
}

}  // namespace test

#if defined(LLAMA2_TEST_SANITIZER_ALLOCATOR)

namespace {

void on_malloc(const volatile void*, std::size_t size) {
  note(malloc_calls, size);
}
void on_free(const volatile void*) {}
[[maybe_unused]] const int installed =
    __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);

}  // namespace

#else

// The other forms of operator new and delete call these.

void* operator new(std::size_t size) {
  note(new_calls, size);
  if (void* const p = std::malloc(size == 0 ? 1 : size)) return p;
  throw std::bad_alloc();
}

void* operator new(std::size_t size, std::align_val_t alignment) {
  note(new_calls, size);
  const auto step = static_cast<std::size_t>(alignment);
  if (void* const p = std::aligned_alloc(step, (size / step + 1) * step)) return p;
  throw std::bad_alloc();
}

void operator delete(void* p) noexcept {
  std::free(p);
}
void operator delete(void* p, std::size_t) noexcept {
  std::free(p);
}
void operator delete(void* p, std::align_val_t) noexcept {
  std::free(p);
}
void operator delete(void* p, std::size_t, std::align_val_t) noexcept {
  std::free(p);
}

#endif

#if defined(LLAMA2_TEST_INTERPOSE_MALLOC)

extern "C" {

void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* p, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) noexcept {
  note(malloc_calls, size);
  return __libc_malloc(size);
}

void* calloc(std::size_t count, std::size_t size) noexcept {
  note(malloc_calls, count * size);
  return __libc_calloc(count, size);
}

void* realloc(void* p, std::size_t size) noexcept {
  note(malloc_calls, size);
  return __libc_realloc(p, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  note(malloc_calls, size);
  return __libc_memalign(alignment, size);
}

void* memalign(std::size_t alignment, std::size_t size) noexcept {
  note(malloc_calls, size);
  return __libc_memalign(alignment, size);
}

int posix_memalign(void** out, std::size_t alignment, std::size_t size) noexcept {
  note(malloc_calls, size);
  *out = __libc_memalign(alignment, size);
  return *out == nullptr ? ENOMEM : 0;
}

void* mmap(void* address, std::size_t size, int protection, int flags, int file,
           ::off_t offset) noexcept {
  note(mmap_calls, size);
  const long result = ::syscall(SYS_mmap, address, size, protection, flags, file, offset);
  return reinterpret_cast<void*>(result);  // -1 is MAP_FAILED
}

}  // extern "C"

#endif
