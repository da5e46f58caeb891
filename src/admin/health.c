// health.c -- unhealthy: nothing is described until somebody acts.  degraded: it works, less
// well.
// SPDX-License-Identifier: MIT
#include "health.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void say(struct health *h, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void say(struct health *h, const char *fmt, ...)
{
    va_list ap;
    if (h->n_problems == HEALTH_MAX_PROBLEMS) {
        return;
    }
    va_start(ap, fmt);
    vsnprintf(h->problems[h->n_problems++], sizeof(h->problems[0]), fmt, ap);
    va_end(ap);
}

static bool is_model(const struct vlmd_backend_status *b)
{
    return strcmp(b->kind, "ocr") != 0 && strcmp(b->state, "unknown") != 0 &&
           strcmp(b->state, "standby") != 0;
}

// Guesses nobody ever answered at are no backends.
static bool is_guess(const struct vlmd_backend_status *b)
{
    return !*b->kind && strcmp(b->state, "away") == 0;
}

static int judge_backends(const struct vlmd_stats *stats, struct health *h)
{
    int ready = 0;
    for (int i = 0; i < stats->n_backends; i++) {
        const struct vlmd_backend_status *b = &stats->backends[i];
        if (!is_model(b)) {
            continue;
        }
        bool is_ready = strcmp(b->state, "ready") == 0;
        ready += is_ready;
        if (!is_ready && !is_guess(b)) {
            say(h, "backend %s is %s%s%s", b->url, b->state, *b->reason ? ": " : "",
                b->reason);
        }
    }
    return ready;
}

void health_judge(const struct vlmd_stats *stats, const struct vlmd_status *s,
                  struct health *out)
{
    *out = (struct health){.status = "healthy"};
    int ready = judge_backends(stats, out);
    if (!ready) {
        say(out, "no model is reachable");
    }
    if (stats->is_paused) {
        say(out, "paused: %s", stats->paused_because);
    }
    if (!s) {
        say(out, "the database does not answer");
    } else if (s->degraded) {
        say(out, "%lld pictures are described by text recognition only",
            (long long)s->degraded);
    }
    bool is_stuck = !s || (stats->is_paused && !ready);
    out->status = is_stuck ? "unhealthy" : out->n_problems ? "degraded" : "healthy";
}
