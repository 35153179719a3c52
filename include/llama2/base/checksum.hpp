// Whether bytes are those that were written.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "llama2/base/random.hpp"

namespace llama2::inline LLAMA2_ABI {

/// A checksum of 64 bits, of any bytes in any pieces, at several GB/s. It tells damage, not
/// forgery: whoever wants to can make other bytes of the same sum.
///
/// The bytes, in little-endian words of 64 bits, go in turn to four lanes. A lane takes a word by
/// steps that can all be undone, so that no single wrong word goes unnoticed.
class Checksum {
 public:
  void add(std::span<const std::byte> bytes) noexcept {
    size_ += bytes.size();
    if (waiting_ != 0) {
      const std::size_t n = std::min(bytes.size(), block - waiting_);
      if (n != 0) std::memcpy(buffer_.data() + waiting_, bytes.data(), n);
      waiting_ += n;
      bytes = bytes.subspan(n);
      if (waiting_ < block) return;
      take(buffer_.data());
    }
    for (; bytes.size() >= block; bytes = bytes.subspan(block)) take(bytes.data());
    waiting_ = bytes.size();
    if (waiting_ != 0) std::memcpy(buffer_.data(), bytes.data(), waiting_);
  }

  [[nodiscard]] std::uint64_t value() const noexcept {
    Checksum rest = *this;  // the last block is filled up with zeros, and the size tells
    std::memset(rest.buffer_.data() + waiting_, 0, block - waiting_);
    if (waiting_ != 0) rest.take(rest.buffer_.data());
    std::uint64_t sum = size_;
    for (const std::uint64_t lane : rest.lanes_) sum = mix_bits(sum) ^ lane;
    return mix_bits(sum);
  }

 private:
  static constexpr std::size_t block = 32;

  void take(const std::byte* bytes) noexcept {
    static_assert(std::endian::native == std::endian::little);
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      std::uint64_t word;
      std::memcpy(&word, bytes + 8 * i, sizeof word);
      lanes_[i] = (std::rotl(lanes_[i], 29) ^ word) * 0x9E3779B97F4A7C15u;
    }
  }

  std::array<std::uint64_t, 4> lanes_{1, 2, 3, 4};
  std::array<std::byte, block> buffer_{};
  std::size_t waiting_ = 0;  // bytes in the buffer
  std::uint64_t size_ = 0;
};

inline std::uint64_t checksum(std::span<const std::byte> bytes) noexcept {
  Checksum sum;
  sum.add(bytes);
  return sum.value();
}

}  // namespace llama2::inline LLAMA2_ABI
