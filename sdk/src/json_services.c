/* json_services.c - the functions of struct apigw_json_services.
 *
 * Values come from plugins, which may have put them together by hand or written over their text since. So a value is
 * checked again each time; what it costs is of the order of the walk itself. Only a walk from member to member would
 * cost its square: it checks as much as it walks over. */
#include "src/json_services.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "src/caller.h"
#include "src/json_number.h"
#include "src/json_path.h"

#define SCRATCH_KEEP_BYTES (64u * 1024u)
#define WRITER_BYTES_MIN 256
#define ESCAPE_PIECE (16u * 1024u) /* of a text at once, or a long one would need six times its length */

static const struct apigw_json none = {APIGW_JSON_NONE, 0, {NULL, 0}};

/* ---- in and out ---- */

static bool span_in(struct apigw_span s, struct span *ret)
{
    *ret = span_of(s.ptr, s.len);
    return s.ptr || s.len == 0;
}

static struct apigw_span span_out(struct span s)
{
    return apigw_span_of(s.ptr, s.len);
}

static struct apigw_json value_out(struct json_value v)
{
    static const uint32_t types[] = {
        [JSON_NULL] = APIGW_JSON_NULL,     [JSON_FALSE] = APIGW_JSON_BOOLEAN, [JSON_TRUE] = APIGW_JSON_BOOLEAN,
        [JSON_NUMBER] = APIGW_JSON_NUMBER, [JSON_STRING] = APIGW_JSON_STRING, [JSON_ARRAY] = APIGW_JSON_ARRAY,
        [JSON_OBJECT] = APIGW_JSON_OBJECT,
    };
    return (struct apigw_json){types[v.type], 0, span_out(v.raw)};
}

/* False for NONE, and for what is no value. */
static bool value_in(const struct apigw_json *value, struct json_value *ret)
{
    struct span raw;

    return value && value->type != APIGW_JSON_NONE && span_in(value->raw, &raw) && json_parse(raw, ret, NULL) == 0;
}

/* A copy that lives as long as the invocation; false if there is no memory. */
static bool keep(struct caller *caller, struct span bytes, struct apigw_span *ret)
{
    char *copy = arena_allocate(&caller->arena, bytes.len);

    if (!copy)
        return false;
    if (bytes.len)
        memcpy(copy, bytes.ptr, bytes.len);
    *ret = apigw_span_of(copy, bytes.len);
    return true;
}

/* ---- strings ---- */

/* What is longer than all memory of an invocation is not even tried: the scratch would have to hold it. */
static bool can_be_kept(const struct caller *caller, struct span text)
{
    return text.len <= caller->arena.bytes_max;
}

/* A string with its escapes undone. */
static int unescape(struct caller *caller, struct json_value string, struct apigw_span *ret)
{
    struct span plain;
    bool kept;

    if (json_string_plain(string, &plain)) {
        *ret = span_out(plain);
        return APIGW_OK;
    }
    if (!can_be_kept(caller, string.raw))
        return APIGW_FAILED;
    buf_clear(&caller->scratch, SCRATCH_KEEP_BYTES);
    json_unescape(string, &caller->scratch);
    kept = keep(caller, buf_span(&caller->scratch), ret);
    buf_clear(&caller->scratch, SCRATCH_KEEP_BYTES);
    return kept ? APIGW_OK : APIGW_FAILED;
}

/* ---- reading ---- */

static int parse(struct apigw_context *context, struct apigw_span text, struct apigw_json *ret)
{
    struct json_value value;
    struct span in;

    if (!ret)
        return APIGW_BAD_REQUEST;
    *ret = none;
    if (!caller_of(context))
        return APIGW_FAILED;
    if (!span_in(text, &in) || json_parse(in, &value, NULL) < 0)
        return APIGW_BAD_REQUEST;
    *ret = value_out(value);
    return APIGW_OK;
}

/* APIGW_OK, whether there is such a value or not; *ret is NONE if there is not. */
static int get(struct apigw_context *context, const struct apigw_json *from, struct apigw_span path,
               struct apigw_json *ret)
{
    struct caller *const caller = caller_of(context);
    struct json_value value;
    struct span in;

    if (!ret)
        return APIGW_BAD_REQUEST;
    if (!caller || !value_in(from, &value)) { /* `from` may be `ret` */
        *ret = none;
        return caller ? APIGW_OK : APIGW_FAILED;
    }
    *ret = none;
    if (!span_in(path, &in))
        return APIGW_BAD_REQUEST;
    switch (json_path_get(value, in, &caller->scratch, &value)) {
    case JSON_PATH_FOUND: *ret = value_out(value); return APIGW_OK;
    case JSON_PATH_ABSENT: return APIGW_OK;
    default: return APIGW_BAD_REQUEST;
    }
}

static int text(struct apigw_context *context, const struct apigw_json *value, struct apigw_span *ret)
{
    struct caller *const caller = caller_of(context);
    struct json_value in;

    if (!ret)
        return APIGW_BAD_REQUEST;
    *ret = apigw_span_of(NULL, 0);
    if (!caller)
        return APIGW_FAILED;
    if (!value_in(value, &in) || in.type == JSON_NULL)
        return APIGW_OK;
    if (in.type == JSON_STRING)
        return unescape(caller, in, ret);
    *ret = span_out(in.raw);
    return APIGW_OK;
}

/* ---- numbers ---- */

/* What a string holds if it is the text of a number, and nothing else. */
static bool number_in_string(struct caller *caller, struct json_value string, struct json_value *ret)
{
    struct span inside;

    if (!json_string_plain(string, &inside)) {
        if (!can_be_kept(caller, string.raw))
            return false;
        buf_clear(&caller->scratch, SCRATCH_KEEP_BYTES);
        json_unescape(string, &caller->scratch);
        inside = buf_span(&caller->scratch);
    }
    return json_parse(inside, ret, NULL) == 0 && ret->type == JSON_NUMBER && ret->raw.len == inside.len;
}

static bool number_in(struct caller *caller, const struct apigw_json *value, struct json_value *ret)
{
    if (!value_in(value, ret))
        return false;
    return ret->type == JSON_NUMBER || (ret->type == JSON_STRING && number_in_string(caller, *ret, ret));
}

/* *ret is written on APIGW_OK only. */
static int number(struct apigw_context *context, const struct apigw_json *value, double *ret)
{
    struct caller *const caller = caller_of(context);
    CLEANUP(buf_fini) struct buf digits = {0};
    struct json_value in;

    if (!caller)
        return APIGW_FAILED;
    if (!ret || !number_in(caller, value, &in) || json_number_double(in, &digits, ret) < 0)
        return APIGW_BAD_REQUEST;
    return APIGW_OK;
}

static int integer(struct apigw_context *context, const struct apigw_json *value, int64_t *ret)
{
    struct caller *const caller = caller_of(context);
    struct json_value in;

    if (!caller)
        return APIGW_FAILED;
    if (!ret || !number_in(caller, value, &in) || json_number_integer(in, ret) < 0)
        return APIGW_BAD_REQUEST;
    return APIGW_OK;
}

/* ---- a walk ---- */

static struct span skip_blanks(struct span s)
{
    while (s.len && memchr(" \t\r\n", s.ptr[0], 4))
        s = span_from(s, 1);
    return s;
}

static bool take(struct span *rest, char c)
{
    *rest = skip_blanks(*rest);
    if (rest->len == 0 || rest->ptr[0] != c)
        return false;
    *rest = span_from(*rest, 1);
    return true;
}

static bool take_value(struct span *rest, struct json_value *ret)
{
    *rest = skip_blanks(*rest);
    if (json_parse_first(*rest, ret) < 0)
        return false;
    *rest = span_from(*rest, ret->raw.len);
    return true;
}

/* Where a walk stands; the text in front of it has been checked, by the steps before. */
struct position {
    struct span rest;
    bool object;
    bool first;
};

/* False at the end, and where the text does not go on as JSON does. */
static bool walk_on(struct position *p)
{
    const char closing = p->object ? '}' : ']';

    if (p->first)
        return take(&p->rest, p->object ? '{' : '[') && !take(&p->rest, closing);
    return take(&p->rest, ',');
}

static bool take_member(struct position *p, struct json_value *ret_key, struct json_value *ret_value)
{
    if (p->object && !(take_value(&p->rest, ret_key) && ret_key->type == JSON_STRING && take(&p->rest, ':')))
        return false;
    return take_value(&p->rest, ret_value);
}

static bool iterator_in(const struct apigw_json_iterator *it, struct position *ret)
{
    struct span raw;

    if (!it || (it->of.type != APIGW_JSON_OBJECT && it->of.type != APIGW_JSON_ARRAY) || !span_in(it->of.raw, &raw) ||
        it->at > raw.len)
        return false;
    *ret = (struct position){span_from(raw, it->at), it->of.type == APIGW_JSON_OBJECT, it->at == 0};
    return true;
}

/* 1 and both, 0 at the end; negative if it cannot be told. The iterator moves only if something was found. */
static int next(struct apigw_context *context, struct apigw_json_iterator *it, struct apigw_span *ret_key,
                struct apigw_json *ret_value)
{
    struct caller *const caller = caller_of(context);
    struct apigw_span name = {NULL, 0};
    struct json_value key, value;
    struct position p;

    if (!caller)
        return APIGW_FAILED;
    if (!ret_key || !ret_value)
        return APIGW_BAD_REQUEST;
    if (!iterator_in(it, &p) || !walk_on(&p) || !take_member(&p, &key, &value))
        return 0;
    if (p.object && unescape(caller, key, &name) != APIGW_OK)
        return APIGW_FAILED;
    it->at = it->of.raw.len - p.rest.len;
    *ret_key = name;
    *ret_value = value_out(value);
    return 1;
}

/* ---- writing ---- */

static bool writer_is_sane(const struct apigw_json_writer *w)
{
    return w->len <= w->capacity && (w->ptr || w->capacity == 0);
}

/* Twice the size or more, so that a long row of appends stays linear. What it leaves behind is the arena's. */
static bool writer_grow(struct caller *caller, struct apigw_json_writer *w, size_t more)
{
    size_t capacity = w->capacity > WRITER_BYTES_MIN / 2 ? w->capacity : WRITER_BYTES_MIN / 2;
    char *grown;

    if (more > caller->arena.bytes_max || capacity > caller->arena.bytes_max)
        return false;
    capacity = capacity * 2 > w->len + more ? capacity * 2 : w->len + more;
    grown = arena_allocate(&caller->arena, capacity);
    if (!grown)
        return false;
    if (w->len)
        memcpy(grown, w->ptr, w->len);
    w->ptr = grown;
    w->capacity = capacity;
    return true;
}

static bool append(struct caller *caller, struct apigw_json_writer *w, struct span bytes)
{
    if (bytes.len > w->capacity - w->len && !writer_grow(caller, w, bytes.len))
        return false;
    if (bytes.len)
        memcpy(w->ptr + w->len, bytes.ptr, bytes.len);
    w->len += bytes.len;
    return true;
}

/* `valid` is UTF-8. */
static bool append_escaped(struct caller *caller, struct apigw_json_writer *w, struct span valid)
{
    while (valid.len) {
        const struct span piece = span_of(valid.ptr, valid.len < ESCAPE_PIECE ? valid.len : ESCAPE_PIECE);

        buf_clear(&caller->scratch, SCRATCH_KEEP_BYTES);
        json_escape(&caller->scratch, piece);
        if (!append(caller, w, buf_span(&caller->scratch)))
            return false;
        valid = span_from(valid, piece.len);
    }
    return true;
}

/* In quotes; U+FFFD for each byte that is not part of UTF-8. */
static bool append_string(struct caller *caller, struct apigw_json_writer *w, struct span bytes)
{
    if (!append(caller, w, SPAN("\"")))
        return false;
    while (bytes.len) {
        const size_t valid = utf8_valid_prefix(bytes);

        if (!append_escaped(caller, w, span_of(bytes.ptr, valid)))
            return false;
        bytes = span_from(bytes, valid);
        if (bytes.len == 0)
            break;
        if (!append(caller, w, UTF8_REPLACEMENT))
            return false;
        bytes = span_from(bytes, 1);
    }
    return append(caller, w, SPAN("\""));
}

static int write_text(struct apigw_json_writer *w, int as_string, struct apigw_span text)
{
    struct caller *const caller = w ? caller_of(w->context) : NULL;
    struct span in;

    if (!caller)
        return APIGW_FAILED;
    if (!writer_is_sane(w) || !span_in(text, &in))
        return APIGW_BAD_REQUEST;
    return (as_string ? append_string : append)(caller, w, in) ? APIGW_OK : APIGW_FAILED;
}

const struct apigw_json_services *json_services(void)
{
    static const struct apigw_json_services services = {
        .abi = APIGW_ABI(struct apigw_json_services),
        .parse = parse,
        .get = get,
        .next = next,
        .text = text,
        .number = number,
        .integer = integer,
        .write = write_text,
    };
    return &services;
}
