// Gradients of whole models: against PyTorch, against differences in double, and against
// themselves.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "bin_writer.hpp"
#include "catch.hpp"
#include "error_of.hpp"
#include "golden.hpp"
#include "llama2/base/random.hpp"
#include "llama2/generate/hidden_state.hpp"
#include "llama2/generate/score.hpp"
#include "llama2/io/llama2c.hpp"
#include "llama2/io/llama2c_writer.hpp"
#include "llama2/parallel/thread_pool.hpp"
#include "llama2/train/gradient_pass.hpp"
#include "llama2/train/initialise.hpp"
#include "llama2/train/language_model.hpp"
#include "llama2/train/live_model.hpp"
#include "reference_model.hpp"
#include "temp_file.hpp"
#include "tiny_shapes.hpp"

namespace {

using namespace llama2;

struct GoldenGrouped {
  static constexpr std::size_t dim = 16, hidden_dim = 20, layers = 2, heads = 4, kv_heads = 2,
                               vocab = 24, context = 128;
  static constexpr bool tied_head = true;
};

struct GoldenPlain {
  static constexpr std::size_t dim = 20, hidden_dim = 12, layers = 2, heads = 2, kv_heads = 2,
                               vocab = 19, context = 128;
};

/// The other two ways to combine attention and head.
struct GroupedUntied : TinyGrouped {
  static constexpr bool tied_head = false;
};
struct PlainTied : TinyPlain {
  static constexpr bool tied_head = true;
};

template <class S>
ParameterStorage<S> random_parameters(std::uint64_t seed) {
  return copy_parameters(make_random_model<Model<S, F32>>(seed));
}

template <class S>
LiveModel<S> live(const ParameterStorage<S>& parameters, SharedExecutor executor = {}) {
  return LiveModel<S>(parameters, ModelConfig::of<S>(), std::move(executor));
}

/// Of enough weights for their statistics.
struct Wider : TinyPlain {
  static constexpr std::size_t dim = 64, hidden_dim = 200;
};

using Texts = std::vector<std::vector<Token>>;  // each a token longer than what is fed

template <class S>
Texts some_texts(const std::vector<std::size_t>& lengths) {
  Texts texts;
  for (const std::size_t length : lengths) {
    auto& text = texts.emplace_back();
    for (std::size_t i = 0; i <= length; ++i)
      text.push_back(static_cast<Token>((7 * i * i + 3 * i + 1 + texts.size()) % S::vocab));
  }
  return texts;
}

std::vector<std::span<const Token>> inputs_of(const Texts& texts) {
  std::vector<std::span<const Token>> inputs;
  for (const auto& text : texts) inputs.push_back(std::span(text).first(text.size() - 1));
  return inputs;
}

std::vector<Token> targets_of(const Texts& texts) {
  std::vector<Token> targets;
  for (const auto& text : texts) targets.insert(targets.end(), text.begin() + 1, text.end());
  return targets;
}

/// Weights of the rows of all texts together, none of them equal.
float weight_of(std::size_t row) {
  return 0.1f + static_cast<float>(row % 17) / 8;
}

struct Result {
  std::vector<float> gradient;
  std::vector<float> logits;  // (rows, vocab)
  std::vector<double> log_probs;
  double loss = 0;
};

template <class S, Recording R = Recording::everything>
Result gradient_of(const Model<S, F32>& model, const ParameterStorage<S>& parameters,
                   const Texts& texts, std::span<const float> weights = {}) {
  const auto inputs = inputs_of(texts);
  auto targets = targets_of(texts);
  std::vector<float> all_logits(targets.size() * S::vocab);
  std::vector<double> log_probs(targets.size());
  GradientPass<S, R> pass(model, parameters, targets.size());
  ParameterStorage<S> gradient;
  pass.forward(inputs);
  pass.add_cross_entropy(
      targets,
      [&](std::size_t row, std::span<const float> logits) {
        std::ranges::copy(logits, &all_logits[row * S::vocab]);
        log_probs[row] = log_probability(logits, targets[row]);
        return weights.empty() ? weight_of(row) : weights[row];
      },
      gradient);
  pass.backward(gradient);
  Result result{{gradient.flat().begin(), gradient.flat().end()}, all_logits, log_probs, 0};
  for (std::size_t t = 0; t < targets.size(); ++t)
    result.loss -= static_cast<double>(weights.empty() ? weight_of(t) : weights[t]) * log_probs[t];
  return result;
}

/// The same loss in double, by the kernels' plain twins.
template <class S>
double reference_loss(const Model<S, F32>& model, const Texts& texts) {
  double loss = 0;
  std::size_t row = 0;
  for (const auto& text : texts) {
    const auto inputs = std::span(text).first(text.size() - 1);
    const ReferencePass pass = reference_pass(model, inputs);
    for (std::size_t t = 0; t < inputs.size(); ++t, ++row) {
      const double* const logits = &pass.logits[t * S::vocab];
      double sum = 0;
      for (std::size_t i = 0; i < S::vocab; ++i) sum += std::exp(logits[i]);
      loss += static_cast<double>(weight_of(row)) *
              (std::log(sum) - logits[static_cast<std::size_t>(text[t + 1])]);
    }
  }
  return loss;
}

}  // namespace

TEMPLATE_TEST_CASE("logits, losses and all gradients are PyTorch's", "", GoldenGrouped,
                   GoldenPlain) {
  using S = TestType;
  std::ifstream file(std::string(LLAMA2_SOURCE_DIR) + "/tests/golden/gradients.json");
  const auto golden = nlohmann::json::parse(file).at(tied_head<S> ? "grouped" : "plain");
  const auto parameters = random_parameters<S>(golden.at("seed").template get<std::uint64_t>());
  const LiveModel<S> model = live(parameters);
  Texts texts;
  std::vector<float> weights;
  std::vector<double> log_probs;
  std::vector<std::size_t> last_rows;
  for (const auto& text : golden.at("texts")) {
    texts.push_back(text.at("ids").template get<std::vector<Token>>());
    for (const float weight : text.at("weights")) weights.push_back(weight);
    for (const double log_prob : text.at("log_probs")) log_probs.push_back(log_prob);
    last_rows.push_back(weights.size() - 1);
  }
  const Result result = gradient_of(model.model(), parameters, texts, weights);
  CHECK(result.loss == Approx(golden.at("loss").template get<double>()).epsilon(1e-6));
  for (std::size_t t = 0; t < log_probs.size(); ++t)
    CHECK(result.log_probs[t] == Approx(log_probs[t]).epsilon(1e-5));
  for (std::size_t i = 0; i < texts.size(); ++i)
    CHECK(test::relative_error(
              std::span(result.logits).subspan(last_rows[i] * S::vocab, S::vocab),
              golden.at("texts")[i].at("last_logits").template get<std::vector<double>>()) < 1e-5);

  const auto& gradients = golden.at("gradients");
  ParameterStorage<S> gradient;
  std::ranges::copy(result.gradient, gradient.flat().begin());
  auto tensors = gradient.tensors();
  std::size_t i = 0;
  for_each_tensor(
      [&](TensorId id, const auto& tensor) {
        INFO(to_string(id));
        REQUIRE(i < gradients.size());
        // Sums of some hundred products in 32 bits, through two blocks: ten times the rounding of
        // one such sum, and a thousandth of what a forgotten term would change.
        CHECK(test::relative_rms_error(tensor.values(),
                                       gradients[i++].template get<std::vector<double>>()) < 5e-6);
      },
      tensors);
  CHECK(i == gradients.size());
}

TEMPLATE_TEST_CASE("gradients are differences of the loss in double", "", TinyGrouped, TinyPlain,
                   GroupedUntied, PlainTied) {
  using S = TestType;
  auto parameters = random_parameters<S>(31);
  LiveModel<S> model = live(parameters);
  const Texts texts = some_texts<S>({13, 1, 6});
  const Result result = gradient_of(model.model(), parameters, texts);
  CHECK(result.loss == Approx(reference_loss(model.model(), texts)).epsilon(1e-6));

  std::size_t begin = 0;
  auto tensors = parameters.tensors();
  for_each_tensor(
      [&](TensorId id, const auto& tensor) {
        const auto gradient = std::span(result.gradient).subspan(begin, tensor.size);
        begin += tensor.size;
        double squares = 0;
        for (const float g : gradient) squares += static_cast<double>(g) * static_cast<double>(g);
        const double scale = std::sqrt(squares / static_cast<double>(tensor.size));
        // The largest one and two others.
        const auto largest =
            std::ranges::max_element(gradient, {}, [](float g) { return std::abs(g); });
        for (const std::size_t at : {static_cast<std::size_t>(largest - gradient.begin()),
                                     tensor.size / 3, tensor.size - 1}) {
          INFO(to_string(id) << " " << at);
          float& weight = tensor.data[at];
          const float before = weight;
          const auto loss_at = [&](float step) {
            weight = before + step;
            model.refresh(parameters);
            return std::pair(reference_loss(model.model(), texts), weight);
          };
          // Central differences with two steps, of which the error of second order cancels.
          const auto slope = [&](float step) {
            const auto [above, up] = loss_at(step);
            const auto [below, down] = loss_at(-step);
            return (above - below) / (static_cast<double>(up) - static_cast<double>(down));
          };
          const double wide = slope(0.0078125f), narrow = slope(0.00390625f);
          weight = before;
          const double expected = (4 * narrow - wide) / 3;
          CHECK(std::abs(static_cast<double>(gradient[at]) - expected) <
                2e-5 * (scale + std::abs(expected)));
        }
      },
      tensors);
}

TEMPLATE_TEST_CASE("log-probabilities are inference's, bit for bit", "", TinyGrouped, TinyPlain) {
  using S = TestType;
  const auto parameters = random_parameters<S>(32);
  const LiveModel<S> model = live(parameters);
  const Texts texts = some_texts<S>({100, 1, 70});
  const Result result = gradient_of(model.model(), parameters, texts);
  std::vector<double> expected;
  for (const auto& text : texts) {
    const auto more = log_probabilities(make_random_model<Model<S, F32>>(32), text);
    expected.insert(expected.end(), more.begin(), more.end());
  }
  CHECK(result.log_probs == expected);
}

namespace {

/// So few multiply-adds are worth sharing that everything is.
SharedExecutor pool_of(std::size_t threads) {
  return {std::make_shared<ThreadPool>(threads), 1};
}

}  // namespace

TEMPLATE_TEST_CASE("threads and computing blocks again change no bit", "", TinyGrouped, TinyPlain) {
  using S = TestType;
  const auto parameters = random_parameters<S>(33);
  const Texts texts = some_texts<S>({90, 3, 70, 64, 1});
  const Result one = gradient_of(live(parameters).model(), parameters, texts);
  for (const std::size_t threads : {2u, 3u, 4u}) {
    const LiveModel<S> model = live(parameters, pool_of(threads));
    CHECK(gradient_of(model.model(), parameters, texts).gradient == one.gradient);
    CHECK(gradient_of<S, Recording::block_inputs>(model.model(), parameters, texts).gradient ==
          one.gradient);
  }
  CHECK(gradient_of<S, Recording::block_inputs>(live(parameters).model(), parameters, texts)
            .gradient == one.gradient);
}

TEST_CASE("a loss of the hidden states flows back through all blocks") {
  using S = TinyGrouped;
  const Texts texts = some_texts<S>({20, 5});
  const auto direction = [](std::size_t i) { return static_cast<double>(uniform_at(7, i)); };
  // A scalar head reads the last token of each text.
  const auto score = [&](const Model<S, F32>& model) {
    double sum = 0;
    for (const auto& text : texts) {
      const auto state = hidden_state(model, std::span(text).first(text.size() - 1), Pooling::last);
      for (std::size_t i = 0; i < S::dim; ++i) sum += direction(i) * static_cast<double>(state[i]);
    }
    return sum;
  };
  auto parameters = random_parameters<S>(34);
  LiveModel<S> model = live(parameters);
  GradientPass<S> pass(model.model(), parameters, 25);
  ParameterStorage<S> gradient;
  pass.forward(inputs_of(texts));
  CHECK(pass.rows() == 25);
  double found = 0;
  for (const std::size_t row : {19u, 24u})
    for (std::size_t i = 0; i < S::dim; ++i) {
      found += direction(i) * static_cast<double>(pass.hidden()[row * S::dim + i]);
      pass.hidden_gradient()[row * S::dim + i] += static_cast<float>(direction(i));
    }
  CHECK(found == score(model.model()));
  pass.backward(gradient);

  // Along the gradient itself the score grows by its squared length.
  const std::vector<float> before(parameters.flat().begin(), parameters.flat().end());
  double squares = 0;
  for (const float g : gradient.flat()) squares += static_cast<double>(g) * static_cast<double>(g);
  const double step = 1e-3 / std::sqrt(squares);
  const auto score_at = [&](double distance) {
    for (std::size_t i = 0; i < before.size(); ++i)
      parameters.flat()[i] = before[i] + static_cast<float>(distance) * gradient.flat()[i];
    model.refresh(parameters);
    return score(model.model());
  };
  // In floats: the step is as large as their rounding and the curvature together allow.
  CHECK((score_at(step) - score_at(-step)) / (2 * step) == Approx(squares).epsilon(2e-3));
}

TEST_CASE("a pass refuses what it has no room for") {
  using S = TinyGrouped;
  const auto parameters = random_parameters<S>(35);
  const LiveModel<S> model = live(parameters);
  GradientPass<S> pass(model.model(), parameters, 8);
  const auto refused = [&](const Texts& texts) {
    return test::error_of([&] { pass.forward(inputs_of(texts)); }).value().code() ==
           ErrorCode::invalid_argument;
  };
  CHECK(refused(some_texts<S>({9})));
  CHECK(refused(some_texts<S>({4, 5})));
  CHECK(refused({{0}}));
  CHECK(refused({{40, 0}}));
  ParameterStorage<S> gradient;
  const auto refused_targets = [&](const std::vector<Token>& targets) {
    pass.forward(inputs_of({{1, 2, 3}}));
    return test::error_of([&] {
             pass.add_cross_entropy(
                 targets, [](std::size_t, std::span<const float>) { return 1.0f; }, gradient);
           })
               .value()
               .code() == ErrorCode::invalid_argument;
  };
  CHECK(refused_targets({1}));
  CHECK(refused_targets({1, 40}));
  CHECK(refused_targets({1, -2}));
  CHECK(std::ranges::count(gradient.flat(), 0.0f) == ParameterStorage<S>::size);
  pass.forward(inputs_of(some_texts<S>({1, 1, 1, 1, 1, 1, 1, 1})));  // a page each
  CHECK(pass.rows() == 8);
}

namespace {

/// Texts as a batch.
struct Batch {
  explicit Batch(Texts all)
      : texts(std::move(all)), inputs(inputs_of(texts)), targets(targets_of(texts)) {}
  Batch(const Batch&) = delete;  // inputs are views of the texts

  Texts texts;
  std::vector<std::span<const Token>> inputs;
  std::vector<Token> targets;
  std::vector<float> weights;

  operator TokenBatch() const { return {inputs, targets, weights}; }
};

template <class L>
std::vector<float> gradients_of(const L& model) {
  std::vector<float> all;
  for (const TrainedTensor& tensor : model.tensors())
    all.insert(all.end(), tensor.gradient.begin(), tensor.gradient.end());
  return all;
}

template <class S, Recording R = Recording::everything>
std::pair<std::vector<float>, double> batch_gradient(const Batch& batch, SharedExecutor executor,
                                                     std::size_t shards) {
  LanguageModel<S, R> model(random_parameters<S>(36), ModelConfig::of<S>(), 100,
                            std::move(executor), shards);
  const LossSum first = model.add_gradients(batch);
  const LossSum again = model.add_gradients(batch);  // accumulates
  CHECK(first.sum == again.sum);
  CHECK(model.loss(batch).sum == first.sum);
  CHECK(model.loss(batch).count == first.count);
  return {gradients_of(model), first.sum};
}

}  // namespace

TEST_CASE("a batch in shards has the same bits for any number of threads") {
  using S = TinyGrouped;
  const Texts texts = some_texts<S>({40, 3, 70, 64, 1, 33, 12, 50, 9, 80});
  const Batch batch(texts);
  for (const std::size_t shards : {1u, 3u, 4u, 16u}) {
    const auto one = batch_gradient<S>(batch, {}, shards);
    for (const std::size_t threads : {2u, 4u})
      CHECK(batch_gradient<S>(batch, pool_of(threads), shards) == one);
    CHECK(batch_gradient<S, Recording::block_inputs>(batch, pool_of(2), shards) == one);
    // The cut changes the rounding of sums, and nothing else.
    const auto expected =
        gradient_of(live(random_parameters<S>(36)).model(), random_parameters<S>(36), texts,
                    std::vector<float>(362, 1.0f));
    CHECK(one.second == Approx(expected.loss).epsilon(1e-6));
    std::vector<double> twice;
    for (const float g : expected.gradient) twice.push_back(2.0 * static_cast<double>(g));
    CHECK(test::relative_rms_error(one.first, twice) < 1e-6);
  }
}

TEST_CASE("weights of losses, prompts and documents kept apart") {
  using S = TinyPlain;
  LanguageModel<S> model(random_parameters<S>(37), ModelConfig::of<S>(), 64);
  const auto reference = make_random_model<Model<S, F32>>(37);
  const std::vector<Token> row = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8};

  // The loss of a prompt does not count, and half a loss counts as half.
  Batch batch({row});
  batch.weights = {0, 0, 0, 1, 1, 1, 0.5f, 1, 1, 1, 1};
  const auto log_probs = log_probabilities(reference, row);
  double expected = 0;
  for (std::size_t i = 0; i < batch.weights.size(); ++i)
    expected -= static_cast<double>(batch.weights[i]) * log_probs[i];
  const LossSum loss = model.add_gradients(batch);
  CHECK(loss.sum == Approx(expected).epsilon(1e-6));
  CHECK(loss.count == 8);

  // Documents at 0, 4, 5 and 10 of 11 tokens, after which comes the 8: the second is a single
  // token and has nothing to predict, and neither has any other's last.
  const auto inputs = std::span(row).first(11);
  Batch apart({row});
  apart.inputs.clear();
  keep_documents_apart(inputs, std::vector<std::size_t>{0, 4, 5, 10}, apart.inputs, apart.targets);
  CHECK(apart.targets ==
        std::vector<Token>{1, 4, 1, no_target, no_target, 2, 6, 5, 3, no_target, 8});
  REQUIRE(apart.inputs.size() == 4);
  double sum = 0;
  for (const auto& [begin, size] : {std::pair<std::size_t, std::size_t>(0, 4), {5, 5}, {10, 2}})
    for (const double p : log_probabilities(reference, std::span(row).subspan(begin, size)))
      sum -= p;
  CHECK(model.loss(apart).sum == Approx(sum).epsilon(1e-6));
  CHECK(model.loss(apart).count == 8);

  const auto refused = [](const std::function<void()>& f) {
    return test::error_of(f).value().code() == ErrorCode::invalid_argument;
  };
  const auto refused_batch = [&](auto change) {
    Batch other({row});
    change(other);
    return refused([&] { model.add_gradients(other); }) && refused([&] { model.loss(other); });
  };
  const std::vector<Token> long_text(65, 1);
  CHECK(refused_batch([](Batch& b) { b.weights = {1, 2}; }));
  CHECK(refused_batch([](Batch& b) { b.targets.pop_back(); }));
  CHECK(refused_batch([](Batch& b) { b.targets[3] = 33; }));
  CHECK(refused_batch([](Batch& b) { b.inputs.emplace_back(); }));
  CHECK(refused_batch([&](Batch& b) {
    b.inputs = {long_text};
    b.targets = long_text;
  }));
  const auto refused_begins = [&](const std::vector<std::size_t>& begins, std::size_t targets) {
    return refused([&] {
      keep_documents_apart(inputs, begins, apart.inputs, std::span(apart.targets).first(targets));
    });
  };
  CHECK(refused_begins({5, 4}, 11));
  CHECK(refused_begins({12}, 11));
  CHECK(refused_begins({5}, 10));
}

TEST_CASE("a batch that fails leaves nothing behind for the next") {
  using S = TinyGrouped;
  LanguageModel<S> model(random_parameters<S>(38), ModelConfig::of<S>(), 16, pool_of(2), 4);
  const auto clear = [&] {
    for (const TrainedTensor& tensor : model.tensors()) std::ranges::fill(tensor.gradient, 0.0f);
  };
  const Texts good = some_texts<S>({10, 12, 16, 3}), bad = some_texts<S>({10, 12, 17, 3});
  model.add_gradients(Batch(good));
  const auto expected = gradients_of(model);
  clear();
  CHECK_THROWS_AS(model.add_gradients(Batch(bad)), Error);
  clear();
  model.add_gradients(Batch(good));
  CHECK(gradients_of(model) == expected);
}

TEST_CASE("work is counted as multiply-adds of products and attention") {
  using S = TinyPlain;
  // Per token 2 blocks of 4 x 20 x 20 + 3 x 20 x 36, and the head; attention over 1, 2, ... 10
  // tokens, twice 20 for each.
  const double forward = 10.0 * (2 * (4 * 400 + 3 * 720) + 33 * 20) + 2 * 55 * 2 * 20;
  const Texts texts = {std::vector<Token>(11, 1)};
  CHECK(LanguageModel<S>::multiply_adds(Batch(texts)) == 3 * forward);
}

TEST_CASE("fresh weights are normal, smaller before the residual stream, for any threads") {
  ParameterStorage<Wider> parameters, again;
  initialise(parameters, 5);
  initialise(again, 5, pool_of(3));
  CHECK(std::ranges::equal(parameters.flat(), again.flat()));
  auto tensors = parameters.tensors();
  for_each_tensor(
      [&]<class Tensor>(TensorId id, const Tensor& tensor) {
        INFO(to_string(id));
        double sum = 0, squares = 0, fourth = 0;
        for (const double v : tensor.values()) {
          sum += v;
          squares += v * v;
          fourth += v * v * v * v;
        }
        constexpr auto n = static_cast<double>(Tensor::size);
        if constexpr (Tensor::rows == 1) {
          CHECK(sum == n);
          CHECK(squares == n);
        } else {
          const bool adds = id.kind == TensorKind::wo || id.kind == TensorKind::w2;
          const double deviation = adds ? 0.01 : 0.02;  // 2 layers: by 2
          // Within four deviations of what so many normal numbers have.
          CHECK(std::abs(sum / n) < 4 * deviation / std::sqrt(n));
          CHECK(squares / n == Approx(deviation * deviation).epsilon(4 * std::sqrt(2 / n)));
          CHECK(fourth / n / (squares / n * (squares / n)) ==
                Approx(3).epsilon(4 * std::sqrt(24 / n) / 3));
        }
      },
      tensors);
  initialise(again, 6);
  CHECK(!std::ranges::equal(parameters.flat(), again.flat()));
}

TEST_CASE("parameters go into a live model and come back") {
  using S = TinyGrouped;
  const auto model = make_random_model<Model<S, F32>>(39);
  auto parameters = copy_parameters(model);
  CHECK(parameters.flat().size() == Model<S, F32>::memory.parameters());
  const std::vector<Token> text = {1, 2, 3, 4, 5};
  LiveModel<S> live_model(parameters, model.config(), pool_of(2));
  CHECK(log_probabilities(live_model.model(), text) == log_probabilities(model, text));
  CHECK(log_probabilities(live_model.single_threaded(), text) == log_probabilities(model, text));
  CHECK(std::ranges::equal(copy_parameters(live_model.model()).flat(), parameters.flat()));
  const auto other = make_random_model<Model<S, F32>>(40);
  live_model.refresh(copy_parameters(other));
  CHECK(log_probabilities(live_model.model(), text) == log_probabilities(other, text));
  CHECK(log_probabilities(live_model.single_threaded(), text) == log_probabilities(other, text));
}

TEMPLATE_TEST_CASE("a model is written as llama2.c has it", "", TinyGrouped, TinyPlain) {
  using S = TestType;
  const auto model = make_random_model<Model<S, F32>>(41);
  const test::TempFile file("");
  write_llama2c(file.path(), model);
  const auto written = std::make_shared<const InputFile>(file.path());
  std::string bytes(reinterpret_cast<const char*>(written->bytes().data()),
                    written->bytes().size());
  const std::string expected = test::write_version_0(test::float_model(model));
  REQUIRE(bytes.size() == expected.size());

  // The tables, in place of which the tests' own writer has no numbers.
  constexpr std::size_t table = S::context * head_dim<S> / 2;
  const std::size_t head = tied_head<S> ? 0 : S::vocab * S::dim * sizeof(float);
  const std::size_t begin = bytes.size() - head - 2 * table * sizeof(float);
  std::vector<float> tables(2 * table);
  std::memcpy(tables.data(), bytes.data() + begin, tables.size() * sizeof(float));
  for (const std::size_t at : {std::size_t{0}, std::size_t{1}, 7 * head_dim<S> / 2 + 2}) {
    const auto position = static_cast<double>(at / (head_dim<S> / 2));
    const auto pair = static_cast<double>(at % (head_dim<S> / 2));
    const double angle = position * std::pow(10000.0, -2 * pair / static_cast<double>(head_dim<S>));
    CHECK(tables[at] == Approx(std::cos(angle)));
    CHECK(tables[table + at] == Approx(std::sin(angle)).margin(1e-7));
  }
  std::memcpy(bytes.data() + begin, expected.data() + begin, tables.size() * sizeof(float));
  CHECK(bytes == expected);

  const Checkpoint checkpoint = read_llama2c(written);
  CHECK(checkpoint.shape.same_tensors(ShapeInfo::of<S>()));
  CHECK(checkpoint.config.context == S::context);
}

TEST_CASE("llama2.c's format refuses what it cannot say of a model") {
  using S = TinyPlain;
  const test::TempFile file("");
  const auto refused = [&](auto change) {
    ModelConfig config = ModelConfig::of<S>();
    change(config);
    const auto model = make_random_model<Model<S, F32>>(42, {}, config);
    return test::error_of([&] { write_llama2c(file.path(), model); }).value().code() ==
           ErrorCode::unsupported;
  };
  CHECK(refused([](ModelConfig& c) { c.norm_epsilon = 1e-6f; }));
  CHECK(refused([](ModelConfig& c) { c.rope_theta = 5000; }));
  CHECK(refused(
      [](ModelConfig& c) { c.rope_scaling = {.kind = RopeScalingKind::linear, .factor = 2}; }));
}
