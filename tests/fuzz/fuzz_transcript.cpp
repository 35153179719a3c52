// A chat's transcript; what is accepted is written and read again.
#include <span>
#include <string>
#include <string_view>

#include "hostile_bytes.hpp"
#include "llama2/generate/transcript.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::use_or_refuse({data, size}, [&] {
    const auto messages =
        llama2::parse_transcript({reinterpret_cast<const char*>(data), size}, "input");
    const std::string text = llama2::transcript_text(messages);
    if (llama2::parse_transcript(text, "again") != messages)
      test::finding("another dialogue after it was written and read");
  });
  return 0;
}
