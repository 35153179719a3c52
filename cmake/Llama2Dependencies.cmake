# Finds what the headers include, installed on this system. Used by this project's build and, from
# the installed package, by projects that call find_package(llama2).
#
# Defines llama2::sentencepiece; llama2::highway and, for dynamic mode, llama2::highway_library;
# llama2::xsimd if it is there; and llama2::simd, the one of them that LLAMA2_SIMD says. What was not
# found is in `llama2_missing`.

set(llama2_missing "")
find_package(PkgConfig QUIET)

# Highway: static mode needs its headers only; dynamic mode its library, which tells the processor.
if(NOT TARGET llama2::highway)
  if(PkgConfig_FOUND)
    pkg_check_modules(LLAMA2_PC_HWY QUIET libhwy)
  endif()
  find_path(LLAMA2_HIGHWAY_INCLUDE_DIR hwy/highway.h HINTS ${LLAMA2_PC_HWY_INCLUDE_DIRS})
  find_library(LLAMA2_HIGHWAY_LIBRARY hwy HINTS ${LLAMA2_PC_HWY_LIBRARY_DIRS})
  mark_as_advanced(LLAMA2_HIGHWAY_INCLUDE_DIR LLAMA2_HIGHWAY_LIBRARY)
  if(LLAMA2_HIGHWAY_INCLUDE_DIR)
    add_library(llama2::highway INTERFACE IMPORTED GLOBAL)
    set_target_properties(llama2::highway PROPERTIES INTERFACE_INCLUDE_DIRECTORIES
                                                     "${LLAMA2_HIGHWAY_INCLUDE_DIR}")
  elseif(NOT LLAMA2_SIMD STREQUAL "xsimd")  # then only llama2::dynamic needs it
    list(APPEND llama2_missing "Highway (hwy/highway.h)")
  endif()
  if(LLAMA2_HIGHWAY_LIBRARY)
    add_library(llama2::highway_library UNKNOWN IMPORTED GLOBAL)
    set_target_properties(llama2::highway_library PROPERTIES IMPORTED_LOCATION
                                                             "${LLAMA2_HIGHWAY_LIBRARY}")
  else()  # who links it is told by the linker that -lhwy (Debian: libhwy-dev) is missing
    add_library(llama2::highway_library INTERFACE IMPORTED GLOBAL)
    set_target_properties(llama2::highway_library PROPERTIES INTERFACE_LINK_LIBRARIES hwy)
  endif()
endif()

# xsimd: headers only. Who links llama2::xsimd chooses it, whatever LLAMA2_SIMD says.
if(NOT TARGET llama2::xsimd)
  find_path(LLAMA2_XSIMD_INCLUDE_DIR xsimd/xsimd.hpp)
  mark_as_advanced(LLAMA2_XSIMD_INCLUDE_DIR)
  if(LLAMA2_XSIMD_INCLUDE_DIR)
    add_library(llama2::xsimd INTERFACE IMPORTED GLOBAL)
    set_target_properties(llama2::xsimd PROPERTIES INTERFACE_INCLUDE_DIRECTORIES
                                                   "${LLAMA2_XSIMD_INCLUDE_DIR}"
                                                   INTERFACE_COMPILE_DEFINITIONS
                                                   LLAMA2_SIMD_XSIMD=1)
  elseif(LLAMA2_SIMD STREQUAL "xsimd")
    list(APPEND llama2_missing "xsimd (xsimd/xsimd.hpp)")
  endif()
endif()

if(NOT TARGET llama2::simd)
  if(NOT LLAMA2_SIMD MATCHES "^(highway|xsimd)$")
    message(FATAL_ERROR "llama2: LLAMA2_SIMD must be highway or xsimd, not '${LLAMA2_SIMD}'")
  endif()
  add_library(llama2::simd INTERFACE IMPORTED GLOBAL)
  set_target_properties(llama2::simd PROPERTIES INTERFACE_LINK_LIBRARIES llama2::${LLAMA2_SIMD})
endif()

# sentencepiece: distributions ship a pkg-config file at most, and that one also names the trainer
# library, which is not needed.
if(NOT TARGET llama2::sentencepiece)
  if(PkgConfig_FOUND)
    pkg_check_modules(LLAMA2_PC_SENTENCEPIECE QUIET sentencepiece)
  endif()
  find_path(LLAMA2_SENTENCEPIECE_INCLUDE_DIR sentencepiece_processor.h
            HINTS ${LLAMA2_PC_SENTENCEPIECE_INCLUDE_DIRS})
  find_library(LLAMA2_SENTENCEPIECE_LIBRARY sentencepiece
               HINTS ${LLAMA2_PC_SENTENCEPIECE_LIBRARY_DIRS})
  mark_as_advanced(LLAMA2_SENTENCEPIECE_INCLUDE_DIR LLAMA2_SENTENCEPIECE_LIBRARY)
  if(LLAMA2_SENTENCEPIECE_INCLUDE_DIR AND LLAMA2_SENTENCEPIECE_LIBRARY)
    add_library(llama2::sentencepiece UNKNOWN IMPORTED GLOBAL)
    set_target_properties(
      llama2::sentencepiece
      PROPERTIES IMPORTED_LOCATION "${LLAMA2_SENTENCEPIECE_LIBRARY}"
                 INTERFACE_INCLUDE_DIRECTORIES "${LLAMA2_SENTENCEPIECE_INCLUDE_DIR}")
  else()
    list(APPEND llama2_missing "sentencepiece (library and headers)")
  endif()
endif()
