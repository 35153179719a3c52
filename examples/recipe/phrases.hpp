// What is said without a cast: patterns (grammar.hpp) of plain words, chosen by chance.
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "entity.hpp"
#include "grammar.hpp"
#include "llama2/base/random.hpp"

namespace recipe {

/// A quotation mark in a pattern that opens no speech, as in: use the word "wind".
inline constexpr char plain_quote = '\x01';

template <class List>
const auto& pick(llama2::Random& random, const List& list) {
  return std::data(list)[below(random, std::size(list))];
}
inline std::string_view pick(llama2::Random& random, std::initializer_list<std::string_view> list) {
  return std::data(list)[below(random, list.size())];
}

/// The parts between bars.
inline std::vector<std::string> parts_of(std::string_view list) {
  std::vector<std::string> out;
  for (;;) {
    const std::size_t bar = list.find('|');
    out.emplace_back(list.substr(0, bar));
    if (bar == list.npos) return out;
    list.remove_prefix(bar + 1);
  }
}

/// One of a pattern's alternatives, written with these words, in the present tense.
inline std::string say(llama2::Random& random, std::string_view pattern, const Roles& words = {}) {
  static const std::vector<Entity> nobody_there(1);
  Writer writer(nobody_there, random, Tense::present);
  writer.write(writer.choose(pattern), words);
  std::string out = writer.take();
  std::replace(out.begin(), out.end(), plain_quote, '"');
  return out;
}

/// A word between quotation marks, for a pattern.
inline std::string in_quotes(std::string_view word) {
  return plain_quote + std::string(word) + plain_quote;
}

}  // namespace recipe
