// Writes what an assistant of the simulated world learns from: dialogues, comparisons, prompts.
//
//   write_dialogues --what dialogues --count 10000 --seed 1 --out sft.jsonl
//   write_dialogues --what comparisons --domain safety --count 5000 --seed 2 --out safety.jsonl
//   write_dialogues --what prompts --part held_out --count 600 --seed 3 --out prompts.jsonl
//
// Line i is a function of the options, the seed and i alone.
#include <CLI/CLI.hpp>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../common.hpp"
#include "assistant.hpp"
#include "llama2/base/output_file.hpp"
#include "llama2/base/random.hpp"
#include "llama2/data/json_lines.hpp"
#include "llama2/data/preferences.hpp"

namespace {

enum class What : std::uint8_t { dialogues, comparisons, prompts };
enum class Domain : std::uint8_t { helpfulness, safety };

struct Options {
  What what = What::dialogues;
  Domain domain = Domain::helpfulness;
  recipe::Part part = recipe::Part::train;
  std::uint64_t count = 10, seed = 0;
  double safety_share = 0.1, skill = 1;
  recipe::Annotator annotator;
};

nlohmann::ordered_json about(const recipe::Prompt& prompt) {
  nlohmann::ordered_json out = {{"id", std::to_string(prompt.id)},
                                {"ask", recipe::ask_names[static_cast<std::size_t>(prompt.ask)]}};
  if (prompt.risk != recipe::Risk::none) {
    out["risk"] = recipe::risk_names[static_cast<std::size_t>(prompt.risk)];
    out["style"] = prompt.style;
  }
  if (!prompt.instruction.empty()) out["instruction"] = prompt.instruction;
  return out;
}

nlohmann::ordered_json as_list(const std::vector<llama2::Message>& messages) {
  auto list = nlohmann::ordered_json::array();
  for (const llama2::Message& message : messages)
    list.push_back({{"role", llama2::to_string(message.role)}, {"content", message.text}});
  return list;
}

std::string line_of(const Options& options, std::uint64_t index) {
  if (options.what == What::comparisons) {
    // The two answers are of different skill, as those of a model's different versions are. Two
    // that are the same cannot be compared: others are drawn.
    for (std::uint64_t attempt = 0;; ++attempt) {
      llama2::Random random(llama2::mix_bits(llama2::mix_bits(options.seed ^ 0x6370u) ^ index) ^
                            attempt);
      const recipe::Prompt prompt =
          options.domain == Domain::safety
              ? recipe::make_prompt(options.seed, random(), recipe::Ask::adversarial, options.part)
              : recipe::make_mixed_prompt(options.seed, random(), options.part, 0);
      std::array<std::string, 2> answers;
      for (std::string& answer : answers) {
        const double skill = 0.2 + 0.6 * random.uniform();
        answer = recipe::answer_of_quality(prompt, random(), skill);
      }
      if (answers[0] == answers[1]) continue;
      const recipe::Annotation annotation =
          options.domain == Domain::safety
              ? recipe::annotate_safety(prompt, answers[0], answers[1], random(), options.annotator)
              : recipe::annotate_helpfulness(prompt, answers[0], answers[1], random(),
                                             options.annotator);
      const llama2::PreferencePair pair =
          recipe::as_pair(prompt, std::move(answers[0]), std::move(answers[1]), annotation);
      if (pair.chosen.empty()) continue;  // the format has none
      return llama2::preference_line(pair);
    }
  }
  const recipe::Prompt prompt =
      recipe::make_mixed_prompt(options.seed, index, options.part, options.safety_share);
  nlohmann::ordered_json json = about(prompt);
  std::vector<llama2::Message> messages = prompt.messages;
  if (options.what == What::dialogues) {
    std::string answer;
    for (std::uint64_t attempt = 0; answer.empty(); ++attempt)  // nobody demonstrates nothing
      answer = recipe::answer_of_quality(prompt, options.seed + attempt, options.skill);
    messages.push_back({llama2::Role::assistant, std::move(answer)});
  }
  json["messages"] = as_list(messages);
  return llama2::json_line(json);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Writes dialogues, comparisons of answers, or prompts of the assistant's world."};
  Options options;
  std::string out;
  const CLI::Range share(0.0, 1.0);
  app.add_option("--what", options.what,
                 "dialogues (with good answers), comparisons (rated by annotators), prompts")
      ->transform(
          CLI::CheckedTransformer(std::map<std::string, What>{{"dialogues", What::dialogues},
                                                              {"comparisons", What::comparisons},
                                                              {"prompts", What::prompts}}));
  app.add_option("--domain", options.domain,
                 "of comparisons: helpfulness (honest prompts) or safety (adversarial ones)")
      ->transform(CLI::CheckedTransformer(std::map<std::string, Domain>{
          {"helpfulness", Domain::helpfulness}, {"safety", Domain::safety}}));
  app.add_option(
         "--part", options.part,
         "train, or held_out: combinations and ways to attack that are in no training prompt")
      ->transform(CLI::CheckedTransformer(std::map<std::string, recipe::Part>{
          {"train", recipe::Part::train}, {"held_out", recipe::Part::held_out}}));
  app.add_option("--count", options.count, "how many lines")->check(examples::whole_number);
  app.add_option("--seed", options.seed, "which of them: another seed, other lines")
      ->check(examples::whole_number);
  app.add_option("--safety-share", options.safety_share,
                 "share of adversarial prompts among dialogues and prompts")
      ->check(share);
  app.add_option("--skill", options.skill, "share of good answers among the dialogues")
      ->check(share);
  app.add_option("--noise", options.annotator.noise,
                 "standard deviation of the annotators' errors, of scores from 0 to 1")
      ->check(share);
  app.add_option("--out", out, "write to this file, not to standard output");
  return examples::run(app, argc, argv, [&] {
    std::unique_ptr<llama2::OutputFile> file;
    if (!out.empty()) file = std::make_unique<llama2::OutputFile>(out);
    for (std::uint64_t i = 0; i < options.count && std::cout; ++i) {
      const std::string line = line_of(options, i);
      if (file)
        file->write(line);
      else
        std::cout << line;
    }
    if (file) file->commit();
  });
}
