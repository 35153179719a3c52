// The one list of a model's tensors.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <type_traits>

#include "llama2/shape/model_shape.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Which tensor of the model, as in Meta's checkpoints.
enum class TensorKind {
  token_embedding,  ///< (vocab, dim)
  attention_norm,   ///< (dim)
  wq,               ///< (dim, dim): queries
  wk,               ///< (kv_dim, dim): keys
  wv,               ///< (kv_dim, dim): values
  wo,               ///< (dim, dim): attention output
  ffn_norm,         ///< (dim)
  w1,               ///< (hidden_dim, dim): gate
  w2,               ///< (dim, hidden_dim): down
  w3,               ///< (hidden_dim, dim): up
  norm,             ///< (dim): final norm
  output,           ///< (vocab, dim): head; absent where tied to the embedding
};

/// A tensor's kind and, inside a block, its layer.
struct TensorId {
  TensorKind kind;
  std::size_t layer = 0;
  friend constexpr bool operator==(TensorId, TensorId) noexcept = default;
};

/// Whether the kind exists once per layer.
constexpr bool is_layer_tensor(TensorKind kind) noexcept {
  return kind != TensorKind::token_embedding && kind != TensorKind::norm &&
         kind != TensorKind::output;
}

/// The tensor's name in Meta's checkpoints: "layers.3.attention.wq.weight".
inline std::string to_string(TensorId id) {
  const auto name = [kind = id.kind] {
    switch (kind) {
      case TensorKind::token_embedding:
        return "tok_embeddings.weight";
      case TensorKind::attention_norm:
        return "attention_norm.weight";
      case TensorKind::wq:
        return "attention.wq.weight";
      case TensorKind::wk:
        return "attention.wk.weight";
      case TensorKind::wv:
        return "attention.wv.weight";
      case TensorKind::wo:
        return "attention.wo.weight";
      case TensorKind::ffn_norm:
        return "ffn_norm.weight";
      case TensorKind::w1:
        return "feed_forward.w1.weight";
      case TensorKind::w2:
        return "feed_forward.w2.weight";
      case TensorKind::w3:
        return "feed_forward.w3.weight";
      case TensorKind::norm:
        return "norm.weight";
      case TensorKind::output:
        return "output.weight";
    }
    return "";
  }();
  return is_layer_tensor(id.kind) ? "layers." + std::to_string(id.layer) + "." + name : name;
}

/// In place of the output head where that is the token embedding.
struct TiedToEmbedding {};

/// Every tensor of a model of shape S. `Storage::Matrix<Rows, Cols>` and `Storage::Vector<N>` say
/// what a tensor is: views of packed weights for inference, arrays of floats for training.
template <ModelShape S, class Storage>
struct Parameters {
  template <std::size_t Rows, std::size_t Cols>
  using Matrix = typename Storage::template Matrix<Rows, Cols>;
  template <std::size_t N>
  using Vector = typename Storage::template Vector<N>;

  struct Layer {
    Vector<S::dim> attention_norm;
    Matrix<S::dim, S::dim> wq;
    Matrix<kv_dim<S>, S::dim> wk;
    Matrix<kv_dim<S>, S::dim> wv;
    Matrix<S::dim, S::dim> wo;
    Vector<S::dim> ffn_norm;
    Matrix<S::hidden_dim, S::dim> w1;
    Matrix<S::dim, S::hidden_dim> w2;
    Matrix<S::hidden_dim, S::dim> w3;
  };

  Matrix<S::vocab, S::dim> token_embedding;
  std::array<Layer, S::layers> layers;
  Vector<S::dim> norm;
  [[no_unique_address]] std::conditional_t<tied_head<S>, TiedToEmbedding, Matrix<S::vocab, S::dim>>
      output;

  /// The output head: its own matrix, or the token embedding.
  [[nodiscard]] const Matrix<S::vocab, S::dim>& head() const noexcept {
    if constexpr (tied_head<S>)
      return token_embedding;
    else
      return output;
  }
};

/// Calls f(TensorId, tensor, tensor of each further instance...) for every tensor, in the order
/// of a forward pass. The instances share a shape; their storages may differ.
template <class F, ModelShape S, class... Storages>
void for_each_tensor(F&& f, Parameters<S, Storages>&... p) {
  using enum TensorKind;
  f(TensorId{token_embedding}, p.token_embedding...);
  for (std::size_t l = 0; l < S::layers; ++l) {
    f(TensorId{attention_norm, l}, p.layers[l].attention_norm...);
    f(TensorId{wq, l}, p.layers[l].wq...);
    f(TensorId{wk, l}, p.layers[l].wk...);
    f(TensorId{wv, l}, p.layers[l].wv...);
    f(TensorId{wo, l}, p.layers[l].wo...);
    f(TensorId{ffn_norm, l}, p.layers[l].ffn_norm...);
    f(TensorId{w1, l}, p.layers[l].w1...);
    f(TensorId{w2, l}, p.layers[l].w2...);
    f(TensorId{w3, l}, p.layers[l].w3...);
  }
  f(TensorId{norm}, p.norm...);
  if constexpr (!tied_head<S>) f(TensorId{output}, p.output...);
}

}  // namespace llama2::inline LLAMA2_ABI
