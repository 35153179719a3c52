// The project's own model, as it is committed.
#include <string>

#include "catch.hpp"
#include "llama2/format/quantised.hpp"
#include "llama2/generate/session.hpp"
#include "llama2/io/load.hpp"
#include "llama2/io/load_tokenizer.hpp"
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
