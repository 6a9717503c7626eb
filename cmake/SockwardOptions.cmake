# Options and the flags every target gets.
# By default where what they need is installed (scripts/packages-test.txt): a package or an image is built
# without.
find_package(GTest QUIET)
if(GTest_FOUND)
  option(SOCKWARD_TESTS "Build the tests" ON)
else()
  option(SOCKWARD_TESTS "Build the tests" OFF)
endif()
option(SOCKWARD_FUZZ "Build the libFuzzer targets (needs clang)" OFF)
option(SOCKWARD_WERROR "Treat warnings as errors" ON)
set(SOCKWARD_SANITIZE "" CACHE STRING "Value of -fsanitize=, empty for none")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

# No path of the folder where it was built stands in what is built (scripts/test-reproducible).
add_compile_options(-ffile-prefix-map=${CMAKE_SOURCE_DIR}/= -ffile-prefix-map=${CMAKE_BINARY_DIR}=build)

add_library(sockward_options INTERFACE)
target_compile_options(sockward_options INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor
  -Wno-missing-field-initializers) # designated initialisers leave the rest to the member defaults
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # gcc 12 sees overlaps and overruns inside inlined std::string that are not there (gcc bugs 105329, 105651).
  target_compile_options(sockward_options INTERFACE -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow
    -Wno-stringop-overread)
endif()
if(SOCKWARD_WERROR)
  target_compile_options(sockward_options INTERFACE -Werror)
endif()
if(SOCKWARD_SANITIZE)
  target_compile_options(sockward_options INTERFACE
    -fsanitize=${SOCKWARD_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all
    -fsanitize-ignorelist=${CMAKE_SOURCE_DIR}/cmake/sanitizer-ignore.txt)
  target_link_options(sockward_options INTERFACE -fsanitize=${SOCKWARD_SANITIZE})
endif()

if(SOCKWARD_FUZZ)
  # Coverage for the fuzzer to follow.
  target_compile_options(sockward_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

execute_process(COMMAND git -C ${CMAKE_SOURCE_DIR} rev-parse --short=12 HEAD
  OUTPUT_VARIABLE SOCKWARD_REVISION OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT SOCKWARD_REVISION)
  set(SOCKWARD_REVISION unknown)
endif()
