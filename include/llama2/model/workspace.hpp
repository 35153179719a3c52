// The intermediate results of a forward pass, allocated once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "llama2/base/aligned_buffer.hpp"
#include "llama2/format/activation.hpp"
#include "llama2/shape/memory_plan.hpp"
#include "llama2/shape/model_shape.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Where prepared activations go, for each form the longest rows of any layer.
struct PreparedMemory {
  std::byte* floats = nullptr;
  std::byte* pairs = nullptr;
  std::byte* quads = nullptr;
};

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
    auto* bytes = reinterpret_cast<std::byte*>(next);
    const auto take_prepared = [&](ActivationForm form) {
      std::byte* const begin = bytes;
      bytes += activation_rows(rows) * activation_bytes(form, longest);
      return begin;
    };
    prepared = {take_prepared(ActivationForm::floats), take_prepared(ActivationForm::pairs),
                take_prepared(ActivationForm::quads)};
  }

  Workspace(Workspace&& other) noexcept { swap(other); }
  Workspace& operator=(Workspace&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Workspace() = default;

  /// Rows that fit at a time; 0 once moved from.
  [[nodiscard]] std::size_t rows() const noexcept { return rows_; }

  float* stream = nullptr;       ///< (rows, dim): the residual stream
  float* normed = nullptr;       ///< (rows, dim): input of a layer, then its output
  float* query = nullptr;        ///< (rows, dim)
  float* attended = nullptr;     ///< (rows, dim): the heads' outputs
  float* key = nullptr;          ///< (rows, kv_dim)
  float* value = nullptr;        ///< (rows, kv_dim)
  float* gate = nullptr;         ///< (rows, hidden_dim)
  float* up = nullptr;           ///< (rows, hidden_dim)
  float* cosines = nullptr;      ///< (rows, head_dim): each pair's cosine twice
  float* sines = nullptr;        ///< (rows, head_dim): each pair's (-sine, sine)
  PreparedMemory prepared = {};  ///< a layer's input as products take it

 private:
  static constexpr std::size_t longest = std::max(S::dim, S::hidden_dim);

  static std::size_t elements(std::size_t rows) {
    if (rows < 1 || rows > 65536)
      throw Error(ErrorCode::invalid_argument, "workspace rows out of range",
                  {.expected = "1 to 65536", .found = std::to_string(rows)});
    return MemoryPlan<S, FloatElement, FloatElement>::scratch(rows) / sizeof(float);
  }
  struct FloatElement {
    using Block = float;
    static constexpr std::size_t block_size = 1;
  };

  void swap(Workspace& other) noexcept {
    std::swap(rows_, other.rows_);
    std::swap(buffer_, other.buffer_);
    for (auto member : {&Workspace::stream, &Workspace::normed, &Workspace::query,
                        &Workspace::attended, &Workspace::key, &Workspace::value, &Workspace::gate,
                        &Workspace::up, &Workspace::cosines, &Workspace::sines})
      std::swap(this->*member, other.*member);
    std::swap(prepared, other.prepared);
  }

  std::size_t rows_ = 0;
  AlignedBuffer<float> buffer_;
};

}  // namespace llama2::inline LLAMA2_ABI
