# What `cmake --install BUILD --component sightline_otel` installs: the package sightline_otel, each library of which is a
# component of find_package(sightline_otel COMPONENTS ...). The SDK itself is always found.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(OTEL_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/sightline_otel)

# otel_install(COMPONENT TARGET HEADERS DEPENDENCIES): a library, the folder of its headers, and the code that finds what
# it links.
function(otel_install component target headers dependencies)
  install(TARGETS ${target} EXPORT sightline_otel_${component}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT sightline_otel)
  install(DIRECTORY ${headers}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT sightline_otel FILES_MATCHING PATTERN "*.h")
  install(EXPORT sightline_otel_${component} NAMESPACE sightline_otel:: FILE sightline_otel-${component}-targets.cmake
    DESTINATION ${OTEL_PACKAGE_DIR} COMPONENT sightline_otel)
  file(CONFIGURE OUTPUT sightline_otel-${component}.cmake @ONLY
    CONTENT "@dependencies@include(\"\${CMAKE_CURRENT_LIST_DIR}/sightline_otel-@component@-targets.cmake\")\n")
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/sightline_otel-${component}.cmake
    DESTINATION ${OTEL_PACKAGE_DIR} COMPONENT sightline_otel)
endfunction()

function(otel_install_package)
  file(RELATIVE_PATH prefix_of_package /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
  if(SIGHTLINE_OTEL_GRPC)
    set(grpc_libraries "-lgrpc++ -lgrpc -lgpr -labsl_synchronization")
  endif()
  configure_file(${PROJECT_SOURCE_DIR}/cmake/sightline_otel.pc.in sightline_otel.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/sightline_otel.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT sightline_otel)

  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/sightline_otelConfig.cmake.in sightline_otelConfig.cmake
    INSTALL_DESTINATION ${OTEL_PACKAGE_DIR})
  write_basic_package_version_file(sightline_otelConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/sightline_otelConfig.cmake
    ${CMAKE_CURRENT_BINARY_DIR}/sightline_otelConfigVersion.cmake
    ${PROJECT_SOURCE_DIR}/cmake/sightline_otel-grpc.cmake
    DESTINATION ${OTEL_PACKAGE_DIR} COMPONENT sightline_otel)
endfunction()
