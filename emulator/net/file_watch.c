/* file_watch.c - files that are watched for changes: the folder is, by libuv, for editors and linkers put a new file in
 * the place of the old one. */
#include <errno.h>
#include <uv.h>

#include "base/mem.h"
#include "base/span.h"
#include "net/loop.h"

struct loop_file {
    uv_fs_event_t handle;
    char *name; /* in its folder */
    struct loop_timer *settling;
    unsigned settle_ms;
    loop_timer_fn *on_changed;
    void *arg;
};

static void on_settled(void *arg)
{
    struct loop_file *file = arg;

    file->on_changed(file->arg);
}

/* Without a name it is not known which file it was, so it may have been ours. */
static void on_event(uv_fs_event_t *handle, const char *name, int events, int status)
{
    struct loop_file *file = handle->data;

    if (!name || strcmp(name, file->name) == 0)
        loop_timer_start(file->settling, file->settle_ms);
}

static void free_file(uv_handle_t *handle)
{
    struct loop_file *file = handle->data;

    free(file->name);
    free(file);
}

struct loop_file *loop_file_new(struct loop *loop, const char *path, unsigned settle_ms, loop_timer_fn *on_changed,
                                void *arg)
{
    const char *slash = strrchr(path, '/');
    CLEANUP(free) char *folder = slash ? mem_printf("%.*s", (int)(slash - path + 1), path) : mem_strdup(".");
    struct loop_file *file = mem_zalloc(sizeof(*file));
    int r;

    file->handle.data = file;
    file->name = mem_strdup(slash ? slash + 1 : path);
    file->settle_ms = settle_ms;
    file->on_changed = on_changed;
    file->arg = arg;
    file->settling = loop_timer_new(loop, on_settled, file);
    uv_fs_event_init(loop_uv(loop), &file->handle);
    r = uv_fs_event_start(&file->handle, on_event, folder, 0);
    if (r == 0) {
        uv_unref((uv_handle_t *)&file->handle); /* does not keep the loop running */
        return file;
    }
    loop_file_free(file);
    errno = -r;
    return NULL;
}

void loop_file_free(struct loop_file *file)
{
    if (!file)
        return;
    loop_timer_free(file->settling);
    uv_close((uv_handle_t *)&file->handle, free_file);
}
