// Writes models as .bin checkpoints of llama2.c.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/output_file.hpp"
#include "llama2/model/config.hpp"
#include "llama2/model/parameters.hpp"
#include "llama2/model/rope.hpp"
#include "llama2/model/tensor.hpp"
#include "llama2/shape/model_shape.hpp"

namespace llama2::inline LLAMA2_ABI {

namespace detail {

/// The format states neither norm epsilon nor rotary base: its readers take 1e-5 and 10000.
inline void check_llama2c_config(const std::string& path, const ModelConfig& config) {
  const auto refuse = [&](const char* field, std::string expected, std::string found) {
    throw Error(ErrorCode::unsupported,
                "a llama2.c .bin file cannot say this of a model; write a GGUF file",
                {.file = path,
                 .tensor = field,
                 .expected = std::move(expected),
                 .found = std::move(found)});
  };
  const ModelConfig silent;
  if (config.norm_epsilon != silent.norm_epsilon)
    refuse("norm_epsilon", std::to_string(silent.norm_epsilon),
           std::to_string(config.norm_epsilon));
  if (config.rope_theta != silent.rope_theta)
    refuse("rope_theta", std::to_string(silent.rope_theta), std::to_string(config.rope_theta));
  if (config.rope_scaling.kind != RopeScalingKind::none)
    refuse("rope_scaling", std::string(to_string(RopeScalingKind::none)),
           std::string(to_string(config.rope_scaling.kind)));
}

}  // namespace detail

/// Writes a model, its weights decoded to 32-bit floats, in version 0 of the format, which every
/// program for it reads. The file appears at the path when it is complete; see `OutputFile`.
///
/// Throws `io` when the file cannot be written and `unsupported` when the model's configuration is
/// one that the format cannot state.
template <class M>
void write_llama2c(const std::string& path, const M& model) {
  using S = typename M::Shape;
  const ModelConfig& config = model.config();
  detail::check_llama2c_config(path, config);
  static_assert(S::vocab <= std::size_t{std::numeric_limits<std::int32_t>::max()});

  OutputFile out(path);
  const auto vocab = static_cast<std::int32_t>(S::vocab);
  const std::array<std::int32_t, 7> header = {
      static_cast<std::int32_t>(S::dim),        static_cast<std::int32_t>(S::hidden_dim),
      static_cast<std::int32_t>(S::layers),     static_cast<std::int32_t>(S::heads),
      static_cast<std::int32_t>(S::kv_heads),   tied_head<S> ? vocab : -vocab,
      static_cast<std::int32_t>(config.context)};
  out.write(std::as_bytes(std::span(header)));

  // Tensors of a kind are together, layer after layer.
  const auto write_kind = [&](TensorKind kind) {
    auto weights = model.weights();
    for_each_tensor(
        [&]<class Tensor>(TensorId id, const Tensor& tensor) {
          if (id.kind != kind) return;
          if constexpr (Tensor::rows == 1) {
            out.write(std::as_bytes(std::span(tensor.data, Tensor::cols)));
          } else {
            visit_view(tensor, [&](const auto& view) {
              std::vector<float> row(Tensor::cols);
              for (std::size_t r = 0; r < Tensor::rows; ++r) {
                view.decode_row(r, row.data());
                out.write(std::as_bytes(std::span(row)));
              }
            });
          }
        },
        weights);
  };
  using enum TensorKind;
  for (const TensorKind kind :
       {token_embedding, attention_norm, wq, wk, wv, wo, ffn_norm, w1, w2, w3, norm})
    write_kind(kind);

  // Tables of the rotary embedding, which readers skip today and once did not.
  const RotaryTable<head_dim<S>> rotation(config);
  std::array<float, head_dim<S>> cosines, sines;
  std::array<float, head_dim<S> / 2> row;
  for (const bool sine : {false, true})
    for (std::size_t p = 0; p < config.context; ++p) {
      rotation.fill(p, cosines.data(), sines.data());
      for (std::size_t i = 0; i < row.size(); ++i)
        row[i] = sine ? sines[2 * i + 1] : cosines[2 * i];
      out.write(std::as_bytes(std::span(row)));
    }
  if constexpr (!tied_head<S>) write_kind(output);
  out.commit();
}

}  // namespace llama2::inline LLAMA2_ABI
