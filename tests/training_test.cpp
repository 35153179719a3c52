// The optimiser, the schedule, the trainer and what it saves, on an objective that one can think
// through.
#include "llama2/train/trainer.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "allocation_count.hpp"
#include "catch.hpp"
#include "error_of.hpp"
#include "llama2/kernels/kernels.hpp"
#include "llama2/kernels/optimiser-inl.hpp"
#include "llama2/parallel/thread_pool.hpp"
#include "llama2/train/metrics.hpp"
#include "llama2/train/peak.hpp"
#include "random_values.hpp"
#include "temp_file.hpp"
#include "temp_folder.hpp"

using namespace llama2;

namespace {

nlohmann::json golden() {
  std::ifstream file(std::string(LLAMA2_SOURCE_DIR) + "/tests/golden/adamw.json");
  return nlohmann::json::parse(file);
}

std::vector<std::uint32_t> bits_of(std::span<const float> values) {
  std::vector<std::uint32_t> bits(values.size());
  std::memcpy(bits.data(), values.data(), values.size_bytes());
  return bits;
}

Error error_of(const std::function<void()>& f) {
  const std::optional<Error> error = test::error_of(f);
  REQUIRE(error);
  return *error;
}

/// A batch is a few numbers.
struct Numbers {
  using Batch = std::vector<float>;

  const Batch& next() {
    if (failures_left != 0 && --failures_left == 0)
      throw Error(ErrorCode::io, "the numbers are gone");
    for (std::size_t i = 0; i < batch.size(); ++i) batch[i] = uniform_at(seed, 1000 * given + i);
    ++given;
    return batch;
  }
  void save(StateFields& fields) const {
    fields.set("numbers.seed", seed);
    fields.set("numbers.given", given);
  }
  void load(const StateFields& fields) {
    fields.require("numbers.seed", std::to_string(seed));
    given = fields.number("numbers.given");
  }

  std::uint64_t seed = 3;
  std::uint64_t given = 0;
  Batch batch = Batch(5);
  int failures_left = 0;
};

/// Fits weights to numbers x by the losses (w[i] - x)^2 / 2 of all pairs: the best weight is the
/// numbers' mean, the gradient of the sum of losses the sum of (w[i] - x).
struct Fit {
  Fit() {
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = uniform_at(1, i);
    list = {
        {"even.weight", std::span(weights).first(5000), std::span(gradient).first(5000), true},
        {"odd.gain", std::span(weights).subspan(5000), std::span(gradient).subspan(5000), false}};
  }

  [[nodiscard]] std::span<const TrainedTensor> tensors() const { return list; }
  LossSum add_gradients(const Numbers::Batch& batch) {
    for (std::size_t i = 0; i < weights.size(); ++i)
      for (const float x : batch) gradient[i] += weights[i] - x;
    LossSum losses = loss(batch);
    if (poisoned) losses.sum = std::numeric_limits<double>::quiet_NaN();
    return losses;
  }
  [[nodiscard]] LossSum loss(const Numbers::Batch& batch) const {
    LossSum losses;
    for (const float w : weights)
      for (const float x : batch) losses += {0.5 * (w - x) * (w - x), 1};
    return losses;
  }
  void values_changed() { ++changes; }
  [[nodiscard]] static double multiply_adds(const Numbers::Batch& batch) {
    return 5007.0 * static_cast<double>(batch.size());
  }

  std::vector<float> weights = std::vector<float>(5007);
  std::vector<float> gradient = std::vector<float>(5007);
  std::vector<TrainedTensor> list;
  bool poisoned = false;
  int changes = 0;
};

static_assert(Objective<Fit, Numbers::Batch>);
static_assert(BatchSource<Numbers>);

using FitTrainer = BasicTrainer<Fit, Numbers>;

TrainerOptions fit_options(const std::string& folder = {}) {
  TrainerOptions options{.optimiser = {.clip_norm = 0.02},
                         .schedule = {.peak = 0.1, .warmup_steps = 3, .steps = 20},
                         .accumulation = 2,
                         .folder = folder};
  options.identity.set("shape", std::string("a few weights"));
  return options;
}

/// The weights that 20 steps of training lead to.
std::vector<std::uint32_t> expected_weights() {
  Fit fit;
  Numbers numbers;
  FitTrainer trainer(fit, numbers, fit_options());
  CHECK(trainer.run());
  return bits_of(fit.weights);
}

/// Files may grow to so many bytes while this lives: what a full disk looks like.
class FileLimit {
 public:
  explicit FileLimit(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit limit{bytes, old_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;
  ~FileLimit() { ::setrlimit(RLIMIT_FSIZE, &old_); }

 private:
  rlimit old_{};
};

}  // namespace

TEST_CASE("the learning rate rises, falls and stays as worked out by hand") {
  Schedule s{.peak = 1, .final_share = 0.1, .warmup_steps = 4, .steps = 12};
  CHECK(s.at(1) == 0.25);
  CHECK(s.at(2) == 0.5);
  CHECK(s.at(4) == 1);
  CHECK(s.at(6) == Approx(0.1 + 0.9 * 0.5 * (1 + std::sqrt(0.5))));  // cos(pi / 4)
  CHECK(s.at(8) == Approx(0.55));                                    // half-way
  CHECK(s.at(10) == Approx(0.1 + 0.9 * 0.5 * (1 - std::sqrt(0.5))));
  CHECK(s.at(12) == Approx(0.1));
  CHECK(s.at(13) == s.at(12));
  s.decay = Decay::linear;
  CHECK(s.at(3) == 0.75);
  CHECK(s.at(6) == Approx(0.775));
  CHECK(s.at(12) == Approx(0.1));
  s.decay = Decay::constant;
  CHECK(s.at(3) == 0.75);
  CHECK(s.at(4) == 1);
  CHECK(s.at(12) == 1);
  s = {.peak = 0.5, .warmup_steps = 0, .steps = 2};  // no warm-up
  CHECK(s.at(1) == Approx(0.5 * 0.55));
  CHECK(s.at(2) == Approx(0.05));
  s = {.peak = 0.5, .warmup_steps = 9, .steps = 3};  // nothing but warm-up
  CHECK(s.at(3) == Approx(0.5 / 3));
  CHECK(s.at(9) == 0.5);
  CHECK_THROWS_AS((Schedule{.peak = 0}.validate()), Error);
  CHECK_THROWS_AS((Schedule{.peak = std::nan("")}.validate()), Error);
  CHECK_THROWS_AS((Schedule{.final_share = 1.5}.validate()), Error);
}

TEST_CASE("the vectors of AdamW have the bits of their plain twin") {
  const AdamWStep step{.gradient_scale = 0.7f,
                       .beta1 = 0.9f,
                       .rest1 = 0.1f,
                       .beta2 = 0.95f,
                       .rest2 = 0.05f,
                       .keep = 0.999f,
                       .rate = 0.01f,
                       .root_scale = 2.5f,
                       .epsilon = 1e-5f};
  constexpr std::size_t lanes = kernels::simd::native_lanes;
  for (const std::size_t n : {std::size_t{1}, lanes - 1, lanes, lanes + 1, 5 * lanes + 3}) {
    if (n == 0) continue;
    const auto gradient = random_values(1, n);
    auto value = random_values(2, n + 1), first = random_values(3, n + 1, 0.1f),
         second = random_values(4, n + 1, 0.1f);
    for (float& x : second) x *= x;
    auto twin_value = value, twin_first = first, twin_second = second;
    for (int i = 0; i < 3; ++i) {
      kernels::adamw(step, gradient.data(), n, value.data(), first.data(), second.data());
      reference::adamw(step, gradient.data(), n, twin_value.data(), twin_first.data(),
                       twin_second.data());
    }
    CHECK(bits_of(value) == bits_of(twin_value));  // also the element behind the last
    CHECK(bits_of(first) == bits_of(twin_first));
    CHECK(bits_of(second) == bits_of(twin_second));

    double squares = 0;
    for (const float g : gradient) squares += static_cast<double>(g) * g;
    CHECK(kernels::sum_of_squares(gradient.data(), n) == Approx(squares).epsilon(1e-6));
  }
}

TEST_CASE("AdamW with clipping and schedule goes PyTorch's way") {
  const auto file = golden();
  const auto& expected = file.at("numbers");
  std::vector<float> matrix = random_values(7, 37), gain = random_values(8, 11);
  std::vector<float> matrix_gradient(37), gain_gradient(11);
  const std::vector<TrainedTensor> tensors = {{"matrix", matrix, matrix_gradient, true},
                                              {"gain", gain, gain_gradient, false}};
  AdamW optimiser(tensors, {.weight_decay = file.at("decay"), .clip_norm = file.at("clip")});
  const Schedule schedule{
      .peak = file.at("peak"), .warmup_steps = file.at("warmup"), .steps = file.at("steps")};
  int clipped = 0;
  for (std::uint64_t step = 1; step <= 20; ++step) {
    for (std::size_t t = 0; t < 2; ++t) {
      // Half of the gradient comes first, and all is four times too large.
      const auto values = random_values(100 * step + t, tensors[t].gradient.size());
      for (int half = 0; half < 2; ++half)
        for (std::size_t i = 0; i < values.size(); ++i)
          tensors[t].gradient[i] += 0.05f * values[i] * static_cast<float>(step);
    }
    const double rate = schedule.at(step);
    CHECK(rate == Approx(expected.at("rates")[step - 1].get<double>()).epsilon(1e-12));
    const double norm = optimiser.step(rate, 0.25);
    CHECK(norm == Approx(expected.at("norms")[step - 1].get<double>()).epsilon(1e-6));
    clipped += norm > 1;
    for (const TrainedTensor& tensor : tensors)
      for (const float g : tensor.gradient) REQUIRE(g == 0);
  }
  CHECK(clipped > 3);
  CHECK(clipped < 20);
  for (std::size_t t = 0; t < 2; ++t)
    for (std::size_t i = 0; i < tensors[t].values.size(); ++i)
      CHECK(tensors[t].values[i] == Approx(expected.at("values")[t][i].get<double>()).margin(1e-6));
}

TEST_CASE("the optimiser's bits do not depend on the number of threads") {
  std::vector<std::uint32_t> bits;
  double norm = 0;
  for (const std::size_t threads : {1u, 2u, 3u}) {
    auto values = random_values(1, 100'000), gradient = random_values(2, 100'000);
    const std::vector<TrainedTensor> tensors = {
        {"a", std::span(values).first(70'001), std::span(gradient).first(70'001)},
        {"b", std::span(values).subspan(70'001), std::span(gradient).subspan(70'001)}};
    AdamW optimiser(tensors, {}, {std::make_shared<ThreadPool>(threads), 1});
    const double found = optimiser.step(0.1);
    if (threads == 1) {
      bits = bits_of(values);
      norm = found;
    }
    CHECK(std::bit_cast<std::uint64_t>(found) == std::bit_cast<std::uint64_t>(norm));
    CHECK(bits_of(values) == bits);
  }
  CHECK(norm == Approx(std::sqrt(100'000 / 3.0)).epsilon(0.01));
}

TEST_CASE("gradients that are no numbers change nothing") {
  std::vector<float> values = {1, 2}, gradient = {1, std::numeric_limits<float>::infinity()};
  const std::vector<TrainedTensor> tensors = {{"a", values, gradient}};
  AdamW optimiser(tensors, {});
  CHECK_FALSE(std::isfinite(optimiser.step(0.1)));
  CHECK(values == std::vector<float>{1, 2});
  CHECK(optimiser.steps() == 0);
  CHECK(optimiser.moments()[0].first[0] == 0);
  CHECK_THROWS_AS(AdamW(tensors, {.beta2 = 1}), Error);
  CHECK_THROWS_AS(AdamW(tensors, {.epsilon = 0}), Error);
  CHECK_THROWS_AS(AdamW(tensors, {.weight_decay = -1}), Error);
  const std::vector<TrainedTensor> uneven = {{"a", values, std::span(gradient).first(1)}};
  CHECK_THROWS_AS(AdamW(uneven, {}), Error);
}

TEST_CASE("training reaches what it is to reach, and says how") {
  Fit fit;
  Numbers numbers;
  TrainerOptions options = fit_options();
  options.optimiser = {.weight_decay = 0};
  options.schedule.steps = 200;
  options.validate_every = 50;
  FitTrainer trainer(fit, numbers, options);
  std::vector<StepReport> steps;
  std::vector<ValidationReport> validations;
  trainer.callbacks.on_step = [&](const StepReport& report) { steps.push_back(report); };
  const Numbers::Batch held_out = {0.25f};
  trainer.callbacks.validate = [&] { return fit.loss(held_out); };
  trainer.callbacks.on_validation = [&](const ValidationReport& r) { validations.push_back(r); };
  CHECK(trainer.run());
  REQUIRE(steps.size() == 200);
  CHECK(fit.changes == 200);
  CHECK(steps[0].step == 1);
  CHECK(steps[0].targets == 2 * 5 * 5007);  // two batches of five numbers
  CHECK(steps[0].multiply_adds == 2 * 5 * 5007);
  CHECK(steps[9].all_targets == 10 * steps[0].targets);
  CHECK(steps[0].learning_rate == options.schedule.at(1));
  Numbers again;
  LossSum first = Fit().loss(again.next());
  first += Fit().loss(again.next());
  CHECK(steps[0].loss == Approx(first.mean()));
  CHECK(steps[199].loss < 0.19);  // half the numbers' variance, which is 1/3
  // Uniform numbers: the mean gradient of weight i is w[i] - mean.
  REQUIRE(validations.size() == 4);
  CHECK(validations[3].step == 200);
  CHECK(validations[3].targets == 5007);
  CHECK(validations[3].loss < validations[0].loss + 0.1);
  CHECK(trainer.finished());
  CHECK(trainer.run());  // nothing left to do
  CHECK(steps.size() == 200);
}

TEST_CASE("accumulated batches are one large batch") {
  Fit one, other;
  Numbers small, large;
  large.batch.resize(10);
  // The same ten numbers, at once.
  struct Both {
    using Batch = Numbers::Batch;
    Numbers& source;
    Batch both = Batch(10);
    const Batch& next() {
      for (std::size_t half = 0; half < 2; ++half)
        std::ranges::copy(source.next(), &both[5 * half]);
      return both;
    }
    void save(StateFields& fields) const { source.save(fields); }
    void load(const StateFields& fields) { source.load(fields); }
  } both{large};
  large.batch.resize(5);
  TrainerOptions options = fit_options();
  FitTrainer trainer(one, small, options);
  options.accumulation = 1;
  BasicTrainer<Fit, Both> at_once(other, both, options);
  CHECK(trainer.take_step().loss == Approx(at_once.take_step().loss));
  CHECK(bits_of(one.weights) == bits_of(other.weights));
}

TEST_CASE("a step allocates nothing") {
  Fit fit;
  Numbers numbers;
  test::TempFolder folder;
  TrainerOptions options = fit_options();
  options.executor = {std::make_shared<ThreadPool>(2), 1};
  FitTrainer trainer(fit, numbers, options);
  MetricsLog log(folder.file("."), 0);
  trainer.callbacks.on_step = [&](const StepReport& report) { log.write(report); };
  trainer.callbacks.on_step(trainer.take_step());
  const auto before = test::allocations();
  for (int i = 0; i < 10; ++i) trainer.callbacks.on_step(trainer.take_step());
  CHECK(test::allocations() == before);
}

TEST_CASE("an interrupted training goes on to the same bits") {
  const auto expected = expected_weights();
  test::TempFolder folder;
  TrainerOptions options = fit_options(folder.file("run"));
  options.save_every = 4;
  options.keep = 2;
  {
    Fit fit;
    Numbers numbers;
    FitTrainer trainer(fit, numbers, options);
    CHECK_FALSE(trainer.resume());  // there is nothing yet
    std::stop_source stop;
    trainer.callbacks.on_step = [&](const StepReport& report) {
      if (report.step == 7) stop.request_stop();
    };
    CHECK_FALSE(trainer.run(stop.get_token()));  // saves on the way out
    CHECK(trainer.step() == 7);
  }
  {
    Fit fit;
    Numbers numbers;
    FitTrainer trainer(fit, numbers, options);
    CHECK(trainer.resume());
    CHECK(trainer.step() == 7);
    CHECK(trainer.targets() == 7 * 2 * 5 * 5007);
    // Ends badly, in the second batch of a step.
    numbers.failures_left = 2 * 6 + 2;
    CHECK_THROWS_AS(trainer.run(), Error);
    CHECK(trainer.step() == 13);
  }
  Fit fit;
  Numbers numbers;
  FitTrainer trainer(fit, numbers, options);
  CHECK(trainer.resume());
  CHECK(trainer.step() == 12);  // the last one saved
  std::vector<std::uint64_t> saves;
  trainer.callbacks.on_save = [&](std::uint64_t step, const std::string& path) {
    saves.push_back(step);
    CHECK(std::filesystem::exists(path));
  };
  CHECK(trainer.run());
  CHECK(saves == std::vector<std::uint64_t>{16, 20});
  CHECK(bits_of(fit.weights) == expected);
  CHECK(CheckpointFolder(options.folder).steps() == std::vector<std::uint64_t>{16, 20});
}

TEST_CASE("training goes on after a step that failed as if it had not been") {
  const auto expected = expected_weights();
  Fit fit;
  Numbers numbers;
  FitTrainer trainer(fit, numbers, fit_options());
  for (int i = 0; i < 5; ++i) trainer.take_step();
  const auto weights = bits_of(fit.weights);
  fit.poisoned = true;
  const Error error = error_of([&] { trainer.take_step(); });
  CHECK(std::string(error.what()).find("step 6: the loss") != std::string::npos);
  CHECK(bits_of(fit.weights) == weights);
  fit.poisoned = false;
  numbers.given = 10;
  CHECK(trainer.run());
  CHECK(bits_of(fit.weights) == expected);
}

TEST_CASE("a folder of states is that training's only") {
  test::TempFolder folder;
  const TrainerOptions options = fit_options(folder.file("run"));
  Fit fit;
  Numbers numbers;
  {
    FitTrainer trainer(fit, numbers, options);
    trainer.take_step();
    trainer.save();
  }
  const auto refused = [&](const TrainerOptions& other, std::uint64_t seed, const char* field,
                           const char* expected, const char* found) {
    Fit fresh;
    const auto before = bits_of(fresh.weights);
    Numbers others{.seed = seed};
    FitTrainer trainer(fresh, others, other);
    const Error error = error_of([&] { trainer.resume(); });
    CHECK(error.code() == ErrorCode::mismatch);
    CHECK(error.details().tensor == field);
    CHECK(error.details().expected == expected);
    CHECK(error.details().found == found);
    CHECK(error.details().file == CheckpointFolder(options.folder).path_of(1));
    CHECK(bits_of(fresh.weights) == before);
    CHECK(trainer.step() == 0);
  };
  auto other = options;
  other.optimiser.beta2 = 0.999;
  refused(other, 3, "beta2", "0.999", "0.95");
  other = options;
  other.schedule.decay = Decay::linear;
  refused(other, 3, "decay", "linear", "cosine");
  other = options;
  other.schedule.steps = 21;
  refused(other, 3, "steps", "21", "20");
  other = options;
  other.identity = StateFields();
  other.identity.set("shape", std::string("many weights"));
  refused(other, 3, "shape", "many weights", "a few weights");
  refused(options, 4, "numbers.seed", "4", "3");

  // Other tensors.
  Fit fewer;
  fewer.list.pop_back();
  FitTrainer trainer(fewer, numbers, options);
  const Error error = error_of([&] { trainer.resume(); });
  CHECK(error.code() == ErrorCode::mismatch);
  CHECK(error.details().expected == "no more");
  CHECK(error.details().found == "odd.gain of 7 elements");
}

TEST_CASE("a full disk during a save loses nothing and says so") {
  const auto expected = expected_weights();
  test::TempFolder folder;
  TrainerOptions options = fit_options(folder.file("run"));
  options.save_every = 5;
  options.keep = 1;
  Fit fit;
  Numbers numbers;
  {
    FitTrainer trainer(fit, numbers, options);
    std::vector<std::string> failures;
    std::optional<FileLimit> full;
    trainer.callbacks.on_step = [&](const StepReport& report) {
      if (report.step == 6) full.emplace(30'000);  // half of a state
      if (report.step == 12) full.reset();
      if (report.step == 17) full.emplace(30'000);
    };
    trainer.callbacks.on_save_failure = [&](const Error& error) {
      failures.push_back(error.what());
      // What was saved before is there, and nothing half written.
      CHECK(CheckpointFolder(options.folder).steps() == std::vector<std::uint64_t>{5});
    };
    // Another save after the failed one succeeds; the last one fails, and that is an error.
    const Error error = error_of([&] { trainer.run(); });
    CHECK(error.code() == ErrorCode::io);
    REQUIRE(failures.size() == 1);
    CHECK(failures[0].find("step-000000010.state: i/o error: cannot write: ") != std::string::npos);
    CHECK(trainer.step() == 20);
  }
  CHECK(test::TempFolder().names().empty());
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(options.folder))
    names.push_back(entry.path().filename().string());
  CHECK(names == std::vector<std::string>{"step-000000015.state"});
  Fit again;
  FitTrainer trainer(again, numbers, options);
  CHECK(trainer.resume());
  CHECK(trainer.run());
  CHECK(bits_of(again.weights) == expected);
}

TEST_CASE("a training without a callback for it ends when a save fails") {
  test::TempFolder folder;
  TrainerOptions options = fit_options(folder.file("run"));
  options.save_every = 5;
  Fit fit;
  Numbers numbers;
  FitTrainer trainer(fit, numbers, options);
  const FileLimit full(30'000);
  CHECK(error_of([&] { trainer.run(); }).code() == ErrorCode::io);
  CHECK(trainer.step() == 5);
}

TEST_CASE("damaged states are refused") {
  test::TempFolder folder;
  const TrainerOptions options = fit_options(folder.file("run"));
  Fit fit;
  Numbers numbers;
  std::string path;
  {
    FitTrainer trainer(fit, numbers, options);
    trainer.take_step();
    path = trainer.save();
  }
  const std::string whole = test::read_file(path);
  const auto before = bits_of(fit.weights);
  const auto refused = [&](const std::string& bytes) {
    test::write_file(path, bytes);
    FitTrainer trainer(fit, numbers, options);
    const Error error = error_of([&] { trainer.resume(); });
    CHECK(error.code() == ErrorCode::malformed_file);
    CHECK(error.details().file == path);
    CHECK(bits_of(fit.weights) == before);
    return std::string(error.message());
  };
  // One bit anywhere: the fields, the padding, the tensors, the checksum.
  for (std::size_t at = 0; at < whole.size(); at += 1 + at / 4) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << at % 8));
    INFO("byte " << at);
    refused(bytes);
  }
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, std::size_t{16}, std::size_t{23},
                                 std::size_t{200}, whole.size() - 8, whole.size() - 1})
    refused(whole.substr(0, size));
  refused(whole + std::string(8, '\0'));
  refused(std::string(1000, 'x'));

  // With a checksum that fits: what is said must be checked.
  const auto with_head = [&](const std::string& head) {
    std::string bytes = "L2TRAIN1";
    const std::uint64_t size = head.size();
    bytes.append(reinterpret_cast<const char*>(&size), 8);
    bytes += head;
    bytes.resize(round_up(bytes.size(), 64));
    detail::Checksum checksum;
    checksum.add(std::as_bytes(std::span(bytes)));
    const std::uint64_t sum = checksum.value();
    return bytes.append(reinterpret_cast<const char*>(&sum), 8);
  };
  CHECK(refused(with_head("tensor a 18446744073709551615\n")).find("larger") != std::string::npos);
  CHECK(refused(with_head("tensor a 9\n")).find("larger") != std::string::npos);
  CHECK(refused(with_head("tensor a 2\n")).find("file's size") != std::string::npos);
  CHECK(refused(with_head("tensor a 0\n")).find("without name or size") != std::string::npos);
  CHECK(refused(with_head("tensor a -1\n")).find("without name or size") != std::string::npos);
  CHECK(refused(with_head("tensor a\n")).find("without name or size") != std::string::npos);
  CHECK(refused(with_head("tensor a 1x\n")).find("without name or size") != std::string::npos);
  CHECK(refused(with_head("name\n")).find("without name or value") != std::string::npos);
  CHECK(refused(with_head("name value")).find("without name or value") != std::string::npos);
  std::string many;
  for (int i = 0; i < 2000; ++i) many += "a b\n";
  CHECK(refused(with_head(many)).find("more fields") != std::string::npos);

  test::write_file(path, whole);
  FitTrainer trainer(fit, numbers, options);
  CHECK(trainer.resume());
}

TEST_CASE("what a state's file cannot hold is no field") {
  StateFields fields;
  CHECK_THROWS_AS(fields.set("a b", std::uint64_t{1}), Error);
  CHECK_THROWS_AS(fields.set("", std::uint64_t{1}), Error);
  CHECK_THROWS_AS(fields.set("a", std::string("b\nc")), Error);
  fields.set("a", std::string("b c"));
  fields.set("third", 1.0 / 3);
  fields.set("large", ~std::uint64_t{0});
  CHECK(fields.text("a") == "b c");
  CHECK(std::stod(fields.text("third")) == 1.0 / 3);
  CHECK(fields.number("large") == ~std::uint64_t{0});
  CHECK(error_of([&] { static_cast<void>(fields.number("a")); }).code() ==
        ErrorCode::malformed_file);
  CHECK(error_of([&] { static_cast<void>(fields.number("b")); }).code() ==
        ErrorCode::malformed_file);
}

TEST_CASE("a folder of states keeps to its own files") {
  test::TempFolder folder;
  const auto touch = [&](const char* name) { test::write_file(folder.file(name), "x"); };
  for (const char* name :
       {"step-000000003.state", "step-000000010.state", "step-1000000000.state", "step-x.state",
        "other", "step-000000004.state.tmp123-0", "step-000000004.statement"})
    touch(name);
  const CheckpointFolder states(folder.file("."));
  CHECK(states.steps() == std::vector<std::uint64_t>{3, 10, 1'000'000'000});
  states.keep_newest(2);
  CHECK(states.steps() == std::vector<std::uint64_t>{10, 1'000'000'000});
  states.keep_newest(0);
  CHECK(states.steps() == std::vector<std::uint64_t>{1'000'000'000});
  CHECK(folder.names() == std::vector<std::string>{"other", "step-000000004.statement",
                                                   "step-1000000000.state", "step-x.state"});
  CHECK_THROWS_AS(CheckpointFolder(folder.file("other")), Error);
}

TEST_CASE("metrics go on where a saved state is") {
  test::TempFolder folder;
  {
    MetricsLog log(folder.file("."), 0);
    for (std::uint64_t step = 1; step <= 12; ++step)
      log.write(StepReport{.step = step, .loss = 0.5, .learning_rate = 0.001, .all_targets = 10});
    log.write(ValidationReport{.step = 12, .loss = 0.25, .targets = 3});
  }
  std::ofstream(folder.file("metrics.csv"), std::ios::app) << "13,0.1";  // killed
  MetricsLog log(folder.file("."), 9);
  log.write(StepReport{.step = 10, .loss = 0.125, .learning_rate = 0.001, .all_targets = 20});
  log.flush();
  std::ifstream json(folder.file("metrics.jsonl")), csv(folder.file("metrics.csv"));
  std::string line;
  std::getline(csv, line);
  CHECK(line == "step,loss,validation_loss,learning_rate,gradient_norm,targets,seconds");
  for (std::uint64_t step = 1; step <= 10; ++step) {
    REQUIRE(std::getline(json, line));
    const auto object = nlohmann::json::parse(line);
    CHECK(object.at("step") == step);
    CHECK(object.at("loss") == (step == 10 ? 0.125 : 0.5));
    REQUIRE(std::getline(csv, line));
    CHECK(line.substr(0, line.find(',')) == std::to_string(step));
  }
  CHECK(line == "10,0.125,,0.001,0,20,0");
  CHECK_FALSE(std::getline(json, line));
  CHECK_FALSE(std::getline(csv, line));
}

TEST_CASE("the peak is a rate that a processor can have") {
  const double peak = peak_multiply_adds({});
  CHECK(peak > 1e7);
  CHECK(peak < 1e12);
}
