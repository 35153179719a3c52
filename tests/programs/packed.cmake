# cmake -DPROGRAM=generate -DQUANTIZE=quantize -DINSPECT=inspect -DFOLDER=... -P packed.cmake
#
# stories260K, packed, tells the story that it is known to tell, in every format the same as
# unpacked; and unpacked again it is the file that it was.

set(data "$ENV{LLAMA2_TEST_DATA}")
if(data STREQUAL "")
  message(NOTICE "*** SKIPPED: LLAMA2_TEST_DATA is not set; not tested with model-stories260K")
  return()
endif()
file(READ "${data}/model-stories260K/reference.json" reference)
string(JSON expected GET "${reference}" greedy_text)
file(MAKE_DIRECTORY "${FOLDER}")

# run(<variable> <command> [argument...]): what the command prints.
function(run variable)
  execute_process(COMMAND ${ARGN} OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
  set(${variable} "${output}" PARENT_SCOPE)
endfunction()

foreach(format IN ITEMS F32 F16 BF16 Q8_0 Q4_0)
  foreach(file IN ITEMS plain packed again)
    set(${file} "${FOLDER}/${format}.${file}.gguf")
  endforeach()
  run(ignored "${QUANTIZE}" "${data}/model-stories260K/stories260K.bin" "${plain}"
      --format ${format})
  run(ignored "${QUANTIZE}" "${plain}" "${packed}" --format ${format} --pack)
  run(ignored "${QUANTIZE}" "${packed}" "${again}" --format ${format})
  file(SHA256 "${plain}" plain_hash)
  file(SHA256 "${again}" again_hash)
  if(NOT plain_hash STREQUAL again_hash)
    message(FATAL_ERROR "${format}: packed and unpacked it is another file")
  endif()
  run(tensors "${INSPECT}" "${packed}")
  if(NOT tensors MATCHES "packed in panels.*layers.4.attention.wq.weight[^\n]* ${format} +in panels")
    message(FATAL_ERROR "${format}: not packed:\n${tensors}")
  endif()
  run(story "${PROGRAM}" "${packed}" --temperature 0 --max-tokens 256)
  if(NOT format STREQUAL F32)
    run(expected "${PROGRAM}" "${plain}" --temperature 0 --max-tokens 256)
  endif()
  if(NOT story STREQUAL expected)
    message(FATAL_ERROR "${format}: packed, another story:\n${story}\ninstead of\n${expected}")
  endif()
endforeach()
file(REMOVE_RECURSE "${FOLDER}")
