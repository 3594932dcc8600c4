/* tls.c - see tls.h.
 *
 * A link goes from its handshake to open, and when one side has ended, or TLS has failed, to leaving: all was said, and
 * what a client still sends is read away, or closing would reset the connection under our last words. */
#include "net/tls.h"

#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "gateway/report.h"
#include "gateway/rules.h"

#define RECORD_BYTES (16 * 1024) /* what one record holds */
#define RECORDS_PER_TURN 16      /* others want to be served, too */

/* As net/websocket.c has it for plain clients. */
#define SOCKET_SEND_BYTES (128 * 1024)

#define LINGER_MS 1000         /* for a client to read our last words */
#define CLOSE_PATIENCE_MS 5000 /* for one that does not read what comes before them */

enum stage { HANDSHAKE, OPEN, LEAVING, ENDED };

struct end {
    int fd;
    struct loop_watch *watch;
    unsigned wanted; /* of LOOP_READABLE and so on */
};

struct tls_link {
    struct list node;     /* in server->links, or server->ended */
    struct list deadline; /* in server->deadlines, while there is one */
    struct list news;     /* in server->news, if on_news is to come soon */
    uint64_t deadline_ms; /* of the system's clock, as the listener's */
    struct tls_server *server;
    unsigned references;
    enum stage stage;
    SSL *ssl;
    struct end client, plain;
    struct buf to_plain;  /* what the pair did not take */
    struct buf to_client; /* what the client did not take; tried again as it is */
    bool wants_write;     /* OpenSSL has something of its own to send */
    bool client_done;     /* nothing more comes from it */
    bool plain_done;
    bool plain_hung_up; /* it may still have something to be read */
    bool plain_deaf;    /* it reads no more */
    bool has_news;
    bool was_established;
    uint64_t delivered_bytes;
    uint64_t delivered_ms;
    tls_news_fn *on_news;
    void *arg;
    char source_ip[64];
};

struct tls_server {
    struct loop *loop;
    struct identity *identity;
    tls_news_fn *on_ended;
    void *arg;
    struct list links;
    struct list ended;     /* until the turn ends: their callbacks may be running */
    struct list deadlines; /* the next first */
    struct list news;
    struct loop_timer *timer;
    struct loop_deferred *tell;
    char record[RECORD_BYTES];
};

/* ---- deadlines ---- */

static void arm(struct tls_server *server)
{
    const struct list *first = list_first(&server->deadlines);
    uint64_t now = clock_system_ms(), next;

    if (!first || loop_timer_active(server->timer))
        return;
    next = LIST_ENTRY(first, struct tls_link, deadline)->deadline_ms;
    loop_timer_start(server->timer, next > now ? next - now : 0);
}

static void set_deadline(struct tls_link *link, uint64_t after_ms)
{
    struct tls_server *server = link->server;
    struct list *at;

    list_remove(&link->deadline);
    link->deadline_ms = clock_system_ms() + after_ms;
    at = server->deadlines.prev;
    while (at != &server->deadlines && LIST_ENTRY(at, struct tls_link, deadline)->deadline_ms > link->deadline_ms)
        at = at->prev;
    list_insert_before(at->next, &link->deadline);
    arm(server);
}

/* ---- descriptors ---- */

static void end_open(struct end *end, struct loop *loop, int fd, loop_ready_fn *on_ready, void *arg)
{
    end->fd = fd;
    end->watch = loop_watch_new(loop, fd, on_ready, arg);
    assert(end->watch); /* a socket can be watched */
    end->wanted = LOOP_READABLE | LOOP_HANGUP;
}

static void end_want(struct end *end, unsigned wanted)
{
    if (end->watch && end->wanted != wanted)
        loop_watch_want(end->watch, wanted);
    end->wanted = wanted;
}

static void end_close(struct end *end)
{
    loop_watch_free(TAKE(end->watch));
    if (end->fd >= 0)
        close(end->fd);
    end->fd = -1;
}

static void update_wanted(struct tls_link *link)
{
    const bool open = link->stage == OPEN, leaving = link->stage == LEAVING;
    const bool reads_client =
        leaving || link->stage == HANDSHAKE || (open && !link->client_done && !link->to_plain.len);
    const bool writes_client = link->wants_write || link->to_client.len > 0;
    const bool reads_plain = !link->plain_done && !link->to_client.len;
    const bool hangs_up = !link->plain_done && !link->plain_hung_up;

    end_want(&link->client, (reads_client ? LOOP_READABLE : 0) | (writes_client && !leaving ? LOOP_WRITABLE : 0));
    end_want(&link->plain, (reads_plain ? LOOP_READABLE : 0) | (link->to_plain.len ? LOOP_WRITABLE : 0) |
                               (hangs_up ? LOOP_HANGUP : 0));
}

/* ---- the end ---- */

void tls_unref(struct tls_link *link)
{
    if (!link || --link->references > 0)
        return;
    assert(link->stage == ENDED);
    free(link);
}

/* Closes both sides. */
static void end_link(struct tls_link *link)
{
    struct tls_server *server = link->server;

    if (link->stage == ENDED)
        return;
    link->stage = ENDED;
    link->has_news = true;
    end_close(&link->client);
    end_close(&link->plain);
    SSL_free(TAKE(link->ssl));
    buf_fini(&link->to_plain);
    buf_fini(&link->to_client);
    list_remove(&link->deadline);
    list_remove(&link->news);
    list_remove(&link->node);
    list_append(&server->ended, &link->node);
    loop_deferred_start(server->tell);
    server->on_ended(server->arg);
}

/* All was said to the client. */
static void leave(struct tls_link *link)
{
    link->stage = LEAVING;
    link->has_news = true;
    end_close(&link->plain);
    buf_fini(&link->to_plain);
    buf_fini(&link->to_client);
    if (link->client_done || shutdown(link->client.fd, SHUT_WR) < 0)
        end_link(link);
    else
        set_deadline(link, LINGER_MS);
}

static void read_away(struct tls_link *link)
{
    ssize_t n = 1;

    for (int i = 0; i < RECORDS_PER_TURN && n > 0; i++)
        n = recv(link->client.fd, link->server->record, RECORD_BYTES, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN))
        end_link(link);
}

static void on_deadline(void *arg)
{
    struct tls_server *server = arg;
    uint64_t now = clock_system_ms();
    struct list *first;

    while ((first = list_first(&server->deadlines)) && LIST_ENTRY(first, struct tls_link, deadline)->deadline_ms <= now)
        end_link(LIST_ENTRY(first, struct tls_link, deadline));
    arm(server);
}

/* ---- what went wrong ---- */

static const char *version_name(int version)
{
    return version == TLS1_1_VERSION ? "TLS 1.1" : version == TLS1_VERSION ? "TLS 1.0" : "an older SSL";
}

/* RFC 8446, 6.2: what clients say who do not believe a certificate, each library in another way. */
static bool is_distrust(int alert)
{
    return alert == SSL_AD_BAD_CERTIFICATE || alert == SSL_AD_UNSUPPORTED_CERTIFICATE ||
           alert == SSL_AD_CERTIFICATE_EXPIRED || alert == SSL_AD_CERTIFICATE_UNKNOWN || alert == SSL_AD_UNKNOWN_CA;
}

static void explain(struct buf *out, unsigned long error)
{
    const int alert = ERR_GET_REASON(error) - SSL_AD_REASON_OFFSET;
    const char *reason = ERR_reason_error_string(error);

    if (ERR_GET_LIB(error) == ERR_LIB_SSL && alert >= 0 && alert <= UINT8_MAX)
        buf_printf(out, "the client %s (alert \"%s\")",
                   is_distrust(alert) ? "does not trust the certificate" : "has given up",
                   SSL_alert_desc_string_long(alert));
    else
        buf_append_str(out, reason ? reason : "the client has closed the connection");
}

static bool is_old_version(unsigned long error)
{
    const int reason = ERR_GET_REASON(error);

    return ERR_GET_LIB(error) == ERR_LIB_SSL &&
           (reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_VERSION_TOO_LOW);
}

static void report_failure(const struct tls_link *link)
{
    const unsigned long error = ERR_peek_error();
    const bool old = is_old_version(error);
    CLEANUP(buf_fini) struct buf detail = {0};

    if (old)
        buf_printf(&detail, "it speaks %s at most", version_name(SSL_client_version(link->ssl)));
    else
        explain(&detail, error);
    buf_printf(&detail, " (from %s)", link->source_ip);
    /* Who hangs up has been told nothing wrong: a port is looked at in that way. */
    report_write(error ? LOG_WARN : LOG_INFO,
                 &(struct report){
                     .rule = rule_get(old ? RULE_TLS_VERSION : RULE_TLS_FAILED),
                     .happened = link->stage == HANDSHAKE ? "a TLS handshake has failed" : "closed a TLS connection",
                     .detail = buf_span(&detail),
                 });
}

/* OpenSSL has done less than it was asked for. */
static void on_stalled(struct tls_link *link, int result)
{
    switch (SSL_get_error(link->ssl, result)) {
    case SSL_ERROR_WANT_READ: return;
    case SSL_ERROR_WANT_WRITE: link->wants_write = true; return;
    case SSL_ERROR_SSL:
        report_failure(link);
        leave(link); /* OpenSSL has sent the alert */
        return;
    default: /* the socket is lost */
        if (link->stage == HANDSHAKE)
            report_failure(link);
        end_link(link);
    }
}

/* ---- from the client ---- */

/* How much of it the pair has taken. What nobody will read is dropped. */
static size_t give(struct tls_link *link, struct span bytes)
{
    ssize_t n = link->plain_deaf ? 0 : send(link->plain.fd, bytes.ptr, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (n < 0 && errno != EAGAIN)
        link->plain_deaf = true;
    if (link->plain_deaf)
        return bytes.len;
    if (n <= 0)
        return 0;
    link->delivered_bytes += (uint64_t)n;
    link->delivered_ms = clock_system_ms();
    link->has_news = true;
    return (size_t)n;
}

static void pass_end_on(struct tls_link *link)
{
    if (!link->client_done || link->to_plain.len)
        return;
    shutdown(link->plain.fd, SHUT_WR);
    link->has_news = true;
}

static void flush_to_plain(struct tls_link *link)
{
    size_t n;

    if (!link->to_plain.len)
        return;
    n = give(link, buf_span(&link->to_plain));
    if (n < link->to_plain.len) {
        buf_consume(&link->to_plain, n);
        return;
    }
    buf_fini(&link->to_plain);
    pass_end_on(link);
}

static void read_client(struct tls_link *link)
{
    struct tls_server *server = link->server;

    for (int i = 0; i < RECORDS_PER_TURN && link->stage == OPEN && !link->client_done && !link->to_plain.len; i++) {
        struct span bytes = span_of(server->record, 0);
        int n;

        ERR_clear_error();
        n = SSL_read(link->ssl, server->record, RECORD_BYTES);
        if (n <= 0 && SSL_get_error(link->ssl, n) == SSL_ERROR_ZERO_RETURN) {
            link->client_done = true;
            pass_end_on(link);
        } else if (n <= 0) {
            on_stalled(link, n);
            return;
        } else {
            bytes.len = (size_t)n;
            bytes = span_from(bytes, give(link, bytes));
            if (bytes.len)
                buf_append(&link->to_plain, bytes);
        }
    }
}

/* ---- to the client ---- */

/* False: it did not take it, and has to be given the same again. */
static bool write_client(struct tls_link *link, struct span bytes)
{
    int n;

    ERR_clear_error();
    n = SSL_write(link->ssl, bytes.ptr, (int)bytes.len);
    if (n > 0)
        return true;
    on_stalled(link, n);
    return false;
}

static void flush_to_client(struct tls_link *link)
{
    if (!link->to_client.len || !write_client(link, buf_span(&link->to_client)))
        return;
    buf_fini(&link->to_client);
    if (link->plain_hung_up)
        set_deadline(link, CLOSE_PATIENCE_MS);
}

static void read_plain(struct tls_link *link)
{
    struct tls_server *server = link->server;

    for (int i = 0; i < RECORDS_PER_TURN && link->stage == OPEN && !link->plain_done && !link->to_client.len; i++) {
        ssize_t n = recv(link->plain.fd, server->record, RECORD_BYTES, MSG_DONTWAIT);

        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0)
            link->plain_done = true;
        else if (!write_client(link, span_of(server->record, (size_t)n)) && link->stage == OPEN)
            buf_append(&link->to_client, span_of(server->record, (size_t)n));
    }
}

/* Our close_notify, when all before it is gone. */
static void say_goodbye(struct tls_link *link)
{
    int r;

    if (link->stage != OPEN || !link->plain_done || link->to_client.len)
        return;
    ERR_clear_error();
    r = SSL_shutdown(link->ssl);
    if (r < 0 && SSL_get_error(link->ssl, r) == SSL_ERROR_WANT_WRITE)
        link->wants_write = true;
    else
        leave(link);
    ERR_clear_error();
}

/* ---- the loop's callbacks ---- */

static void shake_hands(struct tls_link *link)
{
    const char *name;
    int r;

    ERR_clear_error();
    r = SSL_do_handshake(link->ssl);
    if (r != 1) {
        on_stalled(link, r);
        return;
    }
    link->stage = OPEN;
    link->was_established = true;
    name = SSL_get_servername(link->ssl, TLSEXT_NAMETYPE_host_name);
    log_debug(LOG_NET, "%s with %s, cipher %s, for %s", SSL_get_version(link->ssl), link->source_ip,
              SSL_get_cipher_name(link->ssl), name ? name : "no name");
}

static void tell(struct tls_link *link)
{
    if (!link->has_news || !link->on_news)
        return;
    link->has_news = false;
    link->on_news(link->arg);
}

/* What both callbacks end with. */
static void settle(struct tls_link *link)
{
    say_goodbye(link);
    if (link->stage != ENDED)
        update_wanted(link);
    tell(link);
}

static void on_client_ready(void *arg, bool readable, bool hung_up)
{
    struct tls_link *link = arg;

    link->wants_write = false;
    if (link->stage == HANDSHAKE)
        shake_hands(link);
    if (link->stage == OPEN) {
        flush_to_client(link);
        read_client(link);
    } else if (link->stage == LEAVING) {
        read_away(link);
    }
    settle(link);
}

static void on_plain_ready(void *arg, bool readable, bool hung_up)
{
    struct tls_link *link = arg;

    if (hung_up && !link->plain_hung_up) {
        link->plain_hung_up = true;
        set_deadline(link, CLOSE_PATIENCE_MS);
    }
    if (link->stage == HANDSHAKE) {
        leave(link); /* whoever waits for the plain text has lost its patience */
    } else {
        flush_to_plain(link);
        read_plain(link);
    }
    settle(link);
}

/* They let go of themselves. */
static void forget_ended(struct tls_server *server)
{
    struct list *first;

    while ((first = list_first(&server->ended))) {
        list_remove(first);
        tls_unref(LIST_ENTRY(first, struct tls_link, node));
    }
}

static void on_tell(void *arg)
{
    struct tls_server *server = arg;
    struct list *first;

    while ((first = list_first(&server->news))) {
        struct tls_link *link = LIST_ENTRY(first, struct tls_link, news);

        list_remove(&link->news);
        link->has_news = true;
        tell(link);
    }
    forget_ended(server);
}

/* ---- the outside ---- */

void tls_follow(struct tls_link *link, tls_news_fn *on_news, void *arg)
{
    link->on_news = on_news;
    link->arg = arg;
    list_remove(&link->news);
    if (!on_news)
        return;
    list_append(&link->server->news, &link->news);
    loop_deferred_start(link->server->tell);
}

bool tls_is_established(const struct tls_link *link)
{
    return link->was_established;
}

bool tls_read_state(const struct tls_link *link, int plain_fd, struct tcp_state *ret)
{
    int unread;

    if (ioctl(plain_fd, SIOCINQ, &unread) < 0)
        return false;
    ret->read_bytes = link->delivered_bytes - (unsigned)unread;
    ret->quiet_ms = clock_system_ms() - link->delivered_ms;
    return true;
}

static SSL *new_session(struct tls_server *server, int fd)
{
    CLEANUP(buf_fini) struct buf error = {0};
    SSL_CTX *context = identity_context(server->identity, &error);
    SSL *ssl;

    if (!context) {
        log_error(LOG_NET, "TLS cannot be served: %s", buf_terminate(&error));
        return NULL;
    }
    ssl = SSL_new(context);
    if (ssl && SSL_set_fd(ssl, fd) == 1) {
        SSL_set_accept_state(ssl);
        return ssl;
    }
    log_error(LOG_NET, "TLS cannot be served: OpenSSL has no memory");
    SSL_free(ssl);
    return NULL;
}

struct tls_link *tls_accept(struct tls_server *server, int fd, const char *source_ip, int *ret_plain_fd)
{
    const int send_bytes = SOCKET_SEND_BYTES;
    struct tls_link *link;
    int pair[2];
    SSL *ssl = new_session(server, fd);

    if (!ssl)
        return NULL;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0) {
        log_warn(LOG_NET, "a TLS client cannot be served: %s rule=%s", strerror(errno),
                 rule_get(RULE_DESCRIPTORS_EXHAUSTED)->id);
        SSL_free(ssl);
        return NULL;
    }
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof(send_bytes));
    link = mem_zalloc(sizeof(*link));
    list_init(&link->deadline);
    list_init(&link->news);
    list_append(&server->links, &link->node);
    link->server = server;
    link->references = 2; /* the caller's and its own */
    link->ssl = ssl;
    link->delivered_ms = clock_system_ms();
    snprintf(link->source_ip, sizeof(link->source_ip), "%s", source_ip);
    end_open(&link->client, server->loop, fd, on_client_ready, link);
    end_open(&link->plain, server->loop, pair[0], on_plain_ready, link);
    *ret_plain_fd = pair[1];
    return link;
}

struct tls_server *tls_server_new(struct loop *loop, struct identity *identity, tls_news_fn *on_ended, void *arg)
{
    struct tls_server *server = mem_zalloc(sizeof(*server));

    server->loop = loop;
    server->identity = identity;
    server->on_ended = on_ended;
    server->arg = arg;
    list_init(&server->links);
    list_init(&server->ended);
    list_init(&server->deadlines);
    list_init(&server->news);
    server->timer = loop_timer_new(loop, on_deadline, server);
    server->tell = loop_deferred_new(loop, on_tell, server);
    return server;
}

void tls_server_close(struct tls_server *server)
{
    struct list *first;

    while ((first = list_first(&server->links))) {
        struct tls_link *link = LIST_ENTRY(first, struct tls_link, node);

        flush_to_client(link);
        read_plain(link);
        link->plain_done = true; /* whether it has come to that or not */
        say_goodbye(link);
        end_link(link);
    }
    forget_ended(server);
    loop_timer_free(TAKE(server->timer));
    loop_deferred_free(TAKE(server->tell));
}

void tls_server_free(struct tls_server *server)
{
    if (!server)
        return;
    tls_server_close(server); /* of what was not, if a start has failed half way */
    free(server);
}
