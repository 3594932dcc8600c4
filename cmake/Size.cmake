# Size.cmake - what makes programs smaller and quicker to load without making them slower.
include(CheckLinkerFlag)
include(CheckCSourceCompiles)

# Functions that nobody calls are left out; so are the paddings that keep code and constants on pages of their own.
add_compile_options(-ffunction-sections -fdata-sections)
add_link_options(-Wl,--gc-sections -Wl,-z,noseparate-code)

# Relocations of addresses in the program itself: a bit or two for each in place of 24 bytes. The loader must know them.
check_c_source_compiles("#include <features.h>
#if !__GLIBC_PREREQ(2, 36)
#error too old
#endif
int main(void) { return 0; }" APIGW_LOADER_HAS_RELR)
check_linker_flag(C -Wl,-z,pack-relative-relocs APIGW_LINKER_HAS_RELR)
if(APIGW_LOADER_HAS_RELR AND APIGW_LINKER_HAS_RELR)
  add_link_options(-Wl,-z,pack-relative-relocs)
endif()

# Tables for unwinding a program that is stripped: with debug information there are others. Not for what is on the stack
# when a handler faults.
function(apigw_omit_unwind_tables target)
  if(NOT APIGW_SANITIZE)
    target_compile_options(${target} PRIVATE -fno-asynchronous-unwind-tables)
  endif()
endfunction()

# What runs once, and not for each message or handshake.
function(apigw_cold_sources)
  set_property(SOURCE ${ARGN} APPEND PROPERTY COMPILE_OPTIONS $<$<CONFIG:RelWithDebInfo,Release>:-Os>)
endfunction()
