// past.c -- see past.h.
// SPDX-License-Identifier: MIT
#include "past.h"

#include "face/face.h"
#include "face/timefmt.h"
#include "out.h"

#include <inttypes.h>
#include <stdio.h>

#define HOUR_MS INT64_C(3600000)

static const struct {
    const char *name, *key;
    enum vlmd_span span;  // of what it is made
    int64_t ms;
} spans[PAST_SPANS] = {
    [PAST_HOUR] = {"past hour", "hour", VLMD_MINUTES, HOUR_MS},
    [PAST_DAY] = {"past day", "day", VLMD_HOURS, 24 * HOUR_MS},
    [PAST_MONTH] = {"past 30 days", "month", VLMD_DAYS, 30 * 24 * HOUR_MS},
};

struct reading {
    struct vlmd_point *total;
    bool is_done;
    int err;
    char message[400];
};

static void on_series(void *arg, int err, const struct vlmd_series *s,
                      const char *message)
{
    struct reading *r = arg;
    *r->total = s->total;
    r->is_done = true;
    r->err = err;
    snprintf(r->message, sizeof(r->message), "%s", message);
}

int past_read(struct cli *c, struct past *p)
{
    for (int i = 0; i < PAST_SPANS; i++) {
        struct reading r = {.total = &p->totals[i]};
        int err = vlmd_series(c->v, spans[i].span, time_wall_ms() - spans[i].ms, 0,
                              on_series, &r);
        int rc = err ? cli_failed("status", err, "it was not accepted")
                     : cli_wait(c, &r.is_done);
        if (rc == 0 && r.err) {
            rc = cli_failed("status", r.err, r.message);
        }
        if (rc) {
            return rc;
        }
    }
    return 0;
}

static void seconds_text(double ms, char *out, size_t size)
{
    snprintf(out, size, ms < 9950 ? "%.1f s" : "%.0f s", ms / 1000);
}

static void print_one(const char *name, const struct vlmd_point *p)
{
    char described[32], tokens[32], p50[32], p95[32];
    int64_t n = p->answered + p->cached + p->duplicate;
    count_text(n, described, sizeof(described));
    count_text(p->prompt_tokens + p->completion_tokens, tokens, sizeof(tokens));
    out_printf("%-12s %s described, %" PRId64 " failed", name, described, p->failed);
    if (p->answers) {
        seconds_text(p->p50_ms, p50, sizeof(p50));
        seconds_text(p->p95_ms, p95, sizeof(p95));
        out_printf("; half in %s, 95%% in %s", p50, p95);
    }
    out_printf("; %s tokens", tokens);
    if (p->cost > 0) {
        out_printf("; %.2f spent", p->cost);
    }
    out_text("\n");
}

void past_print(const struct past *p)
{
    for (int i = 0; i < PAST_SPANS; i++) {
        const struct vlmd_point *one = &p->totals[i];
        if (one->at_ms) {
            print_one(spans[i].name, one);
        }
    }
}

void past_json(struct json_writer *w, const struct past *p)
{
    json_object(w, "history");
    for (int i = 0; i < PAST_SPANS; i++) {
        face_point(w, spans[i].key, &p->totals[i]);
    }
    json_object_end(w);
}
