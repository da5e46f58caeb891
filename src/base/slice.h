// slice.h -- how long a thread runs at a time while others want the processor too.
//
// Not how much it gets, which is nice(1): a thread with a short slice is let before those
// that are busy as soon as it wakes, and gives way as soon.
// Thread: any.
// SPDX-License-Identifier: MIT
#ifndef VLMD_BASE_SLICE_H
#define VLMD_BASE_SLICE_H

// The calling thread's is short from now on; its threads and children have the usual one.
// A kernel that does not know of it (Linux before 6.12) changes nothing.
void slice_make_short(void);

#endif
