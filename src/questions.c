// questions.c -- the public interface's questions to the database, and changes of it.
// SPDX-License-Identifier: MIT
#include "base/mem.h"
#include "call.h"
#include "item.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE_ROWS = 256, RANK_MAX_ROWS = 1000 };

// ---- search

struct search {
    struct vlmd *v;
    struct store_query query;
    char *text, *app, *tag, *path;  // owned: the caller's strings may be gone by then
    int64_t left;                   // rows still wanted; INT64_MAX = all
    vlmd_item_fn *on_item;
    vlmd_end_fn *on_end;
    void *arg;
};

static void end_search(struct search *s, int err)
{
    struct vlmd *v = s->v;
    if (s->on_end) {
        s->on_end(s->arg, err, call_words(&s->query.err, err));
    }
    free(s->text);
    free(s->app);
    free(s->tag);
    free(s->path);
    free(s);
    call_end(v);
}

static void on_page(struct store_query *q, int err);

static void ask_page(struct search *s)
{
    s->query.limit = s->left < PAGE_ROWS ? (int)s->left : PAGE_ROWS;
    if (s->query.order == STORE_RANK) {
        s->query.limit = s->left < RANK_MAX_ROWS ? (int)s->left : RANK_MAX_ROWS;
    }
    store_query(s->v->app.store, &s->query, on_page);
}

static void on_page(struct store_query *q, int err)
{
    struct search *s = container_of(q, struct search, query);
    bool goes_on = err == 0;
    int64_t last = 0;
    for (int i = 0; i < q->n && goes_on; i++) {
        struct item_text text;
        struct vlmd_item item;
        item_from_row(&q->rows[i], &text, &item);
        last = item.id;
        goes_on = s->on_item(s->arg, &item);
        s->left--;
    }
    goes_on = goes_on && q->has_more && s->left > 0 && q->order != STORE_RANK;
    store_query_fini(q);
    if (goes_on) {
        q->after_id = last;
        ask_page(s);
    } else {
        end_search(s, err);
    }
}

static enum store_order order_of(enum vlmd_order o)
{
    switch (o) {
    case VLMD_NEWEST: return STORE_NEWEST;
    case VLMD_OLDEST: return STORE_OLDEST;
    case VLMD_BEST: return STORE_RANK;
    }
    return STORE_NEWEST;
}

int vlmd_search(vlmd *v, const struct vlmd_query *q, vlmd_item_fn *on_item,
                vlmd_end_fn *on_end, void *arg)
{
    struct err why = {0};
    struct store_filter filter;
    int rc = item_filter(q, &filter, &why);
    if (rc) {
        return rc;
    }
    struct search *s = mem_new(struct search);
    *s = (struct search){.v = v,
                         .on_item = on_item,
                         .on_end = on_end,
                         .arg = arg,
                         .left = q->limit > 0 ? q->limit : INT64_MAX};
    s->query.filter = filter;
    s->query.filter.text = s->text = mem_dup(q->text);
    s->query.filter.app = s->app = mem_dup(q->app);
    s->query.filter.tag = s->tag = mem_dup(q->tag);
    s->query.filter.path = s->path = mem_dup(q->path);
    s->query.order = order_of(q->order);
    call_begin(v);
    ask_page(s);
    return 0;
}

// ---- history

struct history {
    struct vlmd *v;
    struct store_history req;
    vlmd_attempt_fn *on_attempt;
    vlmd_end_fn *on_end;
    void *arg;
};

static void on_history(struct store_history *r, int err)
{
    struct history *h = container_of(r, struct history, req);
    struct vlmd *v = h->v;
    for (int i = 0; err == 0 && i < r->n; i++) {
        const struct store_attempt *a = &r->attempts[i];
        struct vlmd_attempt out = {
            .at_ms = a->at_ms,
            .backend = a->backend,
            .model = a->model,
            .error_class = a->code ? err_name(a->code) : "",
            .message = a->words,
            .request_ms = a->request_ms,
        };
        h->on_attempt(h->arg, &out);
    }
    if (h->on_end) {
        h->on_end(h->arg, err, call_words(&r->err, err));
    }
    store_history_fini(r);
    free(h);
    call_end(v);
}

int vlmd_history(vlmd *v, int64_t id, vlmd_attempt_fn *on_attempt, vlmd_end_fn *on_end,
                 void *arg)
{
    struct history *h = mem_new(struct history);
    *h = (struct history){.v = v, .on_attempt = on_attempt, .on_end = on_end, .arg = arg};
    h->req.id = id;
    call_begin(v);
    store_history(v->app.store, &h->req, on_history);
    return 0;
}

// ---- change

struct change {
    struct vlmd *v;
    struct store_change req;
    char *text, *app, *tag, *path;  // owned
    vlmd_change_fn *fn;
    void *arg;
};

static void on_changed(struct store_change *r, int err)
{
    struct change *c = container_of(r, struct change, req);
    struct vlmd *v = c->v;
    if (c->fn) {
        c->fn(c->arg, err, r->n, call_words(&r->err, err));
    }
    free(c->text);
    free(c->app);
    free(c->tag);
    free(c->path);
    free(c);
    if (v->app.schedule) {
        schedule_wake(v->app.schedule);
    }
    call_end(v);
}

static enum store_action action_of(enum vlmd_action a)
{
    switch (a) {
    case VLMD_RETRY: return STORE_RETRY;
    case VLMD_REDO: return STORE_REDO;
    case VLMD_DROP: return STORE_DROP;
    }
    return STORE_RETRY;
}

int vlmd_change(vlmd *v, enum vlmd_action action, const struct vlmd_query *q, bool all,
                vlmd_change_fn *fn, void *arg)
{
    struct err why = {0};
    struct store_filter filter;
    int rc = item_filter(q, &filter, &why);
    if (rc) {
        return rc;
    }
    struct change *c = mem_new(struct change);
    c->v = v;
    c->fn = fn;
    c->arg = arg;
    c->req.action = action_of(action);
    c->req.all = all;
    c->req.filter = filter;
    c->req.filter.text = c->text = mem_dup(q->text);
    c->req.filter.app = c->app = mem_dup(q->app);
    c->req.filter.tag = c->tag = mem_dup(q->tag);
    c->req.filter.path = c->path = mem_dup(q->path);
    call_begin(v);
    store_change(v->app.store, &c->req, on_changed);
    return 0;
}
