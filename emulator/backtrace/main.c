/* main.c - apigw-backtrace, which names what a faulted handler was doing.
 *
 * A program of its own, so that apigw-host need not load a debugger's library with each start; apigw-host starts it
 * when a handler has faulted, and does for it what backtrace/talk.h says. */
#include <elfutils/libdwfl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backtrace/describe.h"
#include "backtrace/faulted.h"

/* Should the other side be stopped, by a debugger or for good. */
#define LIFE_S 10

struct output {
    unsigned frames;
};

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    char packet[TALK_LINE_MAX + 1] = {TALK_LINE};
    va_list arguments;
    int len;

    va_start(arguments, format);
    len = vsnprintf(packet + 1, sizeof(packet) - 1, format, arguments);
    va_end(arguments);
    if (len > (int)sizeof(packet) - 2)
        len = (int)sizeof(packet) - 2;
    send(TALK_FD_SOCKET, packet, (size_t)len + 1, MSG_NOSIGNAL);
}

static void on_text(void *arg, const char *text)
{
    struct output *output = arg;

    if (output->frames < TALK_FRAMES_MAX)
        say("    #%u %s", output->frames, text);
    output->frames++;
}

/* The emulator's own, and what starts and ends every program: nobody has to look for the fault in there. */
static bool is_scaffold(const struct faulted *f, const struct frame *frame)
{
    static const char *const names[] = {"libc.so.", "ld-linux"};
    char name[TALK_LINE_MAX];

    if (!frame->module)
        return false;
    if (frame->module == dwfl_addrmodule(f->dwfl, f->fault.host_code))
        return true;
    describe_module(frame->module, name);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strncmp(name, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

/* How many frames there are up to the plugin's outermost; all, if none is the plugin's. */
static unsigned count_of_interest(const struct faulted *f)
{
    unsigned count = f->frames_left_out ? 0 : f->frame_count;

    while (count > 0 && is_scaffold(f, &f->frames[count - 1]))
        count--;
    return count > 0 ? count : f->frame_count;
}

static void say_frames(struct faulted *f)
{
    struct output output = {0};
    unsigned count;

    faulted_unwind(f);
    count = count_of_interest(f);
    for (unsigned i = 0; i < count; i++)
        describe_code(f->frames[i].module, f->frames[i].pc, on_text, &output);
    if (count == 0)
        say("    no backtrace: %s", dwfl_errmsg(-1));
    else if (f->frames_left_out || output.frames > TALK_FRAMES_MAX)
        say("    … and more");
}

int main(int argc, char **argv)
{
    static struct faulted faulted;
    const char *failed;
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    alarm(LIFE_S);
    failed = faulted_open(&faulted, argc > 1 ? argv[1] : "");
    if (failed)
        say("    no backtrace: %s", failed);
    else
        say_frames(&faulted);
    faulted_close(&faulted);
    return failed ? 1 : 0;
}
