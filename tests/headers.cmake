# Every header compiles alone, and again when it is included twice.

file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}/include"
     "${PROJECT_SOURCE_DIR}/include/llama2/*.hpp")
# Of those that speak to the operating system, the one for this system.
if(WIN32)
  list(FILTER headers EXCLUDE REGEX "os_posix")
else()
  list(FILTER headers EXCLUDE REGEX "os_windows")
endif()
set(header_sources "")
if(NOT TARGET llama2::xsimd)
  list(FILTER headers EXCLUDE REGEX "/simd/xsimd")
endif()
if(NOT TARGET llama2::training)
  list(FILTER headers EXCLUDE REGEX "/data/")
endif()
foreach(header IN LISTS headers)
  set(library "")  # the vector library that a header is about
  if(header MATCHES "/simd/xsimd")
    set(library "#define LLAMA2_SIMD_XSIMD 1\n")
  elseif(header MATCHES "/simd/highway")
    set(library "#undef LLAMA2_SIMD_XSIMD\n")
  endif()
  string(MAKE_C_IDENTIFIER "${header}" name)
  set(source "${CMAKE_CURRENT_BINARY_DIR}/headers/${name}.cpp")
  file(CONFIGURE OUTPUT "${source}" CONTENT "@library@#include \"@header@\"\n#include \"@header@\"\n" @ONLY)
  list(APPEND header_sources "${source}")
endforeach()
add_library(llama2_header_self_containment OBJECT ${header_sources})
target_link_libraries(llama2_header_self_containment PRIVATE llama2_own_native)
if(TARGET llama2::training)
  target_link_libraries(llama2_header_self_containment PRIVATE llama2::training)
endif()
if(TARGET llama2::xsimd)
  target_include_directories(
    llama2_header_self_containment SYSTEM
    PRIVATE $<TARGET_PROPERTY:llama2::xsimd,INTERFACE_INCLUDE_DIRECTORIES>)
endif()
# Nothing of these objects ever runs: no optimisation, no debug information, no sanitizer.
target_compile_options(llama2_header_self_containment PRIVATE -O0 -g0 -fno-sanitize=all)
