// Checkpoints in the three versions of llama2.c's .bin format as byte strings, written from the
// formats' description and without the library's reader.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "llama2/format/float_formats.hpp"
#include "llama2/model/random_model.hpp"

namespace test {

/// A model's numbers. Tensors of a kind are together, layer after layer, as in the files.
struct FloatModel {
  std::int32_t dim = 0, hidden_dim = 0, layers = 0, heads = 0, kv_heads = 0, vocab = 0, context = 0;
  bool tied_head = false;
  std::array<std::vector<float>, 12> tensors;

  std::vector<float>& operator[](llama2::TensorKind kind) {
    return tensors[static_cast<std::size_t>(kind)];
  }
  const std::vector<float>& operator[](llama2::TensorKind kind) const {
    return tensors[static_cast<std::size_t>(kind)];
  }
};

/// The numbers of a model in 32-bit floats.
template <class Shape>
FloatModel float_model(const llama2::Model<Shape, llama2::F32>& model) {
  const auto number = [](std::size_t n) { return static_cast<std::int32_t>(n); };
  FloatModel out{.dim = number(Shape::dim),
                 .hidden_dim = number(Shape::hidden_dim),
                 .layers = number(Shape::layers),
                 .heads = number(Shape::heads),
                 .kv_heads = number(Shape::kv_heads),
                 .vocab = number(Shape::vocab),
                 .context = number(Shape::context),
                 .tied_head = llama2::tied_head<Shape>,
                 .tensors = {}};
  auto weights = model.weights();
  llama2::for_each_tensor(
      [&](llama2::TensorId id, const auto& tensor) {
        std::vector<float>& floats = out[id.kind];
        if constexpr (requires { tensor.layout; }) {
          std::vector<float> row(tensor.cols);
          for (std::size_t r = 0; r < tensor.rows; ++r) {
            tensor.decode_row(r, row.data());
            floats.insert(floats.end(), row.begin(), row.end());
          }
        } else {
          floats.insert(floats.end(), tensor.data, tensor.data + tensor.cols);
        }
      },
      weights);
  return out;
}

/// The numbers that `make_random_model` generates.
template <class Shape>
FloatModel random_float_model(std::uint64_t seed) {
  return float_model<Shape>(llama2::make_random_model<llama2::Model<Shape, llama2::F32>>(seed));
}

/// One group of numbers in 8 bits, and what to multiply them by.
struct QuantisedGroup {
  std::vector<std::int8_t> integers;
  float scale;
};

/// The largest magnitude becomes 127 or -127.
inline QuantisedGroup quantise(std::span<const float> floats) {
  float largest = 0;
  for (const float value : floats) largest = std::max(largest, std::abs(value));
  QuantisedGroup group{.integers = {}, .scale = largest / 127};
  for (const float value : floats)
    group.integers.push_back(largest == 0
                                 ? std::int8_t{0}
                                 : static_cast<std::int8_t>(std::nearbyint(value / group.scale)));
  return group;
}

namespace bin_detail {

template <class T>
void put(std::string& out, std::span<const T> values) {
  out.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
}

template <class T>
void put(std::string& out, const T& value) {
  put(out, std::span<const T>(&value, 1));
}

inline void put_floats(std::string& out, const std::vector<float>& floats) {
  put(out, std::span<const float>(floats));
}

inline void put_sizes(std::string& out, const FloatModel& model, std::int32_t vocab) {
  for (const std::int32_t size : {model.dim, model.hidden_dim, model.layers, model.heads,
                                  model.kv_heads, vocab, model.context})
    put(out, size);
}

inline void put_tagged_header(std::string& out, const FloatModel& model, std::int32_t version,
                              std::int32_t group_size) {
  put(out, std::uint32_t{0x616b3432});
  put(out, version);
  put_sizes(out, model, model.vocab);
  put(out, static_cast<std::uint8_t>(model.tied_head));
  if (version == 2) put(out, group_size);
  out.resize(256, '\0');
}

inline constexpr std::array norms = {llama2::TensorKind::attention_norm,
                                     llama2::TensorKind::ffn_norm, llama2::TensorKind::norm};
inline constexpr std::array matrices = {llama2::TensorKind::token_embedding,
                                        llama2::TensorKind::wq,
                                        llama2::TensorKind::wk,
                                        llama2::TensorKind::wv,
                                        llama2::TensorKind::wo,
                                        llama2::TensorKind::w1,
                                        llama2::TensorKind::w2,
                                        llama2::TensorKind::w3,
                                        llama2::TensorKind::output};

/// Calls f(floats) for the matrix of each layer, or for the only one.
template <class F>
void for_each_matrix(const FloatModel& model, llama2::TensorKind kind, F&& f) {
  const std::vector<float>& floats = model[kind];
  if (floats.empty()) return;
  const std::size_t count =
      llama2::is_layer_tensor(kind) ? static_cast<std::size_t>(model.layers) : 1;
  const std::size_t size = floats.size() / count;
  for (std::size_t i = 0; i < count; ++i) f(std::span(floats).subspan(i * size, size));
}

}  // namespace bin_detail

/// Version 0: no magic number, a negative vocabulary for a head of its own, and tables of the
/// rotary embedding that no reader may need: here they are not numbers.
inline std::string write_version_0(const FloatModel& model) {
  using enum llama2::TensorKind;
  std::string out;
  bin_detail::put_sizes(out, model, model.tied_head ? model.vocab : -model.vocab);
  for (const auto kind :
       {token_embedding, attention_norm, wq, wk, wv, wo, ffn_norm, w1, w2, w3, norm})
    bin_detail::put_floats(out, model[kind]);
  const auto table = static_cast<std::size_t>(model.context * (model.dim / model.heads / 2));
  const std::vector<float> unused(table, std::numeric_limits<float>::quiet_NaN());
  bin_detail::put_floats(out, unused);  // cosines
  bin_detail::put_floats(out, unused);  // sines
  if (!model.tied_head) bin_detail::put_floats(out, model[output]);
  return out;
}

/// Version 1: a header of 256 bytes, the norms, then the matrices.
inline std::string write_version_1(const FloatModel& model) {
  std::string out;
  bin_detail::put_tagged_header(out, model, 1, 0);
  for (const auto kind : bin_detail::norms) bin_detail::put_floats(out, model[kind]);
  for (const auto kind : bin_detail::matrices) bin_detail::put_floats(out, model[kind]);
  return out;
}

/// Version 2: the same with matrices in 8 bits. Of each, all integers come first, then the scales
/// of its groups, which run on over the ends of rows.
inline std::string write_version_2(const FloatModel& model, std::size_t group_size) {
  std::string out;
  bin_detail::put_tagged_header(out, model, 2, static_cast<std::int32_t>(group_size));
  for (const auto kind : bin_detail::norms) bin_detail::put_floats(out, model[kind]);
  for (const auto kind : bin_detail::matrices)
    bin_detail::for_each_matrix(model, kind, [&](std::span<const float> floats) {
      std::string scales;
      for (std::size_t i = 0; i < floats.size(); i += group_size) {
        const QuantisedGroup group = quantise(floats.subspan(i, group_size));
        bin_detail::put(out, std::span<const std::int8_t>(group.integers));
        bin_detail::put(scales, group.scale);
      }
      out += scales;
    });
  return out;
}

/// The numbers that a version 2 file stands for.
inline FloatModel through_8_bits(const FloatModel& model, std::size_t group_size) {
  FloatModel out = model;
  for (const auto kind : bin_detail::matrices) {
    out[kind].clear();
    bin_detail::for_each_matrix(model, kind, [&](std::span<const float> floats) {
      for (std::size_t i = 0; i < floats.size(); i += group_size) {
        const QuantisedGroup group = quantise(floats.subspan(i, group_size));
        for (const std::int8_t integer : group.integers)
          out[kind].push_back(static_cast<float>(integer) * group.scale);
      }
    });
  }
  return out;
}

}  // namespace test
