# What this project's own programs have in common, beside the mode of the library that they link:
# warnings, processor, compiler cache.

add_library(llama2_own INTERFACE)
target_compile_features(llama2_own INTERFACE cxx_std_20)
target_compile_options(llama2_own INTERFACE -Wall -Wextra -Wconversion -Wshadow
                                            $<$<BOOL:${LLAMA2_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # gcc 12 warns of overlapping copies inside `"text" + std::string` (its bug 105651).
  target_compile_options(llama2_own INTERFACE -Wno-restrict)
endif()

set(CMAKE_CXX_EXTENSIONS OFF)  # what compiles as -std=c++20 compiles as gnu++20 too

# For programs whose processor is the machine's, unless LLAMA2_NATIVE is OFF and the flags come
# from CMAKE_CXX_FLAGS.
add_library(llama2_own_native INTERFACE)
target_link_libraries(llama2_own_native INTERFACE llama2_own llama2
                                                  $<$<BOOL:${LLAMA2_NATIVE}>:llama2_native>)

find_program(CCACHE_PROGRAM ccache)
mark_as_advanced(CCACHE_PROGRAM)
if(CCACHE_PROGRAM AND PROJECT_IS_TOP_LEVEL AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
endif()

# -I flags of the library and what it includes, for compilers that are not called by CMake.
set(LLAMA2_INCLUDE_FLAGS "-I${PROJECT_SOURCE_DIR}/include")
foreach(dependency IN ITEMS llama2::highway llama2::xsimd llama2::sentencepiece)
  if(NOT TARGET ${dependency})
    continue()
  endif()
  get_target_property(directories ${dependency} INTERFACE_INCLUDE_DIRECTORIES)
  # A system folder given again would come before the compiler's own headers.
  list(REMOVE_ITEM directories ${CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES})
  list(TRANSFORM directories PREPEND "-I")
  list(APPEND LLAMA2_INCLUDE_FLAGS ${directories})
endforeach()

# `cmake --build ... --target compile_times` prints what the library costs a compiler.
add_custom_target(compile_times
                  COMMAND "${PROJECT_SOURCE_DIR}/cmake/compile_times.sh" "${CMAKE_CXX_COMPILER}"
                          "${PROJECT_BINARY_DIR}/compile_times" ${LLAMA2_INCLUDE_FLAGS}
                  USES_TERMINAL VERBATIM)
