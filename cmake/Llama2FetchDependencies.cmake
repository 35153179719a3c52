# Downloads the dependencies at pinned commits (LLAMA2_FETCH_DEPENDENCIES=ON). CMake's own
# FETCHCONTENT_SOURCE_DIR_<NAME> points one of them to a copy that is already on the disk.

include(FetchContent)

function(llama2_fetch name repository commit)
  # Hidden from `all` and from the install: only what is linked is built.
  FetchContent_Declare(${name} SYSTEM GIT_REPOSITORY "https://github.com/${repository}.git"
                       GIT_TAG ${commit})
  FetchContent_MakeAvailable(${name})
  FetchContent_GetProperties(${name} SOURCE_DIR source_dir)
  set_property(DIRECTORY "${source_dir}" PROPERTY EXCLUDE_FROM_ALL TRUE)
  set(${name}_source_dir "${source_dir}" PARENT_SCOPE)
endfunction()

function(llama2_fetch_dependencies)
  set(CMAKE_POLICY_DEFAULT_CMP0077 NEW)  # the variables below are the projects' options
  set(CMAKE_POLICY_VERSION_MINIMUM 3.5)  # sentencepiece asks for older than CMake 4 allows
  set(BUILD_SHARED_LIBS OFF)
  set(BUILD_TESTING OFF)

  set(HWY_ENABLE_CONTRIB OFF)
  set(HWY_ENABLE_EXAMPLES OFF)
  set(HWY_ENABLE_INSTALL OFF)
  set(HWY_ENABLE_TESTS OFF)
  llama2_fetch(highway google/highway 457c891775a7397bdb0376bb1031e6e027af1c48)  # 1.2.0
  add_library(llama2::highway INTERFACE IMPORTED GLOBAL)
  target_include_directories(llama2::highway INTERFACE "${highway_source_dir}")
  add_library(llama2::highway_library INTERFACE IMPORTED GLOBAL)
  target_link_libraries(llama2::highway_library INTERFACE hwy)

  set(SPM_ENABLE_SHARED OFF)
  set(SPM_ENABLE_TCMALLOC OFF)
  llama2_fetch(sentencepiece google/sentencepiece
               17d7580d6407802f85855d2cc9190634e2c95624)  # 0.2.0
  add_library(llama2::sentencepiece INTERFACE IMPORTED GLOBAL)
  target_include_directories(llama2::sentencepiece INTERFACE "${sentencepiece_source_dir}/src")
  target_link_libraries(llama2::sentencepiece INTERFACE sentencepiece-static)

  if(LLAMA2_BUILD_TESTS OR LLAMA2_BUILD_EXAMPLES)
    set(JSON_BuildTests OFF)
    llama2_fetch(nlohmann_json nlohmann/json 9cca280a4d0ccf0c08f47a99aa71d1b0e52f8d03)  # 3.11.3
  endif()
  if(LLAMA2_BUILD_TESTS)
    llama2_fetch(Catch2 catchorg/Catch2 fa43b77429ba76c462b1898d6cd2f2d7a9416b14)  # 3.7.1
  endif()
  if(LLAMA2_BUILD_EXAMPLES)
    llama2_fetch(CLI11 CLIUtils/CLI11 6c7b07a878ad834957b98d0f9ce1dbe0cb204fc9)  # 2.4.2
  endif()
  if(LLAMA2_BUILD_BENCH)
    set(BENCHMARK_ENABLE_TESTING OFF)
    set(BENCHMARK_ENABLE_INSTALL OFF)
    set(BENCHMARK_ENABLE_WERROR OFF)
    llama2_fetch(benchmark google/benchmark c58e6d0710581e3a08d65c349664128a8d9a2461)  # 1.9.1
  endif()
endfunction()

llama2_fetch_dependencies()
