/* fuzz_guard.c - a request as on the wire, admitted to /_apigw or not (management/guard.h). */
#include <ctype.h>

#include "base/json.h"
#include "base/mem.h"
#include "fuzz.h"
#include "gateway/response.h"
#include "management/guard.h"
#include "net/head.h"

/* A refusal has a sentence, which is plain and becomes JSON; who is admitted is told nothing. */
static void check_answer(bool admitted, const struct buf *why)
{
    CLEANUP(buf_fini) struct buf body = {0};
    struct json_value value;

    assert(admitted == (why->len == 0));
    if (admitted)
        return;
    for (size_t i = 0; i < why->len; i++)
        assert(why->ptr[i] >= ' ' && why->ptr[i] <= '~');
    response_write_message(&body, buf_span(why));
    assert(json_parse(buf_span(&body), &value, NULL) == 0);
}

/* Does the text end like a name of this machine, in front of a port and a dot? Addresses have no other letters than
 * those of hexadecimal numbers. */
static bool may_be_this_machine(struct span host)
{
    const struct span local = SPAN("localhost"), allowed = SPAN("apigw.test");
    bool is_address = true;

    for (size_t i = 0; i < host.len; i++)
        is_address = is_address && (isxdigit((unsigned char)host.ptr[i]) || strchr(":.[]", host.ptr[i]));
    while (host.len > 0 && (isdigit((unsigned char)host.ptr[host.len - 1]) || host.ptr[host.len - 1] == ':'))
        host.len--;
    if (host.len > 0 && host.ptr[host.len - 1] == '.')
        host.len--;
    return is_address || span_equal_nocase(host, allowed) ||
           (host.len >= local.len && span_equal_nocase(span_from(host, host.len - local.len), local));
}

static size_t count(const struct sigv4_request *request, struct span name, struct span *ret)
{
    size_t found = 0;

    for (size_t i = 0; i < request->header_count; i++)
        if (span_equal_nocase(request->headers[i].name, name)) {
            *ret = request->headers[i].value;
            found++;
        }
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(buf_fini) struct buf why = {0}, why_no_change = {0};
    struct guard_names names = {0};
    struct span host = SPAN(""), type = SPAN("");
    struct head head;
    const char *wrong = guard_names_add(&names, SPAN("apigw.test"));
    bool admitted, changes;

    assert(!wrong);
    if (head_parse(span_of((const char *)data, size), &head, &wrong) == HEAD_COMPLETE) {
        const struct sigv4_request request = {.headers = head.headers, .header_count = head.header_count};
        const struct guard guard = {.names = &names};

        admitted = guard_admits(&guard, &request, &why);
        check_answer(admitted, &why);
        assert(!admitted || (count(&request, SPAN("Host"), &host) == 1 && may_be_this_machine(host)));
        changes = guard_admits_change(&request, &why_no_change);
        check_answer(changes, &why_no_change);
        assert(!changes || (count(&request, SPAN("Content-Type"), &type) == 1 && type.len >= 16));
    }
    guard_names_add(&names, span_of((const char *)data, size));
    guard_names_fini(&names);
    return 0;
}
