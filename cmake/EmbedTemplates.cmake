# EmbedTemplates.cmake - the projects that `apigw new` makes, as a C file: what cli/templates.h declares.
#
#   cmake -DFOLDER=sdk/templates -DOUTPUT=templates.c -P EmbedTemplates.cmake
#
# Each folder in FOLDER is a template. The files of `every` are in every one.
set(arrays "")
set(tables "")
set(list "")

function(embed path symbol)
  file(READ ${path} bytes HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
  string(REGEX REPLACE "(....................................................................................................)"
    "\\1\n    " bytes "${bytes}")
  set(arrays "${arrays}static const unsigned char ${symbol}[] = {\n    ${bytes}\n};\n" PARENT_SCOPE)
endfunction()

file(GLOB templates RELATIVE ${FOLDER} ${FOLDER}/*)
list(SORT templates)
foreach(template every ${templates})
  if(template STREQUAL every AND shared_files)
    continue()
  endif()
  file(GLOB_RECURSE files RELATIVE ${FOLDER}/${template} ${FOLDER}/${template}/*)
  list(SORT files)
  set(entries "")
  foreach(file ${files})
    string(MAKE_C_IDENTIFIER "${template}_${file}" symbol)
    embed(${FOLDER}/${template}/${file} ${symbol})
    string(APPEND entries "    {\"${file}\", ${symbol}, sizeof(${symbol})},\n")
  endforeach()
  if(template STREQUAL every)
    set(shared_files "${entries}")
  else()
    string(APPEND tables "static const struct template_file ${template}_files[] = {\n${shared_files}${entries}};\n")
    string(APPEND list
      "    {\"${template}\", ${template}_files, sizeof(${template}_files) / sizeof(${template}_files[0])},\n")
  endif()
endforeach()

file(WRITE ${OUTPUT} "/* Made of ${FOLDER} by cmake/EmbedTemplates.cmake. */
#include \"cli/templates.h\"

${arrays}
${tables}
static const struct project_template templates[] = {
${list}};

const struct project_template *templates_all(size_t *ret_count)
{
    *ret_count = sizeof(templates) / sizeof(templates[0]);
    return templates;
}
")
