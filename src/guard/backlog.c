// backlog.c -- what a server says about its own queue, as a bound of what it is given at once.
//
//   told                          once              again
//   a queue                       no more than now  what it was seen to run, half at least
//   memory for contexts nearly full   no more than now  (the same)
//   memory for contexts full      no more than now  an eighth less
//   neither                       no bound
//
// One look may fall into the moment between arriving and being taken up, so only the second in
// a row takes something away.
// SPDX-License-Identifier: MIT
#include "guard/guard.h"

// Source: PROTOCOLS.md 10 (feedback rule), LIBRARIES.md 8; measured (tools/simulate).
enum {
    SPARE = 10,  // one in so many may wait, so that no slot is empty for the way there
    LOOKS_TO_LOWER = 2,
    STEP_DOWN = 8,
    LOOK_MS = 5000,  // llama-server notices clients that left only between such questions
    CONFIRM_MS = 2000,
};

static const double kv_full = 0.98;
static const double kv_tight = 0.95;

static int at_least_one(int n)
{
    return n > 1 ? n : 1;
}

static int spare_of(int n)
{
    return 1 + n / SPARE;
}

static bool has_queue(const struct backlog_told *t, int limit)
{
    return t->waiting > spare_of(limit);
}

// As many as the server runs of ours, if everybody waits alike.
static int served(const struct backlog_told *t, int in_flight)
{
    int64_t inside = (int64_t)(t->running > 0 ? t->running : 0) + t->waiting;
    int64_t ours_waiting = ((int64_t)in_flight * t->waiting + inside - 1) / inside;
    int n = at_least_one(in_flight - (int)ours_waiting);
    return n + spare_of(n);
}

static int lowered(const struct backlog_told *t, int in_flight, int limit)
{
    if (!has_queue(t, limit)) {
        return t->kv_share >= kv_full ? limit - at_least_one(limit / STEP_DOWN) : limit;
    }
    int to = served(t, in_flight);
    return to >= limit ? limit : to > limit / 2 ? to : limit / 2;
}

int backlog_hear(struct backlog *b, const struct backlog_told *t, int in_flight,
                 int limit)
{
    bool is_full = t->kv_share >= kv_tight;
    if (t->waiting < 0 && t->kv_share < 0) {
        *b = (struct backlog){0};
    } else if (has_queue(t, limit) || is_full) {
        int to = ++b->looks >= LOOKS_TO_LOWER ? lowered(t, in_flight, limit) : limit;
        b->bound = at_least_one(b->bound > 0 && b->bound < to ? b->bound : to);
    } else {
        b->looks = 0;
        b->bound = t->waiting > 0 ? b->bound : 0;
    }
    return b->bound;
}

int64_t backlog_wait_ms(const struct backlog *b)
{
    return b->looks == 1 ? CONFIRM_MS : LOOK_MS;
}
