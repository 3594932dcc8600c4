/* main.c - which command, and how it says what is wrong. */
#include <curl/curl.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "client/client.h"
#include "client/printable.h"

static const struct client_command *const commands[] = {&client_connect, &client_post, &client_connections};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void say(const struct client_command *command, const char *format, va_list args)
{
    CLEANUP(buf_fini) struct buf text = {0}, line = {0};

    buf_vprintf(&text, format, args);
    buf_printf(&line, "apigw %s: ", command->name);
    printable_text(&line, buf_span(&text), "\n  ");
    buf_append_char(&line, '\n');
    fwrite(line.ptr, 1, line.len, stderr);
}

int client_usage_error(const struct client_command *command, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(command, format, args);
    va_end(args);
    fprintf(stderr, "Try 'apigw %s --help'.\n", command->name);
    return CLIENT_USAGE;
}

int client_failure(const struct client_command *command, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(command, format, args);
    va_end(args);
    return CLIENT_FAILED;
}

/* What people type has characters of more than one byte, also where no locale is set, as in containers. */
static void set_locale(void)
{
    if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1)
        setlocale(LC_CTYPE, "C.UTF-8");
}

int main(int argc, char **argv)
{
    int status;

    set_locale();
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; argc > 1 && i < COMMAND_COUNT; i++) {
        if (strcmp(argv[1], commands[i]->name) != 0)
            continue;
        curl_global_init(CURL_GLOBAL_DEFAULT);
        status = commands[i]->run(commands[i], argc - 1, argv + 1);
        curl_global_cleanup();
        return status;
    }
    fputs("Usage: apigw-client connect|post|connections [OPTION]... [ARGUMENT]...\n"
          "It is what 'apigw connect', 'apigw post' and 'apigw connections' execute.\n",
          stderr);
    return CLIENT_USAGE;
}
