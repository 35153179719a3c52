// llama2.c's tokenizer.bin, then its tokenizer.
#include <span>

#include "hostile_bytes.hpp"
#include "llama2/io/load_tokenizer.hpp"
#include "use_tokenizer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::use_or_refuse({data, size}, [&] {
    test::use(llama2::parse_tokenizer_bin(std::as_bytes(std::span(data, size))));
  });
  return 0;
}
