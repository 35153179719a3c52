# The kernels' tests, on Highway once per processor target: every target is compiled where the compiler can,
# and registered with CTest where this machine can run it, so that no test is ever skipped.

include(CheckCXXCompilerFlag)

# What this machine's processor can do, asked of the processor itself.
if(CMAKE_CROSSCOMPILING OR NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set(host_features none)
else()
  try_run(host_features_exit host_features_compiled
          "${CMAKE_CURRENT_BINARY_DIR}/host_features"
          "${CMAKE_CURRENT_SOURCE_DIR}/host_features.cpp"
          RUN_OUTPUT_VARIABLE host_features)
  if(NOT host_features_compiled OR NOT host_features_exit EQUAL 0)
    message(FATAL_ERROR "llama2: tests/host_features.cpp does not run: ${host_features}")
  endif()
endif()

# llama2_target_runs_here(<out> <feature>...): whether the processor has every feature.
function(llama2_target_runs_here out)
  set(${out} TRUE PARENT_SCOPE)
  foreach(feature IN LISTS ARGN)
    if(NOT feature IN_LIST host_features)
      set(${out} FALSE PARENT_SCOPE)
    endif()
  endforeach()
endfunction()

# Each target's flags, what the processor must have to run it, and floats in a vector.
set(llama2_baseline_flags -march=x86-64)
set(llama2_baseline_features baseline)
set(llama2_ssse3_flags -mssse3)
set(llama2_ssse3_features baseline ssse3)
set(llama2_ssse3_lanes 4)
set(llama2_sse4_flags -msse4.2 -mpclmul -maes)
set(llama2_sse4_features baseline sse4.2 pclmul aes)
set(llama2_sse4_lanes 4)
set(llama2_avx2_flags -march=haswell)
set(llama2_avx2_features baseline avx2 fma f16c bmi2)
set(llama2_avx2_lanes 8)
set(llama2_avx512_flags -march=skylake-avx512)
set(llama2_avx512_features ${llama2_avx2_features} avx512f avx512bw avx512cd avx512dq avx512vl)
set(llama2_avx512_lanes 16)
set(llama2_avx512_bf16_flags -march=cooperlake)
set(llama2_avx512_bf16_features ${llama2_avx512_features} avx512vnni avx512bf16)
set(llama2_avx512_bf16_lanes 16)
# Processors on which Highway 1.0.3 would choose the target that it must not.
set(llama2_avx512_icelake_flags -march=icelake-server)
set(llama2_avx512_icelake_features ${llama2_avx512_features} avx512vnni avx512ifma avx512vbmi
    avx512vbmi2 avx512bitalg avx512vpopcntdq gfni vpclmulqdq)
set(llama2_avx512_icelake_lanes 16)

llama2_add_test(kernels asan)

set(targets_run native)
set(targets_built_only "")
foreach(target IN ITEMS baseline ssse3 sse4 avx2 avx512 avx512_bf16 avx512_icelake)
  list(JOIN llama2_${target}_flags " " flags)
  check_cxx_compiler_flag("${flags}" LLAMA2_COMPILER_HAS_${target})
  if(target STREQUAL "avx2" AND LLAMA2_NATIVE AND "avx2" IN_LIST host_features AND
     NOT "avx512f" IN_LIST host_features)
    continue()  # the native one is it
  endif()
  if(NOT LLAMA2_COMPILER_HAS_${target})
    continue()
  endif()
  add_executable(kernels_${target}_test kernels_test.cpp)
  target_link_libraries(kernels_${target}_test PRIVATE llama2_own llama2 llama2_test_main)
  target_compile_options(kernels_${target}_test PRIVATE ${llama2_${target}_flags})
  if(target MATCHES "baseline|sse")
    target_compile_definitions(kernels_${target}_test PRIVATE LLAMA2_ALLOW_SLOW_BASELINE)
  endif()
  if(DEFINED llama2_${target}_lanes)  # the baseline's vectors depend on the compiler
    target_compile_definitions(kernels_${target}_test
                               PRIVATE LLAMA2_TEST_EXPECTED_LANES=${llama2_${target}_lanes})
  endif()
  llama2_target_runs_here(runs ${llama2_${target}_features})
  if(runs)
    set(sanitizer_run asan)
    if(target MATCHES "sse")  # between the widest and the plainest, which are seen
      set(sanitizer_run by_hand)
    endif()
    llama2_register_test(kernels_${target} kernels_${target}_test ${sanitizer_run})
    target_compile_options(kernels_${target}_test PRIVATE -O1)  # the native one has what users have
    list(APPEND targets_run ${target})
  else()
    target_compile_options(kernels_${target}_test PRIVATE -O0)  # only to see that it compiles
    list(APPEND targets_built_only ${target})
  endif()
endforeach()

# The same on xsimd: for this processor, and by hand (`--target xsimd_tests`) for the others.
if(TARGET llama2::xsimd AND LLAMA2_SIMD STREQUAL "highway")
  add_executable(kernels_xsimd_test kernels_test.cpp)
  target_link_libraries(kernels_xsimd_test PRIVATE llama2_own_native llama2::xsimd llama2_test_main)
  target_compile_options(kernels_xsimd_test PRIVATE -O1)
  llama2_register_test(kernels_xsimd kernels_xsimd_test)
  list(APPEND targets_run "native on xsimd")
  set(xsimd_programs "")
  set(xsimd_runs "")
  foreach(target IN LISTS targets_run targets_built_only)
    if(NOT DEFINED llama2_${target}_flags)
      continue()
    endif()
    set(program kernels_xsimd_${target}_test)
    add_executable(${program} EXCLUDE_FROM_ALL kernels_test.cpp)
    target_link_libraries(${program} PRIVATE llama2_own llama2 llama2::xsimd llama2_test_main)
    target_compile_options(${program} PRIVATE ${llama2_${target}_flags})
    target_compile_definitions(${program} PRIVATE LLAMA2_ALLOW_SLOW_BASELINE)
    if(DEFINED llama2_${target}_lanes)
      target_compile_definitions(${program}
                                 PRIVATE LLAMA2_TEST_EXPECTED_LANES=${llama2_${target}_lanes})
    endif()
    list(APPEND xsimd_programs ${program})
    if(target IN_LIST targets_run)
      list(APPEND xsimd_runs COMMAND ${program})
    endif()
  endforeach()
  add_custom_target(xsimd_tests ${xsimd_runs} DEPENDS ${xsimd_programs} USES_TERMINAL)
endif()

list(JOIN targets_run " " targets_run)
list(JOIN targets_built_only " " targets_built_only)
message(STATUS "llama2: kernel tests run here: ${targets_run}; "
               "built, but not for this processor: ${targets_built_only}")
