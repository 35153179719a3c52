// Alignment: its arithmetic against numbers worked out by hand, masks token by token, reward models
// and policies against differences, and whether they learn.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "catch.hpp"
#include "error_of.hpp"
#include "llama2/align/answers.hpp"
#include "llama2/align/best_of.hpp"
#include "llama2/align/context_distillation.hpp"
#include "llama2/align/ghost_attention.hpp"
#include "llama2/align/pair_batches.hpp"
#include "llama2/align/policy_gradient.hpp"
#include "llama2/align/ppo.hpp"
#include "llama2/align/ranking.hpp"
#include "llama2/align/rejection_sampling.hpp"
#include "llama2/align/reward.hpp"
#include "llama2/align/reward_model.hpp"
#include "llama2/align/reward_scorer.hpp"
#include "llama2/align/reward_writer.hpp"
#include "llama2/align/stage_options.hpp"
#include "llama2/align/text_batches.hpp"
#include "llama2/model/random_model.hpp"
#include "llama2/parallel/thread_pool.hpp"
#include "llama2/train/low_rank.hpp"
#include "llama2/train/low_rank_language_model.hpp"
#include "llama2/train/trainer.hpp"
#include "synthetic_tokenizer.hpp"
#include "temp_folder.hpp"

using namespace llama2;
using test::error_of;

namespace {

struct Tiny {
  static constexpr std::size_t dim = 16, hidden_dim = 24, layers = 2, heads = 4, kv_heads = 2,
                               vocab = test::synthetic_vocab, context = 256;
};

struct Wider : Tiny {
  static constexpr std::size_t dim = 64, hidden_dim = 96;  // whole blocks of quantised formats
};

ParameterStorage<Tiny> random_parameters(std::uint64_t seed) {
  return copy_parameters(make_random_model<Model<Tiny, F32>>(seed));
}

SharedExecutor threads(std::size_t count) {
  return count == 1 ? SharedExecutor() : SharedExecutor(std::make_shared<ThreadPool>(count));
}

ErrorCode code_of(const std::function<void()>& f) {
  const auto error = error_of(f);
  REQUIRE(error);
  return error->code();
}

/// Checks an objective's gradients, which must be there, along random directions: the difference of
/// the loss, in each tensor by itself, is the gradient's product with the direction.
template <class O, class Batch>
void check_gradients(O& objective, const Batch& batch) {
  std::uint64_t seed = 1;
  for (const TrainedTensor& tensor : objective.tensors()) {
    const std::vector<float> before(tensor.values.begin(), tensor.values.end());
    for (int trial = 0; trial < 2; ++trial, ++seed) {
      double expected = 0, norm = 0;
      for (std::size_t i = 0; i < before.size(); ++i) {
        const auto d = static_cast<double>(uniform_at(seed, i));
        expected += d * static_cast<double>(tensor.gradient[i]);
        norm += static_cast<double>(tensor.gradient[i]) * static_cast<double>(tensor.gradient[i]);
      }
      norm = std::sqrt(norm);
      CAPTURE(tensor.name, expected, norm);
      CHECK(norm > 0);
      // Round-off of the loss weighs as much in the quotient as the loss's third derivative: with a
      // fifth of this step the error was twelve times as much, with twice the step the same.
      constexpr double step = 1e-3;
      double change = 0;
      for (const double sign : {1.0, -1.0}) {
        for (std::size_t i = 0; i < before.size(); ++i)
          tensor.values[i] = before[i] + static_cast<float>(sign * step) * uniform_at(seed, i);
        objective.values_changed();
        change += sign * objective.loss(batch).sum;
      }
      std::ranges::copy(before, tensor.values.begin());
      objective.values_changed();
      // Losses of floats: their last bits over the step, beside what differences leave out.
      CHECK(std::abs(change / (2 * step) - expected) < 5e-3 * norm + 2e-3);
    }
  }
}

}  // namespace

TEST_CASE("ranking loss") {
  // z = 2 - 0.5 - 1 = 0.5: log(1 + e^-0.5) = 0.47407698, 1 / (1 + e^0.5) = 0.37754067.
  const PairLoss loss = ranking_loss(2, 0.5, 1);
  CHECK(loss.value == Approx(0.4740769842).epsilon(1e-9));
  CHECK(loss.by_chosen == Approx(-0.3775406688).epsilon(1e-9));
  CHECK(loss.by_rejected == Approx(0.3775406688).epsilon(1e-9));
  CHECK(ranking_loss(0, 0).value == Approx(std::log(2.0)));
  // Far out there is neither overflow nor loss of digits.
  CHECK(ranking_loss(-500, 500).value == Approx(1000));
  CHECK(ranking_loss(50, 0).value == Approx(std::exp(-50.0)));
  CHECK(margin_of(Margin::small, PreferenceRating::significantly) == 1);
  CHECK(margin_of(Margin::small, PreferenceRating::better) == Approx(2.0 / 3));
  CHECK(margin_of(Margin::small, PreferenceRating::slightly) == Approx(1.0 / 3));
  CHECK(margin_of(Margin::large, PreferenceRating::significantly) == 3);
  CHECK(margin_of(Margin::large, PreferenceRating::slightly) == 1);
  for (const Margin margin : {Margin::none, Margin::small, Margin::large})
    CHECK(margin_of(margin, PreferenceRating::negligibly) == 0);
  CHECK(margin_of(Margin::none, PreferenceRating::significantly) == 0);

  // sigmoid(1) = 0.73105858: -log of it 0.31326169, of its complement 1.31326169.
  CHECK(safety_loss(1, true).value == Approx(0.3132616875));
  CHECK(safety_loss(1, true).by_score == Approx(0.7310585786 - 1));
  CHECK(safety_loss(1, false).value == Approx(1.3132616875));
  CHECK(safety_loss(1, false).by_score == Approx(0.7310585786));
  CHECK(logit(sigmoid(-3.25)) == Approx(-3.25));
}

TEST_CASE("advantages") {
  // gamma 0.9, lambda 0.5, from the end: delta_2 = 1 - 0.4 = 0.6, A = 0.6;
  // delta_1 = 0.9 * 0.4 - 0.3 = 0.06, A = 0.06 + 0.45 * 0.6 = 0.33;
  // delta_0 = 0.5 + 0.9 * 0.3 - 0.2 = 0.57, A = 0.57 + 0.45 * 0.33 = 0.7185.
  const std::vector<double> rewards{0.5, 0, 1}, values{0.2, 0.3, 0.4};
  std::vector<double> advantages(3), returns(3);
  estimate_advantages(rewards, values, {.discount = 0.9, .trace = 0.5}, advantages, returns);
  CHECK(advantages[2] == Approx(0.6));
  CHECK(advantages[1] == Approx(0.33));
  CHECK(advantages[0] == Approx(0.7185));
  CHECK(returns[0] == Approx(0.9185));
  // lambda 1, gamma 1: the return is what comes.
  estimate_advantages(rewards, values, {.discount = 1, .trace = 1}, advantages, returns);
  CHECK(returns == std::vector<double>{1.5, 1, 1});
  // lambda 0: one step.
  estimate_advantages(rewards, values, {.discount = 1, .trace = 0}, advantages, returns);
  CHECK(advantages[0] == Approx(0.6));
  CHECK(code_of([&] {
          estimate_advantages(rewards, std::span(values).first(2), {}, advantages, returns);
        }) == ErrorCode::invalid_argument);
}

TEST_CASE("whitening") {
  std::vector<double> x{1, 2, 3, 6};  // mean 3, variance (4 + 1 + 0 + 9) / 4 = 3.5
  whiten(x);
  CHECK(x[0] == Approx(-2 / std::sqrt(3.5)).epsilon(1e-7));
  CHECK(x[3] == Approx(3 / std::sqrt(3.5)).epsilon(1e-7));
  std::vector<double> kept{1, 2, 3, 6};
  whiten(kept, true);
  CHECK(moments_of(kept).mean == Approx(3));
  CHECK(moments_of(kept).variance == Approx(1).epsilon(1e-7));
  std::vector<double> equal{5, 5};
  whiten(equal);
  CHECK(equal == std::vector<double>{0, 0});

  // In pieces, as the running one sees them, as at once.
  RunningWhitener running;
  running.add(std::vector<double>{1, 2});
  running.add(std::vector<double>{3, 6});
  CHECK(running.mean() == Approx(3));
  CHECK(running.variance() == Approx(3.5));
  CHECK(running(6) == Approx(3 / std::sqrt(3.5)).epsilon(1e-7));
  // Saved and restored it is the same to the bit, whatever the count.
  for (const std::size_t count : {3u, 5u, 7u, 13u, 100u})
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      RunningWhitener one;
      std::vector<double> scores(count);
      for (std::size_t i = 0; i < count; ++i) scores[i] = static_cast<double>(uniform_at(seed, i));
      one.add(scores);
      RunningWhitener other(one.count(), one.mean(), one.square());
      one.add(scores);
      other.add(scores);
      REQUIRE(one(0.25) == other(0.25));
    }
}

TEST_CASE("clipped losses") {
  // A ratio of 1.5 with clip 0.2. A good choice: min(1.5 A, 1.2 A) holds it back.
  const double more = std::log(1.5), less = std::log(0.5);
  const PolicyLoss held = clipped_policy_loss(more, 0, 2, 0.2);
  CHECK(held.value == Approx(-2.4));
  CHECK(held.by_log_prob == 0);
  CHECK(held.clipped);
  // A bad one that became likelier: min(-3, -2.4) = -3 counts in full.
  const PolicyLoss free = clipped_policy_loss(more, 0, -2, 0.2);
  CHECK(free.value == Approx(3));
  CHECK(free.by_log_prob == Approx(3));
  CHECK(!free.clipped);
  // A bad one that became less likely than the bound: held; a good one: free.
  CHECK(clipped_policy_loss(less, 0, -2, 0.2).value == Approx(1.6));
  CHECK(clipped_policy_loss(less, 0, -2, 0.2).by_log_prob == 0);
  CHECK(clipped_policy_loss(less, 0, 2, 0.2).by_log_prob == Approx(-1));
  // At a ratio of one: -A, and its derivative.
  CHECK(clipped_policy_loss(-3, -3, 0.7, 0.2).value == Approx(-0.7));
  CHECK(clipped_policy_loss(-3, -3, 0.7, 0.2).by_log_prob == Approx(-0.7));

  // Value 1, before 0.5, clip 0.2: bounded 0.7. Target 2: (1.3)^2 / 2 > 1 / 2, so it is held.
  const ValueLoss value = clipped_value_loss(1, 0.5, 2, 0.2);
  CHECK(value.value == Approx(0.845));
  CHECK(value.by_value == 0);
  CHECK(value.clipped);
  const ValueLoss near = clipped_value_loss(0.6, 0.5, 2, 0.2);
  CHECK(near.value == Approx(0.98));
  CHECK(near.by_value == Approx(-1.4));
  CHECK(clipped_value_loss(1, 0.5, 0, 0.2).by_value == Approx(1));
  CHECK(clipped_value_loss(9, 0, 0, std::numeric_limits<double>::infinity()).value == Approx(40.5));
}

TEST_CASE("estimates of the divergence") {
  CHECK(kl_of_token(-1, -1.5) == Approx(0.5));
  CHECK(kl_of_token(-1, -1.5, KlEstimate::square) == Approx(0.125));
  // e^-0.5 - 1 + 0.5 = 0.10653066.
  CHECK(kl_of_token(-1, -1.5, KlEstimate::unbiased) == Approx(0.1065306597));
  // Their expectations over p: the first and third are KL(p||q) itself.
  const double p[] = {0.5, 0.3, 0.2}, q[] = {0.2, 0.5, 0.3};
  double kl = 0, third = 0;
  for (int i = 0; i < 3; ++i) {
    kl += p[i] * std::log(p[i] / q[i]);
    third += p[i] * kl_of_token(std::log(p[i]), std::log(q[i]), KlEstimate::unbiased);
  }
  CHECK(third == Approx(kl));

  std::vector<double> rewards(3);
  token_rewards(2, std::vector<double>{-1, -2, -3}, std::vector<double>{-1.5, -2, -2}, 0.1,
                rewards);
  CHECK(rewards[0] == Approx(-0.05));
  CHECK(rewards[1] == 0);
  CHECK(rewards[2] == Approx(2.1));

  // Returns 1, 2, 3: variance 2/3. Values 1, 1, 3: residuals 0, 1, 0, variance 2/9.
  CHECK(explained_variance(std::vector<double>{1, 1, 3}, std::vector<double>{1, 2, 3}) ==
        Approx(1 - (2.0 / 9) / (2.0 / 3)));
  CHECK(explained_variance(std::vector<double>{4, 4}, std::vector<double>{7, 7}) == 0);
}

TEST_CASE("the reward of two models") {
  const AnswerScores safe{.helpfulness = 1.5, .safety = 0};  // sigmoid(0) = 0.5
  CHECK(combined_score(safe, false) == 1.5);
  CHECK(combined_score(safe, true) == 0);
  // logit(0.15) = -1.7346: below it safety decides.
  CHECK(combined_score({1.5, -1.73}, false) == 1.5);
  CHECK(combined_score({1.5, -1.74}, false) == -1.74);
}

TEST_CASE("the best of k") {
  // Of 1, 2, 3, 4, two are drawn: the greater is 2, 3, 4 in 1, 2, 3 of 6 pairs: 20 / 6.
  const std::vector<double> scores{3, 1, 4, 2};
  CHECK(expected_best_of(scores, 1) == Approx(2.5));
  CHECK(expected_best_of(scores, 2) == Approx(20.0 / 6));
  CHECK(expected_best_of(scores, 3) == Approx(3.75));
  CHECK(expected_best_of(scores, 4) == Approx(4));
  CHECK(code_of([&] { (void)expected_best_of(scores, 5); }) == ErrorCode::invalid_argument);
  CHECK(code_of([&] { (void)expected_best_of(scores, 0); }) == ErrorCode::invalid_argument);
  CHECK(median_of(scores) == 2.5);
  const BestOfCurve curve = best_of_curve(std::vector<double>{3, 1, 4, 2, 0, 0, 0, 8}, 4);
  CHECK(curve.k == std::vector<std::size_t>{1, 2, 4});
  CHECK(curve.max[0] == Approx((2.5 + 2) / 2));
  CHECK(curve.max[1] == Approx((20.0 / 6 + 4) / 2));
  CHECK(curve.max[2] == 6);
  CHECK(curve.median[2] == Approx(1.25));
  const auto [best, curves] =
      best_temperature(std::vector<float>{0.5f, 1.0f, 1.5f}, 2,
                       [](float t) { return std::vector<double>{0, t == 1.0f ? 3.0 : 1.0}; });
  CHECK(best == 1.0f);
  CHECK(curves.size() == 3);

  BestAnswers answers;
  const auto answer = [](double reward, bool finished) {
    return BestAnswer{.reward = reward,
                      .answer = {.text = std::to_string(reward), .finished = finished}};
  };
  answers.offer("a", answer(1, true));
  answers.offer("a", answer(3, false));  // unfinished
  answers.offer("a", answer(2, true));
  answers.offer("a", answer(1.5, true));
  CHECK(answers.all().at("a").reward == 2);
  answers.rescore([](const std::string&, const SampledAnswer&) { return -1.0; });
  answers.offer("a", answer(0, true));
  CHECK(answers.all().at("a").reward == 0);
}

TEST_CASE("what of a dialogue is learnt") {
  const Tokenizer tokenizer = test::synthetic_tokenizer();
  const std::vector<Message> dialogue{{Role::system, "be kind"},
                                      {Role::user, "hello"},
                                      {Role::assistant, "hi"},
                                      {Role::user, "who are you"},
                                      {Role::assistant, "a model"}};
  const TrainingText all = encode_training_dialogue(tokenizer, dialogue);
  CHECK(all.tokens == encode_dialogue(tokenizer, dialogue));
  REQUIRE(all.learn.size() == all.tokens.size());
  // Token by token: what is learnt is decoded to the answers alone, each with its EOS.
  const auto learnt = [&](const TrainingText& text) {
    std::string shown;
    for (std::size_t i = 0; i < text.tokens.size(); ++i) {
      if (text.learn[i] == 0) continue;
      shown += text.tokens[i] == tokenizer.eos() ? "|" : tokenizer.piece(text.tokens[i]);
    }
    std::string plain;  // sentencepiece shows a space as U+2581
    for (std::size_t i = 0; i < shown.size();)
      if (shown.compare(i, 3, "\u2581") == 0) {
        plain += ' ';
        i += 3;
      } else {
        plain += shown[i++];
      }
    return plain;
  };
  CHECK(learnt(all) == " hi | a model |");
  const TrainingText last = encode_training_dialogue(tokenizer, dialogue, LearntAnswers::last);
  CHECK(last.tokens == all.tokens);
  CHECK(learnt(last) == " a model |");
  // An unanswered message at the end is there, and not learnt.
  auto asked = dialogue;
  asked.push_back({Role::user, "more"});
  const TrainingText open = encode_training_dialogue(tokenizer, asked);
  CHECK(open.tokens == encode_dialogue(tokenizer, asked));
  CHECK(learnt(open) == " hi | a model |");
  CHECK(code_of([&] {
          (void)encode_training_dialogue(tokenizer, std::vector<Message>{{Role::user, "x"}});
        }) == ErrorCode::invalid_argument);
  CHECK(code_of([&] {
          (void)encode_training_dialogue(
              tokenizer, std::vector<Message>{{Role::user, "x"}, {Role::assistant, " \n"}});
        }) == ErrorCode::invalid_argument);
}

TEST_CASE("packed rows") {
  const std::vector<TrainingText> texts{{{1, 2, 3}, {0, 0, 1}}, {{4, 5}, {0, 1}}, {{6, 7}, {0, 1}}};
  const auto rows = pack_texts(texts, 4);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0] == TrainingText{{1, 2, 3, 4}, {0, 0, 1, 0}});
  CHECK(rows[1] == TrainingText{{5, 6, 7}, {1, 0, 1}});
  CHECK(rows[1].targets() == 1);  // nothing comes before the 5

  // As a batch: the targets are what follows, where it is learnt.
  TextBatches batches({texts[0]}, 2, 3, 1);
  const TokenBatch& batch = batches.next();
  REQUIRE(batch.texts.size() == 2);
  CHECK(std::vector<Token>(batch.targets.begin(), batch.targets.end()) ==
        std::vector<Token>{no_target, 3, no_target, no_target, 3, no_target});
  CHECK(code_of([&] { TextBatches(texts, 1, 2, 1); }) == ErrorCode::invalid_argument);
  CHECK(code_of([&] { TextBatches({}, 1, 2, 1); }) == ErrorCode::invalid_argument);
}

TEST_CASE("Ghost Attention and context distillation") {
  const std::vector<Message> dialogue{
      {Role::user, "one"}, {Role::assistant, "two"}, {Role::user, "three"}};
  const auto sampled = ghost_sampling_dialogue(dialogue, "Be brief.");
  CHECK(sampled[0].text == "Be brief.\none");
  CHECK(sampled[1].text == "two");
  CHECK(sampled[2].text == "Be brief.\nthree");
  const auto trained = ghost_training_dialogue(dialogue, "Be brief.");
  CHECK(trained[0].text == "Be brief.\none");
  CHECK(trained[2].text == "three");
  CHECK(code_of([&] { (void)ghost_training_dialogue(dialogue, " "); }) ==
        ErrorCode::invalid_argument);
  CHECK(code_of([&] { (void)ghost_training_dialogue(dialogue, "a [INST] b"); }) ==
        ErrorCode::invalid_argument);
  std::vector<std::string> asked;
  const auto whole = sample_ghost_dialogue(std::vector<std::string>{"a", "b"}, "I",
                                           [&](std::span<const Message> messages) {
                                             asked.push_back(messages.back().text);
                                             return "answer " + std::to_string(messages.size());
                                           });
  CHECK(asked == std::vector<std::string>{"I\na", "I\nb"});
  CHECK(whole == std::vector<Message>{{Role::user, "a"},
                                      {Role::assistant, "answer 1"},
                                      {Role::user, "b"},
                                      {Role::assistant, "answer 3"}});

  const auto answer = [](std::span<const Message> messages) {
    return std::string(messages[0].role == Role::system ? messages[0].text : "plain");
  };
  const auto likes_kind = [](std::span<const Message>, std::string_view text) {
    return text == "kind" ? 1.0 : text == "plain" ? 0.5 : 0.0;
  };
  const std::vector<Message> prompt{{Role::user, "x"}};
  const Distilled better = distil(prompt, "kind", answer, likes_kind);
  CHECK(better.kept);
  CHECK(better.dialogue == std::vector<Message>{{Role::user, "x"}, {Role::assistant, "kind"}});
  const Distilled worse = distil(prompt, "vague", answer, likes_kind);
  CHECK(!worse.kept);
  CHECK(worse.dialogue.back().text == "plain");
  CHECK(distil(prompt, "vague", answer, likes_kind, {.targeted = false}).dialogue.back().text ==
        "vague");
  const Preprompts preprompts{.general = "g", .by_category = {{"theft", "t"}}};
  CHECK(preprompts.of("theft") == "t");
  CHECK(preprompts.of("other") == "g");
}

TEST_CASE("mixtures of comparisons") {
  const std::vector<int> own{1, 2, 3, 4}, rest{10, 20, 30, 40, 50, 60};
  auto mixed = helpfulness_mixture<int>(own, rest, 7);
  REQUIRE(mixed.size() == 8);
  std::vector<int> drawn(mixed.begin() + 4, mixed.end());
  std::ranges::sort(drawn);
  CHECK(std::ranges::adjacent_find(drawn) == drawn.end());
  CHECK(mixed == helpfulness_mixture<int>(own, rest, 7));
  CHECK(mixed != helpfulness_mixture<int>(own, rest, 8));
  const std::vector<int> many(90, 1);
  CHECK(safety_mixture<int>(many, std::vector<int>(50, 2), 1).size() == 100);
}

TEST_CASE("a reward model's gradient is that of its loss") {
  const double token_share = GENERATE(0.0, 0.25, 1.0);
  RewardModel<Tiny> model(random_parameters(3), ModelConfig::of<Tiny>(), 64,
                          {.safety_weight = 0.5, .token_share = token_share});
  // A head that says something.
  const auto tensors = model.tensors();
  for (const TrainedTensor& tensor : tensors)
    if (tensor.name.starts_with("score"))
      for (std::size_t i = 0; i < tensor.values.size(); ++i)
        tensor.values[i] = 0.3f * std::sin(static_cast<float>(i) + 1);
  CHECK(std::ranges::none_of(tensors, [](const auto& t) { return t.name == "output.weight"; }));
  model.values_changed();

  const std::vector<std::vector<Token>> texts{{1, 5, 6, 7, 2}, {1, 9, 8, 2}, {1, 8}, {1, 8, 9, 9}};
  const std::vector<std::span<const Token>> spans(texts.begin(), texts.end());
  const std::vector<double> margins{1, 0};
  const std::vector<std::int8_t> safe{1, 0, -1, 1};
  const PairBatch batch{spans, margins, safe};
  const LossSum sum = model.add_gradients(batch);
  CHECK(sum.count == 2);
  CHECK(model.loss(batch).sum == sum.sum);

  // From scores, as the definition says. That of a token is the score of the text that ends there.
  const auto s = model.scores(spans);
  const auto score_of = [&](std::size_t text, std::size_t tokens) {
    const std::vector<std::span<const Token>> one{spans[text].first(tokens)};
    return model.scores(one).front();
  };
  double expected =
      (1 - token_share) * (ranking_loss(s[0], s[1], 1).value + ranking_loss(s[2], s[3]).value);
  expected += token_share / 4 *
              (ranking_loss(score_of(0, 2), score_of(1, 2), 1).value +
               ranking_loss(score_of(0, 3), score_of(1, 3), 1).value +
               ranking_loss(score_of(0, 4), s[1], 1).value + ranking_loss(s[0], s[1], 1).value);
  expected +=
      token_share / 2 * (ranking_loss(s[2], score_of(3, 3)).value + ranking_loss(s[2], s[3]).value);
  expected += 0.25 * (safety_loss(s[0], true).value + safety_loss(s[1], false).value +
                      safety_loss(s[3], true).value);
  CHECK(sum.sum == Approx(expected).epsilon(1e-12));

  check_gradients(model, batch);
}

TEST_CASE("a reward model's file scores as the model does, texts together as each alone") {
  RewardModel<Tiny> model(random_parameters(3), ModelConfig::of<Tiny>(), 256);
  for (const TrainedTensor& tensor : model.tensors())
    if (tensor.name.starts_with("score"))
      for (std::size_t i = 0; i < tensor.values.size(); ++i)
        tensor.values[i] = 0.3f * std::sin(static_cast<float>(i) + 1);
  const test::TempFolder folder;
  const Tokenizer tokenizer = test::synthetic_tokenizer();
  const std::string path = folder.file("reward.gguf");
  write_reward_model(path, model, &tokenizer.vocabulary());
  const auto scorer = load_reward_model<Tiny>(path);

  // Beginnings that are nothing, half a page, and several; one text is another's beginning.
  for (const std::size_t common : {0u, 1u, 20u, 70u}) {
    std::vector<std::vector<Token>> texts;
    for (std::size_t i = 0; i < 7; ++i) {
      std::vector<Token> text;
      for (std::size_t t = 0; t < common; ++t) text.push_back(static_cast<Token>(3 + t % 11));
      for (std::size_t t = 0; t < 1 + 9 * i; ++t)
        text.push_back(static_cast<Token>(3 + (i % 3 + t * t) % 13));
      texts.push_back(std::move(text));
    }
    const std::vector<std::span<const Token>> spans(texts.begin(), texts.end());
    const std::vector<double> expected = model.scores(spans);
    CHECK(scorer.scores(texts) == expected);
    CHECK(scorer.scores(texts, 3) == expected);
    for (std::size_t i = 0; i < texts.size(); ++i)
      CHECK(scorer.scores(std::span(texts).subspan(i, 1)) == std::vector<double>{expected[i]});
  }
  const std::vector<Message> asked{{Role::user, "who are you"}};
  const std::vector<std::string> answers{"a model", "hi", "a model that answers"};
  const std::vector<double> of_answers = scorer.scores(tokenizer, asked, answers);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    auto messages = asked;
    messages.push_back({Role::assistant, answers[i]});
    const auto tokens = encode_dialogue(tokenizer, messages);
    CHECK(of_answers[i] == model.scores(std::vector<std::span<const Token>>{tokens})[0]);
  }
  CHECK(code_of([&] { (void)scorer.scores(std::vector<std::vector<Token>>{{}}); }) ==
        ErrorCode::invalid_argument);
  CHECK(code_of([&] { (void)scorer.scores(std::vector<std::vector<Token>>{{-1}}); }) ==
        ErrorCode::invalid_argument);

  // One is not the other: neither a language model that scores, nor a reward model that talks.
  CHECK(code_of([&] { (void)load<Model<Tiny, F32>>(path); }) == ErrorCode::mismatch);
  const auto language = make_random_model<Model<Trunk<Tiny>, F32>>(1);
  write_gguf(folder.file("language.gguf"), language);
  CHECK(code_of([&] { (void)load_reward_model<Tiny>(folder.file("language.gguf")); }) ==
        ErrorCode::mismatch);
  CHECK(code_of([&] { (void)load_reward_model<Wider>(path); }) == ErrorCode::mismatch);

  // Damage: an end anywhere, and a head that is not a number.
  const std::string bytes = test::read_file(path);
  const std::string broken = folder.file("broken.gguf");
  for (std::size_t size = 0; size < bytes.size() - 32; size += 997) {
    test::write_file(broken, bytes.substr(0, size));
    CHECK(error_of([&] { (void)load_reward_model<Tiny>(broken); }));
  }
  std::string damaged = bytes;
  damaged.replace(bytes.size() - 32, 4, "\xFF\xFF\xFF\x7F", 4);  // the bias, before its padding
  test::write_file(broken, damaged);
  const auto error = error_of([&] { (void)load_reward_model<Tiny>(broken); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::malformed_file);
  CHECK(error->details().tensor == gguf_score_bias);
}

TEST_CASE("the paper's schedules") {
  // 27,540 texts, two epochs of batches of 64: 861 steps, a cosine from the first on.
  const Schedule tuning = fine_tuning_options().schedule(27540);
  CHECK(tuning.steps == 861);
  CHECK(tuning.at(1) == Approx(2e-5).epsilon(1e-4));
  CHECK(tuning.at(861) == Approx(2e-6));
  // 2,919,326 pairs, 512 a batch: 5702 steps, 3 % of which are 172.
  const Schedule reward = reward_model_options().schedule(2919326);
  CHECK(reward.steps == 5702);
  CHECK(reward.warmup_steps == 172);
  CHECK(reward.at(172) == Approx(1e-5));
  CHECK(reward.at(5702) == Approx(1e-6));
  CHECK(reward_model_options(true).peak == 5e-6);
  CHECK(reward_model_options().schedule(5120).warmup_steps == 5);
  CHECK(reward_model_options().schedule(1).steps == 1);
  CHECK(fine_tuning_options().trainer(64).optimiser.weight_decay == 0.1);
  StageOptions none;
  none.batch = 0;
  CHECK(code_of([&] { (void)none.schedule(1); }) == ErrorCode::invalid_argument);
}

TEST_CASE("a reward model learns whom to prefer, the same for any number of threads") {
  // The chosen text is the one that holds more fives.
  Random random(11);
  std::vector<EncodedPair> pairs;
  for (int i = 0; i < 240; ++i) {
    EncodedPair pair{.rating = PreferenceRating::better};
    for (auto* text : {&pair.chosen, &pair.rejected}) {
      text->push_back(1);
      for (int t = 0; t < 8; ++t) text->push_back(static_cast<Token>(3 + random() % 4));
    }
    const auto fives = [](const std::vector<Token>& text) { return std::ranges::count(text, 5); };
    if (fives(pair.chosen) == fives(pair.rejected)) continue;
    if (fives(pair.chosen) < fives(pair.rejected)) std::swap(pair.chosen, pair.rejected);
    pairs.push_back(std::move(pair));
  }
  const std::vector<EncodedPair> held_out(pairs.end() - 40, pairs.end());
  pairs.resize(pairs.size() - 40);
  const double token_share = GENERATE(0.0, 0.5);
  std::vector<double> first;
  for (const std::size_t count : {1u, 2u}) {
    RewardModel<Tiny> model(random_parameters(3), ModelConfig::of<Tiny>(), 64,
                            {.token_share = token_share}, threads(count));
    PairBatches batches(pairs, 16, 64, Margin::small, 5);
    TrainerOptions options;
    options.schedule = {.decay = Decay::constant, .peak = 5e-3, .warmup_steps = 5, .steps = 120};
    BasicTrainer<RewardModel<Tiny>, PairBatches> trainer(model, batches, options);
    trainer.run();
    const auto accuracy = pair_accuracy(held_out, [&](auto texts) { return model.scores(texts); });
    CHECK(accuracy.all.pairs == 40);
    CHECK(accuracy.by_rating[1].pairs == 40);
    CHECK(accuracy.all.share() > 0.9);
    if (first.empty())
      first = accuracy.differences;
    else
      CHECK(first == accuracy.differences);
  }
}

TEST_CASE("answers depend on their prompts alone") {
  const Tokenizer tokenizer = test::synthetic_tokenizer();
  const auto model = make_random_model<Model<Tiny, F32>>(9);
  const std::vector<std::vector<Token>> prompts{{1, 40, 41, 42}, {1}, {1, 50, 51}};
  const AnswerOptions options{.per_prompt = 3, .max_tokens = 12, .temperature = 0.8f, .seed = 4};
  const auto together = sample_answers(model, tokenizer, std::span(prompts), 64, options);
  REQUIRE(together.size() == 9);
  AnswerOptions alone = options;
  alone.at_once = 1;  // one prompt after the other
  const auto apart = sample_answers(model, tokenizer, std::span(prompts), 64, alone);
  for (std::size_t i = 0; i < together.size(); ++i) {
    CHECK(together[i].prompt == i / 3);
    CHECK(together[i].tokens == apart[i].tokens);
    CHECK(together[i].log_probs == apart[i].log_probs);
    CHECK(together[i].text == apart[i].text);
    CHECK(!together[i].tokens.empty());
  }
  CHECK(together[0].tokens != together[1].tokens);
  CHECK(code_of([&] { (void)sample_answers(model, tokenizer, std::span(prompts), 4, options); }) ==
        ErrorCode::context_exhausted);
}

namespace {

/// Rewards answers for their share of tokens with an even id.
std::vector<double> prefer_even(std::span<const SampledAnswer> answers) {
  std::vector<double> scores;
  for (const SampledAnswer& answer : answers) {
    double even = 0;
    for (const Token token : answer.tokens) even += token % 2 == 0;
    scores.push_back(4 * even /
                     static_cast<double>(std::max<std::size_t>(answer.tokens.size(), 1)));
  }
  return scores;
}

PpoOptions small_ppo() {
  PpoOptions options;
  options.batch = 32;
  options.minibatch = 16;
  options.max_tokens = 8;
  options.context = 32;
  options.iterations = 24;
  options.learning_rate = 3e-3;
  options.unfinished_penalty = 0;
  options.optimiser.weight_decay = 0;
  options.seed = 3;
  return options;
}

const std::vector<std::vector<Token>> ppo_prompts{{1, 40, 41}, {1, 60}, {1, 45, 46, 47}};

}  // namespace

TEST_CASE("a policy's gradient is that of its loss") {
  PolicyModel<Tiny> policy(random_parameters(5), ModelConfig::of<Tiny>(), 64,
                           {.clip = 0.2, .value_clip = 0.2, .value_weight = 0.5});
  for (const TrainedTensor& tensor : policy.tensors())
    if (tensor.name.starts_with("value"))
      for (std::size_t i = 0; i < tensor.values.size(); ++i)
        tensor.values[i] = 0.2f * std::cos(static_cast<float>(i));
  policy.values_changed();
  const std::vector<std::vector<Token>> texts{{1, 5, 6, 7, 2}, {1, 8, 9}};
  const std::vector<std::span<const Token>> spans(texts.begin(), texts.end());
  const std::vector<Token> targets{no_target, 6, 7, 2, no_target, 8, 9, no_target};
  std::vector<double> log_probs(8), values(8);
  policy.evaluate(spans, targets, log_probs, values);
  // Some ratios near one, one out of bounds on the side that counts, one on the other.
  std::vector<double> old = log_probs, advantages{0, 1, -2, 0.5, 0, 3, -1, 0};
  old[2] -= 0.05;
  old[3] -= 0.5;  // ratio 1.65, good: held
  old[6] -= 0.5;  // ratio 1.65, bad: counts
  const std::vector<double> returns{0, 1, 0.5, -1, 0, 2, 0, 0};
  const RolloutBatch batch{spans, targets, old, values, advantages, returns};
  const LossSum sum = policy.add_gradients(batch);
  CHECK(sum.count == 5);
  CHECK(policy.parts().clip_fraction == Approx(0.2));
  double expected = 0;
  for (const std::size_t t : {1u, 2u, 3u, 5u, 6u})
    expected += clipped_policy_loss(log_probs[t], old[t], advantages[t], 0.2).value +
                0.5 * clipped_value_loss(values[t], values[t], returns[t], 0.2).value;
  CHECK(sum.sum == Approx(expected).epsilon(1e-12));
  check_gradients(policy, batch);
}

TEST_CASE("PPO: the first step starts from the roll-out's bits, and rewards rise") {
  const Tokenizer tokenizer = test::synthetic_tokenizer();
  std::vector<float> one_thread;
  for (const std::size_t count : {1u, 2u}) {
    const ModelConfig config = ModelConfig::of<Tiny>();
    PolicyModel<Tiny> policy(random_parameters(5), config, 256, {}, threads(count));
    const auto reference = std::make_shared<FrozenModel<Tiny>>(policy.weights(), config, 256);

    // The log-probabilities of sampling are those of training.
    const auto answers =
        sample_answers(policy.model(), tokenizer, std::span(ppo_prompts), 32, {.max_tokens = 8});
    for (const SampledAnswer& answer : answers) {
      std::vector<Token> text = ppo_prompts[answer.prompt];
      const std::size_t first = text.size() - 1;
      text.insert(text.end(), answer.tokens.begin(), answer.tokens.end());
      std::vector<Token> targets(text.size(), no_target);
      for (std::size_t i = 0; i < answer.tokens.size(); ++i) targets[first + i] = answer.tokens[i];
      std::vector<double> log_probs(text.size()), values(text.size());
      const std::vector<std::span<const Token>> texts{text};
      policy.evaluate(texts, targets, log_probs, values);
      for (std::size_t i = 0; i < answer.tokens.size(); ++i)
        CHECK(log_probs[first + i] == answer.log_probs[i]);
    }

    Ppo<Tiny> ppo(
        policy, [&](auto texts, auto targets, auto out) { (*reference)(texts, targets, out); },
        prefer_even, tokenizer, ppo_prompts, small_ppo());
    std::vector<PpoReport> reports;
    ppo.on_iteration = [&](const PpoReport& report) {
      reports.push_back(report);
      return true;
    };
    CHECK(ppo.run());
    REQUIRE(reports.size() == 24);
    CHECK(reports.front().iteration == 1);
    CHECK(std::abs(reports.front().kl) < 1e-9);
    CHECK(reports.back().kl > 0.01);
    CHECK(reports.back().score > reports.front().score + 0.5);
    if (one_thread.empty())
      one_thread.assign(policy.weights().flat().begin(), policy.weights().flat().end());
    else
      CHECK(std::ranges::equal(one_thread, policy.weights().flat()));
  }
}

TEST_CASE("PPO goes on where it was left, and stops where the policy has gone too far") {
  const Tokenizer tokenizer = test::synthetic_tokenizer();
  const ModelConfig config = ModelConfig::of<Tiny>();
  const test::TempFolder folder;
  PpoOptions options = small_ppo();
  options.iterations = 6;
  const auto train = [&](const std::string& where, std::uint64_t until) {
    PolicyModel<Tiny> policy(random_parameters(5), config, 256);
    FrozenModel<Tiny> reference(policy.weights(), config, 256);
    options.folder = where;
    Ppo<Tiny> ppo(policy, std::ref(reference), prefer_even, tokenizer, ppo_prompts, options);
    ppo.resume();
    ppo.on_iteration = [&](const PpoReport& report) { return report.iteration != until; };
    ppo.run();
    const auto flat = policy.weights().flat();
    return std::vector<float>(flat.begin(), flat.end());
  };
  const auto whole = train(folder.file("whole"), 0);
  (void)train(folder.file("parts"), 2);
  (void)train(folder.file("parts"), 3);
  CHECK(train(folder.file("parts"), 0) == whole);

  // A stop in the midst of a roll-out loses that iteration alone.
  {
    options.folder = folder.file("stopped");
    PolicyModel<Tiny> policy(random_parameters(5), config, 256);
    FrozenModel<Tiny> reference(policy.weights(), config, 256);
    Ppo<Tiny> ppo(policy, std::ref(reference), prefer_even, tokenizer, ppo_prompts, options);
    std::stop_source stop;
    ppo.on_rollout = [&](std::size_t done, std::size_t) {
      if (ppo.iteration() == 2 && done != 0) stop.request_stop();
    };
    CHECK(!ppo.run(stop.get_token()));
    CHECK(ppo.iteration() == 2);
  }
  CHECK(train(folder.file("stopped"), 0) == whole);

  // Too far is too far, after a resumption, too.
  options.max_kl = 1e-3;
  options.folder = folder.file("far");
  std::uint64_t iterations = 0;
  for (int run = 0; run < 2; ++run) {
    PolicyModel<Tiny> policy(random_parameters(5), config, 256);
    FrozenModel<Tiny> reference(policy.weights(), config, 256);
    Ppo<Tiny> ppo(policy, std::ref(reference), prefer_even, tokenizer, ppo_prompts, options);
    CHECK(ppo.resume() == (run == 1));
    CHECK(!ppo.run());
    CHECK(ppo.iteration() < 6);
    if (run == 1) CHECK(ppo.iteration() == iterations);
    iterations = ppo.iteration();
  }
  CHECK(code_of([&] {
          PolicyModel<Tiny> policy(random_parameters(5), config, 256);
          Ppo<Tiny>(policy, {}, prefer_even, tokenizer, {std::vector<Token>(32, 1)}, options);
        }) == ErrorCode::invalid_argument);
}

TEST_CASE("low-rank adapters learn for a model whose weights stay") {
  LanguageModel<Tiny> model(random_parameters(8), ModelConfig::of<Tiny>(), 64);
  const std::vector<float> base(model.weights().flat().begin(), model.weights().flat().end());
  LowRankAdapters<Tiny, LanguageModel<Tiny>> adapters(model, {.rank = 2, .alpha = 4});
  // Rank 2 of wq, wk, wv, wo, w1, w2, w3 in two layers.
  CHECK(adapters.size() == 2 * 2 * (32 + 24 + 24 + 32 + 3 * 40));
  adapters.values_changed();
  CHECK(std::ranges::equal(base, model.weights().flat()));  // at first they change nothing

  const std::vector<TrainingText> texts{{{1, 5, 6, 7, 9, 2}, {0, 1, 1, 1, 1, 1}},
                                        {{1, 8, 3, 3, 4, 2}, {0, 1, 1, 1, 1, 1}}};
  TextBatches batches(texts, 2, 6, 1);
  const TokenBatch& batch = batches.next();
  const double before = adapters.loss(batch).mean();
  TrainerOptions options;
  options.schedule = {.decay = Decay::constant, .peak = 2e-2, .warmup_steps = 0, .steps = 60};
  options.optimiser.weight_decay = 0;
  BasicTrainer<LowRankAdapters<Tiny, LanguageModel<Tiny>>, TextBatches> trainer(adapters, batches,
                                                                                options);
  trainer.run();
  CHECK(adapters.loss(batches.next()).mean() < before / 2);

  (void)adapters.add_gradients(batches.next());
  check_gradients(adapters, batches.next());

  // What has no adapter is as it was; what has one has changed.
  const auto weights = model.weights().tensors();
  const auto at = [&](const auto& tensor) {
    return std::span(base).subspan(
        static_cast<std::size_t>(tensor.data - model.weights().flat().data()),
        tensor.values().size());
  };
  CHECK(std::ranges::equal(weights.token_embedding.values(), at(weights.token_embedding)));
  CHECK(std::ranges::equal(weights.layers[1].ffn_norm.values(), at(weights.layers[1].ffn_norm)));
  CHECK(!std::ranges::equal(weights.layers[0].wk.values(), at(weights.layers[0].wk)));
  CHECK(code_of([&] { LowRankAdapters<Tiny, LanguageModel<Tiny>>(model, {.rank = 0}); }) ==
        ErrorCode::invalid_argument);
  CHECK(code_of([&] {
          LowRankAdapters<Tiny, LanguageModel<Tiny>>(model,
                                                     {.attention = false, .feed_forward = false});
        }) == ErrorCode::invalid_argument);
}

TEST_CASE("adapters on a quantised base learn as on the decoded one, to the bit") {
  const auto run = [&]<class F>(F) {
    using Base = Model<Wider, F>;
    const Base base = make_random_model<Base>(8);
    const LowRankOptions options{.rank = 2, .alpha = 4, .seed = 5};
    LanguageModel<Wider> decoded(copy_parameters(base), base.config(), 64, {}, 1);
    LowRankAdapters<Wider, LanguageModel<Wider>> expected(decoded, options);
    LowRankLanguageModel<Base> model(base, 64, options);

    const std::vector<TrainingText> texts{{{1, 5, 6, 7, 9, 2}, {0, 1, 1, 1, 1, 1}},
                                          {{1, 8, 3, 3, 4, 2}, {0, 1, 1, 1, 1, 1}}};
    TrainerOptions trainer;
    trainer.schedule = {.decay = Decay::constant, .peak = 2e-2, .warmup_steps = 0, .steps = 30};
    TextBatches first(texts, 2, 6, 1), second(texts, 2, 6, 1);
    BasicTrainer a(expected, first, trainer);
    BasicTrainer b(model, second, trainer);
    double loss = 0;
    for (std::uint64_t step = 0; step < trainer.schedule.steps; ++step) {
      const StepReport from_decoded = a.take_step(), from_quantised = b.take_step();
      REQUIRE(from_quantised.loss == from_decoded.loss);
      REQUIRE(from_quantised.gradient_norm == from_decoded.gradient_norm);
      if (step == 0) loss = from_quantised.loss;
    }
    REQUIRE(model.tensors().size() == expected.tensors().size());
    for (std::size_t i = 0; i < model.tensors().size(); ++i) {
      CHECK(model.tensors()[i].name == expected.tensors()[i].name);
      CHECK(std::ranges::equal(model.tensors()[i].values, expected.tensors()[i].values));
    }
    const TokenBatch& batch = second.next();
    CHECK(model.loss(batch).mean() < loss / 2);
    CHECK(model.loss(batch).sum == expected.loss(batch).sum);

    // What is written has the adapters in it.
    const test::TempFolder folder;
    model.write(folder.file("tuned.gguf"), Encoding::f32);
    const auto written = copy_parameters(load<Model<Wider, F32>>(folder.file("tuned.gguf")));
    for (std::size_t i = 0; i < written.flat().size(); ++i)
      REQUIRE(std::abs(written.flat()[i] - decoded.weights().flat()[i]) < 1e-5f);
  };
  run(Q8_0());
  run(Q4_0());
}
