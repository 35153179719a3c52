# The one-definition rule, tested: one program of translation units with different -m flags and
# vector libraries, and one of two that include everything.

if(LLAMA2_COMPILER_HAS_sse4 AND LLAMA2_COMPILER_HAS_avx2 AND LLAMA2_COMPILER_HAS_avx512)
  # AVX-512 comes first: of a symbol that all define, the linker would take the one that a machine
  # without AVX-512 cannot run.
  set(odr_objects "")
  set(odr_object_files "")
  set(odr_units avx512 avx2 sse4)
  if(TARGET llama2::xsimd AND LLAMA2_SIMD STREQUAL "highway")
    set(llama2_xsimd_flags ${llama2_avx2_flags})
    list(PREPEND odr_units xsimd)
  endif()
  foreach(target IN LISTS odr_units)
    add_library(odr_${target} OBJECT odr/unit.cpp)
    target_include_directories(odr_${target} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
    target_link_libraries(odr_${target} PRIVATE llama2_own llama2)
    target_compile_options(odr_${target} PRIVATE ${llama2_${target}_flags})
    target_compile_definitions(odr_${target} PRIVATE LLAMA2_TEST_UNIT=run_${target})
    list(APPEND odr_objects $<TARGET_OBJECTS:odr_${target}>)
  endforeach()
  target_compile_definitions(odr_sse4 PRIVATE LLAMA2_ALLOW_SLOW_BASELINE)
  if(TARGET odr_xsimd)
    target_link_libraries(odr_xsimd PRIVATE llama2::xsimd)
  endif()

  llama2_target_runs_here(runs_avx2 ${llama2_avx2_features})
  llama2_target_runs_here(runs_avx512 ${llama2_avx512_features})
  add_executable(odr_test ${odr_objects} odr/main.cpp)
  target_link_libraries(odr_test PRIVATE llama2_own llama2)
  target_compile_definitions(odr_test PRIVATE LLAMA2_TEST_RUN_AVX2=$<BOOL:${runs_avx2}>
                                              LLAMA2_TEST_RUN_XSIMD=$<TARGET_EXISTS:odr_xsimd>
                                              LLAMA2_TEST_RUN_AVX512=$<BOOL:${runs_avx512}>)
  add_test(NAME odr_different_flags COMMAND odr_test)
  if(CMAKE_NM)
    add_test(NAME odr_symbols
             COMMAND "${CMAKE_COMMAND}" "-DNM=${CMAKE_NM}" "-DOBJECTS=${odr_objects}"
                     -P "${CMAKE_CURRENT_SOURCE_DIR}/odr/symbols.cmake")
  endif()
endif()

add_executable(umbrella_twice odr/umbrella_a.cpp odr/umbrella_b.cpp)
target_link_libraries(umbrella_twice PRIVATE llama2_own_native)
add_test(NAME odr_umbrella_twice COMMAND umbrella_twice)
