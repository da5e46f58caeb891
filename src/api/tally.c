// tally.c -- the public interface's counts by day and by program.
// SPDX-License-Identifier: MIT
#include "store/facets.h"

#include "api/call.h"
#include "api/item.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MOST = 4000, DAY_BYTES = 16 };

struct counting {
    struct vlmd *v;
    struct store_facets req;
    char *text, *app, *tag, *path;  // owned: the caller's strings may be gone by then
    vlmd_facets_fn *fn;
    void *arg;
};

static void name_day(int64_t from_ms, char *out)
{
    time_t s = (time_t)(from_ms / 1000);
    struct tm tm;
    localtime_r(&s, &tm);
    strftime(out, DAY_BYTES, "%Y-%m-%d", &tm);
}

static void tell(struct counting *c, int err)
{
    size_t n = err ? 0 : (size_t)c->req.n;
    struct vlmd_facet *facets = mem_zero(sizeof(*facets) * (n + 1));
    char(*days)[DAY_BYTES] = mem_zero(DAY_BYTES * (n + 1));
    for (size_t i = 0; i < n; i++) {
        const struct store_facet *f = &c->req.facets[i];
        if (!f->name) {
            name_day(f->from_ms, days[i]);
        }
        facets[i] = (struct vlmd_facet){
            .name = f->name ? f->name : days[i],
            .from_ms = f->from_ms,
            .until_ms = f->until_ms,
            .n = f->n,
            .described = f->described,
            .failed = f->failed,
            .last_at_ms = f->last_ms,
        };
    }
    c->fn(c->arg, err, facets, (int)n, call_words(&c->req.err, err));
    free(facets);
    free(days);
}

static void end(struct counting *c, int err)
{
    struct vlmd *v = c->v;
    tell(c, err);
    store_facets_fini(&c->req);
    free(c->text);
    free(c->app);
    free(c->tag);
    free(c->path);
    free(c);
    call_end(v);
}

static void on_counted(struct store_facets *r, int err)
{
    end(container_of(r, struct counting, req), err);
}

static void refuse(void *arg)
{
    struct counting *c = arg;
    end(c, c->req.err.code);
}

int vlmd_facets(vlmd *v, enum vlmd_facets_by by, const struct vlmd_query *q,
                vlmd_facets_fn *fn, void *arg)
{
    int rc = call_check(v);
    if (rc) {
        return rc;
    }
    struct counting *c = mem_new(struct counting);
    *c = (struct counting){.v = v, .fn = fn, .arg = arg};
    c->req.by = by == VLMD_FACETS_DAYS ? STORE_FACETS_DAYS : STORE_FACETS_APPS;
    c->req.limit = q->limit > 0 && q->limit < MOST ? (int)q->limit : MOST;
    call_begin(v);
    if (item_filter(q, &c->req.filter, &c->req.err)) {
        return app_post(&v->app, refuse, c);  // taken: see call_check
    }
    c->req.filter.text = c->text = mem_dup(q->text);
    c->req.filter.app = c->app = mem_dup(q->app);
    c->req.filter.tag = c->tag = mem_dup(q->tag);
    c->req.filter.path = c->path = mem_dup(q->path);
    store_facets(v->app.store, &c->req, on_counted);
    return 0;
}
