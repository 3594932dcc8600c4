/* canonical.c - see canonical.h. Sizes are bounded by the request: each header is written once, however often a client
 * names it. */
#include "authorization/canonical.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/percent.h"

bool canonical_next(struct span *rest, char separator, struct span *ret)
{
    const char *found;

    if (!rest->ptr)
        return false;
    found = rest->len ? memchr(rest->ptr, separator, rest->len) : NULL;
    *ret = found ? span_of(rest->ptr, (size_t)(found - rest->ptr)) : *rest;
    *rest = found ? span_from(*rest, ret->len + 1) : span_of(NULL, 0);
    return true;
}

static int compare_spans(struct span a, struct span b)
{
    const size_t shared = a.len < b.len ? a.len : b.len;
    const int r = shared ? memcmp(a.ptr, b.ptr, shared) : 0;

    return r ? r : (a.len > b.len) - (a.len < b.len);
}

static size_t count_elements(struct span list, char separator)
{
    struct span element;
    size_t count = 0;

    while (canonical_next(&list, separator, &element))
        count++;
    return count;
}

/* ---- the path ---- */

static void write_path(struct buf *out, struct span path, enum canonical_path how)
{
    CLEANUP(buf_fini) struct buf decoded = {0};

    if (how == CANONICAL_PATH_ENCODED_ONCE) {
        percent_decode(&decoded, path, PERCENT_PLUS_STAYS);
        path = buf_span(&decoded);
    }
    if (!path.len)
        path = SPAN("/");
    if (how == CANONICAL_PATH_AS_SENT)
        buf_append(out, path);
    else
        percent_encode(out, path, "/");
}

/* ---- the query ---- */

struct parameter {
    struct span name;
    struct span value;
};

static int compare_parameters(const void *a, const void *b)
{
    const struct parameter *x = a, *y = b;
    const int r = compare_spans(x->name, y->name);

    return r ? r : compare_spans(x->value, y->value);
}

/* Appends `wire` with the encoding that is everybody's; `text` has room for it. */
static struct span encode_part(struct buf *text, struct span wire)
{
    CLEANUP(buf_fini) struct buf decoded = {0};
    const size_t start = text->len;

    percent_decode(&decoded, wire, PERCENT_PLUS_IS_BLANK);
    percent_encode(text, buf_span(&decoded), "");
    return span_of(text->ptr + start, text->len - start);
}

static bool is_left_out(struct span name, const struct canonical_form *form)
{
    return span_equal(name, SPAN("X-Amz-Signature")) ||
           (form->parameter_left_out.len && span_equal(name, form->parameter_left_out));
}

/* How many parameters there are now in `items`. */
static size_t read_parameters(struct span query, const struct canonical_form *form, struct parameter *items,
                              struct buf *text)
{
    struct span part, name;
    size_t count = 0;

    buf_reserve(text, PERCENT_ENCODED_MAX(query.len) + 1); /* nothing moves */
    while (canonical_next(&query, '&', &part)) {
        if (!part.len)
            continue;
        canonical_next(&part, '=', &name);
        items[count].name = encode_part(text, name);
        items[count].value = encode_part(text, part);
        count += is_left_out(items[count].name, form) ? 0 : 1;
    }
    return count;
}

static void write_query(struct buf *out, struct span query, const struct canonical_form *form)
{
    CLEANUP(buf_fini) struct buf text = {0};
    CLEANUP(free) struct parameter *items = mem_alloc((count_elements(query, '&') + 1) * sizeof(*items));
    const size_t count = read_parameters(query, form, items, &text);

    qsort(items, count, sizeof(*items), compare_parameters);
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_append_char(out, '&');
        buf_append(out, items[i].name);
        buf_append_char(out, '=');
        buf_append(out, items[i].value);
    }
}

/* ---- the headers ---- */

struct names {
    struct span *items; /* sorted, each once */
    size_t count;
    struct buf text;
};

static void names_fini_ptr(struct names *n)
{
    free(n->items);
    buf_fini(&n->text);
}

static int compare_names(const void *a, const void *b)
{
    return compare_spans(*(const struct span *)a, *(const struct span *)b);
}

static void names_read(struct names *n, struct span list)
{
    struct span rest, name;
    size_t count = 0;

    for (size_t i = 0; i < list.len; i++)
        buf_append_char(&n->text, (char)tolower((unsigned char)list.ptr[i]));
    rest = buf_span(&n->text);
    n->items = mem_alloc((count_elements(rest, ';') + 1) * sizeof(*n->items));
    while (canonical_next(&rest, ';', &name))
        if (name.len)
            n->items[count++] = name;
    qsort(n->items, count, sizeof(*n->items), compare_names);
    for (size_t i = 0; i < count; i++)
        if (n->count == 0 || !span_equal(n->items[i], n->items[n->count - 1]))
            n->items[n->count++] = n->items[i];
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Without blanks at its ends, and with one for several within. */
static void write_value(struct buf *out, struct span value)
{
    while (value.len && is_blank(value.ptr[value.len - 1]))
        value.len--;
    for (size_t i = 0; i < value.len; i++)
        if (!is_blank(value.ptr[i]))
            buf_append_char(out, value.ptr[i]);
        else if (i > 0 && !is_blank(value.ptr[i - 1]))
            buf_append_char(out, ' ');
}

static struct span without_port(struct span host)
{
    const char *colon = host.len ? memrchr(host.ptr, ':', host.len) : NULL;
    return colon ? span_of(host.ptr, (size_t)(colon - host.ptr)) : host;
}

static void write_header(struct buf *out, const struct sigv4_request *request, struct span name, bool cut_port)
{
    size_t seen = 0;

    buf_append(out, name);
    buf_append_char(out, ':');
    for (size_t i = 0; i < request->header_count; i++) {
        const struct event_header *h = &request->headers[i];

        if (!span_equal_nocase(h->name, name))
            continue;
        if (seen++)
            buf_append_char(out, ',');
        write_value(out, cut_port && span_equal(name, SPAN("host")) ? without_port(h->value) : h->value);
    }
    buf_append_char(out, '\n');
}

static void write_headers(struct buf *out, const struct sigv4_request *request, const struct canonical_form *form)
{
    CLEANUP(names_fini) struct names n = {0};

    names_read(&n, form->signed_headers);
    for (size_t i = 0; i < n.count; i++)
        write_header(out, request, n.items[i], form->host_without_port);
    buf_append_char(out, '\n');
    for (size_t i = 0; i < n.count; i++) {
        if (i)
            buf_append_char(out, ';');
        buf_append(out, n.items[i]);
    }
    buf_append_char(out, '\n');
}

void canonical_write(struct buf *out, const struct sigv4_request *request, const struct canonical_form *form)
{
    buf_append(out, request->method);
    buf_append_char(out, '\n');
    write_path(out, request->path, form->path);
    buf_append_char(out, '\n');
    write_query(out, request->query, form);
    buf_append_char(out, '\n');
    write_headers(out, request, form);
    buf_append(out, form->body_hash);
}
