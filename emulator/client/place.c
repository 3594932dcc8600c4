/* place.c - see place.h. */
#include "client/place.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define TIMEOUT_MS 35000 /* $connect may take 29 seconds */
#define SECONDS_MAX 86400.0

void place_init(struct place *p)
{
    *p = (struct place){.transfer = {.timeout_ms = TIMEOUT_MS}};
}

void place_follow(struct place *p, const struct url *url)
{
    if (!p->transfer.connect_to)
        p->transfer.connect_to = url->place;
}

int place_seconds(const char *text, uint64_t *ret_ms)
{
    char *end;
    double seconds;

    if (*text != '.' && (*text < '0' || *text > '9'))
        return -1;
    errno = 0;
    seconds = strtod(text, &end);
    if (*end || errno || !isfinite(seconds) || seconds > SECONDS_MAX)
        return -1;
    *ret_ms = (uint64_t)(seconds * 1000);
    return 0;
}

static int take_timeout(const struct client_command *command, struct place *p)
{
    uint64_t ms;

    if (place_seconds(optarg, &ms) < 0 || ms == 0)
        return client_usage_error(command, "--timeout takes seconds, more than 0 and at most a day, not '%s'", optarg);
    p->transfer.timeout_ms = (long)ms;
    return CLIENT_OK;
}

static int take_connect_to(const struct client_command *command, struct place *p)
{
    if (!transfer_is_place(optarg))
        return client_usage_error(command, "--connect-to takes HOST:PORT, such as 127.0.0.1:3001, not '%s'", optarg);
    p->transfer.connect_to = optarg;
    return CLIENT_OK;
}

int place_take(const struct client_command *command, struct place *p, int id, char **argv)
{
    switch (id) {
    case PLACE_API: p->target.api = optarg; return CLIENT_OK;
    case PLACE_STAGE: p->target.stage = optarg; return CLIENT_OK;
    case PLACE_READY_FILE: p->target.ready_file = optarg; return CLIENT_OK;
    case PLACE_URL: p->target.url = optarg; return CLIENT_OK;
    case PLACE_CACERT: p->transfer.cacert = optarg; return CLIENT_OK;
    case PLACE_INSECURE: p->transfer.insecure = true; return CLIENT_OK;
    case PLACE_CONNECT_TO: return take_connect_to(command, p);
    case PLACE_TIMEOUT: return take_timeout(command, p);
    case ':': return client_usage_error(command, "%s needs a value", argv[optind - 1]);
    default: return client_usage_error(command, "there is no option '%s'", argv[optind - 1]);
    }
}
