// A story of the simulated world: its plan and its text.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "llama2/base/random.hpp"
#include "narrator.hpp"
#include "plots.hpp"

namespace recipe {

/// What happened, as data, and a text that tells it.
struct Story {
  Plan plan;
  std::string text;
};

inline std::size_t count_words(std::string_view text) {
  std::size_t words = 0;
  bool inside = false;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n';
    words += !space && !inside;
    inside = !space;
  }
  return words;
}

/// The story of a seed: always the same one, 80 to 260 words long.
inline Story make_story(std::uint64_t seed) {
  for (std::uint64_t attempt = 0;; ++attempt) {
    llama2::Random random(llama2::mix_bits(seed) ^ attempt);
    Plots simulation(random());
    (simulation.*plots[below(random, std::size(plots))])();
    Plan plan = simulation.take();
    std::string text = Narrator(plan, random).take();
    const std::size_t words = count_words(text);
    if (words >= 80 && words <= 260) return {std::move(plan), std::move(text)};
  }
}

}  // namespace recipe
