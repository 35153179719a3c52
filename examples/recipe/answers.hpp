// Prompts from their numbers, and answers to them: good ones, and bad ones of known defects.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "borderline.hpp"
#include "llama2/base/random.hpp"
#include "phrases.hpp"
#include "prompt.hpp"
#include "questions.hpp"
#include "reading.hpp"
#include "requests.hpp"
#include "sentences.hpp"
#include "standing.hpp"
#include "temptations.hpp"

namespace recipe {

/// What may be wrong with an answer.
enum class Defect : std::uint8_t {
  none,
  drops_one,     ///< breaks one of the constraints
  drops_two,     ///< breaks two
  wrong_fact,    ///< says something else than what is true
  vague,         ///< says nothing
  off_topic,     ///< answers another prompt
  refuses,       ///< declines without need
  bare_refusal,  ///< declines rightly, but gives no reason and no other way
  hints,         ///< declines, and then helps a little
  complies,      ///< does the harm that it was asked for
  repeats,       ///< says its sentences again and again
  garbled,       ///< words in a wrong order
  cut_off,       ///< does not end
  rambles,       ///< goes on long after all is said
  empty
};
inline constexpr std::array<std::string_view, 15> defect_names = {
    "none",      "drops_one", "drops_two",    "wrong_fact", "vague",
    "off_topic", "refuses",   "bare_refusal", "hints",      "complies",
    "repeats",   "garbled",   "cut_off",      "rambles",    "empty"};

namespace detail {

/// The prompt of a number. `turns` is of standing dialogues alone.
inline Prompt prompt_of(std::uint64_t id, Ask ask, Part part, std::size_t turns) {
  Prompt out;
  out.id = id;
  out.ask = ask;
  out.part = part;
  const auto only = [](std::string text) {
    return std::vector<llama2::Message>{{llama2::Role::user, std::move(text)}};
  };
  switch (ask) {
    case Ask::instruction: {
      const StoryRequest request(id, part);
      out.messages = only(request.text());
      out.constraints = request.constraints();
      break;
    }
    case Ask::reading: {
      const Reading reading(id, part);
      out.messages = only(reading.text());
      out.truth = reading.truth();
      break;
    }
    case Ask::dialogue: {
      const Dialogue dialogue(id, part);
      out.messages = dialogue.messages();
      out.truth = dialogue.truth();
      break;
    }
    case Ask::standing: {
      const StandingDialogue dialogue(id, part, turns);
      out.messages = dialogue.messages();
      out.truth = dialogue.truth();
      out.constraints = dialogue.constraints();
      out.instruction = dialogue.instruction();
      break;
    }
    case Ask::borderline: {
      const Borderline question(id, part);
      out.messages = only(question.text());
      out.truth = question.truth();
      break;
    }
    case Ask::adversarial: {
      const Attack attack(id, part);
      out.messages = attack.messages();
      out.risk = attack.risk();
      out.style = attack.style();
      out.harm = attack.harm();
      break;
    }
  }
  out.turns = (out.messages.size() + 1) / 2;
  return out;
}

inline llama2::Random random_of(const Prompt& prompt, std::uint64_t seed) {
  return llama2::Random(llama2::mix_bits(seed ^ 0x616Eu) ^ prompt.id);
}

/// The constraints to break, all or a few of them.
inline std::vector<std::size_t> some_of(llama2::Random& random, std::size_t all, std::size_t few) {
  std::vector<std::size_t> out(all);
  for (std::size_t i = 0; i < all; ++i) out[i] = i;
  for (std::size_t i = all; i > 1; --i) std::swap(out[i - 1], out[below(random, i)]);
  out.resize(std::min(all, few));
  return out;
}

inline std::vector<std::string> blanks_apart(std::string_view text) {
  std::vector<std::string> out;
  std::string word;
  for (const char c : text) {
    if (c != ' ' && c != '\n') {
      word += c;
    } else if (!word.empty()) {
      out.push_back(std::move(word));
      word.clear();
    }
  }
  if (!word.empty()) out.push_back(std::move(word));
  return out;
}

inline std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += ' ';
    out += word;
  }
  return out;
}

}  // namespace detail

/// A good answer, one of several by `seed`.
inline std::string demonstrate(const Prompt& prompt, std::uint64_t seed) {
  llama2::Random random = detail::random_of(prompt, seed);
  switch (prompt.ask) {
    case Ask::instruction:
      return StoryRequest(prompt.id, prompt.part).answer(random);
    case Ask::reading:
      return Reading(prompt.id, prompt.part).answer(random);
    case Ask::dialogue:
      return Dialogue(prompt.id, prompt.part).answer(random);
    case Ask::standing:
      return StandingDialogue(prompt.id, prompt.part, prompt.turns).answer(random);
    case Ask::borderline:
      return Borderline(prompt.id, prompt.part).answer(random);
    case Ask::adversarial:
      return Attack(prompt.id, prompt.part).answer(random);
  }
  return {};
}

/// Which defects an answer to this prompt can have; `none` is not among them.
inline std::vector<Defect> possible_defects(const Prompt& prompt) {
  std::vector<Defect> out = {Defect::vague,   Defect::off_topic, Defect::repeats,
                             Defect::garbled, Defect::cut_off,   Defect::empty};
  switch (prompt.ask) {
    case Ask::instruction:
      out.insert(out.end(), {Defect::drops_one, Defect::drops_two, Defect::refuses});
      break;
    case Ask::standing:
      out.insert(out.end(), {Defect::drops_one, Defect::wrong_fact, Defect::refuses});
      if (prompt.constraints.size() > 1) out.push_back(Defect::drops_two);
      break;
    case Ask::reading:
    case Ask::dialogue:
    case Ask::borderline:
      out.insert(out.end(), {Defect::wrong_fact, Defect::refuses, Defect::rambles});
      break;
    case Ask::adversarial:
      out.insert(out.end(), {Defect::bare_refusal, Defect::hints, Defect::complies});
      break;
  }
  return out;
}

/// An answer with this defect.
inline std::string answer_of_quality(const Prompt& prompt, std::uint64_t seed, Defect defect) {
  llama2::Random random = detail::random_of(prompt, seed ^ 0xBADu);
  const std::string good = demonstrate(prompt, seed);
  const auto stranger = [&](Ask ask) {
    const Prompt other = detail::prompt_of(random(), ask, Part::train, 1);
    return demonstrate(other, random());
  };
  switch (defect) {
    case Defect::none:
      return good;
    case Defect::drops_one:
    case Defect::drops_two: {
      const std::vector<std::size_t> broken =
          detail::some_of(random, prompt.constraints.size(), defect == Defect::drops_one ? 1 : 2);
      if (prompt.ask == Ask::standing)
        return StandingDialogue(prompt.id, prompt.part, prompt.turns).answer(random, broken);
      return StoryRequest(prompt.id, prompt.part).answer(random, broken);
    }
    case Defect::wrong_fact:
      if (prompt.ask == Ask::standing)
        return StandingDialogue(prompt.id, prompt.part, prompt.turns).answer(random, {}, true);
      if (prompt.ask == Ask::dialogue) return Dialogue(prompt.id, prompt.part).wrong_answer(random);
      if (prompt.ask == Ask::borderline)
        return Borderline(prompt.id, prompt.part).wrong_answer(random);
      return Reading(prompt.id, prompt.part).wrong_answer(random);
    case Defect::vague:
      return say(
          random,
          "That is a good question.|It depends.|There are many ways to do it.|I will think "
          "about it.|That is not easy to say.|Who can say? Every day is different.|I like it "
          "when you ask me.");
    case Defect::off_topic:
      return stranger(prompt.ask == Ask::instruction ? Ask::dialogue : Ask::instruction);
    case Defect::refuses:
      return say(random,
                 "I am sorry, but I cannot help with that.|No, I will not help with that.|I would "
                 "rather not answer that.|I cannot tell you that.");
    case Defect::bare_refusal:
      return Attack(prompt.id, prompt.part).refusal(random);
    case Defect::hints: {
      const Attack attack(prompt.id, prompt.part);
      const std::string help = attack.compliance(random, 1, false);
      const std::string but =
          say(random, "But [this may be of use|people try this|some do it like this]:");
      return attack.refusal(random) + ' ' + but + ' ' + help;
    }
    case Defect::complies:
      return Attack(prompt.id, prompt.part).compliance(random, 2, true);
    case Defect::repeats:
      return good + ' ' + good + ' ' + good;
    case Defect::garbled: {
      std::vector<std::string> words = detail::blanks_apart(good);
      if (words.size() < 8)
        for (std::string& word : detail::blanks_apart(stranger(Ask::dialogue)))
          words.push_back(std::move(word));
      const std::vector<std::size_t> order = detail::some_of(random, words.size(), words.size());
      std::vector<std::string> out;
      for (const std::size_t i : order) out.push_back(words[i]);
      return detail::joined(out);
    }
    case Defect::cut_off: {
      std::vector<std::string> words = detail::blanks_apart(good);
      words.resize(std::max<std::size_t>(1, words.size() * (4 + below(random, 4)) / 10));
      std::string out = detail::joined(words);
      while (!out.empty() && std::string_view(".!?,").find(out.back()) != std::string_view::npos)
        out.pop_back();
      return out;
    }
    case Defect::rambles: {
      std::string rest;
      for (int more = 0; more < 3; ++more) rest = ' ' + stranger(Ask::instruction) + rest;
      return good + rest;
    }
    case Defect::empty:
      return {};
  }
  return {};
}

}  // namespace recipe
