/* fuzz_json.c - the reader and the writer of the message path (base/json.h). */
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "fuzz.h"
#include "slow_json.h"

static void check_number(struct json_value number)
{
    int64_t value;
    CLEANUP(buf_fini) struct buf text = {0};
    struct json_writer w = {.out = &text};

    if (json_int_value(number, &value) < 0)
        return;
    json_int(&w, value);
    assert(span_equal(buf_span(&text), number.raw) || span_equal(number.raw, SPAN("-0")));
}

/* What is written of a text is what the slow writer writes, and read as that text again. */
static void check_text(struct span text)
{
    CLEANUP(buf_fini) struct buf written = {0}, again = {0}, slow = {0};
    struct json_writer w = {.out = &written};
    struct json_value value;

    slow_escape(&slow, text);
    json_string(&w, text);
    assert(span_equal(span_of(written.ptr + 1, written.len - 2), buf_span(&slow)));
    assert(written.len <= JSON_ESCAPED_MAX(text.len) + 2);
    assert(json_parse(buf_span(&written), &value, NULL) == 0 && value.type == JSON_STRING);
    json_unescape(value, &again);
    assert(span_equal(buf_span(&again), text));
}

/* Blocks of text are judged as its sequences are. */
static void check_utf8(struct span text)
{
    size_t at = 0, len;

    while (at < text.len && (len = utf8_sequence(span_from(text, at))))
        at += len;
    assert(utf8_valid_prefix(text) == at);
}

static void check_string(struct json_value string)
{
    CLEANUP(buf_fini) struct buf text = {0};
    struct span plain;
    const bool is_plain = json_string_plain(string, &plain);

    json_unescape(string, &text);
    assert(!is_plain || span_equal(plain, buf_span(&text)));
    assert(json_raw_equal(span_of(string.raw.ptr + 1, string.raw.len - 2), buf_span(&text)));
    if (utf8_valid_prefix(string.raw) == string.raw.len)
        assert(utf8_valid_prefix(buf_span(&text)) == text.len);
    check_text(buf_span(&text));
}

/* A value is JSON by itself, of the same kind. */
static void check_alone(struct json_value value)
{
    struct json_value again;

    assert(json_parse(value.raw, &again, NULL) == 0);
    assert(again.type == value.type && again.raw.ptr == value.raw.ptr && again.raw.len == value.raw.len);
}

/* The last member of a name is the one that is found. */
static void check_member(struct json_value object, struct span raw_key, struct json_value value)
{
    CLEANUP(buf_fini) struct buf key = {0};
    struct json_value found;

    json_unescape((struct json_value){JSON_STRING, span_of(raw_key.ptr - 1, raw_key.len + 2)}, &key);
    assert(json_get(object, buf_span(&key), &found));
    assert(found.raw.ptr >= value.raw.ptr && fuzz_within(found.raw, object.raw));
}

#define VALUES_MAX 256 /* more of one input tell nothing new, and nesting would make it slow */

static void walk(struct json_value value, unsigned *left)
{
    struct json_iter it;
    struct json_value one;
    struct span key;

    if (*left == 0)
        return;
    --*left;
    check_alone(value);
    if (value.type == JSON_NUMBER)
        check_number(value);
    if (value.type == JSON_STRING)
        check_string(value);
    if (value.type != JSON_ARRAY && value.type != JSON_OBJECT)
        return;
    json_iter_init(&it, value);
    while (json_iter_next(&it, &key, &one)) {
        assert(one.raw.len && fuzz_within(one.raw, value.raw));
        if (value.type == JSON_OBJECT)
            check_member(value, key, one);
        walk(one, left);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct span text = span_of((const char *)data, size);
    struct json_value value;
    struct json_error error = {0};
    unsigned left = VALUES_MAX;

    check_text(text);
    check_utf8(text);
    if (json_parse(text, &value, &error) < 0) {
        assert(error.offset <= size && error.what && *error.what);
        assert(!slow_is_json(text));
    } else {
        assert(slow_is_json(text));
        walk(value, &left);
    }
    return 0;
}
