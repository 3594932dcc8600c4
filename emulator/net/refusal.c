/* refusal.c - see refusal.h. The socket is fresh and a refusal is small, so one send takes it whole. */
#include "net/refusal.h"

#include <http_parser.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "event/id.h"

static void append_header(struct buf *out, const char *name, struct span value)
{
    buf_append_str(out, name);
    buf_append(out, SPAN(": "));
    buf_append(out, value);
    buf_append(out, SPAN("\r\n"));
}

bool refusal_write(int fd, const struct refusal *refusal)
{
    CLEANUP(buf_fini) struct buf out = {0};
    char date[CLOCK_HTTP_SIZE], request_id[UUID_SIZE], apigw_id[ID_SIZE];

    clock_format_http(clock_wall_ms(), date);
    id_new_uuid(request_id);
    id_new_apigw(apigw_id);
    buf_printf(&out, "HTTP/1.1 %u %s\r\n", refusal->status, http_status_str((enum http_status)refusal->status));
    append_header(&out, "Date", span_of_str(date));
    append_header(&out, "Content-Type", SPAN("application/json"));
    buf_printf(&out, "Content-Length: %zu\r\n", refusal->body.len);
    append_header(&out, "Connection", refusal->keep_alive ? SPAN("keep-alive") : SPAN("close"));
    append_header(&out, "x-amzn-RequestId", span_of_str(request_id));
    if (refusal->error_type.len)
        append_header(&out, "x-amzn-ErrorType", refusal->error_type);
    append_header(&out, "x-amz-apigw-id", span_of_str(apigw_id));
    if (refusal->say_version)
        append_header(&out, "Sec-WebSocket-Version", SPAN("13"));
    buf_append(&out, SPAN("\r\n"));
    buf_append(&out, refusal->body);
    return send(fd, out.ptr, out.len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)out.len;
}
