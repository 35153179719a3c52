# Cross-compiles for 64-bit Windows with Debian's g++-mingw-w64-x86-64-posix and, where there is wine,
# runs what was compiled. LLAMA2_SYSROOT names a folder with the libraries, as tests/platforms.sh
# makes one.

set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR AMD64)
set(CMAKE_C_COMPILER x86_64-w64-mingw32-gcc-posix)
set(CMAKE_CXX_COMPILER x86_64-w64-mingw32-g++-posix)

list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES LLAMA2_SYSROOT)
set(CMAKE_FIND_ROOT_PATH "${LLAMA2_SYSROOT}" /usr/x86_64-w64-mingw32)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
find_program(LLAMA2_WINE NAMES wine64 wine PATHS /usr/lib/wine)
mark_as_advanced(LLAMA2_WINE)
if(LLAMA2_WINE)
  set(CMAKE_CROSSCOMPILING_EMULATOR "${LLAMA2_WINE}")
endif()
