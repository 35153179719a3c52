// A text as sentences and words.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/eval/text_rules.hpp"

namespace recipe {

/// The sentences of a text, each with the mark that ends it; what follows the last mark, too. A
/// speech and who says it are one: "Look! It flies!" said Mia.
inline std::vector<std::string> sentences_of(std::string_view text) {
  std::vector<std::string> out;
  std::string one;
  bool spoken = false;
  const auto finish = [&] {
    const std::size_t begin = one.find_first_not_of(" \n\t\r");
    if (begin != one.npos) {
      const std::size_t end = one.find_last_not_of(" \n\t\r");
      one = one.substr(begin, end + 1 - begin);
      const bool letters = std::any_of(one.begin(), one.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      });
      if (letters) out.push_back(one);
    }
    one.clear();
  };
  const auto said_next = [&](std::size_t from) {
    const std::vector<std::string> words =
        llama2::plain_words(text.substr(std::min(from, text.size()), 40));
    for (std::size_t i = 0; i < std::min<std::size_t>(words.size(), 4); ++i)
      if (llama2::one_of(words[i], {"said", "asked", "cried", "answered", "called", "shouted",
                                    "replied", "whispered", "murmured", "says", "asks"}))
        return true;
    return false;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    one += c;
    if (c == '"') {
      spoken = !spoken;
      const char before = one.size() > 1 ? one[one.size() - 2] : ' ';
      const bool ended = before == '.' || before == '!' || before == '?';
      if (!spoken && ended && !said_next(i + 1)) finish();
      continue;
    }
    if (spoken || (c != '.' && c != '!' && c != '?')) continue;
    if (one.ends_with("Mr.") || one.ends_with("Mrs.")) continue;
    const char next = i + 1 < text.size() ? text[i + 1] : ' ';
    if (next == '.' || next == '!' || next == '?' || next == '"') continue;
    finish();
  }
  finish();
  return out;
}

/// Whether one of a text's words is this one, or several in a row are these, whatever their
/// letters' case; a noun's or name's plural or "'s" counts, too.
inline bool says(std::span<const std::string> words, std::string_view phrase) {
  std::string plain;
  for (const std::string& word : llama2::plain_words(phrase)) {
    if (!plain.empty()) plain += ' ';
    plain += word;
  }
  return !plain.empty() && (llama2::find_phrase(words, plain) < words.size() ||
                            llama2::find_phrase(words, plain + 's') < words.size() ||
                            llama2::find_phrase(words, plain + "es") < words.size());
}

/// Whether two words are forms of one: "eat", "eats", "eating".
inline bool same_word(std::string_view one, std::string_view other) {
  if (one.size() > other.size()) std::swap(one, other);
  if (one == other ||
      (other.size() == one.size() + 1 && other.starts_with(one) && other.back() == 's'))
    return true;
  return one.size() > 3 && llama2::stem(one) == llama2::stem(other);
}
inline bool holds(std::span<const std::string> words, std::string_view wanted) {
  return std::any_of(words.begin(), words.end(),
                     [&](const std::string& word) { return same_word(word, wanted); });
}

/// How many of a text's content words are among these, as a share; 1 for a text without any.
inline double share_among(std::span<const std::string> text, std::span<const std::string> these) {
  double all = 0;
  double found = 0;
  for (const std::string& word : text) {
    if (!llama2::content_word(word)) continue;
    ++all;
    found += holds(these, word);
  }
  return all == 0 ? 1 : found / all;
}

}  // namespace recipe
