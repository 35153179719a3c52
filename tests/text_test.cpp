// Vocabularies, the tokenizer, decoding as a stream, and tokenizer files.
#include <sentencepiece_processor.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "llama2/base/error.hpp"
#include "llama2/io/load_tokenizer.hpp"
#include "llama2/text/sentencepiece_model.hpp"
#include "llama2/text/stream_decoder.hpp"
#include "llama2/text/tokenizer.hpp"
#include "llama2/text/utf8.hpp"
#include "llama2/text/vocabulary.hpp"
#include "test_data.hpp"

namespace {

using llama2::Error;
using llama2::ErrorCode;
using llama2::Piece;
using llama2::PieceType;
using llama2::StreamDecoder;
using llama2::Token;
using llama2::Tokenizer;
using llama2::Vocabulary;
using Tokens = std::vector<Token>;

// Ids of the tiny vocabulary's pieces after the three special ones and the 256 bytes.
enum : Token { space = 259, a, b, c, ab, bc, space_a, abc, two_spaces, e_acute };

/// The id of a byte piece.
constexpr Token byte(unsigned value) {
  return static_cast<Token>(3 + value);
}

Vocabulary tiny_vocabulary() {
  Vocabulary vocabulary;
  vocabulary.pieces = {{"<unk>", 0, PieceType::unknown},
                       {"<s>", 0, PieceType::control},
                       {"</s>", 0, PieceType::control}};
  for (unsigned i = 0; i < 256; ++i)
    vocabulary.pieces.push_back(
        {llama2::byte_piece(static_cast<std::uint8_t>(i)), 0, PieceType::byte});
  const Piece normal[] = {{"\u2581", -10},      {"a", -11},     {"b", -12},      {"c", -13},
                          {"ab", -1},           {"bc", -2},     {"\u2581a", -3}, {"abc", -4},
                          {"\u2581\u2581", -5}, {"\u00E9", -14}};
  vocabulary.pieces.insert(vocabulary.pieces.end(), std::begin(normal), std::end(normal));
  return vocabulary;
}

Tokenizer tiny_tokenizer() {
  return Tokenizer::from_vocabulary(tiny_vocabulary());
}

void append_u32(std::string& out, std::uint32_t value) {
  for (unsigned shift = 0; shift < 32; shift += 8)
    out += static_cast<char>(static_cast<std::uint8_t>(value >> shift));
}

/// llama2.c's tokenizer.bin as its export script writes it: U+2581 as a space, and the two control
/// pieces between newlines.
std::string tokenizer_bin(const Vocabulary& vocabulary) {
  std::vector<std::string> texts;
  std::size_t longest = 0;
  for (const Piece& piece : vocabulary.pieces) {
    std::string text = piece.text;
    for (std::size_t at; (at = text.find("\u2581")) != std::string::npos;) text.replace(at, 3, " ");
    if (piece.type == PieceType::control) text = "\n" + text + "\n";
    longest = std::max(longest, text.size());
    texts.push_back(text);
  }
  std::string out;
  append_u32(out, static_cast<std::uint32_t>(longest));
  for (std::size_t i = 0; i < texts.size(); ++i) {
    append_u32(out, std::bit_cast<std::uint32_t>(vocabulary.pieces[i].score));
    append_u32(out, static_cast<std::uint32_t>(texts[i].size()));
    out += texts[i];
  }
  return out;
}

Vocabulary parse_bin(std::string_view bytes) {
  return llama2::parse_tokenizer_bin(std::as_bytes(std::span(bytes)), "tiny.bin");
}

/// The error that a call throws; the test fails when it throws none.
template <class F>
Error error_of(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    return error;
  }
  FAIL("no error was thrown");
  throw std::logic_error("not reached");
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// The error of validating the tiny vocabulary after a change.
template <class F>
Error refusal(F&& change) {
  Vocabulary vocabulary = tiny_vocabulary();
  change(vocabulary);
  return error_of([&] { llama2::validate(vocabulary, "v.bin"); });
}

std::string stream(const Tokenizer& tokenizer, std::span<const Token> tokens,
                   bool at_start = true) {
  StreamDecoder decoder(tokenizer, at_start);
  std::string text;
  for (const Token token : tokens) {
    const std::string_view part = decoder.push(token);
    if (!llama2::is_valid_utf8(part)) FAIL("a part of a character was emitted");
    text += part;
  }
  return text += decoder.flush();
}

/// What sentencepiece itself says, with nothing of ours between but the model.
Tokens reference_encode(const Vocabulary& vocabulary, const std::string& text) {
  sentencepiece::SentencePieceProcessor processor;
  REQUIRE(processor.LoadFromSerializedProto(llama2::encode_model_proto(vocabulary)).ok());
  Tokens ids;
  REQUIRE(processor.Encode(text, &ids).ok());
  return ids;
}

/// A file that is removed again.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view contents)
      : path_((std::filesystem::temp_directory_path() /
               ("llama2-text-test-" + std::to_string(::getpid())))
                  .string()) {
    std::ofstream(path_, std::ios::binary) << contents;
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Loads hostile bytes: either a refusal that says something, or a tokenizer that works and whose
/// control tokens text cannot produce. Returns whether it loaded.
template <class Load>
bool refused_or_sound(Load&& load) {
  try {
    const Tokenizer tokenizer = load();
    const Tokens ids = tokenizer.encode("abc <s> b\u00E9 </s> <unk> \xFF");
    for (const Token id : ids)
      if (tokenizer.is_control(id) || id == tokenizer.unk()) FAIL("text became a control token");
    if (stream(tokenizer, ids) != tokenizer.decode(ids)) FAIL("the two decoders disagree");
    return true;
  } catch (const Error& error) {
    if (std::string_view(error.what()).size() < 20) FAIL("an error that says nothing");
    return false;
  }
}

}  // namespace

TEST_CASE("UTF-8 is recognised character by character") {
  using llama2::first_utf8_character;
  using llama2::Utf8Status;
  for (const std::string_view text : {"a", "\u00E9", "\u2581", "\U0001F600", "\uD7FF", "\uE000",
                                      "\u0080", "\u0800", "\U00010000", "\U0010FFFF"}) {
    CHECK(first_utf8_character(text).status == Utf8Status::complete);
    CHECK(first_utf8_character(text).length == text.size());
    for (std::size_t n = 1; n < text.size(); ++n)
      CHECK(first_utf8_character(text.substr(0, n)).status == Utf8Status::incomplete);
  }
  // Stray continuation, overlong forms, surrogates, beyond U+10FFFF: at the first wrong byte.
  for (const std::string_view text : {"\x80", "\xBF", "\xC0", "\xC1", "\xE0\x9F", "\xED\xA0",
                                      "\xF0\x8F", "\xF4\x90", "\xF5", "\xFF", "\xC3(", "\xE2\x96("})
    CHECK(first_utf8_character(text).status == Utf8Status::invalid);
  CHECK(llama2::is_valid_utf8(""));
  CHECK(llama2::is_valid_utf8("a\u2581\U0001F600"));
  CHECK_FALSE(llama2::is_valid_utf8("a\xE2\x96"));
}

TEST_CASE("byte pieces have one spelling") {
  for (unsigned i = 0; i < 256; ++i)
    CHECK(llama2::parse_byte_piece(llama2::byte_piece(static_cast<std::uint8_t>(i))) == i);
  CHECK(llama2::byte_piece(0xA9) == "<0xA9>");
  for (const std::string_view text : {"", "<0x-1>", "<0x 1>", "<0xa9>", "<0XA9>", "<0x1>",
                                      "<0x001>", "<0xG0>", "<0xA9>x", "x<0xA9>", "<0xA9 "})
    CHECK_FALSE(llama2::parse_byte_piece(text));
}

TEST_CASE("a vocabulary is validated before it is used") {
  CHECK_NOTHROW(llama2::validate(tiny_vocabulary()));

  const auto piece_refused = [](auto change, std::string_view message) {
    const Error error = refusal([&](Vocabulary& v) { change(v.pieces[ab]); });
    CHECK(error.code() == ErrorCode::malformed_file);
    CHECK(error.details().file == "v.bin");
    CHECK(error.details().tensor == "piece " + std::to_string(ab));
    CHECK(contains(error.what(), message));
  };
  piece_refused([](Piece& p) { p.score = std::numeric_limits<float>::quiet_NaN(); }, "finite");
  piece_refused([](Piece& p) { p.score = -std::numeric_limits<float>::infinity(); }, "finite");
  piece_refused([](Piece& p) { p.text = ""; }, "empty");
  piece_refused([](Piece& p) { p.text = std::string("a\0b", 3); }, "NUL");
  piece_refused([](Piece& p) { p.text = "a\xE2\x96"; }, "UTF-8");
  piece_refused([](Piece& p) { p.text = "\xED\xA0\x80"; }, "UTF-8");
  piece_refused([](Piece& p) { p.text.assign(llama2::max_piece_bytes + 1, 'x'); }, "too long");
  piece_refused(
      [](Piece& p) {
        p.type = PieceType::user_defined;
        p.text.assign(llama2::max_user_defined_bytes + 1, 'x');
      },
      "too long");
  piece_refused([](Piece& p) { p.type = static_cast<PieceType>(7); }, "type");
  piece_refused([](Piece& p) { p = {"<0x-1>", 0, PieceType::byte}; }, "byte");
  // sentencepiece would give user text "\u00A7" this control token.
  piece_refused([](Piece& p) { p = {"\u00A7", 0, PieceType::control}; }, "one character");

  CHECK(contains(refusal([](Vocabulary& v) { v.pieces[bc].text = "ab"; }).what(), "twice"));
  CHECK(contains(refusal([](Vocabulary& v) { v.pieces[bc].text = "<s>"; }).what(), "twice"));
  CHECK(contains(refusal([](Vocabulary& v) { v.pieces[bc].text = "<0x41>"; }).what(), "twice"));
  CHECK(contains(refusal([](Vocabulary& v) { v.pieces.clear(); }).what(), "no pieces"));
  CHECK(contains(refusal([](Vocabulary& v) { v.pieces[0].type = PieceType::normal; }).what(),
                 "exactly one unknown"));
  CHECK(contains(refusal([](Vocabulary& v) { v.pieces[ab].type = PieceType::unknown; }).what(),
                 "exactly one unknown"));
  CHECK(contains(refusal([](Vocabulary& v) { v.pieces[byte(7)].type = PieceType::normal; }).what(),
                 "256 byte pieces"));
  CHECK(contains(refusal([](Vocabulary& v) { v.unk_id = 1; }).what(), "unk_id"));
  CHECK(contains(refusal([](Vocabulary& v) { v.bos_id = -1; }).what(), "bos_id"));
  CHECK(contains(refusal([](Vocabulary& v) { v.bos_id = ab; }).what(), "bos_id"));
  CHECK(contains(refusal([](Vocabulary& v) { v.eos_id = 1000000; }).what(), "eos_id"));
  CHECK(contains(refusal([](Vocabulary& v) { v.pad_id = -2; }).what(), "pad_id"));
  CHECK(contains(refusal([](Vocabulary& v) { v.pad_id = ab; }).what(), "pad_id"));
  CHECK(contains(refusal([](Vocabulary& v) { v.unk_surface = "\xFF"; }).what(), "surface"));
  CHECK_NOTHROW([] {
    Vocabulary vocabulary = tiny_vocabulary();
    vocabulary.pad_id = 0;
    llama2::validate(vocabulary);
  }());

  Vocabulary located = tiny_vocabulary();
  located.offsets.assign(located.pieces.size(), 0);
  located.offsets[c] = 1234;
  located.pieces[c].text = "";
  CHECK(error_of([&] { llama2::validate(located); }).details().offset == 1234);
}

TEST_CASE("byte-pair merges of a tiny vocabulary, worked out by hand") {
  const Tokenizer tokenizer = tiny_tokenizer();
  // "_abc": "ab" (-1) before "bc" (-2) before "_a" (-3), then "abc"; there is no "_abc".
  CHECK(tokenizer.encode("abc") == Tokens{space, abc});
  CHECK(tokenizer.encode("a") == Tokens{space_a});
  CHECK(tokenizer.encode("bc a") == Tokens{space, bc, space_a});
  CHECK(tokenizer.encode("bab") == Tokens{space, b, ab});
  // "_aab": the second a goes to "ab" (-1), the first to "_a" (-3).
  CHECK(tokenizer.encode("aab") == Tokens{space_a, ab});
  CHECK(tokenizer.encode(" ") == Tokens{two_spaces});
  CHECK(tokenizer.encode("  ") == Tokens{two_spaces, space});
  CHECK(tokenizer.encode("b ") == Tokens{space, b, space});
  CHECK(tokenizer.encode("\u00E9") == Tokens{space, e_acute});
  CHECK(tokenizer.encode("\u00EA") == Tokens{space, byte(0xC3), byte(0xAA)});
  CHECK(tokenizer.encode("").empty());
  CHECK(tokenizer.encode("", {.bos = true, .eos = true}) == Tokens{1, 2});
  CHECK(tokenizer.encode("a", {.bos = true, .eos = true}) == Tokens{1, space_a, 2});
  Tokens appended = {7};
  tokenizer.encode("a", {.eos = true}, appended);
  CHECK(appended == Tokens{7, space_a, 2});

  CHECK(tokenizer.decode(Tokens{1, space, abc, space_a, 2}) == "abc a");
  CHECK(tokenizer.decode(Tokens{space, space, b}) == " b");
  CHECK(tokenizer.decode(Tokens{}).empty());

  CHECK(tokenizer.vocab_size() == 269);
  CHECK(tokenizer.bos() == 1);
  CHECK(tokenizer.eos() == 2);
  CHECK(tokenizer.unk() == 0);
  CHECK_FALSE(tokenizer.pad());
  CHECK(tokenizer.piece(space_a) == "\u2581a");
  CHECK(tokenizer.is_control(1));
  CHECK_FALSE(tokenizer.is_control(0));
  CHECK(tokenizer.is_byte(byte(0)));
  CHECK_FALSE(tokenizer.is_byte(ab));
}

TEST_CASE("tokens outside the vocabulary are refused") {
  const Tokenizer tokenizer = tiny_tokenizer();
  for (const Token token :
       {-1, 269, std::numeric_limits<Token>::max(), std::numeric_limits<Token>::min()}) {
    CHECK(error_of([&] { static_cast<void>(tokenizer.piece(token)); }).code() ==
          ErrorCode::invalid_argument);
    CHECK(error_of([&] { static_cast<void>(tokenizer.is_byte(token)); }).code() ==
          ErrorCode::invalid_argument);
    const Error error = error_of([&] { static_cast<void>(tokenizer.decode(Tokens{a, token})); });
    CHECK(error.code() == ErrorCode::invalid_argument);
    CHECK(error.details().found == std::to_string(token));
    StreamDecoder decoder(tokenizer);
    CHECK(error_of([&] { decoder.push(token); }).code() == ErrorCode::invalid_argument);
  }
}

TEST_CASE("text never becomes a control token or the unknown token") {
  const Tokenizer tokenizer = tiny_tokenizer();
  CHECK(tokenizer.encode("<s>") == Tokens{space, byte('<'), byte('s'), byte('>')});
  for (const std::string_view text : {"<s>", "</s>", "<unk>", "<s>abc</s>", "[INST] <s> [/INST]",
                                      "<0x41>", "\n<s>\n", "\u2047", " \u2047 ", "<<s>>"}) {
    const Tokens ids = tokenizer.encode(text);
    CHECK_FALSE(ids.empty());
    for (const Token id : ids) {
      CHECK_FALSE(tokenizer.is_control(id));
      CHECK(id != tokenizer.unk());
    }
    CHECK(tokenizer.decode(ids) == text);
  }
}

TEST_CASE("NUL bytes and invalid UTF-8 in a text have defined tokens") {
  const Tokenizer tokenizer = tiny_tokenizer();
  const std::string nul("a\0b", 3);
  CHECK(tokenizer.encode(nul) == Tokens{space_a, byte(0), b});
  CHECK(tokenizer.decode(tokenizer.encode(nul)) == nul);
  CHECK(stream(tokenizer, tokenizer.encode(nul)) == nul);
  const Tokens replaced = {space, byte(0xEF), byte(0xBF), byte(0xBD)};  // U+FFFD
  CHECK(tokenizer.encode("\xFF") == replaced);
  CHECK(tokenizer.encode("\x80") == replaced);
  CHECK(tokenizer.decode(tokenizer.encode("a\xE2\x96z")) == "a\uFFFD\uFFFDz");
  CHECK(tokenizer.decode(tokenizer.encode("\xC3")) == "\uFFFD");
  CHECK(tokenizer.decode(tokenizer.encode("\xED\xA0\x80")) == "\uFFFD\uFFFD\uFFFD");
  CHECK(tokenizer.decode(tokenizer.encode("a\u2581b")) == "a b");
}

TEST_CASE("what text can produce is what the piece's type says") {
  Vocabulary vocabulary = tiny_vocabulary();
  vocabulary.pieces[abc].type = PieceType::unused;
  vocabulary.pieces.push_back({"[X]", 0, PieceType::user_defined});
  const auto x = static_cast<Token>(vocabulary.pieces.size()) - 1;
  vocabulary.pieces.push_back({"[Y]", 0, PieceType::control});
  const Tokenizer tokenizer = Tokenizer::from_vocabulary(vocabulary);
  CHECK(tokenizer.encode("abc") == Tokens{space, ab, c});
  CHECK(tokenizer.encode("a[X]b") == Tokens{space_a, x, b});
  CHECK(tokenizer.encode("[Y]") == Tokens{space, byte('['), byte('Y'), byte(']')});
  CHECK(tokenizer.type(x) == PieceType::user_defined);
  // The longest user-defined pieces, each a prefix of the next: within sentencepiece's bounds.
  for (std::size_t n = 1; n <= llama2::max_user_defined_bytes; ++n)
    vocabulary.pieces.push_back({std::string(n, '='), 0, PieceType::user_defined});
  const Tokenizer deep = Tokenizer::from_vocabulary(vocabulary);
  const Tokens ids = deep.encode(std::string(70, '='));
  CHECK(ids.size() == 3);
  CHECK(deep.decode(ids) == std::string(70, '='));
}

TEST_CASE("a long text has the same tokens as in one piece") {
  Vocabulary vocabulary = tiny_vocabulary();
  // Pieces that hold a space behind a character, so that not every space is a place to cut.
  vocabulary.pieces.push_back({"c\u2581", -0.5f});
  vocabulary.pieces.push_back({"\u00E9\u2581\u2581", -7});
  vocabulary.pieces.push_back({"\uFFFD\u2581", -0.75f});
  const std::string_view parts[] = {"a", "b", "c", " ", " ", "\u00E9", "\xC3", "ab ", "bc "};
  std::mt19937 random(7);
  const auto random_text = [&](std::size_t size) {
    std::string text;
    while (text.size() < size) text += parts[random() % std::size(parts)];
    return text;
  };
  const Tokenizer tokenizer = Tokenizer::from_vocabulary(vocabulary);
  for (int round = 0; round < 100; ++round) {
    const std::string text = random_text(5000);
    REQUIRE((tokenizer.encode(text) == reference_encode(vocabulary, text)));
  }
  for (const std::size_t size : {4094u, 4095u, 4096u, 4097u, 9000u}) {
    const std::string text = std::string(size, ' ') + "b" + std::string(size, ' ');
    CHECK((tokenizer.encode(text) == reference_encode(vocabulary, text)));
    const std::string ends_in_space = std::string(size, 'b') + " ";
    CHECK((tokenizer.encode(ends_in_space) == reference_encode(vocabulary, ends_in_space)));
  }
  for (const bool dummy : {true, false})
    for (const bool collapse : {false, true}) {
      vocabulary.add_dummy_prefix = dummy;
      vocabulary.remove_extra_whitespaces = collapse;
      const std::string text = random_text(30000);
      CHECK((Tokenizer::from_vocabulary(vocabulary).encode(text) ==
             reference_encode(vocabulary, text)));
    }
}

TEST_CASE("a stretch that would take sentencepiece gigabytes is refused") {
  const std::string text((std::size_t{4} << 20) + 1, 'b');
  CHECK(error_of([&] { static_cast<void>(tiny_tokenizer().encode(text)); }).code() ==
        ErrorCode::invalid_argument);
}

TEST_CASE("copies of a tokenizer encode on several threads at once") {
  const Tokenizer tokenizer = tiny_tokenizer();
  std::string text;
  for (int i = 0; i < 500; ++i) text += "abc \u00E9 bab <s> ";
  const Tokens expected = tokenizer.encode(text);
  std::vector<Tokens> results(4);
  std::vector<std::string> texts(4);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < results.size(); ++i)
    threads.emplace_back([&results, &texts, &text, i, copy = tokenizer] {
      results[i] = copy.encode(text);
      texts[i] = copy.decode(results[i]);
    });
  for (std::thread& thread : threads) thread.join();
  for (const Tokens& result : results) CHECK((result == expected));
  for (const std::string& result : texts) CHECK((result == text));
}

TEST_CASE("a stream emits whole characters as soon as they are there") {
  StreamDecoder decoder(tiny_tokenizer());
  CHECK(decoder.push(1).empty());       // control tokens are nothing
  CHECK(decoder.push(space_a) == "a");  // the dummy space is dropped once
  CHECK(decoder.push(space_a) == " a");
  CHECK(decoder.push(byte(0xF0)).empty());  // U+1F600 in bytes
  CHECK(decoder.push(byte(0x9F)).empty());
  CHECK(decoder.push(byte(0x98)).empty());
  CHECK(decoder.push(byte(0x80)) == "\U0001F600");
  CHECK(decoder.push(byte('x')) == "x");
  CHECK(decoder.push(byte(0xC3)).empty());
  CHECK(decoder.push(byte(0xA9)) == "\u00E9");
  CHECK(decoder.push(two_spaces) == "  ");
  CHECK(decoder.push(byte(0)) == std::string_view("\0", 1));
  CHECK(decoder.push(0) == " \u2047 ");  // the unknown piece's surface
  CHECK(decoder.push(2).empty());
  CHECK(decoder.flush().empty());

  decoder.reset();
  CHECK(decoder.push(space).empty());
  CHECK(decoder.push(space) == " ");
  decoder.reset(false);  // the middle of a text keeps its space
  CHECK(decoder.push(space_a) == " a");
}

TEST_CASE("a stream replaces bytes as soon as they cannot become a character") {
  StreamDecoder decoder(tiny_tokenizer());
  CHECK(decoder.push(byte(0x80)) == "\uFFFD");  // a continuation without a beginning
  CHECK(decoder.push(byte(0xFF)) == "\uFFFD");
  CHECK(decoder.push(byte(0xE2)).empty());
  CHECK(decoder.push(byte('(')) == "\uFFFD(");  // cut short by a character
  CHECK(decoder.push(byte(0xF0)).empty());
  CHECK(decoder.push(byte(0x9F)).empty());
  CHECK(decoder.push(byte(0xC3)) == "\uFFFD\uFFFD");  // and a new one begins
  CHECK(decoder.push(byte(0xA9)) == "\u00E9");
  CHECK(decoder.push(byte(0xED)).empty());
  CHECK(decoder.push(byte(0xA0)) == "\uFFFD\uFFFD");  // a surrogate
  CHECK(decoder.push(byte(0xE2)).empty());
  CHECK(decoder.push(ab) == "\uFFFDab");  // cut short by a piece
  CHECK(decoder.push(byte(0xE2)).empty());
  CHECK(decoder.push(2) == "\uFFFD");  // cut short by a control token
  CHECK(decoder.push(byte(0xE2)).empty());
  CHECK(decoder.push(byte(0x96)).empty());
  CHECK(decoder.flush() == "\uFFFD\uFFFD");
  CHECK(decoder.flush().empty());
}

TEST_CASE("a stream is sentencepiece's own decoding, for any tokens whatever") {
  std::mt19937 random(1);
  for (const bool dummy : {true, false})
    for (const bool collapse : {false, true}) {
      Vocabulary vocabulary = tiny_vocabulary();
      vocabulary.add_dummy_prefix = dummy;
      vocabulary.remove_extra_whitespaces = collapse;
      vocabulary.unk_surface = dummy ? "" : "?";
      const Tokenizer tokenizer = Tokenizer::from_vocabulary(vocabulary);
      // Mostly the interesting ones: spaces, control, and the bytes of and around characters.
      const Tokens often = {0,          1,          2,          space,      space,
                            space_a,    two_spaces, byte(0xF0), byte(0x9F), byte(0x98),
                            byte(0x80), byte(0xC3), byte(0xE2), byte(0x96), byte(0x81)};
      for (int round = 0; round < 2000; ++round) {
        Tokens tokens(random() % 12);
        for (Token& token : tokens)
          token = random() % 4 == 0 ? static_cast<Token>(random() % tokenizer.vocab_size())
                                    : often[random() % often.size()];
        INFO("round " << round);
        REQUIRE(stream(tokenizer, tokens) == tokenizer.decode(tokens));
      }
    }
}

TEST_CASE("a stream keeps its buffer") {
  Vocabulary vocabulary = tiny_vocabulary();
  vocabulary.pieces.push_back({std::string(llama2::max_piece_bytes, 'z'), -20});
  const auto longest = static_cast<Token>(vocabulary.pieces.size()) - 1;
  StreamDecoder decoder(Tokenizer::from_vocabulary(vocabulary));
  const char* const buffer = decoder.push(ab).data();
  for (const Token token : {byte(0xF0), byte(0x9F), byte(0x98), longest}) decoder.push(token);
  CHECK(decoder.push(longest).data() == buffer);
  CHECK(decoder.push(two_spaces).data() == buffer);
}

TEST_CASE("a model file of ours is read back, by us and by sentencepiece") {
  Vocabulary vocabulary = tiny_vocabulary();
  vocabulary.pieces.push_back({"<pad>", 0, PieceType::control});
  vocabulary.pad_id = static_cast<Token>(vocabulary.pieces.size()) - 1;
  vocabulary.unk_surface = "?";
  vocabulary.add_dummy_prefix = false;
  const std::string bytes = llama2::encode_model_proto(vocabulary);
  const Vocabulary again = llama2::parse_model_proto(bytes);
  REQUIRE(again.pieces.size() == vocabulary.pieces.size());
  sentencepiece::SentencePieceProcessor processor;
  REQUIRE(processor.LoadFromSerializedProto(bytes).ok());
  REQUIRE(processor.GetPieceSize() == static_cast<int>(vocabulary.pieces.size()));
  for (std::size_t i = 0; i < again.pieces.size(); ++i) {
    CHECK(again.pieces[i].text == vocabulary.pieces[i].text);
    CHECK(again.pieces[i].score == vocabulary.pieces[i].score);
    CHECK(again.pieces[i].type == vocabulary.pieces[i].type);
    const int id = static_cast<int>(i);
    CHECK(processor.IdToPiece(id) == vocabulary.pieces[i].text);
    CHECK(processor.GetScore(id) == vocabulary.pieces[i].score);
    CHECK(processor.IsControl(id) == (vocabulary.pieces[i].type == PieceType::control));
    CHECK(processor.IsByte(id) == (vocabulary.pieces[i].type == PieceType::byte));
    CHECK(processor.IsUnknown(id) == (vocabulary.pieces[i].type == PieceType::unknown));
  }
  CHECK(again.unk_id == 0);
  CHECK(again.bos_id == 1);
  CHECK(again.eos_id == 2);
  CHECK(again.pad_id == vocabulary.pad_id);
  CHECK(again.unk_surface == "?");
  CHECK_FALSE(again.add_dummy_prefix);
  CHECK_FALSE(again.remove_extra_whitespaces);
  CHECK(again.offsets.front() == 0);
  CHECK(again.offsets.at(1) == 2 + 5 + 7 + 2);  // behind the first piece: tags, text, score, type
  CHECK(Tokenizer::from_model_proto(bytes).pad() == vocabulary.pad_id);
}

TEST_CASE("model files of other kinds are refused by name") {
  const auto with = [](std::uint32_t message, auto fill) {
    llama2::detail::ProtoWriter inner;
    fill(inner);
    llama2::detail::ProtoWriter outer;
    outer.bytes(message, inner.message());
    return llama2::encode_model_proto(tiny_vocabulary()) + outer.message();
  };
  const auto refused = [](const std::string& bytes, std::string_view message) {
    const Error error = error_of([&] { static_cast<void>(Tokenizer::from_model_proto(bytes)); });
    CHECK(error.code() == ErrorCode::unsupported);
    CHECK(contains(error.what(), message));
  };
  CHECK_NOTHROW(Tokenizer::from_model_proto(with(99, [](auto& w) { w.number(1, -1); })));
  refused(with(2, [](auto& w) { w.number(3, 1); }), "BPE; this is a unigram model");
  refused(with(2, [](auto& w) { w.number(3, 3); }), "a word model");
  refused(with(2, [](auto& w) { w.number(3, 4); }), "a character model");
  refused(with(2, [](auto& w) { w.number(3, 9); }), "unknown type; found 9");
  refused(with(2, [](auto& w) { w.number(35, 0); }), "byte_fallback");
  refused(with(2, [](auto& w) { w.number(24, 1); }), "treat_whitespace_as_suffix");
  refused(with(3, [](auto& w) { w.number(5, 0); }), "escape_whitespaces");
  refused(with(3, [](auto& w) { w.bytes(2, "x"); }), "normalis");
  refused(with(5, [](auto& w) { w.bytes(2, "x"); }), "normalis");
  refused("", "unigram");  // protobuf's default
}

TEST_CASE("broken protobuf is refused at its byte") {
  const auto refused = [](const std::string& bytes, std::uint64_t offset,
                          std::string_view message) {
    const Error error =
        error_of([&] { static_cast<void>(llama2::parse_model_proto(bytes, "m.model")); });
    CHECK(error.code() == ErrorCode::malformed_file);
    CHECK(error.details().file == "m.model");
    CHECK(error.details().offset == offset);
    CHECK(contains(error.what(), message));
  };
  const std::string good("\x0A\x03\x0A\x01x", 5);
  refused(good + "\x0A", 5, "ends beyond");
  refused(good + "\x0A\x05xx", 5, "ends beyond");
  refused(good + "\x0A\x03\x0A\x02x", 7, "ends beyond");  // inside the second piece
  refused(good + "\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 5, "ends beyond");
  refused(good + "\x08" + std::string(11, '\xFF'), 5, "ten bytes");
  refused(good + std::string("\x02\x00", 2), 5, "field number");
  refused(good + "\x0B", 5, "wire type");            // a group
  refused(good + "\x08\x01", 5, "wrong wire type");  // pieces as a number
  refused(good + "\x0A\x02\x10\x01", 7, "wrong wire type");
  refused(good + "\x0A\x02\x18\x07", 7, "piece type; expected 1 to 6; found 7");
  refused(good + std::string("\x0A\x02\x18\x00", 4), 7, "piece type");
}

TEST_CASE("every cut and every changed byte of a model file is refused or harmless") {
  const std::string good = llama2::encode_model_proto(tiny_vocabulary());
  const auto load = [](const std::string& bytes) {
    return refused_or_sound([&] { return Tokenizer::from_model_proto(bytes, "m.model"); });
  };
  CHECK(load(good));
  std::size_t loaded = 0;
  for (std::size_t n = 0; n < good.size(); ++n) loaded += load(good.substr(0, n)) ? 1 : 0;
  CHECK(loaded < 30);  // only cuts between the fields at the very end leave a whole vocabulary
  for (std::size_t i = 0; i < good.size(); ++i)
    for (const int flip : {0x01, 0x20, 0x80, 0xFF}) {
      std::string changed = good;
      changed[i] = static_cast<char>(changed[i] ^ flip);
      load(changed);
    }
}

TEST_CASE("llama2.c's tokenizer.bin becomes the same vocabulary") {
  const Vocabulary expected = tiny_vocabulary();
  const std::string bytes = tokenizer_bin(expected);
  const Vocabulary vocabulary = parse_bin(bytes);
  REQUIRE(vocabulary.pieces.size() == expected.pieces.size());
  for (std::size_t i = 0; i < expected.pieces.size(); ++i) {
    CHECK(vocabulary.pieces[i].text == expected.pieces[i].text);
    CHECK(vocabulary.pieces[i].score == expected.pieces[i].score);
    CHECK(vocabulary.pieces[i].type == expected.pieces[i].type);
  }
  const TemporaryFile file(bytes);
  const Tokenizer tokenizer = llama2::load_tokenizer(file.path());
  CHECK(tokenizer.encode("bc a") == Tokens{space, bc, space_a});
}

TEST_CASE("a broken tokenizer.bin is refused at its byte") {
  const std::string good = tokenizer_bin(tiny_vocabulary());
  const auto refused = [&](std::size_t at, std::string_view bytes, std::uint64_t offset,
                           std::string_view message) {
    std::string changed = good;
    changed.replace(at, bytes.size(), bytes);
    const Error error = error_of([&] { llama2::validate(parse_bin(changed), "tiny.bin"); });
    CHECK(error.code() == ErrorCode::malformed_file);
    CHECK(error.details().file == "tiny.bin");
    CHECK(error.details().offset == offset);
    CHECK(contains(error.what(), message));
  };
  using namespace std::string_view_literals;
  const std::size_t second = 4 + 8 + 5;  // "\n<s>\n"
  const std::size_t third = second + 8 + 5;
  refused(8, "\xFF\xFF\xFF\xFF"sv, 4, "impossible length; expected 1 to 6; found -1");
  refused(8, "\xFF\xFF\xFF\x7F"sv, 4, "impossible length");
  refused(8, "\x00"sv, 4, "impossible length");
  refused(0, "\x04"sv, 4, "impossible length; expected 1 to 4; found 5");
  refused(second + 4, "\x07"sv, second, "impossible length");
  refused(4, "\x00\x00\xC0\x7F"sv, 4, "finite");  // NaN
  refused(12, "<UNK>"sv, 4, "special piece has another name");
  refused(second + 8, "\n<S>\n"sv, second, "another name");
  refused(third + 8 + 6 + 8, "<0x-1>"sv, third + 8 + 6, "another name; expected \"<0x00>\"");

  for (const std::size_t size : {std::size_t{0}, std::size_t{3}})
    CHECK(error_of([&] { parse_bin(good.substr(0, size)); }).details().offset == 0);
  CHECK(contains(error_of([&] { parse_bin(good.substr(0, 10)); }).what(), "score and length"));
  const Error cut = error_of([&] { parse_bin(good.substr(0, good.size() - 1)); });
  CHECK(contains(cut.what(), "ends within a piece"));
}

TEST_CASE("every cut and every changed byte of a tokenizer.bin is refused or harmless") {
  const std::string good = tokenizer_bin(tiny_vocabulary());
  const auto load = [](const std::string& bytes) {
    return refused_or_sound(
        [&] { return Tokenizer::from_vocabulary(parse_bin(bytes), "tiny.bin"); });
  };
  CHECK(load(good));
  std::size_t loaded = 0;
  for (std::size_t n = 0; n < good.size(); ++n) loaded += load(good.substr(0, n)) ? 1 : 0;
  CHECK(loaded == 10);  // behind each of the pieces after the bytes, which a vocabulary can lack
  for (std::size_t i = 0; i < good.size(); ++i)
    for (const int flip : {0x01, 0x20, 0x80, 0xFF}) {
      std::string changed = good;
      changed[i] = static_cast<char>(changed[i] ^ flip);
      load(changed);
    }
}

TEST_CASE("files that are no tokenizers are refused") {
  const auto refused = [](std::string_view contents) {
    const TemporaryFile file(contents);
    const Error error = error_of([&] { static_cast<void>(llama2::load_tokenizer(file.path())); });
    CHECK(error.details().file == file.path());
    return std::string(error.what());
  };
  CHECK(contains(refused(""), "an empty file"));
  CHECK(contains(refused("{\"version\": \"1.0\"}"), "not a tokenizer"));
  CHECK(contains(refused("GGUF"), "version: the file ends too early"));
  CHECK(contains(refused("\n\n\n"), "malformed"));
  const Error missing =
      error_of([] { static_cast<void>(llama2::load_tokenizer("no/such/tokenizer.model")); });
  CHECK(missing.code() == ErrorCode::io);
  const TemporaryFile model(llama2::encode_model_proto(tiny_vocabulary()));
  CHECK(llama2::load_tokenizer(model.path()).encode("abc") == Tokens{space, abc});
}

TEST_CASE("the Llama 2 tokenizer gives the known tokens, from both of its files") {
  for (const char* name : {"tokenizer-llama2/tokenizer.model", "tokenizer-llama2/tokenizer.bin"}) {
    const auto path = test_data(name);
    if (!path) return;
    INFO(name);
    const Tokenizer tokenizer = llama2::load_tokenizer(path->string());
    REQUIRE(tokenizer.vocab_size() == 32000);
    CHECK(tokenizer.piece(29871) == "\u2581");
    CHECK(tokenizer.encode("<s>") == Tokens{529, 29879, 29958});

    for (const char* vectors : {"llama-tokenizer-js-vectors.json", "llama2c-vectors.json"}) {
      const auto json =
          nlohmann::json::parse(read_file(*test_data(std::string("tokenizer-llama2/") + vectors)));
      REQUIRE_FALSE(json.at("encode").empty());
      for (const auto& entry : json.at("encode")) {
        const auto text = entry.at("text").get<std::string>();
        const auto ids = entry.at("ids").get<Tokens>();
        CHECK((tokenizer.encode(text, {.bos = true}) == ids));
        CHECK(tokenizer.decode(ids) == text);
        CHECK(stream(tokenizer, ids) == text);
      }
      std::size_t decoded = 0;
      for (const auto& entry : json.value("decode", nlohmann::json::array())) {
        const auto text = entry.at("text").get<std::string>();
        if (contains(text, "<s>")) continue;  // control tokens as text: not what we do
        ++decoded;
        CHECK(stream(tokenizer, entry.at("ids").get<Tokens>(),
                     entry.at("add_preceding_space").get<bool>()) == text);
      }
      CHECK(decoded == (json.contains("decode") ? 6 : 0));
    }

    std::ifstream golden(*test_data("tokenizer-llama2/spm-golden.jsonl"));
    std::size_t texts = 0;
    std::size_t count = 0;
    for (std::string line; std::getline(golden, line); ++texts) {
      const auto json = nlohmann::json::parse(line);
      const auto text = json.at("text").get<std::string>();
      const auto ids = json.at("ids").get<Tokens>();
      count += ids.size();
      INFO(text);
      CHECK((tokenizer.encode(text) == ids));
      CHECK(stream(tokenizer, ids) == tokenizer.decode(ids));
      if (!contains(text, "\u2581")) CHECK(tokenizer.decode(ids) == text);
    }
    CHECK(texts == 289);
    CHECK(count == 53251);
  }
}

TEST_CASE("a long text has the same Llama 2 tokens as in one piece") {
  const auto path = test_data("tokenizer-llama2/tokenizer.model");
  if (!path) return;
  const Tokenizer tokenizer = llama2::load_tokenizer(path->string());
  for (const char* name :
       {"text-tinystories/tinystories_sample_2MiB.txt", "tokenizer-llama2/spm-golden.jsonl"}) {
    const std::string text = read_file(*test_data(name)).substr(0, 150000);
    CHECK((tokenizer.encode(text) == reference_encode(tokenizer.vocabulary(), text)));
  }
}

TEST_CASE("the 512-piece tokenizer of stories260K gives the reference's tokens") {
  const auto path = test_data("model-stories260K/tok512.bin");
  if (!path) return;
  const Tokenizer tokenizer = llama2::load_tokenizer(path->string());
  CHECK(tokenizer.vocab_size() == 512);
  const auto reference =
      nlohmann::json::parse(read_file(*test_data("model-stories260K/reference.json")));
  const auto ids = reference.at("story0_ids").get<Tokens>();
  CHECK(ids.size() == 320);
  CHECK((tokenizer.encode(tokenizer.decode(ids), {.bos = true}) == ids));
  CHECK(stream(tokenizer, ids) == tokenizer.decode(ids));
  CHECK(tokenizer.decode(reference.at("greedy_ids").get<Tokens>())
            .starts_with(reference.at("greedy_text").get<std::string>()));
}

TEST_CASE("a unigram model is refused by name") {
  const auto path = test_data("model-tiny-fair/m.model");
  if (!path) return;
  const Error error = error_of([&] { static_cast<void>(llama2::load_tokenizer(path->string())); });
  CHECK(error.code() == ErrorCode::unsupported);
  CHECK(error.details().file == path->string());
  CHECK(contains(error.what(), "Llama 2's tokenizer is BPE; this is a unigram model"));
}
