// The adapter of one matrix: two thin ones, whose product is added to it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "llama2/base/aligned_buffer.hpp"
#include "llama2/base/error.hpp"
#include "llama2/base/random.hpp"
#include "llama2/kernels/training_kernels.hpp"
#include "llama2/model/parameters.hpp"
#include "llama2/train/objective.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Which matrices have adapters, and how large.
struct LowRankOptions {
  std::size_t rank = 8;
  double alpha = 16;  ///< the update is alpha / rank * B A
  bool attention = true;
  bool feed_forward = true;
  std::uint64_t seed = 0;  ///< of A; B begins with zeros

  /// Throws `invalid_argument` for a rank of zero or above the smallest matrix's sizes, and for
  /// adapters of nothing.
  void validate(std::size_t smallest) const {
    if (rank == 0 || rank > smallest)
      throw Error(ErrorCode::invalid_argument, "the rank of adapters",
                  {.expected = "1 to " + std::to_string(smallest), .found = std::to_string(rank)});
    if (!attention && !feed_forward)
      throw Error(ErrorCode::invalid_argument, "adapters of neither attention nor feed-forward");
  }

  /// Whether matrices of a kind have adapters.
  [[nodiscard]] bool adapts(TensorKind kind) const noexcept {
    switch (kind) {
      case TensorKind::wq:
      case TensorKind::wk:
      case TensorKind::wv:
      case TensorKind::wo:
        return attention;
      case TensorKind::w1:
      case TensorKind::w2:
      case TensorKind::w3:
        return feed_forward;
      default:
        return false;
    }
  }
};

namespace detail {

/// Memory for the products of the pairs of one model.
struct LowRankScratch {
  AlignedBuffer<float> factor;
  AlignedBuffer<float> kernel{TrainingKernels::linear_backward_scratch};

  /// Makes room for a pair.
  void reserve(std::size_t rows, std::size_t cols, std::size_t rank) {
    const std::size_t size = std::max(rows, cols) * rank;
    if (factor.size() < size) factor = AlignedBuffer<float>(size);
  }
};

/// scale * B A, with B (rows, rank) and A (rank, cols), and their gradients. A is kept transposed:
/// all that is asked of it are then products that training has.
class LowRankPair {
 public:
  /// `number` tells the pairs of one model apart. A is uniform with variance 1 / (3 cols), as the
  /// authors' program initialises it, and B zeros.
  LowRankPair(std::string name, std::size_t rows, std::size_t cols, const LowRankOptions& options,
              std::size_t number)
      : name_(std::move(name)),
        rows_(rows),
        cols_(cols),
        rank_(options.rank),
        scale_(static_cast<float>(options.alpha / static_cast<double>(options.rank))),
        a_(cols * rank_),
        d_a_(cols * rank_),
        b_(rows * rank_),
        d_b_(rows * rank_) {
    const float bound = 1 / std::sqrt(static_cast<float>(cols));
    for (std::size_t i = 0; i < cols * rank_; ++i)
      a_.data()[i] = bound * uniform_at(mix_bits(options.seed) ^ number, i);
  }

  /// Appends the two tensors that learn.
  void append_tensors(std::vector<TrainedTensor>& tensors) {
    const auto values = [](AlignedBuffer<float>& buffer) {
      return std::span<float>(buffer.data(), buffer.size());
    };
    tensors.push_back({.name = name_ + ".lora_a",
                       .values = values(a_),
                       .gradient = values(d_a_),
                       .decays = true});
    tensors.push_back({.name = name_ + ".lora_b",
                       .values = values(b_),
                       .gradient = values(d_b_),
                       .decays = true});
  }

  /// w += scale B A, for w (rows, cols).
  void add_to(float* w, LowRankScratch& scratch) const noexcept {
    float* const scaled = scratch.factor.data();
    for (std::size_t c = 0; c < cols_; ++c)
      for (std::size_t r = 0; r < rank_; ++r)
        scaled[r * cols_ + c] = scale_ * a_.data()[c * rank_ + r];
    TrainingKernels::linear_backward_input(b_.data(), scaled, rank_, cols_, rows_, true, w,
                                           scratch.kernel.data());
  }

  /// The same for n columns of one row, from a column on.
  void add_to_row(std::size_t row, std::size_t col, std::size_t n, float* w) const noexcept {
    const float* const b = b_.data() + row * rank_;
    for (std::size_t i = 0; i < n; ++i) {
      const float* const a = a_.data() + (col + i) * rank_;
      float sum = 0;
      for (std::size_t r = 0; r < rank_; ++r) sum += b[r] * a[r];
      w[i] += scale_ * sum;
    }
  }

  /// Adds the gradients of A and B, where `d` is that of the sum w.
  void add_gradients(const float* d, LowRankScratch& scratch) noexcept {
    float* const scaled = scratch.factor.data();
    for (std::size_t i = 0; i < rows_ * rank_; ++i) scaled[i] = scale_ * b_.data()[i];
    TrainingKernels::linear_backward_weights(d, cols_, scaled, cols_, rank_, rows_, d_a_.data(),
                                             scratch.kernel.data());
    for (std::size_t i = 0; i < cols_ * rank_; ++i) scaled[i] = scale_ * a_.data()[i];
    TrainingKernels::linear_backward_input(d, scaled, cols_, rank_, rows_, true, d_b_.data(),
                                           scratch.kernel.data());
  }

 private:
  std::string name_;
  std::size_t rows_, cols_, rank_;
  float scale_;
  AlignedBuffer<float> a_, d_a_;  // (cols, rank)
  AlignedBuffer<float> b_, d_b_;  // (rows, rank)
};

}  // namespace detail

}  // namespace llama2::inline LLAMA2_ABI
