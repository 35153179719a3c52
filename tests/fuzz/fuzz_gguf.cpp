// GGUF files: metadata, the list of tensors, shape and properties, then the model.
#include "llama2/io/gguf.hpp"

#include "hostile_bytes.hpp"
#include "use_checkpoint.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::use_or_refuse({data, size}, [&] {
    test::use(llama2::read_gguf(test::file_of({data, size})));  //
  });
  return 0;
}
