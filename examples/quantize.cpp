// Writes a checkpoint as a GGUF file, its weights in the format asked for.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common.hpp"
#include "interrupt.hpp"
#include "llama2/io/gguf_writer.hpp"
#include "llama2/io/load.hpp"
#include "llama2/io/load_tokenizer.hpp"
#include "llama2/parallel/thread_pool.hpp"
#include "progress.hpp"

namespace {

using llama2::Checkpoint;
using llama2::Encoding;

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  for (const auto& known : llama2::gguf_encodings) names.emplace_back(to_string(known.encoding));
  return names;
}

Encoding encoding_named(const std::string& name) {
  const auto found = std::ranges::find(llama2::gguf_encodings, name, [](const auto& known) {
    return std::string(to_string(known.encoding));
  });
  if (found == llama2::gguf_encodings.end())
    throw llama2::Error(llama2::ErrorCode::invalid_argument, "no such format",
                        {.tensor = "--format", .found = name});
  return found->encoding;
}

/// Rounding twice loses more than rounding once from the original, which therefore is to be used.
void refuse_requantising(const Checkpoint& checkpoint, Encoding wanted) {
  for (const auto& tensor : checkpoint.tensors) {
    const Encoding target = gguf_encoding(wanted, tensor.rows, tensor.cols);
    if (is_quantised(tensor.encoding) && is_quantised(target) && target != tensor.encoding)
      throw llama2::Error(llama2::ErrorCode::invalid_argument,
                          "the weights are quantised already; take the original, or insist with "
                          "--requantize",
                          {.file = checkpoint.file->path(),
                           .tensor = to_string(tensor.id),
                           .found = std::string(to_string(tensor.encoding))});
  }
}

/// Whose vocabulary to write: the tokenizer given, else the model's file, else a tokenizer beside
/// it.
std::string find_tokenizer(const std::string& given, const Checkpoint& checkpoint) {
  const auto vocab = static_cast<std::size_t>(checkpoint.shape.vocab);
  return examples::find_tokenizer(given, checkpoint.file->path(), vocab);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Writes a checkpoint as a GGUF file with its weights in another format."};
  std::string input, output, format, tokenizer;
  std::size_t threads = 0;
  std::optional<float> rope_theta, norm_epsilon;
  bool requantize = false;
  bool pack = false;
  bool no_tokenizer = false;
  app.add_option("IN", input, "checkpoint: GGUF, or a llama2.c .bin of version 0, 1 or 2")
      ->required();
  app.add_option("OUT", output, "the file to write; replaced only when the new one is complete")
      ->required();
  app.add_option("--format", format, "format of the matrices; rows that it cannot hold are F16")
      ->required()
      ->check(CLI::IsMember(format_names()));
  auto* const tokenizer_option = app.add_option(
      "--tokenizer", tokenizer,
      "whose vocabulary to write; by default the input's own, or of a tokenizer beside it");
  app.add_flag("--no-tokenizer", no_tokenizer, "write no vocabulary")->excludes(tokenizer_option);
  app.add_flag("--pack", pack,
               "write a packed file: matrices as they lie in memory, on any processor, so that it "
               "is mapped at the start and not converted; only this library reads it");
  app.add_flag("--requantize", requantize, "also from one quantised format to another");
  app.add_option(
      "--rope-theta", rope_theta,
      "write this in place of what IN says; llama2.c's files cannot say it, and programs "
      "then assume 10000 (Code Llama has 1000000)");
  app.add_option("--norm-epsilon", norm_epsilon,
                 "write this in place of what IN says; llama2.c's files mean 0.00001");
  app.add_option("--threads", threads, "0: one per processor")
      ->capture_default_str()
      ->check(examples::whole_number);

  return examples::run(app, argc, argv, [&] {
    const Encoding wanted = encoding_named(format);
    Checkpoint checkpoint = llama2::open_checkpoint(input);
    if (rope_theta) {
      checkpoint.config.rope_theta = *rope_theta;
      checkpoint.states_rope_theta = true;
    }
    if (norm_epsilon) checkpoint.config.norm_epsilon = *norm_epsilon;
    if (!requantize) refuse_requantising(checkpoint, wanted);
    llama2::GgufWriteOptions options{.pack = pack};
    std::optional<llama2::Vocabulary> vocabulary;
    if (!no_tokenizer) {
      const std::string found = find_tokenizer(tokenizer, checkpoint);
      vocabulary = llama2::load_tokenizer(found).vocabulary();
      options.inputs.push_back(found);
    }
    if (threads != 1) options.executor = std::make_shared<llama2::ThreadPool>(threads);
    {
      examples::Progress progress(output);
      examples::catch_interrupt();
      options.on_progress = [&](std::uint64_t done, std::uint64_t total) {
        progress.show(done, total);
        if (examples::interrupted)
          throw llama2::Error(llama2::ErrorCode::io, "interrupted: nothing was written",
                              {.file = output});
      };
      write_gguf(output, checkpoint, wanted, vocabulary ? &*vocabulary : nullptr, options);
    }

    std::uint64_t weights = 0;
    for (const auto& tensor : checkpoint.tensors) weights += tensor.elements();
    const auto bytes = std::filesystem::file_size(output);
    std::printf("%s: %ju bytes, %.2f bits per weight\n", output.c_str(),
                static_cast<std::uintmax_t>(bytes),
                8.0 * static_cast<double>(bytes) / static_cast<double>(weights));
  });
}
