// Arithmetic on sizes that come from untrusted files: overflow is an error, not a wrap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "llama2/base/error.hpp"

namespace llama2::inline LLAMA2_ABI {

/// a + b; throws `malformed_file` naming `what` when the sum does not fit.
constexpr std::uint64_t checked_add(std::uint64_t a, std::uint64_t b, std::string_view what) {
  if (b > std::numeric_limits<std::uint64_t>::max() - a)
    throw Error(ErrorCode::malformed_file, "size overflows 64 bits", {.tensor = std::string(what)});
  return a + b;
}

/// a * b; throws `malformed_file` naming `what` when the product does not fit.
constexpr std::uint64_t checked_mul(std::uint64_t a, std::uint64_t b, std::string_view what) {
  if (a != 0 && b > std::numeric_limits<std::uint64_t>::max() / a)
    throw Error(ErrorCode::malformed_file, "size overflows 64 bits", {.tensor = std::string(what)});
  return a * b;
}

/// a / b rounded up, without overflow; b > 0.
constexpr std::size_t ceil_div(std::size_t a, std::size_t b) noexcept {
  return a / b + static_cast<std::size_t>(a % b != 0);
}

/// The smallest multiple of `step` that is >= a; a + step must fit.
constexpr std::size_t round_up(std::size_t a, std::size_t step) noexcept {
  return ceil_div(a, step) * step;
}

}  // namespace llama2::inline LLAMA2_ABI
