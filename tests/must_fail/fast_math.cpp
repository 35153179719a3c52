// expect: llama2 cannot be compiled with -ffast-math
// flags: -ffast-math
#include "llama2/llama2.hpp"
