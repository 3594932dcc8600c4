/* client.h - the program apigw-client: what `apigw connect`, `apigw post` and `apigw connections` execute.
 *
 * It is a program of its own because its libraries (libcurl, libedit, wslay) would be loaded at each start of apigw.
 * One thread, and poll(2). */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

enum client_status {
    CLIENT_OK = 0,
    CLIENT_FAILED = 1,  /* refused, not reached, gone; a command of a script that failed */
    CLIENT_USAGE = 2,   /* the command line, or a line of a script, is wrong */
    CLIENT_CLOSED = 3,  /* the server closed, or the connection broke */
    CLIENT_TIMEOUT = 4, /* --expect did not come in time */
    CLIENT_INTERRUPTED = 130,
};

struct client_command {
    const char *name;
    const char *help;
    int (*run)(const struct client_command *self, int argc, char **argv); /* argv[0] is the command's name */
};

extern const struct client_command client_connect, client_post, client_connections;

/* One line on standard error, "apigw NAME: …; try …". Returns CLIENT_USAGE. */
int client_usage_error(const struct client_command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* One line on standard error, "apigw NAME: …", fit for a terminal whatever is in it. Returns CLIENT_FAILED. */
int client_failure(const struct client_command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
