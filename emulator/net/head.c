/* head.c - request heads, read with http-parser. The whole head lies in one buffer, so each name and each value comes
 * in one piece; a value in two pieces is a folded line, which RFC 9112, section 5.2 lets a server refuse. */
#include "net/head.h"

#include <ctype.h>
#include <http_parser.h>

/* The first byte of a TLS ClientHello (RFC 8446, section 5.1), which no request line begins with. */
#define TLS_HANDSHAKE '\x16'

struct parse {
    struct head *head;
    struct span target;
    bool after_value; /* the last piece was a value: the next name opens a new header */
    bool done;
    const char *why;
};

static struct parse *parse_of(http_parser *p)
{
    return p->data;
}

static int on_url(http_parser *p, const char *at, size_t len)
{
    parse_of(p)->target = span_of(at, len);
    return 0;
}

/* RFC 9110, section 5.6.2. The parser as built for Debian is more lenient. */
static bool is_token(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!isalnum((unsigned char)s.ptr[i]) && (!s.ptr[i] || !strchr("!#$%&'*+-.^_`|~", s.ptr[i])))
            return false;
    return s.len > 0;
}

static bool has_control_character(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < ' ' && s.ptr[i] != '\t')
            return true;
    return false;
}

static int on_header_field(http_parser *p, const char *at, size_t len)
{
    struct parse *parse = parse_of(p);
    struct head *head = parse->head;

    if (head->header_count == HEAD_HEADERS_MAX) {
        parse->why = "too many headers";
        return 1;
    }
    if (!is_token(span_of(at, len))) {
        parse->why = "a header's name is not a token";
        return 1;
    }
    head->headers[head->header_count++] = (struct event_header){.name = span_of(at, len), .value = span_of(at, 0)};
    parse->after_value = false;
    return 0;
}

static int on_header_value(http_parser *p, const char *at, size_t len)
{
    struct parse *parse = parse_of(p);

    if (parse->after_value) {
        parse->why = "a folded header line";
        return 1;
    }
    if (has_control_character(span_of(at, len))) {
        parse->why = "a control character in a header";
        return 1;
    }
    while (len > 0 && (at[len - 1] == ' ' || at[len - 1] == '\t'))
        len--;
    parse->head->headers[parse->head->header_count - 1].value = span_of(at, len);
    parse->after_value = true;
    return 0;
}

static int on_headers_complete(http_parser *p)
{
    struct parse *parse = parse_of(p);

    parse->done = true;
    parse->head->http_major = p->http_major;
    parse->head->http_minor = p->http_minor;
    return 2; /* what follows is not for this parser */
}

/* "/dev?a=b" and "http://host/dev?a=b". */
static int split_target(struct span target, struct head *head)
{
    struct http_parser_url url;

    http_parser_url_init(&url);
    if (http_parser_parse_url(target.ptr, target.len, 0, &url) != 0)
        return -1;
    head->path = SPAN("/");
    if (url.field_set & (1 << UF_PATH))
        head->path = span_of(target.ptr + url.field_data[UF_PATH].off, url.field_data[UF_PATH].len);
    head->query = span_of(NULL, 0);
    if (url.field_set & (1 << UF_QUERY))
        head->query = span_of(target.ptr + url.field_data[UF_QUERY].off, url.field_data[UF_QUERY].len);
    return 0;
}

static size_t blank_lines(struct span bytes)
{
    size_t n = 0;

    while (n < bytes.len && (bytes.ptr[n] == '\r' || bytes.ptr[n] == '\n'))
        n++;
    return n;
}

/* RFC 9112, section 2.2: a line ends in CR LF. A parser may take LF alone for it; two that disagree about where a head
 * ends are how requests are smuggled. */
static bool has_bare_lf(struct span text)
{
    for (const char *at = text.ptr, *end = text.ptr + text.len; at < end; at++) {
        at = memchr(at, '\n', (size_t)(end - at));
        if (!at)
            return false;
        if (at == text.ptr || at[-1] != '\r')
            return true;
    }
    return false;
}

enum head_status head_parse(struct span bytes, struct head *ret, const char **ret_why)
{
    static const http_parser_settings settings = {
        .on_url = on_url,
        .on_header_field = on_header_field,
        .on_header_value = on_header_value,
        .on_headers_complete = on_headers_complete,
    };
    size_t skipped = blank_lines(bytes); /* allowed before a request line: RFC 9112, section 2.2 */
    struct span rest = span_from(bytes, skipped);
    const char *end = rest.len ? memmem(rest.ptr, rest.len, "\r\n\r\n", 4) : NULL;
    struct parse parse = {.head = ret};
    http_parser parser;

    if (rest.len && rest.ptr[0] == TLS_HANDSHAKE) {
        *ret_why = "the client speaks TLS; use ws:// and http:// here, not wss:// and https://";
        return HEAD_MALFORMED;
    }
    if (end)
        rest.len = (size_t)(end - rest.ptr) + 4;
    if (rest.len && has_bare_lf(rest)) {
        *ret_why = "a line of the head ends in LF without CR";
        return HEAD_MALFORMED;
    }
    if (!end)
        return HEAD_INCOMPLETE;
    ret->header_count = 0;
    ret->size = skipped + rest.len;
    http_parser_init(&parser, HTTP_REQUEST);
    parser.data = &parse;
    http_parser_execute(&parser, &settings, rest.ptr, rest.len);
    if (!parse.done || split_target(parse.target, ret) < 0) {
        *ret_why = parse.why ? parse.why : http_errno_description(HTTP_PARSER_ERRNO(&parser));
        return HEAD_MALFORMED;
    }
    if (ret->http_major != 1) {
        *ret_why = "the version of HTTP is not 1.0 or 1.1";
        return HEAD_MALFORMED;
    }
    ret->target = parse.target;
    ret->method = span_of_str(http_method_str((enum http_method)parser.method));
    return HEAD_COMPLETE;
}

struct span head_find(const struct head *head, struct span name)
{
    for (size_t i = 0; i < head->header_count; i++)
        if (span_equal_nocase(head->headers[i].name, name))
            return head->headers[i].value;
    return span_of(NULL, 0);
}

static struct span trim(struct span s)
{
    while (s.len > 0 && (*s.ptr == ' ' || *s.ptr == '\t'))
        s = span_from(s, 1);
    while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

static bool list_has_token(struct span list, struct span token)
{
    while (list.len > 0) {
        const char *comma = memchr(list.ptr, ',', list.len);
        size_t len = comma ? (size_t)(comma - list.ptr) : list.len;

        if (span_equal_nocase(trim(span_of(list.ptr, len)), token))
            return true;
        list = span_from(list, comma ? len + 1 : len);
    }
    return false;
}

bool head_has_token(const struct head *head, struct span name, struct span token)
{
    for (size_t i = 0; i < head->header_count; i++)
        if (span_equal_nocase(head->headers[i].name, name) && list_has_token(head->headers[i].value, token))
            return true;
    return false;
}

bool head_wants_websocket(const struct head *head)
{
    return head_has_token(head, SPAN("upgrade"), SPAN("websocket"));
}

/* 16 bytes in base64: 22 characters and two '='. */
static bool is_websocket_key(struct span key)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    return key.len == HEAD_WEBSOCKET_KEY_LEN && memcmp(key.ptr + 22, "==", 2) == 0 && strspn(key.ptr, alphabet) == 22;
}

static bool has_body(const struct head *head)
{
    struct span length = head_find(head, SPAN("content-length"));

    return (length.ptr && !span_equal(length, SPAN("0"))) || head_find(head, SPAN("transfer-encoding")).ptr;
}

/* RFC 9112, section 3.2, and RFC 6455, sections 11.3.1 and 11.3.5: these come once. */
static const char *find_repeated(const struct head *head)
{
    static const struct {
        struct span name;
        const char *why;
    } single[] = {
        {{"host", 4}, "there is more than one Host header"},
        {{"sec-websocket-key", 17}, "there is more than one Sec-WebSocket-Key header"},
        {{"sec-websocket-version", 21}, "there is more than one Sec-WebSocket-Version header"},
    };

    for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++) {
        size_t count = 0;

        for (size_t h = 0; h < head->header_count; h++)
            count += span_equal_nocase(head->headers[h].name, single[i].name);
        if (count > 1)
            return single[i].why;
    }
    return NULL;
}

const char *head_check_handshake(const struct head *head)
{
    if (!span_equal(head->method, SPAN("GET")))
        return "an upgrade is a GET";
    if (head->http_major != 1 || head->http_minor < 1)
        return "an upgrade needs HTTP/1.1";
    if (!head_find(head, SPAN("host")).ptr)
        return "the Host header is missing";
    if (!head_has_token(head, SPAN("connection"), SPAN("upgrade")))
        return "the Connection header lacks \"Upgrade\"";
    if (!head_find(head, SPAN("sec-websocket-key")).ptr)
        return "the Sec-WebSocket-Key header is missing";
    if (!is_websocket_key(head_find(head, SPAN("sec-websocket-key"))))
        return "Sec-WebSocket-Key is not 16 bytes in base64";
    if (!span_equal(head_find(head, SPAN("sec-websocket-version")), SPAN("13")))
        return "Sec-WebSocket-Version is not 13";
    if (has_body(head))
        return "an upgrade has no body";
    return find_repeated(head);
}
