/* running.c - see running.h. */
#include "client/running.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/runtime_folder.h"
#include "cli/input.h"
#include "client/url.h"

#define READY_FILE_MAX (256u * 1024)
#define ENTRIES_MAX 1000 /* of the folder that are looked at */

static char *text_member(struct json_value object, const char *name)
{
    CLEANUP(buf_fini) struct buf text = {0};
    struct json_value value;

    if (!json_get(object, span_of_str(name), &value) || value.type != JSON_STRING)
        return NULL;
    json_unescape(value, &text);
    return mem_span_dup(buf_span(&text));
}

static void running_free(struct running *r)
{
    free(r->api);
    free(r->api_id);
    free(r->stage);
    free(r->websocket);
    free(r->place);
}

/* What all that is in one file has in common. */
struct process {
    int64_t pid;
    char *place;
};

static void add(struct running_list *list, const struct process *process, struct json_value api,
                struct json_value stage)
{
    struct running r = {.pid = process->pid,
                        .api = text_member(api, "name"),
                        .api_id = text_member(api, "apiId"),
                        .stage = text_member(stage, "name"),
                        .websocket = text_member(stage, "websocket"),
                        .place = mem_strdup(process->place)};

    if (!r.websocket || list->count == RUNNING_MAX) {
        running_free(&r);
        return;
    }
    list->items = mem_realloc(list->items, (list->count + 1) * sizeof(r));
    list->items[list->count++] = r;
}

static void add_api(struct running_list *list, const struct process *process, struct json_value api)
{
    struct json_value stages, stage;
    struct json_iter it;
    struct span key;

    if (!json_get(api, SPAN("stages"), &stages) || stages.type != JSON_ARRAY)
        return;
    json_iter_init(&it, stages);
    while (json_iter_next(&it, &key, &stage))
        add(list, process, api, stage);
}

/* An address that it listens on says where it is; a name may be one that nobody but the emulator knows. */
static char *place_of(struct json_value root)
{
    CLEANUP(free) char *websocket = text_member(root, "websocket");
    CLEANUP(buf_fini) struct buf error = {0};
    CLEANUP(url_fini) struct url url = {0};
    struct json_value value;
    int64_t port = 0;

    if (websocket && url_parse(websocket, URL_WEBSOCKET, &url, &error) == 0 &&
        (url.host[0] == '[' || !url.host[strspn(url.host, "0123456789.")]))
        return mem_printf("%s:%s", url.host, url.port);
    if (json_get(root, SPAN("port"), &value))
        json_int_value(value, &port);
    return mem_printf("127.0.0.1:%u", (unsigned)(port & 0xffff));
}

/* False: it is no ready file. */
static bool parse(struct span text, struct running_list *ret)
{
    const size_t before = ret->count;
    struct process process = {0};
    struct json_value root, value, api;
    struct json_iter it;
    struct span key;

    if (json_parse(text, &root, NULL) < 0 || root.type != JSON_OBJECT)
        return false;
    if (json_get(root, SPAN("pid"), &value))
        json_int_value(value, &process.pid);
    process.place = place_of(root);
    if (json_get(root, SPAN("apis"), &value) && value.type == JSON_ARRAY) {
        json_iter_init(&it, value);
        while (json_iter_next(&it, &key, &api))
            add_api(ret, &process, api);
    }
    free(process.place);
    return ret->count > before;
}

int running_read(const char *path, struct running_list *ret, struct buf *ret_error)
{
    CLEANUP(buf_fini) struct buf text = {0};

    if (input_read(path, READY_FILE_MAX, &text, ret_error) < 0)
        return -1;
    if (parse(buf_span(&text), ret))
        return 0;
    buf_printf(ret_error, "%s is no ready file: 'apigw run --ready-file %s' writes one", path, path);
    return -1;
}

/* ---- those that run ---- */

/* A plain file of ours that somebody holds. */
static bool counts(int fd)
{
    struct stat status;

    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_uid != geteuid())
        return false;
    return flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

static void read_announcement(int folder, const char *name, struct running_list *ret)
{
    CLEANUP(buf_fini) struct buf text = {0};
    const int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    ssize_t n = 0;

    if (fd < 0)
        return;
    if (counts(fd))
        n = read(fd, buf_reserve(&text, READY_FILE_MAX), READY_FILE_MAX);
    text.len = n > 0 ? (size_t)n : 0;
    parse(buf_span(&text), ret);
    close(fd);
}

static void read_folder(int fd, struct running_list *ret)
{
    DIR *entries = fdopendir(fd);
    const struct dirent *entry;

    for (int i = 0; entries && i < ENTRIES_MAX && (entry = readdir(entries)); i++) {
        const size_t len = strlen(entry->d_name);

        if (len > 5 && strcmp(entry->d_name + len - 5, ".json") == 0)
            read_announcement(fd, entry->d_name, ret);
    }
    if (entries)
        closedir(entries);
    else
        close(fd);
}

void running_find(struct running_list *ret)
{
    const int fd = runtime_folder_open(false);

    if (fd >= 0)
        read_folder(fd, ret);
}

static bool is_wanted(const char *value, const char *wanted)
{
    return !wanted || (value && strcmp(value, wanted) == 0);
}

void running_keep(struct running_list *list, const char *api, const char *stage)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        if ((is_wanted(list->items[i].api, api) || is_wanted(list->items[i].api_id, api)) &&
            is_wanted(list->items[i].stage, stage))
            list->items[kept++] = list->items[i];
        else
            running_free(&list->items[i]);
    }
    list->count = kept;
}

void running_fini(struct running_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        running_free(&list->items[i]);
    free(list->items);
    *list = (struct running_list){0};
}
