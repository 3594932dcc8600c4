# Package.cmake - what an installation has beside programs and SDK, and the .deb that `./dev package` makes of it.
set(APIGW_MAINTAINER "The apigw maintainers <maintainers@apigw.example>" CACHE STRING "Who the package is from")

# The release's day, or while it is not released the beginning of the year of its files: never the clock, so that two
# builds of the same sources are the same bytes.
set(APIGW_RELEASE_DATE "Thu, 01 Jan 2026 00:00:00 +0000")

set(doc_dir ${CMAKE_INSTALL_DATADIR}/doc/apigw)
set(packed_dir ${CMAKE_BINARY_DIR}/packaging)
configure_file(packaging/changelog.in ${packed_dir}/changelog @ONLY)

# pack(FILE NAME): FILE as NAME.gz among the documents.
function(apigw_pack file name)
  add_custom_command(OUTPUT ${packed_dir}/${name}.gz COMMAND ${GZIP} -9nc ${file} > ${packed_dir}/${name}.gz
    DEPENDS ${file} VERBATIM)
  install(FILES ${packed_dir}/${name}.gz DESTINATION ${doc_dir})
endfunction()
find_program(GZIP gzip REQUIRED)
apigw_pack(${packed_dir}/changelog changelog)
apigw_pack(${PROJECT_SOURCE_DIR}/CHANGELOG.md CHANGELOG.md)
add_custom_target(documents ALL DEPENDS ${packed_dir}/changelog.gz ${packed_dir}/CHANGELOG.md.gz)

install(FILES routes.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/apigw)
install(FILES packaging/copyright README.md DESTINATION ${doc_dir})
install(FILES docs/abi.md docs/cli.md docs/configuration.md docs/fidelity.md docs/inspection.md docs/logs.md docs/metrics.md docs/plugin-guide.md docs/tls.md DESTINATION ${doc_dir}/docs)
# The chat has the configuration that ./dev run serves.
install(FILES plugins/README.md DESTINATION ${doc_dir}/examples)
install(FILES routes.json DESTINATION ${doc_dir}/examples/chat)
foreach(example ${APIGW_EXAMPLES})
  install(DIRECTORY plugins/${example} DESTINATION ${doc_dir}/examples USE_SOURCE_PERMISSIONS)
endforeach()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME apigw)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "${APIGW_MAINTAINER}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "AWS API Gateway WebSocket APIs on your machine")
set(CPACK_PACKAGE_DESCRIPTION
"Serves an AWS API Gateway WebSocket API from one file, without an account,
Docker or the network. Handlers are written in C, or in anything that exports
a C symbol, and called as on AWS Lambda; they, and any AWS SDK, push to
clients through @connections. It answers as AWS does: events, error frames,
close codes, limits.
.
The package has the emulator, its plugins, and the SDK for writing handlers,
with packages for CMake and pkg-config.")
set(CPACK_PACKAGE_CHECKSUM SHA256)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Neither is linked with: libwebsockets loads its loop on libuv by itself, and apigw loads libmicrohttpd.
string(REGEX REPLACE "\\.so\\." "" microhttpd_package "${MICROHTTPD_SONAME}")
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libwebsockets-evlib-uv, ${microhttpd_package}")
# For what `apigw new` makes.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "gcc | c-compiler, libc6-dev, libsqlite3-dev, cmake, pkg-config, python3-websocket")

include(CPack)
