// expect: llama2 needs C\+\+20
// flags-instead: -std=c++17 -march=haswell
// Only the first header that anyone includes: what follows would add errors of its own.
#include "llama2/base/config.hpp"
