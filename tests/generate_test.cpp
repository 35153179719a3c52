// From logits to text: the sampler, sessions and scoring.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "allocation_count.hpp"
#include "bin_writer.hpp"
#include "catch.hpp"
#include "counting_pool.hpp"
#include "error_of.hpp"
#include "llama2/generate/batch.hpp"
#include "llama2/generate/chat.hpp"
#include "llama2/generate/sampler.hpp"
#include "llama2/generate/score.hpp"
#include "llama2/generate/session.hpp"
#include "llama2/io/gguf_writer.hpp"
#include "llama2/io/load.hpp"
#include "llama2/io/load_tokenizer.hpp"
#include "llama2/shape/shapes.hpp"
#include "logits.hpp"
#include "random_values.hpp"
#include "synthetic_tokenizer.hpp"
#include "temp_file.hpp"
#include "test_data.hpp"

using namespace llama2;
using namespace test;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
const SamplingOptions greedy{.temperature = 0};

Token sample_once(const std::vector<float>& logits, const SamplingOptions& options,
                  const std::vector<Token>& recent = {}) {
  Sampler sampler(logits.size());
  return sampler.sample(logits, recent, options);
}

/// How often each token is drawn.
std::vector<std::size_t> draw(const std::vector<float>& logits, const SamplingOptions& options,
                              std::size_t times, std::uint64_t seed = 1,
                              const std::vector<Token>& recent = {}) {
  Sampler sampler(logits.size());
  sampler.seed(seed);
  std::vector<std::size_t> counts(logits.size());
  for (std::size_t i = 0; i < times; ++i)
    ++counts[static_cast<std::size_t>(sampler.sample(logits, recent, options))];
  return counts;
}

/// The tokens that are ever drawn.
std::set<Token> drawn(const std::vector<float>& logits, const SamplingOptions& options,
                      std::size_t times = 400, const std::vector<Token>& recent = {}) {
  const auto counts = draw(logits, options, times, 1, recent);
  std::set<Token> tokens;
  for (std::size_t i = 0; i < counts.size(); ++i)
    if (counts[i] != 0) tokens.insert(static_cast<Token>(i));
  return tokens;
}

std::vector<float> logs(std::vector<double> probabilities) {
  std::vector<float> out;
  for (const double p : probabilities) out.push_back(static_cast<float>(std::log(p)));
  return out;
}

struct Choice {
  Token token;
  double probability;
};

/// The distribution that the options ask for, most likely token first, by sorting everything.
std::vector<Choice> plain_distribution(const std::vector<float>& logits,
                                       const SamplingOptions& options) {
  std::vector<Choice> all;
  const double highest = *std::ranges::max_element(logits);
  double total = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    all.push_back({static_cast<Token>(i), std::exp((logits[i] - highest) / options.temperature)});
  }
  std::ranges::sort(all, [](const Choice& a, const Choice& b) {
    return a.probability != b.probability ? a.probability > b.probability : a.token < b.token;
  });
  if (options.top_k != 0 && options.top_k < all.size()) all.resize(options.top_k);
  for (const Choice& choice : all) total += choice.probability;
  std::size_t kept = 0;
  for (double sum = 0; kept < all.size() && sum < options.top_p * total; ++kept)
    sum += all[kept].probability;
  if (options.top_p < 1) all.resize(kept);
  const double least = options.min_p * all.front().probability;
  std::erase_if(all, [&](const Choice& choice) { return choice.probability < least; });
  total = 0;
  for (const Choice& choice : all) total += choice.probability;
  for (Choice& choice : all) choice.probability /= total;
  return all;
}

}  // namespace

TEST_CASE("greedy takes the highest logit, of equal ones the lowest id") {
  CHECK(sample_once({0.5f, 2.0f, 1.0f}, greedy) == 1);
  CHECK(sample_once({1.0f, 3.0f, 3.0f, 3.0f}, greedy) == 1);
  CHECK(sample_once({-2.0f, -2.0f}, greedy) == 0);
  CHECK(sample_once({7.0f}, greedy) == 0);
}

TEST_CASE("logits that are no numbers") {
  CHECK(sample_once({not_a_number, 1.0f, not_a_number}, greedy) == 1);
  CHECK(sample_once({-infinity, -5.0f, not_a_number}, greedy) == 1);
  CHECK(sample_once({1.0f, infinity, infinity}, greedy) == 1);
  CHECK(drawn({not_a_number, 1.0f, -infinity, 1.0f}, {}) == std::set<Token>{1, 3});
  CHECK(drawn({5.0f, infinity, -infinity, infinity, not_a_number}, {.temperature = 2}) ==
        std::set<Token>{1, 3});
  CHECK(drawn({5.0f, infinity, 4.0f}, {.top_k = 2, .top_p = 0.5f, .min_p = 0.1f}) ==
        std::set<Token>{1});
  for (const auto& nothing :
       {std::vector<float>{-infinity, not_a_number, -infinity}, {not_a_number}, {}}) {
    for (const SamplingOptions& options : {greedy, SamplingOptions{}}) {
      const auto error = error_of([&] { sample_once(nothing, options); });
      REQUIRE(error);
      CHECK(error->code() == ErrorCode::malformed_file);
    }
  }
}

TEST_CASE("extreme temperatures") {
  const std::vector<float> logits = {1.0f, 1.5f, -3.0f, 1.5f};
  for (const float cold : {1e-3f, 1e-30f, std::numeric_limits<float>::denorm_min()})
    CHECK(drawn(logits, {.temperature = cold}) == std::set<Token>{1, 3});
  const float hot = std::numeric_limits<float>::max();
  CHECK(drawn(logits, {.temperature = hot}) == std::set<Token>{0, 1, 2, 3});
}

TEST_CASE("top-k keeps the k most likely tokens, of equal ones the lower ids") {
  const std::vector<float> logits = {0.1f, 0.3f, 0.2f, 0.3f, 0.2f};
  CHECK(drawn(logits, {.top_k = 1}) == std::set<Token>{1});
  CHECK(drawn(logits, {.top_k = 2}) == std::set<Token>{1, 3});
  CHECK(drawn(logits, {.top_k = 3}) == std::set<Token>{1, 2, 3});
  CHECK(drawn(logits, {.top_k = 4}) == std::set<Token>{1, 2, 3, 4});
  for (const std::size_t all : {0u, 5u, 6u, 1000000u})
    CHECK(drawn(logits, {.top_k = all}) == std::set<Token>{0, 1, 2, 3, 4});
}

TEST_CASE("top-p keeps the fewest tokens that have the probability together") {
  const auto logits = logs({0.25, 0.5, 0.25});
  CHECK(drawn(logits, {.top_p = 0.01f}) == std::set<Token>{1});
  CHECK(drawn(logits, {.top_p = 0.49f}) == std::set<Token>{1});
  CHECK(drawn(logits, {.top_p = 0.51f}) == std::set<Token>{0, 1});  // of equal ones the lower id
  CHECK(drawn(logits, {.top_p = 0.74f}) == std::set<Token>{0, 1});
  CHECK(drawn(logits, {.top_p = 0.76f}) == std::set<Token>{0, 1, 2});
  CHECK(drawn(logits, {.top_p = 1.0f}) == std::set<Token>{0, 1, 2});
  // The probabilities are those after top-k: of two tokens with 2/3 and 1/3 the first has half.
  CHECK(drawn(logits, {.top_k = 2, .top_p = 0.6f}) == std::set<Token>{1});
}

TEST_CASE("min-p keeps tokens with a share of the likeliest's probability") {
  const auto logits = logs({0.1, 0.4, 0.3, 0.2});
  CHECK(drawn(logits, {.min_p = 0.24f}) == std::set<Token>{0, 1, 2, 3});
  CHECK(drawn(logits, {.min_p = 0.26f}) == std::set<Token>{1, 2, 3});
  CHECK(drawn(logits, {.min_p = 0.51f}) == std::set<Token>{1, 2});
  CHECK(drawn(logits, {.min_p = 1.0f}) == std::set<Token>{1});
}

TEST_CASE("top-p, top-k and min-p against a plain reference") {
  // Tokens are drawn in the order of their ids, so the very token drawn is the reference's.
  std::size_t differ = 0;
  std::size_t cut_by_min_p = 0;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    Random random(i);
    const auto number = [&](double low, double high) {
      return static_cast<float>(low + (high - low) * random.uniform());
    };
    const std::size_t vocab = 2 + random() % 300;
    auto logits = random_values(1000 + i, vocab, number(0.1, 8));
    if (i % 3 == 0)  // many equal ones
      for (float& logit : logits) logit = std::round(logit);
    SamplingOptions options{.temperature = number(0.2, 3), .top_p = number(0.05, 0.999)};
    if (i % 2 == 0) options.top_k = 1 + random() % vocab;
    if (i % 4 < 2) options.min_p = number(0, 0.5);
    options.validate();

    auto expected = plain_distribution(logits, options);
    SamplingOptions without_min_p = options;
    without_min_p.min_p = 0;
    cut_by_min_p += expected.size() < plain_distribution(logits, without_min_p).size();
    std::ranges::sort(expected, {}, &Choice::token);
    Sampler sampler(vocab);
    sampler.seed(i);
    Random same(i);
    for (int draws = 0; draws < 8; ++draws) {
      double left = same.uniform();
      std::size_t at = 0;
      while (at + 1 < expected.size() && left >= expected[at].probability)
        left -= expected[at++].probability;
      differ += sampler.sample(logits, {}, options) != expected[at].token;
    }
  }
  CHECK(differ == 0);
  CHECK(cut_by_min_p > 100);
}

TEST_CASE("the repetition penalty, worked out by hand") {
  SamplingOptions options = greedy;
  options.repetition_penalty = 2;
  const std::vector<float> logits = {2.0f, 1.5f, -1.0f, -0.4f};
  CHECK(sample_once(logits, options) == 0);
  CHECK(sample_once(logits, options, {0}) == 1);        // 1, 1.5
  CHECK(sample_once(logits, options, {0, 1}) == 0);     // 1, 0.75
  CHECK(sample_once(logits, options, {2, 3, 2}) == 0);  // no other is touched

  const std::vector<float> negative = {-1.0f, -1.5f, -3.0f};
  CHECK(sample_once(negative, options, {0}) == 1);     // -2, -1.5
  CHECK(sample_once(negative, options, {0, 1}) == 0);  // -2, -3, -3

  // Once for each token, however often it was there: 3 / 2 > 1 > 3 / 4.
  CHECK(sample_once({3.0f, 1.0f}, options, {0, 0, 0}) == 0);

  // Only the last `repetition_window` tokens count.
  options.repetition_window = 1;
  CHECK(sample_once(logits, options, {0, 1}) == 0);
  CHECK(sample_once(logits, options, {1, 0}) == 1);
  options.repetition_window = 2;
  CHECK(sample_once(logits, options, {0, 1, 2}) == 0);
  CHECK(sample_once(logits, options, {0, 2, 3}) == 0);
  CHECK(sample_once(logits, options, {2, 0, 3}) == 1);
  options.repetition_window = 0;
  CHECK(sample_once(logits, options, {0}) == 0);

  options = greedy;
  options.repetition_penalty = 0.5f;  // below 1 makes likelier
  CHECK(sample_once(logits, options, {1}) == 1);

  // The penalty of one call does not reach into the next.
  options.repetition_penalty = 2;
  Sampler sampler(logits.size());
  CHECK(sampler.sample(logits, std::array<Token, 1>{0}, options) == 1);
  CHECK(sampler.sample(logits, {}, options) == 0);

  // Before the temperature: exp(2 / 2) against exp(1).
  options = {.repetition_penalty = 2};
  const auto counts = draw({2.0f, 1.0f}, options, 20000, 1, {0});
  CHECK(std::abs(static_cast<double>(counts[0]) / 20000 - 0.5) < 0.02);
}

TEST_CASE("the distribution of sampled tokens is softmax") {
  const std::vector<float> logits = {0.3f, -1.2f, 2.0f, 0.0f, 1.1f, -0.4f, 0.9f, -2.5f, 1.7f, 0.2f};
  constexpr std::size_t draws = 200000;
  for (const float temperature : {0.6f, 1.0f, 1.8f}) {
    const auto counts = draw(logits, {.temperature = temperature}, draws, 77);
    double total = 0;
    for (const float logit : logits) total += std::exp(static_cast<double>(logit) / temperature);
    double chi_square = 0;
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const double expected =
          draws * std::exp(static_cast<double>(logits[i]) / temperature) / total;
      REQUIRE(expected > 5);
      const double difference = static_cast<double>(counts[i]) - expected;
      chi_square += difference * difference / expected;
    }
    CHECK(chi_square < 27.88);  // 9 degrees of freedom: exceeded by chance once in a thousand
  }
}

TEST_CASE("the same seed gives the same tokens, another one others") {
  const auto logits = random_values(5, 50);
  const auto tokens = [&](Sampler& sampler) {
    std::vector<Token> out;
    for (int i = 0; i < 100; ++i) out.push_back(sampler.sample(logits, {}, {.top_k = 20}));
    return out;
  };
  Sampler a(50), b(50);
  a.seed(3);
  const auto first = tokens(a);
  const auto second = tokens(a);
  CHECK(first != second);
  a.seed(3);
  b.seed(3);
  CHECK(tokens(a) == first);
  CHECK(tokens(b) == first);
  b.seed(4);
  CHECK(tokens(b) != first);
}

TEST_CASE("sampling options out of range are refused by name") {
  const auto refused = [](const SamplingOptions& options, const std::string& field) {
    const auto error = error_of([&] { options.validate(); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::invalid_argument);
    CHECK(error->details().tensor == field);
  };
  for (const float bad : {-0.1f, infinity, -infinity, not_a_number})
    refused({.temperature = bad}, "temperature");
  for (const float bad : {0.0f, -1.0f, 1.001f, not_a_number}) refused({.top_p = bad}, "top_p");
  for (const float bad : {-0.1f, 1.1f, not_a_number}) refused({.min_p = bad}, "min_p");
  for (const float bad : {0.0f, -1.0f, infinity, not_a_number})
    refused({.repetition_penalty = bad}, "repetition_penalty");
  CHECK_NOTHROW(SamplingOptions{}.validate());
  CHECK_NOTHROW(SamplingOptions{.temperature = 0, .top_p = 1, .min_p = 1}.validate());
}

// Sessions.

namespace {

struct Tiny {
  static constexpr std::size_t dim = 16, hidden_dim = 24, layers = 2, heads = 4, kv_heads = 2,
                               vocab = synthetic_vocab, context = 64;
};
using TinyModel = Model<Tiny>;
using TinySession = Session<TinyModel>;

const GenerateOptions greedy_text{.max_tokens = 20, .temperature = 0};
const auto ignore = [](std::string_view) { return true; };

TinySession tiny_session(const TinySession::Options& options = {}) {
  return TinySession(make_random_model<TinyModel>(21), synthetic_tokenizer(), options);
}

std::vector<Token> to_vector(std::span<const Token> tokens) {
  return {tokens.begin(), tokens.end()};
}

/// A shape with more ids than the tokenizer.
struct Scripted {
  static constexpr std::size_t dim = 16, hidden_dim = 2, layers = 1, heads = 2, kv_heads = 2,
                               vocab = synthetic_vocab + 2, context = 32;
};
constexpr Token surplus_token = synthetic_vocab + 1;

/// A session whose greedy continuation of an empty text is `script`: each token's embedding is a
/// unit vector, the layers add nothing, and the head maps it to the next token.
Session<Model<Scripted>> scripted_session(const std::vector<Token>& script) {
  REQUIRE(script.size() < Scripted::dim);
  FloatModel numbers = random_float_model<Scripted>(1);
  using enum TensorKind;
  for (const TensorKind kind : {token_embedding, wo, w2, output})
    std::ranges::fill(numbers[kind], 0.0f);
  std::ranges::fill(numbers[norm], 1.0f);
  Token current = 1;  // BOS
  for (std::size_t i = 0; i < script.size(); ++i) {
    const auto row = [&](Token token) { return static_cast<std::size_t>(token) * Scripted::dim; };
    REQUIRE(numbers[token_embedding][row(current) + i] == 0);
    numbers[token_embedding][row(current) + i] = 1;
    numbers[output][row(script[i]) + i] = 1;
    current = script[i];
  }
  const TempFile file(write_version_1(numbers));
  return {load<Model<Scripted>>(file.path(), {.threads = 1}), synthetic_tokenizer()};
}

constexpr Token byte_token(int byte) {
  return 3 + byte;
}
constexpr Token eos = 2;

Token piece_token(std::string_view text) {
  const auto pieces = synthetic_vocabulary().pieces;
  const auto found = std::ranges::find(pieces, text, &Piece::text);
  REQUIRE(found != pieces.end());
  return static_cast<Token>(found - pieces.begin());
}

}  // namespace

TEST_CASE("the synthetic tokenizer has the size that its models have") {
  CHECK(synthetic_tokenizer().vocab_size() == synthetic_vocab);
}

TEST_CASE("a text ends with the end token, which has no text") {
  const Token the = piece_token("\xE2\x96\x81the");
  auto session = scripted_session({the, piece_token("\xE2\x96\x81"), piece_token("in"), eos});
  std::vector<std::string> parts;
  const auto result = session.generate("", greedy_text, [&](std::string_view part) {
    parts.emplace_back(part);
    return true;
  });
  CHECK(result.reason == StopReason::end_of_text);
  CHECK(result.prompt_tokens == 1);
  CHECK(result.tokens == 4);
  CHECK(parts == std::vector<std::string>{"the", " ", "in"});  // no space before the text
  CHECK(session.tokens().size() == 5);
  CHECK(session.tokens().back() == eos);
  CHECK(result.seconds >= 0);
  CHECK(result.prompt_seconds > 0);
}

TEST_CASE("a new begin token ends a text, too") {
  auto session = scripted_session({piece_token("a"), 1});
  CHECK(session.generate("", greedy_text, ignore).reason == StopReason::end_of_text);
  CHECK(to_vector(session.tokens()) == std::vector<Token>{1, piece_token("a"), 1});
}

TEST_CASE("characters are given whole, whatever tokens they come in") {
  // "a", the three bytes of U+65E5, a byte that begins a character and "b" instead of its end.
  auto session = scripted_session({piece_token("a"), byte_token(0xE6), byte_token(0x97),
                                   byte_token(0xA5), byte_token(0xC3), piece_token("b"), eos});
  std::vector<std::string> parts;
  session.generate("", greedy_text, [&](std::string_view part) {
    parts.emplace_back(part);
    return true;
  });
  CHECK(parts == std::vector<std::string>{"a", "\xE6\x97\xA5",
                                          "\xEF\xBF\xBD"
                                          "b"});
}

TEST_CASE("an unfinished character at the end is replaced") {
  auto session = scripted_session({piece_token("a"), byte_token(0xE6), byte_token(0x97), eos});
  std::string text;
  session.generate("", greedy_text, [&](std::string_view part) {
    text += part;
    return true;
  });
  CHECK(text == "a\xEF\xBF\xBD\xEF\xBF\xBD");

  session.reset();  // the callback may stop there, too
  int calls = 0;
  const auto result =
      session.generate("", greedy_text, [&](std::string_view) { return ++calls < 2; });
  CHECK(calls == 2);
  CHECK(result.reason == StopReason::stopped);
}

TEST_CASE("ids that the tokenizer lacks have no text") {
  auto session = scripted_session({piece_token("a"), surplus_token, piece_token("b"), eos});
  std::string text;
  const auto result = session.generate("", greedy_text, [&](std::string_view part) {
    text += part;
    return true;
  });
  CHECK(text == "ab");
  CHECK(result.tokens == 4);
}

TEST_CASE("the callback stops a text, which can then go on") {
  auto session = scripted_session({piece_token("a"), piece_token("b"), piece_token("c"), eos});
  std::string text;
  const auto first = session.generate("", greedy_text, [&](std::string_view part) {
    text += part;
    return text.size() < 2;
  });
  CHECK(first.reason == StopReason::stopped);
  CHECK(first.tokens == 2);
  CHECK(text == "ab");
  const auto second = session.generate("", greedy_text, [&](std::string_view part) {
    text += part;
    return true;
  });
  CHECK(second.reason == StopReason::end_of_text);
  CHECK(second.prompt_tokens == 0);
  CHECK(second.tokens == 2);
  CHECK(text == "abc");
}

TEST_CASE("max_tokens counts produced tokens") {
  for (const std::size_t max_tokens : {0u, 1u, 7u}) {
    auto session = tiny_session();
    const auto result =
        session.generate("the", {.max_tokens = max_tokens, .temperature = 0}, ignore);
    CHECK(result.reason == StopReason::max_tokens);
    CHECK(result.tokens == max_tokens);
    CHECK(session.tokens().size() == result.prompt_tokens + max_tokens);
  }
}

TEST_CASE("the context is filled to the last token") {
  for (const std::size_t batch_rows : {1u, 3u, 128u}) {
    auto session = tiny_session({.context = 10, .batch_rows = batch_rows});
    CHECK(session.context() == 10);
    const auto result = session.generate("thetin", {.max_tokens = 100, .temperature = 0}, ignore);
    CHECK(result.reason == StopReason::context_full);
    CHECK(result.prompt_tokens > 2);
    CHECK(result.tokens == 10 - result.prompt_tokens);
    CHECK(session.tokens().size() == 10);

    const auto again = session.generate("", greedy_text, ignore);
    CHECK(again.reason == StopReason::context_full);
    CHECK(again.tokens == 0);
    CHECK(session.logits().size() == Tiny::vocab);
  }
}

TEST_CASE("the context is the model's unless asked otherwise") {
  CHECK(tiny_session().context() == Tiny::context);
  ModelConfig config = ModelConfig::of<Tiny>();
  config.context = 17;
  const auto model = make_random_model<TinyModel>(1, {}, config);
  CHECK(TinySession(model, synthetic_tokenizer()).context() == 17);
}

TEST_CASE("a prompt that does not fit changes nothing") {
  auto session = tiny_session({.context = 12});
  const std::string prompt(12, 'q');
  auto error = error_of([&] { session.generate(prompt, greedy_text, ignore); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::context_exhausted);
  CHECK(error->details().expected == "at most 12 tokens");
  CHECK(error->details().found == "14");  // BOS, the space before a text, twelve letters
  CHECK(session.tokens().empty());

  session.generate("a", {.max_tokens = 3, .temperature = 0}, ignore);
  const auto before = to_vector(session.tokens());
  const auto logits = std::vector<float>(session.logits().begin(), session.logits().end());
  error = error_of([&] { session.generate(prompt, greedy_text, ignore); });
  REQUIRE(error);
  CHECK(to_vector(session.tokens()) == before);
  CHECK(same_bits(session.logits(), logits));

  auto fresh = tiny_session({.context = 12});
  fresh.append(before);
  session.generate("in", greedy_text, ignore);
  fresh.generate("in", greedy_text, ignore);
  CHECK(to_vector(session.tokens()) == to_vector(fresh.tokens()));
}

TEST_CASE("invalid options and tokens change nothing") {
  auto session = tiny_session();
  for (const GenerateOptions& bad :
       {GenerateOptions{.temperature = -1}, GenerateOptions{.top_p = 0},
        GenerateOptions{.min_p = 2}, GenerateOptions{.repetition_penalty = 0}}) {
    const auto error = error_of([&] { session.generate("the", bad, ignore); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::invalid_argument);
    CHECK(session.tokens().empty());
  }
  for (const Token bad : {-1, static_cast<int>(Tiny::vocab)}) {
    const auto error = error_of([&] { session.append(std::array<Token, 2>{1, bad}); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::invalid_argument);
    CHECK(session.tokens().empty());
  }
  const auto error = error_of([&] { session.logits(); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::invalid_argument);
}

TEST_CASE("a text in parts is the text in one") {
  for (const std::size_t batch_rows : {1u, 4u, 128u}) {
    auto whole = tiny_session();
    auto parts = tiny_session({.batch_rows = batch_rows});
    std::string whole_text, parts_text;
    REQUIRE(whole
                .generate("the hat", greedy_text,
                          [&](std::string_view part) {
                            whole_text += part;
                            return true;
                          })
                .reason == StopReason::max_tokens);
    for (const std::size_t n : {1u, 7u, 12u})
      parts.generate(parts_text.empty() && parts.tokens().empty() ? "the hat" : "",
                     {.max_tokens = n, .temperature = 0}, [&](std::string_view part) {
                       parts_text += part;
                       return true;
                     });
    CHECK(to_vector(parts.tokens()) == to_vector(whole.tokens()));
    CHECK(same_bits(parts.logits(), whole.logits()));

    // And what the sessions say is what the model says about these tokens.
    const auto direct = logits_of(whole.model(), whole.tokens());
    CHECK(same_bits(whole.logits(), std::span(direct).last(Tiny::vocab)));
  }
}

TEST_CASE("reset begins a new text") {
  auto session = tiny_session();
  session.generate("the hat", greedy_text, ignore);
  const auto first = to_vector(session.tokens());
  const std::vector<float> logits(session.logits().begin(), session.logits().end());
  session.reset();
  CHECK(session.tokens().empty());
  session.generate("in a", greedy_text, ignore);
  CHECK(to_vector(session.tokens()) != first);
  session.reset();
  session.generate("the hat", greedy_text, ignore);
  CHECK(to_vector(session.tokens()) == first);
  CHECK(same_bits(session.logits(), logits));
}

TEST_CASE("the seed decides a sampled text") {
  const auto tokens = [](std::uint64_t seed) {
    auto session = tiny_session();
    session.generate("the", {.max_tokens = 15, .temperature = 1.5f, .seed = seed}, ignore);
    return to_vector(session.tokens());
  };
  CHECK(tokens(1) == tokens(1));
  CHECK(tokens(1) != tokens(2));
}

TEST_CASE("every sampling option reaches the sampler") {
  const GenerateOptions options{.temperature = 0.5f,
                                .top_k = 3,
                                .top_p = 0.7f,
                                .min_p = 0.2f,
                                .repetition_penalty = 1.5f,
                                .repetition_window = 9};
  const SamplingOptions sampling = options.sampling();
  CHECK(sampling.temperature == 0.5f);
  CHECK(sampling.top_k == 3);
  CHECK(sampling.top_p == 0.7f);
  CHECK(sampling.min_p == 0.2f);
  CHECK(sampling.repetition_penalty == 1.5f);
  CHECK(sampling.repetition_window == 9);

  // A strong penalty over the whole text: no token comes twice.
  auto session = tiny_session();
  session.generate("", {.max_tokens = 40, .temperature = 0, .repetition_penalty = 1e6f}, ignore);
  const auto tokens = to_vector(session.tokens());
  CHECK(std::set<Token>(tokens.begin(), tokens.end()).size() == tokens.size());
}

TEST_CASE("text is whole UTF-8 at every callback and the tokens' own text in the end") {
  std::size_t replaced = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    auto session = tiny_session();
    std::string text;
    bool valid = true;
    session.generate("", {.max_tokens = 60, .temperature = 2, .seed = seed},
                     [&](std::string_view part) {
                       valid = valid && !part.empty() && is_valid_utf8(part);
                       text += part;
                       return true;
                     });
    CHECK(valid);
    CHECK(text == session.tokenizer().decode(session.tokens()));
    replaced += text.find("\xEF\xBF\xBD") != std::string::npos;
  }
  CHECK(replaced > 0);
}

namespace {
struct Smaller : Tiny {
  static constexpr std::size_t vocab = synthetic_vocab - 1;
};
}  // namespace

TEST_CASE("a tokenizer with more ids than the model is refused") {
  using M = Model<Smaller>;
  const auto error = error_of([&] { Session<M>(make_random_model<M>(1), synthetic_tokenizer()); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::mismatch);
  CHECK(error->details().expected == "at most " + std::to_string(synthetic_vocab - 1));
  CHECK(error->details().found == std::to_string(synthetic_vocab));
}

TEST_CASE("sessions share a pool until it is empty") {
  const auto model = make_random_model<TinyModel>(21);
  const auto pool = std::make_shared<TinyModel::Pool>(3 * kv_page_positions);
  const TinySession::Options one_page{.context = kv_page_positions, .pool = pool};
  const TinySession::Options two_pages{.context = kv_page_positions + 1, .pool = pool};
  std::optional<TinySession> first(std::in_place, model, synthetic_tokenizer(), two_pages);
  TinySession second(model, synthetic_tokenizer(), one_page);
  CHECK(pool->free_pages() == 0);
  const auto error = error_of([&] { TinySession(model, synthetic_tokenizer(), one_page); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::out_of_memory);
  CHECK(pool->free_pages() == 0);

  first->generate("the hat", greedy_text, ignore);
  second.generate("in", greedy_text, ignore);
  const auto second_tokens = to_vector(second.tokens());
  first.reset();
  CHECK(pool->free_pages() == 2);

  // Pages that held another text do not change this one.
  TinySession third(model, synthetic_tokenizer(), one_page);
  third.generate("in", greedy_text, ignore);
  CHECK(to_vector(third.tokens()) == second_tokens);
  CHECK(same_bits(third.logits(), second.logits()));

  // More than the whole pool.
  const auto too_much = error_of([&] {
    TinySession(model, synthetic_tokenizer(), {.context = 4 * kv_page_positions, .pool = pool});
  });
  REQUIRE(too_much);
  CHECK(too_much->code() == ErrorCode::out_of_memory);
}

// Damaged weights.

TEST_CASE("weights that are not numbers end in an error, not in text") {
  using M = Model<Tiny, F32>;
  const M good = make_random_model<M>(3);
  const auto refused = [&](auto damage) {
    auto weights = good.weights();
    damage(weights);
    const M model(weights, nullptr, ModelConfig::of<Tiny>());
    Session<M> session(model, synthetic_tokenizer());
    return error_of([&] {
      session.generate("", {.max_tokens = 3, .temperature = 0},
                       [](std::string_view) { return true; });
    });
  };
  const std::vector<float> nan(Tiny::dim, not_a_number);
  std::vector<PanelBlock<F32>> panels(Tiny::dim * Tiny::vocab);
  for (auto& panel : panels) std::ranges::fill(panel.w, not_a_number);
  for (const auto& error : {refused([&](auto& w) { w.layers[0].wq.data = panels.data(); }),
                            refused([&](auto& w) { w.layers[1].wk.data = panels.data(); }),
                            refused([&](auto& w) { w.layers[0].w1.data = panels.data(); }),
                            refused([&](auto& w) { w.norm.data = nan.data(); })}) {
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::malformed_file);
  }
  CHECK_FALSE(refused([](auto&) {}));
}

// Allocations.

namespace {

/// Wide enough that single tokens are shared out to threads.
struct Wide : Tiny {
  static constexpr std::size_t dim = 128, hidden_dim = 640, context = 200;
};

/// Fails if anything is allocated between the first and the last callback.
void check_no_allocation(SharedExecutor executor, const GenerateOptions& options) {
  Session<Model<Wide>> session(make_random_model<Model<Wide>>(2, std::move(executor)),
                               synthetic_tokenizer());
  std::size_t calls = 0;
  Allocations before, after;
  const auto result = session.generate("the hat", options, [&](std::string_view) {
    if (calls++ == 0) before = allocations();
    after = allocations();
    return true;
  });
  CHECK(result.tokens > 64);
  CHECK(calls > 20);
  CHECK(after.operator_new - before.operator_new == 0);
  CHECK(after.malloc - before.malloc == 0);
  CHECK(after.mmap - before.mmap == 0);
}

}  // namespace

TEST_CASE("the counters of allocations count") {
  const Allocations before = allocations();
  void* const volatile raw = std::malloc(100);
  const Allocations after_malloc = allocations();
  auto* volatile object = new std::array<int, 100>;
  const Allocations after_new = allocations();
  struct alignas(128) Line {
    char bytes[128];
  };
  auto* volatile aligned = new Line;
  const Allocations after_aligned = allocations();
  const AlignedBuffer<float> mapped(100000);
  const Allocations after_map = allocations();
  std::free(raw);
  delete object;
  delete aligned;

  const std::uint64_t news = counted().operator_new;
  const std::uint64_t mallocs = counted().malloc;
  REQUIRE((news != 0 || mallocs != 0));
  CHECK(after_malloc.malloc - before.malloc == mallocs);
  CHECK(after_malloc.operator_new - before.operator_new == 0);
  CHECK(after_new.operator_new - after_malloc.operator_new == news);
  CHECK(after_new.malloc - after_malloc.malloc == mallocs);
  CHECK(after_aligned.operator_new - after_new.operator_new == news);
  CHECK(after_aligned.malloc - after_new.malloc == mallocs);
  CHECK(after_map.mmap - after_aligned.mmap == std::uint64_t{counted().mmap});
}

TEST_CASE("producing a token allocates nothing") {
  // Sampled hot, so that many tokens come; every stage of the sampler takes part.
  const GenerateOptions sampled{.max_tokens = 150,
                                .temperature = 1.3f,
                                .top_k = 250,
                                .top_p = 0.95f,
                                .min_p = 0.001f,
                                .repetition_penalty = 1.1f,
                                .seed = 5};
  const GenerateOptions plain{.max_tokens = 150, .temperature = 0};
  for (const GenerateOptions& options : {sampled, plain}) {
    check_no_allocation({}, options);
    const auto pool = std::make_shared<CountingPool>();
    check_no_allocation(pool, options);
    CHECK(pool->runs > 150);
  }
}

TEST_CASE("a batch's steps allocate nothing, whoever takes part") {
  const auto pool = std::make_shared<CountingPool>();
  for (const SharedExecutor& executor : {SharedExecutor(), SharedExecutor(pool)}) {
    const auto model = make_random_model<Model<Wide>>(2, executor);
    Batch<Model<Wide>> batch(model, synthetic_tokenizer(),
                             std::make_shared<Model<Wide>::Pool>(6 * 4 * kv_page_positions), 16);
    std::size_t ended = 0;
    for (std::size_t i = 0; i < 6; ++i)
      batch.add(std::vector<Token>(3 + 20 * i, 270), Wide::context,
                {.max_tokens = 40 + 10 * i,
                 .temperature = 1.3f,
                 .top_p = 0.95f,
                 .typical_p = 0.9f,
                 .frequency_penalty = 0.1f,
                 .logit_bias = {{1, -infinity}, {2, -infinity}},
                 .seed = i,
                 .stop = {"xyz"},
                 .sinks = 2},
                ignore, [&](auto, const BatchResult&) { ++ended; });
    const Allocations before = allocations();
    std::size_t steps = 0;
    while (batch.step() != 0) ++steps;
    const Allocations after = allocations();
    CHECK(ended == 6);
    CHECK(steps > 90);
    CHECK(after.operator_new - before.operator_new == 0);
    CHECK(after.malloc - before.malloc == 0);
    CHECK(after.mmap - before.mmap == 0);
  }
}

TEST_CASE("a chat's answer allocates nothing from token to token") {
  const auto model = make_random_model<Model<Wide>>(2);
  const Tokenizer tokenizer = synthetic_tokenizer();
  Chat chat(Session(model, tokenizer), tokenizer,
            {.generate = {.max_tokens = 120, .temperature = 1.3f, .seed = 5}});
  std::size_t calls = 0;
  Allocations before, after;
  const auto answer = chat.say("the hat", [&](std::string_view) {
    if (calls++ == 0) before = allocations();
    after = allocations();
    return true;
  });
  CHECK(answer.result.tokens > 30);
  CHECK(calls > 15);
  CHECK(after.operator_new - before.operator_new == 0);
  CHECK(after.malloc - before.malloc == 0);
}

// Scoring.

TEST_CASE("log-probabilities are softmax, worked out in double") {
  const std::vector<float> logits = {1.0f, -2.0f, 0.5f, 3.0f};
  double total = 0;
  for (const float logit : logits) total += std::exp(static_cast<double>(logit));
  for (Token token = 0; token < 4; ++token) {
    const double p = std::exp(static_cast<double>(logits[static_cast<std::size_t>(token)])) / total;
    CHECK(std::abs(log_probability(logits, token) - std::log(p)) < 1e-12);
  }
  // Logits whose exponentials overflow, and probabilities that are zero in float.
  CHECK(std::abs(log_probability(std::array{5000.0f, 5000.0f}, 1) + std::log(2.0)) < 1e-12);
  CHECK(std::abs(log_probability(std::array{5000.0f, 0.0f}, 1) + 5000.0) < 1e-9);
}

TEST_CASE("log-probabilities of a text are those of its logits") {
  const auto model = make_random_model<TinyModel>(8);
  // Around the number of rows that are evaluated together, and beyond the model's context.
  for (const std::size_t size : {2u, 3u, 32u, 33u, 34u, 64u, 65u, 66u, 150u}) {
    std::vector<Token> tokens;
    for (std::size_t i = 0; i < size; ++i)
      tokens.push_back(static_cast<Token>((i * i * 31 + 7 * i) % Tiny::vocab));
    const auto scores = log_probabilities(model, tokens);
    REQUIRE(scores.size() == size - 1);
    const auto logits = logits_of(model, tokens);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i + 1 < size; ++i) {
      const auto row = std::span(logits).subspan(i * Tiny::vocab, Tiny::vocab);
      double total = 0;
      for (const float logit : row) total += std::exp(static_cast<double>(logit));
      const double expected =
          static_cast<double>(row[static_cast<std::size_t>(tokens[i + 1])]) - std::log(total);
      wrong += !(std::abs(scores[i] - expected) < 1e-9);
    }
    CAPTURE(size);
    CHECK(wrong == 0);
  }
  CHECK(log_probabilities(model, {}).empty());
  CHECK(log_probabilities(model, std::array<Token, 1>{1}).empty());
}

TEST_CASE("a token outside the vocabulary has no probability") {
  const auto model = make_random_model<TinyModel>(8);
  for (const std::size_t at : {0u, 1u, 31u, 32u, 33u, 39u}) {
    for (const Token bad : {-1, static_cast<int>(Tiny::vocab)}) {
      std::vector<Token> tokens(40, 5);
      tokens[at] = bad;
      const auto error = error_of([&] { log_probabilities(model, tokens); });
      REQUIRE(error);
      CHECK(error->code() == ErrorCode::invalid_argument);
    }
  }
}

// A trained model.

namespace {

nlohmann::json reference(const std::filesystem::path& path) {
  std::ifstream in(path);
  return nlohmann::json::parse(in);
}

/// The stories of a file, without the white space around them.
std::vector<std::string> read_stories(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string all{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  constexpr std::string_view mark = "<|endoftext|>";
  std::vector<std::string> stories;
  for (std::size_t begin = 0; begin <= all.size();) {
    const std::size_t end = std::min(all.find(mark, begin), all.size());
    constexpr std::string_view space = " \t\r\n\v\f";
    std::string story = all.substr(begin, end - begin);
    story.erase(0, std::min(story.find_first_not_of(space), story.size()));
    story.erase(story.find_last_not_of(space) + 1);
    stories.push_back(std::move(story));
    begin = end + mark.size();
  }
  return stories;
}

}  // namespace

TEST_CASE("stories260K writes the reference's story") {
  const auto file = test_data("model-stories260K/stories260K.bin");
  if (!file) return;
  const auto expected = reference(*test_data("model-stories260K/reference.json"));
  const auto tokenizer = load_tokenizer(test_data("model-stories260K/tok512.bin")->string());
  for (const std::size_t threads : {1u, 2u}) {
    Session session(load<Model<Stories260K>>(file->string(), {.threads = threads}), tokenizer);
    std::string text;
    const auto result =
        session.generate("", {.max_tokens = 256, .temperature = 0}, [&](std::string_view part) {
          text += part;
          return true;
        });
    CHECK(text == expected["greedy_text"].get<std::string>());
    CHECK(to_vector(session.tokens()) == expected["greedy_ids"].get<std::vector<Token>>());
    CHECK(result.reason == StopReason::max_tokens);
    CHECK(result.tokens == 256);
  }
}

TEST_CASE("stories260K finds the reference's stories as likely as the reference does") {
  const auto file = test_data("model-stories260K/stories260K.bin");
  if (!file) return;
  const auto expected = reference(*test_data("model-stories260K/reference.json"));
  const auto tokenizer = load_tokenizer(test_data("model-stories260K/tok512.bin")->string());
  const auto model = load<Model<Stories260K>>(file->string(), {.threads = 1});
  const auto stories = read_stories(*test_data("text-tinystories/tinystories_sample_2MiB.txt"));
  const auto& rows = expected["stories"];
  REQUIRE(rows.size() == 200);
  REQUIRE(stories.size() >= rows.size());
  double nll = 0;
  std::size_t targets = 0;
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto tokens = tokenizer.encode(stories[i], {.bos = true});
    tokens.resize(std::min<std::size_t>(tokens.size(), Stories260K::context));
    if (i == 0) CHECK(tokens == expected["story0_ids"].get<std::vector<Token>>());
    const auto scores = log_probabilities(model, tokens);
    const double sum = -std::accumulate(scores.begin(), scores.end(), 0.0);
    const double difference = sum - rows[i]["nll_sum"].get<double>();
    // The same bound per token as for the mean.
    wrong += tokens.size() != rows[i]["n_ids"].get<std::size_t>() ||
             !(std::abs(difference) <= 1e-4 * static_cast<double>(scores.size()));
    nll += sum;
    targets += scores.size();
  }
  CHECK(wrong == 0);
  CHECK(targets == expected["total_targets"].get<std::size_t>());
  CHECK(std::abs(nll / static_cast<double>(targets) - expected["mean_nll"].get<double>()) < 1e-4);
}

TEST_CASE("stories260K in a GGUF finds stories as likely as the encoding allows") {
  const auto bin = test_data("model-stories260K/stories260K.bin");
  if (!bin) return;
  const auto expected = reference(*test_data("model-stories260K/reference.json"));
  const auto vocabulary =
      load_tokenizer(test_data("model-stories260K/tok512.bin")->string()).vocabulary();
  auto stories = read_stories(*test_data("text-tinystories/tinystories_sample_2MiB.txt"));
  stories.resize(20);
  const TempFile file("");

  // Writes the model and its vocabulary in the format, loads both and scores the stories.
  const auto perplexity = [&]<class F>(F) {
    constexpr Encoding encoding = encoding_of<F>();
    CAPTURE(to_string(encoding));
    write_gguf(file.path(), open_checkpoint(bin->string()), encoding, &vocabulary);
    const Checkpoint checkpoint = open_checkpoint(file.path());
    CHECK(checkpoint.encoding == encoding);
    // The rows of w2, 172 wide, are not whole blocks of 32.
    CHECK(checkpoint.tensor({TensorKind::w1, 4}).encoding == encoding);
    CHECK(checkpoint.tensor({TensorKind::w2, 4}).encoding ==
          (F::block_size == 1 ? encoding : Encoding::f16));

    const auto model = load<Model<Stories260K, F>>(checkpoint, {.threads = 1});
    const auto tokenizer = load_tokenizer(file.path());
    double sum = 0;
    std::size_t count = 0;
    for (const std::string& story : stories) {
      auto tokens = tokenizer.encode(story, {.bos = true});
      tokens.resize(std::min<std::size_t>(tokens.size(), Stories260K::context));
      const auto scores = log_probabilities(model, tokens);
      sum = std::accumulate(scores.begin(), scores.end(), sum);
      count += scores.size();
    }
    return std::exp(-sum / static_cast<double>(count));
  };

  const double in_floats = perplexity(F32());
  Session session(load<Model<Stories260K>>(file.path(), {.threads = 1}),
                  load_tokenizer(file.path()));
  std::string text;
  session.generate("", {.max_tokens = 256, .temperature = 0}, [&](std::string_view part) {
    text += part;
    return true;
  });
  CHECK(text == expected["greedy_text"].get<std::string>());

  const auto change = [&](auto format) { return std::abs(perplexity(format) / in_floats - 1); };
  CHECK(change(F16()) < 0.001);
  CHECK(change(BF16()) < 0.01);
  CHECK(change(Q8_0()) < 0.01);
  CHECK(change(Q4_0()) < 0.25);  // 14 % here, 13 % on 200 stories
}
