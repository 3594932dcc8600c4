/* json.c - JSON for the message path. Linked into apigw-host too: libc only.
 *
 * Strings are most of what passes through, so both directions move in runs of bytes that need no escape and look at
 * single bytes only between the runs. What json_parse accepted is walked afterwards without checking it again. */
#include "base/json.h"

#include <assert.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* ---- runs ---- */

#define BYTES(c) (0x0101010101010101u * (uint64_t)(c))

/* Bit 7 of every byte that is zero. Bytes above the first such may be wrong, which is why only "any" is asked. */
static uint64_t zero_bytes(uint64_t word)
{
    return (word - BYTES(0x01)) & ~word & BYTES(0x80);
}

/* Is one of the eight bytes a quote, a backslash or a control character? */
static bool word_needs_escape(const char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return (zero_bytes(word ^ BYTES('"')) | zero_bytes(word ^ BYTES('\\')) | zero_bytes(word & BYTES(0xe0))) != 0;
}

static bool byte_needs_escape(char c)
{
    return c == '"' || c == '\\' || (unsigned char)c < 0x20;
}

#ifdef __SSE2__
/* All bits of each of the sixteen bytes that needs one. */
static __m128i mark_escapes(const char *at)
{
    const __m128i block = _mm_loadu_si128((const __m128i *)(const void *)at);
    const __m128i quote = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
    const __m128i backslash = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1f)), block);

    return _mm_or_si128(_mm_or_si128(quote, backslash), control);
}

/* One bit for each of the sixteen bytes. */
static unsigned block_needs_escape(const char *at)
{
    return (unsigned)_mm_movemask_epi8(mark_escapes(at));
}

/* Is there one among sixty-four? To ask once for all of them is what makes long runs quick. */
static bool blocks_need_escape(const char *at)
{
    return _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(mark_escapes(at), mark_escapes(at + 16)),
                                          _mm_or_si128(mark_escapes(at + 32), mark_escapes(at + 48)))) != 0;
}
#endif

/* Where the run of bytes that need no escape ends: at a quote, a backslash, a control character or `end`. */
static const char *skip_plain(const char *at, const char *end)
{
#ifdef __SSE2__
    while (end - at >= 64 && !blocks_need_escape(at))
        at += 64;
    for (; end - at >= 16; at += 16) {
        unsigned found = block_needs_escape(at);

        if (found)
            return at + __builtin_ctz(found);
    }
#endif
    while (end - at >= 8 && !word_needs_escape(at))
        at += 8;
    while (at < end && !byte_needs_escape(*at))
        at++;
    return at;
}

/* Slack behind what is written, so that a short run is one fixed copy instead of a call. */
#define RUN_SLACK 16

/* Copies [at, run_end); `to` has RUN_SLACK bytes to spare, reads stay below `end`. */
static char *copy_run(char *to, const char *at, const char *run_end, const char *end)
{
    size_t len = (size_t)(run_end - at);

    if (len <= RUN_SLACK && end - at >= RUN_SLACK)
        memcpy(to, at, RUN_SLACK);
    else
        memcpy(to, at, len);
    return to + len;
}

/* ---- writing ---- */

/* Escaped in pieces, so that the worst case of a long text is never reserved at once. */
#define ESCAPE_PIECE 1024

static const char hex_digits[] = "0123456789abcdef";

static char *put_escape(char *to, char c)
{
    static const char letters['\\' + 1] = {
        ['"'] = '"', ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't',
    };
    const unsigned char byte = (unsigned char)c;

    *to++ = '\\';
    if (letters[byte]) {
        *to++ = letters[byte];
        return to;
    }
    memcpy(to, "u00", 3);
    to[3] = hex_digits[byte >> 4];
    to[4] = hex_digits[byte & 15];
    return to + 5;
}

#ifdef __SSE2__
/* Sixteen bytes, looked at once however many of them need an escape. Reads up to 32 bytes, writes RUN_SLACK more. */
static char *escape_block(char *to, const char *at)
{
    const char *const block = at;

    for (unsigned found = block_needs_escape(block); found; found &= found - 1) {
        const char *special = block + __builtin_ctz(found);

        memcpy(to, at, RUN_SLACK);
        to = put_escape(to + (special - at), *special);
        at = special + 1;
    }
    memcpy(to, at, RUN_SLACK);
    return to + (block + 16 - at);
}
#endif

static char *escape_piece(char *to, const char *at, const char *end)
{
#ifdef __SSE2__
    for (; end - at >= 32; at += 16)
        to = escape_block(to, at);
#endif
    while (at < end) {
        const char *run_end = skip_plain(at, end);

        to = copy_run(to, at, run_end, end);
        at = run_end;
        if (at < end)
            to = put_escape(to, *at++);
    }
    return to;
}

void json_escape(struct buf *out, struct span text)
{
    if (text.len)
        buf_reserve(out, text.len);
    while (text.len) {
        size_t len = text.len < ESCAPE_PIECE ? text.len : ESCAPE_PIECE;
        char *to = buf_reserve(out, JSON_ESCAPED_MAX(len) + RUN_SLACK);

        out->len += (size_t)(escape_piece(to, text.ptr, text.ptr + len) - to);
        text = span_from(text, len);
    }
}

static void separate(struct json_writer *w)
{
    if (w->comma)
        buf_append_char(w->out, ',');
    w->comma = true;
}

static void begin(struct json_writer *w, char bracket)
{
    separate(w);
    buf_append_char(w->out, bracket);
    w->comma = false;
}

static void end(struct json_writer *w, char bracket)
{
    buf_append_char(w->out, bracket);
    w->comma = true;
}

void json_object_begin(struct json_writer *w)
{
    begin(w, '{');
}

void json_object_end(struct json_writer *w)
{
    end(w, '}');
}

void json_array_begin(struct json_writer *w)
{
    begin(w, '[');
}

void json_array_end(struct json_writer *w)
{
    end(w, ']');
}

void json_key(struct json_writer *w, const char *key)
{
    json_key_span(w, span_of_str(key));
}

void json_key_span(struct json_writer *w, struct span key)
{
    json_string(w, key);
    buf_append_char(w->out, ':');
    w->comma = false;
}

void json_string(struct json_writer *w, struct span value)
{
    separate(w);
    buf_append_char(w->out, '"');
    json_escape(w->out, value);
    buf_append_char(w->out, '"');
}

void json_int(struct json_writer *w, int64_t value)
{
    char digits[20]; /* "-9223372036854775808" */
    size_t at = sizeof(digits);
    uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;

    do
        digits[--at] = (char)('0' + left % 10);
    while (left /= 10);
    if (value < 0)
        digits[--at] = '-';
    json_raw(w, span_of(digits + at, sizeof(digits) - at));
}

void json_bool(struct json_writer *w, bool value)
{
    json_raw(w, value ? SPAN("true") : SPAN("false"));
}

void json_raw(struct json_writer *w, struct span value)
{
    separate(w);
    buf_append(w->out, value);
}

/* ---- checking ---- */

/* Where we are in the text. `objects` has one bit for each open container: is it an object? */
struct parser {
    const char *at;
    const char *end;
    const char *what; /* set once something does not fit at `at` */
    unsigned depth;
    uint64_t objects[JSON_DEPTH_MAX / 64];
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && is_blank(*at))
        at++;
    return at;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* 0 to 15, or -1. */
static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool fail(struct parser *p, const char *what)
{
    p->what = what;
    return false;
}

/* Takes `c` if it is next. */
static bool take(struct parser *p, char c)
{
    if (p->at == p->end || *p->at != c)
        return false;
    p->at++;
    return true;
}

/* After a backslash. */
static bool check_escape(struct parser *p)
{
    if (p->at == p->end)
        return fail(p, "expected the rest of a string");
    if (!memchr("\"\\/bfnrtu", *p->at, 9))
        return fail(p, "expected one of \"\\/bfnrtu after '\\'");
    if (*p->at++ != 'u')
        return true;
    for (int i = 0; i < 4; i++, p->at++)
        if (p->at == p->end || hex_value(*p->at) < 0)
            return fail(p, "expected four hexadecimal digits after '\\u'");
    return true;
}

/* After the opening quote. */
static bool check_string(struct parser *p)
{
    for (;;) {
        p->at = skip_plain(p->at, p->end);
        if (p->at == p->end)
            return fail(p, "expected the rest of a string");
        if (take(p, '"'))
            return true;
        if (!take(p, '\\'))
            return fail(p, "expected an escape such as \\n in place of a control character");
        if (!check_escape(p))
            return false;
    }
}

static bool check_digits(struct parser *p)
{
    if (p->at == p->end || !is_digit(*p->at))
        return fail(p, "expected a digit");
    while (p->at < p->end && is_digit(*p->at))
        p->at++;
    return true;
}

static bool check_integer_part(struct parser *p)
{
    take(p, '-');
    if (!take(p, '0'))
        return check_digits(p);
    if (p->at < p->end && is_digit(*p->at))
        return fail(p, "expected no digit after a leading zero");
    return true;
}

static bool check_number(struct parser *p)
{
    if (!check_integer_part(p))
        return false;
    if (take(p, '.') && !check_digits(p))
        return false;
    if (take(p, 'e') || take(p, 'E')) {
        if (!take(p, '-'))
            take(p, '+');
        return check_digits(p);
    }
    return true;
}

static bool check_word(struct parser *p, const char *word)
{
    for (; *word; word++)
        if (!take(p, *word))
            return fail(p, "expected true, false or null");
    return true;
}

static bool check_scalar(struct parser *p)
{
    if (p->at == p->end)
        return fail(p, "expected a value");
    switch (*p->at) {
    case '"': p->at++; return check_string(p);
    case 't': return check_word(p, "true");
    case 'f': return check_word(p, "false");
    case 'n': return check_word(p, "null");
    default: return *p->at == '-' || is_digit(*p->at) ? check_number(p) : fail(p, "expected a value");
    }
}

static bool in_object(const struct parser *p)
{
    return (p->objects[(p->depth - 1) / 64] >> ((p->depth - 1) % 64)) & 1;
}

static bool push(struct parser *p, bool object)
{
    const uint64_t bit = (uint64_t)1 << (p->depth % 64);

    if (p->depth == JSON_DEPTH_MAX)
        return fail(p, "expected less nesting");
    if (object)
        p->objects[p->depth / 64] |= bit;
    else
        p->objects[p->depth / 64] &= ~bit;
    p->depth++;
    p->at++;
    return true;
}

/* A key and its colon, blanks in front skipped. */
static bool check_key(struct parser *p, const char *expected)
{
    p->at = skip_blanks(p->at, p->end);
    if (!take(p, '"'))
        return fail(p, expected);
    if (!check_string(p))
        return false;
    p->at = skip_blanks(p->at, p->end);
    return take(p, ':') || fail(p, "expected ':'");
}

/* Closes containers that end here, up to where the next value must follow. False at the end or a failure. */
static bool check_until_value(struct parser *p)
{
    while (p->depth) {
        const bool object = in_object(p);

        p->at = skip_blanks(p->at, p->end);
        if (take(p, ','))
            return !object || check_key(p, "expected a key in quotes");
        if (!take(p, object ? '}' : ']'))
            return fail(p, object ? "expected ',' or '}'" : "expected ',' or ']'");
        p->depth--;
    }
    return false;
}

/* One value, or the beginning of one. *ret_complete: it is over. */
static bool check_value(struct parser *p, bool *ret_complete)
{
    bool object;

    p->at = skip_blanks(p->at, p->end);
    *ret_complete = true;
    if (p->at == p->end || (*p->at != '{' && *p->at != '['))
        return check_scalar(p);
    object = *p->at == '{';
    if (!push(p, object))
        return false;
    p->at = skip_blanks(p->at, p->end);
    if (take(p, object ? '}' : ']')) {
        p->depth--;
        return true;
    }
    *ret_complete = false;
    return !object || check_key(p, "expected a key in quotes or '}'");
}

/* Bounded by the text: every turn takes at least one byte. */
static bool check_document(struct parser *p)
{
    bool complete;

    do
        if (!check_value(p, &complete))
            return false;
    while (!complete || check_until_value(p));
    return !p->what;
}

static enum json_type type_of(char first)
{
    switch (first) {
    case '{': return JSON_OBJECT;
    case '[': return JSON_ARRAY;
    case '"': return JSON_STRING;
    case 't': return JSON_TRUE;
    case 'f': return JSON_FALSE;
    case 'n': return JSON_NULL;
    default: return JSON_NUMBER;
    }
}

static struct json_value value_of(const char *at, const char *end)
{
    return (struct json_value){type_of(*at), span_of(at, (size_t)(end - at))};
}

static int refuse(const struct parser *p, struct span text, struct json_error *ret_error)
{
    if (ret_error)
        *ret_error = (struct json_error){(size_t)(p->at - text.ptr), p->what};
    return -1;
}

/* The value that the text begins with; *p is behind it, or where something does not fit. */
static int parse_first(struct parser *p, struct span text, struct json_value *ret)
{
    const char *start;

    p->at = text.ptr;
    p->end = text.ptr + text.len;
    start = skip_blanks(p->at, p->end);
    if (!check_document(p))
        return -1;
    *ret = value_of(start, p->at);
    return 0;
}

/* An empty span may have no pointer to count from. */
static struct span pointed(struct span text)
{
    return text.len ? text : SPAN("");
}

int json_parse_first(struct span text, struct json_value *ret)
{
    struct parser p = {0};

    return parse_first(&p, pointed(text), ret);
}

int json_parse(struct span text, struct json_value *ret, struct json_error *ret_error)
{
    struct parser p = {0};
    struct json_value value;

    text = pointed(text);
    if (parse_first(&p, text, &value) < 0)
        return refuse(&p, text, ret_error);
    p.at = skip_blanks(p.at, p.end);
    if (p.at < p.end) {
        p.what = "expected nothing after the value";
        return refuse(&p, text, ret_error);
    }
    *ret = value;
    return 0;
}

/* ---- walking what was checked ---- */

/* From the opening quote to behind the closing one. */
static const char *skip_string(const char *at, const char *end)
{
    at++;
    for (;;) {
        at = skip_plain(at, end);
        assert(at < end);
        if (*at == '"')
            return at + 1;
        at += 2; /* whatever follows a backslash, it is not the closing quote */
    }
}

/* From the opening bracket to behind its closing one. */
static const char *skip_container(const char *at, const char *end)
{
    size_t depth = 0;

    do {
        assert(at < end);
        if (*at == '"') {
            at = skip_string(at, end);
            continue;
        }
        if (*at == '{' || *at == '[')
            depth++;
        else if (*at == '}' || *at == ']')
            depth--;
        at++;
    } while (depth);
    return at;
}

/* Numbers and words end where a value must end. */
static const char *skip_bare(const char *at, const char *end)
{
    while (at < end && !is_blank(*at) && *at != ',' && *at != '}' && *at != ']')
        at++;
    return at;
}

static const char *skip_value(const char *at, const char *end)
{
    if (*at == '"')
        return skip_string(at, end);
    if (*at == '{' || *at == '[')
        return skip_container(at, end);
    return skip_bare(at, end);
}

void json_iter_init(struct json_iter *it, struct json_value value)
{
    const bool container = value.type == JSON_OBJECT || value.type == JSON_ARRAY;

    *it = (struct json_iter){.object = value.type == JSON_OBJECT};
    if (container) {
        it->at = value.raw.ptr + 1;
        it->end = value.raw.ptr + value.raw.len - 1;
    }
}

bool json_iter_next(struct json_iter *it, struct span *ret_key, struct json_value *ret_value)
{
    const char *start = skip_blanks(it->at, it->end);
    struct span key = {0};

    if (start == it->end)
        return false;
    if (it->object) {
        const char *key_end = skip_string(start, it->end);

        key = span_of(start + 1, (size_t)(key_end - start) - 2);
        start = skip_blanks(skip_blanks(key_end, it->end) + 1, it->end); /* the colon */
    }
    it->at = skip_value(start, it->end);
    *ret_value = value_of(start, it->at);
    *ret_key = key;
    it->at = skip_blanks(it->at, it->end);
    if (it->at < it->end)
        it->at++; /* the comma */
    return true;
}

bool json_get(struct json_value object, struct span key, struct json_value *ret)
{
    struct json_iter it;
    struct json_value value;
    struct span name;
    bool found = false;

    if (object.type != JSON_OBJECT)
        return false;
    json_iter_init(&it, object);
    while (json_iter_next(&it, &name, &value))
        if (json_raw_equal(name, key)) {
            *ret = value;
            found = true;
        }
    return found;
}

/* ---- strings ---- */

/* The longest text that one escape stands for. */
#define UNESCAPED_MAX 4

static unsigned hex4(const char *at)
{
    unsigned value = 0;

    for (int i = 0; i < 4; i++)
        value = value << 4 | (unsigned)hex_value(at[i]);
    return value;
}

static char *put_utf8(char *to, unsigned code)
{
    if (code < 0x80) {
        *to++ = (char)code;
        return to;
    }
    if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
    } else if (code < 0x10000) {
        *to++ = (char)(0xe0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
    } else {
        *to++ = (char)(0xf0 | code >> 18);
        *to++ = (char)(0x80 | (code >> 12 & 0x3f));
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
    }
    *to++ = (char)(0x80 | (code & 0x3f));
    return to;
}

/* The code point of a \u escape; *at is behind its 'u' and moves behind the escape, the second half of a pair included.
 */
static unsigned read_unicode(const char **at, const char *end)
{
    const unsigned high = hex4(*at);
    unsigned low;

    *at += 4;
    if (high < 0xd800 || high > 0xdfff)
        return high;
    if (high > 0xdbff || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
        return 0xfffd;
    low = hex4(*at + 2);
    if (low < 0xdc00 || low > 0xdfff)
        return 0xfffd;
    *at += 6;
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

/* Undoes the escape at *at, which is behind its backslash. */
static char *put_unescaped(char *to, const char **at, const char *end)
{
    static const char meanings['u' + 1] = {
        ['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t',
    };
    const char letter = *(*at)++;

    if (letter == 'u')
        return put_utf8(to, read_unicode(at, end));
    *to++ = meanings[(unsigned char)letter];
    return to;
}

/* Takes the escape at the start of `raw` off both; false if `text` goes on differently. */
static bool match_escape(const char **at, const char *end, struct span *text)
{
    char bytes[UNESCAPED_MAX];
    struct span unescaped = {bytes, 0};

    ++*at;
    unescaped.len = (size_t)(put_unescaped(bytes, at, end) - bytes);
    if (!span_starts_with(*text, unescaped))
        return false;
    *text = span_from(*text, unescaped.len);
    return true;
}

bool json_raw_equal(struct span raw, struct span text)
{
    const char *at = raw.ptr;
    const char *raw_end = raw.len ? raw.ptr + raw.len : raw.ptr;

    if (text.len > raw.len) /* an escape is never shorter than what it stands for */
        return false;
    while (at < raw_end) {
        const char *run_end = skip_plain(at, raw_end);
        const struct span run = span_of(at, (size_t)(run_end - at));

        if (!span_starts_with(text, run))
            return false;
        text = text.len ? span_from(text, run.len) : text;
        at = run_end;
        if (at < raw_end && !match_escape(&at, raw_end, &text))
            return false;
    }
    return text.len == 0;
}

/* What is between the quotes of a JSON_STRING. */
static struct span between_quotes(struct json_value string)
{
    assert(string.type == JSON_STRING && string.raw.len >= 2);
    return span_of(string.raw.ptr + 1, string.raw.len - 2);
}

#ifdef __SSE2__
/* Sixteen bytes, looked at once; moves *at behind them, or further if the last escape goes on. Reads up to 32 bytes. */
static char *unescape_block(char *to, const char **at, const char *end)
{
    const char *const block = *at;
    unsigned found = block_needs_escape(block);

    while (found) {
        const char *special = block + __builtin_ctz(found);

        memcpy(to, *at, RUN_SLACK);
        to += special - *at;
        *at = special + 1;
        to = put_unescaped(to, at, end);
        if (*at - block >= 16)
            return to;
        found &= ~0u << (*at - block);
    }
    memcpy(to, *at, RUN_SLACK);
    to += block + 16 - *at;
    *at = block + 16;
    return to;
}
#endif

static char *unescape(char *to, const char *at, const char *end)
{
#ifdef __SSE2__
    while (end - at >= 32)
        to = unescape_block(to, &at, end);
#endif
    while (at < end) {
        const char *run_end = skip_plain(at, end);

        to = copy_run(to, at, run_end, end);
        at = run_end;
        if (at < end) {
            at++;
            to = put_unescaped(to, &at, end);
        }
    }
    return to;
}

void json_unescape(struct json_value string, struct buf *out)
{
    const struct span raw = between_quotes(string);
    char *const to = buf_reserve(out, raw.len + RUN_SLACK);

    out->len += (size_t)(unescape(to, raw.ptr, raw.ptr + raw.len) - to);
}

bool json_string_plain(struct json_value string, struct span *ret)
{
    const struct span raw = between_quotes(string);

    if (skip_plain(raw.ptr, raw.ptr + raw.len) != raw.ptr + raw.len)
        return false;
    *ret = raw;
    return true;
}

/* ---- numbers ---- */

int json_int_value(struct json_value number, int64_t *ret)
{
    const bool negative = number.type == JSON_NUMBER && number.raw.ptr[0] == '-';
    const uint64_t max = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    uint64_t value = 0;

    if (number.type != JSON_NUMBER)
        return -1;
    for (size_t i = negative; i < number.raw.len; i++) {
        const unsigned digit = (unsigned)(number.raw.ptr[i] - '0');

        if (digit > 9 || value > (max - digit) / 10)
            return -1;
        value = value * 10 + digit;
    }
    *ret = negative ? (int64_t)(0 - value) : (int64_t)value;
    return 0;
}
