#!/usr/bin/env bash
# tests/run.sh: installs what is missing, builds, and runs every test; then again, under the
# sanitizers, the tests of whatever reads untrusted bytes, computes with addresses or has threads.
set -euo pipefail

cd "$(dirname "$0")/.."
jobs=$(nproc)

no_test_data() {
  cat >&2 <<'TEXT'
************************************************************************************************
* LLAMA2_TEST_DATA is not set: the tests on real checkpoints and tokenizers are left out.      *
* Set it to a folder with model-stories260K/ and tokenizer-llama2/ to run them.                *
************************************************************************************************
TEXT
}

[[ -n "${LLAMA2_TEST_DATA:-}" ]] || no_test_data
cmake/install_dependencies.sh --tests

cmake --preset release -DLLAMA2_BENCH_FORMATS=F32 -DLLAMA2_EXAMPLE_MODELS=smallest  # what is compiled a minute each, and runs alike
cmake --build --preset release -j "$jobs"
ctest --preset release -j "$jobs"

# Without checks for null, which AddressSanitizer sees when it is used: they cost a sixth of the compile time.
cmake --preset asan-ubsan
cmake --build --preset asan-ubsan -j "$jobs" --target asan_tests
ctest --preset asan-ubsan -j "$jobs" -L asan

cmake --preset tsan
cmake --build --preset tsan -j "$jobs" --target tsan_tests
ctest --preset tsan -j "$jobs" -L tsan

[[ -n "${LLAMA2_TEST_DATA:-}" ]] || no_test_data  # again, where it will be seen
