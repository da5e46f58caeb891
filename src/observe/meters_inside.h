// meters_inside.h -- the stages of a picture, and the registry that counts them.
// Private to meters*.c.
// SPDX-License-Identifier: MIT
#ifndef VLMD_METERS_INSIDE_H
#define VLMD_METERS_INSIDE_H

#include "observe/meters.h"

// X(id, name, target: ms that are too long, 0 = there is no such time)
#define STAGE_TABLE(X)                                                                   \
    X(STAGE_QUEUED, "queued", 0)                                                         \
    X(STAGE_FETCH, "fetch", 10000)                                                       \
    X(STAGE_INSPECT, "inspect", 1000)                                                    \
    X(STAGE_READ, "read", 500)                                                           \
    X(STAGE_DECODE, "decode", 500)                                                       \
    X(STAGE_ENCODE, "encode", 500)                                                       \
    X(STAGE_COMPARE, "compare", 1000)                                                    \
    X(STAGE_RECOGNISE, "recognise", 10000)                                               \
    X(STAGE_PRIVACY, "privacy", 500)                                                     \
    X(STAGE_WAIT, "wait", 0)                                                             \
    X(STAGE_RECORD, "record", 1000)                                                      \
    X(STAGE_CONNECT, "connect", 1000)                                                    \
    X(STAGE_FIRST_BYTE, "first_byte", 0)                                                 \
    X(STAGE_REQUEST, "request", 0) /* by tier */                                         \
    X(STAGE_SAVE, "save", 1000)

enum stage {
#define X(id, name, target_ms) id,
    STAGE_TABLE(X)
#undef X
        STAGES
};

struct meters {
    struct metrics *registry;              // owned
    struct metric_series *stages[STAGES];  // borrowed: of registry
    struct metric_series *turns;           // borrowed: of registry
    int64_t warned_ms[STAGES];             // monotonic, last time one was called slow
};

#endif
