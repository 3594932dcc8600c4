/* base64.c - base64, one way. */
#include "base/base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buf *out, struct span bytes)
{
    buf_reserve(out, (bytes.len + 2) / 3 * 4);
    for (size_t i = 0; i < bytes.len; i += 3) {
        const size_t left = bytes.len - i;
        unsigned group = 0;

        for (size_t k = 0; k < 3; k++)
            group = group << 8 | (k < left ? (unsigned char)bytes.ptr[i + k] : 0u);
        buf_append_char(out, digits[group >> 18]);
        buf_append_char(out, digits[group >> 12 & 63]);
        buf_append_char(out, left > 1 ? digits[group >> 6 & 63] : '=');
        buf_append_char(out, left > 2 ? digits[group & 63] : '=');
    }
}
