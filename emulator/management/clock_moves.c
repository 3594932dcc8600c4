/* clock_moves.c - /_apigw/clock: reads the clock, and moves it forward.
 *
 *   GET  /_apigw/clock                       {"now":"2026-11-24T09:37:45.859Z","advancedMs":0}
 *   POST /_apigw/clock {"advance":"10m"}     the same, when what became due on the way has happened
 *
 * Moves happen one after another. One goes from deadline to deadline; between two, the loop runs until what was begun
 * by the step has ended, so that a handler is not timed out by the move that started it. */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "management/control_private.h"
#include "management/duration.h"

#define NS_PER_MS 1000000u

/* How long a step waits for what it has begun: in the time of the clock, which stands between two steps. */
#define SETTLE_MS_MAX 2000u
#define SETTLE_POLL_MS 1u

/* Timers that are fired before others have their turn. */
#define STEPS_PER_TURN 256u

/* So far the clock goes in all; beyond, years have more digits than AWS's times have room for. */
#define ADVANCED_MS_MAX (100u * DURATION_MS_MAX)

/* How many invocations had been begun at some moment. */
struct begun {
    uint64_t by_gateway;
    uint64_t by_lambda;
};

/* One move of the clock, and who waits for it. */
struct move {
    struct list link;
    uint64_t left_ms;
    bool begun;
    bool settling;       /* a step was made; what it began may still run */
    struct begun before; /* that step */
    struct begun after;
    uint64_t settle_until_ms;
    struct control_call call; /* its request is gone */
};

/* ---- answers ---- */

static void answer_stopping(const struct control_call *call)
{
    control_answer_message(call, 503, SPAN("the emulator is stopping"));
}

/* Older than the documents with a version, and known to scripts as it is. */
static void answer_clock(const struct control_call *call)
{
    struct management_response answer = {.status = 200, .has_content_type = true};
    struct json_writer w = {.out = &answer.body};

    json_object_begin(&w);
    control_write_time(&w, "now", clock_wall_ms());
    control_write_int(&w, "advancedMs", clock_offset_ns() / NS_PER_MS);
    json_object_end(&w);
    control_send_response(call, &answer);
}

/* ---- moving the clock ---- */

static struct move *current(const struct control *control)
{
    struct list *first = list_first(&control->moves);
    return first ? LIST_ENTRY(first, struct move, link) : NULL;
}

static struct begun count_begun(const struct control *control)
{
    return (struct begun){gateway_invocations(control->setup.gateway), lambda_invocations(control->setup.lambda)};
}

static void begin(struct control *control, struct move *move)
{
    move->begun = true;
    move->after = count_begun(control);
    gateway_sample_pings(control->setup.gateway);
    function_pool_sample(control->setup.pool);
}

/* Does something run that the last step began? */
static bool is_unsettled(const struct control *control, const struct move *move)
{
    return clock_mono_ms() < move->settle_until_ms &&
           (gateway_is_busy_with(control->setup.gateway, move->before.by_gateway, move->after.by_gateway) ||
            lambda_is_busy_with(control->setup.lambda, move->before.by_lambda, move->after.by_lambda) ||
            function_pool_is_ending(control->setup.pool));
}

static void step(struct control *control, struct move *move)
{
    loop_timer_stop(control->poll);
    move->before = move->after; /* done, or waited for long enough */
    move->left_ms = loop_advance_step(control->setup.loop, move->left_ms);
    move->after = count_begun(control);
    move->settle_until_ms = clock_mono_ms() + SETTLE_MS_MAX;
    move->settling = true;
}

static void finish(struct control *control, struct move *move)
{
    list_remove(&move->link);
    answer_clock(&move->call);
    free(move);
    if (current(control))
        loop_deferred_start(control->deferred);
}

/* Makes steps until one has begun something, or enough for a turn. */
static void go_on(void *arg)
{
    struct control *control = arg;
    struct move *move = current(control);

    if (!move)
        return;
    if (!move->begun)
        begin(control, move);
    for (unsigned i = 0; i < STEPS_PER_TURN; i++) {
        if (move->settling && is_unsettled(control, move)) {
            loop_timer_start(control->poll, SETTLE_POLL_MS);
            return;
        }
        if (move->settling && move->left_ms == 0) {
            finish(control, move);
            return;
        }
        step(control, move);
    }
    loop_deferred_start(control->deferred);
}

/* The next step fires timers, which this one's own callback should not. */
static void on_poll(void *arg)
{
    loop_deferred_start(((struct control *)arg)->deferred);
}

/* ---- requests ---- */

/* The number of milliseconds of "advance", or a text with a unit. -1: neither. */
static int read_advance(struct json_value value, uint64_t *ret_ms)
{
    struct span text;
    int64_t ms;

    if (value.type == JSON_STRING && json_string_plain(value, &text))
        return duration_parse(text, ret_ms);
    if (value.type != JSON_NUMBER || json_int_value(value, &ms) < 0 || ms < 0 || (uint64_t)ms > DURATION_MS_MAX)
        return -1;
    *ret_ms = (uint64_t)ms;
    return 0;
}

/* NULL, or what is wrong with the request. */
static const char *read_move(struct span body, uint64_t *ret_ms)
{
    struct json_value root, advance;
    struct json_error error;

    if (json_parse(body, &root, &error) < 0 || root.type != JSON_OBJECT)
        return "the body must be an object such as {\"advance\":\"10m\"}";
    if (!json_get(root, SPAN("advance"), &advance))
        return "\"advance\" is missing, as in {\"advance\":\"10m\"}";
    if (read_advance(advance, ret_ms) < 0)
        return "\"advance\" is a number of milliseconds, or a text such as \"500ms\", \"30s\", \"1.5m\", \"2h\" or "
               "\"1d\": a year at most, and the clock only goes forward";
    if (clock_offset_ns() / NS_PER_MS + *ret_ms > ADVANCED_MS_MAX)
        return "the clock can be moved by a hundred years in all";
    return NULL;
}

void control_get_clock(const struct control_call *call)
{
    answer_clock(call);
}

void control_post_clock(const struct control_call *call)
{
    struct control *control = call->control;
    uint64_t ms = 0;
    const char *wrong = read_move(call->request->body, &ms);
    struct move *move;

    if (control->stopped) {
        answer_stopping(call);
        return;
    }
    if (wrong) {
        control_answer_message(call, 400, span_of_str(wrong));
        return;
    }
    log_info(LOG_NET, "the clock is moved forward by %llu ms", (unsigned long long)ms);
    move = mem_zalloc(sizeof(*move));
    move->left_ms = ms;
    move->call = *call;
    move->call.request = NULL;
    list_append(&control->moves, &move->link);
    loop_deferred_start(control->deferred);
}

/* ---- life ---- */

void clock_moves_init(struct control *control)
{
    list_init(&control->moves);
    control->deferred = loop_deferred_new(control->setup.loop, go_on, control);
    control->poll = loop_timer_new(control->setup.loop, on_poll, control);
}

void clock_moves_stop(struct control *control)
{
    struct move *move;

    while ((move = current(control))) {
        list_remove(&move->link);
        answer_stopping(&move->call);
        free(move);
    }
}

void clock_moves_fini(struct control *control)
{
    loop_deferred_free(control->deferred);
    loop_timer_free(control->poll);
}
