// err_ring.c -- a ring of rows, and per kind two counts that decay.
//
// A decaying count needs no history: n events a minute, kept up for long, let one with the
// time constant T minutes come to n * T.
// SPDX-License-Identifier: MIT
#include "base/err_ring.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define MINUTE_MS     60000.0
#define HOUR_MS       3600000.0
#define SPIKE_LEAST   5.0  // in the last minute
#define SPIKE_BEGINS  4.0  // times what is usual
#define SPIKE_GOES_ON 2.0
#define SPIKE_OVER    1.0  // in the last minute

static void copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from ? from : "");
}

static double decayed(double count, double constant_ms, int64_t passed_ms)
{
    return passed_ms > 0 ? count * exp(-(double)passed_ms / constant_ms) : count;
}

double err_group_per_min(const struct err_group *g, int64_t now_ms)
{
    return decayed(g->recent, MINUTE_MS, now_ms - g->counted_ms);
}

double err_group_usual(const struct err_group *g, int64_t now_ms)
{
    return decayed(g->usual, HOUR_MS, now_ms - g->counted_ms) * (MINUTE_MS / HOUR_MS);
}

// Two thresholds, so that one that is about as high does not begin again and again.
bool err_group_has_spike(const struct err_group *g, int64_t now_ms)
{
    double recent = err_group_per_min(g, now_ms);
    return g->is_spike && recent >= SPIKE_OVER &&
           recent >= SPIKE_GOES_ON * err_group_usual(g, now_ms);
}

// ---- groups

static bool is_of(const struct err_group *g, int code, const char *backend)
{
    return g->code == code &&
           strncmp(g->backend, backend ? backend : "", sizeof(g->backend) - 1) == 0;
}

// When there is no room, the kind that has not come for longest makes it.
static struct err_group *group_for(struct err_ring *r, const struct err_note *n,
                                   int64_t at_ms, int64_t now_ms)
{
    struct err_group *oldest = &r->groups[0];
    for (int i = 0; i < r->n_groups; i++) {
        struct err_group *g = &r->groups[i];
        if (is_of(g, n->code, n->backend)) {
            return g;
        }
        oldest = g->counted_ms < oldest->counted_ms ? g : oldest;
    }
    struct err_group *g =
        r->n_groups < ERR_RING_GROUPS ? &r->groups[r->n_groups++] : oldest;
    *g = (struct err_group){.code = n->code, .first_at_ms = at_ms, .counted_ms = now_ms};
    copy(g->backend, sizeof(g->backend), n->backend);
    return g;
}

static bool count(struct err_group *g, int64_t at_ms, int64_t now_ms)
{
    bool had_spike = err_group_has_spike(g, now_ms);
    int64_t passed = now_ms - g->counted_ms;
    g->recent = decayed(g->recent, MINUTE_MS, passed) + 1;
    g->usual = decayed(g->usual, HOUR_MS, passed) + 1;
    g->counted_ms = now_ms;
    g->total++;
    g->last_at_ms = at_ms;
    g->is_spike = had_spike || (g->recent >= SPIKE_LEAST &&
                                g->recent >= SPIKE_BEGINS * err_group_usual(g, now_ms));
    return g->is_spike && !had_spike;
}

// ---- public

const struct err_group *err_ring_add(struct err_ring *r, const struct err_note *n,
                                     int64_t at_ms, int64_t now_ms)
{
    struct err_row *row = &r->rows[r->total % ERR_RING_ROWS];
    *row = (struct err_row){
        .seq = ++r->total, .at_ms = at_ms, .code = n->code, .job = n->job};
    copy(row->cid, sizeof(row->cid), n->cid);
    copy(row->stage, sizeof(row->stage), n->stage);
    copy(row->backend, sizeof(row->backend), n->backend);
    copy(row->words, sizeof(row->words), n->words);
    struct err_group *g = group_for(r, n, at_ms, now_ms);
    return count(g, at_ms, now_ms) ? g : NULL;
}

const struct err_row *err_ring_at(const struct err_ring *r, int i)
{
    if (i < 0 || i >= ERR_RING_ROWS || i >= r->total) {
        return NULL;
    }
    return &r->rows[(r->total - 1 - i) % ERR_RING_ROWS];
}
