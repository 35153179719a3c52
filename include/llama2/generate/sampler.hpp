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
#include <span>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/random.hpp"
#include "llama2/base/token.hpp"

namespace llama2::inline LLAMA2_ABI {

/// A token that may come next.
struct Candidate {
  Token token;
  float logit;
  float probability;  ///< relative to the likeliest token, which has 1; 1 of all before `weigh`
};

/// The tokens that may come next, by their ids, and what stages of sampling make of them: they
/// change logits, then `weigh` makes probabilities of these, then others take candidates away. At
/// least one always remains. Nothing is sorted: a vocabulary is large, and its tail long.
class Candidates {
 public:
  /// Memory for `vocab` of them; nothing is allocated later.
  explicit Candidates(std::size_t vocab) {
    all_.reserve(vocab);
    ranks_.reserve(vocab);
  }

  [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }
  [[nodiscard]] auto begin() noexcept { return all_.begin(); }
  [[nodiscard]] auto end() noexcept { return all_.end(); }
  [[nodiscard]] auto begin() const noexcept { return all_.begin(); }
  [[nodiscard]] auto end() const noexcept { return all_.end(); }

  /// All tokens; NaN counts as minus infinity, which is no candidate. Throws `malformed_file` if
  /// none remains, which only damaged weights bring about.
  void assign(std::span<const float> logits) {
    all_.resize(logits.size());
    std::size_t count = 0;
    for (std::size_t i = 0; i < logits.size(); ++i) {
      all_[count] = {static_cast<Token>(i), logits[i], 1};
      count += logits[i] > lowest;  // false for NaN, too
    }
    all_.resize(count);
    if (all_.empty())
      throw Error(ErrorCode::malformed_file,
                  "the model's logits are not numbers: its weights are damaged");
  }

  /// Puts them in the order of their ids again, should a stage have changed it.
  void restore_order() {
    if (!std::ranges::is_sorted(all_, {}, &Candidate::token))
      std::ranges::sort(all_, {}, &Candidate::token);
  }

  /// The candidate of that id, or null.
  [[nodiscard]] Candidate* find(Token token) noexcept {
    const auto found = std::ranges::lower_bound(all_, token, {}, &Candidate::token);
    return found != all_.end() && found->token == token ? &*found : nullptr;
  }

  /// The likeliest; of equals the lowest id. What stages have made NaN is as unlikely as can be.
  [[nodiscard]] const Candidate& best() const noexcept {
    return *std::ranges::max_element(
        all_, {}, [](const Candidate& c) { return c.logit > lowest ? c.logit : lowest; });
  }

  /// Sets the probabilities of a softmax of logits / temperature, temperature > 0. What stages have
  /// made minus infinity or NaN is no candidate any more, unless nothing else is left: then all are
  /// equally likely.
  void weigh(float temperature) {
    if (std::ranges::any_of(all_, [](const Candidate& c) { return c.logit > lowest; }))
      std::erase_if(all_, [](const Candidate& c) { return !(c.logit > lowest); });
    else
      for (Candidate& c : all_) c.logit = lowest;
    highest_ = best().logit;
    temperature_ = temperature;
    for (Candidate& c : all_) c.probability = std::exp(log_probability(c));
  }

  /// Keeps the k likeliest.
  void keep_top_k(std::size_t k) {
    if (k == 0 || k >= all_.size()) return;
    rank([](const Candidate& c) { return c.logit; });
    keep_highest(static_cast<double>(k), [](const Candidate&) { return 1.0; });
  }

  /// Keeps the smallest set of likeliest tokens whose probability is at least p (Holtzman et al.
  /// 2019, arXiv:1904.09751).
  void keep_top_p(float p) {
    if (p >= 1) return;
    rank([](const Candidate& c) { return c.logit; });
    keep_highest(p * total(), [](const Candidate& c) { return double{c.probability}; });
  }

  /// Keeps tokens of at least this share of the probability of the likeliest that is left.
  void keep_min_p(float p) {
    const float least = p * highest_probability();
    std::erase_if(all_, [&](const Candidate& c) { return c.probability < least; });
  }

  /// Keeps the smallest set, of probability at least p, of the tokens whose surprise is closest to
  /// the entropy (Meister et al. 2022, arXiv:2202.00666).
  void keep_typical(float p) {
    if (p >= 1) return;
    std::erase_if(all_, [](const Candidate& c) { return c.probability == 0; });
    const double sum = total();
    const auto log_sum = static_cast<float>(std::log(sum));
    rank([&](const Candidate& c) { return log_sum - log_probability(c); });  // surprise
    double weighted = 0;
    for (std::size_t i = 0; i < all_.size(); ++i)
      weighted += double{all_[i].probability} * double{ranks_[i]};
    const auto entropy = static_cast<float>(weighted / sum);
    for (float& surprise : ranks_) surprise = -std::abs(surprise - entropy);
    keep_highest(p * sum, [](const Candidate& c) { return double{c.probability}; });
  }

  /// Keeps tokens whose surprise is at most this many bits, or the likeliest.
  void keep_surprise_below(double bits) {
    const double least = std::min<double>(highest_probability(), total() * std::exp2(-bits));
    std::erase_if(all_, [&](const Candidate& c) { return c.probability < least; });
  }

  /// A candidate drawn by probability.
  [[nodiscard]] const Candidate& draw(Random& random) const {
    double left = random.uniform() * total();
    for (const Candidate& c : all_) {
      left -= c.probability;
      if (left < 0) return c;
    }
    return all_.back();  // rounding: `left` may end at zero
  }

  /// The sum of the probabilities.
  [[nodiscard]] double total() const noexcept {
    double sum = 0;
    for (const Candidate& c : all_) sum += c.probability;
    return sum;
  }

 private:
  static constexpr float lowest = -std::numeric_limits<float>::infinity();

  /// Of the probability as `weigh` sets it. Equals first: infinities would give NaN.
  [[nodiscard]] float log_probability(const Candidate& c) const noexcept {
    return c.logit == highest_ ? 0.0f : (c.logit - highest_) / temperature_;
  }

  /// 1 unless a stage has taken the likeliest away, as typical sampling may.
  [[nodiscard]] float highest_probability() const noexcept {
    return std::ranges::max_element(all_, {}, &Candidate::probability)->probability;
  }

  /// Says for each candidate, by a float that is no NaN, how much it is to be kept.
  template <class Value>
  void rank(Value&& value) {
    ranks_.resize(all_.size());
    std::ranges::transform(all_, ranks_.begin(), value);
  }

  /// A rank as an integer, in the same order. (Adding 0 makes -0 the same as 0.)
  [[nodiscard]] std::uint32_t ordered(std::size_t i) const noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(ranks_[i] + 0.0f);
    return bits >> 31 != 0 ? ~bits : bits | std::uint32_t{1} << 31;
  }

  /// Keeps the fewest candidates of the highest ranks, of equals the first, whose weights sum to
  /// `enough`, but one at least. What is the lowest rank among them is found digit by digit.
  template <class Weight>
  void keep_highest(double enough, Weight&& weight) {
    constexpr unsigned digit_bits = 11, digits = 3;
    enough = std::max(std::numeric_limits<double>::min(), enough);
    std::uint64_t lowest_rank = 0;  // its digits so far
    double above = 0;               // the weight of what ranks higher
    for (unsigned digit = digits; digit-- > 0;) {
      const unsigned shift = digit * digit_bits;
      std::array<double, std::size_t{1} << digit_bits> sums{};
      std::size_t least = sums.size();
      for (std::size_t i = 0; i < all_.size(); ++i) {
        const std::uint64_t number = std::uint64_t{ordered(i)} >> shift;
        if (number >> digit_bits != lowest_rank) continue;
        const auto place = static_cast<std::size_t>(number % sums.size());
        sums[place] += weight(all_[i]);
        least = std::min(least, place);
      }
      std::size_t place = sums.size() - 1;
      for (; place > least && !(above + sums[place] >= enough); --place) above += sums[place];
      lowest_rank = lowest_rank << digit_bits | place;
    }
    std::size_t kept = 0;
    for (std::size_t i = 0; i < all_.size(); ++i) {
      const std::uint32_t own = ordered(i);
      bool keep = own > lowest_rank;
      if (own == lowest_rank && above < enough) {
        keep = true;
        above += weight(all_[i]);
      }
      all_[kept] = all_[i];
      kept += keep;
    }
    all_.resize(kept);
  }

  std::vector<Candidate> all_;
  float highest_ = 0, temperature_ = 1;  // the logit and the temperature of the last `weigh`
  std::vector<float> ranks_;             // of each, while some are chosen
};

/// A stage of one's own: changes logits before probabilities are made of them; minus infinity takes
/// a token out. Sees the text so far.
using SamplingStage = std::function<void(Candidates&, std::span<const Token>)>;

/// A number added to a token's logit; minus infinity bans it.
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
  explicit Sampler(std::size_t vocab) : candidates_(vocab), seen_(vocab) {}

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
    if (!options.stages.empty()) candidates_.restore_order();
    if (options.temperature == 0) return candidates_.best().token;
    candidates_.weigh(options.temperature);
    if (options.mirostat_tau > 0) return mirostat(options);
    candidates_.keep_top_k(options.top_k);
    candidates_.keep_typical(options.typical_p);
    candidates_.keep_top_p(options.top_p);
    if (options.min_p > 0) candidates_.keep_min_p(options.min_p);
    return candidates_.draw(random_).token;
  }

 private:
  /// How often a token is in the recent text, if that was counted in the current round.
  struct Seen {
    std::uint32_t round = 0;
    std::uint32_t count = 0;
  };

  void add_bias(std::span<const LogitBias> biases) {
    for (const LogitBias& bias : biases)
      if (Candidate* const c = candidates_.find(bias.token)) c->logit += bias.bias;
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
    const std::size_t window = std::min(recent.size(), options.repetition_window);
    for (const Token token : recent.last(window)) {
      Seen& seen = seen_[static_cast<std::size_t>(token)];
      seen = {round_, seen.round == round_ ? seen.count + 1 : 1};
    }
    for (Candidate& c : candidates_) {
      const Seen& seen = seen_[static_cast<std::size_t>(c.token)];
      if (seen.round != round_) continue;
      c.logit =
          c.logit > 0 ? c.logit / options.repetition_penalty : c.logit * options.repetition_penalty;
      c.logit -=
          options.presence_penalty + options.frequency_penalty * static_cast<float>(seen.count);
    }
  }

  /// Mirostat 2 (Basu et al. 2021, arXiv:2007.14966): the bound of surprise follows what it was.
  Token mirostat(const SamplingOptions& options) {
    if (mirostat_bound_ < 0) mirostat_bound_ = 2 * static_cast<double>(options.mirostat_tau);
    candidates_.keep_surprise_below(mirostat_bound_);
    const double sum = candidates_.total();
    const Candidate& drawn = candidates_.draw(random_);
    const double surprise = std::log2(sum / static_cast<double>(drawn.probability));
    mirostat_bound_ = std::max(0.0, mirostat_bound_ - static_cast<double>(options.mirostat_eta) *
                                                          (surprise - options.mirostat_tau));
    return drawn.token;
  }

  Candidates candidates_;
  std::vector<Seen> seen_;  // of each token
  std::uint32_t round_ = 0;
  double mirostat_bound_ = -1;  // bits; below 0: none yet
  Random random_{0};
};

}  // namespace llama2::inline LLAMA2_ABI
