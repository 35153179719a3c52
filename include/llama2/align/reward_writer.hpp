// A trained reward model into a file of its own, which `reward_scorer.hpp` reads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "llama2/align/reward_model.hpp"
#include "llama2/align/reward_scorer.hpp"
#include "llama2/io/gguf_writer.hpp"
#include "llama2/text/tokenizer.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Writes a reward model as a GGUF file: the trunk's matrices in `encoding` where that can be, see
/// `gguf_encoding`; the score head in F32 as "cls.output.weight" and "cls.output.bias", and
/// "llama.pooling_type" 4, which says that it ranks texts. There is no output head. Throws like
/// `write_gguf`.
template <ModelShape S, Recording R>
void write_reward_model(const std::string& path, const RewardModel<S, R>& model,
                        const Vocabulary* vocabulary = nullptr, Encoding encoding = Encoding::f32,
                        const GgufWriteOptions& options = {}) {
  std::vector<GgufTensor> tensors;
  auto weights = model.weights().tensors();
  for_each_tensor(
      [&]<class Tensor>(TensorId id, const Tensor& tensor) {
        if (id.kind == TensorKind::output) return;
        tensors.push_back(make_gguf_tensor(
            id, Tensor::rows, Tensor::cols, encoding,
            [tensor](std::uint64_t row, std::size_t col, std::size_t n, float* out) {
              std::copy_n(tensor.row(static_cast<std::size_t>(row)) + col, n, out);
            }));
      },
      weights);
  const ScoreHead& head = model.head();
  std::vector<float> numbers(head.weight().begin(), head.weight().end());
  numbers.push_back(head.bias());
  write_gguf(path,
             {.shape = ShapeInfo::of<Trunk<S>>(),
              .config = model.config(),
              .vocabulary = vocabulary,
              .score_head = numbers},
             tensors, options);
}

}  // namespace llama2::inline LLAMA2_ABI
