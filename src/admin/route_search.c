// route_search.c -- lists of pictures, page by page, and what there is by day and program.
//
// A cursor names the last item of a page and its order; pictures that come in between do
// not move it.  One item more than wanted is asked for, to know whether there is a next
// page.
// SPDX-License-Identifier: MIT
#include "admin_inside.h"
#include "share.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_DEFAULT = 50, PAGE_MAX = 500 };

enum order { BY_TAKEN, BY_NEWEST, BY_OLDEST, BY_BEST };
#define ORDERS "taken|newest|oldest|best"
static const char cursor_letters[] = "tno";

struct listing {
    enum order order;
    int64_t limit, n;
    bool has_more;
    bool only_described;
    int64_t last_id, last_at_ms;
};

static bool parse_cursor(struct exchange *x, enum order order, struct vlmd_query *q)
{
    const char *s = param_text(x, "cursor");
    int end = 0;
    if (!s || !*s) {
        return true;
    }
    bool is_good = order != BY_BEST && s[0] == cursor_letters[order] &&
                   sscanf(s + 1, "%" SCNd64 ".%" SCNd64 "%n", &q->after_at_ms,
                          &q->after_id, &end) == 2 &&
                   s[1 + end] == 0 && q->after_id > 0;
    if (!is_good) {
        reply_error(x, 400, "cursor", "it is not of a page in this order");
    }
    return is_good;
}

static enum vlmd_order order_of(enum order o)
{
    switch (o) {
    case BY_TAKEN: return VLMD_TAKEN;
    case BY_NEWEST: return VLMD_NEWEST;
    case BY_OLDEST: return VLMD_OLDEST;
    case BY_BEST: return VLMD_BEST;
    }
    return VLMD_TAKEN;
}

static bool on_item(void *arg, const struct vlmd_item *it)
{
    struct exchange *x = arg;
    struct listing *l = x->state;
    if (l->only_described && !it->has_description) {
        return true;
    }
    if (l->n == l->limit) {
        l->has_more = true;
        return false;
    }
    l->n++;
    l->last_id = it->id;
    l->last_at_ms = it->at_ms;
    json_object(&x->w, NULL);
    face_item(&x->w, it);
    json_object_end(&x->w);
    return share_is_wanted(x) && x->w.rc == 0;
}

static void on_end(void *arg, int err, const char *message)
{
    struct exchange *x = arg;
    struct listing *l = x->state;
    char cursor[64];
    if (err) {
        reply_failed(x, err, message);
    } else {
        json_array_end(&x->w);
        snprintf(cursor, sizeof(cursor), "%c%" PRId64 ".%" PRId64,
                 l->has_more && l->order != BY_BEST ? cursor_letters[l->order] : ' ',
                 l->last_at_ms, l->last_id);
        json_str(&x->w, "next", cursor[0] == ' ' ? NULL : cursor);
        json_object_end(&x->w);
        reply_json(x, 200);
    }
    exchange_drop(x);
}

static void list_items(struct exchange *x, bool only_described)
{
    struct vlmd_query q;
    int order;
    int64_t limit;
    if (!param_query(x, &q) || !param_choice(x, "order", ORDERS, -1, &order) ||
        !param_int(x, "limit", 1, PAGE_MAX, PAGE_DEFAULT, &limit)) {
        return;
    }
    order = order >= 0 ? order : q.text ? BY_BEST : BY_TAKEN;
    if (!parse_cursor(x, (enum order)order, &q)) {
        return;
    }
    struct listing *l = mem_new(struct listing);
    *l = (struct listing){
        .order = (enum order)order, .limit = limit, .only_described = only_described};
    x->state = l;
    x->free_state = free;
    q.order = order_of(l->order);
    q.limit = only_described ? 0 : limit + 1;
    q.state = only_described ? "ended" : q.state;
    reply_begin(x);
    json_object(&x->w, NULL);
    json_array(&x->w, "items");
    exchange_hold(x);
    exchange_asked(x, vlmd_search(x->admin->v, &q, on_item, on_end, x));
}

void route_search(struct exchange *x)
{
    list_items(x, false);
}

void route_results(struct exchange *x)
{
    list_items(x, true);
}

// ---- counts

static void write_day(struct json_writer *w, const struct vlmd_facet *f)
{
    json_object(w, NULL);
    json_str(w, "day", f->name);
    json_int(w, "from_ms", f->from_ms);
    json_int(w, "until_ms", f->until_ms);
    json_int(w, "n", f->n);
    json_int(w, "described", f->described);
    json_int(w, "failed", f->failed);
    json_object_end(w);
}

static void write_app(struct json_writer *w, const struct vlmd_facet *f)
{
    json_object(w, NULL);
    json_str(w, "app", f->name);
    json_int(w, "n", f->n);
    json_int(w, "described", f->described);
    face_time(w, "last_at", f->last_at_ms);
    json_object_end(w);
}

static void reply_facets(struct exchange *x, int err, const struct vlmd_facet *facets,
                         int n, const char *message, const char *name,
                         void (*write)(struct json_writer *w, const struct vlmd_facet *f))
{
    if (err) {
        reply_failed(x, err, message);
    } else {
        reply_begin(x);
        json_object(&x->w, NULL);
        json_array(&x->w, name);
        for (int i = 0; i < n; i++) {
            write(&x->w, &facets[i]);
        }
        json_array_end(&x->w);
        json_object_end(&x->w);
        reply_json(x, 200);
    }
    exchange_drop(x);
}

static void on_days(void *arg, int err, const struct vlmd_facet *facets, int n,
                    const char *message)
{
    reply_facets(arg, err, facets, n, message, "days", write_day);
}

static void on_apps(void *arg, int err, const struct vlmd_facet *facets, int n,
                    const char *message)
{
    reply_facets(arg, err, facets, n, message, "apps", write_app);
}

static void count(struct exchange *x, enum vlmd_facets_by by, int64_t most, int64_t usual,
                  vlmd_facets_fn *fn)
{
    struct vlmd_query q;
    if (!param_query(x, &q) || !param_int(x, "limit", 1, most, usual, &q.limit)) {
        return;
    }
    exchange_hold(x);
    exchange_asked(x, vlmd_facets(x->admin->v, by, &q, fn, x));
}

void route_days(struct exchange *x)
{
    count(x, VLMD_FACETS_DAYS, 4000, 400, on_days);
}

void route_apps(struct exchange *x)
{
    count(x, VLMD_FACETS_APPS, 500, 100, on_apps);
}
