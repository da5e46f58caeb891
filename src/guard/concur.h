// concur.h -- how many requests one server is given at once, found by trying.
//
// Maximises U(L) = ln X(L) - e * ln L: throughput, less a price for every slot held.  By
// Little's law X = L * sum(work) / sum(latency), so with r = sum(latency) / sum(work)
//
//     U(L) = (1 - e) * ln L - ln r
//
// and only r has to be measured.  Latency alone cannot tell a queue from a batch that grows;
// U can: where more in flight only wait, r grows as L does and U falls.
// Pure, like all of guard/: the caller says what began and ended, and when.
// Included by guard.h.
// Source: L. Kleinrock, Power and Deterministic Rules of Thumb, 1979 (e = 1 / (1 + a) for
// power X^a / T); the numbers: measured (tools/simulate).
// SPDX-License-Identifier: MIT
#ifndef VLMD_GUARD_CONCUR_H
#define VLMD_GUARD_CONCUR_H

#include <stdbool.h>
#include <stdint.h>

struct concur_config {
    double elasticity;  // e: growth of throughput per growth of L that is still worth it
    int start;          // first limit, at least 1
    int max;            // never more, at least 1
    int slots;          // what the server says it runs at once; 0 = not told
};

enum concur_phase {
    CONCUR_START,   // doubling
    CONCUR_CRUISE,  // holding the best known limit
    CONCUR_UP,      // trying a higher one
    CONCUR_DOWN     // trying a lower one
};

enum concur_outcome {
    CONCUR_OK,        // an answer, whatever it was worth
    CONCUR_OVERLOAD,  // 429, 503, timed out, connection refused
    CONCUR_NOTHING    // canceled, or wrong for reasons of its own
};

struct concur_end {
    unsigned mark;  // what concur_began gave
    enum concur_outcome outcome;
    int64_t latency_ms;
    int64_t tokens;  // completion tokens; -1 = not told
};

// What one limit was measured with.
struct concur_sums {
    int n;
    double latency, work;  // ms, tokens
    double latency2, cross, work2;
};

struct concur {
    enum concur_phase phase;
    int limit;
    int in_flight;
    unsigned mark;            // of requests begun under this limit
    int settling;             // ends to pass over before the limit can be judged
    struct concur_sums sums;  // of this epoch
    int best;                 // the limit that base_u was measured with; 0 = none
    double base_u, base_variance;
    int epochs;        // of CRUISE that base_u is the mean of; 0 = it is that of a try
    int rest;          // epochs of CRUISE until the next try
    int ups;           // tries up since the last one down
    bool is_below;     // the last try down cost throughput: nothing waits at the server
    int wins, losses;  // tries in a row that were better, and not
    double stride;     // how far the next try goes
    double ceiling;    // after an overload, rising again
    int bound;         // what the server's own words allow; 0 = nothing was said
    int64_t cut_ms;    // monotonic; of the last overload that counted
    bool has_cut;
    int64_t idle_ms;  // monotonic; since when nothing is in flight
};

void concur_config_default(struct concur_config *c);
void concur_init(struct concur *l, const struct concur_config *c);
// Another server, model or configuration: begins anew at c->start; what is in flight stays.
void concur_restart(struct concur *l, const struct concur_config *c);
// The server was away: begins anew at half of what it was given.
void concur_resume(struct concur *l, const struct concur_config *c);
// Call for each request sent; give the result back as mark when it ends.
unsigned concur_began(struct concur *l, int64_t now_ms);
// Takes the end of a request into account; the limit may be another one afterwards.
void concur_ended(struct concur *l, const struct concur_config *c,
                  const struct concur_end *e, int64_t now_ms);
// What the server says of itself (backlog.h) allows no more than bound, 0 = it says nothing.
// The limit comes down to it at once, and is not raised above it.
void concur_bind(struct concur *l, const struct concur_config *c, int bound);
// The limit worth keeping for the next run; 0 = nothing learned yet.
int concur_learned(const struct concur *l);
const char *concur_phase_name(enum concur_phase p);  // "start", "cruise", "up", "down"

#endif
