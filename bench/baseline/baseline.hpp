// A Llama 2 in plain loops, to compare the library to: what a compiler makes of the obvious code.
//
// Run-time extents, row-major 32-bit floats, one token at a time, `#pragma omp` where a loop is
// worth it; compiled with -O3 -march=native -ffast-math. Trusts its input.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace bench {

struct BaselineShape {
  std::size_t dim, hidden_dim, layers, heads, kv_heads, vocab, context;
  bool tied_head;
};

class Baseline {
 public:
  /// A model of small random weights.
  explicit Baseline(const BaselineShape& shape);

  /// A llama2.c checkpoint of version 0. Throws `std::runtime_error` if it cannot be read.
  explicit Baseline(const std::string& path);

  /// How many threads all models use.
  static void set_threads(std::size_t threads);

  [[nodiscard]] const BaselineShape& shape() const noexcept { return shape_; }

  /// Logits after `token` at `position`, of which all before it have been given in order.
  const float* forward(std::size_t token, std::size_t position);

 private:
  void allocate();

  BaselineShape shape_;
  // Weights: of all layers one after the other.
  std::vector<float> embedding_, attention_norm_, wq_, wk_, wv_, wo_, ffn_norm_, w1_, w2_, w3_,
      norm_, head_;
  // State.
  std::vector<float> x_, normed_, q_, attended_, gate_, up_, scores_, logits_, keys_, values_;
};

}  // namespace bench
