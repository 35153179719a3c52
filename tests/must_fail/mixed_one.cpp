// expect: llama2: one format is not mixed
#include "llama2/format/float_formats.hpp"
#include "llama2/format/mixed.hpp"

static_assert(llama2::Mixed<llama2::F16>::max_row_bytes(1) == 2);
