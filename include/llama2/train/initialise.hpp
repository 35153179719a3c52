// The weights with which training from scratch begins.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <type_traits>

#include "llama2/base/random.hpp"
#include "llama2/model/linear.hpp"
#include "llama2/train/parameter_storage.hpp"

namespace llama2::inline LLAMA2_ABI {

/// The standard deviation of fresh matrices, as in GPT-2 (Radford et al. 2019); what Llama 2 began
/// with is not published.
inline constexpr double initial_deviation = 0.02;

namespace detail {

/// Normal numbers 2 i and 2 i + 1 of a stream (Box and Muller 1958).
inline void normal_pair(std::uint64_t stream, std::uint64_t i, double deviation,
                        float (&out)[2]) noexcept {
  Random random(mix_bits(stream) ^ i);
  const double radius = deviation * std::sqrt(-2 * std::log(1 - random.uniform()));
  const double angle = 2 * std::numbers::pi * random.uniform();
  out[0] = static_cast<float>(radius * std::cos(angle));
  out[1] = static_cast<float>(radius * std::sin(angle));
}

}  // namespace detail

/// Sets all weights from `seed` alone, the same for any number of threads. Matrices are normal with
/// `initial_deviation`; those whose product is added to the residual stream (wo, w2) have it
/// divided by sqrt(2 layers), so that the stream's variance does not grow with the depth (Radford
/// et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.3). Gains of norms
/// are 1.
template <ModelShape S>
void initialise(ParameterStorage<S>& parameters, std::uint64_t seed,
                const SharedExecutor& executor = {}) noexcept {
  auto tensors = parameters.tensors();
  for_each_tensor(
      [&](TensorId id, const auto& tensor) {
        using Tensor = std::remove_cvref_t<decltype(tensor)>;
        if constexpr (Tensor::rows == 1) {
          std::ranges::fill(tensor.values(), 1.0f);
        } else {
          const bool adds = id.kind == TensorKind::wo || id.kind == TensorKind::w2;
          const double deviation =
              adds ? initial_deviation / std::sqrt(2.0 * S::layers) : initial_deviation;
          const std::uint64_t stream =
              mix_bits(seed) + 4096 * static_cast<std::uint64_t>(id.kind) + id.layer;
          constexpr std::size_t pairs = (Tensor::size + 1) / 2;
          constexpr std::size_t cost = 64;  // multiply-adds that take as long as a pair
          parallel_ranges(executor, pairs, 16, cost, [&](std::size_t begin, std::size_t end) {
            for (std::size_t i = begin; i < end; ++i) {
              float pair[2];
              detail::normal_pair(stream, i, deviation, pair);
              std::copy_n(pair, std::min<std::size_t>(2, Tensor::size - 2 * i),
                          tensor.data + 2 * i);
            }
          });
        }
      },
      tensors);
}

}  // namespace llama2::inline LLAMA2_ABI
