/* iam.h - IAM authorization: a request must be signed with a credential of the config, whose policy must allow it.
 *
 * Pure. */
#ifndef AUTHORIZATION_IAM_H
#define AUTHORIZATION_IAM_H

#include <stdint.h>

#include "authorization/denial.h"
#include "authorization/sigv4.h"
#include "config/config.h"
#include "event/event.h"

#define IAM_INVOKE "execute-api:Invoke"
#define IAM_MANAGE_CONNECTIONS "execute-api:ManageConnections"

/* Who may do `action` on arn:aws:execute-api:{region}:{account}:{api}/{stage}/{resource}; NULL with `denial` filled in
 * if the request is not signed by somebody who may. */
const struct config_credential *iam_authorize(const struct config *config, const struct config_stage *stage,
                                              const struct sigv4_request *request, const char *action,
                                              struct span resource, uint64_t now_ms, struct denial *denial);

/* What events say of a caller. The spans live as long as `text` and the config. */
void iam_identify(const struct config *config, const struct config_credential *credential, struct buf *text,
                  struct event_identity *ret);

#endif
