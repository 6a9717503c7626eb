# sockward_layer(<name> FOLDER <dir> SOURCES … [DEPENDS <layer>…] [PUBLIC <lib>…] [PRIVATE <lib>…])
#
# One folder = one library = one layer. Its headers are reached as "<name>/file.hpp" through an include
# directory that holds nothing but this folder, so a layer that does not name another one in DEPENDS cannot
# include it: the compiler refuses.
function(sockward_layer name)
  cmake_parse_arguments(LAYER "" "FOLDER" "SOURCES;DEPENDS;PUBLIC;PRIVATE" ${ARGN})
  set(view ${CMAKE_BINARY_DIR}/layers/${name})
  file(MAKE_DIRECTORY ${view})
  file(CREATE_LINK ${LAYER_FOLDER} ${view}/${name} SYMBOLIC)
  if(LAYER_SOURCES)
    set(scope PUBLIC)
    add_library(sockward_${name} STATIC ${LAYER_SOURCES})
    target_link_libraries(sockward_${name} PRIVATE ${LAYER_PRIVATE})
    target_precompile_headers(sockward_${name} REUSE_FROM sockward_precompiled)
  else()
    set(scope INTERFACE)
    add_library(sockward_${name} INTERFACE)
  endif()
  target_include_directories(sockward_${name} ${scope} ${view})
  list(TRANSFORM LAYER_DEPENDS PREPEND sockward_)
  target_link_libraries(sockward_${name} ${scope} sockward_options ${LAYER_DEPENDS} ${LAYER_PUBLIC})
endfunction()
