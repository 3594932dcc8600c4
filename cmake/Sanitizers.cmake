# APIGW_SANITIZE=address,undefined builds everything, plugins included, with those sanitizers.
set(APIGW_SANITIZE "" CACHE STRING "Sanitizers to build with, as in -fsanitize=")

if(APIGW_SANITIZE)
  add_compile_options(-fsanitize=${APIGW_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${APIGW_SANITIZE})
endif()
