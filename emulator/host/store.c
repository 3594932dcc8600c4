/* store.c - the services of apigw/collections.h. What does the work is a module with a database engine in it, which is
 * loaded, and its file opened, when a handler first asks for something: environments that never do start without it.
 *
 * A file that somebody has removed meanwhile is made anew. One that cannot be opened is an error of each call. */
#include "host/store.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "src/caller.h"
#include "src/store_services.h"

/* Where the module is, from where this program is: in a build tree, or installed. */
static const char *const places[] = {"apigw-store.so", "../" APIGW_LIBDIR "/apigw/apigw-store.so"};

static struct {
    const struct store_module *module;
    struct store *store;
    bool busy; /* a signal handler of the plugin's may come in between */
} the_store;

/* ---- getting ready ---- */

__attribute__((format(printf, 2, 3))) static int refuse(struct apigw_context *context, const char *format, ...)
{
    CLEANUP(buf_fini) struct buf line = {0};
    va_list args;

    va_start(args, format);
    buf_vprintf(&line, format, args);
    va_end(args);
    apigw_log(context, APIGW_LOG_ERROR, apigw_span_of(line.ptr, line.len));
    return APIGW_FAILED;
}

static char *module_path(void)
{
    char program[PATH_MAX];
    const ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);

    if (len <= 0)
        return NULL;
    program[len] = '\0';
    *strrchr(program, '/') = '\0';
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        CLEANUP(free) char *path = mem_printf("%s/%s", program, places[i]);

        if (access(path, R_OK) == 0)
            return TAKE(path);
    }
    return NULL;
}

static int load_module(struct apigw_context *context)
{
    CLEANUP(free) char *path = module_path();
    const struct store_module *const *table;
    void *object;

    if (!path)
        return refuse(context, "collections: %s is not beside apigw-host (install apigw again)", places[0]);
    object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!object)
        return refuse(context, "collections: %s (install apigw again)", dlerror());
    table = dlsym(object, STORE_MODULE_SYMBOL);
    if (!table || (*table)->version != STORE_MODULE_VERSION)
        return refuse(context, "collections: %s is of another version of apigw (install apigw again)", path);
    the_store.module = *table;
    return APIGW_OK;
}

static int open_store(struct apigw_context *context)
{
    CLEANUP(buf_fini) struct buf error = {0};
    const char *path = getenv("APIGW_STORE");

    if (!path || !*path)
        return refuse(context, "collections: the environment variable APIGW_STORE is not set");
    if (the_store.module->open(path, &the_store.store, &error) == APIGW_OK)
        return APIGW_OK;
    return refuse(context, "collections: %s", buf_terminate(&error));
}

static int make_ready(struct apigw_context *context)
{
    if (!the_store.module && load_module(context) < 0)
        return APIGW_FAILED;
    if (the_store.store && !the_store.module->is_current(the_store.store))
        host_store_close();
    return the_store.store ? APIGW_OK : open_store(context);
}

int store_enter(struct apigw_context *context, struct store_access *ret)
{
    if (!caller_of(context) || the_store.busy)
        return APIGW_FAILED;
    the_store.busy = true;
    if (make_ready(context) < 0) {
        the_store.busy = false;
        return APIGW_FAILED;
    }
    *ret = (struct store_access){the_store.module, the_store.store};
    return APIGW_OK;
}

void store_leave(struct apigw_context *context)
{
    the_store.busy = false;
}

void host_store_close(void)
{
    if (the_store.store)
        the_store.module->close(TAKE(the_store.store));
}
