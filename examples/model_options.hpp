// Which model, which tokenizer, and how tokens are chosen: the command line of programs that run a
// model.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "common.hpp"
#include "llama2/generate/continuation.hpp"
#include "llama2/io/load_tokenizer.hpp"
#include "models.hpp"
#include "rope_options.hpp"
#include "target_options.hpp"

namespace examples {

/// `MODEL` and the options that say how it is brought into memory.
class ModelOptions {
 public:
  /// `text`: what --context bounds, such as "the dialogue".
  ModelOptions(CLI::App& app, const std::string& text) {
    app.add_option("MODEL", model_, "checkpoint: a llama2.c .bin or a GGUF file")->required();
    app.add_option("--tokenizer", tokenizer_,
                   "tokenizer.model or tokenizer.bin; by default looked for beside the model");
    app.add_option("--threads", load_.threads, "0: one per processor")
        ->capture_default_str()
        ->check(whole_number);
    app.add_option("--context", context_, "most tokens of " + text + "; 0: the model's own")
        ->capture_default_str()
        ->check(whole_number);
    add_rope_options(app, load_.rope_scaling);
    add_weights_option(app, weights_);
    add_target_options(app, target_);
  }
  ModelOptions(const ModelOptions&) = delete;  // the command line writes into this object
  ModelOptions& operator=(const ModelOptions&) = delete;

  /// Tokens asked for; 0: the model's own context.
  [[nodiscard]] std::size_t context() const noexcept { return context_; }

  /// Loads the model. To be called once.
  [[nodiscard]] llama2::AnyModel load_model() {
    load_.target = target_named(target_);
    return examples::load_model(model_, weights_, load_);
  }

  /// The tokenizer that goes with it.
  [[nodiscard]] llama2::Tokenizer load_tokenizer(const llama2::AnyModel& model) const {
    return llama2::load_tokenizer(find_tokenizer(tokenizer_, model_, model.shape().vocab));
  }

 private:
  std::string model_, tokenizer_, weights_, target_;
  std::size_t context_ = 0;
  llama2::LoadOptions load_;
};

/// How tokens are chosen, and how many.
class SamplingOptions {
 public:
  /// The options of `generate` are the defaults.
  SamplingOptions(CLI::App& app, llama2::GenerateOptions& generate) : generate_(generate) {
    const auto number = [&](const char* name, float& value, const char* help) {
      app.add_option(name, value, help)->capture_default_str();
    };
    app.add_option("--max-tokens", generate.max_tokens, "most tokens to produce")
        ->capture_default_str()
        ->check(whole_number);
    number("--temperature", generate.temperature, "0 takes the likeliest token each time");
    app.add_option("--top-k", generate.top_k, "sample among the k likeliest tokens; 0: all")
        ->capture_default_str()
        ->check(whole_number);
    number("--top-p", generate.top_p,
           "sample among the likeliest tokens that have this probability together");
    number("--min-p", generate.min_p,
           "sample among tokens with at least this share of the likeliest's probability");
    number("--typical-p", generate.typical_p,
           "sample among the tokens of this probability that surprise as much as the average");
    number("--mirostat-tau", generate.mirostat_tau,
           "above 0: keep the surprise near so many bits, in place of the four above");
    number("--mirostat-eta", generate.mirostat_eta, "how quickly that is learnt");
    number("--repetition-penalty", generate.repetition_penalty,
           "above 1 makes recent tokens less likely");
    number("--presence-penalty", generate.presence_penalty,
           "taken from the logits of recent tokens");
    number("--frequency-penalty", generate.frequency_penalty,
           "the same for each time that they came");
    app.add_option("--stop", generate.stop, "strings before which the text ends");
    seed_ = app.add_option("--seed", generate.seed,
                           "same seed, same text; by default another one each time");
    seed_->check(whole_number);
  }
  SamplingOptions(const SamplingOptions&) = delete;
  SamplingOptions& operator=(const SamplingOptions&) = delete;

  /// Throws `invalid_argument` for what is out of range, and draws a seed where none was given. To
  /// be called once.
  void finish() {
    generate_.sampling().validate();
    if (seed_->count() == 0)
      generate_.seed =
          static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  }

 private:
  llama2::GenerateOptions& generate_;
  CLI::Option* seed_;
};

}  // namespace examples
