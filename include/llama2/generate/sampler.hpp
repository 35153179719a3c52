// From logits to a token.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/random.hpp"
#include "llama2/base/token.hpp"

namespace llama2::inline LLAMA2_ABI {

/// How the next token is chosen. The defaults sample from the model's own distribution.
struct SamplingOptions {
  float temperature = 1.0f;         ///< divides the logits; 0 takes the most likely token
  std::size_t top_k = 0;            ///< keep the k most likely tokens; 0 keeps all
  float top_p = 1.0f;               ///< keep the fewest tokens that have this probability together
  float min_p = 0.0f;               ///< keep tokens of at least this share of the likeliest's
  float repetition_penalty = 1.0f;  ///< > 1 makes tokens of the recent text less likely
  std::size_t repetition_window = 64;  ///< how many recent tokens that looks back on

  /// Throws `invalid_argument` naming the field.
  void validate() const {
    require_option(std::isfinite(temperature) && temperature >= 0, "temperature", temperature,
                   "a finite number >= 0");
    require_option(top_p > 0 && top_p <= 1, "top_p", top_p, "0 < top_p <= 1");
    require_option(min_p >= 0 && min_p <= 1, "min_p", min_p, "0 <= min_p <= 1");
    require_option(std::isfinite(repetition_penalty) && repetition_penalty > 0,
                   "repetition_penalty", repetition_penalty, "a finite number > 0");
  }
};

/// Chooses tokens for one text. Its memory is allocated once; sampling allocates nothing.
///
/// The order of the stages: repetition penalty, temperature, top-k, top-p, min-p. Ties go to the
/// lower id. The same seed, options and logits give the same tokens.
class Sampler {
 public:
  explicit Sampler(std::size_t vocab) : penalised_at_(vocab, 0) { candidates_.reserve(vocab); }

  /// Begins a new stream of random numbers.
  void seed(std::uint64_t seed) noexcept { random_ = Random(seed); }

  /// The next token for `logits` after the tokens of `recent`, which must lie in the vocabulary.
  /// NaN counts as minus infinity. `options` must be valid. Throws `malformed_file` if no logit is
  /// a number above minus infinity, which only damaged weights bring about.
  Token sample(std::span<const float> logits, std::span<const Token> recent,
               const SamplingOptions& options) {
    collect(logits);
    penalise(recent, options);
    const auto best = std::ranges::min_element(candidates_, more_likely);
    const float highest = best->logit;
    if (options.temperature == 0) return best->token;

    for (Candidate& c : candidates_) {
      // Equal first: infinities would give NaN.
      c.probability =
          c.logit == highest ? 1.0f : std::exp((c.logit - highest) / options.temperature);
    }
    keep_top_k(options.top_k);
    keep_top_p(options.top_p);
    if (options.min_p > 0)
      std::erase_if(candidates_, [&](const Candidate& c) { return c.probability < options.min_p; });
    return draw();
  }

 private:
  struct Candidate {
    Token token;
    float logit;
    float probability;  // relative to the likeliest token, which has 1
  };

  static bool more_likely(const Candidate& a, const Candidate& b) noexcept {
    return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
  }

  void collect(std::span<const float> logits) {
    candidates_.clear();
    for (std::size_t i = 0; i < logits.size(); ++i)
      if (logits[i] > -std::numeric_limits<float>::infinity())  // false for NaN, too
        candidates_.push_back({static_cast<Token>(i), logits[i], 0});
    if (candidates_.empty())
      throw Error(ErrorCode::malformed_file,
                  "the model's logits are not numbers: its weights are damaged");
  }

  /// Divides positive logits of recent tokens by the penalty and multiplies negative ones by it,
  /// once for each token (Keskar et al. 2019, arXiv:1909.05858).
  void penalise(std::span<const Token> recent, const SamplingOptions& options) {
    if (options.repetition_penalty == 1) return;
    ++round_;
    const std::size_t window = std::min(recent.size(), options.repetition_window);
    for (const Token token : recent.last(window))
      penalised_at_[static_cast<std::size_t>(token)] = round_;
    for (Candidate& c : candidates_)
      if (penalised_at_[static_cast<std::size_t>(c.token)] == round_)
        c.logit = c.logit > 0 ? c.logit / options.repetition_penalty
                              : c.logit * options.repetition_penalty;
  }

  void keep_top_k(std::size_t k) {
    if (k == 0 || k >= candidates_.size()) return;
    std::ranges::nth_element(candidates_, candidates_.begin() + static_cast<std::ptrdiff_t>(k),
                             more_likely);
    candidates_.resize(k);
  }

  /// The smallest set of most likely tokens whose probability is at least p (Holtzman et al. 2019,
  /// arXiv:1904.09751).
  void keep_top_p(float p) {
    if (p >= 1) return;
    double total = 0;
    for (const Candidate& c : candidates_) total += c.probability;
    // Tokens below this bound have less than 1 - p together, so none belongs to the set; what
    // remains to be sorted is a small part of the vocabulary.
    const double bound = (1.0 - p) * total / static_cast<double>(candidates_.size());
    std::erase_if(candidates_, [&](const Candidate& c) { return c.probability < bound; });
    std::ranges::sort(candidates_, more_likely);
    double sum = 0;
    std::size_t kept = 0;
    while (kept < candidates_.size() && sum < p * total) sum += candidates_[kept++].probability;
    candidates_.resize(kept);
  }

  Token draw() {
    double total = 0;
    for (const Candidate& c : candidates_) total += c.probability;
    double left = random_.uniform() * total;
    for (const Candidate& c : candidates_) {
      left -= c.probability;
      if (left < 0) return c.token;
    }
    return candidates_.back().token;  // rounding: `left` may end at zero
  }

  std::vector<Candidate> candidates_;
  std::vector<std::uint64_t> penalised_at_;  // per token, the round in which it was recent
  std::uint64_t round_ = 0;
  Random random_{0};
};

}  // namespace llama2::inline LLAMA2_ABI
