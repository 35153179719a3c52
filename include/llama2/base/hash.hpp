// A hash of bytes that is the same on every platform: for digests, checksums and the seeds of
// choices. Not a cryptographic one: who wants to can make two texts collide.
#pragma once

#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "llama2/base/random.hpp"

namespace llama2::inline LLAMA2_ABI {

static_assert(std::endian::native == std::endian::little,
              "llama2: hashes and files are of little-endian words, and so must the machine be");

/// 64 bits of a text. Each eight bytes are mixed into what the bytes before them have become, by a
/// bijection: texts of one length that differ in one word never collide.
inline std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed = 0) noexcept {
  std::uint64_t hash = mix_bits(mix_bits(seed) ^ bytes.size());
  std::uint64_t word;
  for (; bytes.size() >= sizeof word; bytes.remove_prefix(sizeof word)) {
    std::memcpy(&word, bytes.data(), sizeof word);
    hash = mix_bits(hash ^ word);
  }
  if (bytes.empty()) return hash;
  word = 0;
  std::memcpy(&word, bytes.data(), bytes.size());
  return mix_bits(hash ^ word);
}

/// 128 bits of a text, for telling texts apart among as many as there are.
struct Digest {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  static Digest of(std::string_view bytes) noexcept {
    return {hash_bytes(bytes, 1), hash_bytes(bytes, 2)};
  }
  friend auto operator<=>(const Digest&, const Digest&) = default;
};

}  // namespace llama2::inline LLAMA2_ABI
