// Who and what a text is about.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace recipe {

/// An index into the cast of a story.
using Id = std::uint8_t;
inline constexpr Id nobody = 255;

enum class Sort : std::uint8_t { person, animal, thing, place };
enum class Pronoun : std::uint8_t { she, he, it, they };

/// One of the cast: a person, an animal, a thing or a place, as language needs to know it. What
/// never changes in a story is here; what does is the simulation's.
struct Entity {
  Sort sort = Sort::thing;
  Pronoun pronoun = Pronoun::it;
  Id owner = nobody;            ///< whose thing it is; of a relative, whose relative
  bool mass = false;            ///< "some soup"
  bool unique = false;          ///< "the market" even at its first mention
  bool bare = false;            ///< without an article: "home"
  std::string_view name{};      ///< "Mia"; empty for what has no name
  std::string_view noun{};      ///< "girl", "kite", "market"
  std::string_view title{};     ///< "the baker", said once after the name
  std::string_view calling{};   ///< how one speaks to it: "Mum"; empty: the name
  std::string_view trait{};     ///< a person's: "brave"
  std::string_view at{}, to{};  ///< a place's prepositions: "by", "down to"
  std::string adjectives{};     ///< "small red"; told at the first mention
};

/// Who and what take part in something that happens, and the words that say how. Persons are
/// a, b, c; things o, q, r; places p, s; words u, v, w, x, y, z.
struct Roles {
  Id a = nobody, b = nobody, c = nobody;
  Id o = nobody, q = nobody, r = nobody;
  Id p = nobody, s = nobody;
  std::string_view u{}, v{}, w{}, x{}, y{}, z{};

  Id entity(char letter) const {
    switch (letter) {
      case 'a':
        return a;
      case 'b':
        return b;
      case 'c':
        return c;
      case 'o':
        return o;
      case 'q':
        return q;
      case 'r':
        return r;
      case 'p':
        return p;
      case 's':
        return s;
      default:
        return nobody;
    }
  }
  std::string_view words(char letter) const {
    switch (letter) {
      case 'u':
        return u;
      case 'v':
        return v;
      case 'w':
        return w;
      case 'x':
        return x;
      case 'y':
        return y;
      case 'z':
        return z;
      default:
        return {};
    }
  }
};

}  // namespace recipe
