/* identity.c - see identity.h. */
#include "tls/identity.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/mem.h"
#include "tls/authority.h"

/* Certificates made for names and addresses; the oldest goes for a new one. A client may ask for any number. */
#define MADE_MAX 64
#define DNS_NAME_MAX 253

/* One that ends within two days is made anew: a client's clock may be ahead of ours. */
#define RENEW_DAYS 2

/* localhost, 127.0.0.1, ::1 and the name that is asked for */
#define FIXED_NAMES 4

struct made {
    char *name;
    X509 *x509;
};

struct identity {
    SSL_CTX *context; /* NULL: the CA was not needed yet */
    char *folder;     /* NULL: from files */
    struct certificate authority;
    EVP_PKEY *key; /* of all that is made */
    char **names;
    size_t name_count;
    struct made made[MADE_MAX];
    size_t made_next;
};

/* ---- what a client asks for ---- */

static bool is_dns_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

/* In lower case, without a full stop at its end; false if it is no name. */
static bool normalise(const char *asked, char out[DNS_NAME_MAX + 1])
{
    size_t len = strlen(asked);

    if (len > 0 && asked[len - 1] == '.')
        len--;
    if (len == 0 || len > DNS_NAME_MAX || asked[0] == '.')
        return false;
    for (size_t i = 0; i < len; i++) {
        out[i] = (char)tolower((unsigned char)asked[i]);
        if (!is_dns_character(out[i]) || (i > 0 && out[i] == '.' && out[i - 1] == '.'))
            return false;
    }
    out[len] = '\0';
    return true;
}

static bool ends_with(struct span text, struct span end)
{
    return text.len > end.len && memcmp(text.ptr + text.len - end.len, end.ptr, end.len) == 0;
}

static bool matches(const char *pattern, const char *name)
{
    const char *dot = strchr(name, '.');

    if (strncmp(pattern, "*.", 2) == 0)
        return dot && dot > name && strcasecmp(pattern + 1, dot) == 0;
    return strcasecmp(pattern, name) == 0;
}

static bool is_ours(const struct identity *identity, const char *name)
{
    if (strcmp(name, "localhost") == 0 || ends_with(span_of_str(name), SPAN(".localhost")))
        return true;
    for (size_t i = 0; i < identity->name_count; i++)
        if (matches(identity->names[i], name))
            return true;
    return false;
}

/* The address of ours that the client has reached, for those who name none; "localhost" if it is not known. */
static void local_address(int fd, char out[DNS_NAME_MAX + 1])
{
    static const struct span mapped = {"::ffff:", 7}; /* an IPv4 client of a socket on `::` */
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof(address);
    char text[NI_MAXHOST] = "localhost";
    struct span name;

    if (getsockname(fd, (struct sockaddr *)&address, &len) == 0)
        getnameinfo((struct sockaddr *)&address, len, text, sizeof(text), NULL, 0, NI_NUMERICHOST);
    name = span_of(text, strcspn(text, "%")); /* before the interface of a link-local one */
    if (span_starts_with(name, mapped) && strchr(text, '.'))
        name = span_from(name, mapped.len);
    snprintf(out, DNS_NAME_MAX + 1, SPAN_FMT, SPAN_ARG(name));
}

static void what_for(const struct identity *identity, SSL *ssl, char out[DNS_NAME_MAX + 1])
{
    const char *asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    if (!asked || !normalise(asked, out) || !is_ours(identity, out))
        local_address(SSL_get_fd(ssl), out);
}

/* ---- making ---- */

/* Those cannot be asked for by name, so they are in every certificate. */
static bool is_address(const char *name)
{
    return strchr(name, ':') || name[strspn(name, "0123456789.")] == '\0';
}

struct names {
    const char **items;
    size_t count;
};

static void add_name(struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcasecmp(names->items[i], name) == 0)
            return;
    names->items[names->count++] = name;
}

static X509 *make(const struct identity *identity, const char *name)
{
    struct names names = {.items = mem_alloc((FIXED_NAMES + identity->name_count) * sizeof(*names.items))};
    X509 *x509;

    add_name(&names, "localhost");
    add_name(&names, "127.0.0.1");
    add_name(&names, "::1");
    add_name(&names, name);
    for (size_t i = 0; i < identity->name_count; i++)
        if (is_address(identity->names[i]))
            add_name(&names, identity->names[i]);
    x509 = certificate_new_server(&identity->authority, identity->key, names.items, names.count);
    free(names.items);
    return x509;
}

static void forget(struct made *made)
{
    free(made->name);
    X509_free(made->x509);
    *made = (struct made){0};
}

static void forget_all(struct identity *identity)
{
    for (size_t i = 0; i < MADE_MAX; i++)
        forget(&identity->made[i]);
}

static X509 *find_or_make(struct identity *identity, const char *name)
{
    struct made *made = NULL;

    for (size_t i = 0; i < MADE_MAX && !made; i++)
        if (identity->made[i].name && strcmp(identity->made[i].name, name) == 0)
            made = &identity->made[i];
    if (made && certificate_days_left(made->x509) >= RENEW_DAYS)
        return made->x509;
    if (!made)
        made = &identity->made[identity->made_next++ % MADE_MAX];
    forget(made);
    made->x509 = make(identity, name);
    if (!made->x509)
        return NULL;
    made->name = mem_strdup(name);
    log_debug(LOG_NET, "made a certificate for %s", name);
    return made->x509;
}

/* OpenSSL asks for each handshake, when it has read the client's hello. */
static int on_certificate_wanted(SSL *ssl, void *arg)
{
    struct identity *identity = arg;
    char name[DNS_NAME_MAX + 1];
    X509 *x509;

    what_for(identity, ssl, name);
    x509 = find_or_make(identity, name);
    return x509 && SSL_use_certificate(ssl, x509) == 1 && SSL_use_PrivateKey(ssl, identity->key) == 1;
}

/* ---- the context ---- */

/* HTTP/1.1 is all that we speak (RFC 7301). Who offers something else alone is not refused for that. */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *offered,
                   unsigned offered_len, void *arg)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *chosen;
    int r = SSL_select_next_proto(&chosen, out_len, ours, sizeof(ours) - 1, offered, offered_len);

    if (r != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* As on AWS: TLS 1.2 and 1.3 alone, no renegotiation. Tickets are the clients' to keep, so sessions take no memory. */
static SSL_CTX *new_context(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    if (!context)
        return NULL;
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(context, on_alpn, NULL);
    return context;
}

struct identity *identity_new_local(const char *folder)
{
    struct identity *identity = mem_zalloc(sizeof(*identity));

    identity->folder = mem_strdup(folder);
    return identity;
}

static int load_local(struct identity *identity, struct buf *ret_error)
{
    if (authority_ensure(identity->folder, ret_error) < 0 ||
        authority_load(identity->folder, &identity->authority, ret_error) < 0)
        return -1;
    identity->key = certificate_new_key();
    identity->context = new_context();
    if (!identity->key || !identity->context) {
        buf_append_str(ret_error, "OpenSSL cannot be set up");
        SSL_CTX_free(TAKE(identity->context));
        EVP_PKEY_free(TAKE(identity->key));
        certificate_fini(&identity->authority);
        return -1;
    }
    SSL_CTX_set_cert_cb(identity->context, on_certificate_wanted, identity);
    return 0;
}

SSL_CTX *identity_context(struct identity *identity, struct buf *ret_error)
{
    if (!identity->context && load_local(identity, ret_error) < 0)
        return NULL;
    return identity->context;
}

/* ---- from files ---- */

static int no_passphrase(char *out, int size, int writing, void *arg)
{
    return 0;
}

/* What is wrong with a file that OpenSSL did not take. */
static void explain_file(struct buf *out, const char *option, const char *path, const char *what)
{
    unsigned long error = ERR_peek_last_error();
    FILE *file = fopen(path, "re");

    if (!file)
        buf_printf(out, "%s: %s: %s", option, path, strerror(errno));
    else if (ERR_GET_REASON(error) == X509_R_KEY_VALUES_MISMATCH || ERR_GET_REASON(error) == X509_R_KEY_TYPE_MISMATCH)
        buf_printf(out, "%s: %s is not the key of the certificate that --tls-cert gives", option, path);
    else
        buf_printf(out, "%s: %s has no %s in PEM%s", option, path, what,
                   strcmp(option, "--tls-key") == 0 ? "; one with a passphrase cannot be used" : "");
    if (file)
        fclose(file);
}

static void warn_if_expired(const SSL_CTX *context, const char *path)
{
    if (certificate_days_left(SSL_CTX_get0_certificate(context)) < 0)
        log_warn(LOG_NET, "--tls-cert: %s has expired; it is served, but clients will refuse it", path);
}

struct identity *identity_new_from_files(const char *certificate_path, const char *key_path, struct buf *ret_error)
{
    struct identity *identity = mem_zalloc(sizeof(*identity));
    bool ok = false;

    identity->context = new_context();
    if (!identity->context) {
        buf_append_str(ret_error, "OpenSSL cannot be set up");
        identity_free(identity);
        return NULL;
    }
    SSL_CTX_set_default_passwd_cb(identity->context, no_passphrase);
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(identity->context, certificate_path) != 1)
        explain_file(ret_error, "--tls-cert", certificate_path, "certificate");
    else if (SSL_CTX_use_PrivateKey_file(identity->context, key_path, SSL_FILETYPE_PEM) != 1)
        explain_file(ret_error, "--tls-key", key_path, "private key");
    else
        ok = true;
    ERR_clear_error();
    if (!ok) {
        identity_free(identity);
        return NULL;
    }
    warn_if_expired(identity->context, certificate_path);
    return identity;
}

/* ---- the rest ---- */

static void free_names(struct identity *identity)
{
    for (size_t i = 0; i < identity->name_count; i++)
        free(identity->names[i]);
    free(identity->names);
    identity->names = NULL;
    identity->name_count = 0;
}

void identity_set_names(struct identity *identity, const char *const *names, size_t count)
{
    free_names(identity);
    forget_all(identity);
    identity->names = count ? mem_alloc(count * sizeof(*identity->names)) : NULL;
    for (size_t i = 0; i < count; i++)
        identity->names[i] = mem_strdup(names[i]);
    identity->name_count = count;
}

void identity_free(struct identity *identity)
{
    if (!identity)
        return;
    SSL_CTX_free(identity->context);
    free_names(identity);
    forget_all(identity);
    EVP_PKEY_free(identity->key);
    certificate_fini(&identity->authority);
    free(identity->folder);
    free(identity);
}
