#pragma once

#include <cstddef>

#include "llama2/base/config.hpp"
#include "llama2/format/activation.hpp"

namespace llama2::inline LLAMA2_ABI::detail {

/// How far ahead of its reads a product with one token asks for weights, in bytes, or 0: it does
/// not.
struct ReadAhead {
  std::size_t floats;  ///< in 32 and 16 bits
  std::size_t quads;   ///< in 8 and 4 bits
};

/// Intel's cores follow a stream less far by themselves than their memory needs. AMD's do so where
/// weights have 8 or 4 bits, since Zen 4; floats, and older cores, lose more by asking than they
/// gain (measured: docs/kernels.md).
inline ReadAhead choose_read_ahead() noexcept {
  constexpr std::size_t far = 4096;
#if defined(__x86_64__) || defined(__i386__)
  __builtin_cpu_init();
  if (__builtin_cpu_is("intel")) return {far, far};
  if (__builtin_cpu_supports("avx512f")) return {0, far};
#endif
  return {0, 0};
}

inline const ReadAhead read_ahead = choose_read_ahead();

/// The same for products with activations in `Form`.
template <ActivationForm Form>
std::size_t read_ahead_bytes() noexcept {
  return Form == ActivationForm::quads ? read_ahead.quads : read_ahead.floats;
}

/// Stripes of fewer bytes belong to models that lie in a cache: there is nothing to wait for.
inline constexpr std::size_t read_ahead_from = 64 << 10;

}  // namespace llama2::inline LLAMA2_ABI::detail
