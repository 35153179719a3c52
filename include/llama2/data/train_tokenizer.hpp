// A tokenizer of one's own, trained by sentencepiece with Llama 2's settings.
#pragma once

#include <sentencepiece_trainer.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "llama2/base/error.hpp"
#include "llama2/text/sentencepiece_model.hpp"
#include "llama2/text/vocabulary.hpp"

namespace llama2::inline LLAMA2_ABI {

struct TokenizerOptions {
  std::size_t vocab_size = 32000;  ///< all ids: 3 control pieces, 256 bytes, characters, merges
  /// The share of the text's characters that get a piece; the rarest become bytes. Llama 2's.
  double character_coverage = 0.99995;
  std::size_t max_piece_characters = 16;  ///< Llama 2's
};

/// Gives one document after the other; nothing at the end.
using DocumentSource = std::function<std::optional<std::string>()>;

namespace detail {

/// Documents as sentencepiece is trained on them: line by line, and long lines, which it would
/// leave out, in parts that begin with a space: a part gets it back as its dummy prefix.
class TrainingLines final : public sentencepiece::SentenceIterator {
 public:
  /// The first line are the digits: they must get pieces, and sentencepiece ends the program where
  /// a character that must get one is not there.
  explicit TrainingLines(const DocumentSource& next)
      : next_(next), document_(digits), rest_(document_) {
    take_line();
  }

  static constexpr const char* digits = "0123456789";

  [[nodiscard]] bool done() const override { return done_; }
  [[nodiscard]] const std::string& value() const override { return line_; }
  [[nodiscard]] sentencepiece::util::Status status() const override { return {}; }

  void Next() override {
    do {
      if (!rest_.empty()) continue;
      std::optional<std::string> document = next_();
      if (!document) {
        done_ = true;
        return;
      }
      document_ = std::move(*document);
      rest_ = document_;
    } while (!take_line());
  }

  static constexpr std::size_t max_bytes = 4096;

 private:
  /// False if the line is empty.
  bool take_line() {
    const std::size_t end = std::min(rest_.find('\n'), rest_.size());
    std::size_t cut = end;
    if (cut > max_bytes) {
      cut = rest_.rfind(' ', max_bytes);
      if (cut == 0 || cut == rest_.npos) {  // no space: anywhere between two characters
        cut = max_bytes;
        while (cut > 1 && (static_cast<unsigned char>(rest_[cut]) & 0xC0) == 0x80) --cut;
      }
    }
    line_ = rest_.substr(0, cut);
    if (line_.ends_with('\r')) line_.pop_back();
    // The character at a cut is dropped if it is a line's end, or a space that comes back.
    const bool drop = cut < rest_.size() && (rest_[cut] == '\n' || rest_[cut] == ' ');
    rest_.remove_prefix(cut + (drop ? 1 : 0));
    return !line_.empty();
  }

  const DocumentSource& next_;
  std::string document_;
  std::string_view rest_;
  std::string line_;
  bool done_ = false;
};

}  // namespace detail

/// Trains a tokenizer like Llama 2's on all that `next` gives: byte-pair encoding with a fallback
/// to bytes, each digit a piece of its own, text taken as it is (no normalisation, spaces kept, one
/// in front of a text), `<unk>` 0, `<s>` 1, `</s>` 2. The same text gives the same vocabulary.
///
/// All the text's distinct words are held in memory. Throws `invalid_argument` with
/// sentencepiece's reason, such as too small a text for so many pieces, and what `next` throws.
/// sentencepiece's messages are silenced in the whole process: it has no other way.
inline Vocabulary train_tokenizer(const DocumentSource& next, const TokenizerOptions& options) {
  detail::TrainingLines lines(next);
  const std::unordered_map<std::string, std::string> settings = {
      {"model_type", "bpe"},
      {"vocab_size", std::to_string(options.vocab_size)},
      {"character_coverage", number_text(options.character_coverage)},
      {"max_sentencepiece_length", std::to_string(options.max_piece_characters)},
      {"max_sentence_length", std::to_string(detail::TrainingLines::max_bytes)},
      {"byte_fallback", "true"},
      {"split_digits", "true"},
      {"required_chars", detail::TrainingLines::digits},  // also where the text has few
      {"allow_whitespace_only_pieces", "true"},
      {"normalization_rule_name", "identity"},
      {"add_dummy_prefix", "true"},
      {"remove_extra_whitespaces", "false"},
      {"unk_id", "0"},
      {"bos_id", "1"},
      {"eos_id", "2"},
      {"pad_id", "-1"},
      {"num_threads", "1"},
      {"minloglevel", "2"}};
  std::string model;
  const auto status = sentencepiece::SentencePieceTrainer::Train(settings, &lines, &model);
  if (!status.ok())
    throw Error(ErrorCode::invalid_argument,
                "sentencepiece cannot train a tokenizer: " + std::string(status.message()));
  Vocabulary vocabulary = parse_model_proto(model);
  vocabulary.offsets.clear();
  validate(vocabulary);
  return vocabulary;
}

}  // namespace llama2::inline LLAMA2_ABI
