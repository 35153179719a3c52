// Who links llama2::xsimd, too, gets that vector library.
#include <llama2/base/config.hpp>

#include <string_view>

static_assert(std::string_view(llama2::simd_library) == "xsimd");
