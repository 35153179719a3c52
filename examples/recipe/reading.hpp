// A short text about what happened to three people, and a question on it whose answer is known.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cast.hpp"
#include "grammar.hpp"
#include "llama2/base/random.hpp"
#include "phrases.hpp"
#include "prompt.hpp"
#include "words.hpp"

namespace recipe {

class Reading {
 public:
  Reading(std::uint64_t id, Part part) {
    for (std::uint64_t attempt = 0;; ++attempt) {
      llama2::Random random(llama2::mix_bits(id ^ 0x7265u) ^ attempt);
      draw(random);
      if (!belongs_to(part, combination_of(cast_[thing].noun, cast_[here].noun))) continue;
      ask(random);
      return;
    }
  }

  const std::string& text() const { return text_; }
  const Truth& truth() const { return truth_; }

  /// The right answer, in one of several ways.
  std::string answer(llama2::Random& random) const { return phrased(random, right_, 0); }
  /// The same sentence with what is not true; empty where nothing else could be said.
  std::string wrong_answer(llama2::Random& random) const {
    if (!wrong_pattern_.empty()) return phrased(random, wrong_pattern_, 0);
    if (truth_.wrong.empty()) return {};
    return phrased(random, right_, 1 + below(random, truth_.wrong.size()));
  }

 private:
  // The cast: a finds o at p and gives it to b; c is elsewhere and eats.
  static constexpr Id finder = 0, receiver = 1, other = 2, thing = 3, here = 4, there = 5;

  void draw(llama2::Random& random) {
    cast_.clear();
    const bool she = chance(random, 0.5);
    cast_.push_back(child(random, she));
    cast_.push_back(child(random, !she));
    do {
      cast_.resize(2);
      cast_.push_back(child(random));
    } while (cast_[2].name == cast_[0].name || cast_[2].name == cast_[1].name);
    const ThingKind* kind = &pick(random, things);
    while (!kind->coloured || (kind->tags & is::plural) != 0 ||
           (kind->tags & (is::small | is::gift)) == 0)
      kind = &pick(random, things);
    Entity found;
    found.noun = kind->noun;
    found.adjectives = pick(random, colours);
    cast_.push_back(found);
    const PlaceKind* first = &pick(random, places);
    while ((first->tags & place::human) == 0) first = &pick(random, places);
    const PlaceKind* second = &pick(random, places);
    while ((second->tags & place::human) == 0 || second == first) second = &pick(random, places);
    cast_.push_back(plain_place(*first));
    cast_.push_back(plain_place(*second));
    weather_ = pick(random, {"sunny", "windy", "rainy", "snowy", "foggy", "stormy"});
    time_ = pick(random, {"morning", "afternoon", "evening"});
    food_ = pick(random, foods).noun;
    gives_ = chance(random, 0.75);
    eats_ = chance(random, 0.75);
    if (!gives_ && !eats_) gives_ = true;
    const Roles r = roles();
    Writer writer(cast_, random, Tense::past);
    writer.write(writer.choose("On a #w #x, $a <go> +p.|One #w #x, $a <go> +p."), r);
    writer.write(writer.choose("There $a <find> ~o.|There $a <see> ~o and <pick> @o up."), r);
    if (gives_)
      writer.write(writer.choose("$a <give> @o to `b.|Then $a <give> @o to `b.|$a <run> to `b and "
                                 "<give> `b the %o."),
                   r);
    if (eats_)
      writer.write(writer.choose("`c <be> =s and <eat> some #y.|Meanwhile, `c <sit> =s and <eat> "
                                 "some #y."),
                   r);
    story_ = writer.take();
  }

  Roles roles() const {
    return {.a = finder,
            .b = receiver,
            .c = other,
            .o = thing,
            .p = here,
            .s = there,
            .w = weather_,
            .x = time_,
            .y = food_};
  }

  void ask(llama2::Random& random) {
    const auto name = [&](Id id) { return std::string(cast_[id].name); };
    const auto noun = [&](Id id) { return std::string(cast_[id].noun); };
    const auto others = [](const auto& list, std::string_view but) {
      std::vector<std::string> out;
      for (const std::string_view word : list)
        if (word != but) out.emplace_back(word);
      return out;
    };
    using Form = Truth::Form;
    truth_ = {};
    wrong_pattern_.clear();
    std::string_view question;
    for (;;) {
      const std::size_t which = below(random, 11);
      if (which == 0) {
        question = "Where did `a find the %o?|Where was the %o?";
        right_ = "`a <find> the %o #u #v.|It was #u #v.|The %o <be> #u #v.|#u #v.";
        truth_ = {Form::choice, {noun(here)}, {noun(there)}};
        words_ = {at(here), at(there)};
      } else if (which == 1) {
        question = "Who found the %o?|Who was it that found the %o?";
        right_ = "#v <find> the %o.|It was #v.|#v <find> it #z.|It was #v who <find.past> it.";
        truth_ = {Form::choice, {name(finder)}, {name(other)}};
        if (gives_) truth_.wrong.push_back(name(receiver));
        words_.clear();
      } else if (which == 2) {
        question = "What did `a find =p?|What was =p?";
        right_ = "`a <find> a #v =p.|It was a #v.|a #v was =p.|`a <find> a #v.";
        truth_ = {Form::choice, {noun(thing)}, {"hat", "lamp", "spoon", "basket"}};
        std::erase(truth_.wrong, noun(thing));
        words_.clear();
      } else if (which == 3) {
        question = "What colour was the %o?|Which colour did the %o have?";
        right_ = "The %o <be> #v.|It was #v.|It was a #v %o.|`a <find> a #v %o.";
        truth_ = {Form::choice,
                  {cast_[thing].adjectives},
                  others(colours, std::string_view(cast_[thing].adjectives))};
        words_.clear();
      } else if (which == 4 && gives_) {
        question = "To whom did `a give the %o?|Who has the %o now?";
        right_ = "`a <give> the %o to #v.|#v got the %o.|#v has it now.|To #v.";
        truth_ = {Form::choice, {name(receiver)}, {name(other)}};
        words_.clear();
      } else if (which == 5 && eats_) {
        question = "Where was `c?|Where did `c eat?";
        right_ = "`c <be> #u #v.|`c <eat> #u #v.|#u #v.";
        truth_ = {Form::choice, {noun(there)}, {noun(here)}};
        words_ = {at(there), at(here)};
      } else if (which == 6 && eats_) {
        question = "What did `c eat?|What did `c have to eat =s?";
        right_ = "`c <eat> some #v.|`c <have> some #v =s.|Some #v.";
        truth_ = {Form::choice, {std::string(food_)}, {}};
        while (truth_.wrong.size() < 3) {
          const std::string more(pick(random, foods).noun);
          if (more != food_) truth_.wrong.push_back(more);
        }
        words_.clear();
      } else if (which == 7) {
        question = "When did `a go +p?|At what time of the day did `a find the %o?";
        right_ = "`a <go> there in the #v.|It was in the #v.|In the #v.|It was a #w #v.";
        static constexpr std::string_view times[] = {"morning", "afternoon", "evening"};
        truth_ = {Form::choice, {std::string(time_)}, others(times, time_)};
        words_.clear();
      } else if (which == 8) {
        question = "What was the weather like?|What kind of #x was it?";
        right_ = "It was #v.|It was a #v #x.|The #x was #v.";
        static constexpr std::string_view skies[] = {"sunny", "windy", "rainy",
                                                     "snowy", "foggy", "stormy"};
        truth_ = {Form::choice, {std::string(weather_)}, others(skies, weather_)};
        words_.clear();
      } else if (which == 9) {
        const bool yes = chance(random, 0.5);
        question = yes      ? "Did `a find the %o?|Was it `a who found the %o?"
                   : gives_ ? "Did `b find the %o?|Was it `b who found the %o?"
                            : "Did `c find the %o?|Was it `c who found the %o?";
        right_ = yes ? "Yes, `a <find> the %o.|Yes, it was `a.|Yes, `a found it."
                     : "No, `a <find> the %o.|No, it was `a.|No, `a found it.";
        wrong_pattern_ = yes      ? "No, it was `b.|No, `b <find> the %o.|No."
                         : gives_ ? "Yes, `b <find> the %o.|Yes, it was `b.|Yes."
                                  : "Yes, `c <find> the %o.|Yes, it was `c.|Yes.";
        truth_ = {Form::choice, {yes ? "yes" : "no"}, {yes ? "no" : "yes"}};
        if (!yes) truth_.right.push_back(name(finder));
        words_.clear();
      } else if (which == 10 && gives_) {
        question = "What did `b eat?|Where does `b live?|What is the name of `b's mother?";
        right_ =
            "The text does not say that.|That is not in the text.|I do not know. The text does "
            "not say it.|Nobody can know that from the text.";
        wrong_pattern_ =
            "`b <eat> some #y.|`b <live.3> =s.|`b <eat> a big apple.|Her name is Anna.";
        truth_ = {Form::unsaid, {}, {}};
        words_.clear();
      } else {
        continue;
      }
      break;
    }
    std::string asked = in_past(random, question, "");
    text_ = say(random, "Read this.|Here is a short text.|Listen to this.|Please read this text.");
    text_ += ' ' + story_ + ' ' + asked;
  }

  /// "by", "in": before the words of a place.
  std::string at(Id place) const { return std::string(cast_[place].at) + " the"; }

  std::string in_past(llama2::Random& random, std::string_view pattern, std::string_view value,
                      std::string_view preposition = {}) const {
    Roles r = roles();
    r.u = preposition;
    r.v = value;
    const std::string scene = std::string(cast_[here].at) + " the " + std::string(cast_[here].noun);
    r.z = scene;
    Writer writer(cast_, random, Tense::past);
    writer.write(writer.choose(pattern), r);
    return writer.take();
  }

  /// The answer's pattern with the right words, or the `which`-th wrong ones.
  std::string phrased(llama2::Random& random, std::string_view pattern, std::size_t which) const {
    const std::string value = truth_.right.empty() ? ""
                              : which == 0         ? truth_.right.front()
                                                   : truth_.wrong[which - 1];
    const std::string preposition = words_.empty() ? "" : words_[std::min<std::size_t>(which, 1)];
    return in_past(random, pattern, value, preposition);
  }

  std::vector<Entity> cast_;
  std::string_view weather_, time_, food_;
  bool gives_ = false, eats_ = false;
  std::string story_, text_;
  Truth truth_;
  std::string right_, wrong_pattern_;
  std::vector<std::string> words_;  ///< "by the", of the right place and of the wrong one
};

}  // namespace recipe
