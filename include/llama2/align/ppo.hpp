// Proximal policy optimisation: roll-outs, rewards, updates, again (the Llama 2 paper, section
// 3.2.3).
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "llama2/align/answers.hpp"
#include "llama2/align/policy_gradient.hpp"
#include "llama2/align/policy_model.hpp"
#include "llama2/align/reward.hpp"
#include "llama2/align/shuffled.hpp"
#include "llama2/base/error.hpp"
#include "llama2/base/random.hpp"
#include "llama2/base/token.hpp"
#include "llama2/text/tokenizer.hpp"
#include "llama2/train/trainer.hpp"

namespace llama2::inline LLAMA2_ABI {

/// A model that does not learn: what a policy is kept close to.
template <ModelShape S>
class FrozenModel {
 public:
  FrozenModel(const ParameterStorage<S>& weights, const ModelConfig& config,
              std::size_t most_tokens, SharedExecutor executor = {})
      : policy_(copy(weights), config, most_tokens, {}, std::move(executor)) {}

  /// Log-probabilities of the targets; 0 where there is none.
  void operator()(std::span<const std::span<const Token>> texts, std::span<const Token> targets,
                  std::span<double> log_probs) {
    values_.resize(targets.size());
    policy_.evaluate(texts, targets, log_probs, values_);
  }

 private:
  static ParameterStorage<S> copy(const ParameterStorage<S>& weights) {
    ParameterStorage<S> out;
    std::ranges::copy(weights.flat(), out.flat().begin());
    return out;
  }

  PolicyModel<S> policy_;
  std::vector<double> values_;
};

/// The paper's values where it gives them: batch, mini-batch, beta of the small models, learning
/// rate, one step for each mini-batch. The number of iterations is the schedule's steps / (batch /
/// mini-batch).
struct PpoOptions {
  std::size_t batch = 512;     ///< answers of an iteration
  std::size_t minibatch = 64;  ///< answers of a step
  double beta = 0.01;          ///< of the KL penalty
  AdvantageOptions advantages = {};
  bool whiten_scores = true;
  bool whiten_advantages = true;
  /// Taken from the whitened score of an answer that did not end by itself.
  double unfinished_penalty = 1;
  std::size_t max_tokens = 256;      ///< of an answer
  std::size_t context = 1024;        ///< of prompt and answer
  std::size_t answers_at_once = 64;  ///< in a roll-out
  std::uint64_t seed = 0;
  /// Training ends when the mean KL of an answer from the reference exceeds this many nats.
  double max_kl = std::numeric_limits<double>::infinity();
  std::uint64_t iterations = 200;
  std::uint64_t save_every = 0;  ///< iterations
  double learning_rate = 1e-6;   ///< constant
  AdamWOptions optimiser = {};
  SharedExecutor executor = {};  ///< whose threads take the optimiser's part of a step
  std::string folder = {};
  std::size_t keep = 2;
  StateFields identity = StateFields();
};

/// What an iteration did. Sums over an answer's tokens are means over answers.
struct PpoReport {
  std::uint64_t iteration = 0;  ///< the first is 1
  double score = 0;             ///< mean, before whitening
  double kl = 0;                ///< nats of an answer from the reference
  double entropy = 0;           ///< nats of a token, estimated from those drawn
  double length = 0;            ///< tokens of an answer
  double finished = 0;          ///< share of answers that ended by themselves
  PolicyLossParts loss = {};    ///< mean over the steps
  double gradient_norm = 0;     ///< mean over the steps, before clipping
  double explained_variance = 0;
  double rollout_seconds = 0;  ///< sampling
  double score_seconds = 0;    ///< scores, reference and values
  double update_seconds = 0;
  std::uint64_t answer_tokens = 0;
};

/// Scores answers: one number for each, as logits, such as `combined_score`. The prompts' numbers
/// are those of the list that `Ppo` was given.
using AnswerScorer = std::function<std::vector<double>(std::span<const SampledAnswer>)>;

/// Improves a policy. Roll-outs are made by inference on the policy's live weights, and have its
/// log-probabilities to the bit.
///
/// The same options, policy, prompts and scorer give the same weights, however often training was
/// interrupted and resumed from what it saved between iterations.
template <ModelShape S>
class Ppo {
 public:
  using Reference = std::function<void(std::span<const std::span<const Token>>,
                                       std::span<const Token>, std::span<double>)>;

  /// Refers to the policy, and changes it. Throws `invalid_argument` for impossible options, no
  /// prompts, or a prompt that leaves no room for an answer.
  Ppo(PolicyModel<S>& policy, Reference reference, AnswerScorer scorer, Tokenizer tokenizer,
      std::vector<std::vector<Token>> prompts, PpoOptions options)
      : policy_(policy),
        reference_(std::move(reference)),
        scorer_(std::move(scorer)),
        tokenizer_(std::move(tokenizer)),
        prompts_(std::move(prompts)),
        options_(checked(std::move(options), prompts_)),
        source_(prompts_, options_),
        trainer_(policy_, source_, trainer_options(options_)) {}

  /// Sees each iteration; returns whether to go on. May be empty.
  std::function<bool(const PpoReport&)> on_iteration = {};
  /// During a roll-out: answers done, and of how many. May be empty.
  std::function<void(std::size_t, std::size_t)> on_rollout = {};

  /// Iterations done.
  [[nodiscard]] std::uint64_t iteration() const noexcept {
    return trainer_.step() / steps_of(options_);
  }
  [[nodiscard]] bool finished() const noexcept { return trainer_.finished(); }

  /// Goes on where the newest saved state is; see `BasicTrainer::resume`.
  bool resume() { return trainer_.resume(); }

  /// Trains until the last iteration, or until a stop is requested, the KL is too large, or
  /// `on_iteration` says so; then saves. An iteration that is interrupted is made again, whole,
  /// when training is resumed. Returns whether the last one was reached.
  bool run(const std::stop_token& stop = {}) {
    bool going = true, unsaved = false;
    const auto save = [&] {
      if (unsaved && !options_.folder.empty()) trainer_.save();
      unsaved = false;
    };
    while (going && !finished() && source_.last_kl_ <= options_.max_kl && !stop.stop_requested()) {
      PpoReport report;
      try {
        report = roll_out(stop);
      } catch (const Error& error) {
        if (error.code() != ErrorCode::cancelled) throw;
        break;
      }
      update(report);
      source_.last_kl_ = report.kl;
      unsaved = true;
      if (on_iteration && !on_iteration(report)) going = false;
      if (options_.save_every != 0 && iteration() % options_.save_every == 0) save();
    }
    save();
    return finished();
  }

 private:
  using Clock = std::chrono::steady_clock;
  static double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

  static PpoOptions checked(PpoOptions options, std::span<const std::vector<Token>> prompts) {
    if (options.minibatch == 0 || options.batch == 0 || options.batch % options.minibatch != 0)
      throw Error(
          ErrorCode::invalid_argument, "a batch is a number of whole mini-batches",
          {.found = std::to_string(options.batch) + " and " + std::to_string(options.minibatch)});
    require_option(options.iterations > 0, "iterations", static_cast<double>(options.iterations),
                   "at least 1");
    require_option(options.beta >= 0 && std::isfinite(options.beta), "beta", options.beta,
                   "a number of at least 0");
    require_option(options.max_tokens > 0, "tokens of an answer",
                   static_cast<double>(options.max_tokens), "at least 1");
    for (std::size_t i = 0; i < prompts.size(); ++i)
      if (prompts[i].empty() || prompts[i].size() >= options.context)
        throw Error(ErrorCode::invalid_argument,
                    "prompt " + std::to_string(i + 1) + " leaves no room for an answer",
                    {.expected = "1 to " + std::to_string(options.context - 1) + " tokens",
                     .found = std::to_string(prompts[i].size())});
    return options;
  }

  static std::uint64_t steps_of(const PpoOptions& options) noexcept {
    return options.batch / options.minibatch;
  }

  static TrainerOptions trainer_options(const PpoOptions& options) {
    TrainerOptions trainer;
    trainer.optimiser = options.optimiser;
    trainer.executor = options.executor;
    trainer.schedule.decay = Decay::constant;
    trainer.schedule.peak = options.learning_rate;
    trainer.schedule.warmup_steps = 0;
    trainer.schedule.steps = options.iterations * steps_of(options);
    trainer.folder = options.folder;
    trainer.keep = options.keep;
    trainer.identity = options.identity;
    return trainer;
  }

  /// The mini-batches of an iteration, and what decides all later ones.
  class Source {
   public:
    using Batch = RolloutBatch;

    Source(std::span<const std::vector<Token>> prompts, const PpoOptions& options)
        : options_(options), order_(prompts.size(), options.seed, digest_of(prompts)) {}

    /// The prompts of the next iteration.
    std::vector<std::size_t> next_prompts() {
      std::vector<std::size_t> chosen(options_.batch);
      for (std::size_t& prompt : chosen) prompt = order_.next();
      ++iterations_;
      next_ = 0;
      return chosen;
    }
    [[nodiscard]] std::uint64_t iterations() const noexcept { return iterations_; }

    const Batch& next() {
      const std::size_t first = next_ * options_.minibatch;
      const std::size_t begin = rows_[first], end = rows_[first + options_.minibatch];
      const auto cut = [&](const auto& all) { return std::span(all).subspan(begin, end - begin); };
      batch_ = {.texts = std::span<const std::span<const Token>>(texts_).subspan(
                    first, options_.minibatch),
                .targets = cut(targets_),
                .log_probs = cut(log_probs_),
                .values = cut(values_),
                .advantages = cut(advantages_),
                .returns = cut(returns_)};
      next_ = (next_ + 1) % steps_of(options_);
      return batch_;
    }

    void save(StateFields& fields) const {
      put_identity(fields);
      order_.save(fields);
      fields.set("ppo.iterations", iterations_);
      fields.set("ppo.scores", whitener_.count());
      fields.set("ppo.score_mean", whitener_.mean());
      fields.set("ppo.score_square", whitener_.square());
      fields.set("ppo.kl", last_kl_);
    }
    void load(const StateFields& fields) {
      StateFields identity;
      put_identity(identity);
      fields.require(identity);
      order_.load(fields);
      iterations_ = fields.number("ppo.iterations");
      whitener_ = RunningWhitener(fields.real("ppo.scores"), fields.real("ppo.score_mean"),
                                  fields.real("ppo.score_square"));
      last_kl_ = fields.real("ppo.kl");
      next_ = 0;
    }

    // Of the iteration; one element for each token of all texts, but for rows and texts.
    std::vector<std::span<const Token>> texts_;
    std::vector<std::size_t> rows_;  // the first of each text, and their number
    std::vector<Token> targets_;
    std::vector<double> log_probs_, reference_, values_, advantages_, returns_;
    RunningWhitener whitener_;
    double last_kl_ = 0;  // of an answer, in the last iteration

   private:
    static std::uint64_t digest_of(std::span<const std::vector<Token>> prompts) noexcept {
      std::uint64_t digest = prompts.size();
      for (const auto& prompt : prompts) {
        digest = mix_bits(digest ^ prompt.size());
        for (const Token token : prompt)
          digest = mix_bits(digest ^ static_cast<std::uint64_t>(token));
      }
      return digest;
    }
    void put_identity(StateFields& fields) const {
      fields.set("ppo.batch", std::uint64_t{options_.batch});
      fields.set("ppo.minibatch", std::uint64_t{options_.minibatch});
      fields.set("ppo.beta", options_.beta);
      fields.set("ppo.discount", options_.advantages.discount);
      fields.set("ppo.trace", options_.advantages.trace);
      fields.set("ppo.max_tokens", std::uint64_t{options_.max_tokens});
      fields.set("ppo.context", std::uint64_t{options_.context});
      fields.set("ppo.unfinished_penalty", options_.unfinished_penalty);
      fields.set("ppo.whiten", std::uint64_t{options_.whiten_scores ? 1u : 0u} +
                                   (options_.whiten_advantages ? 2u : 0u));
    }

    PpoOptions options_;
    Shuffled order_;
    std::uint64_t iterations_ = 0;
    std::size_t next_ = 0;
    RolloutBatch batch_;
  };

  /// Samples answers and works out what they teach.
  PpoReport roll_out(const std::stop_token& stop) {
    const Source before = source_;
    try {
      return try_roll_out(stop);
    } catch (...) {  // as if there had been none
      source_ = before;
      throw;
    }
  }

  PpoReport try_roll_out(const std::stop_token& stop) {
    PpoReport report;
    auto start = Clock::now();
    const std::vector<std::size_t> chosen = source_.next_prompts();
    report.iteration = source_.iterations();
    std::vector<std::vector<Token>> prompts;
    for (const std::size_t p : chosen) prompts.push_back(prompts_[p]);
    std::vector<SampledAnswer> answers = sample_answers(
        policy_.model(), tokenizer_, std::span(std::as_const(prompts)), options_.context,
        {.max_tokens = options_.max_tokens,
         .seed = mix_bits(options_.seed) ^ report.iteration,
         .at_once = options_.answers_at_once,
         .stop = stop,
         .on_progress = on_rollout});
    report.rollout_seconds = seconds_since(start);

    start = Clock::now();
    for (SampledAnswer& answer : answers) answer.prompt = chosen[answer.prompt];
    lay_out(prompts, answers);
    Source& s = source_;
    policy_.evaluate(s.texts_, s.targets_, s.log_probs_, s.values_);
    reference_(s.texts_, s.targets_, s.reference_);
    std::vector<double> scores = scorer_(answers);
    detail::require_equal_sizes(answers.size(), scores.size(), "scores");
    for (const double score : scores)
      if (!std::isfinite(score))
        throw Error(ErrorCode::invalid_argument, "an answer's score is no finite number");
    report.score = moments_of(scores).mean;
    if (options_.whiten_scores) {
      s.whitener_.add(scores);
      for (double& score : scores) score = s.whitener_(score);
    }
    find_advantages(answers, scores, report);
    report.score_seconds = seconds_since(start);
    return report;
  }

  /// Texts of prompts and answers, and for each of their tokens what follows if it is the answer's.
  void lay_out(std::span<const std::vector<Token>> prompts,
               std::span<const SampledAnswer> answers) {
    Source& s = source_;
    whole_.clear();
    s.texts_.clear();
    s.rows_.clear();
    s.targets_.clear();
    for (std::size_t i = 0; i < answers.size(); ++i) {
      std::vector<Token>& text = whole_.emplace_back(prompts[i]);
      text.insert(text.end(), answers[i].tokens.begin(), answers[i].tokens.end());
      s.rows_.push_back(s.targets_.size());
      for (std::size_t t = 0; t < text.size(); ++t)
        s.targets_.push_back(t + 1 >= prompts[i].size() && t + 1 < text.size() ? text[t + 1]
                                                                               : no_target);
    }
    s.rows_.push_back(s.targets_.size());
    s.texts_.assign(whole_.begin(), whole_.end());
    for (auto* values : {&s.log_probs_, &s.reference_, &s.values_, &s.advantages_, &s.returns_})
      values->assign(s.targets_.size(), 0.0);
  }

  void find_advantages(std::span<const SampledAnswer> answers, std::span<const double> scores,
                       PpoReport& report) {
    Source& s = source_;
    std::vector<double> all_advantages, all_values, all_returns, rewards;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      // An answer's targets are the last rows of its text but one, the end's.
      const std::size_t n = answers[i].tokens.size();
      const std::size_t first = s.rows_[i + 1] - 1 - n;
      const auto cut = [&](auto& all) { return std::span(all).subspan(first, n); };
      const double score = scores[i] - (answers[i].finished ? 0 : options_.unfinished_penalty);
      rewards.resize(n);
      token_rewards(score, cut(s.log_probs_), cut(s.reference_), options_.beta, rewards);
      estimate_advantages(rewards, cut(s.values_), options_.advantages, cut(s.advantages_),
                          cut(s.returns_));
      for (std::size_t t = first; t < first + n; ++t) {
        report.kl += kl_of_token(s.log_probs_[t], s.reference_[t]);
        report.entropy -= s.log_probs_[t];
        all_advantages.push_back(s.advantages_[t]);
        all_values.push_back(s.values_[t]);
        all_returns.push_back(s.returns_[t]);
      }
      report.answer_tokens += n;
      report.finished += answers[i].finished;
    }
    report.explained_variance = explained_variance(all_values, all_returns);
    if (options_.whiten_advantages) {
      whiten(all_advantages);
      std::size_t next = 0;
      for (std::size_t t = 0; t < s.targets_.size(); ++t)
        if (s.targets_[t] != no_target) s.advantages_[t] = all_advantages[next++];
    }
    const auto count = static_cast<double>(answers.size());
    report.entropy /= static_cast<double>(std::max<std::uint64_t>(report.answer_tokens, 1));
    report.kl /= count;
    report.finished /= count;
    report.length = static_cast<double>(report.answer_tokens) / count;
  }

  void update(PpoReport& report) {
    const auto start = Clock::now();
    const std::uint64_t steps = steps_of(options_);
    for (std::uint64_t i = 0; i < steps; ++i) {
      report.gradient_norm += trainer_.take_step().gradient_norm;
      const PolicyLossParts& parts = policy_.parts();
      report.loss.policy += parts.policy;
      report.loss.value += parts.value;
      report.loss.clip_fraction += parts.clip_fraction;
      report.loss.kl += parts.kl;
    }
    for (double* const sum : {&report.gradient_norm, &report.loss.policy, &report.loss.value,
                              &report.loss.clip_fraction, &report.loss.kl})
      *sum /= static_cast<double>(steps);
    report.update_seconds = seconds_since(start);
  }

  PolicyModel<S>& policy_;
  Reference reference_;
  AnswerScorer scorer_;
  Tokenizer tokenizer_;
  std::vector<std::vector<Token>> prompts_;
  PpoOptions options_;
  Source source_;
  BasicTrainer<PolicyModel<S>, Source> trainer_;
  std::vector<std::vector<Token>> whole_;  // the texts of the iteration
};

}  // namespace llama2::inline LLAMA2_ABI
