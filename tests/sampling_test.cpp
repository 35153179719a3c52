// Stages of sampling one by one, alternatives of a token, best of several, beam search.

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <utility>
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

namespace {

constexpr int vectors = 10'000;
constexpr std::size_t largest_vocab = 3000;  // several times what is summed at once

/// Logits as models never have them, too: equal ones, infinities, no numbers. Mostly few.
std::vector<float> odd_logits(Random& random) {
  std::vector<float> logits(1 + random() % (random() % 50 == 0 ? largest_vocab : 60));
  const double width = 0.1 + 12 * random.uniform();
  const bool equal = random() % 3 == 0, infinities = random() % 4 == 0;
  for (float& logit : logits) {
    logit = static_cast<float>(width * (random.uniform() - 0.5));
    if (equal) logit = std::round(logit);
    if (infinities && random() % 5 == 0) {
      constexpr float odd[] = {inf, -inf, std::numeric_limits<float>::quiet_NaN(), 0.0f, -0.0f};
      logit = odd[random() % 5];
    }
  }
  logits[random() % logits.size()] = 1;  // one is a number
  return logits;
}

struct Weighed {
  Token token;
  double logit, probability;
};

/// All that can be drawn, the likeliest first, with probabilities that sum to 1.
std::vector<Weighed> sorted_softmax(const std::vector<float>& logits, float temperature) {
  std::vector<Weighed> all;
  double highest = -inf, sum = 0;
  for (std::size_t i = 0; i < logits.size(); ++i)
    if (logits[i] > -inf) all.push_back({static_cast<Token>(i), double{logits[i]}, 0});
  for (const Weighed& w : all) highest = std::max(highest, w.logit);
  for (Weighed& w : all) {
    w.probability = w.logit == highest ? 1 : std::exp((w.logit - highest) / double{temperature});
    sum += w.probability;
  }
  for (Weighed& w : all) w.probability /= sum;
  std::ranges::sort(all, [](const Weighed& x, const Weighed& y) {
    return x.logit > y.logit || (x.logit == y.logit && x.token < y.token);
  });
  return all;
}

/// Whether two sums or bounds are so close that floats may decide between them in either way.
bool near(double a, double b) {
  return std::abs(a - b) <= 1e-5 * std::max(std::abs(a), std::abs(b));
}

/// The first ones of a sorted list that have the probability p together, none if that is too close
/// to decide.
std::optional<std::set<Token>> first_of(const std::vector<Weighed>& all, double p) {
  std::set<Token> kept;
  double sum = 0;
  for (const Weighed& w : all) {
    if (near(sum, p)) return std::nullopt;
    if (sum >= p) break;
    sum += w.probability;
    kept.insert(w.token);
  }
  return kept;
}

/// The most typical ones, whatever their order, that have the probability p together.
std::optional<std::set<Token>> typical_of(std::vector<Weighed> all, double p) {
  // What floats hold no probability of is no candidate.
  std::erase_if(all, [&](const Weighed& w) { return w.probability / all[0].probability < 1e-38; });
  double entropy = 0;
  for (const Weighed& w : all) entropy -= w.probability * std::log(w.probability);
  const auto distance = [&](const Weighed& w) {
    return std::abs(-std::log(w.probability) - entropy);
  };
  std::ranges::sort(all, [&](const Weighed& a, const Weighed& b) {
    const double da = distance(a), db = distance(b);
    return a.logit == b.logit ? a.token < b.token : da < db;
  });
  for (std::size_t i = 1; i < all.size(); ++i)
    if (all[i].logit != all[i - 1].logit &&
        std::abs(distance(all[i]) - distance(all[i - 1])) < 1e-5)
      return std::nullopt;
  return first_of(all, p);
}

/// Compares what a stage keeps of random vectors to what the reference keeps of the sorted list;
/// where it cannot decide, it returns none.
template <class Stage, class Reference>
void check_stage(std::uint64_t seed, Stage&& stage, Reference&& reference) {
  Random random(seed);
  Candidates candidates(largest_vocab);
  int different = 0, undecided = 0, cut = 0;
  for (int i = 0; i < vectors; ++i) {
    const auto logits = odd_logits(random);
    const auto temperature = static_cast<float>(0.3 + 2 * random.uniform());
    const auto number = static_cast<float>(0.001 + 0.998 * random.uniform());
    candidates.assign(logits);
    candidates.weigh(temperature);
    const auto all = sorted_softmax(logits, temperature);
    stage(candidates, number);
    const std::set<Token> kept(candidates.tokens().begin(), candidates.tokens().end());
    const std::optional<std::set<Token>> expected = reference(all, number);
    undecided += !expected;
    different += expected && kept != *expected;
    cut += kept.size() < all.size();
    REQUIRE(std::ranges::is_sorted(candidates.tokens()));
  }
  CHECK(different == 0);
  CHECK(undecided < vectors / 10);
  CHECK(cut > vectors / 3);
}

}  // namespace

TEST_CASE("each stage keeps of 10,000 random vectors what a plain reference keeps") {
  SECTION("temperature") {
    check_stage(
        1,
        [](Candidates& candidates, float) {
          std::vector<float> logits(largest_vocab, -inf);
          for (std::size_t i = 0; i < candidates.size(); ++i)
            logits[static_cast<std::size_t>(candidates.tokens()[i])] = candidates.logits()[i];
          candidates.weigh(0.7f);
          for (const Weighed& w : sorted_softmax(logits, 0.7f)) {
            const float* const logit = candidates.find(w.token);
            REQUIRE(logit != nullptr);
            const auto place = static_cast<std::size_t>(logit - candidates.logits().data());
            REQUIRE(candidates.tokens()[place] == w.token);
            const double share = double{candidates.probabilities()[place]} / candidates.total();
            REQUIRE(std::abs(share - w.probability) < 1e-6);
          }
          candidates.keep_top_k(1);  // something to compare
        },
        [](const std::vector<Weighed>& all, float) {
          return std::optional(std::set<Token>{all[0].token});
        });
  }
  SECTION("top-k") {
    check_stage(
        2,
        [](Candidates& candidates, float x) {
          candidates.keep_top_k(static_cast<std::size_t>(50 * x));
        },
        [](const std::vector<Weighed>& all, float x) {
          const auto k = static_cast<std::size_t>(50 * x);
          std::set<Token> kept;
          for (std::size_t i = 0; i < all.size() && (k == 0 || i < k); ++i)
            kept.insert(all[i].token);
          return std::optional(kept);
        });
  }
  SECTION("top-p") {
    check_stage(
        3, [](Candidates& candidates, float x) { candidates.keep_top_p(x); },
        [](const std::vector<Weighed>& all, float x) { return first_of(all, double{x}); });
  }
  SECTION("min-p") {
    check_stage(
        4, [](Candidates& candidates, float x) { candidates.keep_min_p(x); },
        [](const std::vector<Weighed>& all, float x) {
          std::optional<std::set<Token>> kept(std::in_place);
          for (const Weighed& w : all) {
            const double share = w.probability / all[0].probability;
            if (near(share, double{x})) return std::optional<std::set<Token>>();
            if (share >= double{x}) kept->insert(w.token);
          }
          return kept;
        });
  }
  SECTION("typical") {
    check_stage(5, [](Candidates& candidates, float x) { candidates.keep_typical(x); }, typical_of);
  }
  SECTION("surprise, of Mirostat") {
    check_stage(
        6, [](Candidates& candidates, float x) { candidates.keep_surprise_below(6 * double{x}); },
        [](const std::vector<Weighed>& all, float x) {
          std::optional<std::set<Token>> kept(std::in_place);
          const double least = std::min(std::exp2(-6 * double{x}), all[0].probability);
          for (const Weighed& w : all) {
            if (w.probability != all[0].probability && near(w.probability, least))
              return std::optional<std::set<Token>>();
            if (w.probability >= least || w.probability == all[0].probability)
              kept->insert(w.token);
          }
          return kept;
        });
  }
}

TEST_CASE("biases, bans and penalties of 10,000 random vectors give the likeliest of a reference") {
  Random random(7);
  int moved = 0;
  for (int i = 0; i < vectors; ++i) {
    const auto logits = odd_logits(random);
    const auto vocab = logits.size();
    SamplingOptions options{.temperature = 0};
    std::vector<Token> recent(random() % 90);
    for (Token& token : recent) token = static_cast<Token>(random() % vocab);
    const auto number = [&] { return static_cast<float>(4 * random.uniform() - 2); };
    if (random() % 2 == 0) options.repetition_penalty = 0.1f + std::abs(number());
    if (random() % 2 == 0) options.presence_penalty = number();
    if (random() % 2 == 0) options.frequency_penalty = number();
    options.repetition_window = random() % 70;
    for (std::size_t b = random() % 4; b-- > 0;)
      options.logit_bias.push_back(
          {static_cast<Token>(random() % vocab), random() % 3 == 0 ? -inf : number()});

    std::vector<std::pair<float, Token>> changed;
    for (std::size_t t = 0; t < vocab; ++t) {
      float logit = logits[t];
      if (!(logit > -inf)) continue;
      const auto token = static_cast<Token>(t);
      for (const LogitBias& bias : options.logit_bias)
        if (bias.token == token) logit += bias.bias;
      if (!options.logit_bias.empty() && !(logit > -inf)) continue;  // banned
      const auto window =
          std::span(recent).last(std::min(recent.size(), options.repetition_window));
      if (const auto count = std::ranges::count(window, token); count != 0) {
        logit = logit > 0 ? logit / options.repetition_penalty : logit * options.repetition_penalty;
        logit -= options.presence_penalty + options.frequency_penalty * static_cast<float>(count);
      }
      changed.emplace_back(logit, token);
    }
    // Infinities may have met: what is no number is never likelier than a number.
    const auto best = std::ranges::max_element(changed, [](const auto& a, const auto& b) {
      const auto key = [](const auto& x) { return std::isnan(x.first) ? -inf : x.first; };
      return key(a) < key(b) || (key(a) == key(b) && a.second > b.second);
    });
    Sampler sampler(vocab);
    if (changed.empty()) {
      const auto error = error_of([&] { (void)sampler.sample(logits, recent, options); });
      REQUIRE(error.value().code() == ErrorCode::invalid_argument);
      continue;
    }
    const Token token = sampler.sample(logits, recent, options);
    REQUIRE(token == best->second);
    moved += token != Sampler(vocab).sample(logits, {}, {.temperature = 0});
  }
  CHECK(moved > vectors / 10);
}

TEST_CASE("stages together draw from the distribution of a plain reference") {
  // Of 24 values of chi-square one exceeds the bound by chance every ten thousand runs.
  Random random(8);
  for (int i = 0; i < 24; ++i) {
    const auto logits = some_logits(20, 100 + static_cast<std::uint64_t>(i));
    SamplingOptions options{.temperature = static_cast<float>(0.5 + random.uniform())};
    if (i % 2 == 0) options.top_k = 8;
    if (i % 3 == 0) options.top_p = 0.8f;
    if (i % 4 == 0) options.min_p = 0.05f;
    if (i % 5 == 0) options.typical_p = 0.9f;
    if (i % 7 == 6) options = {.temperature = options.temperature, .mirostat_tau = 1.2f};
    auto all = sorted_softmax(logits, options.temperature);
    const auto renormalise = [&] {
      double sum = 0;
      for (const Weighed& w : all) sum += w.probability;
      for (Weighed& w : all) w.probability /= sum;
    };
    if (options.top_k != 0) all.resize(options.top_k);
    renormalise();
    if (options.typical_p < 1) {
      const auto kept = typical_of(all, double{options.typical_p});
      REQUIRE(kept);
      std::erase_if(all, [&](const Weighed& w) { return !kept->contains(w.token); });
      renormalise();
    }
    if (options.top_p < 1) {
      const auto kept = first_of(all, double{options.top_p});
      REQUIRE(kept);
      all.resize(kept->size());
    }
    double least = double{options.min_p} * all[0].probability;
    if (options.mirostat_tau > 0)
      least = std::min(std::exp2(-2 * double{options.mirostat_tau}), all[0].probability);
    std::erase_if(all, [&](const Weighed& w) { return w.probability < least; });
    renormalise();

    constexpr int draws = 20'000;
    Sampler sampler(logits.size());
    sampler.seed(static_cast<std::uint64_t>(i));
    std::vector<int> counts(logits.size());
    for (int d = 0; d < draws; ++d) {
      // Mirostat learns from what is drawn: each time its first draw.
      if (options.mirostat_tau > 0) sampler.seed(random());
      ++counts[static_cast<std::size_t>(sampler.sample(logits, {}, options))];
    }
    double chi_square = 0;
    int total = 0;
    for (const Weighed& w : all) {
      const double expected = draws * w.probability;
      const int count = counts[static_cast<std::size_t>(w.token)];
      chi_square += (count - expected) * (count - expected) / expected;
      total += count;
    }
    CHECK(total == draws);  // nothing else was drawn
    // The quantile of 4e-6 by Wilson and Hilferty's approximation.
    const auto freedom = static_cast<double>(std::max<std::size_t>(1, all.size() - 1));
    const double k = 2 / (9 * freedom);
    CHECK(chi_square < freedom * std::pow(1 - k + 4.46 * std::sqrt(k), 3));
  }
}

TEST_CASE("the token drawn is the one at the random number's place in the sum of probabilities") {
  const auto logits = some_logits(5000, 10);
  const auto p = probabilities(logits);
  std::vector<double> sums(p.size());
  std::partial_sum(p.begin(), p.end(), sums.begin());
  Sampler sampler(logits.size());
  Random same(11);
  sampler.seed(11);
  std::set<Token> seen;
  for (int i = 0; i < 3000; ++i) {
    const auto token = static_cast<std::size_t>(sampler.sample(logits, {}, {}));
    const double place = same.uniform();
    REQUIRE(place < sums[token] + 1e-6);
    REQUIRE(place > sums[token] - p[token] - 1e-6);
    seen.insert(static_cast<Token>(token));
  }
  CHECK(seen.size() > 1000);
}

TEST_CASE("the end of the sum belongs to the last candidate that can be drawn") {
  Candidates candidates(4000);
  for (const std::size_t zeros : {0u, 1u, 5u, 2000u}) {
    auto logits = some_logits(1500, 12);
    logits.resize(logits.size() + zeros, -1000.0f);  // too little for a float
    candidates.assign(logits);
    candidates.weigh(1);
    REQUIRE(candidates.size() == logits.size());
    CHECK(candidates.place_of_share(1) == 1499);
    CHECK(candidates.place_of_share(0) == 0);
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
  const auto refused = [&](const std::vector<float>& of, const std::vector<LogitBias>& bias) {
    const auto error = error_of([&] { (void)drawn(of, {.logit_bias = bias}); });
    return error && error->code() == ErrorCode::invalid_argument;
  };
  CHECK(refused(logits, {{0, -inf}, {1, -inf}, {2, -inf}, {3, -inf}}));
  CHECK(refused({-inf, 1, 2}, {{1, -inf}, {2, -inf}}));  // 0 is not possible anyway
  CHECK(refused(logits, {{4, 1}}));
  const SamplingStage odd = [](Candidates& candidates, std::span<const Token> text) {
    CHECK(text.size() == 4);
    for (std::size_t i = 0; i < candidates.size(); ++i)
      if (candidates.tokens()[i] % 2 == 0) candidates.logits()[i] = -inf;
  };
  CHECK(greedy({.stages = {odd}}) == 1);
  CHECK(drawn(logits, {.stages = {odd}}, recent) == std::set<Token>{1, 3});
}

TEST_CASE("whatever stages do, a candidate is left to be drawn") {
  const auto set_all = [](float to) -> SamplingStage {
    return [to](Candidates& candidates, std::span<const Token>) {
      std::ranges::fill(candidates.logits(), to);
    };
  };
  const std::vector<SamplingOptions> keeps = {
      {.top_k = 2},       {.top_p = 0.9f},       {.top_p = 1e-30f},
      {.min_p = 1},       {.typical_p = 0.9f},   {.mirostat_tau = 2},
      {.temperature = 0}, {.typical_p = 1e-30f}, {.temperature = 1e-40f, .top_p = 0.5f}};
  for (SamplingOptions options : keeps) {
    for (const float odd : {std::numeric_limits<float>::quiet_NaN(), -inf, inf}) {
      options.stages = {set_all(odd)};
      const auto tokens = drawn({2, 1, -1, 0.5f}, options);
      CHECK(*tokens.begin() >= 0);
      CHECK(*tokens.rbegin() < 4);
    }
    // What is banned stays so even where a stage spoils all the rest, and if it is infinite.
    options.stages = {set_all(-inf)};
    options.logit_bias = {{1, -inf}};
    CHECK_FALSE(drawn({1, inf, 2}, options).contains(1));
  }
  // Stages that choose among what they have spoilt.
  const std::vector<void (*)(Candidates&)> choices = {
      [](Candidates& c) { c.keep_top_k(2); }, [](Candidates& c) { c.keep_top_p(0.5f); },
      [](Candidates& c) { c.keep_min_p(2); },
      [](Candidates& c) { c.keep_min_p(std::numeric_limits<float>::quiet_NaN()); }};
  for (const auto choose : choices) {
    for (const float odd : {std::numeric_limits<float>::quiet_NaN(), -inf, inf, 1.0f}) {
      Candidates candidates(4);
      candidates.assign(std::vector<float>(4));
      std::ranges::fill(candidates.logits(), odd);
      choose(candidates);
      CHECK(candidates.size() >= 1);
    }
  }
  const SamplingOptions all_alike{.stages = {set_all(std::numeric_limits<float>::quiet_NaN())}};
  CHECK(drawn({2, 1, -1, 0.5f}, all_alike).size() == 4);

  // Typical sampling takes the likeliest away (here 0: its surprise is furthest from the entropy);
  // what is likely is then told by those that are left.
  std::vector<float> logits(9, 0.0f);
  logits[0] = 2;
  CHECK(drawn(logits, {.typical_p = 0.05f}) == std::set<Token>{1});
  CHECK(drawn(logits, {.min_p = 0.9f, .typical_p = 0.05f}) == std::set<Token>{1});

  // Stages of `Candidates` before there are probabilities: all are equally likely.
  Candidates candidates(9);
  for (const float odd : {2.0f, inf}) {
    logits[0] = odd;
    candidates.assign(logits);
    candidates.keep_typical(0.9f);
    CHECK(candidates.size() == 9);
    candidates.keep_top_p(0.5f);
    CHECK(candidates.size() == 5);
    candidates.keep_min_p(0.5f);
    CHECK(candidates.size() == 5);
  }
  CHECK(error_of([&] { candidates.assign(std::vector<float>(10)); }).value().code() ==
        ErrorCode::invalid_argument);
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
  // Where there are no probabilities there is no order, either.
  auto damaged = logits;
  damaged[7] = std::numeric_limits<float>::quiet_NaN();
  for (const auto& each : {damaged, std::vector<float>(30, -inf)})
    CHECK(error_of([&] { (void)likeliest(each, 5); }).value().code() == ErrorCode::malformed_file);
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
    own.seed = seed_of(options.seed, i);
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
  // Another seed draws all anew.
  auto next = options;
  next.seed = 5;
  for (const ScoredText& other : best_of(model, tokenizer, prompt, 7, next, 100))
    CHECK(std::ranges::find(alone, other.tokens) == alone.end());
  // A large context costs what the texts can need of it: this much could not be reserved.
  CHECK(best_of(model, tokenizer, prompt, 7, options, max_context).size() == 7);
  CHECK(error_of([&] { (void)best_of(model, tokenizer, prompt, 2, options, 3); }).value().code() ==
        ErrorCode::context_exhausted);
  CHECK(
      error_of([&] { (void)best_of(model, tokenizer, prompt, std::size_t{1} << 60, options, 100); })
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
