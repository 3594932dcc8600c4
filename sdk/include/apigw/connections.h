/**
 * @file connections.h
 * Pushing to clients, beyond the three calls of plugin.h. */
#ifndef APIGW_CONNECTIONS_H
#define APIGW_CONNECTIONS_H

#include <apigw/json.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Posts what a writer has written. APIGW_BAD_REQUEST if there was no memory for it. */
static inline int apigw_post_json(struct apigw_context *context, struct apigw_span connection_id,
                                  const struct apigw_json_writer *writer)
{
    return writer->failed ? APIGW_BAD_REQUEST
                          : apigw_post_to_connection(context, connection_id, apigw_json_written(writer));
}

/** Posts to each of `count` connections in their order, whatever becomes of the others. `ret_results`, if it is not
 * NULL, has room for `count` results and gets that of each id: APIGW_GONE is the one to forget. Returns how many were
 * sent. Much quicker than a post for each, which waits for each; before ABI 1.2 it is just that. */
static inline size_t apigw_broadcast(struct apigw_context *context, const struct apigw_span *connection_ids,
                                     size_t count, struct apigw_span data, int *ret_results)
{
    size_t i, sent = 0;
    if (APIGW_HAS(struct apigw_host, context->host, post_to_connections))
        return context->host->post_to_connections(context, connection_ids, count, data, ret_results);
    for (i = 0; i < count; i++) {
        const int result = apigw_post_to_connection(context, connection_ids[i], data);
        if (ret_results)
            ret_results[i] = result;
        sent += result == APIGW_OK;
    }
    return sent;
}

/** "GoneException" and its kin, for logs. */
static inline const char *apigw_result_name(int result)
{
    switch (result) {
    case APIGW_OK: return "OK";
    case APIGW_BAD_REQUEST: return "BadRequestException";
    case APIGW_FORBIDDEN: return "ForbiddenException";
    case APIGW_GONE: return "GoneException";
    case APIGW_TOO_LARGE: return "PayloadTooLargeException";
    case APIGW_LIMIT_EXCEEDED: return "LimitExceededException";
    default: return "InternalServerErrorException";
    }
}

#ifdef __cplusplus
}
#endif

#endif
