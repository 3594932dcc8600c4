# ApigwPlugin.cmake - how plugins are built: those in this repository, and, installed with the SDK, everybody's.
#
#   find_package(apigw-sdk REQUIRED)
#   apigw_add_plugin(chat chat.c)
#
# makes chat.so: a module without "lib" in front, of which only its datum is visible, and whose missing functions are
# found by the linker. It is a target like any other: link what it needs with target_link_libraries(chat PRIVATE …).

# apigw_add_plugin(NAME FILE…)
function(apigw_add_plugin name)
  if(NOT ARGN)
    message(FATAL_ERROR "apigw_add_plugin(${name}): which source files?")
  endif()
  add_library(${name} MODULE ${ARGN})
  set_target_properties(${name} PROPERTIES
    PREFIX ""
    C_VISIBILITY_PRESET hidden
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON)
  target_link_libraries(${name} PRIVATE apigw::sdk)
  # The functions of a sanitizer are in the program that loads a plugin, not in the plugin.
  if(NOT APIGW_SANITIZE AND NOT "${CMAKE_C_FLAGS} ${CMAKE_CXX_FLAGS}" MATCHES "-fsanitize")
    target_link_options(${name} PRIVATE -Wl,-z,defs)
  endif()
endfunction()
