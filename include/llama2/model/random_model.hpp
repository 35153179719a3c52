// Models with generated weights, for tests and benchmarks.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

#include "llama2/base/random.hpp"
#include "llama2/model/model.hpp"
#include "llama2/model/pack.hpp"

namespace llama2::inline LLAMA2_ABI {

/// A model whose weights follow from `seed` alone, on any machine and for any thread count.
///
/// Element i of a tensor is `uniform_at(stream, i)` in [-1, 1) times a, where
/// stream = mix_bits(seed) + 4096 * kind + layer, and a = sqrt(3 / cols) for matrices (so that
/// products keep the variance of their inputs); norm gains are 1 + uniform / 8. In a `Mixed` model
/// the formats take turns.
template <class M>
M make_random_model(std::uint64_t seed, SharedExecutor executor = {},
                    ModelConfig config = ModelConfig::of<typename M::Shape>(), Target target = {}) {
  typename M::WeightTensors weights;
  std::size_t bytes = 0, tensors = 0;
  for_each_tensor(
      [&](TensorId, auto& tensor) {
        if constexpr (requires { tensor.choice; }) {
          constexpr auto names = with_formats_of<typename M::Weights>(
              []<class... Fs> { return std::array{std::string_view(Fs::name)...}; });
          tensor.choose(names[tensors++ % names.size()]);
        }
        visit_view(tensor, [&]<class View>(View&) {
          using Memory = TensorMemory<View>;
          bytes += WeightArena::size_of<typename Memory::Element>(Memory::count);
        });
      },
      weights);
  auto arena = std::make_shared<WeightArena>(bytes);
  Compute compute{std::move(executor), target};
  for_each_tensor(
      [&](TensorId id, auto& tensor) {
        using Tensor = std::remove_reference_t<decltype(tensor)>;
        const std::uint64_t stream =
            mix_bits(seed) + 4096 * static_cast<std::uint64_t>(id.kind) + id.layer;
        constexpr std::size_t cols = Tensor::cols;
        const bool is_norm = Tensor::rows == 1;
        const auto amplitude =
            is_norm ? 0.125f : static_cast<float>(std::sqrt(3.0 / static_cast<double>(cols)));
        const float centre = is_norm ? 1.0f : 0.0f;
        visit_view(tensor, [&]<class View>(View& view) {
          using Memory = TensorMemory<View>;
          pack(compute, view, arena->template take<typename Memory::Element>(Memory::count),
               [=](auto, std::size_t row, std::size_t col, std::size_t n, float* out) {
                 for (std::size_t i = 0; i < n; ++i)
                   out[i] = std::fma(amplitude, uniform_at(stream, row * cols + col + i), centre);
               });
        });
      },
      weights);
  return M(weights, std::move(arena), config, std::move(compute.executor), target);
}

}  // namespace llama2::inline LLAMA2_ABI
