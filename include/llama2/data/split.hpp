// Which documents are for training, and which are held out.
#pragma once

#include <cstdint>
#include <string_view>

#include "llama2/base/error.hpp"
#include "llama2/base/hash.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Holds out about `fraction` of the documents for validation, each by its own text: copies of a
/// document go the same way, and a corpus that grows or comes in another order splits as before.
class Split {
 public:
  /// Throws `invalid_argument` unless 0 <= fraction < 1.
  explicit Split(double fraction, std::uint64_t seed = 0) : seed_(seed) {
    require_option(fraction >= 0 && fraction < 1, "the fraction held out for validation", fraction,
                   "0 to less than 1");
    limit_ = static_cast<std::uint64_t>(fraction * 0x1.0p53);
  }

  [[nodiscard]] bool is_validation(std::string_view document) const noexcept {
    return hash_bytes(document, seed_) >> 11 < limit_;
  }

 private:
  std::uint64_t seed_;
  std::uint64_t limit_;
};

}  // namespace llama2::inline LLAMA2_ABI
