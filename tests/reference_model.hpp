// A whole model in double, made of the kernels' plain twins.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "llama2/kernels/reference.hpp"
#include "llama2/model/model.hpp"

/// What a reference pass computes for every row: the logits, and per layer what a tape sees.
struct ReferencePass {
  std::vector<double> logits;                          // (rows, vocab)
  std::vector<std::vector<double>> attention_input;    // per layer (rows, dim)
  std::vector<std::vector<double>> query, key, value;  // per layer
  std::vector<std::vector<double>> attention_output;   // per layer (rows, dim)
  std::vector<std::vector<double>> ffn_input, gated;   // per layer
  std::vector<std::vector<double>> block_output;       // per layer (rows, dim)
};

template <class Tensor>
std::vector<double> decoded(const Tensor& tensor) {
  if constexpr (Tensor::rows == 1) {
    return {tensor.data, tensor.data + Tensor::cols};
  } else {
    return llama2::visit_view(tensor, []<class View>(const View& view) {
      std::vector<double> result;
      std::vector<float> row(View::cols);
      for (std::size_t r = 0; r < View::rows; ++r) {
        view.decode_row(r, row.data());
        result.insert(result.end(), row.begin(), row.end());
      }
      return result;
    });
  }
}

/// One text from its beginning.
template <class M>
ReferencePass reference_pass(const M& model, std::span<const llama2::Token> tokens) {
  namespace reference = llama2::reference;
  using S = typename M::Shape;
  constexpr std::size_t dim = S::dim, hidden = S::hidden_dim, size = llama2::head_dim<S>,
                        kv = llama2::kv_dim<S>, group = S::heads / S::kv_heads;
  const std::size_t n = tokens.size();
  const auto& w = model.weights();
  const double epsilon = model.config().norm_epsilon;

  const auto linear = [&](const auto& matrix, const std::vector<double>& x) {
    using Matrix = std::remove_cvref_t<decltype(matrix)>;
    std::vector<double> y(n * Matrix::rows);
    reference::matmul(decoded(matrix).data(), Matrix::rows, Matrix::cols, x.data(), n, y.data());
    return y;
  };
  const auto norm = [&](const auto& gain, const std::vector<double>& x) {
    const auto g = decoded(gain);
    std::vector<double> y(x.size());
    for (std::size_t t = 0; t < n; ++t)
      reference::rms_norm(&x[t * dim], g.data(), epsilon, dim, &y[t * dim]);
    return y;
  };
  const auto add = [](std::vector<double>& x, const std::vector<double>& y) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += y[i];
  };

  ReferencePass pass;
  const auto embedding = decoded(w.token_embedding);
  std::vector<double> x;
  for (const llama2::Token token : tokens) {
    const auto row =
        embedding.begin() + static_cast<std::ptrdiff_t>(token) * static_cast<std::ptrdiff_t>(dim);
    x.insert(x.end(), row, row + dim);
  }
  for (const auto& layer : w.layers) {
    const auto h = norm(layer.attention_norm, x);
    auto q = linear(layer.wq, h);
    auto k = linear(layer.wk, h);
    const auto v = linear(layer.wv, h);
    const double theta = model.config().rope_theta;
    for (std::size_t t = 0; t < n; ++t) {
      const double position = static_cast<double>(t) / model.config().rope_linear_scale;
      reference::rotate(&q[t * dim], S::heads, size, position, theta);
      reference::rotate(&k[t * kv], S::kv_heads, size, position, theta);
    }
    std::vector<double> attended(n * dim);
    for (std::size_t t = 0; t < n; ++t)
      for (std::size_t head = 0; head < S::heads; ++head)
        reference::attend(&q[t * dim + head * size], &k[head / group * size],
                          &v[head / group * size], kv, size, t + 1,
                          &attended[t * dim + head * size]);
    add(x, linear(layer.wo, attended));
    const auto f = norm(layer.ffn_norm, x);
    auto gate = linear(layer.w1, f);
    reference::swiglu(gate.data(), linear(layer.w3, f).data(), n * hidden);
    add(x, linear(layer.w2, gate));
    pass.attention_input.push_back(h);
    pass.query.push_back(std::move(q));
    pass.key.push_back(std::move(k));
    pass.value.push_back(v);
    pass.attention_output.push_back(std::move(attended));
    pass.ffn_input.push_back(f);
    pass.gated.push_back(std::move(gate));
    pass.block_output.push_back(x);
  }
  pass.logits = linear(w.head(), norm(w.norm, x));
  return pass;
}
