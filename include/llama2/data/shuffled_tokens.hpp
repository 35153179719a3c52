// Puts documents into a token file in a random order, however many there are.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/spill_buffer.hpp"
#include "llama2/base/token.hpp"
#include "llama2/data/token_file.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Takes documents with keys, random numbers, and writes them ascending by key; of equal keys in
/// the order in which they came. They wait in 256 buckets, each of a range of keys, one of which is
/// in memory at a time.
class ShuffledTokens {
 public:
  /// Up to `memory_limit` bytes wait in memory; more in temporary files in `folder`.
  ShuffledTokens(const std::string& folder, std::size_t memory_limit) {
    for (std::size_t i = 0; i < buckets; ++i) buckets_.emplace_back(folder, memory_limit / buckets);
  }

  /// Throws `io` when the disk is full, and `invalid_argument` for 2^32 tokens.
  void add(std::uint64_t key, std::span<const Token> document) {
    if (document.size() >> 32 != 0)
      throw Error(ErrorCode::invalid_argument, "the document is too long");
    const Entry entry{.key = key, .size = static_cast<std::uint32_t>(document.size()), .unused = 0};
    SpillBuffer& bucket = buckets_[key >> 56];
    bucket.append(std::as_bytes(std::span(&entry, 1)));
    bucket.append(std::as_bytes(document));
  }

  /// Adds all documents to a file, and calls `progress(done, all)` in buckets. To be called once,
  /// last. Throws `io`.
  template <class Progress>
  void write(TokenFileWriter& file, Progress&& progress) {
    std::vector<std::byte> bytes;
    std::vector<std::pair<std::uint64_t, std::size_t>> order;  // keys and where entries begin
    std::vector<Token> document;
    for (std::size_t i = 0; i < buckets; ++i) {
      bytes.resize(static_cast<std::size_t>(buckets_[i].size()));
      buckets_[i].read(0, bytes);
      buckets_[i] = SpillBuffer({}, 0);
      order.clear();
      for (std::size_t at = 0; at < bytes.size();) {
        const Entry entry = entry_at(bytes, at);
        order.emplace_back(entry.key, at);
        at += sizeof entry + entry.size * sizeof(Token);
      }
      std::ranges::sort(order);
      for (const auto& [key, at] : order) {
        document.resize(entry_at(bytes, at).size);
        if (!document.empty())
          std::memcpy(document.data(), bytes.data() + at + sizeof(Entry),
                      document.size() * sizeof(Token));
        file.add(document);
      }
      progress(i + 1, buckets);
    }
  }

 private:
  static constexpr std::size_t buckets = 256;

  struct Entry {
    std::uint64_t key;
    std::uint32_t size, unused;
  };

  static Entry entry_at(std::span<const std::byte> bytes, std::size_t at) noexcept {
    Entry entry;
    std::memcpy(&entry, bytes.data() + at, sizeof entry);
    return entry;
  }

  std::vector<SpillBuffer> buckets_;
};

}  // namespace llama2::inline LLAMA2_ABI
