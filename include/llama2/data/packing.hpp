// Documents packed into rows of one length, as the paper trains: no padding, nothing cut off.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/token.hpp"
#include "llama2/data/token_file.hpp"

namespace llama2::inline LLAMA2_ABI {

/// The tokens of a file, one document after the other, cut into rows of `length` inputs. Row i has
/// length + 1 tokens, i * length to (i + 1) * length inclusive: tokens [0, length) are a step's
/// inputs and [1, length + 1) its targets, so each token of the file but the first is a target
/// once. What is left at the end and does not fill a row is not used, fewer than length + 1 tokens.
class PackedRows {
 public:
  /// Throws `invalid_argument` for a length of 0.
  PackedRows(std::shared_ptr<const TokenFile> file, std::size_t length)
      : file_(std::move(file)), length_(length) {
    require_option(length > 0, "the length of a row", static_cast<double>(length), "at least 1");
  }

  [[nodiscard]] const TokenFile& file() const noexcept { return *file_; }
  [[nodiscard]] std::size_t length() const noexcept { return length_; }
  [[nodiscard]] std::size_t size() const noexcept {
    return file_->tokens() == 0 ? 0 : (file_->tokens() - 1) / length_;
  }

  /// Copies the length() + 1 tokens of a row to `out`. Throws `invalid_argument` for a row that is
  /// not there or another size of `out`, and what `TokenFile::copy` throws.
  void copy(std::size_t row, std::span<Token> out) const {
    check(row);
    if (out.size() != length_ + 1)
      throw Error(ErrorCode::invalid_argument, "a row has one token more than inputs",
                  {.expected = std::to_string(length_ + 1), .found = std::to_string(out.size())});
    file_->copy(row * length_, out);
  }

  /// The inputs of a row at which a document begins, ascending: for masks that keep documents
  /// apart. The paper's pretraining has none.
  [[nodiscard]] std::vector<std::size_t> document_begins(std::size_t row) const {
    check(row);
    const std::size_t first = row * length_;
    std::vector<std::size_t> begins;
    std::size_t document = file_->document_of(first);
    if (file_->document_begin(document) < first) ++document;
    for (; document < file_->documents(); ++document) {
      const std::size_t begin = file_->document_begin(document);
      if (begin >= first + length_) break;
      // An empty document begins where the next one does.
      if (begins.empty() || begins.back() != begin - first) begins.push_back(begin - first);
    }
    return begins;
  }

 private:
  void check(std::size_t row) const {
    if (row < size()) return;
    throw Error(ErrorCode::invalid_argument, "there is no such row",
                {.file = file_->path(),
                 .expected = "fewer than " + std::to_string(size()),
                 .found = std::to_string(row)});
  }

  std::shared_ptr<const TokenFile> file_;
  std::size_t length_;
};

}  // namespace llama2::inline LLAMA2_ABI
