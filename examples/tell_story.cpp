// Tells a story with the project's own model, the only type that this program is compiled for.
//
// examples/recipe/ tells how that model was made; `generate` runs others.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <string>
#include <string_view>

#include "common.hpp"
#include "interrupt.hpp"
#include "llama2/format/quantised.hpp"
#include "llama2/generate/session.hpp"
#include "llama2/io/load.hpp"
#include "llama2/io/load_tokenizer.hpp"
#include "recipe/shape.hpp"

int main(int argc, char** argv) {
  CLI::App app{
      "Tells a story with the project's own model.\n\n"
      "  tell_story                                    another story each time\n"
      "  tell_story --prompt \"Ada was a shy girl who\"   goes on from there"};
  std::string model_path = LLAMA2_STORYTELLER;
  std::string prompt;
  llama2::GenerateOptions options{.max_tokens = 500, .temperature = 0.4f, .top_p = 0.95f};
  app.add_option("--prompt", prompt, "how the story begins; by default the model begins it");
  app.add_option("--temperature", options.temperature, "0 takes the likeliest token each time")
      ->capture_default_str();
  app.add_option("--max-tokens", options.max_tokens, "most tokens to produce")
      ->capture_default_str()
      ->check(examples::whole_number);
  auto* const seed_option = app.add_option(
      "--seed", options.seed, "same seed, same story; by default another one each time");
  seed_option->check(examples::whole_number);
  app.add_option("--model", model_path, "another file of this shape")->capture_default_str();
  return examples::run(app, argc, argv, [&] {
    options.sampling().validate();
    if (seed_option->count() == 0)
      options.seed =
          static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
    // One thread: the model is so small that waking others takes longer than the work.
    const auto model =
        llama2::load<llama2::Model<recipe::Storyteller, llama2::Q8_0>>(model_path, {.threads = 1});
    const auto tokenizer = llama2::load_tokenizer(model_path);
    llama2::Session session{model, tokenizer};
    examples::catch_interrupt();
    std::cout << prompt << std::flush;
    const auto result = session.generate(prompt, options, [](std::string_view text) {
      std::cout << text << std::flush;
      return !examples::interrupted && std::cout.good();
    });
    std::cout << '\n';
    if (::isatty(STDERR_FILENO) != 0)
      std::fprintf(stderr, "(%zu tokens, %.0f a second; --seed %llu tells it again)\n",
                   result.tokens,
                   result.seconds > 0 ? static_cast<double>(result.tokens) / result.seconds : 0,
                   static_cast<unsigned long long>(options.seed));
  });
}
