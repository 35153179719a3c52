// Many sessions on many threads over one model. Meant to be run under ThreadSanitizer, too.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bin_writer.hpp"
#include "catch.hpp"
#include "counting_pool.hpp"
#include "llama2/generate/batch.hpp"
#include "llama2/generate/session.hpp"
#include "llama2/io/load.hpp"
#include "llama2/model/random_model.hpp"
#include "logits.hpp"
#include "synthetic_tokenizer.hpp"
#include "temp_file.hpp"

using namespace llama2;
using namespace test;

namespace {

/// Wide enough that single tokens can be shared out to threads, if these take little work, too.
struct Wide {
  static constexpr std::size_t dim = 128, hidden_dim = 640, layers = 2, heads = 4, kv_heads = 2,
                               vocab = test::synthetic_vocab, context = 160;
};
constexpr std::size_t little_work = std::size_t{1} << 14;

template <class M>
std::string story(const M& model, const Tokenizer& tokenizer,
                  const std::shared_ptr<typename M::Pool>& pages, std::uint64_t seed) {
  std::string text;
  Session<M> session(model, tokenizer, {.pool = pages});
  // Weights at random say "the end" at random; going on gives every session the same work.
  for (std::uint64_t part = 0; session.tokens().size() < 120; ++part)
    session.generate("the hat ", {.max_tokens = 40, .top_p = 0.9f, .seed = seed + part},
                     [&](std::string_view piece) {
                       text += piece;
                       return true;
                     });
  return text;
}

}  // namespace

TEMPLATE_TEST_CASE("eight sessions on eight threads: one model, pool of threads, pool of pages", "",
                   (Model<Wide, F16>), (Model<Wide, Q8_0, Q8_0>), (Model<Wide, Mixed<Q4_0, F32>>)) {
  using M = TestType;
  auto threads_of_model = std::make_shared<CountingPool>(3);
  const M model = make_random_model<M>(31, SharedExecutor(threads_of_model, little_work));
  const Tokenizer tokenizer = test::synthetic_tokenizer();
  std::vector<std::string> expected, results(8);
  for (std::uint64_t seed = 0; seed < 8; ++seed)
    expected.push_back(
        story(model, tokenizer, std::make_shared<typename M::Pool>(Wide::context), 100 * seed));
  auto pages = std::make_shared<typename M::Pool>(8 * round_up(Wide::context, kv_page_positions));
  threads_of_model->runs = 0;
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      for (int round = 0; round < 2; ++round) results[i] = story(model, tokenizer, pages, 100 * i);
    });
  threads.clear();
  CHECK(results == expected);
  CHECK(results[0] != results[1]);
  CHECK(threads_of_model->runs > 100);
  CHECK(pages->free_pages() == pages->pages());
}

TEST_CASE("eight sessions and a batch on one model") {
  using M = Model<Wide, Q8_0, Q8_0>;
  auto threads_of_model = std::make_shared<CountingPool>(3);
  const M model = make_random_model<M>(31, SharedExecutor(threads_of_model, little_work));
  const Tokenizer tokenizer = test::synthetic_tokenizer();
  constexpr std::size_t texts = 8;
  const auto pages = std::make_shared<M::Pool>(2 * texts * 3 * kv_page_positions);
  const auto run_batch = [&] {
    std::vector<std::string> told(texts);
    Batch<M> batch(model, tokenizer, pages, 24);
    for (std::size_t i = 0; i < texts; ++i)
      batch.add(std::vector<Token>(2 + 9 * i, 270), Wide::context,
                {.max_tokens = 30, .top_p = 0.9f, .seed = i}, [&told, i](std::string_view piece) {
                  told[i] += piece;
                  return true;
                });
    batch.run();
    return told;
  };
  std::vector<std::string> expected, results(texts);
  for (std::uint64_t seed = 0; seed < texts; ++seed)
    expected.push_back(story(model, tokenizer, pages, 100 * seed));
  const auto expected_of_batch = run_batch();
  std::vector<std::string> of_batch;
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < texts; ++i)
      threads.emplace_back([&, i] { results[i] = story(model, tokenizer, pages, 100 * i); });
    threads.emplace_back([&] { of_batch = run_batch(); });
  }
  CHECK(results == expected);
  CHECK(of_batch == expected_of_batch);
  CHECK(pages->free_pages() == pages->pages());
}

TEST_CASE("forks of one session go on in threads of their own") {
  using M = Model<Wide, Q8_0, Q8_0>;
  const M model = make_random_model<M>(31);
  const Tokenizer tokenizer = test::synthetic_tokenizer();
  const auto pages = std::make_shared<M::Pool>(5 * 3 * kv_page_positions);
  Session<M> session(model, tokenizer, {.context = Wide::context, .pool = pages});
  session.append(std::vector<Token>(100, 270));
  (void)session.logits();
  static_assert(30 < kv_page_positions && kv_page_positions < 100);
  const auto go_on = [](Session<M>& from) {
    from.generate("the", {.max_tokens = 20, .temperature = 0},
                  [](std::string_view) { return true; });
    return std::vector<Token>(from.tokens().begin(), from.tokens().end());
  };
  Session<M> alone(model, tokenizer, {.context = Wide::context});
  alone.append(std::vector<Token>(30, 270));
  const auto expected = go_on(alone);
  std::vector<std::vector<Token>> results(4);
  {
    std::vector<std::jthread> threads;
    for (auto& result : results)
      threads.emplace_back([&result, &go_on, fork = session.fork()]() mutable {
        fork.truncate(30);  // into the page that all share
        result = go_on(fork);
      });
  }
  for (const auto& result : results) CHECK(result == expected);
}

TEST_CASE("weights are converted by several threads to the same blocks") {
  const TempFile file(write_version_1(random_float_model<Wide>(33)));
  auto threads = std::make_shared<CountingPool>(3);
  const auto together =
      load<Model<Wide, Q4_0>>(file.path(), {.executor = SharedExecutor(threads, little_work)});
  const auto alone = load<Model<Wide, Q4_0>>(file.path(), {.threads = 1});
  CHECK(threads->runs > 0);
  const std::vector<Token> tokens = {1, 7, 3};
  CHECK(same_bits(logits_of(together, tokens), logits_of(alone, tokens)));
}

TEST_CASE("a model outlives its other copies and their threads") {
  using M = Model<Wide, F16>;
  std::unique_ptr<M> first = std::make_unique<M>(make_random_model<M>(32));
  std::string text;
  std::jthread other([&text, copy = *first] {
    text = story(copy, test::synthetic_tokenizer(), std::make_shared<M::Pool>(Wide::context), 1);
  });
  first.reset();
  other.join();
  CHECK_FALSE(text.empty());
}
