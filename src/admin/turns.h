// turns.h -- how long the next requests have to wait so that describing goes first, pure.
//
// What requests cost is paid off at a fixed rate: a share of the processors.  Little is
// always there in advance, so that who asks now and then never waits; who asks without end
// gets the share, and is answered in turns of many at a time.  Nobody starves: the wait has
// a limit, and what could not be paid off in it is forgiven.
// Thread: any.
// SPDX-License-Identifier: MIT
#ifndef VLMD_ADMIN_TURNS_H
#define VLMD_ADMIN_TURNS_H

#include <stdbool.h>
#include <stdint.h>

struct turns_config {
    int share_pct;        // of all processors together
    int processors;       // at least 1
    int64_t ahead_us;     // of processor time that quiet times save up
    int64_t max_wait_us;  // of a request
};

struct turns {
    int64_t owed_us;  // negative: saved up
    int64_t at_us;    // monotonic, when it was so much; 0 = never
};

// Requests took spent_us since the last call.  Returns how many us the next ones wait from
// now on; 0 = not at all.
int64_t turns_wait_us(struct turns *t, const struct turns_config *c, int64_t spent_us,
                      int64_t now_us);

// How far apart turns may be so that nearly all who ask are answered in time: the better
// turns are kept to, the rarer, and so the cheaper, they are.  While processors have
// nothing better to do cheap is no aim.
struct turns_pace {
    int64_t most_us;    // from one turn to the next, when all goes well
    int64_t least_us;   // and when the machine is busy with other things
    int64_t spare_us;   // and when there are processors to spare
    int64_t within_us;  // of being asked is answered, if it can be
    int64_t excess_us;  // what comes on top of it, but for the worst of a hundred turns
    int64_t took_us;    // the last turn
    int busy;           // of the last turns found all processors taken; of TURNS_ALL
};

enum { TURNS_ALL = 1024 };

// A turn began late_us after it was due, took_us, and found all processors taken or not.
// Returns how long after it the next one is to begin.
int64_t turns_pace_us(struct turns_pace *p, int64_t late_us, int64_t took_us,
                      bool is_busy);

#endif
