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

/// Loads the file as models of these formats, if it has the shape, and computes with them.
template <class Shape, class... Formats>
void run_as(const llama2::Checkpoint& checkpoint) {
  if (!checkpoint.shape.same_tensors(llama2::ShapeInfo::of<Shape>())) return;
  const auto run = [&](auto model) {
    const std::array<llama2::Token, 2> text = {1, 3};
    if (logits_of(model, text).size() != text.size() * Shape::vocab) finding("logits are missing");
  };
  const llama2::LoadOptions options{.threads = 1, .requantize = true};
  (run(llama2::load<llama2::Model<Shape, Formats>>(checkpoint, options)), ...);
}

inline void use(const llama2::Checkpoint& checkpoint) {
  using namespace llama2;
  decode_all(checkpoint);
  // Once with the tensors where they lie in the file, once with all of them converted.
  run_as<SeedLeast, Mixed<F32, F16, BF16>, BF16>(checkpoint);
  run_as<SeedBlocks, Mixed<F32, F16, BF16, Q8_0, Q4_0>, Q4_0>(checkpoint);
}

}  // namespace test
