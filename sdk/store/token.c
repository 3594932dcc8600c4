/* token.c - hexadecimal digits of: checksum (8 bytes), length of the parent's id (2), the parent's id, the id. */
#include "store/token.h"

#include "base/utf8.h"

#define CHECKSUM_BYTES 8u
#define HEAD_BYTES (CHECKSUM_BYTES + 2u)
#define TOKEN_BYTES_MAX (HEAD_BYTES + 2u * STORE_ID_MAX)

/* ---- the checksum: FNV-1a ---- */

static void add_bytes(uint64_t *hash, struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        *hash = (*hash ^ (unsigned char)bytes.ptr[i]) * 0x100000001b3u;
}

/* With its length, so that "a" and "bc" are not "ab" and "c". */
static void add_span(uint64_t *hash, struct span bytes)
{
    const uint64_t len = bytes.len;

    add_bytes(hash, span_of((const char *)&len, sizeof(len)));
    add_bytes(hash, bytes);
}

static uint64_t checksum(const struct store_query *q, struct span parent, struct span id)
{
    uint64_t hash = 0xcbf29ce484222325u;

    add_span(&hash, q->in.collection);
    add_span(&hash, q->in.sub);
    add_span(&hash, q->in.any_parent ? SPAN("*") : SPAN(""));
    add_span(&hash, q->in.any_parent ? SPAN("") : q->in.parent);
    for (size_t i = 0; i < q->where_count; i++) {
        add_span(&hash, q->where[i].field);
        add_span(&hash, q->where[i].value);
        add_bytes(&hash, span_of((const char *)&q->where[i].op, sizeof(q->where[i].op)));
    }
    add_span(&hash, parent);
    add_span(&hash, id);
    return hash;
}

/* ---- the text ---- */

static void append_hex(struct buf *out, struct span bytes)
{
    static const char digits[] = "0123456789abcdef";
    char *to = buf_reserve(out, 2 * bytes.len);

    for (size_t i = 0; i < bytes.len; i++) {
        *to++ = digits[(unsigned char)bytes.ptr[i] >> 4];
        *to++ = digits[(unsigned char)bytes.ptr[i] & 15];
    }
    out->len += 2 * bytes.len;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode_hex(struct span text, struct buf *out)
{
    buf_clear(out, TOKEN_BYTES_MAX);
    if (text.len % 2 != 0 || text.len > 2 * TOKEN_BYTES_MAX)
        return false;
    for (size_t i = 0; i < text.len; i += 2) {
        const int high = hex_value(text.ptr[i]), low = hex_value(text.ptr[i + 1]);

        if (high < 0 || low < 0)
            return false;
        buf_append_char(out, (char)(high << 4 | low));
    }
    return true;
}

void token_write(struct buf *out, const struct store_query *q, struct span parent, struct span id)
{
    const uint64_t sum = checksum(q, parent, id);
    const uint16_t parent_len = (uint16_t)parent.len;

    buf_clear(out, TOKEN_BYTES_MAX);
    append_hex(out, span_of((const char *)&sum, sizeof(sum)));
    append_hex(out, span_of((const char *)&parent_len, sizeof(parent_len)));
    append_hex(out, parent);
    append_hex(out, id);
}

static bool is_id(struct span s)
{
    return s.len >= 1 && s.len <= STORE_ID_MAX && utf8_valid_prefix(s) == s.len;
}

bool token_read(const struct store_query *q, struct buf *room, struct span *ret_parent, struct span *ret_id)
{
    uint64_t sum;
    uint16_t parent_len;
    struct span rest;

    if (!decode_hex(q->from, room) || room->len < HEAD_BYTES)
        return false;
    memcpy(&sum, room->ptr, sizeof(sum));
    memcpy(&parent_len, room->ptr + CHECKSUM_BYTES, sizeof(parent_len));
    rest = span_from(buf_span(room), HEAD_BYTES);
    if (parent_len > rest.len)
        return false;
    *ret_parent = span_of(rest.ptr, parent_len);
    *ret_id = span_from(rest, parent_len);
    if (!is_id(*ret_id) || (q->in.any_parent ? !is_id(*ret_parent) : parent_len != 0))
        return false;
    return sum == checksum(q, *ret_parent, *ret_id);
}
