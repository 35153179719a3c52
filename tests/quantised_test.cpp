// Models with quantised weights, all the way through the library: floats are quantised into a GGUF
// file, which is loaded and run. Another implementation says what comes out.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "catch.hpp"
#include "golden.hpp"
#include "llama2/io/gguf_writer.hpp"
#include "llama2/io/load.hpp"
#include "llama2/model/random_model.hpp"
#include "logits.hpp"
#include "temp_file.hpp"

using namespace llama2;
using namespace test;

namespace {

/// That of tests/golden/quantised_model.py: grouped-query attention, rows of whole blocks in every
/// quantised format.
struct Quantised {
  static constexpr std::size_t dim = 256, hidden_dim = 768, layers = 1, heads = 8, kv_heads = 2,
                               vocab = 320, context = 128;
};

/// FNV-1a of 64 bits, as 16 digits.
std::string checksum(std::span<const std::byte> bytes) {
  std::uint64_t value = 0xCBF29CE484222325u;
  for (const std::byte byte : bytes)
    value = (value ^ std::to_integer<std::uint64_t>(byte)) * 0x100000001B3u;
  std::array<char, 17> digits;
  std::snprintf(digits.data(), digits.size(), "%016jx", static_cast<std::uintmax_t>(value));
  return digits.data();
}

}  // namespace

// Keys and values are cached in 32 bits here, so that nothing is rounded but what the other
// implementation rounds, too.
TEMPLATE_TEST_CASE("a quantised model is the one that another implementation makes and runs", "",
                   Q8_0, Q4_0) {
  std::ifstream in(std::string(LLAMA2_SOURCE_DIR) + "/tests/golden/quantised_model.json");
  const auto golden = nlohmann::json::parse(in);
  const auto& expected = golden.at(std::string(TestType::name));

  const TempFile floats("");
  write_gguf(floats.path(),
             make_random_model<Model<Quantised, F32>>(golden.at("seed").get<std::uint64_t>()));
  const TempFile file("");
  write_gguf(file.path(), open_checkpoint(floats.path()), encoding_of<TestType>());
  const Checkpoint checkpoint = open_checkpoint(file.path());
  std::size_t matrices = 0;
  for (const StoredTensor& tensor : checkpoint.tensors) {
    if (tensor.rows == 1) continue;
    ++matrices;
    const std::string name = gguf_name(tensor.id);
    CAPTURE(name);
    CHECK(checksum(checkpoint.data(tensor)) ==
          expected.at("checksums").at(name).get<std::string>());
  }
  CHECK(matrices == expected.at("checksums").size());

  const auto model = load<Model<Quantised, TestType, F32>>(checkpoint, {.threads = 1});
  const auto all = logits_of(model, golden.at("ids").get<std::vector<Token>>());
  std::vector<float> logits;
  for (const auto row : golden.at("rows").get<std::vector<std::size_t>>()) {
    const auto some = std::span(all).subspan(row * Quantised::vocab, Quantised::vocab);
    logits.insert(logits.end(), some.begin(), some.end());
  }
  const auto error = [&](const char* way) {
    std::vector<double> values;
    for (const auto& row : expected.at(way)) values.insert(values.end(), row.begin(), row.end());
    return relative_rms_error(logits, values);
  };
  // Where activations are rounded alike, no more than the errors of 32-bit arithmetic remains.
  CHECK(error("quantised") < 1e-5);
  // Rounding activations costs 0.5 % at each product with weights, which adds up in squares: 1.5 %
  // of the logits of one layer, 2 % of those of two. The bound is for the one that the model has.
  CHECK(error("exact") < 0.02);
  CHECK(error("exact") > 1e-3);  // they are rounded indeed
}
