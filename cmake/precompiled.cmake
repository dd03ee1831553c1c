# Foreign headers, parsed once for all targets instead of once a file: half of a compile was reading them.
#
# Only what is not ours and hardly ever changes is in here, so that a changed header of ours still rebuilds its users and nothing
# else. A file must include what it uses all the same: -DSIGHTLINE_PCH=OFF builds without (as the preset gcc does, and as
# the SDK is built alone), and then a missing #include is an error.
option(SIGHTLINE_PCH "Precompile the headers of the standard library, fmt, Boost's flat maps and GoogleTest" ON)

set(SIGHTLINE_PCH_HEADERS
  <algorithm> <array> <atomic> <charconv> <chrono> <cmath> <condition_variable> <cstdint> <cstring> <deque> <expected> <filesystem>
  <functional> <map> <memory> <mutex> <optional> <set> <span> <string> <string_view> <thread> <unordered_map> <utility>
  <variant> <vector> <fmt/format.h> <boost/unordered/unordered_flat_map.hpp>)
set(SIGHTLINE_PCH_TEST_HEADERS ${SIGHTLINE_PCH_HEADERS} <fstream> <future> <random> <sstream> <gmock/gmock.h> <gtest/gtest.h>)

# What a test program itself does is small beside what it asks of the libraries, and optimizing it takes longer than reading it.
set(SIGHTLINE_TEST_OPTIONS -O0)

if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # Not CMake's words for the same, which name the header too, by a path that keeps ccache from knowing a file of another checkout.
  set(CMAKE_CXX_COMPILE_OPTIONS_USE_PCH -include-pch <PCH_FILE>)
endif()

# A target that exists for its precompiled headers, which others use.
function(sightline_precompiled name)
  cmake_parse_arguments(ARG "" "" "HEADERS;LINKS;OPTIONS" ${ARGN})
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/${name}.cc CONTENT "")
  add_library(${name} STATIC EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/${name}.cc)
  target_link_libraries(${name} PRIVATE fmt::fmt ${ARG_LINKS})
  target_compile_options(${name} PRIVATE ${ARG_OPTIONS})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # The same bytes whenever they are made, by which ccache knows them again.
    target_compile_options(${name} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
  endif()
  target_precompile_headers(${name} PRIVATE ${ARG_HEADERS})
endfunction()

# Every program and library of DIRECTORY and below uses them; test programs those with GoogleTest.
function(sightline_use_precompiled directory)
  get_property(targets DIRECTORY ${directory} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target ${targets})
    get_target_property(type ${target} TYPE)
    if(target MATCHES "_test$" AND type STREQUAL EXECUTABLE)
      target_compile_options(${target} PRIVATE ${SIGHTLINE_TEST_OPTIONS})
      set(headers sightline_test_headers)
    elseif(type MATCHES "^(EXECUTABLE|STATIC_LIBRARY)$")
      set(headers sightline_headers)
    else()
      continue()
    endif()
    if(SIGHTLINE_PCH)
      target_precompile_headers(${target} REUSE_FROM ${headers})
    endif()
  endforeach()
  get_property(directories DIRECTORY ${directory} PROPERTY SUBDIRECTORIES)
  foreach(below ${directories})
    sightline_use_precompiled(${below})
  endforeach()
endfunction()

if(SIGHTLINE_PCH)
  sightline_precompiled(sightline_headers HEADERS ${SIGHTLINE_PCH_HEADERS})
  sightline_precompiled(sightline_test_headers
    HEADERS ${SIGHTLINE_PCH_TEST_HEADERS} LINKS GTest::gmock OPTIONS ${SIGHTLINE_TEST_OPTIONS})
endif()
