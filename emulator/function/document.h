/* document.h - an invocation whose event is a JSON document that somebody wrote. Pure. */
#ifndef FUNCTION_DOCUMENT_H
#define FUNCTION_DOCUMENT_H

#include "base/json.h"
#include "function/function.h"

/* json_parse for what a function may be invoked with: it is UTF-8, too. */
int document_parse(struct span text, struct json_value *ret, struct json_error *ret_error);

/* Fills in what a handler is to be given: `whole`, the text that `document` was parsed from, to the byte, and the
 * fields that are in it if it is an event of a WebSocket API. Spans point into `whole` and `text`, which is emptied
 * first. */
void invocation_request_from_document(struct invocation_request *ret, struct span whole, struct json_value document,
                                      struct buf *text);

#endif
