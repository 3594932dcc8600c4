/* process.c - posix_spawn with exactly the descriptors, signals and group that a handler process is to have. */
#include "function/process.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct spawn_plan {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int copies[PROCESS_FDS_MAX]; /* of the caller's descriptors, out of the way of the numbers they get */
    unsigned copy_count;
};

static int plan_fds(struct spawn_plan *plan, const struct process_start *start)
{
    int r = 0;

    for (unsigned i = 0; i < start->fd_count && r == 0; i++) {
        int copy;
        if (start->fds[i] < 0) {
            r = posix_spawn_file_actions_addopen(&plan->actions, (int)i, "/dev/null", O_RDWR, 0);
            continue;
        }
        copy = fcntl(start->fds[i], F_DUPFD_CLOEXEC, PROCESS_FDS_MAX);
        if (copy < 0)
            return errno;
        plan->copies[plan->copy_count++] = copy;
        r = posix_spawn_file_actions_adddup2(&plan->actions, copy, (int)i);
    }
    if (r == 0)
        r = posix_spawn_file_actions_addclosefrom_np(&plan->actions, (int)start->fd_count);
    return r;
}

static void plan_attributes(struct spawn_plan *plan)
{
    sigset_t none, all;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&plan->attributes, &none);
    posix_spawnattr_setsigdefault(&plan->attributes, &all);
    posix_spawnattr_setpgroup(&plan->attributes, 0);
    posix_spawnattr_setflags(&plan->attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
}

/* Its timers are not to be late because ours are (net/loop.c): a process inherits that. */
static int spawn_punctual(const struct spawn_plan *plan, const struct process_start *start, pid_t *ret)
{
    const int late_ns = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
    int r;

    prctl(PR_SET_TIMERSLACK, 0, 0, 0, 0); /* what it was at first */
    r = posix_spawn(ret, start->program, &plan->actions, &plan->attributes, start->arguments, start->variables);
    prctl(PR_SET_TIMERSLACK, (unsigned long)late_ns, 0, 0, 0);
    return r;
}

static int spawn(struct spawn_plan *plan, const struct process_start *start, struct process *ret)
{
    struct process p;
    int r = plan_fds(plan, start);

    if (r == 0)
        r = spawn_punctual(plan, start, &p.pid);
    if (r != 0)
        return -r;
    p.pidfd = pidfd_open(p.pid, 0);
    if (p.pidfd < 0) {
        r = -errno;
        kill(-p.pid, SIGKILL);
        waitpid(p.pid, NULL, 0);
        return r;
    }
    *ret = p;
    return 0;
}

int process_spawn(const struct process_start *start, struct process *ret)
{
    struct spawn_plan plan = {.copy_count = 0};
    int r;

    assert(start->fd_count <= PROCESS_FDS_MAX);
    if (posix_spawn_file_actions_init(&plan.actions) != 0)
        return -ENOMEM;
    if (posix_spawnattr_init(&plan.attributes) != 0) {
        posix_spawn_file_actions_destroy(&plan.actions);
        return -ENOMEM;
    }
    plan_attributes(&plan);
    r = spawn(&plan, start, ret);
    while (plan.copy_count > 0)
        close(plan.copies[--plan.copy_count]);
    posix_spawnattr_destroy(&plan.attributes);
    posix_spawn_file_actions_destroy(&plan.actions);
    return r;
}

void process_kill(const struct process *p)
{
    if (p->pid > 0)
        kill(-p->pid, SIGKILL);
}

bool process_reap(struct process *p, siginfo_t *ret)
{
    siginfo_t info = {0};

    if (p->pid <= 0 || waitid(P_PIDFD, (id_t)p->pidfd, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
        return false;
    /* As long as it is not reaped its number is still the group's, and nobody else's. */
    process_kill(p);
    waitid(P_PIDFD, (id_t)p->pidfd, &info, WEXITED | WNOHANG);
    p->pid = 0;
    *ret = info;
    return true;
}

void process_close(struct process *p)
{
    if (p->pid > 0) {
        process_kill(p);
        waitpid(p->pid, NULL, 0);
        p->pid = 0;
    }
    if (p->pidfd >= 0)
        close(p->pidfd);
    p->pidfd = -1;
}
