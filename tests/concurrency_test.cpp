// Many sessions on many threads over one model. Meant to be run under ThreadSanitizer, too.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "counting_pool.hpp"
#include "llama2/generate/session.hpp"
#include "llama2/model/random_model.hpp"
#include "synthetic_tokenizer.hpp"

using namespace llama2;
using test::CountingPool;

namespace {

/// Wide enough that even single tokens are shared out to threads.
struct Wide {
  static constexpr std::size_t dim = 128, hidden_dim = 640, layers = 2, heads = 4, kv_heads = 2,
                               vocab = test::synthetic_vocab, context = 160;
};
using M = Model<Wide, F16>;

std::string story(const M& model, const Tokenizer& tokenizer, const std::shared_ptr<M::Pool>& pages,
                  std::uint64_t seed) {
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

TEST_CASE("eight sessions on eight threads: one model, one pool of threads, one pool of pages") {
  auto threads_of_model = std::make_shared<CountingPool>(3);
  const M model = make_random_model<M>(31, threads_of_model);
  const Tokenizer tokenizer = test::synthetic_tokenizer();
  std::vector<std::string> expected, results(8);
  for (std::uint64_t seed = 0; seed < 8; ++seed)
    expected.push_back(
        story(model, tokenizer, std::make_shared<M::Pool>(Wide::context), 100 * seed));
  auto pages = std::make_shared<M::Pool>(8 * round_up(Wide::context, kv_page_positions));
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

TEST_CASE("a model outlives its other copies and their threads") {
  std::unique_ptr<M> first = std::make_unique<M>(make_random_model<M>(32));
  std::string text;
  std::jthread other([&text, copy = *first] {
    text = story(copy, test::synthetic_tokenizer(), std::make_shared<M::Pool>(Wide::context), 1);
  });
  first.reset();
  other.join();
  CHECK_FALSE(text.empty());
}
