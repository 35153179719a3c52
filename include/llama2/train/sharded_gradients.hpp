// Gradients of a batch of any size: cut into a fixed number of shards, for any number of threads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/token.hpp"
#include "llama2/train/gradient_pass.hpp"
#include "llama2/train/live_model.hpp"
#include "llama2/train/parameter_storage.hpp"

namespace llama2::inline LLAMA2_ABI {

/// How batches are cut. Gradients depend on it in their last bits, but on no number of threads.
struct ShardOptions {
  /// Parts of a batch, each computed by one thread; with one, all threads share in all of it.
  /// Beyond the first each holds a gradient of the whole model. 0: as many as suit the shape.
  std::size_t shards = 0;
  /// Tokens of a pass, at least those of a text: 0: as many as suit the shape.
  std::size_t pass_rows = 0;
};

/// Runs texts forward and backward through a live model, shard by shard.
template <ModelShape S, Recording R = Recording::everything>
class ShardedGradients {
 public:
  using Pass = GradientPass<S, R>;
  using Gradient = ParameterStorage<S>;
  using Text = std::span<const Token>;

  /// Threads that share a layer wait for each other at its end and pack the same operands, which
  /// costs a small model more than another gradient's memory.
  static constexpr std::size_t default_shards =
      ParameterStorage<S>::size <= std::size_t{4} << 20    ? 8
      : ParameterStorage<S>::size <= std::size_t{16} << 20 ? 4
                                                           : 1;
  static constexpr std::size_t default_pass_rows = std::clamp<std::size_t>(S::context, 512, 4096);

  /// Both arguments must outlive this. Throws `out_of_memory`, and `invalid_argument` for more
  /// shards than could be of use.
  ShardedGradients(const LiveModel<S>& live, const ParameterStorage<S>& parameters,
                   const ShardOptions& options = {})
      : executor_(live.model().executor()) {
    constexpr std::size_t most = 1024;
    const std::size_t shards = options.shards == 0 ? default_shards : options.shards;
    if (shards > most)
      throw Error(ErrorCode::invalid_argument, "too many shards",
                  {.expected = "at most " + std::to_string(most), .found = std::to_string(shards)});
    const auto& model = shards == 1 ? live.model() : live.single_threaded();
    const std::size_t rows = options.pass_rows == 0 ? default_pass_rows : options.pass_rows;
    for (std::size_t i = 0; i < shards; ++i)
      shards_.push_back(std::make_unique<Shard>(model, parameters, rows, i != 0));
  }

  /// The longest text that fits.
  [[nodiscard]] std::size_t pass_rows() const noexcept { return shards_.front()->pass.max_rows(); }

  /// Adds the gradients of a batch to `gradient`. Texts are taken in groups of `group` that come
  /// together (pairs to be compared): texts.size() must be a multiple of it.
  ///
  /// After each forward pass of texts [first, first + count), `loss(pass, first, count, gradient)`
  /// is called, from several threads at once: it tells the pass how the loss changes with what it
  /// computed, and adds to the `gradient` that it is given, which may be another than the caller's.
  ///
  /// Throws `invalid_argument` for what no pass takes, and what `loss` throws; `gradient` then
  /// holds any part of the sum.
  template <class Loss>
  void add(std::span<const Text> texts, std::size_t group, Gradient& gradient, Loss&& loss) {
    over_passes(texts, group, [&](Shard& shard, std::size_t first, std::size_t count) {
      Gradient& own = shard.gradient ? *shard.gradient : gradient;
      shard.pass.forward(texts.subspan(first, count));
      loss(shard.pass, first, count, own);
      shard.pass.backward(own);
    });
    reduce(gradient);
  }

  /// The forward passes alone: calls see(pass, first, count) after each.
  template <class See>
  void evaluate(std::span<const Text> texts, std::size_t group, See&& see) {
    over_passes(texts, group, [&](Shard& shard, std::size_t first, std::size_t count) {
      shard.pass.evaluate(texts.subspan(first, count));
      see(shard.pass, first, count);
    });
  }

 private:
  struct Shard {
    Shard(const typename Pass::Model& model, const ParameterStorage<S>& parameters,
          std::size_t rows, bool needs_gradient)
        : pass(model, parameters, rows) {
      if (needs_gradient) gradient.emplace();
    }

    Pass pass;
    std::optional<Gradient> gradient;  // the first shard's is the caller's
    std::size_t first = 0, end = 0;    // texts of the batch
    bool used = false;                 // since the last reduction
    std::exception_ptr error;
  };

  /// Cuts a batch into shards of about as many tokens and runs them.
  template <class F>
  void over_passes(std::span<const Text> texts, std::size_t group, F&& f) {
    if (group == 0 || texts.size() % group != 0)
      throw Error(ErrorCode::invalid_argument, "the texts are not whole groups",
                  {.expected = "a multiple of " + std::to_string(group),
                   .found = std::to_string(texts.size())});
    std::size_t total = 0, before = 0, next = 0;
    for (const Text text : texts) {
      if (text.empty()) throw Error(ErrorCode::invalid_argument, "an empty text");
      total += text.size();
    }
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      Shard& shard = *shards_[i];
      shard.first = next;
      // What begins before the shard's share of the tokens ends is its own.
      while (next < texts.size() && before * shards_.size() < (i + 1) * total)
        for (std::size_t k = 0; k < group; ++k) before += texts[next++].size();
      shard.end = next;
    }
    executor_run([&](Shard& shard) noexcept {
      shard.error = nullptr;
      try {
        for (std::size_t at = shard.first, end; at < shard.end; at = end) {
          std::size_t rows = 0;
          for (end = at; end < shard.end; end += group) {
            std::size_t more = 0;
            for (const Text text : texts.subspan(end, group)) more += text.size();
            if (end != at && rows + more > pass_rows()) break;
            rows += more;
          }
          shard.used = true;
          f(shard, at, end - at);
        }
      } catch (...) {
        shard.error = std::current_exception();
      }
    });
    for (const auto& shard : shards_)
      if (shard->error) {
        forget();
        std::rethrow_exception(shard->error);
      }
  }

  /// A single shard's pass shares its work out by itself.
  template <class Task>
  void executor_run(Task&& task) {
    if (shards_.size() == 1)
      task(*shards_.front());
    else
      executor_.run(shards_.size(), [&](std::size_t i) noexcept { task(*shards_[i]); });
  }

  /// Adds the shards' gradients to the caller's, in order, and makes them zeros again.
  void reduce(Gradient& gradient) noexcept {
    const std::span<float> sum = gradient.flat();
    parallel_ranges(executor_, sum.size(), 1024, 2 * shards_.size(),
                    [&](std::size_t begin, std::size_t end) {
                      for (const auto& shard : shards_) {
                        if (!shard->gradient || !shard->used) continue;
                        float* const part = shard->gradient->flat().data();
                        TrainingKernels::add_to(sum.data() + begin, part + begin, end - begin);
                        std::fill(part + begin, part + end, 0.0f);
                      }
                    });
    for (const auto& shard : shards_) shard->used = false;
  }

  /// Zeros again after a failure.
  void forget() noexcept {
    for (const auto& shard : shards_) {
      if (shard->gradient) std::ranges::fill(shard->gradient->flat(), 0.0f);
      shard->used = false;
    }
  }

  SharedExecutor executor_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace llama2::inline LLAMA2_ABI
