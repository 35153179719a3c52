// What a model makes of a text, as one vector.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/token.hpp"
#include "llama2/base/watch.hpp"
#include "llama2/model/model.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Which positions a text's vector is made of.
enum class Pooling {
  last,  ///< the last token's
  mean,  ///< all, each with the same weight
};

namespace detail {

/// A tape that takes the last block's output.
template <class S>
struct LastBlock {
  std::vector<float> rows;  // (tokens, dim)

  void record(Activation what, std::size_t layer, std::size_t, std::span<const float> values) {
    if (what == Activation::block_output && layer + 1 == S::layers)
      rows.insert(rows.end(), values.begin(), values.end());
  }
};

}  // namespace detail

/// The hidden state after the final norm, dim floats, of a text: what the output head would read.
/// Throws `invalid_argument` for an empty text or a token outside the vocabulary. `watch` learns of
/// tokens.
template <class M>
std::vector<float> hidden_state(const M& model, std::span<const Token> tokens, Pooling pooling,
                                const Watch& watch = {}) {
  using S = typename M::Shape;
  if (tokens.empty()) throw Error(ErrorCode::invalid_argument, "an empty text has no hidden state");
  typename M::Sequence sequence(std::make_shared<typename M::Pool>(tokens.size()), tokens.size());
  Workspace<S> workspace(std::min(tokens.size(), max_batch_rows));
  std::vector<typename M::Row> rows;
  rows.reserve(tokens.size());
  for (std::size_t i = 0; i < tokens.size(); ++i) rows.push_back({tokens[i], i, &sequence, false});
  detail::LastBlock<S> tape;
  model.forward(rows, workspace, {}, tape, watch);

  std::vector<float> normed(S::dim);
  std::vector<double> sums(S::dim);
  const std::size_t first = pooling == Pooling::last ? tokens.size() - 1 : 0;
  for (std::size_t t = first; t < tokens.size(); ++t) {
    model.target().call([&](auto kernels) {
      kernels.rms_norm(tape.rows.data() + t * S::dim, model.weights().norm.data,
                       model.config().norm_epsilon, S::dim, normed.data());
    });
    for (std::size_t i = 0; i < S::dim; ++i) sums[i] += static_cast<double>(normed[i]);
  }
  const auto count = static_cast<double>(tokens.size() - first);
  for (std::size_t i = 0; i < S::dim; ++i) normed[i] = static_cast<float>(sums[i] / count);
  return normed;
}

}  // namespace llama2::inline LLAMA2_ABI
