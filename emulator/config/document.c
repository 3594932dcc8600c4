/* document.c - the cJSON tree of a configuration file, and the way from its nodes back to the text. */
#include "config/document.h"

#include <assert.h>

#include "base/mem.h"
#include "base/utf8.h"

/* cJSON copies a number into an array of 64 before it reads it. */
#define NUMBER_BYTES_MAX 60

/* ---- what cJSON would not survive ---- */

static unsigned hex_of(const char *digits)
{
    char text[5] = {digits[0], digits[1], digits[2], digits[3], '\0'};

    return (unsigned)strtoul(text, NULL, 16);
}

static bool is_high_surrogate(unsigned unit)
{
    return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low_surrogate(unsigned unit)
{
    return unit >= 0xdc00 && unit <= 0xdfff;
}

/* Looks at the \uXXXX at `at` and returns its length, 12 for a whole pair. One that is refused becomes U+FFFD. */
static size_t check_unicode_escape(struct diagnostics *d, char *text, size_t at)
{
    const char *what = NULL;
    unsigned unit = hex_of(text + at + 2);
    bool pair = is_high_surrogate(unit) && text[at + 6] == '\\' && text[at + 7] == 'u' &&
                is_low_surrogate(hex_of(text + at + 8));

    if (pair)
        return 12;
    if (unit == 0)
        what = "\\u0000: a value with a NUL character cannot be handed on";
    else if (is_high_surrogate(unit) || is_low_surrogate(unit))
        what = "half of a surrogate pair: it stands for no character";
    if (what) {
        diagnostics_error(d, (struct range){at, 6}, "%s", what);
        memcpy(text + at, "\\ufffd", 6);
    }
    return 6;
}

static size_t check_string(struct diagnostics *d, char *text, size_t at)
{
    for (at++; text[at] != '"';) {
        if (text[at] != '\\')
            at++;
        else if (text[at + 1] != 'u')
            at += 2;
        else
            at += check_unicode_escape(d, text, at);
    }
    return at + 1;
}

static size_t check_number(struct diagnostics *d, char *text, size_t at)
{
    size_t len = strspn(text + at, "-+.0123456789eE");

    if (len > NUMBER_BYTES_MAX) {
        diagnostics_error(d, (struct range){at, len}, "the number is over %d characters long", NUMBER_BYTES_MAX);
        memset(text + at, ' ', len);
        text[at] = '0';
    }
    return at + len;
}

/* `text` is a copy, of which every byte keeps its place. */
static void check_tokens(struct diagnostics *d, char *text)
{
    size_t at = 0;

    while (text[at]) {
        if (text[at] == '"')
            at = check_string(d, text, at);
        else if (text[at] == '-' || (text[at] >= '0' && text[at] <= '9'))
            at = check_number(d, text, at);
        else
            at++;
    }
}

int document_init(struct document *doc, struct diagnostics *d)
{
    CLEANUP(free) char *copy = mem_span_dup(d->text);
    const char *end = copy;

    *doc = (struct document){.diagnostics = d, .text = d->text};
    if (json_parse(d->text, &doc->root, NULL) < 0)
        return -1;
    check_tokens(d, copy);
    doc->tree = cJSON_ParseWithLengthOpts(copy, d->text.len, &end, false);
    if (!doc->tree) {
        diagnostics_error(d, (struct range){(size_t)(end - copy), 1}, "cannot be read from here on");
        return -1;
    }
    return 0;
}

void document_fini(struct document *doc)
{
    cJSON_Delete(doc->tree);
    doc->tree = NULL;
}

/* ---- nodes ---- */

struct node document_root(const struct document *doc)
{
    return (struct node){.item = doc->tree};
}

struct node node_first(const struct node *object)
{
    return (struct node){.up = object, .item = object->item->child};
}

struct node node_next(const struct node *n)
{
    return (struct node){.up = n->up, .item = n->item->next, .index = n->index + 1};
}

struct node node_member(const struct node *object, const char *key)
{
    struct node n = node_first(object);

    while (n.item && (!n.item->string || strcmp(n.item->string, key) != 0))
        n = node_next(&n);
    return n;
}

/* From the root down to `n`; returns how many. */
static size_t node_way(const struct node *n, const struct node *ret[DOCUMENT_DEPTH_MAX])
{
    const struct node *up[DOCUMENT_DEPTH_MAX];
    size_t count = 0;

    for (; n->up; n = n->up) {
        assert(count < DOCUMENT_DEPTH_MAX);
        up[count++] = n;
    }
    for (size_t i = 0; i < count; i++)
        ret[i] = up[count - 1 - i];
    return count;
}

static void append_pointer_token(struct buf *out, const char *token)
{
    CLEANUP(buf_fini) struct buf escaped = {0};

    for (; *token; token++) {
        if (*token == '~' || *token == '/')
            buf_append_str(&escaped, *token == '~' ? "~0" : "~1");
        else
            buf_append_char(&escaped, *token);
    }
    diagnostics_append(out, buf_span(&escaped));
}

void node_append_pointer(const struct node *n, struct buf *out)
{
    const struct node *way[DOCUMENT_DEPTH_MAX];
    size_t count = node_way(n, way);

    for (size_t i = 0; i < count; i++) {
        buf_append_char(out, '/');
        if (way[i]->item->string)
            append_pointer_token(out, way[i]->item->string);
        else
            buf_printf(out, "%zu", way[i]->index);
    }
    if (count > 0)
        buf_append_str(out, ": ");
}

/* ---- places ---- */

static void locate(const struct document *doc, const struct node *n, struct span *ret_key, struct json_value *ret_value)
{
    const struct node *way[DOCUMENT_DEPTH_MAX];
    size_t count = node_way(n, way);

    *ret_key = SPAN("");
    *ret_value = doc->root;
    for (size_t i = 0; i < count; i++) {
        struct json_iter it;

        json_iter_init(&it, *ret_value);
        for (size_t left = way[i]->index + 1; left > 0; left--) {
            bool found = json_iter_next(&it, ret_key, ret_value);

            assert(found); /* both readers saw the same members */
            (void)found;
        }
    }
}

static struct range range_of(const struct document *doc, const char *ptr, size_t len)
{
    return (struct range){(size_t)(ptr - doc->text.ptr), len};
}

struct range document_value(const struct document *doc, const struct node *n)
{
    struct span key;
    struct json_value value;

    if (diagnostics_full(doc->diagnostics))
        return RANGE_FILE;
    locate(doc, n, &key, &value);
    return range_of(doc, value.raw.ptr, value.type == JSON_ARRAY || value.type == JSON_OBJECT ? 1 : value.raw.len);
}

struct range document_key(const struct document *doc, const struct node *n)
{
    struct span key;
    struct json_value value;

    if (!n->up || !n->item->string)
        return document_value(doc, n);
    if (diagnostics_full(doc->diagnostics))
        return RANGE_FILE;
    locate(doc, n, &key, &value);
    return range_of(doc, key.ptr - 1, key.len + 2);
}

struct span document_text(const struct document *doc, const struct node *n)
{
    struct span key;
    struct json_value value;

    locate(doc, n, &key, &value);
    return value.raw;
}

struct span document_raw(const struct document *doc, const struct node *n)
{
    return diagnostics_full(doc->diagnostics) ? SPAN("") : document_text(doc, n);
}

static size_t utf8_bytes(unsigned code)
{
    return code < 0x80 ? 1 : code < 0x800 ? 2 : 3;
}

/* How many bytes of `raw` spell the first `bytes` bytes of its text? */
static size_t raw_offset(struct span raw, size_t bytes)
{
    size_t at = 0, done = 0;

    while (at < raw.len && done < bytes) {
        unsigned unit;

        if (raw.ptr[at] != '\\' || raw.ptr[at + 1] != 'u') {
            at += raw.ptr[at] == '\\' ? 2 : 1;
            done++;
            continue;
        }
        unit = hex_of(raw.ptr + at + 2);
        done += is_high_surrogate(unit) ? 4 : utf8_bytes(unit);
        at += is_high_surrogate(unit) && raw.len - at >= 12 ? 12 : 6;
    }
    return at;
}

/* `raw` is what stands between the quotes. */
static struct range range_inside(const struct document *doc, struct span raw, size_t offset, size_t len)
{
    size_t start = raw_offset(raw, offset);
    size_t end = raw_offset(raw, offset + len);

    return range_of(doc, raw.ptr + start, end > start ? end - start : 1);
}

struct range document_inside(const struct document *doc, const struct node *n, size_t offset, size_t len)
{
    struct span raw = document_raw(doc, n);

    if (diagnostics_full(doc->diagnostics))
        return RANGE_FILE;
    assert(raw.len >= 2 && *raw.ptr == '"');
    return range_inside(doc, span_of(raw.ptr + 1, raw.len - 2), offset, len);
}

struct range document_inside_key(const struct document *doc, const struct node *n, size_t offset, size_t len)
{
    struct span key;
    struct json_value value;

    if (diagnostics_full(doc->diagnostics))
        return RANGE_FILE;
    locate(doc, n, &key, &value);
    return range_inside(doc, key, offset, len);
}
