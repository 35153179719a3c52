// The vocabulary in a GGUF file, then its tokenizer.
#include "hostile_bytes.hpp"
#include "llama2/io/gguf_vocabulary.hpp"
#include "use_tokenizer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::use_or_refuse({data, size}, [&] {
    test::use(llama2::read_gguf_vocabulary(llama2::GgufFile(test::file_of({data, size}))));
  });
  return 0;
}
