// Statistics of the best of several answers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "llama2/base/error.hpp"

namespace llama2::inline LLAMA2_ABI {

/// The expected greatest of k scores drawn from these without putting back: an estimate, without
/// bias, of the greatest of k new ones. With the n scores ascending, it is
///   sum_i C(i, k - 1) / C(n, k) score_i,  i = k - 1 .. n - 1.
/// Throws `invalid_argument` unless 1 <= k <= n.
inline double expected_best_of(std::span<const double> scores, std::size_t k) {
  const std::size_t n = scores.size();
  if (k < 1 || k > n)
    throw Error(ErrorCode::invalid_argument, "the best of how many",
                {.expected = "1 to " + std::to_string(n), .found = std::to_string(k)});
  std::vector<double> sorted(scores.begin(), scores.end());
  std::ranges::sort(sorted, std::greater<>());
  // From the greatest down: the chance that score i is the best of the k, C(i, k-1) / C(n, k) with
  // i scores below it, is k/n for the first, and falls by (i - k + 1) / i to the next.
  double chance = static_cast<double>(k) / static_cast<double>(n), sum = 0;
  for (std::size_t j = 0, below = n - 1;; ++j, --below) {
    sum += chance * sorted[j];
    if (below < k) return sum;  // nothing is left below for k - 1 others
    chance *= static_cast<double>(below - k + 1) / static_cast<double>(below);
  }
}

/// The middle score; of an even number, the mean of the middle two. Throws `invalid_argument` for
/// none.
inline double median_of(std::span<const double> scores) {
  if (scores.empty()) throw Error(ErrorCode::invalid_argument, "no scores to take the median of");
  std::vector<double> sorted(scores.begin(), scores.end());
  std::ranges::sort(sorted);
  const std::size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

}  // namespace llama2::inline LLAMA2_ABI
