// How much memory a piece of code holds at its worst. Linking memory_use.cpp into a program counts;
// it needs an allocator that tells what it is asked for, which the sanitizers bring.
#pragma once

#include <cstddef>

namespace test {

/// Whether this build counts: it has AddressSanitizer or ThreadSanitizer. In such a build what the
/// library would map comes from the heap too, so that nothing is missed.
bool memory_is_counted() noexcept;

/// Starts anew from what the program holds now.
void reset_memory_peak() noexcept;

/// Bytes, on all threads, that were held at the worst moment beyond those at the last reset.
std::size_t memory_peak() noexcept;

}  // namespace test
