// Trains a model on one's own text, from nothing or from a checkpoint.
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "common.hpp"
#include "interrupt.hpp"
#include "llama2/base/output_file.hpp"
#include "llama2/base/unfinished_files.hpp"
#include "llama2/data/prepare.hpp"
#include "llama2/data/prepare_config.hpp"
#include "llama2/generate/session.hpp"
#include "llama2/io/gguf_file.hpp"
#include "llama2/io/gguf_writer.hpp"
#include "llama2/io/llama2c_writer.hpp"
#include "llama2/io/load.hpp"
#include "llama2/io/load_tokenizer.hpp"
#include "llama2/parallel/thread_pool.hpp"
#include "llama2/shape/shapes.hpp"
#include "llama2/train/initialise.hpp"
#include "llama2/train/metrics.hpp"
#include "llama2/train/peak.hpp"
#include "llama2/train/token_batches.hpp"
#include "llama2/train/trainer.hpp"
#include "mini.hpp"
#include "progress.hpp"
#include "recipe/shape.hpp"
#include "training_progress.hpp"

namespace {

namespace fs = std::filesystem;

// The shapes that this program can train. To train one of your own, write it like `Mini`, and name
// it here.

template <class S>
struct Named {
  using Shape = S;
  const char* name;
};
constexpr std::tuple shapes{Named<llama2::Stories260K>{"stories260k"},
                            Named<examples::Mini>{"mini"},
                            Named<recipe::Storyteller>{"storyteller"}};

struct Options {
  std::vector<std::string> corpus;
  std::string out, shape = "stories260k", tokenizer, from, prompt = "Once upon a time";
  std::string decay = "cosine";
  double validation = 0.05;
  std::uint64_t steps = 2000, seed = 1;
  std::optional<std::uint64_t> warmup;
  double rate = 1e-3, weight_decay = 0.1, clip = 1.0;
  std::size_t length = 0, batch = 8, accumulate = 1;
  std::uint64_t validate_every = 200, save_every = 200;
  std::size_t validation_rows = 256, keep = 3, threads = 0;

  [[nodiscard]] std::string file(const char* name) const { return (fs::path(out) / name).string(); }
};

void write_whole(const std::string& path, const std::string& text) {
  llama2::OutputFile file(path);
  file.write(text);
  file.commit();
}

/// A checkpoint's own tokenizer: with another one its weights would mean nothing.
llama2::Tokenizer tokenizer_of(const std::string& checkpoint) {
  if (!llama2::GgufFile::recognises(llama2::InputFile(checkpoint)))
    throw llama2::Error(llama2::ErrorCode::invalid_argument,
                        "the checkpoint holds no tokenizer: name the one that it was trained with "
                        "by --tokenizer",
                        {.file = checkpoint});
  return llama2::load_tokenizer(checkpoint);
}

/// Files of tokens and their tokenizer, made from the corpus unless they are there: the tokenizer,
/// which is written last, says that the others are whole.
llama2::Tokenizer prepare_data(const Options& o, std::size_t vocab,
                               const llama2::SharedExecutor& executor) {
  const std::string model = o.file("tokenizer.model");
  if (fs::exists(model)) {
    std::fprintf(stderr, "using the tokens in %s\n", o.out.c_str());
    return llama2::load_tokenizer(model);
  }
  if (o.corpus.empty())
    throw llama2::Error(llama2::ErrorCode::invalid_argument,
                        "there are no tokens here yet: name files of text by --corpus, or make "
                        "tokens by prepare_data",
                        {.file = o.out});
  llama2::PrepareOptions options;
  for (const std::string& path : o.corpus) {
    for (llama2::Source& source : llama2::sources_at(path)) {
      if (source.format == llama2::DocumentFormat::separated && !has_separator(source)) {
        source.format = llama2::DocumentFormat::blank_lines;
        std::fprintf(stderr, "%s has no line %s: blank lines stand between its documents\n",
                     path.c_str(), source.separator.c_str());
      }
      options.sources.push_back(std::move(source));
    }
  }
  // It is one's own text: nothing of it is filtered.
  options.filters = {.min_words = 0,
                     .max_words = std::numeric_limits<std::size_t>::max(),
                     .repetition = {},
                     .min_personal = {}};
  options.max_document_bytes = std::size_t{1} << 30;
  if (!o.tokenizer.empty())
    options.tokenizer = llama2::load_tokenizer(o.tokenizer);
  else if (!o.from.empty())
    options.tokenizer = tokenizer_of(o.from);
  options.new_tokenizer.vocab_size = vocab;
  options.train_file = o.file("train.tokens");
  options.validation_file = o.validation > 0 ? o.file("validation.tokens") : "";
  options.validation = o.validation;
  options.seed = o.seed;
  options.temporary_folder = o.out;
  options.executor = executor;
  std::optional<examples::Progress> line;
  std::string stage;
  options.on_progress = [&](const llama2::PrepareProgress& now) {
    if (examples::interrupted)
      throw llama2::Error(llama2::ErrorCode::io, "interrupted: nothing was written");
    if (stage != now.stage) line.reset(), line.emplace(stage = now.stage);
    if (now.unit == "bytes") line->show(now.done, now.total);
  };
  const auto [report, tokenizer] = prepare(options);
  line.reset();
  if (options.validation_file.empty()) fs::remove(o.file("validation.tokens"));  // an older one
  write_whole(o.file("report.md"), to_markdown(report));
  write_whole(model, encode_model_proto(tokenizer.vocabulary()));
  std::fprintf(stderr, "%llu documents: %llu tokens to train on, %llu held out; %s\n",
               static_cast<unsigned long long>(report.documents()),
               static_cast<unsigned long long>(report.train_tokens()),
               static_cast<unsigned long long>(report.validation_tokens()),
               o.file("report.md").c_str());
  return tokenizer;
}

/// Draws loss.png by gnuplot, if that is installed.
void draw_curve(const std::string& folder) {
  const ::pid_t child = ::fork();
  if (child == 0) {
    if (::chdir(folder.c_str()) == 0 && std::freopen("/dev/null", "w", stderr) != nullptr)
      ::execlp("gnuplot", "gnuplot", "loss.gp", static_cast<char*>(nullptr));
    ::_exit(127);
  }
  if (child > 0) ::waitpid(child, nullptr, 0);
}

template <class S>
class Program {
 public:
  using Model = llama2::Model<S, llama2::F32>;

  explicit Program(Options options) : o_(std::move(options)) {
    if (o_.threads != 1) executor_ = std::make_shared<llama2::ThreadPool>(o_.threads);
  }

  void run() {
    std::error_code error;
    fs::create_directories(o_.out, error);  // if it cannot be made, writing into it says why
    llama2::remove_unfinished_files(o_.out);
    examples::catch_interrupt();
    const llama2::Tokenizer tokenizer = prepare_data(o_, S::vocab, executor_);
    if (tokenizer.vocab_size() != S::vocab)
      throw llama2::Error(llama2::ErrorCode::mismatch, "the tokenizer is not for this shape",
                          {.file = o_.file("tokenizer.model"),
                           .tensor = "vocabulary",
                           .expected = std::to_string(S::vocab),
                           .found = std::to_string(tokenizer.vocab_size())});
    const std::size_t length = o_.length != 0 ? o_.length : S::context;
    llama2::require_option(length <= S::context, "--length", static_cast<double>(length),
                           "at most the shape's context");

    llama2::ModelConfig config = llama2::ModelConfig::of<S>();
    llama2::LanguageModel<S> model(first_weights(config), config, length, executor_);
    llama2::TokenBatches batches({open_tokens("train.tokens", tokenizer), length}, o_.batch,
                                 o_.seed);
    llama2::Trainer<S> trainer(model, batches, trainer_options());
    const bool resumed = trainer.resume();
    llama2::MetricsLog log(o_.out, trainer.step());
    std::fprintf(stderr, "%s: %zu weights; %s %s\n", llama2::type_name<S>().c_str(),
                 llama2::ParameterStorage<S>::size,
                 resumed ? ("going on after step " + std::to_string(trainer.step()) + " of").c_str()
                         : "beginning",
                 o_.out.c_str());

    std::optional<llama2::PackedRows> held_out;
    if (fs::exists(o_.file("validation.tokens")))
      held_out.emplace(open_tokens("validation.tokens", tokenizer), length);
    if (held_out && held_out->size() == 0) {
      std::fprintf(stderr,
                   "too little is held out to validate: %zu tokens, less than a row of %zu\n",
                   held_out->file().tokens(), length + 1);
      held_out.reset();
    }
    llama2::RowBatch memory(16, length);
    std::stop_source stop;
    examples::TrainingProgress progress(o_.steps, llama2::peak_multiply_adds(executor_));
    auto warn = [&, warned = false](const llama2::Error& e) mutable {
      progress.end_line();
      if (!warned) std::fprintf(stderr, "%s\ntraining goes on\n", e.what());
      warned = true;
    };
    // What is written is flushed before each save, so that the files hold all that leads to it.
    const auto write = [&](const auto& report, bool flush) {
      try {
        log.write(report);
        if (flush) log.flush();
      } catch (const llama2::Error& e) {
        warn(e);
      }
    };
    trainer.callbacks.on_step = [&](const llama2::StepReport& report) {
      progress.show(report);
      if (examples::interrupted) stop.request_stop();
      write(report, report.step % std::max<std::uint64_t>(o_.save_every, 1) == 0 ||
                        examples::interrupted || trainer.finished());
    };
    if (held_out)
      trainer.callbacks.validate = [&] {
        return loss_over_rows(model, *held_out, o_.validation_rows, memory, 16);
      };
    trainer.callbacks.on_validation = [&](const llama2::ValidationReport& report) {
      progress.end_line();
      std::fprintf(stderr, "step %llu: validation loss %.4f nats per token\n",
                   static_cast<unsigned long long>(report.step), report.loss);
      write(report, true);
      if (!o_.prompt.empty()) print_sample(model.model(), tokenizer, report.step);
    };
    trainer.callbacks.on_save = [&](std::uint64_t, const std::string&) {
      if (trainer.finished()) return;  // written below
      try {
        write_model(model.model(), tokenizer);
      } catch (const llama2::Error& e) {
        progress.end_line();
        std::fprintf(stderr, "%s\nthe state is saved, the model is not; training goes on\n",
                     e.what());
      }
    };
    trainer.callbacks.on_save_failure = [&](const llama2::Error& e) {
      progress.end_line();
      std::fprintf(stderr,
                   "%s\nnot saved; what was saved before is still there, and training goes on\n",
                   e.what());
    };
    const bool finished = trainer.run(stop.get_token());
    progress.end_line();
    write_model(model.model(), tokenizer);
    draw_curve(o_.out);
    if (finished)
      std::fprintf(stderr, "done: %s; loss.png shows how it went\n", o_.file("model.gguf").c_str());
    else
      std::fprintf(stderr, "saved after step %llu; the same command goes on\n",
                   static_cast<unsigned long long>(trainer.step()));
  }

 private:
  /// Fresh ones, or those of a checkpoint, which also says what `config` is.
  llama2::ParameterStorage<S> first_weights(llama2::ModelConfig& config) const {
    llama2::ParameterStorage<S> weights;
    if (o_.from.empty()) {
      initialise(weights, o_.seed, executor_);
    } else {
      const auto model = llama2::load<Model>(o_.from, {.executor = executor_});
      config = model.config();
      weights = copy_parameters(model);
    }
    return weights;
  }

  std::shared_ptr<const llama2::TokenFile> open_tokens(const char* name,
                                                       const llama2::Tokenizer& tokenizer) const {
    auto file = std::make_shared<const llama2::TokenFile>(o_.file(name));
    if (!(file->info() == llama2::token_file_info(tokenizer.vocabulary())))
      throw llama2::Error(llama2::ErrorCode::mismatch,
                          "the tokens were made with another tokenizer than tokenizer.model",
                          {.file = file->path()});
    return file;
  }

  [[nodiscard]] llama2::TrainerOptions trainer_options() const {
    using enum llama2::Decay;
    llama2::TrainerOptions options;
    options.optimiser.weight_decay = o_.weight_decay;
    options.optimiser.clip_norm = o_.clip;
    options.schedule = {
        .peak = o_.rate,
        .warmup_steps = o_.warmup.value_or(std::min<std::uint64_t>(2000, o_.steps / 20)),
        .steps = o_.steps};
    for (const auto decay : {constant, linear, cosine})
      if (to_string(decay) == o_.decay) options.schedule.decay = decay;
    options.accumulation = o_.accumulate;
    options.validate_every = o_.validate_every;
    options.save_every = o_.save_every;
    options.folder = o_.out;
    options.keep = o_.keep;
    options.executor = executor_;
    llama2::ShapeInfo::of<S>().compare({}, [&](const char* name, std::uint64_t value, auto) {
      options.identity.set(std::string("shape.") + name, value);
    });
    options.identity.set("start", o_.from.empty() ? "fresh" : o_.from);
    options.identity.set("seed", o_.seed);
    options.identity.set("validation_rows", std::uint64_t{o_.validation_rows});
    return options;
  }

  void print_sample(const Model& model, const llama2::Tokenizer& tokenizer,
                    std::uint64_t step) const {
    llama2::Session session(model, tokenizer, {.context = std::min<std::size_t>(S::context, 256)});
    std::string text = o_.prompt;
    try {
      session.generate(o_.prompt,
                       {.max_tokens = 80, .temperature = 0.8f, .top_p = 0.95f, .seed = step},
                       [&](std::string_view piece) {
                         text += piece;
                         return !examples::interrupted;
                       });
    } catch (const llama2::Error& error) {
      text = error.what();  // a prompt that is too long, for example: no reason to end
    }
    std::fprintf(stderr, "  %s\n", text.c_str());
  }

  void write_model(const Model& model, const llama2::Tokenizer& tokenizer) const {
    write_gguf(o_.file("model.gguf"), model, &tokenizer.vocabulary());
    try {
      write_llama2c(o_.file("model.bin"), model);
    } catch (const llama2::Error& error) {
      // A fine-tuned model may have a rotary base, for example, that the format cannot state.
      if (error.code() != llama2::ErrorCode::unsupported) throw;
    }
  }

  Options o_;
  llama2::SharedExecutor executor_;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "Trains a Llama 2 model on your own text.\n\n"
      "  pretrain --corpus my.txt --out my_model\n\n"
      "trains a tokenizer, then a small model, and leaves in my_model what `generate` takes:\n"
      "model.gguf (and model.bin with tokenizer.model). While it trains it prints the loss, which\n"
      "is to fall, and now and then a sample. Ctrl-C saves and ends; the same command goes on\n"
      "where it was, to the same model as without the interruption. A megabyte of text is little,\n"
      "ten are good for a first model; documents in a file stand apart by lines <|endoftext|>."};
  Options o;
  app.add_option("--corpus", o.corpus,
                 "files or folders of text, or of JSONL (by its name) with a member \"text\"; .gz, "
                 "too. Needed the first time only");
  app.add_option("--out", o.out, "folder for all that is made")->required();
  std::vector<std::string> names;
  std::apply([&](const auto&... shape) { (names.emplace_back(shape.name), ...); }, shapes);
  app.add_option(
         "--shape", o.shape,
         "how large: stories260k (260 thousand weights, vocabulary 512, context 512) or mini "
         "(1.3 million, 2048, 256), storyteller (2.5 million, 1024, 512: the project's own)")
      ->capture_default_str()
      ->check(CLI::IsMember(names));
  app.add_option("--from", o.from,
                 "begin with the weights of this checkpoint, of that shape: fine-tuning; give its "
                 "--tokenizer, too, unless it is GGUF, which holds one");
  app.add_option("--tokenizer", o.tokenizer, "use this one instead of training one");
  const auto count = [&](const char* name, auto& value, const char* help) {
    app.add_option(name, value, help)->capture_default_str()->check(examples::whole_number);
  };
  count("--steps", o.steps, "steps of training");
  count("--batch", o.batch, "rows of text in a batch");
  count("--length", o.length, "tokens in a row; 0: the shape's context");
  count("--accumulate", o.accumulate, "batches whose gradients make one step");
  app.add_option("--rate", o.rate, "highest learning rate")->capture_default_str();
  app.add_option("--warmup", o.warmup, "steps until it is reached; by default a twentieth of all")
      ->check(examples::whole_number);
  app.add_option("--decay", o.decay, "how it falls afterwards, to a tenth (constant: not at all)")
      ->capture_default_str()
      ->check(CLI::IsMember({"cosine", "linear", "constant"}));
  app.add_option("--weight-decay", o.weight_decay, "of matrices")->capture_default_str();
  app.add_option("--clip", o.clip, "longest gradient; 0: any")->capture_default_str();
  app.add_option("--validation", o.validation, "share of the documents held out for validation")
      ->capture_default_str();
  count("--validation-rows", o.validation_rows, "at most so many rows of them are looked at");
  count("--validate-every", o.validate_every, "steps between two validations; 0: at the end only");
  count("--save-every", o.save_every, "steps between two saves; 0: at the end only");
  count("--keep", o.keep, "newest saved states to keep");
  app.add_option("--prompt", o.prompt, "what samples begin with; empty: no samples")
      ->capture_default_str();
  count("--seed", o.seed, "of first weights, what is held out, and the order of the text");
  count("--threads", o.threads, "0: one per processor; the model is the same");

  return examples::run(app, argc, argv, [&] {
    std::apply(
        [&]<class... S>(const Named<S>&... shape) {
          ((o.shape == shape.name ? Program<S>(o).run() : void()), ...);
        },
        shapes);
  });
}
