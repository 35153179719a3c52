// sentencepiece's tokenizer.model, then its tokenizer.
#include <string_view>

#include "hostile_bytes.hpp"
#include "llama2/text/sentencepiece_model.hpp"
#include "use_tokenizer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::use_or_refuse({data, size}, [&] {
    test::use(llama2::parse_model_proto({reinterpret_cast<const char*>(data), size}));
  });
  return 0;
}
