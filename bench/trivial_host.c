/* trivial_host.c - the least that a process for handlers can do: load the plugin, find what it exports, say that it is
 * ready. What the start of an execution environment is compared with.
 *
 *     trivial-host PLUGIN
 *
 * Writes one byte to standard output, and ends when standard input does. */
#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    void *plugin = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    char byte;

    if (!plugin || !dlsym(plugin, "apigw_plugin")) {
        fprintf(stderr, "trivial-host: no plugin: %s\n", argc == 2 ? dlerror() : "give its path");
        return 1;
    }
    if (write(STDOUT_FILENO, "r", 1) != 1)
        return 1;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
    return 0;
}
