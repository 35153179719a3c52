// Logits of short texts, and whether they are the same to the last bit.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "llama2/model/model.hpp"

namespace test {

/// Logits after each token of a text, (tokens, vocab).
template <class M>
std::vector<float> logits_of(const M& model, std::span<const llama2::Token> tokens) {
  typename M::Sequence sequence(std::make_shared<typename M::Pool>(tokens.size()), tokens.size());
  std::vector<typename M::Row> rows;
  for (std::size_t i = 0; i < tokens.size(); ++i) rows.push_back({tokens[i], i, &sequence, true});
  llama2::Workspace<typename M::Shape> workspace(tokens.size());
  std::vector<float> logits(tokens.size() * M::Shape::vocab);
  model.forward(rows, workspace, logits);
  return logits;
}

inline bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

}  // namespace test
