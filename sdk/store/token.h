/* token.h - where a page of a query ended, as a text that plugins may show to anybody and get back from anybody. Pure.
 *
 * It holds a place and a checksum over the place and the query, so that the token of another query is refused rather
 * than misread. It is no secret: who makes one up reaches no more than a query that begins further on does. */
#ifndef TOKEN_H
#define TOKEN_H

#include "store/store.h"

/* Replaces `out`. */
void token_write(struct buf *out, const struct store_query *q, struct span parent, struct span id);

/* False if q->from is no token of this query; else the place it names, in `room`. */
bool token_read(const struct store_query *q, struct buf *room, struct span *ret_parent, struct span *ret_id);

#endif
