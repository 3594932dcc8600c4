/* clock.c - the system's clocks plus one offset, and the three ways in which AWS writes a time.
 *
 * Names of months and days come from tables: strftime would follow the locale. */
#include "base/clock.h"

#include <assert.h>
#include <time.h>

#define NS_PER_MS 1000000u
#define NS_PER_S 1000000000u

/* A century: enough for every limit, and no sum of nanoseconds overflows. */
#define OFFSET_MS_MAX (100ull * 366 * 24 * 3600 * 1000)

/* 9999-12-31T23:59:59.999Z: years have four digits in every format. */
#define WALL_MS_MAX 253402300799999ull

static uint64_t offset_ns;

/* What the system has said since the clocks are held; 0: nothing yet. */
static struct {
    unsigned depth;
    uint64_t mono_ns;
    uint64_t wall_ns;
} held;

static uint64_t ask_ns(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static uint64_t read_ns(clockid_t id, uint64_t *held_ns)
{
    if (held.depth == 0)
        return ask_ns(id) + offset_ns;
    if (*held_ns == 0)
        *held_ns = ask_ns(id);
    return *held_ns + offset_ns;
}

void clock_hold(void)
{
    if (held.depth++ == 0)
        held.mono_ns = held.wall_ns = 0;
}

void clock_release(void)
{
    assert(held.depth > 0);
    held.depth--;
}

uint64_t clock_mono_ns(void)
{
    return read_ns(CLOCK_MONOTONIC, &held.mono_ns);
}

uint64_t clock_mono_ms(void)
{
    return clock_mono_ns() / NS_PER_MS;
}

uint64_t clock_system_ms(void)
{
    return (clock_mono_ns() - offset_ns) / NS_PER_MS;
}

uint64_t clock_wall_ms(void)
{
    return read_ns(CLOCK_REALTIME, &held.wall_ns) / NS_PER_MS;
}

uint64_t clock_offset_ns(void)
{
    return offset_ns;
}

void clock_advance_ms(uint64_t ms)
{
    uint64_t left = OFFSET_MS_MAX - offset_ns / NS_PER_MS;

    offset_ns += (ms < left ? ms : left) * NS_PER_MS;
}

/* Writes the last `width` digits of `value`. */
static char *put_digits(char *out, unsigned value, int width)
{
    for (int i = width - 1; i >= 0; i--) {
        out[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return out + width;
}

static char *put_text(char *out, const char *text)
{
    while (*text)
        *out++ = *text++;
    return out;
}

static char *put_year(char *out, const struct tm *tm)
{
    return put_digits(out, (unsigned)tm->tm_year + 1900, 4);
}

static char *put_month_name(char *out, const struct tm *tm)
{
    static const char names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

    return put_text(out, names[tm->tm_mon]);
}

static char *put_time_of_day(char *out, const struct tm *tm)
{
    out = put_digits(out, (unsigned)tm->tm_hour, 2);
    *out++ = ':';
    out = put_digits(out, (unsigned)tm->tm_min, 2);
    *out++ = ':';
    return put_digits(out, (unsigned)tm->tm_sec, 2);
}

static void to_utc(uint64_t wall_ms, struct tm *tm)
{
    time_t seconds = (time_t)((wall_ms < WALL_MS_MAX ? wall_ms : WALL_MS_MAX) / 1000);

    gmtime_r(&seconds, tm);
}

void clock_format_clf(uint64_t wall_ms, char *out)
{
    struct tm tm;

    to_utc(wall_ms, &tm);
    out = put_digits(out, (unsigned)tm.tm_mday, 2);
    *out++ = '/';
    out = put_month_name(out, &tm);
    *out++ = '/';
    out = put_year(out, &tm);
    *out++ = ':';
    out = put_time_of_day(out, &tm);
    *put_text(out, " +0000") = '\0';
}

void clock_format_iso(uint64_t wall_ms, char *out)
{
    struct tm tm;

    to_utc(wall_ms, &tm);
    out = put_year(out, &tm);
    *out++ = '-';
    out = put_digits(out, (unsigned)tm.tm_mon + 1, 2);
    *out++ = '-';
    out = put_digits(out, (unsigned)tm.tm_mday, 2);
    *out++ = 'T';
    out = put_time_of_day(out, &tm);
    *out++ = '.';
    out = put_digits(out, (unsigned)((wall_ms < WALL_MS_MAX ? wall_ms : WALL_MS_MAX) % 1000), 3);
    *put_text(out, "Z") = '\0';
}

void clock_format_basic(uint64_t wall_ms, char *out)
{
    struct tm tm;

    to_utc(wall_ms, &tm);
    out = put_year(out, &tm);
    out = put_digits(out, (unsigned)tm.tm_mon + 1, 2);
    out = put_digits(out, (unsigned)tm.tm_mday, 2);
    *out++ = 'T';
    out = put_digits(out, (unsigned)tm.tm_hour, 2);
    out = put_digits(out, (unsigned)tm.tm_min, 2);
    out = put_digits(out, (unsigned)tm.tm_sec, 2);
    *put_text(out, "Z") = '\0';
}

void clock_format_http(uint64_t wall_ms, char *out)
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    struct tm tm;

    to_utc(wall_ms, &tm);
    out = put_text(out, days[tm.tm_wday]);
    out = put_text(out, ", ");
    out = put_digits(out, (unsigned)tm.tm_mday, 2);
    *out++ = ' ';
    out = put_month_name(out, &tm);
    *out++ = ' ';
    out = put_year(out, &tm);
    *out++ = ' ';
    out = put_time_of_day(out, &tm);
    *put_text(out, " GMT") = '\0';
}
