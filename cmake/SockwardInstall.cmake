# What `cmake --install` puts where (GNU directories), and the Debian package that cpack makes of it.
set(packaging ${CMAKE_SOURCE_DIR}/packaging)
set(made ${CMAKE_BINARY_DIR}/packaging)

# The annotated settings without the words on top, as text that troff shows as it is.
file(READ ${packaging}/config/sockward.yml SETTINGS)
string(REGEX REPLACE "^.*\n#\n# " "" SETTINGS "${SETTINGS}")
string(REGEX REPLACE "\n# ?" "\n" SETTINGS "${SETTINGS}")
string(REPLACE "\\" "\\e" SETTINGS "${SETTINGS}")
string(REPLACE "-" "\\-" SETTINGS "${SETTINGS}")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${packaging}/config/sockward.yml)

configure_file(${packaging}/man/sockward.1.in ${made}/sockward.1 @ONLY)
configure_file(${packaging}/man/sockward.yml.5.in ${made}/sockward.yml.5 @ONLY)
configure_file(${packaging}/systemd/sockward.service.in ${made}/sockward.service @ONLY)
configure_file(${packaging}/debian/changelog.in ${made}/changelog @ONLY)
foreach(script postinst prerm postrm)
  configure_file(${packaging}/debian/${script}.in ${made}/${script} @ONLY FILE_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
endforeach()
file(CONFIGURE OUTPUT ${made}/conffiles
  CONTENT "${CMAKE_INSTALL_FULL_SYSCONFDIR}/sockward/sockward.yml\n" @ONLY)

# Manuals and the changelog go in compressed, without a time of day in them.
find_program(GZIP gzip REQUIRED)
function(install_compressed source destination name)
  set(packed ${made}/${name}.gz)
  add_custom_command(OUTPUT ${packed} COMMAND ${GZIP} -9nc ${source} > ${packed} DEPENDS ${source} VERBATIM)
  set_property(GLOBAL APPEND PROPERTY sockward_packed ${packed})
  install(FILES ${packed} DESTINATION ${destination})
endfunction()
install_compressed(${made}/sockward.1 ${CMAKE_INSTALL_MANDIR}/man1 sockward.1)
install_compressed(${made}/sockward.yml.5 ${CMAKE_INSTALL_MANDIR}/man5 sockward.yml.5)
install_compressed(${made}/changelog ${CMAKE_INSTALL_DOCDIR} changelog)
get_property(packed GLOBAL PROPERTY sockward_packed)
add_custom_target(packed_documents ALL DEPENDS ${packed})

install(FILES ${packaging}/config/sockward.yml DESTINATION ${CMAKE_INSTALL_FULL_SYSCONFDIR}/sockward)
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  set(units /lib/systemd/system)  # where Debian 12 has them
else()
  set(units ${CMAKE_INSTALL_PREFIX}/lib/systemd/system)
endif()
install(FILES ${made}/sockward.service DESTINATION ${units})
install(FILES ${packaging}/systemd/sockward.sysusers DESTINATION ${CMAKE_INSTALL_PREFIX}/lib/sysusers.d
  RENAME sockward.conf)
install(FILES ${packaging}/systemd/sockward.catalog DESTINATION ${CMAKE_INSTALL_PREFIX}/lib/systemd/catalog)
install(FILES ${packaging}/completions/sockward.bash RENAME sockward
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${packaging}/completions/_sockward
  DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
install(FILES ${packaging}/completions/sockward.fish
  DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/dashboards/ DESTINATION ${CMAKE_INSTALL_DATADIR}/sockward)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} PATTERN pictures EXCLUDE)
install(FILES ${packaging}/debian/copyright ${CMAKE_SOURCE_DIR}/CHANGELOG.md
  DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_VENDOR sockward)
set(CPACK_PACKAGE_CONTACT "sockward maintainers <maintainers@sockward.example>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "say why a socket could not be bound, and who renamed the host")
string(JOIN "\n" CPACK_PACKAGE_DESCRIPTION
  "An agent fed by eBPF that watches bind, connect, unlink, sethostname and"
  "their relatives, finds the root cause of what failed (the holder of an"
  "address, a stale socket file, a directory that refuses, a name too long,"
  "a refused symbolic link) and exports Prometheus metrics, JSON records and"
  "alerts.")
set(CPACK_STRIP_FILES ON)
set(CPACK_SET_DESTDIR ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "init-system-helpers (>= 1.54~)")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${made}/postinst ${made}/prerm ${made}/postrm ${made}/conffiles)
set(CPACK_INSTALL_CMAKE_PROJECTS "${CMAKE_BINARY_DIR};${PROJECT_NAME};ALL;/")
include(CPack)
