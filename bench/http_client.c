/* http_client.c - see http_client.h. */
#include "http_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

void http_client_send(struct http_client *client)
{
    client->sent_ns = loop_now_ns();
    stream_send(&client->stream, client->request, client->request_len, client->request_len);
}

void http_client_set_body(struct http_client *client, const char *body)
{
    size_t len = strlen(body);

    if (len != client->body_len || client->stream.out.bytes > 0)
        load_die("a body that does not fit the request");
    memcpy(client->request + client->request_len - len, body, len);
}

static size_t content_length(const char *head)
{
    static const char field[] = "\r\nContent-Length:";
    const char *found = strcasestr(head, field);

    if (strcasestr(head, "\r\nTransfer-Encoding:"))
        load_die("a chunked response, which is not understood here");
    return found ? strtoul(found + sizeof(field) - 1, NULL, 10) : 0;
}

static unsigned status_of(const char *head)
{
    unsigned status = 0;

    if (sscanf(head, "HTTP/1.%*1[01] %3u", &status) != 1)
        load_die("not an HTTP response: '%.*s'", (int)strcspn(head, "\r\n"), head);
    return status;
}

static void check_alive(const char *head)
{
    if (strcasestr(head, "\r\nConnection: close"))
        load_die("the server does not keep the connection: '%.*s'", (int)strcspn(head, "\r\n"), head);
}

/* The size of the response at the start of the input, with its status; 0 if it is not whole. */
static size_t response_size(struct http_client *client, unsigned *ret_status)
{
    char *end = strstr(client->input, "\r\n\r\n");
    size_t size;

    if (!end)
        return 0;
    end[2] = '\0'; /* the head as a string of its own; put back below */
    *ret_status = status_of(client->input);
    check_alive(client->input);
    size = (size_t)(end + 4 - client->input) + content_length(client->input);
    end[2] = '\r';
    return size <= client->input_len ? size : 0;
}

static void on_data(struct stream *s, const char *data, size_t len)
{
    struct http_client *client = (struct http_client *)s;
    unsigned status;
    size_t size;

    if (len > HTTP_INPUT_SIZE - client->input_len)
        load_die("a response of more than %d bytes", HTTP_INPUT_SIZE);
    memcpy(client->input + client->input_len, data, len);
    client->input_len += len;
    client->input[client->input_len] = '\0';
    size = response_size(client, &status);
    if (size == 0)
        return;
    if (size != client->input_len)
        load_die("more came than the response");
    client->input_len = 0;
    client->on_response(client, status);
}

static void on_end(struct stream *s, const char *why)
{
    load_die("an HTTP connection: %s", why);
}

void http_client_connect(struct http_client *client, struct loop *loop, unsigned port, uint64_t serial,
                         const char *path, const char *body)
{
    static const struct stream_ops ops = {.on_data = on_data, .on_end = on_end};
    int len = asprintf(&client->request,
                       "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Type: text/plain\r\n"
                       "Content-Length: %zu\r\n\r\n%s",
                       path, port, strlen(body), body);

    if (len < 0)
        load_die("out of memory");
    client->request_len = (size_t)len;
    client->body_len = strlen(body);
    client->input_len = 0;
    stream_connect(&client->stream, loop, &ops, port, serial);
}
