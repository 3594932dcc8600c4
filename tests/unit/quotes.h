/* quotes.h - JSON in C's strings without backslashes: ' stands for ". */
#ifndef TESTS_QUOTES_H
#define TESTS_QUOTES_H

#include "base/mem.h"

/* The caller frees. */
static inline char *with_quotes(const char *text)
{
    char *copy = mem_strdup(text);

    for (char *at = copy; *at; at++)
        if (*at == '\'')
            *at = '"';
    return copy;
}

#endif
