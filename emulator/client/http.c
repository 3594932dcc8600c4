/* http.c - see http.h. */
#include "client/http.h"

#include "base/json.h"
#include "base/mem.h"
#include "client/printable.h"
#include "client/sign.h"

#define DESCRIBED_MAX 2000u /* bytes of a body that is no JSON */

struct receiving {
    struct http_response *response;
    bool too_long;
};

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct receiving *receiving = arg;
    struct buf *body = &receiving->response->body;
    const size_t len = size * count;

    if (len > HTTP_BODY_MAX - body->len) {
        receiving->too_long = true;
        return 0;
    }
    buf_append(body, span_of(data, len));
    return len;
}

static struct span trimmed(struct span s)
{
    while (s.len && strchr(" \t\r\n", s.ptr[0]))
        s = span_from(s, 1);
    while (s.len && strchr(" \t\r\n", s.ptr[s.len - 1]))
        s.len--;
    return s;
}

/* As SDKs read it: what is behind ':' or '#' is no part of the name. */
static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
    static const char name[] = "x-amzn-errortype:";
    struct receiving *receiving = arg;
    struct span line = trimmed(span_of(data, size * count));

    if (span_starts_with(line, SPAN("HTTP/"))) /* of another answer, such as 100 */
        buf_clear(&receiving->response->error_type, 0);
    if (line.len >= sizeof(name) - 1 && strncasecmp(line.ptr, name, sizeof(name) - 1) == 0) {
        line = trimmed(span_from(line, sizeof(name) - 1));
        for (size_t i = 0; i < line.len; i++)
            if (strchr(":#", line.ptr[i]))
                line.len = i;
        buf_append(&receiving->response->error_type, line);
    }
    return size * count;
}

static struct curl_slist *add_signature(struct curl_slist *list, const struct http_request *request,
                                        const struct url *url)
{
    const struct sign_request signing = {.method = span_of_str(request->method),
                                         .host = span_of_str(url->authority),
                                         .path = span_of_str(url->path),
                                         .query = span_of_str(url->query),
                                         .body = request->body};
    char *lines[SIGN_LINES_MAX];
    const size_t count = sign_headers(&signing, lines);

    for (size_t i = 0; i < count; i++) {
        list = curl_slist_append(list, lines[i]);
        free(lines[i]);
    }
    return list;
}

static struct curl_slist *headers_of(const struct http_request *request, const struct url *url)
{
    CLEANUP(free) char *host = mem_printf("Host: %s", url->authority);
    struct curl_slist *list = curl_slist_append(NULL, host);

    list = curl_slist_append(list, request->json ? "Content-Type: application/json" : "Content-Type:");
    list = curl_slist_append(list, "Expect:");
    list = curl_slist_append(list, "Accept: application/json");
    if (request->sign && sign_is_possible())
        list = add_signature(list, request, url);
    return list;
}

static void set_request(CURL *curl, const struct http_request *request)
{
    curl_easy_setopt(curl, CURLOPT_URL, request->url);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "apigw/" APIGW_VERSION);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    if (request->body.ptr) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body.ptr);
    }
}

static int perform(struct transfer *t, const struct url *url, struct receiving *receiving, struct buf *ret_error)
{
    CURLcode code;
    long status = 0;

    curl_easy_setopt(t->curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(t->curl, CURLOPT_WRITEDATA, receiving);
    curl_easy_setopt(t->curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(t->curl, CURLOPT_HEADERDATA, receiving);
    code = curl_easy_perform(t->curl);
    if (receiving->too_long)
        buf_printf(ret_error, "%s has answered with more than %zu bytes", url->authority, HTTP_BODY_MAX);
    else if (code != CURLE_OK)
        transfer_explain(t, url, code, ret_error);
    if (code != CURLE_OK)
        return -1;
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    receiving->response->status = (unsigned)status;
    return 0;
}

int http_send(const struct http_request *request, const struct transfer_options *options, struct http_response *ret,
              struct buf *ret_error)
{
    CLEANUP(transfer_fini) struct transfer t = {0};
    CLEANUP(url_fini) struct url url = {0};
    struct receiving receiving = {.response = ret};
    struct curl_slist *headers;
    int r;

    *ret = (struct http_response){0};
    if (url_parse(request->url, URL_MANAGEMENT, &url, ret_error) < 0 || transfer_init(&t, &url, options, ret_error) < 0)
        return -1;
    headers = headers_of(request, &url);
    curl_easy_setopt(t.curl, CURLOPT_HTTPHEADER, headers);
    set_request(t.curl, request);
    r = perform(&t, &url, &receiving, ret_error);
    curl_slist_free_all(headers);
    return r;
}

/* AWS's errors say "message", or "Message". */
static bool message_of(struct span body, struct buf *out)
{
    struct json_value root, message;

    if (json_parse(body, &root, NULL) < 0 ||
        (!json_get(root, SPAN("message"), &message) && !json_get(root, SPAN("Message"), &message)) ||
        message.type != JSON_STRING)
        return false;
    json_unescape(message, out);
    return true;
}

void http_describe(const struct http_response *response, struct buf *out)
{
    CLEANUP(buf_fini) struct buf message = {0};
    struct span body = trimmed(buf_span(&response->body));

    buf_printf(out, "%u", response->status);
    if (response->error_type.len)
        buf_printf(out, " " SPAN_FMT, SPAN_ARG(buf_span(&response->error_type)));
    if (!message_of(body, &message))
        buf_append(&message, span_of(body.ptr, body.len < DESCRIBED_MAX ? body.len : DESCRIBED_MAX));
    if (message.len)
        buf_append_str(out, ": ");
    buf_append(out, buf_span(&message));
}

void http_response_fini(struct http_response *r)
{
    buf_fini(&r->error_type);
    buf_fini(&r->body);
}
