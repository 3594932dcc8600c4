/* transfer.c - see transfer.h. */
#include "client/transfer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/input.h"

#define CERTIFICATES_MAX ((size_t)8 * 1024 * 1024)

/* ---- trust ---- */

static char *own_authority(void)
{
    const char *folder = getenv("APIGW_CA_DIR"), *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");

    if (folder && *folder)
        return mem_printf("%s/ca.pem", folder);
    if (data && *data == '/')
        return mem_printf("%s/apigw/ca/ca.pem", data);
    return home && *home ? mem_printf("%s/.local/share/apigw/ca/ca.pem", home) : NULL;
}

/* A file that need not be there. */
static void add_certificates(struct transfer *t, const char *path)
{
    CLEANUP(buf_fini) struct buf text = {0}, error = {0};

    if (!path || input_read(path, CERTIFICATES_MAX, &text, &error) < 0)
        return;
    buf_append(&t->trusted, buf_span(&text));
    buf_append_char(&t->trusted, '\n');
}

static int trust(struct transfer *t, const struct transfer_options *options, struct buf *ret_error)
{
    CLEANUP(free) char *own = own_authority();
    CLEANUP(buf_fini) struct buf given = {0};
    struct curl_blob blob = {.flags = CURL_BLOB_NOCOPY};

    add_certificates(t, curl_version_info(CURLVERSION_NOW)->cainfo);
    add_certificates(t, own);
    if (options->cacert && input_read(options->cacert, CERTIFICATES_MAX, &given, ret_error) < 0)
        return -1;
    buf_append(&t->trusted, buf_span(&given));
    blob.data = t->trusted.ptr;
    blob.len = t->trusted.len;
    if (blob.len > 0)
        curl_easy_setopt(t->curl, CURLOPT_CAINFO_BLOB, &blob);
    return 0;
}

/* ---- where ---- */

static bool is_this_machine(const char *host)
{
    const size_t len = strlen(host);
    static const char name[] = "localhost";

    if (strncmp(host, "127.", 4) == 0 || strcmp(host, "[::1]") == 0 || strcasecmp(host, name) == 0)
        return true;
    return len > sizeof(name) && host[len - sizeof(name)] == '.' &&
           strcasecmp(host + len - (sizeof(name) - 1), name) == 0;
}

bool transfer_is_place(const char *value)
{
    const char *colon = strrchr(value, ':');
    const size_t digits = colon ? strspn(colon + 1, "0123456789") : 0;

    if (!colon || colon == value || !digits || digits > 5 || colon[1 + digits] || atoi(colon + 1) > 65535)
        return false;
    return *value == '[' ? colon[-1] == ']' : !memchr(value, ':', (size_t)(colon - value));
}

static struct curl_slist *connect_to(struct transfer *t, const char *place)
{
    CLEANUP(free) char *rule = mem_printf("::%s", place);
    struct curl_slist *list = curl_slist_append(NULL, rule);

    curl_easy_setopt(t->curl, CURLOPT_CONNECT_TO, list);
    return list;
}

int transfer_init(struct transfer *t, const struct url *url, const struct transfer_options *options,
                  struct buf *ret_error)
{
    CLEANUP(free) char *origin = url_origin(url);

    *t = (struct transfer){.curl = curl_easy_init()};
    if (!t->curl) {
        buf_append_str(ret_error, "libcurl cannot be used");
        return -1;
    }
    curl_easy_setopt(t->curl, CURLOPT_ERRORBUFFER, t->error);
    curl_easy_setopt(t->curl, CURLOPT_URL, origin);
    curl_easy_setopt(t->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(t->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(t->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(t->curl, CURLOPT_TIMEOUT_MS, options->timeout_ms);
    if (options->connect_to)
        t->places = connect_to(t, options->connect_to);
    if (options->connect_to || is_this_machine(url->host))
        curl_easy_setopt(t->curl, CURLOPT_NOPROXY, "*");
    if (options->insecure) {
        curl_easy_setopt(t->curl, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(t->curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    return url->secure && !options->insecure ? trust(t, options, ret_error) : 0;
}

/* ---- why not ---- */

static bool says(const struct transfer *t, const char *words)
{
    return strcasestr(t->error, words) != NULL;
}

static void explain_unreached(const struct transfer *t, const struct url *url, struct buf *out)
{
    long error = 0;

    curl_easy_getinfo(t->curl, CURLINFO_OS_ERRNO, &error);
    buf_printf(out, "%s cannot be reached: %s", url->authority,
               error ? strerror((int)error) : "there is no answer"); /* NOLINT(concurrency-mt-unsafe): one thread */
    if (is_this_machine(url->host))
        buf_append_str(out, "\nIs the emulator running? 'apigw run' starts it; without a URL a running one is found.");
}

static void explain_trust(const struct transfer *t, const struct url *url, struct buf *out)
{
    buf_printf(out, "the certificate of %s is not trusted: %s", url->authority, *t->error ? t->error : "it is unknown");
    buf_append_str(out, "\nIs it the emulator's? 'apigw ca' has to do with its certificates; --cacert FILE trusts "
                        "another authority, --insecure any.");
}

static void explain_tls(const struct transfer *t, const struct url *url, struct buf *out)
{
    buf_printf(out, "there is no TLS connection to %s: %s", url->authority, *t->error ? t->error : "it was refused");
    if (says(t, "wrong version number") || says(t, "packet length too long") || says(t, "unexpected eof") ||
        says(t, "SYSCALL"))
        buf_append_str(out, "\nThe server seems not to speak TLS: use ws:// (or http://) in place of wss://.");
}

void transfer_explain(const struct transfer *t, const struct url *url, CURLcode code, struct buf *out)
{
    switch (code) {
    case CURLE_COULDNT_CONNECT: explain_unreached(t, url, out); return;
    case CURLE_PEER_FAILED_VERIFICATION: explain_trust(t, url, out); return;
    case CURLE_SSL_CONNECT_ERROR: explain_tls(t, url, out); return;
    case CURLE_COULDNT_RESOLVE_HOST:
        buf_printf(out,
                   "there is no host named %s\nIs the name right? For a custom domain that no DNS has, "
                   "--connect-to 127.0.0.1:%s says where the emulator is.",
                   url->host, url->port);
        return;
    case CURLE_OPERATION_TIMEDOUT: buf_printf(out, "%s has not answered in time", url->authority); return;
    case CURLE_GOT_NOTHING: buf_printf(out, "%s has closed the connection without an answer", url->authority); return;
    default: buf_printf(out, "%s: %s", url->authority, *t->error ? t->error : curl_easy_strerror(code));
    }
}

void transfer_fini(struct transfer *t)
{
    if (t->curl)
        curl_easy_cleanup(t->curl);
    curl_slist_free_all(t->places);
    buf_fini(&t->trusted);
    *t = (struct transfer){0};
}
