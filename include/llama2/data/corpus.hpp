// A corpus: sources of documents, read record by record, however large.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/os.hpp"
#include "llama2/data/byte_stream.hpp"
#include "llama2/data/json_text.hpp"

namespace llama2::inline LLAMA2_ABI {

/// How documents lie in a file. Each file may be compressed by gzip.
enum class DocumentFormat : std::uint8_t {
  separated,    ///< text; a line that is the separator stands between documents
  blank_lines,  ///< text; blank lines stand between documents
  whole_file,   ///< text; a file is one document
  jsonl,        ///< a JSON object a line; some of its members are the text
};

/// Files of one kind and worth.
struct Source {
  std::string name{};
  std::vector<std::string> files{};
  DocumentFormat format = DocumentFormat::separated;
  std::string separator = "<|endoftext|>";     ///< of `separated`
  std::vector<std::string> fields = {"text"};  ///< of `jsonl`: joined by line feeds
  /// How often a document is trained on in one pass over the corpus: 2.5 means each twice, and half
  /// of them a third time. The paper takes its most factual sources more often.
  double weight = 1;
};

/// A place where a file is not what it should be. What can be read before and after it is read.
struct Damage {
  std::size_t source = 0;
  std::string file{};
  std::uint64_t line = 0;  ///< the first of what is damaged, from 1
  std::string reason{};
};

/// A document as it lies in its file.
struct CorpusRecord {
  std::string_view bytes{};
  std::size_t source = 0, file = 0;  ///< numbers in the list of sources, and in the source's files
  std::uint64_t line = 0;            ///< its first, from 1
};

/// Some records, one after the other.
class RecordBatch {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_.size(); }
  [[nodiscard]] CorpusRecord operator[](std::size_t i) const {
    const Item& item = items_[i];
    return {.bytes = std::string_view(bytes_).substr(item.begin, item.size),
            .source = item.source,
            .file = item.file,
            .line = item.line};
  }
  [[nodiscard]] const std::vector<Damage>& damages() const noexcept { return damages_; }

 private:
  friend class CorpusReader;

  struct Item {
    std::size_t begin, size, source, file;
    std::uint64_t line;
  };

  std::string bytes_;
  std::vector<Item> items_;
  std::vector<Damage> damages_;
};

namespace detail {

/// Lines of a stream, without their ends.
class LineReader {
 public:
  LineReader(std::string path, std::size_t max_bytes)
      : stream_(std::move(path)), max_bytes_(max_bytes) {}

  /// The next line, valid until the next call; none at the end. Throws what `ByteStream` throws.
  std::optional<std::string_view> next() {
    too_long_ = false;
    for (std::size_t scanned = 0;;) {
      const std::string_view rest(buffer_.data() + begin_, end_ - begin_);
      const std::size_t line_end = rest.find('\n', scanned);
      if (line_end != rest.npos) return take(rest.substr(0, line_end), line_end + 1);
      scanned = rest.size();
      if (scanned > max_bytes_) {  // what is too long is not kept
        too_long_ = true;
        begin_ = end_ = scanned = 0;
      }
      if (!fill()) {
        if (begin_ == end_ && !too_long_) return std::nullopt;
        return take({buffer_.data() + begin_, end_ - begin_}, end_ - begin_);
      }
    }
  }

  /// The number of the line that `next` has given last, from 1.
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
  /// Whether that line was too long and is therefore not there.
  [[nodiscard]] bool too_long() const noexcept { return too_long_; }
  [[nodiscard]] const ByteStream& stream() const noexcept { return stream_; }

 private:
  static constexpr std::size_t chunk = std::size_t{256} << 10;

  std::string_view take(std::string_view line, std::size_t consumed) {
    begin_ += consumed;
    ++number_;
    if (too_long_) return {};
    if (number_ == 1 && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
    if (line.ends_with('\r')) line.remove_suffix(1);
    too_long_ = line.size() > max_bytes_;
    return too_long_ ? std::string_view() : line;
  }

  bool fill() {
    if (begin_ != 0) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (buffer_.size() < end_ + chunk) buffer_.resize(std::max(end_ + chunk, 2 * end_));
    const std::size_t n = stream_.read(std::span(buffer_).subspan(end_));
    end_ += n;
    return n != 0;
  }

  ByteStream stream_;
  std::size_t max_bytes_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  std::uint64_t number_ = 0;
  bool too_long_ = false;
};

inline bool is_separator(std::string_view line, const Source& source) {
  return line.substr(0, line.find_last_not_of(" \t") + 1) == source.separator;
}

}  // namespace detail

/// Whether a line of the source's files is its separator; they are read until one is. Throws `io`;
/// a damaged file is none of its business.
inline bool has_separator(const Source& source) {
  constexpr std::size_t max_line = std::size_t{64} << 10;  // a longer one is no separator
  for (const std::string& file : source.files) try {
      detail::LineReader lines(file, std::max(max_line, source.separator.size()));
      while (const auto line = lines.next())
        if (!lines.too_long() && detail::is_separator(*line, source)) return true;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::malformed_file) throw;
    }
  return false;
}

/// Goes through the records of all files of all sources, in their order.
class CorpusReader {
 public:
  /// A record that is longer than `max_record_bytes` counts as damaged, and is never in memory.
  CorpusReader(std::span<const Source> sources, std::size_t max_record_bytes)
      : sources_(sources), max_record_bytes_(max_record_bytes) {}

  /// Replaces the batch by the next records, about `target_bytes` of them; false at the end. Throws
  /// `io`. What is damaged is told in the batch, and left out.
  bool next(RecordBatch& batch, std::size_t target_bytes) {
    batch.bytes_.clear();
    batch.items_.clear();
    batch.damages_.clear();
    while (batch.bytes_.size() < target_bytes && batch.damages_.size() < max_damages) {
      if (!lines_ && !open_next()) break;
      try {
        if (!next_record(batch)) close();
      } catch (const Error& error) {
        if (error.code() != ErrorCode::malformed_file) throw;
        // Of a compressed file: what follows cannot be read.
        batch.damages_.push_back({.source = source_,
                                  .file = path(),
                                  .line = lines_->number() + 1,
                                  .reason = std::string(error.what()).substr(path().size() + 2)});
        batch.bytes_.resize(
            batch.items_.empty() ? 0 : batch.items_.back().begin + batch.items_.back().size);
        close();
      }
    }
    return !batch.items_.empty() || !batch.damages_.empty();
  }

  /// Bytes of files that have been read, as they are on the disk.
  [[nodiscard]] std::uint64_t bytes_read() const noexcept {
    return closed_bytes_ + (lines_ ? lines_->stream().file_position() : 0);
  }

 private:
  static constexpr std::size_t max_damages = 1024;

  [[nodiscard]] const std::string& path() const { return sources_[source_].files[file_]; }

  bool open_next() {
    while (source_ < sources_.size() && file_ == sources_[source_].files.size()) {
      ++source_;
      file_ = 0;
    }
    if (source_ == sources_.size()) return false;
    lines_.emplace(path(), max_record_bytes_);
    return true;
  }

  void close() {
    closed_bytes_ += lines_->stream().file_size();
    lines_.reset();
    ++file_;
  }

  void add(RecordBatch& batch, std::size_t begin, std::uint64_t line) const {
    batch.items_.push_back({.begin = begin,
                            .size = batch.bytes_.size() - begin,
                            .source = source_,
                            .file = file_,
                            .line = line});
  }

  void add_too_long(RecordBatch& batch, std::uint64_t line) const {
    batch.damages_.push_back(
        {.source = source_,
         .file = path(),
         .line = line,
         .reason = "a document of more than " + std::to_string(max_record_bytes_) + " bytes"});
  }

  static bool is_blank(std::string_view line) {
    return line.find_first_not_of(" \t\r\v\f") == line.npos;
  }

  /// False at the end of the file.
  bool next_record(RecordBatch& batch) {
    return sources_[source_].format == DocumentFormat::jsonl ? next_json_line(batch)
                                                             : next_text(batch);
  }

  bool next_json_line(RecordBatch& batch) {
    const auto line = lines_->next();
    if (!line) return false;
    if (lines_->too_long()) {
      add_too_long(batch, lines_->number());
    } else if (!is_blank(*line)) {
      const std::size_t begin = batch.bytes_.size();
      batch.bytes_ += *line;
      add(batch, begin, lines_->number());
    }
    return true;
  }

  /// Lines up to the next that stands between documents, without blank ones at both ends.
  bool next_text(RecordBatch& batch) {
    const Source& source = sources_[source_];
    const auto separates = [&](std::string_view line) {
      if (source.format == DocumentFormat::whole_file) return false;
      if (source.format == DocumentFormat::blank_lines) return is_blank(line);
      return detail::is_separator(line, source);
    };
    const std::size_t begin = batch.bytes_.size();
    std::uint64_t first_line = 0;
    std::size_t end = begin;  // of the last line that is not blank
    bool too_long = false;
    bool more = false;
    while (const auto line = lines_->next()) {
      more = true;
      if (!lines_->too_long() && separates(*line)) break;
      const bool blank = is_blank(*line) && !lines_->too_long();
      if (first_line == 0 && blank) continue;
      if (first_line == 0) first_line = lines_->number();
      too_long = too_long || lines_->too_long() ||
                 batch.bytes_.size() - begin + line->size() > max_record_bytes_;
      if (too_long) {
        batch.bytes_.resize(end = begin);
        continue;
      }
      batch.bytes_ += *line;
      if (!blank) end = batch.bytes_.size();
      batch.bytes_ += '\n';
    }
    batch.bytes_.resize(end);
    if (too_long)
      add_too_long(batch, first_line);
    else if (first_line != 0)
      add(batch, begin, first_line);
    return more;
  }

  std::span<const Source> sources_;
  std::size_t max_record_bytes_;
  std::size_t source_ = 0, file_ = 0;
  std::optional<detail::LineReader> lines_;
  std::uint64_t closed_bytes_ = 0;
};

/// Bytes of all files of the sources, as they are on the disk. Throws `io` for a file that is not
/// there.
inline std::uint64_t corpus_bytes(std::span<const Source> sources) {
  std::uint64_t bytes = 0;
  for (const Source& source : sources)
    for (const std::string& file : source.files) {
      const auto info = os::find(file);
      if (!info) throw Error(ErrorCode::io, "there is no such file", {.file = file});
      bytes += info->size;
    }
  return bytes;
}

/// The text of a record of this source. Throws `malformed_file` with what is wrong in it.
inline std::string record_text(const Source& source, std::string_view bytes) {
  if (source.format == DocumentFormat::jsonl) return json_text(bytes, source.fields);
  return std::string(bytes);
}

}  // namespace llama2::inline LLAMA2_ABI
