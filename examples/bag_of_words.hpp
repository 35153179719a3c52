// A baseline for reward models: logistic regression on the words by which two answers differ.
#pragma once

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/align/ranking.hpp"

namespace examples {

/// Two answers, the chosen first.
struct AnswerPair {
  std::string_view chosen, rejected;
};

/// p(a is preferred to b) = sigmoid(w . (f(a) - f(b))), f the logarithms of 1 + how often each word
/// occurs. Learnt by accelerated gradient descent on the whole set, so there is nothing random in
/// it; the strength of the L2 penalty is the one that does best on every tenth pair.
class BagOfWords {
 public:
  explicit BagOfWords(std::span<const AnswerPair> pairs) {
    std::map<std::string, std::size_t> counts;
    for (const AnswerPair& pair : pairs)
      for (const std::string_view text : {pair.chosen, pair.rejected})
        for (const auto& [word, count] : words_of(text)) ++counts[word];
    for (const auto& [word, count] : counts)
      if (count >= 3) words_.emplace(word, words_.size());
    std::vector<Sparse> rows, fit, held_out;
    for (const AnswerPair& pair : pairs) rows.push_back(difference_of(pair));
    for (std::size_t i = 0; i < rows.size(); ++i) (i % 10 == 9 ? held_out : fit).push_back(rows[i]);
    double best = 0;
    std::size_t most = 0;
    for (const double penalty : std::array{1.0, 3.0, 10.0, 30.0, 100.0, 300.0}) {
      learn(fit, penalty);
      const auto right = static_cast<std::size_t>(
          std::ranges::count_if(held_out, [&](const Sparse& row) { return value(row) > 0; }));
      if (best == 0 || right > most) best = penalty, most = right;
    }
    learn(rows, best);
  }

  /// Above 0 where the chosen answer is found the better one.
  [[nodiscard]] double difference(const AnswerPair& pair) const {
    return value(difference_of(pair));
  }

 private:
  using Sparse = std::vector<std::pair<std::size_t, double>>;

  static std::map<std::string, std::size_t> words_of(std::string_view text) {
    std::map<std::string, std::size_t> counts;
    std::string word;
    for (std::size_t i = 0; i <= text.size(); ++i) {
      const auto c = static_cast<unsigned char>(i < text.size() ? text[i] : ' ');
      if (std::isalnum(c) != 0 || c == '\'' || c >= 0x80)
        word += static_cast<char>(std::tolower(c));
      else if (!word.empty())
        ++counts[std::exchange(word, {})];
    }
    return counts;
  }

  [[nodiscard]] Sparse difference_of(const AnswerPair& pair) const {
    std::map<std::size_t, double> row;
    const auto add = [&](std::string_view text, double sign) {
      for (const auto& [word, count] : words_of(text))
        if (const auto at = words_.find(word); at != words_.end())
          row[at->second] += sign * std::log1p(static_cast<double>(count));
    };
    add(pair.chosen, 1);
    add(pair.rejected, -1);
    return {row.begin(), row.end()};
  }

  [[nodiscard]] double value(const Sparse& row) const {
    double sum = 0;
    for (const auto& [word, x] : row) sum += weights_[word] * x;
    return sum;
  }

  /// Minimises the losses' sum and penalty / 2 |w|^2 by Nesterov's method.
  void learn(std::span<const Sparse> rows, double penalty) {
    const std::size_t n = words_.size();
    // The curvature is at most that of X^T X / 4, whose greatest eigenvalue is found by iteration.
    std::vector<double> direction(n, 1), next(n);
    double curvature = 1;
    for (int i = 0; i < 30; ++i) {
      std::ranges::fill(next, 0.0);
      for (const Sparse& row : rows) {
        double along = 0;
        for (const auto& [word, x] : row) along += direction[word] * x;
        for (const auto& [word, x] : row) next[word] += along * x;
      }
      double norm = 0;
      for (const double x : next) norm += x * x;
      curvature = std::max(std::sqrt(norm), 1e-9);
      for (std::size_t k = 0; k < n; ++k) direction[k] = next[k] / curvature;
    }
    const double step = 1 / (1.05 * curvature / 4 + penalty);
    std::vector<double> before(n, 0.0), gradient(n);
    weights_.assign(n, 0.0);
    for (int i = 0; i < 300; ++i) {
      // weights_ is the point looked at, `before` the last result.
      for (std::size_t k = 0; k < n; ++k) gradient[k] = penalty * weights_[k];
      for (const Sparse& row : rows) {
        const double slope = -llama2::sigmoid(-value(row));
        for (const auto& [word, x] : row) gradient[word] += slope * x;
      }
      const double momentum = static_cast<double>(i) / (i + 3);
      for (std::size_t k = 0; k < n; ++k) {
        const double result = weights_[k] - step * gradient[k];
        weights_[k] = result + momentum * (result - before[k]);
        before[k] = result;
      }
    }
    weights_ = before;
  }

  std::map<std::string, std::size_t> words_;
  std::vector<double> weights_;
};

}  // namespace examples
