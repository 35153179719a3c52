// Writes stories and factual texts of the simulated world, as many as one likes.
//
//   write_stories --count 100000 --seed 1 --kind mix --out corpus.txt
//
// Text i is a function of the seed and i alone. As text, documents are separated by a line
// <|endoftext|>; as JSONL, each line is {"text": ..., "plan": ...}, the plan being what happened.
#include <CLI/CLI.hpp>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "../common.hpp"
#include "../progress.hpp"
#include "llama2/base/error.hpp"
#include "llama2/base/random.hpp"
#include "mix.hpp"

namespace {

using nlohmann::json;

json as_json(const recipe::Entity& entity) {
  constexpr std::string_view sorts[] = {"person", "animal", "thing", "place"};
  json out = {{"sort", sorts[static_cast<std::size_t>(entity.sort)]}, {"noun", entity.noun}};
  if (!entity.name.empty()) out["name"] = entity.name;
  if (!entity.trait.empty()) out["trait"] = entity.trait;
  if (!entity.adjectives.empty()) out["adjectives"] = entity.adjectives;
  if (entity.owner != recipe::nobody) out["owner"] = entity.owner;
  return out;
}

json as_json(const recipe::Plan& plan) {
  json cast = json::array();
  for (const recipe::Entity& entity : plan.cast) cast.push_back(as_json(entity));
  json events = json::array();
  for (const recipe::Event& event : plan.events) {
    json out = {{"act", event.act}};
    for (const char role : std::string_view("abcoqrps"))
      if (const recipe::Id id = event.roles.entity(role); id != recipe::nobody)
        out[std::string(1, role)] = id;
    events.push_back(std::move(out));
  }
  return {{"theme", plan.theme},       {"tone", plan.tone},       {"setting", plan.setting},
          {"feelings", plan.feelings}, {"cast", std::move(cast)}, {"events", std::move(events)}};
}

json as_json(const recipe::FactText& facts) {
  json statements = json::array();
  for (const recipe::Statement& statement : facts.statements)
    statements.push_back({statement.subject, statement.relation, statement.object});
  return {{"kind", facts.kind}, {"statements", std::move(statements)}};
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Writes stories and factual texts of the simulated world."};
  std::uint64_t count = 10;
  std::uint64_t seed = 0;
  recipe::Kind kind = recipe::Kind::mix;
  std::string out;
  bool jsonl = false;
  app.add_option("--count", count, "how many texts")->check(examples::whole_number);
  app.add_option("--seed", seed, "which of them: another seed, other texts")
      ->check(examples::whole_number);
  app.add_option("--kind", kind, "story, facts or mix: three stories to each factual text")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, recipe::Kind>{{"story", recipe::Kind::story},
                                              {"facts", recipe::Kind::facts},
                                              {"mix", recipe::Kind::mix}}));
  app.add_option("--out", out, "write to this file, not to standard output");
  app.add_flag("--jsonl", jsonl, "a JSON object a line, with the plan of each text");
  return examples::run(app, argc, argv, [&] {
    std::ofstream file;
    if (!out.empty()) {
      file.open(out, std::ios::binary);
      if (!file)
        throw llama2::Error(llama2::ErrorCode::io, "cannot open for writing", {.file = out});
    }
    std::ostream& stream = out.empty() ? std::cout : file;
    std::uint64_t written = 0;
    for (std::uint64_t i = 0; i < count && stream; ++i) {
      const recipe::Document document = recipe::make_document(seed, i, kind);
      std::string line;
      if (jsonl) {
        json object = {{"text", document.text()}};
        if (const auto* const story = std::get_if<recipe::Story>(&document.content))
          object["plan"] = as_json(story->plan);
        else
          object["plan"] = as_json(std::get<recipe::FactText>(document.content));
        line = object.dump() + "\n";
      } else {
        if (i != 0) line = "<|endoftext|>\n";
        line += document.text();
        line += '\n';
      }
      stream << line;
      written += line.size();
    }
    if (!out.empty() && !file.flush())
      throw llama2::Error(llama2::ErrorCode::io, "cannot write", {.file = out});
    std::cerr << "wrote " << count << " texts, " << written << " bytes\n";
  });
}
