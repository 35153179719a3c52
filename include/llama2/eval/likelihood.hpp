// How likely a model finds many continuations, each beginning that they share evaluated once.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "llama2/base/aligned_buffer.hpp"
#include "llama2/base/error.hpp"
#include "llama2/base/token.hpp"
#include "llama2/generate/score.hpp"
#include "llama2/shape/memory_plan.hpp"

namespace llama2::inline LLAMA2_ABI {

/// A text of which the probability of the tokens from `begin` on, at least 1, is asked.
struct LikelihoodQuestion {
  std::vector<Token> tokens;
  std::size_t begin;
};

struct LikelihoodAnswer {
  std::vector<double> log_probs;  ///< of tokens[begin], ... each given all before it, in nats
  bool greedy = true;             ///< whether each of them was the likeliest token

  [[nodiscard]] double sum() const noexcept {
    double sum = 0;
    for (const double log_prob : log_probs) sum += log_prob;
    return sum;
  }
};

/// Answers questions, many at a time: they become a tree of what they share, whose branches are
/// evaluated together, so that a step reads the weights once for many questions, and the beginning
/// that all have (worked examples) is kept for the questions to come. Answers have the bits that
/// each question has alone.
///
/// M is a `Model`, or what runs rows of sequences as one does. For one thread at a time.
template <class M>
class Likelihoods {
 public:
  /// `positions` bounds the keys and values held at a time, unless one question needs more. Throws
  /// `out_of_memory`.
  explicit Likelihoods(M model, std::size_t positions = 16384)
      : model_(std::move(model)),
        scratch_(model_.make_scratch(max_batch_rows)),
        most_pages_(std::max<std::size_t>(2, ceil_div(positions, kv_page_positions))) {
    // Rows of logits at a time: 16 MB of them for Llama 2, and small models' by the pass.
    most_wanted_ =
        std::clamp<std::size_t>((std::size_t{1} << 22) / model_.vocab(), 60, max_batch_rows);
    logits_ = AlignedBuffer<float>(most_wanted_ * model_.vocab());
  }

  /// The answers, in the questions' order. Throws `invalid_argument` for a token outside the
  /// vocabulary or a question that asks for its first token, `out_of_memory`, and `malformed_file`
  /// if a result is not a number, which only damaged weights bring about.
  std::vector<LikelihoodAnswer> score(std::span<const LikelihoodQuestion> questions) {
    std::vector<LikelihoodAnswer> answers(questions.size());
    for (std::size_t q = 0; q < questions.size(); ++q) {
      const auto& [tokens, begin] = questions[q];
      if (begin < 1 || begin > tokens.size())
        throw Error(
            ErrorCode::invalid_argument, "a question with nothing before what it asks",
            {.expected = "1 to " + std::to_string(tokens.size()), .found = std::to_string(begin)});
      for (const Token token : tokens) require_token(token, model_.vocab());
      answers[q].log_probs.resize(tokens.size() - begin);
    }
    for (std::size_t begin = 0; begin < questions.size();) {
      std::size_t count = group_size(questions.subspan(begin));
      while (true) {
        plan(questions.subspan(begin, count));
        const std::size_t pages = pages_needed();
        if (pages <= most_pages_ || count == 1) {
          reserve(pages);
          break;
        }
        count = std::max<std::size_t>(1, std::min(count - 1, count * most_pages_ / pages));
      }
      evaluate(std::span(answers).subspan(begin, count));
      begin += count;
    }
    return answers;
  }

  /// Tokens evaluated so far.
  [[nodiscard]] std::size_t tokens() const noexcept { return tokens_; }

 private:
  using Pool = typename M::Pool;
  using Sequence = typename M::Sequence;
  static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t most_questions = 1024;  // at a time
  /// A branching is worth a fork, which copies a page, if it saves as many tokens.
  static constexpr std::size_t worth = 16;

  /// Positions [begin, end) of the sorted questions [first, last), which have them in common.
  struct Node {
    std::size_t first, last, begin, end, parent;
    std::vector<std::size_t> children;
    std::size_t unstarted = 0;  // children without a sequence yet
    std::optional<Sequence> sequence;
    std::size_t next = 0;  // position to be evaluated next
  };

  [[nodiscard]] const std::vector<Token>& tokens_of(std::size_t sorted) const noexcept {
    return questions_[order_[sorted]].tokens;
  }
  /// The last token is predicted, never evaluated.
  [[nodiscard]] std::size_t evaluated(std::size_t sorted) const noexcept {
    return tokens_of(sorted).size() - 1;
  }

  static std::size_t common(std::span<const Token> a, std::span<const Token> b) noexcept {
    return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
  }

  /// A guess of how many questions fit.
  [[nodiscard]] std::size_t group_size(std::span<const LikelihoodQuestion> questions) const {
    std::size_t count = 0, positions = 0;
    while (count < questions.size() && count < most_questions) {
      const auto& tokens = questions[count].tokens;
      positions += tokens.size();
      if (count > 0) positions -= common(tokens, questions[count - 1].tokens);
      if (count > 0 && positions > most_pages_ * kv_page_positions) break;
      ++count;
    }
    return count;
  }

  /// Makes the tree of a group.
  void plan(std::span<const LikelihoodQuestion> questions) {
    questions_ = questions;
    nodes_.clear();
    roots_.clear();
    order_.resize(questions.size());
    for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = i;
    std::ranges::sort(order_, [&](std::size_t a, std::size_t b) {
      return questions[a].tokens < questions[b].tokens;
    });
    branch(0, order_.size(), 0, none);
  }

  std::size_t add_node(std::size_t first, std::size_t last, std::size_t begin, std::size_t end,
                       std::size_t parent) {
    nodes_.push_back({first, last, begin, end, parent, {}, 0, {}, begin});
    (parent == none ? roots_ : nodes_[parent].children).push_back(nodes_.size() - 1);
    return nodes_.size() - 1;
  }

  /// Plans the questions [first, last), of which `parent` evaluates the first `depth` positions.
  void branch(std::size_t first, std::size_t last, std::size_t depth, std::size_t parent) {
    if (last - first == 1) {
      if (evaluated(first) > depth) add_node(first, last, depth, evaluated(first), parent);
      return;
    }
    // Sorted: what the first and the last share, all do. The shortest is not always the first.
    std::size_t shared = common(tokens_of(first), tokens_of(last - 1));
    for (std::size_t i = first; i < last; ++i) shared = std::min(shared, evaluated(i));
    if (shared > depth && (shared - depth) * (last - first - 1) >= worth) {
      parent = add_node(first, last, depth, shared, parent);
      depth = shared;
    }
    for (std::size_t begin = first; begin < last;) {
      // Questions that end here, or go on with the same token.
      std::size_t end = begin + 1;
      if (evaluated(begin) > shared)
        while (end < last && evaluated(end) > shared &&
               tokens_of(end)[shared] == tokens_of(begin)[shared])
          ++end;
      branch(begin, end, depth, parent);
      begin = end;
    }
  }

  /// Pages that hold the whole tree.
  [[nodiscard]] std::size_t pages_needed() const noexcept {
    std::size_t pages = trunk_pages();
    for (const Node& node : nodes_)
      pages += ceil_div(node.end, kv_page_positions) - node.begin / kv_page_positions;
    return pages;
  }
  [[nodiscard]] std::size_t trunk_pages() const noexcept {
    return trunk_ ? ceil_div(trunk_->capacity(), kv_page_positions) : 0;
  }

  void reserve(std::size_t pages) {
    if (pool_ != nullptr && pages <= pool_->pages()) return;
    trunk_.reset();
    trunk_tokens_.clear();
    pool_.reset();
    pool_ = model_.make_pool(std::max(pages, most_pages_) * kv_page_positions);
  }

  /// The first token, in order, that some question of a node asks for.
  [[nodiscard]] std::size_t first_asked(const Node& node) const noexcept {
    std::size_t begin = none;
    for (std::size_t i = node.first; i < node.last; ++i)
      begin = std::min(begin, questions_[order_[i]].begin);
    return begin;
  }

  /// Gives a node the past that it continues.
  void start(Node& node) {
    if (node.parent != none) {
      Node& parent = nodes_[node.parent];
      node.sequence.emplace(parent.sequence->fork(node.end));
      if (--parent.unstarted == 0) release(parent);
      return;
    }
    const auto& tokens = tokens_of(node.first);
    const bool trunk = roots_.size() == 1;
    if (trunk && trunk_) {
      // What the last trunk shares, up to the rows whose logits are asked for.
      std::size_t shared = common(std::span(tokens).first(node.end), trunk_tokens_);
      shared = std::min(shared, first_asked(node) - 1);
      trunk_->truncate(shared);
      if (shared > 0) node.sequence.emplace(trunk_->fork(node.end));
      node.next = shared;
    }
    if (!node.sequence) node.sequence.emplace(pool_, node.end);
    trunk_.reset();
  }

  /// Lets go of a sequence that nothing continues any more, except for the beginning of all.
  void release(Node& node) {
    if (node.parent == none && roots_.size() == 1) {
      trunk_ = std::move(node.sequence);
      const auto& tokens = tokens_of(node.first);
      trunk_tokens_.assign(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(node.end));
    }
    node.sequence.reset();
  }

  void evaluate(std::span<LikelihoodAnswer> answers) {
    struct Wanted {
      const Node* node;
      std::size_t position;
    };
    std::vector<typename M::Row> rows;
    std::vector<Wanted> wanted;
    std::vector<std::size_t> done;
    // Depth first, so that few pages are held at a time.
    std::vector<std::size_t> ready(roots_.rbegin(), roots_.rend());
    while (!ready.empty()) {
      rows.clear();
      wanted.clear();
      done.clear();
      while (!ready.empty() && rows.size() < max_batch_rows && wanted.size() < most_wanted_) {
        Node& node = nodes_[ready.back()];
        if (!node.sequence) start(node);
        const auto& tokens = tokens_of(node.first);
        const std::size_t asked = first_asked(node);
        while (node.next < node.end && rows.size() < max_batch_rows &&
               wanted.size() < most_wanted_) {
          const bool wants = node.next + 1 >= asked;
          rows.push_back({tokens[node.next], node.next, &*node.sequence, wants});
          if (wants) wanted.push_back({&node, node.next});
          ++node.next;
        }
        if (node.next < node.end) break;
        done.push_back(ready.back());
        ready.pop_back();
      }
      const std::span<float> logits(logits_.data(), wanted.size() * model_.vocab());
      if (!rows.empty()) model_.forward(rows, scratch_, logits);
      tokens_ += rows.size();
      for (std::size_t w = 0; w < wanted.size(); ++w)
        answer(*wanted[w].node, wanted[w].position,
               logits.subspan(w * model_.vocab(), model_.vocab()), answers);
      for (const std::size_t index : done) {
        Node& node = nodes_[index];
        node.unstarted = node.children.size();
        if (node.unstarted == 0) release(node);
        ready.insert(ready.end(), node.children.rbegin(), node.children.rend());
      }
    }
  }

  /// Tells the questions of a node what the logits at a position say of their next tokens.
  void answer(const Node& node, std::size_t position, std::span<const float> logits,
              std::span<LikelihoodAnswer> answers) const {
    const double log_sum = log_sum_exp(logits);
    const float highest = *std::ranges::max_element(logits);
    for (std::size_t i = node.first; i < node.last; ++i) {
      const auto& question = questions_[order_[i]];
      if (position + 1 < question.begin) continue;
      const float logit = logits[static_cast<std::size_t>(question.tokens[position + 1])];
      const double log_prob = static_cast<double>(logit) - log_sum;
      if (!std::isfinite(log_prob))
        throw Error(ErrorCode::malformed_file,
                    "the model's logits are not numbers: its weights are damaged");
      LikelihoodAnswer& answer = answers[order_[i]];
      answer.log_probs[position + 1 - question.begin] = log_prob;
      answer.greedy = answer.greedy && logit == highest;
    }
  }

  M model_;
  typename M::Scratch scratch_;
  std::size_t most_pages_;
  std::size_t most_wanted_ = 0;
  AlignedBuffer<float> logits_;
  std::shared_ptr<Pool> pool_;
  std::optional<Sequence> trunk_;  // the last beginning that all questions of a group had
  std::vector<Token> trunk_tokens_;
  std::size_t tokens_ = 0;

  // Of the group at hand.
  std::span<const LikelihoodQuestion> questions_;
  std::vector<std::size_t> order_;  // sorted place -> question
  std::vector<Node> nodes_;
  std::vector<std::size_t> roots_;
};

}  // namespace llama2::inline LLAMA2_ABI
