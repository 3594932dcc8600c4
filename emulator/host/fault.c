/* fault.c - a handler for signals that a fault raises. What it calls is safe in a signal handler: the fault may have
 * been in malloc. */
#include "host/fault.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "backtrace/talk.h"
#include "base/mem.h"
#include "function/exit_reason.h"
#include "host/services.h"

#define MS UINT64_C(1000000)
#define STACK_BYTES (64u * 1024u) /* and what the processor's registers take */
#define HELPER_STACK_BYTES 16384u /* until it is another program */

/* What is left of an invocation's time for it to end as a crash and not as a timeout. */
#define SPARE_MS 50
/* How long a line waits for room in the ring before it goes through the pipe. */
#define ROOM_MS_MAX 100

/* An access so near to the stack pointer is one to the stack. */
#define NEAR_STACK (64u * 1024u)
/* A frame without probes may be so large and be touched anywhere. */
#define FRAME_MAX (8u * 1024u * 1024u)

static const int fault_signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

static struct {
    const struct runtime *rt;
    int plugin_fd;
    char helper[PATH_MAX]; /* the path of apigw-backtrace, once there is a fault */
    char *task_root;       /* where the plugin's file is */
    uintptr_t page;
    _Alignas(16) char helper_stack[HELPER_STACK_BYTES];
    int claimed; /* by the thread that reports */
} state;

/* ---- text ---- */

struct text {
    size_t len;
    char bytes[256];
};

static void add(struct text *t, const char *more)
{
    while (*more && t->len < sizeof(t->bytes))
        t->bytes[t->len++] = *more++;
}

static void add_number(struct text *t, uint64_t number, unsigned base)
{
    char digits[24];
    size_t at = sizeof(digits) - 1;

    digits[at] = '\0';
    do
        digits[--at] = "0123456789abcdef"[number % base];
    while ((number /= base) > 0);
    add(t, digits + at);
}

/* ---- the log ---- */

/* As a frame, in order behind what the handler has printed and tagged with its invocation. False: it cannot be. */
static bool say_in_frame(struct span line)
{
    const struct link *l = &state.rt->link;
    struct {
        struct protocol_frame frame;
        struct protocol_log log;
    } head = {
        .frame = {PROTOCOL_LOG, (uint32_t)(sizeof(head.log) + line.len)},
        .log = {.sequence = l->sequence, .level = -1, .line_len = (uint32_t)line.len},
    };
    const struct timespec nap = {0, 1000000};

    static_assert(sizeof(head) == sizeof(head.frame) + sizeof(head.log), "frames have no padding");
    if (!link_usable(l))
        return false;
    for (unsigned waited = 0; channel_room(l->channel) < sizeof(head) + line.len; waited++) {
        if (waited == ROOM_MS_MAX)
            return false;
        channel_flush(l->channel);
        nanosleep(&nap, NULL);
    }
    if (channel_write(l->channel, span_of((const char *)&head, sizeof(head))) < 0)
        return false;
    channel_write(l->channel, line);
    channel_flush(l->channel);
    return true;
}

static void say(struct span line)
{
    if (say_in_frame(line))
        return;
    if (write(STDERR_FILENO, line.ptr, line.len) == (ssize_t)line.len)
        (void)!write(STDERR_FILENO, "\n", 1);
}

static void say_text(const char *first, const char *second)
{
    struct text t = {0};

    add(&t, first);
    add(&t, second);
    say(span_of(t.bytes, t.len));
}

/* ---- the signal ---- */

static const struct {
    int signum;
    int code;
    const char *meaning;
} meanings[] = {
    /* clang-format off */
    {SIGSEGV, SEGV_MAPERR, "nothing is mapped there"},
    {SIGSEGV, SEGV_ACCERR, "that is not allowed there"},
    {SIGBUS,  BUS_ADRALN,  "misaligned"},
    {SIGBUS,  BUS_ADRERR,  "behind the end of a mapped file"},
    {SIGFPE,  FPE_INTDIV,  "integer division by zero"},
    {SIGFPE,  FPE_INTOVF,  "integer overflow"},
    /* clang-format on */
};

static bool was_sent(const siginfo_t *info)
{
    return info->si_code <= 0;
}

static bool is_mapped(uint64_t address)
{
    return msync((void *)(uintptr_t)(address & ~(state.page - 1)), state.page, MS_ASYNC) == 0 || errno != ENOMEM;
}

/* The stack cannot grow to where it is to be used; it could grow to everywhere above that. */
static bool is_stack_overflow(const siginfo_t *info, uint64_t pc, uint64_t sp)
{
    uint64_t address = (uintptr_t)info->si_addr;

    if (info->si_signo != SIGSEGV || (info->si_code != SEGV_MAPERR && info->si_code != SEGV_ACCERR) || address == pc)
        return false;
    if (address <= sp)
        return sp - address <= NEAR_STACK;
    return address - sp <= FRAME_MAX && !is_mapped(sp);
}

static const char *meaning_of(const siginfo_t *info)
{
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
        if (meanings[i].signum == info->si_signo && meanings[i].code == info->si_code)
            return meanings[i].meaning;
    return NULL;
}

/* A processor does not say which address it was that no pointer can have. */
static bool has_address(const siginfo_t *info)
{
    return !was_sent(info) && info->si_code != SI_KERNEL;
}

static void say_signal(const siginfo_t *info, const char *meaning)
{
    char name[EXIT_REASON_SIZE];
    struct text t = {0};

    add(&t, "signal: ");
    add(&t, exit_reason_signal(info->si_signo, name));
    if (has_address(info)) {
        add(&t, " at address 0x");
        add_number(&t, (uintptr_t)info->si_addr, 16);
    } else if (!was_sent(info)) {
        add(&t, " at an address that no pointer can have");
    } else if (info->si_pid != getpid()) {
        add(&t, " sent by process ");
        add_number(&t, (uint64_t)info->si_pid, 10);
    }
    if (meaning) {
        add(&t, " (");
        add(&t, meaning);
        add(&t, ")");
    }
    say(span_of(t.bytes, t.len));
}

/* ---- registers ---- */

#if defined(__x86_64__)
static const int register_places[] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
                                      REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
#define STACK_POINTER 7

static void read_registers(const ucontext_t *context, struct fault *ret)
{
    ret->register_count = sizeof(register_places) / sizeof(register_places[0]);
    for (size_t i = 0; i < ret->register_count; i++)
        ret->registers[i] = (uint64_t)context->uc_mcontext.gregs[register_places[i]];
    ret->pc = (uint64_t)context->uc_mcontext.gregs[REG_RIP];
}
#elif defined(__aarch64__)
#define STACK_POINTER 31

static void read_registers(const ucontext_t *context, struct fault *ret)
{
    ret->register_count = STACK_POINTER + 1;
    for (size_t i = 0; i < STACK_POINTER; i++)
        ret->registers[i] = context->uc_mcontext.regs[i];
    ret->registers[STACK_POINTER] = context->uc_mcontext.sp;
    ret->pc = context->uc_mcontext.pc;
}
#else
#define STACK_POINTER 0

static void read_registers(const ucontext_t *context, struct fault *ret)
{
    (void)context;
    ret->register_count = 0;
}
#endif

/* ---- the helper ---- */

struct helper_start {
    int socket;
    int maps; /* -1: none */
    pid_t parent;
};

/* In the child, which has our memory and a stack of its own: to a sanitizer that is no stack. */
__attribute__((no_sanitize("address"))) static int become_helper(void *arg)
{
    const struct helper_start *start = arg;
    const int fds[] = {
        fcntl(start->socket, F_DUPFD, TALK_FD_PLUGIN + 1),
        fcntl(start->maps, F_DUPFD, TALK_FD_PLUGIN + 1),
        fcntl(state.plugin_fd, F_DUPFD, TALK_FD_PLUGIN + 1),
    };
    char name[] = "apigw-backtrace";
    char *arguments[] = {name, state.task_root, NULL};
    char *variables[] = {NULL};

    for (int i = 0; i < 3; i++)
        if (fds[i] >= 0)
            dup2(fds[i], TALK_FD_SOCKET + i);
        else
            close(TALK_FD_SOCKET + i);
    close_range(TALK_FD_PLUGIN + 1, UINT_MAX, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == start->parent)
        execve(state.helper, arguments, variables);
    return 127;
}

/* -1, or the process; *ret_socket is our end. As vfork does it, which sanitizers have a version of that knows but one
 * stack. */
/* It lies beside us. To ask where that is takes longer than it seems, so it is asked only now. */
static void find_helper(void)
{
    static const char name[] = "apigw-backtrace";
    ssize_t n = readlink("/proc/self/exe", state.helper, sizeof(state.helper) - sizeof(name));

    while (n > 0 && state.helper[n - 1] != '/')
        n--;
    memcpy(state.helper + (n > 0 ? n : 0), name, sizeof(name));
}

static pid_t start_helper(int *ret_socket)
{
    struct helper_start start = {.parent = getpid()};
    int ends[2];
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -1;
    start.socket = ends[1];
    start.maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    pid = clone(become_helper, state.helper_stack + HELPER_STACK_BYTES, CLONE_VM | CLONE_VFORK | SIGCHLD, &start);
    close(ends[1]);
    if (start.maps >= 0)
        close(start.maps);
    if (pid < 0)
        close(ends[0]);
    *ret_socket = ends[0];
    return pid;
}

/* The kernel looks whether we may read there. A sanitizer's send would look whether we should. */
static void send_memory(int socket, uint64_t address)
{
    address &= ~(uint64_t)(TALK_PIECE - 1);
    if (syscall(SYS_sendto, socket, (uintptr_t)address, TALK_PIECE, MSG_NOSIGNAL, NULL, 0) < 0 && errno == EFAULT)
        send(socket, "", 1, MSG_NOSIGNAL);
}

/* Does what is asked until the other side has ended or the time is over. How many lines were said. */
static unsigned serve_helper(int socket, uint64_t end_ns)
{
    unsigned lines = 0;

    for (uint64_t now_ns; (now_ns = services_now_ns()) < end_ns && lines < TALK_LINES_MAX;) {
        union {
            char bytes[TALK_LINE_MAX + 1];
            struct talk_memory memory;
        } packet;
        struct pollfd polled = {.fd = socket, .events = POLLIN};
        ssize_t n;

        if (poll(&polled, 1, (int)((end_ns - now_ns) / MS) + 1) <= 0)
            continue;
        n = recv(socket, &packet, sizeof(packet), MSG_DONTWAIT);
        if (n <= 0)
            break;
        if (packet.bytes[0] == TALK_MEMORY && (size_t)n == sizeof(packet.memory)) {
            send_memory(socket, packet.memory.address);
        } else if (packet.bytes[0] == TALK_LINE) {
            say(span_of(packet.bytes + 1, (size_t)n - 1));
            lines++;
        }
    }
    return lines;
}

static uint64_t end_of_time(void)
{
    uint64_t end_ns = services_now_ns() + FAULT_MS_MAX * MS;
    uint64_t deadline_ns = state.rt->event ? state.rt->deadline_ns - SPARE_MS * MS : end_ns;

    return deadline_ns < end_ns ? deadline_ns : end_ns;
}

static void say_backtrace(const struct fault *fault)
{
    int socket;
    pid_t pid;

    find_helper();
    pid = start_helper(&socket);
    if (pid < 0) {
        say_text("    no backtrace: ", strerrordesc_np(errno));
        return;
    }
    send(socket, fault, sizeof(*fault), MSG_NOSIGNAL);
    if (serve_helper(socket, end_of_time()) == 0)
        say_text("    no backtrace: nothing came in time from ", state.helper);
    close(socket);
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* ---- the handler ---- */

static void report(const siginfo_t *info, const ucontext_t *context)
{
    struct fault fault = {.pid = getpid(), .tid = (int32_t)syscall(SYS_gettid), .host_code = (uintptr_t)&say_backtrace};
    bool overflow;

    read_registers(context, &fault);
    overflow = is_stack_overflow(info, fault.pc, fault.registers[STACK_POINTER]);
    say_signal(info, overflow ? "stack overflow" : meaning_of(info));
    say_backtrace(&fault);
}

/* Once it returns, a fault happens again, at its place and with its core file, and finds nobody. */
static void on_fault(int signum, siginfo_t *info, void *context)
{
    int error = errno;

    while (__atomic_exchange_n(&state.claimed, 1, __ATOMIC_ACQ_REL))
        pause(); /* another thread reports, and ends us all */
    report(info, context);
    signal(signum, SIG_DFL);
    if (was_sent(info))
        syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), signum);
    errno = error;
}

/* ---- the beginning ---- */

/* Where somebody has made one already, it is theirs and good enough. */
static void open_stack(void)
{
    size_t bytes = STACK_BYTES + getauxval(AT_MINSIGSTKSZ);
    stack_t stack;

    if (sigaltstack(NULL, &stack) < 0 || !(stack.ss_flags & SS_DISABLE))
        return;
    stack = (stack_t){.ss_size = bytes};
    stack.ss_sp = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack.ss_sp != MAP_FAILED)
        sigaltstack(&stack, NULL);
}

void fault_open(const struct runtime *rt, int plugin_fd)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK}, old;

    state.rt = rt;
    state.plugin_fd = plugin_fd;
    state.task_root = mem_strdup(getenv("LAMBDA_TASK_ROOT") ?: "");
    state.page = (uintptr_t)sysconf(_SC_PAGESIZE);
    open_stack();
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < sizeof(fault_signals) / sizeof(fault_signals[0]); i++)
        if (sigaction(fault_signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
            sigaction(fault_signals[i], &action, NULL);
}
