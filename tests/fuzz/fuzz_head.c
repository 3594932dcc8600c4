/* fuzz_head.c - the head of an HTTP request (net/head.h). */
#include "fuzz.h"
#include "net/head.h"

static void check_spans(const struct head *head, struct span bytes)
{
    assert(head->size > 0 && head->size <= bytes.len);
    bytes.len = head->size;
    assert(head->method.len > 0);
    assert(head->target.len && fuzz_within(head->target, bytes));
    assert(span_equal(head->path, SPAN("/")) || fuzz_within(head->path, head->target));
    assert(fuzz_within(head->query, head->target));
    assert(head->header_count <= HEAD_HEADERS_MAX);
    for (size_t i = 0; i < head->header_count; i++)
        assert(fuzz_within(head->headers[i].name, bytes) && fuzz_within(head->headers[i].value, bytes));
}

/* What follows a head does not change it, and a part of it is not one. */
static void check_size(const struct head *head, struct span bytes)
{
    struct head again;
    const char *why;

    assert(head_parse(span_of(bytes.ptr, head->size), &again, &why) == HEAD_COMPLETE);
    assert(again.size == head->size && again.header_count == head->header_count);
    for (size_t len = 0; len < head->size; len++)
        assert(head_parse(span_of(bytes.ptr, len), &again, &why) == HEAD_INCOMPLETE);
}

static void ask(const struct head *head)
{
    const char *wrong = head_check_handshake(head);

    if (!wrong) {
        assert(span_equal(head->method, SPAN("GET")) && head_find(head, SPAN("host")).ptr);
        assert(head_find(head, SPAN("sec-websocket-key")).len == HEAD_WEBSOCKET_KEY_LEN);
        assert(head_has_token(head, SPAN("Connection"), SPAN("UPGRADE")));
    }
    assert(head_wants_websocket(head) == head_has_token(head, SPAN("UPGRADE"), SPAN("WebSocket")));
    head_has_token(head, SPAN("Sec-WebSocket-Protocol"), SPAN("a"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct span bytes = span_of((const char *)data, size);
    struct head head;
    const char *why = NULL;

    switch (head_parse(bytes, &head, &why)) {
    case HEAD_COMPLETE:
        check_spans(&head, bytes);
        check_size(&head, bytes);
        ask(&head);
        break;
    case HEAD_MALFORMED: assert(why && *why); break;
    case HEAD_INCOMPLETE: break;
    }
    return 0;
}
