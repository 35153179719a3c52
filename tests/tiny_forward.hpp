// A few tokens through a tiny model with generated weights, for tests that compile it with
// different flags. Everything is local to the translation unit that includes it.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "llama2/model/random_model.hpp"

namespace {

struct TinyShape {
  // Grouped-query attention; no width is a whole number of vectors of any processor.
  static constexpr std::size_t dim = 36, hidden_dim = 27, layers = 3, heads = 6, kv_heads = 2,
                               vocab = 13, context = 128;
};

/// Logits, (70, vocab): more positions than a page of the key/value cache has.
inline std::vector<float> tiny_forward() {
  using Model = llama2::Model<TinyShape, llama2::F32>;
  const auto model = llama2::make_random_model<Model>(2023);
  constexpr std::size_t tokens = 70;
  Model::Sequence sequence(std::make_shared<Model::Pool>(tokens), tokens);
  std::vector<Model::Row> rows;
  for (std::size_t t = 0; t < tokens; ++t)
    rows.push_back({.token = static_cast<llama2::Token>(t * t % TinyShape::vocab),
                    .position = t,
                    .sequence = &sequence,
                    .wants_logits = true});
  llama2::Workspace<TinyShape> workspace(16);
  std::vector<float> logits(tokens * TinyShape::vocab);
  model.forward(rows, workspace, logits);
  return logits;
}

}  // namespace
