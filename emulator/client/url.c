/* url.c - see url.h. libcurl's parser takes http and https alone, so that is what it gets. */
#include "client/url.h"

#include <curl/curl.h>
#include <string.h>

#include "base/mem.h"

#define EXAMPLE "ws://127.0.0.1:3001/dev"
#define CONNECTIONS "/@connections"

struct scheme {
    const char *text;
    bool secure;
    bool websocket;
};

static const struct scheme schemes[] = {
    {"ws://", false, true}, {"wss://", true, true}, {"http://", false, false}, {"https://", true, false}};

static const struct scheme *find_scheme(const char *text)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (strncasecmp(text, schemes[i].text, strlen(schemes[i].text)) == 0)
            return &schemes[i];
    return NULL;
}

static bool ends_with(const char *text, const char *end)
{
    const size_t len = strlen(text), end_len = strlen(end);

    return len >= end_len && strcasecmp(text + len - end_len, end) == 0;
}

static bool is_aws(const char *host)
{
    return ends_with(host, ".amazonaws.com") || ends_with(host, ".amazonaws.com.cn");
}

/* What is behind the scheme; *ret_secure. NULL with the reason. */
static const char *read_scheme(const char *text, enum url_kind kind, bool *ret_secure, struct buf *ret_error)
{
    const struct scheme *scheme = find_scheme(text);
    const char *rest = scheme ? text + strlen(scheme->text) : text;

    if (!scheme && strstr(text, "://") && strcspn(text, "/?#") > strcspn(text, ":")) {
        buf_printf(ret_error, "'%s' is no URL of a WebSocket API: those begin with ws:// or wss://, such as " EXAMPLE,
                   text);
        return NULL;
    }
    if (scheme && kind == URL_WEBSOCKET && !scheme->websocket) {
        buf_printf(ret_error, "%s is for HTTP requests; for a WebSocket it is %s%s", scheme->text,
                   scheme->secure ? "wss://" : "ws://", rest);
        return NULL;
    }
    if (!*rest || strchr("/?#", *rest)) {
        buf_printf(ret_error, "'%s' has no host; a URL looks like " EXAMPLE, text);
        return NULL;
    }
    *ret_secure = scheme && scheme->secure;
    return rest;
}

/* A part that curl allocated, as ours; NULL if there is none. */
static char *take_part(CURLU *parsed, CURLUPart part, unsigned flags)
{
    char *text = NULL, *ret = NULL;

    if (curl_url_get(parsed, part, &text, flags) == CURLUE_OK)
        ret = mem_strdup(text);
    curl_free(text);
    return ret;
}

static int take_parts(CURLU *parsed, struct url *ret, struct buf *ret_error)
{
    CLEANUP(free) char *user = take_part(parsed, CURLUPART_USER, 0);
    CLEANUP(free) char *fragment = take_part(parsed, CURLUPART_FRAGMENT, 0);

    if (user) {
        buf_append_str(ret_error, "a name or password in a URL is not sent; say it with --header 'Authorization: …'");
        return -1;
    }
    if (fragment) {
        buf_printf(ret_error, "a URL of a WebSocket has no #fragment ('#%s'); write %%23 for a '#' that is meant",
                   fragment);
        return -1;
    }
    ret->host = take_part(parsed, CURLUPART_HOST, 0);
    ret->port = take_part(parsed, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    ret->path = take_part(parsed, CURLUPART_PATH, 0);
    ret->query = take_part(parsed, CURLUPART_QUERY, 0);
    return 0;
}

/* AWS's own have no port but 443, and a stage always. */
static int check_aws(struct url *url, const char *text, struct buf *ret_error)
{
    const bool execute_api = strstr(url->host, ".execute-api.") != NULL;

    if (!execute_api || url->path[1])
        return 0;
    buf_printf(ret_error, "'%s' has no stage: it is the path, as in %s://%s/dev", text, url->secure ? "wss" : "ws",
               url->authority);
    return -1;
}

static void finish(struct url *url)
{
    const char *usual = url->secure ? "443" : "80";

    url->authority = strcmp(url->port, usual) == 0 ? mem_strdup(url->host) : mem_printf("%s:%s", url->host, url->port);
}

/* As %20 everywhere: curl would write '+' in a query. */
static char *with_blanks_encoded(const char *scheme, const char *rest)
{
    CLEANUP(buf_fini) struct buf out = {0};

    buf_append_str(&out, scheme);
    for (; *rest; rest++)
        if (*rest == ' ')
            buf_append_str(&out, "%20");
        else
            buf_append_char(&out, *rest);
    return mem_span_dup(buf_span(&out));
}

static int parse_rest(const char *text, const char *rest, bool secure, struct url *ret, struct buf *ret_error)
{
    CLEANUP(free) char *http = with_blanks_encoded(secure ? "https://" : "http://", rest);
    CURLU *parsed = curl_url();
    const CURLUcode code = curl_url_set(parsed, CURLUPART_URL, http, CURLU_URLENCODE);
    int r = -1;

    ret->secure = secure;
    if (code != CURLUE_OK)
        buf_printf(ret_error, "'%s' is no URL: %s; one looks like " EXAMPLE, text, curl_url_strerror(code));
    else
        r = take_parts(parsed, ret, ret_error);
    curl_url_cleanup(parsed);
    return r;
}

int url_parse(const char *text, enum url_kind kind, struct url *ret, struct buf *ret_error)
{
    CLEANUP(url_fini) struct url url = {0};
    bool secure;
    const char *rest;

    if (strlen(text) > URL_LENGTH_MAX) {
        buf_printf(ret_error, "a URL has at most %d bytes, and this one %zu", URL_LENGTH_MAX, strlen(text));
        return -1;
    }
    rest = read_scheme(text, kind, &secure, ret_error);
    if (!rest || parse_rest(text, rest, secure, &url, ret_error) < 0)
        return -1;
    if (!find_scheme(text) && is_aws(url.host)) {
        url_fini(&url);
        if (parse_rest(text, rest, true, &url, ret_error) < 0)
            return -1;
    }
    finish(&url);
    if (check_aws(&url, text, ret_error) < 0)
        return -1;
    *ret = url;
    url = (struct url){0};
    return 0;
}

char *url_websocket(const struct url *url)
{
    return mem_printf("%s://%s%s%s%s", url->secure ? "wss" : "ws", url->authority, url->path, url->query ? "?" : "",
                      url->query ? url->query : "");
}

char *url_origin(const struct url *url)
{
    return mem_printf("%s://%s", url->secure ? "https" : "http", url->authority);
}

char *url_connections(const struct url *url)
{
    CLEANUP(free) char *origin = url_origin(url);
    size_t len = strlen(url->path);

    while (len > 0 && url->path[len - 1] == '/')
        len--;
    if (len >= strlen(CONNECTIONS) &&
        strncmp(url->path + len - strlen(CONNECTIONS), CONNECTIONS, strlen(CONNECTIONS)) == 0)
        len -= strlen(CONNECTIONS);
    return mem_printf("%s%.*s" CONNECTIONS, origin, (int)len, url->path);
}

void url_fini(struct url *url)
{
    free(url->host);
    free(url->port);
    free(url->authority);
    free(url->path);
    free(url->query);
    free(url->place);
    *url = (struct url){0};
}
