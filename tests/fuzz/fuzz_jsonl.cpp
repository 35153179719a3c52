// Documents in files: JSONL, compressed or not, and text in each way of telling documents apart.
#include <cstddef>
#include <cstdint>

#include "hostile_bytes.hpp"
#include "llama2/data/corpus.hpp"
#include "llama2/data/filters.hpp"

namespace {

/// Reads all, in batches of a few bytes or in one; how many records and damages there were.
std::size_t read(const llama2::Source& source, std::size_t batch_bytes) {
  llama2::CorpusReader reader({&source, 1}, 4096);
  llama2::RecordBatch batch;
  llama2::DocumentFilter filter({.min_words = 0});
  std::size_t found = 0;
  while (reader.next(batch, batch_bytes)) {
    found += batch.size() + batch.damages().size();
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (batch[i].bytes.size() > 4096) test::finding("a record is longer than allowed");
      try {
        static_cast<void>(filter.judge(record_text(source, batch[i].bytes)));
      } catch (const llama2::Error& error) {
        if (error.code() != llama2::ErrorCode::malformed_file) throw;
      }
    }
  }
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using llama2::DocumentFormat;
  test::use_or_refuse({data, size}, [&] {
    const auto file = test::file_of({data, size});
    for (const DocumentFormat format : {DocumentFormat::jsonl, DocumentFormat::separated,
                                        DocumentFormat::blank_lines, DocumentFormat::whole_file}) {
      const llama2::Source source{.files = {file->path()}, .format = format};
      if (read(source, 1) != read(source, 1'000'000))
        test::finding("what is found depends on how it is cut into batches");
    }
  });
  return 0;
}
