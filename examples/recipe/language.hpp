// How well a text is written, as far as rules can tell.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "answers.hpp"
#include "facts.hpp"
#include "harmless.hpp"
#include "llama2/base/random.hpp"
#include "llama2/eval/text_rules.hpp"
#include "sentences.hpp"
#include "story.hpp"

namespace recipe {

namespace detail {

/// The words that the world's own texts use: who learns from them knows these.
inline const std::unordered_set<std::string>& known_words() {
  static const std::unordered_set<std::string> known = [] {
    std::unordered_set<std::string> out;
    const auto add = [&](std::string_view text) {
      for (std::string& word : llama2::plain_words(text)) out.insert(std::move(word));
    };
    for (std::uint64_t i = 0; i < 2000; ++i) add(make_story(i).text);
    for (std::uint64_t i = 0; i < 1000; ++i) add(make_facts(i).text);
    for (const HarmlessDeed& deed : harmless_deeds)
      for (const std::string_view text : {deed.verbs, deed.objects, deed.answers, deed.words})
        add(text);
    for (std::size_t ask = 0; ask < ask_names.size(); ++ask)
      for (std::uint64_t i = 0; i < 300; ++i) {
        const Prompt prompt = prompt_of(llama2::mix_bits(i), static_cast<Ask>(ask),
                                        i % 2 == 0 ? Part::train : Part::held_out, 1);
        for (const llama2::Message& message : prompt.messages) add(message.text);
        add(demonstrate(prompt, i));
        if (prompt.ask == Ask::adversarial) add(answer_of_quality(prompt, i, Defect::complies));
      }
    return out;
  }();
  return known;
}

/// Whether no English sentence has these two words in a row: "the of", "to was".
inline bool impossible_pair(std::string_view first, std::string_view second) {
  using llama2::one_of;
  const auto determiner = [](std::string_view w) {
    return one_of(w, {"the", "a", "an", "my", "your", "its", "our", "their", "every"});
  };
  const auto be = [](std::string_view w) { return one_of(w, {"is", "are", "was", "were", "am"}); };
  const auto auxiliary = [&](std::string_view w) {
    return be(w) || one_of(w, {"has", "had", "have", "did", "does", "could", "would", "must"});
  };
  const auto subject = [](std::string_view w) {
    return one_of(w, {"i", "he", "she", "we", "they"});
  };
  const auto join = [](std::string_view w) { return one_of(w, {"and", "or", "but"}); };
  if (determiner(first))
    return determiner(second) || auxiliary(second) || join(second) || subject(second) ||
           one_of(second, {"of",  "in",   "on",      "at",   "to",    "from", "with", "by",
                           "for", "into", "because", "so",   "that",  "him",  "them", "me",
                           "us",  "it",   "not",     "then", "there", "you",  "if",   "when"});
  if (subject(first))
    return determiner(second) || subject(second) || one_of(second, {"of", "from", "into", "you"});
  if (join(first)) return join(second) || second == "of";
  if (one_of(first, {"could", "would", "must", "can", "will"}))
    return determiner(second) || be(second) || one_of(second, {"of", "had", "has", "did"});
  if (be(first)) return be(second) || one_of(second, {"has", "had", "did", "have"});
  if (first == "to")
    return auxiliary(second) ? second != "have" : one_of(second, {"of", "said", "went"});
  if (one_of(first, {"of", "into"}))
    return auxiliary(second) || subject(second) ||
           one_of(second, {"but", "and", "said", "went", "of", "into", "to", "can", "will"});
  if (first == "you") return one_of(second, {"of", "into", "is", "was", "has"});
  return false;
}

/// The words between a sentence's commas and quotation marks.
inline std::vector<std::vector<std::string>> clauses_of(std::string_view sentence) {
  std::vector<std::vector<std::string>> out;
  while (!sentence.empty()) {
    const std::size_t end = std::min(sentence.find_first_of(",;:\""), sentence.size());
    out.push_back(llama2::plain_words(sentence.substr(0, end)));
    sentence.remove_prefix(std::min(end + 1, sentence.size()));
  }
  return out;
}

/// Words like "The" and "To" in the midst of a sentence, but not after a quotation mark.
inline std::size_t stray_capitals(std::string_view sentence) {
  std::size_t out = 0;
  for (std::size_t i = 1; i + 1 < sentence.size(); ++i) {
    if (sentence[i - 1] != ' ' || sentence[i] < 'A' || sentence[i] > 'Z') continue;
    const std::size_t end = std::min(sentence.find_first_of(" .,!?\"", i), sentence.size());
    const std::vector<std::string> word = llama2::plain_words(sentence.substr(i, end - i));
    const bool plain = word.size() == 1 && word[0] != "i" && word[0] != "mr" && word[0] != "may" &&
                       word[0] != "will" && word[0] != "mrs" && !llama2::content_word(word[0]);
    out += plain && sentence[i - 2 + (i < 2)] != ':';
  }
  return out;
}

inline bool cannot_end(std::string_view word) {
  return llama2::one_of(word, {"the", "a", "an", "my", "your", "its", "our", "their", "every",
                               "and", "or", "but", "because", "very", "into", "if"});
}

}  // namespace detail

/// From 1, well written, down to 0: each slip takes its part. `asked` are the words of the prompt,
/// which an answer may take up whatever they are.
inline double language_of(std::string_view answer, const std::vector<std::string>& asked) {
  const std::vector<std::string> words = llama2::plain_words(answer);
  if (words.empty()) return 0;
  double out = 1;
  const std::size_t end = answer.find_last_not_of(" \n\t\r");
  if (std::string_view(".!?\"").find(answer[end]) == std::string_view::npos) out *= 0.7;
  if (answer.find_first_of("<>[]{}|#$@^&*=_~") != answer.npos) out *= 0.6;
  const char first = answer[answer.find_first_not_of(" \n\t\r\"")];
  if (first >= 'a' && first <= 'z') out *= 0.8;

  std::size_t strange = 0;
  const auto& known = detail::known_words();
  const auto familiar = [&](const std::string& word) {
    return known.contains(word) || std::find(asked.begin(), asked.end(), word) != asked.end();
  };
  for (const std::string& word : words) {
    const std::string one = word.substr(0, word.size() - 1);  // of "toads"
    strange += !familiar(word) && !(word.size() > 3 && word.back() == 's' && familiar(one));
  }
  for (std::size_t i = 0; i < std::min<std::size_t>(strange, 8); ++i) out *= 0.85;

  const std::vector<std::string> sentences = sentences_of(answer);
  std::set<std::string> seen;
  std::size_t wrong = 0;
  for (const std::string& sentence : sentences) {
    const std::vector<std::string> own = llama2::plain_words(sentence);
    if (own.empty()) continue;
    if (own.size() > 1 && !seen.insert(detail::joined(own)).second) out *= 0.65;
    const bool question = sentence.ends_with('?');
    for (const std::vector<std::string>& clause : detail::clauses_of(sentence))
      for (std::size_t i = 1; i < clause.size(); ++i) {
        const bool doubled =
            clause[i] == clause[i - 1] && !llama2::one_of(clause[i], {"had", "that", "yo"});
        wrong += doubled || (!question && detail::impossible_pair(clause[i - 1], clause[i]));
      }
    wrong += detail::cannot_end(own.back()) + detail::stray_capitals(sentence);
    const char head = sentence[sentence.find_first_not_of('"')];
    wrong += own.size() > 1 && head >= 'a' && head <= 'z' && &sentence != &sentences.front();
  }
  for (std::size_t i = 0; i < std::min<std::size_t>(wrong, 6); ++i) out *= 0.7;
  if (words.size() > 90) out *= 0.7;
  if (words.size() > 140) out *= 0.6;
  return out;
}

}  // namespace recipe
