// How much memory a model type needs, known to the compiler.
#pragma once

#include <cstddef>

#include "llama2/base/checked.hpp"
#include "llama2/shape/model_shape.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Positions in one page of the key/value cache; a page is also the block in which attention
/// walks over the past.
inline constexpr std::size_t kv_page_positions = 64;

/// Rows (tokens) that one pass over the weights takes at most; longer inputs take several.
inline constexpr std::size_t max_batch_rows = 240;

/// Exact sizes in bytes for shape `S` with the matrices stored in format `W` and keys and values
/// in `K` (each tensor may begin up to 63 bytes after the one before it). A weight format is
/// anything with a `Block` type and a `block_size`, or with `max_row_bytes(cols)`, which makes the
/// plan an upper bound; a cache format says with `kv_bytes(n)` what the n elements of a head's key
/// need.
template <ModelShape S, class W, class K>
struct MemoryPlan {
  /// Number of weights: matrices and norm gains.
  static constexpr std::size_t parameters() noexcept {
    return S::vocab * S::dim * (tied_head<S> ? 1 : 2) + S::dim +
           S::layers * (2 * S::dim * S::dim + 2 * kv_dim<S> * S::dim + 3 * S::dim * S::hidden_dim +
                        2 * S::dim);
  }

  /// All weights: matrices in `W`, norm gains in 32-bit floats.
  static constexpr std::size_t weights() noexcept {
    return matrix(S::vocab, S::dim) * (tied_head<S> ? 1 : 2) + S::dim * sizeof(float) +
           S::layers * (2 * matrix(S::dim, S::dim) + 2 * matrix(kv_dim<S>, S::dim) +
                        2 * matrix(S::hidden_dim, S::dim) + matrix(S::dim, S::hidden_dim) +
                        2 * S::dim * sizeof(float));
  }

  /// Keys and values of one position, all layers.
  static constexpr std::size_t kv_cache_per_token() noexcept {
    return 2 * S::layers * S::kv_heads * K::kv_bytes(head_dim<S>);
  }

  /// One page: keys and values of `kv_page_positions` positions, all layers.
  static constexpr std::size_t kv_page() noexcept {
    return kv_page_positions * kv_cache_per_token();
  }

  /// The cache of one sequence of up to `context` tokens, in whole pages.
  static constexpr std::size_t kv_cache(std::size_t context = S::context) noexcept {
    return ceil_div(context, kv_page_positions) * kv_page();
  }

  /// Intermediate results of one forward pass over up to `rows` rows at a time.
  static constexpr std::size_t scratch(std::size_t rows = max_batch_rows) noexcept {
    return sizeof(float) * rows *
           (4 * S::dim + 2 * kv_dim<S> + 2 * S::hidden_dim +
            2 * head_dim<S>)+prepared_activations(rows);
  }

  /// A layer's input as the products take it, in whole tiles of 6 tokens: twice as floats (one for
  /// processors that multiply shorter ones), and as integers, 40 bytes for 32.
  static constexpr std::size_t prepared_activations(std::size_t rows) noexcept {
    const std::size_t longest = S::dim > S::hidden_dim ? S::dim : S::hidden_dim;
    return (rows == 1 ? 1 : round_up(rows, 6)) *
           (2 * sizeof(float) * round_up(longest, 2) + 40 * ceil_div(longest, 32));
  }

  /// Logits, candidates and ids of a session: 28 bytes for each id, 4 for each token.
  static constexpr std::size_t session(std::size_t context = S::context) noexcept {
    return 28 * S::vocab + 4 * context;
  }

  /// The weights and everything that one session of `context` tokens needs.
  static constexpr std::size_t total(std::size_t context = S::context) noexcept {
    return weights() + kv_cache(context) + scratch() + session(context);
  }

 private:
  static constexpr std::size_t matrix(std::size_t rows, std::size_t cols) noexcept {
    const std::size_t padded = round_up(rows, 16);  // to whole panels
    if constexpr (requires { W::max_row_bytes(cols); }) {
      return padded * W::max_row_bytes(cols);
    } else {
      std::size_t stored = cols;
      if constexpr (requires { W::panel_cols; }) stored = round_up(cols, W::panel_cols);
      return padded * ceil_div(stored, W::block_size) * sizeof(typename W::Block);
    }
  }
};

}  // namespace llama2::inline LLAMA2_ABI
