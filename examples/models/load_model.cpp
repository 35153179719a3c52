#include <type_traits>

#include "../models.hpp"

llama2::AnyModel examples::load_model(const std::string& path, const llama2::LoadOptions& options) {
  const llama2::Checkpoint checkpoint = llama2::open_checkpoint(path, options.access);
  return llama2::visit_model_type<Models>(checkpoint, [&]<class M>(std::type_identity<M>) {
    return load_model_in<typename M::Weights>(checkpoint, options);
  });
}
