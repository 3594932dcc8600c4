# APIGW_SANITIZE=address,undefined builds everything, plugins included, with those sanitizers.
# APIGW_FUZZ, with clang, lets libFuzzer see which code an input reaches: tests/fuzz.
set(APIGW_SANITIZE "" CACHE STRING "Sanitizers to build with, as in -fsanitize=")
option(APIGW_FUZZ "Build the fuzz targets for libFuzzer" OFF)

if(APIGW_SANITIZE)
  add_compile_options(-fsanitize=${APIGW_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${APIGW_SANITIZE})
endif()

if(APIGW_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
