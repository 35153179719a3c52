// What shared beginnings and batches gain: five-shot multiple choice, each choice alone, its items'
// beginnings shared, and as the evaluation does it; and the rate of a plain pass for comparison.
//
//   bench_evaluation [items [tokens of a choice]]
//   bench_evaluation items TASK.json DATA TOKENIZER     a task's own items, by TinyLlama_1_1B alone
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "llama2/base/random.hpp"
#include "llama2/eval/evaluation.hpp"
#include "llama2/eval/likelihood.hpp"
#include "llama2/format/quantised.hpp"
#include "llama2/generate/score.hpp"
#include "llama2/io/load_tokenizer.hpp"
#include "llama2/model/random_model.hpp"
#include "llama2/parallel/thread_pool.hpp"
#include "llama2/shape/shapes.hpp"

namespace {

using namespace llama2;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Items of four choices after five examples, about as long in tokens as MMLU's are in Llama's.
struct Workload {
  std::size_t shots, question, choice;
};

std::vector<LikelihoodQuestion> make_questions(const Workload& load, std::size_t items,
                                               std::size_t vocab) {
  Random random(1);
  const auto append = [&](std::vector<Token>& tokens, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      tokens.push_back(static_cast<Token>(random.uniform() * static_cast<double>(vocab)));
  };
  std::vector<Token> shots{1};
  append(shots, load.shots);
  std::vector<LikelihoodQuestion> questions;
  for (std::size_t item = 0; item < items; ++item) {
    auto stem = shots;
    append(stem, load.question / 2 + static_cast<std::size_t>(random.uniform() *
                                                              static_cast<double>(load.question)));
    for (std::size_t choice = 0; choice < 4; ++choice) {
      auto tokens = stem;
      append(tokens, load.choice);
      questions.push_back({std::move(tokens), stem.size()});
    }
  }
  return questions;
}

/// Tokens per second of one text's plain passes, without logits, after `begin` positions; the best
/// of several tries.
template <class M>
double plain_rate(const M& model, std::size_t begin, std::size_t count) {
  auto pool = M::make_pool(begin + count);
  auto scratch = M::make_scratch(max_batch_rows);
  double best = 0;
  for (int tries = 0; tries < 5; ++tries) {
    typename M::Sequence sequence(pool, begin + count);
    const auto pass_over = [&](std::size_t from, std::size_t to) {
      std::vector<typename M::Row> rows;
      for (std::size_t i = from; i < to; i += rows.size()) {
        rows.clear();
        for (std::size_t j = i; j < std::min(to, i + max_batch_rows); ++j)
          rows.push_back({static_cast<Token>(j % M::Shape::vocab), j, &sequence});
        model.forward(rows, scratch, {});
      }
    };
    pass_over(0, begin);
    const auto start = Clock::now();
    pass_over(begin, begin + count);
    best = std::max(best, static_cast<double>(count) / seconds_since(start));
  }
  return best;
}

template <class M>
void measure(const char* name, const Workload& load, std::size_t items, SharedExecutor executor) {
  const M model = make_random_model<M>(1, std::move(executor));
  const auto questions = make_questions(load, items, M::Shape::vocab);
  // Alone takes long: of a few items.
  const std::size_t few = std::clamp<std::size_t>(items / 20, 1, 4) * 4;

  Likelihoods likelihoods(model, 8192);
  auto start = Clock::now();
  const auto answers = likelihoods.score(questions);
  const double together = seconds_since(start) / static_cast<double>(items);
  const double rate =
      static_cast<double>(likelihoods.tokens()) / (together * static_cast<double>(items));

  start = Clock::now();
  bool equal = true;
  for (std::size_t q = 0; q < few; ++q) {
    const auto& [tokens, begin] = questions[q];
    const auto log_probs = log_probabilities(model, tokens);
    equal =
        equal && std::ranges::equal(std::span(log_probs).subspan(begin - 1), answers[q].log_probs);
  }
  const double alone = seconds_since(start) / static_cast<double>(few / 4);

  start = Clock::now();
  for (std::size_t q = 0; q < few; q += 4) {
    std::vector<std::vector<Token>> choices;
    const std::span<const Token> tokens = questions[q].tokens;
    const auto prefix = tokens.first(questions[q].begin);
    for (std::size_t c = q; c < q + 4; ++c)
      choices.emplace_back(
          questions[c].tokens.begin() + static_cast<std::ptrdiff_t>(questions[c].begin),
          questions[c].tokens.end());
    static_cast<void>(log_probabilities(model, prefix, choices));
  }
  const double by_item = seconds_since(start) / static_cast<double>(few / 4);

  const double plain = plain_rate(model, 0, 480);
  const double behind = plain_rate(model, load.shots, 240);
  std::printf(
      "| %s | %zu + %zu + %zu | %.4g | %.4g | %.4g | %.1f | %.1f | %.4g | %.4g | %.4g | %s |\n",
      name, load.shots, load.question, load.choice, alone, by_item, together, alone / together,
      by_item / together, rate, plain, behind, equal ? "equal" : "DIFFERENT");
  std::fflush(stdout);
}

/// A task's items, as many at a time as `evaluate` takes, prompts and tokens made from their files.
void measure_task(const Task& task, const char* data_folder, const char* tokenizer,
                  std::size_t items, SharedExecutor executor) {
  const auto model = make_random_model<Model<TinyLlama_1_1B, Q4_0>>(1, std::move(executor));
  Evaluator evaluator(model, load_tokenizer(tokenizer));
  TaskData data(task, data_folder);
  const auto numbers = data.sample(items);
  const auto start = Clock::now();
  for (std::size_t i = 0; i < numbers.size(); i += 32)
    static_cast<void>(evaluator.evaluate(
        data, std::span(numbers).subspan(i, std::min<std::size_t>(32, numbers.size() - i))));
  const double seconds = seconds_since(start);
  const double rate = static_cast<double>(evaluator.tokens()) / seconds;
  const double plain = plain_rate(model, 0, 480);
  std::printf(
      "%s: %zu items, %zu tokens in %.1f s: %.4g tokens/s, %.1f %% of %.4g in a plain pass\n",
      task.name.c_str(), numbers.size(), evaluator.tokens(), seconds, rate, 100 * rate / plain,
      plain);
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t items = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 40;
  const auto executor = std::make_shared<ThreadPool>();
  if (argc == 5) {
    measure_task(load_task(argv[2]), argv[3], argv[4], items, executor);
    return 0;
  }
  std::printf(
      "| model | tokens: examples + question + choice | alone, s/item | item shared, s/item | "
      "evaluation, s/item | alone / evaluation | shared / evaluation | evaluation, tokens/s | "
      "plain pass, tokens/s | plain pass after the examples, tokens/s | bits |\n"
      "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---|\n");
  std::vector<std::size_t> choices{1, 12};
  if (argc > 2) choices = {std::strtoul(argv[2], nullptr, 10)};
  for (const std::size_t choice : choices)
    measure<Model<Stories260K, F32>>("Stories260K F32", {300, 60, choice}, items * 10, executor);
  for (const std::size_t choice : choices)
    measure<Model<TinyLlama_1_1B, Q4_0>>("TinyLlama_1_1B Q4_0", {500, 100, choice}, items,
                                         executor);
}
