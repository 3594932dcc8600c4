/* access_format.c - see access_format.h. */
#include "config/access_format.h"

#include <ctype.h>

#include "base/mem.h"
#include "config/config.h"

#define PREFIX SPAN("$context.")
#define AUTHORIZER SPAN("authorizer.")

#define NAME_(id, name) name,
static const char *const names[] = {ACCESS_VARIABLES(NAME_)};
#define NAME_COUNT (sizeof(names) / sizeof(names[0]))

/* ---- line breaks ---- */

static bool is_break(char c)
{
    return c == '\n' || c == '\r';
}

/* Where the line break at text[i] ends, CR LF being one. */
static size_t break_end(struct span text, size_t i)
{
    return text.ptr[i] == '\r' && i + 1 < text.len && text.ptr[i + 1] == '\n' ? i + 2 : i + 1;
}

/* How many bytes of a continuation stand at text[i]: a backslash with the line break behind it, or that alone. 0: none
 * does. */
static size_t continuation(struct span text, size_t i)
{
    size_t at = i;

    if (text.ptr[at] == '\\')
        at++;
    return at < text.len && is_break(text.ptr[at]) ? break_end(text, at) - i : 0;
}

/* A newline may end the format: each entry is a line of its own here, so it adds nothing. `\n` as two characters is the
 * same, since that is how AWS writes it where a shell or YAML leaves it alone. */
static size_t length_without_end(struct span text)
{
    size_t len = text.len;

    while (len > 0 && is_break(text.ptr[len - 1]))
        len--;
    if (len == text.len && len >= 2 && text.ptr[len - 2] == '\\' && text.ptr[len - 1] == 'n')
        len -= 2;
    return len;
}

/* ---- names ---- */

static bool is_name_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

/* The longest run of a name's characters that neither begins nor ends with a dot or a dash. */
static size_t name_length(struct span text)
{
    size_t len = 0;

    if (text.len > 0 && (text.ptr[0] == '.' || text.ptr[0] == '-'))
        return 0;
    while (len < text.len && is_name_char(text.ptr[len]))
        len++;
    while (len > 0 && (text.ptr[len - 1] == '.' || text.ptr[len - 1] == '-'))
        len--;
    return len;
}

static enum access_variable find_name(struct span name)
{
    for (size_t i = 0; i < NAME_COUNT; i++)
        if (span_equal(name, span_of_str(names[i])))
            return (enum access_variable)i;
    return ACCESS_UNKNOWN;
}

/* The longest known name that `run` begins with, up to a dot or a dash: `$context.requestId-$context.stage` has two.
 * ret_name: that name, or all of `run` if there is none. */
static enum access_variable find_longest(struct span run, struct span *ret_name)
{
    for (size_t len = run.len; len > 0; len--) {
        const bool ends = len == run.len || run.ptr[len] == '.' || run.ptr[len] == '-';
        enum access_variable found = ends ? find_name(span_of(run.ptr, len)) : ACCESS_UNKNOWN;

        if (found != ACCESS_UNKNOWN) {
            *ret_name = span_of(run.ptr, len);
            return found;
        }
    }
    *ret_name = run;
    return ACCESS_UNKNOWN;
}

/* ---- tokens ---- */

static struct access_token *add_token(struct access_format *f, enum access_variable variable)
{
    struct access_token *token = &f->tokens[f->count++];

    *token = (struct access_token){.variable = variable};
    return token;
}

/* Variables without a name in the list: of an authorizer, whatever it has said. */
static enum access_variable name_unknown(struct span *name)
{
    if (!span_starts_with(*name, AUTHORIZER) || name->len == AUTHORIZER.len)
        return ACCESS_UNKNOWN;
    *name = span_from(*name, AUTHORIZER.len);
    return ACCESS_AUTHORIZER_PROPERTY;
}

/* The variable at text[i]; 0 if there is none, else its length. */
static size_t read_variable(struct access_format *f, struct span text, size_t i)
{
    struct span rest = span_from(text, i), name;
    struct access_token *token;
    enum access_variable variable;
    size_t run, len;

    if (!span_starts_with(rest, PREFIX))
        return 0;
    run = name_length(span_from(rest, PREFIX.len));
    if (run == 0)
        return 0;
    variable = find_longest(span_of(rest.ptr + PREFIX.len, run), &name);
    len = PREFIX.len + name.len;
    if (variable == ACCESS_UNKNOWN)
        variable = name_unknown(&name);
    token = add_token(f, variable);
    token->text = name;
    token->offset = i;
    token->len = len;
    return len;
}

static bool ends_at(const struct access_token *token, const char *at)
{
    return token->variable == ACCESS_TEXT && token->text.ptr + token->text.len == at;
}

/* One more byte of plain text; it goes on the last token if that is plain text, too. */
static void add_text(struct access_format *f, const char *at)
{
    if (f->count == 0 || !ends_at(&f->tokens[f->count - 1], at))
        add_token(f, ACCESS_TEXT)->text = span_of(at, 0);
    f->tokens[f->count - 1].text.len++;
}

struct access_format *access_format_compile(struct span text)
{
    struct access_format *f = mem_zalloc(sizeof(*f));
    struct span all;

    buf_append(&f->text, text);
    all = span_of(f->text.ptr, length_without_end(text));
    f->tokens = mem_alloc((all.len + 1) * sizeof(*f->tokens)); /* a token has at least one byte */
    for (size_t i = 0, n; i < all.len; i += n) {
        n = continuation(all, i);
        if (n > 0) {
            f->breaks++;
            continue;
        }
        n = read_variable(f, all, i);
        if (n == 0) {
            add_text(f, all.ptr + i);
            n = 1;
        }
    }
    f->tokens = mem_realloc(f->tokens, (f->count + 1) * sizeof(*f->tokens));
    return f;
}

void access_format_free(struct access_format *format)
{
    if (!format)
        return;
    buf_fini(&format->text);
    free(format->tokens);
    free(format);
}

bool access_format_has_request_id(const struct access_format *format)
{
    for (size_t i = 0; i < format->count; i++)
        if (format->tokens[i].variable == ACCESS_REQUEST_ID || format->tokens[i].variable == ACCESS_EXTENDED_REQUEST_ID)
            return true;
    return false;
}

const char *access_format_nearest(struct span name)
{
    return config_nearest(name, names, NAME_COUNT);
}
