/* checks.c - characters, names, counts and references. */
#include "config/checks.h"

#include <ctype.h>

#include "base/mem.h"
#include "base/utf8.h"

#define FREE_NAME_MAX 128 /* apigatewayv2: StringWithLengthBetween1And128 */

/* ---- characters ---- */

bool is_word_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

bool is_name_char(char c)
{
    return is_word_char(c) || c == '-';
}

bool is_visible_char(char c)
{
    return (unsigned char)c > ' ' && c != 0x7f;
}

static bool is_printable_char(char c)
{
    return c == ' ' || is_visible_char(c);
}

size_t first_refused(const char *text, char_class_fn *allowed)
{
    size_t i = 0;

    while (text[i] && allowed(text[i]))
        i++;
    return i;
}

/* The bytes of the character at `text`. */
static size_t character_length(const char *text)
{
    size_t len = utf8_sequence(span_of_str(text));

    return len ? len : 1;
}

/* `rule`, and the character at `text` that breaks it. */
static void report_character(struct reader *r, const struct node *n, struct range where, const char *rule,
                             const char *text)
{
    CLEANUP(buf_fini) struct buf character = {0};

    diagnostics_quote(&character, span_of(text, character_length(text)));
    reader_error(r, n, where, "%s, not " SPAN_FMT, rule, SPAN_ARG(buf_span(&character)));
}

bool check_characters(struct reader *r, const struct node *n, char_class_fn *allowed, const char *rule)
{
    const char *text = n->item->valuestring;
    size_t at = first_refused(text, allowed);

    if (text[at])
        report_character(r, n, document_inside(&r->document, n, at, character_length(text + at)), rule, text + at);
    return !text[at];
}

bool check_key(struct reader *r, const struct node *n, char_class_fn *allowed, size_t max, const char *rule)
{
    const char *key = n->item->string;
    size_t at = first_refused(key, allowed);
    size_t length = reader_length(key);
    bool fits = length > 0 && length <= max;

    if (key[at])
        report_character(r, n, document_inside_key(&r->document, n, at, character_length(key + at)), rule, key + at);
    else if (!fits)
        reader_error(r, n, document_key(&r->document, n), "the name must be 1 to %zu characters long; this is %zu", max,
                     length);
    return !key[at] && fits;
}

bool check_free_name(struct reader *r, const struct node *n)
{
    return check_key(r, n, is_printable_char, FREE_NAME_MAX, "a name has printable characters only");
}

/* ---- counts and choices ---- */

size_t count_members(struct reader *r, const struct node *n, size_t max, const char *what)
{
    size_t count = (size_t)cJSON_GetArraySize(n->item);

    if (count <= max)
        return count;
    reader_error(r, n, document_key(&r->document, n), "%zu %s are more than the %zu that %s", count, what, max,
                 "AWS allows by default");
    return max;
}

bool too_many_errors(const struct reader *r)
{
    return r->diagnostics->errors >= DIAGNOSTICS_SHOWN_MAX;
}

bool is_one_of(const char *text, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], text) == 0)
            return true;
    return false;
}

int check_choice(struct reader *r, const struct node *n, const char *const *choices, size_t count)
{
    CLEANUP(buf_fini) struct buf text = {0};

    for (size_t i = 0; i < count; i++)
        if (strcmp(n->item->valuestring, choices[i]) == 0)
            return (int)i;
    for (size_t i = 0; i < count; i++)
        buf_printf(&text, "%s\"%s\"", i == 0 ? "" : i == count - 1 ? " or " : ", ", choices[i]);
    buf_append_str(&text, ", not ");
    diagnostics_quote(&text, span_of_str(n->item->valuestring));
    reader_append_nearest(&text, n->item->valuestring, choices, count);
    reader_error(r, n, document_value(&r->document, n), "must be " SPAN_FMT, SPAN_ARG(buf_span(&text)));
    return -1;
}

/* ---- references ---- */

void referable_init(struct referable *to, const void *items, size_t size, size_t count)
{
    to->items = items;
    to->size = size;
    to->count = count;
    to->used = mem_zalloc(count * sizeof(*to->used));
}

/* Each struct that can be referred to begins with its name. */
static const char *name_of(const struct referable *to, size_t index)
{
    return *(const char *const *)((const char *)to->items + index * to->size);
}

size_t referable_index(const struct referable *to, const void *item)
{
    return (size_t)((const char *)item - (const char *)to->items) / to->size;
}

void report_dangling(struct reader *r, const struct node *n, struct range where, const char *name,
                     const struct referable *to)
{
    CLEANUP(free) const char **names = NULL;
    CLEANUP(buf_fini) struct buf text = {0};

    if (to->incomplete)
        return;
    if (diagnostics_full(r->diagnostics)) {
        r->diagnostics->errors++;
        return;
    }
    names = mem_alloc(to->count * sizeof(*names));
    for (size_t i = 0; i < to->count; i++)
        names[i] = name_of(to, i);
    diagnostics_quote(&text, span_of_str(name));
    if (to->count == 0)
        buf_printf(&text, "; the file has no %ss", to->what);
    reader_append_nearest(&text, name, names, to->count);
    reader_error(r, n, where, "no %s named " SPAN_FMT, to->what, SPAN_ARG(buf_span(&text)));
}

const void *find_referable(struct referable *to, const char *name)
{
    for (size_t i = 0; i < to->count; i++) {
        if (strcmp(name_of(to, i), name) == 0) {
            to->used[i]++;
            return (const char *)to->items + i * to->size;
        }
    }
    return NULL;
}

const void *check_reference(struct reader *r, const struct node *n, struct referable *to)
{
    const char *name = n->item->valuestring;
    const void *found = find_referable(to, name);

    if (!found)
        report_dangling(r, n, document_value(&r->document, n), name, to);
    return found;
}

void warn_unused(struct reader *r, const struct node *root, const char *key, const struct referable *of,
                 const char *what)
{
    struct node object = node_member(root, key);

    if (!object.item)
        return;
    for (struct node n = node_first(&object); n.item; n = node_next(&n))
        if (of->used[n.index] == 0)
            reader_warn(r, &n, document_key(&r->document, &n), "%s", what);
}

/* ---- values that must differ ---- */

struct value {
    const char *text;
    size_t index; /* of the member that has it */
};

static int by_text(const void *a, const void *b)
{
    const struct value *x = a, *y = b;
    int order = strcmp(x->text, y->text);

    return order ? order : x->index < y->index ? -1 : 1;
}

static size_t collect_values(const struct node *object, const char *key, struct value *ret)
{
    size_t count = 0;

    for (struct node n = node_first(object); n.item; n = node_next(&n)) {
        struct node value;

        if (!cJSON_IsObject(n.item))
            continue;
        value = node_member(&n, key);

        if (value.item && cJSON_IsString(value.item))
            ret[count++] = (struct value){value.item->valuestring, n.index};
    }
    return count;
}

static struct node node_at(const struct node *object, size_t index)
{
    struct node n = node_first(object);

    while (n.index < index)
        n = node_next(&n);
    return n;
}

static void report_same(struct reader *r, const struct node *object, const char *key, const struct value *first,
                        const struct value *again)
{
    struct node owner = node_at(object, first->index);
    struct node n = node_at(object, again->index);
    struct node value = node_member(&n, key);
    CLEANUP(buf_fini) struct buf name = {0};

    diagnostics_quote(&name, span_of_str(owner.item->string));
    reader_error(r, &value, document_value(&r->document, &value), SPAN_FMT " has the same; each needs its own",
                 SPAN_ARG(buf_span(&name)));
}

void check_unique(struct reader *r, const struct node *object, const char *key)
{
    CLEANUP(free) struct value *values = mem_alloc((size_t)cJSON_GetArraySize(object->item) * sizeof(*values));
    size_t count = collect_values(object, key, values);

    qsort(values, count, sizeof(*values), by_text);
    for (size_t first = 0, at = 1; at < count; at++) {
        if (strcmp(values[first].text, values[at].text) != 0)
            first = at;
        else if (diagnostics_full(r->diagnostics))
            r->diagnostics->errors++;
        else
            report_same(r, object, key, &values[first], &values[at]);
    }
}
