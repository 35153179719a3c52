// Token ids.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "llama2/base/error.hpp"

namespace llama2::inline LLAMA2_ABI {

/// An index into the vocabulary. Signed, as everywhere in this field; negative is never valid.
using Token = std::int32_t;

/// Whether the id is one of a vocabulary of `vocab` ids.
constexpr bool is_token(Token token, std::size_t vocab) noexcept {
  return token >= 0 && static_cast<std::size_t>(token) < vocab;
}

/// Throws `invalid_argument` unless the id is one of a vocabulary of `vocab` ids.
inline void require_token(Token token, std::size_t vocab) {
  if (!is_token(token, vocab))
    throw Error(ErrorCode::invalid_argument, "token outside the vocabulary",
                {.expected = "0 to " + std::to_string(vocab - 1), .found = std::to_string(token)});
}

}  // namespace llama2::inline LLAMA2_ABI
