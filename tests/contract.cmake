# The compiler's freedom to contract a * b + c must not change a bit of the logits.

foreach(contract IN ITEMS off fast)
  add_executable(logits_bits_${contract} contract/logits_bits.cpp)
  target_include_directories(logits_bits_${contract} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
  target_link_libraries(logits_bits_${contract} PRIVATE llama2_own_native)
  target_compile_options(logits_bits_${contract} PRIVATE -ffp-contract=${contract})
endforeach()
add_test(NAME fp_contract
         COMMAND "${CMAKE_COMMAND}" "-DFIRST=$<TARGET_FILE:logits_bits_off>"
                 "-DSECOND=$<TARGET_FILE:logits_bits_fast>"
                 -P "${CMAKE_CURRENT_SOURCE_DIR}/contract/compare.cmake")
