// Whether an answer does what it must, whatever it says.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lexicon.hpp"
#include "llama2/eval/text_rules.hpp"
#include "prompt.hpp"
#include "sentences.hpp"

namespace recipe {

inline constexpr std::string_view happy_words[] = {
    "happy",     "happily",  "happier",  "glad",    "laughed", "laugh",   "laughing", "smiled",
    "smile",     "merry",    "joy",      "proud",   "danced",  "cheered", "hugged",   "sang",
    "delighted", "cheerful", "merriest", "smiling", "dancing", "lucky",   "wonderful"};
inline constexpr std::string_view sad_words[] = {
    "sad",  "sadly", "cried",  "cry",  "crying",      "tears",   "tear",   "sighed", "lonely",
    "wept", "gone",  "missed", "lost", "heartbroken", "unhappy", "broken", "sobbed", "alas"};

/// How a text ends: 1 well, -1 badly, 0 neither: its last sentence with a word of feeling decides.
inline int ending_of(std::string_view text) {
  const std::vector<std::string> sentences = sentences_of(text);
  for (std::size_t i = sentences.size(); i-- > 0;) {
    int sum = 0;
    const std::vector<std::string> words = llama2::plain_words(sentences[i]);
    for (std::size_t k = 0; k < words.size(); ++k) {
      const bool denied = k > 0 && (words[k - 1] == "not" || words[k - 1] == "never");
      if (llama2::one_of(words[k], happy_words)) sum += denied ? -1 : 1;
      if (llama2::one_of(words[k], sad_words)) sum += denied ? 1 : -1;
    }
    if (sum != 0) return sum > 0 ? 1 : -1;
  }
  return 0;
}

inline bool satisfied(const Constraint& constraint, std::string_view answer) {
  using Kind = Constraint::Kind;
  const std::vector<std::string> words = llama2::plain_words(answer);
  switch (constraint.kind) {
    case Kind::person:
    case Kind::place:
    case Kind::address:
    case Kind::character:
      return says(words, constraint.word);
    case Kind::thing:
      return says(words, constraint.word) || says(words, plural_of(constraint.word));
    case Kind::use:
      return llama2::find_phrase(words, constraint.word) < words.size();
    case Kind::avoid:
      return !words.empty() && llama2::find_phrase(words, constraint.word) == words.size();
    case Kind::sentences:
      return sentences_of(answer).size() == constraint.count;
    case Kind::happy:
      return ending_of(answer) > 0;
    case Kind::sad:
      return ending_of(answer) < 0;
    case Kind::first_word:
      return !words.empty() && words.front() == llama2::plain_words(constraint.word).front();
    case Kind::last_word:
      return !words.empty() && words.back() == llama2::plain_words(constraint.word).front();
  }
  return false;
}

/// Whether a constraint stands for a whole dialogue.
constexpr bool standing(Constraint::Kind kind) noexcept {
  using Kind = Constraint::Kind;
  return kind == Kind::first_word || kind == Kind::last_word || kind == Kind::address ||
         kind == Kind::character;
}

}  // namespace recipe
