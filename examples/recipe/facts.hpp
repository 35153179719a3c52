// Short factual texts: descriptions, comparisons, questions, sums, riddles and instructions about
// what knowledge.hpp knows.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "entity.hpp"
#include "grammar.hpp"
#include "knowledge.hpp"
#include "lexicon.hpp"
#include "llama2/base/random.hpp"
#include "words.hpp"

namespace recipe {

/// What a text says, for questions on it: "fox", "eats", "mice, rabbits and berries".
struct Statement {
  std::string_view subject, relation, object;
};

struct FactText {
  std::string_view kind;
  std::vector<Statement> statements;
  /// What statements may point into, shared by copies.
  std::shared_ptr<std::deque<std::string>> kept = std::make_shared<std::deque<std::string>>();
  std::string text;
};

/// Writes one factual text.
class Facts {
 public:
  explicit Facts(std::uint64_t seed) : random_(seed) {
    constexpr void (Facts::* kinds[])() = {
        &Facts::animal,     &Facts::animal,      &Facts::animal,    &Facts::plant,
        &Facts::plant,      &Facts::material,    &Facts::tool,      &Facts::vehicle,
        &Facts::instrument, &Facts::trade,       &Facts::trade,     &Facts::nature,
        &Facts::nature,     &Facts::contrast,    &Facts::procedure, &Facts::sum,
        &Facts::sum,        &Facts::riddle,      &Facts::question,  &Facts::question,
        &Facts::sizes,      &Facts::odd_one_out, &Facts::sequence};
    (this->*kinds[any(std::size(kinds))])();
  }

  FactText take() { return std::move(out_); }

 private:
  using R = Roles;

  std::size_t any(std::size_t count) { return below(random_, count); }
  bool maybe(double probability = 0.5) { return chance(random_, probability); }
  template <class List>
  const auto& pick(const List& list) {
    return std::data(list)[any(std::size(list))];
  }
  std::string_view pick(std::initializer_list<std::string_view> list) {
    return std::data(list)[any(list.size())];
  }
  std::string_view keep(std::string words) { return out_.kept->emplace_back(std::move(words)); }
  static std::vector<std::string_view> parts_of(std::string_view list) {
    std::vector<std::string_view> out;
    for (;;) {
      const std::size_t bar = list.find('|');
      out.push_back(list.substr(0, bar));
      if (bar == list.npos) return out;
      list.remove_prefix(bar + 1);
    }
  }
  template <class List>
  void shuffle(List& list, std::size_t from = 0) {
    for (std::size_t i = list.size(); i > from + 1; --i)
      std::swap(list[i - 1], list[from + any(i - from)]);
  }

  /// Something in general: "a fox", "foxes", "gold".
  Id kind_of_thing(std::string_view noun, bool plural, bool mass = false) {
    Entity out;
    out.noun = plural ? keep(plural_of(noun)) : noun;
    out.pronoun = plural ? Pronoun::they : Pronoun::it;
    out.bare = plural || mass;
    cast_.push_back(out);
    return static_cast<Id>(cast_.size() - 1);
  }
  Id child() {
    Entity out;
    out.sort = Sort::person;
    const bool she = cast_.empty() ? maybe() : cast_.back().pronoun != Pronoun::she;
    out.pronoun = she ? Pronoun::she : Pronoun::he;
    do out.name = she ? pick(girls) : pick(boys);
    while (!cast_.empty() && out.name == cast_.back().name);
    cast_.push_back(out);
    return static_cast<Id>(cast_.size() - 1);
  }
  Id grown_up(Id of) {
    Entity out;
    out.sort = Sort::person;
    const Relative* kin = &pick(relatives);
    while (!kin->grown_up) kin = &pick(relatives);
    out.pronoun = kin->female ? Pronoun::she : Pronoun::he;
    out.noun = kin->noun;
    out.calling = kin->calling;
    out.owner = of;
    cast_.push_back(out);
    return static_cast<Id>(cast_.size() - 1);
  }

  struct Sentence {
    std::string_view relation, object, pattern;
  };

  /// Writes some of the sentences about `a`, the first `fixed` of them in their places.
  void describe(Id a, std::string_view subject, std::vector<Sentence> sentences, std::size_t fixed,
                std::size_t count) {
    shuffle(sentences, fixed);
    if (sentences.size() > count) sentences.resize(count);
    Writer writer(cast_, random_, Tense::present);
    for (const Sentence& sentence : sentences) {
      writer.write(writer.choose(sentence.pattern), R{.a = a, .w = sentence.object});
      out_.statements.push_back({subject, sentence.relation, sentence.object});
    }
    out_.text = writer.take();
  }

  // ---- kinds of text ----

  void animal() {
    out_.kind = "animal";
    const AnimalFact& fact = pick(animal_facts);
    const bool plural =
        maybe() && fact.deed.find("its ") == Words::npos && fact.deed.find(" it ") == Words::npos;
    const Id a = kind_of_thing(fact.noun, plural);
    std::vector<Sentence> sentences = {
        {"is", fact.kind, "$a <be> a #w.|The %a is a #w."},
        {"lives", fact.home, "$a <live> #w.|You can find @a #w."},
        {"eats", fact.food, "$a <eat> #w.|^a food is #w.|$a <feed> on #w."},
        {"has", fact.covering, "$a <have> #w."},
        {"young", fact.young, "A young %a is called a #w.|Its young one is called a #w."},
        {"can", fact.deed,
         "$a <can> #w.|What is special about @a? $a <can> #w.|Did you know that $a <can> #w?"},
        {"group", fact.group,
         plural ? "A group of them is called a #w." : "Many of them together are called a #w."}};
    if (plural) {
      sentences[0].object = keep(plural_of(fact.kind));
      sentences[0].pattern = "$a <be> #w.|$a <belong> to the #w.";
      sentences[4] = {"young",
                      fact.young == "larva" ? "larvae"
                      : fact.young == "fry" ? fact.young
                                            : keep(plural_of(fact.young)),
                      "Their young ones are called #w."};
    }
    if (fact.voice.find("sound") == Words::npos)
      sentences.push_back({"sound", fact.voice,
                           "When $a <be> excited, $a <#w>.|You know that $a <be> near when you "
                           "hear @a #w.|To talk to others, $a <#w>."});
    const bool on_land =
        fact.home.find("sea") == Words::npos && fact.home.find("ocean") == Words::npos;
    if (fact.night)
      sentences.push_back(
          {"awake", "at night", "$a <sleep> by day and <be> awake #w.|$a <look> for food #w."});
    else if (on_land && (fact.kind == "mammal" || fact.kind == "bird"))
      sentences.push_back(
          {"awake", "by day", "$a <be> awake #w and <sleep> at night.|$a <look> for food #w."});
    describe(a, fact.noun, std::move(sentences), 1, 5 + any(4));
  }

  void plant() {
    out_.kind = "plant";
    const PlantFact& fact = pick(plant_facts);
    const bool mass = fact.noun == "oats" || fact.noun == "wheat" || fact.noun == "rice" ||
                      fact.noun == "moss" || fact.noun == "lavender" || fact.noun == "mint" ||
                      fact.noun == "parsley" || fact.noun == "clover" || fact.noun == "ivy";
    const Id a = kind_of_thing(fact.noun, false, mass);
    if (fact.noun == "oats") cast_[a].pronoun = Pronoun::they;
    std::vector<Sentence> sentences = {{"is", fact.kind, "$a <be> a #w."},
                                       {"grows", fact.grows, "$a <grow> #w.|You can find @a #w."},
                                       {"has", fact.looks, "$a <have> #w.|You know @a by #w."},
                                       {"use", fact.use, "$a #w."}};
    const bool eaten = fact.kind == "vegetable" || fact.kind == "fruit" || fact.kind == "grain";
    sentences.push_back(
        {"season", fact.season,
         eaten ? "It is ripe in #w.|People harvest it in #w."
               : "The best time to look at @a is #w.|Many people like to look at @a in #w."});
    if (fact.noun == "oats") sentences.pop_back();
    if (fact.kind == "tree") {
      sentences.push_back(
          {"age", "many years", "$a <can> live for #w.|It takes #w until $a <be> fully grown."});
      sentences.push_back(
          {"home", "birds and insects", "Many #w live in its branches.|It is a home for #w."});
      sentences.push_back({"parts", "roots, a trunk and branches", "Like all trees, it has #w."});
    } else if (fact.kind == "flower" || fact.kind == "herb") {
      sentences.push_back({"visitors", "bees and butterflies", "It is often visited by #w."});
      sentences.push_back({"needs", "light and water", "Like all plants, it needs #w."});
    } else if (eaten && fact.noun != "oats") {
      sentences.push_back({"good", "healthy", "It is good to eat and very #w."});
      sentences.push_back({"needs", "sun, water and good soil", "To grow well, it needs #w."});
      sentences.push_back({"sold", "at the market", "One can buy it #w."});
    }
    describe(a, fact.noun, std::move(sentences), 1, 5 + any(3));
  }

  void material() {
    out_.kind = "material";
    const MaterialFact& fact = pick(material_facts);
    const Id a = kind_of_thing(fact.noun, false, true);
    std::vector<Sentence> chosen = {
        {"origin", fact.origin, "$a #w."},
        {"is", fact.traits, "$a <be> #w.|If you touch @a, you notice that $a <be> #w."},
        {"uses", fact.uses, "It is used for #w.|People use @a for #w.|We need @a for #w."},
        {"also", fact.opposite, "$a #w.|One more thing: $a #w.|Remember that $a #w."}};
    if (maybe()) {
      const MaterialFact* other = &pick(material_facts);
      while (other == &fact) other = &pick(material_facts);
      chosen.push_back({"unlike",
                        keep(std::string(other->noun) + ", which is " + std::string(other->traits)),
                        "It is quite different from #w."});
    }
    describe(a, fact.noun, std::move(chosen), 1, 6);
  }

  void tool() {
    out_.kind = "tool";
    const ToolFact& fact = pick(tool_facts);
    const Id a = kind_of_thing(fact.noun, false);
    describe(a, fact.noun,
             {{"use", fact.use,
               "With a %a, you can #w.|$a <be> a tool. People use it to #w.|If you want to #w, you "
               "need a %a."},
              {"parts", fact.parts, "It has #w.|Look at it closely, and you will see #w."},
              {"user", fact.user, "It is used by #w.|It is often seen in the hands of #w."},
              {"care", "",
               "After work, it should be cleaned and put back in its place.|A good one lasts for "
               "many years.|If it is broken, it must be mended before it is used again.|It is wise "
               "to handle it with care."},
              {"advice", "",
               "Children may use it when a grown-up is near.|Use it only for what it was made "
               "for.|One learns to use it by watching others."}},
             1, 4 + any(2));
  }

  void vehicle() {
    out_.kind = "vehicle";
    const VehicleFact& fact = pick(vehicle_facts);
    const Id a = kind_of_thing(fact.noun, false);
    describe(
        a, fact.noun,
        {{"moves", fact.moves, "$a <travel> #w.|$a <move> #w."},
         {"driver", fact.driver, "It is steered by #w.|In charge of it is #w."},
         {"power", fact.power, "It is moved by #w.|What makes it go? #w!|Its power comes from #w."},
         {"carries", fact.carries, "It carries #w.|It is good for carrying #w."},
         {"rule", "",
          "Whoever travels in it must be careful.|A long time ago, people had to walk instead.|It "
          "needs to be checked before every journey."}},
        1, 4 + any(2));
  }

  void instrument() {
    out_.kind = "instrument";
    const InstrumentFact& fact = pick(instrument_facts);
    const Id a = kind_of_thing(fact.noun, false);
    describe(a, fact.noun,
             {{"family", fact.family,
               "$a <be> a #w instrument.|$a <belong> to the family of #w instruments."},
              {"played", fact.played, "It is played #w."},
              {"sound", fact.sound, "Its sound is #w.|When it is played well, it sounds #w."},
              {"practice", "",
               "To play it well, one must practise every day.|Even great musicians once began with "
               "a single note.|Nobody can play it on the first day."},
              {"place", "",
               "You can hear it in an orchestra.|It sounds best when everyone else is quiet.|Many "
               "children learn it at school."}},
             1, 4 + any(2));
  }

  void trade() {
    out_.kind = "job";
    const JobFact& fact = pick(job_facts);
    const Id a = kind_of_thing(fact.noun, false);
    describe(a, fact.noun,
             {{"deed", fact.deed,
               "$a <be> a person whose job is to #w.|What does a %a do? It is the work of a %a to "
               "#w.|It is the work of a %a to #w."},
              {"place", fact.place, "A %a works #w.|You can meet a %a #w."},
              {"needs", fact.needs, "For this work, one needs #w.|A %a cannot do without #w."},
              {"good", fact.good,
               "A good %a must be good at #w.|The most important thing is #w.|A large part of the "
               "work is #w."},
              {"thanks", "",
               "Without people like that, life would be much harder.|It is hard work, but it makes "
               "others happy.|One needs several years to learn it.|Many children would like to do "
               "this work one day."}},
             1, 4 + any(2));
  }

  void nature() {
    out_.kind = "nature";
    const NatureFact& fact = pick(nature_facts);
    const std::vector<std::string_view> sentences = parts_of(fact.sentences);
    std::string text;
    if (maybe(0.3)) {
      text += pick(
          {"Here is something to know about ", "Let us talk about ", "What do we know about "});
      text += fact.topic;
      text += text.starts_with("What") ? "?" : ".";
    }
    const std::size_t left_out = maybe(0.4) ? 1 + any(sentences.size() - 1) : sentences.size();
    for (std::size_t i = 0; i < sentences.size(); ++i) {
      if (i == left_out) continue;
      if (!text.empty()) text += ' ';
      text += sentences[i];
      out_.statements.push_back({fact.topic, "is told", sentences[i]});
    }
    if (maybe(0.3))
      text += pick({" Is that not wonderful?", " Now you know it, too.",
                    " There is much more to find out about it.",
                    " Ask your teacher to tell you more."});
    out_.text = std::move(text);
  }

  void contrast() {
    out_.kind = "opposites";
    std::vector<const Opposite*> chosen;
    const std::size_t count = 2 + any(3);
    while (chosen.size() < count) {
      const Opposite* one = &pick(opposites);
      const bool there = std::any_of(chosen.begin(), chosen.end(), [&](const Opposite* o) {
        return o->one == one->one || o->other == one->other || o->one == one->other ||
               o->other == one->one;
      });
      if (!there) chosen.push_back(one);
    }
    cast_.emplace_back();
    Writer writer(cast_, random_, Tense::present);
    if (maybe(0.4)) writer.write("[Some words are opposites.|Many words have an opposite.]", {});
    for (const Opposite* one : chosen) {
      const bool turned = maybe();
      const R r{.v = turned ? one->other : one->one, .w = turned ? one->one : one->other};
      writer.write(
          "[The opposite of #v is #w.|What is the opposite of #v? It is #w.|#v is the opposite of "
          "#w.]",
          r);
      out_.statements.push_back({r.v, "opposite", r.w});
      if (!one->example.empty()) {
        const std::vector<std::string_view> pair = parts_of(one->example);
        const R e{.u = one->one, .v = pair[0], .w = one->other, .x = pair[1]};
        writer.write(writer.choose("#v is #u, but #x is #w.|#v is #u, and #x is #w.|Think of #v "
                                   "and #x: one is #u, the other is #w."),
                     e);
      }
    }
    out_.text = writer.take();
  }

  void procedure() {
    out_.kind = "instructions";
    const Procedure& fact = pick(procedures);
    const std::vector<std::string_view> steps = parts_of(fact.steps);
    cast_.emplace_back();
    Writer writer(cast_, random_, Tense::present);
    writer.write(writer.choose("How do you #u? You need #w.|If you want to #u, you need #w.|Here "
                               "is how to #u. You need #w.|To #u, you need #w."),
                 {.u = fact.title, .w = fact.needs});
    out_.statements.push_back({fact.title, "needs", fact.needs});
    const std::size_t style = any(3);
    constexpr std::string_view numbers[] = {"First", "Second", "Third", "Fourth", "Fifth", "Sixth"};
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const bool last = i + 1 == steps.size();
      const std::string_view word =
          style == 0   ? numbers[i]
          : i == 0     ? std::string_view("First")
          : last       ? (style == 1 ? std::string_view("Finally") : std::string_view("At last"))
          : i % 2 == 1 ? std::string_view("Then")
                       : pick({"Next", "After that", "Now"});
      writer.write(style == 2 && i != 0 && !last && i % 2 == 1 ? "#v #w." : "#v, #w.",
                   {.v = word, .w = steps[i]});
      out_.statements.push_back({fact.title, numbers[i], steps[i]});
    }
    if (maybe(0.4))
      writer.write(
          "[That is all.|It is not difficult.|Be patient and do it carefully.|Try it yourself.]",
          {});
    out_.text = writer.take();
  }

  /// A sum told as a little story, with its answer.
  void sum() {
    out_.kind = "sum";
    const Id a = child();
    const Id b = child();
    constexpr std::string_view goods[] = {"apple",  "marble", "nut",    "shell",   "pear",
                                          "cookie", "button", "egg",    "book",    "coin",
                                          "plum",   "carrot", "stamp",  "pebble",  "flower",
                                          "cherry", "bead",   "pencil", "balloon", "feather"};
    const std::string_view noun = pick(goods);
    const bool digits = maybe(0.4);
    const auto numeral = [&](std::size_t value) {
      return keep(digits ? std::to_string(value) : in_words(static_cast<unsigned>(value)));
    };
    const auto number = [&](std::size_t value) {
      return keep(std::string(numeral(value)) + " " +
                  (value == 1 ? std::string(noun) : plural_of(noun)));
    };
    const std::size_t way = any(5);
    std::size_t x = 2 + any(11);
    std::size_t y = 1 + any(9);
    std::string_view pattern;
    std::size_t result = 0;
    std::string_view how;
    switch (way) {
      case 0:
        result = x + y;
        pattern =
            "$a <have> #v. $b <give> @a #w more. How many #x does `a have now?|$a <find> #v in the "
            "morning and #w in the afternoon. How many #x is that?|$a <have> #v, and $b <have> #w. "
            "How many #x do they have together?";
        how = "plus";
        break;
      case 1:
        if (y >= x) std::swap(x, y);
        if (x == y) ++x;
        result = x - y;
        pattern =
            "$a <have> #v. $a <give> #w to @b. How many #x does `a have left?|There are #v on the "
            "table. $a <take> #w away. How many #x are left?|$a <have> #v but <lose> #w on the "
            "way. How many #x does `a still have?";
        how = "minus";
        break;
      case 2:
        y = 2 + any(4);
        x = 2 + any(5);
        result = x * y;
        pattern =
            "$a <have> #u baskets. There are #v in each basket. How many #x does `a have in "
            "all?|#u children each have #v. How many #x do they have together?";
        how = "times";
        break;
      case 3:
        y = 2 + any(3);
        result = 2 + any(5);
        x = result * y;
        pattern =
            "$a <have> #v and <want> to share them equally among #u friends. How many #x does each "
            "friend get?|#u children share #v. How many #x does each child get?";
        how = "divided by";
        break;
      default:
        if (x == y) ++x;
        result = x > y ? x - y : y - x;
        pattern = "$a <have> #v, and $b <have> #w. Who has more, and how many more?";
        how = "more";
    }
    const std::string_view counted = keep(plural_of(noun));
    Writer writer(cast_, random_, Tense::present);
    const R r{.a = a,
              .b = b,
              .u = numeral(y),
              .v = number(x),
              .w = number(y),
              .x = counted,
              .y = number(result),
              .z = how};
    writer.write(writer.choose(pattern), r);
    if (how == "more") {
      writer.write("`a has more, because #u is more than #v. The difference is #y.",
                   {.a = x > y ? a : b,
                    .u = numeral(std::max(x, y)),
                    .v = numeral(std::min(x, y)),
                    .y = r.y});
    } else {
      const R sum{.u = numeral(x), .v = numeral(y), .w = numeral(result), .y = r.y, .z = how};
      writer.write(
          writer.choose("#u #z #v is #w. The answer is #y.|[Let us think.|] #u #z #v makes #w, so "
                        "the answer is #y.|The answer is #y, because #u #z #v is #w."),
          sum);
    }
    out_.statements.push_back({r.v, how, r.y});
    out_.text = writer.take();
  }

  void riddle() {
    out_.kind = "riddle";
    const AnimalFact& fact = pick(animal_facts);
    cast_.emplace_back();
    Writer writer(cast_, random_, Tense::present);
    if (maybe(0.4)) writer.write("[Here is a riddle.|Guess who I am.|Listen and guess.]", {});
    std::vector<std::pair<std::string_view, std::string_view>> clues = {
        {"I live #w.", fact.home},
        {"I eat #w.", fact.food},
        {"I have #w.", fact.covering},
        {"My child is called a #w.", fact.young}};
    if (fact.deed.find("its ") == Words::npos) clues.emplace_back("I can #w.", fact.deed);
    shuffle(clues);
    clues.resize(3 + any(clues.size() - 3));
    for (const auto& [pattern, object] : clues) writer.write(pattern, {.w = object});
    writer.write("What am I? I am a #w.", {.w = fact.noun});
    out_.statements.push_back({fact.noun, "is", fact.kind});
    out_.text = writer.take();
  }

  /// A child asks, a grown-up answers.
  void question() {
    out_.kind = "question";
    const Id a = child();
    const Id b = grown_up(a);
    std::string_view asked;
    R r{.a = a, .b = b};
    std::string_view answered;
    const std::size_t about = any(5);
    if (about == 0) {
      const AnimalFact& fact = pick(animal_facts);
      r.v = fact.noun;
      r.x = keep(plural_of(fact.noun));
      const std::size_t which = any(3);
      r.w = which == 0 ? fact.food : which == 1 ? fact.home : fact.covering;
      asked = which == 0   ? "What do #x eat?"
              : which == 1 ? "Where do #x live?"
                           : "What do #x look like?";
      answered = which == 0 ? "They eat #w" : which == 1 ? "They live #w" : "A #v has #w";
      out_.statements.push_back({fact.noun,
                                 which == 0   ? "eats"
                                 : which == 1 ? "lives"
                                              : "has",
                                 r.w});
    } else if (about == 1) {
      const MaterialFact& fact = pick(material_facts);
      r.v = fact.noun;
      r.w = maybe() ? fact.uses : fact.origin;
      asked = r.w == fact.uses ? "What do we need #v for?" : "Where does #v come from?";
      answered = r.w == fact.uses ? "We need it for #w" : "#v #w";
      out_.statements.push_back({fact.noun, r.w == fact.uses ? "uses" : "origin", r.w});
    } else if (about == 2) {
      const ToolFact& fact = pick(tool_facts);
      r.v = fact.noun;
      r.w = fact.use;
      asked = "What is a #v for?";
      answered = "With a #v, you can #w";
      out_.statements.push_back({fact.noun, "use", fact.use});
    } else if (about == 3) {
      const JobFact& fact = pick(job_facts);
      r.v = fact.noun;
      r.w = fact.deed;
      asked = "What does a #v do all day?";
      answered = "It is the work of a #v to #w";
      out_.statements.push_back({fact.noun, "deed", fact.deed});
    } else {
      const NatureFact& fact = pick(nature_facts);
      const std::vector<std::string_view> sentences = parts_of(fact.sentences);
      r.v = fact.topic;
      const std::size_t first = any(2);
      std::string told;
      for (std::size_t i = first; i < first + 2; ++i) {
        if (i != first) told += ' ';
        told += sentences[i];
      }
      told.pop_back();
      r.w = keep(std::move(told));
      asked = "Can you tell me something about #v?";
      answered = "#w";
      out_.statements.push_back({fact.topic, "is told", r.w});
    }
    r.y = asked;
    r.z = answered;
    Writer writer(cast_, random_, Tense::past);
    writer.write(
        writer.choose(
            "\"(a:b)#y\" $a <ask> @b. \"(b:a)#z,\" $b <say>.|"
            "$a <want> to know something. \"(a:b)#y\" {ask a}. \"(b:a)#z,\" {answer b}.|"
            "\"(a:b){call b}, may I ask you something? #y\" {ask a}. \"(b:a)#z,\" {say b}.|"
            "One evening, `a and ^a %b were sitting by the fire. \"(a:b)#y\" {ask a}. \"(b:a)#z,\" "
            "{say b}."),
        r);
    writer.write(
        writer.choose(
            "\"(a:b)I did not know that,\" {say a}.|\"(a:b)Thank you. Now I know,\" {say a}.|"
            "$a <think> about it and then <say>, \"(a:b)That is interesting.\"|"
            "\"(a:b)How do you know that?\" {ask a}. \"(b:a)I read it in a book,\" {answer b}.|"
            "$a <nod> and <write> it down.|\"(b:a)That was a good question,\" {say b}."),
        r);
    out_.text = writer.take();
  }

  void sizes() {
    out_.kind = "comparison";
    std::array<const AnimalFact*, 3> chosen{};
    for (std::size_t i = 0; i < 3; ++i) {
      bool clash = true;
      while (clash) {
        chosen[i] = &pick(animal_facts);
        clash = false;
        for (std::size_t j = 0; j < i; ++j)
          clash = clash || std::abs(chosen[j]->size - chosen[i]->size) < 2;
      }
    }
    cast_.emplace_back();
    Writer writer(cast_, random_, Tense::present);
    std::sort(chosen.begin(), chosen.end(), [](auto* l, auto* r) { return l->size < r->size; });
    const R r{.u = chosen[0]->noun, .v = chosen[1]->noun, .w = chosen[2]->noun};
    writer.write(
        writer.choose("Which is bigger, a #u or a #w? A #w is bigger than a #u. A #v is bigger "
                      "than a #u, but smaller than a #w. So the #w is the biggest of the three.|"
                      "A #w is bigger than a #v, and a #v is bigger than a #u. So a #w is bigger "
                      "than a #u, too. The #u is the smallest.|"
                      "Think of a #v, a #w and a #u. The biggest of them is the #w. The smallest "
                      "of them is the #u. The #v is in the middle."),
        r);
    out_.statements.push_back({chosen[2]->noun, "bigger than", chosen[0]->noun});
    const bool same = chosen[0]->kind == chosen[2]->kind;
    const R k{
        .u = chosen[0]->noun, .v = chosen[0]->kind, .w = chosen[2]->noun, .x = chosen[2]->kind};
    writer.write(
        same ? "Both the #u and the #w are the same kind of animal: each of them is a #v."
             : "They are not the same kind of animal, either: a #u is a #v, and a #w is a #x.",
        k);
    out_.text = writer.take();
  }

  void odd_one_out() {
    out_.kind = "odd one out";
    const PlantFact* odd = &pick(plant_facts);
    std::vector<std::string_view> names;
    std::string_view kind;
    std::string_view odd_kind;
    std::string_view odd_name;
    if (maybe()) {
      const AnimalFact* one = &pick(animal_facts);
      while (one->kind != "mammal" && one->kind != "bird" && one->kind != "insect")
        one = &pick(animal_facts);
      kind = one->kind;
      while (names.size() < 3) {
        const AnimalFact& more = pick(animal_facts);
        if (more.kind == kind && std::find(names.begin(), names.end(), more.noun) == names.end())
          names.push_back(more.noun);
      }
      const AnimalFact* other = &pick(animal_facts);
      while (other->kind == kind) other = &pick(animal_facts);
      odd_kind = other->kind;
      odd_name = other->noun;
    } else {
      const PlantFact* one = &pick(plant_facts);
      while (one->kind != "tree" && one->kind != "flower" && one->kind != "vegetable" &&
             one->kind != "fruit")
        one = &pick(plant_facts);
      kind = one->kind;
      while (names.size() < 3) {
        const PlantFact& more = pick(plant_facts);
        if (more.kind == kind && std::find(names.begin(), names.end(), more.noun) == names.end())
          names.push_back(more.noun);
      }
      while (odd->kind == kind || odd->kind == "grain" || odd->kind == "herb")
        odd = &pick(plant_facts);
      odd_kind = odd->kind;
      odd_name = odd->noun;
    }
    std::vector<std::string_view> all = names;
    all.push_back(odd_name);
    shuffle(all);
    cast_.emplace_back();
    Writer writer(cast_, random_, Tense::present);
    writer.write(
        writer.choose(
            "Which one does not belong: #u, #v, #w or #x?|#u, #v, #w, #x: which of them is "
            "different?|Three of these belong together: #u, #v, #w, #x. Which one does not?"),
        {.u = all[0], .v = all[1], .w = all[2], .x = all[3]});
    writer.write(writer.choose("It is the #u, because a #u is a #v, and the others are #w.|The #u "
                               "does not belong. It is a #v. The others are #w."),
                 {.u = odd_name, .v = odd_kind, .w = keep(plural_of(kind))});
    out_.statements.push_back({odd_name, "is", odd_kind});
    out_.text = writer.take();
  }

  /// What comes before and after: days, months, seasons, numbers.
  void sequence() {
    out_.kind = "order";
    static constexpr std::string_view days[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                "Friday", "Saturday", "Sunday"};
    static constexpr std::string_view months[] = {"January",   "February", "March",    "April",
                                                  "May",       "June",     "July",     "August",
                                                  "September", "October",  "November", "December"};
    static constexpr std::string_view seasons[] = {"spring", "summer", "autumn", "winter"};
    cast_.emplace_back();
    Writer writer(cast_, random_, Tense::present);
    const std::size_t rounds = 2 + any(2);
    for (std::size_t i = 0; i < rounds; ++i) {
      const std::size_t which = any(4);
      R r;
      if (which == 3) {
        const std::size_t n = 2 + any(96);
        r = {.u = keep(in_words(static_cast<unsigned>(n - 1))),
             .v = keep(in_words(static_cast<unsigned>(n))),
             .w = keep(in_words(static_cast<unsigned>(n + 1)))};
      } else {
        const std::string_view* list = which == 0 ? days : which == 1 ? months : seasons;
        const std::size_t size = which == 0 ? 7 : which == 1 ? 12 : 4;
        const std::size_t n = any(size);
        r = {.u = list[(n + size - 1) % size], .v = list[n], .w = list[(n + 1) % size]};
      }
      writer.write(
          writer.choose(
              "What comes after #v? After #v comes #w.|#v comes after #u and before #w.|Before #v "
              "comes #u, and after #v comes #w.|Which one comes between #u and #w? It is #v."),
          r);
      out_.statements.push_back({r.v, "comes before", r.w});
    }
    if (maybe(0.4))
      writer.write(
          "[It is good to know such things by heart.|Can you say the whole row without "
          "looking?|Say it aloud, and you will remember it.]",
          {});
    out_.text = writer.take();
  }

  llama2::Random random_;
  std::vector<Entity> cast_;
  FactText out_;
};

/// The factual text of a seed: always the same one, 20 to 150 words long.
inline FactText make_facts(std::uint64_t seed) {
  return Facts(llama2::mix_bits(seed)).take();
}

}  // namespace recipe
