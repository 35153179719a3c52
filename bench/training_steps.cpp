#include "training_steps.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "limits.hpp"
#include "llama2/base/random.hpp"
#include "llama2/shape/shapes.hpp"
#include "llama2/train/adamw.hpp"
#include "llama2/train/initialise.hpp"
#include "llama2/train/language_model.hpp"
#include "suite.hpp"

namespace bench {

namespace {

using namespace llama2;

struct Small {
  static constexpr std::size_t dim = 288, hidden_dim = 768, layers = 6, heads = 6, kv_heads = 6,
                               vocab = 4096, context = 256;
};
struct Medium {
  static constexpr std::size_t dim = 512, hidden_dim = 1376, layers = 8, heads = 8, kv_heads = 8,
                               vocab = 4096, context = 512;
};

/// A model in training and a batch of random tokens.
template <class S>
struct Training {
  Training(const Compute& compute, std::size_t rows)
      : tokens(random_tokens(rows * S::context, 1)),
        targets(random_tokens(rows * S::context, 2)),
        model(fresh(compute), ModelConfig::of<S>(), S::context, compute.executor),
        optimiser(model.tensors(), {}, compute.executor) {
    for (std::size_t r = 0; r < rows; ++r)
      texts.push_back(std::span<const Token>(tokens).subspan(r * S::context, S::context));
    batch = {.texts = texts, .targets = targets};
  }

  static std::vector<Token> random_tokens(std::size_t count, std::uint64_t seed) {
    std::vector<Token> tokens(count);
    Random random(seed);
    for (Token& token : tokens) token = static_cast<Token>(random() % S::vocab);
    return tokens;
  }
  static ParameterStorage<S> fresh(const Compute& compute) {
    ParameterStorage<S> weights;
    initialise(weights, 1, compute.executor);
    return weights;
  }

  void step() {
    optimiser.step(1e-5, 1.0 / static_cast<double>(tokens.size()));
    model.values_changed();
  }

  std::vector<Token> tokens, targets;
  std::vector<std::span<const Token>> texts;
  TokenBatch batch;
  LanguageModel<S> model;
  AdamW optimiser;
};

/// Measures f(training) beside multiply-adds on registers; `share` of a step's are its own.
template <class S, class F>
void add_part(const char* part, Target target, const std::string& shape, std::size_t rows,
              double share, F f) {
  const std::string name = shape + "/" + extents(rows, S::context);
  for (const std::size_t threads : thread_counts())
    add_kernel("Train" + std::string(part), target, name, threads,
               [=](benchmark::State& state, const Compute& compute) {
                 const auto training = std::make_unique<Training<S>>(compute, rows);
                 const auto tokens = static_cast<double>(training->tokens.size());
                 const auto call = [&] { f(*training); };
                 const Samples seconds =
                     share == 0
                         ? measure(state, call)
                         : measure(state, share * training->model.multiply_adds(training->batch),
                                   product_limit(compute, &LimitLoops::floats), call);
                 set_rate(state, "tokens_per_second", tokens, seconds);
               });
}

template <class S>
void add_shape(Target target, const std::string& name, std::size_t rows) {
  const auto add = [&](const char* part, double share, auto f) {
    add_part<S>(part, target, name, rows, share, f);
  };
  add("Forward", 1.0 / 3, [](Training<S>& t) { t.model.loss(t.batch); });
  add("Gradients", 1, [](Training<S>& t) { t.model.add_gradients(t.batch); });
  add("Optimiser", 0, [](Training<S>& t) { t.step(); });
  add("Step", 1, [](Training<S>& t) {
    t.model.add_gradients(t.batch);
    t.step();
  });
}

}  // namespace

void register_training_steps(Target target) {
  add_shape<Stories260K>(target, "tiny", 8);
  add_shape<Small>(target, "small", 16);
  add_shape<Medium>(target, "medium", 4);
}

}  // namespace bench
