# An agent whose counters have another layout, for upgrades from one to the other. It is made of a changed
# copy of counters.h, the programs of bind, and the few files that depend on it.
set(other ${CMAKE_CURRENT_BINARY_DIR}/counters)
set(counters ${CMAKE_SOURCE_DIR}/bpf/include/sockward/counters.h)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${counters})
file(READ ${counters} text)
function(change before after)
  string(FIND "${text}" "${before}" found)
  if(found EQUAL -1)
    message(FATAL_ERROR "${counters} holds no \"${before}\" any more: change it in another way")
  endif()
  string(REPLACE "${before}" "${after}" text "${text}")
  set(text "${text}" PARENT_SCOPE)
endfunction()
change("syscall * SOCKWARD_FAMILIES + family" "family * SOCKWARD_SOCKET_CALLS + syscall")
change("SOCKWARD_SLOTS 136" "SOCKWARD_SLOTS 143")
change("struct sockward_cpu_counters {" "struct sockward_cpu_counters {\n\t__u64 newcomer[5];")
change("\t__u64 path_length_sum;\n" "")
change("reserved[10];" "path_length_sum, reserved[17];")
change("SOCKWARD_SLOTS == 136 && sizeof(struct sockward_cpu_counters) == 58048" "SOCKWARD_SLOTS == 143")
change("\t__u16 row, slot;\n" "\t__u16 slot, row;\n")
change("\t__u64 folded;" "\t__u64 unused;\n\t__u64 folded;")
change("reserved[6];" "reserved[5];")
file(CONFIGURE OUTPUT ${other}/sockward/counters.h CONTENT "@text@" @ONLY)
set(objects)
foreach(probe bind message)
  sockward_bpf_object(object ${CMAKE_SOURCE_DIR}/bpf/probes/${probe}.bpf.c FORM .other FLAGS -I ${other})
  list(APPEND objects ${object})
endforeach()
add_custom_command(OUTPUT ${other}/sockward.skel.h ${other}/sockward_cast.skel.h
  COMMAND ${SOCKWARD_BPFTOOL} gen object ${other}/linked.o ${objects}
  COMMAND ${SOCKWARD_BPFTOOL} gen skeleton ${other}/linked.o name sockward_bpf > ${other}/sockward.skel.h
  COMMAND ${SOCKWARD_BPFTOOL} gen skeleton ${other}/linked.o name sockward_cast_bpf
    > ${other}/sockward_cast.skel.h
  DEPENDS ${objects} COMMENT "Linking BPF programs of another layout" VERBATIM)
set(probe ${CMAKE_SOURCE_DIR}/agent/probe)
add_executable(sockward_other_layout ${CMAKE_SOURCE_DIR}/agent/main.cpp ${probe}/counter_maps.cpp
  ${probe}/embedded_object.cpp ${probe}/loader.cpp ${probe}/own_layout.cpp ${probe}/probe_set.cpp
  ${probe}/record_ledger.cpp ${other}/sockward.skel.h)
target_include_directories(sockward_other_layout BEFORE PRIVATE ${other})
target_compile_options(sockward_other_layout PRIVATE ${unoptimised})
target_link_libraries(sockward_other_layout PRIVATE sockward_cli sockward_probe sockward_wire
  PkgConfig::LIBBPF)

