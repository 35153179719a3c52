// Whole models with their kernels on xsimd.

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "catch.hpp"
#include "golden.hpp"
#include "llama2/format/float_formats.hpp"
#include "llama2/generate/session.hpp"
#include "llama2/io/load.hpp"
#include "llama2/io/load_tokenizer.hpp"
#include "llama2/shape/shapes.hpp"
#include "test_data.hpp"
#include "tiny_shapes.hpp"

using namespace llama2;

TEST_CASE("this program is on xsimd, and says so") {
  CHECK(std::string_view(simd_library) == "xsimd");
  CHECK(std::string_view(abi_tag).find("xsimd") != std::string_view::npos);
}

TEST_CASE("logits on xsimd equal the committed float64 logits of another implementation") {
  test::check_golden<Model<TinyGrouped, F32>>("grouped", 2e-5);
  test::check_golden<Model<TinyPlain, F32>>("plain", 2e-5);
}

TEST_CASE("stories260K writes the reference's story on xsimd") {
  const auto file = test_data("model-stories260K/stories260K.bin");
  if (!file) return;
  std::ifstream in(*test_data("model-stories260K/reference.json"));
  const auto expected = nlohmann::json::parse(in);
  const auto tokenizer = load_tokenizer(test_data("model-stories260K/tok512.bin")->string());
  Session session(load<Model<Stories260K>>(file->string(), {.threads = 2}), tokenizer);
  std::string text;
  session.generate("", {.max_tokens = 256, .temperature = 0}, [&](std::string_view part) {
    text += part;
    return true;
  });
  CHECK(text == expected["greedy_text"].get<std::string>());
}
