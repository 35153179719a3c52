# cmake -DBINARY_DIR=dir -DPREFIX=dir -P install_fresh.cmake: installs into an emptied folder, so
# that a header that was removed from the project is missing there too.

file(REMOVE_RECURSE "${PREFIX}")
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BINARY_DIR}" --prefix "${PREFIX}"
                OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
