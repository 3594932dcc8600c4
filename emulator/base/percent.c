/* percent.c - percent-encoding, in both directions. */
#include "base/percent.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that a valid %XX at the start of `s` stands for, or -1. */
static int escape_value(struct span s)
{
    int high, low;

    if (s.len < 3 || s.ptr[0] != '%')
        return -1;
    high = hex_value(s.ptr[1]);
    low = hex_value(s.ptr[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

void percent_decode(struct buf *out, struct span encoded, enum percent_plus plus)
{
    while (encoded.len) {
        const int value = escape_value(encoded);
        const char c = encoded.ptr[0];

        buf_append_char(out, value >= 0 ? (char)value : c == '+' && plus == PERCENT_PLUS_IS_BLANK ? ' ' : c);
        encoded = span_from(encoded, value >= 0 ? 3 : 1);
    }
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("-._~", c));
}

void percent_encode(struct buf *out, struct span text, const char *keep)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.len; i++) {
        const unsigned char byte = (unsigned char)text.ptr[i];

        if (is_unreserved((char)byte) || (byte && strchr(keep, byte))) {
            buf_append_char(out, (char)byte);
            continue;
        }
        buf_append_char(out, '%');
        buf_append_char(out, digits[byte >> 4]);
        buf_append_char(out, digits[byte & 15]);
    }
}
