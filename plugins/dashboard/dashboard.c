/* dashboard.c - who wants to see which prices. The prices come from another program, prices.py.
 *
 *     {"action":"subscribe","symbols":["ACME","INIT"]}     replaces what was subscribed to before
 *     {"action":"unsubscribe"}
 *
 * A subscription is a document of the collection `subscriptions`, by connection id: {"symbols":["ACME","INIT"]}. The
 * feed reads them, and posts to each client through @connections: the gateway is between the two, as on AWS.
 *
 * A client that leaves is forgotten on $disconnect. There is none for those that were connected when the emulator was
 * killed: they are looked for once, by the first subscription that an environment gets. */
#include <apigw/collections.h>
#include <apigw/event.h>

#define SYMBOLS_MAX 20
#define SYMBOL_BYTES_MAX 16

static const struct apigw_collection subscriptions =
    APIGW_COLLECTION("subscriptions", APIGW_READING | APIGW_WRITING | APIGW_DELETING);

static int store_failed(struct apigw_context *context)
{
    return apigw_fail(context, APIGW_SPAN("StoreError"), APIGW_SPAN("the subscriptions cannot be read or written"));
}

/* Forgets the clients that are not there any more. A client that is looked up is not kept alive by it. */
static int forget_the_gone(struct apigw_context *context)
{
    const struct apigw_query all = apigw_query_of(context, &subscriptions);
    struct apigw_stream stream = apigw_query_stream(&all);
    struct apigw_connection connection;
    struct apigw_snapshot client;
    int result;

    while ((result = apigw_stream_next(&stream, &client)) == 1)
        if (apigw_get_connection(context, client.id, &connection) == APIGW_GONE)
            apigw_doc_delete(context, apigw_doc(&subscriptions, client.id));
    return result;
}

/* 1 if it is a list of 1 to SYMBOLS_MAX names. */
static int are_symbols(struct apigw_context *context, struct apigw_json symbols)
{
    struct apigw_json_iterator it = apigw_json_walk(symbols);
    struct apigw_span key;
    struct apigw_json symbol;
    size_t count = 0;

    if (symbols.type != APIGW_JSON_ARRAY)
        return 0;
    while (apigw_json_next(context, &it, &key, &symbol)) {
        const struct apigw_span name = apigw_json_text(context, symbol);
        if (symbol.type != APIGW_JSON_STRING || name.len == 0 || name.len > SYMBOL_BYTES_MAX)
            return 0;
        count++;
    }
    return count > 0 && count <= SYMBOLS_MAX;
}

/* The document of a subscription, which is the client's answer, too. */
static struct apigw_span subscription_to(struct apigw_context *context, struct apigw_json symbols)
{
    struct apigw_json_writer w = apigw_json_write(context);

    apigw_json_begin_object(&w);
    apigw_json_key(&w, "symbols");
    apigw_json_raw(&w, symbols.raw);
    apigw_json_end_object(&w);
    return apigw_json_written(&w);
}

static int subscribe(const struct apigw_event *event, struct apigw_context *context)
{
    static int is_swept; /* one for each environment, which is what is wanted here */
    struct apigw_json symbols = apigw_json_get(context, apigw_event_body(context, event), "symbols");
    struct apigw_span subscription;

    if (!are_symbols(context, symbols))
        return apigw_respond(context, 200, APIGW_SPAN("{\"error\":\"symbols is a list of 1 to 20 names\"}"));
    if (!is_swept && forget_the_gone(context) < 0)
        return store_failed(context);
    is_swept = 1;
    subscription = subscription_to(context, symbols);
    if (apigw_doc_set(context, apigw_doc(&subscriptions, event->connection_id), subscription) != APIGW_OK)
        return store_failed(context);
    return apigw_respond(context, 200, subscription);
}

/* Also for $disconnect. */
static int unsubscribe(const struct apigw_event *event, struct apigw_context *context)
{
    if (apigw_doc_delete(context, apigw_doc(&subscriptions, event->connection_id)) != APIGW_OK)
        return store_failed(context);
    return apigw_respond(context, 200, APIGW_SPAN("{\"symbols\":[]}"));
}

APIGW_PLUGIN("dashboard", "1.0.0", APIGW_HANDLER("subscribe", subscribe), APIGW_HANDLER("unsubscribe", unsubscribe));
