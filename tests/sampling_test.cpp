// Stages of sampling one by one, alternatives of a token, best of several, beam search.

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <set>
#include <vector>

#include "catch.hpp"
#include "error_of.hpp"
#include "llama2/base/random.hpp"
#include "llama2/generate/sampler.hpp"
#include "llama2/generate/search.hpp"
#include "llama2/generate/session.hpp"
#include "llama2/model/random_model.hpp"
#include "logits.hpp"
#include "synthetic_tokenizer.hpp"
#include "tiny_shapes.hpp"

using namespace llama2;
using test::error_of;
using test::logits_of;

namespace {

constexpr float inf = std::numeric_limits<float>::infinity();

std::vector<float> some_logits(std::size_t count, std::uint64_t seed) {
  std::vector<float> logits(count);
  Random random(seed);
  for (float& logit : logits) logit = static_cast<float>(6 * random.uniform() - 3);
  return logits;
}

std::vector<double> probabilities(const std::vector<float>& logits) {
  std::vector<double> result(logits.size());
  double sum = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) sum += result[i] = std::exp(double{logits[i]});
  for (double& p : result) p /= sum;
  return result;
}

/// The tokens that ever come in many draws.
std::set<Token> drawn(const std::vector<float>& logits, const SamplingOptions& options,
                      const std::vector<Token>& recent = {}) {
  Sampler sampler(logits.size());
  sampler.seed(1);
  std::set<Token> tokens;
  for (int i = 0; i < 3000; ++i) tokens.insert(sampler.sample(logits, recent, options));
  return tokens;
}

}  // namespace

TEST_CASE("typical sampling keeps what surprises as much as the average") {
  for (std::uint64_t seed = 1; seed < 6; ++seed) {
    const auto logits = some_logits(12, seed);
    const auto p = probabilities(logits);
    double entropy = 0;
    for (const double x : p) entropy -= x * std::log(x);
    std::vector<Token> order(p.size());
    std::iota(order.begin(), order.end(), 0);
    const auto distance = [&](Token t) {
      return std::abs(-std::log(p[static_cast<std::size_t>(t)]) - entropy);
    };
    std::ranges::sort(order, {}, distance);
    std::set<Token> expected;
    double sum = 0;
    for (std::size_t i = 0; i < order.size() && sum < 0.6; ++i) {
      sum += p[static_cast<std::size_t>(order[i])];
      expected.insert(order[i]);
    }
    CHECK(drawn(logits, {.typical_p = 0.6f}) == expected);
  }
}

TEST_CASE("mirostat keeps the surprise near what is asked for") {
  const std::size_t vocab = 1000;
  for (const float tau : {2.0f, 4.0f}) {
    Sampler sampler(vocab);
    sampler.seed(2);
    // The same in double: what it keeps must hold what was drawn.
    double bound = 2 * double{tau}, surprises = 0;
    constexpr int count = 2000;
    for (int i = 0; i < count; ++i) {
      const auto logits = some_logits(vocab, static_cast<std::uint64_t>(i % 20));
      const auto p = probabilities(logits);
      const Token token = sampler.sample(logits, {}, {.mirostat_tau = tau, .mirostat_eta = 0.2f});
      const double drawn_p = p[static_cast<std::size_t>(token)];
      const double least = std::min(std::exp2(-bound), std::ranges::max(p));
      REQUIRE(drawn_p >= least * (1 - 1e-5));
      double sum = 0;
      for (const double x : p) sum += x >= least ? x : 0;
      const double surprise = std::log2(sum / drawn_p);
      bound = std::max(0.0, bound - double{0.2f} * (surprise - double{tau}));
      surprises += surprise;
    }
    CHECK(surprises / count == Approx(double{tau}).margin(0.3));
  }
  // A very low aim takes the likeliest.
  CHECK(drawn(some_logits(50, 3), {.mirostat_tau = 1e-6f}).size() <= 2);
}

TEST_CASE("penalties and biases change logits as documented") {
  const std::vector<float> logits = {2.0f, 1.0f, -1.0f, 0.5f};
  const std::vector<Token> recent = {0, 0, 2, 0};
  const auto greedy = [&](SamplingOptions options) {
    options.temperature = 0;
    Sampler sampler(logits.size());
    return sampler.sample(logits, recent, options);
  };
  CHECK(greedy({}) == 0);
  CHECK(greedy({.presence_penalty = 0.9f}) == 0);
  CHECK(greedy({.presence_penalty = 1.1f}) == 1);
  CHECK(greedy({.frequency_penalty = 0.3f}) == 0);  // three times 0.3
  CHECK(greedy({.frequency_penalty = 0.4f}) == 1);
  CHECK(greedy({.frequency_penalty = 0.4f, .repetition_window = 2}) == 0);
  CHECK(greedy({.presence_penalty = -5.0f}) == 0);
  CHECK(greedy({.logit_bias = {{2, 3.5f}}}) == 2);
  CHECK(greedy({.logit_bias = {{0, -inf}}}) == 1);
  CHECK(greedy({.logit_bias = {{0, -inf}, {1, -inf}, {3, -inf}}}) == 2);
  CHECK(drawn(logits, {.logit_bias = {{0, -inf}, {3, -inf}}}) == std::set<Token>{1, 2});
  CHECK(drawn(logits, {.logit_bias = {{0, -inf}, {1, -inf}, {2, -inf}, {3, -inf}}}).size() == 4);
  const SamplingStage odd = [](Candidates& candidates, std::span<const Token> text) {
    CHECK(text.size() == 4);
    for (Candidate& c : candidates)
      if (c.token % 2 == 0) c.logit = -inf;
  };
  CHECK(greedy({.stages = {odd}}) == 1);
  CHECK(drawn(logits, {.stages = {odd}}, recent) == std::set<Token>{1, 3});
}

TEST_CASE("options that mean nothing are refused by name") {
  const auto refused = [](const SamplingOptions& options, const char* field) {
    const auto error = error_of([&] { options.validate(); });
    return error && error->code() == ErrorCode::invalid_argument &&
           std::string(error->what()).find(field) != std::string::npos;
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(refused({.typical_p = 0}, "typical_p"));
  CHECK(refused({.typical_p = nan}, "typical_p"));
  CHECK(refused({.mirostat_tau = -1}, "mirostat_tau"));
  CHECK(refused({.mirostat_eta = 0}, "mirostat_eta"));
  CHECK(refused({.presence_penalty = inf}, "presence_penalty"));
  CHECK(refused({.frequency_penalty = nan}, "frequency_penalty"));
  CHECK(refused({.logit_bias = {{-1, 0}}}, "logit_bias"));
  CHECK(refused({.logit_bias = {{1, inf}}}, "logit_bias"));
  CHECK(refused({.logit_bias = {{1, nan}}}, "logit_bias"));
}

TEST_CASE("alternatives of a token") {
  const auto logits = some_logits(30, 9);
  const auto p = probabilities(logits);
  const auto best = likeliest(logits, 5);
  REQUIRE(best.size() == 5);
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(best[i].log_probability ==
          Approx(std::log(p[static_cast<std::size_t>(best[i].token)])).margin(1e-6));
    CHECK((i == 0 || best[i - 1].log_probability >= best[i].log_probability));
  }
  CHECK(std::ranges::max(p) == p[static_cast<std::size_t>(best[0].token)]);
  CHECK(likeliest(logits, 100).size() == 30);
}

namespace {
struct Lettered : TinyGrouped {
  static constexpr std::size_t vocab = test::synthetic_vocab;
};
}  // namespace

TEST_CASE("best of several: each is what its seed gives alone, the likeliest first") {
  using M = Model<Lettered, F32>;
  const M model = make_random_model<M>(31);
  const Tokenizer tokenizer = test::synthetic_tokenizer();
  const std::vector<Token> prompt = {1, 270, 271, 280};
  const GenerateOptions options{.max_tokens = 9, .temperature = 1.2f, .seed = 4};
  const auto results = best_of(model, tokenizer, prompt, 7, options, 100);
  REQUIRE(results.size() == 7);
  std::vector<std::vector<Token>> alone;
  for (std::size_t i = 0; i < 7; ++i) {
    Session<M> session(model, tokenizer, {.context = 100});
    session.append(prompt);
    auto own = options;
    own.seed = mix_bits(options.seed + i);
    session.generate("", own, [](std::string_view) { return true; });
    alone.emplace_back(session.tokens().begin() + 4, session.tokens().end());
  }
  for (std::size_t i = 0; i < 7; ++i) {
    CHECK(std::ranges::find(alone, results[i].tokens) != alone.end());
    CHECK((i == 0 || results[i - 1].mean() >= results[i].mean()));
    auto text = prompt;
    text.insert(text.end(), results[i].tokens.begin(), results[i].tokens.end());
    const auto scores = log_probabilities(model, text);
    CHECK(std::accumulate(scores.begin() + 3, scores.end(), 0.0) ==
          Approx(results[i].log_probability));
  }
  CHECK(error_of([&] { (void)best_of(model, tokenizer, prompt, 100'000, options, 100); })
            .value()
            .code() == ErrorCode::invalid_argument);
}

TEST_CASE("beam search: greedy with one beam, exhaustive with enough of them") {
  using M = Model<TinyGrouped, F32>;
  const M model = make_random_model<M>(32);
  const std::vector<Token> prompt = {1, 7, 30};
  constexpr Token never = 1000;
  const auto greedy = beam_search(model, prompt, 1, 6, never);
  REQUIRE(greedy.size() == 1);
  auto text = prompt;
  for (int i = 0; i < 6; ++i) {
    const auto logits = logits_of(model, text);
    text.push_back(likeliest(std::span(logits).last(40), 1)[0].token);
  }
  CHECK(greedy[0].tokens == std::vector<Token>(text.begin() + 3, text.end()));

  // With as many beams as tokens, two steps see all pairs.
  const auto beams = beam_search(model, prompt, 40, 2, never);
  std::vector<std::vector<Token>> pairs;
  for (Token a = 0; a < 40; ++a)
    for (Token b = 0; b < 40; ++b) pairs.push_back({a, b});
  const auto scores = log_probabilities(model, prompt, pairs);
  std::vector<double> sums;
  for (const auto& score : scores) sums.push_back(score[0] + score[1]);
  std::ranges::sort(sums, std::ranges::greater{});
  REQUIRE(beams.size() == 40);
  for (std::size_t i = 0; i < beams.size(); ++i)
    CHECK(beams[i].log_probability == Approx(sums[i]).margin(1e-9));

  // Texts end with the end token, and more beams never find a worse best.
  double before = -1e9;
  for (const std::size_t width : {1u, 3u, 9u}) {
    const auto found = beam_search(model, prompt, width, 5, 12);
    REQUIRE_FALSE(found.empty());
    CHECK(found.size() <= width);
    for (const Beam& beam : found) {
      CHECK(beam.ended == (beam.tokens.back() == 12));
      CHECK(std::ranges::count(beam.tokens, 12) == (beam.ended ? 1 : 0));
      CHECK((beam.ended || beam.tokens.size() == 5));
    }
    CHECK(found[0].log_probability >= before - 1e-9);
    before = found[0].log_probability;
  }
  for (const std::size_t width : {std::size_t{0}, std::size_t{1} << 40})
    CHECK(error_of([&] { (void)beam_search(model, prompt, width, 2, never); }).value().code() ==
          ErrorCode::invalid_argument);
}
