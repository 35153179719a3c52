// Files of tokens: documents one after the other as they are trained on, mapped and read in place.
//
// All numbers are little-endian:
//
//   offset 0   8 bytes   "LL2TOKEN"
//          8   u32       version of the format, 1
//         12   u32       bytes of a token: 2 up to a vocabulary of 65536, else 4
//         16   u64       size of the vocabulary
//         24   2 x u64   digest of the tokenizer's vocabulary
//         40             the tokens, zeros up to a multiple of 8 bytes,
//                        a u64 for each document: the number of tokens up to its end
//   at the end   u64     number of tokens
//                u64     number of documents
//                u64     hash of all bytes between byte 40 and this number
//                8 bytes "LL2TOKEN"
//
// The counts come last because a corpus is written in one go. A killed writer leaves no such file.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/checked.hpp"
#include "llama2/base/error.hpp"
#include "llama2/base/file.hpp"
#include "llama2/base/hash.hpp"
#include "llama2/base/output_file.hpp"
#include "llama2/base/token.hpp"
#include "llama2/text/sentencepiece_model.hpp"
#include "llama2/text/vocabulary.hpp"

namespace llama2::inline LLAMA2_ABI {

/// What a token file was made with: tokens mean nothing without it.
struct TokenFileInfo {
  std::uint64_t vocab_size = 0;
  Digest tokenizer{};  ///< see `digest_of`

  friend bool operator==(const TokenFileInfo&, const TokenFileInfo&) = default;
};

/// Of all that decides how a vocabulary encodes text; the same whatever file it came from.
inline Digest digest_of(const Vocabulary& vocabulary) {
  return Digest::of(encode_model_proto(vocabulary));
}

inline TokenFileInfo token_file_info(const Vocabulary& vocabulary) {
  return {.vocab_size = vocabulary.pieces.size(), .tokenizer = digest_of(vocabulary)};
}

namespace detail {

inline constexpr std::string_view token_file_magic = "LL2TOKEN";
inline constexpr std::uint32_t token_file_version = 1;
inline constexpr std::size_t token_file_header = 40;
inline constexpr std::size_t token_file_footer = 32;
inline constexpr std::uint64_t max_token_file_vocab = std::uint64_t{1} << 31;

constexpr std::size_t stored_token_bytes(std::uint64_t vocab) noexcept {
  return vocab <= 65536 ? 2 : 4;
}

inline std::string_view bytes_as_text(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The hash of a stream, whatever pieces it comes in.
class StreamHash {
 public:
  void add(std::string_view bytes) {
    if (!partial_.empty()) {
      const std::size_t taken = std::min(block - partial_.size(), bytes.size());
      partial_ += bytes.substr(0, taken);
      bytes.remove_prefix(taken);
      if (partial_.size() < block) return;
      hash_ = hash_bytes(partial_, hash_);
      partial_.clear();
    }
    for (; bytes.size() >= block; bytes.remove_prefix(block))
      hash_ = hash_bytes(bytes.substr(0, block), hash_);
    partial_ = bytes;
  }
  [[nodiscard]] std::uint64_t value() const noexcept { return hash_bytes(partial_, hash_); }

 private:
  static constexpr std::size_t block = 4096;

  std::uint64_t hash_ = 0;
  std::string partial_;
};

}  // namespace detail

/// Writes a token file, document by document. Memory grows by 8 bytes a document.
class TokenFileWriter {
 public:
  /// Throws what `OutputFile` throws, and `invalid_argument` for a vocabulary of no or 2^31 ids.
  TokenFileWriter(std::string path, const TokenFileInfo& info,
                  std::span<const std::string> inputs = {})
      : file_(std::move(path), inputs), info_(info) {
    if (info.vocab_size == 0 || info.vocab_size >= detail::max_token_file_vocab)
      throw Error(ErrorCode::invalid_argument, "no vocabulary has so many ids",
                  {.file = file_.path(), .found = std::to_string(info.vocab_size)});
    file_.write(detail::token_file_magic);
    put(detail::token_file_version);
    put(static_cast<std::uint32_t>(detail::stored_token_bytes(info.vocab_size)));
    put(info.vocab_size);
    put(info.tokenizer.low);
    put(info.tokenizer.high);
  }

  /// Appends a document as it is to be trained on, with its BOS and EOS where they are wanted.
  /// Throws `invalid_argument` for a token outside the vocabulary, and `io`.
  void add(std::span<const Token> document) {
    for (const Token token : document)
      require_token(token, static_cast<std::size_t>(info_.vocab_size));
    if (detail::stored_token_bytes(info_.vocab_size) == 2) {
      narrow_.clear();
      for (const Token token : document) narrow_.push_back(static_cast<std::uint16_t>(token));
      append(std::as_bytes(std::span(narrow_)));
    } else {
      append(std::as_bytes(document));
    }
    tokens_ += document.size();
    ends_.push_back(tokens_);
  }

  [[nodiscard]] std::uint64_t tokens() const noexcept { return tokens_; }
  [[nodiscard]] std::uint64_t documents() const noexcept { return ends_.size(); }

  /// Completes the file and puts it in its place. To be called once, last.
  void commit() {
    const std::uint64_t bytes = tokens_ * detail::stored_token_bytes(info_.vocab_size);
    constexpr std::array<std::byte, 8> zeros{};
    append(std::span(zeros).first((8 - bytes % 8) % 8));
    append(std::as_bytes(std::span(ends_)));
    put(tokens_);
    put(static_cast<std::uint64_t>(ends_.size()));
    put(hash_.value());
    file_.write(detail::token_file_magic);
    file_.commit();
  }

 private:
  void append(std::span<const std::byte> bytes) {
    hash_.add(detail::bytes_as_text(bytes));
    file_.write(bytes);
  }
  template <class T>
  void put(T value) {
    file_.write(std::as_bytes(std::span(&value, 1)));
  }

  OutputFile file_;
  TokenFileInfo info_;
  std::vector<std::uint16_t> narrow_;
  std::vector<std::uint64_t> ends_;
  detail::StreamHash hash_;
  std::uint64_t tokens_ = 0;
};

/// A token file, mapped. Every number in it is checked before it is used: what says how large
/// things are when it is opened, tokens when they are copied out. Any number of threads may read.
class TokenFile {
 public:
  /// Throws `io`, and `malformed_file` or `unsupported` naming the byte that is wrong.
  explicit TokenFile(std::string path)
      : TokenFile(std::make_shared<const InputFile>(std::move(path))) {}
  explicit TokenFile(std::shared_ptr<const InputFile> file) : file_(std::move(file)) {
    using namespace detail;
    const std::size_t size = bytes().size();
    if (size < token_file_header + token_file_footer)
      fail(0, "the file is too short to hold tokens",
           "at least " + std::to_string(token_file_header + token_file_footer) + " bytes",
           std::to_string(size));
    check_magic(0, "not a token file");
    const auto version = read<std::uint32_t>(8);
    if (version != token_file_version)
      throw Error(ErrorCode::unsupported, "unknown version of the token file format",
                  {.file = path(),
                   .offset = 8,
                   .expected = std::to_string(token_file_version),
                   .found = std::to_string(version)});
    info_ = {.vocab_size = read<std::uint64_t>(16),
             .tokenizer = {read<std::uint64_t>(24), read<std::uint64_t>(32)}};
    if (info_.vocab_size == 0 || info_.vocab_size >= max_token_file_vocab)
      fail(16, "no vocabulary has so many ids", "1 to 2147483647",
           std::to_string(info_.vocab_size));
    token_bytes_ = stored_token_bytes(info_.vocab_size);
    if (read<std::uint32_t>(12) != token_bytes_)
      fail(12, "the tokens have the wrong size", std::to_string(token_bytes_),
           std::to_string(read<std::uint32_t>(12)));
    check_magic(size - 8, "the token file is not complete");
    footer_ = size - token_file_footer;
    const auto tokens = read<std::uint64_t>(footer_);
    const auto documents = read<std::uint64_t>(footer_ + 8);
    constexpr std::string_view what = "token file";
    const std::uint64_t stored = checked_mul(tokens, token_bytes_, what);
    const std::uint64_t ends = checked_add(token_file_header, stored, what);
    const std::uint64_t ends_aligned = checked_add(ends, (8 - ends % 8) % 8, what);
    const std::uint64_t end = checked_add(ends_aligned, checked_mul(documents, 8, what), what);
    if (end != footer_)
      fail(footer_, "the counts do not fit the file's size",
           std::to_string(footer_) + " bytes of tokens and documents", std::to_string(end));
    tokens_ = static_cast<std::size_t>(tokens);
    documents_ = static_cast<std::size_t>(documents);
    ends_ = static_cast<std::size_t>(ends_aligned);
    check_ends();
  }

  [[nodiscard]] const TokenFileInfo& info() const noexcept { return info_; }
  [[nodiscard]] const std::string& path() const noexcept { return file_->path(); }
  [[nodiscard]] std::size_t tokens() const noexcept { return tokens_; }
  [[nodiscard]] std::size_t documents() const noexcept { return documents_; }

  /// Where a document begins among the tokens; of `documents()`, where the last one ends.
  [[nodiscard]] std::size_t document_begin(std::size_t document) const {
    if (document > documents_)
      throw Error(ErrorCode::invalid_argument, "there is no such document",
                  {.file = path(),
                   .expected = "at most " + std::to_string(documents_),
                   .found = std::to_string(document)});
    return document == 0 ? 0 : end_of(document - 1);
  }

  /// The document that a token is of. Throws `invalid_argument` if there is no such token.
  [[nodiscard]] std::size_t document_of(std::size_t token) const {
    if (token >= tokens_) fail_range(token, 1);
    std::size_t low = 0;  // the first document that ends behind the token
    for (std::size_t high = documents_; low < high;) {
      const std::size_t middle = low + (high - low) / 2;
      if (end_of(middle) > token)
        high = middle;
      else
        low = middle + 1;
    }
    return low;
  }

  /// Copies out.size() tokens from `begin` on. Throws `invalid_argument` if there are not so many,
  /// and `malformed_file` if one of them is outside the vocabulary.
  void copy(std::size_t begin, std::span<Token> out) const {
    if (begin > tokens_ || out.size() > tokens_ - begin) fail_range(begin, out.size());
    const std::size_t at = detail::token_file_header + begin * token_bytes_;
    if (token_bytes_ == 2) {
      for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = static_cast<Token>(read<std::uint16_t>(at + 2 * i));
    } else if (!out.empty()) {
      std::memcpy(out.data(), bytes().data() + at, out.size_bytes());
    }
    std::uint32_t largest = 0;  // a negative one is larger than any
    for (const Token token : out) largest = std::max(largest, static_cast<std::uint32_t>(token));
    if (largest < info_.vocab_size) return;
    for (std::size_t i = 0; i < out.size(); ++i)
      if (!is_token(out[i], static_cast<std::size_t>(info_.vocab_size)))
        fail(at + i * token_bytes_, "token outside the vocabulary",
             "0 to " + std::to_string(info_.vocab_size - 1), std::to_string(out[i]));
  }

  /// The tokens of a document.
  [[nodiscard]] std::vector<Token> document(std::size_t index) const {
    const std::size_t begin = document_begin(index);
    std::vector<Token> tokens(document_begin(index + 1) - begin);
    copy(begin, tokens);
    return tokens;
  }

  /// Reads all of the file: throws `malformed_file` if a byte has changed since it was written.
  void verify() const {
    detail::StreamHash hash;
    hash.add(detail::bytes_as_text(
        bytes().subspan(detail::token_file_header, footer_ - detail::token_file_header)));
    if (hash.value() != read<std::uint64_t>(footer_ + 16))
      fail(footer_ + 16, "the file is damaged: its hash is not that of its bytes");
  }

 private:
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return file_->bytes(); }

  template <class T>
  [[nodiscard]] T read(std::size_t offset) const noexcept {
    T value;
    std::memcpy(&value, bytes().data() + offset, sizeof value);
    return value;
  }

  [[nodiscard]] std::size_t end_of(std::size_t document) const noexcept {
    return static_cast<std::size_t>(read<std::uint64_t>(ends_ + 8 * document));
  }

  [[noreturn]] void fail(std::size_t offset, std::string_view message, std::string expected = {},
                         std::string found = {}) const {
    throw Error(ErrorCode::malformed_file, message,
                {.file = path(),
                 .offset = offset,
                 .expected = std::move(expected),
                 .found = std::move(found)});
  }

  [[noreturn]] void fail_range(std::size_t begin, std::size_t count) const {
    throw Error(ErrorCode::invalid_argument, "the file has not so many tokens",
                {.file = path(),
                 .expected = std::to_string(tokens_),
                 .found = std::to_string(count) + " from " + std::to_string(begin)});
  }

  void check_magic(std::size_t offset, std::string_view message) const {
    const std::string_view found = detail::bytes_as_text(bytes().subspan(offset, 8));
    if (found != detail::token_file_magic)
      fail(offset, message, detail::printable(detail::token_file_magic), detail::printable(found));
  }

  void check_ends() const {
    std::uint64_t before = 0;
    for (std::size_t i = 0; i < documents_; ++i) {
      const auto end = read<std::uint64_t>(ends_ + 8 * i);
      if (end < before || end > tokens_)
        fail(ends_ + 8 * i, "a document ends outside the tokens",
             std::to_string(before) + " to " + std::to_string(tokens_), std::to_string(end));
      before = end;
    }
    if (before != tokens_)
      fail(footer_, "the last document ends before the last token", std::to_string(tokens_),
           std::to_string(before));
  }

  std::shared_ptr<const InputFile> file_;
  TokenFileInfo info_;
  std::size_t token_bytes_ = 0, tokens_ = 0, documents_ = 0;
  std::size_t ends_ = 0, footer_ = 0;  // byte offsets
};

}  // namespace llama2::inline LLAMA2_ABI
