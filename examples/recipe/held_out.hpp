// How well a model knows the simulated world: its loss on texts that it has not seen.
#pragma once

#include <cstddef>
#include <cstdint>

#include "llama2/generate/score.hpp"
#include "llama2/text/tokenizer.hpp"
#include "mix.hpp"

namespace recipe {

/// The committed model learned from texts of seed 1; those of this seed are for judging.
inline constexpr std::uint64_t held_out_seed = 2;

struct HeldOutLoss {
  double nats = 0;  ///< a token
  std::size_t tokens = 0, characters = 0;
  double per_character() const {
    return nats * static_cast<double>(tokens) / static_cast<double>(characters);
  }
};

/// The mean loss over the tokens, and the end, of the first `count` held-out texts, each by itself.
/// A text longer than the model's context counts as far as that.
template <class Model>
HeldOutLoss held_out_loss(const Model& model, const llama2::Tokenizer& tokenizer,
                          std::size_t count) {
  HeldOutLoss out;
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Document document = make_document(held_out_seed, i, Kind::mix);
    auto tokens = tokenizer.encode(document.text(), {.bos = true, .eos = true});
    if (tokens.size() > Model::Shape::context) tokens.resize(Model::Shape::context);
    for (const double log_prob : log_probabilities(model, tokens)) sum -= log_prob;
    out.tokens += tokens.size() - 1;
    out.characters += document.text().size();
  }
  out.nats = sum / static_cast<double>(out.tokens);
  return out;
}

}  // namespace recipe
