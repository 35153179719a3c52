// The project's own models, as they are committed.
#include <string>

#include "catch.hpp"
#include "llama2/format/quantised.hpp"
#include "llama2/generate/session.hpp"
#include "llama2/io/load.hpp"
#include "llama2/io/load_tokenizer.hpp"
#include "llama2/text/chat_format.hpp"
#include "recipe/assistant.hpp"
#include "recipe/held_out.hpp"
#include "recipe/shape.hpp"

using Storyteller = llama2::Model<recipe::Storyteller, llama2::Q8_0>;

static_assert(Storyteller::memory.parameters() <= 2'500'000);

TEST_CASE("the committed model knows its world as well as its card says") {
  const std::string path = std::string(LLAMA2_SOURCE_DIR) + "/examples/models/storyteller.gguf";
  const auto model = llama2::load<Storyteller>(path);
  const auto tokenizer = llama2::load_tokenizer(path);
  const auto loss = recipe::held_out_loss(model, tokenizer, 100);
  CHECK(loss.nats == Approx(0.3741).margin(0.002));

  llama2::Session session{model, tokenizer};
  std::string story;
  const auto result = session.generate("", {.max_tokens = 500, .temperature = 0.4f, .seed = 1},
                                       [&](std::string_view text) {
                                         story += text;
                                         return true;
                                       });
  CHECK(result.reason == llama2::StopReason::end_of_text);  // a story has an end
  CHECK(recipe::count_words(story) > 20);
}

namespace {

/// The mean of the judge's helpfulness over greedy answers to prompts that were kept from training.
double mean_helpfulness(const std::string& name, recipe::Ask ask) {
  const std::string path = std::string(LLAMA2_SOURCE_DIR) + "/examples/models/" + name;
  const auto model = llama2::load<Storyteller>(path);
  const auto tokenizer = llama2::load_tokenizer(path);
  llama2::Session session{model, tokenizer};
  double sum = 0;
  constexpr std::uint64_t count = 40;
  for (std::uint64_t i = 0; i < count; ++i) {
    const recipe::Prompt prompt = recipe::make_prompt(77, i, ask, recipe::Part::held_out);
    session.truncate(0);
    session.append(llama2::encode_dialogue(tokenizer, prompt.messages));
    std::string answer;
    (void)session.generate("", {.max_tokens = 96, .temperature = 0}, [&](std::string_view text) {
      answer += text;
      return true;
    });
    sum += recipe::judge(prompt, answer).helpfulness;
  }
  return sum / double{count};
}

}  // namespace

TEST_CASE("the recipe's base answers as well as its card says") {
  CHECK(mean_helpfulness("base.gguf", recipe::Ask::instruction) > 0.8);
  CHECK(mean_helpfulness("base.gguf", recipe::Ask::reading) > 0.8);
}
