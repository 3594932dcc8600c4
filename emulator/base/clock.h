/* clock.h - the only place that reads the time.
 *
 * Both clocks are the system's plus one offset that clock_advance_ms moves forward, so that a limit of hours can be
 * tested in a moment. Loop thread only. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Milliseconds and nanoseconds that never go back; for deadlines and durations. */
uint64_t clock_mono_ms(void);
uint64_t clock_mono_ns(void);

/* clock_mono_ms as if it had never been moved: for how long others have taken that do not know of the move. */
uint64_t clock_system_ms(void);

/* Milliseconds since 1970-01-01T00:00:00Z; for what people and clients read. */
uint64_t clock_wall_ms(void);

/* What clock_mono_ns adds to CLOCK_MONOTONIC: to read a stamp that another process took. */
uint64_t clock_offset_ns(void);

void clock_advance_ms(uint64_t ms);

/* Until the release the clocks stand still, unless they are moved forward: what one message does is done at one moment,
 * and the system is asked for it once. For short work that waits for nothing. Nests. */
void clock_hold(void);
void clock_release(void);

/* "11/Nov/2024:11:35:24 +0000", as in requestContext.requestTime. `out` holds CLOCK_CLF_SIZE. */
#define CLOCK_CLF_SIZE 27
void clock_format_clf(uint64_t wall_ms, char *out);

/* "2020-11-15T12:23:14.726Z", as in GET @connections. */
#define CLOCK_ISO_SIZE 25
void clock_format_iso(uint64_t wall_ms, char *out);

/* "20201115T122314Z", as in signatures. */
#define CLOCK_BASIC_SIZE 17
void clock_format_basic(uint64_t wall_ms, char *out);

/* "Sun, 15 Nov 2020 12:23:14 GMT", as in an HTTP Date header. */
#define CLOCK_HTTP_SIZE 30
void clock_format_http(uint64_t wall_ms, char *out);

#endif
