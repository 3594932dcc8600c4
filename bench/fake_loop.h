/* fake_loop.h - net/loop.h for counting instructions: no library beneath, and timers never fire. Time and chance are
 * played too: each look at a clock finds it a microsecond later, and ids are the same ones in every run. */
#ifndef BENCH_FAKE_LOOP_H
#define BENCH_FAKE_LOOP_H

#include "net/loop.h"

/* Calls back for the descriptors that are readable now, and then for what was deferred until the end of the turn. */
void fake_loop_turn(struct loop *loop);

#endif
