// Questions on what is true in the world, alone and in dialogues that stay with a subject.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "knowledge.hpp"
#include "lexicon.hpp"
#include "llama2/base/random.hpp"
#include "llama2/eval/text_rules.hpp"
#include "phrases.hpp"
#include "prompt.hpp"

namespace recipe {

/// One question with the patterns of good answers, each a sentence without its capital and full
/// stop, and of wrong ones.
struct Question {
  std::string text,
      follow_up;  ///< the second, where the subject has been named: "what do they ..."
  Truth truth;
  std::string answers, wrong;
  std::uint64_t combination = 0;
};

namespace detail {

inline std::vector<std::string> content_of(std::string_view text) {
  std::vector<std::string> out;
  for (const std::string& word : llama2::plain_words(text))
    if (llama2::content_word(word) && std::find(out.begin(), out.end(), word) == out.end())
      out.push_back(word);
  return out;
}

/// The words of other answers that are neither in this one nor in what it is about.
inline std::vector<std::string> other_words(const std::vector<std::string>& right,
                                            std::string_view subject,
                                            const std::set<std::string>& all) {
  std::set<std::string> own;
  for (const std::string& word : right) own.insert(llama2::stem(word));
  for (const std::string& word : llama2::plain_words(subject)) {
    own.insert(llama2::stem(word));
    own.insert(llama2::stem(plural_of(word)));
  }
  std::vector<std::string> out;
  for (const std::string& word : all)
    if (!own.contains(llama2::stem(word))) out.push_back(word);
  return out;
}

}  // namespace detail

/// Question `which` of six on an animal.
inline Question animal_question(llama2::Random& random, const AnimalFact& fact, std::size_t which) {
  const std::string many = plural_of(fact.noun);
  const std::string one(fact.noun);
  const AnimalFact* liar = &pick(random, animal_facts);
  const auto words = [&](Words AnimalFact::* member) {
    while (liar->*member == fact.*member) liar = &pick(random, animal_facts);
    return std::pair(std::string(fact.*member), std::string(liar->*member));
  };
  const auto truth = [&](Words AnimalFact::* member, const std::set<std::string>& all) {
    std::vector<std::string> right = detail::content_of(fact.*member);
    std::vector<std::string> wrong = detail::other_words(right, fact.noun, all);
    return Truth{Truth::Form::words, std::move(right), std::move(wrong)};
  };
  Question q;
  if (which == 0) {
    static const std::set<std::string> all = [] {
      std::set<std::string> out;
      for (const AnimalFact& other : animal_facts)
        for (std::string& word : detail::content_of(other.food)) out.insert(std::move(word));
      return out;
    }();
    const auto [good, bad] = words(&AnimalFact::food);
    q.text = "[What do " + many + " eat?|What does a " + one + " eat?|What is the food of " + many +
             "?]";
    q.follow_up = "[And what|What] do they eat?";
    q.answers = many + " eat " + good + "|a " + one + " eats " + good + "|they eat " + good;
    q.wrong = many + " eat " + bad + "|they eat " + bad;
    q.truth = truth(&AnimalFact::food, all);
  } else if (which == 1) {
    static const std::set<std::string> all = [] {
      std::set<std::string> out;
      for (const AnimalFact& other : animal_facts)
        for (std::string& word : detail::content_of(other.home)) out.insert(std::move(word));
      return out;
    }();
    const auto [good, bad] = words(&AnimalFact::home);
    q.text = "[Where do " + many + " live?|Where does a " + one + " live?|Where can I find " +
             many + "?]";
    q.follow_up = "[And where|Where] do they live?";
    q.answers = many + " live " + good + "|a " + one + " lives " + good + "|they live " + good;
    q.wrong = many + " live " + bad + "|they live " + bad;
    q.truth = truth(&AnimalFact::home, all);
  } else if (which == 2) {
    static const std::set<std::string> all = [] {
      std::set<std::string> out;
      for (const AnimalFact& other : animal_facts) out.insert(std::string(other.young));
      return out;
    }();
    const auto [good, bad] = words(&AnimalFact::young);
    q.text =
        "[What is the young one of a " + one + " called?|What do we call a young " + one + "?]";
    q.follow_up = "[And what|What] are their young ones called?";
    q.answers = "a young " + one + " is called a " + good + "|it is called a " + good;
    q.wrong = "a young " + one + " is called a " + bad + "|it is called a " + bad;
    q.truth = {Truth::Form::choice, {good, plural_of(good)}, {}};
    for (const std::string& other : all)
      if (other != good) q.truth.wrong.push_back(other);
  } else if (which == 3) {
    static const std::set<std::string> all = [] {
      std::set<std::string> out;
      for (const AnimalFact& other : animal_facts)
        for (std::string& word : detail::content_of(other.covering)) out.insert(std::move(word));
      return out;
    }();
    const auto [good, bad] = words(&AnimalFact::covering);
    q.text = "[What do " + many + " look like?|What does a " + one + " look like?]";
    q.follow_up = "[And what|What] do they look like?";
    q.answers = "a " + one + " has " + good + "|they have " + good;
    q.wrong = "a " + one + " has " + bad + "|they have " + bad;
    q.truth = truth(&AnimalFact::covering, all);
  } else {
    const auto [good, bad] = words(&AnimalFact::kind);
    q.text = "[What kind of animal is a " + one + "?|Which kind of animal is the " + one + "?]";
    q.follow_up = "[And what|What] kind of animals are they?";
    q.answers = "a " + one + " is a " + good + "|it is a " + good;
    q.wrong = "a " + one + " is a " + bad + "|it is a " + bad;
    q.truth = {Truth::Form::choice, {good, plural_of(good)}, {}};
    for (const std::string_view other : {"mammal", "bird", "fish", "insect", "reptile", "amphibian",
                                         "worm", "crustacean", "mollusc", "arachnid"})
      if (other != good) {
        q.truth.wrong.emplace_back(other);
        if (other != "fish") q.truth.wrong.push_back(plural_of(other));
      }
  }
  q.combination = combination_of(one, std::to_string(which));
  return q;
}

/// A question with a short answer.
inline Question short_question(llama2::Random& random) {
  const std::size_t kind = below(random, 6);
  Question q;
  if (kind < 2) {
    const std::size_t which = kind == 0 ? below(random, 2) : 2 + 2 * below(random, 2);
    return animal_question(random, pick(random, animal_facts), which);
  }
  if (kind == 2) {
    const Opposite& pair = pick(random, opposites);
    const bool turned = chance(random, 0.5);
    const std::string asked(turned ? pair.other : pair.one);
    const Opposite* liar = &pick(random, opposites);
    q.truth.form = Truth::Form::choice;
    for (const Opposite& any : opposites) {
      if (any.one == asked) q.truth.right.emplace_back(any.other);
      if (any.other == asked) q.truth.right.emplace_back(any.one);
    }
    const auto wrong = [&](std::string_view word) {
      return word != asked &&
             std::find(q.truth.right.begin(), q.truth.right.end(), word) == q.truth.right.end();
    };
    while (!wrong(liar->one)) liar = &pick(random, opposites);
    for (const Opposite& any : opposites)
      for (const std::string_view word : {any.one, any.other})
        if (wrong(word)) q.truth.wrong.emplace_back(word);
    const std::string good(turned ? pair.one : pair.other);
    q.text = "[What is the opposite of " + in_quotes(asked) + "?|Which word is the opposite of " +
             in_quotes(asked) + "?]";
    q.follow_up = q.text;
    q.answers =
        "the opposite of " + asked + " is " + good + "|the opposite is " + good + "|it is " + good;
    q.wrong = "the opposite of " + asked + " is " + std::string(liar->one) + "|it is " +
              std::string(liar->one);
    q.combination = combination_of("opposite", asked);
    return q;
  }
  if (kind == 3) {
    const bool plus = chance(random, 0.5);
    auto x = static_cast<unsigned>(2 + below(random, 9));
    auto y = static_cast<unsigned>(1 + below(random, 8));
    if (!plus && y > x) std::swap(x, y);
    if (!plus && (x == y || x == 2 * y)) ++x;
    const unsigned z = plus ? x + y : x - y;
    const unsigned bad = z + 1 + static_cast<unsigned>(below(random, 3));
    const std::string sum = in_words(x) + (plus ? " plus " : " minus ") + in_words(y);
    q.text = "[How much is " + sum + "?|What is " + sum + "?]";
    q.follow_up = q.text;
    q.answers = sum + " is " + in_words(z) + "|it is " + in_words(z) + "|that makes " + in_words(z);
    q.wrong = sum + " is " + in_words(bad) + "|it is " + in_words(bad);
    q.truth = {Truth::Form::choice, {in_words(z), std::to_string(z)}, {}};
    for (unsigned n = 0; n <= 30; ++n)
      if (n != x && n != y && n != z) {
        q.truth.wrong.push_back(in_words(n));
        q.truth.wrong.push_back(std::to_string(n));
      }
    q.combination = combination_of("sum", sum);
    return q;
  }
  if (kind == 4) {
    static constexpr std::string_view days[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                "Friday", "Saturday", "Sunday"};
    static constexpr std::string_view months[] = {"January",   "February", "March",    "April",
                                                  "May",       "June",     "July",     "August",
                                                  "September", "October",  "November", "December"};
    const bool day = chance(random, 0.4);
    const std::string_view* const list = day ? days : months;
    const std::size_t size = day ? 7 : 12;
    const std::size_t n = below(random, size);
    const bool after = chance(random, 0.6);
    const std::string asked(list[n]);
    const std::string good(list[(n + (after ? 1 : size - 1)) % size]);
    const std::string bad(list[(n + (after ? size - 1 : 1)) % size]);
    const std::string where = after ? "after " : "before ";
    q.text = std::string(day ? "[Which day|What]" : "[Which month|What]") + " comes " + where +
             asked + "?";
    q.follow_up = q.text;
    q.answers = where + asked + " comes " + good + "|it is " + good;
    q.wrong = where + asked + " comes " + bad + "|it is " + bad;
    q.truth = {Truth::Form::choice, {good}, {}};
    for (std::size_t i = 0; i < size; ++i)
      if (list[i] != asked && list[i] != good) q.truth.wrong.emplace_back(list[i]);
    q.combination = combination_of(where, asked);
    return q;
  }
  static const std::set<std::string> uses = [] {
    std::set<std::string> out;
    for (const ToolFact& other : tool_facts)
      for (std::string& word : detail::content_of(other.use)) out.insert(std::move(word));
    return out;
  }();
  const ToolFact& fact = pick(random, tool_facts);
  const ToolFact* liar = &pick(random, tool_facts);
  while (liar->use == fact.use) liar = &pick(random, tool_facts);
  const std::string tool(fact.noun);
  q.text = "[What is a " + tool + " for?|What can I do with a " + tool + "?]";
  q.follow_up = q.text;
  q.answers = "with a " + tool + " you can " + std::string(fact.use) + "|you can " +
              std::string(fact.use) + " with it";
  q.wrong = "with a " + tool + " you can " + std::string(liar->use) + "|you can " +
            std::string(liar->use) + " with it";
  q.truth = {Truth::Form::words, detail::content_of(fact.use), {}};
  q.truth.wrong = detail::other_words(q.truth.right, tool, uses);
  q.combination = combination_of("tool", tool);
  return q;
}

/// How something is done, in steps.
inline Question procedure_question(llama2::Random& random) {
  const Procedure& fact = pick(random, procedures);
  const Procedure* liar = &pick(random, procedures);
  while (liar == &fact) liar = &pick(random, procedures);
  const std::string title(fact.title);
  Question q;
  q.text =
      "[How do I " + title + "?|Can you tell me how to " + title + "?|How can I " + title + "?]";
  q.follow_up = q.text;
  const auto told = [](std::string_view steps, std::size_t way) {
    std::string out;
    const std::vector<std::string> parts = parts_of(steps);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (i != 0) out += way == 0 ? ". " : i + 1 == parts.size() ? " and at last " : ", ";
      if (way == 0 && i == 0) out += "first, ";
      if (way == 0 && i != 0) out += i + 1 == parts.size() ? "at last, " : "then ";
      out += parts[i];
    }
    return out;
  };
  q.answers = told(fact.steps, 0) + "|" + told(fact.steps, 1);
  q.wrong = told(liar->steps, 1);
  q.truth = {Truth::Form::steps, parts_of(fact.steps), {}};
  q.combination = combination_of("procedure", title);
  return q;
}

/// A dialogue of one to three questions; the last one is to be answered.
class Dialogue {
 public:
  Dialogue(std::uint64_t id, Part part) {
    for (std::uint64_t attempt = 0;; ++attempt) {
      llama2::Random random(llama2::mix_bits(id ^ 0x6469u) ^ attempt);
      questions_.clear();
      const std::size_t turns = 1 + below(random, 3);
      if (turns == 1 && chance(random, 0.3)) {
        questions_.push_back(procedure_question(random));
      } else if (turns == 1) {
        questions_.push_back(short_question(random));
      } else {
        const AnimalFact& fact = pick(random, animal_facts);
        std::array<std::size_t, 5> which = {0, 1, 2, 3, 4};
        for (std::size_t i = 5; i > 1; --i) std::swap(which[i - 1], which[below(random, i)]);
        for (std::size_t i = 0; i < turns; ++i)
          questions_.push_back(animal_question(random, fact, which[i]));
      }
      if (!belongs_to(part, questions_.back().combination)) continue;
      for (std::size_t i = 0; i < questions_.size(); ++i) {
        const Question& q = questions_[i];
        std::string asked = say(random, i == 0 ? q.text : q.follow_up);
        if (i == 0 && chance(random, 0.25))
          asked =
              say(random, "Hello!|I have a question.|Good morning!|Please tell me.") + ' ' + asked;
        messages_.push_back({llama2::Role::user, std::move(asked)});
        if (i + 1 < questions_.size())
          messages_.push_back({llama2::Role::assistant, sentence(random, q.answers)});
      }
      return;
    }
  }

  const std::vector<llama2::Message>& messages() const { return messages_; }
  const Truth& truth() const { return questions_.back().truth; }
  std::size_t turns() const { return questions_.size(); }
  std::string answer(llama2::Random& random) const {
    return sentence(random, questions_.back().answers);
  }
  std::string wrong_answer(llama2::Random& random) const {
    return sentence(random, questions_.back().wrong);
  }

  static std::string sentence(llama2::Random& random, std::string_view patterns) {
    const std::vector<std::string> all = parts_of(patterns);
    return say(random, pick(random, all) + '.');
  }

 private:
  std::vector<Question> questions_;
  std::vector<llama2::Message> messages_;
};

}  // namespace recipe
