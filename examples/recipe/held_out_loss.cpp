// Prints the loss of the project's own model, or of another of its shape, on texts of the simulated
// world that it has not seen.
#include <CLI/CLI.hpp>
#include <cstddef>
#include <cstdio>
#include <string>

#include "../common.hpp"
#include "held_out.hpp"
#include "llama2/format/quantised.hpp"
#include "llama2/io/load.hpp"
#include "llama2/io/load_tokenizer.hpp"
#include "shape.hpp"

int main(int argc, char** argv) {
  CLI::App app{"Prints a model's loss on texts of the simulated world that it has not seen."};
  std::string path = LLAMA2_STORYTELLER;
  std::size_t count = 1000;
  app.add_option("--model", path, "a file of the project's own shape")->capture_default_str();
  app.add_option("--count", count, "how many texts")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  return examples::run(app, argc, argv, [&] {
    const auto model = llama2::load<llama2::Model<recipe::Storyteller, llama2::Q8_0>>(path);
    const auto loss = recipe::held_out_loss(model, llama2::load_tokenizer(path), count);
    std::printf("%.4f nats a token, %.4f a character (%zu tokens, %zu characters, %zu texts)\n",
                loss.nats, loss.per_character(), loss.tokens, loss.characters, count);
  });
}
