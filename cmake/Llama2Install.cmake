# `cmake --install`: headers, the CMake package and the pkg-config file.

include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(llama2_cmake_dir "${CMAKE_INSTALL_DATADIR}/cmake/llama2")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/llama2" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(TARGETS llama2_headers llama2 llama2_native llama2_dynamic EXPORT llama2Targets
        INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT llama2Targets NAMESPACE llama2:: DESTINATION "${llama2_cmake_dir}")

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/llama2Config.cmake.in"
                              "${PROJECT_BINARY_DIR}/llama2Config.cmake"
                              INSTALL_DESTINATION "${llama2_cmake_dir}")
# ARCH_INDEPENDENT: headers serve a 32-bit and a 64-bit consumer alike.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/llama2ConfigVersion.cmake"
                                 COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES "${PROJECT_BINARY_DIR}/llama2Config.cmake"
              "${PROJECT_BINARY_DIR}/llama2ConfigVersion.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/Llama2Dependencies.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/Llama2Training.cmake"
        DESTINATION "${llama2_cmake_dir}")

# The pkg-config file finds the prefix from where it lies, so that the installed tree can be moved.
file(RELATIVE_PATH llama2_pc_prefix "${CMAKE_INSTALL_FULL_DATADIR}/pkgconfig"
     "${CMAKE_INSTALL_PREFIX}")
if(LLAMA2_SIMD STREQUAL "xsimd")
  set(llama2_pc_simd " -DLLAMA2_SIMD_XSIMD=1")
endif()
configure_file("${PROJECT_SOURCE_DIR}/cmake/llama2.pc.in" "${PROJECT_BINARY_DIR}/llama2.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/llama2.pc" DESTINATION "${CMAKE_INSTALL_DATADIR}/pkgconfig")
