/* expression_priv.h - a compiled selection expression, as expression.c makes it and evaluation.c walks it. */
#ifndef CONFIG_EXPRESSION_PRIV_H
#define CONFIG_EXPRESSION_PRIV_H

#include <stdint.h>

#include "config/expression.h"

/* Ours, not AWS's: they bound what one expression can cost. The first two are checked when it is compiled. */
#define EXPRESSION_BYTES_MAX 1024
#define EXPRESSION_STEPS_MAX 32 /* of one path */

/* A path with many matches ("..", "[*]") stops after so many of them, so many bytes of result, or so many bytes of
 * message looked at. The list then ends in "…", which no route key of sense does. */
#define EXPRESSION_MATCHES_MAX 1000
#define EXPRESSION_LIST_BYTES_MAX (16 * 1024)
#define EXPRESSION_WORK_BYTES_MAX (4 * 1024 * 1024)

enum step_kind {
    STEP_MEMBER,  /* .name or ['name'] */
    STEP_INDEX,   /* [n] */
    STEP_ALL,     /* [*] or .* */
    STEP_SLICE,   /* [from:to:by] */
    STEP_MEMBERS, /* ['a','b'] */
    STEP_INDICES, /* [1,2] */
    STEP_DESCEND  /* .. : the value and all containers in it, outer ones first */
};

#define SLICE_OPEN INT64_MAX /* the end that is not written */

struct selector {
    struct span name;
    int64_t index;
};

struct step {
    enum step_kind kind;
    struct span name;    /* MEMBER */
    int64_t from;        /* INDEX, SLICE; negative counts from the end */
    int64_t to, by;      /* SLICE */
    size_t first, count; /* MEMBERS, INDICES: in expression.selectors */
};

struct part {
    bool variable;
    bool definite;       /* selects one value at most */
    struct span literal; /* static text */
    size_t first, count; /* in expression.steps */
};

struct expression {
    struct part *parts;
    size_t part_count;
    struct step *steps;
    size_t step_count;
    struct selector *selectors;
    size_t selector_count;
    char *text; /* names and static text, backslashes undone; the spans point here */
    size_t text_len;
    bool has_variable;
};

#endif
