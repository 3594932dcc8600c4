/* directory.h - which stage of which API a request is for, by its Host and its path.
 *
 *   {apiId}.execute-api.{region}.*  the API with that id; the path begins with the stage
 *   a custom domain                 the path begins with the key of an API mapping, and names no stage; the longest
 *                                   key that fits counts
 *   anything else, or no Host       the only API with a stage of that name
 *
 * API Gateway developer guide, "Use API mappings to connect API stages to a custom domain name for WebSocket APIs".
 * Pure. */
#ifndef GATEWAY_DIRECTORY_H
#define GATEWAY_DIRECTORY_H

#include "base/buf.h"
#include "base/span.h"
#include "gateway/stage.h"

enum directory_result {
    DIRECTORY_FOUND,
    DIRECTORY_NO_API,     /* the Host names an API that is not served here */
    DIRECTORY_DISABLED,   /* the API is to be reached through its custom domains alone */
    DIRECTORY_NO_STAGE,   /* no API that is meant has a stage of that name */
    DIRECTORY_AMBIGUOUS,  /* several APIs have */
    DIRECTORY_NO_MAPPING, /* the custom domain has no API mapping for the path */
};

struct directory_place {
    enum directory_result result;
    struct stage *stage; /* DIRECTORY_FOUND, else NULL */
    struct span rest;    /* of the path: empty, or what begins with the '/' behind the stage or the key */
    bool mapped;         /* by a custom domain */
    bool multi_level;    /* by a key of several segments */
};

/* The percent-encoding of a stage or a key is undone if `decodes`: a handshake's is not, as on AWS. */
struct directory_place directory_find(const struct api *apis, size_t count, struct span host, struct span path,
                                      bool decodes);

/* Appends why there is no such place, and which there are, as one sentence for the log. */
void directory_explain(const struct api *apis, size_t count, enum directory_result result, struct span host,
                       struct span path, struct buf *out);

/* Does a host, with or without a port, belong to one of the APIs: is it a custom domain, or {apiId}.execute-api…? */
bool directory_owns_host(const struct api *apis, size_t count, struct span host);

/* Is it a custom domain of one of them? The ids of APIs are no secret, and {apiId}.execute-api… may end in anybody's
 * domain: where that matters, this is what is to be asked. */
bool directory_has_domain(const struct api *apis, size_t count, struct span host);

#endif
