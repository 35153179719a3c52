// What a translation unit of the test returns: results of the library as its flags compile it.
#pragma once

#include <string>
#include <vector>

struct UnitResult {
  std::string abi_tag;
  std::string type_name;
  std::vector<float> logits;
};

UnitResult run_sse4();
UnitResult run_avx2();
UnitResult run_avx512();
UnitResult run_xsimd();  // for AVX2
