// The inflection of English: verbs, nouns, adjectives and the indefinite article, by rule and by
// the lists of what breaks the rules.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

namespace recipe {

enum class VerbForm : std::uint8_t { base, third, past, participle, gerund };

/// A verb's past and past participle where they are not the base with -ed.
struct IrregularVerb {
  std::string_view base, past, participle;
};

/// In alphabetical order, to be searched.
inline constexpr IrregularVerb irregular_verbs[] = {
    {"awake", "awoke", "awoken"},
    {"bear", "bore", "borne"},
    {"beat", "beat", "beaten"},
    {"become", "became", "become"},
    {"begin", "began", "begun"},
    {"bend", "bent", "bent"},
    {"bind", "bound", "bound"},
    {"bite", "bit", "bitten"},
    {"blow", "blew", "blown"},
    {"break", "broke", "broken"},
    {"breed", "bred", "bred"},
    {"bring", "brought", "brought"},
    {"build", "built", "built"},
    {"burst", "burst", "burst"},
    {"buy", "bought", "bought"},
    {"catch", "caught", "caught"},
    {"choose", "chose", "chosen"},
    {"cling", "clung", "clung"},
    {"come", "came", "come"},
    {"cost", "cost", "cost"},
    {"creep", "crept", "crept"},
    {"cut", "cut", "cut"},
    {"deal", "dealt", "dealt"},
    {"dig", "dug", "dug"},
    {"do", "did", "done"},
    {"draw", "drew", "drawn"},
    {"drink", "drank", "drunk"},
    {"drive", "drove", "driven"},
    {"eat", "ate", "eaten"},
    {"fall", "fell", "fallen"},
    {"feed", "fed", "fed"},
    {"feel", "felt", "felt"},
    {"fight", "fought", "fought"},
    {"find", "found", "found"},
    {"flee", "fled", "fled"},
    {"fling", "flung", "flung"},
    {"fly", "flew", "flown"},
    {"forget", "forgot", "forgotten"},
    {"forgive", "forgave", "forgiven"},
    {"freeze", "froze", "frozen"},
    {"get", "got", "got"},
    {"give", "gave", "given"},
    {"go", "went", "gone"},
    {"grind", "ground", "ground"},
    {"grow", "grew", "grown"},
    {"hang", "hung", "hung"},
    {"have", "had", "had"},
    {"hear", "heard", "heard"},
    {"hide", "hid", "hidden"},
    {"hit", "hit", "hit"},
    {"hold", "held", "held"},
    {"hurt", "hurt", "hurt"},
    {"keep", "kept", "kept"},
    {"kneel", "knelt", "knelt"},
    {"know", "knew", "known"},
    {"lay", "laid", "laid"},
    {"lead", "led", "led"},
    {"leap", "leapt", "leapt"},
    {"learn", "learned", "learned"},
    {"leave", "left", "left"},
    {"lend", "lent", "lent"},
    {"let", "let", "let"},
    {"lie", "lay", "lain"},
    {"light", "lit", "lit"},
    {"lose", "lost", "lost"},
    {"make", "made", "made"},
    {"mean", "meant", "meant"},
    {"meet", "met", "met"},
    {"melt", "melted", "melted"},
    {"overcome", "overcame", "overcome"},
    {"pay", "paid", "paid"},
    {"put", "put", "put"},
    {"read", "read", "read"},
    {"ride", "rode", "ridden"},
    {"ring", "rang", "rung"},
    {"rise", "rose", "risen"},
    {"run", "ran", "run"},
    {"say", "said", "said"},
    {"see", "saw", "seen"},
    {"sell", "sold", "sold"},
    {"send", "sent", "sent"},
    {"set", "set", "set"},
    {"sew", "sewed", "sewn"},
    {"shake", "shook", "shaken"},
    {"shine", "shone", "shone"},
    {"show", "showed", "shown"},
    {"shrink", "shrank", "shrunk"},
    {"shut", "shut", "shut"},
    {"sing", "sang", "sung"},
    {"sink", "sank", "sunk"},
    {"sit", "sat", "sat"},
    {"sleep", "slept", "slept"},
    {"slide", "slid", "slid"},
    {"sling", "slung", "slung"},
    {"sow", "sowed", "sown"},
    {"speak", "spoke", "spoken"},
    {"spend", "spent", "spent"},
    {"spin", "spun", "spun"},
    {"split", "split", "split"},
    {"spread", "spread", "spread"},
    {"spring", "sprang", "sprung"},
    {"stand", "stood", "stood"},
    {"steal", "stole", "stolen"},
    {"stick", "stuck", "stuck"},
    {"sting", "stung", "stung"},
    {"stride", "strode", "stridden"},
    {"strike", "struck", "struck"},
    {"swear", "swore", "sworn"},
    {"sweep", "swept", "swept"},
    {"swim", "swam", "swum"},
    {"swing", "swung", "swung"},
    {"take", "took", "taken"},
    {"teach", "taught", "taught"},
    {"tear", "tore", "torn"},
    {"tell", "told", "told"},
    {"think", "thought", "thought"},
    {"throw", "threw", "thrown"},
    {"tread", "trod", "trodden"},
    {"understand", "understood", "understood"},
    {"wake", "woke", "woken"},
    {"wear", "wore", "worn"},
    {"weave", "wove", "woven"},
    {"weep", "wept", "wept"},
    {"win", "won", "won"},
    {"wind", "wound", "wound"},
    {"withdraw", "withdrew", "withdrawn"},
    {"wring", "wrung", "wrung"},
    {"write", "wrote", "written"},
};

/// Verbs that double their last letter before -ed and -ing.
inline constexpr std::string_view doubling_verbs[] = {
    "admit", "beg",  "begin", "chat",  "chop", "clap",   "cut",  "dig",  "dip",   "drag",  "drip",
    "drop",  "drum", "fan",   "fit",   "flap", "forget", "get",  "grab", "grin",  "grip",  "hit",
    "hop",   "hug",  "hum",   "jog",   "knit", "knot",   "let",  "mop",  "nap",   "nod",   "pat",
    "pin",   "plan", "plug",  "pop",   "prod", "put",    "rub",  "run",  "scrub", "set",   "shut",
    "sip",   "sit",  "skip",  "slam",  "slip", "snap",   "snip", "sob",  "spin",  "split", "spot",
    "step",  "stir", "stop",  "strum", "swap", "swim",   "tap",  "thud", "tip",   "trap",  "travel",
    "trim",  "trip", "trot",  "tug",   "wag",  "whip",   "win",  "wrap", "zip",
};

constexpr bool is_vowel(char c) {
  return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u';
}

constexpr bool ends_hissing(std::string_view word) {
  return word.ends_with('s') || word.ends_with('x') || word.ends_with('z') ||
         word.ends_with("ch") || word.ends_with("sh");
}

constexpr bool ends_consonant_y(std::string_view word) {
  return word.size() > 1 && word.back() == 'y' && !is_vowel(word[word.size() - 2]);
}

inline const IrregularVerb* find_irregular(std::string_view base) {
  const auto* const found =
      std::lower_bound(std::begin(irregular_verbs), std::end(irregular_verbs), base,
                       [](const IrregularVerb& verb, std::string_view b) { return verb.base < b; });
  return found != std::end(irregular_verbs) && found->base == base ? found : nullptr;
}

/// A form of any verb but `be` and the modal ones, appended to `out`.
inline void inflect_verb(std::string& out, std::string_view base, VerbForm form) {
  const auto doubles = [&] {
    return std::binary_search(std::begin(doubling_verbs), std::end(doubling_verbs), base);
  };
  if (form == VerbForm::past || form == VerbForm::participle) {
    if (const IrregularVerb* const irregular = find_irregular(base)) {
      out += form == VerbForm::past ? irregular->past : irregular->participle;
      return;
    }
  }
  switch (form) {
    case VerbForm::base:
      out += base;
      return;
    case VerbForm::third:
      if (base == "have") {
        out += "has";
      } else if (ends_consonant_y(base)) {
        out += base.substr(0, base.size() - 1);
        out += "ies";
      } else {
        out += base;
        out += ends_hissing(base) || base == "go" || base == "do" ? "es" : "s";
      }
      return;
    case VerbForm::past:
    case VerbForm::participle:
      if (ends_consonant_y(base)) {
        out += base.substr(0, base.size() - 1);
        out += "ied";
      } else {
        out += base;
        if (doubles()) out += base.back();
        out += base.back() == 'e' ? "d" : "ed";
      }
      return;
    case VerbForm::gerund:
      if (base == "lie" || base == "tie" || base == "die") {
        out += base.substr(0, 1);
        out += 'y';
      } else if (base.size() > 2 && base.back() == 'e' && !base.ends_with("ee") &&
                 !base.ends_with("oe") && !base.ends_with("ye")) {
        out += base.substr(0, base.size() - 1);
      } else {
        out += base;
        if (doubles()) out += base.back();
      }
      out += "ing";
  }
}

struct IrregularNoun {
  std::string_view singular, plural;
};

inline constexpr IrregularNoun irregular_nouns[] = {
    {"bookshelf", "bookshelves"},
    {"calf", "calves"},
    {"child", "children"},
    {"deer", "deer"},
    {"elf", "elves"},
    {"fish", "fish"},
    {"fisherman", "fishermen"},
    {"foot", "feet"},
    {"goldfish", "goldfish"},
    {"goose", "geese"},
    {"grandchild", "grandchildren"},
    {"half", "halves"},
    {"hoof", "hooves"},
    {"knife", "knives"},
    {"leaf", "leaves"},
    {"life", "lives"},
    {"loaf", "loaves"},
    {"man", "men"},
    {"mouse", "mice"},
    {"ox", "oxen"},
    {"person", "people"},
    {"postman", "postmen"},
    {"potato", "potatoes"},
    {"salmon", "salmon"},
    {"scarf", "scarves"},
    {"sheep", "sheep"},
    {"shelf", "shelves"},
    {"snowman", "snowmen"},
    {"thief", "thieves"},
    {"tomato", "tomatoes"},
    {"tooth", "teeth"},
    {"trout", "trout"},
    {"wife", "wives"},
    {"wolf", "wolves"},
    {"woman", "women"},
};

/// The plural of a noun, or of a noun phrase whose last word is its noun.
inline std::string plural_of(std::string_view noun) {
  const std::size_t at = noun.rfind(' ') == noun.npos ? 0 : noun.rfind(' ') + 1;
  std::string out(noun.substr(0, at));
  const std::string_view last = noun.substr(at);
  for (const IrregularNoun& irregular : irregular_nouns)
    if (irregular.singular == last) return out += irregular.plural;
  if (ends_consonant_y(last)) {
    out += last.substr(0, last.size() - 1);
    return out += "ies";
  }
  out += last;
  return out += ends_hissing(last) ? "es" : "s";
}

/// "taller" or "more careful"; with `most`, "tallest" or "most careful".
inline std::string compared(std::string_view adjective, bool most = false) {
  constexpr std::string_view doubling[] = {"big", "fat", "hot", "red", "sad", "thin", "wet"};
  if (adjective == "good") return most ? "best" : "better";
  if (adjective == "bad") return most ? "worst" : "worse";
  const auto vowels = std::count_if(adjective.begin(), adjective.end(), is_vowel);
  std::string out(adjective);
  const char* const ending = most ? "est" : "er";
  if (ends_consonant_y(adjective) && adjective.size() < 8) {
    out.back() = 'i';
  } else if (adjective.back() == 'e' && vowels <= 2) {
    out.pop_back();
  } else if (std::find(std::begin(doubling), std::end(doubling), adjective) != std::end(doubling)) {
    out += adjective.back();
  } else if (adjective.size() > 6) {
    return (most ? "most " : "more ") + out;
  }
  return out += ending;
}

/// Whether the indefinite article before this word is "an".
constexpr bool takes_an(std::string_view word) {
  if (word.empty()) return false;
  const char c =
      word[0] >= 'A' && word[0] <= 'Z' ? static_cast<char>(word[0] - 'A' + 'a') : word[0];
  const std::string_view rest = word.substr(1);
  if (c == 'h') return rest.starts_with("our") || rest.starts_with("onest");
  if (c == 'u')
    return !rest.starts_with("ni") && !rest.starts_with("se") && !rest.starts_with("ku") &&
           !rest.starts_with("su");
  if (c == 'o') return !rest.starts_with("ne") && !rest.starts_with("nce");
  if (c == 'e') return !rest.starts_with("uc");
  return is_vowel(c);
}

inline constexpr std::array<std::string_view, 21> small_numbers = {
    "zero",     "one",     "two",     "three",     "four",     "five",     "six",
    "seven",    "eight",   "nine",    "ten",       "eleven",   "twelve",   "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"};

/// A number below 1000 in words.
inline std::string in_words(unsigned number) {
  constexpr std::string_view tens[] = {"",      "",      "twenty",  "thirty", "forty",
                                       "fifty", "sixty", "seventy", "eighty", "ninety"};
  if (number <= 20) return std::string(small_numbers[number]);
  if (number < 100) {
    std::string out(tens[number / 10]);
    if (number % 10 != 0) (out += '-') += small_numbers[number % 10];
    return out;
  }
  std::string out(small_numbers[number / 100 % 10]);
  out += " hundred";
  if (number % 100 != 0) (out += " and ") += in_words(number % 100);
  return out;
}

}  // namespace recipe
