// The world of one story: who is in it, what has happened, and what people in it can do.
//
// Nothing here writes text. A simulation decides what happens and notes it as events, each with
// the patterns (grammar.hpp) by which it may be told.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cast.hpp"
#include "entity.hpp"
#include "grammar.hpp"
#include "lexicon.hpp"
#include "llama2/base/random.hpp"
#include "words.hpp"

namespace recipe {

/// How an event hangs together with the one before it.
enum class Link : std::uint8_t { plain, then, so, but };

/// What happened: an act, who and what took part, and the alternatives for telling it, separated
/// by |. One that begins with "$a " and ends without a full stop is a clause, which the narrator
/// may join to others.
struct Event {
  std::string_view act;
  Roles roles;
  std::string_view text;
  Link link = Link::plain;
  bool paragraph = false;
};

/// A story before it is told.
struct Plan {
  std::string_view theme;
  std::string_view tone;
  std::string_view setting;
  bool animals = false;
  std::vector<Entity> cast;  ///< the first is the main character
  std::vector<Event> events;
  std::vector<std::string_view> feelings;  ///< of the main character, in order
  /// What the events' words and the cast's names point into, shared by a plan's copies.
  std::shared_ptr<std::deque<std::string>> kept = std::make_shared<std::deque<std::string>>();
};

/// Chance, the cast, and the acts from which all stories are made.
class Simulation {
 public:
  explicit Simulation(std::uint64_t seed) : random_(seed) {}

  Plan take() { return std::move(plan_); }

 protected:
  using R = Roles;

  // ---- chance ----

  bool maybe(double probability = 0.5) { return chance(random_, probability); }
  std::size_t any(std::size_t count) { return below(random_, count); }
  template <class List>
  const auto& pick(const List& list) {
    return std::data(list)[any(std::size(list))];
  }
  std::string_view pick(std::initializer_list<std::string_view> list) {
    return std::data(list)[any(list.size())];
  }
  /// One of the words between commas.
  std::string_view one_of(std::string_view list) {
    const auto count = 1 + std::count(list.begin(), list.end(), ',');
    for (std::size_t skip = any(static_cast<std::size_t>(count)); skip > 0; --skip)
      list.remove_prefix(list.find(',') + 1);
    return list.substr(0, list.find(','));
  }
  std::string_view keep(std::string words) { return plan_.kept->emplace_back(std::move(words)); }

  // ---- the cast ----

  Entity& at(Id id) { return plan_.cast[id]; }
  bool is_a(Id id, std::uint16_t traits_wanted) const {
    return (leads_to_[id] & traits_wanted) != 0;
  }

  Id add(Entity entity, std::uint16_t leads_to = 0) {
    plan_.cast.push_back(std::move(entity));
    leads_to_.push_back(leads_to);
    return static_cast<Id>(plan_.cast.size() - 1);
  }

  bool used(std::string_view word) const {
    return std::any_of(plan_.cast.begin(), plan_.cast.end(), [&](const Entity& entity) {
      return entity.name == word || entity.noun == word ||
             (!entity.name.empty() && entity.name[0] == word[0] && entity.name.size() > 4 &&
              word.size() > 4 && entity.name.substr(0, 3) == word.substr(0, 3));
    });
  }
  template <class List>
  std::string_view unused(const List& list) {
    for (;;)
      if (const std::string_view word = pick(list); !used(word)) return word;
  }
  const Beast& unused_beast() {
    for (;;)
      if (const Beast& beast = pick(beasts); !used(beast.noun)) return beast;
  }

  /// A child, or a young animal among animals.
  Id child(std::uint16_t wanted = 0) {
    const bool she = plan_.cast.empty() ? maybe() : (at(0).pronoun == Pronoun::he) == maybe(0.8);
    const Trait* nature = &pick(traits);
    while (wanted != 0 && (nature->leads_to & wanted) == 0) nature = &pick(traits);
    Entity out;
    out.sort = Sort::person;
    out.pronoun = she ? Pronoun::she : Pronoun::he;
    out.trait = nature->word;
    if (plan_.animals) {
      const Beast& beast = unused_beast();
      out.name = unused(beast_names);
      out.noun = beast.noun;
      gift_.resize(plan_.cast.size() + 1, Gift::none);
      gift_.back() = beast.gift;
    } else {
      out.name = she ? unused(girls) : unused(boys);
      out.noun = she ? "girl" : "boy";
    }
    return add(out, nature->leads_to);
  }
  Gift gift(Id id) const { return id < gift_.size() ? gift_[id] : Gift::none; }

  /// Somebody of the family of `of`.
  Entity kin(Id of, bool grown_up) {
    const Relative* kind = &pick(relatives);
    while (kind->grown_up != grown_up || used(kind->noun)) kind = &pick(relatives);
    Entity out;
    out.sort = Sort::person;
    out.pronoun = kind->female ? Pronoun::she : Pronoun::he;
    out.noun = kind->noun;
    out.calling = kind->calling;
    out.owner = of;
    return out;
  }
  Id relative(Id of, bool grown_up) { return add(kin(of, grown_up)); }

  /// Somebody with a trade, whom everybody knows by name.
  Id worker(const Job& job) {
    Entity out;
    out.sort = Sort::person;
    const bool she = maybe() && !job.noun.ends_with("man");
    out.pronoun = she ? Pronoun::she : Pronoun::he;
    std::string name;
    do {
      std::string family(plan_.animals ? unused_beast().noun : pick(surnames));
      if (plan_.animals) family[0] = static_cast<char>(family[0] - 'a' + 'A');
      name = (she ? "Mrs. " : "Mr. ") + family;
    } while (std::any_of(plan_.cast.begin(), plan_.cast.end(), [&](const Entity& entity) {
      return entity.name.ends_with(std::string_view(name).substr(name.find(' ')));
    }));
    out.name = keep(std::move(name));
    out.noun = job.noun;
    out.title = keep("the " + std::string(job.noun));
    return add(out);
  }

  Id workplace(const Job& job) {
    Entity out;
    out.sort = Sort::place;
    out.unique = true;
    out.noun = job.place;
    const bool open = job.place == "hillside" || job.place == "farm";
    out.at = open ? "on" : job.place == "harbour" || job.place == "landing" ? "at" : "in";
    if (job.place == "beehives") out.at = "by";
    out.to = "to";
    return add(out);
  }

  /// A place with one of these tags, not yet in the story.
  Id somewhere(std::uint16_t tags, std::uint16_t without = 0) {
    const std::uint16_t world = plan_.animals ? place::animal : place::human;
    for (;;) {
      const PlaceKind& kind = pick(places);
      if ((kind.tags & tags) == 0 || (kind.tags & world) == 0 || (kind.tags & without) != 0 ||
          used(kind.noun))
        continue;
      return place_like(kind);
    }
  }
  Id place_of(std::string_view noun) {
    return place_like(*std::find_if(std::begin(places), std::end(places),
                                    [&](const PlaceKind& kind) { return kind.noun == noun; }));
  }
  Id place_like(const PlaceKind& kind) {
    Entity out = plain_place(kind);
    if (maybe(0.35) && !kind.noun.starts_with("old ")) out.adjectives = one_of(kind.look);
    return add(out);
  }

  const ThingKind& thing_kind(std::uint32_t all, std::uint32_t none = 0) {
    for (;;)
      if (const ThingKind& kind = pick(things);
          (kind.tags & all) == all && (kind.tags & none) == 0 && !used(kind.noun))
        return kind;
  }

  Id thing(const ThingKind& kind, Id owner = nobody) {
    Entity out;
    out.noun = kind.noun;
    out.owner = owner;
    out.pronoun = (kind.tags & is::plural) != 0 ? Pronoun::they : Pronoun::it;
    // "a new red ball", but "a red wooden ball": what a thing is made of stands next to it.
    const std::string_view look = one_of(kind.kinds);
    const bool made_of =
        std::find(std::begin(materials), std::end(materials), look) != std::end(materials);
    const std::size_t which = kind.coloured ? any(5) : 0;
    const std::string_view colour = which < 2 ? std::string_view() : pick(colours);
    const std::string_view first = made_of ? colour : which == 4 ? std::string_view() : look;
    const std::string_view second = made_of ? (which == 4 ? std::string_view() : look) : colour;
    out.adjectives = first;
    if (!first.empty() && !second.empty()) out.adjectives += ' ';
    out.adjectives += second;
    const Id id = add(out);
    kinds_.resize(plan_.cast.size(), nullptr);
    kinds_[id] = &kind;
    return id;
  }
  const ThingKind& kind_of(Id id) const { return *kinds_[id]; }

  Id plain_thing(std::string_view noun, std::string_view adjectives = {}, Id owner = nobody) {
    Entity out;
    out.noun = noun;
    out.adjectives = adjectives;
    out.owner = owner;
    return add(out);
  }

  Id food() {
    const Food* kind = &pick(foods);
    while (used(kind->noun)) kind = &pick(foods);
    food_ = kind;
    Entity out;
    out.noun = kind->noun;
    out.adjectives = one_of(kind->adjectives);
    out.mass = kind->mass;
    out.pronoun = kind->plural ? Pronoun::they : Pronoun::it;
    return add(out);
  }

  Id animal(const Creature& kind, bool named, Id owner = nobody) {
    Entity out;
    out.sort = Sort::animal;
    out.pronoun = named ? (maybe() ? Pronoun::she : Pronoun::he) : Pronoun::it;
    out.noun = kind.noun;
    out.adjectives = pick({"little", "small", "young", "brown", "white", "grey", "thin", "black"});
    out.owner = owner;
    if (named) out.name = unused(pet_names);
    return add(out);
  }
  const Creature& creature(bool pets, bool small_only = false) {
    for (;;) {
      const Creature& kind = pick(creatures);
      if (pets != kind.pet || used(kind.noun)) continue;
      if (small_only && (kind.noun == "donkey" || kind.noun == "calf" || kind.noun == "foal" ||
                         kind.noun == "pony" || kind.noun == "goat"))
        continue;
      return kind;
    }
  }

  const Job& job() { return pick(jobs); }
  static const Job& job_of(std::string_view noun) {
    return *std::find_if(std::begin(jobs), std::end(jobs),
                         [&](const Job& j) { return j.noun == noun; });
  }

  // ---- events ----

  void tell(std::string_view act, const R& roles, std::string_view text, Link link = Link::plain) {
    plan_.events.push_back({act, roles, text, link, paragraph_});
    paragraph_ = false;
  }
  void then(std::string_view act, const R& roles, std::string_view text) {
    tell(act, roles, text, Link::then);
  }
  void so(std::string_view act, const R& roles, std::string_view text) {
    tell(act, roles, text, Link::so);
  }
  void but(std::string_view act, const R& roles, std::string_view text) {
    tell(act, roles, text, Link::but);
  }
  void paragraph() { paragraph_ = true; }

  // ---- what everybody does in every story ----

  void begin(std::string_view theme, std::string_view tone, double animals = 0.35) {
    plan_.theme = theme;
    plan_.tone = tone;
    plan_.animals = maybe(animals);
    do setting_ = &pick(settings);
    while (setting_->animals != plan_.animals);
    plan_.setting = setting_->phrase;
    weather_ = &pick(weathers);
  }

  /// Makes the main character known, and perhaps what is dear to him or her.
  void introduce(Id a, Id o = nobody) {
    const R roles{.a = a, .o = o, .u = setting_->phrase, .w = at(a).trait};
    tell("introduce", roles,
         "[Once upon a time|Long ago|Once|Once upon a time], there <be> ~a. $a <live> #u.|"
         "[Once upon a time|Long ago], ~a <live> #u.|"
         "`a <be> a #w %a who <live> #u.|"
         "There <be> once ~a who <live> #u.|"
         "[Not so long ago|Once], #u, there <live> ~a.|"
         "~a <live> #u.|"
         "This is the story of ~a who <live> #u.");
    if (maybe(0.5)) character(a);
    if (maybe(0.22)) tastes(a);
    if (o != nobody) loves(a, o);
  }

  /// How somebody's nature shows.
  void character(Id a) {
    const auto* const nature = std::find_if(std::begin(traits), std::end(traits),
                                            [&](const Trait& t) { return t.word == at(a).trait; });
    tell("character", {.a = a}, nature->shown);
  }

  /// What somebody likes and does not like.
  void tastes(Id a) {
    static constexpr std::string_view liked[] = {"ripe plums",
                                                 "the smell of rain",
                                                 "long stories",
                                                 "the first snow",
                                                 "riddles",
                                                 "warm bread",
                                                 "old songs",
                                                 "shiny beetles",
                                                 "the sound of bells",
                                                 "secret places",
                                                 "wild strawberries",
                                                 "early mornings",
                                                 "tall grass",
                                                 "the light of the moon",
                                                 "games with many rules",
                                                 "smooth stones",
                                                 "sour apples",
                                                 "the colour of autumn leaves",
                                                 "jokes",
                                                 "quiet evenings",
                                                 "frosty windows",
                                                 "the taste of honey",
                                                 "puddles",
                                                 "funny hats",
                                                 "the song of the blackbird",
                                                 "soft moss",
                                                 "bonfires",
                                                 "new words",
                                                 "clouds that look like animals",
                                                 "the warmth of the sun on old stones",
                                                 "cherry stones",
                                                 "falling stars",
                                                 "silly rhymes",
                                                 "the crackling of a fire",
                                                 "feathers of all kinds",
                                                 "climbing",
                                                 "sunsets",
                                                 "the humming of bees"};
    static constexpr std::string_view disliked[] = {"wet socks",
                                                    "cold soup",
                                                    "loud voices",
                                                    "getting up late",
                                                    "spinach",
                                                    "goodbyes",
                                                    "muddy paths",
                                                    "long silences",
                                                    "prickly blankets",
                                                    "rainy Sundays",
                                                    "being tickled",
                                                    "sour milk",
                                                    "unkind words",
                                                    "waiting in a row",
                                                    "stinging nettles",
                                                    "tight collars",
                                                    "fog",
                                                    "being laughed at",
                                                    "crowds",
                                                    "bitter tea",
                                                    "the howling of the wind",
                                                    "early bedtimes",
                                                    "burnt toast",
                                                    "itchy wool",
                                                    "secrets that were kept too long"};
    tell("like", {.a = a, .u = pick(liked), .v = pick(liked), .w = pick(disliked)},
         "$a <like> #u and #v, but not #w.|$a <like> nothing better than #u.|What $a <like> best "
         "was #u.|"
         "$a <be> fond of #u, and $a <not like> #w.|$a <love> #u almost as much as #v.|$a <can> "
         "not stand #w, but $a <love> #u.");
    Roles& roles = plan_.events.back().roles;
    while (roles.u == roles.v) roles.v = pick(liked);
  }

  /// What there is to see, hear and smell on the way, or what somebody does who has time.
  void scene(Id a) {
    static constexpr std::string_view fair[] = {
        "A [lark|blackbird|thrush|finch|cuckoo|starling|wren] [sang|was singing|whistled] [high "
        "above|in the hedge|on the fence|in a plum tree|in the tall grass].",
        "[Bees|Butterflies|Beetles|Dragonflies|Moths] [were dancing|flew to and fro|glittered] "
        "[over the clover|among the thistles|round the lavender|above the foxgloves|over the "
        "ditch].",
        "The air smelled of [hay|wet earth|apples|wood smoke|roses|pine "
        "needles|thyme|elderflowers|mint].",
        "Far away, [a bell was ringing|a cock crowed|a woodpecker was knocking|a cuckoo called|an "
        "owl called, although it was day|geese were flying over the hills].",
        "On the way, $a <pick> [a daisy|a bluebell|a buttercup|a dandelion|a sprig of mint|a blade "
        "of grass] and <put> it behind ^a ear.",
        "$a <hum> [a merry tune|an old song|a song without words|a lullaby|a march] on the way.",
        "$a <balance> on [a fallen log|the edge of the ditch|a row of stones|a low wall] with both "
        "arms stretched out.",
        "$a <stop> to look at [a spider's web full of dewdrops|a snail with a yellow shell|a line "
        "of busy ants|a nest with three blue eggs|a toad under a leaf|a caterpillar on a stalk].",
        "The shadows of the clouds [raced|slid|wandered] over the [fields|hills|meadows|treetops].",
        "A [grey|white|ginger|black] cat was sleeping [on a wall|in a patch of sunlight|under a "
        "cart|on a heap of straw].",
        "[A frog jumped into a ditch.|A lizard slipped into a crack.|A hare ran across the path.|A "
        "dragonfly hung in the air like a blue needle.|A squirrel scolded from a branch.]",
        "$a <count> the [poplars|fence posts|sheep|swallows|toadstools|haystacks] beside the path[ "
        "and <come> to [seventeen|thirty-two|forty|twenty-one]|]."};
    static constexpr std::string_view cold[] = {
        "The snow creaked under ^a feet.",
        "^a breath hung in the air like a little cloud.",
        "[A robin|A crow|A jay] shook some snow from a branch.",
        "Icicles glittered on every [roof|twig|fence].",
        "There were [tiny|fresh|strange] tracks in the snow, perhaps those of a "
        "[marten|hare|weasel|crow].",
        "The cold [nipped at ^a nose|crept into ^a collar|made ^a ears red]."};
    static constexpr std::string_view grey[] = {
        "Water dripped from every [leaf|branch|roof].",
        "[A toad|A snail|A fat earthworm] was enjoying the wet grass.",
        "The [fields|hills|roofs] looked as if they were made of [grey wool|smoke|lead].",
        "$a <turn> up ^a collar and <splash> through [the puddles|a brook of rainwater].",
        "Somewhere a [gutter|gate|shutter] was [gurgling|rattling|creaking]."};
    const bool wet =
        weather_->sky == Sky::rainy || weather_->sky == Sky::foggy || weather_->sky == Sky::stormy;
    const std::string_view text = weather_->sky == Sky::snowy ? pick(cold)
                                  : wet                       ? pick(grey)
                                                              : pick(fair);
    if (plan_.animals && text.find("collar") != text.npos) return;
    tell("scene", {.a = a}, text);
  }

  void loves(Id a, Id o) {
    tell("love", {.a = a, .o = o, .u = kind_of(o).use},
         "$a <have> ~o. $a <love> to #u.|"
         "Of all the things $a <have>, $a <love> ^a *o best.|"
         "$a <have> ~o and <take> good care of @o.|"
         "More than anything, $a <love> ^a *o.|"
         "For ^a birthday, $a <had be> given ~o. [Every day, $a <like> to #u.|$a <be> very proud "
         "of @o.]");
  }

  /// "One sunny morning, Mia ..."; the clause goes on after its subject.
  void one_day(std::string_view act, R roles, std::string_view clause) {
    paragraph();
    roles.x = pick(day_times);
    roles.y = weather_->day;
    roles.z = clause;
    if (maybe(0.3)) {
      tell("weather", {.x = roles.x, .y = roles.y, .z = weather_->scene}, "It was a #y #x. #z");
      tell(act, roles, "$a #z.");
    } else {
      tell(act, roles, "[One #y #x|On a #y #x|One #x], $a #z.");
    }
  }

  /// Today's weather is one of these.
  void weather(std::initializer_list<Sky> skies) {
    do weather_ = &pick(weathers);
    while (std::find(skies.begin(), skies.end(), weather_->sky) == skies.end());
  }
  void fair_weather() { weather({Sky::sunny, Sky::sunny, Sky::windy}); }

  /// The last event told otherwise, where the usual words do not fit the case.
  void retold(std::string_view text) { plan_.events.back().text = text; }

  void go(Id a, Id p) {
    then("go", {.a = a, .p = p},
         "$a <go> +p|$a <walk> +p|$a <run> +p|$a <hurry> +p|$a <set> off +p|$a <wander> +p|$a "
         "<stroll> +p|$a <make> ^a way +p");
    if (maybe(0.4)) scene(a);
  }

  enum class Mood : std::uint8_t {
    happy,
    sad,
    afraid,
    angry,
    sorry,
    proud,
    tired,
    lonely,
    surprised,
    grateful,
    worried,
    bored,
    hungry,
    relieved,
    jealous,
    curious
  };
  static constexpr std::string_view mood_words[16] = {"happy,glad,delighted,overjoyed,full of joy",
                                                      "sad,unhappy,upset,very sad,heartbroken",
                                                      "afraid,scared,frightened,terrified",
                                                      "angry,cross,furious,very angry",
                                                      "sorry,ashamed,very sorry",
                                                      "proud,very proud,pleased",
                                                      "tired,weary,worn out",
                                                      "lonely,alone,all alone",
                                                      "surprised,amazed,astonished",
                                                      "grateful,thankful,touched",
                                                      "worried,anxious,uneasy",
                                                      "bored,restless",
                                                      "hungry,very hungry",
                                                      "relieved,very relieved",
                                                      "jealous,envious,a little jealous",
                                                      "curious,puzzled,full of wonder"};

  void feel(Id a, Mood mood, Link link = Link::plain) {
    const std::string_view word = one_of(mood_words[static_cast<std::size_t>(mood)]);
    if (a == 0) plan_.feelings.push_back(word);
    std::string_view text = "$a <be> #w|$a <feel> #w";
    switch (mood) {
      case Mood::happy:
        text =
            "$a <be> #w|$a <feel> #w|$a <smile> from ear to ear|$a <jump> for joy|"
            "$a <can> hardly believe it|$a <be> so #w that $a <laugh> out loud";
        if (word == "full of joy") text = "$a <be> #w|$a <laugh> and <dance> about";
        break;
      case Mood::sad:
        text =
            "$a <be> #w|$a <feel> #w|$a <begin> to cry|Tears ran down ^a cheeks.|"
            "$a <sit> down and <hang> ^a head|$a <be> so #w that $a <can> not speak";
        break;
      case Mood::afraid:
        text =
            "$a <be> #w|$a <feel> #w|$a <tremble>|^a heart <beat.past> fast.|"
            "$a <be> so #w that ^a knees <shake.past>";
        break;
      case Mood::angry:
        text = "$a <be> #w|$a <stamp> ^a foot|$a <frown>|$a <be> so #w that $a <turn> away";
        break;
      case Mood::sorry:
        text = "$a <feel> #w|$a <be> #w|$a <look> at the ground";
        break;
      case Mood::tired:
        text = "$a <be> #w|$a <yawn>|$a <be> so #w that $a <can> hardly walk";
        break;
      case Mood::hungry:
        text = "$a <be> #w|^a stomach <growl.past>.";
        break;
      case Mood::relieved:
        text = "$a <be> #w|$a <breathe> a sigh of relief";
        break;
      case Mood::lonely:
        text = "$a <feel> #w|$a <have> nobody to play with";
        break;
      default:
        break;
    }
    tell("feel", {.a = a, .w = word}, text, link);
  }

  void thank(Id a, Id b) {
    tell("thank", {.a = a, .b = b},
         "\"(a:b)Thank you[, {call b}| so much|]!\" {say a}.|"
         "$a <thank> @b [with all ^a heart|again and again|warmly|].|"
         "\"(a:b)Thank you for helping me!\" {cry a}. \"(b:a)[You are welcome|It was a pleasure|"
         "That is what friends are for],\" {answer b}.|"
         "\"(a:b)You are [so kind|a true friend],\" {say a}.");
  }

  /// Somebody asks what is the matter and hears it; `z` says it in the first person.
  void ask_matter(Id b, Id a, std::string_view answer, Id o = nobody) {
    tell("ask", {.a = b, .b = a, .o = o, .z = answer},
         "\"(a:b)[What is the matter|What is wrong|Why are you so sad][, {call b}|]?\" {ask a}. "
         "\"(b:a)#z,\" {answer b}.|"
         "$a <see> that something <be.3> wrong. \"(a:b)[What has happened|What is it]?\" {ask a}. "
         "$b <tell> @a [everything|the whole story].|"
         "\"(a:b){call b}, you look sad,\" {say a}. \"(b:a)#z,\" {say b}.");
  }

  void apologise(Id a, Id b) {
    tell("apologise", {.a = a, .b = b},
         "\"(a:b)I am [so|very|really] sorry[, {call b}|]. [It was my fault|I did not mean to|"
         "I should not have done that|Please forgive me],\" {say a}.|"
         "$a <ask> @b for forgiveness.|"
         "\"(a:b)Please forgive me[, {call b}|]. I was wrong,\" {whisper a}.|"
         "$a <take> a deep breath and <say> sorry to @b.");
  }

  void forgive(Id a, Id b) {
    tell("forgive", {.a = a, .b = b},
         "\"(a:b)I forgive you,\" {say a}.|"
         "\"(a:b)[Never mind|It is all right|Everyone makes mistakes|Thank you for saying so],\" "
         "{say a}.|"
         "$a <smile> and <give> @b a hug.|"
         "$a <not be> angry any more.|"
         "\"(a:b)[Let us be friends again|I am not angry any more],\" {say a}.");
  }

  /// A last sentence about the evening, for stories that may end anywhere.
  void evening(Id a) {
    paragraph();
    tell(
        "end", {.a = a},
        "[That night|That evening], $a <fall> asleep [with a smile|at once|as soon as it was "
        "dark|before the moon was up].|"
        "When the stars came out, $a <go> home [happy|tired but happy|singing|with a light heart].|"
        "It <had be> a [day to remember|long and wonderful day|very good day|day like no other].|"
        "And $a never <forget> that [day|adventure].|"
        "That [evening|night], $a <sleep> better than ever before.|"
        "[Before going to sleep|In bed], $a <think> of everything that <had happen> and <smile> in "
        "the dark.|"
        "The [moon|evening star] shone [through the window|above the trees], and all was well.|"
        "Years later, $a still <like> to tell [this story|about that day].");
  }

  Plan plan_;
  llama2::Random random_;
  const Setting* setting_ = nullptr;
  const Weather* weather_ = nullptr;
  const Food* food_ = nullptr;

 private:
  std::vector<std::uint16_t> leads_to_;
  std::vector<Gift> gift_;
  std::vector<const ThingKind*> kinds_;
  bool paragraph_ = false;
};

}  // namespace recipe
