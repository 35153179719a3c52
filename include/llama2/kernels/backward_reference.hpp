// The backward kernels' plain twins: obvious loops, templates on the number type, to test against.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "llama2/base/token.hpp"
#include "llama2/kernels/reference.hpp"

/// Each function takes the gradient of a loss by a layer's output (`dy`) and gives that by the
/// layer's inputs. What is said here holds for the kernels of the same names, too
/// (`TrainingKernels`, which take scratch memory besides). Arrays are row-major without gaps unless
/// a stride says otherwise.
///
/// "Sets" means that what was there before does not matter; "adds" (+=) that it stays in the sum:
/// gradients of weights are always added to, over micro-batches, and so is the gradient of a
/// residual stream, into which several branches flow back.
///
/// Packed documents: a document that does not see the one before it is a call of its own of
/// `attention_backward`, with pointers to its first row, as it is a sequence of its own in a
/// forward pass; every other kernel takes all rows at once. Rows without a loss (prompts, padding)
/// need not be given to `cross_entropy`: gather the others.
namespace llama2::inline LLAMA2_ABI::reference {

/// dtable[tokens[t]] += dy[t]; table (vocab, dim), dy (count, dim).
template <class T>
void embedding_backward(const Token* tokens, std::size_t count, std::size_t dim, const T* dy,
                        T* dtable) {
  for (std::size_t t = 0; t < count; ++t)
    for (std::size_t i = 0; i < dim; ++i)
      dtable[static_cast<std::size_t>(tokens[t]) * dim + i] += dy[t * dim + i];
}

/// Of y = x W^T by x: dx = dy W, or dx += dy W if `add`; w (rows, cols), dy (tokens, rows),
/// dx (tokens, cols). Each token has the same bits in any company: threads may share out tokens.
template <class T>
void linear_backward_input(const T* dy, const T* w, std::size_t rows, std::size_t cols,
                           std::size_t tokens, bool add, T* dx) {
  for (std::size_t t = 0; t < tokens; ++t)
    for (std::size_t c = 0; c < cols; ++c) {
      T sum = add ? dx[t * cols + c] : T{0};
      for (std::size_t r = 0; r < rows; ++r) sum += dy[t * rows + r] * w[r * cols + c];
      dx[t * cols + c] = sum;
    }
}

/// Of y = x W^T by W: dw += dy^T x; dw (rows, cols), x (tokens, cols), and dy has rows that begin
/// `dy_stride` apart, so that a call may be about some rows of W only: threads may share these out.
template <class T>
void linear_backward_weights(const T* dy, std::size_t dy_stride, const T* x, std::size_t rows,
                             std::size_t cols, std::size_t tokens, T* dw) {
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < cols; ++c) {
      T sum = dw[r * cols + c];
      for (std::size_t t = 0; t < tokens; ++t) sum += dy[t * dy_stride + r] * x[t * cols + c];
      dw[r * cols + c] = sum;
    }
}

/// Of `rms_norm` over `tokens` rows of n elements: with s = 1 / sqrt(mean of x^2 + epsilon),
/// dx += s gain dy - x s^3 / n sum(gain dy x) and dgain += s x dy. dx may not be dy or x.
template <class T>
void rms_norm_backward(const T* x, const T* gain, T epsilon, const T* dy, std::size_t n,
                       std::size_t tokens, T* dx, T* dgain) {
  for (std::size_t t = 0; t < tokens; ++t, x += n, dy += n, dx += n) {
    T squares = 0, products = 0;
    for (std::size_t i = 0; i < n; ++i) {
      squares += x[i] * x[i];
      products += gain[i] * dy[i] * x[i];
    }
    const T scale = 1 / std::sqrt(squares / static_cast<T>(n) + epsilon);
    const T along = scale * scale * scale / static_cast<T>(n) * products;
    for (std::size_t i = 0; i < n; ++i) {
      dx[i] += scale * gain[i] * dy[i] - along * x[i];
      dgain[i] += scale * x[i] * dy[i];
    }
  }
}

/// Of `rotate`, in place on the gradients of `heads` vectors of `head_dim` elements: the transposed
/// rotation, (a, b) becomes (a cos + b sin, b cos - a sin). `cosines` and `sines` are those that
/// the forward pass took: each pair's cosine twice, and (-sin, sin).
template <class T>
void rotate_backward(T* dx, const T* cosines, const T* sines, std::size_t heads,
                     std::size_t head_dim) {
  for (std::size_t h = 0; h < heads; ++h, dx += head_dim)
    for (std::size_t i = 0; i < head_dim; i += 2) {
      const T a = dx[i], b = dx[i + 1];
      dx[i] = a * cosines[i] - b * sines[i];
      dx[i + 1] = b * cosines[i + 1] - a * sines[i + 1];
    }
}

/// Of causal attention by one key/value head and the `group` query heads that read it, for the
/// `tokens` rows of a document, of which row t sees rows 0 .. t. Sets dq, dk and dv.
///
/// q, out, dout and dq point at the group's first head in the first row and have rows `stride`
/// apart; k, v, dk and dv at the key/value head, with rows `kv_stride` apart. q and k are as
/// rotated, as are dq and dk: `rotate_backward` comes after. `out` is the forward pass's result.
/// Key/value heads are independent: threads may share them out.
///
/// With p = softmax(q k / sqrt(head_dim)): dv = p^T dout; dp = dout v^T;
/// ds = p (dp - dout . out); dq = ds k / sqrt(head_dim); dk = ds^T q / sqrt(head_dim).
/// (Dao 2023, arXiv:2307.08691, section 3.1.2.)
template <class T>
void attention_backward(const T* q, const T* k, const T* v, const T* out, const T* dout,
                        std::size_t tokens, std::size_t group, std::size_t head_dim,
                        std::size_t stride, std::size_t kv_stride, T* dq, T* dk, T* dv) {
  const T scale = 1 / std::sqrt(static_cast<T>(head_dim));
  const auto dot = [&](const T* a, const T* b) {
    T sum = 0;
    for (std::size_t i = 0; i < head_dim; ++i) sum += a[i] * b[i];
    return sum;
  };
  for (std::size_t t = 0; t < tokens; ++t) {
    std::fill_n(dk + t * kv_stride, head_dim, T{0});
    std::fill_n(dv + t * kv_stride, head_dim, T{0});
  }
  std::vector<T> p(tokens);
  for (std::size_t t = 0; t < tokens; ++t)
    for (std::size_t h = 0; h < group; ++h) {
      const std::size_t at = t * stride + h * head_dim;
      T top = -std::numeric_limits<T>::infinity(), sum = 0;
      for (std::size_t j = 0; j <= t; ++j) {
        p[j] = scale * dot(q + at, k + j * kv_stride);
        top = std::max(top, p[j]);
      }
      for (std::size_t j = 0; j <= t; ++j) sum += p[j] = std::exp(p[j] - top);
      const T mean = dot(dout + at, out + at);  // of dp under p
      std::fill_n(dq + at, head_dim, T{0});
      for (std::size_t j = 0; j <= t; ++j) {
        p[j] /= sum;
        const T ds = scale * p[j] * (dot(dout + at, v + j * kv_stride) - mean);
        for (std::size_t i = 0; i < head_dim; ++i) {
          dq[at + i] += ds * k[j * kv_stride + i];
          dk[j * kv_stride + i] += ds * q[at + i];
          dv[j * kv_stride + i] += p[j] * dout[at + i];
        }
      }
    }
}

/// Of y = silu(gate) * up, n elements, in place: gate and up become their gradients, and `dy`
/// becomes y, which the gradient of the next product's weights needs.
template <class T>
void swiglu_backward(T* gate, T* up, T* dy, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    const T g = gate[i], u = up[i], d = dy[i];
    const T sigmoid = 1 / (1 + std::exp(-g));
    gate[i] = d * u * sigmoid * (1 + g * (1 - sigmoid));
    up[i] = d * g * sigmoid;
    dy[i] = g * sigmoid * u;
  }
}

/// The gradient of -weight * log softmax(logits)[target], in place: logits become
/// weight * (softmax(logits) - one at the target).
template <class T>
void softmax_backward(T* logits, std::size_t vocab, Token target, T weight) {
  const T top = *std::max_element(logits, logits + vocab);
  T sum = 0;
  for (std::size_t i = 0; i < vocab; ++i) sum += logits[i] = std::exp(logits[i] - top);
  for (std::size_t i = 0; i < vocab; ++i) logits[i] *= weight / sum;
  logits[target] -= weight;
}

/// The loss's end of a model: logits = hidden head^T, and for the loss
/// -(sum over t of weight_t * log softmax(logits_t)[targets[t]]): dhidden is set, dhead added to.
/// hidden (tokens, dim): after the final norm; head (vocab, dim).
///
/// weigh(t, logits), called for each t in ascending order with the `vocab` logits of a row, returns
/// weight_t: a constant such as 1 / tokens, or for a loss that is another function of the
/// log-probability, minus its derivative there. It may take any figure of the logits on the way.
template <class T, class Weigh>
void cross_entropy(const T* hidden, const T* head, std::size_t tokens, std::size_t dim,
                   std::size_t vocab, const Token* targets, Weigh&& weigh, T* dhidden, T* dhead) {
  std::vector<T> logits(vocab);
  for (std::size_t t = 0; t < tokens; ++t) {
    matmul(head, vocab, dim, hidden + t * dim, 1, logits.data());
    softmax_backward(logits.data(), vocab, targets[t],
                     static_cast<T>(weigh(t, static_cast<const T*>(logits.data()))));
    linear_backward_input(logits.data(), head, vocab, dim, 1, false, dhidden + t * dim);
    linear_backward_weights(logits.data(), vocab, hidden + t * dim, vocab, dim, 1, dhead);
  }
}

}  // namespace llama2::inline LLAMA2_ABI::reference
