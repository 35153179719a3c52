// Layers and whole models against the double reference and committed float64 logits; the same
// bits for any cut, company and thread count; the memory plan; refusals.

#include "llama2/model/model.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <type_traits>
#include <vector>

#include "block_shapes.hpp"
#include "catch.hpp"
#include "counting_pool.hpp"
#include "golden.hpp"
#include "llama2/io/load.hpp"
#include "llama2/model/random_model.hpp"
#include "llama2/parallel/thread_pool.hpp"
#include "llama2/shape/shapes.hpp"
#include "logits.hpp"
#include "reference_model.hpp"
#include "test_data.hpp"
#include "tiny_shapes.hpp"

using namespace llama2;
using test::check_golden;
using test::relative_error;
using test::relative_rms_error;
using test::same_bits;

namespace {

template <class S>
std::vector<Token> some_tokens(std::size_t count, std::size_t seed = 1) {
  std::vector<Token> tokens(count);
  for (std::size_t i = 0; i < count; ++i)
    tokens[i] = static_cast<Token>(mix_bits(seed * 1000 + i) % S::vocab);
  return tokens;
}

/// Logits of every token of a text, passed in pieces of `chunk` tokens.
template <class M>
std::vector<float> all_logits(const M& model, const std::vector<Token>& tokens, std::size_t chunk,
                              std::size_t workspace_rows = max_batch_rows) {
  constexpr std::size_t vocab = M::Shape::vocab;
  typename M::Sequence sequence(std::make_shared<typename M::Pool>(tokens.size()), tokens.size());
  Workspace<typename M::Shape> workspace(workspace_rows);
  std::vector<float> logits(tokens.size() * vocab);
  for (std::size_t begin = 0; begin < tokens.size(); begin += chunk) {
    const std::size_t n = std::min(chunk, tokens.size() - begin);
    std::vector<typename M::Row> rows;
    for (std::size_t i = begin; i < begin + n; ++i) rows.push_back({tokens[i], i, &sequence, true});
    model.forward(rows, workspace, std::span(logits).subspan(begin * vocab, n * vocab));
  }
  return logits;
}

struct RecordingTape {
  std::map<std::pair<Activation, std::size_t>, std::vector<float>> seen;
  void record(Activation what, std::size_t layer, std::size_t, std::span<const float> values) {
    auto& all = seen[{what, layer}];
    all.insert(all.end(), values.begin(), values.end());
  }
};

template <class M>
void check_against_reference(std::size_t count, double tolerance) {
  const M model = make_random_model<M>(21);
  const auto tokens = some_tokens<typename M::Shape>(count);
  const auto expected = reference_pass(model, tokens);
  CHECK(relative_error(all_logits(model, tokens, count), expected.logits) < tolerance);
}

/// Where the processor multiplies pairs of bfloat16, products with such weights round their
/// activations to 8 bits, each layer's anew; the kernels' own tests compare those exactly.
#if LLAMA2_SIMD_BF16
constexpr double bf16_error = 5e-2;
#else
constexpr double bf16_error = 2e-5;
#endif

}  // namespace

TEST_CASE("logits equal the committed float64 logits of another implementation") {
  check_golden<Model<TinyGrouped, F32>>("grouped", 2e-5);
  check_golden<Model<TinyPlain, F32>>("plain", 2e-5);
  // 16-bit weights and keys: a sanity bound only; their exact check is against the reference.
  check_golden<Model<TinyPlain, BF16>>("plain", 0.2);
}

TEST_CASE("logits equal the reference for every format of weights and of the cache") {
  check_against_reference<Model<TinyGrouped, F32, F32>>(100, 2e-5);
  check_against_reference<Model<TinyGrouped, F16, F32>>(70, 2e-5);
  check_against_reference<Model<TinyGrouped, BF16, F32>>(70, bf16_error);
  check_against_reference<Model<TinyPlain, F32, F32>>(100, 2e-5);
  check_against_reference<Model<TinyGrouped, F32, F16>>(100, 2e-2);  // the cache rounds
  check_against_reference<Model<TinyPlain, BF16, F16>>(70, std::max(bf16_error, 2e-2));
  check_against_reference<Model<TinyGrouped, F32, Q8_0>>(100, 5e-2);
  check_against_reference<Model<TinyGrouped, Mixed<F16, BF16, F32>, F32>>(70, bf16_error);
}

TEMPLATE_TEST_CASE("8-bit activations cost at most 2 % of the logits' root mean square", "",
                   (Model<TinyBlocks, Q8_0, F32>), (Model<TinyBlocks, Q4_0, F32>),
                   (Model<TinyPlain, Q8_0, F32>), (Model<TinyBlocks, Mixed<F16, Q8_0>, F32>)) {
  const auto model = make_random_model<TestType>(28);
  const auto tokens = some_tokens<typename TestType::Shape>(70);
  const auto expected = reference_pass(model, tokens).logits;  // decodes the same blocks
  const auto logits = all_logits(model, tokens, 70);
  const double error = relative_rms_error(logits, expected);
  CHECK(error < 0.02);
  CHECK(error > 1e-4);  // they are quantised indeed
}

TEST_CASE("every layer's activations equal the reference's") {
  using M = Model<TinyGrouped, F32, F32>;
  const M model = make_random_model<M>(22);
  const auto tokens = some_tokens<TinyGrouped>(75);
  const auto expected = reference_pass(model, tokens);

  M::Sequence sequence(std::make_shared<M::Pool>(tokens.size()), tokens.size());
  Workspace<TinyGrouped> workspace(32);  // the tape sees three chunks
  std::vector<M::Row> rows;
  for (std::size_t i = 0; i < tokens.size(); ++i) rows.push_back({tokens[i], i, &sequence});
  RecordingTape tape;
  model.forward(rows, workspace, {}, tape);

  for (std::size_t l = 0; l < TinyGrouped::layers; ++l) {
    CAPTURE(l);
    const auto check = [&](Activation what, const std::vector<double>& values) {
      CAPTURE(static_cast<int>(what));
      CHECK(relative_error(tape.seen.at({what, l}), values) < 1e-5);
    };
    check(Activation::attention_input, expected.attention_input[l]);
    check(Activation::query, expected.query[l]);
    check(Activation::key, expected.key[l]);
    check(Activation::value, expected.value[l]);
    check(Activation::attention_output, expected.attention_output[l]);
    check(Activation::ffn_input, expected.ffn_input[l]);
    check(Activation::gated, expected.gated[l]);
    check(Activation::block_output, expected.block_output[l]);
    if (l > 0) check(Activation::block_input, expected.block_output[l - 1]);
  }
}

TEST_CASE("run-time properties reach the computation") {
  using M = Model<TinyPlain, F32>;
  const auto tokens = some_tokens<TinyPlain>(40);
  ModelConfig config = ModelConfig::of<TinyPlain>();
  const auto base = all_logits(make_random_model<M>(23, {}, config), tokens, 40);
  const auto differs_and_is_right = [&] {
    const M model = make_random_model<M>(23, {}, config);
    const auto logits = all_logits(model, tokens, 40);
    CHECK_FALSE(same_bits(logits, base));
    CHECK(relative_error(logits, reference_pass(model, tokens).logits) < 2e-5);
  };
  SECTION("theta") {
    config.rope_theta = 500.0f;
    differs_and_is_right();
  }
  SECTION("epsilon") {
    config.norm_epsilon = 0.1f;
    differs_and_is_right();
  }
  config.rope_scaling = {.factor = 4.0f, .original_context = 16};
  SECTION("position interpolation") {
    config.rope_scaling.kind = RopeScalingKind::linear;
    differs_and_is_right();
  }
  SECTION("NTK-aware scaling") {
    config.rope_scaling.kind = RopeScalingKind::ntk;
    differs_and_is_right();
  }
  SECTION("YaRN") {
    config.rope_scaling.kind = RopeScalingKind::yarn;
    differs_and_is_right();
    config.rope_scaling.attention_factor = 1.5f;
    config.rope_scaling.beta_fast = 2.0f;
    config.rope_scaling.beta_slow = 0.5f;
    differs_and_is_right();
  }
  SECTION("a factor of 1 changes no bit") {
    using enum RopeScalingKind;
    for (const RopeScalingKind kind : {none, linear, ntk, yarn}) {
      config.rope_scaling = {.kind = kind, .original_context = 16};
      CHECK(same_bits(all_logits(make_random_model<M>(23, {}, config), tokens, 40), base));
    }
  }
}

TEST_CASE("rotary frequencies worked out by other programs") {
  ModelConfig config{.context = 4096};
  const auto check = [](const auto& table, std::size_t pair, double expected) {
    CHECK(table.frequencies()[pair] == Approx(expected).epsilon(1e-13));
  };
  SECTION("none") {
    const RotaryTable<128> table(config);
    check(table, 0, 1);
    check(table, 1, 0.8659643233600653);
    check(table, 32, 0.01);
    CHECK(table.attention() == 1);
  }
  SECTION("linear") {
    config.rope_scaling = {.kind = RopeScalingKind::linear, .factor = 4.0f};
    check(RotaryTable<128>(config), 0, 0.25);
    check(RotaryTable<128>(config), 32, 0.0025);
  }
  SECTION("NTK-aware: the slowest pair is interpolated, the fastest stays") {
    config.rope_scaling = {.kind = RopeScalingKind::ntk, .factor = 8.0f};
    CHECK(rotary_base(config, 128) == 82684.62264056221f);
    const RotaryTable<128> table(config);
    check(table, 0, 1);
    CHECK(table.frequencies()[33] == Approx(0.00291375387405765).epsilon(1e-7));
    CHECK(table.frequencies()[63] == Approx(std::pow(10000.0, -126.0 / 128) / 8).epsilon(1e-7));
    check(RotaryTable<2>(config), 0, 1);  // nothing to slow down
  }
  SECTION("YaRN of Llama 2, 16 times as long: a ramp from pair 20 to pair 46") {
    config.rope_scaling = {.kind = RopeScalingKind::yarn, .factor = 16.0f};
    const RotaryTable<128> table(config);
    check(table, 1, 0.8659643233600653);
    check(table, 20, 0.05623413251903491);
    check(table, 21, 0.046940859997959404);
    check(table, 33, 0.004600435467850348);
    check(table, 45, 0.0001517716047318249);
    check(table, 46, 8.334508951020775e-05);
    check(table, 63, 7.217387404309114e-06);
    CHECK(table.attention() == Approx(1.2772588722239782).epsilon(1e-14));
  }
  SECTION("YaRN from another context than the model's") {
    config.rope_scaling = {.kind = RopeScalingKind::yarn, .factor = 8.0f, .original_context = 2048};
    const RotaryTable<64> table(config);
    check(table, 8, 0.1);
    check(table, 9, 0.06994205606273868);
    check(table, 20, 0.0006081303192631497);
    check(table, 31, 1.666901790204155e-05);
    config.context = 128;
    config.rope_scaling = {.kind = RopeScalingKind::yarn, .factor = 4.0f};
    check(RotaryTable<10>(config), 1, 0.09905582452881959);
    check(RotaryTable<10>(config), 2, 0.006279716078773949);
    check(RotaryTable<10>(config), 4, 0.00015773933612004825);
  }
  SECTION("numbers at the ends of what is allowed make finite frequencies") {
    using enum RopeScalingKind;
    for (const RopeScalingKind kind : {none, linear, ntk, yarn})
      for (const float theta : {1.0f, 3e38f})
        for (const float factor : {1.0f, 16777216.0f})
          for (const std::size_t context : {std::size_t{1}, max_context}) {
            config = {.rope_theta = theta,
                      .rope_scaling = {.kind = kind, .factor = factor},
                      .context = context};
            config.validate();
            const RotaryTable<4> table(config);
            CHECK(table.frequencies()[0] <= 1);
            CHECK(table.frequencies()[0] > 0);
            CHECK(table.frequencies()[1] <= 1);
            CHECK(table.frequencies()[1] > 0);
          }
  }
}

TEST_CASE("what a scaling asked for makes of the context") {
  const ModelConfig plain{.context = 4096};
  using enum RopeScalingKind;
  CHECK(plain.scaled({.kind = linear, .factor = 4.0f}).context == 16384);
  CHECK(plain.scaled({.kind = yarn, .factor = 8.0f}).context == 32768);
  CHECK(plain.scaled({.kind = yarn, .factor = 8.0f}).rope_scaling.original_context == 4096);
  CHECK(plain.scaled({.kind = ntk, .factor = 2.0f, .original_context = 100}).context == 200);
  CHECK(plain.scaled({.kind = linear, .factor = 1e6f}).context == max_context);
  CHECK(plain.scaled({}).context == 4096);
  // A model that already is longer grows from where it began.
  const ModelConfig longer = plain.scaled({.kind = linear, .factor = 8.0f});
  CHECK(longer.scaled({.kind = yarn, .factor = 16.0f}).context == 65536);
  CHECK_THROWS_AS(plain.scaled({.kind = yarn, .factor = 0.5f}), Error);
}

namespace {
struct Narrow {
  static constexpr std::size_t dim = 8, hidden_dim = 8, layers = 1, heads = 1, kv_heads = 1,
                               vocab = 16, context = 2048;
};
}  // namespace

TEST_CASE("contexts of 16k and 32k: the plan, and a model that gets there") {
  using Tiny = Model<TinyLlama_1_1B, Q4_0>;
  using Small = Model<Llama2_7B, Q4_0>;
  // 2 x 22 layers x 4 heads x 64 elements of 2 bytes; 2 x 32 x 32 x 128 of 2.
  static_assert(Tiny::memory.kv_cache_per_token() == 22528);
  static_assert(Tiny::memory.kv_cache(16384) == 352u << 20);
  static_assert(Tiny::memory.kv_cache(32768) == 704u << 20);
  static_assert(Small::memory.kv_cache(16384) == 8ull << 30);
  static_assert(Small::memory.kv_cache(32768) == 16ull << 30);
  static_assert(Small::memory.total(32768) - Small::memory.total(16384) ==
                (8ull << 30) + 4 * 16384);

  using M = Model<Narrow>;
  const ModelConfig config =
      ModelConfig::of<Narrow>().scaled({.kind = RopeScalingKind::yarn, .factor = 16.0f});
  REQUIRE(config.context == 32768);
  const M model = make_random_model<M>(31, {}, config);
  const auto tokens = some_tokens<Narrow>(config.context);
  constexpr std::size_t count = 100;  // what comes before is taken for a past of zeros
  for (const std::size_t end : {std::size_t{16384 + 30}, config.context}) {
    auto pool = std::make_shared<M::Pool>(config.context);
    CHECK(pool->pages() * M::memory.kv_page() == M::memory.kv_cache(config.context));
    M::Sequence sequence(pool, config.context);
    sequence.advance(end - count);
    std::vector<M::Row> rows;
    for (std::size_t i = end - count; i < end; ++i) rows.push_back({tokens[i], i, &sequence, true});
    Workspace<Narrow> workspace;
    std::vector<float> logits(count * Narrow::vocab);
    RecordingTape tape;
    model.forward(rows, workspace, logits, tape);
    const auto expected = reference_pass(model, std::span(tokens).first(end), end - count);
    const auto check = [&](std::span<const float> values, const std::vector<double>& all) {
      CHECK(relative_error(values, std::span(all).last(values.size())) < 2e-5);
    };
    check(tape.seen.at({Activation::query, 0}), expected.query[0]);
    check(tape.seen.at({Activation::key, 0}), expected.key[0]);
    check(logits, expected.logits);
    if (end != config.context) continue;
    const M::Row beyond{0, end, &sequence, false};
    CHECK_THROWS_AS(model.forward({&beyond, 1}, workspace, {}), Error);
  }
}

TEMPLATE_TEST_CASE("the same bits for any cut, workspace, company and number of threads", "",
                   (Model<TinyGrouped, F32>), (Model<TinyGrouped, BF16>),
                   (Model<TinyGrouped, F16, F32>), (Model<TinyBlocks, Q8_0>),
                   (Model<TinyGrouped, Q4_0, F32>), (Model<TinyBlocks, Q4_0, Q8_0>),
                   (Model<TinyGrouped, Mixed<Q8_0, F16, F32>>)) {
  using M = TestType;
  using S = typename M::Shape;
  constexpr std::size_t vocab = S::vocab;
  const auto tokens = some_tokens<S>(300);
  std::size_t shared_out = 0;
  const M alone = make_random_model<M>(24);
  const auto expected = all_logits(alone, tokens, 1);
  struct Threads {
    std::size_t count, min_work;  // shared out where it is worth it, or everything that can be
  };
  constexpr std::size_t worth = std::size_t{1} << 15;
  for (const auto& [threads, least] :
       {Threads{1, 0}, Threads{2, 0}, Threads{2, worth}, Threads{3, worth}, Threads{4, 0}}) {
    auto pool_of_threads = std::make_shared<test::CountingPool>(threads);
    const M model = make_random_model<M>(24, SharedExecutor(pool_of_threads, least));
    for (const std::size_t chunk : {1u, 7u, 64u, 300u})
      REQUIRE(same_bits(all_logits(model, tokens, chunk), expected));
    REQUIRE(same_bits(all_logits(model, tokens, 300, 11), expected));
    shared_out += pool_of_threads->runs;

    // Three sequences in one forward, their rows mixed.
    auto pool = std::make_shared<typename M::Pool>(3 * 320);
    std::array<typename M::Sequence, 3> sequences = {typename M::Sequence(pool, 300),
                                                     typename M::Sequence(pool, 300),
                                                     typename M::Sequence(pool, 100)};
    const auto second = some_tokens<S>(300, 2);
    std::vector<typename M::Row> rows;
    for (std::size_t i = 0; i < 300; ++i) {
      rows.push_back({tokens[i], i, &sequences[0], true});
      rows.push_back({second[i], i, &sequences[1], i % 50 == 0});
      if (i >= 200) rows.push_back({second[i], i - 200, &sequences[2], false});
    }
    Workspace<S> workspace;
    std::vector<float> logits((300 + 6) * vocab), of_first;
    model.forward(rows, workspace, logits);
    const float* next = logits.data();
    for (const auto& row : rows) {
      if (!row.wants_logits) continue;
      if (row.sequence == &sequences[0]) of_first.insert(of_first.end(), next, next + vocab);
      next += vocab;
    }
    REQUIRE(same_bits(of_first, expected));
  }
  CHECK(shared_out > 100);  // the threads did take part
}

TEST_CASE("other threads take part only where it is worth it, or as the user says") {
  using M = Model<TinyGrouped, F32>;
  const auto pool = std::make_shared<test::CountingPool>(2);
  const auto runs_for_one_token = [&](const SharedExecutor& executor) {
    const M model = make_random_model<M>(24, executor);
    pool->runs = 0;
    (void)all_logits(model, some_tokens<TinyGrouped>(1), 1);
    return pool->runs.load();
  };
  CHECK(runs_for_one_token(pool) == 0);
  CHECK(runs_for_one_token(SharedExecutor(pool, 1)) >= TinyGrouped::layers);
}

TEST_CASE("attention of long texts is shared out, whatever their company") {
  using M = Model<TinyGrouped, F32>;
  const auto pool = std::make_shared<test::CountingPool>(2);
  // What one token of eight texts costs: 36,864 multiply-adds for three stripes of queries, keys
  // and values, less for the other products, 48 for each position that attention looks at.
  const M model = make_random_model<M>(24, SharedExecutor(pool, 50'000));
  const auto pages = std::make_shared<M::Pool>(9 * 256);
  std::vector<M::Sequence> texts;
  Workspace<TinyGrouped> workspace;
  for (int i = 0; i < 9; ++i) texts.emplace_back(pages, 256);
  for (int i = 0; i < 8; ++i) {
    std::vector<M::Row> rows;
    for (std::size_t t = 0; t < 200; ++t)
      rows.push_back({1, t, &texts[static_cast<std::size_t>(i)]});
    model.forward(rows, workspace, {});
  }
  const auto runs_with = [&](std::size_t last) {
    std::vector<M::Row> rows;
    for (std::size_t i = 0; i < 7; ++i) rows.push_back({2, texts[i].size(), &texts[i]});
    rows.push_back({2, texts[last].size(), &texts[last]});
    pool->runs = 0;
    model.forward(rows, workspace, {});
    return pool->runs.load();
  };
  CHECK(runs_with(7) == TinyGrouped::layers);
  CHECK(runs_with(8) == TinyGrouped::layers);  // the last row's text has just begun
}

TEST_CASE("truncating a sequence and taking another turn gives the bits of that turn alone") {
  using M = Model<TinyGrouped, F16>;
  const M model = make_random_model<M>(25);
  auto tokens = some_tokens<TinyGrouped>(140);
  M::Sequence sequence(std::make_shared<M::Pool>(200), 200);
  Workspace<TinyGrouped> workspace;
  std::vector<M::Row> rows;
  for (std::size_t i = 0; i < tokens.size(); ++i) rows.push_back({tokens[i], i, &sequence});
  model.forward(rows, workspace, {});
  CHECK(sequence.size() == 140);
  sequence.truncate(70);
  tokens.resize(70);
  tokens.push_back(5);
  std::vector<float> logits(TinyGrouped::vocab);
  const M::Row row{5, 70, &sequence, true};
  model.forward({&row, 1}, workspace, logits);
  const auto expected = all_logits(model, tokens, 71);
  CHECK(same_bits(logits, std::span(expected).last(TinyGrouped::vocab)));
}

TEST_CASE("forward refuses bad rows and changes nothing") {
  using M = Model<TinyPlain, F32>;
  const M model = make_random_model<M>(26);
  auto pool = std::make_shared<M::Pool>(64);
  M::Sequence sequence(pool, 10);
  Workspace<TinyPlain> workspace;
  std::vector<float> logits(2 * TinyPlain::vocab);
  const auto refused = [&](std::vector<M::Row> rows, std::size_t size, ErrorCode code) {
    const std::size_t before = sequence.size();
    try {
      model.forward(rows, workspace, std::span(logits).first(size));
      FAIL("not refused");
    } catch (const Error& error) {
      CHECK(error.code() == code);
    }
    CHECK(sequence.size() == before);
  };
  using enum ErrorCode;
  refused({{0, 0, nullptr, false}}, 0, invalid_argument);
  refused({{-1, 0, &sequence, false}}, 0, invalid_argument);
  refused({{33, 0, &sequence, false}}, 0, invalid_argument);
  refused({{1, 1, &sequence, false}}, 0, invalid_argument);
  refused({{1, 0, &sequence, false}, {1, 0, &sequence, false}}, 0, invalid_argument);
  refused({{1, 0, &sequence, false}, {40, 1, &sequence, false}}, 0, invalid_argument);
  refused({{1, 0, &sequence, true}}, 0, invalid_argument);
  refused({{1, 0, &sequence, true}}, 2 * TinyPlain::vocab, invalid_argument);
  std::vector<M::Row> eleven;
  for (std::size_t i = 0; i < 11; ++i) eleven.push_back({1, i, &sequence, false});
  refused(eleven, 0, context_exhausted);
  eleven.pop_back();
  model.forward(eleven, workspace, {});
  CHECK(sequence.size() == 10);
  model.forward(std::span<const M::Row>(), workspace, {});  // nothing to do is no error
}

TEST_CASE("a tape that throws leaves the sequence as it was; a workspace moved from is refused") {
  struct Throwing {
    void record(Activation what, std::size_t layer, std::size_t, std::span<const float>) {
      if (what == Activation::query && layer == 1) throw 1;
    }
  } tape;
  using M = Model<TinyPlain, F32>;
  const M model = make_random_model<M>(29);
  M::Sequence sequence(std::make_shared<M::Pool>(64), 10);
  Workspace<TinyPlain> workspace(2);
  const std::vector<M::Row> rows = {
      {1, 0, &sequence, false}, {2, 1, &sequence, false}, {3, 2, &sequence, true}};
  std::vector<float> logits(TinyPlain::vocab);
  CHECK_THROWS_AS(model.forward(rows, workspace, logits, tape), int);
  CHECK(sequence.size() == 0);
  Workspace<TinyPlain> other = std::move(workspace);
  CHECK_THROWS_AS(model.forward(rows, workspace, logits), Error);
  CHECK(sequence.size() == 0);
  model.forward(rows, other, logits);
  const auto expected = all_logits(model, {1, 2, 3}, 3);
  CHECK(same_bits(logits, std::span(expected).last(TinyPlain::vocab)));
}

TEST_CASE("pages: taken up front, given back, never shared, refused when short") {
  using Pool = KvPool<TinyPlain, F32>;
  using Sequence = KvSequence<TinyPlain, F32>;
  auto pool = std::make_shared<Pool>(3 * kv_page_positions + 1);
  CHECK(pool->pages() == 4);
  {
    Sequence a(pool, kv_page_positions + 1);
    CHECK(pool->free_pages() == 2);
    Sequence b(pool, 2 * kv_page_positions);
    CHECK(pool->free_pages() == 0);
    for (std::size_t i = 0; i < 2; ++i)
      for (std::size_t j = 0; j < 2; ++j) CHECK(a.pages()[i] != b.pages()[j]);
    try {
      Sequence c(pool, 1);
      FAIL("not refused");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::out_of_memory);
    }
    Sequence moved = std::move(a);
    CHECK(moved.capacity() == kv_page_positions + 1);
    CHECK(pool->free_pages() == 0);
  }
  CHECK(pool->free_pages() == 4);
  CHECK_THROWS_AS(Sequence(pool, 5 * kv_page_positions), Error);
  CHECK_THROWS_AS(Sequence(nullptr, 1), Error);
  CHECK_THROWS_AS(Pool(std::size_t{1} << 60), Error);
}

TEST_CASE("impossible configurations are refused") {
  using M = Model<TinyPlain, F32>;
  const auto refused = [](auto change) {
    ModelConfig config = ModelConfig::of<TinyPlain>();
    change(config);
    CHECK_THROWS_AS(make_random_model<M>(1, {}, config), Error);
  };
  refused([](ModelConfig& c) { c.norm_epsilon = -1; });
  refused([](ModelConfig& c) { c.norm_epsilon = NAN; });
  refused([](ModelConfig& c) { c.rope_theta = 0; });
  refused([](ModelConfig& c) { c.rope_theta = INFINITY; });
  for (const float bad : {0.0f, -1.0f, 1e30f, NAN, INFINITY}) {
    using enum RopeScalingKind;
    for (const RopeScalingKind kind : {none, linear, ntk, yarn})
      refused([=](ModelConfig& c) { c.rope_scaling = {.kind = kind, .factor = bad}; });
    refused([=](ModelConfig& c) { c.rope_scaling.attention_factor = bad; });
    refused([=](ModelConfig& c) { c.rope_scaling.beta_fast = bad; });
    refused([=](ModelConfig& c) { c.rope_scaling.beta_slow = bad; });
  }
  refused([](ModelConfig& c) { c.rope_scaling.beta_slow = 32; });
  refused([](ModelConfig& c) { c.rope_scaling.original_context = max_context + 1; });
  refused([](ModelConfig& c) { c.context = 0; });
  CHECK_THROWS_AS(Workspace<TinyPlain>(0), Error);
}

TEST_CASE("generated weights do not depend on the number of threads") {
  using M = Model<TinyGrouped, BF16>;
  const auto tokens = some_tokens<TinyGrouped>(5);
  CHECK(
      same_bits(all_logits(make_random_model<M>(27), tokens, 5),
                all_logits(make_random_model<M>(27, std::make_shared<ThreadPool>(3)), tokens, 5)));
}

TEST_CASE("stories260K: greedy ids and logits of the double reference") {
  const auto model_path = test_data("model-stories260K/stories260K.bin");
  const auto reference_path = test_data("model-stories260K/reference.json");
  if (!model_path || !reference_path) return;
  const auto golden = nlohmann::json::parse(std::ifstream(*reference_path));
  using M = Model<Stories260K, F32>;
  const auto model = load<M>(model_path->string());
  const auto ids = golden.at("greedy_ids").get<std::vector<Token>>();
  const auto logits = all_logits(model, ids, ids.size());
  for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
    const auto row = std::span(logits).subspan(i * 512, 512);
    REQUIRE(std::ranges::max_element(row) - row.begin() == ids[i + 1]);
  }
  double worst = 0;
  for (std::size_t i = 0; i < 8; ++i)
    for (std::size_t v = 0; v < 512; ++v)
      worst = std::max(
          worst, std::abs(logits[i * 512 + v] - golden.at("logits_first8")[i][v].get<double>()));
  CHECK(worst < 1e-3);

  // The promise of the same bits, on a real model.
  std::vector<Token> text(ids);
  text.insert(text.end(), ids.begin(), ids.begin() + 43);
  REQUIRE(text.size() == 300);
  const auto expected = all_logits(model, text, 300);
  for (const std::size_t threads : {1u, 2u, 3u, 4u}) {
    const auto other = load<M>(model_path->string(), {.threads = threads});
    for (const std::size_t chunk : {1u, 7u, 64u, 300u})
      REQUIRE(same_bits(all_logits(other, text, chunk), expected));
  }
}

TEMPLATE_TEST_CASE("the plan counts the memory that weights take", "", F32, F16, BF16, Q8_0, Q4_0) {
  const auto check = []<class S>(S) {
    using M = Model<S, TestType>;
    std::size_t bytes = 0;
    typename M::WeightTensors weights;
    for_each_tensor(
        [&]<class View>(TensorId, View&) {
          using Memory = TensorMemory<View>;
          bytes += Memory::count * sizeof(typename Memory::Element);
        },
        weights);
    CHECK(M::memory.weights() == bytes);
    using Any =
        Model<S, Mixed<TestType, std::conditional_t<std::is_same_v<TestType, F16>, Q4_0, F16>>>;
    CHECK(Any::memory.weights() >= bytes);
  };
  check(test::Odd());
  check(Stories260K());
}
