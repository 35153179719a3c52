// What sessions are for beyond text: saved and loaded, gone on with where the context is full, and
// cancelled.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "bin_writer.hpp"
#include "catch.hpp"
#include "error_of.hpp"
#include "llama2/base/checksum.hpp"
#include "llama2/base/random.hpp"
#include "llama2/generate/batch.hpp"
#include "llama2/generate/score.hpp"
#include "llama2/generate/session.hpp"
#include "llama2/io/gguf_writer.hpp"
#include "llama2/io/load.hpp"
#include "llama2/model/random_model.hpp"
#include "logits.hpp"
#include "reference_model.hpp"
#include "synthetic_tokenizer.hpp"
#include "temp_file.hpp"
#include "tiny_shapes.hpp"

using namespace llama2;
using test::error_of;
using test::same_bits;
using test::TempFile;

namespace {

constexpr std::size_t page = kv_page_positions;

struct Lettered : TinyGrouped {
  static constexpr std::size_t vocab = test::synthetic_vocab;
};
struct LetteredBlocks : TinyBlocks {
  static constexpr std::size_t vocab = test::synthetic_vocab;
};
struct Narrow : Lettered {
  static constexpr std::size_t hidden_dim = 40;
};
using Plain = Model<Lettered, F32>;
using Small = Model<LetteredBlocks, Q8_0, Q8_0>;

std::vector<Token> some_tokens(std::size_t count, std::size_t vocab, std::size_t seed) {
  std::vector<Token> tokens(count);
  for (std::size_t i = 0; i < count; ++i)
    tokens[i] = static_cast<Token>(mix_bits(seed * 1000 + i) % vocab);
  return tokens;
}

template <class M>
Session<M> session_of(const M& model, std::size_t context = 3 * page) {
  return Session<M>(model, test::synthetic_tokenizer(), {.context = context});
}

template <class M>
std::vector<float> last_logits(const M& model, std::span<const Token> tokens) {
  const auto all = test::logits_of(model, tokens);
  return {all.end() - static_cast<std::ptrdiff_t>(M::Shape::vocab), all.end()};
}

template <class M>
std::vector<float> copy_of_logits(Session<M>& session) {
  const auto logits = session.logits();
  return {logits.begin(), logits.end()};
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

ErrorCode code_of(const std::function<void()>& f) {
  const auto error = error_of(f);
  REQUIRE(error);
  return error->code();
}

/// A saved cache with another checksum in its last 8 bytes: the right one.
std::string summed(std::string bytes) {
  const std::uint64_t sum =
      checksum(std::as_bytes(std::span(bytes)).first(bytes.size() - sizeof(std::uint64_t)));
  std::memcpy(bytes.data() + bytes.size() - sizeof sum, &sum, sizeof sum);
  return bytes;
}

}  // namespace

// Saved caches.

TEST_CASE("a checksum is of the bytes, however they come, and every bit counts") {
  std::string bytes(100, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(mix_bits(i));
  const auto sum_of = [](std::string_view text) {
    return checksum(std::as_bytes(std::span(text)));
  };
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const auto text = std::string_view(bytes).substr(0, size);
    const std::uint64_t sum = sum_of(text);
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      Checksum pieces;
      for (std::size_t at = 0; at < size;) {
        const std::size_t n = std::min<std::size_t>(size - at, mix_bits(seed * 1000 + at) % 40);
        pieces.add(std::as_bytes(std::span(text.substr(at, n))));
        at += n;
      }
      REQUIRE(pieces.value() == sum);
    }
    std::string other(text);
    for (std::size_t bit = 0; bit < 8 * size; ++bit) {
      other[bit / 8] = static_cast<char>(other[bit / 8] ^ (1 << bit % 8));
      REQUIRE(sum_of(other) != sum);
      other[bit / 8] = text[bit / 8];
    }
    REQUIRE(sum_of(other + '\0') != sum);  // zeros at the end, too
  }
}

TEMPLATE_TEST_CASE("a text that is saved and loaded goes on with the same bits", "", Plain,
                   (Model<Lettered, F32, F16>), Small) {
  using M = TestType;
  const M model = make_random_model<M>(5);
  const TempFile file("");
  for (const std::size_t size : {std::size_t{1}, page - 1, page, 2 * page + 9}) {
    auto session = session_of(model);
    const auto tokens = some_tokens(size, M::Shape::vocab, size);
    session.append(tokens);
    (void)session.logits();
    session.append(std::vector<Token>{3, 4});  // not evaluated yet
    session.save(file.path());
    const auto expected = copy_of_logits(session);

    auto loaded = session_of(model);
    loaded.append(some_tokens(2 * page, M::Shape::vocab, 99));  // to be replaced
    (void)loaded.logits();
    loaded.load(file.path(), size % 2 == 0 ? FileAccess::map : FileAccess::read);
    CHECK(std::ranges::equal(loaded.tokens(), session.tokens()));
    // What was evaluated need not be again.
    std::uint64_t evaluated = 0;
    const auto logits =
        loaded.logits({{}, [&](std::uint64_t, std::uint64_t total) { evaluated = total; }});
    CHECK(evaluated == 2);
    CHECK(same_bits(logits, expected));
    for (auto* each : {&session, &loaded}) each->append(std::vector<Token>{7});
    CHECK(same_bits(loaded.logits(), copy_of_logits(session)));
  }
}

TEST_CASE("a saved text is the same file whatever was in its pages before") {
  const Plain model = make_random_model<Plain>(5);
  const TempFile fresh(""), used("");
  for (const TempFile* file : {&fresh, &used}) {
    auto session = session_of(model);
    if (file == &used) {
      session.append(some_tokens(page + 40, Lettered::vocab, 8));
      (void)session.logits();
      session.reset();
    }
    session.append(some_tokens(page + 5, Lettered::vocab, 7));
    (void)session.logits();
    session.save(file->path());
  }
  CHECK(read_file(fresh.path()) == read_file(used.path()));
  CHECK(read_file(fresh.path()).size() ==
        160 + 4 * (page + 5) + 2 * Plain::memory.kv_page() + sizeof(std::uint64_t));
}

TEST_CASE("a text is loaded beside a fork that shares its pages") {
  const Plain model = make_random_model<Plain>(5);
  const TempFile file("");
  auto saved = session_of(model);
  saved.append(some_tokens(page + 5, Lettered::vocab, 7));
  (void)saved.logits();
  saved.save(file.path());

  for (const std::size_t pages : {6u, 3u}) {
    const auto pool = std::make_shared<Plain::Pool>(pages * page);
    Session<Plain> session(model, test::synthetic_tokenizer(), {.context = 2 * page, .pool = pool});
    const auto tokens = some_tokens(page, Lettered::vocab, 3);
    session.append(tokens);
    const auto before = copy_of_logits(session);
    auto fork = session.fork(2 * page);
    if (pages == 6) {
      session.load(file.path());
      CHECK(same_bits(session.logits(), copy_of_logits(saved)));
    } else {  // no page for what the fork still needs
      CHECK(code_of([&] { session.load(file.path()); }) == ErrorCode::out_of_memory);
      CHECK(std::ranges::equal(session.tokens(), tokens));
    }
    CHECK(same_bits(fork.logits(), before));
  }
}

TEST_CASE("what is no saved text of the model is refused, and says why") {
  const Plain model = make_random_model<Plain>(5);
  const TempFile file("");
  auto session = session_of(model);
  session.append(some_tokens(page + 5, Lettered::vocab, 7));
  (void)session.logits();
  session.save(file.path());
  const std::string good = read_file(file.path());
  const auto before = copy_of_logits(session);
  const auto refused = [&](const std::string& bytes, auto& by, ErrorCode code, const char* why) {
    file.write(bytes);
    const auto error = error_of([&] { by.load(file.path()); });
    REQUIRE(error);
    INFO(error->what());
    CHECK(error->code() == code);
    CHECK(std::string(error->what()).find(why) != std::string::npos);
    CHECK(error->details().file == file.path());
  };
  using enum ErrorCode;
  // Every byte counts.
  for (std::size_t i = 0; i < good.size(); i += i < 200 ? 1 : 997) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x40);
    file.write(bad);
    const auto code = code_of([&] { session.load(file.path()); });
    CHECK(code == (i >= 8 && i < 12 ? unsupported : malformed_file));
  }
  for (const std::size_t size : {0u, 7u, 8u, 100u, 167u})
    refused(good.substr(0, size), session, malformed_file, "no saved key/value cache");
  refused(good.substr(0, good.size() - 1), session, malformed_file, "checksum");
  refused(good + "x", session, malformed_file, "checksum");
  // With the right checksum, but numbers that lie: tokens at 136, positions at 144.
  const auto lie = [&](std::size_t at, std::uint64_t number) {
    std::string bad = good;
    std::memcpy(bad.data() + at, &number, sizeof number);
    return summed(bad);
  };
  for (const std::uint64_t number :
       {std::uint64_t{0}, std::uint64_t{page}, std::uint64_t{page + 4}, std::uint64_t{page + 6},
        std::uint64_t{1} << 24, std::uint64_t{1} << 32, ~std::uint64_t{0}}) {
    refused(lie(136, number), session, malformed_file, "another size");
    if (number == 0 || number == page || number > page + 5)
      refused(lie(144, number), session, malformed_file, "another size");
  }
  std::string bad_token = good;
  bad_token[160 + 4 * 9 + 3] = '\x80';
  refused(summed(bad_token), session, malformed_file, "token outside the vocabulary");

  // Of other models.
  auto halves = session_of(make_random_model<Model<Lettered, F32, F16>>(5));
  refused(good, halves, mismatch, "cache of another model; expected F16; found F32");
  auto other = session_of(make_random_model<Plain>(6));
  refused(good, other, mismatch, "other weights");
  auto larger = session_of(make_random_model<Small>(5));
  refused(good, larger, mismatch, "");
  auto narrow = session_of(make_random_model<Model<Narrow, F32>>(5));
  refused(good, narrow, mismatch,
          "hidden_dim: a saved cache of another model; expected 40; found 44");
  ModelConfig config = ModelConfig::of<Lettered>();
  config.rope_theta = 20000;
  auto turned = session_of(make_random_model<Plain>(5, {}, config));
  refused(good, turned, mismatch, "rope_theta");
  config = ModelConfig::of<Lettered>().scaled({.kind = RopeScalingKind::yarn, .factor = 4});
  auto scaled = session_of(make_random_model<Plain>(5, {}, config));
  refused(good, scaled, mismatch, "rope_scaling");
  config = ModelConfig::of<Lettered>();
  config.context = 77;  // says nothing of what is computed
  auto shorter = session_of(make_random_model<Plain>(5, {}, config));
  file.write(good);
  shorter.load(file.path());
  CHECK(same_bits(shorter.logits(), before));
  auto tight = session_of(model, page);
  refused(good, tight, context_exhausted, "does not fit");
  CHECK(code_of([&] { session.load("/nonexistent"); }) == io);

  // After all of that:
  session.append(std::vector<Token>{2});
  session.truncate(page + 5);
  CHECK(same_bits(session.logits(), before));
}

// Forgetting the middle.

namespace {

/// A model in double that keeps keys as they were before they were rotated, and rotates them, each
/// time anew, to where they lie in the cache then: what `forget` is to amount to.
template <class M>
class PlainDecoder {
  using S = typename M::Shape;
  static constexpr std::size_t dim = S::dim, size = head_dim<S>, kv = kv_dim<S>,
                               group = S::heads / S::kv_heads;
  using Vector = std::vector<double>;

 public:
  explicit PlainDecoder(const M& model) : model_(model), keys_(S::layers), values_(S::layers) {}

  Vector step(Token token) {
    const auto& w = model_.weights();
    const double epsilon = model_.config().norm_epsilon;
    const auto product = [](const auto& matrix, const Vector& x) {
      using Matrix = std::remove_cvref_t<decltype(matrix)>;
      Vector y(Matrix::rows);
      reference::matmul(decoded(matrix).data(), Matrix::rows, Matrix::cols, x.data(), 1, y.data());
      return y;
    };
    const auto norm = [&](const auto& gain, const Vector& x) {
      const Vector g = decoded(gain);
      Vector y(dim);
      reference::rms_norm(x.data(), g.data(), epsilon, dim, y.data());
      return y;
    };
    const auto add = [](Vector& x, const Vector& y) {
      for (std::size_t i = 0; i < dim; ++i) x[i] += y[i];
    };
    std::vector<float> row(dim);
    w.token_embedding.decode_row(static_cast<std::size_t>(token), row.data());
    Vector x(row.begin(), row.end());
    for (std::size_t l = 0; l < S::layers; ++l) {
      const auto& layer = w.layers[l];
      const Vector h = norm(layer.attention_norm, x);
      Vector q = product(layer.wq, h);
      keys_[l].push_back(product(layer.wk, h));
      values_[l].push_back(product(layer.wv, h));
      const std::size_t n = keys_[l].size();
      turn(q, n - 1);
      Vector keys, values;
      for (std::size_t t = 0; t < n; ++t) {
        Vector key = keys_[l][t];
        turn(key, t);
        keys.insert(keys.end(), key.begin(), key.end());
        values.insert(values.end(), values_[l][t].begin(), values_[l][t].end());
      }
      Vector attended(dim);
      for (std::size_t head = 0; head < S::heads; ++head)
        reference::attend(&q[head * size], &keys[head / group * size], &values[head / group * size],
                          kv, size, n, &attended[head * size]);
      add(x, product(layer.wo, attended));
      const Vector f = norm(layer.ffn_norm, x);
      Vector gate = product(layer.w1, f);
      reference::swiglu(gate.data(), product(layer.w3, f).data(), gate.size());
      add(x, product(layer.w2, gate));
    }
    return product(w.head(), norm(w.norm, x));
  }

  void forget(std::size_t begin, std::size_t count) {
    for (auto* const each : {&keys_, &values_})
      for (auto& past : *each)
        past.erase(past.begin() + static_cast<std::ptrdiff_t>(begin),
                   past.begin() + static_cast<std::ptrdiff_t>(begin + count));
  }

 private:
  void turn(Vector& x, std::size_t position) const {
    const auto rotation = reference_rotation(model_.config(), size);
    for (std::size_t i = 0; i < x.size(); i += 2) {
      const double angle = static_cast<double>(position) * rotation[i % size / 2];
      const double c = rotation.back() * std::cos(angle), s = rotation.back() * std::sin(angle);
      const double a = x[i], b = x[i + 1];
      x[i] = a * c - b * s;
      x[i + 1] = a * s + b * c;
    }
  }

  const M& model_;
  std::vector<std::vector<Vector>> keys_, values_;  // (layers, positions, kv_dim)
};

/// The largest difference, as a share of the largest logit.
double difference(std::span<const float> logits, const std::vector<double>& expected) {
  double most = 0, largest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    most = std::max(most, std::abs(double{logits[i]} - expected[i]));
    largest = std::max(largest, std::abs(expected[i]));
  }
  return most / largest;
}

/// Cuts positions out of the middle of a past twice, a fork beside it, and goes on.
template <class M>
void check_forget(const M& model, double tolerance) {
  constexpr std::size_t vocab = M::Shape::vocab;
  struct Case {
    std::size_t size, begin, count;
  };
  for (const auto& [size, begin, count] :
       {Case{200, 4, page}, Case{130, 0, 2 * page}, Case{page + 4, 4, page},
        Case{3 * page, page, page}, Case{210, 70, 2 * page}, Case{150, 10, 0}}) {
    const auto pool = std::make_shared<typename M::Pool>(12 * page);
    typename M::Sequence sequence(pool, 4 * page);
    Workspace<typename M::Shape> workspace;
    PlainDecoder<M> plain(model);
    std::vector<float> logits(vocab);
    std::vector<double> expected;
    std::vector<Token> fork_tokens;
    const auto feed = [&](std::size_t n, std::size_t seed) {
      for (const Token token : some_tokens(n, vocab, seed)) {
        const typename M::Row row{token, sequence.size(), &sequence, true};
        model.forward({&row, 1}, workspace, logits);
        expected = plain.step(token);
        fork_tokens.push_back(token);
      }
    };
    feed(size, size);
    const auto fork = sequence.fork(4 * page);
    const auto pages_before = std::vector(fork.pages(), fork.pages() + size / page);
    fork_tokens.clear();
    forget(model, sequence, begin, count);
    plain.forget(begin, count);
    CHECK(sequence.size() == size - count);
    feed(3, 1);
    CHECK(difference(logits, expected) < tolerance);
    if (sequence.size() > page + 5) {  // what has been moved is moved again
      forget(model, sequence, 5, page);
      plain.forget(5, page);
      feed(70, 2);
      CHECK(difference(logits, expected) < tolerance);
    }
    // The fork has what it had.
    CHECK(std::equal(pages_before.begin(), pages_before.end(), fork.pages()));
    auto again = fork.fork(4 * page);
    const typename M::Row row{3, size, &again, true};
    model.forward({&row, 1}, workspace, logits);
    auto all = some_tokens(size, vocab, size);
    all.push_back(3);
    CHECK(same_bits(logits, last_logits(model, all)));
  }
}

}  // namespace

TEST_CASE("a past whose middle is forgotten is that of a plain reference") {
  check_forget(make_random_model<Model<TinyGrouped, F32>>(21), 2e-5);
  check_forget(make_random_model<Model<TinyGrouped, F32, F16>>(21), 2e-3);
  check_forget(make_random_model<Model<TinyGrouped, F32, Q8_0>>(21), 2e-2);
  // YaRN multiplies keys when they are first rotated, and not again.
  const ModelConfig config =
      ModelConfig::of<TinyGrouped>().scaled({.kind = RopeScalingKind::yarn, .factor = 8});
  check_forget(make_random_model<Model<TinyGrouped, F32>>(21, {}, config), 2e-5);
}

TEST_CASE("what cannot be forgotten is refused, and nothing changes") {
  using M = Model<TinyGrouped, F32>;
  const M model = make_random_model<M>(21);
  const auto pool = std::make_shared<M::Pool>(4 * page);
  M::Sequence sequence(pool, 3 * page);
  Workspace<TinyGrouped> workspace;
  const auto tokens = some_tokens(2 * page + 5, 40, 1);
  std::vector<M::Row> rows;
  for (const Token token : tokens) rows.push_back({token, rows.size(), &sequence, false});
  model.forward(rows, workspace, {});
  const auto refused = [&](std::size_t begin, std::size_t count) {
    return code_of([&] { forget(model, sequence, begin, count); }) == ErrorCode::invalid_argument;
  };
  CHECK(refused(4, 10));
  CHECK(refused(6, 2 * page));
  CHECK(refused(4, 1000 * page));
  CHECK(refused(~std::size_t{0}, page));
  {
    const auto fork = sequence.fork(2 * page + 5);  // takes the last page, shares two
    sequence.truncate(2 * page);
    CHECK(code_of([&] { forget(model, sequence, 4, page); }) == ErrorCode::out_of_memory);
    CHECK(sequence.size() == 2 * page);
  }
  std::vector<float> logits(40);
  const M::Row row{tokens[2 * page], 2 * page, &sequence, true};
  model.forward({&row, 1}, workspace, logits);
  CHECK(same_bits(logits, last_logits(model, std::span(tokens).first(2 * page + 1))));

  CHECK(shifted_positions(4, 4096) == 2 * 1024 - page);  // whole pages, not more than half
  CHECK(shifted_positions(0, 4096) == 2048);
  CHECK(shifted_positions(10, 10 + page + 1) == page);
  for (const std::size_t context : {std::size_t{0}, std::size_t{9}, 10 + page})
    CHECK(code_of([&] { (void)shifted_positions(10, context); }) == ErrorCode::invalid_argument);
}

TEST_CASE("a text goes on beyond its context where it is asked to, alone and in a batch") {
  const Plain model = make_random_model<Plain>(22);
  const Tokenizer tokenizer = test::synthetic_tokenizer();
  constexpr std::size_t context = 2 * page + 10, count = 400, sinks = 3;
  GenerateOptions options{.max_tokens = count,
                          .temperature = 0.9f,
                          .logit_bias = {{1, -INFINITY}, {2, -INFINITY}},  // it never ends
                          .seed = 5,
                          .sinks = sinks};
  const auto prompt = some_tokens(20, Lettered::vocab, 4);
  std::string text;
  std::vector<Token> told;
  options.on_token = [&](Token token, std::span<const float>) { told.push_back(token); };
  const auto show = [&](std::string_view piece) {
    text += piece;
    return true;
  };
  auto session = session_of(model, context);
  session.append(prompt);
  const auto result = session.generate("", options, show);
  CHECK(result.reason == StopReason::max_tokens);
  CHECK(told.size() == count);
  CHECK(session.tokens().size() <= context);
  CHECK(session.tokens().size() > context / 2);
  CHECK(std::ranges::equal(session.tokens().first(sinks), std::span(prompt).first(sinks)));
  CHECK(std::ranges::equal(session.tokens().subspan(sinks),
                           std::span(told).last(session.tokens().size() - sinks)));

  // By hand.
  auto other = session_of(model, context);
  other.append(prompt);
  Sampler sampler(Lettered::vocab);
  sampler.seed(5);
  std::vector<Token> all = prompt;
  for (std::size_t i = 0; i < count; ++i) {
    const auto logits = copy_of_logits(other);
    other.forget_middle(sinks);  // if it is full
    const Token token = sampler.sample(logits, other.tokens(), options.sampling());
    other.append({&token, 1});
    all.push_back(token);
  }
  CHECK(std::ranges::equal(std::span(all).last(count), told));

  const auto alone = text;
  text.clear();
  Batch<Plain> batch(model, tokenizer, std::make_shared<Plain::Pool>(2 * (context + page)));
  batch.add(prompt, context, options, show);
  batch.add(some_tokens(7, Lettered::vocab, 9), context, {.max_tokens = 50},
            [](auto) { return true; });
  batch.run();
  CHECK(text == alone);

  // A text that was never evaluated loses its middle as well; one that has room nothing.
  auto full = session_of(model, context);
  full.append(some_tokens(context, Lettered::vocab, 6));
  full.forget_middle(sinks);
  CHECK(full.tokens().size() == context - page);
  full.forget_middle(sinks);
  CHECK(full.tokens().size() == context - page);
  CHECK(same_bits(full.logits(), last_logits(model, full.tokens())));

  // A prompt makes room for itself, as often as it takes; one that would not fit changes nothing.
  auto prompted = session_of(model, 4 * page);
  prompted.append(some_tokens(4 * page - 3, Lettered::vocab, 6));
  (void)prompted.logits();
  const std::vector<Token> before_prompt(prompted.tokens().begin(), prompted.tokens().end());
  const std::string words(2 * page, 'b');
  const std::size_t length = tokenizer.encode(words, {.bos = false}).size();
  REQUIRE(length > page);
  GenerateOptions none{.max_tokens = 0, .sinks = sinks};
  const std::string much(5 * page * max_piece_bytes, 'b');
  CHECK(code_of([&] { prompted.generate(much, none, show); }) == ErrorCode::context_exhausted);
  CHECK(std::ranges::equal(prompted.tokens(), before_prompt));
  prompted.generate(words, none, show);
  CHECK(prompted.tokens().size() <= 4 * page);
  CHECK(std::ranges::equal(prompted.tokens().first(sinks), std::span(before_prompt).first(sinks)));
  CHECK(std::ranges::equal(prompted.tokens().last(length + 3).first(3),
                           std::span(before_prompt).last(3)));

  // Where nothing would be left there is nothing to ask for; and without asking, an end is said.
  options.sinks = context - page;
  CHECK(code_of([&] { session.generate("", options, show); }) == ErrorCode::invalid_argument);
  options.sinks.reset();
  CHECK(session.generate("", options, show).reason == StopReason::context_full);
  CHECK(session.tokens().size() == context);
}

// Cancelling.

namespace {

/// Asks for cancellation at a given task, and counts what is handed out after that.
class CancellingPool {
 public:
  explicit CancellingPool(std::size_t at) : at_(at) {}
  [[nodiscard]] static std::size_t concurrency() noexcept { return 2; }
  bool try_run(std::size_t n, TaskRef task) noexcept {
    largest = std::max(largest, n);
    if (source.stop_requested()) ++jobs_after;
    for (std::size_t i = 0; i < n; ++i) {
      if (tasks++ == at_) source.request_stop();
      task(i);
    }
    return true;
  }

  std::stop_source source;
  std::size_t tasks = 0, jobs_after = 0, largest = 0;

 private:
  std::size_t at_;
};

/// Wide enough that a layer's products are shared out, and cut for cancelling.
struct Wide {
  static constexpr std::size_t dim = 64, hidden_dim = 1024, layers = 6, heads = 4, kv_heads = 2,
                               vocab = test::synthetic_vocab, context = 640;
};
using WideModel = Model<Wide, F32>;

}  // namespace

TEST_CASE("work that may be cancelled comes in pieces, and those left are not begun") {
  std::stop_source source;
  const SharedExecutor alone = SharedExecutor().cancelled_by(source.get_token());
  std::vector<std::size_t> sizes;
  const auto note = [&](std::size_t begin, std::size_t end) { sizes.push_back(end - begin); };
  const std::size_t each = uncancelled_work / 10;
  parallel_ranges(alone, 100, 1, each, note);
  CHECK(sizes == std::vector<std::size_t>(10, 10));
  sizes.clear();
  parallel_ranges(SharedExecutor(), 100, 1, each, note);
  CHECK(sizes == std::vector<std::size_t>{100});
  sizes.clear();
  parallel_ranges(alone, 3, 1, 100 * uncancelled_work, note);
  CHECK(sizes == std::vector<std::size_t>{1, 1, 1});
  sizes.clear();
  parallel_ranges(alone, 100, 1, each, [&](std::size_t begin, std::size_t) {
    sizes.push_back(begin);
    if (begin == 30) source.request_stop();
  });
  CHECK(sizes == std::vector<std::size_t>{0, 10, 20, 30});
}

TEST_CASE("a prompt that is cancelled anywhere goes on where it was") {
  const auto tokens = some_tokens(600, Wide::vocab, 1);
  std::vector<float> expected;
  std::size_t tasks = 0;
  {
    const auto pool = std::make_shared<CancellingPool>(~std::size_t{0});
    auto session = session_of(make_random_model<WideModel>(7, SharedExecutor(pool, 1)), 640);
    pool->tasks = 0;
    session.append(tokens);
    const auto logits = session.logits();
    expected.assign(logits.begin(), logits.end());
    tasks = pool->tasks;
  }
  REQUIRE(tasks > 500);
  std::size_t cancelled = 0;
  for (const std::size_t at : {std::size_t{0}, tasks / 7, tasks / 3, tasks / 2, tasks - 1}) {
    const auto pool = std::make_shared<CancellingPool>(at);
    const WideModel model = make_random_model<WideModel>(7);
    // The same weights, now with the pool that counts.
    const WideModel counted(model.weights(), std::make_shared<WideModel>(model), model.config(),
                            SharedExecutor(pool, 1));
    auto session = session_of(counted, 640);
    session.append(tokens);
    std::uint64_t before = 0;
    const auto error = error_of([&] {
      (void)session.logits({pool->source.get_token(), [&](std::uint64_t done, std::uint64_t total) {
                              CHECK(done > before);
                              CHECK(total == 600);
                              CHECK_FALSE(pool->source.stop_requested());
                              before = done;
                            }});
    });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::cancelled);
    CHECK(pool->jobs_after <= 8);  // what a layer asks for; none of it was begun
    CHECK(pool->largest > 4);
    CHECK(session.tokens().size() == 600);
    // What had been evaluated in whole passes is kept.
    std::uint64_t left = 0;
    const auto logits =
        session.logits({{}, [&](std::uint64_t, std::uint64_t total) { left = total; }});
    CHECK(same_bits(logits, expected));
    CHECK(left == 600 - before / max_batch_rows * max_batch_rows);
    ++cancelled;
  }
  CHECK(cancelled == 5);
}

TEST_CASE("a text that is cancelled goes on as if it had not been") {
  const Plain model = make_random_model<Plain>(9);
  GenerateOptions options{.max_tokens = 60, .temperature = 0};
  auto whole = session_of(model);
  std::string expected;
  const auto told = whole.generate("the hat in the tin", options, [&](std::string_view piece) {
    expected += piece;
    return true;
  });
  REQUIRE(told.tokens > 20);

  auto session = session_of(model);
  std::stop_source at_once;
  at_once.request_stop();
  options.cancel = at_once.get_token();
  std::string text;
  const auto show = [&](std::string_view piece) {
    text += piece;
    return true;
  };
  auto result = session.generate("the hat in the tin", options, show);
  CHECK(result.reason == StopReason::cancelled);
  CHECK(result.tokens == 0);
  CHECK(to_string(result.reason) == "cancelled");
  std::stop_source later;
  options.cancel = later.get_token();
  std::vector<std::uint64_t> progress;
  options.on_prompt = [&](std::uint64_t done, std::uint64_t total) {
    progress.push_back(done);
    CHECK(total == result.prompt_tokens);
  };
  std::size_t tokens = 0;
  options.on_token = [&](Token, std::span<const float>) {
    if (++tokens == 7) later.request_stop();
  };
  const auto second = session.generate("", options, show);
  CHECK(second.reason == StopReason::cancelled);
  CHECK(second.tokens == 7);
  CHECK(progress.size() == Lettered::layers);
  CHECK(progress.back() == result.prompt_tokens);
  options.cancel = {};
  options.on_prompt = {};
  options.max_tokens = 60 - 7;
  session.generate("", options, show);
  CHECK(std::ranges::equal(session.tokens(), whole.tokens()));
  CHECK(text == expected);
}

TEST_CASE("a batch that is cancelled loses nothing") {
  const Plain model = make_random_model<Plain>(10);
  const Tokenizer tokenizer = test::synthetic_tokenizer();
  const auto texts = [&](bool cancel) {
    Batch<Plain> batch(model, tokenizer, std::make_shared<Plain::Pool>(6 * page), 20);
    std::vector<std::string> all(3);
    for (std::size_t i = 0; i < 3; ++i)
      batch.add(some_tokens(5 + 20 * i, Lettered::vocab, i), 2 * page,
                {.max_tokens = 20, .temperature = 0.8f, .seed = i}, [&, i](std::string_view piece) {
                  all[i] += piece;
                  return true;
                });
    for (std::size_t round = 0; cancel && round < 40 && batch.size() != 0; ++round) {
      std::stop_source source;
      // Sometimes in the middle of a step, sometimes after it.
      const Watch watch{source.get_token(), [&](std::uint64_t done, std::uint64_t total) {
                          if (round % 3 != 0 && done * 2 >= total) source.request_stop();
                        }};
      const auto error = error_of([&] { batch.step(watch); });
      CHECK(error.has_value() == (round % 3 != 0));
      if (error) CHECK(error->code() == ErrorCode::cancelled);
    }
    batch.run();
    return all;
  };
  CHECK(texts(true) == texts(false));
}

TEST_CASE("a text of a batch is cancelled alone, and learns of its prompt alone") {
  const Plain model = make_random_model<Plain>(10);
  Batch<Plain> batch(model, test::synthetic_tokenizer(), std::make_shared<Plain::Pool>(4 * page),
                     20);
  std::stop_source source;
  std::vector<std::uint64_t> progress;
  std::vector<StopReason> ends(2, StopReason::stopped);
  std::vector<std::size_t> tokens(2);
  for (std::size_t i = 0; i < 2; ++i) {
    GenerateOptions options{.max_tokens = 9, .logit_bias = {{1, -INFINITY}, {2, -INFINITY}}};
    options.on_token = [&, i](Token, std::span<const float>) {
      if (++tokens[i] == 4 && i == 0) source.request_stop();
    };
    if (i == 0) {
      options.cancel = source.get_token();
      options.on_prompt = [&](std::uint64_t done, std::uint64_t total) {
        progress.push_back(done);
        CHECK(total == 50);
      };
    }
    batch.add(
        some_tokens(50, Lettered::vocab, i), 2 * page, options, [](auto) { return true; },
        [&ends, i](auto, const BatchResult& end) { ends[i] = end.reason; });
  }
  batch.run();
  CHECK(ends == std::vector{StopReason::cancelled, StopReason::max_tokens});
  CHECK(tokens == std::vector<std::size_t>{4, 9});
  REQUIRE(progress.size() > 2);
  CHECK(std::ranges::is_sorted(progress));
  CHECK(progress.back() == 50);
}

TEST_CASE("loading, writing and scoring are cancelled") {
  const TempFile file(test::write_version_1(test::random_float_model<Wide>(33)));
  std::size_t tasks = 0;
  for (const bool count : {true, false}) {
    const auto pool = std::make_shared<CancellingPool>(count ? ~std::size_t{0} : tasks / 2);
    std::size_t tensors = 0;
    LoadOptions options{.executor = SharedExecutor(pool, 1),
                        .on_progress =
                            [&](std::uint64_t, std::uint64_t) {
                              CHECK_FALSE(pool->source.stop_requested());
                              ++tensors;
                            },
                        .cancel = pool->source.get_token()};
    const auto error = error_of([&] { (void)load<Model<Wide, Q4_0>>(file.path(), options); });
    CHECK(error.has_value() != count);
    if (count) {
      tasks = pool->tasks;
      continue;
    }
    CHECK(error->code() == ErrorCode::cancelled);
    CHECK(tensors > 3);
    CHECK(tensors < 2 + 9 * Wide::layers);
    CHECK(pool->jobs_after == 0);
    options.cancel = {};
    options.access = FileAccess::read;
    std::stop_source at_once;
    at_once.request_stop();
    CHECK(code_of([&] { open_checkpoint(file.path(), FileAccess::read, at_once.get_token()); }) ==
          ErrorCode::cancelled);
  }

  const WideModel model = make_random_model<WideModel>(7);
  std::stop_source source;
  const Watch watch{source.get_token(), [&](std::uint64_t done, std::uint64_t total) {
                      CHECK(total == 199);
                      if (done > 100) source.request_stop();
                    }};
  const auto tokens = some_tokens(200, Wide::vocab, 3);
  CHECK(code_of([&] { (void)log_probabilities(model, tokens, watch); }) == ErrorCode::cancelled);

  const std::string path = file.path() + ".gguf";
  std::stop_source writing;
  GgufWriteOptions write{.on_progress = [&](auto...) { writing.request_stop(); },
                         .cancel = writing.get_token()};
  CHECK(code_of([&] { write_gguf(path, model, nullptr, write); }) == ErrorCode::cancelled);
  CHECK_FALSE(std::filesystem::exists(path));

  auto session = session_of(model, 200);
  session.append(tokens);
  const auto logits = copy_of_logits(session);
  std::stop_source saving, loading;
  const std::string kept = file.path() + ".kv";
  const auto stop_at = [](std::stop_source& stop, std::uint64_t at) {
    return Watch{stop.get_token(), [&stop, at](std::uint64_t done, std::uint64_t total) {
                   CHECK(total == 200);
                   if (done >= at) stop.request_stop();
                 }};
  };
  CHECK(code_of([&] { session.save(kept, stop_at(saving, 100)); }) == ErrorCode::cancelled);
  CHECK_FALSE(std::filesystem::exists(kept));
  session.save(kept);
  CHECK(code_of([&] { session.load(kept, FileAccess::map, stop_at(loading, 100)); }) ==
        ErrorCode::cancelled);
  CHECK(same_bits(session.logits(), logits));  // evaluated anew
  std::filesystem::remove(kept);
}
