// errors.c -- the one ring of errors: fed by the spine, read through the public interface.
// SPDX-License-Identifier: MIT
#include "observe/errors.h"

#include "api/call.h"
#include "base/log.h"

#include <string.h>

void errors_note(void *arg, const struct err_note *note)
{
    struct app *a = arg;
    int64_t now = loop_now_ms(&a->loop);
    const struct err_group *g = err_ring_add(a->errors, note, loop_wall_ms(), now);
    if (g) {
        log_warn("errors", "class=%s%s%s spike: %.0f in the last minute, usually %.1f",
                 err_name(g->code), g->backend[0] ? " backend=" : "", g->backend,
                 err_group_per_min(g, now), err_group_usual(g, now));
    }
}

double errors_per_min(const struct app *a)
{
    double sum = 0;
    for (int i = 0; i < a->errors->n_groups; i++) {
        sum += err_group_per_min(&a->errors->groups[i], loop_now_ms(&a->loop));
    }
    return sum;
}

int errors_spikes(const struct app *a)
{
    int n = 0;
    for (int i = 0; i < a->errors->n_groups; i++) {
        n += err_group_has_spike(&a->errors->groups[i], loop_now_ms(&a->loop));
    }
    return n;
}

// ---- rows

// Names of the query, looked up once.
struct wanted {
    int code, category, severity;  // 0, -1, LOW = any
};

static bool is_given(const char *s)
{
    return s && *s;
}

static int look_up(const struct vlmd_error_query *q, struct wanted *w)
{
    *w = (struct wanted){.category = -1, .severity = ERR_LOW};
    if (is_given(q->error_class) && !(w->code = err_by_name(q->error_class))) {
        return E_USAGE;
    }
    if (is_given(q->category) && (w->category = err_category_by_name(q->category)) < 0) {
        return E_USAGE;
    }
    if (is_given(q->severity) && (w->severity = err_severity_by_name(q->severity)) < 0) {
        return E_USAGE;
    }
    return 0;
}

static bool is_wanted(const struct err_row *r, const struct vlmd_error_query *q,
                      const struct wanted *w)
{
    return (w->code == 0 || r->code == w->code) &&
           (w->category < 0 || (int)err_category(r->code) == w->category) &&
           (int)err_severity(r->code) >= w->severity &&
           (!is_given(q->backend) || strcmp(r->backend, q->backend) == 0) &&
           (!is_given(q->correlation_id) || strcmp(r->cid, q->correlation_id) == 0) &&
           (q->job == 0 || r->job == q->job);
}

static bool tell_row(const struct err_row *r, vlmd_error_row_fn *fn, void *arg)
{
    const struct vlmd_error_row row = {
        .seq = r->seq,
        .at_ms = r->at_ms,
        .error_class = err_name(r->code),
        .category = err_category_name(err_category(r->code)),
        .severity = err_severity_name(err_severity(r->code)),
        .is_recoverable = err_is_recoverable(r->code),
        .stage = r->stage,
        .backend = r->backend,
        .job = r->job,
        .correlation_id = r->cid,
        .words = r->words,
        .todo = err_todo(r->code),
    };
    return fn(arg, &row);
}

int vlmd_errors(vlmd *v, const struct vlmd_error_query *query, vlmd_error_row_fn *fn,
                void *arg)
{
    static const struct vlmd_error_query all;
    const struct vlmd_error_query *q = query ? query : &all;
    struct wanted w;
    int rc = look_up(q, &w);
    if (rc) {
        return rc;
    }
    int64_t left = q->limit > 0 ? q->limit : ERR_RING_ROWS;
    const struct err_row *r;
    for (int i = 0; left > 0 && (r = err_ring_at(v->app.errors, i)); i++) {
        if (r->seq <= q->after_seq) {
            break;
        }
        if (is_wanted(r, q, &w)) {
            left--;
            if (!tell_row(r, fn, arg)) {
                break;
            }
        }
    }
    return 0;
}

// ---- kinds

static void fill_kind(const struct err_group *g, int64_t now_ms,
                      struct vlmd_error_kind *out)
{
    *out = (struct vlmd_error_kind){
        .error_class = err_name(g->code),
        .category = err_category_name(err_category(g->code)),
        .severity = err_severity_name(err_severity(g->code)),
        .backend = g->backend,
        .total = g->total,
        .first_at_ms = g->first_at_ms,
        .last_at_ms = g->last_at_ms,
        .per_min = err_group_per_min(g, now_ms),
        .usual_per_min = err_group_usual(g, now_ms),
        .is_spike = err_group_has_spike(g, now_ms),
    };
}

void vlmd_error_kinds(vlmd *v, vlmd_error_kind_fn *fn, void *arg)
{
    const struct err_ring *r = v->app.errors;
    for (int i = 0; i < r->n_groups; i++) {
        struct vlmd_error_kind kind;
        fill_kind(&r->groups[i], loop_now_ms(&v->app.loop), &kind);
        if (!fn(arg, &kind)) {
            return;
        }
    }
}
