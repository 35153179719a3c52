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
foreach(header IN LISTS headers)
  string(MAKE_C_IDENTIFIER "${header}" name)
  set(source "${CMAKE_CURRENT_BINARY_DIR}/headers/${name}.cpp")
  file(CONFIGURE OUTPUT "${source}" CONTENT "#include \"@header@\"\n#include \"@header@\"\n" @ONLY)
  list(APPEND header_sources "${source}")
endforeach()
add_library(llama2_header_self_containment OBJECT ${header_sources})
target_link_libraries(llama2_header_self_containment PRIVATE llama2_own_native)
# Nothing of these objects ever runs: no optimisation, no debug information, no sanitizer.
target_compile_options(llama2_header_self_containment PRIVATE -O0 -g0 -fno-sanitize=all)
