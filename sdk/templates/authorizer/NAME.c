/* @NAME@.c - lets in who has the token, and tells each client who it is.
 *
 * Two handlers. `authorize` is asked before a client is let in: it answers with a policy, and with what later events
 * shall know of the client. `handle` gets the messages. */
#include <apigw/event.h>
#include <stdlib.h>

/* Takes as long for a wrong byte at the beginning as for one at the end. */
static int is_same(struct apigw_span a, struct apigw_span b)
{
    unsigned char difference = a.len != b.len;
    size_t i;

    for (i = 0; i < a.len && i < b.len; i++)
        difference |= (unsigned char)(a.ptr[i] ^ b.ptr[i]);
    return !difference;
}

/* What an authorizer answers: who the client is, what it is called, and what it may do. */
static struct apigw_span allow(struct apigw_context *context, struct apigw_span name, struct apigw_span resource)
{
    struct apigw_json_writer w = apigw_json_write(context);

    apigw_json_begin_object(&w);
    apigw_json_key(&w, "principalId");
    apigw_json_string(&w, name);
    apigw_json_key(&w, "policyDocument");
    apigw_json_begin_object(&w);
    apigw_json_key(&w, "Version");
    apigw_json_string(&w, APIGW_SPAN("2012-10-17"));
    apigw_json_key(&w, "Statement");
    apigw_json_begin_array(&w);
    apigw_json_begin_object(&w);
    apigw_json_key(&w, "Effect");
    apigw_json_string(&w, APIGW_SPAN("Allow"));
    apigw_json_key(&w, "Action");
    apigw_json_string(&w, APIGW_SPAN("execute-api:Invoke"));
    apigw_json_key(&w, "Resource");
    apigw_json_string(&w, resource);
    apigw_json_end_object(&w);
    apigw_json_end_array(&w);
    apigw_json_end_object(&w);
    apigw_json_end_object(&w);
    return apigw_json_written(&w);
}

/* ws://…/dev?token=…&name=anna. The token is the environment variable TOKEN: "environment" in routes.json. */
static int authorize(const struct apigw_event *event, struct apigw_context *context)
{
    const struct apigw_span wanted = apigw_span_of_str(getenv("TOKEN"));
    const struct apigw_span token = apigw_event_query(context, "token");
    const struct apigw_span name = apigw_event_query(context, "name");
    struct apigw_json resource = apigw_event_get(context, "methodArn");

    (void)event;
    if (wanted.len == 0 || !is_same(token, wanted))
        return apigw_fail(context, APIGW_SPAN("Error"), APIGW_SPAN("Unauthorized")); /* exactly this: a 401 */
    return apigw_respond_json(
        context, allow(context, name.len > 0 ? name : APIGW_SPAN("nobody"), apigw_json_text(context, resource)));
}

static int handle(const struct apigw_event *event, struct apigw_context *context)
{
    (void)event;
    return apigw_respond(context, 200, apigw_event_authorizer(context, "principalId"));
}

APIGW_PLUGIN("@NAME@", "1.0.0", APIGW_HANDLER("authorize", authorize), APIGW_HANDLER("handle", handle));
