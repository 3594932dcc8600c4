/* fuzz_event.c - the document of a message (event/event.h), which is put together from what was rendered once for its
 * connection, beside one that is written member by member. The input's first lines are what the members hold, its first
 * bytes also the times; the rest is the body. */
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "event/event.h"
#include "fuzz.h"
#include "slow_json.h"

#define TIME_MAX_MS UINT64_C(253402300799999) /* the end of the year 9999 */

struct input {
    struct event_api api;
    struct event_peer peer;
    struct event_request request;
    struct span route_key;
    struct span body;
};

static uint64_t read_time(struct span text)
{
    uint64_t number = 0;

    for (size_t i = 0; i < text.len && i < 6; i++)
        number = number << 8 | (unsigned char)text.ptr[i];
    return number < TIME_MAX_MS ? number : TIME_MAX_MS;
}

static struct input read_input(struct span text)
{
    struct input in = {.request = {SPAN("BFaVtH2HoAMFZEQ="), read_time(text)}}; /* ids are the emulator's own */

    in.peer.connected_at_ms = in.request.time_ms / 2;
    in.peer.connection_id = fuzz_line(&text);
    in.peer.domain_name = fuzz_line(&text);
    in.peer.source_ip = fuzz_line(&text);
    in.peer.user_agent = fuzz_line(&text);
    in.api.stage = fuzz_line(&text);
    in.api.api_id = fuzz_line(&text);
    in.route_key = fuzz_line(&text);
    in.body = text;
    return in;
}

static void put(struct buf *out, const char *key, struct span value)
{
    buf_printf(out, "\"%s\":\"", key);
    slow_escape(out, value);
    buf_append_str(out, "\"");
}

static void put_next(struct buf *out, const char *key, struct span value)
{
    buf_append_str(out, ",");
    put(out, key, value);
}

/* In AWS's order. */
static void write_slowly(const struct input *in, struct buf *out)
{
    char time[CLOCK_CLF_SIZE];

    clock_format_clf(in->request.time_ms, time);
    buf_append_str(out, "{\"requestContext\":{");
    put(out, "routeKey", in->route_key);
    put_next(out, "messageId", SPAN("BFaVtfGSIAMCKug="));
    put_next(out, "eventType", SPAN("MESSAGE"));
    put_next(out, "extendedRequestId", in->request.request_id);
    put_next(out, "requestTime", span_of_str(time));
    put_next(out, "messageDirection", SPAN("IN"));
    put_next(out, "stage", in->api.stage);
    buf_printf(out, ",\"connectedAt\":%llu,\"requestTimeEpoch\":%llu,\"identity\":{",
               (unsigned long long)in->peer.connected_at_ms, (unsigned long long)in->request.time_ms);
    if (in->peer.user_agent.len) {
        put(out, "userAgent", in->peer.user_agent);
        buf_append_str(out, ",");
    }
    put(out, "sourceIp", in->peer.source_ip);
    buf_append_str(out, "}");
    put_next(out, "requestId", in->request.request_id);
    put_next(out, "domainName", in->peer.domain_name);
    put_next(out, "connectionId", in->peer.connection_id);
    put_next(out, "apiId", in->api.api_id);
    buf_append_str(out, "}");
    put_next(out, "body", in->body);
    buf_append_str(out, ",\"isBase64Encoded\":false}");
}

static bool is_ascii(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] >= 0x80)
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct span text = span_of((const char *)data, size);
    const struct input in = read_input(text);
    CLEANUP(buf_fini) struct buf out = {0}, slow = {0};
    struct event_source *source;
    struct json_value value;

    if (utf8_valid_prefix(in.body) != in.body.len)
        return 0; /* no such message gets here */
    source = event_source_new(&in.api, &in.peer);
    event_write_message_head(source, &in.request, in.route_key, SPAN("BFaVtfGSIAMCKug="), &out);
    json_escape(&out, in.body);
    event_write_message_tail(source, &out);
    event_source_unref(source);
    assert(utf8_valid_prefix(buf_span(&out)) == out.len && json_parse(buf_span(&out), &value, NULL) == 0);
    if (!is_ascii(span_of(text.ptr, text.len - in.body.len)))
        return 0; /* other bytes are read in more than one way: test_event.c */
    write_slowly(&in, &slow);
    assert(span_equal(buf_span(&out), buf_span(&slow)));
    return 0;
}
