/* wrapper.c - see wrapper.h. */
#include "config/wrapper.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static bool is_program(const char *path)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return false;
    if (!S_ISREG(st.st_mode)) {
        errno = EACCES;
        return false;
    }
    return access(path, X_OK) == 0;
}

/* In the folders of PATH, where an empty one is the working directory; or NULL. */
static char *search_path(const char *name)
{
    const char *at = getenv("PATH");

    while (at && *name) {
        size_t len = strcspn(at, ":");
        char *path = mem_printf("%.*s%s%s", (int)len, at, len ? "/" : "./", name);
        if (is_program(path))
            return path;
        free(path);
        at = at[len] ? at + len + 1 : NULL;
    }
    return NULL;
}

static char *find_program(const char *name, const char *folder, struct buf *ret_error)
{
    char *path;

    if (!strchr(name, '/')) {
        path = search_path(name);
        if (!path)
            buf_printf(ret_error, "there is no program \"%s\" in PATH", name);
        return path;
    }
    path = name[0] == '/' ? mem_strdup(name) : mem_printf("%s/%s", folder, name);
    if (is_program(path))
        return path;
    buf_printf(ret_error, "\"%s\" cannot be run: %s", name, strerror(errno));
    free(path);
    return NULL;
}

/* Where a handler's process works is not for a path to depend on. */
static char *absolute(char *path)
{
    char *real = path[0] == '/' ? NULL : realpath(path, NULL);

    if (!real)
        return path;
    free(path);
    return real;
}

int wrapper_parse(const char *text, const char *folder, struct words *ret, struct buf *ret_error)
{
    CLEANUP(words_fini) struct words words = {0};
    const char *wrong;
    char *program;

    if (words_split(text, &words, &wrong) < 0) {
        buf_append_str(ret_error, wrong);
        return -1;
    }
    if (words.count == 0) {
        buf_append_str(ret_error, "there is no command in it");
        return -1;
    }
    program = find_program(words.items[0], folder, ret_error);
    if (!program)
        return -1;
    free(words.items[0]);
    words.items[0] = absolute(program);
    *ret = words;
    words = (struct words){0};
    return 0;
}

void wrapper_suspend_limits(struct config_function *function)
{
    function->concurrency = 1;
    if (function->provisioned > 1)
        function->provisioned = 1;
    function->timeout_ms = function->idle_timeout_ms = CONFIG_WRAPPED_TIMEOUT_MS;
}

int config_wrap(struct config *c, const char *text, struct buf *ret_error)
{
    for (size_t i = 0; i < c->function_count; i++) {
        struct words words;
        if (wrapper_parse(text, ".", &words, ret_error) < 0)
            return -1;
        words_fini(&c->functions[i].wrap);
        c->functions[i].wrap = words;
        wrapper_suspend_limits(&c->functions[i]);
    }
    return 0;
}

bool config_function_is_wrapped(const struct config_function *function)
{
    return function->wrap.count > 0;
}
