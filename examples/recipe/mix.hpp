// The corpus of the simulated world: text i of a seed.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "facts.hpp"
#include "llama2/base/random.hpp"
#include "story.hpp"

namespace recipe {

enum class Kind : std::uint8_t { story, facts, mix };

struct Document {
  std::variant<Story, FactText> content;

  const std::string& text() const {
    return std::visit([](const auto& any) -> const std::string& { return any.text; }, content);
  }
};

/// Document `index` of the corpus `seed`: addressable, so that any part of an unlimited corpus can
/// be made anew. A mix has three stories to each factual text.
inline Document make_document(std::uint64_t seed, std::uint64_t index, Kind kind) {
  const std::uint64_t own = llama2::mix_bits(llama2::mix_bits(seed) ^ index);
  if (kind == Kind::facts || (kind == Kind::mix && own % 4 == 0)) return {make_facts(own)};
  return {make_story(own)};
}

}  // namespace recipe
