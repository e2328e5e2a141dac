# cmake --install: the program, and what a program of others is built with (docs/sdk.md). Headers keep the paths that
# they have here, below include/skerry: #include "actors/sdk/informer.hpp" is the same line inside and outside this tree.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(layers schema actors supervisors drivers sim)
foreach(layer ${layers})
  set_target_properties(skerry_${layer} PROPERTIES EXPORT_NAME ${layer})
  target_compile_features(skerry_${layer} PUBLIC cxx_std_20)
  target_include_directories(skerry_${layer} INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/skerry>)
  install(DIRECTORY ${layer} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/skerry FILES_MATCHING PATTERN "*.hpp")
endforeach()
set_target_properties(skerry_sdk PROPERTIES EXPORT_NAME sdk)
install(DIRECTORY tools/sdk tools/skerry DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/skerry/tools FILES_MATCHING PATTERN "*.hpp"
        PATTERN "repl" EXCLUDE)
install(TARGETS skerry_schema skerry_actors skerry_supervisors skerry_drivers skerry_sim skerry_sdk EXPORT skerry-targets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}/skerry)
install(TARGETS skerry skerry-repl skerry-sim RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
# A driver for devices is built with this header alone: find_package(skerry COMPONENTS driver).
install(FILES drivers/device/plugin/skerry_driver.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/skerry-driver)
# Beside the program, where it looks (tools/skerry/edge.cpp).
install(DIRECTORY DESTINATION lib/skerry/drivers)
if(TARGET skerry_opcua)
  install(TARGETS skerry_opcua LIBRARY DESTINATION lib/skerry/drivers)
endif()
install(DIRECTORY sim/scenarios/ DESTINATION ${CMAKE_INSTALL_DATADIR}/skerry/scenarios FILES_MATCHING PATTERN "*.yaml")
install(DIRECTORY schema/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/skerry/schema FILES_MATCHING PATTERN "*.capnp")
install(DIRECTORY ${CMAKE_BINARY_DIR}/schema/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/skerry/schema
        FILES_MATCHING PATTERN "*.capnp.h" PATTERN "CMakeFiles" EXCLUDE)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/skerry)
configure_package_config_file(packaging/cmake/skerry-config.cmake.in ${CMAKE_BINARY_DIR}/skerry-config.cmake
                              INSTALL_DESTINATION ${package_dir} PATH_VARS CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/skerry-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/skerry-config.cmake ${CMAKE_BINARY_DIR}/skerry-config-version.cmake
              packaging/cmake/SkerryParts.cmake DESTINATION ${package_dir})
install(EXPORT skerry-targets NAMESPACE skerry:: DESTINATION ${package_dir})
