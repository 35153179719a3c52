// By hand: a corpus of any size with planted duplicates, prepared within a memory limit.
//
//   large_corpus FOLDER GIGABYTES [MIB_OF_MEMORY] [THREADS]
//
// writes FOLDER/corpus.jsonl, documents of 50 to 450 words: 1 in 20 is an exact copy of one of the
// 100,000 before it, 1 in 20 a near one (1 word in 100 changed), 1 in 20 a far one (1 in 10). Then
// prepares it and prints what was found of what was planted, the speed, and the peak of memory.
#include <sys/resource.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "llama2/base/output_file.hpp"
#include "llama2/base/random.hpp"
#include "llama2/data/prepare.hpp"
#include "llama2/parallel/thread_pool.hpp"
#include "synthetic_corpus.hpp"

namespace {

struct Planted {
  std::uint64_t documents = 0, exact = 0, near = 0, far = 0, bytes = 0;
};

std::string document(std::uint64_t index) {
  return test::synthetic_document(index, 50 + llama2::mix_bits(index) % 400);
}

/// What document `index` is: an original, or made of an earlier original.
std::string planted_document(std::uint64_t index, Planted& planted) {
  llama2::Random random(index ^ 0xABCDEF);
  const std::uint64_t kind = index < 1000 ? 19 : random() % 20;
  if (kind > 2) return document(index);
  const std::uint64_t original = index - 1 - random() % std::min<std::uint64_t>(index, 100'000);
  ++(kind == 0 ? planted.exact : kind == 1 ? planted.near : planted.far);
  if (kind == 0) return document(original);
  return test::edited(document(original), kind == 1 ? 0.01 : 0.1, index);
}

Planted write_corpus(const std::string& path, std::uint64_t bytes) {
  Planted planted;
  llama2::OutputFile file(path);
  while (planted.bytes < bytes) {
    std::string line = R"({"text": ")";
    for (const char c : planted_document(planted.documents, planted)) {
      if (c == '\n')
        line += "\\n";
      else
        line += c;
    }
    line += "\"}\n";
    file.write(line);
    planted.bytes += line.size();
    ++planted.documents;
  }
  file.commit();
  return planted;
}

/// The process's, in MiB.
double peak_memory() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s FOLDER GIGABYTES [MIB_OF_MEMORY] [THREADS]\n", argv[0]);
    return 2;
  }
  try {
    const std::string folder = argv[1], path = folder + "/corpus.jsonl";
    std::filesystem::create_directories(folder);
    const auto planted = write_corpus(path, static_cast<std::uint64_t>(std::stod(argv[2]) * 1e9));
    std::printf(
        "%.2f GB, %ju documents; planted: %ju exact copies, %ju near, %ju far; %.0f MiB\n",
        static_cast<double>(planted.bytes) / 1e9, static_cast<std::uintmax_t>(planted.documents),
        static_cast<std::uintmax_t>(planted.exact), static_cast<std::uintmax_t>(planted.near),
        static_cast<std::uintmax_t>(planted.far), peak_memory());
    std::fflush(stdout);

    llama2::PrepareOptions options;
    options.sources = {
        {.name = "corpus", .files = {path}, .format = llama2::DocumentFormat::jsonl}};
    options.new_tokenizer.vocab_size = 4096;
    options.tokenizer_sample_bytes = 20'000'000;
    options.train_file = folder + "/train.tokens";
    options.validation_file = folder + "/validation.tokens";
    options.temporary_folder = folder;
    if (argc > 3) options.memory_limit = std::stoull(argv[3]) << 20;
    options.executor =
        std::make_shared<llama2::ThreadPool>(argc > 4 ? std::stoull(argv[4]) : std::size_t{0});
    const auto start = std::chrono::steady_clock::now();
    const auto seconds = [&] {
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    };
    std::string stage;
    options.on_progress = [&](const llama2::PrepareProgress& now) {
      if (stage == now.stage) return;
      stage = now.stage;
      std::printf("%8.1f s, %5.0f MiB: %s\n", seconds(), peak_memory(), stage.c_str());
      std::fflush(stdout);
    };
    const llama2::PrepareReport report = prepare(options).report;
    const double took = seconds();
    std::printf("%s\n%.1f s, %.1f MB/s, peak of memory %.0f MiB\n", to_markdown(report).c_str(),
                took, static_cast<double>(planted.bytes) / 1e6 / took, peak_memory());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
