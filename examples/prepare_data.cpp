// Makes files of tokens, to train on, of files of text.
//
//   prepare_data OUT --text FILE... [--vocab 4096]     one's own text, and a tokenizer trained on
//   it prepare_data OUT --config FILE.json                several sources, filters, evaluations
//
// OUT is a folder; it gets train.tokens, validation.tokens, tokenizer.model, report.json and
// report.md.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common.hpp"
#include "interrupt.hpp"
#include "llama2/base/output_file.hpp"
#include "llama2/data/prepare.hpp"
#include "llama2/data/prepare_config.hpp"
#include "llama2/data/prepare_report.hpp"
#include "llama2/io/load_tokenizer.hpp"
#include "llama2/parallel/thread_pool.hpp"
#include "llama2/text/sentencepiece_model.hpp"
#include "progress.hpp"

namespace {

/// The options for files without a configuration: each is a source of its own.
llama2::PrepareOptions options_for(const std::vector<std::string>& paths) {
  llama2::PrepareOptions options;
  for (const std::string& path : paths) {
    llama2::Source source{.name = path, .files = llama2::files_at(path)};
    source.format = llama2::format_of_name(source.files.front());
    options.sources.push_back(std::move(source));
  }
  return options;
}

void write_whole(const std::string& path, const std::string& text) {
  llama2::OutputFile file(path);
  file.write(text);
  file.commit();
}

/// Shows each stage by a line of its own.
class StageProgress {
 public:
  void operator()(const llama2::PrepareProgress& now) {
    if (examples::interrupted)
      throw llama2::Error(llama2::ErrorCode::io, "interrupted: nothing was written");
    if (!line_ || stage_ != now.stage) {
      line_.reset();  // ends its line
      line_.emplace(stage_ = now.stage);
    }
    if (now.unit == "bytes") line_->show(now.done, now.total);
  }

 private:
  std::string stage_;
  std::optional<examples::Progress> line_;
};

std::uint64_t peak_memory() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;  // Linux counts in KiB
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Makes files of tokens, to train on, of files of text."};
  std::string out, config, tokenizer;
  std::vector<std::string> texts;
  std::optional<std::size_t> vocab;
  std::optional<double> validation;
  std::optional<std::uint64_t> seed;
  std::size_t threads = 0, memory = 1024;
  app.add_option("OUT", out, "folder for the results; made if it is not there")->required();
  auto* const config_option = app.add_option("--config", config, "a JSON file; see docs/data.md");
  app.add_option(
         "--text", texts,
         "files or folders of text, with lines <|endoftext|> between documents, or of JSONL "
         "(by its name), whose member \"text\" is a document; .gz, too")
      ->excludes(config_option);
  auto* const tokenizer_option = app.add_option(
      "--tokenizer", tokenizer, "use this one; by default one is trained on what is kept");
  app.add_option("--vocab", vocab, "size of the vocabulary to train")
      ->excludes(tokenizer_option)
      ->check(examples::whole_number);
  app.add_option("--validation", validation, "share of documents to hold out, by default 0.01");
  app.add_option("--seed", seed, "of what is held out and of the order")
      ->check(examples::whole_number);
  app.add_option("--memory", memory, "MiB for what waits to be sorted; more waits in OUT")
      ->capture_default_str()
      ->check(examples::whole_number);
  app.add_option("--threads", threads, "0: one per processor; the results are the same")
      ->capture_default_str()
      ->check(examples::whole_number);

  return examples::run(app, argc, argv, [&] {
    if (config.empty() && texts.empty())
      throw llama2::Error(llama2::ErrorCode::invalid_argument,
                          "say what to read, with --text or --config");
    llama2::PrepareOptions options =
        config.empty() ? options_for(texts) : llama2::read_prepare_config(config);
    if (!tokenizer.empty()) options.tokenizer = llama2::load_tokenizer(tokenizer);
    if (vocab) {
      options.tokenizer.reset();
      options.new_tokenizer.vocab_size = *vocab;
    }
    if (validation) options.validation = *validation;
    if (seed) options.seed = *seed;
    if (threads != 1) options.executor = std::make_shared<llama2::ThreadPool>(threads);
    const std::filesystem::path folder = out;
    std::filesystem::create_directories(folder);
    options.temporary_folder = folder.string();
    options.memory_limit = memory << 20;
    options.train_file = (folder / "train.tokens").string();
    if (options.validation > 0) options.validation_file = (folder / "validation.tokens").string();
    examples::catch_interrupt();

    const std::uint64_t bytes = corpus_bytes(options.sources);
    const auto start = std::chrono::steady_clock::now();
    const llama2::PrepareResult result = [&] {
      StageProgress progress;
      options.on_progress = [&](const llama2::PrepareProgress& now) { progress(now); };
      return prepare(options);
    }();
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    write_whole((folder / "tokenizer.model").string(),
                encode_model_proto(result.tokenizer.vocabulary()));
    write_whole((folder / "report.json").string(), to_json(result.report));
    write_whole((folder / "report.md").string(), to_markdown(result.report));

    std::printf("%s", to_markdown(result.report).c_str());
    std::printf("\n%.1f MB in %.1f s: %.1f MB/s; peak memory %.0f MiB\n",
                static_cast<double>(bytes) / 1e6, seconds,
                static_cast<double>(bytes) / 1e6 / seconds,
                static_cast<double>(peak_memory()) / (1 << 20));
  });
}
