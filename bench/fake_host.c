/* fake_host.c - see fake_host.h. The linker takes the functions of function/process.h from here. */
#include "fake_host.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/buf.h"
#include "function/channel.h"
#include "function/process.h"
#include "function/protocol.h"

#define HOSTS_MAX 16
#define READ_BYTES (64u * 1024u)

struct host {
    struct channel *channel;
    int output; /* the writing end of its output, so that it does not seem to have ended */
    struct buf in;
    uint64_t answered;
};

static struct host hosts[HOSTS_MAX];
static size_t host_count;

static void send_frame(struct host *host, uint32_t type, const void *fixed, size_t size, struct span rest)
{
    struct protocol_frame frame = {.type = type, .size = (uint32_t)(size + rest.len)};
    int64_t written = channel_write(host->channel, span_of((const char *)&frame, sizeof(frame)));

    written += channel_write(host->channel, span_of(fixed, size));
    written += channel_write(host->channel, rest);
    assert((size_t)written == sizeof(frame) + size + rest.len); /* one event at a time always fits */
}

int process_spawn(const struct process_start *start, struct process *ret)
{
    const struct protocol_started started = {.limits_memory = 0};
    const struct protocol_ready ready = {.version = PROTOCOL_VERSION};
    struct host *host = &hosts[host_count++];
    struct channel_fds fds;

    assert(host_count <= HOSTS_MAX);
    fds.memory = fcntl(start->fds[PROTOCOL_FD_MEMORY], F_DUPFD_CLOEXEC, 3);
    fds.bell = fcntl(start->fds[PROTOCOL_FD_BELL], F_DUPFD_CLOEXEC, 3);
    host->output = fcntl(start->fds[STDOUT_FILENO], F_DUPFD_CLOEXEC, 3);
    if (channel_open(&fds, CHANNEL_HOST, &host->channel) < 0)
        abort();
    send_frame(host, PROTOCOL_STARTED, &started, sizeof(started), SPAN(""));
    send_frame(host, PROTOCOL_READY, &ready, sizeof(ready), SPAN(""));
    channel_flush(host->channel);
    *ret = (struct process){.pid = getpid(), .pidfd = eventfd(0, EFD_CLOEXEC)};
    return ret->pidfd < 0 ? -1 : 0;
}

void process_kill(const struct process *p)
{
    abort(); /* what has happened there is no measurement any more */
}

bool process_reap(struct process *p, siginfo_t *ret)
{
    return false;
}

void process_close(struct process *p)
{
}

static void answer(struct host *host, const struct protocol_invoke *invoke, const char *fields)
{
    struct protocol_result result = {.sequence = invoke->sequence, .status_code = 200, .has_body = 1};

    for (size_t i = 0; i < FIELD_BODY; i++)
        fields += invoke->field_len[i];
    result.body_len = invoke->field_len[FIELD_BODY];
    if (!channel_slot_claim(host->channel, invoke->slot))
        abort();
    send_frame(host, PROTOCOL_RESULT, &result, sizeof(result), span_of(fields, result.body_len));
    host->answered++;
}

static void take_frames(struct host *host)
{
    struct protocol_invoke invoke;
    struct protocol_frame frame;
    size_t at = 0;

    while (host->in.len - at >= sizeof(frame)) {
        memcpy(&frame, host->in.ptr + at, sizeof(frame));
        if (host->in.len - at - sizeof(frame) < frame.size)
            break;
        at += sizeof(frame);
        assert(frame.type == PROTOCOL_INVOKE && frame.size >= sizeof(invoke));
        memcpy(&invoke, host->in.ptr + at, sizeof(invoke));
        answer(host, &invoke, host->in.ptr + at + sizeof(invoke));
        at += frame.size;
    }
    buf_consume(&host->in, at);
}

void fake_host_step(void)
{
    for (size_t i = 0; i < host_count; i++) {
        struct host *host = &hosts[i];
        int64_t n;

        channel_wake(host->channel);
        while ((n = channel_read(host->channel, buf_reserve(&host->in, READ_BYTES), READ_BYTES)) > 0) {
            host->in.len += (size_t)n;
            take_frames(host);
        }
        assert(n == 0);
        channel_flush(host->channel);
        channel_sleep(host->channel, false);
    }
}

uint64_t fake_host_answered(void)
{
    uint64_t answered = 0;

    for (size_t i = 0; i < host_count; i++)
        answered += hosts[i].answered;
    return answered;
}
