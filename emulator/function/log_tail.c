/* log_tail.c - what goes beyond twice the limit is dropped from the front, so that a line costs no move of all bytes.
 */
#include "function/log_tail.h"

#include "base/buf.h"
#include "base/mem.h"

struct log_tail {
    struct buf bytes;
};

struct log_tail *log_tail_new(void)
{
    return mem_zalloc(sizeof(struct log_tail));
}

void log_tail_free(struct log_tail *tail)
{
    if (!tail)
        return;
    buf_fini(&tail->bytes);
    free(tail);
}

void log_tail_add(struct log_tail *tail, struct span line)
{
    buf_append(&tail->bytes, line);
    buf_append_char(&tail->bytes, '\n');
    if (tail->bytes.len > 2 * LOG_TAIL_BYTES)
        buf_consume(&tail->bytes, tail->bytes.len - LOG_TAIL_BYTES);
}

struct span log_tail_get(const struct log_tail *tail)
{
    struct span all = buf_span(&tail->bytes);

    return all.len > LOG_TAIL_BYTES ? span_from(all, all.len - LOG_TAIL_BYTES) : all;
}
