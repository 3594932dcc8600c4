/* options.h - the options that commands which serve have in common. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "cli/cli.h"
#include "cli/service.h"

struct serve_options {
    struct service_options service;
    const char *ready_file; /* NULL: none */
    bool help;              /* asked for and printed */
    int first_argument;     /* index into argv after the options and CONFIGs */
};

/* Reads options and CONFIGs from argv; stops at "--". CLI_OK, or CLI_USAGE after having said why. */
int options_parse(const struct cli_command *command, int argc, char **argv, uint16_t default_port,
                  struct serve_options *ret);

/* What the parser takes, for the commands' help texts. */
#define OPTIONS_HELP                                                                                   \
    "      --host HOST        listen on this address (default 127.0.0.1); may be given\n"              \
    "                         several times\n"                                                         \
    "      --allow-host NAME  answer /_apigw under this name too, may be given several times\n"        \
    "      --port PORT        listen on this port; 0 takes a free one\n"                               \
    "      --tls-cert FILE    show TLS clients this certificate, in place of the local CA's\n"         \
    "      --tls-key FILE     and this is its key; both in PEM\n"                                      \
    "      --ephemeral        keep collections for this run only\n"                                    \
    "      --no-watch         take no notice of changes of CONFIG and of plugins\n"                    \
    "      --ready-file FILE  write {\"pid\",\"port\",\"websocket\",\"connections\",\"apis\"} there\n" \
    "                         once clients are accepted\n"                                             \
    "      --wrap COMMAND     start handlers under COMMAND, such as a debugger, without\n"             \
    "                         limits of time\n"                                                        \
    "      --log-level LEVEL  error, warn, info (default) or debug\n"                                  \
    "      --log-format FMT   text (default) or json: one object on each line\n"                       \
    "      --logs DIR         write each environment's log stream to a file below DIR\n"               \
    "      --help             show this help\n"

#endif
