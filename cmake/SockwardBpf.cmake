# Finds what compiles and links the BPF programs: clang with the bpf target, and bpftool.
find_program(SOCKWARD_BPF_CLANG NAMES clang REQUIRED DOC "clang that compiles the BPF programs")
find_program(SOCKWARD_BPFTOOL NAMES bpftool PATHS /usr/sbin /sbin REQUIRED DOC "bpftool")

if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set(SOCKWARD_BPF_ARCH x86)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(SOCKWARD_BPF_ARCH arm64)
else()
  message(FATAL_ERROR "sockward runs on x86-64 and arm64, not on ${CMAKE_SYSTEM_PROCESSOR}")
endif()

# sockward_bpf_object(<output variable> <source> [FORM <name>] [CPU <version>] [FLAGS <flag>…]): compiles
# one program file. FORM goes into the object's name, for a file that is compiled more than once. CPU: which
# instructions may be used; v2 (the default) are those of 5.10, which refuses what v3 adds.
function(sockward_bpf_object output source)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "FORM;CPU" FLAGS)
  if(NOT arg_CPU)
    set(arg_CPU v2)
  endif()
  get_filename_component(stem ${source} NAME_WLE)
  set(object ${CMAKE_CURRENT_BINARY_DIR}/${stem}${arg_FORM}.o)
  # BPF_PROG() leaves its context argument unused on purpose. Names of files go in as from the top of the
  # sources, where clang also looks for the lines that the verifier quotes: hence the working directory.
  add_custom_command(OUTPUT ${object}
    COMMAND ${SOCKWARD_BPF_CLANG} -target bpf -mcpu=${arg_CPU} -D__TARGET_ARCH_${SOCKWARD_BPF_ARCH} -g -O2
      -Wall -Wextra -Werror -Wno-unused-parameter ${arg_FLAGS}
      -I ${CMAKE_SOURCE_DIR}/bpf -I ${CMAKE_SOURCE_DIR}/bpf/include
      -idirafter ${CMAKE_SYSROOT}/usr/include/${CMAKE_LIBRARY_ARCHITECTURE}
      -ffile-prefix-map=${CMAKE_SOURCE_DIR}/= -fdebug-compilation-dir=.
      -MD -MF ${object}.d -c ${source} -o ${object}
    DEPENDS ${source} DEPFILE ${object}.d WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
    COMMENT "Compiling BPF ${stem} ${arg_FORM}" VERBATIM)
  set(${output} ${object} PARENT_SCOPE)
endfunction()

# sockward_bpf_skeleton(<name> <object>…): links objects (shared maps are weak) and writes <name>.skel.h,
# reached through the interface library <name>_skeleton, with struct <name>_bpf.
function(sockward_bpf_skeleton name)
  set(linked ${CMAKE_CURRENT_BINARY_DIR}/${name}.linked.o)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/skeleton)
  file(MAKE_DIRECTORY ${folder})
  add_custom_command(OUTPUT ${linked} ${folder}/${name}.skel.h
    COMMAND ${SOCKWARD_BPFTOOL} gen object ${linked} ${ARGN}
    COMMAND ${SOCKWARD_BPFTOOL} gen skeleton ${linked} name ${name}_bpf > ${folder}/${name}.skel.h
    DEPENDS ${ARGN} COMMENT "Linking BPF programs of ${name}" VERBATIM)
  add_custom_target(${name}_skeleton_file DEPENDS ${folder}/${name}.skel.h)
  add_library(${name}_skeleton INTERFACE)
  add_dependencies(${name}_skeleton ${name}_skeleton_file)
  target_include_directories(${name}_skeleton SYSTEM INTERFACE ${folder})
  target_link_libraries(${name}_skeleton INTERFACE PkgConfig::LIBBPF)
endfunction()
