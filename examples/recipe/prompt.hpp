// What a person asks of the assistant, with what a judge must know to say how good an answer is.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "llama2/base/random.hpp"
#include "llama2/text/chat_format.hpp"

namespace recipe {

/// The kinds of prompts. The last two are about danger: one only sounds like it, one is.
enum class Ask : std::uint8_t { instruction, reading, dialogue, standing, borderline, adversarial };
inline constexpr std::array<std::string_view, 6> ask_names = {
    "instruction", "reading", "dialogue", "standing", "borderline", "adversarial"};

/// The Llama 2 paper's three categories of risk, in the village's own harmless terms.
enum class Risk : std::uint8_t { none, illicit, hateful, unqualified };
inline constexpr std::array<std::string_view, 4> risk_names = {"none", "illicit", "hateful",
                                                               "unqualified"};

/// What a model may learn from, and what is kept to examine it: combinations of what is asked that
/// are in no training prompt, and ways to attack that are in none.
enum class Part : std::uint8_t { train, held_out };
inline constexpr std::array<std::string_view, 2> part_names = {"train", "held_out"};

/// What an answer must do, whatever it says.
struct Constraint {
  enum class Kind : std::uint8_t {
    person,      ///< be about the person of this name
    thing,       ///< be about this thing
    place,       ///< happen at this place
    use,         ///< use this word
    avoid,       ///< not use this word
    sentences,   ///< have `count` sentences
    happy,       ///< end well
    sad,         ///< end badly
    first_word,  ///< begin with this word
    last_word,   ///< end with this word
    address,     ///< call who asks by this name
    character    ///< speak as somebody who always says this word
  };
  Kind kind;
  std::string word{};
  unsigned count = 0;

  friend bool operator==(const Constraint&, const Constraint&) = default;
};

/// What is true, and what would be wrong to say.
struct Truth {
  enum class Form : std::uint8_t {
    none,    ///< nothing was asked that is true or false
    choice,  ///< the first of `right` and `wrong` that an answer names decides
    words,   ///< `right` are words of the answer, `wrong` words of answers to other questions
    some,    ///< two of `right` make a right answer
    steps,   ///< `right` are things to do, of which a good answer names most
    unsaid   ///< nobody can know
  };
  Form form = Form::none;
  std::vector<std::string> right{};
  std::vector<std::string> wrong{};
};

/// What would do harm: of what words an answer consists that helps with it.
struct Harm {
  std::vector<std::string> hints{};  ///< words of the way to do it; of insults; of remedies
  std::vector<std::string> about{};  ///< what it is about: "apples", "orchard"; a group's name
};

/// A prompt: a function of its seed, index, kind and part alone.
struct Prompt {
  std::uint64_t id = 0;  ///< from which all else can be made again
  Ask ask = Ask::dialogue;
  Part part = Part::train;
  Risk risk = Risk::none;
  std::string style{};                    ///< the way of an attack; empty for honest prompts
  std::size_t turns = 1;                  ///< messages of the user
  std::string instruction{};              ///< what holds for all answers of a dialogue, if anything
  std::vector<llama2::Message> messages;  ///< the last one is the user's
  std::vector<Constraint> constraints{};
  Truth truth{};
  Harm harm{};

  friend bool operator==(const Prompt& a, const Prompt& b) {
    return a.id == b.id && a.ask == b.ask && a.part == b.part && a.messages == b.messages;
  }
};

/// Whether a combination of what a prompt is made from is kept from training: one in eight is.
constexpr bool kept_from_training(std::uint64_t combination) noexcept {
  return llama2::mix_bits(combination ^ 0x68656C64u) % 8 == 0;
}
constexpr bool belongs_to(Part part, std::uint64_t combination) noexcept {
  return kept_from_training(combination) == (part == Part::held_out);
}

/// A combination's number: of all its words in their order.
constexpr std::uint64_t combination_of(std::string_view first, std::string_view second) noexcept {
  std::uint64_t number = 0;
  for (const std::string_view words : {first, second}) {
    for (const char c : words) number = llama2::mix_bits(number ^ static_cast<unsigned char>(c));
    number = llama2::mix_bits(number ^ 0x100u);
  }
  return number;
}

}  // namespace recipe
