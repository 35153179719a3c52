// Adapters on a base that stays as it is, quantised: one block at a time is in floats.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "llama2/base/aligned_buffer.hpp"
#include "llama2/base/error.hpp"
#include "llama2/base/token.hpp"
#include "llama2/format/float_formats.hpp"
#include "llama2/io/gguf_writer.hpp"
#include "llama2/model/linear.hpp"
#include "llama2/model/model.hpp"
#include "llama2/model/pack.hpp"
#include "llama2/model/parameters.hpp"
#include "llama2/train/gradient_pass.hpp"
#include "llama2/train/live_model.hpp"
#include "llama2/train/low_rank_pair.hpp"
#include "llama2/train/objective.hpp"
#include "llama2/train/parameter_storage.hpp"
#include "llama2/train/token_losses.hpp"

namespace llama2::inline LLAMA2_ABI {

/// A language model that learns through adapters alone, W = W_0 + alpha / rank * B A, while W_0
/// stays in the base's own panels, quantised or not (Dettmers et al. 2023, arXiv:2305.14314). An
/// `Objective` of `TokenBatch`, with the losses and gradients of `LowRankAdapters` around a
/// `LanguageModel` of the decoded base.
///
/// When a block's turn comes, forward and backward, its matrices are decoded and its adapters
/// added. So there are floats for one block (its matrices twice, and their gradients) and for the
/// embeddings, beside the base, the adapters and the activations. M is the base's type.
template <class M, Recording R = Recording::block_inputs>
class LowRankLanguageModel {
 public:
  using Shape = typename M::Shape;

  /// `most_tokens` are taken through the model at once, and are the most that a text may have.
  /// Shares the base's weights and executor. Throws `out_of_memory`, and `invalid_argument` for
  /// impossible options.
  LowRankLanguageModel(M base, std::size_t most_tokens, const LowRankOptions& options = {})
      : base_(std::move(base)), adapter_of_(Shape::layers * kinds) {
    options.validate(std::min(kv_dim<Shape>, Shape::hidden_dim));
    lay_out(options);
    pass_.emplace(
        llama2::Model<Shape, F32>(panels_, panel_memory_, base_.config(), base_.executor()),
        floats_, most_tokens,
        BlockHooks{.prepare = [this](std::size_t l) { prepare(l); },
                   .finish = [this](std::size_t l) { finish(l); }});
  }

  LowRankLanguageModel(const LowRankLanguageModel&) = delete;
  LowRankLanguageModel& operator=(const LowRankLanguageModel&) = delete;

  [[nodiscard]] const M& base() const noexcept { return base_; }

  /// Bytes that this holds beside the base, but for activations.
  [[nodiscard]] std::size_t bytes() const noexcept {
    std::size_t sum = panel_bytes_ + float_memory_.size() * sizeof(float);
    for (const TrainedTensor& tensor : tensors_) sum += 2 * tensor.values.size_bytes();
    return sum;
  }

  // What an `Objective` has.
  [[nodiscard]] std::span<const TrainedTensor> tensors() const noexcept { return tensors_; }

  LossSum add_gradients(const TokenBatch& batch) {
    const LossSum counted = losses_.take(batch, Shape::vocab);
    over_passes(batch, [&](std::size_t first, std::size_t count) {
      pass_->forward(batch.texts.subspan(first, count));
      const std::size_t row = losses_.row_of(first);
      pass_->add_cross_entropy(
          losses_.targets(row, pass_->rows()),
          [&](std::size_t t, std::span<const float> logits) {
            return losses_.note(row + t, logits);
          },
          gradients_);
      pass_->backward(gradients_);
    });
    return losses_.added_up(counted);
  }

  LossSum loss(const TokenBatch& batch) {
    const LossSum counted = losses_.take(batch, Shape::vocab);
    over_passes(batch, [&](std::size_t first, std::size_t count) {
      pass_->evaluate(batch.texts.subspan(first, count));
      const std::size_t row = losses_.row_of(first);
      pass_->for_each_logits(
          losses_.targets(row, pass_->rows()),
          [&](std::size_t t, std::span<const float> logits) { losses_.note(row + t, logits); });
    });
    return losses_.added_up(counted);
  }

  void values_changed() noexcept { ready_ = nothing; }

  /// Writes the model with its adapters added, its matrices in `encoding` where that can be; see
  /// `write_gguf`.
  void write(const std::string& path, Encoding encoding, const Vocabulary* vocabulary = nullptr,
             const GgufWriteOptions& options = {}) const {
    std::vector<GgufTensor> tensors;
    auto weights = base_.weights();
    for_each_tensor(
        [&](TensorId id, const auto& tensor) {
          if constexpr (std::remove_cvref_t<decltype(tensor)>::rows == 1) {
            tensors.push_back(make_gguf_tensor(id, tensor));
          } else {
            visit_view(tensor, [&]<class View>(const View& view) {
              using F = typename View::Format;
              const detail::LowRankPair* const pair = pair_of(id);
              tensors.push_back(make_gguf_tensor(
                  id, View::rows, View::cols, encoding,
                  [view, pair](std::uint64_t row, std::size_t col, std::size_t n, float* out) {
                    const auto r = static_cast<std::size_t>(row);
                    typename F::Block blocks[1024 / F::block_size];
                    view.copy_row(r, col / F::block_size, row_blocks<F>(n), blocks);
                    F::decode(blocks, out, n);
                    if (pair != nullptr) pair->add_to_row(r, col, n, out);
                  }));
            });
          }
        },
        weights);
    write_gguf(
        path, {.shape = ShapeInfo::of<Shape>(), .config = base_.config(), .vocabulary = vocabulary},
        tensors, options);
  }

 private:
  static constexpr std::size_t kinds = static_cast<std::size_t>(TensorKind::output) + 1;
  static constexpr std::size_t nothing = std::size_t(-1);

  static constexpr std::size_t index_of(TensorId id) noexcept {
    return id.layer * kinds + static_cast<std::size_t>(id.kind);
  }
  [[nodiscard]] const detail::LowRankPair* pair_of(TensorId id) const noexcept {
    const auto& number = adapter_of_[index_of(id)];
    return number ? &pairs_[*number] : nullptr;
  }

  /// Calls f(id, base's tensor, panels, floats, gradient) for all tensors.
  template <class F>
  void over_tensors(F&& f) {
    auto weights = base_.weights();
    for_each_tensor(f, weights, panels_, floats_, gradients_);
  }

  /// Makes the adapters, and memory: of a block that all layers share, and of the embeddings.
  void lay_out(const LowRankOptions& options) {
    std::size_t floats = Shape::dim, block = 0;  // the gradients of gains, which nothing reads
    over_tensors([&](TensorId id, const auto&, const auto&, const auto& rows, const auto&) {
      using Rows = std::remove_cvref_t<decltype(rows)>;
      if constexpr (Rows::rows != 1) {
        using View = MatrixView<F32, Rows::rows, Rows::cols>;
        if (id.layer == 0)
          panel_bytes_ += WeightArena::size_of<PanelBlock<F32>>(TensorMemory<View>::count);
        if (is_layer_tensor(id.kind) && id.layer == 0)
          block += Rows::size * (options.adapts(id.kind) ? 2 : 1);
        if (options.adapts(id.kind)) {
          adapter_of_[index_of(id)] = pairs_.size();
          pairs_.emplace_back(to_string(id), Rows::rows, Rows::cols, options, pairs_.size() + 1);
          scratch_.reserve(Rows::rows, Rows::cols, options.rank);
        }
      }
    });
    for (detail::LowRankPair& pair : pairs_) pair.append_tensors(tensors_);
    panel_memory_ = std::make_shared<WeightArena>(panel_bytes_);
    float_memory_ = AlignedBuffer<float>(floats + block + Shape::vocab * Shape::dim);
    float* next = float_memory_.data();
    const auto take = [&](std::size_t count) { return std::exchange(next, next + count); };
    float* const gains = take(Shape::dim);
    float* const head = take(Shape::vocab * Shape::dim);
    struct Memory {
      PanelBlock<F32>* panels;
      float *rows, *gradient;
    };
    std::array<Memory, kinds> shared{};
    over_tensors([&](TensorId id, const auto& from, auto& panels, auto& rows, auto& gradient) {
      using Rows = std::remove_cvref_t<decltype(rows)>;
      if constexpr (Rows::rows == 1) {
        panels.data = rows.data = from.data;
        gradient.data = gains;
      } else {
        Memory& memory = shared[static_cast<std::size_t>(id.kind)];
        if (id.layer == 0) {
          using View = MatrixView<F32, Rows::rows, Rows::cols>;
          memory.panels = panel_memory_->template take<PanelBlock<F32>>(TensorMemory<View>::count);
          memory.rows = is_layer_tensor(id.kind) ? take(Rows::size) : head;
          if (options.adapts(id.kind)) memory.gradient = take(Rows::size);
          if (!is_layer_tensor(id.kind)) {  // the output head last, whose rows are needed
            decode(from, memory.rows);
            detail::fill_panels<Rows::rows, Rows::cols>(base_.executor(), memory.rows,
                                                        memory.panels);
          }
        }
        panels.data = memory.panels;
        rows.data = memory.rows;
        gradient.data = memory.gradient;
      }
    });
  }

  /// A matrix of the base as floats, row after row.
  template <class Tensor>
  void decode(const Tensor& tensor, float* out) const noexcept {
    visit_view(tensor, [&](const auto& view) {
      parallel_ranges(base_.executor(), Tensor::rows, 1, pack_cost * Tensor::cols,
                      [&](std::size_t begin, std::size_t end) {
                        for (std::size_t r = begin; r < end; ++r)
                          view.decode_row(r, out + r * Tensor::cols);
                      });
    });
  }

  /// Puts block l, adapters added, where all layers look for theirs.
  void prepare(std::size_t l) noexcept {
    if (std::exchange(ready_, l) == l) return;
    over_tensors([&](TensorId id, const auto& from, auto& panels, auto& rows, auto&) {
      using Rows = std::remove_cvref_t<decltype(rows)>;
      if constexpr (Rows::rows != 1) {
        if (!is_layer_tensor(id.kind) || id.layer != l) return;
        auto* const out = const_cast<float*>(rows.data);  // ours
        decode(from, out);
        if (const auto* const pair = pair_of(id)) pair->add_to(out, scratch_);
        detail::fill_panels<Rows::rows, Rows::cols>(base_.executor(), out,
                                                    const_cast<PanelBlock<F32>*>(panels.data));
      }
    });
  }

  /// Hands the gradients of block l's matrices on to its adapters.
  void finish(std::size_t l) noexcept {
    over_tensors([&](TensorId id, const auto&, auto&, auto&, auto& gradient) {
      if constexpr (std::remove_cvref_t<decltype(gradient)>::rows != 1) {
        if (!adapter_of_[index_of(id)] || id.layer != l) return;
        pairs_[*adapter_of_[index_of(id)]].add_gradients(gradient.data, scratch_);
        std::ranges::fill(gradient.values(), 0.0f);
      }
    });
  }

  /// Calls f(first text, texts) for as many at a time as fit.
  template <class F>
  void over_passes(const TokenBatch& batch, F&& f) {
    for (std::size_t first = 0, end; first < batch.texts.size(); first = end) {
      std::size_t rows = 0;
      for (end = first; end < batch.texts.size(); ++end) {
        rows += batch.texts[end].size();
        if (end != first && rows > pass_->max_rows()) break;
      }
      f(first, end - first);
    }
  }

  M base_;
  std::vector<detail::LowRankPair> pairs_;
  std::vector<std::optional<std::size_t>> adapter_of_;  // by index_of
  std::vector<TrainedTensor> tensors_;
  detail::LowRankScratch scratch_;
  std::shared_ptr<WeightArena> panel_memory_;
  std::size_t panel_bytes_ = 0;
  AlignedBuffer<float> float_memory_;
  // Where those lie. The matrices of all layers are the same memory.
  typename llama2::Model<Shape, F32>::WeightTensors panels_;
  typename ParameterStorage<Shape>::ConstTensors floats_;
  typename ParameterStorage<Shape>::Tensors gradients_;
  std::size_t ready_ = nothing;  // the block that is there
  std::optional<GradientPass<Shape, R>> pass_;
  detail::TokenLosses losses_;
};

}  // namespace llama2::inline LLAMA2_ABI
