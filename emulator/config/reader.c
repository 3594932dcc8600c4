/* reader.c - reads an object by a table of its fields. */
#include "config/reader.h"

#include <assert.h>
#include <math.h>

#include "base/mem.h"

#define FIELDS_MAX 24             /* of one table */
#define MISSPELT_SEARCHED_MAX 100 /* members looked through for a misspelt key */

void reader_init(struct reader *r, struct diagnostics *d, struct config *c)
{
    *r = (struct reader){
        .diagnostics = d,
        .config = c,
        .functions = {.what = "function"},
        .authorizers = {.what = "authorizer"},
        .api_keys = {.what = "API key"},
        .routes = {.what = "route"},
        .stages = {.what = "stage"},
    };
}

void reader_fini(struct reader *r)
{
    free(r->functions.used);
    free(r->authorizers.used);
    free(r->api_keys.used);
    free(r->stages.used);
    free(r->routes.used);
}

void reader_error(struct reader *r, const struct node *n, struct range where, const char *format, ...)
{
    CLEANUP(buf_fini) struct buf text = {0};
    va_list args;

    node_append_pointer(n, &text);
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    diagnostics_error(r->diagnostics, where, SPAN_FMT, SPAN_ARG(buf_span(&text)));
}

void reader_warn(struct reader *r, const struct node *n, struct range where, const char *format, ...)
{
    CLEANUP(buf_fini) struct buf text = {0};
    va_list args;

    node_append_pointer(n, &text);
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    diagnostics_warn(r->diagnostics, where, SPAN_FMT, SPAN_ARG(buf_span(&text)));
}

void reader_append_nearest(struct buf *out, const char *name, const char *const *names, size_t count)
{
    const char *nearest = config_nearest(span_of_str(name), names, count);

    if (!nearest)
        return;
    buf_append_str(out, "; did you mean ");
    diagnostics_quote(out, span_of_str(nearest));
    buf_append_char(out, '?');
}

size_t reader_length(const char *text)
{
    size_t length = 0;

    for (; *text; text++)
        length += ((unsigned char)*text & 0xc0) != 0x80;
    return length;
}

/* ---- types ---- */

static const char *type_found(const cJSON *item)
{
    return cJSON_IsString(item)   ? "a string"
           : cJSON_IsNumber(item) ? "a number"
           : cJSON_IsBool(item)   ? "true or false"
           : cJSON_IsNull(item)   ? "null"
           : cJSON_IsArray(item)  ? "an array"
                                  : "an object";
}

static void wrong_type(struct reader *r, const struct node *n, const char *expected)
{
    reader_error(r, n, document_value(&r->document, n), "expected %s, found %s", expected, type_found(n->item));
}

bool reader_is_string(struct reader *r, const struct node *n)
{
    if (cJSON_IsString(n->item))
        return true;
    wrong_type(r, n, "a string");
    return false;
}

/* ---- duplicate keys ---- */

static int by_key(const void *a, const void *b)
{
    const struct node *x = a, *y = b;
    int order = strcmp(x->item->string, y->item->string);

    return order ? order : x->index < y->index ? -1 : 1;
}

static void report_duplicate(struct reader *r, const struct node *first, const struct node *again)
{
    CLEANUP(buf_fini) struct buf key = {0};
    size_t line;

    if (diagnostics_full(r->diagnostics)) {
        r->diagnostics->errors++;
        return;
    }
    line = diagnostics_line(r->diagnostics, document_key(&r->document, first).offset);
    diagnostics_quote(&key, span_of_str(again->item->string));
    reader_error(r, again->up, document_key(&r->document, again),
                 "duplicate key " SPAN_FMT "; the first is on line %zu", SPAN_ARG(buf_span(&key)), line);
}

static void report_duplicates(struct reader *r, const struct node *object)
{
    size_t count = (size_t)cJSON_GetArraySize(object->item);
    CLEANUP(free) struct node *members = mem_alloc(count * sizeof(*members));
    size_t i = 0;

    for (struct node n = node_first(object); n.item; n = node_next(&n))
        members[i++] = n;
    qsort(members, count, sizeof(*members), by_key);
    for (size_t first = 0, at = 1; at < count; at++) {
        if (strcmp(members[first].item->string, members[at].item->string) == 0)
            report_duplicate(r, &members[first], &members[at]);
        else
            first = at;
    }
}

bool reader_is_object(struct reader *r, const struct node *n)
{
    if (!cJSON_IsObject(n->item)) {
        wrong_type(r, n, "an object");
        return false;
    }
    report_duplicates(r, n);
    return true;
}

/* ---- fields ---- */

static void *field_at(const struct field *f, void *target)
{
    return (char *)target + f->offset;
}

static void read_any(struct reader *r, const struct node *n, const struct field *f, void *target)
{
    if (f->read)
        f->read(r, n, target);
}

static void read_string(struct reader *r, const struct node *n, const struct field *f, void *target)
{
    size_t length;
    char **to;

    if (!reader_is_string(r, n))
        return;
    length = reader_length(n->item->valuestring);
    if (length < f->min || length > f->max) {
        reader_error(r, n, document_value(&r->document, n), "must be %u to %u characters long%s; this is %zu", f->min,
                     f->max, f->limit, length);
        return;
    }
    if (f->offset != FIELD_NOWHERE) {
        to = field_at(f, target);
        free(*to); /* of a duplicate key, which was reported */
        *to = mem_strdup(n->item->valuestring);
    }
    read_any(r, n, f, target);
}

/* Is the value a number within the field's limits? */
static bool check_number(struct reader *r, const struct node *n, const struct field *f)
{
    bool whole = f->type == FIELD_INTEGER || f->whole;
    const char *kind = whole ? "a whole number" : "a number";
    double value = n->item->valuedouble;
    CLEANUP(buf_fini) struct buf found = {0};

    if (!cJSON_IsNumber(n->item)) {
        wrong_type(r, n, kind);
        return false;
    }
    if (value >= f->min && value <= f->max && !(whole && floor(value) != value))
        return true;
    diagnostics_append(&found, document_raw(&r->document, n));
    reader_error(r, n, document_value(&r->document, n), "must be %s from %u to %u%s; this is " SPAN_FMT, kind, f->min,
                 f->max, f->limit, SPAN_ARG(buf_span(&found)));
    return false;
}

static void read_integer(struct reader *r, const struct node *n, const struct field *f, void *target)
{
    if (check_number(r, n, f))
        *(unsigned *)field_at(f, target) = (unsigned)n->item->valuedouble * f->scale;
}

static void read_number(struct reader *r, const struct node *n, const struct field *f, void *target)
{
    if (check_number(r, n, f))
        *(double *)field_at(f, target) = n->item->valuedouble;
}

static void read_boolean(struct reader *r, const struct node *n, const struct field *f, void *target)
{
    if (cJSON_IsBool(n->item))
        *(bool *)field_at(f, target) = cJSON_IsTrue(n->item);
    else
        wrong_type(r, n, "true or false");
}

static void read_object(struct reader *r, const struct node *n, const struct field *f, void *target)
{
    if (reader_is_object(r, n))
        read_any(r, n, f, target);
}

static void read_array(struct reader *r, const struct node *n, const struct field *f, void *target)
{
    if (cJSON_IsArray(n->item))
        read_any(r, n, f, target);
    else
        wrong_type(r, n, "an array");
}

static void read_strings(struct reader *r, const struct node *n, const struct field *f, void *target)
{
    if (cJSON_IsArray(n->item)) {
        for (struct node at = node_first(n); at.item; at = node_next(&at))
            reader_is_string(r, &at);
    } else if (!cJSON_IsString(n->item)) {
        wrong_type(r, n, "a string or an array of strings");
    }
}

static void (*const read_field[])(struct reader *r, const struct node *n, const struct field *f, void *target) = {
    [FIELD_STRING] = read_string,   [FIELD_INTEGER] = read_integer, [FIELD_NUMBER] = read_number,
    [FIELD_BOOLEAN] = read_boolean, [FIELD_OBJECT] = read_object,   [FIELD_ARRAY] = read_array,
    [FIELD_STRINGS] = read_strings, [FIELD_ANY] = read_any,
};

static const struct field *find_field(const char *key, const struct field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(fields[i].key, key) == 0)
            return &fields[i];
    return NULL;
}

/* The field that an unknown key was probably meant to be, or NULL. */
static const char *nearest_field(const char *key, const struct field *fields, size_t count)
{
    const char *keys[FIELDS_MAX];

    assert(count <= FIELDS_MAX);
    for (size_t i = 0; i < count; i++)
        keys[i] = fields[i].key;
    return config_nearest(span_of_str(key), keys, count);
}

bool reader_is_misspelt(const struct node *object, const char *key, const struct field *fields, size_t count)
{
    for (struct node n = node_first(object); n.item && n.index < MISSPELT_SEARCHED_MAX; n = node_next(&n)) {
        const char *nearest =
            find_field(n.item->string, fields, count) ? NULL : nearest_field(n.item->string, fields, count);

        if (nearest && strcmp(nearest, key) == 0)
            return true;
    }
    return false;
}

static void report_unknown(struct reader *r, const struct node *n, const struct field *fields, size_t count)
{
    CLEANUP(buf_fini) struct buf text = {0};
    const char *nearest;

    if (diagnostics_full(r->diagnostics)) {
        r->diagnostics->errors++;
        return;
    }
    diagnostics_quote(&text, span_of_str(n->item->string));
    nearest = nearest_field(n->item->string, fields, count);
    if (nearest)
        buf_printf(&text, "; did you mean \"%s\"?", nearest);
    else
        buf_append_str(&text, "; known here: ");
    for (size_t i = 0; i < count && !nearest; i++)
        buf_printf(&text, "%s%s", i ? ", " : "", fields[i].key);
    reader_error(r, n->up, document_key(&r->document, n), "unknown key " SPAN_FMT, SPAN_ARG(buf_span(&text)));
}

/* In the table's order, because one field may need what another filled; diagnostics are sorted in the end anyway. */
void reader_fields(struct reader *r, const struct node *object, const struct field *fields, size_t count, void *target)
{
    for (size_t i = 0; i < count; i++) {
        bool found = false;

        for (struct node n = node_first(object); n.item; n = node_next(&n)) {
            if (strcmp(n.item->string, fields[i].key) != 0)
                continue;
            found = true;
            read_field[fields[i].type](r, &n, &fields[i], target);
        }
        if (!found && fields[i].required && !reader_is_misspelt(object, fields[i].key, fields, count))
            reader_error(r, object, document_key(&r->document, object), "\"%s\" is missing", fields[i].key);
    }
    for (struct node n = node_first(object); n.item; n = node_next(&n))
        if (!find_field(n.item->string, fields, count))
            report_unknown(r, &n, fields, count);
}

void reader_object(struct reader *r, const struct node *object, const struct field *fields, size_t count, void *target)
{
    if (reader_is_object(r, object))
        reader_fields(r, object, fields, count, target);
}
