// From a file to a model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/file.hpp"
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
  /// Whose threads to use; by default a new `ThreadPool` is made.
  std::optional<SharedExecutor> executor = {};
  /// Whose kernels compute; by default the best target.
  std::optional<Target> target = {};
  /// Map the file, or read it into memory (safe against changes of the file underneath).
  FileAccess access = FileAccess::map;
  /// In place of what the file (or, where it is silent, the shape) says.
  std::optional<float> norm_epsilon = {};
  std::optional<float> rope_theta = {};
  std::optional<float> rope_linear_scale = {};
};

/// Opens a checkpoint of any format the library reads, recognised by content.
/// Throws `io`, `malformed_file` or `unsupported`.
inline Checkpoint open_checkpoint(const std::string& path, FileAccess access = FileAccess::map) {
  auto file = std::make_shared<const InputFile>(path, access);
  if (GgufFile::recognises(*file)) return read_gguf(std::move(file), access);
  constexpr std::string_view zip_magic = "PK\x03\x04";
  if (file->bytes().size() >= zip_magic.size() &&
      std::memcmp(file->bytes().data(), zip_magic.data(), zip_magic.size()) == 0)
    throw Error(ErrorCode::unsupported,
                "this looks like a PyTorch file, which this version does not read",
                {.file = path, .expected = "a GGUF file or a llama2.c .bin checkpoint"});
  return read_llama2c(std::move(file));
}

namespace detail {

/// Name of the format in which a model holds a tensor; vectors are 32-bit floats.
template <class Tensor>
constexpr std::string_view format_name() noexcept {
  if constexpr (std::is_void_v<typename Tensor::Format>)
    return F32::name;
  else
    return Tensor::Format::name;
}

/// Whether a tensor's bytes in the file are just what a model holds in memory: the same format,
/// no padding of rows, and aligned.
template <class Tensor>
bool can_be_mapped(const Checkpoint& checkpoint, const StoredTensor& stored) noexcept {
  using Memory = TensorMemory<Tensor>;
  const auto bytes = checkpoint.data(stored);
  return to_string(stored.encoding) == format_name<Tensor>() &&
         bytes.size() == Memory::count * sizeof(typename Memory::Element) &&
         reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(typename Memory::Element) == 0;
}

}  // namespace detail

/// Makes a model of type M from an opened checkpoint. Tensors that the file stores in M's format
/// are used where they lie; the others are converted, in parallel.
///
/// Throws `mismatch`, naming the field or tensor, what the type asks for and what the file has.
template <class M>
M load(const Checkpoint& checkpoint, const LoadOptions& options = {}) {
  using Shape = typename M::Shape;
  const std::string& path = checkpoint.file->path();
  ShapeInfo::of<Shape>().compare(
      checkpoint.shape, [&](const char* field, std::uint64_t expected, std::uint64_t found) {
        if (expected != found)
          throw Error(ErrorCode::mismatch, "the file is not a " + M::name(),
                      {.file = path,
                       .tensor = field,
                       .expected = std::to_string(expected),
                       .found = std::to_string(found)});
      });

  SharedExecutor executor = options.executor.value_or(SharedExecutor());
  if (!options.executor && options.threads != 1)
    executor = std::make_shared<ThreadPool>(options.threads);

  typename M::WeightTensors weights;
  std::size_t bytes = 0;
  for_each_tensor(
      [&](TensorId id, auto& tensor) {
        using Tensor = std::remove_reference_t<decltype(tensor)>;
        using Memory = TensorMemory<Tensor>;
        const StoredTensor& stored = checkpoint.tensor(id);
        if (stored.rows != Tensor::rows || stored.cols != Tensor::cols)
          throw Error(
              ErrorCode::mismatch, "wrong extents",
              {.file = checkpoint.file_of(stored).path(),
               .offset = stored.offset,
               .tensor = to_string(id),
               .expected = std::to_string(Tensor::rows) + " x " + std::to_string(Tensor::cols),
               .found = std::to_string(stored.rows) + " x " + std::to_string(stored.cols)});
        if (!detail::can_be_mapped<Tensor>(checkpoint, stored))
          bytes += WeightArena::size_of<typename Memory::Element>(Memory::count);
      },
      weights);

  struct Owner {
    std::shared_ptr<const InputFile> file;
    std::vector<std::shared_ptr<const InputFile>> further_parts;
    WeightArena arena;
  };
  auto owner =
      std::make_shared<Owner>(Owner{checkpoint.file, checkpoint.further_parts, WeightArena(bytes)});
  for_each_tensor(
      [&](TensorId id, auto& tensor) {
        using Tensor = std::remove_reference_t<decltype(tensor)>;
        using Memory = TensorMemory<Tensor>;
        const StoredTensor& stored = checkpoint.tensor(id);
        if (detail::can_be_mapped<Tensor>(checkpoint, stored)) {
          tensor.data =
              reinterpret_cast<const typename Memory::Element*>(checkpoint.data(stored).data());
          return;
        }
        pack(executor, tensor, owner->arena.template take<typename Memory::Element>(Memory::count),
             [&](std::size_t row, std::size_t col, std::size_t n, float* out) {
               checkpoint.decode(stored, row * stored.cols + col, n, out);
             });
      },
      weights);

  ModelConfig config = checkpoint.config;
  if (!checkpoint.states_rope_theta) config.rope_theta = default_rope_theta<Shape>;
  config.norm_epsilon = options.norm_epsilon.value_or(config.norm_epsilon);
  config.rope_theta = options.rope_theta.value_or(config.rope_theta);
  config.rope_linear_scale = options.rope_linear_scale.value_or(config.rope_linear_scale);
  return M(weights, std::move(owner), config, std::move(executor),
           options.target.value_or(Target()));
}

/// Opens `path` and makes a model of type M from it; see `open_checkpoint` and the overload above.
template <class M>
M load(const std::string& path, const LoadOptions& options = {}) {
  return load<M>(open_checkpoint(path, options.access), options);
}

}  // namespace llama2::inline LLAMA2_ABI
