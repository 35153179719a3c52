#pragma once

#include <cstddef>

#include "llama2/base/config.hpp"

namespace llama2::inline LLAMA2_ABI::detail {

/// How far ahead of its reads a product with one token asks for weights, in bytes; 0: it does not.
/// Intel's cores follow a stream less far by themselves than their memory needs (measured:
/// docs/kernels.md); on AMD's, asking costs more than it brings.
inline std::size_t choose_read_ahead() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_cpu_init();
  return __builtin_cpu_is("intel") ? 4096 : 0;
#else
  return 0;
#endif
}

inline const std::size_t read_ahead_bytes = choose_read_ahead();

/// Stripes of fewer bytes belong to models that lie in a cache: there is nothing to wait for.
inline constexpr std::size_t read_ahead_from = 64 << 10;

}  // namespace llama2::inline LLAMA2_ABI::detail
