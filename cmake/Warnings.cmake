# The warnings of every target of ours. APIGW_WERROR makes them errors, as ./dev and CI do.
option(APIGW_WERROR "Treat warnings as errors" OFF)

add_compile_options(
  -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpointer-arith
  -Wwrite-strings -Wformat=2 -Wundef -Wno-unused-parameter
  -fstack-protector-strong)
if(APIGW_WERROR)
  add_compile_options(-Werror)
endif()
