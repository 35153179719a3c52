#include <optional>
#include <type_traits>

#include "../models.hpp"
#include "../progress.hpp"

llama2::AnyModel examples::load_model(const std::string& path, const std::string& weights,
                                      llama2::LoadOptions options) {
  const llama2::Checkpoint checkpoint = llama2::open_checkpoint(path, options.access);
  Progress progress("loading");
  options.on_progress = [&](std::uint64_t done, std::uint64_t total) {
    progress.show(done, total);
  };
  if (weights.empty())
    return llama2::visit_model_type<Models>(checkpoint, [&]<class M>(std::type_identity<M>) {
      return load_model_in<typename M::Weights>(checkpoint, options);
    });
  std::optional<llama2::AnyModel> model;
  const auto consider = [&]<class F>(F) {
    if (F::name == weights) model = load_model_in<F>(checkpoint, options);
  };
  consider(llama2::F32());
  consider(llama2::F16());
  consider(llama2::BF16());
  consider(llama2::Q8_0());
  consider(llama2::Q4_0());
  if (!model)
    throw llama2::Error(
        llama2::ErrorCode::invalid_argument, "no such weight format",
        {.tensor = "--weights", .expected = "F32, F16, BF16, Q8_0 or Q4_0", .found = weights});
  return *model;
}
