/* text.c - repairs text that is not UTF-8. A client that is sent such a frame must fail the connection (RFC 6455, 8.1),
 * so a replacement character does less harm. What AWS does with such data is not known. */
#include "gateway/text.h"

#include "base/utf8.h"

#define SCRATCH_KEEP_BYTES (16u * 1024u)

struct span text_repaired(struct span s, struct buf *scratch)
{
    size_t valid = utf8_valid_prefix(s);

    if (valid == s.len)
        return s;
    buf_clear(scratch, SCRATCH_KEEP_BYTES);
    while (valid < s.len) {
        buf_append(scratch, span_of(s.ptr, valid));
        buf_append(scratch, UTF8_REPLACEMENT);
        s = span_from(s, valid + 1);
        valid = utf8_valid_prefix(s);
    }
    buf_append(scratch, s);
    return buf_span(scratch);
}
