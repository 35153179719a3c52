// The model types that the example programs are compiled for.
#pragma once

#include "llama2/llama2.hpp"

namespace examples {

using Models = llama2::ModelList<
    llama2::Model<llama2::Stories260K, llama2::F32>, llama2::Model<llama2::Stories15M, llama2::F32>,
    llama2::Model<llama2::Stories42M, llama2::F32>, llama2::Model<llama2::Stories110M, llama2::F32>,
    llama2::Model<llama2::TinyLlama_1_1B, llama2::BF16>,
    llama2::Model<llama2::Llama2_7B, llama2::BF16>>;

}  // namespace examples
