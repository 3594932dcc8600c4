/* fanout_message.h - the message that asks for a fan-out, {"action":"fanout","ids":"a,b,c","data":"xxx"}, as the
 * servers read it. The generator writes it and puts nothing into it that JSON would escape. */
#ifndef BENCH_FANOUT_MESSAGE_H
#define BENCH_FANOUT_MESSAGE_H

#include <stddef.h>
#include <string.h>

#define FANOUT_MESSAGE_MAX (32 * 1024) /* one frame, as API Gateway takes it */

/* The text of a string member and its length in *ret_len; NULL if there is none. `key` is `"ids":"`, say. */
static inline const char *fanout_member(const char *body, size_t len, const char *key, size_t *ret_len)
{
    size_t key_len = strlen(key);
    const char *start = memmem(body, len, key, key_len);
    const char *end;

    if (!start)
        return NULL;
    start += key_len;
    end = memchr(start, '"', len - (size_t)(start - body));
    if (!end)
        return NULL;
    *ret_len = (size_t)(end - start);
    return start;
}

#endif
