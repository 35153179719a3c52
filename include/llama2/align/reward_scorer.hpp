// A trained reward model at work: scores of texts that begin alike, from a file of its own.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "llama2/align/score_head.hpp"
#include "llama2/base/checked.hpp"
#include "llama2/base/error.hpp"
#include "llama2/base/file.hpp"
#include "llama2/base/token.hpp"
#include "llama2/base/watch.hpp"
#include "llama2/io/gguf.hpp"
#include "llama2/io/load.hpp"
#include "llama2/model/model.hpp"
#include "llama2/text/chat_format.hpp"
#include "llama2/text/tokenizer.hpp"

namespace llama2::inline LLAMA2_ABI {

/// The shape S without an output head of its own, which nothing of a reward model reads.
template <ModelShape S>
struct Trunk : S {
  static constexpr bool tied_head = true;
};

namespace detail {

/// A tape that takes the last block's output of some rows.
template <ModelShape S>
struct StatesOfRows {
  std::span<const std::size_t> wanted;  // ascending
  float* states;                        // (wanted, dim)

  void record(Activation what, std::size_t layer, std::size_t first_row,
              std::span<const float> values) {
    if (what != Activation::block_output || layer + 1 != S::layers) return;
    const std::size_t end = first_row + values.size() / S::dim;
    for (std::size_t i = 0; i < wanted.size(); ++i)
      if (wanted[i] >= first_row && wanted[i] < end)
        std::copy_n(values.data() + (wanted[i] - first_row) * S::dim, S::dim, states + i * S::dim);
  }
};

}  // namespace detail

/// Scores texts with a model M of shape Trunk<...> and a score head. Any number of threads may
/// score with one scorer.
template <class M>
class RewardScorer {
 public:
  using Shape = typename M::Shape;

  /// Throws `invalid_argument` for a head of another width.
  RewardScorer(M trunk, ScoreHead head) : trunk_(std::move(trunk)), head_(std::move(head)) {
    if (head_.dim() != Shape::dim)
      throw Error(ErrorCode::invalid_argument, "the score head is not the model's",
                  {.expected = std::to_string(Shape::dim), .found = std::to_string(head_.dim())});
  }

  [[nodiscard]] const M& trunk() const noexcept { return trunk_; }
  [[nodiscard]] const ScoreHead& head() const noexcept { return head_; }

  /// The scores of whole texts, as logits, one for each: `sigmoid` of them is in (0, 1). What all
  /// texts begin with is evaluated once, the rest together, up to `at_once` texts in a pass, with
  /// the bits that each has by itself; in F32 those of `RewardModel::scores`. Throws
  /// `invalid_argument` for an empty text or a token outside the vocabulary, and `malformed_file`
  /// for a score that is not a number, which only damaged weights bring about. `watch` learns of
  /// tokens.
  [[nodiscard]] std::vector<double> scores(std::span<const std::vector<Token>> texts,
                                           std::size_t at_once = 16,
                                           const Watch& watch = {}) const {
    std::vector<double> result(texts.size());
    if (texts.empty()) return result;
    for (const auto& text : texts)
      if (text.empty()) throw Error(ErrorCode::invalid_argument, "an empty text has no score");
    const std::size_t common = common_beginning(texts);
    std::size_t longest = 0, total = common;
    for (const auto& text : texts) {
      longest = std::max(longest, text.size());
      total += text.size() - common;
    }
    const std::size_t forks = std::min(std::max<std::size_t>(at_once, 1), texts.size());
    const std::size_t shared = common / kv_page_positions;
    const std::size_t own = std::max<std::size_t>(common, 1);  // a sequence has a page at least
    const std::size_t pages =
        ceil_div(own, kv_page_positions) + forks * (ceil_div(longest, kv_page_positions) - shared);
    auto pool = std::make_shared<typename M::Pool>(pages * kv_page_positions);
    Workspace<Shape> workspace(std::min(total, max_batch_rows));
    std::vector<float> states(forks * Shape::dim);
    std::vector<typename M::Row> rows;
    std::vector<std::size_t> last;
    std::size_t done = 0;
    const auto run = [&] {
      detail::StatesOfRows<Shape> tape{last, states.data()};
      Watch part{.cancel = watch.cancel};
      if (watch.on_progress)
        part.on_progress = [&](std::uint64_t n, std::uint64_t) {
          watch.on_progress(done + n, total);
        };
      trunk_.forward(rows, workspace, {}, tape, part);
      done += rows.size();
      rows.clear();
    };

    typename M::Sequence before(pool, own);
    for (std::size_t i = 0; i < common; ++i) rows.push_back({texts[0][i], i, &before, false});
    if (!rows.empty()) run();
    for (std::size_t first = 0; first < texts.size(); first += forks) {
      const auto some = texts.subspan(first, std::min(forks, texts.size() - first));
      std::vector<typename M::Sequence> sequences;
      sequences.reserve(some.size());
      last.clear();
      for (const auto& text : some) {
        sequences.push_back(before.fork(text.size()));
        for (std::size_t i = common; i < text.size(); ++i)
          rows.push_back({text[i], i, &sequences.back(), false});
        last.push_back(rows.size() - 1);
      }
      run();
      for (std::size_t i = 0; i < some.size(); ++i)
        result[first + i] = score_of(states.data() + i * Shape::dim);
    }
    return result;
  }

  /// The scores of answers to one dialogue, which ends with the user. Throws what `encode_dialogue`
  /// does, too.
  [[nodiscard]] std::vector<double> scores(const Tokenizer& tokenizer,
                                           std::span<const Message> dialogue,
                                           std::span<const std::string> answers) const {
    std::vector<Message> messages(dialogue.begin(), dialogue.end());
    messages.push_back({Role::assistant, {}});
    std::vector<std::vector<Token>> texts;
    for (const std::string& answer : answers) {
      messages.back().text = answer;
      texts.push_back(encode_dialogue(tokenizer, messages));
    }
    return scores(texts);
  }

 private:
  /// Tokens that all texts begin with; each has at least one more.
  static std::size_t common_beginning(std::span<const std::vector<Token>> texts) noexcept {
    std::size_t common = texts[0].size() - 1;
    for (const auto& text : texts) {
      common = std::min(common, text.size() - 1);
      common = static_cast<std::size_t>(
          std::mismatch(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(common),
                        texts[0].begin())
              .first -
          text.begin());
    }
    return common;
  }

  [[nodiscard]] double score_of(const float* state) const {
    std::vector<float> normed(Shape::dim);
    trunk_.target().call([&](auto kernels) {
      kernels.rms_norm(state, trunk_.weights().norm.data, trunk_.config().norm_epsilon, Shape::dim,
                       normed.data());
    });
    const double score = head_(normed.data());
    if (!std::isfinite(score))
      throw Error(ErrorCode::malformed_file,
                  "the model's score is not a number: its weights are damaged");
    return score;
  }

  M trunk_;
  ScoreHead head_;
};

/// Opens what `write_reward_model` wrote. Throws like `read_gguf`, and `mismatch` for a language
/// model.
inline Checkpoint open_reward_model(const std::string& path, const LoadOptions& options = {}) {
  return read_gguf(
      std::make_shared<const InputFile>(path, options.access, unlimited_bytes, options.cancel),
      options.access, options.cancel, GgufKind::score_model);
}

/// Makes it a scorer with a model M of shape Trunk<...>. Throws like `load`.
template <class M>
RewardScorer<M> make_reward_scorer(const Checkpoint& checkpoint, const LoadOptions& options = {}) {
  constexpr std::size_t dim = M::Shape::dim;
  ScoreHead head(checkpoint.score_head.size() - 1);
  const std::span<const float> numbers(checkpoint.score_head);
  if (head.dim() == dim) std::ranges::copy(numbers.first(dim), head.weight().begin());
  head.bias() = numbers.back();
  return {load<M>(checkpoint, options), std::move(head)};
}

/// Both at once, the matrices in format F. Throws as they do.
template <ModelShape S, MatrixFormat F = F32>
RewardScorer<Model<Trunk<S>, F>> load_reward_model(const std::string& path,
                                                   const LoadOptions& options = {}) {
  return make_reward_scorer<Model<Trunk<S>, F>>(open_reward_model(path, options), options);
}

}  // namespace llama2::inline LLAMA2_ABI
