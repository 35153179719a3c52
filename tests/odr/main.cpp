// Units of different -m flags and vector libraries in one program: each runs its own code, and all
// agree.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>

#include "unit.hpp"

namespace {

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "failed: %s\n", what);
  std::exit(1);
}

}  // namespace

int main() {
  std::vector<UnitResult> results{run_sse4()};
#if LLAMA2_TEST_RUN_AVX2
  results.push_back(run_avx2());
#if LLAMA2_TEST_RUN_XSIMD
  results.push_back(run_xsimd());
#endif
#endif
#if LLAMA2_TEST_RUN_AVX512
  results.push_back(run_avx512());
#endif
  std::set<std::string> tags;
  for (const UnitResult& result : results) {
    tags.insert(result.abi_tag);
    require(result.type_name == "Half", "type_name names the type");
    require(result.logits.size() == results[0].logits.size(), "all units give as many logits");
    double norm = 0;
    for (std::size_t i = 0; i < result.logits.size(); ++i) {
      norm += std::abs(result.logits[i]);
      require(std::abs(result.logits[i] - results[0].logits[i]) < 1e-4f, "all units agree");
    }
    require(norm > 1, "the logits are not all zero");
  }
  require(tags.size() == results.size(), "every unit has an inline namespace of its own");
  for (const std::string& tag : tags) std::printf("%s\n", tag.c_str());
}
