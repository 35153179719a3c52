// The optimiser: AdamW with decoupled weight decay, and clipping by the norm of all gradients.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "llama2/base/aligned_buffer.hpp"
#include "llama2/base/error.hpp"
#include "llama2/kernels/kernels.hpp"
#include "llama2/kernels/optimiser-inl.hpp"
#include "llama2/model/linear.hpp"
#include "llama2/parallel/executor.hpp"
#include "llama2/train/objective.hpp"

namespace llama2::inline LLAMA2_ABI {

/// The defaults are Llama 2's (arXiv:2307.09288, section 2.2).
///
/// The paper does not say what decays. Here it is every matrix, the token embedding and the output
/// head included, as in llama2.c; gains of norms do not.
struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-5;
  double weight_decay = 0.1;
  double clip_norm = 1.0;  ///< longer gradients are made this long; 0: as long as they are

  /// Throws `invalid_argument` for values that no training can use.
  void validate() const {
    require_option(beta1 >= 0 && beta1 < 1, "beta1", beta1, "0 to below 1");
    require_option(beta2 >= 0 && beta2 < 1, "beta2", beta2, "0 to below 1");
    require_option(epsilon > 0 && std::isfinite(epsilon), "epsilon", epsilon, "a number above 0");
    require_option(weight_decay >= 0 && std::isfinite(weight_decay), "weight decay", weight_decay,
                   "a number of at least 0");
    require_option(clip_norm >= 0 && std::isfinite(clip_norm), "clip norm", clip_norm,
                   "a number of at least 0");
  }
};

/// Changes tensors by their gradients (Loshchilov and Hutter 2017, arXiv:1711.05101). Holds two
/// moments for each weight. The same bits for any number of threads; nothing is allocated after
/// the constructor.
class AdamW {
 public:
  /// The tensors' memory must stay where it is for as long as this lives. Throws `invalid_argument`
  /// for impossible options and for a gradient that is not as large as its tensor.
  AdamW(std::span<const TrainedTensor> tensors, const AdamWOptions& options,
        SharedExecutor executor = {})
      : options_(options), executor_(std::move(executor)) {
    options.validate();
    std::size_t elements = 0;
    for (const TrainedTensor& tensor : tensors) {
      if (tensor.gradient.size() != tensor.values.size())
        throw Error(ErrorCode::invalid_argument, "the gradient is not as large as its tensor",
                    {.tensor = tensor.name,
                     .expected = std::to_string(tensor.values.size()),
                     .found = std::to_string(tensor.gradient.size())});
      elements += round_up(tensor.values.size(), padding);
    }
    first_ = AlignedBuffer<float>(elements);
    second_ = AlignedBuffer<float>(elements);
    std::size_t begin = 0;
    for (const TrainedTensor& tensor : tensors) {
      const std::size_t size = tensor.values.size();
      moments_.push_back({{first_.data() + begin, size}, {second_.data() + begin, size}});
      for (std::size_t i = 0; i < size; i += block_size)
        blocks_.push_back({.size = std::min(block_size, size - i),
                           .decays = tensor.decays,
                           .value = tensor.values.data() + i,
                           .gradient = tensor.gradient.data() + i,
                           .first = first_.data() + begin + i,
                           .second = second_.data() + begin + i});
      begin += round_up(size, padding);
    }
    squares_.resize(blocks_.size());
  }

  /// A tensor's running means of its gradient and of the gradient's square.
  struct Moments {
    std::span<float> first, second;
  };
  /// In the order of the tensors; a checkpoint saves and restores them.
  [[nodiscard]] std::span<const Moments> moments() const noexcept { return moments_; }

  /// Steps taken.
  [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }
  /// For a checkpoint: as if so many steps had been taken.
  void set_steps(std::uint64_t steps) noexcept { steps_ = steps; }

  [[nodiscard]] const AdamWOptions& options() const noexcept { return options_; }

  /// The Euclidean norm of all gradients together: squares of fixed blocks are added up in floats,
  /// the blocks in double and in order.
  [[nodiscard]] double gradient_norm() noexcept {
    over_blocks(2, [&](const Block& block, std::size_t i) {
      squares_[i] = kernels::sum_of_squares(block.gradient, block.size);
    });
    double sum = 0;
    for (const float square : squares_) sum += square;
    return std::sqrt(sum);
  }

  /// One step along the gradients times `gradient_scale`, clipped; then they are zero again.
  /// Returns the scaled gradients' norm as it was before clipping. If that is not a finite number
  /// nothing is changed.
  double step(double learning_rate, double gradient_scale = 1) noexcept {
    const double norm = gradient_norm() * gradient_scale;
    if (!std::isfinite(norm)) return norm;
    if (options_.clip_norm > 0 && norm > options_.clip_norm)
      gradient_scale *= options_.clip_norm / norm;
    ++steps_;
    const auto t = static_cast<double>(steps_);
    AdamWStep s{.gradient_scale = static_cast<float>(gradient_scale),
                .beta1 = static_cast<float>(options_.beta1),
                .rest1 = static_cast<float>(1 - options_.beta1),
                .beta2 = static_cast<float>(options_.beta2),
                .rest2 = static_cast<float>(1 - options_.beta2),
                .keep = static_cast<float>(1 - learning_rate * options_.weight_decay),
                .rate = static_cast<float>(learning_rate / (1 - std::pow(options_.beta1, t))),
                .root_scale = static_cast<float>(1 / std::sqrt(1 - std::pow(options_.beta2, t))),
                .epsilon = static_cast<float>(options_.epsilon)};
    AdamWStep undecayed = s;
    undecayed.keep = 1;
    over_blocks(16, [&](const Block& block, std::size_t) {
      kernels::adamw(block.decays ? s : undecayed, block.gradient, block.size, block.value,
                     block.first, block.second);
      std::fill_n(block.gradient, block.size, 0.0f);
    });
    return norm;
  }

  /// Forgets the gradients.
  void clear_gradients() noexcept {
    over_blocks(
        1, [](const Block& block, std::size_t) { std::fill_n(block.gradient, block.size, 0.0f); });
  }

 private:
  /// Elements that a thread takes at a time: what is read and written of them fits a second-level
  /// cache, and the sum of their squares is exact enough in floats.
  static constexpr std::size_t block_size = 4096;
  static constexpr std::size_t padding = 16;  // floats: a cache line

  struct Block {
    std::size_t size;
    bool decays;
    float* value;
    float* gradient;
    float* first;
    float* second;
  };

  /// Calls body(block, its number) for all of them; `cost` is that of an element in multiply-adds.
  template <class Body>
  void over_blocks(std::size_t cost, Body&& body) const noexcept {
    parallel_ranges(executor_, blocks_.size(), 1, block_size * cost,
                    [&](std::size_t begin, std::size_t end) {
                      for (std::size_t i = begin; i < end; ++i) body(blocks_[i], i);
                    });
  }

  AdamWOptions options_;
  SharedExecutor executor_;
  AlignedBuffer<float> first_, second_;
  std::vector<Moments> moments_;
  std::vector<Block> blocks_;
  std::vector<float> squares_;  // of each block's gradients
  std::uint64_t steps_ = 0;
};

}  // namespace llama2::inline LLAMA2_ABI
