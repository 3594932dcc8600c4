/* templates.h - the projects that `apigw new` makes: the files of sdk/templates, which the build puts into the program
 * (cmake/EmbedTemplates.cmake). */
#ifndef CLI_TEMPLATES_H
#define CLI_TEMPLATES_H

#include <stddef.h>

/* What stands for the project's name: in a path, and in a text. */
#define TEMPLATE_PATH_NAME "NAME"
#define TEMPLATE_TEXT_NAME "@NAME@"

struct template_file {
    const char *path;          /* in the project, at most one folder deep */
    const unsigned char *data; /* not terminated */
    size_t size;
};

struct project_template {
    const char *name;
    const struct template_file *files;
    size_t file_count;
};

/* All templates, in the order of their names; static. */
const struct project_template *templates_all(size_t *ret_count);

#endif
