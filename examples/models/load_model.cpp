#include <cstdint>
#include <type_traits>

#include "../models.hpp"
#include "../progress.hpp"

namespace {

/// The names of this program's types of the checkpoint's shape, a line each.
template <class... Models>
std::string types_of_shape(const llama2::Checkpoint& checkpoint, llama2::ModelList<Models...>) {
  std::string names;
  (..., (llama2::ShapeInfo::of<typename Models::Shape>().same_tensors(checkpoint.shape)
             ? void(names += "\n  " + Models::name())
             : void()));
  return names;
}

}  // namespace

llama2::AnyModel examples::load_model(const std::string& path, const std::string& weights,
                                      llama2::LoadOptions options) {
  const llama2::Checkpoint checkpoint = llama2::open_checkpoint(path, options.access);
  Progress progress("loading");
  options.on_progress = [&](std::uint64_t done, std::uint64_t total) {
    progress.show(done, total);
  };
  return llama2::visit_model_type<Models>(checkpoint, [&]<class M>(std::type_identity<M>) {
    if (weights.empty()) return load_model_in<typename M::Weights>(checkpoint, options);
    const auto load_if_here = [&]<class F>(F) {
      if (types_of_shape(checkpoint, ModelsIn<F>()).empty())
        throw llama2::Error(llama2::ErrorCode::unsupported,
                            "this program has the file's shape, but not in this format; it has" +
                                types_of_shape(checkpoint, Models()),
                            {.file = path, .tensor = "--weights " + weights});
      return load_model_in<F>(checkpoint, options);
    };
    if (weights == llama2::F32::name) return load_if_here(llama2::F32());
    if (weights == llama2::F16::name) return load_if_here(llama2::F16());
    if (weights == llama2::BF16::name) return load_if_here(llama2::BF16());
    if (weights == llama2::Q8_0::name) return load_if_here(llama2::Q8_0());
    return load_if_here(llama2::Q4_0());
  });
}
