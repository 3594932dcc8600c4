/* policy.c - from a text down to its strings: document, statement, condition, pattern. */
#include "authorization/policy.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdint.h>

#include "base/json.h"
#include "base/mem.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct evaluation {
    const struct policy_request *request;
    struct buf *notes;
    size_t statement; /* the one at hand, from 1 */
};

/* What a part of a statement says of the request. */
enum answer { NO, YES, MALFORMED };

static enum answer answer_of(bool yes)
{
    return yes ? YES : NO;
}

/* Begins a note on the statement at hand. */
static struct buf *note(struct evaluation *e)
{
    if (e->notes->len > 0)
        buf_append_str(e->notes, "; ");
    buf_printf(e->notes, "statement %zu ", e->statement);
    return e->notes;
}

static enum answer malformed(struct evaluation *e, const char *what)
{
    buf_append_str(note(e), what);
    return MALFORMED;
}

/* ---- patterns ---- */

static bool same_char(char pattern, char text, bool ignore_case)
{
    if (pattern == '?' || pattern == text)
        return true;
    return ignore_case && tolower((unsigned char)pattern) == tolower((unsigned char)text);
}

/* After a mismatch the last star takes one character more; those before it need not, so nothing is tried twice. */
bool policy_match(struct span pattern, struct span text, bool ignore_case)
{
    size_t p = 0, t = 0, star = SIZE_MAX, taken = 0;

    while (t < text.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            taken = t;
        } else if (p < pattern.len && same_char(pattern.ptr[p], text.ptr[t], ignore_case)) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++taken;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

/* How a string of the policy is held against one of the request. MALFORMED: it is no such string. */
typedef enum answer compare_fn(struct span pattern, struct span text);

static enum answer compare_names(struct span pattern, struct span text)
{
    return answer_of(policy_match(pattern, text, true));
}

static enum answer compare_patterns(struct span pattern, struct span text)
{
    return answer_of(policy_match(pattern, text, false));
}

static enum answer compare_equal(struct span pattern, struct span text)
{
    return answer_of(span_equal(pattern, text));
}

struct address {
    unsigned char bytes[16];
    int family;
};

static size_t address_bits(const struct address *a)
{
    return a->family == AF_INET ? 32 : 128;
}

static bool parse_address(struct span text, struct address *ret)
{
    char terminated[INET6_ADDRSTRLEN];

    if (text.len >= sizeof(terminated) || memchr(text.ptr, '\0', text.len))
        return false;
    memcpy(terminated, text.ptr, text.len);
    terminated[text.len] = '\0';
    ret->family = memchr(text.ptr, ':', text.len) ? AF_INET6 : AF_INET;
    return inet_pton(ret->family, terminated, ret->bytes) == 1;
}

/* The digits behind the slash; -1 if they are no number of bits. */
static int parse_prefix(struct span digits, size_t bits_max)
{
    unsigned bits = 0;

    if (digits.len == 0 || digits.len > 3)
        return -1;
    for (size_t i = 0; i < digits.len; i++) {
        if (!isdigit((unsigned char)digits.ptr[i]))
            return -1;
        bits = bits * 10 + (unsigned)(digits.ptr[i] - '0');
    }
    return bits <= bits_max ? (int)bits : -1;
}

static bool same_bits(const struct address *a, const struct address *b, size_t bits)
{
    const size_t whole = bits / 8;
    const unsigned mask = 0xff00u >> bits % 8 & 0xffu;

    return a->family == b->family && memcmp(a->bytes, b->bytes, whole) == 0 &&
           (bits % 8 == 0 || ((a->bytes[whole] ^ b->bytes[whole]) & mask) == 0);
}

/* "192.0.2.0/24", "2001:db8::/32", or one address. */
static enum answer compare_addresses(struct span pattern, struct span text)
{
    const char *slash = pattern.len ? memchr(pattern.ptr, '/', pattern.len) : NULL;
    const size_t len = slash ? (size_t)(slash - pattern.ptr) : pattern.len;
    struct address network, address;
    int bits;

    if (len == 0 || !parse_address(span_of(pattern.ptr, len), &network))
        return MALFORMED;
    bits = slash ? parse_prefix(span_from(pattern, len + 1), address_bits(&network)) : (int)address_bits(&network);
    if (bits < 0)
        return MALFORMED;
    return answer_of(parse_address(text, &address) && same_bits(&network, &address, (size_t)bits));
}

/* ---- one string, or several ---- */

static enum answer compare_string(struct json_value pattern, struct span text, compare_fn *compare)
{
    CLEANUP(buf_fini) struct buf unescaped = {0};
    struct span plain;

    if (pattern.type != JSON_STRING)
        return MALFORMED;
    if (!json_string_plain(pattern, &plain)) {
        json_unescape(pattern, &unescaped);
        plain = buf_span(&unescaped);
    }
    return compare(plain, text);
}

/* A string, or an array of strings: does one of them match? */
static enum answer compare_any(struct json_value patterns, struct span text, compare_fn *compare)
{
    struct json_iter it;
    struct json_value one;
    struct span key;
    enum answer found = NO;

    if (patterns.type != JSON_ARRAY)
        return compare_string(patterns, text, compare);
    json_iter_init(&it, patterns);
    while (json_iter_next(&it, &key, &one)) {
        enum answer answer = compare_string(one, text, compare);

        if (answer == MALFORMED)
            return MALFORMED;
        if (answer == YES)
            found = YES;
    }
    return found;
}

/* ---- conditions ---- */

static const struct {
    struct span name;
    compare_fn *compare;
    bool negated; /* none of the values may match */
} operators[] = {
    {{"StringEquals", 12}, compare_equal, false},  {{"StringNotEquals", 15}, compare_equal, true},
    {{"StringLike", 10}, compare_patterns, false}, {{"StringNotLike", 13}, compare_patterns, true},
    {{"IpAddress", 9}, compare_addresses, false},  {{"NotIpAddress", 12}, compare_addresses, true},
};

/* COUNT(operators) if there is none. */
static size_t find_operator(struct span raw_name)
{
    size_t i = 0;

    while (i < COUNT(operators) && !json_raw_equal(raw_name, operators[i].name))
        i++;
    return i;
}

/* The members of one operator: all of them must hold. */
static enum answer check_keys(struct evaluation *e, struct json_value keys, size_t operator_index)
{
    struct json_iter it;
    struct json_value values;
    struct span key;
    enum answer holds = YES;

    json_iter_init(&it, keys);
    while (json_iter_next(&it, &key, &values)) {
        enum answer any;

        if (!span_equal_nocase(key, SPAN("aws:SourceIp")) || e->request->source_ip.len == 0) {
            buf_printf(note(e), "has a condition on " SPAN_FMT ", which is not known here", SPAN_ARG(key));
            return NO;
        }
        any = compare_any(values, e->request->source_ip, operators[operator_index].compare);
        if (any == MALFORMED)
            return malformed(e, "has a condition whose values are not what its operator compares");
        if ((any == YES) == operators[operator_index].negated)
            holds = NO;
    }
    return holds;
}

static enum answer check_condition(struct evaluation *e, struct json_value condition)
{
    struct json_iter it;
    struct json_value keys;
    struct span name;
    enum answer holds = YES;

    if (condition.type != JSON_OBJECT)
        return malformed(e, "has a Condition that is not an object");
    json_iter_init(&it, condition);
    while (json_iter_next(&it, &name, &keys)) {
        size_t i = find_operator(name);
        enum answer answer;

        if (keys.type != JSON_OBJECT)
            return malformed(e, "has a condition operator that is not an object");
        if (i == COUNT(operators)) {
            buf_printf(note(e), "has the condition operator " SPAN_FMT ", which is not known here", SPAN_ARG(name));
            return NO;
        }
        answer = check_keys(e, keys, i);
        if (answer == MALFORMED)
            return MALFORMED;
        if (answer == NO)
            holds = NO;
    }
    return holds;
}

/* ---- statements ---- */

/* `name`, or "Not" and `name`: exactly one of them is there. */
static enum answer covers(struct evaluation *e, struct json_value statement, struct span name, struct span not_name,
                          struct span text, compare_fn *compare)
{
    struct json_value patterns, excluded;
    const bool has = json_get(statement, name, &patterns);
    const bool has_not = json_get(statement, not_name, &excluded);
    enum answer answer;

    if (has == has_not) {
        buf_printf(note(e), "has %s of " SPAN_FMT " and " SPAN_FMT, has ? "both" : "neither", SPAN_ARG(name),
                   SPAN_ARG(not_name));
        return MALFORMED;
    }
    answer = compare_any(has ? patterns : excluded, text, compare);
    if (answer == MALFORMED)
        buf_printf(note(e), "has " SPAN_FMT " that is neither a string nor an array of strings",
                   SPAN_ARG(has ? name : not_name));
    else if (has_not)
        return answer == YES ? NO : YES;
    return answer;
}

/* Does the statement, whatever its effect, speak of the request? */
static enum answer applies(struct evaluation *e, struct json_value statement)
{
    const struct policy_request *request = e->request;
    struct json_value condition;
    enum answer action, resource;

    action = covers(e, statement, SPAN("Action"), SPAN("NotAction"), request->action, compare_names);
    if (action == MALFORMED)
        return MALFORMED;
    resource = covers(e, statement, SPAN("Resource"), SPAN("NotResource"), request->resource, compare_patterns);
    if (resource != YES || action != YES)
        return resource == MALFORMED ? MALFORMED : NO;
    return json_get(statement, SPAN("Condition"), &condition) ? check_condition(e, condition) : YES;
}

/* POLICY_NO_MATCH: it says nothing of this request. */
static enum policy_effect judge_statement(struct evaluation *e, struct json_value statement)
{
    static const enum policy_effect effects[] = {POLICY_ALLOW, POLICY_DENY};
    static const struct span names[] = {{"\"Allow\"", 7}, {"\"Deny\"", 6}};
    struct json_value effect;
    enum answer answer;
    size_t i = 0;

    e->statement++;
    if (statement.type != JSON_OBJECT) {
        malformed(e, "is not an object");
        return POLICY_MALFORMED;
    }
    if (json_get(statement, SPAN("Effect"), &effect))
        while (i < COUNT(names) && !span_equal(effect.raw, names[i]))
            i++;
    else
        i = COUNT(names);
    if (i == COUNT(names)) {
        malformed(e, "has no Effect of \"Allow\" or \"Deny\"");
        return POLICY_MALFORMED;
    }
    answer = applies(e, statement);
    return answer == MALFORMED ? POLICY_MALFORMED : answer == YES ? effects[i] : POLICY_NO_MATCH;
}

static enum policy_effect judge_statements(struct evaluation *e, struct json_value statements)
{
    enum policy_effect result = POLICY_NO_MATCH;
    struct json_iter it;
    struct json_value statement;
    struct span key;

    json_iter_init(&it, statements);
    while (json_iter_next(&it, &key, &statement)) {
        enum policy_effect effect = judge_statement(e, statement);

        if (effect == POLICY_MALFORMED)
            return POLICY_MALFORMED;
        if (effect == POLICY_DENY || result == POLICY_NO_MATCH)
            result = effect;
    }
    return result;
}

/* ---- documents ---- */

static enum policy_effect reject(struct buf *notes, const char *why)
{
    buf_append_str(notes, why);
    return POLICY_MALFORMED;
}

static bool is_version(struct json_value version)
{
    return span_equal(version.raw, SPAN("\"2012-10-17\"")) || span_equal(version.raw, SPAN("\"2008-10-17\""));
}

enum policy_effect policy_evaluate(struct span document, const struct policy_request *request, struct buf *notes)
{
    struct evaluation e = {.request = request, .notes = notes};
    struct json_value policy, version, statement;

    if (json_parse(document, &policy, NULL) < 0 || policy.type != JSON_OBJECT)
        return reject(notes, "the policy document is not a JSON object");
    if (json_get(policy, SPAN("Version"), &version) && !is_version(version))
        return reject(notes, "the policy's Version is neither 2012-10-17 nor 2008-10-17");
    if (!json_get(policy, SPAN("Statement"), &statement))
        return reject(notes, "the policy has no Statement");
    if (statement.type == JSON_ARRAY)
        return judge_statements(&e, statement);
    return judge_statement(&e, statement);
}

/* ---- lengths ---- */

static size_t longer(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Of a string, or of an array's strings. */
static size_t longest_string(struct json_value value)
{
    CLEANUP(buf_fini) struct buf text = {0};
    struct json_iter it;
    struct json_value one;
    struct span key;
    size_t longest = 0;

    if (value.type == JSON_STRING) {
        json_unescape(value, &text);
        return text.len;
    }
    if (value.type != JSON_ARRAY)
        return 0;
    json_iter_init(&it, value);
    while (json_iter_next(&it, &key, &one))
        if (one.type == JSON_STRING)
            longest = longer(longest, longest_string(one));
    return longest;
}

static size_t longest_in_statement(struct json_value statement)
{
    struct json_value patterns;
    size_t longest = 0;

    if (statement.type != JSON_OBJECT)
        return 0;
    if (json_get(statement, SPAN("Resource"), &patterns))
        longest = longest_string(patterns);
    if (json_get(statement, SPAN("NotResource"), &patterns))
        longest = longer(longest, longest_string(patterns));
    return longest;
}

size_t policy_longest_resource(struct span document)
{
    struct json_iter it;
    struct json_value policy, statements, one;
    struct span key;
    size_t longest = 0;

    if (json_parse(document, &policy, NULL) < 0 || policy.type != JSON_OBJECT ||
        !json_get(policy, SPAN("Statement"), &statements))
        return 0;
    if (statements.type != JSON_ARRAY)
        return longest_in_statement(statements);
    json_iter_init(&it, statements);
    while (json_iter_next(&it, &key, &one))
        longest = longer(longest, longest_in_statement(one));
    return longest;
}
