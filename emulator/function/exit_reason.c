/* exit_reason.c - Lambda's runtime supervisor is written in Go, so signals have the names Go gives them. */
#include "function/exit_reason.h"

#include <stdio.h>

static const struct {
    int signum;
    const char *name;
} signal_names[] = {
    /* clang-format off */
    {SIGABRT, "aborted"},
    {SIGALRM, "alarm clock"},
    {SIGBUS,  "bus error"},
    {SIGFPE,  "floating point exception"},
    {SIGHUP,  "hangup"},
    {SIGILL,  "illegal instruction"},
    {SIGINT,  "interrupt"},
    {SIGKILL, "killed"},
    {SIGPIPE, "broken pipe"},
    {SIGQUIT, "quit"},
    {SIGSEGV, "segmentation fault"},
    {SIGSYS,  "bad system call"},
    {SIGTERM, "terminated"},
    {SIGTRAP, "trace/breakpoint trap"},
    {SIGUSR1, "user defined signal 1"},
    {SIGUSR2, "user defined signal 2"},
    {SIGXCPU, "CPU time limit exceeded"},
    {SIGXFSZ, "file size limit exceeded"},
    /* clang-format on */
};

const char *exit_reason_signal(int signum, char out[EXIT_REASON_SIZE])
{
    for (size_t i = 0; i < sizeof(signal_names) / sizeof(signal_names[0]); i++)
        if (signal_names[i].signum == signum)
            return signal_names[i].name;
    snprintf(out, EXIT_REASON_SIZE, "signal %d", signum);
    return out;
}

void exit_reason_format(const siginfo_t *info, char out[EXIT_REASON_SIZE])
{
    char name[EXIT_REASON_SIZE];

    if (info->si_code == CLD_EXITED && info->si_status == 0)
        snprintf(out, EXIT_REASON_SIZE, "Runtime exited without providing a reason");
    else if (info->si_code == CLD_EXITED)
        snprintf(out, EXIT_REASON_SIZE, "Runtime exited with error: exit status %d", info->si_status);
    else
        snprintf(out, EXIT_REASON_SIZE, "Runtime exited with error: signal: %.40s%s",
                 exit_reason_signal(info->si_status, name), info->si_code == CLD_DUMPED ? " (core dumped)" : "");
}
