// The one translation unit that compiles the model type.
#include "instantiate_shape.hpp"

LLAMA2_INSTANTIATE_MODEL(SharedShape, llama2::F32);
LLAMA2_INSTANTIATE_MODEL(SharedShape, llama2::BF16, llama2::F32);
