// The kernels' plain twins: obvious loops, templates on the number type, to test against.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "llama2/base/config.hpp"

namespace llama2::inline LLAMA2_ABI::reference {

/// y[t][r] = sum over k of w[r][k] * x[t][k]; everything row-major without gaps.
template <class T>
void matmul(const T* w, std::size_t rows, std::size_t cols, const T* x, std::size_t tokens, T* y) {
  for (std::size_t t = 0; t < tokens; ++t)
    for (std::size_t r = 0; r < rows; ++r) {
      T sum = 0;
      for (std::size_t k = 0; k < cols; ++k) sum += w[r * cols + k] * x[t * cols + k];
      y[t * rows + r] = sum;
    }
}

/// out[i] = x[i] * gain[i] / sqrt(mean of x^2 + epsilon).
template <class T>
void rms_norm(const T* x, const T* gain, T epsilon, std::size_t n, T* out) {
  T squares = 0;
  for (std::size_t i = 0; i < n; ++i) squares += x[i] * x[i];
  const T scale = 1 / std::sqrt(squares / static_cast<T>(n) + epsilon);
  for (std::size_t i = 0; i < n; ++i) out[i] = x[i] * scale * gain[i];
}

/// x * sigmoid(x).
template <class T>
T silu(T x) {
  return x / (1 + std::exp(-x));
}

/// gate[i] = silu(gate[i]) * up[i].
template <class T>
void swiglu(T* gate, const T* up, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) gate[i] = silu(gate[i]) * up[i];
}

/// Turns the pairs of `heads` vectors of `head_dim` elements by position *
/// theta^(-2i / head_dim).
template <class T>
void rotate(T* x, std::size_t heads, std::size_t head_dim, T position, T theta) {
  for (std::size_t h = 0; h < heads; ++h)
    for (std::size_t i = 0; i < head_dim; i += 2) {
      const T angle = position * std::pow(theta, -static_cast<T>(i) / static_cast<T>(head_dim));
      T* const pair = x + h * head_dim + i;
      const T a = pair[0], b = pair[1];
      pair[0] = a * std::cos(angle) - b * std::sin(angle);
      pair[1] = a * std::sin(angle) + b * std::cos(angle);
    }
}

/// out = softmax(q . keys / sqrt(head_dim)) values over `count` positions; the keys and values of
/// consecutive positions are `stride` elements apart.
template <class T>
void attend(const T* q, const T* keys, const T* values, std::size_t stride, std::size_t head_dim,
            std::size_t count, T* out) {
  std::vector<T> weights(count);
  T highest = -std::numeric_limits<T>::infinity();
  for (std::size_t j = 0; j < count; ++j) {
    T score = 0;
    for (std::size_t i = 0; i < head_dim; ++i) score += q[i] * keys[j * stride + i];
    weights[j] = score / std::sqrt(static_cast<T>(head_dim));
    highest = std::max(highest, weights[j]);
  }
  T sum = 0;
  for (T& weight : weights) sum += weight = std::exp(weight - highest);
  std::fill(out, out + head_dim, T{0});
  for (std::size_t j = 0; j < count; ++j)
    for (std::size_t i = 0; i < head_dim; ++i) out[i] += weights[j] / sum * values[j * stride + i];
}

}  // namespace llama2::inline LLAMA2_ABI::reference
