/* roster.c - see roster.h. */
#include "client/roster.h"

#include "base/mem.h"
#include "base/percent.h"
#include "client/hints.h"
#include "client/http.h"

static void add_parameter(struct buf *url, const char *name, const char *value)
{
    if (!value || !*value)
        return;
    buf_printf(url, "%c%s=", memchr(url->ptr, '?', url->len) ? '&' : '?', name);
    percent_encode(url, span_of_str(value), "");
}

/* Calls for each of a page. 1: there is another one, whose token is in `next`; 0: no. */
static int walk_page(struct json_value root, roster_fn *on_connection, void *arg, struct buf *next)
{
    struct json_value list, connection;
    struct json_iter it;
    struct span key;

    buf_clear(next, 1024);
    if (json_get(root, SPAN("connections"), &list) && list.type == JSON_ARRAY) {
        json_iter_init(&it, list);
        while (json_iter_next(&it, &key, &connection))
            if (!on_connection(arg, connection))
                return 0;
    }
    return roster_text(root, "next", next) ? 1 : 0;
}

static int get_page(const struct roster_wish *wish, const struct transfer_options *options, struct buf *next,
                    struct http_response *ret, struct buf *ret_error)
{
    CLEANUP(buf_fini) struct buf url = {0}, text = {0};
    const struct http_request request = {.method = "GET"};
    struct http_request with_url = request;
    const char *hint;

    buf_printf(&url, "%s/_apigw/connections", wish->origin);
    add_parameter(&url, "api", wish->api);
    add_parameter(&url, "stage", wish->stage);
    add_parameter(&url, "next", buf_terminate(next));
    with_url.url = buf_terminate(&url);
    if (http_send(&with_url, options, ret, ret_error) < 0)
        return -1;
    if (ret->status == 200)
        return 0;
    http_describe(ret, &text);
    hint = hint_apigw(ret->status);
    buf_printf(ret_error, "%s has answered " SPAN_FMT "%s%s", wish->origin, SPAN_ARG(buf_span(&text)), hint ? "\n" : "",
               hint ? hint : "");
    return -1;
}

int roster_walk(const struct roster_wish *wish, const struct transfer_options *options, roster_fn *on_connection,
                void *arg, struct buf *ret_error)
{
    CLEANUP(buf_fini) struct buf next = {0};
    int r = 1;

    for (unsigned page = 0; r == 1 && page < wish->pages_max; page++) {
        struct http_response response;
        struct json_value root;

        r = get_page(wish, options, &next, &response, ret_error);
        if (r == 0 && json_parse(buf_span(&response.body), &root, NULL) == 0) {
            r = walk_page(root, on_connection, arg, &next);
        } else if (r == 0) {
            buf_printf(ret_error, "what %s has answered is not JSON: is it an apigw?", wish->origin);
            r = -1;
        }
        http_response_fini(&response);
    }
    return r < 0 ? -1 : 0;
}

bool roster_text(struct json_value connection, const char *name, struct buf *out)
{
    struct json_value value;

    if (!json_get(connection, span_of_str(name), &value) || value.type != JSON_STRING)
        return false;
    json_unescape(value, out);
    return true;
}

bool roster_number(struct json_value connection, const char *name, int64_t *ret)
{
    const char *dot = strchr(name, '.');
    struct json_value value = connection;

    if (dot && !json_get(connection, span_of(name, (size_t)(dot - name)), &value))
        return false;
    return json_get(value, span_of_str(dot ? dot + 1 : name), &value) && json_int_value(value, ret) == 0;
}
