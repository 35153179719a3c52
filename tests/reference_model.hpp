// A whole model in double, made of the kernels' plain twins.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
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

/// Rotary frequencies, and last what cosines and sines are multiplied by, as the programs that
/// scaled models were trained with compute them.
inline std::vector<double> reference_rotation(const llama2::ModelConfig& config, std::size_t size) {
  const auto& [kind, factor, stated_context, attention, fast, slow, tuned] = config.rope_scaling;
  const auto d = static_cast<double>(size);
  const double s = factor, b = config.rope_theta;
  const auto context = static_cast<double>(stated_context != 0 ? stated_context : config.context);
  const auto correction = [&](double turns) {
    return d * std::log(context / (turns * 2 * std::numbers::pi)) / (2 * std::log(b));
  };
  const double low = std::max(std::floor(correction(fast)), 0.0);
  const double high = std::min(std::ceil(correction(slow)), d - 1);
  std::vector<double> rotation;
  for (double i = 0; i < d; i += 2) {
    const double plain = std::pow(b, -i / d);
    double ramp = 0;  // how much of the interpolated
    if (kind == llama2::RopeScalingKind::linear) ramp = 1;
    if (kind == llama2::RopeScalingKind::ntk && d > 2) {
      rotation.push_back(std::pow(b * std::pow(s, d / (d - 2)), -i / d));
      continue;
    }
    if (kind == llama2::RopeScalingKind::yarn)
      ramp = i / 2 <= low ? 0 : i / 2 >= high ? 1 : (i / 2 - low) / (high - low);
    rotation.push_back(plain / s * ramp + plain * (1 - ramp));
  }
  const bool yarn = kind == llama2::RopeScalingKind::yarn;
  rotation.push_back(yarn ? attention * (0.1 * std::log(s) + 1) : 1);
  return rotation;
}

/// One text from its beginning, or from a position before which keys and values are zeros.
template <class M>
ReferencePass reference_pass(const M& model, std::span<const llama2::Token> tokens,
                             std::size_t from = 0) {
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
  const std::vector<double> rotation = reference_rotation(model.config(), size);
  const auto turn = [&](double* x, std::size_t heads, std::size_t position) {
    for (std::size_t i = 0; i < heads * size; i += 2) {
      const double angle = static_cast<double>(position) * rotation[i % size / 2];
      const double c = rotation.back() * std::cos(angle), s = rotation.back() * std::sin(angle);
      const double a = x[i], b = x[i + 1];
      x[i] = a * c - b * s;
      x[i + 1] = a * s + b * c;
    }
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
    auto v = linear(layer.wv, h);
    std::fill_n(k.begin(), from * kv, 0.0);
    std::fill_n(v.begin(), from * kv, 0.0);
    for (std::size_t t = 0; t < n; ++t) {
      turn(&q[t * dim], S::heads, t);
      turn(&k[t * kv], S::kv_heads, t);
    }
    std::vector<double> attended(n * dim);
    for (std::size_t t = from; t < n; ++t)
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
    pass.value.push_back(std::move(v));
    pass.attention_output.push_back(std::move(attended));
    pass.ffn_input.push_back(f);
    pass.gated.push_back(std::move(gate));
    pass.block_output.push_back(x);
  }
  pass.logits = linear(w.head(), norm(w.norm, x));
  return pass;
}
