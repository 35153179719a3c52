// expect: llama2: an empty ModelList can load nothing
#include "llama2/registry/model_list.hpp"

llama2::ModelList<> nothing;
