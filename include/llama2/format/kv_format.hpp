// How keys and values are cached.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "llama2/base/checked.hpp"
#include "llama2/format/float_formats.hpp"
#include "llama2/format/quantised.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Formats in which keys and values can be cached. `kv_bytes(n)` is what n elements of one head
/// need.
template <class K>
concept KvFormat = std::same_as<K, F32> || std::same_as<K, F16> || std::same_as<K, Q8_0>;

/// Queries that go over the cache together: their vectors and results lie on the stack.
template <std::size_t HeadDim>
inline constexpr std::size_t attention_batch = HeadDim <= 128 ? 48 : (HeadDim <= 1024 ? 6 : 1);

/// One key/value head's part of a page of P positions. Keys are transposed: both products of
/// attention then run along memory with a vector of outputs, and need no sums across lanes.
template <KvFormat K, std::size_t HeadDim, std::size_t P>
struct KvHead {
  using Element = typename K::Block;

  Element keys[HeadDim][P];
  Element values[P][HeadDim];

  /// Takes over the keys and values of positions `first` to `last` of a page.
  void copy_positions(const KvHead& from, std::size_t first, std::size_t last) noexcept {
    for (std::size_t i = 0; i < HeadDim; ++i)
      std::copy(from.keys[i] + first, from.keys[i] + last, keys[i] + first);
    std::memcpy(values[first], from.values[first], (last - first) * sizeof values[0]);
  }
};

/// In 8 bits, each 32 elements of a key or value have a scale; a last group may be smaller.
template <std::size_t HeadDim, std::size_t P>
struct KvHead<Q8_0, HeadDim, P> {
  using Element = std::int8_t;
  static constexpr std::size_t groups = ceil_div(HeadDim, Q8_0::block_size);

  Element keys[HeadDim][P];
  Half key_scales[groups][P];
  Element values[P][HeadDim];
  Half value_scales[groups][P];

  void copy_positions(const KvHead& from, std::size_t first, std::size_t last) noexcept {
    for (std::size_t i = 0; i < HeadDim; ++i)
      std::copy(from.keys[i] + first, from.keys[i] + last, keys[i] + first);
    for (std::size_t g = 0; g < groups; ++g) {
      std::copy(from.key_scales[g] + first, from.key_scales[g] + last, key_scales[g] + first);
      std::copy(from.value_scales[g] + first, from.value_scales[g] + last, value_scales[g] + first);
    }
    std::memcpy(values[first], from.values[first], (last - first) * sizeof values[0]);
  }
};

}  // namespace llama2::inline LLAMA2_ABI
