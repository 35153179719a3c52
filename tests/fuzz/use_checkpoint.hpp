// What a fuzz target does with a checkpoint that was accepted.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "hostile_bytes.hpp"
#include "llama2/io/checkpoint.hpp"
#include "llama2/io/load.hpp"
#include "logits.hpp"
#include "seed_shapes.hpp"

namespace test {

/// Decodes every element, in pieces that begin and end anywhere in a block.
inline void decode_all(const llama2::Checkpoint& checkpoint) {
  std::array<float, 1031> floats;
  for (const llama2::StoredTensor& tensor : checkpoint.tensors) {
    std::uint64_t left = tensor.elements();
    while (left != 0) {
      const std::size_t n = left < floats.size() ? static_cast<std::size_t>(left) : floats.size();
      checkpoint.decode(tensor, tensor.elements() - left, n, floats.data());
      left -= n;
    }
  }
}

/// Loads the file as a model in the file's own format, if it is one of these, and in 32-bit floats,
/// and computes with both.
template <class Shape, class... Formats>
void run_as(const llama2::Checkpoint& checkpoint) {
  if (!checkpoint.shape.same_tensors(llama2::ShapeInfo::of<Shape>())) return;
  const auto run = [&]<class Format>(Format) {
    if (llama2::encoding_of<Format>() != checkpoint.encoding && Format::name != llama2::F32::name)
      return;
    const auto model = llama2::load<llama2::Model<Shape, Format>>(checkpoint, {.threads = 1});
    const std::array<llama2::Token, 2> text = {1, 3};
    if (logits_of(model, text).size() != text.size() * Shape::vocab) finding("logits are missing");
  };
  (run(Formats()), ...);
}

inline void use(const llama2::Checkpoint& checkpoint) {
  decode_all(checkpoint);
  run_as<SeedLeast, llama2::F32, llama2::F16, llama2::BF16>(checkpoint);
  run_as<SeedBlocks, llama2::F32, llama2::Q8_0, llama2::Q4_0>(checkpoint);
}

}  // namespace test
