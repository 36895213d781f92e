# Makes the ROS 2 wheels from PyPI usable as a build environment; a ROS install needs none of this.
# Given to CMake as CMAKE_PROJECT_INCLUDE, so that the package's own CMakeLists.txt stays the standard one.

# An isolated wheel build has no sourced workspace: the prefix is where the ROS wheels were unpacked.
if(SKBUILD AND NOT DEFINED ENV{AMENT_PREFIX_PATH})
  execute_process(
    COMMAND ${Python3_EXECUTABLE} -c
      "import pathlib, rosidl_parser; print(pathlib.Path(rosidl_parser.__file__).resolve().parents[4])"
    OUTPUT_VARIABLE wheels_prefix OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  set(ENV{AMENT_PREFIX_PATH} "${wheels_prefix}")
endif()

# The wheels export include directories of the machine that they were built on, and CMake refuses
# targets whose include directories do not exist. The generators add this machine's own.
function(drop_missing_include_directories)
  get_property(targets DIRECTORY "${CMAKE_SOURCE_DIR}" PROPERTY IMPORTED_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(directories ${target} INTERFACE_INCLUDE_DIRECTORIES)
    if(NOT directories)
      continue()
    endif()
    set(present "")
    foreach(directory IN LISTS directories)
      if(directory MATCHES "^\\$<" OR EXISTS "${directory}")
        list(APPEND present "${directory}")
      endif()
    endforeach()
    set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${present}")
  endforeach()
endfunction()

if(CMAKE_SOURCE_DIR STREQUAL CMAKE_CURRENT_SOURCE_DIR)
  cmake_language(DEFER DIRECTORY "${CMAKE_SOURCE_DIR}" CALL drop_missing_include_directories)
endif()
