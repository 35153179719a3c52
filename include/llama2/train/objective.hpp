// The seam of the trainer: what is trained, by which loss, on whose batches.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "llama2/base/error.hpp"

namespace llama2::inline LLAMA2_ABI {

/// A tensor in training: what the optimiser changes, and by what.
struct TrainedTensor {
  std::string name;           ///< unique among an objective's; by it a saved state finds its tensor
  std::span<float> values;    ///< the weights
  std::span<float> gradient;  ///< of the same size
  bool decays = true;         ///< whether weight decay pulls it towards zero
};

/// Some losses added up, and how many they are.
struct LossSum {
  double sum = 0;           ///< nats, for a language model
  std::uint64_t count = 0;  ///< targets that have a loss

  /// Their mean; 0 of none.
  [[nodiscard]] double mean() const noexcept {
    return count == 0 ? 0.0 : sum / static_cast<double>(count);
  }
  LossSum& operator+=(const LossSum& other) noexcept {
    sum += other.sum;
    count += other.count;
    return *this;
  }
};

/// What a trainer trains: tensors, and a loss of them that a batch gives.
///
/// `tensors()` is the same list each time. `add_gradients(batch)` adds the gradients of the *sum*
/// of the batch's losses to the tensors' gradients and returns that sum: the trainer divides by the
/// number of losses of a whole step, however many batches that took. `loss(batch)` only returns it.
/// Neither may allocate after the first call, if training is not to. `values_changed()` is called
/// when a step, or the loading of a saved state, has changed the tensors' values. Both may throw;
/// the trainer then leaves the tensors' values alone.
template <class O, class Batch>
concept Objective = requires(O& objective, const Batch& batch) {
  { objective.tensors() } -> std::convertible_to<std::span<const TrainedTensor>>;
  { objective.add_gradients(batch) } -> std::convertible_to<LossSum>;
  { objective.loss(batch) } -> std::convertible_to<LossSum>;
  objective.values_changed();
};

/// An objective that knows its work: `multiply_adds(batch)` are those of `add_gradients`, counted
/// for the share of the processor's peak that training reaches.
template <class O, class Batch>
concept CountsWork = requires(O& objective, const Batch& batch) {
  { objective.multiply_adds(batch) } -> std::convertible_to<double>;
};

class StateFields;  // train/train_state.hpp

/// Where batches come from. `next()` gives the next one, valid until it is called again, and never
/// ends. `save` puts what decides all further batches into a checkpoint's fields, and `load` takes
/// it from there; it throws `mismatch` for fields of other data.
template <class S>
concept BatchSource =
    requires(S& source, const S& saved, StateFields& fields, const StateFields& stored) {
      typename S::Batch;
      { source.next() } -> std::convertible_to<const typename S::Batch&>;
      saved.save(fields);
      source.load(stored);
    };

}  // namespace llama2::inline LLAMA2_ABI
