/* source.c - reads a configuration file and says in plain words why it is not JSON.
 *
 * The strict reader of base/json.h finds the place and what it expected there; the tables below recognise the slips
 * that people make, and name them instead. */
#include "config/source.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "config/config.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define READ_CHUNK_BYTES 16384u

/* ---- the file ---- */

static int read_all(int fd, struct buf *ret)
{
    for (;;) {
        size_t left = CONFIG_FILE_BYTES_MAX + 1 - ret->len;
        size_t want = left < READ_CHUNK_BYTES ? left : READ_CHUNK_BYTES;
        ssize_t n = want ? read(fd, buf_reserve(ret, want), want) : 0;

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return (int)n;
        ret->len += (size_t)n;
    }
}

static int read_open(int fd, struct buf *ret, struct buf *ret_error)
{
    struct stat st;
    int r = fstat(fd, &st);

    if (r == 0 && S_ISDIR(st.st_mode)) {
        buf_append_str(ret_error, "is a directory, not a file");
        return -1;
    }
    if (r == 0 && !S_ISREG(st.st_mode)) {
        buf_append_str(ret_error, "is not a regular file");
        return -1;
    }
    if (r < 0 || read_all(fd, ret) < 0) {
        buf_printf(ret_error, "cannot be read: %s", strerror(errno));
        return -1;
    }
    if (ret->len > CONFIG_FILE_BYTES_MAX) {
        buf_printf(ret_error, "is over %d bytes long, the limit for a configuration file", CONFIG_FILE_BYTES_MAX);
        return -1;
    }
    return 0;
}

int source_read(const char *path, struct buf *ret, struct buf *ret_error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a fifo must not hold us */
    int r;

    if (fd < 0) {
        buf_printf(ret_error, "cannot be read: %s", strerror(errno));
        return -1;
    }
    r = read_open(fd, ret, ret_error);
    close(fd);
    return r;
}

/* ---- UTF-8 ---- */

static const struct {
    struct span mark;
    const char *text;
} byte_order_marks[] = {
    {{"\xef\xbb\xbf", 3}, "the file starts with a UTF-8 byte order mark; save it without"},
    {{"\xff\xfe", 2}, "the file is UTF-16; save it as UTF-8"},
    {{"\xfe\xff", 2}, "the file is UTF-16; save it as UTF-8"},
};

static int check_encoding(struct diagnostics *d)
{
    size_t valid = utf8_valid_prefix(d->text);
    const char *nul = d->text.len ? memchr(d->text.ptr, '\0', d->text.len) : NULL;

    for (size_t i = 0; i < COUNT(byte_order_marks); i++) {
        if (span_starts_with(d->text, byte_order_marks[i].mark)) {
            diagnostics_error(d, (struct range){0, byte_order_marks[i].mark.len}, "%s", byte_order_marks[i].text);
            return -1;
        }
    }
    if (nul && (size_t)(nul - d->text.ptr) < valid) {
        diagnostics_error(d, (struct range){(size_t)(nul - d->text.ptr), 1}, "a NUL byte; the file is not text");
        return -1;
    }
    if (valid < d->text.len) {
        diagnostics_error(d, (struct range){valid, 1}, "invalid UTF-8: byte 0x%02x does not belong here",
                          (unsigned char)d->text.ptr[valid]);
        return -1;
    }
    return 0;
}

/* ---- where the reader stopped ---- */

#define NOWHERE ((size_t)-1)

struct stop {
    struct span text;
    size_t at;
    const char *what; /* what the reader expected */
    size_t open;      /* the innermost bracket that is open here, or NOWHERE */
    size_t string;    /* the quote of the string that we are in, or NOWHERE */
    size_t last;      /* the last byte before `at` that is not blank, or NOWHERE */
};

/* Follows the text, which is well-formed up to s->at. */
static void stop_look_around(struct stop *s)
{
    size_t opens[JSON_DEPTH_MAX + 1] = {0};
    size_t depth = 0;

    s->string = s->last = NOWHERE;
    for (size_t i = 0; i < s->at; i++) {
        char c = s->text.ptr[i];

        if (!strchr(" \t\r\n", c))
            s->last = i;
        if (s->string != NOWHERE) {
            i += c == '\\';
            s->string = c == '"' ? NOWHERE : s->string;
        } else if (c == '"') {
            s->string = i;
        } else if (c == '{' || c == '[') {
            opens[depth++] = i;
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    s->open = depth ? opens[depth - 1] : NOWHERE;
}

static char stop_char(const struct stop *s)
{
    return s->at < s->text.len ? s->text.ptr[s->at] : '\0';
}

static bool stop_expected(const struct stop *s, const char *phrase)
{
    return span_starts_with(span_of_str(s->what), span_of_str(phrase));
}

static struct span stop_rest(const struct stop *s)
{
    return span_from(s->text, s->at);
}

/* From `offset` to the end of its line. */
static struct range range_line(const struct stop *s, size_t offset)
{
    struct span rest = span_from(s->text, offset);
    const char *newline = rest.len ? memchr(rest.ptr, '\n', rest.len) : NULL;

    return (struct range){offset, newline ? (size_t)(newline - rest.ptr) : rest.len};
}

static bool word_char(char c)
{
    return isalnum((unsigned char)c) || strchr("_$-.+", c);
}

/* The word at the stop, from its start if the reader was within it, or one character. */
static struct range range_word(const struct stop *s)
{
    size_t start = s->at, end = s->at;

    bool within = stop_expected(s, "expected true") || stop_expected(s, "expected no digit") ||
                  stop_expected(s, "expected a digit");

    while (within && start > 0 && word_char(s->text.ptr[start - 1]))
        start--;
    while (end < s->text.len && s->text.ptr[end] && word_char(s->text.ptr[end]))
        end++;
    if (end == start && end < s->text.len)
        end += utf8_sequence(stop_rest(s));
    return (struct range){start, end - start};
}

/* ---- slips: each looks at the stop, and says where the slip is if it is one ---- */

static bool slip_empty(const struct stop *s, struct range *ret)
{
    *ret = (struct range){0, 0};
    return s->last == NOWHERE && s->at == s->text.len;
}

static bool slip_open_string(const struct stop *s, struct range *ret)
{
    if (s->string == NOWHERE || (s->at < s->text.len && stop_char(s) != '\n' && stop_char(s) != '\r'))
        return false;
    *ret = range_line(s, s->string);
    return true;
}

static bool slip_tab(const struct stop *s, struct range *ret)
{
    *ret = (struct range){s->at, 1};
    return s->string != NOWHERE && stop_char(s) == '\t';
}

static bool slip_control(const struct stop *s, struct range *ret)
{
    *ret = (struct range){s->at, 1};
    return s->string != NOWHERE && s->at < s->text.len && (unsigned char)stop_char(s) < ' ';
}

static bool slip_escape(const struct stop *s, struct range *ret)
{
    if (!stop_expected(s, "expected one of"))
        return false;
    *ret = (struct range){s->at - 1, 1 + utf8_sequence(stop_rest(s))};
    return true;
}

static bool slip_unicode_escape(const struct stop *s, struct range *ret)
{
    *ret = (struct range){s->at, utf8_sequence(stop_rest(s))};
    return stop_expected(s, "expected four");
}

static bool slip_trailing_comma(const struct stop *s, struct range *ret)
{
    if ((stop_char(s) != '}' && stop_char(s) != ']') || s->last == NOWHERE || s->text.ptr[s->last] != ',')
        return false;
    *ret = (struct range){s->last, 1};
    return true;
}

static bool slip_comment(const struct stop *s, struct range *ret)
{
    struct span rest = stop_rest(s);

    if (s->string != NOWHERE || !(span_starts_with(rest, SPAN("//")) || span_starts_with(rest, SPAN("/*")) ||
                                  span_starts_with(rest, SPAN("#"))))
        return false;
    *ret = range_line(s, s->at);
    return true;
}

static bool slip_single_quotes(const struct stop *s, struct range *ret)
{
    struct range line = range_line(s, s->at);
    const char *close = line.len > 1 ? memchr(s->text.ptr + s->at + 1, '\'', line.len - 1) : NULL;

    *ret = (struct range){s->at, close ? (size_t)(close + 1 - s->text.ptr) - s->at : 1};
    return s->string == NOWHERE && stop_char(s) == '\'';
}

static bool slip_typographic_quotes(const struct stop *s, struct range *ret)
{
    struct span rest = stop_rest(s);

    *ret = (struct range){s->at, 3};
    return s->string == NOWHERE && rest.len >= 3 && memcmp(rest.ptr, "\xe2\x80", 2) == 0 &&
           (unsigned char)rest.ptr[2] >= 0x98 && (unsigned char)rest.ptr[2] <= 0x9f;
}

static bool slip_no_break_space(const struct stop *s, struct range *ret)
{
    *ret = (struct range){s->at, 2};
    return s->string == NOWHERE && span_starts_with(stop_rest(s), SPAN("\xc2\xa0"));
}

/* Points behind the value that the comma is missing after. */
static bool slip_missing_comma(const struct stop *s, struct range *ret)
{
    if (!stop_expected(s, "expected ','") || !stop_char(s) || s->last == NOWHERE ||
        !(strchr("\"{[-", stop_char(s)) || isalnum((unsigned char)stop_char(s))) || s->last + 1 == s->at)
        return false;
    *ret = (struct range){s->last + 1, 1};
    return true;
}

static bool slip_equals(const struct stop *s, struct range *ret)
{
    *ret = (struct range){s->at, span_starts_with(stop_rest(s), SPAN("=>")) ? 2 : 1};
    return stop_expected(s, "expected ':'") && stop_char(s) == '=';
}

static bool slip_missing_colon(const struct stop *s, struct range *ret)
{
    if (!stop_expected(s, "expected ':'") || s->last == NOWHERE)
        return false;
    *ret = (struct range){s->last + 1, 1};
    return true;
}

static bool slip_bare_key(const struct stop *s, struct range *ret)
{
    *ret = range_word(s);
    return stop_expected(s, "expected a key") && stop_char(s) && word_char(stop_char(s));
}

static bool slip_constant(const struct stop *s, struct range *ret)
{
    static const struct span words[] = {{"True", 4}, {"TRUE", 4}, {"False", 5}, {"FALSE", 5},    {"None", 4},
                                        {"NULL", 4}, {"Null", 4}, {"nil", 3},   {"yes", 3},      {"no", 2},
                                        {"on", 2},   {"off", 3},  {"NaN", 3},   {"undefined", 9}};

    *ret = range_word(s);
    for (size_t i = 0; i < COUNT(words); i++)
        if (span_equal(span_of(s->text.ptr + ret->offset, ret->len), words[i]))
            return s->string == NOWHERE;
    return false;
}

static bool slip_bare_value(const struct stop *s, struct range *ret)
{
    *ret = range_word(s);
    return (stop_expected(s, "expected a value") || stop_expected(s, "expected true")) && ret->len > 0 &&
           (isalpha((unsigned char)s->text.ptr[ret->offset]) || strchr("_$", s->text.ptr[ret->offset]));
}

static bool slip_leading_zero(const struct stop *s, struct range *ret)
{
    *ret = range_word(s);
    return stop_expected(s, "expected no digit");
}

static bool slip_number_start(const struct stop *s, struct range *ret)
{
    *ret = range_word(s);
    return stop_expected(s, "expected a value") && (stop_char(s) == '+' || stop_char(s) == '.');
}

static bool slip_nesting(const struct stop *s, struct range *ret)
{
    *ret = (struct range){s->at, 1};
    return stop_expected(s, "expected less nesting");
}

static bool slip_more_text(const struct stop *s, struct range *ret)
{
    *ret = range_line(s, s->at);
    return stop_expected(s, "expected nothing");
}

/* The first that recognises the stop speaks. */
/* clang-format off */
static const struct {
    bool (*find)(const struct stop *s, struct range *ret);
    const char *text;
} slips[] = {
    {slip_empty,              "the file is empty; the least that works has \"name\", \"stage\", "
                              "\"routeSelectionExpression\" and \"routes\""},
    {slip_open_string,        "the string is not closed on its line; a line break in a string is written \\n"},
    {slip_tab,                "a tab in a string is written \\t"},
    {slip_control,            "a control character in a string is written \\u and four digits"},
    {slip_escape,             "not an escape of JSON; a backslash in a string is written \\\\"},
    {slip_unicode_escape,     "\\u needs four hexadecimal digits"},
    {slip_trailing_comma,     "trailing comma; JSON has none before a closing bracket"},
    {slip_comment,            "JSON has no comments"},
    {slip_single_quotes,      "JSON strings take double quotes"},
    {slip_typographic_quotes, "a typographic quote; JSON strings take \""},
    {slip_no_break_space,     "a no-break space; JSON allows ordinary blanks only"},
    {slip_equals,             "a key and its value are separated by ':'"},
    {slip_missing_colon,      "missing ':' after the key"},
    {slip_bare_key,           "a key needs double quotes"},
    {slip_missing_comma,      "missing comma after this value"},
    {slip_constant,           "not a word of JSON; it has true, false and null"},
    {slip_bare_value,         "not a value; a string needs double quotes"},
    {slip_leading_zero,       "a number has no leading zeros"},
    {slip_number_start,       "a number starts with a digit or '-'"},
    {slip_nesting,            "brackets are nested too deep"},
    {slip_more_text,          "the JSON value is complete, but the file goes on"},
};
/* clang-format on */

/* No slip that we know: what was expected, what is there, and which bracket is open. */
static void report_stop(struct diagnostics *d, const struct stop *s)
{
    struct range where = range_word(s);
    CLEANUP(buf_fini) struct buf text = {0};

    buf_append_str(&text, s->what);
    if (s->at < s->text.len) {
        buf_append_str(&text, ", found ");
        diagnostics_quote(&text, span_of(s->text.ptr + where.offset, where.len));
    } else {
        buf_append_str(&text, ", but the file ends here");
        where = (struct range){s->last + 1, 1};
    }
    if (s->open != NOWHERE)
        buf_printf(&text, "; the '%c' of line %zu is open", s->text.ptr[s->open], diagnostics_line(d, s->open));
    diagnostics_error(d, where, SPAN_FMT, SPAN_ARG(buf_span(&text)));
}

static int check_syntax(struct diagnostics *d)
{
    struct stop s = {.text = d->text};
    struct json_error error;
    struct json_value root;

    if (json_parse(d->text, &root, &error) == 0)
        return 0;
    s.at = error.offset;
    s.what = error.what;
    stop_look_around(&s);
    for (size_t i = 0; i < COUNT(slips); i++) {
        struct range where;

        if (slips[i].find(&s, &where)) {
            diagnostics_error(d, where, "%s", slips[i].text);
            return -1;
        }
    }
    report_stop(d, &s);
    return -1;
}

int source_check(struct diagnostics *d)
{
    return check_encoding(d) < 0 || check_syntax(d) < 0 ? -1 : 0;
}
