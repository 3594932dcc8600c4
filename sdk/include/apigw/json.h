/**
 * @file json.h
 * JSON for handlers: read without copying, and written without quoting by hand.
 *
 *     struct apigw_json order, item;
 *
 *     if (apigw_json_parse(context, event->body, &order) != APIGW_OK)
 *         return apigw_respond(context, 400, APIGW_SPAN("not JSON"));
 *     item = apigw_json_get(context, order, "items[0].name");
 *     return apigw_respond(context, 200, apigw_json_text(context, item));
 *
 * Memory. A value points into the text it was parsed from, and lives as long as that. What a function here makes is
 * memory of the invocation (apigw_allocate): it is gone when the handler has returned, and never to be freed.
 * Errors. Reading cannot fail half way: a text is checked as a whole when it is parsed (RFC 8259, at most 512 levels).
 * What is absent is a value of type APIGW_JSON_NONE, of which every question has an answer. */
#ifndef APIGW_JSON_H
#define APIGW_JSON_H

#include <apigw/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a value is. */
enum apigw_json_type {
    APIGW_JSON_NONE = 0,    /**< there is no such value */
    APIGW_JSON_NULL = 1,    /**< `null` */
    APIGW_JSON_BOOLEAN = 2, /**< `true` or `false` */
    APIGW_JSON_NUMBER = 3,  /**< a number of any size and precision */
    APIGW_JSON_STRING = 4,  /**< a text */
    APIGW_JSON_ARRAY = 5,   /**< elements, to walk through */
    APIGW_JSON_OBJECT = 6   /**< members, to walk through or to ask for */
};

/** One value. `raw` is its exact JSON text, quotes and brackets included. */
struct apigw_json {
    uint32_t type;         /**< enum apigw_json_type */
    uint32_t reserved;     /**< 0 */
    struct apigw_span raw; /**< borrowed from the text that was parsed */
};

/** A walk through the members of an object or the elements of an array. */
struct apigw_json_iterator {
    struct apigw_json of; /**< what is walked through */
    size_t at;            /**< bytes of of.raw that are behind it */
};

/** A text being written. */
struct apigw_json_writer {
    struct apigw_context *context; /**< whose memory it takes */
    char *ptr;                     /**< memory of the invocation */
    size_t len;                    /**< bytes that are written */
    size_t capacity;               /**< bytes that there is room for */
    int comma;                     /**< the next value has something in front of it */
    int failed;                    /**< there was no memory: the text is to be thrown away */
};

/** What the emulator does for the functions below; since ABI 1.1. */
struct apigw_json_services {
    struct apigw_abi abi; /**< how much of this struct there is */
    /** Behind apigw_json_parse. */
    int (*parse)(struct apigw_context *context, struct apigw_span text, struct apigw_json *ret);
    /** Behind apigw_json_get. */
    int (*get)(struct apigw_context *context, const struct apigw_json *from, struct apigw_span path,
               struct apigw_json *ret);
    /** Behind apigw_json_next. */
    int (*next)(struct apigw_context *context, struct apigw_json_iterator *it, struct apigw_span *ret_key,
                struct apigw_json *ret_value);
    /** Behind apigw_json_text. */
    int (*text)(struct apigw_context *context, const struct apigw_json *value, struct apigw_span *ret);
    /** Behind apigw_json_number. */
    int (*number)(struct apigw_context *context, const struct apigw_json *value, double *ret);
    /** Behind apigw_json_integer. */
    int (*integer)(struct apigw_context *context, const struct apigw_json *value, int64_t *ret);
    /** Behind all functions that write. */
    int (*write)(struct apigw_json_writer *writer, int as_string, struct apigw_span text);
};

/* ---- reading ---- */

/** Reads a text that must be one JSON value. APIGW_OK and `ret`; APIGW_BAD_REQUEST if it is not JSON, and `ret` is
 * NONE.
 */
static inline int apigw_json_parse(struct apigw_context *context, struct apigw_span text, struct apigw_json *ret)
{
    return context->host->json->parse(context, text, ret);
}

/** The value at a path of members and indices: "a.b[0].c", or ["a.b"] for names with dots or brackets; "" is `from`
 * itself. An index below 0 counts from the end. Of members with the same name it is the last. NONE if there is none. */
static inline struct apigw_json apigw_json_get(struct apigw_context *context, struct apigw_json from, const char *path)
{
    struct apigw_json found = {APIGW_JSON_NONE, 0, {NULL, 0}};
    context->host->json->get(context, &from, apigw_span_of_str(path), &found);
    return found;
}

/** 1 if there is such a value and it is not null. */
static inline int apigw_json_exists(struct apigw_json value)
{
    return value.type > APIGW_JSON_NULL;
}

/** A string's characters with its escapes undone; of any other value its JSON text; of NONE and null the empty span. A
 * span without escapes points into the text, else into memory of the invocation. */
static inline struct apigw_span apigw_json_text(struct apigw_context *context, struct apigw_json value)
{
    struct apigw_span text = {NULL, 0};
    context->host->json->text(context, &value, &text);
    return text;
}

/** A number, or a string that holds one; else `otherwise`. */
static inline double apigw_json_number(struct apigw_context *context, struct apigw_json value, double otherwise)
{
    double number = otherwise;
    context->host->json->number(context, &value, &number);
    return number;
}

/** A whole number that fits, or a string that holds one; else `otherwise`. */
static inline int64_t apigw_json_integer(struct apigw_context *context, struct apigw_json value, int64_t otherwise)
{
    int64_t integer = otherwise;
    context->host->json->integer(context, &value, &integer);
    return integer;
}

/** 1 for true, 0 for false; for what is neither, `otherwise`. */
static inline int apigw_json_boolean(struct apigw_json value, int otherwise)
{
    return value.type == APIGW_JSON_BOOLEAN ? value.raw.ptr[0] == 't' : otherwise;
}

/** Begins a walk. What is neither object nor array has nothing to walk through. */
static inline struct apigw_json_iterator apigw_json_walk(struct apigw_json of)
{
    struct apigw_json_iterator it;
    it.of = of;
    it.at = 0;
    return it;
}

/** The next member (key with its escapes undone) or element (key empty), in the text's order: 1, or 0 at the end. What
 * it gives lives until the handler returns. */
static inline int apigw_json_next(struct apigw_context *context, struct apigw_json_iterator *it,
                                  struct apigw_span *ret_key, struct apigw_json *ret_value)
{
    return context->host->json->next(context, it, ret_key, ret_value) == 1;
}

/* ---- writing ---- */

/**
 * Begins a text. It grows in memory of the invocation: nothing is to be freed.
 *
 *     struct apigw_json_writer w = apigw_json_write(context);
 *
 *     apigw_json_begin_object(&w);
 *     apigw_json_key(&w, "from");
 *     apigw_json_string(&w, event->connection_id);
 *     apigw_json_end_object(&w);
 *     return apigw_respond_written(context, 200, &w);
 *
 * Commas come by themselves; that what is written is JSON otherwise (keys in objects, ends for beginnings) is yours to
 * see to. Without memory for the text all of these functions do nothing, and apigw_json_written tells.
 */
static inline struct apigw_json_writer apigw_json_write(struct apigw_context *context)
{
    struct apigw_json_writer w = {NULL, NULL, 0, 0, 0, 0};
    w.context = context;
    return w;
}

static inline void apigw_json_put_(struct apigw_json_writer *w, int as_string, struct apigw_span text)
{
    if (!w->failed && w->context->host->json->write(w, as_string, text) != APIGW_OK)
        w->failed = 1;
}

/** One value, or what opens one: with a comma in front if it is not the first. */
static inline void apigw_json_value_(struct apigw_json_writer *w, int as_string, struct apigw_span text, int comma)
{
    if (w->comma)
        apigw_json_put_(w, 0, APIGW_SPAN(","));
    apigw_json_put_(w, as_string, text);
    w->comma = comma;
}

/** Opens an object; apigw_json_end_object closes it. */
static inline void apigw_json_begin_object(struct apigw_json_writer *w)
{
    apigw_json_value_(w, 0, APIGW_SPAN("{"), 0);
}

/** Closes the object that was opened last. */
static inline void apigw_json_end_object(struct apigw_json_writer *w)
{
    apigw_json_put_(w, 0, APIGW_SPAN("}"));
    w->comma = 1;
}

/** Opens an array; apigw_json_end_array closes it. */
static inline void apigw_json_begin_array(struct apigw_json_writer *w)
{
    apigw_json_value_(w, 0, APIGW_SPAN("["), 0);
}

/** Closes the array that was opened last. */
static inline void apigw_json_end_array(struct apigw_json_writer *w)
{
    apigw_json_put_(w, 0, APIGW_SPAN("]"));
    w->comma = 1;
}

/** The name of a member, a C string; its value is what is written next. */
static inline void apigw_json_key(struct apigw_json_writer *w, const char *key)
{
    apigw_json_value_(w, 1, apigw_span_of_str(key), 0);
    apigw_json_put_(w, 0, APIGW_SPAN(":"));
}

/** A string of any bytes, with quotes and escapes: what is not UTF-8 becomes U+FFFD. */
static inline void apigw_json_string(struct apigw_json_writer *w, struct apigw_span text)
{
    apigw_json_value_(w, 1, text, 1);
}

/** The decimal digits of a number; `out` holds 21 characters. */
static inline struct apigw_span apigw_json_digits_(int64_t value, char *out)
{
    uint64_t left = value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value;
    size_t at = 21;
    do
        out[--at] = (char)('0' + (char)(left % 10));
    while ((left /= 10) > 0);
    if (value < 0)
        out[--at] = '-';
    return apigw_span_of(out + at, 21 - at);
}

/** A whole number. For others there is apigw_json_raw. */
static inline void apigw_json_int(struct apigw_json_writer *w, int64_t value)
{
    char digits[21];
    apigw_json_value_(w, 0, apigw_json_digits_(value, digits), 1);
}

/** `true`, or for 0 `false`. */
static inline void apigw_json_bool(struct apigw_json_writer *w, int value)
{
    apigw_json_value_(w, 0, value ? APIGW_SPAN("true") : APIGW_SPAN("false"), 1);
}

/** `null`. */
static inline void apigw_json_null(struct apigw_json_writer *w)
{
    apigw_json_value_(w, 0, APIGW_SPAN("null"), 1);
}

/** Text that is JSON already, such as a number of your own formatting or the raw text of a value; of NONE it is null.
 */
static inline void apigw_json_raw(struct apigw_json_writer *w, struct apigw_span json)
{
    apigw_json_value_(w, 0, json.len ? json : APIGW_SPAN("null"), 1);
}

/** What was written; the empty span if there was no memory for it. Valid until the handler returns, or more is written.
 */
static inline struct apigw_span apigw_json_written(const struct apigw_json_writer *w)
{
    return w->failed ? apigw_span_of(NULL, 0) : apigw_span_of(w->ptr, w->len);
}

/** Answers with what was written, as apigw_respond does with a body. Without memory for it the invocation fails, with
 * the type `OutOfMemory`. */
static inline int apigw_respond_written(struct apigw_context *context, int status_code,
                                        const struct apigw_json_writer *w)
{
    if (w->failed)
        return apigw_fail(context, APIGW_SPAN("OutOfMemory"), APIGW_SPAN("no memory for the JSON of an answer"));
    return apigw_respond(context, status_code, apigw_json_written(w));
}

#ifdef __cplusplus
}
#endif

#endif
