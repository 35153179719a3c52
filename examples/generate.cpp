// Continues a text: the text goes to standard output, rates to standard error.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <iostream>
#include <stop_token>
#include <string>
#include <string_view>

#include "common.hpp"
#include "interrupt.hpp"
#include "model_options.hpp"

namespace {

double per_second(std::size_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Continues a text with a Llama 2 model."};
  std::string prompt, prompt_file, save, load;
  std::size_t sinks = 0;
  bool no_echo = false;
  llama2::GenerateOptions options{.temperature = 0.8f, .top_p = 0.95f};
  examples::ModelOptions model_options(app, "the whole text");
  auto* const prompt_option = app.add_option("--prompt", prompt, "text to continue");
  app.add_option("--prompt-file", prompt_file, "read the text to continue from this file")
      ->excludes(prompt_option);
  app.add_flag("--no-echo", no_echo, "print the continuation only, not the prompt");
  examples::SamplingOptions sampling(app, options);
  auto* const sinks_option =
      app.add_option("--sinks", sinks,
                     "go on where the context is full: forget the older half of the text, but for "
                     "so many first tokens; by default the text ends there");
  sinks_option->check(examples::whole_number);
  app.add_option("--save", save,
                 "write the text and the keys and values of its past to this file at the end");
  app.add_option("--load", load,
                 "go on with a text that --save wrote, which need not be evaluated again; a prompt "
                 "is added to it");

  return examples::run(app, argc, argv, [&] {
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    sampling.finish();
    if (sinks_option->count() != 0) options.sinks = sinks;
    if (!prompt_file.empty()) prompt = examples::read_text(prompt_file);

    const llama2::AnyModel model = model_options.load_model();
    llama2::AnySession session =
        model.session(model_options.load_tokenizer(model), model_options.context());
    if (!load.empty()) session.load(load);
    const std::chrono::duration<double> load_seconds = Clock::now() - start;

    examples::catch_interrupt();  // ends the text cleanly
    const std::stop_source cancel;
    const examples::OnInterrupt on_interrupt(cancel);
    options.cancel = cancel.get_token();
    if (!no_echo) std::cout << prompt << std::flush;
    const auto result = session.generate(prompt, options, [](std::string_view text) {
      std::cout << text << std::flush;
      return std::cout.good();
    });
    if (::isatty(STDOUT_FILENO) != 0) std::cout << '\n';
    if (!save.empty()) session.save(save);

    char line[320];
    std::snprintf(
        line, sizeof line,
        "%s on %s: loaded in %.2f s; prompt %zu tokens, %.1f tokens/s; produced %zu tokens, "
        "%.1f tokens/s; ended by: %s (seed %llu)\n",
        model.name().c_str(), model.target().name().c_str(), load_seconds.count(),
        result.prompt_tokens, per_second(result.prompt_tokens, result.prompt_seconds),
        result.tokens, per_second(result.tokens, result.seconds),
        result.reason == llama2::StopReason::cancelled
            ? "interrupt"
            : std::string(to_string(result.reason)).c_str(),
        static_cast<unsigned long long>(options.seed));
    std::cerr << line;
  });
}
