/* test_host.c - the real apigw-host, driven over a channel as the emulator drives it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <apigw/plugin.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "function/channel.h"
#include "function/protocol.h"

#define HOST_PATH TEST_BUILD_DIR "/apigw-host"
#define SUITE TEST_BUILD_DIR "/tests/plugins/handler_suite.so"
#define DEADLINE_MS 20000
#define FD_SAFE 20 /* over the numbers that the child gets */

extern char **environ;

/* One host and the gateway's end of its channel. */
struct host {
    struct channel *channel;
    pid_t pid;
    int output; /* memory file behind the host's descriptors 1 and 2 */
    struct buf in;
    uint64_t sequence;
};

/* A frame that came, copied out. */
struct frame {
    uint32_t type;
    struct buf bytes;
};

static void frame_fini_ptr(struct frame *f)
{
    buf_fini(&f->bytes);
}

/* ---- the process ---- */

static int safe_fd(int fd)
{
    int high = fcntl(fd, F_DUPFD_CLOEXEC, FD_SAFE);
    assert_true(high >= FD_SAFE);
    close(fd);
    return high;
}

static pid_t spawn(const char *const *argv, const int *fds, size_t count)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;

    posix_spawn_file_actions_init(&actions);
    for (size_t i = 0; i < count; i++)
        if (fds[i] >= 0)
            posix_spawn_file_actions_adddup2(&actions, fds[i], (int)i);
    assert_int_equal(posix_spawn(&pid, HOST_PATH, &actions, NULL, (char *const *)(uintptr_t)argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

static struct host host_start(const char *plugin_path, const char *handler)
{
    struct host h = {.output = safe_fd(memfd_create("output", MFD_CLOEXEC))};
    const char *argv[] = {"apigw-host", "--serve", handler, NULL};
    struct channel_fds fds;
    int plugin = open(plugin_path, O_RDONLY | O_CLOEXEC);

    assert_true(plugin >= 0);
    plugin = safe_fd(plugin);
    assert_int_equal(channel_create(&fds), 0);
    fds.memory = safe_fd(fds.memory);
    fds.bell = safe_fd(fds.bell);
    h.pid = spawn(argv, (int[]){-1, h.output, h.output, fds.memory, fds.bell, plugin}, 6);
    close(plugin);
    assert_int_equal(channel_open(&fds, CHANNEL_GATEWAY, &h.channel), 0);
    return h;
}

/* Waits for the process's end; returns its wait status. */
static int host_wait(struct host *h)
{
    int status = -1;
    assert_int_equal(waitpid(h->pid, &status, 0), h->pid);
    h->pid = 0;
    return status;
}

static void host_fini_ptr(struct host *h)
{
    if (h->pid > 0) {
        kill(h->pid, SIGKILL);
        host_wait(h);
    }
    channel_close(h->channel);
    close(h->output);
    buf_fini(&h->in);
}

/* What went to descriptors 1 and 2. */
static bool output_contains(struct host *h, const char *text)
{
    char bytes[65536];
    ssize_t n = pread(h->output, bytes, sizeof(bytes), 0);
    return n > 0 && memmem(bytes, (size_t)n, text, strlen(text)) != NULL;
}

/* ---- frames ---- */

/* Sleeps until the host has done something. False: it has ended, or nothing came in time. */
static bool host_listen(struct host *h, bool want_room)
{
    struct pollfd bell = {channel_bell_fd(h->channel), POLLIN, 0};
    siginfo_t info = {0};

    channel_flush(h->channel);
    if (!channel_sleep(h->channel, want_room))
        return true;
    for (int waited = 0; waited < DEADLINE_MS; waited += 20) {
        if (poll(&bell, 1, 20) > 0) {
            channel_wake(h->channel);
            return true;
        }
        /* What it wrote before it ended is still there. */
        if (waitid(P_PID, (id_t)h->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid)
            return !channel_sleep(h->channel, want_room);
    }
    return false;
}

static void host_send(struct host *h, uint32_t type, struct span bytes)
{
    CLEANUP(buf_fini) struct buf frame = {0};
    struct protocol_frame head = {type, (uint32_t)bytes.len};
    struct span left;

    buf_append(&frame, span_of((char *)&head, sizeof(head)));
    buf_append(&frame, bytes);
    for (left = buf_span(&frame); left.len;) {
        int64_t n = channel_write(h->channel, left);
        assert_true(n >= 0);
        left = span_from(left, (size_t)n);
        if (left.len)
            assert_true(host_listen(h, true));
    }
    channel_flush(h->channel);
}

/* Takes the next frame out of what has arrived. */
static bool host_take(struct host *h, struct frame *ret)
{
    struct protocol_frame head;
    int64_t n;

    do {
        n = channel_read(h->channel, buf_reserve(&h->in, 65536), 65536);
        assert_true(n >= 0);
        h->in.len += (size_t)n;
    } while (n > 0);
    if (h->in.len < sizeof(head))
        return false;
    memcpy(&head, h->in.ptr, sizeof(head));
    assert_true(head.size <= PROTOCOL_FRAME_MAX);
    if (h->in.len < sizeof(head) + head.size)
        return false;
    *ret = (struct frame){.type = head.type};
    buf_append(&ret->bytes, span_of(h->in.ptr + sizeof(head), head.size));
    buf_consume(&h->in, sizeof(head) + head.size);
    return true;
}

static bool host_next(struct host *h, struct frame *ret)
{
    while (!host_take(h, ret))
        if (!host_listen(h, false))
            return false;
    return true;
}

/* The next frame, which must be of this type and has at least the struct that is copied to `ret`. Log lines that come
 * before it are appended to `lines`, each as "level sequence text\n". */
static struct frame expect(struct host *h, uint32_t type, void *ret, size_t size, struct buf *lines)
{
    struct frame f = {0};

    for (;;) {
        struct protocol_log log;
        assert_true(host_next(h, &f));
        if (f.type == PROTOCOL_STARTED && type != PROTOCOL_STARTED) {
            buf_fini(&f.bytes);
            continue;
        }
        if (f.type != PROTOCOL_LOG || type == PROTOCOL_LOG)
            break;
        assert_true(f.bytes.len >= sizeof(log));
        memcpy(&log, f.bytes.ptr, sizeof(log));
        assert_int_equal(f.bytes.len, sizeof(log) + log.line_len);
        if (lines)
            buf_printf(lines, "%d %llu %.*s\n", log.level, (unsigned long long)log.sequence, (int)log.line_len,
                       f.bytes.ptr + sizeof(log));
        buf_fini(&f.bytes);
    }
    if (f.type != type)
        fail_msg("a frame of type %u came, not of type %u", f.type, type);
    assert_true(f.bytes.len >= size);
    memcpy(ret, f.bytes.ptr, size);
    return f;
}

static struct host host_start_ready(const char *handler)
{
    struct host h = host_start(SUITE, handler);
    struct protocol_ready ready;
    CLEANUP(frame_fini) struct frame f = expect(&h, PROTOCOL_READY, &ready, sizeof(ready), NULL);

    assert_int_equal(f.bytes.len, sizeof(ready));
    assert_int_equal(ready.version, PROTOCOL_VERSION);
    assert_true(ready.usage.duration_ns > 0);
    assert_in_range(ready.usage.memory_max_kb, 512, 1024 * 1024);
    return h;
}

static struct span default_field(enum protocol_field field)
{
    static const char *const texts[FIELD_COUNT] = {
        [FIELD_AWS_REQUEST_ID] = "11111111-2222-3333-4444-555555555555",
        [FIELD_CONNECTION_ID] = "L0SM9cOFvHcCIhw=",
        [FIELD_ROUTE_KEY] = "$default",
        [FIELD_EVENT_HEAD] = "{\"body\":\"",
        [FIELD_EVENT_TAIL] = "\"}",
    };
    return span_of_str(texts[field]);
}

/* Hands over a message event; returns its sequence. The slot follows from it. */
static uint64_t invoke_as(struct host *h, uint32_t type, struct span head, struct span body)
{
    CLEANUP(buf_fini) struct buf bytes = {0};
    struct protocol_invoke p = {.sequence = ++h->sequence, .timeout_ms = 3000, .event_type = type};
    struct span fields[FIELD_COUNT];

    p.slot = (uint32_t)(p.sequence % CHANNEL_SLOTS);
    for (size_t i = 0; i < FIELD_COUNT; i++)
        fields[i] = i == FIELD_BODY                     ? body
                    : i == FIELD_EVENT_HEAD && head.len ? head
                    : i == FIELD_EVENT_TAIL && head.len ? span_of(NULL, 0)
                                                        : default_field((enum protocol_field)i);
    for (size_t i = 0; i < FIELD_COUNT; i++)
        p.field_len[i] = (uint32_t)fields[i].len;
    buf_append(&bytes, span_of((char *)&p, sizeof(p)));
    for (size_t i = 0; i < FIELD_COUNT; i++)
        buf_append(&bytes, fields[i]);
    channel_slot_offer(h->channel, p.slot);
    host_send(h, PROTOCOL_INVOKE, buf_span(&bytes));
    return p.sequence;
}

static uint64_t invoke(struct host *h, struct span body)
{
    return invoke_as(h, APIGW_MESSAGE, span_of(NULL, 0), body);
}

/* Waits for a typed answer and checks status and body. */
static void expect_body(struct host *h, uint64_t sequence, struct span body, struct buf *lines)
{
    struct protocol_result r;
    CLEANUP(frame_fini) struct frame f = expect(h, PROTOCOL_RESULT, &r, sizeof(r), lines);

    assert_int_equal(r.sequence, sequence);
    assert_int_equal(r.status_code, 200);
    assert_int_equal(r.body_len, body.len);
    assert_int_equal(f.bytes.len, sizeof(r) + body.len);
    if (body.len)
        assert_memory_equal(f.bytes.ptr + sizeof(r), body.ptr, body.len);
}

static void expect_error(struct host *h, uint32_t frame_type, uint64_t sequence, const char *type, const char *message)
{
    struct protocol_error e;
    CLEANUP(frame_fini) struct frame f = expect(h, frame_type, &e, sizeof(e), NULL);
    const char *type_at = f.bytes.ptr + sizeof(e);

    assert_int_equal(e.sequence, sequence);
    assert_int_equal(f.bytes.len, sizeof(e) + e.type_len + e.message_len);
    assert_true(span_equal(span_of(type_at, e.type_len), span_of_str(type)));
    if (!span_equal(span_of(type_at + e.type_len, e.message_len), span_of_str(message)))
        fail_msg("the message is: %.*s", (int)e.message_len, type_at + e.type_len);
}

/* ---- starting ---- */

static void a_plugin_that_does_not_fit_is_refused_with_one_sentence_each(void **state)
{
    static const struct {
        const char *file, *handler, *type, *message;
    } cases[] = {
        {"wrong_magic", "x", "Runtime.ImportModuleError",
         "exports apigw_plugin, but it does not begin with APIGW_PLUGIN_MAGIC; define it with APIGW_PLUGIN"},
        {"newer_abi", "newer_abi", "Runtime.ImportModuleError",
         "built for plugin ABI 1.3, this emulator speaks 1.2; update apigw, or rebuild the plugin with this SDK"},
        {"other_major", "other_major", "Runtime.ImportModuleError",
         "built for plugin ABI 2.2, this emulator speaks 1.2; rebuild it with this SDK"},
        {"short_struct", "short_struct", "Runtime.ImportModuleError",
         "its apigw_plugin says that it has 40 bytes, ABI 1.2 needs 64; define it with APIGW_PLUGIN"},
        {"no_symbol", "x", "Runtime.ImportModuleError",
         "exports no datum named apigw_plugin; define it with APIGW_PLUGIN and do not hide it"},
        {"no_handlers", "x", "Runtime.ImportModuleError", "it has no handlers; name them in APIGW_PLUGIN"},
        {"null_handler", "null_handler", "Runtime.ImportModuleError", "its handler \"null_handler\" has no function"},
        {"init_fails", "init_fials", "Runtime.HandlerNotFound",
         "no handler is named \"init_fials\"; there is \"init_fails\""},
        {"init_fails", "init_fails", "Runtime.InitError", "init returned 7"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char path[512];
        snprintf(path, sizeof(path), TEST_BUILD_DIR "/tests/plugins/%s.so", cases[i].file);
        CLEANUP(host_fini) struct host h = host_start(path, cases[i].handler);
        expect_error(&h, PROTOCOL_INIT_FAILED, 0, cases[i].type, cases[i].message);
        assert_int_equal(host_wait(&h), W_EXITCODE(1, 0));
    }
}

/* To its end the host sends log lines alone. The first begins with `start`; NULL: there is none. */
static void expect_report(struct host *h, uint64_t sequence, const char *start)
{
    bool first = true;

    for (;;) {
        CLEANUP(frame_fini) struct frame f = {0};
        struct protocol_log log;
        if (!host_next(h, &f))
            break;
        assert_int_equal(f.type, PROTOCOL_LOG);
        memcpy(&log, f.bytes.ptr, sizeof(log));
        assert_int_equal(log.sequence, sequence);
        assert_non_null(start);
        if (first)
            assert_memory_equal(f.bytes.ptr + sizeof(log), start, strlen(start));
        first = false;
    }
    assert_int_equal(first, start == NULL);
}

static void an_init_that_calls_fail_says_what_it_wants_to(void **state)
{
    setenv("INIT_MESSAGE", "no table", 1);
    CLEANUP(host_fini) struct host h = host_start(TEST_BUILD_DIR "/tests/plugins/init_fails.so", "init_fails");
    unsetenv("INIT_MESSAGE");
    expect_error(&h, PROTOCOL_INIT_FAILED, 0, "InitFails", "no table");
}

static void an_init_that_crashes_ends_the_process_by_its_signal(void **state)
{
    CLEANUP(host_fini) struct host h = host_start(TEST_BUILD_DIR "/tests/plugins/init_crashes.so", "init_crashes");

    CLEANUP(frame_fini) struct frame f = {0};

    assert_true(host_next(&h, &f));
    assert_int_equal(f.type, PROTOCOL_STARTED);
    expect_report(&h, 0, "signal: segmentation fault");
    assert_int_equal(host_wait(&h) & ~0x80, W_EXITCODE(0, SIGSEGV)); /* with or without a core */
}

static void a_file_that_is_no_plugin_is_refused(void **state)
{
    CLEANUP(host_fini) struct host h = host_start("/etc/passwd", "x");
    expect_error(&h, PROTOCOL_INIT_FAILED, 0, "Runtime.ImportModuleError",
                 "not a shared object, nor any ELF file; build the plugin with: cc -shared -fPIC");
}

/* A copy of the suite with `size` bytes at `offset` set to `byte`, cut at `length`. */
static int damaged_suite(off_t offset, size_t size, char byte, off_t length)
{
    int fd = memfd_create("damaged", MFD_CLOEXEC), from = open(SUITE, O_RDONLY | O_CLOEXEC);
    CLEANUP(free) char *bytes = mem_alloc(8u << 20);
    ssize_t n = read(from, bytes, 8u << 20);

    assert_true(n > 0 && n < (ssize_t)(8u << 20));
    for (size_t i = 0; i < size && offset + (off_t)i < n; i++)
        bytes[offset + (off_t)i] = byte;
    assert_int_equal(write(fd, bytes, (size_t)n), n);
    assert_int_equal(ftruncate(fd, length < n ? length : n), 0);
    close(from);
    return fd;
}

/* Runs `--handlers` on it; returns the wait status. */
static int list_handlers(const char *path, struct buf *ret_output)
{
    const char *argv[] = {"apigw-host", "--handlers", path, NULL};
    int output = safe_fd(memfd_create("output", MFD_CLOEXEC)), status;
    char bytes[8192];
    ssize_t n;
    pid_t pid = spawn(argv, (int[]){-1, output, output}, 3);

    assert_int_equal(waitpid(pid, &status, 0), pid);
    n = pread(output, bytes, sizeof(bytes), 0);
    buf_append(ret_output, span_of(bytes, n > 0 ? (size_t)n : 0));
    buf_terminate(ret_output);
    close(output);
    return status;
}

static void a_damaged_file_is_refused_before_its_code_runs(void **state)
{
    /* clang-format off */
    static const struct { off_t offset; size_t size; char byte; off_t length; } damages[] = {
        {0, 0, 0, 0},              /* empty */
        {0, 0, 0, 3},              /* not even a magic number */
        {0, 0, 0, 63},             /* an incomplete head */
        {0, 0, 0, 64},             /* a head alone */
        {0, 0, 0, 4096},           /* no section table */
        {4, 1, 1, 1 << 30},        /* 32 bits */
        {18, 2, 0x7f, 1 << 30},    /* another machine */
        {40, 8, (char)0xff, 1 << 30}, /* the section table is nowhere */
        {40, 8, 1, 1 << 30},       /* far behind the end */
        {60, 2, (char)0xff, 1 << 30}, /* e_shnum */
        {58, 2, 3, 1 << 30},       /* e_shentsize */
    };
    /* clang-format on */

    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        CLEANUP(buf_fini) struct buf output = {0};
        char path[64];
        int fd = damaged_suite(damages[i].offset, damages[i].size, damages[i].byte, damages[i].length);
        int status;

        snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fd);
        status = list_handlers(path, &output);
        /* Where the damaged part is none that finding the symbol needs, listing is right too. */
        if (status != W_EXITCODE(1, 0) && !(i == 9 && status == 0))
            fail_msg("damage %zu: status %x, %s", i, status, output.ptr);
        assert_non_null(strchr(output.ptr, '\n'));
        close(fd);
    }
}

static void the_handlers_of_a_plugin_are_listed_one_a_line(void **state)
{
    CLEANUP(buf_fini) struct buf output = {0};

    assert_int_equal(list_handlers(SUITE, &output), 0);
    assert_int_equal(strncmp(output.ptr, "echo\ncrash\nabort\n", 17), 0);
    assert_non_null(strstr(output.ptr, "\nrequest_id\n"));
}

static void listing_a_plugin_that_does_not_fit_says_why(void **state)
{
    CLEANUP(buf_fini) struct buf output = {0};

    assert_int_equal(list_handlers(TEST_BUILD_DIR "/tests/plugins/newer_abi.so", &output), W_EXITCODE(1, 0));
    assert_string_equal(output.ptr, "built for plugin ABI 1.3, this emulator speaks 1.2; update apigw, or rebuild the "
                                    "plugin with this SDK\n");
}

static void started_by_hand_it_says_what_it_is(void **state)
{
    const char *argv[] = {"apigw-host", NULL};
    int output = safe_fd(memfd_create("output", MFD_CLOEXEC)), status;
    char bytes[512] = "";
    pid_t pid = spawn(argv, (int[]){-1, output, output}, 3);

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, W_EXITCODE(2, 0));
    assert_true(pread(output, bytes, sizeof(bytes) - 1, 0) > 0);
    assert_non_null(strstr(bytes, "apigw-host runs the handlers of apigw"));
    close(output);
}

static void it_dies_with_the_process_that_made_its_channel(void **state)
{
    pid_t parent = fork();
    int status, pipe_ends[2];
    char byte;

    if (parent == 0)
        _exit(0);
    assert_int_equal(waitpid(parent, &status, 0), parent);

    /* The channel names a process that has ended already: the host must not wait for it. */
    struct channel_fds fds;
    int plugin = safe_fd(open(SUITE, O_RDONLY | O_CLOEXEC));
    const char *argv[] = {"apigw-host", "--serve", "echo", NULL};
    int32_t gone = parent;
    assert_int_equal(pipe2(pipe_ends, O_CLOEXEC), 0);
    assert_int_equal(channel_create(&fds), 0);
    assert_int_equal(pwrite(fds.memory, &gone, sizeof(gone), 16), sizeof(gone));
    fds.memory = safe_fd(fds.memory);
    fds.bell = safe_fd(fds.bell);
    pid_t pid = spawn(argv, (int[]){-1, -1, pipe_ends[1], fds.memory, fds.bell, plugin}, 6);
    close(pipe_ends[1]);
    assert_int_equal(read(pipe_ends[0], &byte, 1), 0); /* its end, without a word */
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, W_EXITCODE(1, 0));
    close(pipe_ends[0]);
    close(fds.memory);
    close(fds.bell);
    close(plugin);
}

/* ---- answering ---- */

static void an_echo_answers_with_the_exact_bytes(void **state)
{
    CLEANUP(host_fini) struct host h = host_start_ready("echo");

    expect_body(&h, invoke(&h, SPAN("hello")), SPAN("hello"), NULL);
    expect_body(&h, invoke(&h, SPAN("\xc3\xa4\0\n\"")), SPAN("\xc3\xa4\0\n\""), NULL);
    expect_body(&h, invoke(&h, SPAN("")), SPAN(""), NULL);
}

static void an_empty_message_is_a_body_and_no_message_is_none(void **state)
{
    CLEANUP(host_fini) struct host h = host_start_ready("echo");
    struct protocol_result r;
    static const uint32_t types[] = {APIGW_MESSAGE, APIGW_CONNECT};

    for (size_t i = 0; i < 2; i++) {
        invoke_as(&h, types[i], SPAN("{}"), SPAN(""));
        CLEANUP(frame_fini) struct frame f = expect(&h, PROTOCOL_RESULT, &r, sizeof(r), NULL);
        assert_int_equal(r.has_body, types[i] == APIGW_MESSAGE);
    }
}

static void a_body_larger_than_the_ring_comes_back_whole(void **state)
{
    CLEANUP(host_fini) struct host h = host_start_ready("echo");
    size_t size = 5 * CHANNEL_RING_BYTES + 17;
    CLEANUP(free) char *bytes = mem_alloc(size);

    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    expect_body(&h, invoke(&h, span_of(bytes, size)), span_of(bytes, size), NULL);
}

static void a_result_of_lambdas_limit_passes_and_one_byte_more_does_not(void **state)
{
    CLEANUP(host_fini) struct host h = host_start_ready("big");
    struct protocol_result r;
    uint64_t sequence = invoke(&h, SPAN("6291556"));
    CLEANUP(frame_fini) struct frame f = expect(&h, PROTOCOL_RESULT, &r, sizeof(r), NULL);

    assert_int_equal(r.sequence, sequence);
    assert_int_equal(r.body_len, PROTOCOL_PAYLOAD_MAX);
    sequence = invoke(&h, SPAN("6291557"));
    expect_error(&h, PROTOCOL_ERROR, sequence, "Function.ResponseSizeTooLarge",
                 "Response payload size exceeded maximum allowed payload size (6291556 bytes).");
}

static void a_raw_result_and_none_at_all_come_as_json(void **state)
{
    static const struct {
        const char *handler, *json;
    } cases[] = {{"respond_json", "{\"statusCode\":200}"}, {"respond_none", "null"}};

    for (size_t i = 0; i < 2; i++) {
        CLEANUP(host_fini) struct host h = host_start_ready(cases[i].handler);
        struct protocol_result_json r;
        uint64_t sequence = invoke(&h, span_of_str(cases[i].json));
        CLEANUP(frame_fini) struct frame f = expect(&h, PROTOCOL_RESULT_JSON, &r, sizeof(r), NULL);
        assert_int_equal(r.sequence, sequence);
        assert_int_equal(f.bytes.len, sizeof(r) + r.json_len);
        assert_true(span_equal(span_of(f.bytes.ptr + sizeof(r), r.json_len), span_of_str(cases[i].json)));
    }
}

static void status_and_headers_are_passed_on(void **state)
{
    CLEANUP(host_fini) struct host h = host_start_ready("status");
    struct protocol_result r;
    uint32_t lens[2];

    invoke_as(&h, APIGW_CONNECT, SPAN("{\"queryStringParameters\":{\"protocol\":\"soap\",\"status\":\"403\"}}"),
              SPAN(""));
    CLEANUP(frame_fini) struct frame f = expect(&h, PROTOCOL_RESULT, &r, sizeof(r), NULL);
    assert_int_equal(r.status_code, 403);
    assert_int_equal(r.header_count, 1);
    assert_int_equal(r.has_body, 1);
    memcpy(lens, f.bytes.ptr + sizeof(r) + r.body_len, sizeof(lens));
    assert_int_equal(lens[0], strlen("Sec-WebSocket-Protocol"));
    assert_int_equal(lens[1], 4);
    assert_memory_equal(f.bytes.ptr + sizeof(r) + r.body_len + 8, "Sec-WebSocket-Protocolsoap", 26);
    assert_int_equal(f.bytes.len, sizeof(r) + r.body_len + 8 + 26);
}

static void the_event_is_its_head_the_escaped_body_and_its_tail(void **state)
{
    CLEANUP(host_fini) struct host h = host_start_ready("event");

    expect_body(&h, invoke(&h, SPAN("say \"hi\"\n")), SPAN("{\"body\":\"say \\\"hi\\\"\\n\"}"), NULL);
    expect_body(&h, invoke(&h, SPAN("again")), SPAN("{\"body\":\"again\"}"), NULL);
}

static void a_failing_handler_is_an_error_and_the_environment_lives_on(void **state)
{
    CLEANUP(host_fini) struct host failing = host_start_ready("fail");
    CLEANUP(host_fini) struct host nonzero = host_start_ready("error");

    for (int i = 0; i < 2; i++) {
        expect_error(&failing, PROTOCOL_ERROR, invoke(&failing, SPAN("no luck")), "SuiteError", "no luck");
        expect_error(&nonzero, PROTOCOL_ERROR, invoke(&nonzero, SPAN("")), "Runtime.HandlerError",
                     "handler returned 1");
    }
}

static void globals_survive_from_one_invocation_to_the_next(void **state)
{
    CLEANUP(host_fini) struct host h = host_start_ready("pid");

    for (int i = 1; i <= 3; i++) {
        char expected[64];
        snprintf(expected, sizeof(expected), "{\"pid\":%d,\"count\":%d}", h.pid, i);
        expect_body(&h, invoke(&h, SPAN("")), span_of_str(expected), NULL);
    }
}

static void the_context_tells_function_memory_request_and_what_init_left(void **state)
{
    setenv("AWS_LAMBDA_FUNCTION_NAME", "chat", 1);
    setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256", 1);
    CLEANUP(host_fini) struct host h = host_start_ready("context");
    CLEANUP(host_fini) struct host id = host_start_ready("request_id");

    expect_body(&h, invoke(&h, SPAN("")), SPAN("{\"functionName\":\"chat\",\"memory\":256,\"user\":42}"), NULL);
    expect_body(&id, invoke(&id, SPAN("")), default_field(FIELD_AWS_REQUEST_ID), NULL);
}

static void remaining_time_is_at_most_the_timeout(void **state)
{
    CLEANUP(host_fini) struct host h = host_start_ready("remaining");
    struct protocol_result r;

    invoke(&h, SPAN(""));
    CLEANUP(frame_fini) struct frame f = expect(&h, PROTOCOL_RESULT, &r, sizeof(r), NULL);
    buf_terminate(&f.bytes);
    assert_in_range(strtol(f.bytes.ptr + sizeof(r), NULL, 10), 1, 3000);
}

/* ---- several at once ---- */

static void invocations_handed_over_together_are_answered_in_order(void **state)
{
    CLEANUP(host_fini) struct host h = host_start_ready("echo");
    uint64_t first = h.sequence + 1;

    for (unsigned i = 0; i < CHANNEL_SLOTS; i++)
        invoke(&h, SPAN("x"));
    for (unsigned i = 0; i < CHANNEL_SLOTS; i++)
        expect_body(&h, first + i, SPAN("x"), NULL);
}

static void an_invocation_that_was_taken_back_does_not_run(void **state)
{
    CLEANUP(host_fini) struct host h = host_start_ready("post_self");
    struct protocol_call call;
    struct protocol_call_result ok = {0};
    uint64_t running = invoke(&h, SPAN("a")), second, third;

    /* While the first waits for its call, the second can be taken back. */
    CLEANUP(frame_fini) struct frame f = expect(&h, PROTOCOL_CALL, &call, sizeof(call), NULL);
    second = invoke(&h, SPAN("b"));
    third = invoke(&h, SPAN("c"));
    assert_true(channel_slot_revoke(h.channel, (unsigned)(second % CHANNEL_SLOTS)));
    assert_false(channel_slot_revoke(h.channel, (unsigned)(running % CHANNEL_SLOTS)));
    host_send(&h, PROTOCOL_CALL_RESULT, span_of((char *)&ok, sizeof(ok)));
    expect_body(&h, running, SPAN("0"), NULL);
    CLEANUP(frame_fini) struct frame g = expect(&h, PROTOCOL_CALL, &call, sizeof(call), NULL);
    assert_memory_equal(g.bytes.ptr + g.bytes.len - 1, "c", 1);
    host_send(&h, PROTOCOL_CALL_RESULT, span_of((char *)&ok, sizeof(ok)));
    expect_body(&h, third, SPAN("0"), NULL);
}

/* ---- calls ---- */

static void a_post_travels_to_the_gateway_and_its_outcome_back(void **state)
{
    CLEANUP(host_fini) struct host h = host_start_ready("post");
    struct protocol_call call;
    struct protocol_call_result gone = {.result = APIGW_GONE};
    uint64_t sequence = invoke(&h, SPAN("{\"to\":\"abc=\",\"data\":\"hello\"}"));
    CLEANUP(frame_fini) struct frame f = expect(&h, PROTOCOL_CALL, &call, sizeof(call), NULL);

    assert_int_equal(call.op, CALL_POST);
    assert_int_equal(call.id_len, 4);
    assert_int_equal(call.data_len, 5);
    assert_int_equal(f.bytes.len, sizeof(call) + 9);
    assert_memory_equal(f.bytes.ptr + sizeof(call), "abc=hello", 9);
    host_send(&h, PROTOCOL_CALL_RESULT, span_of((char *)&gone, sizeof(gone)));
    expect_body(&h, sequence, SPAN("-410"), NULL);
}

/* Takes the frame of a broadcast and answers it: `result` to the first of its posts, APIGW_OK to the others. */
static uint32_t answer_posts(struct host *h, const char *ids, int32_t result)
{
    struct protocol_call call;
    CLEANUP(frame_fini) struct frame f = expect(h, PROTOCOL_CALL, &call, sizeof(call), NULL);
    CLEANUP(buf_fini) struct buf answer = {0}, ids_text = {0};
    struct protocol_call_result head = {.result = APIGW_OK, .post_count = call.id_count};
    const char *at = f.bytes.ptr + sizeof(call);

    assert_int_equal(call.op, CALL_POST_ALL);
    assert_int_equal(f.bytes.len, sizeof(call) + call.id_len + call.data_len);
    assert_memory_equal(at + call.id_len, "hello", 5);
    buf_append(&answer, span_of((char *)&head, sizeof(head)));
    for (uint32_t i = 0; i < call.id_count; i++) {
        const int32_t each = i == 0 ? result : APIGW_OK;
        uint32_t len;

        memcpy(&len, at, sizeof(len));
        buf_append(&ids_text, span_of(at + sizeof(len), len));
        at += sizeof(len) + len;
        buf_append(&answer, span_of((const char *)&each, sizeof(each)));
    }
    if (ids)
        assert_true(span_equal(buf_span(&ids_text), span_of_str(ids)));
    host_send(h, PROTOCOL_CALL_RESULT, buf_span(&answer));
    return call.id_count;
}

static void a_broadcast_asks_once_for_those_that_can_be_ids_and_has_the_result_of_each(void **state)
{
    CLEANUP(host_fini) struct host h = host_start_ready("post_all");
    uint64_t sequence = invoke(&h, SPAN("a=,bcd=,null,e=,long"));

    assert_int_equal(answer_posts(&h, "a=bcd=", APIGW_GONE), 2);
    assert_int_equal(answer_posts(&h, "e=", APIGW_OK), 1);
    expect_body(&h, sequence, SPAN("2: -410 0 -400 0 -400"), NULL);
    expect_body(&h, invoke(&h, SPAN("")), SPAN("0:"), NULL); /* and nobody was asked */
}

static void a_broadcast_to_many_goes_in_frames_that_the_gateway_takes(void **state)
{
    CLEANUP(host_fini) struct host h = host_start_ready("post_all");
    CLEANUP(buf_fini) struct buf body = {0}, expected = {0};
    uint64_t sequence;

    buf_append_str(&expected, "298:");
    for (unsigned i = 0; i < 300; i++) {
        buf_append_str(&body, i ? ",x=" : "x=");
        buf_append_str(&expected, i == 0 || i == PROTOCOL_POSTS_MAX ? " -410" : " 0");
    }
    sequence = invoke(&h, buf_span(&body));
    assert_int_equal(answer_posts(&h, NULL, APIGW_GONE), PROTOCOL_POSTS_MAX);
    assert_int_equal(answer_posts(&h, NULL, APIGW_GONE), PROTOCOL_POSTS_MAX);
    assert_int_equal(answer_posts(&h, NULL, APIGW_OK), 300 - 2 * PROTOCOL_POSTS_MAX);
    expect_body(&h, sequence, buf_span(&expected), NULL);
}

static void a_broadcast_that_was_answered_wrongly_failed(void **state)
{
    CLEANUP(host_fini) struct host h = host_start_ready("post_all");
    struct protocol_call_result one = {.result = APIGW_OK, .post_count = 1};
    struct protocol_call call;
    uint64_t sequence = invoke(&h, SPAN("a=,b="));
    CLEANUP(frame_fini) struct frame f = expect(&h, PROTOCOL_CALL, &call, sizeof(call), NULL);

    host_send(&h, PROTOCOL_CALL_RESULT, span_of((char *)&one, sizeof(one)));
    expect_body(&h, sequence, SPAN("0: -500 -500"), NULL);
}

static void a_post_that_no_frame_can_hold_is_too_large_at_once(void **state)
{
    CLEANUP(host_fini) struct host h = host_start_ready("big_post");
    expect_body(&h, invoke(&h, SPAN("7000000")), SPAN("-413"), NULL);
}

static void an_overlong_connection_id_is_a_bad_request_at_once(void **state)
{
    CLEANUP(host_fini) struct host h = host_start_ready("delete");
    char id[1025];

    memset(id, 'i', sizeof(id));
    expect_body(&h, invoke(&h, span_of(id, sizeof(id))), SPAN("-400"), NULL);
}

static void a_get_returns_what_the_gateway_knows(void **state)
{
    CLEANUP(host_fini) struct host h = host_start_ready("get");
    CLEANUP(buf_fini) struct buf answer = {0};
    struct protocol_call call;
    struct protocol_call_result r = {.source_ip_len = 9, .user_agent_len = 4, .connected_at_ms = 11};
    uint64_t sequence = invoke(&h, SPAN("abc="));
    CLEANUP(frame_fini) struct frame f = expect(&h, PROTOCOL_CALL, &call, sizeof(call), NULL);

    assert_int_equal(call.op, CALL_GET);
    r.last_active_at_ms = 22;
    buf_append(&answer, span_of((char *)&r, sizeof(r)));
    buf_append_str(&answer, "127.0.0.1curl");
    host_send(&h, PROTOCOL_CALL_RESULT, buf_span(&answer));
    expect_body(&h, sequence,
                SPAN("{\"result\":0,\"connectedAt\":11,\"lastActiveAt\":22,\"sourceIp\":\"127.0.0.1\","
                     "\"userAgent\":\"curl\"}"),
                NULL);
}

static void calls_of_another_thread_or_a_forked_child_fail(void **state)
{
    CLEANUP(host_fini) struct host thread = host_start_ready("thread");
    CLEANUP(host_fini) struct host forked = host_start_ready("fork");

    expect_body(&thread, invoke(&thread, SPAN("x")), SPAN("-500"), NULL);
    assert_true(output_contains(&thread, "thread printed line 99\n"));
    expect_body(&forked, invoke(&forked, SPAN("hello")), SPAN("11"), NULL);
    assert_true(output_contains(&forked, "child printed hello\n"));
    expect_body(&forked, invoke(&forked, SPAN("again")), SPAN("11"), NULL);
}

/* ---- output ---- */

static void what_a_handler_prints_is_tagged_with_its_invocation(void **state)
{
    CLEANUP(host_fini) struct host h = host_start_ready("print");
    CLEANUP(buf_fini) struct buf lines = {0};

    expect_body(&h, invoke(&h, SPAN("a")), SPAN("printed"), &lines);
    expect_body(&h, invoke(&h, SPAN("b")), SPAN("printed"), &lines);
    assert_string_equal(buf_terminate(&lines), "-1 1 stdout a\n"
                                               "-1 1 stderr a\n"
                                               "-1 1 two pieces a\n"
                                               "1 1 logged\n"
                                               "-1 1 stdout without newline a\n"
                                               "-1 1 stderr without newline a\n"
                                               "-1 2 stdout b\n"
                                               "-1 2 stderr b\n"
                                               "-1 2 two pieces b\n"
                                               "1 2 logged\n"
                                               "-1 2 stdout without newline b\n"
                                               "-1 2 stderr without newline b\n");
    assert_true(output_contains(&h, "raw stdout a\nraw stderr a\nraw stdout b\n"));
    assert_false(output_contains(&h, "\nstdout"));
}

static void a_long_line_is_cut_into_several(void **state)
{
    CLEANUP(host_fini) struct host h = host_start_ready("print");
    char body[20000];
    struct protocol_log log;

    memset(body, 'l', sizeof(body));
    invoke(&h, span_of(body, sizeof(body)));
    for (size_t left = strlen("stdout ") + sizeof(body); left;) {
        CLEANUP(frame_fini) struct frame f = expect(&h, PROTOCOL_LOG, &log, sizeof(log), NULL);
        assert_int_equal(log.line_len, left < PROTOCOL_LOG_LINE_MAX ? left : PROTOCOL_LOG_LINE_MAX);
        left -= log.line_len;
    }
}

static void a_flood_of_lines_waits_for_the_gateway_and_loses_none(void **state)
{
    CLEANUP(host_fini) struct host h = host_start_ready("flood_log");
    CLEANUP(buf_fini) struct buf lines = {0};
    size_t count = 0;

    expect_body(&h, invoke(&h, SPAN("20000")), SPAN("flooded"), &lines);
    for (size_t i = 0; i < lines.len; i++)
        count += lines.ptr[i] == '\n';
    assert_int_equal(count, 40000);
}

/* ---- ends ---- */

static void a_handler_that_crashes_aborts_or_exits_ends_the_process_as_it_says(void **state)
{
    static const struct {
        const char *handler;
        int status;
        const char *report;
    } cases[] = {
        {"crash", W_EXITCODE(0, SIGSEGV), "signal: segmentation fault at address 0x"},
        {"abort", W_EXITCODE(0, SIGABRT), "signal: aborted"},
        {"exit0", W_EXITCODE(0, 0), NULL},
        {"exit3", W_EXITCODE(3, 0), NULL},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(host_fini) struct host h = host_start_ready(cases[i].handler);
        uint64_t claimed_ns, sequence = invoke(&h, SPAN(""));

        expect_report(&h, sequence, cases[i].report);
        assert_int_equal(host_wait(&h) & ~0x80, cases[i].status); /* with or without a core */
        assert_true(channel_slot_claimed(h.channel, 1, &claimed_ns));
    }
}

static void a_plugin_that_overwrites_the_channel_ends_its_host_or_breaks_its_ring(void **state)
{
    CLEANUP(host_fini) struct host h = host_start_ready("scribble");
    char byte;

    invoke(&h, SPAN(""));
    assert_int_equal(host_wait(&h), W_EXITCODE(1, 0));
    assert_true(output_contains(&h, "overwritten memory"));
    assert_int_equal(channel_read(h.channel, &byte, 1), -EPROTO);
}

static void a_plugin_that_closes_every_descriptor_ends_its_host_after_its_answer(void **state)
{
    CLEANUP(host_fini) struct host h = host_start_ready("close_fds");

    assert_true(channel_sleep(h.channel, false));
    invoke(&h, SPAN("x"));
    assert_int_equal(host_wait(&h), W_EXITCODE(1, 0));
    h.pid = 0;
    struct protocol_result r;
    struct frame f = {0};
    assert_true(host_take(&h, &f));
    memcpy(&r, f.bytes.ptr, sizeof(r));
    assert_int_equal(f.type, PROTOCOL_RESULT);
    assert_int_equal(r.sequence, 1);
    frame_fini_ptr(&f);
}

static void shutdown_lets_what_was_handed_over_run_then_calls_fini(void **state)
{
    char path[] = "/tmp/test_host_fini_XXXXXX", text[16] = "";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    setenv("FINI_FILE", path, 1);
    CLEANUP(host_fini) struct host h = host_start_ready("echo");
    unsetenv("FINI_FILE");
    uint64_t first = invoke(&h, SPAN("one")), second = invoke(&h, SPAN("two"));
    host_send(&h, PROTOCOL_SHUTDOWN, span_of(NULL, 0));
    expect_body(&h, first, SPAN("one"), NULL);
    expect_body(&h, second, SPAN("two"), NULL);
    assert_int_equal(host_wait(&h), W_EXITCODE(0, 0));
    assert_int_equal(read(fd, text, sizeof(text)), 5);
    assert_string_equal(text, "fini\n");
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plugin_that_does_not_fit_is_refused_with_one_sentence_each),
        cmocka_unit_test(an_init_that_calls_fail_says_what_it_wants_to),
        cmocka_unit_test(an_init_that_crashes_ends_the_process_by_its_signal),
        cmocka_unit_test(a_file_that_is_no_plugin_is_refused),
        cmocka_unit_test(a_damaged_file_is_refused_before_its_code_runs),
        cmocka_unit_test(the_handlers_of_a_plugin_are_listed_one_a_line),
        cmocka_unit_test(listing_a_plugin_that_does_not_fit_says_why),
        cmocka_unit_test(started_by_hand_it_says_what_it_is),
        cmocka_unit_test(it_dies_with_the_process_that_made_its_channel),
        cmocka_unit_test(an_echo_answers_with_the_exact_bytes),
        cmocka_unit_test(an_empty_message_is_a_body_and_no_message_is_none),
        cmocka_unit_test(a_body_larger_than_the_ring_comes_back_whole),
        cmocka_unit_test(a_result_of_lambdas_limit_passes_and_one_byte_more_does_not),
        cmocka_unit_test(a_raw_result_and_none_at_all_come_as_json),
        cmocka_unit_test(status_and_headers_are_passed_on),
        cmocka_unit_test(the_event_is_its_head_the_escaped_body_and_its_tail),
        cmocka_unit_test(a_failing_handler_is_an_error_and_the_environment_lives_on),
        cmocka_unit_test(globals_survive_from_one_invocation_to_the_next),
        cmocka_unit_test(the_context_tells_function_memory_request_and_what_init_left),
        cmocka_unit_test(remaining_time_is_at_most_the_timeout),
        cmocka_unit_test(invocations_handed_over_together_are_answered_in_order),
        cmocka_unit_test(an_invocation_that_was_taken_back_does_not_run),
        cmocka_unit_test(a_post_travels_to_the_gateway_and_its_outcome_back),
        cmocka_unit_test(a_broadcast_asks_once_for_those_that_can_be_ids_and_has_the_result_of_each),
        cmocka_unit_test(a_broadcast_to_many_goes_in_frames_that_the_gateway_takes),
        cmocka_unit_test(a_broadcast_that_was_answered_wrongly_failed),
        cmocka_unit_test(a_post_that_no_frame_can_hold_is_too_large_at_once),
        cmocka_unit_test(an_overlong_connection_id_is_a_bad_request_at_once),
        cmocka_unit_test(a_get_returns_what_the_gateway_knows),
        cmocka_unit_test(calls_of_another_thread_or_a_forked_child_fail),
        cmocka_unit_test(what_a_handler_prints_is_tagged_with_its_invocation),
        cmocka_unit_test(a_long_line_is_cut_into_several),
        cmocka_unit_test(a_flood_of_lines_waits_for_the_gateway_and_loses_none),
        cmocka_unit_test(a_handler_that_crashes_aborts_or_exits_ends_the_process_as_it_says),
        cmocka_unit_test(a_plugin_that_overwrites_the_channel_ends_its_host_or_breaks_its_ring),
        cmocka_unit_test(a_plugin_that_closes_every_descriptor_ends_its_host_after_its_answer),
        cmocka_unit_test(shutdown_lets_what_was_handed_over_run_then_calls_fini),
    };

    alarm(55); /* whatever hangs, fails */
    return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
