/* new.c - apigw new: a project to begin with, made of a template. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/templates.h"
#include "config/config.h"

#define NAME_BYTES_MAX 64 /* of a Lambda function's name */
#define TEMPLATES_MAX 16
#define DEFAULT_TEMPLATE "echo"

/* ---- the command line ---- */

enum option_id { OPTION_TEMPLATE = 256, OPTION_HELP };

static const struct option long_options[] = {
    {"template", required_argument, NULL, OPTION_TEMPLATE},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

/* NULL after having said that there is none. */
static const struct project_template *find_template(const struct cli_command *self, const char *name)
{
    const char *names[TEMPLATES_MAX], *nearest;
    size_t count;
    const struct project_template *all = templates_all(&count);

    for (size_t i = 0; i < count; i++)
        if (strcmp(all[i].name, name) == 0)
            return &all[i];
    if (count > TEMPLATES_MAX)
        count = TEMPLATES_MAX;
    for (size_t i = 0; i < count; i++)
        names[i] = all[i].name;
    nearest = config_nearest(span_of_str(name), names, count);
    if (nearest)
        cli_usage_error(self, "there is no template '%s'; did you mean '%s'?", name, nearest);
    else
        cli_usage_error(self, "there is no template '%s'", name);
    return NULL;
}

/* Names of targets that the build has without us, or that the template's CMakeLists.txt has. */
static const char *const reserved_names[] = {
    "all",     "clean",          "edit_cache", "help",          "install", "list_install_components",
    "package", "package_source", "preinstall", "rebuild_cache", "test",    "unit_test",
};

static int check_name(const struct cli_command *self, const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    const size_t len = strlen(name);

    if (len == 0 || len > NAME_BYTES_MAX || !strchr(letters, name[0]) || strspn(name, allowed) != len)
        return cli_usage_error(self, "'%s' cannot be a name: 1 to %d letters, digits, '-' and '_', a letter first",
                               name, NAME_BYTES_MAX);
    for (size_t i = 0; i < sizeof(reserved_names) / sizeof(reserved_names[0]); i++)
        if (strcmp(name, reserved_names[i]) == 0)
            return cli_usage_error(self, "'%s' cannot be a name: the build has a target of this name", name);
    return CLI_OK;
}

/* ---- the files ---- */

/* A project that is being made, and what of it there is to remove again. */
struct project {
    const char *name;
    const struct project_template *template;
    int folder; /* open; -1: not made */
    size_t made;
};

/* Appends `text` with the project's name wherever `placeholder` stands. */
static void fill_in(struct buf *out, struct span text, struct span placeholder, const char *name)
{
    const char *at;

    while (text.len > 0 && (at = memmem(text.ptr, text.len, placeholder.ptr, placeholder.len))) {
        const size_t before = (size_t)(at - text.ptr);

        buf_append(out, span_of(text.ptr, before));
        buf_append_str(out, name);
        text = span_from(text, before + placeholder.len);
    }
    buf_append(out, text);
}

static const char *path_of(struct buf *out, const struct project *p, const struct template_file *file)
{
    fill_in(out, span_of_str(file->path), SPAN(TEMPLATE_PATH_NAME), p->name);
    return buf_terminate(out);
}

/* The folder of a path, if it has one, is made with its first file. */
static int make_folder_of(int folder, const char *path)
{
    const char *slash = strchr(path, '/');
    CLEANUP(free) char *name = slash ? mem_span_dup(span_of(path, (size_t)(slash - path))) : NULL;

    return !name || mkdirat(folder, name, 0777) == 0 || errno == EEXIST ? 0 : -1;
}

static int write_all(int fd, struct span text)
{
    while (text.len > 0) {
        const ssize_t n = write(fd, text.ptr, text.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        text = span_from(text, (size_t)n);
    }
    return 0;
}

/* 0; or -1 after having said why. */
static int make_file(struct project *p, const struct template_file *file)
{
    CLEANUP(buf_fini) struct buf path = {0}, text = {0};
    const char *where = path_of(&path, p, file);
    int fd = -1, error = 0;

    fill_in(&text, span_of((const char *)file->data, file->size), SPAN(TEMPLATE_TEXT_NAME), p->name);
    if (make_folder_of(p->folder, where) == 0)
        fd = openat(p->folder, where, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        error = errno;
    else
        p->made++;
    if (fd >= 0 && write_all(fd, buf_span(&text)) < 0)
        error = errno;
    if (fd >= 0 && close(fd) < 0 && !error)
        error = errno;
    if (error)
        fprintf(stderr, "apigw new: %s/%s: %s\n", p->name, where, strerror(error));
    return error ? -1 : 0;
}

static int make_files(struct project *p)
{
    for (size_t i = 0; i < p->template->file_count; i++)
        if (make_file(p, &p->template->files[i]) < 0)
            return -1;
    return 0;
}

/* What was made goes again, and nothing else: a folder that has something else in it stays. */
static void remove_made(const struct project *p)
{
    for (size_t i = 0; i <= p->made && i < p->template->file_count; i++) {
        CLEANUP(buf_fini) struct buf path = {0};
        CLEANUP(free) char *where = mem_strdup(path_of(&path, p, &p->template->files[i]));
        char *slash = strchr(where, '/');

        if (i < p->made)
            unlinkat(p->folder, where, 0);
        if (slash) {
            *slash = '\0';
            unlinkat(p->folder, where, AT_REMOVEDIR);
        }
    }
    rmdir(p->name);
}

static int make_project(struct project *p)
{
    if (mkdir(p->name, 0777) < 0) {
        if (errno == EEXIST)
            fprintf(stderr, "apigw new: '%s' is there already; choose another name, or remove it\n", p->name);
        else
            fprintf(stderr, "apigw new: %s: %s\n", p->name, strerror(errno));
        return CLI_FAILED;
    }
    p->folder = open(p->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (p->folder < 0) {
        fprintf(stderr, "apigw new: %s: %s\n", p->name, strerror(errno));
        rmdir(p->name);
        return CLI_FAILED;
    }
    if (make_files(p) < 0) {
        remove_made(p);
        close(p->folder);
        return CLI_FAILED;
    }
    close(p->folder);
    return CLI_OK;
}

static void print_next_steps(const struct project *p)
{
    printf("Made %s/ from the template %s. Its README.md says what is in it. Next:\n"
           "\n"
           "  cd %s\n"
           "  cmake -B build && cmake --build build\n"
           "  ctest --test-dir build --output-on-failure\n"
           "  apigw run\n",
           p->name, p->template->name, p->name);
}

static int new (const struct cli_command *self, int argc, char **argv)
{
    const char *template_name = DEFAULT_TEMPLATE;
    struct project p = {.folder = -1};
    int id;

    optind = 0;
    while ((id = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
        switch (id) {
        case OPTION_HELP: fputs(self->help, stdout); return CLI_OK;
        case OPTION_TEMPLATE: template_name = optarg; break;
        case ':': return cli_usage_error(self, "%s needs a value", argv[optind - 1]);
        default: return cli_usage_error(self, "there is no option '%s'", argv[optind - 1]);
        }
    }
    if (optind >= argc)
        return cli_usage_error(self, "what shall it be called? apigw new NAME");
    if (argc - optind > 1)
        return cli_usage_error(self, "one NAME at a time; '%s' is another", argv[optind + 1]);
    p.name = argv[optind];
    p.template = check_name(self, p.name) == CLI_OK ? find_template(self, template_name) : NULL;
    if (!p.template)
        return CLI_USAGE;
    if (make_project(&p) != CLI_OK)
        return CLI_FAILED;
    print_next_steps(&p);
    return CLI_OK;
}

const struct cli_command cli_new = {
    .name = "new",
    .summary = "make a project: a plugin with its configuration and its tests",
    .help = "Usage: apigw new [--template TEMPLATE] NAME\n"
            "Makes a folder NAME with a plugin, its routes.json, a unit test, an integration\n"
            "test and a CMakeLists.txt. It builds, passes its tests and runs as it is.\n"
            "\n"
            "      --template TEMPLATE  what to begin with:\n"
            "                             echo        each message goes back (default)\n"
            "                             chat        each message goes to all other clients\n"
            "                             authorizer  only those with the right token get in\n"
            "      --help               show this help\n"
            "\n"
            "NAME has 1 to 64 letters, digits, '-' and '_', a letter first.\n"
            "\n"
            "Exit status: 0; 1 if the folder is there already or cannot be made; 2 if the\n"
            "command line is wrong.\n",
    .run = new,
};
