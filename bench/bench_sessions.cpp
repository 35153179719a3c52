// Many texts at once, many continuations of one, and what choosing a token costs: on TinyLlama 1.1B
// in Q4_0 with generated weights.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "limits.hpp"
#include "llama2/base/random.hpp"
#include "llama2/base/type_name.hpp"
#include "llama2/format/quantised.hpp"
#include "llama2/generate/batch.hpp"
#include "llama2/generate/sampler.hpp"
#include "llama2/generate/score.hpp"
#include "llama2/model/random_model.hpp"
#include "llama2/shape/shapes.hpp"
#include "suite.hpp"

namespace {

using namespace llama2;
using bench::set_rate;

/// The generated model with the threads and kernels of `compute`; its weights are made once.
template <class M>
M model_for(const Compute& compute) {
  static const M weights = make_random_model<M>(1, std::make_shared<ThreadPool>());
  return M(weights.weights(), std::make_shared<M>(weights), weights.config(), compute.executor,
           compute.target);
}

std::vector<Token> some_tokens(std::size_t count, std::size_t vocab, std::size_t seed) {
  std::vector<Token> tokens(count);
  for (std::size_t i = 0; i < count; ++i)
    tokens[i] = static_cast<Token>(mix_bits(1000 * seed + i) % vocab);
  return tokens;
}

/// A prompt of some tokens in passes as long as can be: what a batch is compared to.
template <class M>
void prompt(benchmark::State& state, const Compute& compute, std::size_t tokens) {
  const M model = model_for<M>(compute);
  typename M::Sequence sequence(std::make_shared<typename M::Pool>(tokens), tokens);
  Workspace<typename M::Shape> workspace;
  AlignedBuffer<float> logits(M::Shape::vocab);
  std::vector<typename M::Row> rows;
  for (const Token token : some_tokens(tokens, M::Shape::vocab, 1))
    rows.push_back({token, rows.size(), &sequence, rows.size() + 1 == tokens});
  const auto seconds = bench::measure(state, [&] {
    sequence.truncate(0);
    model.forward(rows, workspace, {logits.data(), logits.size()});
  });
  set_rate(state, "tokens_per_second", static_cast<double>(tokens), seconds);
}

/// Steps of a batch of `texts` texts after 128 tokens each, sampled as chat models are.
template <class M>
void batch(benchmark::State& state, const Compute& compute, std::size_t texts) {
  constexpr std::size_t past = 128, vocab = M::Shape::vocab;
  constexpr std::size_t context = past + 512;  // where a text that comes so far loses its middle
  Vocabulary vocabulary;
  vocabulary.pieces.push_back({.text = "<unk>", .type = PieceType::unknown});
  for (const char* control : {"<s>", "</s>"})
    vocabulary.pieces.push_back({.text = control, .type = PieceType::control});
  for (int byte = 0; byte < 256; ++byte)
    vocabulary.pieces.push_back(
        {.text = byte_piece(static_cast<std::uint8_t>(byte)), .type = PieceType::byte});
  const Tokenizer tokenizer = Tokenizer::from_vocabulary(std::move(vocabulary));
  constexpr float never = -std::numeric_limits<float>::infinity();
  const GenerateOptions options{.max_tokens = std::numeric_limits<std::size_t>::max(),
                                .temperature = 0.6f,
                                .top_p = 0.9f,
                                .logit_bias = {{tokenizer.bos(), never}, {tokenizer.eos(), never}},
                                .sinks = 4};
  const std::size_t pages = ceil_div(context, kv_page_positions) * kv_page_positions;
  Batch<M> running(model_for<M>(compute), tokenizer,
                   std::make_shared<typename M::Pool>(texts * pages));
  std::size_t reading = texts;  // have not yet produced a token
  for (std::size_t i = 0; i < texts; ++i) {
    GenerateOptions own = options;
    own.seed = i;
    own.on_token = [&reading, first = true](Token, std::span<const float>) mutable {
      reading -= std::exchange(first, false) ? 1 : 0;
    };
    running.add(some_tokens(past, vocab, i), context, own, [](std::string_view) { return true; });
  }
  while (reading > 0) running.step();  // until every prompt has been evaluated
  for (std::size_t waited = 0; waited < 2; ++waited) running.step();
  const auto seconds = bench::measure(state, [&] { running.step(); });
  set_rate(state, "tokens_per_second", static_cast<double>(texts), seconds);
}

constexpr std::size_t prefix_tokens = 512, continuation_tokens = 32;

/// `count` continuations of a prefix, scored together, or `count` times one alone.
template <class M>
void continuations(benchmark::State& state, const Compute& compute, std::size_t count,
                   bool together) {
  const M model = model_for<M>(compute);
  const auto prefix = some_tokens(prefix_tokens, M::Shape::vocab, 1);
  std::vector<std::vector<Token>> texts;
  for (std::size_t i = 0; i < (together ? count : 1); ++i)
    texts.push_back(some_tokens(continuation_tokens, M::Shape::vocab, 2 + i));
  const auto seconds = bench::measure(
      state, [&] { benchmark::DoNotOptimize(log_probabilities(model, prefix, texts)); });
  state.counters["seconds_for_all"] =
      seconds.best * static_cast<double>(together ? 1 : count);  // each alone takes as long
}

/// Choosing a token among as many as Llama 2 has, of logits as the generated model gives them.
void sample(benchmark::State& state, const GenerateOptions& options) {
  constexpr std::size_t vocab = TinyLlama_1_1B::vocab;
  std::vector<float> logits(vocab);
  Random random(3);
  for (float& logit : logits) {  // normal, of variance 1
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += random.uniform();
    logit = static_cast<float>(sum);
  }
  const auto recent = some_tokens(128, vocab, 1);
  Sampler sampler(vocab);
  const SamplingOptions sampling = options.sampling();
  bench::measure(state,
                 [&] { benchmark::DoNotOptimize(sampler.sample(logits, recent, sampling)); });
}

template <class M>
void register_model() {
  const std::string name = type_name<typename M::Shape>() + "/" + std::string(M::Weights::name);
  for (const Target target : Target::all())
    for (const std::size_t threads : bench::thread_counts()) {
      const auto add = [&](const char* what, const std::string& rest, auto f) {
        bench::add(what, target, name + "/" + rest, threads, f);
      };
      for (const std::size_t texts : {1u, 2u, 4u, 8u, 16u, 32u, 64u})
        add("Batch", "sequences:" + std::to_string(texts),
            [=](benchmark::State& state, const Compute& compute) {
              batch<M>(state, compute, texts);
            });
      add("Batch", "prompt:512",
          [](benchmark::State& state, const Compute& compute) { prompt<M>(state, compute, 512); });
      for (const bool together : {true, false})
        add("Continuations", std::string("64x32/prefix:512/") + (together ? "together" : "alone"),
            [=](benchmark::State& state, const Compute& compute) {
              continuations<M>(state, compute, 64, together);
            });
    }
}

void register_samplers() {
  const auto add = [](const char* name, const GenerateOptions& options) {
    bench::add("Sample", Target(), name, 1,
               [=](benchmark::State& state, const Compute&) { sample(state, options); });
  };
  add("greedy", {.temperature = 0});
  add("temperature", {.temperature = 0.8f});
  add("top_k", {.temperature = 0.8f, .top_k = 40});
  add("top_p", {.temperature = 0.6f, .top_p = 0.9f});
  add("min_p", {.temperature = 0.8f, .min_p = 0.05f});
  add("typical", {.temperature = 0.8f, .typical_p = 0.9f});
  add("mirostat", {.temperature = 0.8f, .mirostat_tau = 5});
  add("penalties", {.temperature = 0, .repetition_penalty = 1.1f, .presence_penalty = 0.1f});
  add("together", {.temperature = 0.8f,
                   .top_k = 20000,
                   .top_p = 0.9f,
                   .min_p = 0.05f,
                   .typical_p = 0.9f,
                   .repetition_penalty = 1.1f,
                   .presence_penalty = 0.1f});
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run(argc, argv, [](const std::string&) {
    register_model<Model<TinyLlama_1_1B, Q4_0>>();
    register_samplers();
  });
}
