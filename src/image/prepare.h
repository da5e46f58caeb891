// prepare.h -- one picture from file to small JPEG, in the calling thread.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IMAGE_PREPARE_H
#define VLMD_IMAGE_PREPARE_H

#include "image/arena.h"
#include "image/image.h"

#include <stdatomic.h>

// Bytes that all workers together may hold.
struct budget {
    int64_t max;
    atomic_llong used;
};

// A thread's own context.  Belongs to its thread while work is queued or running, else to
// the loop thread.
struct worker {
    struct budget *budget;  // borrowed: as long as the worker
    struct arena arena;
    int64_t held;  // of the budget
    int64_t keep;  // bytes that may stay between two pictures
};

// Does the whole work; words for a person in r->err.
// Errors: as image_prepare, and E_BUSY: others hold too much of the budget just now.
MUST_USE int picture_prepare(struct image_req *r, const struct image_config *c,
                             struct worker *w);
// Gives all memory and budget back.
void worker_release(struct worker *w);

#endif
