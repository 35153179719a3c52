// What the library asks of the operating system: pages of memory, files, and sleep. The same names
// on each; no other header knows which one it is.
#pragma once

#if defined(_WIN32)
#include "llama2/base/os_windows.hpp"
#else
#include "llama2/base/os_posix.hpp"
#endif
