// What a backward pass needs of the forward pass, and the tapes that keep it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <type_traits>

#include "llama2/base/aligned_buffer.hpp"
#include "llama2/model/tape.hpp"
#include "llama2/shape/model_shape.hpp"

namespace llama2::inline LLAMA2_ABI {

/// What is kept of a forward pass until the backward pass: memory against time.
enum class Recording {
  everything,    ///< every block's activations
  block_inputs,  ///< every block's input; a block is computed again, bit for bit, when it is needed
};

/// One block's activations, row-major.
template <ModelShape S>
struct BlockActivations {
  /// Floats that a row takes.
  static constexpr std::size_t width = 3 * S::dim + 2 * kv_dim<S> + 2 * S::hidden_dim;

  float* query;     ///< (rows, dim): rotated
  float* key;       ///< (rows, kv_dim): rotated
  float* value;     ///< (rows, kv_dim)
  float* attended;  ///< (rows, dim): the heads' outputs
  float* middle;    ///< (rows, dim): the residual stream between attention and feed-forward
  float* gate;      ///< (rows, hidden_dim): w1 x
  float* up;        ///< (rows, hidden_dim): w3 x

  /// In memory for `width * rows` floats.
  BlockActivations(float* memory, std::size_t rows) noexcept
      : query(memory),
        key(query + rows * S::dim),
        value(key + rows * kv_dim<S>),
        attended(value + rows * kv_dim<S>),
        middle(attended + rows * S::dim),
        gate(middle + rows * S::dim),
        up(gate + rows * S::hidden_dim) {}

  void record(Activation what, std::size_t first_row, std::span<const float> values) noexcept {
    const auto keep = [&](float* to, std::size_t row_width) {
      std::ranges::copy(values, to + first_row * row_width);
    };
    switch (what) {
      case Activation::query:
        return keep(query, S::dim);
      case Activation::key:
        return keep(key, kv_dim<S>);
      case Activation::value:
        return keep(value, kv_dim<S>);
      case Activation::attention_output:
        return keep(attended, S::dim);
      case Activation::block_middle:
        return keep(middle, S::dim);
      case Activation::gate:
        return keep(gate, S::hidden_dim);
      case Activation::up:
        return keep(up, S::hidden_dim);
      default:
        return;  // computed again from these
    }
  }
};

/// The activations of a pass of up to `rows()` rows, allocated once.
template <ModelShape S, Recording R>
class ActivationStore {
 public:
  /// Throws `out_of_memory`.
  explicit ActivationStore(std::size_t rows)
      : rows_(rows), buffer_(rows * (S::layers * S::dim + blocks * BlockActivations<S>::width)) {}

  [[nodiscard]] std::size_t rows() const noexcept { return rows_; }

  /// (rows, dim): the residual stream before block l.
  [[nodiscard]] float* input(std::size_t l) noexcept { return buffer_.data() + l * rows_ * S::dim; }

  /// Of block l; where only inputs are kept, the same memory for all.
  [[nodiscard]] BlockActivations<S> block(std::size_t l) noexcept {
    const std::size_t at = R == Recording::everything ? l : 0;
    return {buffer_.data() + rows_ * (S::layers * S::dim + at * BlockActivations<S>::width), rows_};
  }

  /// The tape of a forward pass.
  struct InputTape {
    ActivationStore& store;
    void record(Activation what, std::size_t layer, std::size_t first_row,
                std::span<const float> values) noexcept {
      if (what == Activation::block_input)
        std::ranges::copy(values, store.input(layer) + first_row * S::dim);
    }
  };

  /// The tape that keeps a block's activations beside its input.
  struct BlockTape {
    static constexpr bool sees_gate = true;

    ActivationStore& store;
    void record(Activation what, std::size_t layer, std::size_t first_row,
                std::span<const float> values) noexcept {
      if (what == Activation::block_input)
        std::ranges::copy(values, store.input(layer) + first_row * S::dim);
      else
        store.block(layer).record(what, first_row, values);
    }
  };

  /// What a forward pass is given.
  using ForwardTape = std::conditional_t<R == Recording::everything, BlockTape, InputTape>;

 private:
  static constexpr std::size_t blocks = R == Recording::everything ? S::layers : 1;

  std::size_t rows_;
  AlignedBuffer<float> buffer_;
};

}  // namespace llama2::inline LLAMA2_ABI
