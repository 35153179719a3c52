# The benchmark programs run, if briefly, and report under the names that they promise; what is made
# of their figures is made. No figure is judged: the machine may be busy.

# llama2_test_benchmark(<program> <filter>): small cases of a program.
function(llama2_test_benchmark program filter)
  add_test(NAME ${program}_runs
           COMMAND "${CMAKE_CURRENT_SOURCE_DIR}/benchmarks/runs.sh" "$<TARGET_FILE:${program}>"
                   "${filter}")
  set_tests_properties(${program}_runs PROPERTIES LABELS benchmarks)
endfunction()

llama2_test_benchmark(bench_kernels_dynamic "/(64x64|6x64|64|32x64|64x128|L2|float|8bit)(/|$)")
llama2_test_benchmark(bench_model_dynamic "/Stories260K/F32/")
if(TARGET bench_small)
  llama2_test_benchmark(bench_small "/Stories260K/")
endif()
llama2_test_benchmark(bench_load "/Stories260K/")
llama2_test_benchmark(bench_extents "/(64x64|64)(/|$)")
llama2_test_benchmark(bench_training "/(64x64|128x8|512x64)(/|$)")

find_program(LLAMA2_PYTHON python3)
find_program(LLAMA2_GNUPLOT gnuplot)
mark_as_advanced(LLAMA2_PYTHON LLAMA2_GNUPLOT)
if(LLAMA2_PYTHON AND LLAMA2_GNUPLOT)
  add_test(NAME benchmark_report
           COMMAND "${CMAKE_CURRENT_SOURCE_DIR}/benchmarks/report.sh"
                   "${PROJECT_SOURCE_DIR}/bench/report.sh" "${PROJECT_BINARY_DIR}")
  set_tests_properties(benchmark_report PROPERTIES LABELS benchmarks)
else()
  message(STATUS "llama2: no test of bench/report.sh: python3 or gnuplot is missing")
endif()
if(LLAMA2_PYTHON AND TARGET bench_file)
  add_test(NAME benchmark_compare
           COMMAND "${CMAKE_CURRENT_SOURCE_DIR}/benchmarks/compare.sh"
                   "${PROJECT_SOURCE_DIR}/bench/compare.sh" "$<TARGET_FILE:bench_file>"
                   "$<TARGET_FILE:quantize>")
  set_tests_properties(benchmark_compare PROPERTIES LABELS benchmarks SKIP_RETURN_CODE 77)
endif()
