// Dialogues with an instruction that stands for all their answers, as Ghost Attention wants them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "constraints.hpp"
#include "llama2/base/random.hpp"
#include "phrases.hpp"
#include "prompt.hpp"
#include "questions.hpp"

namespace recipe {

/// Somebody to speak as, and what such a one always says.
struct Character {
  std::string_view who, word;
};
inline constexpr Character characters[] = {
    {"a pirate", "Ahoy"},  {"an owl", "Hoo"},       {"a cat", "Meow"},     {"a sheep", "Baa"},
    {"a ghost", "Boo"},    {"a bee", "Buzz"},       {"a cow", "Moo"},      {"a bear", "Grr"},
    {"a duck", "Quack"},   {"a frog", "Croak"},     {"a mouse", "Squeak"}, {"a dog", "Woof"},
    {"a hen", "Cluck"},    {"a clown", "Haha"},     {"a snake", "Hiss"},   {"a robin", "Tweet"},
    {"a king", "Hear me"}, {"a sailor", "Heave ho"}};

class StandingDialogue {
 public:
  /// With fewer turns, the same dialogue's beginning.
  StandingDialogue(std::uint64_t id, Part part, std::size_t turns) {
    llama2::Random random(llama2::mix_bits(id ^ 0x7374u));
    do {
      instruct(random);
      question_ = short_question(random);
      if (constraints_.size() == 1)  // else two instructions are a combination by themselves
        combination_ = llama2::mix_bits(combination_ ^ question_.combination);
    } while (!belongs_to(part, combination_));
    for (std::size_t turn = 0; turn < turns; ++turn) {
      if (turn != 0) question_ = short_question(random);
      std::string asked = say(random, question_.text);
      if (turn == 0) asked = instruction_ + "\n" + asked;
      messages_.push_back({llama2::Role::user, std::move(asked)});
      const std::string told = answer(random);
      if (turn + 1 < turns) messages_.push_back({llama2::Role::assistant, told});
    }
  }

  const std::string& instruction() const { return instruction_; }
  const std::vector<llama2::Message>& messages() const { return messages_; }
  const std::vector<Constraint>& constraints() const { return constraints_; }
  const Truth& truth() const { return question_.truth; }

  /// The answer to the last question that keeps to the instruction, but for the broken parts.
  std::string answer(llama2::Random& random, const std::vector<std::size_t>& broken = {},
                     bool wrong = false) const {
    using Kind = Constraint::Kind;
    std::string first, last;
    std::size_t count = 1;
    bool break_count = false;
    for (std::size_t i = 0; i < constraints_.size(); ++i) {
      const Constraint& constraint = constraints_[i];
      const bool breaks = std::find(broken.begin(), broken.end(), i) != broken.end();
      if (constraint.kind == Kind::sentences) {
        count = constraint.count;
        break_count = breaks;
        continue;
      }
      if (breaks) continue;
      if (constraint.kind == Kind::first_word) first = constraint.word + ", " + first;
      if (constraint.kind == Kind::character) first = constraint.word + ", " + first;
      if (constraint.kind == Kind::address) {
        if (first.empty() && chance(random, 0.5))
          first = constraint.word + ", ";
        else if (has(Kind::last_word) || chance(random, 0.5))
          first += (first.empty() ? "dear " : "") + constraint.word + ", ";
        else
          last = ", " + constraint.word + last;
      }
      if (constraint.kind == Kind::last_word)
        last += constraint.word == "friend" ? ", my friend" : ", " + constraint.word;
    }
    if (break_count) count = count == 1 ? 2 : 1;
    const std::vector<std::string> cores = parts_of(wrong ? question_.wrong : question_.answers);
    const std::string core = pick(random, cores);
    if (count == 1) return say(random, first + core + last + ".");
    return say(random, first + core +
                           ". [That is what I know|I hope that helps you|That is all I can say|It "
                           "is as simple as that|I learned that long ago]" +
                           last + ".");
  }

 private:
  bool has(Constraint::Kind kind) const {
    return std::any_of(constraints_.begin(), constraints_.end(),
                       [&](const Constraint& c) { return c.kind == kind; });
  }

  void instruct(llama2::Random& random) {
    constraints_.clear();
    instruction_.clear();
    std::string key;
    const std::size_t count = chance(random, 0.3) ? 2 : 1;
    while (constraints_.size() < count) {
      using Kind = Constraint::Kind;
      Constraint one;
      std::string text;
      const std::size_t which = below(random, 5);
      if (which == 0) {
        one = {Kind::address,
               std::string(chance(random, 0.5) ? pick(random, girls) : pick(random, boys))};
        text = "[Always call me " + one.word + ".|Call me " + one.word +
               " in every answer.|My name is " + one.word + ". Say my name in every answer.]";
      } else if (which == 1) {
        one = {Kind::first_word, std::string(pick(random, {"Well", "Listen", "Ah", "Hello", "Look",
                                                           "Oh", "Indeed", "Surely"}))};
        text = "[Begin every answer with|Always begin with|Let every answer begin with] the word " +
               in_quotes(one.word) + ".";
      } else if (which == 2) {
        one = {Kind::last_word, std::string(pick(random, {"friend", "indeed", "hooray", "captain",
                                                          "today", "sir", "goodbye", "thanks"}))};
        text = "[End every answer with|Always end with|Let every answer end with] the word " +
               in_quotes(one.word) + ".";
      } else if (which == 3) {
        one = {Kind::sentences, "", static_cast<unsigned>(1 + below(random, 2))};
        text = one.count == 1 ? "[Always answer in one sentence.|Give every answer in one "
                                "sentence.]"
                              : "[Always answer in two sentences.|Give every answer in two "
                                "sentences.]";
      } else {
        const Character& who = pick(random, characters);
        one = {Kind::character, std::string(who.word)};
        text = "[Speak as " + std::string(who.who) + " in every answer. Always say " +
               in_quotes(who.word) + ".|You are " + std::string(who.who) + " and say " +
               in_quotes(who.word) + " in every answer.]";
      }
      const auto begins = [](Kind kind) {
        return kind == Kind::first_word || kind == Kind::character;
      };
      bool clash = false;
      for (const Constraint& before : constraints_)
        clash = clash || before.kind == one.kind || (begins(before.kind) && begins(one.kind));
      if (clash) continue;
      key += one.word + std::to_string(one.count);
      constraints_.push_back(one);
      if (!instruction_.empty()) instruction_ += ' ';
      instruction_ += say(random, text);
    }
    combination_ = combination_of("standing", key);
  }

  std::string instruction_;
  std::vector<Constraint> constraints_;
  std::uint64_t combination_ = 0;
  Question question_;
  std::vector<llama2::Message> messages_;
};

/// The messages of a standing dialogue as if the instruction had never been given.
inline std::vector<llama2::Message> without_instruction(const Prompt& prompt) {
  std::vector<llama2::Message> out = prompt.messages;
  const std::string head = prompt.instruction + "\n";
  for (llama2::Message& message : out)
    if (!prompt.instruction.empty() && message.role == llama2::Role::user &&
        message.text.starts_with(head))
      message.text.erase(0, head.size());
  return out;
}

}  // namespace recipe
