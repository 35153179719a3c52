# Other projects that use this one: installed, found by CMake or pkg-config, or added as a folder.

if(LLAMA2_FETCH_DEPENDENCIES)
  # Downloaded dependencies serve this build only; a consumer would look for installed ones.
  message(STATUS "llama2: no consumer tests with LLAMA2_FETCH_DEPENDENCIES")
  return()
endif()

set(consumer_prefix "${CMAKE_CURRENT_BINARY_DIR}/consumer/prefix")
set(consumer_options "-DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}" -DCMAKE_BUILD_TYPE=Release
                     "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror")

# llama2_add_consumer(<name> <source> <command> [options of its configuration...]): configures and
# builds <source>, and runs the command in the folder where it was built.
function(llama2_add_consumer name source command)
  add_test(NAME consumer_${name}
           COMMAND "${CMAKE_CTEST_COMMAND}" --build-and-test "${source}"
                   "${CMAKE_CURRENT_BINARY_DIR}/consumer/${name}"
                   --build-generator "${CMAKE_GENERATOR}" --build-makeprogram "${CMAKE_MAKE_PROGRAM}"
                   --build-options ${consumer_options} ${ARGN}
                   --test-command ${command})
endfunction()

llama2_add_consumer(add_subdirectory "${CMAKE_CURRENT_SOURCE_DIR}/consumer_add_subdirectory"
                    ./consumer "-DLLAMA2_SOURCE_DIR=${PROJECT_SOURCE_DIR}")

if(LLAMA2_INSTALL)
  add_test(NAME consumer_install
           COMMAND "${CMAKE_COMMAND}" "-DBINARY_DIR=${PROJECT_BINARY_DIR}"
                   "-DPREFIX=${consumer_prefix}" -P
                   "${CMAKE_CURRENT_SOURCE_DIR}/install_fresh.cmake")
  llama2_add_consumer(find_package "${CMAKE_CURRENT_SOURCE_DIR}/consumer_find_package" ./consumer
                      "-DCMAKE_PREFIX_PATH=${consumer_prefix}")
  llama2_add_consumer(embed "${PROJECT_SOURCE_DIR}/examples/embed_in_your_project"
                      "${CMAKE_CURRENT_SOURCE_DIR}/consumer_embed.sh"
                      "-DCMAKE_PREFIX_PATH=${consumer_prefix}")
  add_test(NAME consumer_pkg_config
           COMMAND "${CMAKE_CURRENT_SOURCE_DIR}/consumer_pkg_config.sh" "${consumer_prefix}"
                   "${CMAKE_CXX_COMPILER}" "${CMAKE_CURRENT_BINARY_DIR}/consumer/pkg_config")
  set_tests_properties(consumer_install PROPERTIES FIXTURES_SETUP installed)
  set_tests_properties(consumer_find_package consumer_embed consumer_pkg_config
                       PROPERTIES FIXTURES_REQUIRED installed)
endif()
