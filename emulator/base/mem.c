/* mem.c - memory that cannot fail. Linked into apigw-host too: libc only. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/* Nothing that could allocate may run here: the line goes out by write(2). */
static void out_of_memory(void)
{
    static const char line[] = "apigw: out of memory\n";
    ssize_t written = write(STDERR_FILENO, line, sizeof(line) - 1);

    (void)written;
    abort();
}

static void *checked(void *ptr)
{
    if (!ptr)
        out_of_memory();
    return ptr;
}

/* malloc(0) may return NULL, which is not a failure. */
static size_t at_least_one(size_t size)
{
    return size ? size : 1;
}

void *mem_alloc(size_t size)
{
    return checked(malloc(at_least_one(size)));
}

void *mem_zalloc(size_t size)
{
    return checked(calloc(1, at_least_one(size)));
}

void *mem_realloc(void *ptr, size_t size)
{
    return checked(realloc(ptr, at_least_one(size)));
}

char *mem_strdup(const char *str)
{
    return checked(strdup(str));
}

char *mem_span_dup(struct span s)
{
    char *copy = mem_alloc(s.len + 1);

    if (s.len)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return copy;
}

char *mem_printf(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    int len;

    va_start(args, format);
    len = vasprintf(&text, format, args);
    va_end(args);
    return checked(len < 0 ? NULL : text);
}
