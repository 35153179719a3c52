// The definition of `load_model_in`, for the files that instantiate it.
#pragma once

#include <type_traits>

#include "../models.hpp"

namespace examples {

template <class F>
llama2::AnyModel load_model_in(const llama2::Checkpoint& checkpoint,
                               const llama2::LoadOptions& options) {
  return llama2::visit_model_type<ModelsIn<F>>(checkpoint, [&]<class M>(std::type_identity<M>) {
    return llama2::AnyModel(llama2::load<M>(checkpoint, options));
  });
}

}  // namespace examples
