# The example programs, run: on every target of this processor, and on older processors, which qemu
# emulates.

include(CheckCXXSourceCompiles)

# llama2_test_program(<name> <script> <program> [-D...]): a script of the folder programs/.
function(llama2_test_program name script program)
  add_test(NAME ${name} COMMAND "${CMAKE_COMMAND}" "-DPROGRAM=$<TARGET_FILE:${program}>" ${ARGN}
                                -P "${CMAKE_CURRENT_SOURCE_DIR}/programs/${script}.cmake")
  set_tests_properties(${name} PROPERTIES LABELS programs)
endfunction()

llama2_test_program(story story generate -DEVERY_TARGET=1)
llama2_test_program(packed_story story generate -DEVERY_TARGET=1
                    "-DQUANTIZE=$<TARGET_FILE:quantize>"
                    "-DPACKED=${CMAKE_CURRENT_BINARY_DIR}/packed_story.gguf")
add_test(NAME generate_refuses_target COMMAND generate none.bin --target Z80)
set_tests_properties(generate_refuses_target PROPERTIES LABELS programs PASS_REGULAR_EXPRESSION
                     "no such processor target here; expected .*; found Z80")
add_test(NAME generate_refuses_scaling COMMAND generate none.bin --rope-scaling yarn)
set_tests_properties(generate_refuses_scaling PROPERTIES LABELS programs PASS_REGULAR_EXPRESSION
                     "--rope-scaling requires --rope-factor")

add_test(NAME evaluate_resumes COMMAND "${CMAKE_CURRENT_SOURCE_DIR}/programs/evaluate.sh"
                                       "$<TARGET_FILE:evaluate>")
set_tests_properties(evaluate_resumes PROPERTIES LABELS programs)
add_test(NAME evaluate_likelihoods
         COMMAND "${CMAKE_CURRENT_SOURCE_DIR}/programs/likelihoods.py" "$<TARGET_FILE:evaluate>")
set_tests_properties(evaluate_likelihoods PROPERTIES LABELS programs)
add_test(NAME compare_answers
         COMMAND "${CMAKE_CURRENT_SOURCE_DIR}/programs/compare_answer.sh" "$<TARGET_FILE:compare>"
                 "${PROJECT_SOURCE_DIR}/examples/models/storyteller.gguf")
set_tests_properties(compare_answers PROPERTIES LABELS programs)
find_program(LLAMA2_CHROMIUM NAMES chromium chromium-browser google-chrome)
mark_as_advanced(LLAMA2_CHROMIUM)
if(LLAMA2_CHROMIUM)
  add_test(NAME compare_page COMMAND "${CMAKE_CURRENT_SOURCE_DIR}/programs/compare_page.sh"
                                     "$<TARGET_FILE:compare>")
  set_tests_properties(compare_page PROPERTIES LABELS programs SKIP_RETURN_CODE 77)
else()
  message(STATUS "llama2: no test of the side-by-side page: there is no Chromium")
endif()

if(TARGET chat)
  add_test(NAME chat_program COMMAND "${CMAKE_CURRENT_SOURCE_DIR}/programs/chat.sh"
                                     "$<TARGET_FILE:chat>")
  set_tests_properties(chat_program PROPERTIES LABELS programs)
endif()

if(TARGET pretrain)
  add_test(NAME kill_and_resume
           COMMAND "${CMAKE_CURRENT_SOURCE_DIR}/programs/kill_and_resume.sh"
                   "$<TARGET_FILE:pretrain>" 5)
  set_tests_properties(kill_and_resume PROPERTIES LABELS programs)
  add_test(NAME pretrain_without_text COMMAND pretrain --out no_such_training)
  set_tests_properties(pretrain_without_text PROPERTIES LABELS programs PASS_REGULAR_EXPRESSION
                       "there are no tokens here yet: name files of text by --corpus")
endif()

# A sanitizer must be loaded first of all, and takes its time to be killed.
if(NOT CMAKE_CXX_FLAGS_DEBUG MATCHES "fsanitize" OR NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  add_library(fail_call SHARED programs/fail_call.cpp)
  target_link_libraries(fail_call PRIVATE llama2_own ${CMAKE_DL_LIBS})
  add_test(NAME quantize_faults
           COMMAND "${CMAKE_CURRENT_SOURCE_DIR}/programs/quantize_faults.sh"
                   "$<TARGET_FILE:quantize>" "$<TARGET_FILE:fail_call>")
  set_tests_properties(quantize_faults PROPERTIES LABELS programs)
endif()

# The rest is about programs for any x86-64 processor, which dynamic ones are unless the compiler's
# flags say otherwise. A sanitizer's memory is more than the emulator has.
check_cxx_source_compiles("
#if !defined(__x86_64__) || defined(__SSE3__)
#error not for any x86-64 processor
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#error sanitizer
#endif
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#error sanitizer
#endif
#endif
int main() {}
" LLAMA2_DYNAMIC_IS_FOR_ANY_X86_64)
if(NOT LLAMA2_DYNAMIC_IS_FOR_ANY_X86_64)
  return()
endif()

add_executable(print_host_features host_features.cpp)
llama2_test_program(targets_here targets inspect
                    "-DHOST_FEATURES=$<TARGET_FILE:print_host_features>")

# llama2_test_processor(<model of qemu> <best target>)
function(llama2_test_processor model best)
  set(emulator "-DQEMU=${LLAMA2_QEMU}" "-DCPU=${model}")
  string(REGEX REPLACE "[^A-Za-z0-9]+" "_" name "${model}")
  llama2_test_program(targets_${name} targets inspect ${emulator}
                      "-DHOST_FEATURES=$<TARGET_FILE:print_host_features>")
  llama2_test_program(story_${name} story generate ${emulator} "-DBEST=${best}")
endfunction()

find_program(LLAMA2_QEMU qemu-x86_64)
mark_as_advanced(LLAMA2_QEMU)
if(LLAMA2_QEMU)
  llama2_test_processor(qemu64 "SCALAR|EMU128|SSE2")
  llama2_test_processor(Nehalem SSSE3)  # lacks AES and PCLMUL, which Highway wants for SSE4
  llama2_test_processor(Westmere SSE4)
  llama2_test_processor(Haswell AVX2)
  # A processor with AVX2 under an operating system that would not save its registers.
  llama2_test_processor(Haswell,-xsave SSE4)
else()
  message(STATUS "llama2: no tests on older processors: qemu-x86_64 (Debian: qemu-user) is missing")
endif()
