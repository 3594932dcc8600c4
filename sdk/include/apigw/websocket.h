/**
 * @file websocket.h
 * A WebSocket as one thing with three handlers, for applications that need no routes: the shape of
 * Nitric's SDK.
 *
 *     APIGW_WEBSOCKET("socket", connect, disconnect, message);
 *
 * In routes.json the function of $connect, $disconnect and $default has the handler "socket". A handler that is NULL
 * does nothing and lets everybody in. What a handler returns decides on connect alone: APIGW_OK lets the client in, a
 * negative result refuses it with that status (APIGW_FORBIDDEN: 403). After disconnect and message it is the
 * invocation's success, which goes to the log; there is no reply but apigw_send. */
#ifndef APIGW_WEBSOCKET_H
#define APIGW_WEBSOCKET_H

#include <apigw/collections.h>
#include <apigw/connections.h>
#include <apigw/event.h>
#include <apigw/log.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Sends a text message to a client. APIGW_GONE if it is not there (any more). */
static inline int apigw_send(struct apigw_context *context, struct apigw_span connection_id, struct apigw_span data)
{
    return apigw_post_to_connection(context, connection_id, data);
}

/** Ends a connection. APIGW_GONE if it is not there. */
static inline int apigw_close(struct apigw_context *context, struct apigw_span connection_id)
{
    return apigw_delete_connection(context, connection_id);
}

/** Where clients connect to: "ws://127.0.0.1:3001/dev". It is the environment variable APIGW_WEBSOCKET_URL, which a
 * unit test may set; the empty span without it. */
static inline struct apigw_span apigw_url(void)
{
    return apigw_span_of_str(getenv("APIGW_WEBSOCKET_URL"));
}

/** What a handler's result becomes. */
static inline int apigw_websocket_answer_(const struct apigw_event *event, struct apigw_context *context, int result)
{
    if (event->type == APIGW_CONNECT && result < 0 && result >= -599)
        return apigw_respond_status(context, -result);
    if (result != APIGW_OK)
        return result;
    return apigw_respond_status(context, 200);
}

/** A plugin of one handler, `name`, which calls these three; each is an apigw_handler_fn, or NULL. It takes the place
 * of APIGW_PLUGIN. */
#define APIGW_WEBSOCKET(name, connect, disconnect, message)                                                     \
    static int apigw_websocket_(const struct apigw_event *event, struct apigw_context *context)                 \
    {                                                                                                           \
        apigw_handler_fn *const handlers[] = {connect, message, disconnect};                                    \
        apigw_handler_fn *handler =                                                                             \
            event->type >= APIGW_CONNECT && event->type <= APIGW_DISCONNECT ? handlers[event->type - 1] : NULL; \
        return apigw_websocket_answer_(event, context, handler ? handler(event, context) : APIGW_OK);           \
    }                                                                                                           \
    APIGW_PLUGIN(name, "1.0.0", APIGW_HANDLER(name, apigw_websocket_))

#ifdef __cplusplus
}
#endif

#endif
