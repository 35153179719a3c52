// From a file to a model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/file.hpp"
#include "llama2/base/watch.hpp"
#include "llama2/io/checkpoint.hpp"
#include "llama2/io/gguf.hpp"
#include "llama2/io/gguf_file.hpp"
#include "llama2/io/llama2c.hpp"
#include "llama2/model/model.hpp"
#include "llama2/model/pack.hpp"
#include "llama2/parallel/thread_pool.hpp"

namespace llama2::inline LLAMA2_ABI {

/// How a model is brought into memory, and who computes with it.
struct LoadOptions {
  /// Threads of the pool made for the model; 0 is one per processor. Ignored with an `executor`.
  std::size_t threads = 0;
  /// Multiply-adds from which on that pool's threads share work. Ignored with an `executor`.
  std::size_t min_parallel_work = default_min_parallel_work;
  /// Whose threads to use; by default a new `ThreadPool` is made.
  std::optional<SharedExecutor> executor = {};
  /// Whose kernels compute; by default the best target.
  std::optional<Target> target = {};
  /// Map the file, or read it into memory (safe against changes of the file underneath).
  FileAccess access = FileAccess::map;
  /// Whether weights that the file has in one quantised format may be rounded again to another.
  bool requantize = false;
  /// Told after each tensor how many bytes of the file are done, and of how many.
  /// What it throws ends the loading.
  OnProgress on_progress = {};
  /// Ends the loading within milliseconds, by `cancelled`.
  std::stop_token cancel = {};
  /// In place of what the file (or, where it is silent, the shape) says.
  std::optional<float> norm_epsilon = {};
  std::optional<float> rope_theta = {};
  /// To go beyond the context that the model was made for. Where it does not say what it grows
  /// from, that is the file's original context, or its context. The model's context, and so the
  /// default of a session, becomes factor times that, at most `max_context`.
  std::optional<RopeScaling> rope_scaling = {};
};

/// Opens a checkpoint of any format the library reads, recognised by content.
/// Throws `io`, `malformed_file`, `unsupported` or, while files are read into memory, `cancelled`.
inline Checkpoint open_checkpoint(const std::string& path, FileAccess access = FileAccess::map,
                                  const std::stop_token& cancel = {}) {
  auto file = std::make_shared<const InputFile>(path, access, unlimited_bytes, cancel);
  if (GgufFile::recognises(*file)) return read_gguf(std::move(file), access, cancel);
  constexpr std::string_view zip_magic = "PK\x03\x04";
  if (file->bytes().size() >= zip_magic.size() &&
      std::memcmp(file->bytes().data(), zip_magic.data(), zip_magic.size()) == 0)
    throw Error(ErrorCode::unsupported,
                "this looks like a PyTorch file, which this version does not read",
                {.file = path, .expected = "a GGUF file or a llama2.c .bin checkpoint"});
  return read_llama2c(std::move(file));
}

namespace detail {

/// Fills a view's memory from a tensor of a file: blocks as they are, or converted.
template <class View>
void pack_stored(const Compute& compute, const Checkpoint& checkpoint, const StoredTensor& stored,
                 View& view, typename TensorMemory<View>::Element* memory) noexcept {
  const auto decode = [&](auto kernels, std::size_t row, std::size_t col, std::size_t n,
                          float* out) {
    checkpoint.decode(stored, row * stored.cols + col, n, out, kernels);
  };
  using F = typename TensorMemory<View>::Format;
  if constexpr (std::is_same_v<typename View::Format, F>) {
    // Rows of a file are whole blocks.
    if (stored.encoding == encoding_of<F>() && !stored.in_panels) {
      const std::byte* const bytes = checkpoint.data(stored).data();
      pack_blocks(compute, view, memory,
                  [&](auto, std::size_t row, std::size_t col, std::size_t n, auto* out) {
                    const std::size_t first = row * row_blocks<F>(View::cols) + col / F::block_size;
                    std::memcpy(out, bytes + first * sizeof *out, row_bytes<F>(n));
                  });
      return;
    }
  }
  pack(compute, view, memory, decode);
}

/// Whether a tensor of a file is just what the view shows.
template <class View>
constexpr bool lies_in_place(const StoredTensor& stored) noexcept {
  if constexpr (std::is_void_v<typename View::Format>)
    return false;
  else
    return stored.in_panels && stored.encoding == encoding_of<typename View::Format>();
}

/// What the views of a model point into.
struct LoadedWeights {
  WeightArena arena;
  std::vector<std::shared_ptr<const InputFile>> files;  ///< of tensors that lie in place
};

/// Checks that a tensor of a file can become a tensor of a model.
template <class View>
void check_tensor(const Checkpoint& checkpoint, const StoredTensor& stored, bool requantize) {
  const auto refuse = [&](ErrorCode code, const char* message, std::string expected,
                          std::string found) {
    throw Error(code, message,
                {.file = checkpoint.file_of(stored).path(),
                 .offset = stored.offset,
                 .tensor = to_string(stored.id),
                 .expected = std::move(expected),
                 .found = std::move(found)});
  };
  if (stored.rows != View::rows || stored.cols != View::cols)
    refuse(ErrorCode::mismatch, "wrong extents",
           std::to_string(View::rows) + " x " + std::to_string(View::cols),
           std::to_string(stored.rows) + " x " + std::to_string(stored.cols));
  constexpr Encoding wanted = encoding_of<typename TensorMemory<View>::Format>();
  if (is_quantised(wanted) && is_quantised(stored.encoding) && wanted != stored.encoding &&
      !requantize)
    refuse(ErrorCode::mismatch,
           "the weights are quantised already, and rounding them again in another way loses "
           "accuracy: take the original, or allow it (LoadOptions::requantize, or the program "
           "quantize with --requantize)",
           std::string(to_string(wanted)), std::string(to_string(stored.encoding)));
}

}  // namespace detail

/// Makes a model of type M from an opened checkpoint: its weights are converted to M's format and
/// put into panels, in parallel. Memory for the result and one tensor of a mapped file is all that
/// it takes: what has been read is dropped. (A file that is read instead lies in memory as a whole,
/// until the checkpoint is gone.) The model does not need the file.
///
/// A packed file's matrices in M's format stay where they are: the model shares the mapping (or the
/// bytes that were read), and pages of a mapped file come into memory when they are first used.
/// Such a file must not be changed or truncated while the model lives; replacing it by another of
/// its name is harmless.
///
/// Throws `mismatch`, naming the field or tensor, what the type asks for and what the file has, and
/// `cancelled` if `options.cancel` asks for that.
template <class M>
M load(const Checkpoint& checkpoint, const LoadOptions& options = {}) {
  using Shape = typename M::Shape;
  ShapeInfo::of<Shape>().compare(
      checkpoint.shape, [&](const char* field, std::uint64_t expected, std::uint64_t found) {
        if (expected != found)
          throw Error(ErrorCode::mismatch, "the file is not a " + M::name(),
                      {.file = checkpoint.file->path(),
                       .tensor = field,
                       .expected = std::to_string(expected),
                       .found = std::to_string(found)});
      });

  Compute compute{options.executor.value_or(SharedExecutor()),
                  options.target ? *options.target : Target()};
  if (!options.executor && options.threads != 1)
    compute.executor = {std::make_shared<ThreadPool>(options.threads), options.min_parallel_work};
  const Compute loading{compute.executor.cancelled_by(options.cancel), compute.target};

  typename M::WeightTensors weights;
  std::size_t bytes = 0;
  bool in_place = false;
  std::uint64_t total = 0;
  std::vector<const StoredTensor*> converted;
  for_each_tensor(
      [&](TensorId id, auto& tensor) {
        const StoredTensor& stored = checkpoint.tensor(id);
        if constexpr (requires { tensor.choice; }) tensor.choose(to_string(stored.encoding));
        visit_view(tensor, [&]<class View>(View&) {
          using Memory = TensorMemory<View>;
          detail::check_tensor<View>(checkpoint, stored, options.requantize);
          if (detail::lies_in_place<View>(stored)) {
            in_place = true;
          } else {
            bytes += WeightArena::size_of<typename Memory::Element>(Memory::count);
            converted.push_back(&stored);
          }
          total += stored.bytes;
        });
      },
      weights);

  auto owner = std::make_shared<detail::LoadedWeights>(
      detail::LoadedWeights{.arena = WeightArena(bytes), .files = {}});
  if (in_place) owner->files = checkpoint.files();
  for (const auto& file : owner->files) file->prefer_huge_pages();
  std::uint64_t done = 0;
  std::size_t begun = 0;
  throw_if_cancelled(options.cancel);
  for_each_tensor(
      [&](TensorId id, auto& tensor) {
        const StoredTensor& stored = checkpoint.tensor(id);
        visit_view(tensor, [&]<class View>(View& view) {
          using Memory = TensorMemory<View>;
          using Element = typename Memory::Element;
          if (detail::lies_in_place<View>(stored)) {
            view.data = reinterpret_cast<const Element*>(checkpoint.data(stored).data());
          } else {
            if (++begun < converted.size()) checkpoint.will_need(*converted[begun]);
            detail::pack_stored(loading, checkpoint, stored, view,
                                owner->arena.template take<Element>(Memory::count));
            checkpoint.drop(stored);
            throw_if_cancelled(options.cancel);
          }
          done += stored.bytes;
          if (options.on_progress) options.on_progress(done, total);
        });
      },
      weights);

  ModelConfig config = checkpoint.config;
  if (!checkpoint.states_rope_theta) config.rope_theta = default_rope_theta<Shape>;
  config.norm_epsilon = options.norm_epsilon.value_or(config.norm_epsilon);
  config.rope_theta = options.rope_theta.value_or(config.rope_theta);
  if (options.rope_scaling) config = config.scaled(*options.rope_scaling);
  return M(weights, std::move(owner), config, std::move(compute.executor), compute.target);
}

/// Opens `path` and makes a model of type M from it; see `open_checkpoint` and the overload above.
template <class M>
M load(const std::string& path, const LoadOptions& options = {}) {
  return load<M>(open_checkpoint(path, options.access, options.cancel), options);
}

}  // namespace llama2::inline LLAMA2_ABI
