#pragma once

#include <cstddef>
#include <type_traits>

#include "llama2/base/config.hpp"
#include "llama2/format/activation.hpp"
#include "llama2/format/quantised.hpp"

namespace llama2::inline LLAMA2_ABI::detail {

/// How far ahead of its reads a product with one token asks for weights, in bytes, or 0: it does
/// not.
struct ReadAhead {
  std::size_t floats;   ///< all of those in 32 and 16 bits
  std::size_t bytes;    ///< all of those in 8 bits
  std::size_t nibbles;  ///< all of those in 4 bits
  std::size_t scout;    ///< one cache line in about `scout_step` bytes, of all formats
};

/// The processor follows a stream to the end of a page of 4 KiB. Who asks early for a line of a
/// later page makes it begin there, too, as if there were several streams. Steps are whole blocks
/// of a group of panels, so where one is longer than this, a line in each.
template <std::size_t Tokens>
inline constexpr std::size_t scout_step = Tokens == 1 ? 1024 : 2048;

/// Intel's cores follow a stream less far by themselves than their memory needs. AMD's, since Zen
/// 4, gain most by scouts; with these, only the many instructions that 4 bits take are helped by
/// asking for all. Older ones gain nothing (measured: docs/kernels.md).
inline ReadAhead choose_read_ahead() noexcept {
  constexpr std::size_t near = 4096, far = 65536;
#if defined(__x86_64__) || defined(__i386__)
  __builtin_cpu_init();
  if (__builtin_cpu_is("intel")) return {near, near, near, 0};
  if (__builtin_cpu_supports("avx512f")) return {0, 0, near, far};
#endif
  return {0, 0, 0, 0};
}

inline const ReadAhead read_ahead = choose_read_ahead();

/// How far ahead products with weights in F ask for all of them.
template <WeightFormat F>
std::size_t read_ahead_bytes() noexcept {
  if constexpr (activation_form<F> != ActivationForm::quads)
    return read_ahead.floats;
  else
    return std::is_same_v<F, Q8_0> ? read_ahead.bytes : read_ahead.nibbles;
}

/// Stripes of fewer bytes belong to models that lie in a cache: there is nothing to wait for.
inline constexpr std::size_t read_ahead_from = 64 << 10;

}  // namespace llama2::inline LLAMA2_ABI::detail
