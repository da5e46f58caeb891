// route_privacy.c -- what was decided and sent.
// SPDX-License-Identifier: MIT
#include "admin_inside.h"

#include "base/mem.h"
#include "vlmd_privacy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { PAGE_DEFAULT = 50, PAGE_MAX = 500 };

static bool read_times(struct exchange *x, struct vlmd_audit_query *q)
{
    *q = (struct vlmd_audit_query){.order = VLMD_NEWEST};
    return param_time(x, "since", false, &q->since_ms) &&
           param_time(x, "until", true, &q->until_ms);
}

static void on_totals(void *arg, int err, const struct vlmd_audit_totals *t,
                      const char *message)
{
    struct exchange *x = arg;
    if (answer_begin(x, err, message)) {
        face_audit_totals(&x->w, t);
        answer_end(x);
    }
}

void route_privacy_report(struct exchange *x)
{
    struct vlmd_audit_query q;
    if (!read_times(x, &q)) {
        return;
    }
    exchange_hold(x);
    exchange_asked(x, vlmd_audit_totals(x->admin->v, &q, on_totals, x));
}

// ---- rows, page by page: a cursor is the last row's time and number

struct listing {
    int64_t limit, n, last_ms, last_seq;
    bool has_more;
};

static bool on_row(void *arg, const struct vlmd_audit_row *r)
{
    struct exchange *x = arg;
    struct listing *l = x->state;
    if (l->n == l->limit) {
        l->has_more = true;
        return false;
    }
    l->n++;
    l->last_ms = r->at_ms;
    l->last_seq = r->seq;
    face_audit_row(&x->w, r);
    return x->http && x->w.rc == 0;
}

static void on_end(void *arg, int err, const char *message)
{
    struct exchange *x = arg;
    struct listing *l = x->state;
    char next[64];
    if (err) {
        reply_failed(x, err, message);
    } else {
        snprintf(next, sizeof(next), "%" PRId64 ".%" PRId64, l->last_ms, l->last_seq);
        json_array_end(&x->w);
        json_str(&x->w, "next", l->has_more ? next : NULL);
        json_object_end(&x->w);
        reply_json(x, 200);
    }
    exchange_drop(x);
}

static bool read_cursor(struct exchange *x, struct vlmd_audit_query *q)
{
    const char *s = httpd_param(x->http, "cursor");
    int end = 0;
    bool is_good =
        !s || !*s ||
        (sscanf(s, "%" SCNd64 ".%" SCNd64 "%n", &q->after_ms, &q->after_seq, &end) == 2 &&
         !s[end] && q->after_seq > 0);
    if (!is_good) {
        reply_error(x, 400, "cursor", "it is not of a page");
    }
    return is_good;
}

void route_privacy_audit(struct exchange *x)
{
    struct vlmd_audit_query q;
    struct listing *l = mem_new(struct listing);
    x->state = l;
    x->free_state = free;
    if (!read_times(x, &q) ||
        !param_int(x, "limit", 1, PAGE_MAX, PAGE_DEFAULT, &l->limit) ||
        !read_cursor(x, &q)) {
        return;
    }
    reply_begin(x);
    json_object(&x->w, NULL);
    json_array(&x->w, "rows");
    exchange_hold(x);
    exchange_asked(x, vlmd_audit(x->admin->v, &q, on_row, on_end, x));
}

static void on_checked(void *arg, int err, const struct vlmd_audit_check *c,
                       const char *message)
{
    struct exchange *x = arg;
    if (answer_begin(x, err, message)) {
        face_audit_check(&x->w, c);
        answer_end(x);
    }
}

void route_privacy_verify(struct exchange *x)
{
    exchange_hold(x);
    exchange_asked(x, vlmd_audit_verify(x->admin->v, NULL, on_checked, x));
}
