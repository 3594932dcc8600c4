/* response.c - is what a handler passed to respond a response? */
#include "src/response.h"

#include <stdbool.h>

#include "function/protocol.h"

#define RESPONSE_BYTES_MIN (offsetof(struct apigw_response, header_count) + sizeof(size_t)) /* ABI 1.0 */

static bool span_is_sane(struct apigw_span s)
{
    return s.ptr || s.len == 0;
}

static bool is_sane(const struct apigw_response *r)
{
    if (!r || r->abi.magic != APIGW_PLUGIN_MAGIC || r->abi.struct_size < RESPONSE_BYTES_MIN)
        return false;
    if (!span_is_sane(r->body) || r->header_count > PROTOCOL_HEADERS_MAX || (r->header_count && !r->headers))
        return false;
    for (size_t i = 0; i < r->header_count; i++)
        if (!span_is_sane(r->headers[i].name) || !span_is_sane(r->headers[i].value))
            return false;
    return true;
}

static bool fits(const struct apigw_response *r)
{
    size_t left = PROTOCOL_PAYLOAD_MAX;

    if (r->body.len > left)
        return false;
    left -= r->body.len;
    for (size_t i = 0; i < r->header_count; i++) {
        if (r->headers[i].name.len > left || r->headers[i].value.len > left - r->headers[i].name.len)
            return false;
        left -= r->headers[i].name.len + r->headers[i].value.len;
    }
    return true;
}

int response_check(const struct apigw_response *response)
{
    if (!is_sane(response))
        return APIGW_BAD_REQUEST;
    return fits(response) ? APIGW_OK : APIGW_TOO_LARGE;
}
