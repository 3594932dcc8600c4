/* connections.c - /_apigw/connections: who is connected, a page at a time; one of them; and closing it. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/percent.h"
#include "gateway/inspection.h"
#include "management/control_private.h"

/* The loop serves nobody else while a page is made. */
#define PAGE_MAX 1000u

/* With a filter, so many are looked at for one page, which may be a short one then. */
#define LOOKED_AT_MAX 20000u

/* ---- one connection, as JSON ---- */

static void write_traffic(struct json_writer *w, const char *key, uint64_t messages, uint64_t bytes)
{
    control_object_begin(w, key);
    control_write_int(w, "messages", messages);
    control_write_int(w, "bytes", bytes);
    json_object_end(w);
}

static void write_left(struct json_writer *w, const char *key, bool is_open, uint64_t left_ms)
{
    if (is_open)
        control_write_int(w, key, left_ms);
    else
        control_write_null(w, key);
}

static void write_peer(struct json_writer *w, const struct connection_details *c)
{
    control_write_string(w, "sourceIp", c->source_ip);
    control_write_int(w, "sourcePort", c->source_port);
    control_write_string(w, "userAgent", c->user_agent);
    control_write_string(w, "domainName", c->domain_name);
    json_key(w, "principalId");
    json_raw(w, c->principal_id.len ? c->principal_id : SPAN("null"));
    control_write_bool(w, "secure", c->secure);
}

static void write_members(struct json_writer *w, const struct connection_details *c)
{
    control_write_string(w, "id", c->id);
    control_write_string(w, "apiId", span_of_str(c->stage->api->config->api_id));
    control_write_string(w, "api", span_of_str(c->stage->api->config->name));
    control_write_string(w, "stage", span_of_str(c->stage->config->name));
    control_write_string(w, "state", span_of_str(c->state));
    control_write_time(w, "connectedAt", c->connected_at_ms);
    control_write_time(w, "lastActiveAt", c->last_active_at_ms);
    write_left(w, "idleLeftMs", c->is_open, c->idle_left_ms);
    write_left(w, "lifetimeLeftMs", c->is_open, c->lifetime_left_ms);
    write_peer(w, c);
    write_traffic(w, "received", c->received.messages, c->received.bytes);
    write_traffic(w, "sent", c->sent.messages, c->sent.bytes);
    write_traffic(w, "queue", c->queue.messages, c->queue.bytes);
}

/* ---- what is asked for ---- */

struct page {
    struct connection_filter filter;
    uint64_t limit;
    uint64_t after;
    struct buf text; /* that the filter points into */
};

static void page_fini_ptr(struct page *page)
{
    buf_fini(&page->text);
}

static bool read_number(struct span text, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || value > max / 10)
            return false;
        value = value * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    *ret = value;
    return text.len > 0 && value <= max;
}

static const char *read_limit(struct page *page, struct span value)
{
    return read_number(value, PAGE_MAX, &page->limit) && page->limit > 0 ? NULL : "limit is a number from 1 to 1000";
}

static const char *read_next(struct page *page, struct span value)
{
    return read_number(value, UINT64_MAX / 16, &page->after) ? NULL : "next is what the page before has as \"next\"";
}

static const char *read_api(struct page *page, struct span value)
{
    page->filter.api = value;
    return NULL;
}

static const char *read_stage(struct page *page, struct span value)
{
    page->filter.stage = value;
    return NULL;
}

/* NULL, or what is wrong with it. */
typedef const char *parameter_fn(struct page *page, struct span value);

static const struct {
    struct span name;
    parameter_fn *read;
} parameters[] = {
    {{"api", 3}, read_api},
    {{"limit", 5}, read_limit},
    {{"next", 4}, read_next},
    {{"stage", 5}, read_stage},
};

static const char *read_parameter(struct page *page, struct span name, struct span value)
{
    for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++)
        if (span_equal(parameters[i].name, name))
            return parameters[i].read(page, value);
    return "the parameters here are api, limit, next and stage";
}

/* What is before the separator, which goes too. */
static struct span cut(struct span *text, char separator)
{
    const char *end = text->len ? memchr(text->ptr, separator, text->len) : NULL;
    struct span before = end ? span_of(text->ptr, (size_t)(end - text->ptr)) : *text;

    *text = span_from(*text, end ? before.len + 1 : before.len);
    return before;
}

static struct span decode(struct buf *out, struct span encoded)
{
    const size_t start = out->len;

    percent_decode(out, encoded, PERCENT_PLUS_IS_BLANK);
    return span_of(out->ptr + start, out->len - start);
}

static const char *read_page(struct span query, struct page *ret)
{
    const char *wrong = NULL;

    *ret = (struct page){.limit = PAGE_MAX};
    buf_reserve(&ret->text, query.len + 1); /* decoding makes nothing longer, so no span moves */
    while (query.len > 0 && !wrong) {
        struct span value = cut(&query, '&');
        struct span name = cut(&value, '=');

        if (name.len > 0)
            wrong = read_parameter(ret, name, decode(&ret->text, value));
    }
    return wrong;
}

/* ---- the operations ---- */

/* The connection behind the last one that was looked at. */
static struct connection *write_page(const struct page *page, struct gateway *gw, struct json_writer *w,
                                     uint64_t *ret_last)
{
    CLEANUP(buf_fini) struct buf scratch = {0};
    struct connection *c = inspection_first(gw, page->after);
    uint64_t written = 0;

    for (unsigned i = 0; c && i < LOOKED_AT_MAX && written < page->limit; i++, c = inspection_next(gw, c)) {
        struct connection_details details;

        *ret_last = c->number;
        if (!inspection_fits(c, &page->filter))
            continue;
        inspection_describe(gw, c, &scratch, &details);
        json_object_begin(w);
        write_members(w, &details);
        json_object_end(w);
        written++;
    }
    return c;
}

static void write_next(struct json_writer *w, bool more, uint64_t last)
{
    CLEANUP(buf_fini) struct buf token = {0};

    buf_printf(&token, "%llu", (unsigned long long)last);
    if (more)
        control_write_string(w, "next", buf_span(&token));
    else
        control_write_null(w, "next");
}

void control_list_connections(const struct control_call *call)
{
    struct gateway *gw = call->control->setup.gateway;
    CLEANUP(page_fini) struct page page = {0};
    struct control_document document;
    const char *wrong = read_page(call->request->query, &page);
    uint64_t last = 0;
    bool more;

    if (wrong) {
        control_answer_message(call, 400, span_of_str(wrong));
        return;
    }
    control_begin(&document, 200);
    control_write_int(&document.json, "total", gateway_connection_count(gw));
    control_array_begin(&document.json, "connections");
    more = write_page(&page, gw, &document.json, &last) != NULL;
    json_array_end(&document.json);
    write_next(&document.json, more, last);
    control_send(call, &document);
}

static void answer_gone(const struct control_call *call)
{
    control_answer_message(call, 404,
                           SPAN("there is no connection of that id, any more or at all; GET /_apigw/connections lists "
                                "those that there are"));
}

/* The connection of the path's id; or NULL, and it is answered. */
static struct connection *find_connection(const struct control_call *call)
{
    CLEANUP(buf_fini) struct buf id = {0};
    struct connection *connection;

    percent_decode(&id, call->id, PERCENT_PLUS_STAYS);
    connection = inspection_find(call->control->setup.gateway, buf_span(&id));
    if (!connection)
        answer_gone(call);
    return connection;
}

void control_get_connection(const struct control_call *call)
{
    CLEANUP(buf_fini) struct buf scratch = {0};
    struct connection *connection = find_connection(call);
    struct connection_details details;
    struct control_document document;

    if (!connection)
        return;
    inspection_describe(call->control->setup.gateway, connection, &scratch, &details);
    control_begin(&document, 200);
    write_members(&document.json, &details);
    control_send(call, &document);
}

void control_delete_connection(const struct control_call *call)
{
    struct gateway *gw = call->control->setup.gateway;
    const struct connection *connection = find_connection(call);
    struct control_document document = {.answer = {.status = 204}};

    if (!connection)
        return;
    if (gateway_delete(gw, NULL, connection_id(connection)) != CONNECTION_OK)
        control_answer_message(call, 409, SPAN("the connection is not open yet: its $connect has not been answered"));
    else
        control_send_response(call, &document.answer);
}
