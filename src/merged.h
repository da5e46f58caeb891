// merged.h -- which jobs went into others.
//
// The row of a file that was only touched goes into the older one of the same contents when
// it is read (store/save.c).  Who was given its id asks for it under that one; the last of them
// are remembered for as long as the process runs.
// Thread: loop.
// SPDX-License-Identifier: MIT
#ifndef VLMD_MERGED_H
#define VLMD_MERGED_H

#include <stdint.h>

enum { MERGED_KEPT = 256 };

struct merged {
    struct {
        int64_t was, now;
    } kept[MERGED_KEPT];  // a ring
    unsigned n;           // so far
};

void merged_note(struct merged *m, int64_t was, int64_t now);
// The id that the job has now; id itself, unless it went into another.
int64_t merged_now(const struct merged *m, int64_t id);

#endif
