/* claim.c - see claim.h. Everything here comes from a client, and all of it may be wrong. */
#include "authorization/claim.h"

#include <ctype.h>
#include <stddef.h>
#include <time.h>

#include "authorization/canonical.h"
#include "base/mem.h"
#include "base/percent.h"

/* Nobody signs for longer than this, and sums with it do not overflow. */
#define EXPIRES_S_MAX (100u * 365u * 24u * 3600u)

/* ---- dates ---- */

static bool are_digits(const char *text, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (!isdigit((unsigned char)text[i]))
            return false;
    return true;
}

static int number(const char *text, size_t from, size_t to)
{
    int value = 0;

    for (size_t i = from; i < to; i++)
        value = value * 10 + (text[i] - '0');
    return value;
}

/* "20261124T062300Z" */
static bool read_basic_date(struct span date, struct tm *ret)
{
    const char *d = date.ptr;

    if (date.len != CLOCK_BASIC_SIZE - 1 || d[8] != 'T' || d[15] != 'Z' || !are_digits(d, 0, 8) ||
        !are_digits(d, 9, 15))
        return false;
    ret->tm_year = number(d, 0, 4) - 1900;
    ret->tm_mon = number(d, 4, 6) - 1;
    ret->tm_mday = number(d, 6, 8);
    ret->tm_hour = number(d, 9, 11);
    ret->tm_min = number(d, 11, 13);
    ret->tm_sec = number(d, 13, 15);
    return true;
}

/* "Tue, 24 Nov 2026 06:23:00 GMT" */
static bool read_http_date(struct span date, struct tm *ret)
{
    char text[CLOCK_HTTP_SIZE];
    const char *end;

    if (date.len != CLOCK_HTTP_SIZE - 1)
        return false;
    memcpy(text, date.ptr, date.len);
    text[date.len] = '\0';
    end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", ret);
    return end && !*end;
}

/* Is it a moment that exists? timegm would make one of the 32nd of January. */
static bool to_seconds(struct tm tm, uint64_t *ret)
{
    struct tm normal = tm;
    const time_t seconds = timegm(&normal);

    if (seconds < 0 || normal.tm_mday != tm.tm_mday || normal.tm_mon != tm.tm_mon || normal.tm_hour != tm.tm_hour ||
        normal.tm_min != tm.tm_min || normal.tm_sec != tm.tm_sec)
        return false;
    *ret = (uint64_t)seconds;
    return true;
}

static int read_date(struct claim *c, struct denial *denial)
{
    struct tm tm = {0};

    if ((!read_basic_date(c->date, &tm) && (c->presigned || !read_http_date(c->date, &tm))) ||
        !to_seconds(tm, &c->date_s)) {
        denial_set(denial, RULE_SIGNATURE_DATE, &c->date);
        return -1;
    }
    clock_format_basic(c->date_s * 1000, c->stamp);
    return 0;
}

static int read_expires(struct claim *c, struct denial *denial)
{
    if (!c->expires.ptr)
        return 0;
    if (c->expires.len == 0 || !are_digits(c->expires.ptr, 0, c->expires.len)) {
        denial_set(denial, RULE_PRESIGN_EXPIRES, NULL);
        return -1;
    }
    for (size_t i = 0; i < c->expires.len && c->expires_s < EXPIRES_S_MAX; i++)
        c->expires_s = c->expires_s * 10 + (uint64_t)(c->expires.ptr[i] - '0');
    if (c->expires_s > EXPIRES_S_MAX)
        c->expires_s = EXPIRES_S_MAX;
    return 0;
}

/* ---- what is missing ---- */

struct part {
    const char *name;
    size_t offset; /* of a span in struct claim */
};

static struct span *part_of(struct claim *c, const struct part *part)
{
    return (struct span *)(void *)((char *)c + part->offset);
}

/* Appends the message of `rule` for each part that is missing. */
static void list_missing(struct claim *c, const struct part *parts, size_t count, enum rule_id rule, struct buf *out)
{
    CLEANUP(denial_fini) struct denial clause = {0};

    for (size_t i = 0; i < count; i++) {
        const struct span name = span_of_str(parts[i].name);

        if (part_of(c, &parts[i])->len)
            continue;
        denial_set(&clause, rule, &name);
        buf_append(out, buf_span(&clause.message));
    }
}

/* ---- in the Authorization header ---- */

static const struct part header_parts[] = {
    {"Credential", offsetof(struct claim, credential)},
    {"Signature", offsetof(struct claim, signature)},
    {"SignedHeaders", offsetof(struct claim, signed_headers)},
};
#define HEADER_PART_COUNT (sizeof(header_parts) / sizeof(header_parts[0]))

static void take_pair(struct claim *c, struct span name, struct span value)
{
    for (size_t i = 0; i < HEADER_PART_COUNT; i++)
        if (span_equal(name, span_of_str(header_parts[i].name)))
            *part_of(c, &header_parts[i]) = value;
}

/* Commas and blanks both stand between pairs. */
static bool next_pair(struct span *rest, struct span *ret)
{
    while (rest->len && strchr(", \t", *rest->ptr))
        *rest = span_from(*rest, 1);
    if (!rest->len)
        return false;
    for (*ret = span_of(rest->ptr, 0); ret->len < rest->len && !strchr(", \t", rest->ptr[ret->len]);)
        ret->len++;
    *rest = span_from(*rest, ret->len);
    return true;
}

static int read_pairs(struct claim *c, struct span authorization, struct denial *denial)
{
    struct span rest = authorization, pair, name;

    next_pair(&rest, &c->algorithm);
    while (next_pair(&rest, &pair)) {
        const struct span whole = pair;

        canonical_next(&pair, '=', &name);
        if (!pair.ptr) {
            denial_set(denial, RULE_AUTHORIZATION_PAIR, (struct span[]){whole, authorization});
            return -1;
        }
        take_pair(c, name, pair);
    }
    return 0;
}

static int read_header_form(struct claim *c, const struct sigv4_request *request, struct span authorization,
                            struct denial *denial)
{
    CLEANUP(buf_fini) struct buf missing = {0};

    c->token = sigv4_find_header(request, SPAN("X-Amz-Security-Token"));
    c->date = sigv4_find_header(request, SPAN("X-Amz-Date"));
    if (!c->date.len)
        c->date = sigv4_find_header(request, SPAN("Date"));
    if (read_pairs(c, authorization, denial) < 0)
        return -1;
    list_missing(c, header_parts, HEADER_PART_COUNT, RULE_AUTHORIZATION_PARAMETER, &missing);
    if (!c->date.len)
        buf_append_str(&missing, rule_get(RULE_AUTHORIZATION_DATE)->message);
    if (!missing.len)
        return 0;
    denial_set(denial, RULE_AUTHORIZATION_INCOMPLETE, (struct span[]){buf_span(&missing), authorization});
    return -1;
}

/* ---- in the query ---- */

static const struct part query_parts[] = {
    {"X-Amz-Algorithm", offsetof(struct claim, algorithm)},
    {"X-Amz-Credential", offsetof(struct claim, credential)},
    {"X-Amz-Signature", offsetof(struct claim, signature)},
    {"X-Amz-SignedHeaders", offsetof(struct claim, signed_headers)},
    {"X-Amz-Date", offsetof(struct claim, date)},
    /* These two may be missing: */
    {"X-Amz-Expires", offsetof(struct claim, expires)},
    {"X-Amz-Security-Token", offsetof(struct claim, token)},
};
#define QUERY_PART_COUNT (sizeof(query_parts) / sizeof(query_parts[0]))
#define QUERY_PART_NEEDED 5

static struct span decode(struct buf *text, struct span wire)
{
    const size_t start = text->len;

    percent_decode(text, wire, PERCENT_PLUS_IS_BLANK);
    return span_of(text->ptr + start, text->len - start);
}

/* Of a parameter that is there twice, the first. */
static void take_parameter(struct claim *c, struct span name, struct span value)
{
    const size_t start = c->text.len;
    const struct span plain = decode(&c->text, name);

    for (size_t i = 0; i < QUERY_PART_COUNT; i++)
        if (span_equal(plain, span_of_str(query_parts[i].name)) && !part_of(c, &query_parts[i])->ptr) {
            *part_of(c, &query_parts[i]) = decode(&c->text, value);
            return;
        }
    c->text.len = start;
}

static void read_query(struct claim *c, struct span query)
{
    struct span part, name;

    buf_reserve(&c->text, query.len + 1); /* decoding makes nothing longer, so nothing moves */
    while (canonical_next(&query, '&', &part)) {
        canonical_next(&part, '=', &name);
        take_parameter(c, name, part);
    }
}

static int check_query_form(struct claim *c, struct denial *denial)
{
    CLEANUP(buf_fini) struct buf missing = {0};
    struct span list;

    list_missing(c, query_parts, QUERY_PART_NEEDED, RULE_PRESIGN_PARAMETER, &missing);
    if (!missing.len)
        return 0;
    list = buf_span(&missing);
    denial_set(denial, RULE_PRESIGN_INCOMPLETE, &list);
    return -1;
}

/* ---- both ---- */

int claim_read(struct claim *c, const struct sigv4_request *request, struct denial *denial)
{
    const struct span authorization = sigv4_find_header(request, SPAN("Authorization"));

    read_query(c, request->query);
    c->presigned = c->algorithm.ptr != NULL;
    if (c->presigned && authorization.len)
        denial_set(denial, RULE_SIGNATURE_TWICE, NULL);
    else if (!c->presigned && !authorization.len)
        denial_set(denial, RULE_SIGNATURE_MISSING, NULL);
    if (denial->rule)
        return -1;
    if (!c->presigned) {
        const struct buf text = c->text;

        *c = (struct claim){.text = text}; /* what else may look like a signature in the query is none */
    }
    if ((c->presigned ? check_query_form(c, denial) : read_header_form(c, request, authorization, denial)) < 0)
        return -1;
    return read_date(c, denial) < 0 ? -1 : read_expires(c, denial);
}

int claim_read_credential(struct claim *c, struct denial *denial)
{
    struct span *const parts[] = {&c->key_id, &c->day, &c->region, &c->service, &c->terminator};
    struct span rest = c->credential;
    size_t count = 0;

    while (rest.len && rest.ptr[rest.len - 1] == '/')
        rest.len--;
    for (struct span part; canonical_next(&rest, '/', &part); count++)
        if (count < sizeof(parts) / sizeof(parts[0]))
            *parts[count] = part;
    if (count != sizeof(parts) / sizeof(parts[0])) {
        denial_set(denial, RULE_CREDENTIAL_MALFORMED, &c->credential);
        return -1;
    }
    c->scope = span_of(c->day.ptr, (size_t)(c->terminator.ptr + c->terminator.len - c->day.ptr));
    return 0;
}

void claim_fini(struct claim *c)
{
    buf_fini(&c->text);
}
