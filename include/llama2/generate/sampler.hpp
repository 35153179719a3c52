// From logits to a token.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/random.hpp"
#include "llama2/base/token.hpp"
#include "llama2/kernels/target.hpp"

namespace llama2::inline LLAMA2_ABI {

/// The tokens that may come next, by their ids, and what stages of sampling make of them: they
/// change logits, then `weigh` makes probabilities of these, then others take candidates away. At
/// least one always remains. Nothing is sorted: a vocabulary is large, and its tail long.
class Candidates {
 public:
  /// Memory for `vocab` of them; nothing is allocated later.
  explicit Candidates(std::size_t vocab, Target target = {})
      : target_(target), tokens_(vocab), logits_(vocab), probabilities_(vocab), ranks_(vocab) {}

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// Their ids, ascending.
  [[nodiscard]] std::span<const Token> tokens() const noexcept { return {tokens_.data(), size_}; }

  /// Of each, to be changed; minus infinity takes a token out.
  [[nodiscard]] std::span<float> logits() noexcept { return {logits_.data(), size_}; }
  [[nodiscard]] std::span<const float> logits() const noexcept { return {logits_.data(), size_}; }

  /// Of each, relative to the likeliest token, which has 1; 1 of all before `weigh`.
  [[nodiscard]] std::span<const float> probabilities() const noexcept {
    return {probabilities_.data(), size_};
  }

  /// All tokens; NaN counts as minus infinity, which is no candidate. Throws `malformed_file` if
  /// none remains, which only damaged weights bring about, and `invalid_argument` if there are more
  /// than there is memory for.
  void assign(std::span<const float> logits) {
    if (logits.size() > tokens_.size())
      throw Error(ErrorCode::invalid_argument, "more logits than the sampler has tokens",
                  {.expected = "at most " + std::to_string(tokens_.size()),
                   .found = std::to_string(logits.size())});
    size_ = logits.size();
    std::ranges::copy(logits, logits_.begin());
    std::iota(tokens_.begin(), tokens_.begin() + static_cast<std::ptrdiff_t>(size_), Token{0});
    keep_above(logits_, lowest);
    if (size_ == 0)
      throw Error(ErrorCode::malformed_file,
                  "the model's logits are not numbers: its weights are damaged");
    std::fill_n(probabilities_.begin(), size_, 1.0f);
    highest_ = lowest;
  }

  /// The logit of the candidate of that id, or null.
  [[nodiscard]] float* find(Token token) noexcept {
    const auto found = std::ranges::lower_bound(tokens(), token);
    if (found == tokens().end() || *found != token) return nullptr;
    return &logits_[static_cast<std::size_t>(found - tokens().begin())];
  }

  /// The likeliest token; of equals the lowest id. What stages have made NaN is as unlikely as can
  /// be.
  [[nodiscard]] Token best() const noexcept {
    const float top = largest(logits_);
    std::size_t first = 0;
    if (top > lowest)
      while (logits_[first] != top) ++first;
    return tokens_[first];
  }

  /// Takes out those whose logit is minus infinity or NaN; false if none is left.
  bool drop_impossible() {
    keep_above(logits_, lowest);
    return size_ != 0;
  }

  /// Sets the probabilities of a softmax of logits / temperature, temperature > 0. What stages have
  /// made minus infinity or NaN is no candidate any more, unless nothing else is left: then all are
  /// equally likely.
  void weigh(float temperature) {
    if (largest(logits_) > lowest)
      keep_above(logits_, lowest);
    else
      std::ranges::fill(logits(), lowest);
    highest_ = largest(logits_);
    temperature_ = temperature;
    target_.call([&](auto kernels) {
      kernels.softmax_weights(logits_.data(), size_, highest_, temperature_, probabilities_.data());
    });
  }

  /// Keeps the k likeliest.
  void keep_top_k(std::size_t k) {
    if (k == 0 || k >= size_) return;
    std::ranges::copy(logits(), ranks_.begin());
    keep_highest(static_cast<double>(k), Measure::number);
  }

  /// Keeps the smallest set of likeliest tokens whose probability is at least p (Holtzman et al.
  /// 2019, arXiv:1904.09751).
  void keep_top_p(float p) {
    if (p >= 1) return;
    std::ranges::copy(logits(), ranks_.begin());
    keep_highest(p * total(), Measure::probability);
  }

  /// Keeps tokens of at least this share of the probability of the likeliest that is left: 1 of the
  /// likeliest of all, unless a stage has taken that away, as typical sampling may.
  void keep_min_p(float p) { keep_probable((p < 1 ? p : 1) * largest(probabilities_)); }

  /// Keeps the smallest set, of probability at least p, of the tokens whose surprise is closest to
  /// the entropy (Meister et al. 2022, arXiv:2202.00666).
  void keep_typical(float p) {
    if (p >= 1) return;
    keep_above(probabilities_, 0);
    const double sum = total();
    target_.call([&](auto kernels) {
      const double logs =
          kernels.sum_of_logs(logits_.data(), probabilities_.data(), size_, highest_, temperature_);
      // Surprise and entropy both have the logarithm of the sum, which their difference has not.
      kernels.closeness(logits_.data(), size_, highest_, temperature_,
                        static_cast<float>(logs / sum), ranks_.data());
    });
    keep_highest(p * sum, Measure::probability);
  }

  /// Keeps tokens whose surprise is at most this many bits, or the likeliest.
  void keep_surprise_below(double bits) {
    const double least = std::min<double>(largest(probabilities_), total() * std::exp2(-bits));
    const auto rounded = static_cast<float>(least);
    keep_probable(double{rounded} < least ? std::nextafter(rounded, -lowest) : rounded);
  }

  /// The place of a candidate that is drawn by probability.
  [[nodiscard]] std::size_t draw(Random& random) const noexcept {
    return place_of_share(random.uniform());
  }

  /// The place of the candidate with which the sum of the probabilities exceeds this share of the
  /// whole, 0 to 1; of all, of the last that has a probability.
  [[nodiscard]] std::size_t place_of_share(double share) const noexcept {
    double left = share * total();
    std::size_t i = 0;
    for (constexpr std::size_t block = 512; i + block <= size_; i += block) {
      const double sum = sum_of(&probabilities_[i], block);
      if (left < sum) break;
      left -= sum;
    }
    for (; i < size_; ++i) {
      left -= double{probabilities_[i]};
      if (left < 0) return i;
    }
    while (i > 1 && !(probabilities_[i - 1] > 0)) --i;  // rounding: the last that can be drawn
    return i - 1;
  }

  /// The sum of the probabilities.
  [[nodiscard]] double total() const noexcept { return sum_of(probabilities_.data(), size_); }

 private:
  static constexpr float lowest = -std::numeric_limits<float>::infinity();

  /// The largest of those of a vector that belong to candidates.
  [[nodiscard]] float largest(const std::vector<float>& of) const noexcept {
    return target_.call([&](auto kernels) { return kernels.largest(of.data(), size_); });
  }

  [[nodiscard]] double sum_of(const float* values, std::size_t count) const noexcept {
    return target_.call([&](auto kernels) { return kernels.sum_of(values, count); });
  }

  /// Keeps the candidates at places of which `keep` says so.
  template <class Keep>
  void keep_if(Keep&& keep) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < size_; ++i) {
      const bool own = keep(i);
      tokens_[kept] = tokens_[i];
      logits_[kept] = logits_[i];
      probabilities_[kept] = probabilities_[i];
      ranks_[kept] = ranks_[i];
      kept += own;
    }
    size_ = kept;
  }

  /// Keeps those of which a number is above a bound, and none where it is NaN.
  void keep_above(const std::vector<float>& of, float bound) {
    size_ = target_.call([&](auto kernels) {
      const double all = kernels.template count_above<1>(of.data(), {bound}, size_)[0];
      if (all == static_cast<double>(size_)) return size_;  // mostly
      return kernels.keep_above(of.data(), bound, size_, tokens_.data(), logits_.data(),
                                probabilities_.data(), ranks_.data());
    });
  }

  /// Keeps those of at least this probability.
  void keep_probable(float least) {
    if (least > 0) keep_above(probabilities_, std::nextafter(least, 0.0f));
  }

  /// What is counted of candidates.
  enum class Measure { number, probability };

  /// The measures of those ranked higher than each of some.
  template <std::size_t N>
  [[nodiscard]] std::array<double, N> measure_above(const std::array<float, N>& bounds,
                                                    Measure measure) const noexcept {
    return target_.call([&](auto kernels) {
      return measure == Measure::number
                 ? kernels.count_above(ranks_.data(), bounds, size_)
                 : kernels.sum_above(ranks_.data(), bounds, probabilities_.data(), size_);
    });
  }

  /// Keeps the fewest candidates of the highest ranks, of equals the first, that measure `enough`
  /// together, but one at least. The lowest rank among them is found some bits at a time; once most
  /// are seen to rank lower, they are left behind on the way.
  void keep_highest(double enough, Measure measure) {
    enough = std::max(std::numeric_limits<double>::min(), enough);
    for (std::size_t i = 0; i < size_; ++i)
      if (std::isnan(ranks_[i])) ranks_[i] = lowest;
    // The float of a number that orders as floats do; beyond the infinities lie the infinities.
    const auto rank_of = [](std::uint32_t ordered) {
      const auto rank = std::bit_cast<float>(ordered >> 31 != 0 ? ordered << 1 >> 1 : ~ordered);
      return std::isnan(rank) ? std::copysign(lowest, rank) : rank;
    };
    std::uint32_t ordered = 0;
    // Finds the bits from `bit` on, as many as it takes to count the numbers.
    const auto look = [&]<std::uint32_t... Numbers>(
                          unsigned bit, std::integer_sequence<std::uint32_t, Numbers...>) {
      const std::array<float, sizeof...(Numbers)> below{
          rank_of((ordered | (Numbers + 1) << bit) - 1)...};
      for (const double found : measure_above(below, measure))
        if (found >= enough) ordered += std::uint32_t{1} << bit;
    };
    for (unsigned bit = 32; bit > 2;) {
      look(bit -= 3, std::make_integer_sequence<std::uint32_t, 7>());
      // To take candidates away costs as much as some looks at all of them: where half go.
      if (ordered == 0 || (29 - bit) % 6 != 0) continue;
      const float bound = rank_of(ordered - 1);
      if (2 * measure_above<1>({bound}, Measure::number)[0] < static_cast<double>(size_))
        keep_above(ranks_, bound);
    }
    look(0, std::make_integer_sequence<std::uint32_t, 3>());
    const float least = rank_of(ordered);
    double left = enough - measure_above<1>({least}, measure)[0];
    if (ordered != 0) keep_above(ranks_, rank_of(ordered - 1));
    const double higher = measure_above<1>({least}, Measure::number)[0];
    if (higher + 1 >= static_cast<double>(size_)) return;  // there are no equals
    keep_if([&](std::size_t i) {
      if (ranks_[i] != least) return ranks_[i] > least;
      const bool own = left > 0;
      left -= measure == Measure::number ? 1.0 : double{probabilities_[i]};
      return own;
    });
  }

  Target target_;
  std::size_t size_ = 0;  // of each of these, how many are in use
  std::vector<Token> tokens_;
  std::vector<float> logits_, probabilities_;
  std::vector<float> ranks_;                  // while some are chosen: how much each is to be kept
  float highest_ = lowest, temperature_ = 1;  // of `weigh`
};

/// A stage of one's own: changes logits before probabilities are made of them; minus infinity takes
/// a token out. Sees the text so far.
using SamplingStage = std::function<void(Candidates&, std::span<const Token>)>;

/// A number added to a token's logit; minus infinity bans it. Sampling throws `invalid_argument`
/// for a token outside the vocabulary, and where all that is possible is banned.
struct LogitBias {
  Token token;
  float bias;
};

/// How the next token is chosen. The defaults sample from the model's own distribution.
struct SamplingOptions {
  float temperature = 1.0f;   ///< divides the logits; 0 takes the most likely token
  std::size_t top_k = 0;      ///< keep the k most likely tokens; 0 keeps all
  float top_p = 1.0f;         ///< keep the fewest tokens that have this probability together
  float min_p = 0.0f;         ///< keep tokens of at least this share of the likeliest's
  float typical_p = 1.0f;     ///< keep this probability of the most typical tokens
  float mirostat_tau = 0.0f;  ///< > 0: keep the surprise near so many bits, and no `keep` else
  float mirostat_eta = 0.1f;  ///< how quickly that is learnt
  float repetition_penalty = 1.0f;     ///< > 1 makes tokens of the recent text less likely
  float presence_penalty = 0.0f;       ///< taken from the logits of tokens of the recent text
  float frequency_penalty = 0.0f;      ///< the same for each time that they are in it
  std::size_t repetition_window = 64;  ///< how many recent tokens those three look back on
  std::vector<LogitBias> logit_bias = {};
  std::vector<SamplingStage> stages = {};

  /// Throws `invalid_argument` naming the field.
  void validate() const {
    require_option(std::isfinite(temperature) && temperature >= 0, "temperature", temperature,
                   "a finite number >= 0");
    require_option(top_p > 0 && top_p <= 1, "top_p", top_p, "0 < top_p <= 1");
    require_option(min_p >= 0 && min_p <= 1, "min_p", min_p, "0 <= min_p <= 1");
    require_option(typical_p > 0 && typical_p <= 1, "typical_p", typical_p, "0 < typical_p <= 1");
    require_option(std::isfinite(mirostat_tau) && mirostat_tau >= 0, "mirostat_tau", mirostat_tau,
                   "a finite number >= 0");
    require_option(mirostat_eta > 0 && mirostat_eta <= 1, "mirostat_eta", mirostat_eta,
                   "0 < mirostat_eta <= 1");
    require_option(std::isfinite(repetition_penalty) && repetition_penalty > 0,
                   "repetition_penalty", repetition_penalty, "a finite number > 0");
    require_option(std::isfinite(presence_penalty), "presence_penalty", presence_penalty,
                   "a finite number");
    require_option(std::isfinite(frequency_penalty), "frequency_penalty", frequency_penalty,
                   "a finite number");
    for (const LogitBias& bias : logit_bias)
      require_option(bias.token >= 0 && bias.bias < std::numeric_limits<float>::infinity(),
                     "logit_bias", bias.bias, "a number below infinity, for a token");
  }
};

/// Chooses tokens for one text. Its memory is allocated once; sampling allocates nothing.
///
/// The order of the stages: bias, repetition penalty, presence and frequency penalties, the user's
/// own, temperature; then top-k, typical, top-p, min-p, or Mirostat in place of these four. Ties go
/// to the lower id. The same seed, options and logits give the same tokens.
class Sampler {
 public:
  explicit Sampler(std::size_t vocab, Target target = {})
      : candidates_(vocab, target), seen_(vocab) {}

  /// Begins a new stream of random numbers, and forgets what Mirostat has learnt.
  void seed(std::uint64_t seed) noexcept {
    random_ = Random(seed);
    mirostat_bound_ = -1;
  }

  /// The next token for `logits` after the tokens of `recent`, which must lie in the vocabulary.
  /// NaN counts as minus infinity. `options` must be valid. Throws `malformed_file` if no logit is
  /// a number above minus infinity, which only damaged weights bring about.
  Token sample(std::span<const float> logits, std::span<const Token> recent,
               const SamplingOptions& options) {
    candidates_.assign(logits);
    if (!options.logit_bias.empty()) add_bias(options.logit_bias);
    penalise(recent, options);
    for (const SamplingStage& stage : options.stages) stage(candidates_, recent);
    if (options.temperature == 0) return candidates_.best();
    candidates_.weigh(options.temperature);
    if (options.mirostat_tau > 0) return mirostat(options);
    candidates_.keep_top_k(options.top_k);
    candidates_.keep_typical(options.typical_p);
    candidates_.keep_top_p(options.top_p);
    if (options.min_p > 0) candidates_.keep_min_p(options.min_p);
    return candidates_.tokens()[candidates_.draw(random_)];
  }

 private:
  /// How often a token is in the recent text, if that was counted in the current round.
  struct Seen {
    std::uint32_t round = 0;
    std::uint32_t count = 0;
  };

  void add_bias(std::span<const LogitBias> biases) {
    for (const LogitBias& bias : biases) {
      require_token(bias.token, seen_.size());
      if (float* const logit = candidates_.find(bias.token)) *logit += bias.bias;
    }
    if (!candidates_.drop_impossible())
      throw Error(ErrorCode::invalid_argument,
                  "all tokens that the model finds possible are banned", {.tensor = "logit_bias"});
  }

  /// Divides positive logits of recent tokens by the repetition penalty and multiplies negative
  /// ones by it, once for each token (Keskar et al. 2019, arXiv:1909.05858); then the other two.
  void penalise(std::span<const Token> recent, const SamplingOptions& options) {
    if (options.repetition_penalty == 1 && options.presence_penalty == 0 &&
        options.frequency_penalty == 0)
      return;
    if (++round_ == 0) {  // after four thousand million
      std::ranges::fill(seen_, Seen());
      ++round_;
    }
    recent = recent.last(std::min(recent.size(), options.repetition_window));
    for (const Token token : recent) {
      Seen& seen = seen_[static_cast<std::size_t>(token)];
      seen = {round_, seen.round == round_ ? seen.count + 1 : 1};
    }
    for (const Token token : recent) {
      Seen& seen = seen_[static_cast<std::size_t>(token)];
      const auto count = static_cast<float>(std::exchange(seen.count, 0));
      float* const logit = count == 0 ? nullptr : candidates_.find(token);
      if (logit == nullptr) continue;
      *logit =
          *logit > 0 ? *logit / options.repetition_penalty : *logit * options.repetition_penalty;
      *logit -= options.presence_penalty + options.frequency_penalty * count;
    }
  }

  /// Mirostat 2 (Basu et al. 2021, arXiv:2007.14966): the bound of surprise follows what it was.
  Token mirostat(const SamplingOptions& options) {
    if (mirostat_bound_ < 0) mirostat_bound_ = 2 * static_cast<double>(options.mirostat_tau);
    candidates_.keep_surprise_below(mirostat_bound_);
    const std::size_t drawn = candidates_.draw(random_);
    const double surprise =
        std::log2(candidates_.total() / double{candidates_.probabilities()[drawn]});
    mirostat_bound_ = std::max(0.0, mirostat_bound_ - static_cast<double>(options.mirostat_eta) *
                                                          (surprise - options.mirostat_tau));
    return candidates_.tokens()[drawn];
  }

  Candidates candidates_;
  std::vector<Seen> seen_;  // of each token
  std::uint32_t round_ = 0;
  double mirostat_bound_ = -1;  // bits; below 0: none yet
  Random random_{0};
};

}  // namespace llama2::inline LLAMA2_ABI
