/* hints.c - see hints.h. Where AWS says so: "WebSocket API status codes", "Troubleshooting 403 Forbidden", and the
 * project's docs/fidelity.md. */
#include "client/hints.h"

struct hint {
    unsigned status;
    const char *error_type; /* NULL: any */
    const char *text;
};

static const char *find(const struct hint *hints, size_t count, unsigned status, struct span error_type)
{
    for (size_t i = 0; i < count; i++)
        if (hints[i].status == status &&
            (!hints[i].error_type || span_equal_nocase(error_type, span_of_str(hints[i].error_type))))
            return hints[i].text;
    return NULL;
}

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define FIND(table, status, error_type) find(table, COUNT(table), status, error_type)

/* clang-format off */
static const struct hint refusals[] = {
    {400, NULL, "The request is malformed, or $connect answered 400."},
    {401, NULL, "The authorizer wants to know who it is: what it looks at (a header, a query parameter) is missing, or it "
                "said Unauthorized. --header 'NAME: VALUE' and ?NAME=VALUE in the URL are how to say it."},
    {403, "MissingAuthenticationTokenException", "The route $connect wants a signature (AWS_IAM): --sign makes one from "
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."},
    {403, "InvalidSignatureException", "The signature does not match: is AWS_SECRET_ACCESS_KEY the one of this key?"},
    {403, "AccessDeniedException", "Who signed is known, but may not connect: a policy says no."},
    {403, "ForbiddenException", "There is no such stage (the URL's path), no such API, the authorizer has said no, or an "
                "API key is missing (--header 'x-api-key: …'). The emulator's log says which."},
    {403, NULL, "There is no such stage (the URL's path), the authorizer has said no, or $connect answered 403. The "
                "emulator's log says which."},
    {404, NULL, "There is nothing at this path. On API Gateway the path is the stage, as in ws://127.0.0.1:3001/dev."},
    {410, NULL, "The API is gone, or $connect answered 410."},
    {426, NULL, "The server did not see a WebSocket handshake: something between here and there has changed it."},
    {429, NULL, "Too many connections or messages for now: the rate of the account, the stage or the API key is used up."},
    {500, NULL, "The authorizer has failed, or the API is not set up well. The emulator's log says why."},
    {502, NULL, "The handler of $connect has failed, or returned what is no answer. The emulator's log says why."},
    {503, NULL, "The server serves nobody now: it is starting or stopping."},
    {504, NULL, "The handler of $connect has taken longer than 29 seconds."},
};

static const struct hint posts[] = {
    {403, "MissingAuthenticationTokenException", "The API wants signed requests: set AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY. It is said of a wrong path, too: it ends in /STAGE/@connections."},
    {403, "InvalidSignatureException", "The signature does not match: is AWS_SECRET_ACCESS_KEY the one of this key?"},
    {403, "AccessDeniedException", "Who signed is known, but may not manage connections: a policy says no."},
    {403, "ForbiddenException", "There is no such stage or API: --url wants http://HOST:PORT/STAGE."},
    {403, NULL, "There is no such stage or API, or the keys of the environment are not known there."},
    {404, NULL, "There is no @connections at this URL: --url wants http://HOST:PORT/STAGE, and behind a custom domain the "
                "key of its mapping in place of STAGE."},
    {410, NULL, "It was closed, or it never was. 'apigw connections' lists those that are open."},
    {413, NULL, "A message has at most 128 KB."},
    {429, NULL, "Too many requests for now, or the client does not read what it is sent."},
};

static const struct hint own[] = {
    {403, NULL, "The emulator answers this only to requests from this machine, by its own name."},
    {404, NULL, "There is no apigw at this URL, or one that is older."},
};

static const struct hint close_names[] = {
    {1000, NULL, "normal closure"},     {1001, NULL, "going away"},           {1002, NULL, "protocol error"},
    {1003, NULL, "unsupported data"},   {1005, NULL, "no code"},              {1006, NULL, "no close frame"},
    {1007, NULL, "invalid text"},       {1008, NULL, "policy violation"},     {1009, NULL, "message too big"},
    {1010, NULL, "missing extension"},  {1011, NULL, "internal error"},       {1012, NULL, "service restart"},
    {1013, NULL, "try again later"},    {1014, NULL, "bad gateway"},          {1015, NULL, "TLS failed"},
};

static const struct hint closes[] = {
    {1000, NULL, "somebody has deleted the connection: a handler, DELETE @connections, or 'apigw connections kick'"},
    {1001, NULL, "10 minutes without a message, 2 hours in all, or the server stops"},
    {1002, NULL, "a frame was not what RFC 6455 allows"},
    {1003, NULL, "API Gateway takes text alone, no binary messages"},
    {1006, NULL, "the connection broke, or the server ended without a word"},
    {1007, NULL, "a text was not UTF-8"},
    {1008, NULL, "too many messages, or something that a policy forbids"},
    {1009, NULL, "a frame has at most 32 KB, a message 128 KB; --fragment sends a message as several frames"},
    {1011, NULL, "the server has failed; its log says why"},
    {1012, NULL, "the server starts anew"},
};
/* clang-format on */

const char *hint_refused(unsigned status, struct span error_type, bool has_stage)
{
    if (status == 403 && !has_stage)
        return "The URL has no stage: it is the path, as in ws://127.0.0.1:3001/dev.";
    if (status >= 200 && status < 300)
        return "The server speaks HTTP, but no WebSocket at this path.";
    if (status >= 300 && status < 400)
        return "It is somewhere else: WebSocket clients follow no redirections.";
    return FIND(refusals, status, error_type);
}

const char *hint_connections(unsigned status, struct span error_type)
{
    return FIND(posts, status, error_type);
}

const char *hint_apigw(unsigned status)
{
    return FIND(own, status, SPAN(""));
}

const char *hint_close_name(unsigned code)
{
    return FIND(close_names, code, SPAN(""));
}

const char *hint_close(unsigned code)
{
    return FIND(closes, code, SPAN(""));
}
