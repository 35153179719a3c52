// Documents without end, of words that nobody has written: for tests of what reads corpora.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "llama2/base/random.hpp"

namespace test {

/// Word `index` of a language of 32,768 words.
inline std::string synthetic_word(std::size_t index) {
  constexpr std::string_view consonants = "bdfgklmnprstvz", vowels = "aeiou";
  std::string word;
  for (std::size_t rest = index * 7 + 11; rest != 0 || word.size() < 3; rest /= 70) {
    word += consonants[rest % 14];
    word += vowels[rest / 14 % 5];
  }
  return word;
}

/// The words of the language, made once.
inline const std::vector<std::string>& synthetic_words() {
  static const std::vector<std::string> words = [] {
    std::vector<std::string> made;
    for (std::size_t i = 0; i < 32'768; ++i) made.push_back(synthetic_word(i));
    return made;
  }();
  return words;
}

/// A word by chance, about as in real languages: the n-th word comes 1 / n times as often as the
/// first.
inline const std::string& random_word(llama2::Random& random) {
  const std::uint64_t octave = random() % 15;  // as many words from each
  const std::uint64_t first = (std::uint64_t{1} << octave) - 1;
  return synthetic_words()[static_cast<std::size_t>(first + random() % (first + 1))];
}

/// A document of so many words, in sentences and paragraphs; the same for the same seed.
inline std::string synthetic_document(std::uint64_t seed, std::size_t words) {
  llama2::Random random(seed);
  std::string text;
  for (std::size_t i = 0; i < words; ++i) {
    text += random_word(random);
    const std::uint64_t end = random() % 64;
    text += i + 1 == words || end == 0 ? ".\n" : end < 6 ? ". " : " ";
  }
  text.pop_back();
  return text;
}

/// The document with each word replaced by another with this probability.
inline std::string edited(std::string_view document, double probability, std::uint64_t seed) {
  llama2::Random random(seed);
  std::string text;
  while (!document.empty()) {
    const std::size_t end = std::min(document.find_first_of(" .\n"), document.size());
    if (end > 0 && random.uniform() < probability)
      text += random_word(random);
    else
      text += document.substr(0, end);
    if (end < document.size()) text += document[end];
    document.remove_prefix(std::min(end + 1, document.size()));
  }
  return text;
}

}  // namespace test
