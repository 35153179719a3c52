// Requests for a tiny story, with what must be in it: who, what, where, words, length and ending.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cast.hpp"
#include "constraints.hpp"
#include "grammar.hpp"
#include "llama2/base/random.hpp"
#include "phrases.hpp"
#include "prompt.hpp"
#include "words.hpp"

namespace recipe {

/// A word to be used, and how a sentence may begin with it.
struct Beginning {
  std::string_view word, phrase;
};
inline constexpr Beginning beginnings[] = {{"wind", "when the wind blew"},
                                           {"moon", "under the moon"},
                                           {"rain", "in the rain"},
                                           {"snow", "in the snow"},
                                           {"bell", "when the bell rang"},
                                           {"morning", "early in the morning"},
                                           {"evening", "late in the evening"},
                                           {"soup", "after a bowl of soup"},
                                           {"song", "with a song"},
                                           {"owl", "when the owl called"},
                                           {"sun", "when the sun came up"},
                                           {"lantern", "by the light of a lantern"},
                                           {"star", "under the first star"},
                                           {"thunder", "when the thunder was over"},
                                           {"tea", "after a cup of tea"},
                                           {"bread", "after some bread and butter"},
                                           {"dog", "with the old dog"},
                                           {"fog", "in the thick fog"},
                                           {"summer", "on a day in summer"},
                                           {"winter", "on a day in winter"},
                                           {"school", "after school"},
                                           {"supper", "before supper"},
                                           {"clouds", "under grey clouds"},
                                           {"hat", "with a funny hat"}};

/// A word to be left out, and how a sentence may begin that has it.
inline constexpr Beginning slips[] = {
    {"very", "on a very fine day"}, {"home", "far from home"},
    {"happy", "on a happy day"},    {"laughed", "while the baker laughed"},
    {"sad", "on a sad day"},        {"cried", "while a baby cried"},
    {"long", "after a long walk"},  {"then", "every now and then"}};

/// One request, and what answers are made of.
class StoryRequest {
 public:
  StoryRequest(std::uint64_t id, Part part) {
    for (std::uint64_t attempt = 0;; ++attempt) {
      llama2::Random random(llama2::mix_bits(id) ^ attempt);
      draw(random);
      const bool here = has(Constraint::Kind::place);
      if (belongs_to(part, combination_of(thing_->noun, here ? place_->noun : cast_[0].name)))
        break;
    }
  }

  const std::string& text() const { return text_; }
  const std::vector<Constraint>& constraints() const { return constraints_; }

  /// A story that does all that is asked, but for those of the constraints that are to be broken.
  std::string answer(llama2::Random& random, std::vector<std::size_t> broken = {}) const {
    for (int attempt = 0; attempt < 10000; ++attempt) {
      std::string out = story(random, broken);
      bool right = true;
      for (std::size_t i = 0; i < constraints_.size() && right; ++i) {
        const bool breaks = std::find(broken.begin(), broken.end(), i) != broken.end();
        right = satisfied(constraints_[i], out) != breaks;
      }
      if (right) return out;
    }
    throw std::logic_error("no story does and breaks what it should of: " + text_);
  }

 private:
  bool has(Constraint::Kind kind) const {
    return std::any_of(constraints_.begin(), constraints_.end(),
                       [&](const Constraint& c) { return c.kind == kind; });
  }

  static const PlaceKind& some_place(llama2::Random& random) {
    for (;;)
      if (const PlaceKind& kind = pick(random, places); (kind.tags & place::human) != 0)
        return kind;
  }
  static const ThingKind& some_thing(llama2::Random& random) {
    for (;;)
      if (const ThingKind& kind = pick(random, things);
          (kind.tags & is::small) != 0 || (kind.tags & is::gift) != 0)
        return kind;
  }
  static Entity thing_like(const ThingKind& kind) {
    Entity out;
    out.noun = kind.noun;
    out.pronoun = (kind.tags & is::plural) != 0 ? Pronoun::they : Pronoun::it;
    return out;
  }

  void draw(llama2::Random& random) {
    using Kind = Constraint::Kind;
    constraints_.clear();
    cast_.clear();
    cast_.push_back(child(random));
    two_ = chance(random, 0.25);
    do {
      cast_.resize(1);
      cast_.push_back(child(random));
    } while (cast_[1].name == cast_[0].name);
    thing_ = &some_thing(random);
    place_ = &some_place(random);
    cast_.push_back(thing_like(*thing_));
    cast_.push_back(plain_place(*place_));
    constraints_.push_back({Kind::person, std::string(cast_[0].name)});
    if (two_) constraints_.push_back({Kind::person, std::string(cast_[1].name)});
    constraints_.push_back({Kind::thing, std::string(thing_->noun)});
    const bool here = chance(random, 0.7);
    if (here) constraints_.push_back({Kind::place, std::string(place_->noun)});
    const auto count = static_cast<unsigned>(1 + below(random, 4));
    const bool counted = chance(random, 0.65);
    if (counted) constraints_.push_back({Kind::sentences, "", count});
    const std::size_t tone = below(random, 5);  // happy, happy, sad, none, none
    happy_ = tone < 2;
    sad_ = tone == 2;
    if (happy_ || sad_) constraints_.push_back({happy_ ? Kind::happy : Kind::sad});
    beginning_ = nullptr;
    if (chance(random, 0.4)) {
      // "After a bowl of soup" cannot leave out the bowl.
      const auto names = [&](std::string_view noun) {
        return noun.find(beginning_->word) != Words::npos ||
               says(llama2::plain_words(beginning_->phrase), noun);
      };
      do beginning_ = &pick(random, beginnings);
      while (names(place_->noun) || names(thing_->noun));
      constraints_.push_back({Kind::use, std::string(beginning_->word)});
    }
    if (chance(random, 0.3)) {
      const std::string_view word = happy_ ? pick(random, {"happy", "very", "laughed", "home"})
                                    : sad_ ? pick(random, {"sad", "very", "cried", "home"})
                                           : pick(random, {"very", "home", "long", "then"});
      constraints_.push_back({Kind::avoid, std::string(word)});
    }
    write(random, here, counted, count);
  }

  void write(llama2::Random& random, bool here, bool counted, unsigned count) {
    const std::string number =
        counted ? in_words(count) + (count == 1 ? " sentence" : " sentences") : "a few sentences";
    const std::string who =
        std::string(cast_[0].name) + (two_ ? " and " + std::string(cast_[1].name) : "");
    const std::string what =
        (cast_[2].pronoun == Pronoun::they ? "some " : "a ") + std::string(thing_->noun);
    const std::string where = std::string(place_->at) + " the " + std::string(place_->noun);
    const Roles words{.u = number, .v = who, .w = what, .x = where};
    text_ = say(random,
                here ? "[Write|Please write|Give me] #u about #v and #w. [It happens|All of it "
                       "happens] #x.|Tell me a [short|little] story in #u. It is about #v and #w, "
                       "and it happens #x.|[Please tell|Tell] me in #u what happens to #v and #w "
                       "#x.|What happened to #v and #w #x? Tell me in #u."
                     : "[Write|Please write|Give me] #u about #v and #w.|Tell me a [short|little] "
                       "story in #u. It is about #v and #w.|[Please tell|Tell] me in #u what "
                       "happens to #v and #w.|I want to hear about #v and #w. Tell me in #u.",
                words);
    const auto add = [&](std::string_view pattern, std::string_view word) {
      const std::string marked = in_quotes(word);
      text_ += ' ' + say(random, pattern, {.w = marked});
    };
    for (const Constraint& constraint : constraints_) {
      if (constraint.kind == Constraint::Kind::happy)
        add("It must end well.|Let it end happily.|I want a happy end.", "");
      if (constraint.kind == Constraint::Kind::sad)
        add("It must end sadly.|Let it have a sad end.|I want a sad end.", "");
      if (constraint.kind == Constraint::Kind::use)
        add("Use the word #w.|The word #w must be in it.|Put in the word #w.", constraint.word);
      if (constraint.kind == Constraint::Kind::avoid)
        add("Do not use the word #w.|The word #w must not be in it.|Leave out the word #w.",
            constraint.word);
    }
  }

  /// Some story with these people and things; most do what is asked.
  std::string story(llama2::Random& random, const std::vector<std::size_t>& broken) const {
    using Kind = Constraint::Kind;
    std::vector<Entity> cast = cast_;
    bool two = two_;
    bool happy = happy_;
    bool sad = sad_;
    std::string beginning(beginning_ == nullptr ? "" : beginning_->phrase);
    std::size_t count = 2 + below(random, 2);
    bool person_broken = false;
    for (std::size_t i = 0; i < constraints_.size(); ++i) {
      const Constraint& constraint = constraints_[i];
      const bool breaks = std::find(broken.begin(), broken.end(), i) != broken.end();
      if (constraint.kind == Kind::sentences) count = constraint.count;
      if (!breaks) continue;
      switch (constraint.kind) {
        case Kind::person:
          if (two && constraint.word == cast_[1].name)
            two = false;
          else
            person_broken = true;
          break;
        case Kind::thing:
          cast[2] = thing_like(some_thing(random));
          break;
        case Kind::place:
          cast[3] = plain_place(some_place(random));
          break;
        case Kind::sentences:
          count = 1 + below(random, 5);
          break;
        case Kind::happy:
          happy = false;
          sad = chance(random, 0.5);
          break;
        case Kind::sad:
          sad = false;
          happy = chance(random, 0.5);
          break;
        case Kind::use:
          beginning.clear();
          break;
        case Kind::avoid:
          for (const Beginning& slip : slips)
            if (slip.word == constraint.word) {
              if (!beginning.empty()) beginning += ", ";
              beginning += slip.phrase;
            }
          break;
        default:
          break;
      }
    }
    if (person_broken) {
      const bool other = two;
      Entity stranger = child(random);
      while (stranger.name == cast_[0].name || stranger.name == cast_[1].name)
        stranger = child(random);
      cast[0] = stranger;
      two = other;
    }
    return tell(random, cast, two, happy, sad, beginning, count);
  }

  static std::string tell(llama2::Random& random, const std::vector<Entity>& cast, bool two,
                          bool happy, bool sad, const std::string& beginning, std::size_t count) {
    const Roles roles{.a = 0, .b = 1, .o = 2, .p = 3, .w = beginning};
    Writer writer(cast, random, Tense::past);
    const auto add = [&](std::string_view pattern) {
      std::string chosen(writer.choose(pattern));
      if (two) {  // all that is told of a is told of both
        std::string both;
        for (std::size_t i = 0; i < chosen.size(); ++i) {
          both += chosen[i];
          const char mark = i == 0 ? ' ' : chosen[i - 1];
          if (chosen[i] == 'a' && (mark == '$' || mark == '@' || mark == '^')) both += 'b';
        }
        chosen = std::move(both);
      }
      if (!beginning.empty() && writer.text().empty()) chosen = "#w, " + chosen;
      writer.write(chosen + ".", roles);
    };
    if (count == 1) {
      add(happy ? "$a <be> [very happy|glad|so happy] to find ~o =p|$a <laugh> when $a <find> ~o "
                  "=p|$a <smile> at ~o =p|$a <sing> with joy over ~o =p"
          : sad ? "$a <be> [very sad|sad|so sad] to lose ^a %o =p|$a <cry> because $a <lose> ^a %o "
                  "=p|$a <sigh> over ^a broken %o =p"
                : opening);
      return writer.take();
    }
    add(opening);
    const std::size_t end = happy || sad || chance(random, 0.7) ? 1 : 0;
    std::vector<std::string_view> pool(std::begin(middles), std::end(middles));
    for (std::size_t i = 1; i + end < count; ++i) {
      const std::size_t which = below(random, pool.size());
      add(pool[which]);
      pool.erase(pool.begin() + static_cast<std::ptrdiff_t>(which));
    }
    if (end == 0) return writer.take();
    add(happy
            ? "[In the end|At last|That evening], $a <be> [very happy|glad|happy|merry]|$a "
              "<laugh> and <dance> all the way home|$a <laugh> with joy|So $a <be> [happy|glad] "
              "all day long|$a <smile> and <sing> a song|That was the merriest day of the week|$a "
              "<be> proud and happy"
        : sad
            ? "[In the end|At last|That evening], $a <be> [very sad|sad|lonely]|But then @o <be> "
              "gone, and $a <cry>|[But sadly|Alas], $a <lose> @o|$a <sigh> and <go> home without "
              "@o|Tears <run.past.p> down ^a cheeks|$a <be> so sad that $a <cry>"
            : "In the evening, $a <go> home|Then $a <go> home to eat some soup|$a <put> @o into a "
              "wooden box|At noon, $a <have> some bread and cheese|$a <carry> @o home|$a <keep> @o "
              "for a long time");
    return writer.take();
  }

  static constexpr std::string_view opening =
      "$a <find> ~o =p|$a <see> ~o =p|$a <sit> =p with ~o|$a <carry> ~o +p|$a <take> ~o +p|$a "
      "<discover> ~o =p|$a <bring> ~o +p";
  static constexpr std::string_view middles[] = {
      "$a <look> at @o for a [long time|while]",
      "$a <wash> @o with great care",
      "$a <hold> @o very tightly|$a <hold> @o tightly",
      "$a <put> @o on a flat stone",
      "$a <hum> a little song",
      "Nobody else was there",
      "A bird watched from a branch",
      "$a <dream> of a great adventure",
      "$a <tell> nobody about @o",
      "$a <show> @o to the old baker|$a <show> @o to the postman",
      "$a <wonder> whose it might be",
      "A little mouse came out and looked at @o",
      "$a <clap> ^a hands",
      "$a <sit> down and <rest> for an hour",
      "The air smelled of flowers|The air smelled of fresh grass"};

  std::vector<Entity> cast_;  ///< who, another, what, where
  const ThingKind* thing_ = nullptr;
  const PlaceKind* place_ = nullptr;
  bool two_ = false, happy_ = false, sad_ = false;
  const Beginning* beginning_ = nullptr;
  std::vector<Constraint> constraints_;
  std::string text_;
};

}  // namespace recipe
