/* path.c - SDKs send `/dev/@connections/ID%3D`, AWS's curl example `/dev/%40connections/ID%3D`, awscurl a bare '='. */
#include "management/path.h"

#include "base/percent.h"

static struct span decode(struct span encoded, struct buf *out)
{
    size_t start = out->len;

    percent_decode(out, encoded, PERCENT_PLUS_STAYS);
    return span_of(out->ptr + start, out->len - start);
}

/* The bytes up to the next slash; *rest is what follows it, with NULL ptr if there was none. */
static struct span take_segment(struct span *rest)
{
    struct span all = *rest;
    const char *slash = all.len > 0 ? memchr(all.ptr, '/', all.len) : NULL;

    *rest = span_of(NULL, 0);
    if (!slash)
        return all;
    *rest = span_from(all, (size_t)(slash - all.ptr) + 1);
    return span_of(all.ptr, (size_t)(slash - all.ptr));
}

struct path path_parse(struct span rest, struct buf *scratch)
{
    struct path path = {.kind = PATH_STAGE};
    struct span id;

    /* Decoding never makes anything longer, so with this much room no span into `scratch` moves. */
    buf_clear(scratch, 0);
    buf_reserve(scratch, rest.len + 1);
    if (rest.len == 0)
        return path;
    path.route = rest = span_from(rest, 1);
    if (!span_equal(decode(take_segment(&rest), scratch), SPAN("@connections")))
        return path;
    path.kind = PATH_CONNECTIONS;
    id = take_segment(&rest);
    if (id.len == 0 || rest.ptr)
        return path;
    path.kind = PATH_CONNECTION;
    path.connection_id = decode(id, scratch);
    return path;
}
