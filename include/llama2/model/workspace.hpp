// The intermediate results of a forward pass, allocated once.
#pragma once

#include <cstddef>
#include <string>

#include "llama2/base/aligned_buffer.hpp"
#include "llama2/format/activation.hpp"
#include "llama2/shape/memory_plan.hpp"
#include "llama2/shape/model_shape.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Scratch for passes over up to `rows()` rows at a time. For one thread at a time; every sequence
/// may use any workspace of the same shape.
template <ModelShape S>
class Workspace {
 public:
  explicit Workspace(std::size_t rows = max_batch_rows) : rows_(rows), buffer_(elements(rows)) {
    float* next = buffer_.data();
    const auto take = [&](std::size_t width) {
      float* const begin = next;
      next += rows * width;
      return begin;
    };
    stream = take(S::dim);
    normed = take(S::dim);
    query = take(S::dim);
    attended = take(S::dim);
    key = take(kv_dim<S>);
    value = take(kv_dim<S>);
    gate = take(S::hidden_dim);
    up = take(S::hidden_dim);
    cosines = take(head_dim<S>);
    sines = take(head_dim<S>);
    quantised = reinterpret_cast<ActivationBlock*>(next);
  }

  /// Rows that fit at a time.
  [[nodiscard]] std::size_t rows() const noexcept { return rows_; }

  float* stream;               ///< (rows, dim): the residual stream
  float* normed;               ///< (rows, dim): input of a layer, then its output
  float* query;                ///< (rows, dim)
  float* attended;             ///< (rows, dim): the heads' outputs
  float* key;                  ///< (rows, kv_dim)
  float* value;                ///< (rows, kv_dim)
  float* gate;                 ///< (rows, hidden_dim)
  float* up;                   ///< (rows, hidden_dim)
  float* cosines;              ///< (rows, head_dim): each pair's cosine twice
  float* sines;                ///< (rows, head_dim): each pair's (-sine, sine)
  ActivationBlock* quantised;  ///< a layer's input in 8 bits, for quantised weights

 private:
  static std::size_t elements(std::size_t rows) {
    if (rows < 1 || rows > 65536)
      throw Error(ErrorCode::invalid_argument, "workspace rows out of range",
                  {.expected = "1 to 65536", .found = std::to_string(rows)});
    return MemoryPlan<S, FloatElement, FloatElement>::scratch(rows) / sizeof(float);
  }
  static_assert(sizeof(ActivationBlock) == 36);
  struct FloatElement {
    using Block = float;
    static constexpr std::size_t block_size = 1;
  };

  std::size_t rows_;
  AlignedBuffer<float> buffer_;
};

}  // namespace llama2::inline LLAMA2_ABI
