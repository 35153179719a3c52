// Corpora: readers, filters, duplicates, contamination, token files, packing, shuffles.
#include <zlib.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "error_of.hpp"
#include "llama2/data/instructions.hpp"
#include "llama2/data/prepare.hpp"
#include "llama2/data/prepare_config.hpp"
#include "llama2/data/public_preferences.hpp"
#include "llama2/data/row_stream.hpp"
#include "llama2/eval/data_file.hpp"
#include "llama2/io/load_tokenizer.hpp"
#include "llama2/parallel/thread_pool.hpp"
#include "synthetic_corpus.hpp"
#include "synthetic_tokenizer.hpp"
#include "temp_folder.hpp"
#include "test_data.hpp"

using namespace llama2;

namespace {

using test::error_of;
using test::read_file;
using test::write_file;

std::string gzip(std::string_view text) {
  ::z_stream stream{};
  if (::deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("zlib");
  std::string out(text.size() + 1000, '\0');
  stream.next_in = reinterpret_cast<::Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<::uInt>(text.size());
  stream.next_out = reinterpret_cast<::Bytef*>(out.data());
  stream.avail_out = static_cast<::uInt>(out.size());
  if (::deflate(&stream, Z_FINISH) != Z_STREAM_END) throw std::runtime_error("zlib");
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return out;
}

SharedExecutor threads(std::size_t n) {
  return std::make_shared<ThreadPool>(n);
}

template <class T>
std::string bytes_of(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

/// A token file by its description in the header, not by its writer: documents {1, 5, 2}, {} and
/// {7, 65535} of 65536 ids.
std::string handmade_token_file() {
  std::string body;
  for (const unsigned token : {1u, 5u, 2u, 7u, 65535u})
    body += bytes_of(static_cast<std::uint16_t>(token));
  body += std::string(6, '\0');
  for (const std::uint64_t end : {3u, 3u, 5u}) body += bytes_of(end);
  return "LL2TOKEN" + bytes_of(1u) + bytes_of(2u) + bytes_of(std::uint64_t{65536}) +
         bytes_of(std::uint64_t{11}) + bytes_of(std::uint64_t{22}) + body +
         bytes_of(std::uint64_t{5}) + bytes_of(std::uint64_t{3}) + bytes_of(hash_bytes(body)) +
         "LL2TOKEN";
}

std::shared_ptr<const TokenFile> token_file(const std::string& path, std::uint64_t vocab,
                                            const std::vector<std::vector<Token>>& documents) {
  TokenFileWriter writer(path, {.vocab_size = vocab, .tokenizer = {}});
  for (const auto& document : documents) writer.add(document);
  writer.commit();
  return std::make_shared<const TokenFile>(path);
}

/// The digits of 0 ... n - 1, so that a row shows where it is from.
std::vector<Token> counting(Token n) {
  std::vector<Token> tokens;
  for (Token i = 0; i < n; ++i) tokens.push_back(i);
  return tokens;
}

std::vector<Token> row(const PackedRows& rows, std::size_t i) {
  std::vector<Token> tokens(rows.length() + 1);
  rows.copy(i, tokens);
  return tokens;
}

/// What a reader finds in files: records as "file:line text", damage as "file:line !reason".
std::vector<std::string> records(const std::vector<Source>& sources, std::size_t batch_bytes,
                                 std::size_t max_record = 1000) {
  std::vector<std::string> found;
  CorpusReader reader(sources, max_record);
  RecordBatch batch;
  while (reader.next(batch, batch_bytes)) {
    for (std::size_t i = 0; i < batch.size(); ++i)
      found.push_back(std::to_string(batch[i].file) + ":" + std::to_string(batch[i].line) + " " +
                      std::string(batch[i].bytes));
    for (const Damage& damage : batch.damages())
      found.push_back(damage.file.substr(damage.file.rfind('/') + 1) + ":" +
                      std::to_string(damage.line) + " !" + damage.reason);
  }
  return found;
}

using Strings = std::vector<std::string>;

}  // namespace

// What is random.

TEST_CASE("hashes are the same everywhere") {
  // Computed by a program in another language.
  CHECK(hash_bytes("") == 0xa706dd2f4d197e6f);
  CHECK(hash_bytes("a") == 0xed673babe737fe57);
  CHECK(hash_bytes("12345678") == 0xb40a9ae282044b10);
  CHECK(hash_bytes("The quick brown fox", 7) == 0xb2d3722f86e7e083);
  CHECK(hash_bytes(std::string_view("\0", 1)) != hash_bytes(""));
  CHECK(hash_bytes(std::string_view("\0\0", 2)) != hash_bytes(std::string_view("\0", 1)));
}

TEST_CASE("a permutation is the same everywhere, and is one") {
  const auto all = [](std::uint64_t size, std::uint64_t seed) {
    const Permutation order(size, seed);
    std::vector<std::uint64_t> elements;
    for (std::uint64_t i = 0; i < size; ++i) elements.push_back(order(i));
    return elements;
  };
  // Computed by a program in another language.
  CHECK(all(10, 1) == std::vector<std::uint64_t>{1, 9, 4, 8, 7, 5, 3, 6, 2, 0});
  CHECK(all(10, 2) == std::vector<std::uint64_t>{2, 0, 3, 9, 5, 4, 8, 1, 7, 6});
  const Permutation large(100'000, 3);
  CHECK(large(0) == 11420);
  CHECK(large(4) == 36242);
  for (std::uint64_t size = 1; size < 300; ++size) {
    auto elements = all(size, size);
    std::ranges::sort(elements);
    for (std::uint64_t i = 0; i < size; ++i) REQUIRE(elements[i] == i);
  }
  static_assert(Permutation(1, 0)(0) == 0);
  const Permutation huge(std::uint64_t{1} << 63, 5);
  CHECK(huge(0) < huge.size());
  CHECK(huge(huge.size() - 1) != huge(0));
}

TEST_CASE("a permutation brings any element to any place, with any neighbour") {
  constexpr std::uint64_t size = 12, seeds = 20'000;
  std::vector<double> at_place(size * size), behind(size * size);
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    const Permutation order(size, seed);
    for (std::uint64_t i = 0; i < size; ++i) ++at_place[i * size + order(i)];
    ++behind[order(4) * size + order(5)];
  }
  const auto chi_square = [](const std::vector<double>& counts, double expected) {
    double sum = 0;
    for (const double count : counts)
      if (count != 0) sum += (count - expected) * (count - expected) / expected;
    return sum;
  };
  // Within five standard deviations of the mean, which is the number of free counts.
  CHECK(chi_square(at_place, double{seeds} / size) < 121 + 5 * std::sqrt(2.0 * 121));
  CHECK(chi_square(behind, double{seeds} / (size * (size - 1))) < 131 + 5 * std::sqrt(2.0 * 131));
}

// Token files.

TEST_CASE("a token file is as it is described") {
  const test::TempFolder folder;
  const std::string path = folder.file("handmade.tokens");
  write_file(path, handmade_token_file());
  const TokenFile file(path);
  file.verify();
  CHECK(file.info() == TokenFileInfo{.vocab_size = 65536, .tokenizer = {11, 22}});
  CHECK(file.tokens() == 5);
  CHECK(file.documents() == 3);
  CHECK(file.document(0) == std::vector<Token>{1, 5, 2});
  CHECK(file.document(1).empty());
  CHECK(file.document(2) == std::vector<Token>{7, 65535});
  CHECK(file.document_of(2) == 0);
  CHECK(file.document_of(3) == 2);

  TokenFileWriter writer(folder.file("written.tokens"), file.info());
  for (std::size_t i = 0; i < 3; ++i) writer.add(file.document(i));
  CHECK(error_of([&] { writer.add(std::vector<Token>{65536}); })->code() ==
        ErrorCode::invalid_argument);
  writer.commit();
  CHECK(read_file(folder.file("written.tokens")) == handmade_token_file());
}

TEST_CASE("a token file holds wide tokens, and nothing") {
  const test::TempFolder folder;
  const auto wide = token_file(folder.file("wide"), 70'000, {{0, 69'999, 3}, {65'536}});
  wide->verify();
  CHECK(wide->document(0) == std::vector<Token>{0, 69'999, 3});
  CHECK(wide->document(1) == std::vector<Token>{65'536});
  const auto empty = token_file(folder.file("empty"), 1, {});
  empty->verify();
  CHECK(empty->tokens() == 0);
  CHECK(PackedRows(empty, 4).size() == 0);
}

TEST_CASE("a damaged token file is refused") {
  const test::TempFolder folder;
  const std::string good = handmade_token_file();
  const auto refusal = [&](const std::string& bytes) {
    write_file(folder.file("bad"), bytes);
    return error_of([&] { TokenFile(folder.file("bad")).verify(); });
  };
  REQUIRE_FALSE(refusal(good));
  for (std::size_t size = 0; size < good.size(); ++size) {
    INFO(size);
    const auto error = refusal(good.substr(0, size));
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::malformed_file);
  }
  for (std::size_t at = 0; at < good.size(); ++at)
    for (const char change : {'\x01', '\x80', '\xFF'}) {
      std::string bytes = good;
      bytes[at] = static_cast<char>(bytes[at] ^ change);
      const bool is_digest = at >= 24 && at < 40;  // any is as good
      // A vocabulary of other ids is another one's, but no damage, as long as tokens are its.
      if (is_digest) continue;
      INFO(at << " " << int{static_cast<unsigned char>(change)});
      const auto error = refusal(bytes);
      REQUIRE(error);
      CHECK((error->code() == ErrorCode::malformed_file || at == 8 || at == 9 || at == 10 ||
             at == 11));
    }

  const auto replaced = [&](std::size_t at, const std::string& by) {
    return refusal(std::string(good).replace(at, by.size(), by));
  };
  const std::size_t ends = 40 + 16, footer = ends + 24;
  CHECK(replaced(8, bytes_of(2u))->code() == ErrorCode::unsupported);
  CHECK(replaced(12, bytes_of(4u))->details().offset == 12);
  CHECK(replaced(16, bytes_of(std::uint64_t{0}))->details().offset == 16);
  CHECK(replaced(16, bytes_of(~std::uint64_t{0}))->details().offset == 16);
  // Counts that would wrap, or be taken for memory.
  CHECK(replaced(footer, bytes_of(~std::uint64_t{0} / 2 + 6))->details().offset == footer);
  CHECK(replaced(footer + 8, bytes_of(~std::uint64_t{0} / 8 + 4))->details().offset == footer + 8);
  CHECK(replaced(ends, bytes_of(std::uint64_t{4}))->details().offset == ends + 8);
  CHECK(replaced(ends + 16, bytes_of(std::uint64_t{4}))->message() ==
        "the last document ends before the last token");

  // A token outside the vocabulary shows where it is read.
  write_file(folder.file("bad"), std::string(good).replace(16, 8, bytes_of(std::uint64_t{7})));
  const TokenFile file(folder.file("bad"));
  CHECK(file.document(0).size() == 3);
  const auto error = error_of([&] { static_cast<void>(file.document(2)); });
  REQUIRE(error);
  CHECK(error->details().offset == 40 + 2 * 3);
  CHECK(error->details().found == "7");
}

TEST_CASE("rows are cut from the documents in a row") {
  const test::TempFolder folder;
  const auto file =
      token_file(folder.file("t"), 100, {{0, 1, 2, 3}, {4}, {}, {5, 6}, {7, 8, 9, 10}});
  const PackedRows rows(file, 3);
  CHECK(rows.size() == 3);
  CHECK(row(rows, 0) == std::vector<Token>{0, 1, 2, 3});
  CHECK(row(rows, 1) == std::vector<Token>{3, 4, 5, 6});
  CHECK(row(rows, 2) == std::vector<Token>{6, 7, 8, 9});
  CHECK(rows.document_begins(0) == std::vector<std::size_t>{0});
  CHECK(rows.document_begins(1) == std::vector<std::size_t>{1, 2});
  CHECK(rows.document_begins(2) == std::vector<std::size_t>{1});
  CHECK(PackedRows(file, 10).size() == 1);
  CHECK(row(PackedRows(file, 10), 0) == counting(11));
  CHECK(PackedRows(file, 11).size() == 0);
  CHECK(error_of([&] { row(rows, 3); })->code() == ErrorCode::invalid_argument);
  CHECK(error_of([&] { PackedRows(file, 0); })->code() == ErrorCode::invalid_argument);
  std::vector<Token> narrow(3);
  CHECK(error_of([&] { rows.copy(0, narrow); })->code() == ErrorCode::invalid_argument);
}

TEST_CASE("a stream of rows goes on exactly from any position") {
  const test::TempFolder folder;
  const auto file = token_file(folder.file("t"), 100, {counting(37)});
  const PackedRows rows(file, 4);  // 9 rows
  constexpr std::size_t steps = 30;
  const auto rows_from = [&](StreamPosition position, std::size_t n, std::uint64_t seed) {
    RowStream stream(rows, seed, position);
    std::vector<std::vector<Token>> given(n, std::vector<Token>(5));
    for (auto& out : given) stream.next(out);
    return given;
  };
  const auto all = rows_from({}, steps, 1);
  for (std::size_t epoch = 0; epoch < 3; ++epoch) {
    std::set<Token> first;
    for (std::size_t i = 0; i < 9; ++i) first.insert(all[9 * epoch + i].front());
    CHECK(first.size() == 9);
  }
  CHECK(std::vector(all.begin(), all.begin() + 9) !=
        std::vector(all.begin() + 9, all.begin() + 18));
  CHECK(rows_from({}, steps, 2) != all);
  RowStream stream(rows, 1);
  std::vector<Token> out(5);
  for (std::size_t i = 0; i < steps; ++i) {
    CHECK(stream.position() == StreamPosition{i / 9, i % 9});
    CHECK(rows_from(stream.position(), steps - i, 1) ==
          std::vector(all.begin() + static_cast<std::ptrdiff_t>(i), all.end()));
    stream.next(out);
  }
  CHECK(error_of([&] { stream.seek({0, 9}); })->code() == ErrorCode::invalid_argument);
  CHECK(error_of([&] { RowStream(PackedRows(file, 37), 1); })->code() ==
        ErrorCode::invalid_argument);
}

TEST_CASE("documents are held out by their text") {
  const Split split(0.1, 3);
  std::size_t held_out = 0;
  for (std::uint64_t i = 0; i < 10'000; ++i)
    held_out += split.is_validation("document " + std::to_string(i)) ? 1 : 0;
  CHECK(held_out > 1000 - 150);  // five standard deviations
  CHECK(held_out < 1000 + 150);
  CHECK_FALSE(Split(0).is_validation("text"));
  CHECK(error_of([] { Split(1.0); })->code() == ErrorCode::invalid_argument);
  CHECK(error_of([] { Split(std::nan("")); })->code() == ErrorCode::invalid_argument);
}

// Beyond memory.

TEST_CASE("what exceeds its memory waits on the disk, and nothing of it stays") {
  const test::TempFolder folder;
  for (const std::size_t limit : {0u, 10u, 1000u, 1'000'000u}) {
    SpillBuffer buffer(folder.file(""), limit);
    std::string all;
    Random random(limit);
    for (int i = 0; i < 300; ++i) {
      const std::string part(static_cast<std::size_t>(random() % 900), static_cast<char>(i));
      all += part;
      buffer.append(std::as_bytes(std::span(part)));
    }
    CHECK(buffer.spilled() == (limit < all.size()));
    REQUIRE(buffer.size() == all.size());
    for (int i = 0; i < 300; ++i) {
      const auto begin = static_cast<std::size_t>(random() % all.size());
      std::string part(static_cast<std::size_t>(random() % (all.size() - begin)), '\0');
      buffer.read(begin, std::as_writable_bytes(std::span(part)));
      REQUIRE(part == all.substr(begin, part.size()));
    }
    std::string beyond(2, '\0');
    CHECK(error_of([&] {
            buffer.read(all.size() - 1, std::as_writable_bytes(std::span(beyond)));
          })->code() == ErrorCode::invalid_argument);
    CHECK(folder.names().empty());  // not even while it is in use
  }
  SpillBuffer nowhere(folder.file("none"), 0);
  CHECK(error_of([&] { nowhere.append(std::as_bytes(std::span("text"))); })->code() ==
        ErrorCode::io);
}

TEST_CASE("sorting beyond memory sorts") {
  const test::TempFolder folder;
  std::vector<std::uint64_t> expected;
  Random random(1);
  for (int i = 0; i < 50'000; ++i) expected.push_back(random() % 40'000);
  const std::vector<std::uint64_t> given = expected;
  std::ranges::sort(expected);
  for (const std::size_t limit : {1u, 8'000u, 100'000u, 1'000'000u})
    for (const std::size_t n : {1u, 3u}) {
      ExternalSorter<std::uint64_t> sorter(folder.file(""), limit, threads(n));
      const std::size_t count = limit == 1 ? 500 : given.size();
      for (std::size_t i = 0; i < count; ++i) sorter.add(given[i]);
      CHECK(sorter.size() == count);
      std::vector<std::uint64_t> sorted;
      sorter.for_each([&](std::uint64_t value) { sorted.push_back(value); });
      if (limit == 1) {
        CHECK(std::ranges::is_sorted(sorted));
        CHECK(sorted.size() == count);
      } else {
        CHECK(sorted == expected);
      }
    }
}

TEST_CASE("documents are written ascending by key, of equal keys as they came") {
  const test::TempFolder folder;
  for (const std::size_t limit : {0u, 1'000'000u}) {
    ShuffledTokens shuffled(folder.file(""), limit);
    const std::uint64_t high = std::uint64_t{200} << 56;
    for (const std::uint64_t key : {high + 5, std::uint64_t{7}, high + 3, high + 5, high + 4}) {
      const std::vector<Token> document(static_cast<std::size_t>(key % 8),
                                        static_cast<Token>(key % 8));
      shuffled.add(key, document);
    }
    shuffled.add(high + 3, std::vector<Token>{99});
    shuffled.add(high + 3, {});
    TokenFileWriter writer(folder.file("t"), {.vocab_size = 100, .tokenizer = {}});
    std::size_t parts = 0;
    shuffled.write(writer, [&](std::size_t done, std::size_t) { parts = done; });
    writer.commit();
    CHECK(parts == 256);
    const TokenFile file(folder.file("t"));
    std::vector<std::vector<Token>> documents;
    for (std::size_t i = 0; i < file.documents(); ++i) documents.push_back(file.document(i));
    CHECK(documents == std::vector<std::vector<Token>>{std::vector<Token>(7, 7),
                                                       {3, 3, 3},
                                                       {99},
                                                       {},
                                                       {4, 4, 4, 4},
                                                       {5, 5, 5, 5, 5},
                                                       {5, 5, 5, 5, 5}});
  }
}

TEST_CASE("an item's exception reaches the caller") {
  for (const std::size_t n : {1u, 3u}) {
    std::array<std::atomic<int>, 100> calls{};
    dynamic_for(threads(n), calls.size(), [&](std::size_t slot, std::size_t i) {
      if (slot >= n) throw std::logic_error("no such slot");
      ++calls[i];
    });
    CHECK(std::ranges::all_of(calls, [](const auto& count) { return count == 1; }));
    CHECK_THROWS_AS(dynamic_for(threads(n), 100,
                                [](std::size_t, std::size_t i) {
                                  if (i == 50) throw std::runtime_error("item");
                                }),
                    std::runtime_error);
  }
}

// Readers.

TEST_CASE("gzip is read, and damage in it told") {
  const test::TempFolder folder;
  const std::string text = test::synthetic_document(1, 6'000);
  const auto read = [&](const std::string& bytes) {
    write_file(folder.file("f"), bytes);
    ByteStream stream(folder.file("f"));
    std::string all;
    std::array<char, 777> part;
    while (const std::size_t n = stream.read(part)) all.append(part.data(), n);
    CHECK(stream.file_position() == bytes.size());
    CHECK(stream.file_size() == bytes.size());
    return all;
  };
  CHECK(read(text) == text);
  CHECK(read("").empty());
  CHECK(read("\x1F") == "\x1F");
  CHECK(read(gzip(text)) == text);
  CHECK(read(gzip("")).empty());
  CHECK(read(gzip(text) + gzip("") + gzip("more")) == text + "more");
  CHECK(read(gzip(text) + std::string(1000, '\0')) == text);

  const std::string packed = gzip(text);
  for (std::size_t size = 2; size < packed.size(); size += size < 40 ? 1 : 997) {
    const auto error = error_of([&] { read(packed.substr(0, size)); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::malformed_file);
    CHECK(error->message() == "the compressed file is cut off");
    CHECK(error->details().offset == size);
  }
  std::size_t found = 0, changes = 0;
  for (std::size_t at = 10; at < packed.size(); at += 101) {
    std::string bytes = packed;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
    const auto error = error_of([&] { read(bytes); });
    ++changes;
    if (error && error->code() == ErrorCode::malformed_file) ++found;
  }
  CHECK(found == changes);  // its checksum sees what its code allows
  CHECK(error_of([&] { read(packed + "text"); })->code() == ErrorCode::malformed_file);
  CHECK(error_of([&] { ByteStream(folder.file("none")); })->code() == ErrorCode::io);
  CHECK(error_of([&] { ByteStream(folder.file("")); })->code() == ErrorCode::io);
}

TEST_CASE("documents are told apart in text") {
  const test::TempFolder folder;
  const std::vector<std::string> files = {folder.file("a"), folder.file("b")};
  write_file(files[0],
             "\xEF\xBB\xBFone\r\ntwo\n\n<|endoftext|>\n\n\n  three\nfour  \n\n<|endoftext|> \n"
             "<|endoftext|>\nfive <|endoftext|>\nsix");
  write_file(files[1], gzip("seven\n\n \t\neight\n"));
  Source source{.name = "s", .files = files};
  const auto all_batches = [&](const Strings& expected) {
    for (const std::size_t batch : {1u, 10u, 1000u}) CHECK(records({source}, batch) == expected);
  };
  all_batches({"0:1 one\ntwo", "0:7   three\nfour  ", "0:12 five <|endoftext|>\nsix",
               "1:1 seven\n\n \t\neight"});
  source.format = DocumentFormat::blank_lines;
  all_batches({"0:1 one\ntwo", "0:4 <|endoftext|>", "0:7   three\nfour  ",
               "0:10 <|endoftext|> \n<|endoftext|>\nfive <|endoftext|>\nsix", "1:1 seven",
               "1:4 eight"});
  source.format = DocumentFormat::whole_file;
  all_batches(
      {"0:1 one\ntwo\n\n<|endoftext|>\n\n\n  three\nfour  \n\n<|endoftext|> \n"
       "<|endoftext|>\nfive <|endoftext|>\nsix",
       "1:1 seven\n\n \t\neight"});
  source.format = DocumentFormat::separated;
  source.separator = "four";
  all_batches({"0:1 one\ntwo\n\n<|endoftext|>\n\n\n  three",
               "0:10 <|endoftext|> \n<|endoftext|>\nfive <|endoftext|>\nsix",
               "1:1 seven\n\n \t\neight"});
}

TEST_CASE("what is too long or cut off is left out and told") {
  const test::TempFolder folder;
  const std::string text = folder.file("a"), lines = folder.file("b"), cut = folder.file("c.gz"),
                    last = folder.file("d");
  const std::string large(600'000, 'x');  // more than any buffer
  write_file(text, "good\n<|endoftext|>\nbad\n" + large + "\nbad\n<|endoftext|>\n" +
                       std::string(60, 'y') + "\n" + std::string(60, 'z') +
                       "\n<|endoftext|>\ngood too");
  write_file(lines, "{1}\n" + large + "\n\n{2}\r\n" + large);
  write_file(
      cut, gzip("whole\n<|endoftext|>\nhalf\n" + test::synthetic_document(1, 500)).substr(0, 900));
  write_file(last, "last");
  const std::vector<Source> sources = {
      {.name = "text", .files = {text}},
      {.name = "lines", .files = {lines}, .format = DocumentFormat::jsonl},
      {.name = "cut", .files = {cut, last}}};
  const std::string too_long = "!a document of more than 100 bytes";
  // Damage comes behind the records of its batch.
  for (const std::size_t batch : {1u, 1'000'000u}) {
    Strings found = records(sources, batch, 100);
    std::ranges::sort(found);
    Strings expected = {"0:1 good",  "0:10 good too", "a:3 " + too_long, "a:7 " + too_long,
                        "0:1 {1}",   "0:4 {2}",       "b:2 " + too_long, "b:5 " + too_long,
                        "0:1 whole", "1:1 last"};
    // The line at which the compressed file ends depends on where it was cut.
    const auto at_cut = std::ranges::find_if(
        found, [](const std::string& item) { return item.starts_with("c.gz:"); });
    REQUIRE(at_cut != found.end());
    CHECK(at_cut->find("the compressed file is cut off (at byte 900)") != std::string::npos);
    found.erase(at_cut);
    std::ranges::sort(expected);
    CHECK(found == expected);
  }
}

TEST_CASE("the text of a line of JSON is taken, or it is said why not") {
  const Strings text = {"text"}, both = {"question", "answer"};
  CHECK(json_text(R"({"text": "a\nb\u00e9\ud83d\ude00"})", text) == "a\nb\xC3\xA9\xF0\x9F\x98\x80");
  CHECK(json_text(
            R"( {"id": 3, "meta": {"text": "no", "x": [1, "text", {"text": 2}]}, "text": "yes"} )",
            text) == "yes");
  CHECK(json_text(R"({"answer": "A", "question": "Q"})", both) == "Q\nA");
  CHECK(json_text(R"({"text": "", "more": null})", text).empty());
  const auto reason = [](std::string_view line, const Strings& fields) {
    const auto error = error_of([&] { json_text(line, fields); });
    return error && error->code() == ErrorCode::malformed_file ? std::string(error->message())
                                                               : std::string("accepted");
  };
  CHECK(reason(R"({"text": "cut o)", text) == "not JSON from its byte 16 on");
  CHECK(reason("", text).starts_with("not JSON"));
  CHECK(reason(R"({"text": "a"} x)", text).starts_with("not JSON"));
  CHECK(reason("{\"text\": \"\xFF\"}", text).starts_with("not JSON"));
  CHECK(reason(R"({"text": "\ud83d"})", text).starts_with("not JSON"));
  CHECK(reason(R"({"n": 1e999, "text": "a"})", text).starts_with("not JSON"));
  CHECK(reason(R"({"txt": "a"})", text) == "there is no member text");
  CHECK(reason(R"(["text", "a"])", text) == "there is no member text");
  CHECK(reason(R"("text")", text) == "there is no member text");
  CHECK(reason(R"({"text": 3})", text) == "the member is not a string: text");
  CHECK(reason(R"({"text": ["a"]})", text) == "the member is not a string: text");
  CHECK(reason(R"({"text": "a", "text": "b"})", text) == "the member is there twice: text");
  CHECK(reason(R"({"question": "Q"})", both) == "there is no member answer");
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  CHECK(json_text(R"({"x": )" + deep + R"(, "text": "a"})", text) == "a");
}

// Filters.

TEST_CASE("words are what is between spaces and punctuation") {
  const auto words = [](std::string_view text) {
    Words found;
    split_words(text, found);
    return found;
  };
  CHECK(words("").size() == 0);
  CHECK(words(" .,\n").size() == 0);
  CHECK(words("The cat, the CAT!").sizes == std::vector<std::uint32_t>{3, 3, 3, 3});
  CHECK(words("the cat").hashes == words("THE, Cat.").hashes);
  CHECK(words("the cat").hashes != words("cat the").hashes);
  CHECK(words("don't 3.5 na\xC3\xAFve").sizes == std::vector<std::uint32_t>{3, 1, 1, 1, 6});
  CHECK(words("\xE6\x97\xA5\xE6\x9C\xAC x").sizes == std::vector<std::uint32_t>{3, 3, 1});
  CHECK(words("\xE6\x97").sizes == std::vector<std::uint32_t>{2});  // half a character
  CHECK(words("the cat").bytes == 6);
}

TEST_CASE("personal information is counted") {
  const auto count = [](std::string_view text) { return count_personal_information(text); };
  using Found = PersonalInformation;
  const Found none{}, email{.email_addresses = 1}, phone{.phone_numbers = 1},
      address{.ip_addresses = 1}, card{.card_numbers = 1}, social{.social_numbers = 1};

  CHECK(count("Write to john.smith+news@mail.example.co.uk.") == email);
  CHECK(count("<a_b-@x1-y.org>,") == email);
  CHECK(count("a@b.io, c@d.de; e@f.com") == Found{.email_addresses = 3});
  for (const char* text : {"@name.surname", "at 5 @ 3.50", "a@b", "a@b.c", "a@.com", "a @b.com",
                           "user@localhost", "x@1.2", "@", "a@"})
    CHECK(count(text) == none);

  for (const char* text :
       {"(555) 223-4567", "555-223-4567", "555.223.4567.", "1-555-223-4567", "call 555 223 4567!",
        "+1 (555) 223-4567", "+49 30 1234567", "+442071838750", "tel:+33 1 23 45 67 89"})
    CHECK(count(text) == phone);
  for (const char* text :
       {"155-223-4567", "555-123-456", "555-1234", "2023-11-23", "1,234,567", "+12 apples",
        "3.141592653589", "5552234567", "555-223-45678", "12/05/2010", "+1234567890123456"})
    CHECK(count(text) == none);

  for (const char* text : {"8.8.8.8", "at 203.0.113.7.", "(93.184.216.34)",
                           "2001:db8:85a3:0:0:8a2e:370:7334", "2001:db8::1:2", "[2001:DB8:1::1]"})
    CHECK(count(text) == address);
  for (const char* text : {"10.0.0.1", "192.168.1.1", "172.16.0.1", "127.0.0.1", "0.0.0.0",
                           "256.1.1.1", "1.2.3", "1.2.3.4.5", "12:30:45", "00:1a:2b:3c:4d:5e",
                           "std::vector::size", "fe80::1:2:3", "1:2:3:4:5:6:7:8:9", "a::b"})
    CHECK(count(text) == none);

  // Test numbers that the issuers publish; the last digit is Luhn's.
  for (const char* text : {"4111111111111111", "4111 1111 1111 1111", "5500-0000-0000-0004",
                           "378282246310005", "3782 822463 10005", "6011111111111117"})
    CHECK(count(text) == card);
  for (const char* text : {"4111111111111112", "411111111111", "41111111111111111111",
                           "1111111111111117", "4111 11111111 1111", "41 1111 1111 1111 11"})
    CHECK(count(text) == none);
  CHECK(detail::passes_luhn("79927398713"));
  CHECK_FALSE(detail::passes_luhn("79927398710"));

  CHECK(count("SSN 123-45-6789.") == social);
  for (const char* text : {"000-12-3456", "666-12-3456", "900-12-3456", "123-00-4567",
                           "123-45-0000", "123-45-67890", "1123-45-6789"})
    CHECK(count(text) == none);
  CHECK(count("a@b.org 8.8.4.4 +49 30 1234567").total() == 3);
}

TEST_CASE("repetition is measured as defined") {
  const auto judge = [](const RepetitionLimits& limits, std::string_view text) {
    Words words;
    split_words(text, words);
    return RepetitionFilter(limits).judge(text, words).value_or("kept");
  };
  RepetitionLimits all{.duplicate_lines = 1,
                       .duplicate_line_bytes = 1,
                       .duplicate_paragraphs = 1,
                       .duplicate_paragraph_bytes = 1,
                       .top_sequence = {1, 1, 1},
                       .duplicate_sequences = {1, 1, 1, 1, 1, 1}};
  // Lines: a, bbb, a, a; two of four have been there, 2 bytes of 6.
  const std::string lines = "a\nbbb\n\na\n a \n";
  CHECK(judge(all, lines) == "kept");
  RepetitionLimits limits = all;
  limits.duplicate_lines = 0.5;
  CHECK(judge(limits, lines) == "kept");
  limits.duplicate_lines = 0.49;
  CHECK(judge(limits, lines) == "duplicate lines: 0.5 of at most 0.49");
  limits = all;
  limits.duplicate_line_bytes = 0.33;
  CHECK(judge(limits, lines) == "bytes of duplicate lines: 0.333333333 of at most 0.33");
  limits = all;
  limits.duplicate_paragraphs = 0.3;
  CHECK(judge(limits, "a\nb\n\nc\n\na\nb\n") == "duplicate paragraphs: 0.333333333 of at most 0.3");
  limits = all;
  limits.duplicate_paragraph_bytes = 0.4;
  CHECK(judge(limits, "a\nb\n\nc\n\na\nb\n") ==
        "bytes of duplicate paragraphs: 0.428571429 of at most 0.4");
  // 8 words of 16 bytes; "aa bb" comes three times, 12 bytes.
  const std::string pairs = "aa bb cc aa bb dd aa bb";
  limits = all;
  limits.top_sequence[0] = 0.75;
  CHECK(judge(limits, pairs) == "kept");
  limits.top_sequence[0] = 0.7;
  CHECK(judge(limits, pairs) == "the most frequent sequence of 2 words: 0.75 of at most 0.7");
  // 12 words of a byte: the sequence a to e comes again once, 5 bytes of 12.
  const std::string again = "a b c d e x y a b c d e";
  limits = all;
  limits.duplicate_sequences[0] = 0.42;
  CHECK(judge(limits, again) == "kept");
  limits.duplicate_sequences[0] = 0.41;
  CHECK(judge(limits, again) == "repeated sequences of 5 words: 0.416666667 of at most 0.41");
  // Three sequences of five words come again here, but only seven words: 5 of 15 bytes count.
  limits.duplicate_sequences[0] = 0.3;
  CHECK(judge(limits, "a b c d e f g x a b c d e f g") ==
        "repeated sequences of 5 words: 0.333333333 of at most 0.3");
  limits = all;
  limits.duplicate_sequences[1] = 0;
  CHECK(judge(limits, again) == "kept");  // none of six words comes again

  CHECK(judge({}, test::synthetic_document(1, 300)) == "kept");
  CHECK(judge({}, "") == "kept");
  CHECK(judge({}, "one two three four five six seven eight") == "kept");
}

TEST_CASE("documents are judged by themselves") {
  DocumentFilter filter({.min_words = 3, .max_words = 50});
  CHECK(filter.judge("one two three").fate == Fate::kept);
  CHECK(filter.judge("one two").fate == Fate::too_short);
  CHECK(filter.judge("one two").detail == "2 words of at least 3");
  CHECK(filter.judge(test::synthetic_document(1, 51)).fate == Fate::too_long);
  CHECK(filter.judge("one two three \xC3").fate == Fate::not_utf8);
  CHECK(filter.judge("spam and eggs spam and eggs spam and eggs").fate == Fate::repetitive);
  CHECK(filter.judge("Anna a@b.org, Bert b@c.org").fate == Fate::kept);
  CHECK(filter.judge("Anna a@b.org, Bert b@c.org, Carl c@d.org").fate ==
        Fate::personal_information);
  DocumentFilter lenient(
      {.min_words = 0, .repetition = std::nullopt, .min_personal = std::nullopt});
  CHECK(lenient.judge("spam and eggs spam and eggs a@b.org b@c.org c@d.org").fate == Fate::kept);
  CHECK(lenient.judge("").fate == Fate::kept);
}

// Duplicates.

namespace {

double jaccard(const std::string& a, const std::string& b) {
  const auto sequences = [](const std::string& text) {
    Words words;
    split_words(text, words);
    std::set<std::vector<std::uint64_t>> found;
    for (std::size_t i = 0; i + 5 <= words.size(); ++i)
      found.insert({words.hashes.begin() + static_cast<std::ptrdiff_t>(i),
                    words.hashes.begin() + static_cast<std::ptrdiff_t>(i) + 5});
    return found;
  };
  const auto of_a = sequences(a), of_b = sequences(b);
  std::size_t common = 0;
  for (const auto& sequence : of_a) common += of_b.count(sequence);
  return static_cast<double>(common) / static_cast<double>(of_a.size() + of_b.size() - common);
}

MinHash min_hash(const std::string& text) {
  Words words;
  split_words(text, words);
  return MinHash::of(words);
}

}  // namespace

TEST_CASE("MinHash estimates how much two documents share") {
  double bias = 0, squares = 0;
  constexpr int n = 400;
  for (int i = 0; i < n; ++i) {
    const auto seed = static_cast<std::uint64_t>(i);
    const std::string a = test::synthetic_document(seed, 200);
    const std::string b = test::edited(a, 0.05 * (i % 4), seed);
    const double exact = jaccard(a, b);
    const double error = MinHash::similarity(min_hash(a).sketch, min_hash(b).sketch) - exact;
    bias += error / n;
    // In units of the standard deviation of 120 draws.
    const double deviation = std::sqrt(std::max(exact * (1 - exact), 1e-4) / MinHash::hashes);
    squares += error * error / (deviation * deviation) / n;
  }
  CHECK(std::abs(bias) < 0.006);
  CHECK(squares > 0.5);  // a quarter are equal documents, without error
  CHECK(squares < 1.1);
  CHECK(min_hash("one two").keys == min_hash("One, two!").keys);
  CHECK(min_hash("one two").keys != min_hash("two one").keys);
}

TEST_CASE("planted duplicates are found, and nothing else") {
  const test::TempFolder folder;
  struct Planted {
    std::string text;
    std::size_t original;
    double similarity;  // 2: the same bytes
  };
  std::vector<Planted> documents;
  constexpr std::size_t originals = 1500;
  for (std::size_t i = 0; i < originals; ++i)
    documents.push_back({test::synthetic_document(i, 80 + i % 200), i, 0});
  Random random(5);
  for (std::size_t i = 0; i < originals; i += 2) {
    const std::string& text = documents[i].text;
    const double change = std::array{0.0, 0.005, 0.01, 0.02, 0.05, 0.1}[i / 2 % 6];
    std::string copy = test::edited(text, change, random());
    const double similarity = copy == text ? 2 : jaccard(text, copy);
    documents.push_back({std::move(copy), i, similarity});
  }
  const auto find = [&](std::size_t memory, std::size_t n) {
    DuplicateFinder finder({.folder = folder.file(""), .memory_limit = memory}, threads(n));
    for (const Planted& document : documents)
      finder.add(Digest::of(document.text), min_hash(document.text));
    return finder.find();
  };
  const std::vector<Fate> fates = find(100'000'000, 1);
  CHECK(find(100'000, 1) == fates);  // all of it on the disk
  CHECK(find(1'000'000, 3) == fates);

  std::size_t same = 0, same_found = 0, near = 0, near_found = 0, found = 0, false_found = 0;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    const Planted& document = documents[i];
    if (document.similarity == 2) {
      ++same;
      same_found += fates[i] == Fate::exact_duplicate ? 1 : 0;
      continue;
    }
    CHECK(fates[i] != Fate::exact_duplicate);
    const bool dropped = fates[i] == Fate::near_duplicate;
    found += dropped ? 1 : 0;
    if (document.similarity >= 0.85) {
      ++near;
      near_found += dropped ? 1 : 0;
    }
    if (document.similarity < 0.75) false_found += dropped ? 1 : 0;
  }
  REQUIRE(same > 100);
  REQUIRE(near > 150);
  CHECK(same_found == same);
  const double recall = static_cast<double>(near_found) / static_cast<double>(near);
  const double precision = 1 - static_cast<double>(false_found) / static_cast<double>(found);
  INFO("recall " << recall << " of " << near << ", precision " << precision << " of " << found);
  CHECK(recall >= 0.95);
  CHECK(precision >= 0.98);
}

TEST_CASE("duplicates of duplicates are one group, of which the first stays") {
  const std::string a = test::synthetic_document(1, 400);
  const std::string b = test::edited(a, 0.006, 1), c = test::edited(b, 0.006, 2);
  const std::string other = test::synthetic_document(2, 400);
  DuplicateFinder finder({});
  for (const std::string& text : {other, a, c, b, a, other})
    finder.add(Digest::of(text), min_hash(text));
  CHECK(finder.find() == std::vector<Fate>{Fate::kept, Fate::kept, Fate::near_duplicate,
                                           Fate::near_duplicate, Fate::exact_duplicate,
                                           Fate::exact_duplicate});
  DuplicateFinder exact({.similarity = std::nullopt});
  for (const std::string& text : {a, b, a}) exact.add(Digest::of(text), {});
  CHECK(exact.find() == std::vector<Fate>{Fate::kept, Fate::kept, Fate::exact_duplicate});
  CHECK(error_of([] { DuplicateFinder({.similarity = 1.5}); })->code() ==
        ErrorCode::invalid_argument);
}

// Contamination.

TEST_CASE("matches are as the paper defines them") {
  using Tokens = std::vector<Token>;
  const auto check = [](const Tokens& sample, const Tokens& text) {
    ContaminationCheck contamination;
    contamination.add_sample(sample);
    contamination.index();
    contamination.mark(contamination.find(text));
    return contamination.sample(0).contaminated;
  };
  /// 0 ... n - 1 with some positions changed, in other tokens.
  const auto changed = [](Token n, std::initializer_list<std::size_t> positions, Token before = 0) {
    Tokens tokens(static_cast<std::size_t>(before), 900);
    for (Token i = 0; i < n; ++i) tokens.push_back(i);
    for (const std::size_t position : positions)
      tokens[position + static_cast<std::size_t>(before)] = 500;
    tokens.push_back(901);
    return tokens;
  };
  const Tokens sample = counting(30);
  CHECK(check(sample, changed(30, {})) == 30);
  CHECK(check(sample, changed(30, {}, 7)) == 30);
  CHECK(check(sample, changed(11, {})) == 11);  // longer than ten
  CHECK(check(sample, changed(10, {})) == 0);   // not longer
  // Up to four positions may differ, but not the last, and none of the first ten.
  CHECK(check(sample, changed(30, {10, 15, 20, 25})) == 30);
  CHECK(check(sample, changed(30, {10, 15, 20, 25, 27})) == 27);
  CHECK(check(sample, changed(30, {15, 29})) == 29);
  CHECK(check(sample, changed(30, {10})) == 30);
  CHECK(check(sample, changed(30, {9})) == 20);     // ten exact ones from position 10
  CHECK(check(sample, changed(30, {9, 19})) == 0);  // never eleven: 10 to 18 are nine
  CHECK(check(sample, changed(30, {19})) == 30);
  CHECK(check(sample, changed(20, {9})) == 0);  // ten exact ones, and then the end
  CHECK(check(sample, changed(21, {9})) == 11);
  // Behind a fifth difference another match may begin.
  CHECK(check(counting(60), changed(60, {20, 22, 24, 26, 28})) == 28 + 31);
  // Matches of both samples of one beginning, and of a sample at two places.
  ContaminationCheck two;
  Tokens longer = counting(40);
  two.add_sample(sample);
  two.add_sample(longer);
  two.add_sample(counting(10));
  two.add_sample(Tokens());
  two.index();
  const auto matches = two.find(changed(35, {}));
  CHECK(matches.size() == 2);
  CHECK(two.makes_dirty(matches));
  two.mark(matches);
  CHECK(two.sample(0).share() == 1);
  CHECK(two.sample(0).is_dirty());
  CHECK(two.sample(1).contaminated == 35);
  CHECK(two.sample(1).is_dirty());
  CHECK_FALSE(two.sample(2).can_be_told({}));
  CHECK(two.sample(2).contaminated == 0);
  CHECK_FALSE(two.makes_dirty(two.find(changed(20, {}))));
  // The tokens of a sample that lie in two matches count once.
  ContaminationCheck once;
  once.add_sample(counting(50));
  once.index();
  Tokens twice = changed(20, {});
  const Tokens again = changed(25, {});
  twice.insert(twice.end(), again.begin(), again.end());
  once.mark(once.find(twice));
  CHECK(once.sample(0).contaminated == 25);
  CHECK_FALSE(once.makes_dirty(once.find(twice)));
  CHECK_FALSE(once.sample(0).is_clean());
  CHECK(SampleContamination{.tokens = 100, .contaminated = 19}.is_clean());
  CHECK_FALSE(SampleContamination{.tokens = 100, .contaminated = 20}.is_clean());
  CHECK_FALSE(SampleContamination{.tokens = 100, .contaminated = 79}.is_dirty());
  CHECK(SampleContamination{.tokens = 100, .contaminated = 80}.is_dirty());
  // The same token without end.
  ContaminationCheck same;
  same.add_sample(Tokens(100, 5));
  same.index();
  same.mark(same.find(Tokens(60, 5)));
  CHECK(same.sample(0).contaminated >= 60);
  CHECK(error_of([] { static_cast<void>(ContaminationCheck().find(Tokens(20, 1))); })->code() ==
        ErrorCode::invalid_argument);
}

// Encoding.

TEST_CASE("encoding with a memory for words changes no token") {
  const auto same = [](const Tokenizer& tokenizer, const std::string& text) {
    WordEncoder encoder(tokenizer);
    const std::vector<Token> expected = tokenizer.encode(text, {.bos = true, .eos = true});
    for (int i = 0; i < 2; ++i) {  // unknown words, then known ones
      std::vector<Token> tokens;
      encoder.encode(text, {.bos = true, .eos = true}, tokens);
      REQUIRE(tokens == expected);
    }
  };
  const Tokenizer synthetic = test::synthetic_tokenizer();
  for (const char* text :
       {"", " ", "  ", "the", " the", "the ", "the  then\nthe\n\n the", "a\xC3\xA9 \xC3\xA9 b",
        "in \xFF the", "aWordThatIsLongerThanTheSlotsOfTheMemoryAre the", "the\tthe the"})
    same(synthetic, text);
  same(synthetic, test::synthetic_document(1, 3000));
  if (const auto path = test_data("tokenizer-llama2/tokenizer.model")) {
    const Tokenizer llama = load_tokenizer(path->string());
    same(llama, test::synthetic_document(1, 3000));
    for (const char* name :
         {"text-gutenberg", "text-tinyshakespeare", "text-tinystories", "text-web-and-wiki"})
      for (const std::string& file : files_at(test_data(name)->string()))
        same(llama, read_file(file).substr(0, 30'000));
  }
}

TEST_CASE("a trained tokenizer has Llama 2's settings, and is the same each time") {
  const auto train = [](std::size_t vocab) {
    std::uint64_t next = 0;
    return train_tokenizer(
        [&]() -> std::optional<std::string> {
          if (next == 60) return std::nullopt;
          // A long line without an end, lines of nothing, digits.
          std::string text = test::synthetic_document(next, 100) + "\n\n\r\n 12345 67 " + "\n";
          if (next == 7)
            text += std::string(10'000, 'a') + "\n" + test::synthetic_document(7, 1500);
          ++next;
          return text;
        },
        {.vocab_size = vocab});
  };
  const Vocabulary vocabulary = train(600);
  CHECK(digest_of(train(600)) == digest_of(vocabulary));
  CHECK(digest_of(train(601)) != digest_of(vocabulary));
  CHECK(vocabulary.pieces.size() == 600);
  CHECK(vocabulary.pieces[0].text == "<unk>");
  CHECK(vocabulary.pieces[1].text == "<s>");
  CHECK(vocabulary.pieces[2].text == "</s>");
  CHECK(vocabulary.pieces[3].text == "<0x00>");
  CHECK(vocabulary.pieces[258].text == "<0xFF>");
  CHECK(vocabulary.add_dummy_prefix);
  CHECK_FALSE(vocabulary.remove_extra_whitespaces);
  const Tokenizer tokenizer = Tokenizer::from_vocabulary(vocabulary);
  const std::string text = "  12 007\n\xE6\x97\xA5  bada  ";
  CHECK(tokenizer.decode(tokenizer.encode(text)) == text);
  // Each digit is a piece of its own.
  const auto digits = tokenizer.encode("1234567890");
  CHECK(digits.size() == 11);
  for (std::size_t i = 1; i < digits.size(); ++i) CHECK(tokenizer.piece(digits[i]).size() == 1);
  CHECK(error_of([&] { train(100); })->code() == ErrorCode::invalid_argument);
  CHECK(error_of([&] { train(30'000); })->message().find("Vocabulary size too high") !=
        std::string_view::npos);
  CHECK(error_of([&] {
          train_tokenizer([]() -> std::optional<std::string> { return std::nullopt; }, {});
        })->code() == ErrorCode::invalid_argument);
  CHECK_THROWS_AS(
      train_tokenizer(
          []() -> std::optional<std::string> { throw std::runtime_error("the source's own"); }, {}),
      std::runtime_error);
}

// All of it.

namespace {

/// A corpus in a folder: a source of text and one of JSONL, with one of everything that is dropped.
struct SmallCorpus {
  SmallCorpus() {
    std::string text, lines;
    for (std::uint64_t i = 0; i < 200; ++i)
      text += test::synthetic_document(i, 60) + "\n<|endoftext|>\n";
    const std::string near = test::synthetic_document(3, 60);
    text += test::synthetic_document(5, 60) + "\n<|endoftext|>\n";      // exact
    text += near.substr(0, near.size() - 1) + " zz.\n<|endoftext|>\n";  // near
    text += "too few words\n<|endoftext|>\n";
    text += test::synthetic_document(1000, 501) + "\n<|endoftext|>\n";  // too long
    text +=
        "write to anna@b.org and bert@c.com, failing that carl@d.net, for what you "
        "want\n<|endoftext|>\n";
    text += "again and again and again and again and again and again\n<|endoftext|>\n";
    text += "these are ten words and one that is no UTF-8: \xFF\n";
    write_file(folder.file("books.txt"), text);
    for (std::uint64_t i = 0; i < 50; ++i) lines += R"({"n": 1, "text": ")" + facts(i) + "\"}\n";
    lines += "{\"text\": \"cut off\n{\"body\": \"\"}\n";
    write_file(folder.file("facts.jsonl.gz"), gzip(lines));
    options.sources = {{.name = "books", .files = {folder.file("books.txt")}},
                       {.name = "facts",
                        .files = {folder.file("facts.jsonl.gz")},
                        .format = DocumentFormat::jsonl,
                        .weight = 2.5}};
    options.filters.max_words = 500;
    options.tokenizer = test::synthetic_tokenizer();
    options.validation = 0.1;
    options.temporary_folder = folder.file("");
    options.train_file = folder.file("train.tokens");
    options.validation_file = folder.file("validation.tokens");
  }

  static std::string facts(std::uint64_t i) {
    std::string text = test::synthetic_document(5000 + i, 40);
    std::ranges::replace(text, '\n', ' ');
    return text;
  }

  [[nodiscard]] std::string outputs() const {
    return read_file(options.train_file) + read_file(options.validation_file);
  }

  test::TempFolder folder;
  PrepareOptions options;
};

}  // namespace

TEST_CASE("a corpus is prepared") {
  SmallCorpus corpus;
  const PrepareResult result = prepare(corpus.options);
  const PrepareReport& report = result.report;
  const SourceReport& books = report.sources[0];
  const SourceReport& facts = report.sources[1];
  CHECK(books.of(Fate::kept).documents == 200);
  for (const Fate fate :
       {Fate::exact_duplicate, Fate::near_duplicate, Fate::too_short, Fate::too_long,
        Fate::personal_information, Fate::repetitive, Fate::not_utf8}) {
    INFO(to_string(fate));
    CHECK(books.of(fate).documents == 1);
    CHECK(books.of(fate).bytes > 0);
    CHECK(books.of(fate).examples.size() == 1);
  }
  const std::string& few = books.of(Fate::too_short).examples[0];
  CHECK(few.substr(few.rfind('/') + 1).ends_with(": 3 words of at least 10"));
  CHECK(facts.of(Fate::kept).documents == 50);
  CHECK(facts.of(Fate::damaged).documents == 2);
  const std::string& damaged = facts.of(Fate::damaged).examples[0];
  CHECK(damaged.substr(damaged.rfind('/') + 1).starts_with("facts.jsonl.gz:51: not JSON"));
  CHECK(report.documents() == 200 + 7 + 50 + 2);

  // Every document that was kept is there once, or by its weight, or held out; each whole.
  const TokenFile train(corpus.options.train_file), held_out(corpus.options.validation_file);
  train.verify();
  held_out.verify();
  CHECK(train.info() == token_file_info(test::synthetic_vocabulary()));
  const auto all = [](const TokenFile& file) {
    std::vector<std::vector<Token>> documents;
    for (std::size_t i = 0; i < file.documents(); ++i) documents.push_back(file.document(i));
    return documents;
  };
  const auto trained = all(train), validated = all(held_out);
  std::size_t twice = 0, thrice = 0;
  std::vector<std::vector<Token>> in_order;
  for (std::uint64_t i = 0; i < 250; ++i) {
    const std::string text =
        i < 200 ? test::synthetic_document(i, 60) : SmallCorpus::facts(i - 200);
    const auto tokens = test::synthetic_tokenizer().encode(text, {.bos = true, .eos = true});
    const auto copies = std::ranges::count(trained, tokens);
    in_order.push_back(tokens);
    if (Split(0.1, 0).is_validation(text)) {
      CHECK(copies == 0);
      CHECK(std::ranges::count(validated, tokens) == 1);
    } else if (i < 200) {
      CHECK(copies == 1);
    } else {
      CHECK((copies == 2 || copies == 3));
      twice += copies == 2 ? 1 : 0;
      thrice += copies == 3 ? 1 : 0;
    }
  }
  CHECK(twice > 10);
  CHECK(thrice > 10);
  CHECK(validated.size() > 10);
  CHECK(trained.size() == books.train_documents + facts.train_documents);
  CHECK(validated.size() == books.validation_documents + facts.validation_documents);
  CHECK(train.tokens() == report.train_tokens());
  CHECK(held_out.tokens() == report.validation_tokens());
  // Shuffled: neighbours were mostly none.
  std::size_t neighbours = 0;
  for (std::size_t i = 1; i < trained.size(); ++i) {
    const auto before = std::ranges::find(in_order, trained[i - 1]);
    neighbours += before + 1 < in_order.end() && before[1] == trained[i] ? 1 : 0;
  }
  CHECK(neighbours < trained.size() / 10);

  const std::string json = to_json(report), markdown = to_markdown(report);
  CHECK(nlohmann::json::parse(json)["sources"][0]["documents"]["kept"]["documents"] == 200);
  CHECK(markdown.find("| near duplicate | 1 |") != std::string::npos);
  CHECK(markdown.find("facts.jsonl.gz:51") != std::string::npos);
}

TEST_CASE("what is prepared depends on neither threads nor memory, but on the seed") {
  SmallCorpus corpus;
  const std::string report = to_json(prepare(corpus.options).report);
  const std::string files = corpus.outputs();
  corpus.options.executor = threads(3);
  corpus.options.memory_limit = 1000;
  CHECK(to_json(prepare(corpus.options).report) == report);
  CHECK(corpus.outputs() == files);
  CHECK(corpus.folder.names() ==
        Strings{"books.txt", "facts.jsonl.gz", "train.tokens", "validation.tokens"});
  corpus.options.seed = 1;
  prepare(corpus.options);
  CHECK(corpus.outputs() != files);
}

TEST_CASE("a preparation that ends early leaves what there was") {
  SmallCorpus corpus;
  write_file(corpus.options.train_file, "older");
  const Strings before = corpus.folder.names();
  struct Cancelled {};
  for (const char* stage : {"examining", "encoding", "writing"}) {
    corpus.options.on_progress = [&](const PrepareProgress& now) {
      if (now.stage == stage) throw Cancelled();
    };
    CHECK_THROWS_AS(prepare(corpus.options), Cancelled);
    CHECK(corpus.folder.names() == before);
    CHECK(read_file(corpus.options.train_file) == "older");
  }
  // A source that changes between the passes.
  bool changed = false;
  corpus.options.on_progress = [&](const PrepareProgress& now) {
    if (now.stage != "examining" || std::exchange(changed, true)) return;
    std::string text = read_file(corpus.folder.file("books.txt"));
    text[10] = text[10] == 'a' ? 'e' : 'a';
    write_file(corpus.folder.file("books.txt"), text);
  };
  CHECK(error_of([&] { prepare(corpus.options); })->message().find("have changed") !=
        std::string_view::npos);
  corpus.options.on_progress = nullptr;
  corpus.options.refuse_damage = true;
  const auto refused = error_of([&] { prepare(corpus.options); });
  REQUIRE(refused);
  CHECK(refused->code() == ErrorCode::malformed_file);
  CHECK(refused->details().file == corpus.folder.file("facts.jsonl.gz"));
  CHECK(refused->message().starts_with("line 51: not JSON"));
  corpus.options.train_file = corpus.folder.file("books.txt");
  corpus.options.refuse_damage = false;
  CHECK(error_of([&] { prepare(corpus.options); })->message() ==
        "the output would replace a file that is read");
  corpus.options.sources[0].files[0] = "none";
  CHECK(error_of([&] { prepare(corpus.options); })->code() == ErrorCode::io);
}

TEST_CASE("a corpus of which nothing is kept is refused, and it is said why") {
  SmallCorpus corpus;
  corpus.options.filters.min_words = 400;
  const auto error = error_of([&] { prepare(corpus.options); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::invalid_argument);
  CHECK(error->details().found.find("too short, as ") != std::string::npos);
  CHECK(error->details().found.find("words of at least 400") != std::string::npos);
  CHECK(has_separator(corpus.options.sources[0]));
  corpus.options.sources[0].separator = "<|end|>";
  CHECK_FALSE(has_separator(corpus.options.sources[0]));
}

TEST_CASE("a tokenizer is trained on what is kept") {
  SmallCorpus corpus;
  corpus.options.tokenizer.reset();
  corpus.options.new_tokenizer.vocab_size = 400;
  const PrepareResult result = prepare(corpus.options);
  CHECK(result.tokenizer.vocab_size() == 400);
  CHECK(TokenFile(corpus.options.train_file).info() ==
        token_file_info(result.tokenizer.vocabulary()));
  corpus.options.tokenizer_sample_bytes = 20'000;
  const PrepareResult sampled = prepare(corpus.options);
  CHECK(digest_of(sampled.tokenizer.vocabulary()) != digest_of(result.tokenizer.vocabulary()));
  CHECK(digest_of(prepare(corpus.options).tokenizer.vocabulary()) ==
        digest_of(sampled.tokenizer.vocabulary()));
}

TEST_CASE("planted samples of an evaluation are found, others are not") {
  const auto eval = test_data("eval-gsm8k/test.jsonl");
  const auto model = test_data("tokenizer-llama2/tokenizer.model");
  if (!eval || !model) return;
  const test::TempFolder folder;
  // Of 200 questions 40 are leaked whole, 40 with a word in 25 changed, 40 in their first half.
  std::string samples, text;
  const std::string all = read_file(eval->string());
  std::vector<std::string> questions;
  const Strings fields = {"question"};
  for (std::size_t at = 0; questions.size() < 200;) {
    const std::size_t end = all.find('\n', at);
    const std::string line = all.substr(at, end - at);
    at = end + 1;
    questions.push_back(json_text(line, fields));
    samples += line + '\n';
  }
  write_file(folder.file("eval.jsonl"), samples);
  for (std::size_t i = 0; i < 120; ++i) {
    std::string leak = questions[i];
    if (i >= 80) leak.resize(leak.find(' ', leak.size() / 2));
    if (i >= 40 && i < 80) {  // never among the first twelve words
      std::size_t words = 0;
      for (std::size_t at = 0; at < leak.size(); ++at)
        if (leak[at] == ' ' && ++words % 25 == 20 && at + 1 < leak.size()) leak[at + 1] = '#';
    }
    text += test::synthetic_document(i, 100) + "\n" + leak + "\n" +
            test::synthetic_document(1000 + i, 100) + "\n<|endoftext|>\n";
  }
  for (std::size_t i = 0; i < 300; ++i)
    text += test::synthetic_document(2000 + i, 200) + "\n<|endoftext|>\n";
  write_file(folder.file("text"), text);
  PrepareOptions options;
  options.sources = {{.name = "text", .files = {folder.file("text")}}};
  options.evaluations = {{.name = "gsm8k",
                          .files = {folder.file("eval.jsonl")},
                          .format = DocumentFormat::jsonl,
                          .fields = {"question"}}};
  options.tokenizer = load_tokenizer(model->string());
  options.temporary_folder = folder.file("");
  options.train_file = folder.file("train.tokens");
  const PrepareReport report = prepare(options).report;
  const EvaluationReport& found = report.evaluations[0];
  CHECK(found.samples == 200);
  CHECK(found.too_short == 0);
  CHECK(found.dirty >= 76);  // the 80 leaked whole or nearly
  CHECK(found.dirty <= 80);
  CHECK(found.clean == 80);  // those not leaked
  CHECK(report.documents(Fate::kept) == 420);

  options.drop_contaminated = true;
  const PrepareReport dropped = prepare(options).report;
  CHECK(dropped.documents(Fate::contaminated) == found.dirty);
  CHECK(dropped.evaluations[0].dirty == 0);
  CHECK(dropped.evaluations[0].clean >= 80 + found.dirty);
}

TEST_CASE("leaks of every evaluation that we have are found") {
  struct Evaluation {
    DataSource source;
    std::string field;
  };
  const Evaluation evaluations[] = {
      {{.files = {"eval-bbh/bbh/word_sorting.json"}, .type = DataType::json, .at = "examples[]"},
       "input"},
      {{.files = {"eval-gsm8k/test.jsonl"}}, "question"},
      {{.files = {"eval-llm-foundry/language_understanding/lambada_openai.jsonl"}}, "context"},
      {{.files = {"eval-mmlu/mmlu.json"}, .type = DataType::json, .at = "samples[]"}, "prompt"},
      {{.files = {"eval-truthfulqa/TruthfulQA.csv"}, .type = DataType::csv}, "Question"}};
  const auto model = test_data("tokenizer-llama2/tokenizer.model");
  if (!model) return;
  const test::TempFolder folder;
  PrepareOptions options;
  std::string text;
  std::size_t documents = 0;
  for (const auto& [source, field] : evaluations) {
    std::vector<std::string> samples;
    for (const Record& record : read_records(source, test_data(".")->string())) {
      std::string sample = record.text(field);
      if (sample.ends_with("\n\nAnswer:")) {  // the question alone, without the examples before it
        sample.resize(sample.size() - 9);
        sample.erase(0, sample.rfind("\n\n") + 2);
      }
      if (sample.size() >= 70 && samples.size() < 80) samples.push_back(std::move(sample));
    }
    REQUIRE(samples.size() == 80);
    std::string lines;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      lines += nlohmann::json{{"text", samples[i]}}.dump() + '\n';
      if (i >= 40) continue;  // not every other one: neighbours may be alike
      ++documents;
      text += test::synthetic_document(2 * documents, 60) + "\n" + samples[i] + "\n" +
              test::synthetic_document(2 * documents + 1, 60) + "\n<|endoftext|>\n";
    }
    const std::string path = folder.file(std::to_string(options.evaluations.size()));
    write_file(path, lines);
    options.evaluations.push_back(
        {.name = source.files[0], .files = {path}, .format = DocumentFormat::jsonl});
  }
  write_file(folder.file("text"), text);
  options.sources = {{.name = "text", .files = {folder.file("text")}}};
  options.filters = {.repetition = std::nullopt, .min_personal = std::nullopt};
  options.tokenizer = load_tokenizer(model->string());
  options.temporary_folder = folder.file("");
  options.train_file = folder.file("train.tokens");
  const PrepareReport report = prepare(options).report;
  CHECK(report.documents(Fate::kept) == documents);
  for (const EvaluationReport& found : report.evaluations) {
    INFO(found.name);
    CHECK(found.dirty == 40);
    CHECK(found.clean == 40);
  }
}

TEST_CASE("real texts of ours pass the filters") {
  const auto stories = test_data("text-tinystories/tinystories_sample_2MiB.txt");
  if (!stories) return;
  const test::TempFolder folder;
  PrepareOptions options;
  options.sources = {{.name = "stories", .files = {stories->string()}}};
  options.new_tokenizer.vocab_size = 512;
  options.temporary_folder = folder.file("");
  options.train_file = folder.file("train.tokens");
  options.validation_file = folder.file("validation.tokens");
  options.validation = 0.1;
  options.executor = threads(2);
  const PrepareReport report = prepare(options).report;
  CHECK(report.documents() == 2317);
  CHECK(report.documents(Fate::kept) > 2200);
  CHECK(report.documents(Fate::personal_information) == 0);
  CHECK(TokenFile(options.train_file).documents() == report.sources[0].train_documents);
}

TEST_CASE("files of several formats at one path are sources of their own") {
  const test::TempFolder folder;
  for (const char* name : {"A.md", "b.jsonl", "c.txt.gz", "d.jsonl.gz"})
    write_file(folder.file(name), "");
  const std::string path = folder.file(".");
  const std::vector<Source> sources = sources_at(path);
  REQUIRE(sources.size() == 2);
  CHECK(sources[0].format == DocumentFormat::separated);
  CHECK(sources[0].files.size() == 2);
  CHECK(sources[1].format == DocumentFormat::jsonl);
  CHECK(sources[1].files.size() == 2);
  CHECK(sources[1].files[1].ends_with("d.jsonl.gz"));
  CHECK(sources[1].name == path);
  CHECK(sources_at(folder.file("b.jsonl"))[0].format == DocumentFormat::jsonl);

  write_file(folder.file("config.json"), R"({"sources": [{"name": "all", "files": ["."],
    "fields": ["body"], "weight": 2}]})");
  const auto read = read_prepare_config(folder.file("config.json")).sources;
  REQUIRE(read.size() == 2);
  CHECK(read[1].name == "all");
  CHECK(read[1].format == DocumentFormat::jsonl);
  CHECK(read[1].files.size() == 3);  // the configuration, too
  CHECK(read[1].fields == Strings{"body"});
  CHECK(read[1].weight == 2);
}

TEST_CASE("a configuration is read, and what is wrong in it named") {
  const test::TempFolder folder;
  write_file(folder.file("a.jsonl.gz"), "");
  write_file(folder.file("b.txt"), "");
  const auto read = [&](const std::string& text) {
    write_file(folder.file("c.json"), text);
    return read_prepare_config(folder.file("c.json"));
  };
  const PrepareOptions options = read(R"({
    "sources": [{"files": ["a.jsonl.gz"], "fields": ["title", "body"], "weight": 3},
                {"name": "b", "files": ["b.txt"], "format": "blank_lines"}],
    "evaluations": [{"files": ["."], "format": "whole_file"}],
    "filters": {"min_words": 5, "repetition": false, "personal_information": false},
    "similarity": 0.7, "drop_contaminated": true, "tokenizer": {"vocab_size": 500},
    "validation": 0.05, "seed": 9, "bos": true, "eos": false, "refuse_damage": true})");
  CHECK(options.sources.size() == 2);
  CHECK(options.sources[0].name == "a.jsonl.gz");
  CHECK(options.sources[0].files == Strings{folder.file("a.jsonl.gz")});
  CHECK(options.sources[0].format == DocumentFormat::jsonl);
  CHECK(options.sources[0].fields == Strings{"title", "body"});
  CHECK(options.sources[0].weight == 3);
  CHECK(options.sources[1].format == DocumentFormat::blank_lines);
  CHECK(options.evaluations[0].files.size() == 3);
  CHECK(options.filters.min_words == 5);
  CHECK_FALSE(options.filters.repetition);
  CHECK_FALSE(options.filters.min_personal);
  CHECK(options.similarity == 0.7);
  CHECK(options.drop_contaminated);
  CHECK(options.new_tokenizer.vocab_size == 500);
  CHECK(options.validation == 0.05);
  CHECK(options.seed == 9);
  CHECK_FALSE(options.encode.eos);
  CHECK(options.refuse_damage);
  CHECK_FALSE(read(R"({"similarity": null})").similarity);

  const auto named = [&](const std::string& text) {
    const auto error = error_of([&] { read(text); });
    return error ? error->details().tensor : std::string("accepted");
  };
  CHECK(named(R"({"sauces": []})") == "configuration.sauces");
  CHECK(named(R"({"sources": 3})") == "sources");
  CHECK(named(R"({"sources": [{"files": []}]})") == "sources[0].files");
  CHECK(named(R"({"sources": [{"files": ["b.txt"], "format": "pdf"}]})") == "sources[0].format");
  CHECK(named(R"({"sources": [{"files": ["b.txt"], "weight": "3"}]})") == "sources[0].weight");
  CHECK(named(R"({"seed": -1})") == "configuration.seed");
  CHECK(named(R"({"filters": {"min_words": 1.5}})") == "filters.min_words");
  CHECK(named(R"([])") == "configuration");
  CHECK(error_of([&] { read("{"); })->code() == ErrorCode::malformed_file);
  CHECK(error_of([&] { read(R"({"sources": [{"files": ["none"]}]})"); })->code() == ErrorCode::io);
}

TEST_CASE("transcripts are pairs, or it is said why not") {
  test::TempFolder folder;
  const auto row = [](const std::string& chosen, const std::string& rejected) {
    return nlohmann::json{{"chosen", chosen}, {"rejected", rejected}}.dump() + "\n";
  };
  const std::string asked =
      "\n\nHuman: Hi\n\nthere \n\nAssistant: Yes?\n\nHuman: Why?\n\nAssistant:";
  const std::string good = row(asked + " Because.\n\nReally.", asked + " No.");
  const std::pair<std::string, std::string> bad[] = {
      {row(asked + " a", asked + " a "), "the two answers are the same"},
      {row(asked + " a", "\n\nHuman: Hi\n\nAssistant: b"), "to different dialogues"},
      {row(asked + " ", asked + " b"), "message 4 is empty"},
      {row(asked + " a\n\nAssistant: b", asked + " c"), "message 5 is out of turn"},
      {row(asked + " a\n Human: b", asked + " c"), "begins with a speaker's name"},
      {row(asked + " [INST] a", asked + " c"), "holds a tag of the dialogue format: [INST]"},
      {row(asked + " don\xC3\xA2\xC2\x80\xC2\x99t", asked + " c"), "has been encoded twice"},
      {row(asked + " caf\xC3\x83\xC2\xA9", asked + " c"), "has been encoded twice"},
      {row(asked + " a\xEF\xBF\xBD b", asked + " c"), "lost characters"},
      {row("Human: a\n\nAssistant: b", asked + " c"), "does not begin with a speaker"},
      {row(asked + " a\n\nHuman: b", asked + " c"), "no answer at the end"},
      {"{\"chosen\": \"" + std::string("\xE4") + "\"}\n", "not JSON"},
      {"{\"chosen\": false, \"rejected\": \"\"}\n", "no text: chosen"},
      {"[]\n", "not an object"}};
  std::string all = "\n" + good;
  for (const auto& [text, reason] : bad) all += text;
  for (const bool compressed : {false, true}) {
    const std::string path = folder.file(compressed ? "a.gz" : "a");
    write_file(path, compressed ? gzip(all) : all);
    const auto read = read_hh(path);
    REQUIRE(read.items.size() == 1);
    CHECK(read.items[0] == PreferencePair{.messages = {{Role::user, "Hi\n\nthere"},
                                                       {Role::assistant, "Yes?"},
                                                       {Role::user, "Why?"}},
                                          .chosen = "Because.\n\nReally.",
                                          .rejected = "No."});
    CHECK(read.rows == 1 + std::size(bad));
    REQUIRE(read.bad.size() == std::size(bad));
    for (std::size_t i = 0; i < std::size(bad); ++i) {
      CAPTURE(i, read.bad[i].reason, bad[i].second);
      CHECK(read.bad[i].place == path + ", line " + std::to_string(i + 3));
      CHECK(read.bad[i].reason.find(bad[i].second) != std::string::npos);
    }
    const auto error = error_of([&] { (void)read_hh(path, BadRows::refuse); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::malformed_file);
    CHECK(error->details().file == path + ", line 3");
  }
}

TEST_CASE("several judges make a rating") {
  using enum PreferenceRating;
  const auto judged = [](std::vector<int> votes) { return joint_judgement(votes); };
  CHECK(judged({1, 1, 1})->rating == significantly);
  CHECK(judged({1, 1, 1})->first);
  CHECK(judged({2, 0, 2})->rating == better);
  CHECK(!judged({2, 0, 2})->first);
  CHECK(judged({1, 2, 1})->rating == slightly);
  CHECK(judged({0, 1, 0})->rating == negligibly);
  CHECK(judged({1, 1, 2, 2, 2})->rating == slightly);
  CHECK(!judged({0, 0, 0}));
  CHECK(!judged({0, 1, 2}));
  for (const std::vector<int>& votes : {std::vector<int>{1}, std::vector<int>{1, 3}})
    CHECK(error_of([&] { (void)joint_judgement(votes); })->code() == ErrorCode::invalid_argument);
}

TEST_CASE("instructions are read in every layout") {
  test::TempFolder folder;
  using Dialogues = std::vector<std::vector<Message>>;
  const std::vector<Message> plain{{Role::user, "a\nb"}, {Role::assistant, "c"}};
  const std::vector<Message> whole{{Role::system, "s"}, {Role::user, "a"}, {Role::assistant, "c"}};
  write_file(folder.file("all"), R"({"instruction": "a", "input": "b", "output": "c", "extra": 1}
{"instruction": "a", "context": "b", "response": "c"}
{"instruction": "a", "instances": [{"input": "b", "output": "c"}, {"input": "", "output": "d"}]}
{"instruction": "a", "input": "", "output": "c", "system": "s"}
{"conversations": [{"from": "system", "value": "s"}, {"from": "human", "value": "a"}, {"from": "gpt", "value": "c"}]}
{"messages": [{"role": "user", "content": "a\nb"}, {"role": "assistant", "content": "c"}]}
{"prompt": "a\nb", "completion": "c"}
)");
  CHECK(read_dialogues(folder.file("all")).items ==
        Dialogues{plain,
                  plain,
                  plain,
                  {{Role::user, "a"}, {Role::assistant, "d"}},
                  whole,
                  whole,
                  plain,
                  plain});
  // One list, some rows of which are bad.
  write_file(folder.file("list"), R"([{"prompt": "a\nb", "response": "c"},
{"prompt": "a"}, {"prompt": "a", "response": " "}, {"prompt": "a", "response": "c", "messages": []},
{"messages": [{"role": "assistant", "content": "c"}]}, {"messages": [{"role": "user", "content": "c"}]},
{"messages": [{"role": "tool", "content": "c"}]}, {"conversations": {}}, {}, 7,
{"prompt": "a", "response": "c", "label": false}, {"prompt": "a", "response": "c", "rejected": "d"},
{"instruction": "a", "instances": [{"output": "b"}, {"output": ""}]}])");
  const auto read = read_dialogues(folder.file("list"));
  CHECK(read.items == Dialogues{plain});
  CHECK(read.rows == 13);
  REQUIRE(read.bad.size() == 12);
  CHECK(read.bad[0].place == folder.file("list") + ", item 2");
  write_file(folder.file("list"), "[{\"prompt\": \"a\"},\n{");
  const auto error = error_of([&] { (void)read_dialogues(folder.file("list")); });
  REQUIRE(error);
  CHECK(error->details().file == folder.file("list") + ", line 2");
}

TEST_CASE("published files hold what another reader finds in them") {
  // Counted by a reader in Python of the same rules.
  const std::tuple<const char*, std::size_t, std::size_t> files[] = {
      {"harmless-base", 1965, 1926},
      {"helpful-base", 2001, 1958},
      {"helpful-online", 966, 957},
      {"helpful-rejection-sampled", 2337, 2278}};
  for (const auto& [name, rows, pairs] : files) {
    const auto path = test_data("pref-hh-rlhf/" + std::string(name) + ".test.jsonl.gz");
    if (!path) return;
    const auto read = read_hh(path->string());
    CAPTURE(name);
    CHECK(read.rows == rows);
    CHECK(read.items.size() == pairs);
    CHECK(read.bad.size() == rows - pairs);
  }
  const auto pandalm = read_pandalm(test_data("pref-pandalm/testset-v1.json")->string());
  std::array<std::size_t, 4> by_rating{};
  for (const PreferencePair& pair : pandalm.items)
    ++by_rating[static_cast<std::size_t>(*pair.rating)];
  CHECK(pandalm.rows == 799);
  CHECK(pandalm.neutral == 68);
  CHECK(pandalm.bad.size() == 48);  // empty answers, and some that are `false`
  CHECK(by_rating == std::array<std::size_t, 4>{592, 20, 58, 13});
  CHECK(read_dialogues(test_data("sft-self-instruct/seed_tasks.jsonl")->string()).rows == 175);
  // Half of these are dialogues that people found bad.
  CHECK(read_dialogues(test_data("pref-dpo-demo/kto_en_demo.json")->string()).items.size() == 150);
  CHECK(read_dialogues(test_data("sft-identity/identity.json")->string()).items.size() == 91);
}
