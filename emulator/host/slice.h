/* slice.h - how soon the scheduler lets the host run when it is woken. */
#ifndef HOST_SLICE_H
#define HOST_SLICE_H

/* Asks for the shortest slices of the CPU: of two processes on one CPU Linux 6.12 and later prefers the one with the
 * shorter slice when it wakes, so a handler's process goes before the emulator that has woken it, and the emulator
 * finds the answer when it goes on. The share of the CPU that the process has stays what it is; what it starts inherits
 * this. Where the kernel does not know of it, or forbids it, nothing changes. sched(7), sched_setattr(2). */
void slice_shorten(void);

#endif
