/* guard.h - which requests for what is under /_apigw are answered at all.
 *
 * A web page that somebody looks at can make the browser send requests to this machine. Four headers tell them from
 * those of a developer's own programs:
 *
 *   Host            is a loopback address, localhost, a custom domain, or a name that was allowed. A page that has its
 * own name resolve to this machine (DNS rebinding) has that name there. Origin          if there is one, is that of the
 * Host itself, or a loopback one. Sec-Fetch-Site  is not cross-site. Content-Type    of a request that changes
 * something is application/json, which no form has, and no request of another origin's page without a preflight (Fetch
 * standard, "CORS-safelisted request-header"). A preflight is never granted.
 *
 * Pure but for the memory of the names. Any thread. */
#ifndef MANAGEMENT_GUARD_H
#define MANAGEMENT_GUARD_H

#include "authorization/sigv4.h"
#include "base/buf.h"
#include "base/span.h"

/* Names and addresses that are allowed beside loopback ones. Begins as {0}; owned. */
#define GUARD_NAMES_MAX 64
#define GUARD_NAME_LEN_MAX 253 /* of a DNS name (RFC 1035, section 2.3.4) */

struct guard_names {
    char *items[GUARD_NAMES_MAX];
    size_t count;
};

/* Takes a copy of a host name or an address, without a port; an IPv6 address may have brackets. NULL, or what is wrong
 * with it, in words that fit behind the name. */
const char *guard_names_add(struct guard_names *names, struct span name);
void guard_names_fini(struct guard_names *names);

/* Who may be asked for. */
struct guard {
    const struct guard_names *names;
    bool (*is_domain)(void *arg, struct span name); /* a custom domain of an API? May be NULL */
    void *arg;
};

/* May this request be answered? True; or false with a sentence in `ret_why`, for an answer of 403. The text may have
 * bytes of the request in it, which are ASCII then. */
bool guard_admits(const struct guard *guard, const struct sigv4_request *request, struct buf *ret_why);

/* May it change something, once it is admitted? The same, for an answer of 415. */
bool guard_admits_change(const struct sigv4_request *request, struct buf *ret_why);

#endif
