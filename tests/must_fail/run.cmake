# cmake -DCOMPILER=c++ -DFLAGS=... -DINCLUDES=... -DSOURCE=case.cpp -P run.cmake
#
# Compiles SOURCE, whose first lines say what must come of it:
#
#   // expect: REGEX          it must fail with exactly one error, and that one matches
#   // expect-success         it must compile (the control that the others fail for their reason)
#   // flags: -a -b           flags added to FLAGS
#   // flags-instead: -a -b   flags in place of FLAGS

function(read_directive name out)
  set(${out} "" PARENT_SCOPE)
  file(STRINGS "${SOURCE}" line REGEX "^// ${name}: " LIMIT_COUNT 1)
  if(line)
    string(REGEX REPLACE "^// ${name}: " "" line "${line}")
    set(${out} "${line}" PARENT_SCOPE)
  endif()
endfunction()

read_directive(expect expect)
read_directive(flags flags)
read_directive(flags-instead flags_instead)
file(STRINGS "${SOURCE}" expect_success REGEX "^// expect-success$" LIMIT_COUNT 1)
if(NOT expect AND NOT expect_success)
  message(FATAL_ERROR "${SOURCE}: neither '// expect: ' nor '// expect-success'")
endif()

if(flags_instead)
  separate_arguments(FLAGS UNIX_COMMAND "${flags_instead}")
endif()
separate_arguments(flags UNIX_COMMAND "${flags}")
set(command "${COMPILER}" ${FLAGS} ${flags} ${INCLUDES} -fsyntax-only "${SOURCE}")
set(ENV{LC_ALL} C)  # compilers translate their messages
execute_process(COMMAND ${command} RESULT_VARIABLE result OUTPUT_VARIABLE output
                ERROR_VARIABLE output)
list(JOIN command " " command)

if(expect_success)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "must compile, but does not:\n${command}\n${output}")
  endif()
  return()
endif()

if(result EQUAL 0)
  message(FATAL_ERROR "must not compile, but does:\n${command}")
endif()
if(NOT output MATCHES "${expect}")
  message(FATAL_ERROR "no message matches '${expect}':\n${command}\n${output}")
endif()
string(REGEX MATCHALL "[^\n]*error: " errors "${output}")
list(LENGTH errors count)
if(NOT count EQUAL 1)
  message(FATAL_ERROR "${count} errors where one should say it all:\n${command}\n${output}")
endif()
