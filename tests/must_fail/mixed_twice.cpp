// expect: llama2: a format is twice in the list of Mixed
#include "llama2/format/float_formats.hpp"
#include "llama2/format/mixed.hpp"

static_assert(llama2::Mixed<llama2::F16, llama2::F32, llama2::F16>::max_row_bytes(1) == 4);
