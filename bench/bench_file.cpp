// Tokens per second of a model file, with the options and the output of llama.cpp's `llama-bench`,
// so that bench/compare.sh can treat both alike.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstddef>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "../examples/common.hpp"
#include "../examples/models.hpp"
#include "../examples/target_options.hpp"
#include "llama2/io/load_tokenizer.hpp"

namespace {

using llama2::Token;

/// Tokens of which the model's answer does not matter.
std::vector<Token> some_tokens(std::size_t n, std::size_t vocab) {
  std::vector<Token> tokens(n);
  for (std::size_t i = 0; i < n; ++i) tokens[i] = static_cast<Token>((i * 7 + 1) % vocab);
  return tokens;
}

/// A new text of `tokens`, given `at_once` at a time with the logits of each last; tokens per
/// second.
double rate(llama2::AnySession& session, const std::vector<Token>& tokens, std::size_t at_once) {
  session.reset();
  const auto start = std::chrono::steady_clock::now();
  const std::span<const Token> all(tokens);
  for (std::size_t i = 0; i < all.size(); i += at_once) {
    session.append(all.subspan(i, std::min(at_once, all.size() - i)));
    session.logits();
  }
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  return static_cast<double>(tokens.size()) / taken.count();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Measures how fast a model file takes a prompt and produces tokens."};
  std::string model_path, tokenizer_path, target, output = "json";
  std::size_t prompt = 512, generate = 128, repetitions = 5;
  llama2::LoadOptions options;
  app.add_option("-m,--model", model_path, "checkpoint: a GGUF file or a llama2.c .bin")
      ->required();
  app.add_option("--tokenizer", tokenizer_path,
                 "by default looked for in the model's file and beside it");
  app.add_option("-p,--n-prompt", prompt, "tokens of the prompt; 0: no prompt")
      ->capture_default_str()
      ->check(examples::whole_number);
  app.add_option("-n,--n-gen", generate, "tokens, one after the other, of a new text; 0: none")
      ->capture_default_str()
      ->check(examples::whole_number);
  app.add_option("-t,--threads", options.threads, "0: one per processor")
      ->capture_default_str()
      ->check(examples::whole_number);
  app.add_option("-r,--repetitions", repetitions, "how often to measure each, after a trial")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("-o,--output", output, "the only format")->check(CLI::IsMember({"json"}));
  examples::add_target_options(app, target);

  return examples::run(app, argc, argv, [&] {
    options.target = examples::target_named(target);
    const llama2::AnyModel model = examples::load_model(model_path, {}, options);
    const std::size_t vocab = model.shape().vocab;
    auto session = model.session(
        llama2::load_tokenizer(examples::find_tokenizer(tokenizer_path, model_path, vocab)),
        std::max({prompt, generate, std::size_t{1}}));
    auto results = nlohmann::ordered_json::array();
    const auto measure = [&](std::size_t n_prompt, std::size_t n_gen) {
      if (n_prompt + n_gen == 0) return;
      const auto tokens = some_tokens(n_prompt + n_gen, vocab);
      const std::size_t at_once = n_gen != 0 ? 1 : n_prompt;
      rate(session, tokens, at_once);
      std::vector<double> rates;
      double total = 0;
      for (std::size_t i = 0; i < repetitions; ++i)
        total += rates.emplace_back(rate(session, tokens, at_once));
      results.push_back({{"model_filename", model_path},
                         {"model_type", model.name()},
                         {"n_threads", options.threads},
                         {"n_prompt", n_prompt},
                         {"n_gen", n_gen},
                         {"avg_ts", total / static_cast<double>(repetitions)},
                         {"samples_ts", rates}});
    };
    measure(prompt, 0);
    measure(0, generate);
    std::cout << results.dump(2) << '\n';
  });
}
