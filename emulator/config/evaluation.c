/* evaluation.c - what a compiled selection expression selects from one message body.
 *
 * Runs once per message: the body is checked once, then only walked; nothing is allocated but in `out`. A path that
 * selects one value at most is a plain loop. The others run as a row of cursors, one for each step, that hand their
 * matches to the next: the row is as long as the path, whatever the message looks like. */
#include <assert.h>

#include "base/json.h"
#include "config/expression_priv.h"

/* Where one step stands among the values it selects from `from`. */
struct cursor {
    const struct step *step;
    const struct selector *selectors;
    struct json_value from;
    struct json_iter it; /* ALL, SLICE */
    int64_t position;    /* SLICE: of the element that `it` gives next */
    int64_t low, high;   /* SLICE: from, and the first one behind */
    size_t choice;       /* MEMBERS, INDICES: the next selector */
    const char *at;      /* DESCEND: how far the text was searched */
    size_t *work;        /* bytes that may still be looked at */
};

/* ---- text that json_parse accepted ---- */

/* Behind the string that opens at `p`. */
static const char *string_end(const char *p)
{
    for (p++; *p != '"'; p++)
        if (*p == '\\')
            p++;
    return p + 1;
}

/* Behind the array or object that opens at `p`. */
static const char *container_end(const char *p)
{
    size_t depth = 0;

    do {
        if (*p == '"') {
            p = string_end(p);
            continue;
        }
        depth += *p == '{' || *p == '[';
        depth -= *p == '}' || *p == ']';
        p++;
    } while (depth > 0);
    return p;
}

/* Behind the number, true, false or null that starts at `p`; an array goes on there, if only with its bracket. */
static const char *scalar_end(const char *p)
{
    while (!strchr(",] \t\r\n", *p))
        p++;
    return p;
}

static int64_t array_length(struct json_value array)
{
    struct json_iter it;
    struct span key;
    struct json_value element;
    int64_t length = 0;

    json_iter_init(&it, array);
    while (json_iter_next(&it, &key, &element))
        length++;
    return length;
}

static bool array_element(struct json_value array, int64_t index, struct json_value *ret)
{
    struct json_iter it;
    struct span key;
    struct json_value element;

    if (array.type != JSON_ARRAY)
        return false;
    if (index < 0)
        index += array_length(array);
    if (index < 0)
        return false;
    json_iter_init(&it, array);
    while (json_iter_next(&it, &key, &element)) {
        if (index-- == 0) {
            *ret = element;
            return true;
        }
    }
    return false;
}

static bool object_member(struct json_value object, struct span name, struct json_value *ret)
{
    return object.type == JSON_OBJECT && json_get(object, name, ret);
}

/* ---- results ---- */

static void append_string(struct json_value string, struct buf *out)
{
    struct span plain;

    if (json_string_plain(string, &plain))
        buf_append(out, plain);
    else
        json_unescape(string, out);
}

/* "[item1, item2]": arrays in arrays the same, objects as their text, strings without quotes. Follows the text rather
 * than the tree, so that depth costs nothing. */
static void append_array(struct span raw, struct buf *out)
{
    const char *p = raw.ptr, *end = raw.ptr + raw.len;

    while (p < end) {
        const char *start = p++;

        switch (*start) {
        case '[':
        case ']': buf_append_char(out, *start); break;
        case ',': buf_append(out, SPAN(", ")); break;
        case ' ':
        case '\t':
        case '\r':
        case '\n': break;
        case '"':
            p = string_end(start);
            append_string((struct json_value){JSON_STRING, span_of(start, (size_t)(p - start))}, out);
            break;
        default:
            p = *start == '{' ? container_end(start) : scalar_end(start);
            buf_append(out, span_of(start, (size_t)(p - start)));
        }
    }
}

static void append_value(struct json_value value, struct span null_text, struct buf *out)
{
    switch (value.type) {
    case JSON_NULL: buf_append(out, null_text); break;
    case JSON_STRING: append_string(value, out); break;
    case JSON_ARRAY: append_array(value.raw, out); break;
    default: buf_append(out, value.raw);
    }
}

/* ---- cursors: each next_… gives the next value that its step selects ---- */

static bool next_member(struct cursor *c, struct json_value *ret)
{
    return c->choice++ == 0 && object_member(c->from, c->step->name, ret);
}

static bool next_index(struct cursor *c, struct json_value *ret)
{
    return c->choice++ == 0 && array_element(c->from, c->step->from, ret);
}

static bool next_of_all(struct cursor *c, struct json_value *ret)
{
    struct span key;

    return (c->from.type == JSON_ARRAY || c->from.type == JSON_OBJECT) && json_iter_next(&c->it, &key, ret);
}

static bool next_of_slice(struct cursor *c, struct json_value *ret)
{
    struct span key;

    while (c->position < c->high && json_iter_next(&c->it, &key, ret)) {
        int64_t position = c->position++;

        if (position >= c->low && (position - c->low) % c->step->by == 0)
            return true;
    }
    return false;
}

/* Pays for looking through `bytes` bytes; false when the evaluation has cost enough. */
static bool spend(struct cursor *c, size_t bytes)
{
    if (*c->work < bytes) {
        *c->work = 0;
        return false;
    }
    *c->work -= bytes;
    return true;
}

static bool next_of_members(struct cursor *c, struct json_value *ret)
{
    while (c->choice < c->step->count && spend(c, c->from.raw.len))
        if (object_member(c->from, c->selectors[c->step->first + c->choice++].name, ret))
            return true;
    return false;
}

static bool next_of_indices(struct cursor *c, struct json_value *ret)
{
    while (c->choice < c->step->count && spend(c, c->from.raw.len))
        if (array_element(c->from, c->selectors[c->step->first + c->choice++].index, ret))
            return true;
    return false;
}

static bool next_container(struct cursor *c, struct json_value *ret)
{
    const char *end = c->from.raw.ptr + c->from.raw.len;
    const char *p = c->at;

    while (p < end && *p != '{' && *p != '[')
        p = *p == '"' ? string_end(p) : p + 1;
    c->at = p + 1;
    if (p >= end)
        return false;
    ret->type = *p == '{' ? JSON_OBJECT : JSON_ARRAY;
    ret->raw = span_of(p, (size_t)(container_end(p) - p));
    return true;
}

static bool (*const next_match[])(struct cursor *c, struct json_value *ret) = {
    [STEP_MEMBER] = next_member,     [STEP_INDEX] = next_index,        [STEP_ALL] = next_of_all,
    [STEP_SLICE] = next_of_slice,    [STEP_MEMBERS] = next_of_members, [STEP_INDICES] = next_of_indices,
    [STEP_DESCEND] = next_container,
};

static int64_t clamp_bound(int64_t bound, int64_t length)
{
    bound += bound < 0 ? length : 0;
    return bound < 0 ? 0 : bound > length ? length : bound;
}

static void begin_slice(struct cursor *c)
{
    int64_t length = c->from.type == JSON_ARRAY ? array_length(c->from) : 0;

    c->low = clamp_bound(c->step->from, length);
    c->high = clamp_bound(c->step->to, length);
}

static struct cursor cursor_at(const struct expression *e, const struct step *step, struct json_value from,
                               size_t *work)
{
    struct cursor c = {.step = step, .selectors = e->selectors, .from = from, .at = from.raw.ptr, .work = work};

    if (from.type == JSON_ARRAY || from.type == JSON_OBJECT)
        json_iter_init(&c.it, from);
    if (step->kind == STEP_SLICE)
        begin_slice(&c);
    return c;
}

/* ---- paths ---- */

static void append_one(const struct expression *e, const struct part *part, struct json_value value,
                       struct span null_text, struct buf *out)
{
    for (size_t i = 0; i < part->count; i++) {
        const struct step *step = &e->steps[part->first + i];
        bool found = step->kind == STEP_MEMBER ? object_member(value, step->name, &value)
                                               : array_element(value, step->from, &value);

        if (!found)
            return;
    }
    append_value(value, null_text, out);
}

/* The list of matches being written. */
struct matches {
    struct buf *out;
    size_t start; /* where the list began in `out` */
    size_t count;
};

static bool matches_full(const struct matches *m)
{
    return m->count >= EXPRESSION_MATCHES_MAX || m->out->len - m->start >= EXPRESSION_LIST_BYTES_MAX;
}

static void matches_add(struct matches *m, struct json_value value)
{
    buf_append_str(m->out, m->count++ ? ", " : "[");
    append_value(value, value.raw, m->out);
}

static void append_many(const struct expression *e, const struct part *part, struct json_value body, size_t *work,
                        struct buf *out)
{
    struct cursor cursors[EXPRESSION_STEPS_MAX];
    const struct step *steps = &e->steps[part->first];
    struct matches m = {.out = out, .start = out->len};
    size_t depth = 0;
    bool cut = false;

    assert(part->count > 0 && part->count <= EXPRESSION_STEPS_MAX);
    cursors[0] = cursor_at(e, &steps[0], body, work);
    while (!cut) {
        struct json_value value;

        if (!next_match[cursors[depth].step->kind](&cursors[depth], &value)) {
            if (depth-- == 0)
                break;
            continue;
        }
        cut = matches_full(&m) || !spend(&cursors[depth], value.raw.len + 1);
        if (!cut && depth + 1 == part->count)
            matches_add(&m, value);
        else if (!cut) {
            depth++;
            cursors[depth] = cursor_at(e, &steps[depth], value, work);
        }
    }
    if (m.count > 0)
        buf_append_str(out, cut || *work == 0 ? ", …]" : "]");
}

enum expression_result expression_evaluate(const struct expression *e, struct span body, struct span null_text,
                                           struct buf *out)
{
    struct json_value root;
    size_t work = EXPRESSION_WORK_BYTES_MAX;

    if (e->has_variable && json_parse(body, &root, NULL) < 0)
        return EXPRESSION_NOT_JSON;
    for (size_t i = 0; i < e->part_count; i++) {
        const struct part *part = &e->parts[i];

        if (!part->variable)
            buf_append(out, part->literal);
        else if (part->definite)
            append_one(e, part, root, null_text, out);
        else
            append_many(e, part, root, &work, out);
    }
    return EXPRESSION_OK;
}
