/* expression.c - from the text of a selection expression to parts and steps.
 *
 * A braced variable ends at its brace. Where a bare one ends, AWS does not say; here it takes the longest path: names
 * of letters, digits, '_' and '-', brackets, and dots that a name follows. A '-' or '.' at its end is static text, so
 * that `$request.body.a-$request.body.b` means what it looks like. */
#include "config/expression.h"

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "config/expression_priv.h"

#define BODY "request.body"

struct compiler {
    struct span text;
    size_t at;
    bool braced; /* inside ${…} */
    struct expression *e;
    struct expression_error *error;
};

static int __attribute__((format(printf, 4, 5)))
fail(struct compiler *c, size_t offset, size_t len, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(c->error->what, sizeof(c->error->what), format, args);
    va_end(args);
    c->error->offset = offset;
    c->error->len = len ? len : 1;
    return -1;
}

static char peek_at(const struct compiler *c, size_t ahead)
{
    return ahead < c->text.len - c->at ? c->text.ptr[c->at + ahead] : '\0';
}

static char peek(const struct compiler *c)
{
    return peek_at(c, 0);
}

static bool looking_at(const struct compiler *c, const char *str)
{
    return span_starts_with(span_from(c->text, c->at), span_of_str(str));
}

static void skip_blanks(struct compiler *c)
{
    while (peek(c) == ' ' || peek(c) == '\t')
        c->at++;
}

static bool plain_name_char(char ch)
{
    return isalnum((unsigned char)ch) || ch == '_' || ch == '-' || (unsigned char)ch >= 0x80;
}

/* Within braces a name may hold anything that the path syntax does not use. */
static bool braced_name_char(char ch)
{
    return plain_name_char(ch) || (ch > ' ' && ch < 0x7f && !strchr(".[]{}()'\"?*,\\", ch));
}

/* How long is the name `ahead` bytes from here? */
static size_t name_length(const struct compiler *c, size_t ahead)
{
    size_t len = 0;

    while (c->braced ? braced_name_char(peek_at(c, ahead + len)) : plain_name_char(peek_at(c, ahead + len)))
        len++;
    while (!c->braced && len > 0 && peek_at(c, ahead + len - 1) == '-')
        len--;
    return len;
}

/* ---- what the expression is made of; the arrays were sized by the text, which no part is shorter than ---- */

static void add_char(struct compiler *c, char ch)
{
    assert(c->e->text_len < c->text.len);
    c->e->text[c->e->text_len++] = ch;
}

static struct span add_name(struct compiler *c, struct span name)
{
    size_t start = c->e->text_len;

    for (size_t i = 0; i < name.len; i++)
        add_char(c, name.ptr[i]);
    return span_of(c->e->text + start, name.len);
}

static struct part *add_part(struct compiler *c, bool variable)
{
    struct part *part = &c->e->parts[c->e->part_count++];

    assert(c->e->parts);
    *part = (struct part){.variable = variable, .definite = true, .first = c->e->step_count};
    part->literal = span_of(c->e->text + c->e->text_len, 0);
    return part;
}

static void add_literal(struct compiler *c, char ch)
{
    struct expression *e = c->e;
    struct part *part = e->part_count ? &e->parts[e->part_count - 1] : NULL;

    if (!part || part->variable)
        part = add_part(c, false);
    add_char(c, ch);
    part->literal.len++;
}

static int add_step(struct compiler *c, size_t start, struct step step)
{
    struct part *part = &c->e->parts[c->e->part_count - 1];

    if (part->count == EXPRESSION_STEPS_MAX)
        return fail(c, start, c->at - start, "the path has more than %d steps", EXPRESSION_STEPS_MAX);
    c->e->steps[c->e->step_count++] = step;
    part->count++;
    part->definite = part->definite && (step.kind == STEP_MEMBER || step.kind == STEP_INDEX);
    return 0;
}

static void add_selector(struct compiler *c, struct step *step, struct selector selector)
{
    if (step->count == 0)
        step->first = c->e->selector_count;
    c->e->selectors[c->e->selector_count++] = selector;
    step->count++;
}

/* ---- brackets ---- */

static int parse_integer(struct compiler *c, int64_t *ret)
{
    size_t start = c->at;
    bool negative = peek(c) == '-';
    int64_t value = 0;

    c->at += negative;
    if (!isdigit((unsigned char)peek(c)))
        return fail(c, c->at, 1, "an index is a whole number, such as [0], or [-1] for the last one");
    while (isdigit((unsigned char)peek(c)) && value <= INT32_MAX) {
        value = value * 10 + (peek(c) - '0');
        c->at++;
    }
    if (value > INT32_MAX)
        return fail(c, start, c->at - start, "the index is over %d", INT32_MAX);
    *ret = negative ? -value : value;
    return 0;
}

static int parse_quoted(struct compiler *c, struct span *ret)
{
    size_t start = c->at, text_start = c->e->text_len;
    char quote = peek(c);

    for (c->at++; c->at < c->text.len && peek(c) != quote; c->at++) {
        if (peek(c) == '\\' && c->at + 1 < c->text.len)
            c->at++;
        add_char(c, peek(c));
    }
    if (c->at >= c->text.len)
        return fail(c, start, c->text.len - start, "the quoted name is not closed with %c", quote);
    c->at++;
    *ret = span_of(c->e->text + text_start, c->e->text_len - text_start);
    return 0;
}

static int bracket_end(struct compiler *c, size_t start)
{
    skip_blanks(c);
    if (c->at >= c->text.len)
        return fail(c, start, c->text.len - start, "'[' is not closed with ']'");
    if (peek(c) != ']')
        return fail(c, c->at, 1, "expected ']' here");
    c->at++;
    return 0;
}

static int bracket_names(struct compiler *c, struct step *step)
{
    struct selector selector = {.index = 0};

    for (;; c->at++, skip_blanks(c)) {
        if (peek(c) != '\'' && peek(c) != '"')
            return fail(c, c->at, 1, "expected a quoted name here");
        if (parse_quoted(c, &selector.name) < 0)
            return -1;
        add_selector(c, step, selector);
        skip_blanks(c);
        if (peek(c) != ',')
            break;
    }
    step->kind = step->count == 1 ? STEP_MEMBER : STEP_MEMBERS;
    step->name = selector.name;
    return 0;
}

/* `c` stands at the first ':'. */
static int bracket_slice(struct compiler *c, struct step *step)
{
    int64_t *const bounds[] = {&step->to, &step->by};

    step->kind = STEP_SLICE;
    for (size_t i = 0; i < 2 && peek(c) == ':'; i++) {
        c->at++;
        skip_blanks(c);
        if (peek(c) != ':' && peek(c) != ']' && parse_integer(c, bounds[i]) < 0)
            return -1;
        skip_blanks(c);
    }
    if (step->by < 1)
        return fail(c, c->at - 1, 1, "the step of a slice is at least 1");
    return 0;
}

static int bracket_numbers(struct compiler *c, struct step *step)
{
    struct selector selector = {.index = 0};

    for (;; c->at++, skip_blanks(c)) {
        if (peek(c) != ':' && parse_integer(c, &selector.index) < 0)
            return -1;
        skip_blanks(c);
        if (step->count == 0 && peek(c) == ':') {
            step->from = selector.index;
            return bracket_slice(c, step);
        }
        add_selector(c, step, selector);
        if (peek(c) != ',')
            break;
    }
    step->kind = step->count == 1 ? STEP_INDEX : STEP_INDICES;
    step->from = selector.index;
    return 0;
}

/* What brackets can hold that is understood and refused. */
static int refuse_bracket(struct compiler *c, size_t start)
{
    char ch = peek(c);
    const char *close = memchr(c->text.ptr + start, ']', c->text.len - start);
    size_t len = close ? (size_t)(close + 1 - c->text.ptr) - start : c->text.len - start;

    if (ch == '?')
        return fail(c, start, len, "filters ([?…]) are not supported in selection expressions");
    if (ch == '(')
        return fail(c, start, len, "scripts ([(…)]) are not supported in selection expressions");
    if (ch == ']')
        return fail(c, start, len, "the brackets are empty; write [0], [*] or ['name']");
    if (plain_name_char(ch))
        return fail(c, start, len, "a name in brackets needs quotes: ['name']");
    return fail(c, start, len, "expected an index, '*' or a quoted name after '['");
}

static int parse_bracket(struct compiler *c)
{
    size_t start = c->at;
    struct step step = {.kind = STEP_ALL, .to = SLICE_OPEN, .by = 1};
    int r = 0;

    c->at++;
    skip_blanks(c);
    if (peek(c) == '*')
        c->at++;
    else if (peek(c) == '\'' || peek(c) == '"')
        r = bracket_names(c, &step);
    else if (isdigit((unsigned char)peek(c)) || peek(c) == '-' || peek(c) == ':')
        r = bracket_numbers(c, &step);
    else
        r = refuse_bracket(c, start);
    if (r < 0 || bracket_end(c, start) < 0)
        return -1;
    return add_step(c, start, step);
}

/* ---- paths ---- */

/* `dots` are ahead; what follows them is a step. */
static int parse_dotted(struct compiler *c, size_t dots)
{
    size_t start = c->at;
    size_t len;

    c->at += dots;
    if (dots == 2 && add_step(c, start, (struct step){.kind = STEP_DESCEND}) < 0)
        return -1;
    if (peek(c) == '[')
        return parse_bracket(c);
    if (peek(c) == '*') {
        c->at++;
        return add_step(c, start, (struct step){.kind = STEP_ALL});
    }
    len = name_length(c, 0);
    c->at += len;
    return add_step(c, start,
                    (struct step){.kind = STEP_MEMBER, .name = add_name(c, span_of(c->text.ptr + c->at - len, len))});
}

/* 1 after a step, 0 at the end of the path, -1 on an error. */
static int parse_step(struct compiler *c)
{
    size_t dots = peek(c) != '.' ? 0 : peek_at(c, 1) != '.' ? 1 : 2;
    char after = peek_at(c, dots);

    if (dots == 0 && after != '[') {
        if (looking_at(c, "()"))
            return fail(c, c->at, 2, "functions such as length() are not supported in selection expressions");
        return 0;
    }
    if (dots == 0)
        return parse_bracket(c) < 0 ? -1 : 1;
    if (after != '[' && after != '*' && name_length(c, dots) == 0) {
        if (c->braced)
            return fail(c, c->at, dots, "a name is missing after '.'");
        return 0;
    }
    return parse_dotted(c, dots) < 0 ? -1 : 1;
}

/* ---- variables ---- */

static const struct {
    const char *name;
    const char *why;
} known_variables[] = {
    {"request.header", "a message has no headers"},
    {"request.querystring", "a message has no query string"},
    {"request.multivalue", "a message has no headers and no query string"},
    {"request.path", "a message has no path"},
    {"request.basepath", "it belongs to API mappings"},
    {"context", "$context cannot be used here"},
    {"stageVariables", "stage variables cannot be used here"},
    {"integration", "it belongs to integration responses"},
    {"route.", "it belongs to request parameters"},
};

/* The reserved route keys look like variables where they mean themselves. */
static bool is_reserved_key(struct span name)
{
    return span_equal(name, SPAN("default")) || span_equal(name, SPAN("connect")) ||
           span_equal(name, SPAN("disconnect"));
}

static int refuse_variable(struct compiler *c, size_t start)
{
    size_t len = 0;
    struct span name;
    const char *why = NULL;

    while (plain_name_char(peek_at(c, len)) || (peek_at(c, len) == '.' && plain_name_char(peek_at(c, len + 1))))
        len++;
    name = span_of(c->text.ptr + c->at, len);
    c->at += len;
    if (len == 0)
        return fail(c, start, c->at - start, "'$' starts a variable; write \\$ for a dollar sign");
    if (is_reserved_key(name))
        return fail(c, start, c->at - start, "'$' starts a variable; write \\$" SPAN_FMT " for the text",
                    SPAN_ARG(name));
    for (size_t i = 0; i < sizeof(known_variables) / sizeof(known_variables[0]) && !why; i++)
        if (span_starts_with(name, span_of_str(known_variables[i].name)))
            why = known_variables[i].why;
    return fail(c, start, c->at - start, "a route selection expression can use $request.body.PATH only%s%s",
                why ? "; " : "", why ? why : "");
}

static int end_variable(struct compiler *c, size_t start)
{
    if (!c->braced)
        return 0;
    if (c->at >= c->text.len)
        return fail(c, start, 2, "'${' is not closed with '}'");
    if (peek(c) != '}')
        return fail(c, c->at, 1, "expected '.', '[' or '}' here");
    c->at++;
    return 0;
}

static int parse_variable(struct compiler *c)
{
    size_t start = c->at;
    int r;

    c->braced = peek_at(c, 1) == '{';
    c->at += c->braced ? 2 : 1;
    if (!looking_at(c, BODY) || plain_name_char(peek_at(c, sizeof(BODY) - 1)))
        return refuse_variable(c, start);
    c->at += sizeof(BODY) - 1;
    add_part(c, true);
    c->e->has_variable = true;
    while ((r = parse_step(c)) > 0)
        ;
    return r < 0 ? r : end_variable(c, start);
}

static int parse_parts(struct compiler *c)
{
    while (c->at < c->text.len) {
        if (peek(c) == '$') {
            if (parse_variable(c) < 0)
                return -1;
            continue;
        }
        if (looking_at(c, "\\$"))
            c->at++;
        add_literal(c, peek(c));
        c->at++;
    }
    return 0;
}

static struct expression *expression_new(size_t text_len)
{
    struct expression *e = mem_zalloc(sizeof(*e));

    e->parts = mem_zalloc(text_len * sizeof(*e->parts));
    e->steps = mem_zalloc(text_len * sizeof(*e->steps));
    e->selectors = mem_zalloc(text_len * sizeof(*e->selectors));
    e->text = mem_zalloc(text_len);
    return e;
}

int expression_compile(struct span text, struct expression **ret, struct expression_error *ret_error)
{
    struct compiler c = {.text = text, .error = ret_error};

    if (text.len == 0)
        return fail(&c, 0, 1, "the expression is empty; the usual one is $request.body.action");
    if (text.len > EXPRESSION_BYTES_MAX)
        return fail(&c, EXPRESSION_BYTES_MAX, text.len - EXPRESSION_BYTES_MAX, "the expression is over %d bytes long",
                    EXPRESSION_BYTES_MAX);
    c.e = expression_new(text.len);
    if (parse_parts(&c) < 0) {
        expression_free(c.e);
        return -1;
    }
    *ret = c.e;
    return 0;
}

void expression_free(struct expression *e)
{
    if (!e)
        return;
    free(e->parts);
    free(e->steps);
    free(e->selectors);
    free(e->text);
    free(e);
}
