// Who a text is about, and where it happens: people and places of the lists, as entities.
#pragma once

#include "entity.hpp"
#include "llama2/base/random.hpp"
#include "phrases.hpp"
#include "words.hpp"

namespace recipe {

inline Entity child(llama2::Random& random, bool she) {
  Entity out;
  out.sort = Sort::person;
  out.pronoun = she ? Pronoun::she : Pronoun::he;
  out.noun = she ? "girl" : "boy";
  out.name = she ? pick(random, girls) : pick(random, boys);
  return out;
}
inline Entity child(llama2::Random& random) {
  return child(random, chance(random, 0.5));
}

/// The only one of its kind, without an adjective.
inline Entity plain_place(const PlaceKind& kind) {
  Entity out;
  out.sort = Sort::place;
  out.unique = true;
  out.noun = kind.noun;
  out.at = kind.at;
  out.to = kind.to;
  return out;
}

}  // namespace recipe
