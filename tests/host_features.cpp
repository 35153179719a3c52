// Prints, separated by semicolons, which of the instruction sets that the tests and the dynamic
// programs are compiled for this processor has, and the operating system lets programs use.
#include <cstdio>

int main() {
  std::printf("baseline");
#define LLAMA2_TEST_FEATURE(name) \
  if (__builtin_cpu_supports(name)) std::printf(";" name)
  LLAMA2_TEST_FEATURE("ssse3");
  LLAMA2_TEST_FEATURE("sse4.1");
  LLAMA2_TEST_FEATURE("sse4.2");
  LLAMA2_TEST_FEATURE("pclmul");
  LLAMA2_TEST_FEATURE("aes");
  LLAMA2_TEST_FEATURE("avx");
  LLAMA2_TEST_FEATURE("avx2");
  LLAMA2_TEST_FEATURE("fma");
  LLAMA2_TEST_FEATURE("f16c");
  LLAMA2_TEST_FEATURE("bmi");
  LLAMA2_TEST_FEATURE("bmi2");
  LLAMA2_TEST_FEATURE("avx512f");
  LLAMA2_TEST_FEATURE("avx512bw");
  LLAMA2_TEST_FEATURE("avx512cd");
  LLAMA2_TEST_FEATURE("avx512dq");
  LLAMA2_TEST_FEATURE("avx512vl");
  LLAMA2_TEST_FEATURE("avx512vnni");
  LLAMA2_TEST_FEATURE("avx512bf16");
  LLAMA2_TEST_FEATURE("avx512ifma");
  LLAMA2_TEST_FEATURE("avx512vbmi");
  LLAMA2_TEST_FEATURE("avx512vbmi2");
  LLAMA2_TEST_FEATURE("avx512bitalg");
  LLAMA2_TEST_FEATURE("avx512vpopcntdq");
  LLAMA2_TEST_FEATURE("gfni");
  LLAMA2_TEST_FEATURE("vpclmulqdq");
}
