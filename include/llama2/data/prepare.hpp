// From files of text to files of tokens: reads, filters, removes duplicates, mixes, holds out,
// checks for evaluations' samples, encodes, shuffles.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/hash.hpp"
#include "llama2/base/random.hpp"
#include "llama2/data/contamination.hpp"
#include "llama2/data/corpus.hpp"
#include "llama2/data/duplicates.hpp"
#include "llama2/data/filters.hpp"
#include "llama2/data/minhash.hpp"
#include "llama2/data/prepare_report.hpp"
#include "llama2/data/shuffled_tokens.hpp"
#include "llama2/data/split.hpp"
#include "llama2/data/token_file.hpp"
#include "llama2/data/train_tokenizer.hpp"
#include "llama2/data/word_encoder.hpp"
#include "llama2/parallel/dynamic_for.hpp"
#include "llama2/parallel/executor.hpp"
#include "llama2/text/tokenizer.hpp"

namespace llama2::inline LLAMA2_ABI {

/// How far the preparation of a corpus has come.
struct PrepareProgress {
  /// "examining", "comparing", "sampling for the tokenizer", "encoding", "writing"
  std::string_view stage;
  std::uint64_t done, total;
  std::string_view unit;  ///< "bytes", as on the disk, or "parts"
};

struct PrepareOptions {
  std::vector<Source> sources{};
  std::size_t max_document_bytes = std::size_t{16} << 20;  ///< a longer one counts as damaged
  bool refuse_damage = false;  ///< damage is an error, instead of left out and reported
  FilterOptions filters{};
  bool remove_duplicates = true;
  std::optional<double> similarity = 0.8;  ///< see `DuplicateOptions`

  /// None: one is trained on a sample of what is kept.
  std::optional<Tokenizer> tokenizer{};
  TokenizerOptions new_tokenizer{};
  std::uint64_t tokenizer_sample_bytes = 100'000'000;
  EncodeOptions encode = {.bos = true, .eos = true};  ///< around each document

  /// Each document is a sample.
  std::vector<Source> evaluations{};
  ContaminationOptions contamination{};
  /// Drop documents of the training part that alone make a sample dirty.
  bool drop_contaminated = false;

  std::string train_file{};
  std::string validation_file{};  ///< empty: nothing is held out
  double validation = 0.01;       ///< the share of documents that is held out
  std::uint64_t seed = 0;         ///< of what is held out, copied once more, and of the order

  std::string temporary_folder = ".";
  /// Bytes of memory for what waits to be sorted; beside it, 6 bytes a document read, 8 a document
  /// written, the samples of evaluations, and some 100 MB and 50 MB a thread are used.
  std::size_t memory_limit = std::size_t{1} << 30;
  SharedExecutor executor{};
  /// Called now and then by the thread that prepares; what it throws ends the preparation, which
  /// then has written nothing.
  std::function<void(const PrepareProgress&)> on_progress{};
};

struct PrepareResult {
  PrepareReport report;
  Tokenizer tokenizer;
};

namespace detail {

/// One preparation; see `prepare`.
class Preparation {
 public:
  explicit Preparation(const PrepareOptions& options)
      : options_(options), split_(options.validation, options.seed) {
    if (options_.sources.empty()) throw Error(ErrorCode::invalid_argument, "there are no sources");
    for (const Source& source : options_.sources) {
      require_option(source.weight >= 0 && source.weight <= 1000, "the weight of a source",
                     source.weight, "0 to 1000");
      report_.sources.push_back({.name = source.name, .weight = source.weight});
    }
    total_bytes_ = corpus_bytes(options_.sources);
    static_cast<void>(corpus_bytes(options_.evaluations));  // they are there
  }

  PrepareResult run() {
    examine();
    if (kept_ == 0) fail_empty();
    if (options_.remove_duplicates) drop_duplicates();
    Tokenizer tokenizer = options_.tokenizer ? *options_.tokenizer : train();
    load_evaluations(tokenizer);
    encode(tokenizer);
    report_evaluations();
    report_.vocab_size = tokenizer.vocab_size();
    return {std::move(report_), std::move(tokenizer)};
  }

 private:
  static constexpr std::size_t batch_bytes = std::size_t{4} << 20;

  void progress(std::string_view stage, std::uint64_t done, std::uint64_t total,
                std::string_view unit = "bytes") const {
    if (options_.on_progress) options_.on_progress({stage, done, total, unit});
  }

  /// Throws the error with the place of the record that it is about.
  [[noreturn]] void fail_at(const CorpusRecord& record, const Error& error) const {
    ErrorDetails details = error.details();
    details.file = options_.sources[record.source].files[record.file];
    throw Error(error.code(),
                "line " + std::to_string(record.line) + ": " + std::string(error.message()),
                std::move(details));
  }

  static std::string place(const std::string& file, std::uint64_t line, std::string_view detail) {
    std::string text = file + ":" + std::to_string(line);
    return detail.empty() ? text : (text += ": ") += detail;
  }

  void count(const Source& source, const CorpusRecord& record, std::size_t bytes, Fate fate,
             std::string_view detail) {
    FateReport& report = report_.sources[record.source].of(fate);
    ++report.documents;
    report.bytes += bytes;
    if (fate != Fate::kept && report.examples.size() < FateReport::max_examples)
      report.examples.push_back(place(source.files[record.file], record.line, detail));
  }

  void refuse(const std::string& file, std::uint64_t line, const std::string& reason) const {
    if (options_.refuse_damage)
      throw Error(ErrorCode::malformed_file, "line " + std::to_string(line) + ": " + reason,
                  {.file = file});
  }

  /// Goes through all sources. For each record `work(slot, document, record, result)` is called on
  /// any thread, then, in the order of the records, `take(document, record, result)` on this one;
  /// `document` counts the records. Damage that the reader finds goes to `damaged`.
  template <class Result, class Work, class Take, class Damaged>
  void for_each_record(std::string_view stage, Work&& work, Take&& take, Damaged&& damaged) {
    CorpusReader reader(options_.sources, options_.max_document_bytes);
    RecordBatch now, next;
    std::vector<Result> results;
    std::size_t first = 0;
    bool more = reader.next(now, batch_bytes);
    while (more) {
      if (results.size() < now.size()) results.resize(now.size());
      // The next batch is read, by one thread, while this one is worked on.
      dynamic_for(options_.executor, now.size() + 1, [&](std::size_t slot, std::size_t i) {
        if (i == 0)
          more = reader.next(next, batch_bytes);
        else
          work(slot, first + i - 1, now[i - 1], results[i - 1]);
      });
      for (std::size_t i = 0; i < now.size(); ++i) take(first + i, now[i], results[i]);
      first += now.size();
      for (const Damage& damage : now.damages()) damaged(damage);
      std::swap(now, next);
      progress(stage, std::min(reader.bytes_read(), total_bytes_), total_bytes_);
    }
  }

  /// What the first pass finds out about a record.
  struct Examined {
    Judgement judgement;
    std::uint64_t hash = 0;  // of the record
    std::size_t bytes = 0;   // of the text
    Digest digest;           // of the text
    MinHash min_hash;
  };

  /// The first pass: the fate of each document by itself, and what it is compared by.
  void examine() {
    duplicates_.emplace(DuplicateOptions{.similarity = options_.similarity,
                                         .folder = options_.temporary_folder,
                                         .memory_limit = options_.memory_limit},
                        options_.executor);
    std::vector<DocumentFilter> filters;
    for (std::size_t i = 0; i < options_.executor.concurrency(); ++i)
      filters.emplace_back(options_.filters);
    const auto work = [&](std::size_t slot, std::size_t, const CorpusRecord& record,
                          Examined& found) {
      found.hash = hash_bytes(record.bytes);
      std::string text;
      try {
        text = record_text(options_.sources[record.source], record.bytes);
      } catch (const Error& error) {
        if (error.code() != ErrorCode::malformed_file) throw;
        found.judgement = {Fate::damaged, std::string(error.message())};
        found.bytes = record.bytes.size();
        return;
      }
      found.bytes = text.size();
      found.judgement = filters[slot].judge(text);
      if (found.judgement.fate != Fate::kept || !options_.remove_duplicates) return;
      found.digest = Digest::of(text);
      if (options_.similarity) found.min_hash = MinHash::of(filters[slot].words());
    };
    const auto take = [&](std::size_t, const CorpusRecord& record, const Examined& found) {
      const Source& source = options_.sources[record.source];
      const Fate fate = found.judgement.fate;
      if (fate == Fate::damaged)
        refuse(source.files[record.file], record.line, found.judgement.detail);
      corpus_hash_ = mix_bits(corpus_hash_ ^ found.hash);
      fates_.push_back(fate);
      if (fate != Fate::kept)
        return count(source, record, found.bytes, fate, found.judgement.detail);
      ++kept_;
      kept_bytes_ += found.bytes;
      if (options_.remove_duplicates) duplicates_->add(found.digest, found.min_hash);
    };
    const auto damaged = [&](const Damage& damage) {
      refuse(damage.file, damage.line, damage.reason);
      FateReport& report = report_.sources[damage.source].of(Fate::damaged);
      ++report.documents;
      if (report.examples.size() < FateReport::max_examples)
        report.examples.push_back(place(damage.file, damage.line, damage.reason));
    };
    for_each_record<Examined>("examining", work, take, damaged);
  }

  void drop_duplicates() {
    progress("comparing", 0, 1, "parts");
    const std::vector<Fate> found = duplicates_->find();
    duplicates_.reset();
    auto next = found.begin();
    for (Fate& fate : fates_)
      if (fate == Fate::kept) fate = *next++;
  }

  [[nodiscard]] double uniform(std::uint64_t what, std::uint64_t document) const noexcept {
    return Random(mix_bits(options_.seed ^ what) ^ document).uniform();
  }

  Tokenizer train() {
    const double share = kept_bytes_ == 0 ? 1
                                          : static_cast<double>(options_.tokenizer_sample_bytes) /
                                                static_cast<double>(kept_bytes_);
    CorpusReader reader(options_.sources, options_.max_document_bytes);
    RecordBatch batch;
    std::size_t in_batch = 0, document = 0;
    const auto next = [&]() -> std::optional<std::string> {
      for (;; ++in_batch, ++document) {
        if (in_batch == batch.size()) {
          progress("sampling for the tokenizer", std::min(reader.bytes_read(), total_bytes_),
                   total_bytes_);
          do {
            if (!reader.next(batch, batch_bytes)) return std::nullopt;
          } while (batch.size() == 0);
          in_batch = 0;
        }
        if (document >= fates_.size()) fail_changed();
        if (fates_[document] != Fate::kept || uniform(3, document) >= share) continue;
        const CorpusRecord record = batch[in_batch];
        std::string text = record_text(options_.sources[record.source], record.bytes);
        ++in_batch, ++document;
        return text;
      }
    };
    return Tokenizer::from_vocabulary(train_tokenizer(next, options_.new_tokenizer));
  }

  void load_evaluations(const Tokenizer& tokenizer) {
    contamination_.emplace(options_.contamination);
    for (const Source& source : options_.evaluations) {
      CorpusReader reader({&source, 1}, options_.max_document_bytes);
      RecordBatch batch;
      while (reader.next(batch, batch_bytes)) {
        // An evaluation with holes is not one.
        for (const Damage& damage : batch.damages())
          throw Error(ErrorCode::malformed_file,
                      "line " + std::to_string(damage.line) + ": " + damage.reason,
                      {.file = damage.file});
        for (std::size_t i = 0; i < batch.size(); ++i) try {
            contamination_->add_sample(tokenizer.encode(record_text(source, batch[i].bytes)));
          } catch (const Error& error) {
            throw Error(
                error.code(),
                "line " + std::to_string(batch[i].line) + ": " + std::string(error.message()),
                {.file = source.files[batch[i].file]});
          }
      }
      report_.evaluations.push_back({.name = source.name, .samples = contamination_->samples()});
    }
    // Of each its own number.
    for (std::size_t i = report_.evaluations.size(); i-- > 1;)
      report_.evaluations[i].samples -= report_.evaluations[i - 1].samples;
    contamination_->index();
  }

  /// What the second pass makes of a record.
  struct Encoded {
    std::uint64_t hash = 0;
    std::size_t bytes = 0;
    bool is_validation = false;
    bool is_dirty = false;
    std::vector<Token> tokens;
    std::vector<ContaminationMatch> matches;
  };

  /// The second pass: what was kept becomes tokens, mixed and shuffled.
  void encode(const Tokenizer& tokenizer) {
    const TokenFileInfo info = token_file_info(tokenizer.vocabulary());
    std::vector<std::string> inputs;
    for (const Source& source : options_.sources)
      inputs.insert(inputs.end(), source.files.begin(), source.files.end());
    TokenFileWriter train_file(options_.train_file, info, inputs);
    std::optional<TokenFileWriter> validation_file;
    if (!options_.validation_file.empty())
      validation_file.emplace(options_.validation_file, info, inputs);
    ShuffledTokens train(options_.temporary_folder, options_.memory_limit / 2);
    ShuffledTokens validation(options_.temporary_folder, options_.memory_limit / 8);

    std::vector<WordEncoder> encoders;
    for (std::size_t i = 0; i < options_.executor.concurrency(); ++i)
      encoders.emplace_back(tokenizer);
    std::uint64_t hash = 0;
    const auto work = [&](std::size_t slot, std::size_t document, const CorpusRecord& record,
                          Encoded& result) {
      if (document >= fates_.size()) fail_changed();
      result.hash = hash_bytes(record.bytes);
      result.tokens.clear();
      result.matches.clear();
      result.is_validation = result.is_dirty = false;
      if (!was_acceptable(fates_[document])) return;
      const std::string text = record_text(options_.sources[record.source], record.bytes);
      result.bytes = text.size();
      if (fates_[document] != Fate::kept) return;
      result.is_validation = validation_file && split_.is_validation(text);
      try {
        encoders[slot].encode(text, options_.encode, result.tokens);
      } catch (const Error& error) {
        fail_at(record, error);
      }
      if (result.is_validation) return;
      result.matches = contamination_->find(result.tokens);
      result.is_dirty = options_.drop_contaminated && contamination_->makes_dirty(result.matches);
    };
    const auto take = [&](std::size_t document, const CorpusRecord& record, const Encoded& result) {
      hash = mix_bits(hash ^ result.hash);
      const Fate fate = result.is_dirty ? Fate::contaminated : fates_[document];
      if (!was_acceptable(fate)) return;  // counted by the first pass
      const Source& source = options_.sources[record.source];
      count(source, record, result.bytes, fate, {});
      if (fate != Fate::kept) return;
      SourceReport& report = report_.sources[record.source];
      if (result.is_validation) {
        validation.add(key_of(document, 0), result.tokens);
        ++report.validation_documents;
        report.validation_tokens += result.tokens.size();
        return;
      }
      const std::uint64_t copies = copies_of(document, source.weight);
      for (std::uint64_t copy = 0; copy < copies; ++copy)
        train.add(key_of(document, copy), result.tokens);
      if (copies > 0) contamination_->mark(result.matches);
      report.train_documents += copies;
      report.train_tokens += copies * result.tokens.size();
    };
    for_each_record<Encoded>("encoding", work, take, [](const Damage&) {});
    if (hash != corpus_hash_) fail_changed();

    const auto parts = [&](std::size_t done, std::size_t total) {
      progress("writing", done, total, "parts");
    };
    train.write(train_file, parts);
    if (validation_file) {
      validation.write(*validation_file, [](std::size_t, std::size_t) {});
      validation_file->commit();
    }
    train_file.commit();
  }

  /// Whether a document has passed all that looks at it alone.
  static bool was_acceptable(Fate fate) noexcept {
    return fate == Fate::kept || fate == Fate::exact_duplicate || fate == Fate::near_duplicate ||
           fate == Fate::contaminated;
  }

  /// Where a copy comes in the shuffled file.
  [[nodiscard]] std::uint64_t key_of(std::size_t document, std::uint64_t copy) const noexcept {
    return mix_bits(mix_bits(mix_bits(options_.seed ^ 1) ^ document) ^ copy);
  }

  [[nodiscard]] std::uint64_t copies_of(std::size_t document, double weight) const noexcept {
    const auto whole = static_cast<std::uint64_t>(weight);
    return whole + (uniform(2, document) < weight - static_cast<double>(whole) ? 1 : 0);
  }

  void report_evaluations() {
    std::size_t sample = 0;
    for (EvaluationReport& report : report_.evaluations) {
      double sum = 0;
      for (std::uint64_t i = 0; i < report.samples; ++i) {
        const SampleContamination found = contamination_->sample(sample++);
        if (!found.can_be_told(options_.contamination)) {
          ++report.too_short;
          continue;
        }
        sum += found.share();
        report.clean += found.is_clean() ? 1 : 0;
        report.dirty += found.is_dirty() ? 1 : 0;
      }
      const std::uint64_t told = report.samples - report.too_short;
      report.mean_share = told == 0 ? 0 : sum / static_cast<double>(told);
    }
  }

  /// Of no document there is nothing to make: says what has become of them.
  [[noreturn]] void fail_empty() const {
    std::string found;
    for (std::size_t i = 0; i < fate_count; ++i) {
      const Fate fate = static_cast<Fate>(i);
      const std::uint64_t documents = report_.documents(fate);
      if (documents == 0) continue;
      if (!found.empty()) found += "; ";
      found += std::to_string(documents) + " " + std::string(to_string(fate));
      for (const SourceReport& source : report_.sources)
        if (const auto& examples = source.of(fate).examples; !examples.empty()) {
          found += ", as " + examples.front();
          break;
        }
    }
    throw Error(ErrorCode::invalid_argument, "no document of the sources was kept",
                {.found = found.empty() ? "no documents" : found});
  }

  [[noreturn]] void fail_changed() const {
    throw Error(ErrorCode::io, "the sources have changed while they were read; begin anew");
  }

  const PrepareOptions& options_;
  Split split_;
  PrepareReport report_;
  std::uint64_t total_bytes_ = 0;
  std::vector<Fate> fates_;        // of each record
  std::uint64_t corpus_hash_ = 0;  // of all records
  std::uint64_t kept_ = 0;         // documents, before duplicates are dropped
  std::uint64_t kept_bytes_ = 0;   // theirs
  std::optional<DuplicateFinder> duplicates_;
  std::optional<ContaminationCheck> contamination_;
};

}  // namespace detail

/// Prepares a corpus in two passes over its files: the first judges each document and finds
/// duplicates, the second encodes what is kept and writes the token files. The files, and the
/// report, depend on the sources and the options only, not on threads or memory. Output appears
/// whole or not at all.
///
/// Throws `io` (a source that is not there or changes meanwhile, a full disk), `invalid_argument`
/// (options, not one document kept, too little text for the tokenizer), `malformed_file` (damage,
/// where it is refused or an evaluation's), and what `on_progress` throws.
inline PrepareResult prepare(const PrepareOptions& options) {
  return detail::Preparation(options).run();
}

}  // namespace llama2::inline LLAMA2_ABI
