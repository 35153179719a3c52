// Texts that share a past: forks, truncation, many in one pass, continuations of one prefix.

#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "catch.hpp"
#include "error_of.hpp"
#include "llama2/base/checksum.hpp"
#include "llama2/base/random.hpp"
#include "llama2/generate/batch.hpp"
#include "llama2/generate/hidden_state.hpp"
#include "llama2/generate/score.hpp"
#include "llama2/generate/session.hpp"
#include "llama2/model/random_model.hpp"
#include "llama2/parallel/thread_pool.hpp"
#include "logits.hpp"
#include "synthetic_tokenizer.hpp"
#include "tiny_shapes.hpp"

using namespace llama2;
using test::error_of;
using test::logits_of;
using test::same_bits;

namespace {

constexpr std::size_t page = kv_page_positions;

std::vector<Token> some_tokens(std::size_t count, std::size_t vocab, std::size_t seed) {
  std::vector<Token> tokens(count);
  for (std::size_t i = 0; i < count; ++i)
    tokens[i] = static_cast<Token>(mix_bits(seed * 1000 + i) % vocab);
  return tokens;
}

/// A text, its cache, and the logits of all its tokens by themselves.
template <class M>
struct Text {
  std::vector<Token> tokens;
  typename M::Sequence sequence;
};

/// The logits of the last tokens of some texts, of which `feed` are not yet evaluated, in one pass.
template <class M>
std::vector<float> feed(const M& model, Workspace<typename M::Shape>& workspace,
                        std::vector<Text<M>*> texts) {
  std::vector<typename M::Row> rows;
  for (auto* text : texts)
    for (std::size_t i = text->sequence.size(); i < text->tokens.size(); ++i)
      rows.push_back({text->tokens[i], i, &text->sequence, i + 1 == text->tokens.size()});
  std::vector<float> logits(texts.size() * M::Shape::vocab);
  model.forward(rows, workspace, logits);
  return logits;
}

template <class M>
std::vector<float> last_logits(const M& model, const std::vector<Token>& tokens) {
  const auto all = logits_of(model, tokens);
  return {all.end() - static_cast<std::ptrdiff_t>(M::Shape::vocab), all.end()};
}

}  // namespace

TEST_CASE("a fork shares whole pages, and both go on as if alone") {
  using M = Model<TinyGrouped, F32>;
  const M model = make_random_model<M>(5);
  Workspace<TinyGrouped> workspace;
  const auto pool = std::make_shared<M::Pool>(6 * page);
  Text<M> text{some_tokens(2 * page + 10, 40, 1), {pool, 3 * page}};
  feed(model, workspace, {&text});
  CHECK(pool->free_pages() == 3);
  {
    Text<M> fork{text.tokens, text.sequence.fork(3 * page)};
    CHECK(pool->free_pages() == 2);  // of three pages, two are shared
    text.tokens.push_back(7);
    fork.tokens.push_back(9);
    const auto both = feed(model, workspace, {&fork, &text});
    CHECK(same_bits(std::span(both).first(40), last_logits(model, fork.tokens)));
    CHECK(same_bits(std::span(both).last(40), last_logits(model, text.tokens)));

    // What is cut back into a shared page is written to a copy.
    text.sequence.truncate(page + 20);
    text.tokens.resize(page + 20);
    text.tokens.push_back(3);
    CHECK(same_bits(feed(model, workspace, {&text}), last_logits(model, text.tokens)));
    CHECK(pool->free_pages() == 1);
    fork.tokens.push_back(11);
    CHECK(same_bits(feed(model, workspace, {&fork}), last_logits(model, fork.tokens)));
  }
  CHECK(pool->free_pages() == 3);
  text.tokens.push_back(4);
  CHECK(same_bits(feed(model, workspace, {&text}), last_logits(model, text.tokens)));
}

TEST_CASE("forks cost the bytes of their own pages, and no more") {
  using M = Model<TinyGrouped, F16, Q8_0>;
  const M model = make_random_model<M>(5);
  Workspace<TinyGrouped> workspace;
  const auto pool = std::make_shared<M::Pool>(64 * page);
  const auto bytes_in_use = [&] {
    return (pool->pages() - pool->free_pages()) * M::memory.kv_page();
  };
  Text<M> text{some_tokens(8 * page, 40, 1), {pool, 8 * page}};
  feed(model, workspace, {&text});
  CHECK(bytes_in_use() == M::memory.kv_cache(8 * page));
  {
    std::vector<M::Sequence> forks;
    for (int i = 0; i < 16; ++i) forks.push_back(text.sequence.fork(8 * page + 32));
    CHECK(bytes_in_use() == M::memory.kv_cache(8 * page) + 16 * M::memory.kv_page());
    // A page that is filled in part is the fork's own, too.
    text.sequence.truncate(8 * page - 1);
    forks.push_back(text.sequence.fork(8 * page));
    CHECK(bytes_in_use() == M::memory.kv_cache(8 * page) + 17 * M::memory.kv_page());
  }
  CHECK(bytes_in_use() == M::memory.kv_cache(8 * page));
}

TEST_CASE("a fork is refused where there is no room, and nothing is lost") {
  using M = Model<TinyGrouped, F32>;
  const M model = make_random_model<M>(5);
  Workspace<TinyGrouped> workspace;
  const auto pool = std::make_shared<M::Pool>(3 * page);
  Text<M> text{some_tokens(page + 1, 40, 2), {pool, 2 * page}};
  feed(model, workspace, {&text});
  const auto code_of = [&](std::size_t capacity) {
    return error_of([&] { (void)text.sequence.fork(capacity); }).value().code();
  };
  CHECK(code_of(page) == ErrorCode::invalid_argument);
  CHECK(code_of(3 * page + 1) == ErrorCode::out_of_memory);
  CHECK(code_of(std::size_t{1} << 60) == ErrorCode::out_of_memory);
  CHECK(pool->free_pages() == 1);

  // A shared page that is to be written, and no page for the copy.
  std::optional<Text<M>> fork(std::in_place, text.tokens, text.sequence.fork(2 * page));
  text.sequence.truncate(10);
  const std::vector<M::Row> row{{5, 10, &text.sequence, false}};
  const auto error = error_of([&] { model.forward(row, workspace, {}); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::out_of_memory);
  CHECK(text.sequence.size() == 10);
  fork->tokens.push_back(1);
  CHECK(same_bits(feed(model, workspace, {&*fork}), last_logits(model, fork->tokens)));
  fork.reset();
  text.tokens.resize(10);
  text.tokens.push_back(5);
  CHECK(same_bits(feed(model, workspace, {&text}), last_logits(model, text.tokens)));
}

TEMPLATE_TEST_CASE("texts that come, go, fork and are cut have the bits that they have alone", "",
                   (Model<TinyGrouped, F32>), (Model<TinyBlocks, Q8_0, Q8_0>)) {
  using M = TestType;
  constexpr std::size_t vocab = M::Shape::vocab;
  for (const std::size_t threads : {1u, 2u}) {
    // Everything that can be shared out is.
    const M model = make_random_model<M>(
        6, SharedExecutor(std::make_shared<ThreadPool>(threads), threads == 1 ? 1 : 0));
    for (const std::size_t most : {1u, 2u, 7u, 16u}) {
      const auto pool = std::make_shared<typename M::Pool>(64 * page);
      Workspace<typename M::Shape> workspace(50);
      Random random(31 + most);
      std::vector<std::unique_ptr<Text<M>>> texts;
      std::size_t forks = 0, checks = 0, together = 0;
      for (int step = 0; step < 60; ++step) {
        const auto some = [&]() -> Text<M>& { return *texts[random() % texts.size()]; };
        while (texts.size() < most && (texts.empty() || random() % 3 != 0)) {
          if (texts.empty() || random() % 2 == 0) {
            texts.push_back(std::make_unique<Text<M>>(
                Text<M>{some_tokens(1 + random() % 90, vocab, random() % 1000), {pool, 3 * page}}));
          } else {
            Text<M>& from = some();
            texts.push_back(
                std::make_unique<Text<M>>(Text<M>{from.tokens, from.sequence.fork(3 * page)}));
            ++forks;
          }
        }
        if (random() % 4 == 0) {
          Text<M>& text = some();
          text.tokens.resize(1 + random() % text.tokens.size());
          text.sequence.truncate(text.tokens.size());
        }
        // All or some of them, some by several tokens.
        std::vector<Text<M>*> members;
        const bool all = random() % 2 == 0;
        for (const auto& text : texts) {
          if (!all && random() % 3 == 0) continue;
          const std::size_t more = random() % 5 == 0 ? 1 + random() % 30 : 1;
          for (std::size_t i = 0; i < more && text->tokens.size() < 3 * page; ++i)
            text->tokens.push_back(static_cast<Token>(random() % vocab));
          if (text->sequence.size() < text->tokens.size()) members.push_back(text.get());
        }
        if (members.empty()) continue;
        const auto logits = feed(model, workspace, members);
        together = std::max(together, members.size());
        for (std::size_t i = 0; i < members.size(); ++i) {
          if (random() % most > 2) continue;
          REQUIRE(same_bits(std::span(logits).subspan(i * vocab, vocab),
                            last_logits(model, members[i]->tokens)));
          ++checks;
        }
        if (random() % 4 == 0)
          texts.erase(texts.begin() + static_cast<std::ptrdiff_t>(random() % texts.size()));
      }
      CHECK(together == most);
      CHECK((most == 1 || forks > 3));
      CHECK(checks > 30);
      texts.clear();
      CHECK(pool->free_pages() == pool->pages());
    }
  }
}

TEST_CASE("continuations of a prefix have the log-probabilities of whole texts") {
  using M = Model<TinyGrouped, F32>;
  const M model = make_random_model<M>(7);
  for (const std::size_t length : {std::size_t{1}, std::size_t{17}, page, 2 * page + 3}) {
    const auto prefix = some_tokens(length, 40, 3);
    std::vector<std::vector<Token>> continuations;
    for (std::size_t i = 0; i < 40; ++i)
      continuations.push_back(some_tokens(i * 7 % 23, 40, 100 + i));
    continuations.push_back(some_tokens(70, 40, 5));
    const auto results = log_probabilities(model, prefix, continuations);
    REQUIRE(results.size() == continuations.size());
    for (std::size_t c = 0; c < results.size(); ++c) {
      auto text = prefix;
      text.insert(text.end(), continuations[c].begin(), continuations[c].end());
      const auto alone = log_probabilities(model, text);
      REQUIRE(results[c] ==
              std::vector<double>(alone.begin() + static_cast<std::ptrdiff_t>(length - 1),
                                  alone.end()));
    }
  }
  CHECK(log_probabilities(model, std::vector<Token>{1}, std::vector<std::vector<Token>>()).empty());
  const std::vector<std::vector<Token>> bad{{1, 40}}, first_bad{{-1}};
  for (const auto& continuations : {bad, first_bad})
    CHECK(error_of([&] { (void)log_probabilities(model, std::vector<Token>{1}, continuations); })
              .value()
              .code() == ErrorCode::invalid_argument);
  CHECK(error_of([&] { (void)log_probabilities(model, std::span<const Token>(), bad); })
            .value()
            .code() == ErrorCode::invalid_argument);
}

namespace {
struct Lettered : TinyGrouped {
  static constexpr std::size_t vocab = test::synthetic_vocab;
};
}  // namespace

TEST_CASE("a session that is cut or forked has the logits of its text") {
  using M = Model<Lettered, F32>;
  const M model = make_random_model<M>(8);
  const auto pool = std::make_shared<M::Pool>(8 * page);
  Session<M> session(model, test::synthetic_tokenizer(), {.context = 3 * page, .pool = pool});
  const auto tokens = some_tokens(page + 30, Lettered::vocab, 9);
  session.append(tokens);
  (void)session.logits();

  Session<M> fork = session.fork();
  CHECK(same_bits(fork.logits(), last_logits(model, tokens)));
  session.truncate(20);
  const std::vector<Token> cut(tokens.begin(), tokens.begin() + 20);
  CHECK(same_bits(session.logits(), last_logits(model, cut)));
  CHECK(same_bits(session.logits(), last_logits(model, cut)));
  fork.append(cut);
  auto longer = tokens;
  longer.insert(longer.end(), cut.begin(), cut.end());
  CHECK(same_bits(fork.logits(), last_logits(model, longer)));
  session.truncate(1000);
  CHECK(session.tokens().size() == 20);

  Session<M> unevaluated(model, test::synthetic_tokenizer(), {.context = 40, .pool = pool});
  unevaluated.append(cut);
  CHECK(same_bits(unevaluated.fork(30).logits(), last_logits(model, cut)));
  CHECK(error_of([&] { (void)unevaluated.fork(10); }).value().code() ==
        ErrorCode::context_exhausted);
}

namespace {
struct LetteredBlocks : TinyBlocks {
  static constexpr std::size_t vocab = test::synthetic_vocab;
};
}  // namespace

TEMPLATE_TEST_CASE("the texts of a batch are those of sessions alone", "", (Model<Lettered, F32>),
                   (Model<LetteredBlocks, Q8_0, Q8_0>)) {
  using M = TestType;
  struct Told {
    std::vector<Token> prompt;
    GenerateOptions options;
    std::string text;
    std::uint64_t logits = 0;  // a checksum of all that it was chosen from
    std::optional<BatchResult> end;
    typename Batch<M>::Id id;
  };
  const auto add_to = [](std::uint64_t& sum) {
    return [&sum](Token, std::span<const float> logits) {
      sum = mix_bits(sum) ^ checksum(std::as_bytes(logits));
    };
  };
  const Tokenizer tokenizer = test::synthetic_tokenizer();
  for (const std::size_t threads : {1u, 2u}) {
    const M model = make_random_model<M>(
        11, SharedExecutor(std::make_shared<ThreadPool>(threads), threads == 1 ? 1 : 0));
    const auto pool = std::make_shared<typename M::Pool>(80 * page);
    Random random(41);
    for (const auto& [most, rows] :
         {std::pair{1u, 240u}, std::pair{2u, 1u}, std::pair{7u, 5u}, std::pair{16u, 240u}}) {
      Batch<M> batch(model, tokenizer, pool, rows);
      std::size_t together = 0, forks = 0;
      std::vector<std::unique_ptr<Told>> all;
      std::vector<typename Batch<M>::Id> removed;
      // A past that some share.
      const auto start = some_tokens(page + 5, M::Shape::vocab, 77);
      typename M::Sequence shared(pool, start.size());
      {
        Workspace<typename M::Shape> workspace;
        std::vector<typename M::Row> first;
        for (std::size_t i = 0; i < start.size(); ++i) first.push_back({start[i], i, &shared});
        model.forward(first, workspace, {});
      }
      for (int step = 0; step < 60 || batch.size() != 0; ++step) {
        while (step < 40 && batch.size() < most && (batch.size() == 0 || random() % 3 != 0)) {
          auto told = std::make_unique<Told>();
          Told& t = *told;
          t.options = {.max_tokens = 1 + random() % 25, .temperature = 0.9f, .seed = random()};
          if (random() % 2 == 0) t.options.stop = {"e", "th"};
          t.options.on_token = add_to(t.logits);
          const auto on_text = [&t](std::string_view piece) {
            t.text += piece;
            return true;
          };
          const auto on_end = [&t](auto id, const BatchResult& end) {
            CHECK(id == t.id);
            t.end = end;
          };
          // With a past that others have, of one that is on its way (and cut), or with none.
          std::vector<Told*> alive;
          for (const auto& each : all)
            if (!batch.tokens(each->id).empty()) alive.push_back(each.get());
          const auto kind = random() % 3;
          if (kind == 0) {
            t.prompt = start;
            t.id = batch.add(shared.fork(2 * page), t.prompt, t.options, on_text, on_end);
          } else if (kind == 1 && !alive.empty()) {
            const Told& from = *alive[random() % alive.size()];
            const auto tokens = batch.tokens(from.id);
            const std::size_t size = 1 + random() % tokens.size();
            t.prompt.assign(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(size));
            t.id = batch.add(batch.fork(from.id, 2 * page), t.prompt, t.options, on_text, on_end);
            ++forks;
          } else {
            t.prompt = some_tokens(1 + random() % 70, M::Shape::vocab, random() % 999);
            t.id = batch.add(t.prompt, 2 * page, t.options, on_text, on_end);
          }
          all.push_back(std::move(told));
        }
        together = std::max(together, batch.size());
        if (random() % 20 == 0 && !all.empty()) {
          const auto id = all[random() % all.size()]->id;
          if (batch.remove(id)) removed.push_back(id);
        }
        batch.step();
      }
      CHECK(all.size() >= 4);
      CHECK(together == most);
      CHECK((most < 7 || forks > 3));
      for (const auto& told : all) {
        if (std::ranges::find(removed, told->id) != removed.end()) {
          CHECK_FALSE(told->end);
          continue;
        }
        Session<M> alone(model, tokenizer, {.context = 2 * page, .pool = pool});
        alone.append(told->prompt);
        std::string text;
        std::uint64_t logits = 0;
        GenerateOptions options = told->options;
        options.on_token = add_to(logits);
        const auto result = alone.generate("", options, [&](std::string_view piece) {
          text += piece;
          return true;
        });
        REQUIRE(told->end);
        CHECK(told->text == text);
        CHECK(told->logits == logits);  // to the bit
        CHECK(told->end->reason == result.reason);
        CHECK(told->end->tokens == result.tokens);
      }
    }
    CHECK(pool->free_pages() == pool->pages());
  }
}

TEST_CASE("a text of a batch that fails ends alone") {
  using M = Model<Lettered, F32>;
  const M model = make_random_model<M>(12);
  Batch<M> batch(model, test::synthetic_tokenizer(), std::make_shared<M::Pool>(4 * page));
  const GenerateOptions options{.max_tokens = 5, .temperature = 0};
  std::size_t pieces = 0;
  batch.add({1, 5}, page, options,
            [](std::string_view) -> bool { throw std::runtime_error("no"); });
  const auto good =
      batch.add({1, 5}, page, options, [&](std::string_view) { return ++pieces > 0; });
  std::size_t thrown = 0;
  for (int i = 0; i < 10; ++i) {
    try {
      if (batch.step() == 0) break;
    } catch (const std::runtime_error&) {
      ++thrown;
      CHECK(batch.size() == 1);
      CHECK(batch.tokens(good).size() > 2);
    }
  }
  CHECK(thrown == 1);
  CHECK(pieces > 0);
  const auto ignore = [](std::string_view) { return true; };
  const auto code_of = [&](std::vector<Token> prompt, std::size_t context) {
    return error_of([&] { batch.add(std::move(prompt), context, options, ignore); }).value().code();
  };
  CHECK(error_of([&] { batch.add({1}, page, options, {}); }).value().code() ==
        ErrorCode::invalid_argument);  // nobody to take the text
  CHECK(code_of({}, page) == ErrorCode::invalid_argument);
  CHECK(code_of({-1}, page) == ErrorCode::invalid_argument);
  CHECK(code_of(std::vector<Token>(20, 1), 10) == ErrorCode::context_exhausted);
  CHECK(code_of({1}, 5 * page) == ErrorCode::out_of_memory);
  CHECK(error_of([&] { (void)batch.fork(good, page); }).value().code() ==
        ErrorCode::invalid_argument);  // it has ended
}

TEST_CASE("a session's text goes on in a batch without being evaluated again") {
  using M = Model<Lettered, F32>;
  const M model = make_random_model<M>(12);
  const Tokenizer tokenizer = test::synthetic_tokenizer();
  const auto pool = std::make_shared<M::Pool>(3 * page);
  Session<M> session(model, tokenizer, {.context = 2 * page, .pool = pool});
  session.append(some_tokens(page + 9, Lettered::vocab, 4));
  (void)session.logits();
  GenerateOptions options{.max_tokens = 12, .seed = 3};
  std::string in_batch, alone;
  Batch<M> batch(model, tokenizer, pool);
  std::uint64_t evaluated = 0;
  options.on_prompt = [&](std::uint64_t, std::uint64_t total) { evaluated = total; };
  batch.add(session.past().fork(2 * page), {session.tokens().begin(), session.tokens().end()},
            options, [&](std::string_view piece) { return in_batch += piece, true; });
  batch.run();
  CHECK(evaluated == 1);
  options.on_prompt = {};
  session.generate("", options, [&](std::string_view piece) { return alone += piece, true; });
  CHECK(in_batch == alone);
  CHECK_FALSE(alone.empty());
}

TEST_CASE("a past that is cut in a shared page takes its page when it is added") {
  using M = Model<Lettered, F32>;
  const M model = make_random_model<M>(12);
  const Tokenizer tokenizer = test::synthetic_tokenizer();
  const auto pool = std::make_shared<M::Pool>(4 * page);
  Session<M> session(model, tokenizer, {.context = 2 * page, .pool = pool});
  session.append(some_tokens(page + 9, Lettered::vocab, 4));
  (void)session.logits();
  const auto ignore = [](std::string_view) { return true; };
  const std::vector<Token> shorter(session.tokens().begin(), session.tokens().begin() + 5);
  Batch<M> batch(model, tokenizer, pool);
  batch.add(session.past().fork(2 * page), shorter, {.max_tokens = 3}, ignore);  // the last page
  REQUIRE(pool->free_pages() == 0);
  CHECK(batch.remove(0));
  auto fork = session.past().fork(2 * page);
  typename M::Sequence other(pool, page);
  const auto error =
      test::error_of([&] { batch.add(std::move(fork), shorter, {.max_tokens = 3}, ignore); });
  CHECK(error.value().code() == ErrorCode::out_of_memory);
  CHECK(batch.size() == 0);
}

TEST_CASE("a text of a batch for which no token can be chosen ends alone, on any thread") {
  using M = Model<Lettered, F32>;
  const M good = make_random_model<M>(12);
  // Token 5 is damaged: its column of the first stripe, of four panels.
  constexpr std::size_t damaged = 5,
                        blocks = ceil_div(Lettered::vocab, std::size_t{16}) * Lettered::dim;
  auto weights = good.weights();
  std::vector<PanelBlock<F32>> panels(weights.token_embedding.data,
                                      weights.token_embedding.data + blocks);
  for (std::size_t i = 0; i < 4 * Lettered::dim; i += 4) panels[i].w[damaged] = NAN;
  weights.token_embedding.data = panels.data();
  for (const std::size_t threads : {1u, 2u}) {
    const M model(weights, nullptr, ModelConfig::of<Lettered>(),
                  SharedExecutor(std::make_shared<ThreadPool>(threads), 1));
    Batch<M> batch(model, test::synthetic_tokenizer(), std::make_shared<M::Pool>(4 * page));
    const auto ignore = [](std::string_view) { return true; };
    std::vector<StopReason> ends;
    const auto note = [&](auto, const BatchResult& end) { ends.push_back(end.reason); };
    for (const Token token : {4, 5, 6})
      batch.add({token, token}, page,
                {.max_tokens = 3, .logit_bias = {{1, -INFINITY}, {2, -INFINITY}}}, ignore, note);
    const SamplingStage fail = [](Candidates&, std::span<const Token>) {
      throw std::runtime_error("no");
    };
    batch.add({7, 7}, page, {.max_tokens = 3, .stages = {fail}}, ignore, note);
    const auto error = error_of([&] { batch.step(); });  // of the first that fails
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::malformed_file);
    CHECK(batch.size() == 2);
    batch.run();
    CHECK(ends == std::vector{StopReason::failed, StopReason::failed, StopReason::max_tokens,
                              StopReason::max_tokens});
  }
}

TEST_CASE("a text of a batch that fails as it is cancelled ends alone, too") {
  using M = Model<Lettered, F32>;
  const M model = make_random_model<M>(12);
  Batch<M> batch(model, test::synthetic_tokenizer(), std::make_shared<M::Pool>(4 * page));
  const auto ignore = [](std::string_view) { return true; };
  std::stop_source cancel;
  const GenerateOptions cancelled{.max_tokens = 5, .cancel = cancel.get_token()};
  batch.add({1, 5}, page, cancelled, ignore,
            [](auto, const BatchResult&) { throw std::runtime_error("no"); });
  const auto good = batch.add({1, 5}, page, {.max_tokens = 5}, ignore);
  cancel.request_stop();
  CHECK_THROWS_AS(batch.step(), std::runtime_error);
  CHECK(batch.size() == 1);
  CHECK(batch.tokens(good).size() == 3);  // it had its token all the same
}

TEST_CASE("prompts that keep coming do not starve a text, even in a batch of one row") {
  using M = Model<Lettered, F32>;
  const M model = make_random_model<M>(12);
  const auto pool = std::make_shared<M::Pool>(70 * page);
  Batch<M> batch(model, test::synthetic_tokenizer(), pool, 1);
  const auto ignore = [](std::string_view) { return true; };
  const GenerateOptions endless{.max_tokens = 50, .logit_bias = {{1, -INFINITY}, {2, -INFINITY}}};
  const auto text = batch.add({1}, page, endless, ignore);
  std::size_t prompts_ended = 0;
  for (int i = 0; i < 60; ++i) {
    batch.add({1, 5}, page, {.max_tokens = 1}, ignore,
              [&](auto, const BatchResult&) { ++prompts_ended; });
    batch.step();
  }
  CHECK(batch.tokens(text).size() >= 4);
  CHECK(prompts_ended >= 20);
}

TEST_CASE("hidden states are what the head reads") {
  using M = Model<TinyGrouped, F32>;
  const M model = make_random_model<M>(13);
  const auto tokens = some_tokens(9, 40, 14);
  const auto last = hidden_state(model, tokens, Pooling::last);
  REQUIRE(last.size() == TinyGrouped::dim);
  const auto logits = last_logits(model, tokens);
  std::vector<float> row(TinyGrouped::dim);
  for (std::size_t v = 0; v < 40; ++v) {
    model.weights().head().decode_row(v, row.data());
    double sum = 0;
    for (std::size_t i = 0; i < row.size(); ++i) sum += double{row[i]} * double{last[i]};
    CHECK(sum == Approx(logits[v]).margin(1e-4));
  }
  const auto mean = hidden_state(model, tokens, Pooling::mean);
  std::vector<double> expected(TinyGrouped::dim);
  for (std::size_t n = 1; n <= tokens.size(); ++n) {
    const auto state = hidden_state(model, std::span(tokens).first(n), Pooling::last);
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] += double{state[i]} / 9;
  }
  for (std::size_t i = 0; i < expected.size(); ++i)
    CHECK(mean[i] == Approx(expected[i]).margin(1e-6));
  CHECK(error_of([&] { (void)hidden_state(model, {}, Pooling::mean); }).value().code() ==
        ErrorCode::invalid_argument);
}
