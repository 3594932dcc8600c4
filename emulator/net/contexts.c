/* contexts.c - see contexts.h. */
#include "net/contexts.h"

#include <stdbool.h>
#include <sys/resource.h>

#include "base/log.h"
#include "base/span.h"
#include "net/receive_buffers.h"

/* The heads that it parses are ours, of less than a quarter of that. */
#define HEAD_BYTES 1024

/* So many descriptors each has places for: from 0 to the end of its range. */
static const rlim_t table_sizes[CONTEXTS_MAX] = {2048, 16 * 1024, 128 * 1024, 1024 * 1024};

static void on_library_log(int level, const char *line)
{
    struct span text = span_of_str(line);

    while (text.len && text.ptr[text.len - 1] == '\n')
        text.len--;
    /* The library calls the adoption of a socket an error. */
    log_debug(LOG_NET, "libwebsockets: " SPAN_FMT, SPAN_ARG(text));
}

static void make(struct contexts *c, size_t i)
{
    /* No pings and no idle limit of the library's: AWS has its own, and its list of them is sorted by insertion. */
    static const lws_retry_bo_t no_keep_alive = {0};
    void *loops[] = {loop_uv(c->loop)};
    const struct lws_context_creation_info info = {
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .foreign_loops = loops,
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = c->protocols,
        .user = c->user,
        .gid = -1,
        .uid = -1,
        .timeout_secs = CONTEXTS_PATIENCE_S,
        .max_http_header_data = HEAD_BYTES,
        .pt_serv_buf_size = CONTEXTS_READ_BYTES,
        .retry_and_idle_policy = &no_keep_alive,
    };

    c->items[i].library = lws_create_context(&info);
    if (c->items[i].library)
        c->items[i].vhost = lws_create_vhost(c->items[i].library, &info);
}

/* The library makes its tables for the limit that there is at the moment. */
static void make_within(struct contexts *c, size_t i)
{
    struct rlimit limit;
    bool lower = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur > table_sizes[i];

    if (lower)
        setrlimit(RLIMIT_NOFILE, &(struct rlimit){.rlim_cur = table_sizes[i], .rlim_max = limit.rlim_max});
    make(c, i);
    if (lower)
        setrlimit(RLIMIT_NOFILE, &limit);
}

struct lws_vhost *contexts_find(struct contexts *c, int fd)
{
    size_t i = 0;

    while (i < CONTEXTS_MAX - 1 && (rlim_t)fd >= table_sizes[i])
        i++;
    if (!c->items[i].library)
        make_within(c, i);
    return c->items[i].vhost;
}

int contexts_init(struct contexts *c, struct loop *loop, const struct lws_protocols *protocols, void *user)
{
    *c = (struct contexts){.loop = loop, .protocols = protocols, .user = user};
    lws_set_log_level(LLL_ERR | LLL_WARN, on_library_log);
    lws_set_allocator(receive_buffers_realloc);
    return contexts_find(c, 0) ? 0 : -1;
}

void contexts_destroy(struct contexts *c)
{
    for (size_t i = 0; i < CONTEXTS_MAX; i++)
        if (c->items[i].library)
            lws_context_destroy(c->items[i].library);
}
