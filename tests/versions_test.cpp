// The versions, end to end with a tiny model in a toy world; and interrupted everywhere, the same.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "error_of.hpp"
#include "llama2/align/stage_ledger.hpp"
#include "llama2/align/versions.hpp"
#include "llama2/io/gguf_writer.hpp"
#include "llama2/model/random_model.hpp"
#include "synthetic_tokenizer.hpp"
#include "temp_folder.hpp"

using namespace llama2;
using test::error_of;

namespace {

struct Tiny {
  static constexpr std::size_t dim = 16, hidden_dim = 24, layers = 2, heads = 4, kv_heads = 2,
                               vocab = test::synthetic_vocab, context = 256;
};

/// Where one asks for letters, and helpful answers have many an "e", safe ones no "x".
struct ToyWorld {
  using Prompt = VersionPrompt;

  nlohmann::ordered_json identity() const { return "toy"; }

  static std::string letters(std::uint64_t seed, std::size_t count) {
    Random random(seed);
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += "aexs"[random() % 4];
    return text;
  }

  std::vector<std::vector<Message>> demonstrations() const {
    std::vector<std::vector<Message>> all;
    for (std::uint64_t i = 0; i < 64; ++i)
      all.push_back({{Role::user, letters(i, 2)}, {Role::assistant, letters(1000 + i, 1 + i % 3)}});
    return all;
  }
  Prompt prompt(RewardKind kind, PromptUse use, std::uint64_t index) const {
    const bool safety = kind == RewardKind::safety;
    const auto number = static_cast<std::uint64_t>(use) * 100000 + index;
    return {.name = std::string(safety ? "s" : "h") + std::to_string(number),
            .messages = {{Role::user, letters(number, 3) + (safety ? "x" : "")}},
            .safety = safety};
  }
  std::optional<PreferencePair> compare(RewardKind kind, const Prompt& prompt, const std::string& a,
                                        const std::string& b, std::uint64_t) const {
    const auto score = [&](const std::string& text) {
      return kind == RewardKind::safety ? -std::ranges::count(text, 'x')
                                        : std::ranges::count(text, 'e');
    };
    const auto difference = score(a) - score(b);
    PreferencePair pair{
        .messages = prompt.messages,
        .chosen = difference >= 0 ? a : b,
        .rejected = difference >= 0 ? b : a,
        .rating = difference == 0 ? PreferenceRating::negligibly : PreferenceRating::better};
    if (kind == RewardKind::safety)
      pair.safety = score(pair.chosen) < 0     ? SafetyBin::both_unsafe
                    : score(pair.rejected) < 0 ? SafetyBin::chosen_safe
                                               : SafetyBin::both_safe;
    return pair;
  }
  StandingDialogue standing(std::uint64_t index) const {
    return {"se", {letters(index, 1), letters(index + 7, 2)}};
  }
  std::string preprompt(const Prompt&, std::uint64_t) const { return "sa"; }
};
static_assert(VersionsWorld<ToyWorld>);

VersionsPlan tiny_plan() {
  VersionsPlan plan;
  plan.rounds = 2;
  plan.tuning = {.rate = 1e-2, .epochs = 12, .batch = 8};
  plan.helpfulness = {.rate = 5e-3, .epochs = 2, .batch = 8};
  plan.safety = {.rate = 5e-3, .epochs = 2, .batch = 8, .safety_weight = 1};
  plan.helpfulness_comparisons = plan.safety_comparisons = {80, 70};
  plan.helpfulness_temperatures = plan.safety_temperatures = {0.9f, 1.0f};
  plan.helpfulness_least = PreferenceRating::better;
  plan.prompts = 70;
  plan.per_prompt = 4;
  plan.temperature_prompts = 4;
  plan.max_tokens = 12;
  plan.distil_from = plan.ghost_from = 1;
  plan.distil_prompts = plan.ghost_dialogues = 12;
  plan.ghost_answers = 2;
  plan.ppo_iterations = 4;
  plan.ppo_batch = 16;
  plan.ppo_minibatch = 8;
  plan.ppo_prompts = 24;
  plan.ppo_rate = 1e-3;
  plan.watch = {.every = 2, .patience = 0};
  plan.watch_prompts = 8;
  return plan;
}

/// All that stages leave, but how long they took.
std::map<std::string, std::string> content_of(const std::string& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const std::string name = entry.path().lexically_relative(folder).generic_string();
    std::string text = read_text_file(entry.path().string());
    if (name.ends_with(".csv")) continue;
    if (name.ends_with(".jsonl") || name.ends_with(".json")) {
      std::string kept;
      for (auto& line : name.ends_with(".json") ? std::vector{nlohmann::ordered_json::parse(text)}
                                                : parse_lines(text)) {
        for (const char* key : {"seconds", "rollout_seconds", "score_seconds", "update_seconds"})
          line.erase(key);
        kept += line.dump() + '\n';
      }
      text = std::move(kept);
    }
    files[name] = std::move(text);
  }
  return files;
}

}  // namespace

TEST_CASE("a ledger does a stage once, and goes on with what was cut off") {
  const test::TempFolder folder;
  StageLedger ledger(folder.file("ledger"));
  int made = 0;
  const auto body = [&](bool fail) {
    return [&, fail] {
      const std::string text = ledger.in_parts("a", 3, [&](std::size_t i) {
        if (fail && i == 2) throw Error(ErrorCode::cancelled, "enough");
        ++made;
        return std::to_string(i) + "\n";
      });
      return StageLedger::Json{{"text", text}};
    };
  };
  const auto error = error_of([&] { ledger.run("a", {{"x", 1.5}}, body(true)); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::cancelled);
  CHECK(made == 2);
  CHECK_FALSE(ledger.done("a"));
  CHECK(error_of([&] { (void)ledger.seal("a"); })->code() == ErrorCode::invalid_argument);
  CHECK(ledger.run("a", {{"x", 1.5}}, body(false))["text"] == "0\n1\n2\n");
  CHECK(made == 3);  // the first two parts were there
  CHECK(ledger.run("a", {{"x", 1.5}}, body(false))["text"] == "0\n1\n2\n");
  CHECK(made == 3);
  CHECK(ledger.done("a"));
  CHECK(ledger.figures("a")["text"] == "0\n1\n2\n");
  CHECK_FALSE(std::filesystem::exists(ledger.scratch("a")));
  const auto other = error_of([&] { ledger.run("a", {{"x", 2}}, body(false)); });
  REQUIRE(other);
  CHECK(other->code() == ErrorCode::mismatch);
  CHECK(other->details().found == "another x");
  // What a killed program was writing.
  std::filesystem::create_directory(ledger.path("a.steps"));
  for (const char* const unfinished : {"a.gguf.tmp12-0", "a.steps/metrics.csv.tmp3-41"}) {
    std::ofstream(ledger.path(unfinished)) << "half";
    CHECK_FALSE(std::filesystem::exists(StageLedger(ledger.folder()).path(unfinished)));
  }
  for (const char* const others :
       {"a.tmp", "a.tmp12", "a.tmp1-", "a.tmp-1", "a.tmp1-2x", "tmp1-2"}) {
    std::ofstream(ledger.path(others)) << "somebody's";
    CHECK(std::filesystem::exists(StageLedger(ledger.folder()).path(others)));
  }
  // A record that is none.
  std::ofstream(ledger.path("b.json")) << "{\"stage\": \"c\"}";
  CHECK(error_of([&] { ledger.run("b", {}, body(false)); })->code() == ErrorCode::malformed_file);
}

TEST_CASE("answers that can be learnt") {
  CHECK(is_usable_answer(" yes. "));
  CHECK_FALSE(is_usable_answer(" \n"));
  CHECK_FALSE(is_usable_answer("a [/INST] b"));
  CHECK_FALSE(is_usable_answer("\xFF"));
}

TEST_CASE("all versions, whole and interrupted everywhere: the same") {
  const test::TempFolder folder;
  const Tokenizer tokenizer = test::synthetic_tokenizer();
  const std::string base = folder.file("base.gguf");
  write_gguf(base, make_random_model<Model<Tiny, F32>>(3), &tokenizer.vocabulary());
  ToyWorld world;

  // Runs until it is done, or until so many pieces of work are.
  std::map<std::string, int> seen;
  const auto run = [&](const std::string& where, std::size_t pieces) {
    StageLedger ledger(where);
    std::stop_source stop;
    ModelStages<Tiny>::Options options;
    options.stop = stop.get_token();
    options.save_every = 10;
    std::string last;
    options.on_progress = [&](const std::string& stage, std::uint64_t, std::uint64_t) {
      last = stage;
      if (pieces != 0 && --pieces == 0) stop.request_stop();
    };
    ModelStages<Tiny> stages(ledger, tokenizer, options);
    Versions<Tiny, ToyWorld> versions(stages, world, base, tiny_plan());
    try {
      versions.run();
      return true;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::cancelled) throw;
      ++seen[last];
      return false;
    }
  };
  REQUIRE(run(folder.file("whole"), 0));
  const auto whole = content_of(folder.file("whole"));
  const auto figures = [&](const std::string& stage) {
    return nlohmann::ordered_json::parse(whole.at(stage + ".json")).at("figures");
  };
  INFO(figures("v1.sample").dump());
  CHECK(whole.count("v2.gguf") == 1);
  CHECK(figures("v1.compare.helpfulness").at("pairs") > 20);
  // Toys are rated "better" or "negligibly", and as many pairs are about safety.
  const std::size_t clear = figures("v1.compare.helpfulness").at("ratings").at(1);
  const std::size_t safe = figures("v1.compare.safety").at("pairs");
  CHECK(clear < figures("v1.compare.helpfulness").at("pairs"));
  CHECK(figures("v1.reward.helpfulness").at("pairs") == clear + std::min(clear, safe));
  CHECK(figures("v1.sample").at("kept") > 40);
  CHECK(figures("v1.sample").at("max").back() > figures("v1.sample").at("max").front());
  CHECK(figures("v2.sample").at("from_earlier_rounds") > 0);
  CHECK(figures("v2").at("iterations") == 4);
  CHECK(parse_lines(whole.at("v2.iterations.jsonl")).size() == 5);
  // Beginnings of dialogues, from the second turn on, with the instruction in the first.
  CHECK(figures("v1.ghost").at("texts") > 0);
  for (const auto& line : parse_lines(whole.at("v1.ghost.jsonl"))) {
    REQUIRE(line.at("messages").size() >= 3);
    for (std::size_t i = 0; i < line.at("messages").size(); i += 2)
      CHECK(line["messages"][i]["content"].get<std::string>().starts_with("se\n") == (i == 0));
  }

  std::size_t attempts = 0;
  while (!run(folder.file("parts"), 5 + attempts % 9)) REQUIRE(++attempts < 1000);
  CHECK(attempts > 10);
  CHECK(seen.size() > 10);  // stages that were interrupted
  const auto parts = content_of(folder.file("parts"));
  REQUIRE(parts.size() == whole.size());
  for (const auto& [name, text] : whole) {
    INFO(name);
    CHECK(parts.at(name) == text);
  }
}
