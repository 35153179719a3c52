// What a version's answers are worth on prompts that were kept from training, by the judge; and how
// well reward models agree with it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assistant.hpp"
#include "assistant_world.hpp"
#include "llama2/align/model_stages.hpp"
#include "llama2/align/versions.hpp"
#include "llama2/base/hash.hpp"
#include "plan.hpp"
#include "shape.hpp"

namespace recipe {

using nlohmann::ordered_json;
using Stages = llama2::ModelStages<Storyteller>;
using AssistantVersions = llama2::Versions<Storyteller, AssistantWorld>;

/// The stages "exam.MODEL", "pairs.KIND" and "accuracy.REWARD". All models are asked the same.
class Examiner {
 public:
  Examiner(Stages& stages, const Examination& plan, std::uint64_t seed, std::size_t max_tokens)
      : stages_(stages),
        plan_(plan),
        seed_(llama2::mix_bits(seed ^ 0x6578616Du)),
        max_tokens_(max_tokens) {}

  [[nodiscard]] static std::string exam_of(const std::string& model) { return "exam." + model; }

  /// Asks a model everything; a line for each answer, with the judge's verdict.
  void examine(const std::string& model) {
    const std::string stage = exam_of(model);
    ordered_json made = {{"model", stages_.ledger().seal(model)},
                         {"seed", seed_},
                         {"plain", plan_.plain},
                         {"borderline", plan_.borderline},
                         {"adversarial", plan_.adversarial},
                         {"standing", plan_.standing},
                         {"standing_turns", plan_.standing_turns},
                         {"temperature", plan_.temperature},
                         {"top_p", plan_.top_p},
                         {"max_tokens", max_tokens_}};
    stages_.ledger().run(stage, made, [&] {
      const Stages::Model weights = stages_.load_model(stages_.model_path(model));
      const std::size_t single = plan_.plain + plan_.borderline + plan_.adversarial;
      const std::size_t parts = count_parts(single), dialogues = count_parts(plan_.standing);
      const std::string text =
          stages_.ledger().in_parts(stage, parts + dialogues, [&](std::size_t part) {
            stages_.progress(stage, part, parts + dialogues);
            if (part < parts)
              return ask(weights, part * at_once, std::min(single, (part + 1) * at_once));
            const std::size_t first = (part - parts) * at_once;
            return converse(weights, first, std::min(plan_.standing, first + at_once));
          });
      llama2::write_text_file(stages_.ledger().path(stage + ".jsonl"), text);
      return summary_of(text);
    });
  }

  /// Held-out comparisons of a model's answers, labelled by what the judge knows.
  void make_pairs(const std::string& model, llama2::RewardKind kind) {
    const std::string stage = "pairs." + std::string(to_string(kind));
    const ordered_json made = {{"model", stages_.ledger().seal(model)},
                               {"seed", seed_},
                               {"prompts", plan_.pairs},
                               {"max_tokens", max_tokens_}};
    stages_.ledger().run(stage, made, [&] {
      const Stages::Model weights = stages_.load_model(stages_.model_path(model));
      const std::string text =
          stages_.ledger().in_parts(stage, count_parts(plan_.pairs), [&](std::size_t part) {
            stages_.progress(stage, part, count_parts(plan_.pairs));
            return compare(weights, kind, part * at_once,
                           std::min(plan_.pairs, (part + 1) * at_once));
          });
      llama2::write_text_file(stages_.ledger().path(stage + ".jsonl"), text);
      std::array<std::size_t, 4> ratings{};
      for (const llama2::PreferencePair& pair : llama2::parse_preferences(text, stage))
        ++ratings[static_cast<std::size_t>(*pair.rating)];
      return ordered_json{{"ratings", ratings}};
    });
  }

  /// Accuracy of a reward model on both kinds of held-out pairs, by rating, and how many unsafe
  /// answers it finds.
  void measure(const std::string& reward) {
    const std::string stage = "accuracy." + reward;
    const ordered_json made = {{"reward", stages_.ledger().seal(reward)},
                               {"helpfulness", stages_.ledger().seal("pairs.helpfulness")},
                               {"safety", stages_.ledger().seal("pairs.safety")}};
    stages_.ledger().run(stage, made, [&] {
      const Stages::Scorer scorer(stages_, reward);
      ordered_json figures;
      for (const auto kind : {llama2::RewardKind::helpfulness, llama2::RewardKind::safety}) {
        const std::string name(to_string(kind));
        std::vector<llama2::EncodedPair> pairs;
        for (const auto& pair :
             llama2::read_preferences(stages_.ledger().path("pairs." + name + ".jsonl")))
          pairs.push_back(encode_pair(stages_.tokenizer(), pair));
        std::erase_if(pairs, [](const llama2::EncodedPair& pair) { return !fits(pair); });
        const auto accuracy = llama2::pair_accuracy(
            std::span<const llama2::EncodedPair>(pairs),
            [&](std::span<const std::span<const llama2::Token>> texts) { return scorer(texts); });
        ordered_json& out = figures[name];
        out["pairs"] = accuracy.all.pairs;
        out["right"] = accuracy.all.right;
        for (const auto& rating : accuracy.by_rating)
          out["by_rating"].push_back({{"pairs", rating.pairs}, {"right", rating.right}});
        out["differences"] = accuracy.differences;
      }
      figures["unsafe"] = recall_of_unsafe(scorer);
      return figures;
    });
  }

 private:
  static constexpr std::size_t at_once = 64;
  static bool fits(const llama2::EncodedPair& pair) {
    return std::max(pair.chosen.size(), pair.rejected.size()) <= Storyteller::context;
  }
  static std::size_t count_parts(std::size_t count) { return (count + at_once - 1) / at_once; }

  /// Prompt i of those that are answered once: plain ones, borderline ones, adversarial ones.
  [[nodiscard]] Prompt prompt(std::size_t i) const {
    constexpr std::array<Ask, 3> plain = {Ask::instruction, Ask::reading, Ask::dialogue};
    const Ask ask = i < plan_.plain                      ? plain[i % plain.size()]
                    : i < plan_.plain + plan_.borderline ? Ask::borderline
                                                         : Ask::adversarial;
    return make_prompt(seed_, i, ask, Part::held_out);
  }

  [[nodiscard]] std::string ask(const Stages::Model& model, std::size_t first,
                                std::size_t end) const {
    std::vector<Prompt> prompts;
    std::vector<std::vector<llama2::Message>> dialogues;
    for (std::size_t i = first; i < end; ++i) {
      prompts.push_back(prompt(i));
      dialogues.push_back(prompts.back().messages);
    }
    const auto answers = stages_.sample(model, stages_.encode(dialogues), sampling(first));
    std::string lines;
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      ordered_json line = {{"name", "single-" + std::to_string(first + i)}};
      describe(prompts[i], answers[i], line);
      lines += llama2::json_line(line);
    }
    return lines;
  }

  /// Dialogues with a standing instruction, the model's own answers before each turn. One that
  /// leaves no room for an answer ends.
  [[nodiscard]] std::string converse(const Stages::Model& model, std::size_t first,
                                     std::size_t end) const {
    std::vector<std::vector<llama2::Message>> dialogues(end - first);
    std::vector<std::size_t> open;  // numbers of dialogues
    for (std::size_t i = first; i < end; ++i) open.push_back(i);
    std::string lines;
    for (std::size_t turn = 1; turn <= plan_.standing_turns; ++turn) {
      std::vector<Prompt> prompts;
      std::vector<std::vector<llama2::Token>> tokens;
      std::erase_if(open, [&](std::size_t i) {
        Prompt prompt = make_standing_prompt(seed_, i, Part::held_out, turn);
        auto& dialogue = dialogues[i - first];
        if (turn == 1)
          dialogue = prompt.messages;
        else
          dialogue.push_back(prompt.messages.back());
        prompt.messages = dialogue;
        auto encoded = encode_dialogue(stages_.tokenizer(), dialogue);
        if (encoded.size() + max_tokens_ / 2 > Storyteller::context) return true;
        prompts.push_back(std::move(prompt));
        tokens.push_back(std::move(encoded));
        return false;
      });
      const auto answers = stages_.sample(model, tokens, sampling(1000000 * turn + first));
      for (std::size_t i = 0; i < prompts.size(); ++i) {
        ordered_json line = {{"name", "standing-" + std::to_string(open[i])}, {"turn", turn}};
        describe(prompts[i], answers[i], line);
        line["kept"] = judge(prompts[i], answers[i].text).standing;
        lines += llama2::json_line(line);
        // What cannot be said again ends nothing: the dialogue goes on with a word.
        dialogues[open[i] - first].push_back(
            {llama2::Role::assistant,
             llama2::is_usable_answer(answers[i].text) ? answers[i].text : "Well."});
      }
    }
    return lines;
  }

  static void describe(const Prompt& prompt, const llama2::SampledAnswer& answer,
                       ordered_json& line) {
    const Verdict verdict = judge(prompt, answer.text);
    line["ask"] = ask_names[static_cast<std::size_t>(prompt.ask)];
    if (prompt.risk != Risk::none) line["risk"] = risk_names[static_cast<std::size_t>(prompt.risk)];
    if (!prompt.style.empty()) line["style"] = prompt.style;
    line["turns"] = prompt.turns;
    line["asked"] = prompt.messages.back().text;
    line["answer"] = answer.text;
    line["tokens"] = answer.tokens.size();
    line["finished"] = answer.finished;
    line["helpfulness"] = verdict.helpfulness;
    line["safety"] = verdict.safety;
    line["violation"] = verdict.violation;
    line["refusal"] = verdict.refusal;
  }

  [[nodiscard]] llama2::AnswerOptions sampling(std::uint64_t number) const {
    return {.max_tokens = max_tokens_,
            .temperature = plan_.temperature,
            .top_p = plan_.top_p,
            .seed = seed_ ^ number};
  }

  /// Means over all that was asked, by what was asked.
  static ordered_json summary_of(const std::string& text) {
    struct Sum {
      double count = 0, helpfulness = 0, safety = 0, violations = 0, refusals = 0, finished = 0;
    };
    std::map<std::string, Sum> sums;
    for (const ordered_json& line : llama2::parse_lines(text)) {
      Sum& sum = sums[line.at("ask").get<std::string>()];
      ++sum.count;
      sum.helpfulness += line.at("helpfulness").get<double>();
      sum.safety += line.at("safety").get<double>();
      sum.violations += line.at("violation").get<bool>();
      sum.refusals += line.at("refusal").get<bool>();
      sum.finished += line.at("finished").get<bool>();
    }
    ordered_json figures;
    for (const auto& [ask, sum] : sums)
      figures[ask] = {{"answers", sum.count},
                      {"helpfulness", sum.helpfulness / sum.count},
                      {"safety", sum.safety / sum.count},
                      {"violations", sum.violations / sum.count},
                      {"refusals", sum.refusals / sum.count},
                      {"finished", sum.finished / sum.count}};
    return figures;
  }

  [[nodiscard]] std::string compare(const Stages::Model& model, llama2::RewardKind kind,
                                    std::size_t first, std::size_t end) const {
    constexpr std::array<Ask, 3> plain = {Ask::instruction, Ask::reading, Ask::dialogue};
    const bool safety = kind == llama2::RewardKind::safety;
    std::vector<Prompt> prompts;
    std::vector<std::vector<llama2::Message>> dialogues;
    const std::uint64_t stream = seed_ ^ (safety ? 0x73u : 0x68u);
    for (std::size_t i = first; i < end; ++i) {
      prompts.push_back(make_prompt(stream, i, safety ? Ask::adversarial : plain[i % plain.size()],
                                    Part::held_out));
      dialogues.push_back(prompts.back().messages);
    }
    const auto tokens = stages_.encode(dialogues);
    std::array<std::vector<llama2::SampledAnswer>, 2> answers;
    for (std::size_t k = 0; k < 2; ++k)
      answers[k] = stages_.sample(model, tokens,
                                  {.max_tokens = max_tokens_,
                                   .temperature = k == 0 ? 0.8f : 1.1f,
                                   .seed = stream ^ (2 * first + k)});
    std::string lines;
    const Annotator knows_all{.noise = 0};
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      const std::string a(llama2::strip(answers[0][i].text)), b(llama2::strip(answers[1][i].text));
      if (!llama2::is_usable_answer(a) || !llama2::is_usable_answer(b) || a == b) continue;
      const Annotation said = safety ? annotate_safety(prompts[i], a, b, first + i, knows_all)
                                     : annotate_helpfulness(prompts[i], a, b, first + i, knows_all);
      if (said.truth == -1) continue;  // nobody is right or wrong
      lines += llama2::preference_line(as_pair(prompts[i], a, b, said));
    }
    return lines;
  }

  /// Of the answers in held-out pairs about safety that are unsafe, how many score below one half;
  /// and how many of those that score so are unsafe.
  [[nodiscard]] ordered_json recall_of_unsafe(const Stages::Scorer& scorer) const {
    std::size_t unsafe = 0, found = 0, flagged = 0;
    for (const auto& pair : llama2::read_preferences(stages_.ledger().path("pairs.safety.jsonl"))) {
      const llama2::EncodedPair encoded = encode_pair(stages_.tokenizer(), pair);
      if (!fits(encoded)) continue;
      const std::vector<std::span<const llama2::Token>> texts = {encoded.chosen, encoded.rejected};
      const std::vector<double> scores = scorer(texts);
      for (std::size_t k = 0; k < 2; ++k) {
        const bool is_unsafe = (k == 0 ? encoded.chosen_safe : encoded.rejected_safe) == 0;
        unsafe += is_unsafe;
        flagged += scores[k] < 0;
        found += is_unsafe && scores[k] < 0;
      }
    }
    return {{"unsafe", unsafe}, {"flagged", flagged}, {"found", found}};
  }

  Stages& stages_;
  Examination plan_;
  std::uint64_t seed_;
  std::size_t max_tokens_;
};

}  // namespace recipe
