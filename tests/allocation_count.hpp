// Counts what a program asks the allocator for. Linking allocation_count.cpp into a test program
// replaces operator new and, where the C library and the sanitizers let it, malloc and mmap.
#pragma once

#include <cstddef>
#include <cstdint>

namespace test {

/// Requests since the program began, on all threads.
struct Allocations {
  std::uint64_t operator_new = 0;
  std::uint64_t malloc = 0;  ///< malloc and its relatives, from C and from operator new alike
  std::uint64_t mmap = 0;    ///< what the allocator itself maps is not counted
  friend bool operator==(const Allocations&, const Allocations&) = default;
};

Allocations allocations() noexcept;

/// Which of the counters work in this build. With a sanitizer it is `malloc`, which then counts
/// operator new, too.
struct Counted {
  bool operator_new, malloc, mmap;
};
Counted counted() noexcept;

/// Bytes of the largest single request since the last reset.
std::size_t largest_allocation() noexcept;
void reset_largest_allocation() noexcept;

}  // namespace test
