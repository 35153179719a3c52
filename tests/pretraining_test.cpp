// Language models in training, whole: against PyTorch, to the bit, and down to nothing.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "allocation_count.hpp"
#include "catch.hpp"
#include "error_of.hpp"
#include "llama2/data/token_file.hpp"
#include "llama2/generate/score.hpp"
#include "llama2/model/random_model.hpp"
#include "llama2/parallel/thread_pool.hpp"
#include "llama2/train/initialise.hpp"
#include "llama2/train/token_batches.hpp"
#include "llama2/train/trainer.hpp"
#include "temp_folder.hpp"
#include "tiny_shapes.hpp"

using namespace llama2;

namespace {

struct GroupedUntied : TinyGrouped {
  static constexpr bool tied_head = false;
};
struct PlainTied : TinyPlain {
  static constexpr bool tied_head = true;
};

template <class S>
ParameterStorage<S> generated(std::uint64_t seed) {
  return copy_parameters(make_random_model<Model<S, F32>>(seed));
}

template <class S>
ParameterStorage<S> fresh(std::uint64_t seed) {
  ParameterStorage<S> weights;
  initialise(weights, seed);
  return weights;
}

SharedExecutor threads(std::size_t count) {
  return {std::make_shared<ThreadPool>(count), 1};
}

/// The rows that tests/golden/adamw.py gives its models.
class GoldenRows {
 public:
  using Batch = TokenBatch;

  GoldenRows(std::size_t vocab, std::size_t rows, std::size_t length)
      : vocab_(vocab), rows_(rows), length_(length), memory_(rows, length) {}

  const Batch& next() {
    ++step_;
    for (std::size_t r = 0; r < rows_; ++r)
      for (std::size_t i = 0; i <= length_; ++i)
        memory_.row(r)[i] = static_cast<Token>((7 * i * i + 3 * i + 5 * r + 11 * step_) % vocab_);
    return batch_ = memory_.first(rows_);
  }
  void save(StateFields& fields) const { fields.set("step_of_rows", std::uint64_t{step_}); }
  void load(const StateFields& fields) { step_ = fields.number("step_of_rows"); }

 private:
  std::size_t vocab_, rows_, length_, step_ = 0;
  RowBatch memory_;
  TokenBatch batch_;
};

template <class S>
void check_losses(const nlohmann::json& file, std::size_t index) {
  const auto& golden = file.at("models")[index];
  const auto shape = golden.at("shape").get<std::vector<std::size_t>>();
  REQUIRE(shape == std::vector<std::size_t>{S::dim, S::hidden_dim, S::layers, S::heads, S::kv_heads,
                                            S::vocab, tied_head<S>});
  LanguageModel<S> model(generated<S>(golden.at("seed")), ModelConfig::of<S>(), 64);
  GoldenRows rows(S::vocab, golden.at("batch"), golden.at("length"));
  BasicTrainer trainer(
      model, rows,
      TrainerOptions{.optimiser = {.weight_decay = file.at("decay"), .clip_norm = file.at("clip")},
                     .schedule = {.peak = file.at("peak"),
                                  .warmup_steps = file.at("warmup"),
                                  .steps = file.at("steps")}});
  for (std::size_t step = 0; step < 20; ++step) {
    const StepReport report = trainer.take_step();
    INFO("model " << index << ", step " << step + 1);
    CHECK(std::abs(report.loss - golden.at("losses")[step].get<double>()) < 1e-4);
    CHECK(report.gradient_norm == Approx(golden.at("norms")[step].get<double>()).epsilon(1e-3));
  }
}

/// A token file of `documents` stories of some arithmetic, BOS first.
void write_tokens(const std::string& path, std::size_t vocab, std::size_t documents) {
  TokenFileWriter file(path, {.vocab_size = vocab, .tokenizer = {1, 2}});
  for (std::size_t d = 0; d < documents; ++d) {
    std::vector<Token> tokens = {1};
    for (std::size_t i = 0; i < 20 + d % 7; ++i)
      tokens.push_back(static_cast<Token>((d * i + i * i) % vocab));
    file.add(tokens);
  }
  file.commit();
}

PackedRows packed(const std::string& path, std::size_t length) {
  return {std::make_shared<const TokenFile>(path), length};
}

std::vector<std::uint32_t> bits_of(std::span<const float> values) {
  std::vector<std::uint32_t> bits(values.size());
  std::memcpy(bits.data(), values.data(), values.size_bytes());
  return bits;
}

}  // namespace

TEST_CASE("20 steps of whole models go PyTorch's way") {
  std::ifstream in(std::string(LLAMA2_SOURCE_DIR) + "/tests/golden/adamw.json");
  const auto file = nlohmann::json::parse(in);
  check_losses<TinyGrouped>(file, 0);
  check_losses<GroupedUntied>(file, 1);
  check_losses<PlainTied>(file, 2);
  check_losses<TinyPlain>(file, 3);
}

TEST_CASE("one batch is learnt by heart") {
  const SharedExecutor executor = threads(2);
  LanguageModel<TinyGrouped> model(fresh<TinyGrouped>(5), ModelConfig::of<TinyGrouped>(), 64,
                                   executor);
  struct Same : GoldenRows {
    using GoldenRows::GoldenRows;
    const Batch& next() {
      if (first == nullptr) first = &GoldenRows::next();
      return *first;
    }
    const Batch* first = nullptr;
  } rows(TinyGrouped::vocab, 2, 24);
  BasicTrainer trainer(model, rows,
                       TrainerOptions{.optimiser = {.weight_decay = 0},
                                      .schedule = {.peak = 1e-2, .warmup_steps = 10, .steps = 400},
                                      .executor = executor});
  double first = 0, last = 0;
  trainer.callbacks.on_step = [&](const StepReport& report) {
    (report.step == 1 ? first : last) = report.loss;
  };
  trainer.run();
  CHECK(first == Approx(std::log(40)).epsilon(0.01));  // knows nothing
  CHECK(last < 0.01);
}

TEST_CASE("the loss is that of scoring") {
  LanguageModel<TinyPlain> model(generated<TinyPlain>(9), ModelConfig::of<TinyPlain>(), 64);
  RowBatch memory(3, 30);
  for (std::size_t r = 0; r < 3; ++r)
    for (std::size_t i = 0; i <= 30; ++i)
      memory.row(r)[i] = static_cast<Token>((5 * r + 3 * i) % TinyPlain::vocab);
  double expected = 0;
  for (std::size_t r = 0; r < 3; ++r)
    for (const double p : log_probabilities(model.model(), memory.row(r))) expected -= p;
  TokenBatch batch = memory.first(3);
  const LossSum loss = model.loss(batch);
  CHECK(loss.count == 90);
  CHECK(loss.sum == Approx(expected).epsilon(1e-6));
  const LossSum same = model.add_gradients(batch);
  CHECK(same.sum == loss.sum);

  // What has no target has no loss.
  std::vector<Token> targets(batch.targets.begin(), batch.targets.end());
  std::fill(targets.begin() + 5, targets.end(), no_target);
  batch.targets = targets;
  CHECK(model.loss(batch).count == 5);
  batch.targets = std::span(targets).first(50);
  CHECK(test::error_of([&] { model.loss(batch); })->code() == ErrorCode::invalid_argument);
}

TEST_CASE("training has the same bits for any number of threads, and after any interruption") {
  using S = TinyGrouped;
  test::TempFolder folder;
  write_tokens(folder.file("tokens"), S::vocab, 40);
  const auto options = [&](std::size_t count, const std::string& name) {
    return TrainerOptions{.schedule = {.peak = 3e-3, .warmup_steps = 2, .steps = 12},
                          .accumulation = 2,
                          .folder = name.empty() ? "" : folder.file(name),
                          .executor = threads(count)};
  };
  const auto final_bits = [&](std::size_t count) {
    LanguageModel<S> model(fresh<S>(1), ModelConfig::of<S>(), 64, threads(count));
    TokenBatches batches(packed(folder.file("tokens"), 16), 3, 7);
    Trainer<S> trainer(model, batches, options(count, ""));
    CHECK(trainer.run());
    CHECK(batches.epochs() == Approx(12 * 2 * 3 / 59.0));  // 955 tokens: 59 rows
    return bits_of(model.weights().flat());
  };
  const auto expected = final_bits(1);
  CHECK(final_bits(2) == expected);
  CHECK(final_bits(3) == expected);
  CHECK(bits_of(fresh<S>(1).flat()) != expected);

  for (const std::uint64_t stop_at : {5u, 11u, 12u}) {
    LanguageModel<S> model(fresh<S>(stop_at), ModelConfig::of<S>(), 64, threads(2));  // others
    TokenBatches batches(packed(folder.file("tokens"), 16), 3, 7);
    Trainer<S> trainer(model, batches, options(2, "run"));
    if (!trainer.resume()) {
      // The first one.
      auto weights = fresh<S>(1);
      for (std::size_t t = 0, at = 0; t < model.tensors().size(); ++t) {
        const auto values = model.tensors()[t].values;
        std::ranges::copy(weights.flat().subspan(at, values.size()), values.begin());
        at += values.size();
      }
      model.values_changed();
    }
    std::stop_source stop;
    trainer.callbacks.on_step = [&](const StepReport& report) {
      if (report.step == stop_at) stop.request_stop();
    };
    CHECK(trainer.run(stop.get_token()) == (stop_at == 12));
    if (stop_at == 12) CHECK(bits_of(model.weights().flat()) == expected);
  }

  // Another order of the same rows is another training.
  LanguageModel<S> model(fresh<S>(1), ModelConfig::of<S>(), 64);
  TokenBatches batches(packed(folder.file("tokens"), 16), 3, 8);
  Trainer<S> trainer(model, batches, options(1, "run"));
  const auto error = test::error_of([&] { trainer.resume(); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::mismatch);
  CHECK(error->details().tensor == "data.seed");
}

TEST_CASE("a step of a language model allocates nothing") {
  using S = TinyPlain;
  test::TempFolder folder;
  write_tokens(folder.file("tokens"), S::vocab, 40);
  LanguageModel<S> model(fresh<S>(1), ModelConfig::of<S>(), 64, threads(2));
  TokenBatches batches(packed(folder.file("tokens"), 16), 3, 7);
  Trainer<S> trainer(model, batches,
                     {.schedule = {.peak = 3e-3, .steps = 12}, .executor = threads(2)});
  trainer.take_step();
  const auto before = test::allocations();
  for (int i = 0; i < 5; ++i) trainer.take_step();
  CHECK(test::allocations() == before);
}

TEST_CASE("validation takes the first rows, each once") {
  using S = TinyPlain;
  test::TempFolder folder;
  write_tokens(folder.file("tokens"), S::vocab, 10);
  const PackedRows rows = packed(folder.file("tokens"), 16);
  LanguageModel<S> model(generated<S>(1), ModelConfig::of<S>(), 64);
  RowBatch memory(4, 16);
  CHECK(loss_over_rows(model, rows, 1000, memory, 4).count == rows.size() * 16);
  const LossSum some = loss_over_rows(model, rows, 6, memory, 4);
  CHECK(some.count == 6 * 16);
  double expected = 0;
  for (std::size_t r = 0; r < 6; ++r) {
    rows.copy(r, memory.row(0));
    expected += model.loss(memory.first(1)).sum;
  }
  CHECK(some.sum == Approx(expected).epsilon(1e-12));
}
