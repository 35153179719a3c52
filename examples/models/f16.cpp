#include "load_model_in.hpp"

template llama2::AnyModel examples::load_model_in<llama2::F16>(const llama2::Checkpoint&,
                                                               const llama2::LoadOptions&);
