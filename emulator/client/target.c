/* target.c - see target.h. */
#include "client/target.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "client/running.h"

static void list_running(const struct running_list *list, struct buf *out)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct running *r = &list->items[i];

        buf_printf(out, "\n%s  (%s, stage %s, process %lld)", r->websocket, r->api ? r->api : "-",
                   r->stage ? r->stage : "-", (long long)r->pid);
    }
}

/* Those that are meant, of all that run. None is an error. */
static int find_running(const struct target_wish *wish, struct running_list *ret, struct buf *ret_error)
{
    CLEANUP(buf_fini) struct buf all = {0};

    if (!wish->ready_file)
        running_find(ret);
    else if (running_read(wish->ready_file, ret, ret_error) < 0)
        return -1;
    list_running(ret, &all);
    running_keep(ret, wish->api, wish->stage);
    if (ret->count > 0)
        return 0;
    if (all.len) {
        buf_append_str(ret_error, "none of what is served has that name:");
        buf_append(ret_error, buf_span(&all));
    } else {
        buf_append_str(ret_error, "no emulator runs, so a URL is needed, such as ws://127.0.0.1:3001/dev\n"
                                  "'apigw run' starts one.");
    }
    return -1;
}

static bool is_known_to_dns(const struct url *url)
{
    const size_t len = strlen(url->host), end = strlen("localhost");

    return url->host[0] == '[' || !url->host[strspn(url->host, "0123456789.")] ||
           (len >= end && strcmp(url->host + len - end, "localhost") == 0);
}

static int choose(const struct target_wish *wish, struct url *ret, struct buf *ret_error)
{
    CLEANUP(running_fini) struct running_list list = {0};

    if (find_running(wish, &list, ret_error) < 0)
        return -1;
    if (list.count > 1) {
        buf_append_str(ret_error, "several APIs or stages are served; give a URL, or --api and --stage:");
        list_running(&list, ret_error);
        return -1;
    }
    if (url_parse(list.items[0].websocket, URL_WEBSOCKET, ret, ret_error) < 0)
        return -1;
    if (!is_known_to_dns(ret))
        ret->place = mem_strdup(list.items[0].place);
    return 0;
}

/* What the command line or, if that says nothing, the environment gives. */
static const char *given_url(const struct target_wish *wish)
{
    const char *environment = getenv("APIGW_WEBSOCKET_URL");

    if (wish->url)
        return wish->url;
    return environment && *environment && !wish->ready_file && !wish->api && !wish->stage ? environment : NULL;
}

int target_find(const struct target_wish *wish, enum url_kind kind, struct url *ret, struct buf *ret_error)
{
    const char *given = given_url(wish);

    return given ? url_parse(given, kind, ret, ret_error) : choose(wish, ret, ret_error);
}

static bool is_one_process(const struct running_list *list)
{
    for (size_t i = 1; i < list->count; i++)
        if (strcmp(list->items[i].place, list->items[0].place) != 0)
            return false;
    return true;
}

int target_find_origin(const struct target_wish *wish, char **ret_origin, struct buf *ret_error)
{
    CLEANUP(running_fini) struct running_list list = {0};
    CLEANUP(url_fini) struct url url = {0};
    const char *given = given_url(wish);

    if (!given && find_running(wish, &list, ret_error) < 0)
        return -1;
    if (!given && !is_one_process(&list)) {
        buf_append_str(ret_error, "several emulators run; give a --url, or --api:");
        list_running(&list, ret_error);
        return -1;
    }
    if (url_parse(given ? given : list.items[0].websocket, URL_MANAGEMENT, &url, ret_error) < 0)
        return -1;
    *ret_origin = given ? url_origin(&url) : mem_printf("%s://%s", url.secure ? "https" : "http", list.items[0].place);
    return 0;
}
