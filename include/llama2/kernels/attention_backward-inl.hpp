// Gradients of causal attention, from scores that are computed again.

#if defined(LLAMA2_KERNELS_ATTENTION_BACKWARD_INL_HPP_) == defined(LLAMA2_TARGET_TOGGLE)
#ifdef LLAMA2_KERNELS_ATTENTION_BACKWARD_INL_HPP_
#undef LLAMA2_KERNELS_ATTENTION_BACKWARD_INL_HPP_
#else
#define LLAMA2_KERNELS_ATTENTION_BACKWARD_INL_HPP_
#endif

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>

#include "llama2/kernels/attention-inl.hpp"
#include "llama2/kernels/row_product-inl.hpp"

LLAMA2_TARGET_BEGIN;
namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE {
namespace attention_gradient {

/// Queries of one head that go over the keys together. What is held for each key and query is only
/// theirs: memory grows with the tokens, not with their square.
inline constexpr std::size_t backward_queries = 48;

/// Scores beyond a query's last key which are zeros: tiles of the products reach so far.
inline constexpr std::size_t score_margin = std::max<std::size_t>(16, row_product::panel_cols);
static_assert(score_margin >= 2 * row_product::tile_rows);

/// Floats between two queries' rows of scores, such that rows do not fall on the same lines of a
/// cache.
constexpr std::size_t score_stride(std::size_t tokens) noexcept {
  constexpr std::size_t line = 16;
  return (ceil_div(round_up(tokens, row_product::panel_cols) + score_margin, line) | 1) * line;
}

/// The parts of the scratch memory of `attention_backward`.
struct Scratch {
  float* keys;           ///< panels (tokens, head_dim), divided by sqrt(head_dim)
  float* turned_keys;    ///< panels (head_dim, tokens), the same
  float* turned_values;  ///< panels (head_dim, tokens)
  float* queries;        ///< panels (backward_queries, head_dim), divided by sqrt(head_dim)
  float* packed_douts;   ///< panels (backward_queries, head_dim): `douts`
  float* douts;          ///< (backward_queries, head_dim): divided by the softmax's sums
  float* weights;        ///< (backward_queries, score_stride): exponentials, not yet divided
  float* scores;         ///< (backward_queries, score_stride): gradients of the scores
  std::size_t size = 0;  ///< floats of all

  constexpr Scratch(std::size_t tokens, std::size_t head_dim, float* scratch) noexcept {
    using row_product::panels_size;
    const auto take = [&](std::size_t n) {
      float* const begin = scratch == nullptr ? nullptr : scratch + size;
      size += round_up(n, 16);
      return begin;
    };
    keys = take(panels_size(tokens, head_dim));
    turned_keys = take(panels_size(head_dim, tokens));
    turned_values = take(panels_size(head_dim, tokens));
    queries = take(panels_size(backward_queries, head_dim));
    packed_douts = take(panels_size(backward_queries, head_dim));
    douts = take(backward_queries * head_dim);
    weights = take(backward_queries * score_stride(tokens));
    scores = take(backward_queries * score_stride(tokens));
  }
};

/// A tile of the product below, from query i and key j on.
template <std::size_t Rows, class Start, class Finish>
LLAMA2_INLINE void score_tile(const float* a, std::size_t stride, const float* panel,
                              std::size_t head_dim, std::size_t i, std::size_t j, Start&& start,
                              Finish&& finish) {
  using namespace row_product;
  Sums<Rows, tile_vectors> sums;
#pragma GCC unroll 8
  for (std::size_t r = 0; r < Rows; ++r) {
    const auto begin = start(i + r);
#pragma GCC unroll 8
    for (std::size_t v = 0; v < tile_vectors; ++v) sums[r][v] = begin;
  }
  add_products<Rows, tile_vectors>(a + i * stride, stride, Constant<1>(), panel, head_dim, sums);
#pragma GCC unroll 8
  for (std::size_t r = 0; r < Rows; ++r) {
#pragma GCC unroll 8
    for (std::size_t v = 0; v < tile_vectors; ++v)
      finish(i + r, j + v * NativeFloats::lanes, sums[r][v]);
  }
}

/// finish(i, j, start(i) + a[i] . b[j]) for vectors of keys j and the queries i in [0, count) that
/// may see some of them, the first query being token `first`; a has rows of head_dim elements, and
/// `panels` hold b's transpose.
template <class Start, class Finish>
LLAMA2_INLINE void score_products(const float* a, std::size_t stride, const float* panels,
                                  std::size_t head_dim, std::size_t first, std::size_t count,
                                  Start&& start, Finish&& finish) {
  using namespace row_product;
  for (std::size_t j = 0; j < first + count; j += panel_cols, panels += head_dim * panel_cols)
    for_tiles<tile_rows>(j <= first ? 0 : j - first, count,
                         [&](auto rows, std::size_t i) LLAMA2_TARGET_ATTR {
                           score_tile<rows()>(a, stride, panels, head_dim, i, j, start, finish);
                         });
}

}  // namespace attention_gradient

/// Floats of memory that the gradients of attention need, for a document of so many tokens.
constexpr std::size_t attention_backward_scratch(std::size_t tokens,
                                                 std::size_t head_dim) noexcept {
  return attention_gradient::Scratch(tokens, head_dim, nullptr).size;
}

/// See `reference::attention_backward`; scratch holds as many floats as the function above says.
///
/// Queries of one head go in blocks, ascending, and the heads of a group in turns: scores of a
/// block with all keys, their exponentials, their gradients, and from those what it adds to the
/// gradients of queries, keys and values. All five are products with a vector of outputs.
inline void attention_backward(const float* q, const float* k, const float* v, const float* out,
                               const float* dout, std::size_t tokens, std::size_t group,
                               std::size_t head_dim, std::size_t stride, std::size_t kv_stride,
                               float* dq, float* dk, float* dv, float* scratch) noexcept {
  using namespace row_product;
  using namespace simd;
  constexpr NativeFloats d;
  const attention_gradient::Scratch part(tokens, head_dim, scratch);
  const std::size_t row = attention_gradient::score_stride(tokens);
  const float scale = 1.0f / std::sqrt(static_cast<float>(head_dim));
  pack(k, kv_stride, tokens, head_dim, scale, part.keys);
  pack_transposed(k, kv_stride, head_dim, tokens, scale, part.turned_keys);
  pack_transposed(v, kv_stride, head_dim, tokens, 1.0f, part.turned_values);
  for (std::size_t t = 0; t < tokens; ++t) {
    std::memset(dk + t * kv_stride, 0, head_dim * sizeof(float));
    std::memset(dv + t * kv_stride, 0, head_dim * sizeof(float));
  }
  for (std::size_t first = 0; first < tokens; first += attention_gradient::backward_queries) {
    const std::size_t count = std::min(attention_gradient::backward_queries, tokens - first);
    for (std::size_t h = 0; h < group; ++h) {
      const std::size_t at = first * stride + h * head_dim;
      attention_gradient::score_products(
          q + at, stride, part.turned_keys, head_dim, first, count,
          [&](std::size_t) LLAMA2_TARGET_ATTR { return zero(d); },
          [&](std::size_t i, std::size_t j, auto sum)
              LLAMA2_TARGET_ATTR { store(d, sum, part.weights + i * row + j); });

      float means[attention_gradient::backward_queries];  // of the weights' gradients under the
                                                          // weights
      for (std::size_t i = 0; i < count; ++i) {
        float* const weights = part.weights + i * row;
        const std::size_t seen = first + i + 1;
        const float top = detail::largest(weights, seen, -std::numeric_limits<float>::infinity());
        const float inverse = 1.0f / detail::exponentials(weights, seen, top);
        std::fill_n(weights + seen, attention_gradient::score_margin, 0.0f);
        std::fill_n(part.scores + i * row + seen, attention_gradient::score_margin, 0.0f);
        const float* const in = dout + at + i * stride;
        const float* const result = out + at + i * stride;
        float* const scaled = part.douts + i * head_dim;
        float mean = 0;
        for (std::size_t e = 0; e < head_dim; ++e) {
          scaled[e] = in[e] * inverse;
          mean = std::fma(scaled[e], result[e], mean);
        }
        means[i] = -mean;
      }

      attention_gradient::score_products(
          part.douts, head_dim, part.turned_values, head_dim, first, count,
          [&](std::size_t i) LLAMA2_TARGET_ATTR { return set(d, means[i]); },
          [&](std::size_t i, std::size_t j, auto sum) LLAMA2_TARGET_ATTR {
            store(d, mul(sum, load(d, part.weights + i * row + j)), part.scores + i * row + j);
          });

      pack(q + at, stride, count, head_dim, scale, part.queries);
      pack(part.douts, head_dim, count, head_dim, 1.0f, part.packed_douts);
      for (std::size_t j = 0; j < head_dim; j += panel_cols) {
        const std::size_t cols = std::min(panel_cols, head_dim - j);
        with_vectors(cols, [&](auto vectors) LLAMA2_TARGET_ATTR {
          for_tiles<rows_of<vectors()>>(0, count, [&](auto rows, std::size_t i) LLAMA2_TARGET_ATTR {
            multiply_tile<rows(), vectors()>(part.scores + i * row, row, Constant<1>(),
                                             part.keys + j * tokens, first + i + rows(), cols,
                                             false, dq + at + i * stride + j, stride);
          });
          const auto add_transposed = [&](const float* a, const float* panels,
                                          float* c) LLAMA2_TARGET_ATTR {
            for_tiles<rows_of<vectors()>>(
                0, first + count, [&](auto rows, std::size_t i) LLAMA2_TARGET_ATTR {
                  const std::size_t begin = i <= first ? 0 : i - first;  // that see the first key
                  multiply_tile<rows(), vectors()>(a + begin * row + i, Constant<1>(), row,
                                                   panels + j * count + begin * panel_cols,
                                                   count - begin, cols, true, c + i * kv_stride + j,
                                                   kv_stride);
                });
          };
          add_transposed(part.scores, part.queries, dk);
          add_transposed(part.weights, part.packed_douts, dv);
        });
      }
    }
  }
}

}  // namespace llama2::inline LLAMA2_ABI::LLAMA2_TARGET_NAMESPACE
LLAMA2_TARGET_END;

#endif  // toggle guard
