# cmake -DPROGRAM=generate [-DQEMU=... -DCPU=model] [-DBEST=regex] [-DEVERY_TARGET=1]
#       [-DQUANTIZE=quantize -DPACKED=file] -P story.cmake
#
# The program tells the story that stories260K is known to tell, on the best of its targets, which
# must match BEST, and with EVERY_TARGET on each of them; with QUANTIZE from a packed file, which is
# the same for all.

set(data "$ENV{LLAMA2_TEST_DATA}")
if(data STREQUAL "")
  message(NOTICE "*** SKIPPED: LLAMA2_TEST_DATA is not set; not tested with model-stories260K")
  return()
endif()
file(READ "${data}/model-stories260K/reference.json" reference)
string(JSON expected GET "${reference}" greedy_text)

set(model "${data}/model-stories260K/stories260K.bin")
if(QUANTIZE)
  execute_process(COMMAND "${QUANTIZE}" "${model}" "${PACKED}" --format F32 --pack
                  COMMAND_ERROR_IS_FATAL ANY)
  set(model "${PACKED}")
endif()

set(emulator "")
if(QEMU)
  set(emulator "${QEMU}" -cpu "${CPU}")
endif()
execute_process(COMMAND ${emulator} "${PROGRAM}" --list-targets
                OUTPUT_VARIABLE targets COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]+" targets "${targets}")
list(GET targets 0 best)
if(DEFINED BEST AND NOT best MATCHES "^(${BEST})$")
  message(FATAL_ERROR "the best target is ${best} instead of ${BEST}")
endif()

# tell(<target> [option...]): the story is told with these options, and on that target.
function(tell target)
  execute_process(COMMAND ${emulator} "${PROGRAM}" "${model}" --temperature 0 --max-tokens 256
                          ${ARGN}
                  OUTPUT_VARIABLE story ERROR_VARIABLE report RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "on ${target}: ${result}\n${report}")
  endif()
  if(NOT story STREQUAL expected)
    message(FATAL_ERROR "on ${target} another story:\n${story}\ninstead of\n${expected}")
  endif()
  if(NOT report MATCHES " on ${target}: ")
    message(FATAL_ERROR "not told on ${target}:\n${report}")
  endif()
endfunction()

tell(${best})
if(EVERY_TARGET)
  foreach(target IN LISTS targets)
    tell(${target} --target ${target})
    set(ENV{LLAMA2_TARGET} ${target})
    tell(${target})
    unset(ENV{LLAMA2_TARGET})
  endforeach()
endif()
