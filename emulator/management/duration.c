/* duration.c - see duration.h. */
#include "management/duration.h"

#define DIGITS_MAX 15 /* more than a year has milliseconds, and exact in a double */

static const struct {
    struct span name;
    double ms;
} units[] = {
    {{"ms", 2}, 1}, {{"s", 1}, 1e3}, {{"m", 1}, 60e3}, {{"h", 1}, 3600e3}, {{"d", 1}, 24 * 3600e3},
};

/* Takes the digits in front of `text`; their value goes to *value, scaled. How many there were. */
static size_t take_digits(struct span *text, double *value)
{
    size_t n = 0;

    while (n < text->len && text->ptr[n] >= '0' && text->ptr[n] <= '9')
        *value = *value * 10 + (text->ptr[n++] - '0');
    *text = span_from(*text, n);
    return n;
}

static int take_number(struct span *text, double *ret)
{
    double whole = 0, fraction = 0;
    size_t digits = take_digits(text, &whole), places = 0;

    if (digits == 0 || digits > DIGITS_MAX)
        return -1;
    if (text->len > 0 && text->ptr[0] == '.') {
        *text = span_from(*text, 1);
        places = take_digits(text, &fraction);
        if (places == 0 || places > DIGITS_MAX)
            return -1;
    }
    while (places-- > 0)
        fraction /= 10;
    *ret = whole + fraction;
    return 0;
}

int duration_parse(struct span text, uint64_t *ret_ms)
{
    double number;

    if (take_number(&text, &number) < 0)
        return -1;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (!span_equal(text, units[i].name))
            continue;
        if (number * units[i].ms > (double)DURATION_MS_MAX)
            return -1;
        *ret_ms = (uint64_t)(number * units[i].ms + 0.5);
        return 0;
    }
    return -1;
}
