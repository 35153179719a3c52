// GGUF files as byte strings, written from the format's description and without the library's
// reader or writer, so that they can also be wrong.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "bin_writer.hpp"

namespace test {

/// The bytes of a number.
template <class T>
  requires std::is_arithmetic_v<T>
std::string bytes_of(T value) {
  std::string out(sizeof value, '\0');
  std::memcpy(out.data(), &value, sizeof value);
  return out;
}

/// A string as GGUF has it.
inline std::string gguf_string(std::string_view text) {
  return bytes_of(std::uint64_t{text.size()}) + std::string(text);
}

/// The number of a value's type.
template <class T>
constexpr std::uint32_t gguf_type_of() {
  if constexpr (std::is_same_v<T, bool>)
    return 7;
  else if constexpr (std::is_same_v<T, float>)
    return 6;
  else if constexpr (std::is_same_v<T, double>)
    return 12;
  else
    return (sizeof(T) == 8   ? 10u
            : sizeof(T) == 4 ? 4u
            : sizeof(T) == 2 ? 2u
                             : 0u) +
           (std::is_signed_v<T> ? 1u : 0u);
}

/// One entry of the metadata: the key, and the bytes of its type and value.
struct GgufEntry {
  std::string key;
  std::string typed_value;
};

template <class T>
  requires std::is_arithmetic_v<T>
GgufEntry gguf_entry(std::string key, T value) {
  return {std::move(key), bytes_of(gguf_type_of<T>()) + bytes_of(value)};
}
inline GgufEntry gguf_entry(std::string key, std::string_view value) {
  return {std::move(key), bytes_of(std::uint32_t{8}) + gguf_string(value)};
}
inline GgufEntry gguf_entry(std::string key, const char* value) {
  return gguf_entry(std::move(key), std::string_view(value));
}
template <class T>
GgufEntry gguf_array(std::string key, const std::vector<T>& values) {
  std::string bytes = bytes_of(std::uint32_t{9});
  if constexpr (std::is_same_v<T, std::string>) {
    bytes += bytes_of(std::uint32_t{8}) + bytes_of(std::uint64_t{values.size()});
    for (const std::string& value : values) bytes += gguf_string(value);
  } else {
    bytes += bytes_of(gguf_type_of<T>()) + bytes_of(std::uint64_t{values.size()});
    for (const T value : values) bytes += bytes_of(value);
  }
  return {std::move(key), std::move(bytes)};
}

struct GgufBytesTensor {
  std::string name;
  std::vector<std::uint64_t> extents;  ///< the fastest first
  std::uint32_t type;
  std::string data;
  std::optional<std::uint64_t> offset{};  ///< in place of the right one
};

/// A file to be changed and then written.
struct GgufBytes {
  std::uint32_t version = 3;
  std::vector<GgufEntry> entries{};
  std::vector<GgufBytesTensor> tensors{};
  std::size_t alignment = 32;
  std::optional<std::uint64_t> entry_count{}, tensor_count{};  ///< in place of the right ones

  GgufBytesTensor& tensor(std::string_view name) {
    for (GgufBytesTensor& tensor : tensors)
      if (tensor.name == name) return tensor;
    throw std::invalid_argument("no such tensor: " + std::string(name));
  }

  /// Replaces the entry with the same key, or adds it.
  void set(GgufEntry entry) {
    for (GgufEntry& old : entries)
      if (old.key == entry.key) {
        old = std::move(entry);
        return;
      }
    entries.push_back(std::move(entry));
  }
  void erase(std::string_view key) {
    std::erase_if(entries, [&](const GgufEntry& entry) { return entry.key == key; });
  }
  void erase_tensor(std::string_view name) {
    std::erase_if(tensors, [&](const GgufBytesTensor& tensor) { return tensor.name == name; });
  }

  /// Everything before the tensors' data.
  [[nodiscard]] std::string header() const {
    std::string out = "GGUF" + bytes_of(version) + bytes_of(tensor_count.value_or(tensors.size())) +
                      bytes_of(entry_count.value_or(entries.size()));
    for (const GgufEntry& entry : entries) out += gguf_string(entry.key) + entry.typed_value;
    std::uint64_t offset = 0;
    for (const GgufBytesTensor& tensor : tensors) {
      out += gguf_string(tensor.name) + bytes_of(static_cast<std::uint32_t>(tensor.extents.size()));
      for (const std::uint64_t extent : tensor.extents) out += bytes_of(extent);
      out += bytes_of(tensor.type) + bytes_of(tensor.offset.value_or(offset));
      offset += padded(tensor.data).size();
    }
    return padded(out);
  }

  [[nodiscard]] std::string bytes() const {
    std::string out = header();
    for (const GgufBytesTensor& tensor : tensors) out += padded(tensor.data);
    return out;
  }

 private:
  [[nodiscard]] std::string padded(std::string bytes) const {
    bytes.resize((bytes.size() + alignment - 1) / alignment * alignment, '\0');
    return bytes;
  }
};

/// Rows of `cols` 32-bit floats in panels: 16 rows side by side, and those of up to four panels in
/// turns. What no row fills is NaN.
inline std::string floats_in_panels(const std::string& rows, std::size_t cols) {
  const std::size_t count = rows.size() / sizeof(float) / cols;
  const std::size_t panels = (count + 15) / 16;
  std::string out(panels * 16 * cols * sizeof(float), '\xFF');
  for (std::size_t r = 0; r < count; ++r)
    for (std::size_t c = 0; c < cols; ++c) {
      const std::size_t stripe = r / 64;
      const std::size_t side_by_side = std::min<std::size_t>(4, panels - 4 * stripe);
      const std::size_t block = 4 * stripe * cols + c * side_by_side + r % 64 / 16;
      std::memcpy(&out[(16 * block + r % 16) * sizeof(float)],
                  &rows[(r * cols + c) * sizeof(float)], sizeof(float));
    }
  return out;
}

/// The number that a packed file adds to the type of a matrix.
inline constexpr std::uint32_t packed_type = 0x4C320000;

/// The file packed, whose matrices must be in 32-bit floats.
inline GgufBytes packed(GgufBytes file) {
  for (GgufBytesTensor& tensor : file.tensors)
    if (tensor.extents.size() == 2) {
      tensor.type += packed_type;
      tensor.data = floats_in_panels(tensor.data, static_cast<std::size_t>(tensor.extents[0]));
    }
  file.alignment = 64;
  file.set(gguf_entry("general.alignment", 64u));
  file.set(gguf_entry("llama2.panels.version", 1u));
  return file;
}

/// A model's numbers as 32-bit floats, with the metadata that every file has.
inline GgufBytes gguf_bytes(const FloatModel& model) {
  const auto number = [](std::int32_t n) { return static_cast<std::uint32_t>(n); };
  GgufBytes file;
  file.entries = {gguf_entry("general.architecture", "llama"),
                  gguf_entry("llama.context_length", number(model.context)),
                  gguf_entry("llama.embedding_length", number(model.dim)),
                  gguf_entry("llama.block_count", number(model.layers)),
                  gguf_entry("llama.feed_forward_length", number(model.hidden_dim)),
                  gguf_entry("llama.attention.head_count", number(model.heads)),
                  gguf_entry("llama.attention.head_count_kv", number(model.kv_heads)),
                  gguf_entry("llama.attention.layer_norm_rms_epsilon", 1e-5f)};
  const auto add = [&](llama2::TensorKind kind, const std::string& name, std::int32_t rows,
                       std::int32_t cols) {
    const bool in_layer = llama2::is_layer_tensor(kind);
    const auto size = static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols);
    for (std::int32_t layer = 0; layer < (in_layer ? model.layers : 1); ++layer) {
      GgufBytesTensor tensor{.name = in_layer ? "blk." + std::to_string(layer) + "." + name : name,
                             .extents = {number(cols)},
                             .type = 0,
                             .data = {}};
      if (rows > 1) tensor.extents.push_back(number(rows));
      const float* const floats = model[kind].data() + static_cast<std::size_t>(layer) * size;
      tensor.data.assign(reinterpret_cast<const char*>(floats), size * sizeof(float));
      file.tensors.push_back(std::move(tensor));
    }
  };
  using enum llama2::TensorKind;
  const std::int32_t kv_dim = model.dim / model.heads * model.kv_heads;
  if (!model.tied_head) add(output, "output.weight", model.vocab, model.dim);
  add(token_embedding, "token_embd.weight", model.vocab, model.dim);
  add(attention_norm, "attn_norm.weight", 1, model.dim);
  add(w2, "ffn_down.weight", model.dim, model.hidden_dim);
  add(w1, "ffn_gate.weight", model.hidden_dim, model.dim);
  add(w3, "ffn_up.weight", model.hidden_dim, model.dim);
  add(ffn_norm, "ffn_norm.weight", 1, model.dim);
  add(wk, "attn_k.weight", kv_dim, model.dim);
  add(wo, "attn_output.weight", model.dim, model.dim);
  add(wq, "attn_q.weight", model.dim, model.dim);
  add(wv, "attn_v.weight", kv_dim, model.dim);
  add(norm, "output_norm.weight", 1, model.dim);
  return file;
}

}  // namespace test
