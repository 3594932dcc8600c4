/* program.c - a handler that is another program, as a Lambda function in another language is.
 *
 *   program   runs the shell command COMMAND with the event on its standard input; what that prints is the function's
 *             raw result. What it prints on standard error is in the log. */
#include <apigw/plugin.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* A file with the event, to be read from its beginning: a pipe might be full before the program reads. */
static FILE *file_of(struct apigw_span json)
{
    FILE *file = tmpfile();

    if (file && (fwrite(json.ptr, 1, json.len, file) != json.len || fflush(file) != 0)) {
        fclose(file);
        return NULL;
    }
    if (file)
        rewind(file);
    return file;
}

/* Starts COMMAND; 0 or an error number. */
static int start(const char *command, int input, int output, pid_t *ret_pid)
{
    const char *const argv[] = {"sh", "-c", command, NULL};
    posix_spawn_file_actions_t actions;
    int status;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, output);
    status = posix_spawn(ret_pid, "/bin/sh", &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return status;
}

/* What COMMAND prints, as much as there is room for; -1 if it did not run, or failed. */
static ssize_t run(const char *command, FILE *input, char *out, size_t size)
{
    int ends[2], status;
    size_t len = 0;
    ssize_t got;
    pid_t pid;

    if (pipe(ends) < 0)
        return -1;
    status = start(command, fileno(input), ends[1], &pid);
    close(ends[1]);
    while (status == 0 && len < size && (got = read(ends[0], out + len, size - len)) > 0)
        len += (size_t)got;
    close(ends[0]);
    if (status != 0 || waitpid(pid, &status, 0) != pid || status != 0)
        return -1;
    return (ssize_t)len;
}

static int program(const struct apigw_event *event, struct apigw_context *context)
{
    static char result[65536];
    const char *command = getenv("COMMAND");
    FILE *input = file_of(apigw_event_json(context));
    ssize_t len = command && input ? run(command, input, result, sizeof(result)) : -1;

    (void)event;
    if (input)
        fclose(input);
    if (len < 0)
        return apigw_fail(context, APIGW_SPAN("ProgramError"), APIGW_SPAN("COMMAND cannot be run, or has failed"));
    return apigw_respond_json(context, apigw_span_of(result, (size_t)len));
}

APIGW_PLUGIN("program", "1.0.0", APIGW_HANDLER("program", program));
