/* home.c - a handler that posts to its own client through the endpoint that AWS's samples build of an event:
 * http://{domainName}/{stage}/@connections/{connectionId}. It answers with the status.
 *
 * curl finds names under .localhost by itself, which the C library does not everywhere. */
#include <apigw/plugin.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* An id ends in '=', which is encoded as SDKs do it. */
static int write_url(const struct apigw_event *event, char *out, size_t size)
{
    int len = snprintf(out, size, "http://%.*s/%.*s/@connections/%.*s%%3D", (int)event->domain_name.len,
                       event->domain_name.ptr, (int)event->stage.len, event->stage.ptr,
                       (int)event->connection_id.len - 1, event->connection_id.ptr);

    return len > 0 && (size_t)len < size ? 0 : -1;
}

/* What curl prints: the status, 000 if there was no answer. -1 if it cannot be run. */
static int post(const char *url, char *out, size_t size)
{
    const char *const argv[] = {"curl",      "--silent",    "--noproxy",    "*",      "--max-time", "10", "--output",
                                "/dev/null", "--write-out", "%{http_code}", "--data", "from home",  url,  NULL};
    posix_spawn_file_actions_t actions;
    int ends[2], status;
    size_t len = 0;
    ssize_t got;
    pid_t pid;

    if (pipe(ends) < 0)
        return -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    status = posix_spawnp(&pid, "curl", &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    while (status == 0 && len < size - 1 && (got = read(ends[0], out + len, size - 1 - len)) > 0)
        len += (size_t)got;
    out[len] = '\0';
    close(ends[0]);
    if (status != 0)
        return -1;
    waitpid(pid, NULL, 0);
    return 0;
}

static int home(const struct apigw_event *event, struct apigw_context *context)
{
    char url[512], status[16];

    if (write_url(event, url, sizeof(url)) < 0 || post(url, status, sizeof(status)) < 0)
        return apigw_fail(context, APIGW_SPAN("HomeError"), APIGW_SPAN("the endpoint cannot be asked"));
    return apigw_respond(context, 200, apigw_span_of_str(status));
}

APIGW_PLUGIN("home", "1.0.0", APIGW_HANDLER("home", home));
