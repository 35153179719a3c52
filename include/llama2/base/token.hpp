// Token ids.
#pragma once

#include <cstdint>

#include "llama2/base/config.hpp"

namespace llama2::inline LLAMA2_ABI {

/// An index into the vocabulary. Signed, as everywhere in this field; negative is never valid.
using Token = std::int32_t;

}  // namespace llama2::inline LLAMA2_ABI
