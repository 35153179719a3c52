// From patterns to English: conjugation, articles, pronouns and capitals by what has been said.
//
// A pattern is a sentence whose parts name roles instead of words. Written in it are
//
//   $a  the person or thing in role a as a subject      <go>        a verb, in the tense of the
//   @a  as an object                                                narration, agreeing with its
//   subject ^a  as an owner: "Mia's", "her"                     <go.ing>    other forms: .ing .en
//   .0 (base) &a  reflexive: "herself"                                        .past .3 .p (plural)
//   `a  by name or noun, never a pronoun                <not go>    negated; .past.3, .past.p, too
//   ~a  introduced: "a kind girl named Mia"             <had go>    perfect
//   %a  its noun alone: "kite"                          #w          words w; <#w> with its verb
//   inflected *a  noun with adjectives: "small red kite"          [x|y|z]     one of these, by
//   chance =p  where: "in the barn"                            {say a}     "said Mia", "she said";
//   also ask, +p  whither: "to the barn"                                      answer, cry, whisper,
//   call
//   "(a:b)...": a speaks to b, who are "I" and "you" until the closing quotation mark, in the
//   present
//
// More letters are a group ($ab: "Mia and Tom", "they"). The article before a word is written "a".
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "entity.hpp"
#include "lexicon.hpp"
#include "llama2/base/random.hpp"

namespace recipe {

/// A number below `count`, by chance. Compilers differ in which argument of a call they evaluate
/// first, or operand of a +, so at most one of them may draw: texts must not depend on the
/// compiler.
inline std::size_t below(llama2::Random& random, std::size_t count) {
  return static_cast<std::size_t>((random() >> 32) * count >> 32);
}
inline bool chance(llama2::Random& random, double probability) {
  return random.uniform() < probability;
}

enum class Tense : std::uint8_t { past, present };

/// Writes one text. Knows what was mentioned when, so that it can choose between "a small red
/// kite", "the kite" and "it", and between "Mia" and "she".
class Writer {
 public:
  Writer(const std::vector<Entity>& cast, llama2::Random& random, Tense tense = Tense::past)
      : cast_(cast), random_(random), mentions_(cast.size()), tense_(tense) {}

  const std::string& text() const { return out_; }
  std::string take() { return std::move(out_); }

  /// Appends a pattern. A space goes before it where one is needed.
  void write(std::string_view pattern, const Roles& roles) {
    roles_ = &roles;
    put(" ");
    expand(pattern);
  }

  /// Appends a clause "$a <verb> ..." without its subject: ", and <verb> ...", or with its first
  /// verb as a gerund: "<verb.ing> ...".
  void write_predicate(std::string_view pattern, const Roles& roles, bool gerund) {
    roles_ = &roles;
    put(" ");
    subject_ = Group{roles.a};
    if (!gerund) mention(subject_, true);
    first_verb_gerund_ = gerund;
    pattern.remove_prefix(pattern.find(' ') + 1);
    expand(pattern);
    first_verb_gerund_ = false;
  }

  void new_paragraph() {
    while (!out_.empty() && (out_.back() == ' ')) out_.pop_back();
    if (!out_.empty()) out_ += "\n\n";
    start_of_sentence_ = true;
    ++sentence_;
    ++sentence_;  // a paragraph begins with names
  }

  /// The alternatives of a pattern at its outermost level.
  std::string_view choose(std::string_view pattern) {
    std::array<std::size_t, 24> ends{};
    std::size_t count = 0;
    int depth = 0;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
      const char c = pattern[i];
      if (c == '[') ++depth;
      if (c == ']') --depth;
      if (c == '|' && depth == 0 && count + 1 < ends.size()) ends[count++] = i;
    }
    ends[count++] = pattern.size();
    const std::size_t chosen = count == 1 ? 0 : below(random_, count);
    const std::size_t begin = chosen == 0 ? 0 : ends[chosen - 1] + 1;
    return pattern.substr(begin, ends[chosen] - begin);
  }

  llama2::Random& random() { return random_; }
  bool introduced(Id id) const { return mentions_[id].sentence != never; }
  void introduce(Id id) {
    if (!introduced(id)) mentions_[id].sentence = -8;
  }

 private:
  static constexpr int never = std::numeric_limits<int>::min();
  enum class Case : std::uint8_t { subject, object, possessive, reflexive };

  /// One or several of the cast as one phrase.
  struct Group {
    std::array<Id, 4> ids{nobody, nobody, nobody, nobody};
    std::uint8_t count = 0;

    Group() = default;
    explicit Group(Id id) : ids{id, nobody, nobody, nobody}, count(1) {}
    bool has(Id id) const {
      for (std::size_t i = 0; i < count; ++i)
        if (ids[i] == id) return true;
      return false;
    }
    bool operator==(const Group& other) const {
      if (count != other.count) return false;
      for (std::size_t i = 0; i < count; ++i)
        if (!other.has(ids[i])) return false;
      return true;
    }
  };

  struct Mention {
    int sentence = never;
    bool as_subject = false;
  };

  // ---- what a pattern's parts mean ----

  static bool is_role(char c) { return c >= 'a' && c <= 'z'; }

  void expand(std::string_view pattern) {
    std::size_t i = 0;
    const auto roles_after = [&] {
      const std::size_t begin = ++i;
      while (i < pattern.size() && is_role(pattern[i])) ++i;
      return pattern.substr(begin, i - begin);
    };
    while (i < pattern.size()) {
      const char c = pattern[i];
      switch (c) {
        case '[': {
          const std::size_t end = matching(pattern, i, '[', ']');
          expand(choose(pattern.substr(i + 1, end - i - 1)));
          i = end + 1;
          break;
        }
        case '{': {
          const std::size_t end = pattern.find('}', i);
          tag(pattern.substr(i + 1, end - i - 1));
          i = end + 1;
          break;
        }
        case '<': {
          const std::size_t end = pattern.find('>', i);
          verb(pattern.substr(i + 1, end - i - 1));
          i = end + 1;
          break;
        }
        case '$': {
          const Group who = group(roles_after());
          refer(who, Case::subject);
          subject_ = who;
          break;
        }
        case '@':
          refer(group(roles_after()), Case::object);
          break;
        case '^':
          refer(group(roles_after()), Case::possessive);
          break;
        case '&':
          refer(group(roles_after()), Case::reflexive);
          break;
        case '`': {
          const Group who = group(roles_after());
          full(who, Case::object);
          if (!in_quotes_) subject_if_none(who);
          break;
        }
        case '~': {
          const Group who = group(roles_after());
          introduction(who.ids[0]);
          subject_if_none(who);
          break;
        }
        case '%':
          put(cast_[group(roles_after()).ids[0]].noun);
          break;
        case '*': {
          const Group what = group(roles_after());
          const Entity& thing = cast_[what.ids[0]];
          if (!thing.adjectives.empty()) (put(thing.adjectives), put(" "));
          put(thing.noun);
          mention(what, false);
          break;
        }
        case '=':
          where(group(roles_after()).ids[0], false);
          break;
        case '+':
          where(group(roles_after()).ids[0], true);
          break;
        case '#': {
          const std::string_view letters = roles_after();
          expand(roles_->words(letters.empty() ? ' ' : letters[0]));
          break;
        }
        case '"': {
          ++i;
          i = quotation_mark(pattern, i);
          break;
        }
        default: {
          std::size_t end = i + 1;
          while (end < pattern.size() && !is_special(pattern[end])) ++end;
          put(pattern.substr(i, end - i));
          i = end;
        }
      }
    }
  }

  static bool is_special(char c) {
    switch (c) {
      case '[':
      case '{':
      case '<':
      case '$':
      case '@':
      case '^':
      case '&':
      case '`':
      case '~':
      case '%':
      case '*':
      case '=':
      case '+':
      case '#':
      case '"':
        return true;
      default:
        return false;
    }
  }

  static std::size_t matching(std::string_view pattern, std::size_t from, char open, char close) {
    int depth = 0;
    for (std::size_t i = from; i < pattern.size(); ++i) {
      if (pattern[i] == open) ++depth;
      if (pattern[i] == close && --depth == 0) return i;
    }
    return pattern.size() - 1;
  }

  /// After a quotation mark: who begins to speak to whom, or that the speech is over.
  std::size_t quotation_mark(std::string_view pattern, std::size_t i) {
    if (in_quotes_) {
      if (start_of_sentence_) ++sentence_;
      in_quotes_ = false;
      out_ += '"';
      if (i + 1 < pattern.size() && pattern[i] == ' ' && is_role(pattern[i + 1]))
        start_of_sentence_ = false;  // the sentence goes on
      return i;
    }
    Group speaker;
    Group listener;
    if (i < pattern.size() && pattern[i] == '(') {
      const std::size_t end = pattern.find(')', i);
      const std::string_view both = pattern.substr(i + 1, end - i - 1);
      const std::size_t colon = both.find(':');
      speaker = group(both.substr(0, colon));
      if (colon != both.npos) listener = group(both.substr(colon + 1));
      i = end + 1;
    }
    speaker_ = speaker;
    listener_ = listener;
    put_space_before_word();
    out_ += '"';
    in_quotes_ = true;
    start_of_sentence_ = true;
    subject_ = Group{};
    return i;
  }

  Group group(std::string_view letters) const {
    Group out;
    for (const char letter : letters)
      if (const Id id = roles_->entity(letter); id != nobody && out.count < out.ids.size())
        out.ids[out.count++] = id;
    if (out.count == 0) out = Group{Id{0}};
    return out;
  }

  void subject_if_none(const Group& who) {
    if (subject_.count == 0) subject_ = who;
  }

  // ---- verbs ----

  /// Whether the current subject takes "are" and verbs without -s; and the first person, "am".
  bool plural_subject() const {
    if (subject_.count > 1) return true;
    if (subject_.count == 1) {
      if (in_quotes_ && (speaker_.has(subject_.ids[0]) || listener_.has(subject_.ids[0])))
        return true;  // "I go", "you go"
      return cast_[subject_.ids[0]].pronoun == Pronoun::they;
    }
    return false;
  }
  bool first_person() const {
    return in_quotes_ && subject_.count == 1 && speaker_.count == 1 &&
           speaker_.has(subject_.ids[0]);
  }

  void finite(std::string_view base, Tense tense, bool plural, bool first) {
    std::string word;
    if (base == "be") {
      word = tense == Tense::past ? (plural && !first ? "were" : "was")
                                  : (first    ? "am"
                                     : plural ? "are"
                                              : "is");
    } else if (base == "can") {
      word = tense == Tense::past ? "could" : "can";
    } else if (base == "will") {
      word = tense == Tense::past ? "would" : "will";
    } else if (base == "may") {
      word = tense == Tense::past ? "might" : "may";
    } else {
      inflect_verb(word, base,
                   tense == Tense::past ? VerbForm::past
                   : plural             ? VerbForm::base
                                        : VerbForm::third);
    }
    put(word);
  }

  void verb(std::string_view spec) {
    const bool negated = spec.starts_with("not ");
    const bool perfect = spec.starts_with("had ");
    if (negated || perfect) spec.remove_prefix(4);
    std::string_view form;
    if (const std::size_t dot = spec.find('.'); dot != spec.npos) {
      form = spec.substr(dot + 1);
      spec = spec.substr(0, dot);
    }
    std::string_view rest;
    if (spec.starts_with('#')) {
      spec = roles_->words(spec[1]);
      const std::size_t space = spec.find(' ');
      if (space != spec.npos) {
        rest = spec.substr(space);
        spec = spec.substr(0, space);
      }
    }
    if (first_verb_gerund_ && form.empty()) {
      form = "ing";
      first_verb_gerund_ = false;
    }
    const Tense tense = form.starts_with("past") ? Tense::past
                        : in_quotes_             ? Tense::present
                                                 : tense_;
    const bool singular = form.ends_with('3');
    const bool several = form.ends_with(".p") || form == "p";
    const bool first = !singular && !several && first_person();
    const bool plural = several || (!singular && plural_subject());
    const bool modal = spec == "can" || spec == "will" || spec == "may" || spec == "must";
    if (form == "ing" || form == "en" || form == "0") {
      std::string word;
      if (spec == "be")
        word = form == "ing" ? "being" : form == "en" ? "been" : "be";
      else
        inflect_verb(word, spec,
                     form == "ing"  ? VerbForm::gerund
                     : form == "en" ? VerbForm::participle
                                    : VerbForm::base);
      put(word);
    } else if (perfect) {
      finite("have", tense, plural, first);
      put(" ");
      std::string word;
      if (spec == "be")
        word = "been";
      else
        inflect_verb(word, spec, VerbForm::participle);
      put(word);
    } else if (negated && (spec == "be" || modal)) {
      if (spec == "can" && tense == Tense::present) {
        put("cannot");
      } else {
        finite(spec, tense, plural, first);
        put(" not");
      }
    } else if (negated) {
      finite("do", tense, plural, first);
      put(" not ");
      put(spec);
    } else {
      finite(spec, tense, plural, first);
    }
    if (!rest.empty()) expand(rest);
  }

  /// Who says it, after or before a speech.
  void tag(std::string_view spec) {
    const std::size_t space = spec.find(' ');
    const std::string_view how = spec.substr(0, space);
    const Group who = group(spec.substr(space + 1));
    if (how == "call") {
      const Entity& entity = cast_[who.ids[0]];
      put(!entity.calling.empty() ? entity.calling
          : !entity.name.empty()  ? entity.name
                                  : std::string_view("my friend"));
      return;
    }
    std::string_view verbs = "say";
    if (how == "ask") verbs = "ask";
    if (how == "answer") verbs = "answer|reply|say";
    if (how == "cry") verbs = "cry|shout|call";
    if (how == "whisper") verbs = "whisper|murmur";
    if (how == "laugh") verbs = "laugh|say";
    std::string said;
    inflect_verb(said, choose(verbs), tense_ == Tense::past ? VerbForm::past : VerbForm::third);
    const std::size_t last = out_.find_last_not_of(' ');
    const bool after_speech = last != out_.npos && out_[last] == '"';
    if (after_speech) start_of_sentence_ = false;
    if (!after_speech || (pronoun_clear(who) && chance(random_, 0.7))) {
      refer(who, Case::subject);
      put(" ");
      put(said);
    } else if (chance(random_, 0.55)) {
      put(said);
      put(" ");
      full(who, Case::subject);
    } else {
      full(who, Case::subject);
      put(" ");
      put(said);
    }
    subject_ = who;
  }

  // ---- referring ----

  Pronoun pronoun_of(const Group& who) const {
    return who.count > 1 ? Pronoun::they : cast_[who.ids[0]].pronoun;
  }

  void put_pronoun(Pronoun pronoun, Case as) {
    constexpr std::string_view words[4][4] = {{"she", "her", "her", "herself"},
                                              {"he", "him", "his", "himself"},
                                              {"it", "it", "its", "itself"},
                                              {"they", "them", "their", "themselves"}};
    put(words[static_cast<std::size_t>(pronoun)][static_cast<std::size_t>(as)]);
  }

  bool recent(Id id) const { return mentions_[id].sentence >= sentence_ - 1; }

  /// Whether a pronoun can mean nothing but `who`: it was mentioned in this sentence or the last,
  /// and nobody else there shares its pronoun.
  bool pronoun_clear(const Group& who) const { return clear_since(who, sentence_ - 1); }

  bool clear_since(const Group& who, int sentence) const {
    const auto recent = [&](Id id) { return mentions_[id].sentence >= sentence; };
    for (std::size_t i = 0; i < who.count; ++i)
      if (!recent(who.ids[i])) return false;
    const Pronoun pronoun = pronoun_of(who);
    if (who.count > 1) {
      for (std::size_t id = 0; id < cast_.size(); ++id) {
        const Id other = static_cast<Id>(id);
        if (who.has(other) || !recent(other)) continue;
        if (cast_[id].sort == Sort::person || cast_[id].sort == Sort::animal ||
            cast_[id].pronoun == Pronoun::they)
          return false;
      }
      return true;
    }
    for (std::size_t id = 0; id < cast_.size(); ++id) {
      const Id other = static_cast<Id>(id);
      if (who.has(other) || !recent(other)) continue;
      if (cast_[id].pronoun == pronoun) return false;
    }
    if (pronoun == Pronoun::they)  // "they" may be read as any two of the people
      return people_mentioned() < 2;
    return true;
  }

  int people_mentioned() const {
    int count = 0;
    for (std::size_t id = 0; id < cast_.size(); ++id)
      if (recent(static_cast<Id>(id)) && cast_[id].sort == Sort::person) ++count;
    return count;
  }

  void mention(const Group& who, bool subject) {
    for (std::size_t i = 0; i < who.count; ++i) {
      mentions_[who.ids[i]].sentence = sentence_;
      mentions_[who.ids[i]].as_subject = subject;
    }
  }

  void refer(const Group& who, Case as) {
    if (in_quotes_ && speaker_.count != 0) {
      bool speaks = false;
      bool listens = false;
      for (std::size_t i = 0; i < who.count; ++i) {
        speaks = speaks || speaker_.has(who.ids[i]);
        listens = listens || listener_.has(who.ids[i]);
      }
      if (speaks || listens) {
        const bool several = who.count > 1 || (speaks && speaker_.count > 1);
        constexpr std::string_view words[3][4] = {{"I", "me", "my", "myself"},
                                                  {"we", "us", "our", "ourselves"},
                                                  {"you", "you", "your", "yourself"}};
        put(words[!speaks ? 2 : several ? 1 : 0][static_cast<std::size_t>(as)]);
        mention(who, as == Case::subject);
        return;
      }
    }
    const bool own_subject = subject_.count != 0 && subject_ == who && !start_of_sentence_;
    if (as == Case::reflexive || (as == Case::possessive && own_subject)) {
      put_pronoun(pronoun_of(who), as);
      mention(who, false);
      return;
    }
    // The subject of this sentence once more: only others in the same sentence could be meant.
    if (own_subject && as == Case::subject && clear_since(who, sentence_)) {
      put_pronoun(pronoun_of(who), as);
      return;
    }
    const bool here = mentions_[who.ids[0]].sentence == sentence_;
    const bool topic = mentions_[who.ids[0]].as_subject;
    const double wish = here                                                 ? 1.0
                        : run_ >= 4 && who.count == 1 && as == Case::subject ? 0.15
                        : as == Case::subject                                ? (topic ? 0.92 : 0.5)
                        : cast_[who.ids[0]].sort == Sort::person             ? 0.85
                                                                             : 0.65;
    if (pronoun_clear(who) && chance(random_, wish)) {
      put_pronoun(pronoun_of(who), as);
      if (as == Case::subject && start_of_clause_) ++run_;
      mention(who, as == Case::subject);
    } else {
      if (as == Case::subject) run_ = 0;
      full(who, as);
    }
  }

  /// The name or description.
  void full(const Group& who, Case as) {
    for (std::size_t i = 0; i < who.count; ++i) {
      if (i != 0) put(i + 1 == who.count ? " and " : ", ");
      const Group before = subject_;
      if (i != 0) subject_ = Group{who.ids[0]};
      describe(who.ids[i], who.count == 1 && as != Case::possessive);
      subject_ = before;
      mention(Group{who.ids[i]}, as == Case::subject);
    }
    if (as == Case::possessive) put(out_.back() == 's' && plural_noun(who) ? "'" : "'s");
  }

  bool plural_noun(const Group& who) const {
    const Entity& last = cast_[who.ids[who.count - 1u]];
    return last.pronoun == Pronoun::they && last.name.empty();
  }

  void describe(Id id, bool with_title) {
    const Entity& entity = cast_[id];
    const bool first = !introduced(id);
    if (!entity.name.empty()) {
      put(entity.name);
      if (first && with_title && !entity.title.empty() && !in_quotes_) {
        put(", ");
        put(entity.title);
        comma_due_ = true;
      }
      return;
    }
    const bool relative = entity.sort == Sort::person && entity.owner != nobody;
    if (entity.owner != nobody) {
      const Group owner{entity.owner};
      const bool by_subject = subject_ == owner && !in_quotes_;
      const bool spoken = in_quotes_ && (speaker_.has(entity.owner) || listener_.has(entity.owner));
      const bool shared = subject_.count > 1 && subject_.has(entity.owner);
      if (shared && !first && !relative) {
        put("the ");
        put(entity.noun);
        return;
      }
      const bool clear = by_subject || spoken || (recent(entity.owner) && pronoun_clear(owner));
      if (relative || first || (clear && chance(random_, 0.55))) {
        // Whose mother she is does not make "she" unclear.
        const Mention before = mentions_[entity.owner];
        if (spoken || clear)
          refer(owner, Case::possessive);
        else
          full(owner, Case::possessive);
        if (relative && introduced(entity.owner) && before.sentence != never)
          mentions_[entity.owner] = before;
        put(" ");
        adjectives(entity, first);
        put(entity.noun);
        return;
      }
    }
    if (entity.bare) {
      put(entity.noun);
      return;
    }
    if (first && !entity.unique)
      put(entity.mass || entity.pronoun == Pronoun::they ? "some " : "a ");
    else
      put("the ");
    adjectives(entity, first);
    put(entity.noun);
  }

  void adjectives(const Entity& entity, bool first) {
    if (entity.adjectives.empty() || !(first || chance(random_, 0.06))) return;
    put(entity.adjectives);
    put(" ");
  }

  /// "a kind girl named Mia", "a small red kite".
  void introduction(Id id) {
    const Entity& entity = cast_[id];
    if (entity.mass || entity.pronoun == Pronoun::they)
      put("some ");
    else
      put("a ");
    if (!entity.trait.empty()) (put(entity.trait), put(" "));
    if (!entity.adjectives.empty()) (put(entity.adjectives), put(" "));
    put(entity.noun);
    if (!entity.name.empty()) {
      put(chance(random_, 0.75) ? " named " : " called ");
      put(entity.name);
    }
    mention(Group{id}, true);
  }

  void where(Id id, bool whither) {
    const Entity& place = cast_[id];
    const std::string_view preposition = whither ? place.to : place.at;
    if (!preposition.empty()) {
      put(preposition);
      put(" ");
    }
    // A place that is only where something happens is no rival of a pronoun: its mention does not
    // count, but for its article.
    const Mention before = mentions_[id];
    describe(id, false);
    mentions_[id] = before;
    introduce(id);
  }

  // ---- letters ----

  void put_space_before_word() {
    if (!out_.empty() && out_.back() != ' ' && out_.back() != '\n' && out_.back() != '"' &&
        out_.back() != '-')
      out_ += ' ';
  }

  /// Appends plain text: capitals at the beginning of sentences, "a" as "an" before a vowel, the
  /// comma that closes an apposition, one space between words, the count of sentences.
  void put(std::string_view words) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      char c = words[i];
      const bool letter =
          (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      if (comma_due_ && c != ' ') {
        comma_due_ = false;
        if (letter || c == '"') out_.insert(out_.size() - (out_.back() == ' ' ? 1 : 0), 1, ',');
      }
      if (letter) {
        if (start_of_word()) {
          if (article_pending() && takes_an(words.substr(i, words.find(' ', i) - i)))
            out_.insert(out_.size() - 1, 1, 'n');
          if (start_of_sentence_ && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
          start_of_clause_ = start_of_sentence_;
          start_of_sentence_ = false;
        }
        out_ += c;
        continue;
      }
      if (c == ' ') {
        if (out_.empty() || out_.back() == ' ' || out_.back() == '\n') continue;
        out_ += ' ';
        continue;
      }
      if ((c == '.' || c == ',' || c == '!' || c == '?') && !out_.empty() && out_.back() == ' ')
        out_.pop_back();
      out_ += c;
      if (c == '.' || c == '!' || c == '?') {
        start_of_sentence_ = true;
        subject_ = Group{};
        if (!in_quotes_) ++sentence_;
      }
      if (c == ',' && in_quotes_) start_of_sentence_ = false;
    }
  }

  bool start_of_word() const {
    if (out_.empty()) return true;
    const char last = out_.back();
    return last == ' ' || last == '\n' || last == '"';
  }

  /// Whether the last word is "a" or "A".
  bool article_pending() const {
    const std::size_t size = out_.size();
    return size >= 2 && out_[size - 1] == ' ' && (out_[size - 2] == 'a' || out_[size - 2] == 'A') &&
           (size == 2 || out_[size - 3] == ' ' || out_[size - 3] == '"' || out_[size - 3] == '\n');
  }

  const std::vector<Entity>& cast_;
  llama2::Random& random_;
  std::vector<Mention> mentions_;
  Tense tense_;
  const Roles* roles_ = nullptr;
  std::string out_;
  int sentence_ = 0;
  int run_ = 0;  ///< subjects in a row that were pronouns
  Group subject_;
  Group speaker_;
  Group listener_;
  bool in_quotes_ = false;
  bool start_of_sentence_ = true;
  bool start_of_clause_ = true;
  bool first_verb_gerund_ = false;
  bool comma_due_ = false;
};

}  // namespace recipe
