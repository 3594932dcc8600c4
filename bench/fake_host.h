/* fake_host.h - function/process.h for counting instructions: apigw-host is played in the same process, on the host's
 * side of a real channel. Its own instructions are nobody's: what it does is done between two measured stretches. */
#ifndef BENCH_FAKE_HOST_H
#define BENCH_FAKE_HOST_H

#include <stdint.h>

/* Every host that was started reads what it was handed, and answers each event with its body and status 200. */
void fake_host_step(void);

/* How many events were answered so far. */
uint64_t fake_host_answered(void);

#endif
