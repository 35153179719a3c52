// llama2.c's .bin checkpoints, versions 0, 1 and 2, then the model.
#include "llama2/io/llama2c.hpp"

#include "hostile_bytes.hpp"
#include "use_checkpoint.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::use_or_refuse({data, size}, [&] {
    test::use(llama2::read_llama2c(test::file_of({data, size})));  //
  });
  return 0;
}
