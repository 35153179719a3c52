# cmake -DNM=nm -DOBJECTS=a.o;b.o -P symbols.cmake
#
# No two objects, compiled for different processors, may define the same symbol of the library: the
# linker would keep one of the two, and a machine that lacks its instructions would fault.

set(seen "")
foreach(object IN LISTS OBJECTS)
  execute_process(COMMAND "${NM}" --defined-only --extern-only --format=posix "${object}"
                  OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "(^|\n)_Z[^ \n]*6llama2[^ \n]* " symbols "${symbols}")
  list(TRANSFORM symbols STRIP)
  list(LENGTH symbols count)
  if(count EQUAL 0)
    message(FATAL_ERROR "${object} defines no symbol of llama2: this test looks at the wrong thing")
  endif()
  set(shared ${symbols})
  list(REMOVE_ITEM symbols ${seen})
  list(REMOVE_ITEM shared ${symbols})
  if(shared)
    list(JOIN shared "\n" shared)
    message(FATAL_ERROR "compiled for different processors, but with one name:\n${shared}")
  endif()
  list(APPEND seen ${symbols})
endforeach()
