/* plugin_image.c - copies a plugin file into sealed memfds, and knows when a copy is out of date. */
#include "function/plugin_image.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

/* A memfd's name is at most 249 bytes. */
#define NAME_SIZE 250
/* A file that is being written while it is copied is copied again, so often. */
#define COPIES_MAX 3

struct plugin_image {
    char *path;
    struct plugin_copy *copy; /* the last; NULL: none yet */
    uint64_t copies;
    bool warned;
    struct stat of; /* the file that was copied */
    struct loop_file *watch;
};

struct plugin_copy *plugin_copy_ref(struct plugin_copy *copy)
{
    copy->refs++;
    return copy;
}

void plugin_copy_unref(struct plugin_copy *copy)
{
    if (!copy || --copy->refs > 0)
        return;
    close(copy->fd);
    free(copy);
}

struct plugin_image *plugin_image_new(const char *path)
{
    struct plugin_image *image = mem_zalloc(sizeof(*image));

    image->path = mem_strdup(path);
    return image;
}

void plugin_image_free(struct plugin_image *image)
{
    if (!image)
        return;
    loop_file_free(image->watch);
    plugin_copy_unref(image->copy);
    free(image->path);
    free(image);
}

void plugin_image_watch(struct plugin_image *image, struct loop *loop, loop_timer_fn *on_changed, void *arg)
{
    image->watch = loop_file_new(loop, image->path, PLUGIN_SETTLE_MS, on_changed, arg);
    if (!image->watch)
        log_warn(LOG_FUNCTION, "%s: is not watched for changes: %s", image->path, strerror(errno));
}

const char *plugin_image_path(const struct plugin_image *image)
{
    return image->path;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* The memory is named after the file, so that backtraces and debuggers show which plugin it is. */
static int make_memory(const char *path)
{
    const char *slash = strrchr(path, '/');
    char name[NAME_SIZE] = {0};

    strncpy(name, slash ? slash + 1 : path, sizeof(name) - 1);
    return memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

static int copy_bytes(int from, int to, off_t size)
{
    off_t at = 0;

    while (at < size) {
        ssize_t n = sendfile(to, from, &at, (size_t)(size - at));
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            return 0; /* it was cut short; the caller sees that it has changed */
    }
    return 0;
}

/* A sealed copy of the open file `from`, or -errno. */
static int copy_file(const char *path, int from, off_t size)
{
    int to = make_memory(path);
    int r;

    if (to < 0)
        return -errno;
    r = copy_bytes(from, to, size);
    if (r == 0 && fcntl(to, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
        r = -errno;
    if (r < 0) {
        close(to);
        return r;
    }
    return to;
}

static int refuse_file(const char *path, const struct stat *st, struct buf *ret_error)
{
    if (!S_ISREG(st->st_mode))
        buf_printf(ret_error, "%s is not a file", path);
    else if (st->st_size == 0)
        buf_printf(ret_error, "%s is empty", path);
    else if (st->st_size > (off_t)PLUGIN_IMAGE_BYTES_MAX)
        buf_printf(ret_error, "%s is larger than %u MB", path, PLUGIN_IMAGE_BYTES_MAX / (1024 * 1024));
    else
        return 0;
    return -1;
}

static void take_copy(struct plugin_image *image, int fd, const struct stat *of)
{
    plugin_copy_unref(image->copy);
    image->copy = mem_zalloc(sizeof(*image->copy));
    *image->copy = (struct plugin_copy){.refs = 1, .fd = fd, .serial = ++image->copies};
    image->of = *of;
}

/* Makes a new copy if the file differs from what was copied. */
static int refresh(struct plugin_image *image, int file, struct buf *ret_error)
{
    struct stat before, after;

    if (fstat(file, &after) < 0) {
        buf_printf(ret_error, "cannot look at %s: %s", image->path, strerror(errno));
        return -1;
    }
    for (int copies = 0; copies < COPIES_MAX && !(image->copy && same_file(&image->of, &after)); copies++) {
        int fd;
        before = after;
        if (refuse_file(image->path, &before, ret_error) < 0)
            return -1;
        fd = copy_file(image->path, file, before.st_size);
        if (fd < 0) {
            buf_printf(ret_error, "cannot copy %s: %s", image->path, strerror(-fd));
            return -1;
        }
        take_copy(image, fd, &before);
        if (fstat(file, &after) < 0)
            break;
    }
    return 0;
}

static int open_and_refresh(struct plugin_image *image, struct buf *ret_error)
{
    /* Not blocking, in case somebody has put a pipe there. */
    int file = open(image->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int r;

    if (file < 0) {
        buf_printf(ret_error, "cannot open %s: %s", image->path, strerror(errno));
        return -1;
    }
    r = refresh(image, file, ret_error);
    close(file);
    return r;
}

struct plugin_copy *plugin_image_copy(struct plugin_image *image, struct buf *ret_error)
{
    CLEANUP(buf_fini) struct buf error = {0};

    if (open_and_refresh(image, &error) == 0) {
        image->warned = false;
        return plugin_copy_ref(image->copy);
    }
    if (!image->copy) {
        buf_append(ret_error, buf_span(&error));
        return NULL;
    }
    if (!image->warned)
        log_warn(LOG_FUNCTION, SPAN_FMT "; environments go on with the copy made before", SPAN_ARG(buf_span(&error)));
    image->warned = true;
    return plugin_copy_ref(image->copy);
}
