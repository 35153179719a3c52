// How likely a model finds a text: one line of JSON per token, and a summary.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstddef>
#include <iostream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <vector>

#include "common.hpp"
#include "model_options.hpp"

int main(int argc, char** argv) {
  CLI::App app{
      "Prints the log-probability (in nats) that a model gives each token of a text, as JSON "
      "lines, and last the number of tokens, the sum and the perplexity."};
  std::string text_file;
  bool bos = false;
  examples::ModelOptions model_options(app, "the text");
  app.add_option("--text-file", text_file, "the text, taken exactly as it is")->required();
  app.add_flag("--bos", bos, "put the beginning-of-sequence token first");

  return examples::run(app, argc, argv, [&] {
    const std::string text = examples::read_text(text_file);
    const llama2::AnyModel model = model_options.load_model();
    const llama2::Tokenizer tokenizer = model_options.load_tokenizer(model);
    const std::vector<llama2::Token> tokens = tokenizer.encode(text, {.bos = bos});
    const std::size_t most =
        model_options.context() != 0 ? model_options.context() : model.config().context;
    if (tokens.size() > most)
      throw llama2::Error(llama2::ErrorCode::context_exhausted,
                          "the text is longer than the context; --context N scores beyond "
                          "what the model was trained on",
                          {.file = text_file,
                           .expected = "at most " + std::to_string(most) + " tokens",
                           .found = std::to_string(tokens.size())});
    if (tokens.size() < 2)
      throw llama2::Error(llama2::ErrorCode::invalid_argument,
                          "the text has fewer than two tokens: nothing to predict",
                          {.file = text_file});
    const std::vector<double> log_probs = model.log_probabilities(tokens);
    using Line = nlohmann::ordered_json;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      Line line{{"id", tokens[i]}, {"piece", tokenizer.piece(tokens[i])}};
      if (i > 0) line["log_prob"] = log_probs[i - 1];
      std::cout << line << '\n';
    }
    const double nll = -std::accumulate(log_probs.begin(), log_probs.end(), 0.0);
    std::cout << Line{{"tokens", tokens.size()},
                      {"nll", nll},
                      {"perplexity", std::exp(nll / static_cast<double>(log_probs.size()))}}
              << '\n';
  });
}
