// One program, every processor target that this machine can run: each computes the committed
// float64 logits, and the same bits for any cut of a text.

#include "llama2/dynamic.hpp"

#include <cstdlib>
#include <string>
#include <vector>

#include "catch.hpp"
#include "golden.hpp"
#include "logits.hpp"
#include "tiny_shapes.hpp"

using namespace llama2;

TEST_CASE("targets: the best first, found by name, others refused") {
  const auto targets = Target::all();
  REQUIRE_FALSE(targets.empty());
  CHECK(std::string(abi_tag).find("_dynamic") != std::string::npos);
  CHECK(Target().name() == targets.front().name());
  // The first is the best of what the processor has and this program was compiled for.
  std::int64_t possible = hwy::SupportedTargets() & HWY_TARGETS;
  std::string suffix;
#if defined(__x86_64__) && !defined(HWY_AVX3_ZEN4)
  // This Highway's one target for AVX-512 has dot products here, see simd/highway-inl.hpp.
  if (HWY_STATIC_TARGET != HWY_AVX3 && (possible & HWY_AVX3) != 0) {
    if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bf16"))
      suffix = "_BF16";
    else
      possible &= ~HWY_AVX3;
  }
#endif
  CHECK(targets.front().name() == hwy::TargetName(possible & -possible) + suffix);
  for (const Target target : targets) {
    CHECK(Target::named(target.name()).name() == target.name());
    REQUIRE(::setenv("LLAMA2_TARGET", target.name().c_str(), 1) == 0);
    CHECK(Target().name() == target.name());
  }
  REQUIRE(::setenv("LLAMA2_TARGET", "Z80", 1) == 0);
  CHECK_THROWS_AS(Target(), Error);
  CHECK(
      make_random_model<Model<TinyPlain, F32>>(1, {}, ModelConfig::of<TinyPlain>(), targets.back())
          .target()
          .name() == targets.back().name());
  REQUIRE(::setenv("LLAMA2_TARGET", "", 1) == 0);
  CHECK(Target().name() == targets.front().name());
  REQUIRE(::unsetenv("LLAMA2_TARGET") == 0);
  CHECK_THROWS_AS(Target::named("AVX3_DL"), Error);  // see simd/highway-inl.hpp
#if defined(__x86_64__)
  CHECK(targets.size() >= 3);  // SSSE3, SSE4 and whatever is below or above them
#endif
}

TEST_CASE("every target computes the logits of another implementation") {
  for (const Target target : Target::all()) {
    CAPTURE(target.name());
    test::check_golden<Model<TinyGrouped, F32>>("grouped", 2e-5, target);
    test::check_golden<Model<TinyPlain, F32>>("plain", 2e-5, target);
  }
}

TEMPLATE_TEST_CASE("on every target the same bits for any cut", "", (Model<TinyGrouped, F16>),
                   (Model<TinyBlocks, Q8_0>), (Model<TinyGrouped, Q4_0>)) {
  using S = typename TestType::Shape;
  std::vector<Token> tokens;
  for (int i = 0; i < 90; ++i) tokens.push_back(i * 7 % static_cast<int>(S::vocab));
  for (const Target target : Target::all()) {
    CAPTURE(target.name());
    const auto model = make_random_model<TestType>(41, {}, ModelConfig::of<S>(), target);
    const auto expected = test::logits_of(model, tokens);
    typename TestType::Sequence sequence(std::make_shared<typename TestType::Pool>(90), 90);
    Workspace<S> workspace(1);
    std::vector<float> logits(S::vocab);
    bool same = true;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const typename TestType::Row row{tokens[i], i, &sequence, true};
      model.forward({&row, 1}, workspace, logits);
      same = same && test::same_bits(logits, std::span(expected).subspan(i * S::vocab, S::vocab));
    }
    CHECK(same);
  }
}
