# Programs that must not compile, and the message that says why: see must_fail/run.cmake.

set(must_fail_flags ${CMAKE_CXX20_STANDARD_COMPILE_OPTION} -march=native)

foreach(case IN ITEMS positive_control
                      shape_dim shape_hidden_dim shape_layers shape_heads shape_kv_heads shape_vocab
                      shape_context shape_types shape_dim_heads shape_heads_kv_heads shape_head_dim
                      shape_large_head
                      mixed_twice mixed_one model_list_empty fast_math baseline dynamic_xsimd
                      cxx17)
  add_test(NAME must_fail_${case}
           COMMAND "${CMAKE_COMMAND}" "-DCOMPILER=${CMAKE_CXX_COMPILER}"
                   "-DFLAGS=${must_fail_flags}" "-DINCLUDES=${LLAMA2_INCLUDE_FLAGS}"
                   "-DSOURCE=${CMAKE_CURRENT_SOURCE_DIR}/must_fail/${case}.cpp"
                   -P "${CMAKE_CURRENT_SOURCE_DIR}/must_fail/run.cmake")
  set_tests_properties(must_fail_${case} PROPERTIES LABELS must_fail)
endforeach()
