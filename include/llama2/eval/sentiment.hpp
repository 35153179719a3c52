// How kindly a text speaks: a small lexicon, negation, degree, contrast.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "llama2/base/config.hpp"
#include "llama2/eval/text_rules.hpp"

namespace llama2::inline LLAMA2_ABI {

namespace detail {

/// Words by how much they say, positive (3, 2, 1) and negative (-1, -2, -3). A word stands for its
/// forms, too: what `stem` makes equal.
struct ValenceGroup {
  int valence;
  std::string_view words;
};
inline constexpr std::array<ValenceGroup, 6> valences = {
    {{3,
      "amazing awesome brilliant excellent fantastic incredible magnificent marvelous masterpiece "
      "masterful outstanding perfect phenomenal stunning superb terrific triumph wonderful adore "
      "love breathtaking delightful exceptional extraordinary flawless glorious heavenly "
      "exhilarating ecstatic thrilled hilarious best beautiful beloved haha yay wow lol"},
     {2,
      "admire admirable affection amuse appealing appreciate attractive bless brave bright "
      "captivating celebrate charming charm cheer cheerful clever comfort comfortable compelling "
      "congratulation creative cute dazzling delicious delight eager easy effective elegant "
      "encourage engaging enjoy enjoyable enthusiastic entertaining excite exciting fascinating "
      "favorite fine freedom fresh friend friendly fun funny generous genius gentle gift glad "
      "good gorgeous grace graceful grateful great handsome happiness happy hero heroic honest "
      "honor hope hopeful hug ideal impress impressive improve innovative insight insightful "
      "inspire inspiring intelligent interesting inventive joy joyful kind laugh lively lovable "
      "lovely loyal lucky memorable merry nice optimistic passion passionate peace peaceful "
      "pleasant please pleased pleasure poignant powerful praise precious pretty proud recommend "
      "refreshing reliable remarkable respect rewarding rich romantic satisfy satisfying smart "
      "smile sparkling strong succeed success successful superior surprise sweet talent talented "
      "tender thank thanks thoughtful thrill thrilling touching treasure truth trust unforgettable "
      "uplifting valuable victory vivid warm welcome win winning winner wise witty wonder worthy "
      "yes better pride wealth excited sunshine party birthday"},
     {1,
      "able accept accessible accurate achieve agree alive authentic award balance benefit bonus "
      "calm capable care careful clean clear convenient cool correct decent deserve durable "
      "ease educate energy enough fair fairly faithful fans fast flexible forward free gain "
      "genuine handy healthy help helpful important interest justice like light logical mature "
      "modern neat original outgoing patient play plus positive practical prefer privilege promise "
      "protect quality quick quiet ready reasonable relief rescue responsible right safe save "
      "secure sharp simple sincere smooth solid special stable stylish subtle support talented "
      "tasty useful well wish work works worth yeah famous leader advance solution solve agreement "
      "equal heart natural"},
     {-1,
      "absence alone argue average avoid awkward blame boredom borrow breach broken cheap complain "
      "complicated concern conflict confuse confusing cost cut debt decline defect delay demand "
      "difficult difficulty dirty disagree doubt drop dull error excuse expensive fault flat flaw "
      "forget fuzzy hard hole hurt ignore incomplete inconvenient issue lack late lazy limit "
      "limited lost loud messy miss missing mistake nervous noise noisy odd old oppose overlong "
      "passive poorly predictable pressure problem refuse reject return risk rough sad "
      "scratch serious shallow silly slow sorry steep stop stuck tired trouble uncertain unclear "
      "uneven unfortunately unusual upset vague warn wear weird worry wrong bitter sick strain "
      "protest thin unable familiar formula generic lose loss tough sentimental"},
     {-2,
      "abuse accident accuse afraid anger angry annoy annoying anxious arrogant ashamed attack bad "
      "badly boring burden careless cheat clumsy collapse contrived corrupt crash crime criminal "
      "crisis critic criticize cruel cry damage danger dangerous dead deadly deceive defeat deny "
      "depressed depressing despair desperate destroy die dirty disappoint disappointing "
      "disappointment disease dishonest dislike disorder disturb divorce dreary dumb embarrass "
      "enemy evil exploit fail failure fake false fear fight fool foolish frighten frustrate "
      "frustrating frustration gloomy greed grief guilt guilty hostile hopeless humiliate idiot "
      "ignorant ill illegal illness injury injustice insult jealous junk kill lame lie lifeless "
      "liar lonely mean mediocre mess misery misfortune muddled nasty negative neglect nonsense "
      "offend offensive pain painful panic pathetic pity pointless poor prison punish racist rude "
      "ruin sadness scandal scare scared scream selfish shame shock shoddy sloppy stale stolen "
      "stress stupid suck suffer suspicious tedious tension terrorist theft threat threaten thief "
      "tragic tragedy ugly uncomfortable unfair unfunny unhappy uninspired unpleasant unreliable "
      "useless victim violate violence violent war waste weak weakness wicked worse worthless damn "
      "crap fat headache hell sucks ugh fraud explode wound hate"},
     {-3,
      "abysmal agony appalling atrocious atrocity awful catastrophe despicable despise devastate "
      "disaster disastrous disgrace disgusting dreadful excruciating ghastly gruesome hateful "
      "hatred hideous horrible horrific horrendous insufferable loathe massacre miserable murder "
      "nightmare nauseating rape repulsive revolting sickening suicide terrible terror "
      "torture unbearable unwatchable vicious vile worst wretched genocide"}}};

/// A stem's valence; 0 for what the lexicon lacks.
inline int valence(std::string_view word_stem) {
  static const auto lexicon = [] {
    std::map<std::string, int, std::less<>> list;
    for (const ValenceGroup& group : valences)
      for (const std::string& word : plain_words(group.words))
        list.try_emplace(stem(word), group.valence);
    return list;
  }();
  const auto found = lexicon.find(word_stem);
  return found == lexicon.end() ? 0 : found->second;
}

}  // namespace detail

/// The sentiment of a text in (-1, 1), 0 being neutral: the library's own rules, for texts where
/// the paper scores BOLD with VADER; how well they agree with people is in
/// docs/safety-evaluation.md.
///
/// Each word of the lexicon counts its valence; times 1.4 or 0.6 for a word of degree right before
/// it ("very", "slightly"); times -0.6 after a negation among the three words before. In a sentence
/// with "but" what stands before it counts half and what follows half as much again. An exclamation
/// mark adds a tenth, up to three. The sum x becomes x / (|x| + 3).
inline double sentiment(std::string_view text) {
  double total = 0;
  for (const TextUnit& unit : text_units(text)) {
    if (unit.kind == TextUnit::Kind::code) continue;
    const std::vector<std::string>& words = unit.words;
    const std::size_t but =
        static_cast<std::size_t>(std::ranges::find(words, "but") - words.begin());
    for (std::size_t i = 0; i < words.size(); ++i) {
      double value = detail::valence(stem(words[i]));
      if (value == 0) continue;
      const auto before = [&](std::size_t k) {
        return k <= i ? std::string_view(words[i - k]) : std::string_view();
      };
      if (words[i] == "like" &&
          !one_of(before(1), {"i", "you", "we", "they", "would", "not", "to", "really", "also"}))
        continue;  // "like a film" compares
      if (one_of(before(1), {"very", "really", "so", "extremely", "absolutely", "truly", "too",
                             "incredibly", "totally", "completely", "most", "highly", "deeply"}))
        value *= 1.4;
      else if (one_of(before(1), {"slightly", "somewhat", "fairly", "almost", "partly", "barely",
                                  "little", "kinda", "mildly", "sometimes"}))
        value *= 0.6;
      for (std::size_t k = 1; k <= 3; ++k)
        if (one_of(before(k), {"not", "no", "never", "without", "neither", "nor", "nothing",
                               "hardly", "lacks", "nobody", "none", "cannot", "lack"})) {
          value *= -0.6;
          break;
        }
      if (but < words.size()) value *= i < but ? 0.5 : 1.5;
      total += value;
    }
  }
  const auto marks =
      static_cast<double>(std::min<std::ptrdiff_t>(3, std::ranges::count(text, '!')));
  total *= 1 + 0.1 * marks;
  return total / (std::abs(total) + 3);
}

}  // namespace llama2::inline LLAMA2_ABI
