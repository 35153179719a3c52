# cmake -DFIRST=program -DSECOND=program -P compare.cmake: both must print the same, and something.

execute_process(COMMAND "${FIRST}" OUTPUT_VARIABLE first COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${SECOND}" OUTPUT_VARIABLE second COMMAND_ERROR_IS_FATAL ANY)
if(NOT first MATCHES "^[0-9a-f]+\n[0-9a-f]+\n")
  message(FATAL_ERROR "${FIRST} printed no bits: '${first}'")
endif()
if(NOT first STREQUAL second)
  message(FATAL_ERROR "different bits from ${FIRST} and ${SECOND}")
endif()
