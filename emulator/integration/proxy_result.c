/* proxy_result.c - AWS's rules for Lambda proxy results, as observed (docs/fidelity.md, "Results").
 *
 * A result is a JSON object of at most five members; each has a judge of its own in a table. */
#include "integration/proxy_result.h"

#include <limits.h>

#include "base/json.h"

/* A longer one could not be written into a response head. */
#define SUBPROTOCOL_BYTES_MAX 1024

static const struct span subprotocol_name = {"Sec-WebSocket-Protocol", 22};

static const char why_header_value[] = "a header's value is neither a string nor a boolean";
static const char why_subprotocol[] = "Sec-WebSocket-Protocol is not a header value of printable ASCII";

/* What has been found so far; values are judged first and taken out when all are in order. */
struct reading {
    int status_code;
    bool has_body;
    struct json_value body;
    struct json_value subprotocol[2]; /* of headers, and of multiValueHeaders, which counts more */
    bool has_subprotocol[2];
};

enum { FROM_HEADERS, FROM_MULTI_VALUE_HEADERS };

/* ---- members ---- */

/* "201", "-1" */
static int parse_digits(struct span text, int64_t *ret)
{
    bool negative = text.len > 0 && text.ptr[0] == '-';
    int64_t value = 0;

    if (negative)
        text = span_from(text, 1);
    if (text.len == 0 || text.len > 10)
        return -1;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return -1;
        value = value * 10 + (text.ptr[i] - '0');
    }
    *ret = negative ? -value : value;
    return 0;
}

static int parse_status(struct json_value value, int64_t *ret)
{
    struct span plain;

    if (value.type == JSON_NUMBER)
        return json_int_value(value, ret);
    if (value.type == JSON_STRING && json_string_plain(value, &plain))
        return parse_digits(plain, ret);
    return -1;
}

static const char *judge_status(struct json_value value, struct reading *r)
{
    int64_t status;

    r->status_code = 200;
    if (value.type == JSON_NULL)
        return NULL;
    if (parse_status(value, &status) < 0 || status < INT_MIN || status > INT_MAX)
        return "statusCode is neither an integer nor a string of digits";
    r->status_code = (int)status;
    return NULL;
}

static bool is_text(enum json_type type)
{
    return type == JSON_STRING || type == JSON_TRUE || type == JSON_FALSE;
}

/* Header names compare without case; one written with escapes is undone first. */
static bool is_subprotocol_name(struct span raw_key)
{
    char bytes[6 * 22 + 2]; /* every character of it escaped, and quotes */
    struct buf undone = {0};
    struct json_value key = {.type = JSON_STRING};
    bool equal;

    if (raw_key.len == 0 || raw_key.len > sizeof(bytes) - 2)
        return false;
    if (!memchr(raw_key.ptr, '\\', raw_key.len))
        return span_equal_nocase(raw_key, subprotocol_name);
    bytes[0] = '"';
    memcpy(bytes + 1, raw_key.ptr, raw_key.len);
    bytes[raw_key.len + 1] = '"';
    key.raw = span_of(bytes, raw_key.len + 2);
    json_unescape(key, &undone);
    equal = span_equal_nocase(buf_span(&undone), subprotocol_name);
    buf_fini(&undone);
    return equal;
}

static void note_subprotocol(struct reading *r, unsigned from, struct json_value value)
{
    r->subprotocol[from] = value;
    r->has_subprotocol[from] = true;
}

static const char *judge_headers(struct json_value value, struct reading *r)
{
    struct json_iter it;
    struct json_value header;
    struct span key;

    r->has_subprotocol[FROM_HEADERS] = false;
    if (value.type == JSON_NULL)
        return NULL;
    if (value.type != JSON_OBJECT)
        return "headers is not an object";
    json_iter_init(&it, value);
    while (json_iter_next(&it, &key, &header)) {
        if (!is_text(header.type))
            return why_header_value;
        if (is_subprotocol_name(key))
            note_subprotocol(r, FROM_HEADERS, header);
    }
    return NULL;
}

static const char *note_last_value(struct json_value array, struct reading *r)
{
    struct json_iter it;
    struct json_value value;
    struct span no_key;

    json_iter_init(&it, array);
    while (json_iter_next(&it, &no_key, &value)) {
        if (!is_text(value.type))
            return why_header_value;
        note_subprotocol(r, FROM_MULTI_VALUE_HEADERS, value);
    }
    return NULL;
}

/* What the arrays of other headers hold does not matter: nothing of it goes anywhere. */
static const char *judge_multi_value_headers(struct json_value value, struct reading *r)
{
    struct json_iter it;
    struct json_value values;
    struct span key;

    r->has_subprotocol[FROM_MULTI_VALUE_HEADERS] = false;
    if (value.type == JSON_NULL)
        return NULL;
    if (value.type != JSON_OBJECT)
        return "multiValueHeaders is not an object";
    json_iter_init(&it, value);
    while (json_iter_next(&it, &key, &values)) {
        const char *why = NULL;
        if (values.type != JSON_ARRAY)
            return "a value of multiValueHeaders is not an array";
        if (is_subprotocol_name(key))
            why = note_last_value(values, r);
        if (why)
            return why;
    }
    return NULL;
}

static const char *judge_body(struct json_value value, struct reading *r)
{
    r->has_body = value.type == JSON_STRING;
    r->body = value;
    return value.type == JSON_STRING || value.type == JSON_NULL ? NULL : "body is not a string";
}

/* The body is sent as it is either way. */
static const char *judge_base64(struct json_value value, struct reading *r)
{
    (void)r;
    return value.type == JSON_TRUE || value.type == JSON_FALSE || value.type == JSON_NULL
               ? NULL
               : "isBase64Encoded is not a boolean";
}

static const struct {
    struct span name;
    const char *(*judge)(struct json_value value, struct reading *r); /* NULL: well-formed */
} members[] = {
    {{"statusCode", 10}, judge_status},
    {{"headers", 7}, judge_headers},
    {{"multiValueHeaders", 17}, judge_multi_value_headers},
    {{"body", 4}, judge_body},
    {{"isBase64Encoded", 15}, judge_base64},
};

static const char *judge_member(struct span key, struct json_value value, struct reading *r)
{
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        if (json_raw_equal(key, members[i].name))
            return members[i].judge(value, r);
    return "it has a member other than statusCode, headers, multiValueHeaders, body and isBase64Encoded";
}

/* ---- the whole ---- */

/* Every kind of value that is no proxy result, by its JSON type. */
static const char *const why_not_object[] = {
    [JSON_NULL] = "it is null, or the handler returned nothing",
    [JSON_FALSE] = "it is a boolean, not an object",
    [JSON_TRUE] = "it is a boolean, not an object",
    [JSON_NUMBER] = "it is a number, not an object",
    [JSON_STRING] = "it is a string, not an object",
    [JSON_ARRAY] = "it is an array, not an object",
};

static const char *judge(struct span json, struct reading *r)
{
    struct json_value result, value;
    struct json_iter it;
    struct span key;
    const char *why = NULL;

    if (json_parse(json, &result, NULL) < 0)
        return "it is not JSON";
    if (result.type != JSON_OBJECT)
        return why_not_object[result.type];
    json_iter_init(&it, result);
    while (!why && json_iter_next(&it, &key, &value))
        why = judge_member(key, value, r);
    return why;
}

/* Text of a value: where it stands if it has no escapes, else undone at the end of `text`, whose bytes may still move:
 * then the span's ptr is NULL until finish_text. */
struct taken {
    struct span span;
    size_t offset;
    bool in_text;
};

static struct taken take_text(struct json_value value, struct buf *text)
{
    struct taken t = {.offset = text->len};

    if (value.type == JSON_TRUE)
        t.span = SPAN("true");
    else if (value.type == JSON_FALSE)
        t.span = SPAN("false");
    else if (!json_string_plain(value, &t.span)) {
        json_unescape(value, text);
        t.in_text = true;
        t.span.len = text->len - t.offset;
    }
    return t;
}

static struct span finish_text(const struct taken *t, const struct buf *text)
{
    return t->in_text ? span_of(text->ptr + t->offset, t->span.len) : t->span;
}

static bool is_header_value(struct span value)
{
    if (value.len > SUBPROTOCOL_BYTES_MAX)
        return false;
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] < ' ' || value.ptr[i] > '~')
            return false;
    return true;
}

int proxy_result_parse(struct span json, struct buf *text, struct proxy_result *ret, const char **ret_why)
{
    struct reading r = {.status_code = 200};
    struct taken body = {0}, subprotocol = {0};
    const char *why = judge(json, &r);

    if (why) {
        *ret_why = why;
        return -1;
    }
    if (r.has_body)
        body = take_text(r.body, text);
    if (r.has_subprotocol[FROM_MULTI_VALUE_HEADERS])
        subprotocol = take_text(r.subprotocol[FROM_MULTI_VALUE_HEADERS], text);
    else if (r.has_subprotocol[FROM_HEADERS])
        subprotocol = take_text(r.subprotocol[FROM_HEADERS], text);
    if (!is_header_value(finish_text(&subprotocol, text))) {
        *ret_why = why_subprotocol;
        return -1;
    }
    *ret = (struct proxy_result){
        .status_code = r.status_code,
        .has_body = r.has_body,
        .body = finish_text(&body, text),
        .subprotocol = finish_text(&subprotocol, text),
    };
    return 0;
}

int proxy_result_from_typed(const struct invocation_result *typed, struct proxy_result *ret, const char **ret_why)
{
    struct span subprotocol = {0};

    for (size_t i = 0; i < typed->header_count; i++)
        if (span_equal_nocase(typed->headers[i].name, subprotocol_name))
            subprotocol = typed->headers[i].value;
    if (!is_header_value(subprotocol)) {
        *ret_why = why_subprotocol;
        return -1;
    }
    *ret = (struct proxy_result){
        .status_code = typed->status_code == 0 ? 200 : typed->status_code, /* 0: left out */
        .has_body = typed->has_body,
        .body = typed->body,
        .subprotocol = subprotocol,
    };
    return 0;
}
