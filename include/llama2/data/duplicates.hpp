// Finds the documents of a corpus that have been there before, exactly or nearly.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/hash.hpp"
#include "llama2/base/spill_buffer.hpp"
#include "llama2/data/external_sort.hpp"
#include "llama2/data/filters.hpp"
#include "llama2/data/minhash.hpp"
#include "llama2/parallel/executor.hpp"

namespace llama2::inline LLAMA2_ABI {

struct DuplicateOptions {
  /// Documents are near-duplicates that share, by MinHash's estimate, at least this much of their
  /// sequences of five words. None: only exact duplicates are looked for.
  std::optional<double> similarity = 0.8;
  std::string folder = ".";                         ///< for what exceeds memory
  std::size_t memory_limit = std::size_t{1} << 30;  ///< bytes; beside 6 bytes a document
};

/// Is told of one document after the other, then says which of them to drop: of documents that are
/// duplicates of each other, directly or by way of others, all but the first.
class DuplicateFinder {
 public:
  /// Throws `invalid_argument` unless 0 < similarity <= 1.
  explicit DuplicateFinder(const DuplicateOptions& options, const SharedExecutor& executor = {})
      : options_(options),
        executor_(executor),
        exact_(options.folder, options.memory_limit / 8, executor),
        keys_(options.folder, options.memory_limit / 2, executor),
        sketches_(options.folder, options.memory_limit / 8) {
    if (options.similarity)
      require_option(*options.similarity > 0 && *options.similarity <= 1, "similarity",
                     *options.similarity, "more than 0 and at most 1");
  }

  /// `digest` decides whether documents are equal; `hash` is not looked at if only exact duplicates
  /// are asked for. Throws `io` when the disk is full.
  void add(const Digest& digest, const MinHash& hash) {
    if (count_ == std::numeric_limits<std::uint32_t>::max())
      throw Error(ErrorCode::invalid_argument, "more documents than can be compared",
                  {.expected = "fewer than 2^32"});
    exact_.add({digest, count_});
    if (options_.similarity) {
      for (const std::uint64_t key : hash.keys)
        keys_.add({static_cast<std::uint32_t>(key >> 32), static_cast<std::uint32_t>(key), count_});
      sketches_.append(std::as_bytes(std::span(hash.sketch)));
    }
    ++count_;
  }

  [[nodiscard]] std::size_t size() const noexcept { return count_; }

  /// `kept`, `exact_duplicate` or `near_duplicate` for each document. To be called once, last.
  /// Throws `io`.
  std::vector<Fate> find() {
    std::vector<Fate> found(count_, Fate::kept);
    std::optional<Digest> before;
    exact_.for_each([&](const Equal& document) {
      if (before == document.digest) found[document.index] = Fate::exact_duplicate;
      before = document.digest;
    });
    if (options_.similarity) find_near(found);
    return found;
  }

 private:
  struct Equal {
    Digest digest{};
    std::uint64_t index = 0;
    friend auto operator<=>(const Equal&, const Equal&) = default;
  };
  /// In 32-bit parts, so that a record has 12 bytes.
  struct Keyed {
    std::uint32_t high = 0, low = 0, index = 0;
    friend auto operator<=>(const Keyed&, const Keyed&) = default;
  };
  struct Pair {
    std::uint32_t later = 0, earlier = 0;
    friend auto operator<=>(const Pair&, const Pair&) = default;
  };

  void find_near(std::vector<Fate>& found) {
    ExternalSorter<Pair> pairs(options_.folder, options_.memory_limit / 8, executor_);
    // Of all with a common key, ascending: each with the first, and with the one before it.
    std::optional<Keyed> first, previous;
    keys_.for_each([&](const Keyed& now) {
      if (found[now.index] == Fate::exact_duplicate) return;
      if (!first || first->high != now.high || first->low != now.low) {
        first = previous = now;
        return;
      }
      pairs.add({now.index, first->index});
      if (previous->index != first->index) pairs.add({now.index, previous->index});
      previous = now;
    });

    std::vector<std::uint32_t> parents(count_);
    std::iota(parents.begin(), parents.end(), std::uint32_t{0});
    const auto root = [&](std::uint32_t document) {
      while (parents[document] != document) {
        parents[document] = parents[parents[document]];
        document = parents[document];
      }
      return document;
    };
    Pair before{};  // no document pairs with itself
    pairs.for_each([&](const Pair& pair) {
      if (std::exchange(before, pair) == pair) return;
      const std::uint32_t a = root(pair.earlier);
      const std::uint32_t b = root(pair.later);
      if (a == b ||
          MinHash::similarity(sketch(pair.earlier), sketch(pair.later)) < *options_.similarity)
        return;
      parents[std::max(a, b)] = std::min(a, b);
    });
    for (std::uint32_t i = 0; i < count_; ++i)
      if (found[i] == Fate::kept && root(i) != i) found[i] = Fate::near_duplicate;
  }

  [[nodiscard]] std::array<std::uint8_t, MinHash::hashes> sketch(std::uint32_t document) const {
    std::array<std::uint8_t, MinHash::hashes> result;
    sketches_.read(std::uint64_t{document} * MinHash::hashes,
                   std::as_writable_bytes(std::span(result)));
    return result;
  }

  DuplicateOptions options_;
  SharedExecutor executor_;
  ExternalSorter<Equal> exact_;
  ExternalSorter<Keyed> keys_;
  SpillBuffer sketches_;
  std::uint32_t count_ = 0;
};

}  // namespace llama2::inline LLAMA2_ABI
