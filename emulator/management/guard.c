/* guard.c - see guard.h. */
#include "management/guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>

#include "base/mem.h"

/* So much of a header is shown in an answer. */
#define SHOWN_MAX 80u

/* ---- hosts ---- */

/* A name or an address, and what follows it behind a colon. */
struct host {
    struct span name; /* without brackets and without the dot at its end */
    bool bracketed;
    struct span port; /* digits; empty: none */
};

static bool is_port(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
    return text.len <= 5;
}

/* What is behind the name: nothing, or a colon and a port. */
static bool read_port(struct span rest, struct host *ret)
{
    ret->port = span_of(NULL, 0);
    if (rest.len == 0)
        return true;
    if (rest.ptr[0] != ':')
        return false;
    ret->port = span_from(rest, 1);
    return is_port(ret->port);
}

static bool read_bracketed(struct span text, struct host *ret)
{
    const char *end = memchr(text.ptr, ']', text.len);

    if (!end)
        return false;
    ret->bracketed = true;
    ret->name = span_of(text.ptr + 1, (size_t)(end - text.ptr) - 1);
    return read_port(span_from(text, (size_t)(end - text.ptr) + 1), ret);
}

/* RFC 9110, section 7.2; a name with a dot at its end is the same name. */
static bool read_host(struct span text, struct host *ret)
{
    const char *colon;

    *ret = (struct host){0};
    if (text.len == 0)
        return false;
    if (text.ptr[0] == '[')
        return read_bracketed(text, ret) && ret->name.len > 0;
    colon = memchr(text.ptr, ':', text.len);
    ret->name = span_of(text.ptr, colon ? (size_t)(colon - text.ptr) : text.len);
    if (!read_port(span_from(text, ret->name.len), ret))
        return false;
    if (ret->name.len > 1 && ret->name.ptr[ret->name.len - 1] == '.')
        ret->name.len--;
    return ret->name.len > 0;
}

/* An address as IPv6 has it; IPv4 is mapped. False: it is a name. */
static bool read_address(struct span name, struct in6_addr *ret)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char text[INET6_ADDRSTRLEN];

    if (name.len >= sizeof(text))
        return false;
    memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    memcpy(ret->s6_addr, mapped, sizeof(mapped));
    return inet_pton(AF_INET, text, ret->s6_addr + sizeof(mapped)) == 1 || inet_pton(AF_INET6, text, ret) == 1;
}

static bool is_loopback_address(const struct in6_addr *address)
{
    return IN6_IS_ADDR_LOOPBACK(address) || (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr[12] == 127);
}

/* localhost and all names under it are this machine's: RFC 6761, section 6.3. */
static bool is_loopback(const struct host *host)
{
    const struct span localhost = SPAN("localhost"), under = SPAN(".localhost");
    struct in6_addr address;

    if (read_address(host->name, &address))
        return is_loopback_address(&address);
    if (host->bracketed)
        return false;
    return span_equal_nocase(host->name, localhost) ||
           (host->name.len > under.len && span_equal_nocase(span_from(host->name, host->name.len - under.len), under));
}

/* An address has many spellings. */
static bool is_same_name(struct span a, struct span b)
{
    struct in6_addr address_a, address_b;

    if (read_address(a, &address_a) && read_address(b, &address_b))
        return memcmp(&address_a, &address_b, sizeof(address_a)) == 0;
    return span_equal_nocase(a, b);
}

/* ---- names that are allowed ---- */

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_';
}

static bool is_name(struct span name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!is_name_byte(name.ptr[i]))
            return false;
    return name.len > 0 && name.len <= GUARD_NAME_LEN_MAX;
}

const char *guard_names_add(struct guard_names *names, struct span name)
{
    struct in6_addr address;

    if (name.len > 2 && name.ptr[0] == '[' && name.ptr[name.len - 1] == ']')
        name = span_of(name.ptr + 1, name.len - 2);
    else if (name.len > 1 && name.ptr[name.len - 1] == '.')
        name.len--;
    if (!read_address(name, &address) && !is_name(name))
        return "is neither a host name nor an address; give it without a scheme, a port and a path";
    if (names->count == GUARD_NAMES_MAX)
        return "is one name too many; there may be 64";
    names->items[names->count++] = mem_span_dup(name);
    return NULL;
}

void guard_names_fini(struct guard_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
    *names = (struct guard_names){0};
}

static bool is_allowed(const struct guard *guard, const struct host *host)
{
    const struct guard_names *names = guard->names;

    if (is_loopback(host) || (guard->is_domain && guard->is_domain(guard->arg, host->name)))
        return true;
    for (size_t i = 0; i < names->count; i++)
        if (is_same_name(host->name, span_of_str(names->items[i])))
            return true;
    return false;
}

/* ---- headers ---- */

/* How many there are of that name; *ret is the last one's value. */
static size_t find(const struct sigv4_request *request, struct span name, struct span *ret)
{
    size_t count = 0;

    for (size_t i = 0; i < request->header_count; i++)
        if (span_equal_nocase(request->headers[i].name, name)) {
            *ret = request->headers[i].value;
            count++;
        }
    return count;
}

/* What a client has sent, as far as it can be shown. */
static void show(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.len && i < SHOWN_MAX; i++)
        buf_append_char(out, text.ptr[i] >= ' ' && text.ptr[i] <= '~' ? text.ptr[i] : '?');
    if (text.len > SHOWN_MAX)
        buf_append_str(out, "...");
}

static bool refuse(struct buf *out, const char *before, struct span shown, const char *after)
{
    buf_append_str(out, before);
    show(out, shown);
    buf_append_str(out, after);
    return false;
}

/* ---- what is checked ---- */

static bool check_host(const struct guard *guard, const struct sigv4_request *request, struct host *ret,
                       struct buf *why)
{
    struct span value = SPAN("");

    if (find(request, SPAN("Host"), &value) == 1 && read_host(value, ret) && is_allowed(guard, ret))
        return true;
    return refuse(why, "what is under /_apigw answers to localhost and loopback addresses alone, not to the Host \"",
                  value,
                  "\": a web page could have its own name resolve to this machine. If the name is yours, start "
                  "apigw with --allow-host and that name");
}

static struct span default_port(struct span scheme)
{
    return span_equal_nocase(scheme, SPAN("https")) ? SPAN("443") : SPAN("80");
}

static bool is_same_port(struct span a, struct span b, struct span scheme)
{
    return span_equal(a.len ? a : default_port(scheme), b.len ? b : default_port(scheme));
}

/* scheme "://" host [ ":" port ], or "null": RFC 6454, section 6.1. */
static bool read_origin(struct span origin, struct span *ret_scheme, struct host *ret)
{
    const char *separator = origin.len ? memmem(origin.ptr, origin.len, "://", 3) : NULL;

    if (!separator)
        return false;
    *ret_scheme = span_of(origin.ptr, (size_t)(separator - origin.ptr));
    if (!span_equal_nocase(*ret_scheme, SPAN("http")) && !span_equal_nocase(*ret_scheme, SPAN("https")))
        return false;
    return read_host(span_from(origin, ret_scheme->len + 3), ret);
}

static bool is_own_origin(const struct host *host, struct span origin)
{
    struct span scheme;
    struct host from;

    if (!read_origin(origin, &scheme, &from))
        return false;
    return is_loopback(&from) || (is_same_name(from.name, host->name) && is_same_port(from.port, host->port, scheme));
}

static bool check_origin(const struct sigv4_request *request, const struct host *host, struct buf *why)
{
    struct span value = SPAN("");
    size_t count = find(request, SPAN("Origin"), &value);

    if (count == 0 || (count == 1 && is_own_origin(host, value)))
        return true;
    return refuse(
        why, "a web page of \"", value,
        "\" asks, and what is under /_apigw is for programs of this machine. Ask without an Origin header, as "
        "curl does");
}

static bool check_fetch_site(const struct sigv4_request *request, struct buf *why)
{
    struct span value = SPAN("");
    size_t count = find(request, SPAN("Sec-Fetch-Site"), &value);

    if (count == 0 || (count == 1 && !span_equal_nocase(value, SPAN("cross-site"))))
        return true;
    return refuse(why, "a web page of another site asks (Sec-Fetch-Site: ", value,
                  "), and what is under /_apigw is for programs of this machine. Type the address into the browser, or "
                  "ask with curl");
}

bool guard_admits(const struct guard *guard, const struct sigv4_request *request, struct buf *ret_why)
{
    struct host host;

    return check_host(guard, request, &host, ret_why) && check_origin(request, &host, ret_why) &&
           check_fetch_site(request, ret_why);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The type and the subtype, without parameters. */
static struct span media_type(struct span value)
{
    const char *semicolon = value.len ? memchr(value.ptr, ';', value.len) : NULL;

    if (semicolon)
        value.len = (size_t)(semicolon - value.ptr);
    while (value.len > 0 && is_blank(value.ptr[value.len - 1]))
        value.len--;
    while (value.len > 0 && is_blank(value.ptr[0]))
        value = span_from(value, 1);
    return value;
}

bool guard_admits_change(const struct sigv4_request *request, struct buf *ret_why)
{
    struct span value = SPAN("");

    if (find(request, SPAN("Content-Type"), &value) == 1 &&
        span_equal_nocase(media_type(value), SPAN("application/json")))
        return true;
    return refuse(
        ret_why,
        "a request that changes something needs the header Content-Type: application/json, which no form of a "
        "web page has; this one has \"",
        value, "\". With curl, add -H 'Content-Type: application/json'");
}
