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

# sockward_bpf_object(<output variable> <source>)
function(sockward_bpf_object output source)
  get_filename_component(stem ${source} NAME_WLE)
  set(object ${CMAKE_CURRENT_BINARY_DIR}/${stem}.o)
  # BPF_PROG() leaves its context argument unused on purpose. -mcpu=v2: 5.10 refuses what v3 adds.
  add_custom_command(OUTPUT ${object}
    COMMAND ${SOCKWARD_BPF_CLANG} -target bpf -mcpu=v2 -D__TARGET_ARCH_${SOCKWARD_BPF_ARCH} -g -O2
      -Wall -Wextra -Werror -Wno-unused-parameter
      -I ${CMAKE_SOURCE_DIR}/bpf -I ${CMAKE_SOURCE_DIR}/bpf/include
      -idirafter /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}
      -MD -MF ${object}.d -c ${source} -o ${object}
    DEPENDS ${source} DEPFILE ${object}.d
    COMMENT "Compiling BPF ${stem}" VERBATIM)
  set(${output} ${object} PARENT_SCOPE)
endfunction()
