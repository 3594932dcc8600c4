/* place.h - the options that say which server, and how it is reached: all commands have them. */
#ifndef CLIENT_PLACE_H
#define CLIENT_PLACE_H

#include <getopt.h>
#include <stdint.h>

#include "client/client.h"
#include "client/target.h"
#include "client/transfer.h"

struct place {
    struct target_wish target;
    struct transfer_options transfer;
};

enum place_option {
    PLACE_API = 1000,
    PLACE_CACERT,
    PLACE_CONNECT_TO,
    PLACE_INSECURE,
    PLACE_READY_FILE,
    PLACE_STAGE,
    PLACE_TIMEOUT,
    PLACE_URL,
};

/* clang-format off */
#define PLACE_LONG_OPTIONS                                     \
    {"api", required_argument, NULL, PLACE_API},               \
    {"cacert", required_argument, NULL, PLACE_CACERT},         \
    {"connect-to", required_argument, NULL, PLACE_CONNECT_TO}, \
    {"insecure", no_argument, NULL, PLACE_INSECURE},           \
    {"ready-file", required_argument, NULL, PLACE_READY_FILE}, \
    {"stage", required_argument, NULL, PLACE_STAGE},           \
    {"timeout", required_argument, NULL, PLACE_TIMEOUT}

#define PLACE_HELP                                                                   \
    "      --api NAME           which API, if several are served\n"                    \
    "      --stage NAME         which stage, if there are several\n"                   \
    "      --ready-file FILE    the emulator that has written FILE\n"                  \
    "      --connect-to PLACE   connect to HOST:PORT in place of the URL's: for custom\n" \
    "                           domains\n"                                             \
    "      --cacert FILE        trust the authorities in FILE, too\n"                  \
    "      --insecure           take any certificate\n"                                \
    "      --timeout SECONDS    how long an answer may take (default 35)\n"
/* clang-format on */

void place_init(struct place *p);

/* Where a URL's host is none that DNS knows, its place is what is connected to. `url` outlives `p`. */
void place_follow(struct place *p, const struct url *url);

/* Takes an option that is one of these. CLIENT_OK, or CLIENT_USAGE after having said why. */
int place_take(const struct client_command *command, struct place *p, int id, char **argv);

/* Seconds, with a fraction, up to a day: 0 and *ret_ms, or -1. */
int place_seconds(const char *text, uint64_t *ret_ms);

#endif
