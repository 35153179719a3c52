// Many sessions on many threads over one model. Meant to be run under ThreadSanitizer, too.

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "llama2/model/random_model.hpp"
#include "llama2/parallel/thread_pool.hpp"
#include "logits.hpp"
#include "tiny_shapes.hpp"

using namespace llama2;

namespace {

using M = Model<TinyGrouped, F16>;

/// Greedy ids from a first token, through a sequence whose pages come from a shared pool.
std::vector<Token> greedy(const M& model, const std::shared_ptr<M::Pool>& pool, Token first,
                          std::size_t count) {
  M::Sequence sequence(pool, count);
  Workspace<TinyGrouped> workspace(1);
  std::vector<float> logits(TinyGrouped::vocab);
  std::vector<Token> tokens{first};
  for (std::size_t i = 0; i + 1 < count; ++i) {
    const M::Row row{tokens.back(), i, &sequence, true};
    model.forward({&row, 1}, workspace, logits);
    tokens.push_back(static_cast<Token>(std::ranges::max_element(logits) - logits.begin()));
  }
  return tokens;
}

}  // namespace

TEST_CASE("eight threads over one model, one pool of threads, one pool of pages") {
  const M model = make_random_model<M>(31, std::make_shared<ThreadPool>(3));
  constexpr std::size_t count = 150;
  std::vector<std::vector<Token>> expected, results(8);
  for (Token first = 0; first < 8; ++first)
    expected.push_back(greedy(model, std::make_shared<M::Pool>(count), first, count));
  auto pool = std::make_shared<M::Pool>(8 * 192);
  std::vector<std::jthread> threads;
  for (Token first = 0; first < 8; ++first)
    threads.emplace_back([&, first] {
      for (int round = 0; round < 3; ++round)
        results[static_cast<std::size_t>(first)] = greedy(model, pool, first, count);
    });
  threads.clear();
  CHECK(results == expected);
  CHECK(pool->free_pages() == pool->pages());
}

TEST_CASE("a model outlives its other copies and their threads") {
  std::unique_ptr<M> first = std::make_unique<M>(make_random_model<M>(32));
  std::jthread other(
      [copy = *first] { CHECK(greedy(copy, std::make_shared<M::Pool>(40), 1, 40).size() == 40); });
  first.reset();
}
