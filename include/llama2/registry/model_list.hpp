// From a file to one of the compiled model types.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "llama2/base/error.hpp"
#include "llama2/base/type_name.hpp"
#include "llama2/io/load.hpp"

namespace llama2::inline LLAMA2_ABI {

/// The model types that a program has compiled in; of equally good ones for a file the first is
/// taken.
template <class... Models>
struct ModelList {
  static_assert(sizeof...(Models) > 0, "llama2: an empty ModelList can load nothing");
};

namespace detail {

template <class... Models>
[[noreturn]] void throw_no_model_fits(const Checkpoint& checkpoint, ModelList<Models...>) {
  std::string message = "no compiled model type fits this file (" + checkpoint.format + ", " +
                        std::string(to_string(checkpoint.encoding)) + ").\nThis program has:\n";
  (..., (message += "  " + Models::name() + "\n"));
  message += "Define the file's shape and add it to the program's ModelList:\n" +
             checkpoint.shape.as_code("MyShape") +
             "\n... llama2::ModelList<..., llama2::Model<MyShape, llama2::F32>>";
  throw Error(ErrorCode::unsupported, message, {.file = checkpoint.file->path()});
}

/// What loading a checkpoint into a type would do to its matrices; less is better.
struct LoadingCost {
  bool rounds_twice = false;    ///< quantised weights to another quantised format
  std::uint64_t converted = 0;  ///< weights
  friend constexpr auto operator<=>(const LoadingCost&, const LoadingCost&) = default;
};

template <MatrixFormat F>
LoadingCost loading_cost(const Checkpoint& checkpoint) noexcept {
  constexpr auto formats =
      with_formats_of<F>([]<class... Fs> { return std::array{encoding_of<Fs>()...}; });
  LoadingCost cost;
  for (const StoredTensor& tensor : checkpoint.tensors) {
    if (tensor.rows == 1 || std::ranges::find(formats, tensor.encoding) != formats.end()) continue;
    cost.converted += tensor.elements();
    cost.rounds_twice |= is_quantised(tensor.encoding) && is_quantised(formats.front());
  }
  return cost;
}

/// The position in the list of the type for a checkpoint: its tensors' extents must agree; then the
/// one that rounds no weights twice, converts the fewest, and comes first. sizeof...(Models)
/// if there is none.
template <class... Models>
std::size_t choose_model(const Checkpoint& checkpoint, ModelList<Models...>) noexcept {
  constexpr std::size_t none = sizeof...(Models);
  std::size_t best = none, index = 0;
  LoadingCost least;
  const auto consider = [&](const ShapeInfo& shape, auto cost_of) {
    if (shape.same_tensors(checkpoint.shape))
      if (const LoadingCost cost = cost_of(checkpoint); best == none || cost < least) {
        best = index;
        least = cost;
      }
    ++index;
  };
  (..., consider(ShapeInfo::of<typename Models::Shape>(), &loading_cost<typename Models::Weights>));
  return best;
}

template <class M, class... Rest, class F>
auto visit_nth(std::size_t n, F&& f) -> std::invoke_result_t<F, std::type_identity<M>> {
  if constexpr (sizeof...(Rest) > 0)
    if (n != 0) return visit_nth<Rest...>(n - 1, std::forward<F>(f));
  return std::forward<F>(f)(std::type_identity<M>());
}

template <class F, class... Models>
decltype(auto) visit_type(ModelList<Models...> list, const Checkpoint& checkpoint, F&& f) {
  const std::size_t index = choose_model(checkpoint, list);
  if (index == sizeof...(Models)) throw_no_model_fits(checkpoint, list);
  return visit_nth<Models...>(index, std::forward<F>(f));
}

}  // namespace detail

/// Returns f(std::type_identity<M>()) for the type M of `List` that fits an opened checkpoint,
/// without loading it. `f` must accept every type of the list and return the same type for each.
///
/// If none fits, throws `unsupported`; the message holds the file's shape, the list, and what to
/// add to it.
template <class List, class F>
decltype(auto) visit_model_type(const Checkpoint& checkpoint, F&& f) {
  return detail::visit_type(List{}, checkpoint, std::forward<F>(f));
}

/// Loads `path` into the type of `List` that fits it and returns f(model); see
/// `visit_model_type`.
template <class List, class F>
decltype(auto) visit_model(const std::string& path, F&& f, const LoadOptions& options = {}) {
  const Checkpoint checkpoint = open_checkpoint(path, options.access);
  return visit_model_type<List>(checkpoint, [&]<class M>(std::type_identity<M>) {
    return std::forward<F>(f)(load<M>(checkpoint, options));
  });
}

}  // namespace llama2::inline LLAMA2_ABI
