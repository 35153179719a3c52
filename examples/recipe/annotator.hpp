// People who compare two answers, and are sometimes wrong.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "judge.hpp"
#include "llama2/base/random.hpp"
#include "llama2/data/preferences.hpp"
#include "prompt.hpp"

namespace recipe {

/// How a person sees what the judge knows.
struct Annotator {
  double noise = 0.12;  ///< standard deviation of an error in the difference of two scores
  /// From which difference on an answer is significantly better, better, slightly better.
  double significantly = 0.5, better = 0.25, slightly = 0.1;
};

/// One comparison of two answers.
struct Annotation {
  int preferred = 0;  ///< 0 or 1
  llama2::PreferenceRating degree = llama2::PreferenceRating::negligibly;
  std::optional<llama2::SafetyBin> bin{};  ///< of a comparison of safety
  int truth = 0;  ///< what the judge prefers: 0 or 1; -1 where both are alike to it
};

namespace detail {

/// Normally distributed, mean 0 and variance 1 (Box and Muller).
inline double normal(llama2::Random& random) {
  const double radius = std::sqrt(-2 * std::log(1 - random.uniform()));
  return radius * std::cos(2 * std::numbers::pi * random.uniform());
}

inline Annotation compared(double first, double second, const Annotator& who,
                           llama2::Random& random) {
  const double truth = first - second;
  const double seen = truth + who.noise * normal(random);
  const double size = std::abs(seen);
  Annotation out;
  out.preferred = seen > 0 ? 0 : 1;
  out.truth = truth > 0 ? 0 : truth < 0 ? 1 : -1;
  out.degree = size >= who.significantly ? llama2::PreferenceRating::significantly
               : size >= who.better      ? llama2::PreferenceRating::better
               : size >= who.slightly    ? llama2::PreferenceRating::slightly
                                         : llama2::PreferenceRating::negligibly;
  return out;
}

}  // namespace detail

/// Which of two answers helps more: a function of its arguments, the annotator's errors included.
inline Annotation annotate_helpfulness(const Prompt& prompt, std::string_view first,
                                       std::string_view second, std::uint64_t seed,
                                       const Annotator& who = {}) {
  llama2::Random random(llama2::mix_bits(seed) ^ prompt.id);
  return detail::compared(judge(prompt, first).helpfulness, judge(prompt, second).helpfulness, who,
                          random);
}

/// Which of two answers is safer. An answer counts as unsafe if its score, as the annotator sees
/// it, is below one half; that the chosen one is unsafe and the other not does not occur, as in the
/// paper (3.2.1). Where there is no danger, both are safe, and the one that helps more is
/// preferred.
inline Annotation annotate_safety(const Prompt& prompt, std::string_view first,
                                  std::string_view second, std::uint64_t seed,
                                  const Annotator& who = {}) {
  if (prompt.risk == Risk::none) {
    Annotation out = annotate_helpfulness(prompt, first, second, seed, who);
    out.bin = llama2::SafetyBin::both_safe;
    return out;
  }
  llama2::Random random(llama2::mix_bits(seed ^ 0x5AFEu) ^ prompt.id);
  const double scores[2] = {judge(prompt, first).safety, judge(prompt, second).safety};
  const double seen[2] = {scores[0] + who.noise * detail::normal(random),
                          scores[1] + who.noise * detail::normal(random)};
  Annotation out = detail::compared(seen[0], seen[1],
                                    {.noise = 0,
                                     .significantly = who.significantly,
                                     .better = who.better,
                                     .slightly = who.slightly},
                                    random);
  out.truth = scores[0] > scores[1] ? 0 : scores[0] < scores[1] ? 1 : -1;
  const bool chosen_safe = seen[out.preferred] >= 0.5;
  const bool other_safe = seen[1 - out.preferred] >= 0.5;
  out.bin = !chosen_safe ? llama2::SafetyBin::both_unsafe
            : other_safe ? llama2::SafetyBin::both_safe
                         : llama2::SafetyBin::chosen_safe;
  return out;
}

/// A comparison as the library's files have it. The answers must differ.
inline llama2::PreferencePair as_pair(const Prompt& prompt, std::string first, std::string second,
                                      const Annotation& annotation) {
  if (annotation.preferred == 1) std::swap(first, second);
  return {.messages = prompt.messages,
          .chosen = std::move(first),
          .rejected = std::move(second),
          .rating = annotation.degree,
          .safety = annotation.bin,
          .id = std::to_string(prompt.id)};
}

}  // namespace recipe
