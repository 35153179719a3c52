// Models with generated weights against the committed float64 logits of another implementation.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "catch.hpp"
#include "llama2/model/random_model.hpp"
#include "logits.hpp"

namespace test {

/// The largest difference, in units of the expected values' root mean square.
inline double relative_error(std::span<const float> values, std::span<const double> expected) {
  REQUIRE(values.size() == expected.size());
  double worst = 0, squares = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double error = std::abs(values[i] - expected[i]);
    worst = error <= worst ? worst : error;  // NaN counts as worse
    squares += expected[i] * expected[i];
  }
  return worst / std::sqrt(squares / static_cast<double>(expected.size()));
}

/// The root mean square of the differences, in units of the expected values' own.
inline double relative_rms_error(std::span<const float> values, std::span<const double> expected) {
  REQUIRE(values.size() == expected.size());
  double error = 0, power = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    error += (values[i] - expected[i]) * (values[i] - expected[i]);
    power += expected[i] * expected[i];
  }
  return std::sqrt(error / power);
}

/// Compares with tests/golden/tiny_model.json, which tests/golden/tiny_model.py writes.
template <class M>
void check_golden(const char* name, double tolerance, llama2::Target target = {}) {
  std::ifstream file(std::string(LLAMA2_SOURCE_DIR) + "/tests/golden/tiny_model.json");
  const auto golden = nlohmann::json::parse(file).at(name);
  using Shape = typename M::Shape;
  const M model = llama2::make_random_model<M>(golden.at("seed").get<std::uint64_t>(), {},
                                               llama2::ModelConfig::of<Shape>(), target);
  const auto tokens = golden.at("ids").get<std::vector<llama2::Token>>();
  const auto logits = logits_of(model, tokens);
  const auto rows = golden.at("rows").get<std::vector<std::size_t>>();
  REQUIRE(rows.size() == 4);
  for (std::size_t i = 0; i < rows.size(); ++i)
    CHECK(relative_error(std::span(logits).subspan(rows[i] * Shape::vocab, Shape::vocab),
                         golden.at("logits")[i].get<std::vector<double>>()) < tolerance);
}

}  // namespace test
