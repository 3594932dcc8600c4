/* session.h - one conversation, from the 101 to its end: a person at an editor, or a script.
 *
 * connect.c makes it of the command line; commands.c does what lines that begin with '/' say. */
#ifndef CLIENT_SESSION_H
#define CLIENT_SESSION_H

#include <stdint.h>

#include "client/link.h"
#include "client/screen.h"
#include "client/script.h"

#define SESSION_PINGS_MAX 64u /* that wait for their pong; more are not timed */

struct session {
    const struct url *url;
    const struct transfer_options *transfer;
    struct screen screen;
    struct link *link;
    struct script *script; /* NULL: a person */
    bool own_user_agent;   /* a header of the command line says another */
    bool fragment;

    /* Of a script. */
    uint64_t wait_ms;
    bool has_wait;   /* the command line says how long */
    size_t expected; /* messages; 0: it ends when it is quiet */
    size_t awaited;  /* by the script's /wait so far */
    size_t received;
    bool input_is_over;
    uint64_t hold_deadline_ms; /* of a /wait or of --expect; 0: none */
    uint64_t quiet_deadline_ms, last_deadline_ms;
    uint64_t close_deadline_ms; /* 0: nobody is closing */

    struct {
        uint64_t sent_ns;
        char payload[LINK_CONTROL_MAX];
        size_t len;
    } pings[SESSION_PINGS_MAX];
    size_t ping_count, ping_number;

    int status; /* what it will end with if it ends well */
    bool interrupted;
};

/* Until its end; returns the exit status. `commands` of its editor are commands_names. */
int session_run(struct session *s);

/* Sends a message. */
void session_send(struct session *s, struct span text);

/* Begins the closing handshake; the session ends when that has. */
void session_close(struct session *s, unsigned code, struct span reason);

/* It will end with that, unless it was going to end badly already. */
void session_fail(struct session *s, int status);

/* What link_settings wants. */
extern const struct link_events session_events;

#endif
