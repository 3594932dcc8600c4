/* conditions.c - see conditions.h. */
#include "store/conditions.h"

#include <math.h>

#include "base/utf8.h"
#include "src/json_number.h"

/* ---- reading a condition ---- */

static bool is_boolean(enum json_type type)
{
    return type == JSON_TRUE || type == JSON_FALSE;
}

/* What is beyond all doubles is larger, or less, than they are. */
static struct condition_number number_of(struct json_value value, struct buf *scratch)
{
    struct condition_number n = {.real = value.raw.ptr[0] == '-' ? -HUGE_VAL : HUGE_VAL};

    n.whole = json_number_integer(value, &n.integer) == 0;
    json_number_double(value, scratch, &n.real);
    return n;
}

static const char *condition_init(struct condition *c, const struct store_condition *where, struct buf *scratch)
{
    c->field = where->field;
    c->op = where->op;
    if (c->field.len == 0 || c->field.len > STORE_FIELD_MAX || utf8_valid_prefix(c->field) != c->field.len)
        return "the field of a condition has 1 to 1024 bytes of UTF-8";
    if (c->op > APIGW_STARTS_WITH)
        return "a condition has no such operator";
    if (where->value.len > STORE_CONTENT_MAX || json_parse(where->value, &c->value, NULL) < 0)
        return "the value of a condition is not JSON";
    if (c->value.type != JSON_STRING && c->value.type != JSON_NUMBER && !is_boolean(c->value.type))
        return "the value of a condition must be a string, a number or a boolean";
    if (c->op == APIGW_STARTS_WITH && c->value.type != JSON_STRING)
        return "startsWith takes a string";
    if (c->value.type == JSON_STRING)
        json_unescape(c->value, &c->text);
    if (c->value.type == JSON_NUMBER)
        c->number = number_of(c->value, scratch);
    return NULL;
}

int conditions_init(struct conditions *c, const struct store_condition *where, size_t count, struct buf *ret_error)
{
    const char *wrong = count > APIGW_WHERE_MAX ? "a query has at most 8 conditions" : NULL;

    *c = (struct conditions){0};
    for (size_t i = 0; i < count && !wrong; i++)
        wrong = condition_init(&c->items[c->count++], &where[i], &c->text);
    if (!wrong)
        return APIGW_OK;
    buf_append_str(ret_error, wrong);
    return APIGW_BAD_REQUEST;
}

void conditions_fini(struct conditions *c)
{
    for (size_t i = 0; i < c->count; i++)
        buf_fini(&c->items[i].text);
    buf_fini(&c->text);
}

/* ---- comparing ---- */

static int compare_texts(struct span a, struct span b)
{
    const size_t len = a.len < b.len ? a.len : b.len;
    const int order = len ? memcmp(a.ptr, b.ptr, len) : 0;

    return order ? (order > 0) - (order < 0) : (a.len > b.len) - (a.len < b.len);
}

static int compare_numbers(struct condition_number a, struct condition_number b)
{
    if (a.whole && b.whole)
        return (a.integer > b.integer) - (a.integer < b.integer);
    return (a.real > b.real) - (a.real < b.real);
}

static struct span text_of(struct json_value string, struct buf *room)
{
    struct span plain;

    if (json_string_plain(string, &plain))
        return plain;
    buf_clear(room, STORE_CONTENT_MAX);
    json_unescape(string, room);
    return buf_span(room);
}

/* Does `op` hold for a value that is less, equal or greater? */
static const bool verdicts[][3] = {
    [APIGW_EQUAL] = {false, true, false},   [APIGW_NOT_EQUAL] = {true, false, true},
    [APIGW_LESS] = {true, false, false},    [APIGW_LESS_EQUAL] = {true, true, false},
    [APIGW_GREATER] = {false, false, true}, [APIGW_GREATER_EQUAL] = {false, true, true},
};

static bool string_holds(const struct condition *c, struct span text)
{
    if (c->op == APIGW_STARTS_WITH)
        return span_starts_with(text, buf_span(&c->text));
    return verdicts[c->op][1 + compare_texts(text, buf_span(&c->text))];
}

static bool condition_holds(const struct condition *c, struct json_value value, struct buf *room)
{
    if (is_boolean(c->value.type) && is_boolean(value.type))
        return verdicts[c->op][1 + (value.type == JSON_TRUE) - (c->value.type == JSON_TRUE)];
    if (c->value.type != value.type)
        return false;
    if (value.type == JSON_STRING)
        return string_holds(c, text_of(value, room));
    return verdicts[c->op][1 + compare_numbers(number_of(value, room), c->number)];
}

/* The member of that very name, dots and all; else names with dots between them. */
static bool find_field(struct json_value document, struct span field, struct json_value *ret)
{
    const char *dot;

    while (!json_get(document, field, ret)) {
        dot = memchr(field.ptr, '.', field.len);
        if (!dot || !json_get(document, span_of(field.ptr, (size_t)(dot - field.ptr)), &document))
            return false;
        field = span_from(field, (size_t)(dot - field.ptr) + 1);
        if (field.len == 0)
            return false;
    }
    return true;
}

bool conditions_hold(struct conditions *c, struct json_value document)
{
    struct json_value value;

    for (size_t i = 0; i < c->count; i++)
        if (!find_field(document, c->items[i].field, &value) || !condition_holds(&c->items[i], value, &c->text))
            return false;
    return true;
}
