// Errors, checked arithmetic, random numbers, buffers, files, names.

#if !defined(_WIN32)
#include <sys/stat.h>
#endif

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "catch.hpp"
#include "llama2/base/aligned_buffer.hpp"
#include "llama2/base/checked.hpp"
#include "llama2/base/error.hpp"
#include "llama2/base/file.hpp"
#include "llama2/base/os.hpp"
#include "llama2/base/output_file.hpp"
#include "llama2/base/random.hpp"
#include "llama2/base/token.hpp"
#include "llama2/base/type_name.hpp"
#include "temp_file.hpp"

using namespace llama2;

namespace outside {
struct Shape {};
}  // namespace outside

TEST_CASE("an error says where, what, expected and found") {
  const Error error(ErrorCode::mismatch, "wrong extents",
                    {.file = "m.bin", .offset = 28, .tensor = "wq", .expected = "4", .found = "5"});
  CHECK(std::string(error.what()) ==
        "m.bin: mismatch: wq: wrong extents; expected 4; found 5 (at byte 28)");
  CHECK(error.code() == ErrorCode::mismatch);
  CHECK(error.details().offset == 28);
  const Error copy = error;  // exceptions are copied while they fly
  CHECK(std::string(copy.what()) == error.what());
  CHECK(std::string(Error(ErrorCode::io, "x").what()) == "i/o error: x");
}

TEST_CASE("checked arithmetic refuses what does not fit") {
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  CHECK(checked_add(most - 1, 1, "x") == most);
  CHECK_THROWS_AS(checked_add(most, 1, "x"), Error);
  CHECK(checked_mul(most, 1, "x") == most);
  CHECK(checked_mul(0, most, "x") == 0);
  CHECK(checked_mul(most, 0, "x") == 0);
  CHECK_THROWS_AS(checked_mul(std::uint64_t{1} << 32, std::uint64_t{1} << 32, "x"), Error);
  CHECK(ceil_div(0, 8) == 0);
  CHECK(ceil_div(1, 8) == 1);
  CHECK(ceil_div(16, 8) == 2);
  CHECK(ceil_div(std::numeric_limits<std::size_t>::max(), 2) ==
        std::numeric_limits<std::size_t>::max() / 2 + 1);
  CHECK(round_up(17, 8) == 24);
}

TEST_CASE("the generator is SplitMix64") {
  // The first outputs of the reference implementation from state 0, then 1234567.
  CHECK(mix_bits(0) == 0xE220A8397B1DCDAFu);
  CHECK(mix_bits(0x9E3779B97F4A7C15u) == 0x6E789E6AA1B965F4u);
  CHECK(mix_bits(1234567) == 6457827717110365317u);
  Random a(5), b(5), c(6);
  CHECK(a() == b());
  CHECK(a() != c());
  double sum = 0;
  for (int i = 0; i < 100'000; ++i) {
    const double u = a.uniform();
    REQUIRE((u >= 0 && u < 1));
    sum += u;
  }
  CHECK(sum / 100'000 == Approx(0.5).margin(0.005));
  double mean = 0, square = 0;
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    const float u = uniform_at(7, i);
    REQUIRE((u >= -1 && u < 1));
    mean += u;
    square += u * u;
  }
  CHECK(mean / 100'000 == Approx(0).margin(0.01));
  CHECK(square / 100'000 == Approx(1.0 / 3).margin(0.01));
}

TEST_CASE("buffers are zeroed, aligned, movable, and refuse the impossible") {
  AlignedBuffer<float> a(1000);
  CHECK(reinterpret_cast<std::uintptr_t>(a.data()) % 4096 == 0);
  CHECK(std::ranges::all_of(a, [](float x) { return x == 0; }));
  a[999] = 1;
  AlignedBuffer<float> b = std::move(a);
  CHECK(b.size() == 1000);
  CHECK(b[999] == 1);
  AlignedBuffer<float> empty(0);
  CHECK(empty.data() == nullptr);
  empty = std::move(b);
  CHECK(empty[999] == 1);
  try {
    AlignedBuffer<double> huge(std::numeric_limits<std::size_t>::max() / 4);
    FAIL("not refused");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::out_of_memory);
  }
  CHECK_THROWS_AS(AlignedBuffer<char>(std::size_t{1} << 60), Error);
}

TEST_CASE("files are mapped or read alike; failures name the file and the reason") {
  const test::TempFile file("hello");
  for (const FileAccess access : {FileAccess::map, FileAccess::read}) {
    const InputFile input(file.path(), access);
    CHECK(std::string(reinterpret_cast<const char*>(input.bytes().data()), input.bytes().size()) ==
          "hello");
    CHECK(InputFile(test::TempFile("").path(), access).bytes().empty());
    for (const std::string& bad : {std::string("/nonexistent/x"), std::string("/")}) {
      try {
        InputFile missing(bad, access);
        FAIL("not refused");
      } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::io);
        CHECK(error.details().file == bad);
      }
    }
  }
}

#if !defined(_WIN32)
TEST_CASE("pipes are refused at once") {
  const std::string pipe = test::TempFile("").path();
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK_THROWS_AS(InputFile(pipe), Error);  // without waiting for a writer
  std::remove(pipe.c_str());
}
#endif

TEST_CASE("a file beyond a bound is refused") {
  const test::TempFile file("hello");
  CHECK(InputFile(file.path(), FileAccess::read, 5).bytes().size() == 5);
  CHECK_THROWS_AS(InputFile(file.path(), FileAccess::read, 4), Error);
}

TEST_CASE("an output file is there when it is complete, whatever its name") {
  const test::TempFile other("");
  const std::string path = other.path() + "-Gr\u00fc\u00dfe-\u4f60\u597d";
  const std::string large(3 << 20, 'x');
  const auto read = [&] {
    const InputFile input(path);
    return std::string(reinterpret_cast<const char*>(input.bytes().data()), input.bytes().size());
  };
  {
    OutputFile(path).write("not committed");
  }
  CHECK_THROWS_AS(InputFile(path), Error);
  for (const std::string& contents : {std::string("first"), large, std::string()}) {
    OutputFile out(path);
    out.write(contents.substr(0, 3));
    out.write(contents.substr(std::min<std::size_t>(3, contents.size())));
    out.commit();
    CHECK(read() == contents);
  }
  const std::vector<std::string> inputs = {other.path(), path};
  CHECK_THROWS_AS(OutputFile(path, inputs), Error);
  CHECK_NOTHROW(OutputFile(path, std::span(inputs).first(1)));
  os::remove(path);
  CHECK_FALSE(os::find(path));
  CHECK_THROWS_AS(OutputFile(path + "/x"), Error);
}

TEST_CASE("types have the names that people gave them") {
  CHECK(type_name<outside::Shape>() == "outside::Shape");
  CHECK(type_name<Error>() == "Error");
  CHECK(type_name<int>() == "int");
  CHECK(std::string(abi_tag).starts_with("v0_1_"));
}

TEST_CASE("token ids are checked against the vocabulary") {
  CHECK(is_token(0, 10));
  CHECK(is_token(9, 10));
  CHECK_FALSE(is_token(10, 10));
  CHECK_FALSE(is_token(-1, 10));
  CHECK_THROWS_AS(require_token(-1, 10), Error);
  CHECK_NOTHROW(require_token(9, 10));
}
