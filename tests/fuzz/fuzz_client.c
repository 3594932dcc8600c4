/* fuzz_client.c - what a server sends to apigw-client: the answer of a handshake, and what is shown of a message. */
#include "base/json.h"
#include "base/mem.h"
#include "client/handshake.h"
#include "client/printable.h"
#include "fuzz.h"

static void check_printable(const struct buf *out, bool newlines)
{
    for (size_t i = 0; i < out->len; i++)
        assert(((unsigned char)out->ptr[i] >= ' ' && out->ptr[i] != 0x7f) || (newlines && out->ptr[i] == '\n'));
}

static void show_text(struct span bytes)
{
    CLEANUP(buf_fini) struct buf one_line = {0}, lines = {0}, table = {0};

    printable_text(&one_line, bytes, NULL);
    check_printable(&one_line, false);
    printable_text(&lines, bytes, "\n  ");
    check_printable(&lines, true);
    printable_hex(&table, bytes, 2);
    check_printable(&table, true);
}

/* Laid out, and without blanks, it is JSON still. */
static void show_json(struct span bytes)
{
    CLEANUP(buf_fini) struct buf out = {0}, cut = {0}, compact = {0};
    struct json_value value, again;

    if (json_parse(bytes, &value, NULL) < 0)
        return;
    assert(printable_json(&out, value, &(struct printable_style){.width = 30, .indent = 3}));
    check_printable(&out, true);
    assert(json_parse(buf_span(&out), &again, NULL) == 0 && again.type == value.type);
    printable_json(&cut, value, &(struct printable_style){.width = 30, .bytes_max = 64});
    check_printable(&cut, true);
    printable_compact(&compact, value);
    assert(json_parse(buf_span(&compact), &again, NULL) == 0 && again.type == value.type);
    assert(!memchr(compact.ptr, '\n', compact.len));
}

/* In pieces of one size; what comes out does not depend on it. (How much of it was the head may, if the head ends
 * wrongly: http-parser takes any byte for its last LF, and then takes one more or leaves it.) */
static int read_answer(struct span bytes, size_t step, struct handshake_answer *ret, size_t *ret_used)
{
    CLEANUP(buf_fini) struct buf error = {0};
    struct handshake_reader *reader = handshake_reader_new(ret);
    size_t used;
    int r = 0;

    for (*ret_used = 0; r == 0; *ret_used += used) {
        const size_t left = bytes.len - *ret_used;

        r = handshake_read(reader, span_of(bytes.ptr + *ret_used, left < step ? left : step), &used, &error);
        assert(used <= left);
    }
    assert((r < 0) == (error.len > 0));
    handshake_reader_free(reader);
    return r;
}

static void check_answer(struct span bytes)
{
    CLEANUP(buf_fini) struct buf error = {0};
    struct handshake_answer whole = {0}, pieces = {0};
    size_t whole_used, pieces_used;
    const int r = read_answer(bytes, bytes.len + 1, &whole, &whole_used);

    assert(whole.body.len <= HANDSHAKE_BODY_MAX);
    if (bytes.len < 4096) {
        assert(read_answer(bytes, 1, &pieces, &pieces_used) == r);
        assert(r < 1 || (whole.status == pieces.status && whole.header_count == pieces.header_count));
    }
    if (r == 1)
        handshake_check(&whole, "key", &(struct handshake_wish){0}, &error);
    handshake_answer_fini(&whole);
    handshake_answer_fini(&pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct span bytes = span_of((const char *)data, size);

    show_text(bytes);
    show_json(bytes);
    check_answer(bytes);
    return 0;
}
