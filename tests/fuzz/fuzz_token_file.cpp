// Token files: opened, and every token read.
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "hostile_bytes.hpp"
#include "llama2/data/packing.hpp"
#include "llama2/data/token_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::use_or_refuse({data, size}, [&] {
    const auto file = std::make_shared<const llama2::TokenFile>(test::file_of({data, size}));
    std::size_t tokens = 0;
    for (std::size_t i = 0; i < file->documents(); ++i) tokens += file->document(i).size();
    if (tokens != file->tokens()) test::finding("documents are not all tokens");
    const llama2::PackedRows rows(file, 3);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      std::array<llama2::Token, 4> row;
      rows.copy(i, row);
      static_cast<void>(rows.document_begins(i));
    }
    file->verify();
  });
  return 0;
}
