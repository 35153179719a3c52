// expect: llama2 is compiled for a baseline below AVX2 or NEON.*-march=native
// flags-instead: -std=c++20 -march=x86-64
#include "llama2/llama2.hpp"
