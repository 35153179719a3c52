// Continues a text: the text goes to standard output, rates to standard error.
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
#include "llama2/io/load_tokenizer.hpp"
#include "models.hpp"
#include "rope_options.hpp"
#include "target_options.hpp"

namespace {

double per_second(std::size_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Continues a text with a Llama 2 model."};
  std::string model_path, tokenizer_path, prompt, prompt_file, target, weights;
  std::size_t context = 0;
  bool no_echo = false;
  llama2::LoadOptions load_options;
  llama2::GenerateOptions options{.temperature = 0.8f, .top_p = 0.95f};
  app.add_option("MODEL", model_path, "checkpoint: a llama2.c .bin or a GGUF file")->required();
  app.add_option("--tokenizer", tokenizer_path,
                 "tokenizer.model or tokenizer.bin; by default looked for beside the model");
  auto* const prompt_option = app.add_option("--prompt", prompt, "text to continue");
  app.add_option("--prompt-file", prompt_file, "read the text to continue from this file")
      ->excludes(prompt_option);
  app.add_flag("--no-echo", no_echo, "print the continuation only, not the prompt");
  app.add_option("--max-tokens", options.max_tokens, "most tokens to produce")
      ->capture_default_str()
      ->check(examples::whole_number);
  app.add_option("--temperature", options.temperature, "0 takes the likeliest token each time")
      ->capture_default_str();
  app.add_option("--top-k", options.top_k, "sample among the k likeliest tokens; 0: all")
      ->capture_default_str()
      ->check(examples::whole_number);
  app.add_option("--top-p", options.top_p,
                 "sample among the likeliest tokens that have this probability together")
      ->capture_default_str();
  app.add_option("--min-p", options.min_p,
                 "sample among tokens with at least this share of the likeliest's probability")
      ->capture_default_str();
  app.add_option("--repetition-penalty", options.repetition_penalty,
                 "above 1 makes recent tokens less likely")
      ->capture_default_str();
  auto* const seed_option = app.add_option(
      "--seed", options.seed, "same seed, same text; by default another one each time");
  seed_option->check(examples::whole_number);
  app.add_option("--threads", load_options.threads, "0: one per processor")
      ->capture_default_str()
      ->check(examples::whole_number);
  app.add_option("--context", context, "most tokens of the whole text; 0: the model's own")
      ->capture_default_str()
      ->check(examples::whole_number);
  examples::add_rope_options(app, load_options.rope_scaling);
  examples::add_weights_option(app, weights);
  examples::add_target_options(app, target);

  return examples::run(app, argc, argv, [&] {
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    options.sampling().validate();
    load_options.target = examples::target_named(target);
    if (!prompt_file.empty()) prompt = examples::read_text(prompt_file);
    if (seed_option->count() == 0)
      options.seed =
          static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());

    const llama2::AnyModel model = examples::load_model(model_path, weights, load_options);
    const llama2::Tokenizer tokenizer = llama2::load_tokenizer(
        examples::find_tokenizer(tokenizer_path, model_path, model.shape().vocab));
    llama2::AnySession session = model.session(tokenizer, context);
    const std::chrono::duration<double> load_seconds = Clock::now() - start;

    examples::catch_interrupt();  // ends the text cleanly
    if (!no_echo) std::cout << prompt << std::flush;
    const auto result = session.generate(prompt, options, [](std::string_view text) {
      std::cout << text << std::flush;
      return !examples::interrupted && std::cout.good();
    });
    if (::isatty(STDOUT_FILENO) != 0) std::cout << '\n';

    char line[320];
    std::snprintf(
        line, sizeof line,
        "%s on %s: loaded in %.2f s; prompt %zu tokens, %.1f tokens/s; produced %zu tokens, "
        "%.1f tokens/s; ended by: %s (seed %llu)\n",
        model.name().c_str(), model.target().name().c_str(), load_seconds.count(),
        result.prompt_tokens, per_second(result.prompt_tokens, result.prompt_seconds),
        result.tokens, per_second(result.tokens, result.seconds),
        examples::interrupted ? "interrupt" : std::string(to_string(result.reason)).c_str(),
        static_cast<unsigned long long>(options.seed));
    std::cerr << line;
  });
}
