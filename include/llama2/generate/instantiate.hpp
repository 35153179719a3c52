// Compiling a model type once for a whole program.
//
// Put `LLAMA2_EXTERN_MODEL(MyShape, llama2::F32);` after the includes of every file that uses the
// type, at global scope, and `LLAMA2_INSTANTIATE_MODEL(MyShape, llama2::F32);` into one file. The
// arguments are those of `llama2::Model`.
#pragma once

#include "llama2/generate/session.hpp"
#include "llama2/io/load.hpp"

#define LLAMA2_DETAIL_MODEL_INSTANTIATION(KEYWORDS, ...)                        \
  KEYWORDS class llama2::Model<__VA_ARGS__>;                                    \
  KEYWORDS class llama2::Session<llama2::Model<__VA_ARGS__>>;                   \
  KEYWORDS llama2::Model<__VA_ARGS__> llama2::load<llama2::Model<__VA_ARGS__>>( \
      const llama2::Checkpoint&, const llama2::LoadOptions&)

/// Declares that another file instantiates `llama2::Model<...>`, its session and its loading.
#define LLAMA2_EXTERN_MODEL(...) LLAMA2_DETAIL_MODEL_INSTANTIATION(extern template, __VA_ARGS__)

/// Instantiates them here.
#define LLAMA2_INSTANTIATE_MODEL(...) LLAMA2_DETAIL_MODEL_INSTANTIATION(template, __VA_ARGS__)
