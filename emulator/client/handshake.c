/* handshake.c - see handshake.h. */
#include "client/handshake.h"

#include <assert.h>
#include <ctype.h>
#include <http_parser.h>
#include <openssl/evp.h>
#include <sys/random.h>

#include "base/base64.h"
#include "base/mem.h"
#include "client/sign.h"

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define SHA1_SIZE 20u

/* ---- what is asked ---- */

static bool is_token(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!isalnum((unsigned char)s.ptr[i]) && (!s.ptr[i] || !strchr("!#$%&'*+-.^_`|~", s.ptr[i])))
            return false;
    return s.len > 0;
}

/* What the handshake itself says. */
static bool is_own(struct span name)
{
    static const char *const names[] = {"connection",           "upgrade",
                                        "sec-websocket-key",    "sec-websocket-version",
                                        "sec-websocket-accept", "sec-websocket-extensions",
                                        "content-length",       "transfer-encoding"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (span_equal_nocase(name, span_of_str(names[i])))
            return true;
    return false;
}

static struct span name_of(const char *header)
{
    return span_of(header, strcspn(header, ":"));
}

bool handshake_header_is_fine(const char *header, struct buf *ret_error)
{
    const struct span name = name_of(header);

    if (!header[name.len] || !is_token(name))
        buf_printf(ret_error, "a header is written 'Name: value', not '%s'", header);
    else if (is_own(name))
        buf_printf(ret_error, "the header " SPAN_FMT " is part of every handshake", SPAN_ARG(name));
    else if (span_equal_nocase(name, SPAN("sec-websocket-protocol")))
        buf_append_str(ret_error, "--subprotocol says which subprotocols are offered");
    else if (strpbrk(header, "\r\n"))
        buf_printf(ret_error, "the header " SPAN_FMT " has a line break in it", SPAN_ARG(name));
    return ret_error->len == 0;
}

bool handshake_subprotocol_is_fine(const char *name, struct buf *ret_error)
{
    if (is_token(span_of_str(name)))
        return true;
    buf_printf(ret_error, "'%s' is no name of a subprotocol: letters, digits and !#$%%&'*+-.^_`|~ are", name);
    return false;
}

static const char *wished(const struct handshake_wish *wish, const char *name)
{
    for (size_t i = 0; i < wish->header_count; i++)
        if (span_equal_nocase(name_of(wish->headers[i]), span_of_str(name)))
            return wish->headers[i];
    return NULL;
}

static void write_line(struct buf *out, const char *line)
{
    buf_append_str(out, line);
    buf_append_str(out, "\r\n");
}

static void make_key(char ret_key[HANDSHAKE_KEY_SIZE])
{
    CLEANUP(buf_fini) struct buf text = {0};
    char nonce[16];
    const ssize_t n = getrandom(nonce, sizeof(nonce), 0);

    assert(n == sizeof(nonce));
    base64_encode(&text, span_of(nonce, sizeof(nonce)));
    assert(text.len == HANDSHAKE_KEY_SIZE - 1);
    memcpy(ret_key, buf_terminate(&text), HANDSHAKE_KEY_SIZE);
}

static void write_subprotocols(struct buf *out, const struct handshake_wish *wish)
{
    for (size_t i = 0; i < wish->subprotocol_count; i++)
        buf_printf(out, "%s%s", i == 0 ? "Sec-WebSocket-Protocol: " : ", ", wish->subprotocols[i]);
    if (wish->subprotocol_count)
        buf_append_str(out, "\r\n");
}

static void write_signature(struct buf *out, const struct url *url, const char *host)
{
    const struct sign_request request = {.method = SPAN("GET"),
                                         .host = span_of_str(host),
                                         .path = span_of_str(url->path),
                                         .query = span_of_str(url->query)};
    char *lines[SIGN_LINES_MAX];
    const size_t count = sign_headers(&request, lines);

    for (size_t i = 0; i < count; i++) {
        write_line(out, lines[i]);
        free(lines[i]);
    }
}

void handshake_write(struct buf *out, const struct url *url, const struct handshake_wish *wish,
                     char ret_key[HANDSHAKE_KEY_SIZE])
{
    const char *host = wished(wish, "host");

    host = host ? host + strlen("host:") + strspn(host + strlen("host:"), " \t") : url->authority;
    make_key(ret_key);
    buf_printf(out, "GET %s%s%s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", url->path,
               url->query ? "?" : "", url->query ? url->query : "", host);
    buf_printf(out, "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n", ret_key);
    write_subprotocols(out, wish);
    if (!wished(wish, "user-agent"))
        write_line(out, "User-Agent: apigw/" APIGW_VERSION);
    for (size_t i = 0; i < wish->header_count; i++)
        if (!span_equal_nocase(name_of(wish->headers[i]), SPAN("host")))
            write_line(out, wish->headers[i]);
    if (wish->sign)
        write_signature(out, url, host);
    write_line(out, "");
}

/* ---- what is answered ---- */

struct handshake_reader {
    http_parser parser;
    struct handshake_answer *answer;
    bool after_value; /* the last piece was a value: the next name begins a new header */
    bool done;
    const char *why;
};

static struct handshake_reader *reader_of(http_parser *p)
{
    return p->data;
}

static int on_status(http_parser *p, const char *at, size_t len)
{
    buf_append(&reader_of(p)->answer->reason, span_of(at, len));
    return 0;
}

static int on_header_field(http_parser *p, const char *at, size_t len)
{
    struct handshake_reader *r = reader_of(p);
    struct handshake_answer *answer = r->answer;

    if (answer->header_count == 0 || r->after_value) {
        if (answer->header_count == HANDSHAKE_HEADERS_MAX) {
            r->why = "it has too many headers";
            return 1;
        }
        answer->header_count++;
    }
    r->after_value = false;
    buf_append(&answer->headers[answer->header_count - 1].name, span_of(at, len));
    return 0;
}

static int on_header_value(http_parser *p, const char *at, size_t len)
{
    struct handshake_reader *r = reader_of(p);

    assert(r->answer->header_count > 0);
    r->after_value = true;
    buf_append(&r->answer->headers[r->answer->header_count - 1].value, span_of(at, len));
    return 0;
}

static int on_body(http_parser *p, const char *at, size_t len)
{
    struct buf *body = &reader_of(p)->answer->body;
    const size_t room = HANDSHAKE_BODY_MAX - body->len;

    buf_append(body, span_of(at, len < room ? len : room));
    if (body->len == HANDSHAKE_BODY_MAX)
        reader_of(p)->done = true;
    return 0;
}

static int on_complete(http_parser *p)
{
    reader_of(p)->done = true;
    return 0;
}

static const http_parser_settings settings = {.on_status = on_status,
                                              .on_header_field = on_header_field,
                                              .on_header_value = on_header_value,
                                              .on_body = on_body,
                                              .on_message_complete = on_complete};

struct handshake_reader *handshake_reader_new(struct handshake_answer *answer)
{
    struct handshake_reader *r = mem_zalloc(sizeof(*r));

    http_parser_init(&r->parser, HTTP_RESPONSE);
    r->parser.data = r;
    r->answer = answer;
    return r;
}

void handshake_reader_free(struct handshake_reader *r)
{
    free(r);
}

/* The record that a TLS server answers plain text with (RFC 8446, section 5.1: an alert). */
static bool is_tls_alert(struct span bytes)
{
    return bytes.len > 1 && bytes.ptr[0] == 0x15 && bytes.ptr[1] == 0x03;
}

static int refuse(const struct handshake_reader *r, struct span bytes, struct buf *ret_error)
{
    if (is_tls_alert(bytes))
        buf_append_str(ret_error, "the server speaks TLS\nUse wss:// in place of ws://.");
    else if (bytes.len == 0)
        buf_append_str(ret_error, "the server has closed the connection without an answer\nIf it speaks TLS, use "
                                  "wss:// in place of ws://.");
    else
        buf_printf(ret_error, "what the server answers is no HTTP: %s",
                   r->why ? r->why : http_errno_description(HTTP_PARSER_ERRNO(&r->parser)));
    return -1;
}

int handshake_read(struct handshake_reader *r, struct span bytes, size_t *ret_used, struct buf *ret_error)
{
    *ret_used = http_parser_execute(&r->parser, &settings, bytes.len ? bytes.ptr : "", bytes.len);
    r->answer->status = r->parser.status_code;
    if (*ret_used > bytes.len)
        *ret_used = bytes.len; /* an end that comes too early counts as a byte there */
    if (r->done)
        return 1;
    if (HTTP_PARSER_ERRNO(&r->parser) != HPE_OK || *ret_used != bytes.len || bytes.len == 0)
        return refuse(r, bytes, ret_error);
    return 0;
}

struct span handshake_find(const struct handshake_answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->header_count; i++)
        if (span_equal_nocase(buf_span(&answer->headers[i].name), span_of_str(name)))
            return buf_span(&answer->headers[i].value);
    return span_of(NULL, 0);
}

/* ---- whether it will do ---- */

static void make_accept(const char *key, struct buf *out)
{
    CLEANUP(free) char *text = mem_printf("%s" GUID, key);
    unsigned char hash[SHA1_SIZE];
    const int ok = EVP_Digest(text, strlen(text), hash, NULL, EVP_sha1(), NULL);

    assert(ok == 1);
    base64_encode(out, span_of((const char *)hash, sizeof(hash)));
}

static bool was_offered(const struct handshake_wish *wish, struct span chosen)
{
    for (size_t i = 0; i < wish->subprotocol_count; i++)
        if (span_equal(chosen, span_of_str(wish->subprotocols[i])))
            return true;
    return false;
}

bool handshake_check(const struct handshake_answer *answer, const char *key, const struct handshake_wish *wish,
                     struct buf *ret_error)
{
    CLEANUP(buf_fini) struct buf accept = {0};
    const struct span chosen = handshake_find(answer, "sec-websocket-protocol");
    const struct span extensions = handshake_find(answer, "sec-websocket-extensions");

    make_accept(key, &accept);
    if (!span_equal(handshake_find(answer, "sec-websocket-accept"), buf_span(&accept)))
        buf_append_str(ret_error, "the server's answer is to another handshake: Sec-WebSocket-Accept does not match");
    else if (chosen.ptr && !was_offered(wish, chosen))
        buf_printf(ret_error, "the server has chosen the subprotocol '" SPAN_FMT "', which was not offered",
                   SPAN_ARG(chosen));
    else if (extensions.len)
        buf_printf(ret_error, "the server uses the extension '" SPAN_FMT "', which was not offered",
                   SPAN_ARG(extensions));
    return ret_error->len == 0;
}

void handshake_answer_fini(struct handshake_answer *answer)
{
    buf_fini(&answer->reason);
    buf_fini(&answer->body);
    for (size_t i = 0; i < answer->header_count; i++) {
        buf_fini(&answer->headers[i].name);
        buf_fini(&answer->headers[i].value);
    }
    *answer = (struct handshake_answer){0};
}
