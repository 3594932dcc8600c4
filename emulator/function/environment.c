/* environment.c - the life of one apigw-host, and what is said over its channel.
 *
 * All of the host's memory is a plugin's to write. A frame that is not what it should be ends the environment with one
 * line in the log; the work per turn of the loop is bounded. */
#include "function/environment.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "apigw/plugin.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/process_memory.h"
#include "event/id.h"
#include "function/frame.h"
#include "function/variables.h"

/* One environment's share of a turn of the loop. */
#define TURN_BYTES (256u * 1024u)
#define TURN_FRAMES 256u

/* Bytes copied out of the ring at once, and how large an empty buffer is kept. */
#define READ_BYTES (32u * 1024u)
#define KEEP_BYTES (128u * 1024u)

/* How long is waited for a host without sleeping, and how many wakes are let pass after it was in vain. */
#define LINGER_NS 50000u
#define LINGER_REST 100u

/* ---- states ---- */

static void set_state(struct environment *env, enum environment_state to)
{
    struct environment_shelf *shelves = env->setup.shelves;

    if (env->state == to)
        return;
    assert(env->state != ENVIRONMENT_ENDING);
    list_remove(&env->link);
    shelves[env->state].count--;
    list_prepend(&shelves[to].list, &env->link);
    shelves[to].count++;
    env->state = to;
    if (to == ENVIRONMENT_IDLE)
        env->idle_ns = clock_mono_ns();
}

/* One that was not ready yet counts as starting until it is dead: only then is it known what became of the start. */
void environment_kill(struct environment *env, enum environment_end why)
{
    if (env->end == END_BY_ITSELF || env->end == END_RETIRED)
        env->end = why;
    if (env->state != ENVIRONMENT_STARTING)
        set_state(env, ENVIRONMENT_ENDING);
    process_kill(&env->process);
}

/* The plugin has overwritten what only the host should write, or the host is not ours. */
static void end_for_violation(struct environment *env, const char *what)
{
    const struct invocation *inv = environment_oldest(env);

    if (env->end == END_BY_ITSELF)
        log_function(LOG_ERROR, env->setup.function->name, inv ? invocation_request_id(inv) : NO_REQUEST,
                     "apigw-host process %d broke the protocol (%s) and was killed", (int)env->pid, what);
    environment_kill(env, END_PROTOCOL);
}

/* Frames are not looked at any more once the process was killed for what it did. */
static bool is_listened_to(const struct environment *env)
{
    return env->end == END_BY_ITSELF || env->end == END_RETIRED;
}

/* ---- logs ---- */

/* The time in which no invocation runs. */
static const char *when_idle(const struct environment *env)
{
    return env->ready ? "-" : "init";
}

static void on_output_line(void *arg, struct span line)
{
    struct environment *env = arg;

    journal_print(&env->journal, environment_oldest(env), when_idle(env), line);
}

static const char *const level_prefixes[] = {
    [APIGW_LOG_ERROR] = "ERROR ", [APIGW_LOG_WARN] = "WARN ", [APIGW_LOG_INFO] = "INFO ", [APIGW_LOG_DEBUG] = "DEBUG "};

static const char *handle_log(struct environment *env, struct span payload)
{
    struct invocation *inv = environment_oldest(env);
    char text[PROTOCOL_LOG_LINE_MAX + 8];
    const char *prefix = "";
    struct frame_log log;
    int len;

    if (frame_read_log(payload, &log) < 0)
        return "a log line of the wrong form";
    if (inv && inv->head.invoke.sequence != log.sequence)
        inv = NULL;
    if (log.level >= 0 && (size_t)log.level < sizeof(level_prefixes) / sizeof(level_prefixes[0]))
        prefix = level_prefixes[log.level];
    len = (int)strlen(prefix);
    memcpy(text, prefix, (size_t)len);
    if (log.line.len > 0)
        memcpy(text + len, log.line.ptr, log.line.len);
    journal_print(&env->journal, inv, when_idle(env), span_of(text, (size_t)len + log.line.len));
    return NULL;
}

/* ---- sending ---- */

/* In order behind what waits already. The owner sees to it that little does. */
static void send_bytes(struct environment *env, struct span bytes)
{
    int64_t written = env->out.len > 0 ? 0 : channel_write(env->channel, bytes);

    if (written < 0)
        end_for_violation(env, "ring positions that cannot be");
    else if ((size_t)written < bytes.len)
        buf_append(&env->out, span_from(bytes, (size_t)written));
}

static void send_waiting(struct environment *env)
{
    int64_t written;

    if (env->out.len == 0)
        return;
    written = channel_write(env->channel, buf_span(&env->out));
    if (written < 0) {
        end_for_violation(env, "ring positions that cannot be");
        return;
    }
    buf_consume(&env->out, (size_t)written);
    if (env->out.len > 0)
        return;
    env->call_result_waits = false;
    buf_clear(&env->out, KEEP_BYTES);
    if (env->state != ENVIRONMENT_ENDING)
        env->setup.ops->on_room(env->setup.owner, env);
}

/* ---- lingering ----
 * To be woken on a CPU that sleeps takes longer than many a handler runs. So when a host has been woken, and there is
 * another CPU for it, the loop goes on turning, without sleeping, for as long as it takes to wake and to answer: then
 * the answer needs no doorbell. What is there to do else is done meanwhile. Where that was in vain it is not tried
 * again for a while. */

static void linger_begin(struct environment *env)
{
    if (!env->may_linger || env->handed_count == 0)
        return;
    if (env->linger_rest > 0)
        env->linger_rest--;
    else
        env->linger_until_ns = clock_mono_ns() + LINGER_NS;
}

static bool lingers(struct environment *env)
{
    if (env->linger_until_ns == 0)
        return false;
    if (env->handed_count > 0 && clock_mono_ns() < env->linger_until_ns)
        return true;
    if (env->handed_count > 0)
        env->linger_rest = LINGER_REST;
    env->linger_until_ns = 0;
    return false;
}

/* Wakes the host if need be; and asks to be woken for room if something waits for that. False if there already is
 * something to do, or will be in a moment. */
static bool settle(struct environment *env)
{
    if (!is_listened_to(env))
        return true;
    if (channel_flush(env->channel) > 0)
        linger_begin(env);
    return !lingers(env) && channel_sleep(env->channel, env->out.len > 0);
}

/* ---- handing over ---- */

bool environment_has_room(const struct environment *env)
{
    return (env->state == ENVIRONMENT_IDLE || env->state == ENVIRONMENT_BUSY) && env->out.len == 0 &&
           env->handed_count < ENVIRONMENT_HANDED_MAX && env->handed_bytes < ENVIRONMENT_HANDED_BYTES_MAX &&
           ~env->slots_used != 0;
}

struct invocation *environment_oldest(const struct environment *env)
{
    struct list *first = list_first(&env->handed);
    return first ? LIST_ENTRY(first, struct invocation, link) : NULL;
}

static unsigned take_slot(struct environment *env, uint64_t sequence)
{
    unsigned slot;

    assert(~env->slots_used != 0);
    slot = (unsigned)__builtin_ctzll(~env->slots_used);
    env->slots_used |= UINT64_C(1) << slot;
    env->slot_sequence[slot] = sequence;
    return slot;
}

/* An answer to `sequence` shows that the host has read every frame before it: their slots can be used again. */
static void release_passed_slots(struct environment *env, uint64_t sequence)
{
    for (uint64_t left = env->slots_revoked; left; left &= left - 1) {
        unsigned slot = (unsigned)__builtin_ctzll(left);
        if (env->slot_sequence[slot] < sequence) {
            env->slots_revoked &= ~(UINT64_C(1) << slot);
            env->slots_used &= ~(UINT64_C(1) << slot);
        }
    }
}

void environment_hand(struct environment *env, struct invocation *inv)
{
    struct protocol_invoke *invoke = &inv->head.invoke;

    assert(environment_has_room(env));
    invoke->sequence = ++env->sequence;
    invoke->slot = take_slot(env, invoke->sequence);
    inv->handed_ns = clock_mono_ns();
    inv->claimed_ns = 0;
    list_remove(&inv->link);
    list_append(&env->handed, &inv->link);
    env->handed_count++;
    env->handed_bytes += invocation_frame(inv).len;
    set_state(env, ENVIRONMENT_BUSY);
    channel_slot_offer(env->channel, invoke->slot);
    send_bytes(env, invocation_frame(inv));
    loop_deferred_start(env->again); /* one doorbell for all that this turn hands over */
}

bool environment_has_begun(struct environment *env, struct invocation *inv, uint64_t now_ns)
{
    uint64_t stamp;

    if (inv->claimed_ns)
        return true;
    if (!channel_slot_claimed(env->channel, inv->head.invoke.slot, &stamp))
        return false;
    /* Read once and held within what is possible, or a plugin could stay forever by renewing it. */
    stamp += clock_offset_ns();
    if (stamp < inv->handed_ns)
        stamp = inv->handed_ns;
    inv->claimed_ns = stamp > now_ns ? now_ns : stamp;
    return true;
}

static void take_out(struct environment *env, struct invocation *inv)
{
    list_remove(&inv->link);
    env->handed_count--;
    env->handed_bytes -= invocation_frame(inv).len;
}

void environment_take_unbegun(struct environment *env, struct list *ret)
{
    struct list *node = env->handed.next;

    if (list_empty(&env->handed))
        return;
    for (node = node->next; node != &env->handed;) {
        struct invocation *inv = LIST_ENTRY(node, struct invocation, link);
        unsigned slot = inv->head.invoke.slot;
        node = node->next;
        if (!channel_slot_revoke(env->channel, slot))
            continue;
        env->slots_revoked |= UINT64_C(1) << slot;
        take_out(env, inv);
        list_append(ret, &inv->link);
    }
}

void environment_take_all(struct environment *env, struct list *ret)
{
    struct invocation *inv;

    while ((inv = environment_oldest(env))) {
        take_out(env, inv);
        list_append(ret, &inv->link);
    }
}

void environment_mark_slow(struct environment *env)
{
    if (env->state == ENVIRONMENT_BUSY)
        set_state(env, ENVIRONMENT_SLOW);
}

/* ---- what the host says ---- */

static const char *handle_started(struct environment *env, struct span payload)
{
    struct protocol_started started;

    if (env->ready || frame_read_started(payload, &started) < 0)
        return "an unexpected STARTED";
    env->limits_memory = started.limits_memory != 0 && !config_function_is_wrapped(env->setup.function);
    return NULL;
}

/* The process may say anything: no phase takes longer than it was watched, and memory is never given back. */
static uint64_t note_usage(struct environment *env, const struct protocol_usage *usage, uint64_t since_ns)
{
    uint64_t most_ns = clock_mono_ns() - since_ns;

    env->memory_kb = usage->memory_kb;
    if (usage->memory_max_kb > env->journal.memory_max_kb)
        env->journal.memory_max_kb = usage->memory_max_kb;
    return usage->duration_ns < most_ns ? usage->duration_ns : most_ns;
}

static uint64_t memory_limit_kb(const struct environment *env)
{
    return env->limits_memory ? env->setup.function->memory_mb * UINT64_C(1024) : UINT64_MAX;
}

static const char *handle_ready(struct environment *env, struct span payload)
{
    struct protocol_ready ready;
    uint64_t init_ns;

    if (env->ready || frame_read_ready(payload, &ready) < 0)
        return "an unexpected READY";
    if (ready.version != PROTOCOL_VERSION)
        return "it is of another version than the emulator";
    if (ready.usage.memory_kb > memory_limit_kb(env)) {
        environment_kill(env, END_OUT_OF_MEMORY);
        return NULL;
    }
    init_ns = note_usage(env, &ready.usage, env->started_ns);
    log_debug(LOG_FUNCTION, "%s: environment ready pid=%d init_ms=%.2f", env->setup.function->name, (int)env->pid,
              (double)init_ns / 1e6);
    journal_end_init(&env->journal, init_ns, env->setup.provisioned);
    env->ready = true;
    if (env->state == ENVIRONMENT_STARTING) {
        set_state(env, ENVIRONMENT_IDLE);
        env->setup.ops->on_room(env->setup.owner, env);
    }
    return NULL;
}

static const char *handle_init_failed(struct environment *env, struct span payload)
{
    struct frame_answer failure;

    if (env->ready || frame_read_error(payload, &failure) < 0)
        return "an unexpected INIT_FAILED";
    env->init_ns = note_usage(env, &failure.usage, env->started_ns);
    buf_append(&env->error_type, failure.result.error_type);
    buf_append(&env->error_message, failure.result.error_message);
    environment_kill(env, END_INIT_FAILED);
    return NULL;
}

/* What was printed stands between START, which is known of by the answer at the latest, and END. */
static void end_in_journal(struct environment *env, struct invocation *inv, const struct frame_answer *answer)
{
    bool failed = answer->result.outcome == INVOCATION_ERROR;
    const struct journal_end end = {
        .status = failed ? REPORT_ERROR : REPORT_SUCCESS,
        .duration_ns = note_usage(env, &answer->usage, inv->handed_ns),
        .error_type = answer->result.error_type,
        .message = answer->result.error_message,
    };

    env->worked_ns += end.duration_ns;
    journal_end(&env->journal, inv, &end);
}

static const char *end_oldest(struct environment *env, const struct frame_answer *answer)
{
    struct invocation *inv = environment_oldest(env);

    if (!inv || inv->head.invoke.sequence != answer->sequence)
        return "an answer to what it was not running";
    if (answer->usage.memory_kb > memory_limit_kb(env)) {
        environment_kill(env, END_OUT_OF_MEMORY); /* on Lambda it would not have come to an answer */
        return NULL;
    }
    if (journal_is_wanted(&env->journal, inv))
        output_read(&env->output); /* what it wrote to its descriptors is there by now, and is its own */
    env->slots_used &= ~(UINT64_C(1) << inv->head.invoke.slot);
    if (env->slots_revoked)
        release_passed_slots(env, answer->sequence);
    take_out(env, inv);
    end_in_journal(env, inv, answer);
    if (env->state != ENVIRONMENT_ENDING)
        set_state(env, env->handed_count > 0 ? ENVIRONMENT_BUSY : ENVIRONMENT_IDLE);
    env->setup.ops->on_answer(env->setup.owner, env, inv, &answer->result);
    return NULL;
}

static const char *handle_result(struct environment *env, struct span payload)
{
    struct frame_answer answer;
    return frame_read_result(payload, &answer) < 0 ? "a result of the wrong form" : end_oldest(env, &answer);
}

static const char *handle_result_json(struct environment *env, struct span payload)
{
    struct frame_answer answer;
    return frame_read_result_json(payload, &answer) < 0 ? "a JSON result of the wrong form" : end_oldest(env, &answer);
}

static const char *handle_error(struct environment *env, struct span payload)
{
    struct frame_answer answer;
    return frame_read_error(payload, &answer) < 0 ? "an error of the wrong form" : end_oldest(env, &answer);
}

/* ---- what a handler asks for ---- */

static int call_post(const struct function_services *s, const struct frame_call *call, struct function_connection *ret)
{
    (void)ret;
    return s->post_to_connection ? s->post_to_connection(s->arg, call->id, call->data) : APIGW_FAILED;
}

static int call_get(const struct function_services *s, const struct frame_call *call, struct function_connection *ret)
{
    return s->get_connection ? s->get_connection(s->arg, call->id, ret) : APIGW_FAILED;
}

static int call_delete(const struct function_services *s, const struct frame_call *call,
                       struct function_connection *ret)
{
    (void)ret;
    return s->delete_connection ? s->delete_connection(s->arg, call->id) : APIGW_FAILED;
}

typedef int call_fn(const struct function_services *s, const struct frame_call *call, struct function_connection *ret);

static call_fn *const calls[] = {[CALL_POST] = call_post, [CALL_GET] = call_get, [CALL_DELETE] = call_delete};

static void send_call_result(struct environment *env, int result, const struct function_connection *connection)
{
    struct {
        struct protocol_frame frame;
        struct protocol_call_result result;
    } head = {
        .frame = {PROTOCOL_CALL_RESULT,
                  (uint32_t)(sizeof(head.result) + connection->source_ip.len + connection->user_agent.len)},
        .result = {.result = result,
                   .source_ip_len = (uint32_t)connection->source_ip.len,
                   .user_agent_len = (uint32_t)connection->user_agent.len,
                   .connected_at_ms = connection->connected_at_ms,
                   .last_active_at_ms = connection->last_active_at_ms},
    };

    send_bytes(env, span_of((const char *)&head, sizeof(head)));
    send_bytes(env, connection->source_ip);
    send_bytes(env, connection->user_agent);
    env->call_result_waits = env->out.len > 0;
}

/* Each as if it had been asked for alone; one answer has the results. */
static const char *handle_posts(struct environment *env, const struct frame_call *call)
{
    struct span ids[PROTOCOL_POSTS_MAX];
    struct {
        struct protocol_frame frame;
        struct protocol_call_result head;
        int32_t results[PROTOCOL_POSTS_MAX];
    } answer = {.frame.type = PROTOCOL_CALL_RESULT, .head.post_count = call->id_count};
    const size_t results_bytes = call->id_count * sizeof(answer.results[0]);

    _Static_assert(sizeof(answer) == sizeof(answer.frame) + sizeof(answer.head) + sizeof(answer.results), "no gaps");
    if (frame_read_ids(call, ids) < 0)
        return "a call of the wrong form";
    for (uint32_t i = 0; i < call->id_count; i++)
        answer.results[i] =
            call_post(env->setup.services, &(struct frame_call){.id = ids[i], .data = call->data}, NULL);
    answer.frame.size = (uint32_t)(sizeof(answer.head) + results_bytes);
    if (is_listened_to(env))
        send_bytes(env, span_of((const char *)&answer, sizeof(answer.frame) + answer.frame.size));
    env->call_result_waits = env->out.len > 0;
    return NULL;
}

static const char *handle_call(struct environment *env, struct span payload)
{
    struct function_connection connection = {0};
    struct frame_call call;
    int result;

    if (frame_read_call(payload, &call) < 0)
        return "a call of the wrong form";
    if (env->call_result_waits)
        return "a call before the last one was answered"; /* or `out` would grow without bound */
    if (call.op == CALL_POST_ALL)
        return handle_posts(env, &call);
    if (call.op >= sizeof(calls) / sizeof(calls[0]) || !calls[call.op])
        return "a call of the wrong form";
    result = calls[call.op](env->setup.services, &call, &connection);
    if (result != APIGW_OK)
        connection = (struct function_connection){0};
    if (is_listened_to(env))
        send_call_result(env, result, &connection);
    return NULL;
}

/* ---- receiving ---- */

typedef const char *frame_fn(struct environment *env, struct span payload);

/* By type. Each returns NULL, or what was wrong. */
static frame_fn *const frame_handlers[] = {
    [PROTOCOL_READY] = handle_ready,   [PROTOCOL_INIT_FAILED] = handle_init_failed,
    [PROTOCOL_RESULT] = handle_result, [PROTOCOL_RESULT_JSON] = handle_result_json,
    [PROTOCOL_ERROR] = handle_error,   [PROTOCOL_CALL] = handle_call,
    [PROTOCOL_LOG] = handle_log,       [PROTOCOL_STARTED] = handle_started,
};

static void handle_frame(struct environment *env, uint32_t type, struct span payload)
{
    const char *wrong = "a frame of unknown type";

    clock_hold();
    if (type < sizeof(frame_handlers) / sizeof(frame_handlers[0]) && frame_handlers[type])
        wrong = frame_handlers[type](env, payload);
    clock_release();
    if (wrong)
        end_for_violation(env, wrong);
}

/* Handles the whole frames in `in` that are not handled yet, at most *frames of them. */
static void handle_frames(struct environment *env, unsigned *frames)
{
    struct protocol_frame frame;
    size_t at = env->in_at;

    while (*frames > 0 && is_listened_to(env) && env->in.len - at >= sizeof(frame)) {
        memcpy(&frame, env->in.ptr + at, sizeof(frame));
        if (frame.size > PROTOCOL_FRAME_MAX) {
            end_for_violation(env, "a frame that is too large");
            break;
        }
        if (env->in.len - at - sizeof(frame) < frame.size)
            break;
        at += sizeof(frame);
        handle_frame(env, frame.type, span_of(env->in.ptr + at, frame.size));
        at += frame.size;
        --*frames;
    }
    env->in_at = at;
    if (at == env->in.len) {
        env->in_at = 0;
        buf_clear(&env->in, KEEP_BYTES);
    }
}

/* Drops what is handled, if there is no room behind the rest: to do that each time would move half a frame each time.
 */
static void make_room(struct environment *env)
{
    if (env->in.cap - env->in.len >= READ_BYTES)
        return;
    buf_consume(&env->in, env->in_at);
    env->in_at = 0;
}

/* How many bytes have come, none or -1: the ring is broken. */
static int64_t read_ring(struct environment *env)
{
    int64_t n;

    make_room(env);
    n = channel_read(env->channel, buf_reserve(&env->in, READ_BYTES), READ_BYTES);
    if (n < 0)
        end_for_violation(env, "ring positions that cannot be");
    else
        env->in.len += (size_t)n;
    return n;
}

/* Reads and handles until nothing is left, true, or the share is used up, false. */
static bool drain(struct environment *env, size_t bytes, unsigned frames)
{
    size_t taken = 0;

    handle_frames(env, &frames); /* left over from the last turn */
    while (is_listened_to(env)) {
        int64_t n;
        if (frames == 0 || taken >= bytes)
            return false;
        n = read_ring(env);
        if (n <= 0)
            break;
        taken += (size_t)n;
        handle_frames(env, &frames);
    }
    return true;
}

/* True if nothing is left to do until the host rings. */
static bool run_once(struct environment *env)
{
    if (!is_listened_to(env))
        return true;
    send_waiting(env);
    if (drain(env, TURN_BYTES, TURN_FRAMES))
        return settle(env);
    channel_flush(env->channel);
    return false;
}

/* A host that is woken on our CPU goes first (host/slice.c), and has answered when it is our turn again. So its ring is
 * looked at once more, before it is asked to ring. */
void environment_run(struct environment *env)
{
    bool asleep;

    channel_set_awake(env->channel);
    asleep = run_once(env);
    if (!asleep)
        asleep = run_once(env);
    if (!asleep)
        loop_deferred_start(env->again);
}

static void on_again(void *arg)
{
    environment_run(arg);
}

static void on_bell(void *arg, bool readable, bool hung_up)
{
    struct environment *env = arg;

    (void)readable;
    (void)hung_up;
    if (!loop_watch_is_edge(env->bell))
        channel_wake(env->channel);
    environment_run(env);
}

/* ---- memory ---- */

void environment_check_memory(struct environment *env, uint64_t now_ns)
{
    struct process_memory memory;

    env->memory_seen_ns = now_ns;
    if (env->process.pid <= 0 || process_memory_read(env->process.pid, &memory) < 0)
        return;
    env->memory_kb = memory.anonymous_kb;
    if (memory.max_kb > env->journal.memory_max_kb)
        env->journal.memory_max_kb = memory.max_kb;
    if (memory.anonymous_kb > memory_limit_kb(env) && is_listened_to(env))
        environment_kill(env, END_OUT_OF_MEMORY);
}

/* ---- the end ---- */

static void on_death(void *arg, bool readable, bool hung_up)
{
    struct environment *env = arg;
    siginfo_t exit;

    (void)readable;
    (void)hung_up;
    if (!process_reap(&env->process, &exit))
        return;
    loop_watch_free(TAKE(env->bell));
    loop_watch_free(TAKE(env->death));
    /* What it printed belongs to what it ran, and its last answers count. More than two rings full can only come from
     * somebody who still writes. */
    set_state(env, ENVIRONMENT_ENDING);
    output_finish(&env->output);
    drain(env, 2u * CHANNEL_RING_BYTES, UINT32_MAX);
    env->setup.ops->on_end(env->setup.owner, env, &exit);
}

void environment_shut_down(struct environment *env, enum environment_end why)
{
    const struct protocol_frame frame = {PROTOCOL_SHUTDOWN, 0};

    assert(list_empty(&env->handed) && (why == END_BY_ITSELF || why == END_RETIRED));
    env->end = why;
    env->end_by_ns = clock_mono_ns() + FUNCTION_FINI_MS_MAX * UINT64_C(1000000);
    set_state(env, ENVIRONMENT_ENDING);
    send_bytes(env, span_of((const char *)&frame, sizeof(frame)));
    if (!settle(env))
        loop_deferred_start(env->again);
}

/* ---- the beginning ---- */

static int open_channel(struct environment *env, struct channel_fds *ret_fds)
{
    int r = channel_create(ret_fds);

    if (r < 0)
        return r;
    r = channel_open(ret_fds, CHANNEL_GATEWAY, &env->channel);
    if (r < 0)
        return r;
    env->bell = loop_watch_new_bell(env->setup.loop, channel_bell_fd(env->channel), on_bell, env);
    if (!env->bell)
        return -errno;
    channel_sleep(env->channel, false);
    return 0;
}

/* Both outputs of the process go to *ret_write, the end that is not ours. */
static int open_output(struct environment *env, int *ret_write)
{
    int ends[2];
    int r;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    fcntl(ends[0], F_SETFL, O_NONBLOCK); /* of our end alone: a handler that prints much is made to wait */
    r = output_open(&env->output, env->setup.loop, ends[0], on_output_line, env);
    if (r < 0)
        close(ends[1]);
    else
        *ret_write = ends[1];
    return r;
}

/* apigw-host --serve HANDLER; or, wrapped, apigw-host --wrap PID WRAPPER… apigw-host --serve HANDLER. */
static void make_arguments(const struct environment *env, struct words *ret)
{
    const struct words *wrap = &env->setup.function->wrap;

    if (config_function_is_wrapped(env->setup.function)) {
        words_add(ret, mem_strdup("apigw-host"));
        words_add(ret, mem_strdup("--wrap"));
        words_add(ret, mem_printf("%d", (int)getpid()));
        for (size_t i = 0; i < wrap->count; i++)
            words_add(ret, mem_strdup(wrap->items[i]));
    }
    words_add(ret, mem_strdup(ret->count > 0 ? env->setup.host_path : "apigw-host"));
    words_add(ret, mem_strdup("--serve"));
    words_add(ret, mem_strdup(env->setup.function->handler));
}

static int spawn_host(struct environment *env, const struct channel_fds *fds, int output)
{
    CLEANUP(variables_fini) struct variables variables;
    CLEANUP(words_fini) struct words arguments = {0};
    struct process_start start = {
        .program = env->setup.host_path,
        .fds = {-1, output, output, [PROTOCOL_FD_MEMORY] = fds->memory, [PROTOCOL_FD_BELL] = fds->bell,
                [PROTOCOL_FD_PLUGIN] = env->setup.copy->fd},
        .fd_count = PROTOCOL_FD_PLUGIN + 1,
    };

    make_arguments(env, &arguments);
    start.arguments = arguments.items;
    variables_init(&variables, env->setup.config, env->setup.function,
                   &(struct variables_of_environment){env->stream_name, env->setup.provisioned});
    start.variables = variables.items;
    return process_spawn(&start, &env->process);
}

/* A phrase for what failed, or NULL; *ret_error is -errno. */
static const char *start_parts(struct environment *env, int *ret_error)
{
    struct channel_fds fds;
    int output = -1;

    env->again = loop_deferred_new(env->setup.loop, on_again, env);
    if ((*ret_error = open_channel(env, &fds)) < 0)
        return "cannot make a channel";
    if ((*ret_error = open_output(env, &output)) < 0)
        return "cannot make a pipe";
    *ret_error = spawn_host(env, &fds, output);
    close(output);
    if (*ret_error < 0)
        return "cannot run the program";
    env->pid = env->process.pid;
    env->death = loop_watch_new(env->setup.loop, env->process.pidfd, on_death, env);
    if (!env->death) {
        *ret_error = -errno;
        return "cannot watch the process";
    }
    return NULL;
}

/* Another one for each environment. */
static void make_stream_name(char out[STREAM_NAME_SIZE])
{
    char date[CLOCK_ISO_SIZE], uuid[UUID_SIZE], digits[UUID_SIZE];
    size_t count = 0;

    clock_format_iso(clock_wall_ms(), date);
    id_new_uuid(uuid);
    for (size_t i = 0; i < UUID_LEN; i++)
        if (uuid[i] != '-')
            digits[count++] = uuid[i];
    digits[count] = '\0';
    snprintf(out, STREAM_NAME_SIZE, "%.4s/%.2s/%.2s/[$LATEST]%.32s", date, date + 5, date + 8, digits);
}

int environment_start(const struct environment_setup *setup, struct buf *ret_error, struct environment **ret)
{
    struct environment *env = mem_zalloc(sizeof(*env));
    const char *failed;
    int error;

    env->setup = *setup;
    env->started_ns = clock_mono_ns();
    env->process.pidfd = -1;
    env->output.fd = -1;
    env->may_linger = loop_cpus(setup->loop) > 1;
    list_init(&env->link);
    list_init(&env->handed);
    make_stream_name(env->stream_name);
    journal_open(&env->journal, setup->config, setup->function, setup->logs, env->stream_name);
    env->state = ENVIRONMENT_STARTING;
    list_append(&setup->shelves[ENVIRONMENT_STARTING].list, &env->link);
    setup->shelves[ENVIRONMENT_STARTING].count++;
    failed = start_parts(env, &error);
    if (failed) {
        buf_printf(ret_error, "%s (%s): %s", failed, setup->host_path, strerror(-error));
        environment_free(env);
        return -1;
    }
    *ret = env;
    return 0;
}

void environment_free(struct environment *env)
{
    if (!env)
        return;
    assert(list_empty(&env->handed));
    list_remove(&env->link);
    env->setup.shelves[env->state].count--;
    loop_watch_free(env->death);
    process_close(&env->process);
    output_finish(&env->output);
    loop_watch_free(env->bell);
    loop_deferred_free(env->again);
    channel_close(env->channel);
    journal_close(&env->journal);
    buf_fini(&env->in);
    buf_fini(&env->out);
    buf_fini(&env->error_type);
    buf_fini(&env->error_message);
    free(env);
}
