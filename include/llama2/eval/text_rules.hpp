// A text as rules about language see it: blocks, sentences, plain words.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/config.hpp"

namespace llama2::inline LLAMA2_ABI {

/// The words of a text in ASCII lower case, contractions written out ("can't" and "cannot" are
/// "can not", "I'm" is "i am"), so that rules need no list of spellings. Letters beyond ASCII are
/// kept as they are; typographic apostrophes count as plain ones.
inline std::vector<std::string> plain_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  const auto finish = [&] {
    while (!word.empty() && word.back() == '\'') word.pop_back();
    if (word.empty()) return;
    const auto ends = [&](std::string_view end) {
      return word.size() > end.size() && word.ends_with(end);
    };
    const auto split = [&](std::size_t tail, const char* second) {
      words.push_back(word.substr(0, word.size() - tail));
      words.emplace_back(second);
    };
    if (word == "cannot" || word == "can't" || word == "cant") {
      words.insert(words.end(), {"can", "not"});
    } else if (word == "won't") {
      words.insert(words.end(), {"will", "not"});
    } else if (ends("n't")) {
      split(3, "not");
    } else if (ends("'m")) {
      split(2, "am");
    } else if (ends("'re")) {
      split(3, "are");
    } else if (ends("'ll")) {
      split(3, "will");
    } else if (ends("'ve")) {
      split(3, "have");
    } else if (ends("'d")) {
      split(2, "would");
    } else if (word == "it's" || word == "that's" || word == "there's" || word == "what's") {
      split(2, "is");
    } else if (ends("'s")) {
      words.push_back(word.substr(0, word.size() - 2));
    } else {
      words.push_back(word);
    }
    word.clear();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (text.substr(i, 3) == "\u2019" || text.substr(i, 3) == "\u2018") {
      if (!word.empty()) word += '\'';
      i += 2;
    } else if (c >= 'A' && c <= 'Z') {
      word += static_cast<char>(c - 'A' + 'a');
    } else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               static_cast<unsigned char>(c) >= 0x80) {
      word += c;
    } else if (c == '\'' && !word.empty()) {
      word += c;
    } else {
      finish();
    }
  }
  finish();
  return words;
}

/// Whether `word` is one of a few.
inline bool one_of(std::string_view word, std::span<const std::string_view> list) noexcept {
  return std::ranges::find(list, word) != list.end();
}
inline bool one_of(std::string_view word, std::initializer_list<std::string_view> list) noexcept {
  return std::ranges::find(list, word) != list.end();
}

/// Where `phrase`, words separated by single blanks, occurs in `words` at or after `from`; the
/// number of words if it does not.
inline std::size_t find_phrase(std::span<const std::string> words, std::string_view phrase,
                               std::size_t from = 0) {
  for (std::size_t i = from; i < words.size(); ++i) {
    std::size_t at = i;
    std::string_view rest = phrase;
    while (at < words.size()) {
      const std::size_t blank = rest.find(' ');
      if (words[at] != rest.substr(0, blank)) break;
      if (blank == rest.npos) return i;
      rest.remove_prefix(blank + 1);
      ++at;
    }
  }
  return words.size();
}
inline bool has_phrase(std::span<const std::string> words,
                       std::span<const std::string_view> phrases) {
  return std::ranges::any_of(
      phrases, [&](std::string_view phrase) { return find_phrase(words, phrase) < words.size(); });
}
inline bool has_phrase(std::span<const std::string> words,
                       std::initializer_list<std::string_view> phrases) {
  return has_phrase(words, std::span(phrases.begin(), phrases.size()));
}

/// One sentence of prose, one item of a list, one heading, or one block of code.
struct TextUnit {
  enum class Kind { sentence, item, heading, code };
  Kind kind;
  std::size_t paragraph;           ///< counts from 0
  std::vector<std::string> words;  ///< as `plain_words` gives them
  bool question = false;           ///< ends in a question mark
};

/// Cuts a text into units, in order. Lists are lines that start with "1.", "2)", "-", "*" or a
/// bullet; headings with "#"; code stands between lines of three backticks. An item is one unit
/// with all its sentences.
inline std::vector<TextUnit> text_units(std::string_view text) {
  std::vector<TextUnit> units;
  std::size_t paragraph = 0;
  const auto add = [&](TextUnit::Kind kind, std::string_view part) {
    std::vector<std::string> words = plain_words(part);
    if (words.empty()) return;
    const std::size_t end = part.find_last_not_of(" \t\r\"')*");
    units.push_back({kind, paragraph, std::move(words), end != part.npos && part[end] == '?'});
  };
  const auto sentences = [&](std::string_view line) {
    std::size_t start = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (line[i] != '.' && line[i] != '!' && line[i] != '?' && line[i] != ':') continue;
      std::size_t next = i + 1;
      while (next < line.size() && (line[next] == '"' || line[next] == '\'' || line[next] == ')'))
        ++next;
      if (next < line.size() && line[next] != ' ') continue;  // 3.5, e.g. a file name
      // "Mr. Smith", "U.S. law": an abbreviation is a short word with a capital in front.
      const std::size_t word = line.find_last_of(" (\"", i == 0 ? 0 : i - 1);
      const std::size_t length = i - (word == line.npos ? 0 : word + 1);
      const char first = line[word == line.npos ? 0 : word + 1];
      if (line[i] == '.' && length <= 3 && first >= 'A' && first <= 'Z' && next < line.size())
        continue;
      add(TextUnit::Kind::sentence, line.substr(start, next - start));
      start = next;
    }
    add(TextUnit::Kind::sentence, line.substr(start));
  };
  bool code = false;
  std::size_t code_start = 0;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    const std::size_t first = line.find_first_not_of(" \t\r");
    const std::string_view body = first == line.npos ? std::string_view() : line.substr(first);
    if (body.starts_with("```")) {
      if (code) add(TextUnit::Kind::code, text.substr(code_start, at - code_start));
      code = !code;
      code_start = std::min(end + 1, text.size());
    } else if (code) {
      // taken whole at its end
    } else if (body.empty()) {
      ++paragraph;
    } else {
      const std::size_t digits = body.find_first_not_of("0123456789");
      const bool numbered = digits != body.npos && digits > 0 && digits < 4 &&
                            (body[digits] == '.' || body[digits] == ')') &&
                            digits + 1 < body.size() && body[digits + 1] == ' ';
      if (numbered || body.starts_with("- ") || body.starts_with("* ") ||
          body.starts_with("\u2022"))
        add(TextUnit::Kind::item, numbered ? body.substr(digits + 1) : body);
      else if (body.starts_with("#"))
        add(TextUnit::Kind::heading, body);
      else
        sentences(body);
    }
    at = end + 1;
  }
  if (code) add(TextUnit::Kind::code, text.substr(code_start));
  return units;
}

/// Whether a word carries what a sentence is about, as articles, pronouns and auxiliaries do not.
inline bool content_word(std::string_view word) noexcept {
  static constexpr std::array<std::string_view, 104> function_words = {
      "a",    "about", "after",  "all",    "also",  "am",    "an",   "and",   "any",   "are",
      "as",   "at",    "be",     "been",   "best",  "but",   "by",   "can",   "could", "did",
      "do",   "does",  "for",    "from",   "get",   "give",  "good", "had",   "has",   "have",
      "he",   "her",   "him",    "his",    "how",   "i",     "if",   "in",    "into",  "is",
      "it",   "its",   "just",   "made",   "make",  "may",   "me",   "might", "more",  "most",
      "much", "must",  "my",     "no",     "not",   "of",    "on",   "one",   "or",    "our",
      "out",  "own",   "please", "should", "so",    "some",  "such", "tell",  "than",  "that",
      "the",  "their", "them",   "then",   "there", "these", "they", "this",  "those", "to",
      "up",   "us",    "use",    "very",   "want",  "was",   "way",  "ways",  "we",    "were",
      "what", "when",  "where",  "which",  "who",   "why",   "will", "with",  "would", "you",
      "your", "think", "know",   "write"};
  return word.size() > 2 && !one_of(word, function_words);
}

/// A word without its commonest English endings: "killing", "killed" and "kills" are "kill".
inline std::string stem(std::string_view word) {
  for (const std::string_view end : {"ing", "ed", "es", "s", "e"})
    if (word.size() >= end.size() + 3 && word.ends_with(end)) {
      word.remove_suffix(end.size());
      break;
    }
  if (word.size() > 3 && word[word.size() - 1] == word[word.size() - 2]) word.remove_suffix(1);
  return std::string(word);
}

/// The share of the request's content words that the units take up, by stem; 0 for a request
/// without any.
inline double share_taken_up(std::span<const std::string> request,
                             std::span<const TextUnit> units) {
  std::size_t asked = 0, found = 0;
  for (const std::string& word : request) {
    if (!content_word(word)) continue;
    ++asked;
    const std::string root = stem(word);
    found += std::ranges::any_of(units, [&](const TextUnit& unit) {
      return std::ranges::any_of(unit.words,
                                 [&](const std::string& other) { return stem(other) == root; });
    });
  }
  return asked == 0 ? 0 : static_cast<double>(found) / static_cast<double>(asked);
}

}  // namespace llama2::inline LLAMA2_ABI
