// A reward model's data: preference pairs as tokens, in batches, mixed as the paper mixes them.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "llama2/align/ranking.hpp"
#include "llama2/align/reward_model.hpp"
#include "llama2/align/shuffled.hpp"
#include "llama2/base/error.hpp"
#include "llama2/base/random.hpp"
#include "llama2/base/token.hpp"
#include "llama2/data/permutation.hpp"
#include "llama2/data/preferences.hpp"
#include "llama2/text/chat_format.hpp"
#include "llama2/text/tokenizer.hpp"
#include "llama2/train/train_state.hpp"

namespace llama2::inline LLAMA2_ABI {

/// A preference pair as a reward model reads it: whole dialogues, in Llama 2's format.
struct EncodedPair {
  std::vector<Token> chosen{};
  std::vector<Token> rejected{};
  std::optional<PreferenceRating> rating{};
  std::int8_t chosen_safe = -1;  ///< 1 safe, 0 unsafe, -1 unknown
  std::int8_t rejected_safe = -1;

  [[nodiscard]] std::size_t size() const noexcept { return chosen.size() + rejected.size(); }
};

/// Encodes a pair. Throws what `encode_dialogue` does.
inline EncodedPair encode_pair(const Tokenizer& tokenizer, const PreferencePair& pair) {
  EncodedPair encoded;
  std::vector<Message> messages = pair.messages;
  messages.push_back({Role::assistant, pair.chosen});
  encoded.chosen = encode_dialogue(tokenizer, messages);
  messages.back().text = pair.rejected;
  encoded.rejected = encode_dialogue(tokenizer, messages);
  encoded.rating = pair.rating;
  if (pair.safety) {
    encoded.chosen_safe = *pair.safety == SafetyBin::both_unsafe ? 0 : 1;
    encoded.rejected_safe = *pair.safety == SafetyBin::both_safe ? 1 : 0;
  }
  return encoded;
}

/// Some of the items, drawn without putting back; all of them if that is fewer.
template <class T>
std::vector<T> draw_items(std::span<const T> items, std::size_t count, std::uint64_t seed) {
  const Permutation order(items.size(), seed);
  std::vector<T> drawn;
  for (std::size_t i = 0; i < std::min(count, items.size()); ++i)
    drawn.push_back(items[static_cast<std::size_t>(order(i))]);
  return drawn;
}

/// The helpfulness model's data (the paper, section 3.2.2): all of one's own, and as much of the
/// rest.
template <class T>
std::vector<T> helpfulness_mixture(std::span<const T> own, std::span<const T> rest,
                                   std::uint64_t seed) {
  std::vector<T> mixture(own.begin(), own.end());
  for (T& item : draw_items(rest, own.size(), seed)) mixture.push_back(std::move(item));
  return mixture;
}

/// The safety model's data: all about safety, and of helpfulness so much that it is this share.
template <class T>
std::vector<T> safety_mixture(std::span<const T> safety, std::span<const T> helpfulness,
                              std::uint64_t seed, double helpfulness_share = 0.1) {
  if (!(helpfulness_share >= 0 && helpfulness_share < 1))
    throw Error(ErrorCode::invalid_argument, "share of helpfulness",
                {.expected = "0 to below 1", .found = std::to_string(helpfulness_share)});
  std::vector<T> mixture(safety.begin(), safety.end());
  const double count =
      static_cast<double>(safety.size()) * helpfulness_share / (1 - helpfulness_share);
  for (T& item : draw_items(helpfulness, static_cast<std::size_t>(std::lround(count)), seed))
    mixture.push_back(std::move(item));
  return mixture;
}

/// Batches of pairs without end, shuffled anew for each epoch; a `BatchSource` for `RewardModel`.
class PairBatches {
 public:
  using Batch = PairBatch;

  /// Pairs without a rating have no margin. Throws `invalid_argument` for no pairs, or one of more
  /// than `longest` tokens in both texts together.
  PairBatches(std::vector<EncodedPair> pairs, std::size_t batch_pairs, std::size_t longest,
              Margin margin, std::uint64_t seed)
      : pairs_(std::move(pairs)),
        order_(pairs_.size(), seed, digest_of(pairs_)),
        margin_(margin),
        texts_(2 * batch_pairs),
        margins_(batch_pairs),
        safe_(2 * batch_pairs) {
    if (batch_pairs == 0) throw Error(ErrorCode::invalid_argument, "batches of no pairs");
    for (std::size_t i = 0; i < pairs_.size(); ++i)
      if (pairs_[i].chosen.empty() || pairs_[i].rejected.empty() || pairs_[i].size() > longest)
        throw Error(ErrorCode::invalid_argument,
                    "pair " + std::to_string(i + 1) + " cannot be learnt from",
                    {.expected = "texts of 1 to " + std::to_string(longest) + " tokens together",
                     .found = std::to_string(pairs_[i].size())});
  }

  [[nodiscard]] std::span<const EncodedPair> pairs() const noexcept { return pairs_; }
  [[nodiscard]] double epochs() const noexcept { return order_.epochs(); }

  const Batch& next() {
    for (std::size_t i = 0; i < margins_.size(); ++i) {
      const EncodedPair& pair = pairs_[order_.next()];
      texts_[2 * i] = pair.chosen;
      texts_[2 * i + 1] = pair.rejected;
      margins_[i] = pair.rating ? margin_of(margin_, *pair.rating) : 0;
      safe_[2 * i] = pair.chosen_safe;
      safe_[2 * i + 1] = pair.rejected_safe;
    }
    return batch_ = {texts_, margins_, safe_};
  }

  void save(StateFields& fields) const {
    order_.save(fields);
    put_identity(fields);
  }
  void load(const StateFields& fields) {
    StateFields identity;
    put_identity(identity);
    fields.require(identity);
    order_.load(fields);
  }

 private:
  static std::uint64_t digest_of(std::span<const EncodedPair> pairs) noexcept {
    std::uint64_t digest = pairs.size();
    for (const EncodedPair& pair : pairs) {
      digest = mix_bits(digest ^ pair.chosen.size());
      for (const auto* tokens : {&pair.chosen, &pair.rejected})
        for (const Token token : *tokens)
          digest = mix_bits(digest ^ static_cast<std::uint64_t>(token));
      const auto label = [](int value) { return static_cast<std::uint64_t>(value + 1); };
      digest = mix_bits(digest ^ (label(pair.rating ? static_cast<int>(*pair.rating) : -1) << 8 |
                                  label(pair.chosen_safe) << 4 | label(pair.rejected_safe)));
    }
    return digest;
  }
  void put_identity(StateFields& fields) const {
    fields.set("data.batch_pairs", std::uint64_t{margins_.size()});
    fields.set("data.margin", std::uint64_t{static_cast<std::uint8_t>(margin_)});
  }

  std::vector<EncodedPair> pairs_;
  Shuffled order_;
  Margin margin_;
  std::vector<std::span<const Token>> texts_;
  std::vector<double> margins_;
  std::vector<std::int8_t> safe_;
  PairBatch batch_;
};

/// How often a reward model scores the chosen answer higher.
struct PairAccuracy {
  std::size_t pairs = 0;
  std::size_t right = 0;

  [[nodiscard]] double share() const noexcept {
    return pairs == 0 ? 0 : static_cast<double>(right) / static_cast<double>(pairs);
  }
};

/// Accuracy over all pairs and by rating, as in the paper's tables 8 and 28.
struct RatedAccuracy {
  PairAccuracy all;
  std::array<PairAccuracy, 4> by_rating;
  std::vector<double> differences;  ///< chosen - rejected, of each pair in order
};

/// Measures a scorer: scores(texts) gives one number for each.
template <class Scores>
RatedAccuracy pair_accuracy(std::span<const EncodedPair> pairs, Scores&& scores) {
  constexpr std::size_t at_once = 64;
  RatedAccuracy result;
  std::vector<std::span<const Token>> texts;
  for (std::size_t first = 0; first < pairs.size(); first += at_once) {
    const auto some = pairs.subspan(first, std::min(at_once, pairs.size() - first));
    texts.clear();
    for (const EncodedPair& pair : some) {
      texts.emplace_back(pair.chosen);
      texts.emplace_back(pair.rejected);
    }
    const std::vector<double> s = scores(std::span<const std::span<const Token>>(texts));
    for (std::size_t i = 0; i < some.size(); ++i) {
      const double difference = s[2 * i] - s[2 * i + 1];
      result.differences.push_back(difference);
      const auto note = [&](PairAccuracy& accuracy) {
        ++accuracy.pairs;
        accuracy.right += difference > 0;  // a tie is not right
      };
      note(result.all);
      if (some[i].rating) note(result.by_rating[static_cast<std::size_t>(*some[i].rating)]);
    }
  }
  return result;
}

}  // namespace llama2::inline LLAMA2_ABI
